package advisor

// Stakes is what the user says matters. Amounts are US dollars. A zero means "not
// said" or "no limit" where the comment says so.
type Stakes struct {
	// What accuracy is worth. The four ways are added up; where none is given,
	// AssumedUSDPerNat stands in and is shown as an assumption.
	USDPerNat      float64 `json:"usd_per_nat" yaml:"usd_per_nat"`           // value of one nat of held-out loss over all the months
	USDPerPoint    float64 `json:"usd_per_point" yaml:"usd_per_point"`       // value of one percentage point of accuracy over all the months
	ErrorsPerMonth float64 `json:"errors_per_month" yaml:"errors_per_month"` // at today's quality
	USDPerError    float64 `json:"usd_per_error" yaml:"usd_per_error"`
	AtRiskUSD      float64 `json:"at_risk_usd" yaml:"at_risk_usd"`           // churn, penalties: lost if quality turns out too low
	AtRiskNats     float64 `json:"at_risk_nats" yaml:"at_risk_nats"`         // loss that is worse by so much loses all of it; less in proportion
	USDPerBaseNat  float64 `json:"usd_per_base_nat" yaml:"usd_per_base_nat"` // forgetting: value of one nat on general text

	// How the model will be used.
	Months             float64 `json:"months" yaml:"months"`                         // how long it will serve
	RequestsPerMonth   float64 `json:"requests_per_month" yaml:"requests_per_month"` // for each task; 0: not said, only held memory is priced
	TokensPerRequest   float64 `json:"tokens_per_request" yaml:"tokens_per_request"`
	Tasks              float64 `json:"tasks" yaml:"tasks"`                                 // tasks or tenants sharing one base model
	BaseChangesPerYear float64 `json:"base_changes_per_year" yaml:"base_changes_per_year"` // how often the base model is replaced

	// Prices.
	GPU            string  `json:"gpu" yaml:"gpu"`                             // type, for the price table; "" takes the measured device
	USDPerGPUHour  float64 `json:"usd_per_gpu_hour" yaml:"usd_per_gpu_hour"`   // 0 takes the table's
	USDPerGiBMonth float64 `json:"usd_per_gib_month" yaml:"usd_per_gib_month"` // storage
	USDPerRetrain  float64 `json:"usd_per_retrain" yaml:"usd_per_retrain"`     // people's work at each re-training, besides the GPU
	RetryShare     float64 `json:"retry_share" yaml:"retry_share"`             // of training that is done twice, in expectation
	SweepRuns      float64 `json:"sweep_runs" yaml:"sweep_runs"`               // further full-length runs before the one that counts
	AdapterSlow    float64 `json:"adapter_slowdown" yaml:"adapter_slowdown"`   // share of serving time that an unmerged adapter adds
	LoadGBPerSec   float64 `json:"load_gb_per_second" yaml:"load_gb_per_second"`

	// What decides.
	TieNats      float64 `json:"tie_nats" yaml:"tie_nats"`           // a smaller difference does not matter
	RiskAversion float64 `json:"risk_aversion" yaml:"risk_aversion"` // 0 neutral; each bill grows by this x its SD

	// Hard limits.
	DeadlineHours      float64 `json:"deadline_hours" yaml:"deadline_hours"` // of one training; 0: none
	MemoryBytes        float64 `json:"memory_bytes" yaml:"memory_bytes"`     // 0: the device's
	BudgetUSD          float64 `json:"budget_usd" yaml:"budget_usd"`         // for training, all tasks; 0: none
	QualityIsHard      bool    `json:"quality_is_hard" yaml:"quality_is_hard"`
	SpeedIsHard        bool    `json:"speed_is_hard" yaml:"speed_is_hard"`
	AdapterServingOnly bool    `json:"adapter_serving_only" yaml:"adapter_serving_only"`

	TargetModelParams float64 `json:"target_model_params" yaml:"target_model_params"` // 0: the measured model is the target
}

// AssumedUSDPerNat is the value of a nat where the user said nothing of what accuracy
// is worth: a hundredth of a nat, about what separates two seeds, is worth $100.
const AssumedUSDPerNat = 10_000

// DefaultStakes are the stakes of somebody who said nothing. Each of them is shown as
// an assumption in every output.
func DefaultStakes() Stakes {
	return Stakes{
		AtRiskNats:         0.5,
		Months:             12,
		TokensPerRequest:   500,
		Tasks:              1,
		BaseChangesPerYear: 1,
		USDPerGiBMonth:     0.03,
		RetryShare:         0.1,
		AdapterSlow:        0.1,
		LoadGBPerSec:       1,
		TieNats:            0.01,
	}
}
