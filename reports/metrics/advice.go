package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"ftadvise/advisor"
)

// Publish shows a recommendation. A run that has no series gets none.
func (e *Exporter) Publish(rec *advisor.Recommendation) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.admit(label(rec.Run), rec.CreatedAt)
	if r == nil {
		return
	}
	f := e.families
	e.clearAdvice(r.id)
	f.adviceInfo.WithLabelValues(r.id, label(string(rec.Verdict.Answer)), label(armOf(rec.Verdict)),
		label(rec.Verdict.Policy), label(rec.Verdict.Rule), label(string(rec.Regime))).Set(1)
	f.confidence.WithLabelValues(r.id).Set(rec.Confidence)
	f.advisedAt.WithLabelValues(r.id).Set(float64(rec.CreatedAt.Unix()))
	for _, o := range rec.Options {
		e.showOption(r.id, o)
	}
	if rec.BreakEven != nil {
		f.breakEven.WithLabelValues(r.id).Set(*rec.BreakEven)
	}
	if m := rec.More; m != nil {
		f.more.WithLabelValues(r.id, "cost").Set(m.CostUSD)
		f.more.WithLabelValues(r.id, "worth").Set(m.WorthUSD)
	}
}

func (e *Exporter) showOption(run string, o advisor.Option) {
	f, arm := e.families, label(o.Name)
	setStats(f.optionTotal, o.Total, run, arm)
	f.regret.WithLabelValues(run, arm).Set(o.RegretUSD)
	for _, c := range o.Costs {
		f.optionCost.WithLabelValues(run, arm, label(c.Name)).Set(c.USD.Mean)
	}
}

// clearAdvice removes what an earlier recommendation said of the run.
func (e *Exporter) clearAdvice(run string) {
	f := e.families
	for _, v := range []gaugeVec{f.adviceInfo, f.optionCost, f.optionTotal, f.regret, f.breakEven, f.more} {
		v.DeletePartialMatch(prometheus.Labels{labelRun: run})
	}
}

func armOf(v advisor.Verdict) string {
	if v.Method.Kind == "" {
		return ""
	}
	return v.Method.String()
}

// Audit is what became of past advice, over all recorded outcomes.
type Audit struct {
	HitRatio         float64         // share of advice that the outcome proved right
	CoverageRatio    float64         // share of final losses inside the 80 % interval
	MemoryErrorRatio float64         // mean of |predicted - measured| / measured peak memory
	Right            map[string]bool // by run ID
}

// PublishAudit shows a self-audit. Runs without series are left out.
func (e *Exporter) PublishAudit(a Audit) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for figure, v := range map[string]float64{
		"hit": a.HitRatio, "coverage": a.CoverageRatio, "memory_error": a.MemoryErrorRatio,
	} {
		e.families.auditFigure.WithLabelValues(figure).Set(v)
	}
	for _, r := range e.runs {
		if right, ok := a.Right[r.id]; ok {
			e.families.adviceRight.WithLabelValues(r.id).Set(map[bool]float64{true: 1}[right])
		}
	}
}
