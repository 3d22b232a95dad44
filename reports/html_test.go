package reports_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

func parsed(t testing.TB, page []byte) *html.Node {
	t.Helper()
	doc, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// Whatever the evidence holds or lacks, the page stands alone: no script, no request,
// no style but its own, whose digest the policy names.
func TestPageStandsAlone(t *testing.T) {
	for name, s := range scenarios() {
		var policy, style string
		for n := range parsed(t, page(t, s)).Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			switch n.DataAtom {
			case atom.Script, atom.Iframe, atom.Object, atom.Embed, atom.Link, atom.Img, atom.Form, atom.Base:
				t.Errorf("%s: element %s", name, n.Data)
			case atom.Style:
				style = text(n)
			case atom.Meta:
				if attr(n, "http-equiv") == "Content-Security-Policy" {
					policy = attr(n, "content")
				}
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "src" || a.Key == "href" && !strings.HasPrefix(a.Val, "#") {
					t.Errorf("%s: attribute %s=%q on %s", name, a.Key, a.Val, n.Data)
				}
			}
		}
		digest := sha256.Sum256([]byte(style))
		if !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(digest[:])+"'") || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: the policy %q does not name the style sheet", name, policy)
		}
	}
}

func TestEveryFigureHasItsTable(t *testing.T) {
	for name, s := range scenarios() {
		figures := 0
		for n := range parsed(t, page(t, s)).Descendants() {
			if n.Type != html.ElementNode || n.DataAtom != atom.Figure {
				continue
			}
			figures++
			rows := 0
			for d := range n.Descendants() {
				if d.DataAtom == atom.Tr {
					rows++
				}
			}
			if rows < 2 {
				t.Errorf("%s: figure %s has no table", name, attr(n, "aria-labelledby"))
			}
		}
		if want := map[string]int{"lora-wins": 11, "does-not-fit": 1}[name]; want > 0 && figures < want {
			t.Errorf("%s: %d figures, want %d", name, figures, want)
		}
	}
}

func TestIDsAreUniqueAndLinksArrive(t *testing.T) {
	for name, s := range scenarios() {
		ids := map[string]int{}
		var links []string
		for n := range parsed(t, page(t, s)).Descendants() {
			if id := attr(n, "id"); id != "" {
				ids[id]++
			}
			if n.DataAtom == atom.A {
				links = append(links, strings.TrimPrefix(attr(n, "href"), "#"))
			}
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s: id %s occurs %d times", name, id, n)
			}
		}
		for _, l := range links {
			if ids[l] == 0 {
				t.Errorf("%s: link to nowhere: #%s", name, l)
			}
		}
	}
}

func TestNothingPrintsAsNaN(t *testing.T) {
	for name, s := range scenarios() {
		for _, bad := range []string{"NaN", "+Inf", "-Inf", "Inf<", "Inf ", "%!", "<nil>", "ZgotmplZ"} {
			shown := bytes.ReplaceAll(page(t, s), []byte("the loss is NaN"), nil)
			if i := bytes.Index(shown, []byte(bad)); i >= 0 {
				t.Errorf("%s: %q in %q", name, bad, shown[max(0, i-80):min(len(shown), i+40)])
			}
		}
	}
}

func TestSectionsSayWhyTheyAreEmpty(t *testing.T) {
	shown := string(page(t, scenarios()["imported"]))
	for _, want := range []string{"No step was timed.", "No trial measured its memory.", "The spectrum was not measured in this run."} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestDashboardLink(t *testing.T) {
	s := scenarios()["lora-wins"]
	s.opts.DashboardURL = "http://localhost:3000/d/ftadvise"
	if shown := string(page(t, s)); !strings.Contains(shown, `href="http://localhost:3000/d/ftadvise?var-run=01JDC0FFEE"`) {
		t.Error("no link to the dashboard")
	}
	s.opts.DashboardURL = "javascript:alert(1)"
	if shown := string(page(t, s)); strings.Contains(shown, "javascript") {
		t.Error("a script address became a link")
	}
}
