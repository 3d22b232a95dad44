package parquet

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// node is a place of the schema.
type node struct {
	element
	def, rep int // levels at which it is there, and at which a further one of it begins
	children []*node
	column   *column // of a leaf
}

const maxNesting = 64

// grow makes the tree of the schema, whose elements stand depth first.
func (f *File) grow() error {
	if len(f.footer.schema) == 0 {
		return errors.New("no schema")
	}
	left := f.footer.schema
	root, err := f.plant(&left, 0, 0, 0)
	if err != nil {
		return err
	}
	if len(left) > 0 || root.column != nil {
		return errors.New("a schema of loose parts")
	}
	f.root = root
	return nil
}

func (f *File) plant(left *[]element, def, rep, depth int) (*node, error) {
	if len(*left) == 0 || depth > maxNesting {
		return nil, fmt.Errorf("a schema that goes on for too long")
	}
	n := &node{element: (*left)[0]}
	*left = (*left)[1:]
	if depth > 0 {
		switch n.repetition {
		case required:
		case optional:
			def++
		case repeated:
			def, rep = def+1, rep+1
		default:
			return nil, fmt.Errorf("column %s is of the unknown repetition %d", n.name, n.repetition)
		}
	}
	n.def, n.rep = def, rep
	if n.element.children == 0 {
		return n, f.leaf(n)
	}
	if n.element.children < 0 || n.element.children > len(*left) {
		return nil, errors.New("a schema of fewer parts than it says")
	}
	for range n.element.children {
		child, err := f.plant(left, def, rep, depth+1)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, child)
	}
	return n, nil
}

func (f *File) leaf(n *node) error {
	if n.physical < physicalBool || n.physical > physicalFixed || n.physical == physicalFixed && (n.length < 1 || n.length > 1<<20) {
		return fmt.Errorf("column %s is of the unknown type %d", n.name, n.physical)
	}
	n.column = &column{name: n.name, physical: n.physical, length: n.length, maxDef: n.def, maxRep: n.rep}
	f.columns = append(f.columns, n.column)
	return nil
}

// first is the leaf whose levels tell of the node.
func (n *node) first() *column {
	for n.column == nil {
		n = n.children[0]
	}
	return n.column
}

// field reads a column of a record.
func (n *node) field() (any, error) {
	if n.column != nil && n.repetition != repeated && n.isText() {
		e, err := n.column.take()
		if err != nil || e.def < n.def {
			return nil, err
		}
		return string(e.value.bytes), nil
	}
	out, err := n.appendTo(nil)
	if err != nil || string(out) == "null" {
		return nil, err
	}
	return json.RawMessage(out), nil
}

// appendTo adds the node's JSON to out.
func (n *node) appendTo(out []byte) ([]byte, error) {
	if n.repetition == repeated {
		return n.appendList(out, n.appendOne)
	}
	return n.appendOne(out)
}

// appendOne adds the node once, or null where it is missing.
func (n *node) appendOne(out []byte) ([]byte, error) {
	if n.column != nil {
		e, err := n.column.take()
		if err != nil {
			return out, err
		}
		if e.def < n.def {
			return append(out, "null"...), nil
		}
		return n.appendValue(out, e.value)
	}
	e, err := n.first().peek()
	if err != nil {
		return out, err
	}
	if e.def < n.def {
		return append(out, "null"...), n.pass()
	}
	if inner := n.inner(); inner != nil {
		return inner.repeats(out)
	}
	return n.appendFields(out)
}

// inner is the repeated child of a list or a map.
func (n *node) inner() *node {
	if (n.meaning.kind == list || n.meaning.kind == mapping) && len(n.children) == 1 && n.children[0].repetition == repeated {
		return n.children[0]
	}
	return nil
}

// repeats adds the elements of a list. Where the repeated group has one field, that is
// the element, but for two names that old writers used for a list of groups (the format's
// LogicalTypes.md, backward-compatibility rules).
func (n *node) repeats(out []byte) ([]byte, error) {
	if n.column == nil && len(n.children) == 1 && n.name != "array" && !strings.HasSuffix(n.name, "_tuple") && n.meaning.kind == plain {
		return n.appendList(out, n.children[0].appendTo)
	}
	return n.appendList(out, n.appendOne)
}

// appendList adds as many elements as the levels tell of.
func (n *node) appendList(out []byte, element func([]byte) ([]byte, error)) ([]byte, error) {
	out = append(out, '[')
	e, err := n.first().peek()
	if err != nil {
		return out, err
	}
	if e.def < n.def {
		return append(out, ']'), n.pass()
	}
	for {
		if out, err = element(out); err != nil {
			return out, err
		}
		next, err := n.first().peek()
		if err != nil || next.rep != n.rep || next.def < 0 {
			return append(out, ']'), err
		}
		out = append(out, ',')
	}
}

func (n *node) appendFields(out []byte) ([]byte, error) {
	out = append(out, '{')
	for i, child := range n.children {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := json.Marshal(child.name)
		if err != nil {
			return out, err
		}
		out = append(append(out, name...), ':')
		if out, err = child.appendTo(out); err != nil {
			return out, err
		}
	}
	return append(out, '}'), nil
}

// pass goes past the one entry that each leaf has of something that is missing.
func (n *node) pass() error {
	if n.column != nil {
		_, err := n.column.take()
		return err
	}
	for _, child := range n.children {
		if err := child.pass(); err != nil {
			return err
		}
	}
	return nil
}
