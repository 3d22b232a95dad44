package forecast

import (
	"fmt"

	"ftadvise/calibrate/evidence"
)

// Arms forecasts each probe of a run at a horizon of that many optimizer steps, and
// the gap of each LoRA arm to full fine-tuning. Losses are held-out ones; a trial
// without them is left out, and one that diverged is told as a warning besides, since
// its Outcome already says the most. It is an error when no arm is left.
func Arms(run *evidence.Run, horizon int) ([]evidence.Forecast, []evidence.Gap, []evidence.Warning, error) {
	library, err := Embedded()
	if err != nil {
		return nil, nil, nil, err
	}
	return library.Arms(run, horizon)
}

// Arms is the package's Arms with another library, as a replay needs that leaves the
// scored families out.
func (l *Library) Arms(run *evidence.Run, horizon int) ([]evidence.Forecast, []evidence.Gap, []evidence.Warning, error) {
	if err := checkHorizon(horizon); err != nil {
		return nil, nil, nil, err
	}
	arms, warnings := readArms(run, horizon)
	if len(arms) == 0 {
		return nil, nil, warnings, &Error{"run " + run.ID, "no trial has two held-out losses to extrapolate",
			"run a longer probe, or evaluate more often"}
	}
	warnings = append(warnings, unknownSchedules(arms)...)
	o := look(arms, horizon, l)
	forecasts := make([]evidence.Forecast, len(arms))
	for i, b := range o.beliefs {
		forecasts[i] = b.forecast()
	}
	if merged, seeded := mergeSeeds(arms); seeded {
		o = look(merged, horizon, l)
	}
	return forecasts, o.gaps(), warnings, nil
}

func checkHorizon(horizon int) error {
	if horizon < 1 {
		return &Error{"horizon", fmt.Sprintf("%d steps is no horizon", horizon), "give at least one optimizer step"}
	}
	return nil
}
