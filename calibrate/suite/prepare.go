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

// Pack writes each domain's rows, unless they are there, and what it found out.
func (s Setting) Pack(ctx context.Context, domains []Domain) error {
	p := s.Place()
	tok, err := tokenizer.Load(p.Model(bases()[0]))
	if err != nil {
		return err
	}
	for _, d := range domains {
		if _, err := os.Stat(p.Facts(d)); err == nil {
			continue
		}
		if err := s.pack(ctx, d, tok); err != nil {
			return fmt.Errorf("domain %s: %w", d.Name, err)
		}
	}
	return nil
}

func (s Setting) pack(ctx context.Context, d Domain, tok *tokenizer.Tokenizer) error {
	p := s.Place()
	if err := os.MkdirAll(filepath.Dir(p.Pack(d)), 0o755); err != nil {
		return err
	}
	packed, err := dataset.Pack(ctx, dataset.Options{
		Path: p.Text(d), SeqLength: s.SeqLength, Seed: 1, EvalRows: d.EvalRows, Vocab: vocabulary, General: embedded.General(),
	}, tok, p.Pack(d))
	if err != nil {
		return err
	}
	packed.Data.Samples = nil // text, which is in the repository of Go
	return writeJSON(p.Facts(d), packed)
}
