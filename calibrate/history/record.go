package history

import (
	"fmt"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// Record is one run as its log tells it.
type Record struct {
	Name     string
	Family   string // curves that belong together when a library is scored; "" derives it
	Data     string // what it was trained on; "" if the file does not say
	Method   evidence.Method
	Rate     float64 // peak learning rate; 0 if the file does not say
	Seed     int64   // of batches and initial values; 0 if the file does not say
	Schedule evidence.Schedule
	Train    []evidence.Point
	Eval     []evidence.Point
	GradNorm []evidence.Point
	Accuracy []evidence.Point // held-out, a share
	// BlockSteps says that a training loss is the mean over so many steps.
	BlockSteps int
	// TotalSteps is how long the run was meant to be; 0 if the file does not say.
	TotalSteps int
	// Facts are what the file says of the data and the method beside losses.
	Facts forecast.Facts
}

// trainWindow is the share of the horizon over whose end a training loss is averaged:
// single batches are too noisy to be a target.
const trainWindow = 0.2

// Curve is the record's held-out loss, or its training loss where it has fewer than
// two held-out ones.
func (r Record) Curve() forecast.Curve {
	c := forecast.Curve{Name: r.Name, Family: r.family(), Data: r.Data, Method: r.Method, Rate: r.Rate,
		Seed: r.Seed, Schedule: r.Schedule, Facts: r.Facts, Points: r.Eval}
	if r.Seed > 1 {
		c.Data += fmt.Sprintf("/seed%d", r.Seed) // other batches: not to be paired with the first seed's
	}
	if len(r.Eval) < 2 {
		c.Points, c.BlockSteps, c.Window = r.Train, r.BlockSteps, trainWindow
	}
	return c
}

// Curves are the curves of many records.
func Curves(records []Record) []forecast.Curve {
	out := make([]forecast.Curve, len(records))
	for i, r := range records {
		out[i] = r.Curve()
	}
	return out
}

// Forecast reads files and forecasts every curve in them: the whole of
// `ftadvise forecast`. seen is the share of the horizon to look at; 0 is all.
func Forecast(files []string, seen float64, horizon int) (forecast.CurvesResult, error) {
	records, warnings, err := Read(files)
	if err != nil {
		return forecast.CurvesResult{}, err
	}
	out, err := forecast.Curves(Curves(records), seen, horizon)
	out.Warnings = append(warnings, out.Warnings...)
	return out, err
}
