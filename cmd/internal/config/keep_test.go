package config

import "testing"

func TestKeepIsLayered(t *testing.T) {
	then := Default()
	then.Stakes.Months = 24
	for name, c := range map[string]struct {
		file, origin string // of the value that holds now, and of the earlier one
		typed        bool   // the file is named on the command line
		want         bool
	}{
		"a flag over a default":           {"", "--months", false, true},
		"a flag over a file":              {"stakes: {months: 6}", "--months", false, true},
		"a variable over a file":          {"stakes: {months: 6}", "FTADVISE_STAKES_MONTHS", false, true},
		"a file that was named, likewise": {"stakes: {months: 6}", "other.yaml:3", false, true},
		"a file edited since":             {"stakes: {months: 6}", ProjectFile + ":9", false, false},
		"a default":                       {"", FromDefault, false, false},
		"a flag under a file named now":   {"stakes: {months: 6}", "--months", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			loaded, err := load(t, c.file, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.typed {
				loaded.typed = loaded.Files
			}
			now := loaded.Stakes.Months
			if got := loaded.Keep("stakes.months", &then, c.origin); got != c.want {
				t.Fatalf("Keep = %t, want %t", got, c.want)
			}
			if c.want && (loaded.Stakes.Months != 24 || loaded.Origins["stakes.months"] != c.origin) || !c.want && loaded.Stakes.Months != now {
				t.Errorf("months = %g from %q", loaded.Stakes.Months, loaded.Origins["stakes.months"])
			}
		})
	}
	loaded, err := load(t, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Keep("no.such.setting", &then, "--x") {
		t.Error("a setting that does not exist was kept")
	}
}
