package suite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"ftadvise/calibrate/dataset"
	"ftadvise/calibrate/dataset/tokenizer"
	"ftadvise/calibrate/embedded"
)

// Prepare writes the domains' texts and the bases' folders. The embedded base comes
// trained; the others still need pre-training on the corpus, which embedded/make writes.
func (p Place) Prepare(bases []Base, domains []Domain, from Sources) error {
	for _, d := range domains {
		if d.Lesson != nil {
			continue
		}
		text, err := d.Text(from)
		if err == nil {
			err = writeFile(p.Text(d), []byte(text))
		}
		if err != nil {
			return err
		}
	}
	shipped, err := embedded.Extract(filepath.Join(p.Dir, "embedded"))
	if err != nil {
		return err
	}
	for _, b := range bases {
		if err := p.prepareBase(b, shipped.Base); err != nil {
			return fmt.Errorf("base %s: %w", b.Name, err)
		}
	}
	return nil
}

func (p Place) prepareBase(b Base, shipped string) error {
	to, names := p.Raw(b), []string{"tokenizer.json", "tokenizer_config.json"}
	if b.Embedded {
		to, names = p.Model(b), append(names, "config.json", "model.safetensors")
	} else if err := writeFile(filepath.Join(to, "config.json"), []byte(b.Config())); err != nil {
		return err
	}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(shipped, name))
		if err == nil {
			err = writeFile(filepath.Join(to, name), data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// packed is what is kept of a domain's rows.
type packed struct {
	dataset.Packed
	TeacherLoss *float64 `json:",omitempty"`
}

// Pack writes the rows of each unit's data, unless they are there, and what it found out.
func (s Setting) Pack(ctx context.Context, units []Unit) error {
	p, schools := s.Place(), school{}
	for _, u := range units {
		if _, err := os.Stat(p.Facts(u.Base, u.Domain)); err == nil {
			continue
		}
		if err := s.pack(ctx, u.Base, u.Domain, schools); err != nil {
			return fmt.Errorf("domain %s: %w", u.Domain.Name, err)
		}
	}
	return nil
}

func (s Setting) pack(ctx context.Context, b Base, d Domain, schools school) error {
	p := s.Place()
	tok, err := tokenizer.Load(p.Model(b))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p.Pack(b, d)), 0o755); err != nil {
		return err
	}
	o := dataset.Options{Path: d.File, SeqLength: s.SeqLength, Seed: 1, EvalRows: d.EvalRows, Vocab: vocabulary, General: embedded.General()}
	var out packed
	if d.Lesson != nil {
		out, err = schools.pack(p.Model(b), *d.Lesson, o, tok, p.Pack(b, d))
	} else {
		o.Path = p.Text(d)
		out.Packed, err = dataset.Pack(ctx, o, tok, p.Pack(b, d))
	}
	if err != nil {
		return err
	}
	out.Data.Samples = nil // text, which is in the repository of Go
	return writeJSON(p.Facts(b, d), out)
}
