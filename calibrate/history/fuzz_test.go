package history

import (
	"encoding/json"
	"testing"
	"time"

	"ftadvise/calibrate/forecast"
)

// Each reader may refuse, never panic; what it accepts can be turned into a run.
func fuzz(f *testing.F, path string, seeds ...string) {
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		records, _, err := Parse(path, data)
		if err != nil {
			return
		}
		run, _ := Run("x", time.Time{}, records)
		if _, err := json.Marshal(run); err != nil {
			t.Fatal(err)
		}
		if out, err := forecast.Curves(Curves(records), 0.5, 100); err == nil {
			if _, err := json.Marshal(out); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzTrainerState(f *testing.F) { fuzz(f, "trainer_state.json", trainerJSON) }

func FuzzEvents(f *testing.F) {
	fuzz(f, "events.out.tfevents.1", string(events()), string(events()[:50]))
}

func FuzzTable(f *testing.F) {
	fuzz(f, "a.csv", "step,loss\n1,2\n", "method;step;loss\nfull;1;NaN\n", "Step,\"a - loss\"\n1,2\n")
}

func FuzzJSON(f *testing.F) {
	fuzz(f, "a.json", `[{"step":1,"loss":2}]`, `{"step":[1],"loss":[NaN]}`, "{\"step\":1,\"loss\":2}\n{\"step\":2", `{"schema":1,"trials":[{"id":"a"}]}`)
}

func FuzzCurves(f *testing.F) {
	fuzz(f, "c.json", `{"about":{"origin":"x","protocol":"100 steps, cosine"},"runs":{"a":{"train_loss_mean_of_5_steps":[3,2,null]}}}`,
		`{"runs":{"a":{"eval_loss":[{"step":0,"loss":3}],"schedule":{"shape":"constant"}}}}`)
}
