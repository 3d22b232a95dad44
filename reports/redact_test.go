package reports_test

import (
	"bytes"
	"strings"
	"testing"

	"ftadvise/advisor"
	"ftadvise/calibrate/evidence"
	"ftadvise/reports"
)

// secretive is a run full of what must not leave the house.
func secretive() scenario {
	s := scenarios()["redacted"]
	s.run.Setup.Model.Name, s.run.Setup.Model.Revision = "/home/zelda/models/secret-base", ""
	s.run.Data.Name = "/srv/customers/acme-tickets.jsonl"
	s.run.Environment.Host = "zelda-workstation"
	s.run.Data.Samples = []evidence.Sample{{Prompt: "My name is Grace", Completion: "Hello Grace"}}
	s.run.Data.LabelCounts = map[string]int64{"fraud at Acme": 7, "ok": 90}
	s.run.Trials[0].Outcome.Reason = "cannot write /var/tmp/zelda/ckpt: no space"
	s.run.Trials[0].Outcome.Checkpoint = "checkpoints/zelda"
	s.run.Warnings = []evidence.Warning{{Code: "leak", Text: "secret-base saw rows of acme-tickets.jsonl; see ~/notes/leak.txt on zelda-workstation."}}
	s.rec.Next = []string{"ftadvise calibrate --model /home/zelda/models/secret-base --data /srv/customers/acme-tickets.jsonl"}
	s.rec.Assumptions = append(s.rec.Assumptions, advisor.Assumption{Name: "months", Value: "12", Origin: `C:\Users\zelda\config.yaml:12`})
	return s
}

func TestRedactedReportKeepsSecrets(t *testing.T) {
	s := secretive()
	v := reports.New(s.run, s.rec, s.opts)
	for name, write := range map[string]func(*bytes.Buffer) error{
		"HTML": func(b *bytes.Buffer) error { return v.HTML(b) }, "Markdown": func(b *bytes.Buffer) error { return v.Markdown(b) },
		"JSON": func(b *bytes.Buffer) error { return v.JSON(b) }, "summary": func(b *bytes.Buffer) error { b.WriteString(v.Summary()); return nil },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"zelda", "secret-base", "acme", "Acme", "Grace", "customers", "/srv", "/home", "notes"} {
			if strings.Contains(b.String(), secret) {
				t.Errorf("%s tells %q", name, secret)
			}
		}
		if name == "JSON" && !strings.Contains(b.String(), "model-6f1e6c1e") {
			t.Error("the redacted model has no stable name")
		}
	}
}

func TestRedactionLeavesTheRunAlone(t *testing.T) {
	s := secretive()
	reports.New(s.run, s.rec, s.opts)
	if s.run.Data.Name != "/srv/customers/acme-tickets.jsonl" || len(s.run.Data.Samples) != 1 {
		t.Error("the caller's run was changed")
	}
}

func TestPublicNamesStay(t *testing.T) {
	s := scenarios()["redacted"]
	var b bytes.Buffer
	if err := reports.New(s.run, s.rec, s.opts).JSON(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "example/base-1b@0a1b2c3") || !strings.Contains(b.String(), "$/nat") {
		t.Error("a hub's name or a unit was taken for a path")
	}
}
