package dataset

import (
	"slices"
	"strings"
	"testing"

	"ftadvise/calibrate/dataset/packfile"
)

// chatTemplate writes conversations as ChatML does.
const chatTemplate = "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '</s>\n' }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"

// markedTemplate says itself what the model writes.
const markedTemplate = "{% for m in messages %}<|{{ m.role }}|>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}</s>{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}"

// marked shows parts with what carries loss in angle brackets.
func marked(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		if p.loss {
			b.WriteString("⟨" + p.text + "⟩")
		} else {
			b.WriteString(p.text)
		}
	}
	return b.String()
}

func TestShapes(t *testing.T) {
	const turns = `[{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"},{"role":"user","content":"Why?"},{"role":"assistant","content":"So."}]`
	for _, c := range []struct {
		name   string
		record string
		o      Options
		shape  string
		want   string
	}{
		{"text", `{"text":"All of it."}`, Options{}, "text", "⟨All of it.⟩"},
		{"content", `{"id":1,"content":"All of it."}`, Options{}, "text", "⟨All of it.⟩"},
		{"prompt and completion", `{"prompt":"2+2=","completion":" 4"}`, Options{}, "prompt-completion", "2+2=⟨ 4⟩"},
		{"prompt that ends a line", `{"prompt":"Q:\n","completion":"4"}`, Options{}, "prompt-completion", "Q:\n⟨4⟩"},
		{"question and answer", `{"question":"2+2?","answer":"4"}`, Options{}, "prompt-completion", "2+2?\n⟨4⟩"},
		{"input and output", `{"instruction":"Add.","input":"2 2","output":"4"}`, Options{}, "alpaca", "### Instruction:\nAdd.\n\n### Input:\n2 2\n\n### Response:\n⟨4⟩"},
		{"alpaca without input", `{"instruction":"Say 4.","input":"","output":"4"}`, Options{}, "alpaca", "### Instruction:\nSay 4.\n\n### Response:\n⟨4⟩"},
		{"alpaca with system", `{"system":"Be brief.","instruction":"Say 4.","output":"4"}`, Options{}, "alpaca", "Be brief.\n\n### Instruction:\nSay 4.\n\n### Response:\n⟨4⟩"},
		{"messages", `{"messages":` + turns + `}`, Options{}, "messages", "User:⟨⟩ Hi\n\nAssistant:⟨ Ho⟩\n\nUser: Why?\n\nAssistant:⟨ So.⟩"},
		{"a role beyond ASCII", `{"messages":[{"role":"übersetzer","content":"Hi"}]}`, Options{}, "messages", "Übersetzer: Hi"},
		{"messages in chunks", `{"messages":[{"role":"user","content":[{"type":"text","text":"H"},{"type":"text","text":"i"}]},{"role":"assistant","content":"Ho"}]}`, Options{}, "messages", "User: Hi\n\nAssistant:⟨ Ho⟩"},
		{"messages by template", `{"messages":` + turns + `}`, Options{Template: chatTemplate}, "messages", "<|user|>Hi</s>\n<|assistant|>⟨Ho</s>\n⟩<|user|>Why?</s>\n<|assistant|>⟨So.</s>\n⟩"},
		{"messages by marks", `{"messages":` + turns + `}`, Options{Template: markedTemplate}, "messages", "<|user|>Hi<|assistant|>⟨Ho</s>⟩<|user|>Why?<|assistant|>⟨So.</s>⟩"},
		{"sharegpt", `{"conversations":[{"from":"human","value":"Hi"},{"from":"gpt","value":"Ho"}],"system":"Be brief."}`, Options{Template: chatTemplate}, "sharegpt",
			"<|system|>Be brief.</s>\n<|user|>Hi</s>\n<|assistant|>⟨Ho</s>\n⟩"},
		{"prompt as messages", `{"prompt":[{"role":"assistant","content":"a"},{"role":"user","content":"b"}],"completion":[{"role":"assistant","content":"c"}]}`, Options{Template: chatTemplate}, "prompt-completion",
			"<|assistant|>a</s>\n<|user|>b</s>\n<|assistant|>⟨c</s>\n⟩"},
		{"classification", `{"text":"Good!","label":"positive"}`, Options{}, "classification", "Good!\nLabel:⟨ positive⟩"},
		{"classes by number", `{"sentence":"Good!","label":1}`, Options{}, "classification", "Good!\nLabel:⟨ 1⟩"},
		{"answer with a space", `{"question":"2+2 is","answer":" 4"}`, Options{}, "prompt-completion", "2+2 is⟨ 4⟩"},
		{"source and target", `{"source":"Hallo","target":"Hello"}`, Options{}, "prompt-completion", "Hallo\n⟨Hello⟩"},
		{"system", `{"system":"Be brief.","prompt":"2+2=","completion":"4"}`, Options{}, "prompt-completion", "Be brief.\n2+2=⟨4⟩"},
		{"by field", `{"q":"2+2?","a":"4"}`, Options{Fields: map[string]string{"prompt": "q", "completion": "a"}}, "prompt-completion", "2+2?\n⟨4⟩"},
		{"one by field", `{"prompt":"2+2?","reply":"4"}`, Options{Fields: map[string]string{"completion": "reply"}}, "prompt-completion", "2+2?\n⟨4⟩"},
		{"classes by field", `{"review":"Good!","stars":5}`, Options{Fields: map[string]string{"text": "review", "label": "stars"}}, "classification", "Good!\nLabel:⟨ 5⟩"},
		{"asked for text", `{"text":"Good!","label":1}`, Options{Shape: "text"}, "text", "⟨Good!⟩"},
		{"escapes", `{"text":"\u00e9\ud83d\udc4d\n\u0000"}`, Options{}, "text", "⟨é👍\n\x00⟩"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := object(place{"x.jsonl", "line", 1}, []byte(c.record))
			if err != nil {
				t.Fatal(err)
			}
			chat, err := newChat(c.o, small(t))
			if err != nil {
				t.Fatal(err)
			}
			s, err := newShaper(c.o, "jsonl", r, chat)
			if err != nil {
				t.Fatal(err)
			}
			e, err := s.example(r)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.ReplaceAll(c.want, "⟨⟩", "")
			if got := marked(e.parts); s.shape != c.shape || got != want {
				t.Errorf("%s %q, want %s %q", s.shape, got, c.shape, want)
			}
		})
	}
}

// TestLossMask decodes the tokens that carry loss: the completions and nothing else.
func TestLossMask(t *testing.T) {
	tok := small(t)
	prompts, completions := pairs(40)
	p := pack(t, Options{Path: saved(t, "x.jsonl", pairsJSONL(40)), Pad: true})
	seen := 0
	for i := range p.train.N {
		var masked, learned []int32
		for j := i * 64; j < (i+1)*64; j++ {
			switch {
			case p.train.Labels[j] != packfile.IgnoreLabel:
				learned = append(learned, p.train.IDs[j])
			case p.train.Segments[j] != 0:
				masked = append(masked, p.train.IDs[j])
			}
		}
		prompt, completion := tok.DecodePlain(masked), strings.TrimSpace(tok.DecodePlain(learned))
		at := slices.Index(completions, completion)
		if at < 0 || strings.TrimSpace(prompt) != prompts[at] || learned[len(learned)-1] != 2 {
			t.Errorf("row %d: prompt %q, completion %q", i, prompt, completion)
		}
		seen++
	}
	if seen < 20 {
		t.Errorf("%d rows", seen)
	}
}

// TestClassification counts labels and learns their words.
func TestClassification(t *testing.T) {
	var b strings.Builder
	for i := range 60 {
		label := []string{"good", "bad", "so-so"}[i%3]
		b.WriteString(`{"text":"Review number ` + strings.Repeat("x", i) + `","label":"` + label + `"}` + "\n")
	}
	p := pack(t, Options{Path: saved(t, "x.jsonl", b.String())})
	if p.Data.Shape != "classification" || len(p.Data.LabelCounts) != 3 || p.Data.LabelCounts["bad"] != 20 {
		t.Errorf("%s, %v", p.Data.Shape, p.Data.LabelCounts)
	}
	if s := p.Data.Samples[0]; !strings.HasSuffix(s.Prompt, "Label:") || !strings.HasPrefix(s.Completion, " ") {
		t.Errorf("%+v", s)
	}
}
