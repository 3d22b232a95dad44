package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"ftadvise/calibrate"
)

// maxFileBytes is far above any sensible settings file and far below what a YAML
// bomb needs.
const maxFileBytes = 1 << 20

// setting is one value that a layer gives, and where it gives it.
type setting struct {
	value  any
	origin string
}

// layer is the settings of one file, by path.
type layer map[string]setting

// readFile reads a settings file whose keys stand below prefix ("" or "stakes.");
// errors call it shown.
func readFile(path, shown, prefix string, known map[string]field) (layer, error) {
	data, err := readCapped(path, shown)
	if err != nil {
		return nil, err
	}
	return parse(data, shown, prefix, known)
}

func readCapped(path, shown string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, refuse(shown, "no such file", "ftadvise config show prints a complete one")
	}
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	if len(data) > maxFileBytes {
		return nil, refuse(shown, "larger than 1 MiB, so it is no settings file", "")
	}
	return data, nil
}

// parse reads YAML into settings, refusing what it does not know.
func parse(data []byte, name, prefix string, known map[string]field) (layer, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, refuse(name, strings.TrimPrefix(err.Error(), "yaml: "), "")
	}
	out := layer{}
	if len(doc.Content) == 0 {
		return out, nil
	}
	r := reader{name: name, known: known, out: out}
	return out, r.mapping(doc.Content[0], prefix)
}

// reader walks one file's nodes.
type reader struct {
	name  string
	known map[string]field
	out   layer
}

func (r reader) at(n *yaml.Node) string { return fmt.Sprintf("%s:%d", r.name, n.Line) }

func (r reader) mapping(n *yaml.Node, prefix string) error {
	if n.Kind != yaml.MappingNode {
		return refuse(r.at(n), section(prefix)+" must be a mapping of keys to values", "")
	}
	seen := map[string]int{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if first, twice := seen[key.Value]; twice {
			return refuse(r.at(key), fmt.Sprintf("key %q is given twice, first on line %d", key.Value, first), "keep one of the two")
		}
		seen[key.Value] = key.Line
		if err := r.entry(key, value, prefix+key.Value); err != nil {
			return err
		}
	}
	return nil
}

func section(prefix string) string {
	if prefix == "" {
		return "the file"
	}
	return strings.TrimSuffix(prefix, ".")
}

func (r reader) entry(key, value *yaml.Node, path string) error {
	if value.Kind == yaml.AliasNode || key.Kind != yaml.ScalarNode {
		return refuse(r.at(key), "aliases and composite keys are not allowed", "write the value out")
	}
	if f, ok := r.known[path]; ok {
		return r.leaf(f, value)
	}
	if r.isSection(path) {
		if value.Tag == "!!null" {
			return nil
		}
		return r.mapping(value, path+".")
	}
	return refuse(r.at(key), fmt.Sprintf("unknown key %q", path), didYouMean(path, r.known))
}

func (r reader) isSection(path string) bool {
	for known := range r.known {
		if strings.HasPrefix(known, path+".") {
			return true
		}
	}
	return false
}

// leaf takes one value; null leaves the setting as it was.
func (r reader) leaf(f field, n *yaml.Node) error {
	if n.Tag == "!!null" {
		return nil
	}
	text := n.Value
	if f.list() && n.Kind == yaml.SequenceNode {
		items := make([]string, len(n.Content))
		for i, item := range n.Content {
			if item.Kind != yaml.ScalarNode || strings.Contains(item.Value, ",") {
				return refuse(r.at(item), f.path+" must be "+f.kind(), "")
			}
			items[i] = item.Value
		}
		text = strings.Join(items, ",")
	} else if n.Kind != yaml.ScalarNode {
		return refuse(r.at(n), f.path+" must be "+f.kind(), "")
	}
	if err := f.check(text); err != nil {
		return refuse(r.at(n), f.path+": "+err.Error(), "")
	}
	r.out[f.path] = setting{text, r.at(n)}
	return nil
}

func refuse(where, what, hint string) error {
	return &calibrate.InputError{Where: where, What: what, Hint: hint}
}
