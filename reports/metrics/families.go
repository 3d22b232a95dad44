package metrics

import "github.com/prometheus/client_golang/prometheus"

// Labels of the three levels of series.
const (
	labelRun   = "run"
	labelArm   = "arm" // full, lora(r=8)
	labelTrial = "trial"
	labelStat  = "stat" // mean, p10, p50, p90
)

// vector is what all metric vectors have in common here.
type vector interface {
	prometheus.Collector
	DeletePartialMatch(prometheus.Labels) int
}

// families holds every metric family; all is each of them, for registering and for
// forgetting a run.
type families struct {
	all []vector

	runInfo, runState, runCreated, runLastEvent, runPlanned, runDone, runProgress *prometheus.GaugeVec
	runETA, runWall, runBudget, runHorizon, runMemory, runWarnings, runDomain     *prometheus.GaugeVec

	trialInfo, trialStatus, trialPlanned, trainLoss, evalLoss, accuracy *prometheus.GaugeVec
	gradNorm, rate, tokenRate, stepMedian, allocated, reserved, params  *prometheus.GaugeVec
	steps, tokens                                                       *prometheus.CounterVec

	stepDuration                              *prometheus.HistogramVec
	predictedStep, forecast, gap, pFullBetter *prometheus.GaugeVec
	ended, logLines                           *prometheus.CounterVec

	adviceInfo, confidence, advisedAt, optionCost, optionTotal *prometheus.GaugeVec
	regret, breakEven, more                                    *prometheus.GaugeVec

	adviceRight, auditFigure *prometheus.GaugeVec

	gpuUtil, gpuPower, gpuHeat, gpuUsed, gpuTotal *prometheus.GaugeVec
	dropped                                       *prometheus.CounterVec
	buildInfo                                     *prometheus.GaugeVec
}

func newFamilies() *families {
	f := &families{}
	f.defineRuns()
	f.defineTrials()
	f.defineArms()
	f.defineAdvice()
	f.defineMachine()
	return f
}

func (f *families) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "ftadvise", Name: name, Help: help}, labels)
	f.all = append(f.all, v)
	return v
}

func (f *families) counter(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "ftadvise", Name: name, Help: help}, labels)
	f.all = append(f.all, v)
	return v
}

func (f *families) defineRuns() {
	f.runInfo = f.gauge("run_info", "Always 1; what the run is about.",
		labelRun, "model", "architecture", "data", "device", "precision", "gpu")
	f.runState = f.gauge("run_state", "Always 1; the run's state is in the label.", labelRun, "state")
	f.runCreated = f.gauge("run_created_timestamp_seconds", "When the run began, Unix time.", labelRun)
	f.runLastEvent = f.gauge("run_last_event_timestamp_seconds", "When the engine last reported anything, Unix time.", labelRun)
	f.runPlanned = f.gauge("run_planned_steps", "Optimizer steps that the plan holds, all trials together.", labelRun)
	f.runDone = f.gauge("run_done_steps", "Optimizer steps done, all trials together.", labelRun)
	f.runProgress = f.gauge("run_progress_ratio", "Done steps over planned steps.", labelRun)
	f.runETA = f.gauge("run_eta_seconds", "Expected time to the end of the run, at most what the budget leaves.", labelRun)
	f.runWall = f.gauge("run_wall_seconds", "Wall time of the run so far, all sittings together.", labelRun)
	f.runBudget = f.gauge("run_budget_seconds", "Time that the run may take.", labelRun)
	f.runHorizon = f.gauge("run_horizon_steps", "Optimizer steps of the training run that the advice is about.", labelRun)
	f.runMemory = f.gauge("run_device_memory_bytes", "Memory of the device that the run uses.", labelRun)
	f.runWarnings = f.gauge("run_warnings", "Warnings that the run carries.", labelRun)
	f.runDomain = f.gauge("run_domain", "Narrowness, capacity and spectra of the data; the fact's name ends in its unit, its standing is descriptive or predictive.",
		labelRun, "fact", "standing")
}

func (f *families) defineTrials() {
	trial := []string{labelRun, labelArm, labelTrial}
	f.trialInfo = f.gauge("trial_info", "Always 1; what the trial was run for.", append(trial, "stage")...)
	f.trialStatus = f.gauge("trial_status", "Always 1; the trial's status is in the label.", append(trial, "status")...)
	f.trialPlanned = f.gauge("trial_planned_steps", "Optimizer steps that the trial is to do.", trial...)
	f.steps = f.counter("trial_steps_total", "Optimizer steps done.", trial...)
	f.tokens = f.counter("trial_tokens_total", "Tokens trained on.", trial...)
	f.trainLoss = f.gauge("trial_training_loss_nats", "Loss of the newest batch, nats a predicted token.", trial...)
	f.evalLoss = f.gauge("trial_eval_loss_nats", "Newest loss on a fixed set, nats a predicted token.", append(trial, "set")...)
	f.accuracy = f.gauge("trial_eval_accuracy_ratio", "Share of held-out records whose label is predicted, for classification.", trial...)
	f.gradNorm = f.gauge("trial_gradient_norm", "Gradient norm of the newest step, before clipping.", trial...)
	f.rate = f.gauge("trial_learning_rate", "Learning rate of the newest step.", trial...)
	f.tokenRate = f.gauge("trial_tokens_per_second", "Tokens a second over the newest step.", trial...)
	f.stepMedian = f.gauge("trial_step_median_seconds", "Median time of an optimizer step, once the trial is over.", trial...)
	f.allocated = f.gauge("trial_peak_allocated_bytes", "Peak of the memory allocated by the trial.", trial...)
	f.reserved = f.gauge("trial_peak_reserved_bytes", "Peak of the memory that the allocator held for the trial.", trial...)
	f.params = f.gauge("trial_parameters", "Parameters, trainable or in total.", append(trial, "kind")...)
}

func (f *families) defineArms() {
	f.stepDuration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "ftadvise", Name: "step_duration_seconds",
		Help:                            "Time of optimizer steps, warm-up steps left out.",
		Buckets:                         prometheus.ExponentialBuckets(0.001, 2.5, 12),
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: 0,
	}, []string{labelRun, labelArm})
	f.all = append(f.all, f.stepDuration)
	f.predictedStep = f.gauge("arm_predicted_step_seconds", "Step time that the fit trial of this arm foretold.", labelRun, labelArm)
	f.forecast = f.gauge("forecast_loss_nats", "Forecast of the held-out loss at the horizon.", labelRun, labelArm, labelStat)
	f.gap = f.gauge("forecast_gap_nats", "LoRA's loss less full's at the horizon; above 0 full is better.", labelRun, labelArm, labelStat)
	f.pFullBetter = f.gauge("full_better_probability_ratio", "Probability that full beats this arm at the horizon.", labelRun, labelArm)
	f.ended = f.counter("trials_ended_total", "Trials that ended, by what became of them.", labelRun, labelArm, "status")
	f.logLines = f.counter("engine_log_lines_total", "Lines that the engine logged.", labelRun, "level")
}

func (f *families) defineAdvice() {
	f.adviceInfo = f.gauge("recommendation_info", "Always 1; what is recommended and by which rule.",
		labelRun, "answer", labelArm, "policy", "rule", "regime")
	f.confidence = f.gauge("recommendation_confidence_ratio", "Probability that the answer has the lower total cost.", labelRun)
	f.advisedAt = f.gauge("recommendation_timestamp_seconds", "When the recommendation was made, Unix time.", labelRun)
	f.optionCost = f.gauge("option_cost_usd", "Expected cost of an option by kind, US dollars over the stakes' months.", labelRun, labelArm, "cost")
	f.optionTotal = f.gauge("option_total_usd", "Total cost of an option, US dollars over the stakes' months.", labelRun, labelArm, labelStat)
	f.regret = f.gauge("option_expected_regret_usd", "Expected regret of choosing the option, US dollars.", labelRun, labelArm)
	f.breakEven = f.gauge("break_even_usd_per_nat", "Price of a nat at which both methods cost the same.", labelRun)
	f.more = f.gauge("more_evidence_usd", "What more calibration would cost and be worth, US dollars.", labelRun, "side")
	f.adviceRight = f.gauge("audit_advice_right", "1 where the outcome proved the advice right, 0 where it proved it wrong.", labelRun)
	f.auditFigure = f.gauge("audit_ratio", "Figures of the self-audit over all recorded outcomes: hit, coverage, memory_error.", "figure")
}

func (f *families) defineMachine() {
	gpu := []string{"gpu", "name"}
	f.gpuUtil = f.gauge("gpu_utilization_ratio", "Share of time in which the GPU was busy.", gpu...)
	f.gpuPower = f.gauge("gpu_power_watts", "Power that the GPU draws.", gpu...)
	f.gpuHeat = f.gauge("gpu_temperature_celsius", "Temperature of the GPU.", gpu...)
	f.gpuUsed = f.gauge("gpu_memory_used_bytes", "GPU memory in use, all processes together.", gpu...)
	f.gpuTotal = f.gauge("gpu_memory_bytes", "GPU memory there is.", gpu...)
	f.dropped = f.counter("series_dropped_total", "Runs and trials that carry no labelled series since there are newer ones.", "reason")
	f.buildInfo = f.gauge("build_info", "Always 1; the version of ftadvise.", "version", "goversion")
}

// forget removes every series of a run.
func (f *families) forget(run string) {
	for _, v := range f.all {
		v.DeletePartialMatch(prometheus.Labels{labelRun: run})
	}
}

// forgetTrial removes every series of one trial.
func (f *families) forgetTrial(run, trial string) {
	for _, v := range f.all {
		v.DeletePartialMatch(prometheus.Labels{labelRun: run, labelTrial: trial})
	}
}
