package suite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/forecast"
)

// About is what is known of a data set beside its curves.
type About struct {
	Origin   string          `json:"origin"`
	Protocol string          `json:"protocol"`
	Base     BaseFacts       `json:"base"`
	Text     string          `json:"text"` // what the domain is
	Data     DataFacts       `json:"data"`
	Domain   evidence.Domain `json:"domain"` // capacity is that of rank 8
	Seconds  float64         `json:"seconds"`
	Engine   string          `json:"engine"`
}

// BaseFacts tell a base model.
type BaseFacts struct {
	Name   string `json:"name"`
	Params int64  `json:"params"`
	Hidden int    `json:"hidden"`
}

// DataFacts are those of evidence.Data that may bear on the answer.
type DataFacts struct {
	Tokens         int64   `json:"tokens"` // of an epoch
	LabelledShare  float64 `json:"labelled_share"`
	TrainRows      int     `json:"train_rows"`
	EvalRows       int     `json:"eval_rows"`
	EvalTokens     int64   `json:"eval_tokens"`
	Epochs         float64 `json:"epochs"` // to the horizon
	DuplicateShare float64 `json:"duplicate_share"`
	NearDupShare   float64 `json:"near_duplicate_share"`
	LeakShare      float64 `json:"leak_share"`
	// GeneratedBits are the bits that a generator put in to be memorised.
	GeneratedBits float64 `json:"generated_bits,omitempty"`
	// TeacherLoss is the held-out loss of the model that wrote the text: none is lower.
	TeacherLoss *float64 `json:"teacher_loss,omitempty"`
}

// Curve is a run as docs/forecast.md has it, and what else is known of it.
type Curve struct {
	Method       string            `json:"method"`
	Family       string            `json:"family"` // the domain's
	Data         string            `json:"data"`
	LearningRate float64           `json:"learning_rate"`
	Schedule     evidence.Schedule `json:"schedule"`
	Seed         int64             `json:"seed,omitempty"` // none is the first, which has all the rates
	Status       evidence.Status   `json:"status"`
	Trainable    int64             `json:"trainable_params"`
	Train        float64           `json:"last_train_loss"`
	General      []evidence.Point  `json:"general_loss"`
	Eval         []evidence.Point  `json:"eval_loss"`
}

func (c Curve) last() evidence.Point { return c.Eval[len(c.Eval)-1] }

// Set is one data set with its curves by name.
type Set struct {
	About  About
	Names  []string // of Curves, in order
	Curves map[string]Curve
}

// Gather reads the results of a data set's units of the first seed, and of whatever else of
// it is there whole: further seeds, and units that train tables whole. It is false if one
// of the first seed is missing.
func (s Setting) Gather(b Base, d Domain, others []Unit, engine string) (Set, bool, error) {
	out := Set{Curves: map[string]Curve{}}
	units := both(b, d, firstSeed)
	results, ok, err := s.results(units)
	if err != nil || !ok {
		return out, false, err
	}
	var packed packed
	if ok, err := readJSON(s.Place().Facts(b, d), &packed); !ok {
		return out, false, err
	}
	if _, err := readJSON(s.Place().Measured(b, d), &packed.Domain); err != nil {
		return out, false, err
	}
	out.About = s.about(units[0], packed, engine)
	out.About.weigh(b, results)
	for i, u := range units {
		out.add(u, results[i])
	}
	return out, true, s.gatherOthers(&out, others)
}

// gatherOthers adds the units beside those of the first seed, each seed whole or not at all.
func (s Setting) gatherOthers(out *Set, others []Unit) error {
	for len(others) > 0 {
		n := 1
		for n < len(others) && others[n].Seed == others[0].Seed && others[n].Whole == others[0].Whole {
			n++
		}
		results, ok, err := s.results(others[:n])
		if err != nil {
			return err
		}
		for i, r := range results {
			if ok {
				out.add(others[i], r)
			}
		}
		others = others[n:]
	}
	out.About.Seconds = math.Round(out.About.Seconds)
	return nil
}

// results are those of units; false where one is missing.
func (s Setting) results(units []Unit) ([]Result, bool, error) {
	out := make([]Result, len(units))
	for i, u := range units {
		if ok, err := readJSON(s.Place().Unit(u), &out[i]); !ok {
			return nil, false, err
		}
	}
	return out, true, nil
}

func (s Setting) about(u Unit, packed packed, engine string) About {
	d := packed.Data
	domain := packed.Domain
	domain.UniformLoss = new(round(math.Log(vocabulary), 5))
	return About{
		Origin: "ftadvise decision suite, " + u.Data(),
		Protocol: fmt.Sprintf("%d optimizer steps of %d rows of %d tokens, AdamW (0.9, 0.999, no decay, clipping 1), %s, %d steps of warm-up, then a constant rate; seed %d, or a run's own",
			s.HorizonSteps, s.Rows, s.SeqLength, s.Precision, s.WarmupSteps, u.Seed),
		Base: BaseFacts{u.Base.Name, u.Base.Params(), u.Base.Hidden}, Text: u.Domain.About, Engine: engine, Domain: domain,
		Data: DataFacts{
			Tokens: d.Tokens, LabelledShare: round(d.LabelledShare, 4), TrainRows: d.TrainRows, EvalRows: d.EvalRows, EvalTokens: d.EvalTokens,
			Epochs: round(float64(s.HorizonSteps*s.Rows)/float64(d.TrainRows), 4), DuplicateShare: round(d.DuplicateShare, 4),
			NearDupShare: round(d.NearDupShare, 4), LeakShare: round(d.LeakShare, 4), GeneratedBits: u.Domain.DemandBits, TeacherLoss: packed.TeacherLoss,
		},
	}
}

// weigh sets what there is to learn against what an adapter of rank 8 holds, as a
// calibration does, but with the lowest loss that was reached instead of a forecast.
func (a *About) weigh(b Base, results []Result) {
	lowest := math.Inf(1)
	for _, r := range results {
		a.Domain.BaseLoss, a.Domain.BaseGeneralLoss = new(decimals(r.Base)), new(decimals(r.BaseGeneral))
		for _, run := range r.Runs {
			for _, point := range run.Eval {
				lowest = math.Min(lowest, point.Loss)
			}
		}
	}
	labelled := math.Round(float64(a.Data.Tokens) * a.Data.LabelledShare)
	a.Domain.DemandBits = new(math.Round(forecast.DemandBits(*a.Domain.BaseLoss, lowest, int64(labelled))))
	a.Domain.CapacityBits = new(adapterBits(b, 8))
	for _, x := range []*float64{a.Domain.TypeTokenRatio, a.Domain.TokenDivergence, a.Domain.TokenEntropy, a.Domain.Narrowness} {
		if x != nil {
			*x = round(*x, 4)
		}
	}
}

func (s *Set) add(u Unit, r Result) {
	s.About.Seconds += r.Seconds
	seed := u.Seed
	if seed == firstSeed {
		seed = 0
	}
	for _, run := range r.Runs {
		name := fmt.Sprintf("%s %s %g", u.Data(), MethodName(run.Method), run.LearningRate)
		if run.decays() {
			name += " decayed"
		}
		if seed > 0 {
			name += fmt.Sprintf(" seed %d", seed)
		}
		s.Names = append(s.Names, name)
		s.Curves[name] = Curve{
			Method: MethodName(run.Method), Family: u.Domain.Family, Data: u.Data(), LearningRate: run.LearningRate, Schedule: run.Schedule, Seed: seed,
			Status: run.Status, Trainable: run.Trainable, Train: run.Train, General: run.General, Eval: run.Eval,
		}
	}
}

// File is the data set's name among files: 1m-assembly.json.
func (u Unit) File() string { return u.Base.Name + "-" + u.Domain.Name + ".json" }

// Encode is JSON with a run a line, of those runs that are kept; none where none is.
func (s Set) Encode(keep func(Curve) bool) ([]byte, error) {
	var b bytes.Buffer
	about, err := json.Marshal(s.About)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", s.About.Origin, err)
	}
	fmt.Fprintf(&b, "{\"about\": %s,\n\"runs\": {", about)
	n := 0
	for _, name := range s.Names {
		curve := s.Curves[name]
		if !keep(curve) {
			continue
		}
		line, err := json.Marshal(curve)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", name, err)
		}
		if n++; n > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n%q: %s", name, line)
	}
	if n == 0 {
		return nil, nil
	}
	b.WriteString("}}\n")
	return b.Bytes(), nil
}

// folder is where a run is filed: at constant rates with the data set's, where the rate
// decays or tables are trained whole apart, so that nobody compares them by accident.
func (c Curve) folder() string {
	switch {
	case strings.Contains(c.Method, "+"):
		return "whole"
	case c.Schedule.Shape != evidence.Constant:
		return "decay"
	}
	return ""
}

// Curves writes a file for every data set whose units of the first seed are all there, with
// further seeds that are, one in the folder decay for those of its runs whose rate decays,
// and one in whole for those with tables trained whole. It returns how many data sets.
func (s Setting) Curves(units []Unit, engine, dir string) (int, error) {
	sets := map[string][]Unit{}
	for _, u := range units {
		sets[u.Data()] = append(sets[u.Data()], u)
	}
	written := 0
	for _, of := range sets {
		others := slices.DeleteFunc(slices.Clone(of), func(u Unit) bool { return u.Seed == firstSeed && u.Whole == "" })
		set, ok, err := s.Gather(of[0].Base, of[0].Domain, others, engine)
		if err == nil && ok {
			err, written = set.write(dir, of[0].File()), written+1
		}
		if err != nil {
			return written, err
		}
	}
	return written, os.MkdirAll(dir, 0o755)
}

func (s Set) write(dir, file string) error {
	for _, folder := range []string{"", "decay", "whole"} {
		if folder != "" {
			s.About.Domain.Layers = nil // they stand in the data set's own file
		}
		data, err := s.Encode(func(c Curve) bool { return c.folder() == folder })
		if err == nil && data != nil {
			err = writeFile(filepath.Join(dir, folder, file), data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
