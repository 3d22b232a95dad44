// Command make makes the decision suite, in steps that each go on where they were cut:
//
//	make prepare -dir DIR              texts, and folders of the bases (needs a Go distribution)
//	make bases   -dir DIR -engine E    pre-trains the bases that do not ship trained
//	make pack    -dir DIR              rows of the texts, and those that teachers write
//	make train   -dir DIR -engine E    packs what is not yet, and trains every unit
//	make measure -dir DIR -engine E    has the engine describe each domain at the bases' weights
//	make curves  -dir DIR -out FOLDER  writes the curve files
//	make table   -out FOLDER           tells what they found, in docs/decision-quality.md
//
// With -seeds N further seeds train each method at its best rate of the first.
// `make suite` does all of them. Between prepare and curves the folder may be on another
// machine, which needs this program, the engine and nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"ftadvise/calibrate"
	"ftadvise/calibrate/suite"
	"ftadvise/calibrate/worker"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "suite: error:", err)
		os.Exit(1)
	}
}

// call is the command's arguments.
type call struct {
	suite.Setting
	bases           []suite.Base
	domains         []suite.Domain
	units           []suite.Unit
	goroot, engine  string
	out, told, docs string
	processes       int
	seeds, steps    int
	limit           time.Duration
	say             func(string)
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("name a step: prepare, bases, pack, train, measure, curves or table")
	}
	c, err := parse(args[1:], out)
	if err != nil {
		return err
	}
	switch args[0] {
	case "prepare":
		return c.prepare()
	case "bases":
		return c.pretrain(ctx)
	case "pack":
		return c.Pack(ctx, c.units)
	case "train":
		return c.train(ctx)
	case "measure":
		return c.measure(ctx)
	case "curves":
		return c.curves()
	case "table":
		return c.table()
	}
	return fmt.Errorf("%q is no step: name prepare, bases, pack, train, measure, curves or table", args[0])
}

func parse(args []string, out io.Writer) (call, error) {
	c := call{Setting: suite.Default(), say: teller(out)}
	f := flag.NewFlagSet("suite", flag.ContinueOnError)
	f.StringVar(&c.Dir, "dir", "bin/suite", "folder to work in")
	f.StringVar(&c.goroot, "goroot", "", "Go distribution to read; empty: that of the go command")
	f.StringVar(&c.engine, "engine", "bin/ftadvise-engine", "the engine's program")
	f.StringVar(&c.Device, "device", c.Device, "cpu or cuda:N")
	f.IntVar(&c.Threads, "threads", c.Threads, "CPU threads of an engine; 0 leaves it to the engine")
	f.IntVar(&c.processes, "processes", 1, "engines at once")
	f.IntVar(&c.HorizonSteps, "horizon", c.HorizonSteps, "optimizer steps")
	f.StringVar(&c.Precision, "precision", c.Precision, "fp32 or bf16")
	f.IntVar(&c.FullRates, "rates", c.FullRates, "learning rates of full fine-tuning to begin with")
	f.IntVar(&c.LoRARates, "lora-rates", c.LoRARates, "learning rates of each rank to begin with")
	f.IntVar(&c.Widen, "widen", c.Widen, "further rates beyond the edges at most")
	f.IntVar(&c.seeds, "seeds", 1, "seeds; a further one trains the best rates of the first alone")
	whole := f.String("whole", "", "besides, LoRA with tables of the base trained whole: embed_tokens+lm_head,embed_tokens")
	f.IntVar(&c.steps, "pretrain", 4000, "optimizer steps of a base's pre-training")
	f.DurationVar(&c.limit, "limit", 0, "begin nothing that is not expected to end by then; 0: no limit")
	f.StringVar(&c.out, "out", "calibrate/suite/curves", "folder of the curve files")
	f.StringVar(&c.told, "machine", "", "what the curve files say they were made on")
	f.StringVar(&c.docs, "docs", "docs/decision-quality.md", "document that table writes to")
	bases := f.String("bases", "", "bases, separated by commas; empty: all")
	domains := f.String("domains", "", "domains, separated by commas; empty: all")
	data := f.String("data", "", "data sets as BASE/DOMAIN, separated by commas; empty: every one of bases and domains")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	var err error
	if c.domains, err = suite.Domains(names(*domains)); err != nil {
		return c, err
	}
	if c.bases, err = suite.Bases(names(*bases)); err != nil {
		return c, err
	}
	if c.units, err = c.Named(names(*data), c.seeds); err == nil && len(c.units) == 0 {
		c.units = c.Units(c.bases, c.domains, c.seeds)
	}
	first := c.units
	for _, tables := range names(*whole) {
		c.units = append(c.units, suite.Whole(first, strings.ReplaceAll(tables, "+", ","))...)
	}
	return c, err
}

func names(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// teller prints lines from several goroutines.
func teller(out io.Writer) func(string) {
	var mu sync.Mutex
	start := time.Now()
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(out, "%6.1f %s\n", time.Since(start).Seconds(), line)
	}
}

func (c call) prepare() error {
	root := c.goroot
	if root == "" {
		found, err := exec.Command("go", "env", "GOROOT").Output()
		if err != nil {
			return fmt.Errorf("go env GOROOT: %w", err)
		}
		root = strings.TrimSpace(string(found))
	}
	return c.Place().Prepare(c.bases, c.domains, suite.Sources{Root: root})
}

// pretrain trains the bases that are not there yet, all at once.
func (c call) pretrain(ctx context.Context) error {
	errs := make(chan error, len(c.bases))
	for _, b := range c.bases {
		go func() { errs <- c.pretrainBase(ctx, b) }()
	}
	var all error
	for range c.bases {
		all = errors.Join(all, <-errs)
	}
	return all
}

func (c call) pretrainBase(ctx context.Context, b suite.Base) error {
	p := c.Place()
	if _, err := os.Stat(p.Model(b)); err == nil {
		return nil
	}
	command := exec.CommandContext(ctx, c.engine, "pretrain", "--model", p.Raw(b), "--text", p.Corpus(), "--out", p.Model(b),
		"--batch", "16", "--seq", "256", "--steps", fmt.Sprint(c.steps), "--learning-rate", fmt.Sprint(b.LearningRate), "--device", c.Device)
	said, err := command.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("base %s: %w: %s", b.Name, err, exit.Stderr)
		}
		return fmt.Errorf("base %s: %w", b.Name, err)
	}
	c.say(fmt.Sprintf("base %s: %s", b.Name, strings.TrimSpace(string(said))))
	return nil
}

func (c call) train(ctx context.Context) error {
	if err := c.Pack(ctx, c.units); err != nil {
		return err
	}
	crew := suite.Crew{Setting: c.Setting, Processes: c.processes, Say: c.say, Engine: func() calibrate.Engine {
		return worker.Start(c.engine, worker.Options{})
	}}
	if c.limit > 0 {
		crew.Until = time.Now().Add(c.limit)
	}
	return crew.Train(ctx, c.units)
}

func (c call) measure(ctx context.Context) error {
	engine := worker.Start(c.engine, worker.Options{})
	return errors.Join(c.Measure(ctx, engine, c.units), engine.Close())
}

func (c call) curves() error {
	n, err := c.Curves(c.units, c.told, c.out)
	c.say(fmt.Sprintf("%d data sets in %s", n, c.out))
	return err
}

func (c call) table() error {
	tables, err := suite.Tables(c.out)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(c.docs)
	if err != nil {
		return err
	}
	document, err := suite.Insert(string(text), tables)
	if err != nil {
		return fmt.Errorf("%s: %w", c.docs, err)
	}
	return os.WriteFile(c.docs, []byte(document), 0o644)
}
