package cli

import (
	"fmt"
	"strings"

	"ftadvise/advisor"
	"ftadvise/advisor/policy"
	"ftadvise/cmd/internal/config"
	"ftadvise/policies"
)

// runOrLatest is the run that a verb was asked about; none stands for the latest.
func runOrLatest(args []string) string {
	if len(args) == 0 {
		return latest
	}
	return args[0]
}

// given returns the advice that a run was given, decided from its evidence as it is now:
// by the stakes, the policy and the horizon of the stored advice, save where this command
// line says otherwise. A report that went back to the defaults would contradict the
// answer that its reader was told.
func (a *app) given(c *config.Loaded, ref string) (source, *advisor.Recommendation, *policy.Policy, error) {
	from, err := a.openRun(c.Config, ref)
	if err != nil {
		return source{}, nil, nil, err
	}
	a.asAdvised(c, from)
	p, err := loadPolicy(c)
	if err != nil {
		return source{}, nil, nil, err
	}
	rec, err := a.decide(c, p, from.run)
	return from, rec, p, err
}

// asAdvised lays what the stored advice was decided by under the settings.
func (a *app) asAdvised(c *config.Loaded, from source) {
	rec, err := adviceOf(from.folder)
	if err != nil {
		a.voice().warning("the stored advice is not heeded: " + err.Error())
	}
	if rec == nil {
		return
	}
	var kept []string
	then := config.Config{Stakes: rec.Stakes}
	for _, as := range rec.Assumptions {
		if c.Keep("stakes."+as.Name, &then, as.Origin) {
			kept = append(kept, as.Name)
		}
	}
	if c.Stakes.GPU == "" {
		c.Stakes.GPU = rec.Stakes.GPU
	}
	if steps := int(rec.Features["horizon_steps"]); !c.Set("calibration.horizon") && !c.Set("calibration.horizon_tokens") && steps > 0 && steps != from.run.Setup.HorizonSteps {
		c.Calibration.Horizon = steps
		kept = append(kept, fmt.Sprintf("horizon %d", steps))
	}
	if name, _, _ := strings.Cut(rec.Verdict.Policy, "@"); !c.Set("policy") && name != "" && name != c.Policy && a.builtIn(name) {
		c.Policy = name
		kept = append(kept, "policy "+name)
	}
	if len(kept) > 0 {
		a.voice().note("as in the advice of %s: %s", rec.CreatedAt.UTC().Format("2006-01-02 15:04"), strings.Join(kept, ", "))
	}
}

// builtIn reports whether a policy can be found by its name alone. Advice names the
// policy that decided, and not the file that it may have come from.
func (a *app) builtIn(name string) bool {
	if _, err := policy.Load(name, policies.FS()); err != nil {
		a.voice().warning(fmt.Sprintf("the advice was by the policy %q, which is not built in: name its file by --policy, or %s decides", name, config.Default().Policy))
		return false
	}
	return true
}
