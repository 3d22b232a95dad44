package dashboard

// kind is the way in which a panel shows its queries.
type kind int

const (
	lines kind = iota
	number
	text // the value is in a label
	rows // a table
)

// panel is one panel before it is built.
type panel struct {
	kind    kind
	title   string
	about   string
	unit    string // Grafana's
	width   uint32 // of 24 columns
	height  uint32
	log     bool
	queries []query
}

type query struct{ expr, legend string }

// group is a row of the dashboard.
type group struct {
	title  string
	panels []panel
}

// Selectors that follow the dashboard's variables.
const (
	ofRun = `run=~"$run"`
	ofArm = `run=~"$run",arm=~"$arm"`
)

func groups() []group {
	return []group{
		{"Advice", advicePanels()},
		{"Learning", learningPanels()},
		{"Speed", speedPanels()},
		{"Memory and device", devicePanels()},
		{"Runs", runPanels()},
	}
}

func advicePanels() []panel {
	return []panel{
		{kind: text, title: "Recommendation", about: "The newest advice of the chosen runs.", width: 6, height: 5,
			queries: []query{{`ftadvise_recommendation_info{` + ofRun + `}`, "{{answer}} {{arm}}"}}},
		{kind: number, title: "Probability that it is cheaper", about: "That the advised option has the lower total cost; 50% is a coin toss.", unit: "percentunit", width: 4, height: 5,
			queries: []query{{`ftadvise_recommendation_confidence_ratio{` + ofRun + `}`, "{{run}}"}}},
		{kind: number, title: "Progress", about: "Optimizer steps done over planned.", unit: "percentunit", width: 4, height: 5,
			queries: []query{{`ftadvise_run_progress_ratio{` + ofRun + `}`, "{{run}}"}}},
		{kind: number, title: "Time left", about: "At the pace so far, at most what the budget leaves.", unit: "s", width: 4, height: 5,
			queries: []query{{`ftadvise_run_eta_seconds{` + ofRun + `}`, "{{run}}"}}},
		{kind: number, title: "Expected total cost", about: "US dollars over the months that the stakes name.", unit: "currencyUSD", width: 6, height: 5,
			queries: []query{{`ftadvise_option_total_usd{` + ofArm + `,stat="mean"}`, "{{arm}}"}}},
		{kind: number, title: "Probability that full reaches the lower loss", about: "Each method at its best checkpoint.", unit: "percentunit", width: 6, height: 4,
			queries: []query{{`ftadvise_full_better_probability_ratio{` + ofArm + `}`, "against {{arm}}"}}},
		{kind: number, title: "LoRA less full at the horizon", about: "Nats a token; above zero full is better.", unit: "none", width: 6, height: 4,
			queries: []query{{`ftadvise_forecast_gap_nats{` + ofArm + `,stat="mean"}`, "{{arm}}"}}},
		{kind: number, title: "Break-even price of a nat", about: "What a nat of held-out loss must be worth for both methods to cost the same.", unit: "currencyUSD", width: 6, height: 4,
			queries: []query{{`ftadvise_break_even_usd_per_nat{` + ofRun + `}`, "{{run}}"}}},
		{kind: number, title: "Expected regret", about: "Of choosing each option.", unit: "currencyUSD", width: 6, height: 4,
			queries: []query{{`ftadvise_option_expected_regret_usd{` + ofArm + `}`, "{{arm}}"}}},
	}
}

func learningPanels() []panel {
	trial := "{{arm}} {{trial}}"
	return []panel{
		{title: "Held-out loss", about: "Nats a predicted token, on rows that are never trained on; the same for every arm.", width: 12, height: 9,
			queries: []query{{`ftadvise_trial_eval_loss_nats{` + ofArm + `,set="held-out"}`, trial}}},
		{title: "Training loss", about: "Of the newest batch.", width: 12, height: 9,
			queries: []query{{`ftadvise_trial_training_loss_nats{` + ofArm + `}`, trial}}},
		{title: "Forgetting: loss on general text", about: "Nats a token; a rise is what the model forgets of everything else.", width: 8, height: 8,
			queries: []query{{`ftadvise_trial_eval_loss_nats{` + ofArm + `,set="general"}`, trial}}},
		{title: "Gradient norm", about: "Before clipping.", width: 8, height: 8, log: true,
			queries: []query{{`ftadvise_trial_gradient_norm{` + ofArm + `}`, trial}}},
		{title: "Learning rate", about: "Of the newest step, warm-up included.", unit: "sci", width: 8, height: 8, log: true,
			queries: []query{{`ftadvise_trial_learning_rate{` + ofArm + `}`, trial}}},
	}
}

func speedPanels() []panel {
	return []panel{
		{title: "Tokens a second", about: "Tokens trained on over wall time, evaluations included in the time.", unit: "short", width: 8, height: 8,
			queries: []query{{`sum by (run, arm) (rate(ftadvise_trial_tokens_total{` + ofArm + `}[$__rate_interval]))`, "{{arm}}"}}},
		{title: "Step time", about: "Median and ninth decile of optimizer steps, warm-up left out.", unit: "s", width: 8, height: 8, queries: []query{
			{stepQuantile("0.5"), "{{arm}} median"}, {stepQuantile("0.9"), "{{arm}} 90%"}}},
		{title: "Step time over the predicted", about: "Above 1 the steps are slower than the fit trial foretold.", unit: "none", width: 8, height: 8,
			queries: []query{{`ftadvise:arm_slowdown:ratio{` + ofArm + `}`, "{{arm}}"}}},
	}
}

// stepQuantile reads the native histogram of step times, or the classic one: a
// Prometheus that takes native histograms keeps no classic ones beside them.
func stepQuantile(q string) string {
	classic := `sum by (run, arm, le) (rate(ftadvise_step_duration_seconds_bucket{` + ofArm + `}[$__rate_interval]))`
	native := `sum by (run, arm) (rate(ftadvise_step_duration_seconds{` + ofArm + `}[$__rate_interval]))`
	return "histogram_quantile(" + q + ", " + classic + ") or histogram_quantile(" + q + ", " + native + ")"
}

func devicePanels() []panel {
	return []panel{
		{title: "Peak memory", about: "Allocated and reserved, against what the device has.", unit: "bytes", width: 12, height: 8, queries: []query{
			{`max by (run, arm) (ftadvise_trial_peak_allocated_bytes{` + ofArm + `})`, "{{arm}} allocated"},
			{`max by (run, arm) (ftadvise_trial_peak_reserved_bytes{` + ofArm + `})`, "{{arm}} reserved"},
			{`max by (run) (ftadvise_run_device_memory_bytes{` + ofRun + `})`, "device"}}},
		{title: "GPU memory", unit: "bytes", width: 12, height: 8, queries: []query{
			{`ftadvise_gpu_memory_used_bytes`, "{{gpu}} used"}, {`ftadvise_gpu_memory_bytes`, "{{gpu}} total"}}},
		{title: "GPU utilisation", unit: "percentunit", width: 8, height: 7, queries: []query{{`ftadvise_gpu_utilization_ratio`, "{{gpu}} {{name}}"}}},
		{title: "GPU power", unit: "watt", width: 8, height: 7, queries: []query{{`ftadvise_gpu_power_watts`, "{{gpu}} {{name}}"}}},
		{title: "GPU temperature", unit: "celsius", width: 8, height: 7, queries: []query{{`ftadvise_gpu_temperature_celsius`, "{{gpu}} {{name}}"}}},
	}
}

func runPanels() []panel {
	return []panel{
		{kind: rows, title: "Runs", about: "What each run is about.", width: 24, height: 7,
			queries: []query{{`ftadvise_run_info{` + ofRun + `,device=~"$device"}`, ""}}},
		{kind: rows, title: "Trials", about: "What became of each trial.", width: 16, height: 8,
			queries: []query{{`ftadvise_trial_status{` + ofArm + `}`, ""}}},
		{kind: number, title: "Warnings", about: "Doubts about data and calibration; ftadvise runs show tells them.", width: 4, height: 4, unit: "none", queries: []query{{`ftadvise_run_warnings{` + ofRun + `}`, "{{run}}"}}},
		{kind: number, title: "Series left out", about: "Runs and trials without labelled series, since there are newer ones.", unit: "none", width: 4, height: 4,
			queries: []query{{`ftadvise_series_dropped_total`, "{{reason}}"}}},
		{kind: number, title: "Past advice", about: "Self-audit over recorded outcomes: share of right advice, coverage of the 80% interval, error of predicted memory.", unit: "percentunit", width: 8, height: 4,
			queries: []query{{`ftadvise_audit_ratio`, "{{figure}}"}}},
	}
}
