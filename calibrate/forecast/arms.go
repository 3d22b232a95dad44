package forecast

import (
	"fmt"

	"ftadvise/calibrate/evidence"
)

// Arms forecasts each probe of a run at a horizon of that many optimizer steps, and
// the gap of each LoRA arm to full fine-tuning. Losses are held-out ones; a trial
// without them is told as a warning and left out, as is one that diverged or did not
// fit, whose Outcome already says the most. It is an error when no arm is left.
func Arms(run *evidence.Run, horizon int) ([]evidence.Forecast, []evidence.Gap, []evidence.Warning, error) {
	if horizon < 1 {
		return nil, nil, nil, &Error{"horizon", fmt.Sprintf("%d steps is no horizon", horizon), "give at least one optimizer step"}
	}
	arms, warnings := readArms(run)
	if len(arms) == 0 {
		return nil, nil, warnings, &Error{"run " + run.ID, "no trial has two held-out losses to extrapolate", "run a longer probe, or evaluate more often"}
	}
	beliefs := make([]belief, len(arms))
	forecasts := make([]evidence.Forecast, len(arms))
	for i, a := range arms {
		beliefs[i] = believe(a, horizon)
		forecasts[i] = beliefs[i].forecast(a, horizon)
	}
	return forecasts, gaps(arms, beliefs, horizon), warnings, nil
}
