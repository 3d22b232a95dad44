package calibrate

import (
	"encoding/json"
	"fmt"
	"math"

	"ftadvise/calibrate/internal/jsonline"
)

// The types of an event's line.
const (
	typeStarted = "started"
	typeStep    = "step"
	typeEval    = "eval"
	typeMemory  = "memory"
	typeEnded   = "ended"
	typeLog     = "log"

	typeSpectrum = "spectrum"
	typeTokens   = "tokens"
)

// stepLine is a StepDone whose loss and norm may be absent: a diverging step has
// numbers that JSON cannot hold, and null says so.
type stepLine struct {
	StepDone
	Loss     *float64 `json:"loss"`
	GradNorm *float64 `json:"grad_norm"`
}

// evalLine is the same for an EvalDone.
type evalLine struct {
	EvalDone
	Loss *float64 `json:"loss"`
}

// EncodeEvent returns an event as one line of JSON, as the engine's protocol and a
// run's events.jsonl hold it. A loss or norm that is not finite becomes null.
func EncodeEvent(e Event) ([]byte, error) {
	switch e := e.(type) {
	case TrialStarted:
		return jsonline.Encode(typeStarted, e)
	case StepDone:
		return jsonline.Encode(typeStep, stepLine{e, finite(e.Loss), finite(e.GradNorm)})
	case EvalDone:
		if e.Accuracy != nil {
			e.Accuracy = finite(*e.Accuracy)
		}
		return jsonline.Encode(typeEval, evalLine{e, finite(e.Loss)})
	case MemoryMeasured:
		return jsonline.Encode(typeMemory, e)
	case TrialEnded:
		return jsonline.Encode(typeEnded, e)
	case SpectrumMeasured:
		return jsonline.Encode(typeSpectrum, e)
	case TokensMeasured:
		return jsonline.Encode(typeTokens, e)
	case LogLine:
		return jsonline.Encode(typeLog, e)
	}
	return nil, fmt.Errorf("event %T has no line", e)
}

// DecodeEvent reads what EncodeEvent wrote; null numbers become NaN. It returns nil
// and no error for a line whose type is not an event's.
func DecodeEvent(line []byte) (Event, error) {
	kind, err := jsonline.Kind(line)
	if err != nil {
		return nil, err
	}
	switch kind {
	case typeStarted:
		return decodeAs[TrialStarted](line)
	case typeStep:
		l, err := decodeAs[stepLine](line)
		if err != nil {
			return nil, err
		}
		l.StepDone.Loss, l.StepDone.GradNorm = orNaN(l.Loss), orNaN(l.GradNorm)
		return l.StepDone, nil
	case typeEval:
		l, err := decodeAs[evalLine](line)
		if err != nil {
			return nil, err
		}
		l.EvalDone.Loss = orNaN(l.Loss)
		return l.EvalDone, nil
	case typeMemory:
		return decodeAs[MemoryMeasured](line)
	case typeEnded:
		return decodeAs[TrialEnded](line)
	case typeSpectrum:
		return decodeAs[SpectrumMeasured](line)
	case typeTokens:
		return decodeAs[TokensMeasured](line)
	case typeLog:
		return decodeAs[LogLine](line)
	}
	return nil, nil
}

func decodeAs[T any](line []byte) (T, error) {
	var v T
	err := json.Unmarshal(line, &v)
	return v, err
}

func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

func orNaN(x *float64) float64 {
	if x == nil {
		return math.NaN()
	}
	return *x
}
