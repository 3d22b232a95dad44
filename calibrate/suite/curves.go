package suite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"

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
	Status       evidence.Status   `json:"status"`
	Trainable    int64             `json:"trainable_params"`
	Train        float64           `json:"last_train_loss"`
	General      []evidence.Point  `json:"general_loss"`
	Eval         []evidence.Point  `json:"eval_loss"`
}

// Set is one data set with its curves by name.
type Set struct {
	About  About
	Names  []string // of Curves, in order
	Curves map[string]Curve
}

// Gather reads the results of a data set's units; false if one is missing.
func (s Setting) Gather(units []Unit, engine string) (Set, bool, error) {
	first, p := units[0], s.Place()
	out := Set{Curves: map[string]Curve{}}
	var packed packed
	if ok, err := readJSON(p.Facts(first.Base, first.Domain), &packed); !ok {
		return out, false, err
	}
	if _, err := readJSON(p.Measured(first.Base, first.Domain), &packed.Domain); err != nil {
		return out, false, err
	}
	out.About = s.about(first, packed, engine)
	lowest := math.Inf(1)
	for _, u := range units {
		var r Result
		if ok, err := readJSON(p.Unit(u), &r); !ok {
			return out, false, err
		}
		out.add(u, r)
		out.About.Seconds += r.Seconds
		d := &out.About.Domain
		d.BaseLoss, d.BaseGeneralLoss = new(decimals(r.Base)), new(decimals(r.BaseGeneral))
		for _, run := range r.Runs {
			for _, point := range run.Eval {
				lowest = math.Min(lowest, point.Loss)
			}
		}
	}
	out.About.Seconds = math.Round(out.About.Seconds)
	out.About.weigh(first.Base, lowest)
	return out, true, nil
}

func (s Setting) about(u Unit, packed packed, engine string) About {
	d := packed.Data
	domain := packed.Domain
	domain.UniformLoss = new(round(math.Log(vocabulary), 5))
	return About{
		Origin: "ftadvise decision suite, " + u.Data(),
		Protocol: fmt.Sprintf("%d optimizer steps of %d rows of %d tokens, AdamW (0.9, 0.999, no decay, clipping 1), %s, %d steps of warm-up, then a constant rate; data seed %d",
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
// calibration does, but with the loss that was reached instead of a forecast.
func (a *About) weigh(b Base, lowest float64) {
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
	for _, run := range r.Runs {
		name := fmt.Sprintf("%s %s %g", u.Data(), MethodName(run.Method), run.LearningRate)
		if run.decays() {
			name += " decayed"
		}
		s.Names = append(s.Names, name)
		s.Curves[name] = Curve{
			Method: MethodName(run.Method), Family: u.Domain.Family, Data: u.Data(), LearningRate: run.LearningRate, Schedule: run.Schedule,
			Status: run.Status, Trainable: run.Trainable, Train: run.Train, General: run.General, Eval: run.Eval,
		}
	}
}

// File is the data set's name among files: 1m-assembly.json, 1m-assembly-seed2.json.
func (u Unit) File() string {
	name := u.Base.Name + "-" + u.Domain.Name
	if u.Seed != 1 {
		name += fmt.Sprintf("-seed%d", u.Seed)
	}
	return name + ".json"
}

// Encode is JSON with a run a line: those at constant rates, or those that decay.
func (s Set) Encode(decays bool) ([]byte, error) {
	var b bytes.Buffer
	about, err := json.Marshal(s.About)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", s.About.Origin, err)
	}
	fmt.Fprintf(&b, "{\"about\": %s,\n\"runs\": {", about)
	n := 0
	for _, name := range s.Names {
		curve := s.Curves[name]
		if (curve.Schedule.Shape != evidence.Constant) != decays {
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
	b.WriteString("}}\n")
	return b.Bytes(), nil
}

// Curves writes a file for every data set whose units are all there, and one in the
// folder decay for those of its runs whose rate decays. It returns how many it wrote.
func (s Setting) Curves(units []Unit, engine, dir string) (int, error) {
	sets := map[string][]Unit{}
	for _, u := range units {
		sets[u.Data()] = append(sets[u.Data()], u)
	}
	written := 0
	for _, of := range sets {
		set, ok, err := s.Gather(of, engine)
		if err != nil {
			return written, err
		}
		if !ok {
			continue
		}
		for folder, decays := range map[string]bool{"": false, "decay": true} {
			data, err := set.Encode(decays)
			if err == nil {
				err = writeFile(filepath.Join(dir, folder, of[0].File()), data)
			}
			if err != nil {
				return written, err
			}
		}
		written++
	}
	return written, os.MkdirAll(dir, 0o755)
}
