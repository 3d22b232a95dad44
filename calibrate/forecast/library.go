package forecast

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// LibrarySchema is the version of the library's JSON.
const LibrarySchema = 1

// Library is what finished curves taught, as numbers: for shares of the horizon, how
// curves went on from there, and how wrong one would have been. It holds no curve.
type Library struct {
	Schema  int      `json:"schema"`
	Command string   `json:"command"` // that makes it
	Sources []string `json:"sources"`
	// Decaying is for learning rates that fall to zero at the horizon, Constant for
	// rates that stay.
	Decaying []Course `json:"decaying,omitempty"`
	Constant []Course `json:"constant,omitempty"`
	// Gaps are of LoRA's loss less full's under rates that stay.
	Gaps []Course `json:"gaps,omitempty"`
	// Drift is how the best of such rates falls with the steps.
	Drift Drift `json:"drift,omitzero"`
}

// Course is what was learned at one share of the horizon.
type Course struct {
	Share float64 `json:"share"`
	reading
	// Data names the data sets that the finished curves were trained on.
	Data []string `json:"data"`
	setting
	Intercept float64   `json:"intercept"`
	Coef      []float64 `json:"coef"`
	// Without says by how much intercept and coefficients change when a family is
	// left out, so that no curve is foretold from curves of its own method. Leaving
	// out two adds both changes, which is exact to first order.
	Without map[string][]float64 `json:"without"`
	// Residuals are the errors made on families that were left out.
	Residuals []Residual `json:"residuals"`
	// Trust is the weight of this regression against the mixture of laws, by their
	// errors on the finished curves.
	Trust float64 `json:"trust"`
	// Widening and WideningPaired are by how much the mixture of laws understated
	// its errors: the factor that makes its 80 % intervals cover 80 %.
	Widening       float64 `json:"widening"`
	WideningPaired float64 `json:"widening_paired"`
	// Turned is the share of finished gaps that had the other sign at the horizon.
	Turned float64 `json:"turned,omitempty"`
}

// Residual is one error of a regression that had not seen the family.
type Residual struct {
	Family string  `json:"family"`
	Z      float64 `json:"z"`     // in scales
	Scale  float64 `json:"scale"` // in units of the curves' median fall
}

//go:embed library.json
var libraryJSON []byte

// Embedded is the library that comes with ftadvise.
func Embedded() (*Library, error) { return ParseLibrary(libraryJSON) }

// ParseLibrary reads a library's JSON.
func ParseLibrary(data []byte) (*Library, error) {
	var l Library
	if err := json.Unmarshal(data, &l); err != nil {
		return nil, &Error{"library", "is no JSON of a library: " + err.Error(), "make it anew with decisionbench"}
	}
	if l.Schema != LibrarySchema {
		return nil, &Error{"library", fmt.Sprintf("has schema %d, and this program reads %d", l.Schema, LibrarySchema), "make it anew with decisionbench"}
	}
	for _, c := range slices.Concat(l.Decaying, l.Constant, l.Gaps) {
		if err := c.check(); err != nil {
			return nil, err
		}
	}
	return &l, nil
}

func (c Course) check() error {
	terms := c.terms()
	bad := len(c.Grid) < 2 || len(c.Coef) != terms || len(c.Residuals) < 4 || !finite(c.Intercept+dot(c.Coef, c.Coef))
	for _, change := range c.Without {
		bad = bad || len(change) != terms+1
	}
	if bad {
		return &Error{"library", fmt.Sprintf("the course at share %g is damaged", c.Share), "make it anew with decisionbench"}
	}
	return nil
}

// course finds what was learned about a share of the horizon: at the newest share
// reached where curves are read by twentieths; else at the nearest one, stretched.
func course(courses []Course, share float64) (Course, bool) {
	best, found := Course{}, false
	for _, c := range courses {
		switch {
		case c.Traits && (!found || math.Abs(math.Log(c.Share/share)) < math.Abs(math.Log(best.Share/share))):
			best, found = c, true
		case !c.Traits && c.Share <= share+1e-9 && c.Share > best.Share:
			best, found = c, true
		}
	}
	if best.Traits {
		found = found && math.Abs(math.Log(best.Share/share)) < math.Ln2/2
		best.reading = best.stretched(share)
	}
	return best, found
}

// Without is the library as if families had not been among the finished curves.
func (l *Library) Without(families ...string) *Library {
	out := *l
	out.Decaying, out.Constant, out.Gaps = nil, nil, nil
	for _, c := range l.Decaying {
		out.Decaying = append(out.Decaying, c.leave(families...))
	}
	for _, c := range l.Constant {
		out.Constant = append(out.Constant, c.leave(families...))
	}
	for _, c := range l.Gaps {
		out.Gaps = append(out.Gaps, c.leave(families...))
	}
	return &out
}

// leave takes families out of a course.
func (c Course) leave(families ...string) Course {
	left := map[string]bool{}
	c.Coef = append([]float64(nil), c.Coef...)
	for _, family := range families {
		change := c.Without[family]
		if left[family] || change == nil {
			continue
		}
		left[family] = true
		c.Intercept += change[0]
		for k := range c.Coef {
			c.Coef[k] += change[k+1]
		}
	}
	c.Residuals = slices.DeleteFunc(slices.Clone(c.Residuals), func(r Residual) bool { return left[r.Family] })
	return c
}

// taught is what the course teaches when families are left out.
func (c Course) taught(families ...string) taught {
	c = c.leave(families...)
	r := regression{setting: c.setting, intercept: c.Intercept, coef: c.Coef, contrast: c.Contrast}
	for _, e := range c.Residuals {
		r.residuals = append(r.residuals, residual{e.Family, e.Z, e.Scale})
		if c.Contrast { // as likely the other way
			r.residuals = append(r.residuals, residual{e.Family, -e.Z, e.Scale})
		}
	}
	var t taught
	t.add(r, 1)
	return t
}

// trust is the regression's share of a forecast on some data. What was learned on a
// single other data set was never tested elsewhere: it counts half.
func (c Course) trust(data string) float64 {
	if len(c.Data) == 1 && c.Data[0] != data {
		return c.Trust / 2
	}
	return c.Trust
}

// courseOf states a regression as numbers, rounded to what they are worth.
func courseOf(how reading, lessons []lesson, settings []setting) (c Course, evidence float64) {
	fits, weights := learnAll(lessons, settings)
	best := 0
	for i, w := range weights {
		if w > weights[best] {
			best = i
		}
	}
	r := fits[best]
	c = Course{Share: how.Grid[len(how.Grid)-1], reading: how, Data: dataOf(lessons), setting: r.setting, Intercept: round(r.intercept), Without: map[string][]float64{}}
	for _, v := range r.coef {
		c.Coef = append(c.Coef, round(v))
	}
	for _, family := range familiesOf(lessons) {
		blind := learn(lessonsWithout(lessons, family), r.setting)
		change := []float64{round(blind.intercept - r.intercept)}
		for k := range r.coef {
			change = append(change, round(blind.coef[k]-r.coef[k]))
		}
		c.Without[family] = change
	}
	for _, e := range r.residuals {
		c.Residuals = append(c.Residuals, Residual{e.family, round(e.z), round(e.scale)})
	}
	return c, r.evidence
}

// round keeps four decimals.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }
