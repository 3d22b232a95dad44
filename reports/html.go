package reports

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
)

//go:embed templates
var templates embed.FS

// HTML writes the report as one file that needs nothing else.
func (v View) HTML(w io.Writer) error { return page(w, "report", v) }

// shell is what every page has around its body.
type shell struct {
	Policy string // content security policy
	Body   any
}

// page renders a page. Its policy allows the page's own style sheet, by its digest,
// and nothing else: no script, no request, no frame, no form.
func page(w io.Writer, name string, body any) error {
	t, err := template.New("").ParseFS(templates, "templates/*")
	if err != nil {
		return fmt.Errorf("report templates: %w", err)
	}
	var style bytes.Buffer
	if err := t.ExecuteTemplate(&style, "style", nil); err != nil {
		return fmt.Errorf("report style: %w", err)
	}
	digest := sha256.Sum256(style.Bytes())
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'; base-uri 'none'; form-action 'none'"
	if err := t.ExecuteTemplate(w, name, shell{Policy: policy, Body: body}); err != nil {
		return fmt.Errorf("report as HTML: %w", err)
	}
	return nil
}
