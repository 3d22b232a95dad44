package tokenizer

import (
	"encoding/json"
	"fmt"
)

// frame is what the post-processor puts before and after the ids of one text.
type frame struct{ before, after []int32 }

func (f frame) around(ids []int32) []int32 {
	if len(f.before)+len(f.after) == 0 {
		return ids
	}
	out := make([]int32, 0, len(f.before)+len(ids)+len(f.after))
	return append(append(append(out, f.before...), ids...), f.after...)
}

type postFile struct {
	Type          string                     `json:"type"`
	Processors    []json.RawMessage          `json:"processors"`
	Single        []map[string]templatePiece `json:"single"`
	SpecialTokens map[string]struct {
		IDs []int32 `json:"ids"`
	} `json:"special_tokens"`
	Sep namedID `json:"sep"`
	Cls namedID `json:"cls"`
}

type templatePiece struct {
	ID string `json:"id"`
}

// namedID is ["</s>", 2].
type namedID struct {
	name string
	id   int32
}

func (n *namedID) UnmarshalJSON(data []byte) error {
	pair := []any{&n.name, &n.id}
	return json.Unmarshal(data, &pair)
}

func parsePostProcessor(where string, raw json.RawMessage) (frame, error) {
	if absent(raw) {
		return frame{}, nil
	}
	var f postFile
	if err := fields(where, raw, &f); err != nil {
		return frame{}, err
	}
	switch f.Type {
	case "ByteLevel": // changes offsets only
		return frame{}, nil
	case "TemplateProcessing":
		return parseTemplate(where, f)
	case "BertProcessing", "RobertaProcessing":
		return frame{before: []int32{f.Cls.id}, after: []int32{f.Sep.id}}, nil
	case "Sequence":
		return parseProcessors(where, f.Processors)
	}
	return frame{}, unknownPart(where, f.Type)
}

func parseProcessors(where string, list []json.RawMessage) (frame, error) {
	var out frame
	for i, raw := range list {
		step := fmt.Sprintf("%s[%d]", where, i)
		f, err := parsePostProcessor(step, raw)
		if err != nil {
			return frame{}, err
		}
		if len(f.before)+len(f.after) == 0 {
			continue
		}
		if len(out.before)+len(out.after) > 0 {
			return frame{}, refuse(step, "a second post-processor that adds tokens is not supported")
		}
		out = f
	}
	return out, nil
}

func parseTemplate(where string, f postFile) (frame, error) {
	var out frame
	seen := false
	for i, piece := range f.Single {
		if _, ok := piece["Sequence"]; ok {
			if seen {
				return frame{}, refuse(fmt.Sprintf("%s.single[%d]", where, i), "the text appears twice")
			}
			seen = true
			continue
		}
		token, ok := piece["SpecialToken"]
		if !ok {
			return frame{}, refuse(fmt.Sprintf("%s.single[%d]", where, i), "neither Sequence nor SpecialToken")
		}
		special, ok := f.SpecialTokens[token.ID]
		if !ok {
			return frame{}, refuse(where+".special_tokens", "%q is missing", token.ID)
		}
		if seen {
			out.after = append(out.after, special.IDs...)
		} else {
			out.before = append(out.before, special.IDs...)
		}
	}
	if !seen {
		return frame{}, refuse(where+".single", "the text itself is missing")
	}
	return out, nil
}
