package advisor

// Stakes is what the user says matters. Amounts are US dollars.
type Stakes struct {
	USDPerNat          float64 `json:"usd_per_nat" yaml:"usd_per_nat"`           // value of one nat of held-out loss over the whole horizon in months
	USDPerPoint        float64 `json:"usd_per_point" yaml:"usd_per_point"`       // value of one percentage point of accuracy
	ErrorsPerMonth     float64 `json:"errors_per_month" yaml:"errors_per_month"` // at today's quality
	USDPerError        float64 `json:"usd_per_error" yaml:"usd_per_error"`
	AtRiskUSD          float64 `json:"at_risk_usd" yaml:"at_risk_usd"` // churn, penalties: lost if quality turns out too low
	Months             float64 `json:"months" yaml:"months"`           // how long the model will serve
	RequestsPerMonth   float64 `json:"requests_per_month" yaml:"requests_per_month"`
	Tasks              float64 `json:"tasks" yaml:"tasks"` // tasks or tenants sharing one base model
	BaseChangesPerYear float64 `json:"base_changes_per_year" yaml:"base_changes_per_year"`
	GPU                string  `json:"gpu" yaml:"gpu"`                             // type, for the price table
	USDPerGPUHour      float64 `json:"usd_per_gpu_hour" yaml:"usd_per_gpu_hour"`   // 0 takes the table's
	USDPerGiBMonth     float64 `json:"usd_per_gib_month" yaml:"usd_per_gib_month"` // storage
	TieNats            float64 `json:"tie_nats" yaml:"tie_nats"`                   // a smaller difference does not matter
	RiskAversion       float64 `json:"risk_aversion" yaml:"risk_aversion"`         // 0 neutral; costs weigh mean + this x SD
	DeadlineHours      float64 `json:"deadline_hours" yaml:"deadline_hours"`       // 0: none
	MemoryBytes        float64 `json:"memory_bytes" yaml:"memory_bytes"`           // 0: the device's
	BudgetUSD          float64 `json:"budget_usd" yaml:"budget_usd"`               // 0: none
	QualityIsHard      bool    `json:"quality_is_hard" yaml:"quality_is_hard"`
	SpeedIsHard        bool    `json:"speed_is_hard" yaml:"speed_is_hard"`
	AdapterServingOnly bool    `json:"adapter_serving_only" yaml:"adapter_serving_only"`
	TargetModelParams  float64 `json:"target_model_params" yaml:"target_model_params"` // 0: the measured model is the target
}
