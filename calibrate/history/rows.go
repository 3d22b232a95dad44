package history

import (
	"math"
	"slices"
	"strings"

	"ftadvise/calibrate/evidence"
)

// row is one line of a log: numbers by lower-case column name, and its run's label.
type row struct {
	run    string
	values map[string]float64
}

// The names under which loggers write the same thing, the surest first.
func stepNames() []string {
	return []string{"train/global_step", "trainer/global_step", "global_step", "step", "steps", "iteration", "iter", "_step"}
}

func trainNames() []string {
	return []string{"train/loss", "train_loss", "loss/train", "training_loss", "training loss", "loss", "train/train_loss"}
}

func evalNames() []string {
	return []string{"eval/loss", "eval_loss", "val/loss", "val_loss", "valid_loss", "validation_loss", "validation/loss", "loss/val", "loss/validation", "loss/eval", "test_loss", "eval loss", "validation loss"}
}

func rateNames() []string { return []string{"train/learning_rate", "learning_rate", "lr", "train/lr"} }

func normNames() []string { return []string{"train/grad_norm", "grad_norm"} }

// accuracyNames are of whole answers; what TRL calls mean_token_accuracy counts tokens.
func accuracyNames() []string {
	return []string{"eval/accuracy", "eval_accuracy", "val/accuracy", "val_accuracy", "val_acc", "eval_acc", "validation_accuracy", "validation/accuracy", "accuracy/validation"}
}

// pick returns the first of the names that any row has.
func pick(rows []row, names []string) string {
	for _, name := range names {
		if slices.ContainsFunc(rows, func(r row) bool { _, ok := r.values[name]; return ok }) {
			return name
		}
	}
	return ""
}

// recordsOf groups rows by run and reads each.
func recordsOf(path string, rows []row) ([]Record, error) {
	var order []string
	groups := map[string][]row{}
	for _, r := range rows {
		if _, ok := groups[r.run]; !ok {
			order = append(order, r.run)
		}
		groups[r.run] = append(groups[r.run], r)
	}
	var out []Record
	for _, name := range order {
		r, err := recordOf(path, name, groups[name])
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func recordOf(path, name string, rows []row) (Record, error) {
	if name == "" {
		name = nameOf(path)
	}
	step, train, eval := pick(rows, stepNames()), pick(rows, trainNames()), pick(rows, evalNames())
	if step == "" || (train == "" && eval == "") {
		return Record{}, &Error{Where: path, What: "has no " + missing(step) + " among " + columns(rows),
			Advice: "give a column or key named step and one named loss or eval_loss"}
	}
	r := Record{Name: name, Method: MethodOf(name), Train: points(rows, step, train), Eval: points(rows, step, eval),
		GradNorm: points(rows, step, pick(rows, normNames())), Accuracy: shares(points(rows, step, pick(rows, accuracyNames())))}
	if train == "" || len(r.Train) == 0 {
		r.Train = nil
	}
	r.Rate, r.Schedule = scheduleOf(points(rows, step, pick(rows, rateNames())), 0)
	r.BlockSteps = blockOf(r.Train)
	return r, nil
}

func missing(step string) string {
	if step == "" {
		return "step"
	}
	return "loss"
}

func columns(rows []row) string {
	seen := map[string]bool{}
	var names []string
	for _, r := range rows {
		for name := range r.values {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	if len(names) > 12 {
		names = append(names[:12], "...")
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// points reads one column against the steps. Rows without a step or a value are of
// another column; a step that is no count cannot be placed and is left out.
func points(rows []row, step, column string) []evidence.Point {
	var out []evidence.Point
	for _, r := range rows {
		at, ok := r.values[step]
		value, has := r.values[column]
		if ok && has && at >= 0 && at <= math.MaxInt32 && at == math.Trunc(at) {
			out = append(out, evidence.Point{Step: int(at), Loss: value})
		}
	}
	return out
}

// shares are points that are shares; a log of percentages is not guessed at.
func shares(points []evidence.Point) []evidence.Point {
	if slices.ContainsFunc(points, func(p evidence.Point) bool { return !(p.Loss >= 0 && p.Loss <= 1) }) {
		return nil
	}
	return points
}

// blockOf is the spacing of evenly logged losses, which trainers log as means over
// the steps in between; 0 where they are not even.
func blockOf(points []evidence.Point) int {
	if len(points) < 3 {
		return 0
	}
	block := points[1].Step - points[0].Step
	for i := 2; i < len(points)-1; i++ {
		if points[i].Step-points[i-1].Step != block {
			return 0
		}
	}
	if points[0].Step != block {
		return 0
	}
	return max(0, block)
}
