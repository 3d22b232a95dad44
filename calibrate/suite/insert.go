package suite

import (
	"fmt"
	"strings"
)

// Insert puts what Tables wrote between its marks in a document.
func Insert(document string, tables map[string]string) (string, error) {
	for name, table := range tables {
		begins, ends := marks(name)
		before, rest, ok := strings.Cut(document, begins)
		_, after, ended := strings.Cut(rest, ends)
		if !ok || !ended {
			return "", fmt.Errorf("the document has no marks %q and %q", strings.TrimSpace(begins), strings.TrimSpace(ends))
		}
		document = before + begins + "\n" + table + "\n" + ends + after
	}
	return document, nil
}

// marks stand around a table in a document.
func marks(name string) (begins, ends string) {
	return fmt.Sprintf("<!-- %s: written by make suite-docs -->\n", name), fmt.Sprintf("<!-- %s: end -->\n", name)
}

// Tables are Markdown that tells what the curve files in a folder found, by the name of its
// marks: who is better, how far seeds lie apart, and what LoRA gains by tables trained whole.
func Tables(dir string) (map[string]string, error) {
	out := map[string]string{}
	for name, write := range map[string]func(string) (string, error){"suite": answers, "seeds": noise, "whole": wholes} {
		text, err := write(dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = text
	}
	return out, nil
}
