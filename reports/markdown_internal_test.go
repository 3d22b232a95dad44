package reports

import (
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	mdtext "github.com/yuin/goldmark/text"
)

// Whatever a name is, what is written of it reads back as text: no link, no emphasis,
// no element, no further cell of a table.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"a|b", "[x](http://e.example)", "**b**", "<b>", "http://e.example", "www.e.example", "a@b.example", "`c`", "\\[x](y)", "&lt;", "~~s~~", "![i](j)", "WwW.e.example", "ftp://e.example", "mailto:a@b.example", "https\\://e.example"} {
		f.Add(s)
	}
	parser := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()
	f.Fuzz(func(t *testing.T, s string) {
		cell := escape(oneLine(s))
		source := []byte("| name | value |\n| --- | --- |\n| x " + cell + " | y |\n")
		cells := 0
		_ = ast.Walk(parser.Parse(mdtext.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if !entering {
				return ast.WalkContinue, nil
			}
			switch kind := n.Kind().String(); kind {
			case "Document", "Table", "TableHeader", "TableRow", "Text", "String":
			case "TableCell":
				cells++
			default:
				t.Errorf("%q became a %s in %q", s, kind, cell)
			}
			return ast.WalkContinue, nil
		})
		if cells != 4 || strings.Contains(cell, "\n") {
			t.Errorf("%q makes %d cells", s, cells)
		}
	})
}
