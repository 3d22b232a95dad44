package torch

import (
	"context"
	"fmt"
	"os"

	"ftadvise/calibrate"
	"ftadvise/calibrate/dataset/packfile"
	"ftadvise/calibrate/dataset/tokenizer"
	"ftadvise/calibrate/torch/decoder"
	"ftadvise/calibrate/torch/shim"
)

// TextLoss is the loss of a text under a base model.
type TextLoss struct {
	Tokens    int     `json:"tokens"`    // of the text, the tokenizer's own special ones counted
	Predicted int     `json:"predicted"` // those with a token before them
	Loss      float64 `json:"loss"`      // mean nats a predicted token
}

// TextLoss evaluates a text file under the model in a folder. A text longer than the
// model's positions is cut into windows of that length, each read on its own.
func (e *Engine) TextLoss(_ context.Context, modelDir, textPath, device, precision string) (TextLoss, error) {
	var out TextLoss
	err := e.on(func() error {
		var err error
		out, err = e.textLoss(modelDir, textPath, device, precision)
		return err
	})
	return out, refused(err)
}

func (e *Engine) textLoss(modelDir, textPath, device, precision string) (TextLoss, error) {
	ids, err := textIDs(modelDir, textPath)
	if err != nil {
		return TextLoss{}, err
	}
	s := &session{group: calibrate.Group{ModelDir: modelDir, Device: device, Precision: precision}}
	if err := s.open(e.noCUDA); err != nil {
		return TextLoss{}, err
	}
	defer s.model.Close()
	window := min(len(ids), s.model.Config.MaxPositions)
	rows := windows(ids, window)
	m, err := decoder.NewFrozen(s.model.Config, s.precision, s.device, window)
	if err != nil {
		return TextLoss{}, err
	}
	defer m.Close()
	if err := m.Load(s.model); err != nil {
		return TextLoss{}, err
	}
	arena := shim.NewArena(s.device)
	defer arena.Reset()
	result, err := meanLoss(arena, m, rows, 1, 4)
	return TextLoss{len(ids), result.tokens, result.loss[0]}, err
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
