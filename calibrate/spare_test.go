package calibrate_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ftadvise/calibrate"
	"ftadvise/calibrate/enginetest"
	"ftadvise/calibrate/evidence"
)

var (
	narrow    = evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: "q_proj,v_proj"}
	higher    = evidence.Method{Kind: evidence.LoRA, Rank: 32, Alpha: 64, Targets: "q_proj,v_proj"}
	allLinear = evidence.Method{Kind: evidence.LoRA, Rank: 8, Alpha: 16, Targets: evidence.AllLinear}
)

// spareBench asks for an adapter of two target modules, all linear layers and a higher
// rank going along.
func spareBench(t *testing.T, budget time.Duration) *bench {
	b := newBench(t, enginetest.Trap())
	b.spec.LoRA, b.spec.Spares, b.spec.Budget = []evidence.Method{narrow}, []evidence.Method{allLinear, higher}, budget
	return b
}

// TestSparesGoFirst: spare arms are what a small budget leaves out before all else, the
// last first; what it leaves out is not even tried.
func TestSparesGoFirst(t *testing.T) {
	for budget, left := range map[time.Duration][]evidence.Method{
		0: nil, 5 * time.Minute: nil, 80 * time.Second: {higher}, 70 * time.Second: {allLinear, higher}, 30 * time.Second: {allLinear, higher},
	} {
		b := spareBench(t, budget)
		run := b.done(t)
		if diff := cmp.Diff(left, run.Plan.LeftOut); diff != "" {
			t.Errorf("%s: left out (-want +got):\n%s", budget, diff)
		}
		for _, m := range b.spec.Spares {
			probes := len(pick(run, evidence.StageProbe, m))
			if out := slices.Contains(left, m); out == (probes == 1) || out && len(pick(run, evidence.StageFit, m)) > 0 {
				t.Errorf("%s: %s: %d probes", budget, m, probes)
			}
			if n := len(pick(run, evidence.StageSearch, m)); n > 0 {
				t.Errorf("%s: %s searched %d rates", budget, m, n)
			}
		}
		if budget > 0 {
			checkBudget(t, b, run)
		}
	}
}

// TestSpareNeedsNoCost: a preview from a run that left the spares out supposes that
// they cost what the adapter costs beside which they stand.
func TestSpareNeedsNoCost(t *testing.T) {
	b := spareBench(t, 30*time.Second)
	measured := calibrate.CostsOf(b.done(t))
	b.spec.Budget = 10 * time.Minute
	p := calibrate.Preview(b.spec, measured)
	if len(p.Plan.LeftOut) > 0 || p.Seconds > b.spec.Budget.Seconds() {
		t.Errorf("%v s, left out %v", p.Seconds, p.Plan.LeftOut)
	}
	for _, m := range b.spec.Methods() {
		if !slices.ContainsFunc(p.Trials, func(t evidence.Trial) bool { return t.Stage == evidence.StageProbe && t.Method == m }) {
			t.Errorf("no probe of %s", m)
		}
	}
}

// TestSpareWithoutRoom: a spare that does not fit beside the others drops out alone.
func TestSpareWithoutRoom(t *testing.T) {
	b := spareBench(t, 5*time.Minute)
	b.script.OutOfMemory = func(t evidence.Trial, _, step int) bool { return t.Method == allLinear && step == 2 }
	run := b.done(t)
	if run.Setup.MicroBatch != b.spec.MicroBatch || warned(run, "micro-batch-halved") {
		t.Errorf("micro-batch %d", run.Setup.MicroBatch)
	}
	if o := only(t, run, evidence.StageFit, allLinear).Outcome; o.Status != evidence.DoesNotFit {
		t.Errorf("status %s", o.Status)
	}
	if len(pick(run, evidence.StageProbe, allLinear)) != 0 || len(pick(run, evidence.StageProbe, higher)) != 1 {
		t.Error("the wrong spare was probed")
	}
}
