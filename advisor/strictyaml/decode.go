package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The limits of a file. They are far above what a person writes.
const (
	MaxBytes   = 1 << 20
	MaxDepth   = 64
	MaxNodes   = 100_000
	MaxAliases = 100
)

// Decode reads the one YAML document in data into out, strictly. An empty file is
// an error.
func Decode(file string, data []byte, out any) error {
	if err := check(file, data); err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(out); err != nil {
		return wrap(file, data, err, keysOf(out))
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return &Error{File: file, What: "more than one YAML document", Fix: "keep one document a file: no second ---"}
	}
	return nil
}

// Node is a parsed value with its place, for fields that need both.
type Node = yaml.Node

// Place returns where a scalar's text begins: its opening quote is skipped.
func Place(n *Node) (line, col int) { return n.Line, n.Column }

func check(file string, data []byte) error {
	if len(data) > MaxBytes {
		return &Error{File: file, What: fmt.Sprintf("%d bytes, more than the %d that are read", len(data), MaxBytes),
			Fix: "these files are written by hand: split it or remove what is not used"}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return &Error{File: file, What: "empty", Fix: "see docs/policies.md and docs/stakes.md for what belongs into it"}
	}
	if err := checkFlowDepth(file, data); err != nil {
		return err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return wrap(file, data, err, nil)
	}
	c := counter{file: file, data: data}
	return c.walk(&root, 0)
}

// checkFlowDepth counts brackets before parsing: the parser's own recursion is what a
// file of ten thousand of them is after.
func checkFlowDepth(file string, data []byte) error {
	depth, line := 0, 1
	for _, b := range data {
		switch b {
		case '\n':
			line++
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		}
		if depth > 10*MaxDepth {
			return &Error{File: file, Line: line, What: fmt.Sprintf("brackets nested deeper than %d", 10*MaxDepth), Fix: "flatten the file"}
		}
	}
	return nil
}

type counter struct {
	file           string
	data           []byte
	nodes, aliases int
}

func (c *counter) walk(n *yaml.Node, depth int) error {
	c.nodes++
	if n.Kind == yaml.AliasNode {
		c.aliases++
	}
	switch {
	case depth > MaxDepth:
		return c.fail(n, fmt.Sprintf("nested deeper than %d", MaxDepth), "flatten the file")
	case c.nodes > MaxNodes:
		return c.fail(n, fmt.Sprintf("more than %d values", MaxNodes), "split the file")
	case c.aliases > MaxAliases:
		return c.fail(n, fmt.Sprintf("more than %d aliases", MaxAliases), "write the values out")
	case n.Kind == yaml.AliasNode && n.Alias != nil && n.Alias.Kind != yaml.ScalarNode:
		return c.fail(n, "an alias of a list or mapping", "only single values may be aliased: write this one out")
	}
	for _, child := range n.Content {
		if err := c.walk(child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *counter) fail(n *yaml.Node, what, fix string) error {
	return At(c.file, c.data, n.Line, n.Column, what, fix)
}

var (
	yamlLine     = regexp.MustCompile(`line (\d+): (.*)`)
	unknownField = regexp.MustCompile(`^field (\S+) not found in type \S+$`)
	doubledKey   = regexp.MustCompile(`^mapping key "(.*)" already defined at line (\d+)$`)
	wrongType    = regexp.MustCompile("^cannot unmarshal !!(\\S+) (`.*`)? ?into (\\S+)$")
)

// wrap turns the library's error into one place and one sentence; of several type
// errors the first is told.
func wrap(file string, data []byte, err error, keys []string) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	m := yamlLine.FindStringSubmatch(text)
	if m == nil {
		return &Error{File: file, What: text, Fix: "the file is not YAML"}
	}
	line, _ := strconv.Atoi(m[1])
	what, word, fix := explain(m[2], keys)
	return At(file, data, line, columnOf(data, line, word), what, fix)
}

func explain(text string, keys []string) (what, word, fix string) {
	if m := unknownField.FindStringSubmatch(text); m != nil {
		what = fmt.Sprintf("unknown key %q", m[1])
		if near := Nearest(m[1], keys); near != "" {
			what += fmt.Sprintf(": did you mean %s?", near)
		}
		return what, m[1], "docs/policies.md and docs/stakes.md list the keys"
	}
	if m := doubledKey.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("key %q is given twice, first at line %s", m[1], m[2]), m[1], "keep one of the two"
	}
	if m := wrongType.FindStringSubmatch(text); m != nil {
		value := strings.Trim(m[2], "`")
		return fmt.Sprintf("%s where %s is wanted", describe(m[1], value), goType(m[3])), value, "give a value of that kind"
	}
	return text, "", "check the YAML around this line"
}

func describe(tag, value string) string {
	kind := map[string]string{"str": "text", "int": "a number", "float": "a number", "bool": "true or false",
		"seq": "a list", "map": "a mapping", "null": "nothing"}[tag]
	if kind == "" {
		kind = tag
	}
	if value == "" {
		return kind
	}
	return fmt.Sprintf("%s (%s)", kind, value)
}

func goType(name string) string {
	switch {
	case strings.HasPrefix(name, "float"), strings.HasPrefix(name, "int"), strings.HasPrefix(name, "uint"):
		return "a number"
	case name == "bool":
		return "true or false"
	case name == "string":
		return "text"
	case strings.HasPrefix(name, "[]"):
		return "a list"
	}
	return "a mapping"
}

func columnOf(data []byte, line int, word string) int {
	text, ok := lineOf(data, line)
	if !ok {
		return 0
	}
	if i := strings.Index(text, word); word != "" && i >= 0 {
		return i + 1
	}
	return len(text) - len(strings.TrimLeft(text, " \t")) + 1
}
