package advisor

// Fact describes one word of the policies' vocabulary.
type Fact struct {
	Name string
	Unit string // "" for a share or ratio; "yes/no" for a truth value
	Text string
}

// Bool reports whether the fact is true or false rather than a number.
func (f Fact) Bool() bool { return f.Unit == yesNo }

const yesNo = "yes/no"

// Vocabulary lists every fact a policy may name. A fact that was not measured, or a
// limit that was not set, is absent.
func Vocabulary() []Fact {
	var all []Fact
	for _, part := range [][]Fact{modelFacts(), evidenceFacts(), lossFacts(), armFacts(), costFacts(), decisionFacts(), stakeFacts()} {
		all = append(all, part...)
	}
	return all
}

func modelFacts() []Fact {
	return []Fact{
		{"model_params", "parameters", "the measured base model's size"},
		{"target_params", "parameters", "the size of the model that is meant"},
		{"narrowness", "", "of the data: 0 as broad as general text, 1 one repeated record"},
		{"base_loss_nats", "nats", "held-out loss of the untouched base model"},
		{"general_loss_nats", "nats", "the base model's loss on general text"},
		{"uniform_loss_nats", "nats", "ln(vocabulary): a model that knows nothing"},
		{"demand_bits", "bits", "information there is to learn"},
		{"capacity_bits", "bits", "what the adapter can hold, at 2 bits a parameter"},
		{"capacity_ratio", "", "demand over capacity; above 1 LoRA is expected to fall behind"},
		{"embedding_grad_share", "", "gradient energy on embeddings and head, which LoRA leaves alone"},
		{"gradient_rank", "", "effective rank of the base gradient, mean over matrices; predictive"},
		{"gradient_top_share", "", "of the gradient's energy in as many directions as the rank asked for; predictive"},
		{"update_rank", "", "stable rank of full's update after the probe, mean over matrices; descriptive"},
		{"update_top_share", "", "of that update's energy in as many directions as the rank asked for; descriptive"},
		{"beyond_general_share", "", "of the tokens that cost the base model more than general text's worst tenth; predictive"},
		{"token_divergence_bits", "bits", "Jensen-Shannon, the data's tokens against general text's"},
		{"train_tokens", "tokens", "in one epoch"},
		{"duplicate_share", "", "exact duplicates among the records"},
	}
}

func evidenceFacts() []Fact {
	return []Fact{
		{"horizon_steps", "steps", "of the training that is meant"},
		{"seen_steps", "steps", "of it that the probes saw, in the arm that saw least"},
		{"seen_share", "", "seen_steps / horizon_steps"},
		{"full_tried", yesNo, "full was tried and gave a held-out loss"},
		{"lora_tried", yesNo, "LoRA was tried and gave a held-out loss"},
		{"full_fits", yesNo, "full's training fits into memory"},
		{"lora_fits", yesNo, "the best LoRA's training fits into memory"},
		{"measured", yesNo, "the probes reached the horizon"},
		{"decided", yesNo, "the forecast counts it as decided whose loss is the lower: sure, seen far enough, and no lead that is being lost"},
		{"too_early", yesNo, "the probes saw less of the horizon than finished trainings can decide from"},
		{"budget_too_small", yesNo, "the forecast says that the evidence cannot tell"},
	}
}

func lossFacts() []Fact {
	return []Fact{
		{"full_loss_nats", "nats", "full's held-out loss at its best checkpoint, expected"},
		{"lora_loss_nats", "nats", "the best LoRA's"},
		{"gap_nats", "nats", "LoRA's loss less full's: positive means that full is better"},
		{"gap_sd_nats", "nats", "standard deviation of gap_nats"},
		{"gap_p10_nats", "nats", "gap_nats is below this with probability 0.1"},
		{"gap_p90_nats", "nats", "gap_nats is below this with probability 0.9"},
		{"last_gap_nats", "nats", "the same at the last step that both were evaluated at, as measured"},
		{"p_full_better", "", "probability that full's loss is the lower"},
		{"p_tie", "", "probability that the gap is within tie_nats"},
		{"full_forgetting_nats", "nats", "rise of full's loss on general text"},
		{"lora_forgetting_nats", "nats", "rise of the best LoRA's loss on general text"},
	}
}

func armFacts() []Fact {
	return []Fact{
		{"full_step_seconds", "s", "time of an optimizer step"},
		{"lora_step_seconds", "s", "time of an optimizer step"},
		{"step_time_ratio", "", "full over LoRA"},
		{"full_train_hours", "h", "one training to the horizon, or to its best checkpoint"},
		{"lora_train_hours", "h", "one training to the horizon, or to its best checkpoint"},
		{"full_peak_bytes", "bytes", "peak allocated memory of training"},
		{"lora_peak_bytes", "bytes", "peak allocated memory of training"},
		{"peak_ratio", "", "full over LoRA"},
		{"full_trainable_params", "parameters", "trained by full"},
		{"lora_trainable_params", "parameters", "trained by the best LoRA"},
		{"trainable_ratio", "", "full over LoRA"},
		{"lora_rank", "", "of the best LoRA"},
		{"requested_rank", "", "that the user asked for"},
		{"rank_needed", "", "the power of two at which capacity meets demand; absent where no rank does"},
	}
}

func costFacts() []Fact {
	var all []Fact
	for _, name := range CostNames() {
		all = append(all,
			Fact{"full_" + name + "_usd", "$", "full's " + name + ", expected, over all the months"},
			Fact{"lora_" + name + "_usd", "$", "the best LoRA's " + name + ", expected, over all the months"},
			Fact{name + "_diff_sd_usd", "$", "standard deviation of the difference in " + name})
	}
	return append(all,
		Fact{"full_total_usd", "$", "full's bill"},
		Fact{"lora_total_usd", "$", "the best LoRA's bill"},
		Fact{"saving_usd", "$", "what LoRA saves besides accuracy and risk"},
		Fact{"saving_usd_per_month", "$/month", "saving_usd / months"},
		Fact{"gap_usd", "$", "gap_nats x usd_per_nat"},
		Fact{"usd_per_gpu_hour", "$/h", "price of the device"})
}

func decisionFacts() []Fact {
	return []Fact{
		{"p_full_cheaper", "", "probability that full's bill is the lower"},
		{"lead_fades", yesNo, "at the pace of the last doubling of the steps the cheaper one's lead would be gone before the horizon"},
		{"full_regret_usd", "$", "expected regret of choosing full"},
		{"lora_regret_usd", "$", "expected regret of choosing the best LoRA"},
		{"break_even_usd_per_nat", "$/nat", "value of a nat at which both cost the same"},
		{"more_steps", "steps", "further calibration that pays best, an arm"},
		{"more_cost_usd", "$", "what those steps cost"},
		{"more_worth_usd", "$", "what they are worth in expectation"},
		{"more_pays", yesNo, "they are worth more than they cost"},
	}
}

func stakeFacts() []Fact {
	return []Fact{
		{"usd_per_nat", "$/nat", "value of a nat, all that was said of accuracy added up"},
		{"months", "months", "how long the model will serve"},
		{"requests_per_month", "requests/month", "to each task"},
		{"tasks", "tasks", "that share the base model"},
		{"base_changes_per_year", "1/year", "how often the base model is replaced"},
		{"at_risk_usd", "$", "churn or penalty"},
		{"tie_nats", "nats", "a smaller difference does not matter"},
		{"risk_aversion", "SDs", "added to each bill"},
		{"deadline_hours", "h", "longest training allowed"},
		{"memory_bytes", "bytes", "of the device, or allowed"},
		{"budget_usd", "$", "for training"},
		{"quality_is_hard", yesNo, "quality is the hard constraint"},
		{"speed_is_hard", yesNo, "speed is the hard constraint"},
		{"adapter_serving_only", yesNo, "only adapters can be served"},
	}
}
