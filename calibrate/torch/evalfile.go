package torch

import (
	"context"
	"fmt"
	"os"

	"ftadvise/calibrate"
	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/dataset/tokenizer"
	"ftadvise/calibrate/hf"
	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// TextSpec is a text and the model to read it with.
type TextSpec struct {
	ModelDir   string
	AdapterDir string // a LoRA adapter in PEFT's format on top of it; empty: none
	TextPath   string
	Device     string
	Precision  string
}

// TextLoss is the loss of a text under a model.
type TextLoss struct {
	Tokens    int     `json:"tokens"`    // of the text, the tokenizer's own special ones counted
	Predicted int     `json:"predicted"` // those with a token before them
	Loss      float64 `json:"loss"`      // mean nats a predicted token
}

// TextLoss evaluates a text file under a model. A text longer than the model's positions
// is cut into windows of that length, each read on its own.
func (e *Engine) TextLoss(_ context.Context, spec TextSpec) (TextLoss, error) {
	var out TextLoss
	err := e.on(func() error {
		var err error
		out, err = e.textLoss(spec)
		return err
	})
	return out, refused(err)
}

func (e *Engine) textLoss(spec TextSpec) (TextLoss, error) {
	ids, err := textIDs(spec.ModelDir, spec.TextPath)
	if err != nil {
		return TextLoss{}, err
	}
	s := &session{group: calibrate.Group{ModelDir: spec.ModelDir, Device: spec.Device, Precision: spec.Precision}}
	if err := s.open(e.noCUDA); err != nil {
		return TextLoss{}, err
	}
	defer s.model.Close()
	window := min(len(ids), s.model.Config.MaxPositions)
	rows := windows(ids, window)
	m, err := s.reader(spec.AdapterDir, window)
	if err != nil {
		return TextLoss{}, err
	}
	defer m.Close()
	arena := shim.NewArena(s.device)
	defer arena.Reset()
	result, err := meanLoss(m.OneLane(arena), rows, 1, 4)
	return TextLoss{len(ids), result.tokens, result.loss[0]}, err
}

// reader makes the model that only computes losses, with an adapter where one is named.
func (s *session) reader(adapterDir string, positions int) (*decoder.Model, error) {
	if adapterDir != "" {
		return s.adapted(adapterDir, positions)
	}
	m, err := decoder.NewFrozen(s.model.Config, s.precision, s.device, positions)
	if err != nil {
		return nil, err
	}
	return loaded(m, m.Load(s.model))
}

// loaded is m, closed where loading failed.
func loaded(m *decoder.Model, err error) (*decoder.Model, error) {
	if err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// adapted loads an adapter that PEFT or this engine saved, on the session's base model.
func (s *session) adapted(dir string, positions int) (*decoder.Model, error) {
	adapter, err := hf.LoadAdapter(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = adapter.Close() }() // read to the end by then
	if err := adapter.Check(s.model.Config); err != nil {
		return nil, err
	}
	tensors, err := adapter.Sources()
	if err != nil {
		return nil, err
	}
	m, err := decoder.NewLoRA(s.model.Config, s.precision, s.device, positions, []decoder.Arm{{Method: adapter.Method}})
	if err != nil {
		return nil, err
	}
	if err := m.Load(s.model); err != nil {
		return loaded(m, err)
	}
	return loaded(m, m.SetAdapter(0, tensors))
}

func textIDs(modelDir, textPath string) ([]int32, error) {
	text, err := os.ReadFile(textPath)
	if err != nil {
		return nil, &calibrate.InputError{Where: textPath, What: "cannot be read", Hint: "give a text file in UTF-8"}
	}
	t, err := tokenizer.Load(modelDir)
	if err != nil {
		return nil, err
	}
	ids := t.Encode(string(text), true)
	if err := t.Err(); err != nil {
		return nil, err
	}
	if len(ids) < 2 {
		return nil, &calibrate.InputError{Where: textPath, What: fmt.Sprintf("is %d tokens long, nothing to predict", len(ids)), Hint: "give a longer text"}
	}
	return ids, nil
}

// windows cuts ids into rows; the last is padded, which nothing sees.
func windows(ids []int32, length int) packfile.Rows {
	s := packfile.Rows{N: (len(ids) + length - 1) / length, SeqLength: length}
	for i := range s.N * length {
		id, label, segment := int32(0), int32(packfile.IgnoreLabel), int32(0)
		if i < len(ids) {
			id, label, segment = ids[i], ids[i], 1
		}
		s.IDs, s.Labels, s.Segments = append(s.IDs, id), append(s.Labels, label), append(s.Segments, segment)
	}
	return s
}
