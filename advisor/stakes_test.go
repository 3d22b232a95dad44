package advisor_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"ftadvise/advisor"
)

func TestDefaultStakesAreValid(t *testing.T) {
	if err := advisor.DefaultStakes().Validate(); err != nil {
		t.Error(err)
	}
}

// Every stake can be set in a file, has a unit or is a truth value, and is listed.
func TestEveryStakeIsListed(t *testing.T) {
	listed := map[string]bool{}
	for _, k := range advisor.StakeKeys() {
		listed[k.Key] = true
		if k.Text == "" {
			t.Errorf("%s says nothing", k.Key)
		}
	}
	s := reflect.TypeOf(advisor.Stakes{})
	for i := range s.NumField() {
		if key := s.Field(i).Tag.Get("yaml"); !listed[key] {
			t.Errorf("%s is not listed", key)
		}
		if s.Field(i).Tag.Get("yaml") != s.Field(i).Tag.Get("json") {
			t.Errorf("%s differs between YAML and JSON", s.Field(i).Name)
		}
	}
	if len(listed) != s.NumField() {
		t.Errorf("%d listed, %d stakes", len(listed), s.NumField())
	}
}

func TestReadStakes(t *testing.T) {
	base := advisor.DefaultStakes()
	base.Tasks = 7
	s, origins, err := advisor.ReadStakes("stakes.yaml", []byte("# ours\nusd_per_nat: 50000\nmonths: 24\nquality_is_hard: true\ngpu: H100\n"), base)
	if err != nil {
		t.Fatal(err)
	}
	if s.USDPerNat != 50000 || s.Months != 24 || !s.QualityIsHard || s.GPU != "H100" || s.Tasks != 7 || s.TieNats != base.TieNats {
		t.Errorf("%+v", s)
	}
	want := map[string]string{"usd_per_nat": "stakes.yaml:2", "months": "stakes.yaml:3", "quality_is_hard": "stakes.yaml:4", "gpu": "stakes.yaml:5"}
	if !reflect.DeepEqual(origins, want) {
		t.Errorf("origins %v", origins)
	}
}

func TestReadStakesRefuses(t *testing.T) {
	cases := []struct{ name, file, want, hint string }{
		{"unknown key", "months: 3\nusd_per_nats: 5\n",
			"s.yaml:2:1: unknown key \"usd_per_nats\": did you mean usd_per_nat?\n | usd_per_nats: 5\n | ^", "docs/stakes.md"},
		{"doubled key", "months: 3\nmonths: 4\n",
			"s.yaml:2:1: key \"months\" is given twice, first at line 1\n | months: 4\n | ^", "keep one"},
		{"wrong type", "months: long\n",
			"s.yaml:1:9: text (long) where a number is wanted\n | months: long\n |         ^", "of that kind"},
		{"negative", "tasks: 2\nmonths: -3\n",
			"s.yaml:2:1: months: -3 months is negative\n | months: -3\n | ^", "from 0 on"},
		{"zero", "at_risk_nats: 0\n",
			"s.yaml:1:1: at_risk_nats: 0 nats leaves nothing to reckon with\n | at_risk_nats: 0\n | ^", "leave the key out"},
		{"not finite", "usd_per_nat: .inf\n",
			"s.yaml:1:1: usd_per_nat: +Inf is not a number of $/nat\n | usd_per_nat: .inf\n | ^", "plain number"},
		{"beyond its bound", "base_changes_per_year: 1000\n",
			"s.yaml:1:1: base_changes_per_year: 1000 1/year is more than 365\n | base_changes_per_year: 1000\n | ^", "check the unit"},
		{"empty", "  \n", "s.yaml: empty", "docs/stakes.md"},
		{"two documents", "months: 3\n---\nmonths: 4\n", "s.yaml: more than one YAML document", "no second ---"},
		{"a list", "- months\n", "s.yaml:1:1: a list where a mapping is wanted\n | - months\n | ^", "of that kind"},
		{"not YAML", "months: [3\n", "s.yaml:1:1: did not find expected ',' or ']'\n | months: [3\n | ^", "check the YAML"},
		{"too large", "gpu: " + strings.Repeat("x", 1<<20), "s.yaml: 1048581 bytes, more than the 1048576 that are read", "split it"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := advisor.ReadStakes("s.yaml", []byte(c.file), advisor.DefaultStakes())
			if err == nil || err.Error() != c.want {
				t.Fatalf("error\n%v\nwant\n%s", err, c.want)
			}
			var h interface{ Hint() string }
			if !errors.As(err, &h) || !strings.Contains(h.Hint(), c.hint) {
				t.Errorf("hint %v", h)
			}
		})
	}
}

func TestValidateNamesTheKey(t *testing.T) {
	s := advisor.DefaultStakes()
	s.USDPerGPUHour = math.NaN()
	err := s.Validate()
	if err == nil || err.Error() != "usd_per_gpu_hour: NaN is not a number of $/h" {
		t.Errorf("error %v", err)
	}
}

// Whatever a file says, laying it over the defaults ends in stakes that can be used, or
// in an error that names the file.
func FuzzReadStakes(f *testing.F) {
	for _, seed := range []string{"usd_per_nat: 5", "months: -1", "a: &a [*a]", "gpu: {x: 1}", "months: 1e400", "tasks: 0x10", "? [1]\n: 2", "<<: {months: 3}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, _, err := advisor.ReadStakes("f.yaml", data, advisor.DefaultStakes())
		if err != nil {
			if !strings.Contains(err.Error(), "f.yaml") {
				t.Errorf("error without its file: %v", err)
			}
			return
		}
		if err := s.Validate(); err != nil {
			t.Errorf("accepted %+v: %v", s, err)
		}
	})
}
