package advisor_test

import (
	"errors"
	"math"
	"reflect"
	"testing"

	"ftadvise/advisor"
	"ftadvise/advisor/advisortest"
	"ftadvise/advisor/strictyaml"
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

func TestValidateRefuses(t *testing.T) {
	for want, set := range map[string]func(*advisor.Stakes){
		"usd_per_gpu_hour: NaN is not a number of $/h":       func(s *advisor.Stakes) { s.USDPerGPUHour = math.NaN() },
		"usd_per_nat: +Inf is not a number of $/nat":         func(s *advisor.Stakes) { s.USDPerNat = math.Inf(1) },
		"months: -3 months is negative":                      func(s *advisor.Stakes) { s.Months = -3 },
		"at_risk_nats: 0 nats leaves nothing to reckon with": func(s *advisor.Stakes) { s.AtRiskNats = 0 },
		"base_changes_per_year: 1000 a year is more than 365": func(s *advisor.Stakes) {
			s.BaseChangesPerYear = 1000
		},
	} {
		s := advisor.DefaultStakes()
		set(&s)
		err := s.Validate()
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		var h interface{ Hint() string }
		if !errors.As(err, &h) || h.Hint() == "" {
			t.Errorf("%v: no hint", err)
		}
		if _, err := advisor.FeaturesOf(advisortest.New().Run(), s); err == nil {
			t.Errorf("features are derived although %s", want)
		}
	}
}

// A stakes document is decoded over the defaults: what it leaves out stays.
func TestStakesInYAML(t *testing.T) {
	s := advisor.DefaultStakes()
	err := strictyaml.Decode("s.yaml", []byte("usd_per_nat: 50000\nquality_is_hard: true\ngpu: H100\n"), &s)
	want := advisor.DefaultStakes()
	want.USDPerNat, want.QualityIsHard, want.GPU = 50000, true, "H100"
	if err != nil || s != want {
		t.Errorf("%+v, %v", s, err)
	}
	err = strictyaml.Decode("s.yaml", []byte("months: 3\nusd_per_nats: 5\n"), &s)
	if text := "s.yaml:2:1: unknown key \"usd_per_nats\": did you mean usd_per_nat?\n | usd_per_nats: 5\n | ^"; err == nil || err.Error() != text {
		t.Errorf("%v, want %s", err, text)
	}
}
