package history

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

var blockPattern = regexp.MustCompile(`^(train|eval)_loss_mean_of_(\d+)_steps$`)

// curveEntry is one run of a file of curves.
type curveEntry struct {
	Method   string             `json:"method"`
	Family   string             `json:"family"`
	Data     string             `json:"data"`
	Rate     float64            `json:"learning_rate"`
	Schedule *evidence.Schedule `json:"schedule"`
	Train    []evidence.Point   `json:"train_loss"`
	Eval     []evidence.Point   `json:"eval_loss"`
	// Trainable is the parameters that the method trained.
	Trainable int64 `json:"trainable_params"`
	// Seed tells runs apart that differ in nothing else; 0 and 1 are the first.
	Seed int64 `json:"seed"`
}

// curveAbout is what a file of curves says of all of its runs.
type curveAbout struct {
	Origin   string `json:"origin"`
	Protocol string `json:"protocol"`
	// Data and Domain are facts of the data set that all runs were trained on.
	Data struct {
		Tokens        int64   `json:"tokens"` // of one epoch
		LabelledShare float64 `json:"labelled_share"`
		Epochs        float64 `json:"epochs"` // until the runs' end
	} `json:"data"`
	Domain evidence.Domain `json:"domain"`
}

// facts are those of a run.
func (a curveAbout) facts(trainable int64) forecast.Facts {
	f := forecast.Facts{EpochTokens: int64(float64(a.Data.Tokens) * a.Data.LabelledShare), Epochs: a.Data.Epochs, Trainable: trainable}
	if a.Domain.BaseGeneralLoss != nil {
		f.GeneralLoss = *a.Domain.BaseGeneralLoss
	}
	return f
}

// parseCurves reads {"about": {...}, "runs": {name: {...}}}: each run has points of
// step and loss, or losses averaged over blocks of steps
// (train_loss_mean_of_250_steps: [...]).
func parseCurves(path string, keys map[string]json.RawMessage) ([]Record, []evidence.Warning, error) {
	var about curveAbout
	if keys["about"] != nil {
		if err := json.Unmarshal(keys["about"], &about); err != nil {
			return nil, nil, &Error{path, "about is no object with origin, protocol, data and domain", "leave it out or mend it", err}
		}
	}
	var runs map[string]json.RawMessage
	if err := json.Unmarshal(keys["runs"], &runs); err != nil {
		return nil, nil, &Error{path, "runs is no object of name and run", "give {\"runs\": {\"name\": {...}}}", err}
	}
	var out []Record
	for _, name := range slices.Sorted(maps.Keys(runs)) {
		r, err := curveRecord(path, name, runs[name], about)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, r)
	}
	if len(out) == 0 {
		return nil, nil, &Error{Where: path, What: "holds no run", Advice: "give {\"runs\": {\"name\": {...}}}"}
	}
	return out, nil, nil
}

func curveRecord(path, name string, raw json.RawMessage, about curveAbout) (Record, error) {
	var entry curveEntry
	var keys map[string]json.RawMessage
	where := path + ": run " + name
	if json.Unmarshal(raw, &keys) != nil || json.Unmarshal(raw, &entry) != nil {
		return Record{}, &Error{Where: where, What: "is no object of losses", Advice: "give eval_loss: [{\"step\": 0, \"loss\": 3.2}, ...]"}
	}
	r := Record{Name: name, Family: entry.Family, Data: entry.Data, Rate: entry.Rate, Seed: entry.Seed, Train: entry.Train, Eval: entry.Eval, Facts: about.facts(entry.Trainable)}
	r.Method = MethodOf(strings.TrimSpace(entry.Method + " " + name))
	if entry.Method != "" {
		r.Method = MethodOf(entry.Method)
	}
	if r.Data == "" {
		r.Data = about.Origin
	}
	if err := r.addBlocks(where, keys); err != nil {
		return Record{}, err
	}
	if len(r.Train)+len(r.Eval) == 0 {
		return Record{}, &Error{Where: where, What: "has no losses", Advice: "give eval_loss, train_loss or train_loss_mean_of_N_steps"}
	}
	if entry.Schedule != nil {
		r.Schedule = *entry.Schedule
	} else if strings.Contains(about.Protocol, string(evidence.Cosine)) {
		r.Schedule = evidence.Schedule{Shape: evidence.Cosine, TotalSteps: stepsOf(about.Protocol)}
	}
	return r, nil
}

// addBlocks reads means over blocks of steps; each stands at its block's end.
func (r *Record) addBlocks(where string, keys map[string]json.RawMessage) error {
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		found := blockPattern.FindStringSubmatch(key)
		if found == nil {
			continue
		}
		var losses []*float64
		if err := json.Unmarshal(keys[key], &losses); err != nil {
			return &Error{where, key + " is no list of losses", "give numbers, or null for a loss that was not finite", err}
		}
		block, err := strconv.Atoi(found[2])
		if err != nil || block < 1 || block > 1e6 {
			return &Error{Where: where, What: key + " has no sensible block", Advice: "name it like train_loss_mean_of_250_steps"}
		}
		points := make([]evidence.Point, len(losses))
		for i, loss := range losses {
			points[i] = evidence.Point{Step: block * (i + 1), Loss: orNaN(loss)}
		}
		if found[1] == "eval" {
			r.Eval = points
		} else {
			r.Train, r.BlockSteps = points, block
		}
	}
	return nil
}

var stepsPattern = regexp.MustCompile(`(\d+) steps`)

// stepsOf reads the first "N steps" of a protocol in words; 0 where there is none.
func stepsOf(protocol string) int {
	found := stepsPattern.FindStringSubmatch(protocol)
	if found == nil {
		return 0
	}
	steps, err := strconv.Atoi(found[1])
	if err != nil {
		return 0
	}
	return steps
}
