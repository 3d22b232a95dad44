package reports_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	mdtext "github.com/yuin/goldmark/text"
	"golang.org/x/net/html"

	"ftadvise/reports"
)

func hostileNames() []string {
	return []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'><svg/onload=alert(1)>`, `javascript:alert(1)`,
		`{{.}}{{template "front" .}}`, "`${alert(1)}`", "```\n<b>out</b>", `a | b](http://evil.example) ![x](http://evil.example/x.png)`,
		"[link](javascript:alert(1))", "http://evil.example www.evil.example evil@evil.example @everyone #1", "</title></style><style>*{display:none}</style>",
		"\u202Etxt.exe\u2066", "\x1b[2J\x1b]0;owned\a", "--></details><h1>big</h1>", "<!-- ", "&lt;b&gt;", "**bold** ~~gone~~ $x$", "%s%n%!d", "\n# heading\n- item\n", "\x00\xff",
	}
}

// poisoned sets every string of a value, deep down, to the payload, but for those in
// which the report itself reads a meaning.
func poisoned(v reflect.Value, payload string) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() && v.CanSet() {
			v.SetString(payload)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				poisoned(v.Field(i), payload)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			poisoned(v.Index(i), payload)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			poisoned(v.Elem(), payload)
		}
	}
}

func poisonedScenario(payload string) scenario {
	s := scenarios()["lora-wins"]
	s.run.Data.LabelCounts = map[string]int64{payload: 3, "other": 4}
	s.rec.Features = maps.Clone(s.rec.Features)
	poisoned(reflect.ValueOf(s.run).Elem(), payload)
	poisoned(reflect.ValueOf(s.rec).Elem(), payload)
	return s
}

// elements counts the elements and attributes of a page by name; how many ticks an
// axis has depends on the room that names leave, so paths and texts of charts do not
// count.
func elements(t testing.TB, page []byte) map[string]int {
	count := map[string]int{}
	for n := range parsed(t, page).Descendants() {
		if n.Type == html.CommentNode {
			count["comment"]++
		}
		if n.Type != html.ElementNode || n.Data == "path" || n.Data == "text" {
			continue
		}
		count[n.Data]++
		for _, a := range n.Attr {
			count[n.Data+"@"+a.Key]++
		}
	}
	return count
}

// A hostile name changes the text of a page and not one element of it.
func TestHostileNamesAreInertInHTML(t *testing.T) {
	want := elements(t, page(t, poisonedScenario("harmless")))
	for _, payload := range hostileNames() {
		got := elements(t, page(t, poisonedScenario(payload)))
		if !maps.Equal(got, want) {
			t.Errorf("%q changes the page: %s", payload, difference(got, want))
		}
	}
}

func difference(got, want map[string]int) string {
	var out []string
	for k := range got {
		if got[k] != want[k] {
			out = append(out, fmt.Sprintf("%s %d, want %d", k, got[k], want[k]))
		}
	}
	return strings.Join(out, "; ")
}

func TestHostileNamesAreInertInMarkdown(t *testing.T) {
	parser := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser()
	for _, payload := range hostileNames() {
		var b bytes.Buffer
		if err := reports.New(poisonedScenario(payload).run, poisonedScenario(payload).rec, options()).Markdown(&b); err != nil {
			t.Fatal(err)
		}
		headings := 0
		_ = ast.Walk(parser.Parse(mdtext.NewReader(b.Bytes())), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if !entering {
				return ast.WalkContinue, nil
			}
			switch n := n.(type) {
			case *ast.Link, *ast.AutoLink, *ast.Image, *ast.RawHTML, *ast.CodeSpan, *ast.Emphasis:
				if _, bold := n.(*ast.Emphasis); !bold || strings.Contains(payload, "*") && strings.Contains(nodeText(n, b.Bytes()), "bold") {
					t.Errorf("%q became a %s", payload, n.Kind())
				}
			case *ast.Text:
				if strings.Contains(string(n.Value(b.Bytes())), "@everyone") {
					t.Errorf("%q mentions", payload)
				}
			case *ast.Heading:
				headings++
			case *ast.HTMLBlock:
				if s := strings.TrimSpace(string(n.Lines().Value(b.Bytes()))); !ours(s) {
					t.Errorf("%q became HTML %q", payload, s)
				}
			}
			return ast.WalkContinue, nil
		})
		if headings != 1 {
			t.Errorf("%q: %d headings, want 1", payload, headings)
		}
		if strings.ContainsAny(b.String(), "\x1b\u202e") {
			t.Errorf("%q steers", payload)
		}
	}
}

func nodeText(n ast.Node, source []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if leaf, ok := c.(*ast.Text); ok {
			b.Write(leaf.Value(source))
		}
	}
	return b.String()
}

// ours tells the report's own HTML: its marker and its folds.
func ours(s string) bool {
	return s == reports.Marker || s == "</details>" || strings.HasPrefix(s, "<details><summary>") && strings.HasSuffix(s, "</summary>") && strings.Count(s, "<") == 3
}

func TestHostileNamesAreInertInSummaryAndJSON(t *testing.T) {
	for _, payload := range hostileNames() {
		v := reports.New(poisonedScenario(payload).run, poisonedScenario(payload).rec, options())
		for _, r := range strings.ReplaceAll(v.Summary(), "\n", "") {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("%q leaves %U in the summary", payload, r)
			}
		}
		var b bytes.Buffer
		if err := v.JSON(&b); err != nil || !json.Valid(b.Bytes()) || bytes.Contains(b.Bytes(), []byte("<script")) {
			t.Errorf("%q: JSON %v", payload, err)
		}
	}
}

func FuzzHostileName(f *testing.F) {
	for _, p := range hostileNames() {
		f.Add(p)
	}
	want := elements(f, page(f, poisonedScenario("harmless")))
	f.Fuzz(func(t *testing.T, payload string) {
		if strings.TrimSpace(payload) == "" {
			t.Skip("an empty name leaves out what would show it")
		}
		if got := elements(t, page(t, poisonedScenario(payload))); !maps.Equal(got, want) {
			t.Errorf("%q changes the page: %s", payload, difference(got, want))
		}
	})
}
