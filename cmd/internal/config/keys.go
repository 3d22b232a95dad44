package config

// Key documents one setting: its path in a file, the flag that sets it and what it
// means. The environment variable follows from the path: lora.rank is
// FTADVISE_LORA_RANK.
type Key struct {
	Path string
	Flag string
	Doc  string
}

// Keys lists every setting, in the order of config.yaml.
func Keys() []Key {
	return append(append(workKeys(), trainingKeys()...), adviceKeys()...)
}

func workKeys() []Key {
	return []Key{
		{"model", "model", "Hugging Face model folder, or org/name[@revision] on the hub or in its local cache"},
		{"random_weights", "random-weights", "initialise from config.json alone: measures time and memory, never yields advice"},
		{"data", "data", "dataset: a file, a folder, a glob, hf://org/name on the hub, or - for standard input"},
		{"policy", "policy", "who decides: a built-in policy's name or a policy file"},
		{"store", "store", "folder that holds the runs; empty: ftadvise in the XDG data folder"},
		{"engine", "engine", "the training program; empty: ftadvise-engine beside ftadvise, else on PATH"},
		{"output", "output", "table, json or markdown"},
		{"quiet", "quiet", "no progress, no hints; warnings and errors stay"},

		{"dataset.format", "format", "jsonl, json, csv, parquet, text, ...; empty detects it"},
		{"dataset.shape", "shape", "text, prompt-completion, messages, ...; empty detects it by the columns"},
		{"dataset.fields", "field", "role=column, where the columns have other names: prompt=question"},
		{"dataset.template", "template", "chat template file; empty: the model's own"},
		{"dataset.validation", "validation", "held-out data of your own, given as --data is; empty: a part of --data is held out"},
		{"dataset.train_rows", "train-rows", "most packed training rows to keep; 0: 16 M tokens of them"},
		{"dataset.eval_rows", "eval-rows", "packed rows held out for evaluation"},
		{"dataset.skip_bad", "skip-bad", "pass over records that cannot be read, and count them, instead of refusing the data"},
		{"dataset.max_record_bytes", "max-record", "bytes of the longest record that is read; a longer one is refused"},
	}
}

func trainingKeys() []Key {
	return []Key{
		{"calibration.budget", "budget", "wall time for one calibration"},
		{"calibration.device", "device", "auto, cpu or cuda:N; auto takes the first GPU that the engine finds"},
		{"calibration.precision", "precision", "auto, fp32, bf16 (fp32 master weights) or bf16-pure; auto: bf16 on a GPU, fp32 on a CPU"},
		{"calibration.threads", "threads", "CPU threads of the engine; 0 leaves it to the engine"},
		{"calibration.methods", "methods", "which methods to try: full, lora"},
		{"calibration.seq_length", "seq-length", "tokens a row; 0: the model's maximum, at most 512 on a GPU and 128 on a CPU"},
		{"calibration.batch", "batch", "rows in one optimizer step (the effective batch size)"},
		{"calibration.micro_batch", "micro-batch", "rows in one forward pass; 0: the whole batch, halved where memory runs out"},
		{"calibration.checkpointing", "checkpointing", "recompute activations in the backward pass: less memory, more time"},
		{"calibration.horizon", "horizon", "optimizer steps of the real training to advise for; 0: as many as the tokens or the epochs need"},
		{"calibration.horizon_tokens", "horizon-tokens", "tokens of the real training, where horizon is 0; 0: those of the epochs"},
		{"calibration.epochs", "epochs", "passes over the data that the horizon stands for, where neither horizon nor horizon_tokens is given"},
		{"calibration.warmup_steps", "warmup-steps", "learning-rate warm-up; 0: 3 % of the horizon, at most 100 steps"},
		{"calibration.search_rates", "search-rates", "learning rates to try for each method; 1 takes the prior"},
		{"calibration.rate_full", "rate-full", "full fine-tuning's learning rate to search around; 0: from the model's width"},
		{"calibration.rate_lora", "rate-lora", "LoRA's learning rate to search around; 0: ten times full's, or 3.3 times where alpha exceeds the rank"},
		{"calibration.seed", "seed", "seed of the split, the batches and the initial values"},
		{"calibration.seeds", "seeds", "seeds of each probe; 0: one, and a second of the best LoRA where all reach the horizon in time and end close"},
		{"calibration.stall", "stall", "an engine that reports nothing for this long is taken for hung; a step and an evaluation must be shorter"},
		{"calibration.metrics", "metrics", "host:port to expose live measurements on during a calibration; empty: none"},

		{"lora.rank", "lora-rank", "LoRA rank r"},
		{"lora.alpha", "lora-alpha", "LoRA alpha; 0: twice the rank"},
		{"lora.dropout", "lora-dropout", "dropout on LoRA's input"},
		{"lora.targets", "lora-targets", "all-linear, or module names by suffix, comma-separated: q_proj,v_proj, or a regular expression for the whole name; empty: what PEFT adapts by default"},
		{"lora.variant", "lora-variant", "empty for plain LoRA, or rslora, dora"},
		{"lora.plus_ratio", "lora-plus-ratio", "LoRA+: the learning rate of B over that of A; 0 or 1: the same"},
		{"lora.modules_to_save", "lora-modules-to-save", "embeddings and head to train whole beside the adapters, comma-separated: embed_tokens,lm_head; empty: none"},
		{"lora.other_ranks", "lora-other-ranks", "further ranks to try beside lora.rank"},
		{"lora.spares", "lora-spares", "where the budget allows, also try what nobody named: four times lora.rank, unless other ranks are named, and all-linear beside other targets"},

		{"optimizer.beta1", "beta1", "AdamW beta1"},
		{"optimizer.beta2", "beta2", "AdamW beta2"},
		{"optimizer.epsilon", "epsilon", "AdamW epsilon"},
		{"optimizer.weight_decay", "weight-decay", "AdamW weight decay"},
		{"optimizer.clip_norm", "clip-norm", "largest gradient norm; 0 clips nothing"},
	}
}

func adviceKeys() []Key {
	return []Key{
		{"stakes.usd_per_nat", "usd-per-nat", "US dollars that one nat a token of held-out loss is worth over all the months; where none of the four ways says what accuracy is worth, $10,000 is assumed"},
		{"stakes.usd_per_point", "usd-per-point", "US dollars that one percentage point of accuracy is worth over all the months"},
		{"stakes.errors_per_month", "errors-per-month", "errors a month at today's quality"},
		{"stakes.usd_per_error", "usd-per-error", "US dollars that one error costs"},
		{"stakes.at_risk_usd", "at-risk-usd", "US dollars lost (churn, penalties) if the quality turns out too low"},
		{"stakes.at_risk_nats", "at-risk-nats", "nats a token: a loss that is worse by so much loses all that is at risk"},
		{"stakes.usd_per_base_nat", "usd-per-base-nat", "US dollars that one nat on general text is worth (forgetting)"},
		{"stakes.months", "months", "months that the model will serve"},
		{"stakes.requests_per_month", "requests-per-month", "requests a month to each task; 0: only held memory is priced"},
		{"stakes.tokens_per_request", "tokens-per-request", "tokens a request, prompt and answer together"},
		{"stakes.tasks", "tasks", "tasks or tenants that share one base model"},
		{"stakes.base_changes_per_year", "base-changes-per-year", "how often a year the base model will be replaced"},
		{"stakes.gpu", "gpu", "GPU type, for the price table; empty: the measured device"},
		{"stakes.usd_per_gpu_hour", "usd-per-gpu-hour", "US dollars an hour of that device; 0: the price table's"},
		{"stakes.usd_per_gib_month", "usd-per-gib-month", "US dollars a GiB of storage a month"},
		{"stakes.usd_per_retrain", "usd-per-retrain", "US dollars of people's work at each re-training"},
		{"stakes.retry_share", "retry-share", "share of the training that is done twice"},
		{"stakes.sweep_runs", "sweep-runs", "full-length runs before the one that counts"},
		{"stakes.adapter_slowdown", "adapter-slowdown", "share of serving time that an unmerged adapter adds"},
		{"stakes.load_gb_per_second", "load-gb-per-second", "GB/s at which weights are loaded when tasks are swapped"},
		{"stakes.tie_nats", "tie-nats", "nats a token below which a difference of loss does not matter"},
		{"stakes.risk_aversion", "risk-aversion", "0 is neutral; each bill grows by this many standard deviations"},
		{"stakes.deadline_hours", "deadline-hours", "hours that one training may take; 0: no limit"},
		{"stakes.memory_bytes", "memory-bytes", "bytes of device memory that the training may use; 0: the device's"},
		{"stakes.budget_usd", "budget-usd", "US dollars that the training of all tasks may cost; 0: no limit"},
		{"stakes.quality_is_hard", "quality-is-hard", "no loss of quality is acceptable at any saving"},
		{"stakes.speed_is_hard", "speed-is-hard", "the fastest option that is good enough, at any price"},
		{"stakes.adapter_serving_only", "adapter-serving-only", "only adapters can be served, so full fine-tuning is out"},
		{"stakes.target_model_params", "target-model-params", "parameters of the model to advise for, where a smaller one was calibrated; 0: the same model"},

		{"serve.addr", "addr", "host:port to serve measurements on"},
		{"serve.allow_remote", "allow-remote", "allow an address beyond this machine without authentication"},
		{"serve.web_config", "web-config", "TLS and authentication file in the format of Prometheus' exporter-toolkit"},
	}
}
