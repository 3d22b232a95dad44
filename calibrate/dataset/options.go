package dataset

import (
	"io"

	"ftadvise/calibrate/dataset/tokenizer"
	"ftadvise/calibrate/evidence"
)

// Options say what to read and how to cut it.
type Options struct {
	// Path is a file, a folder, a glob, or - for Stdin.
	Path string
	// Only are the files of the folder Path to read, by names within it; nil reads all.
	Only []string
	// Validation is held-out data of the user's own, given as Path and Only are; of them
	// at most EvalRows rows are taken, and Path trains as a whole. Empty holds out a part
	// of Path.
	Validation     string
	ValidationOnly []string
	Stdin          io.Reader
	// Format is jsonl, json, csv, tsv, parquet or text; empty goes by the file's
	// name and first bytes.
	Format string
	// Shape is one of Shapes; empty goes by the names of the fields.
	Shape string
	// Fields maps a role (text, prompt, completion, label, system, input, messages,
	// group) to the name of the field that holds it. Records with an equal group stay
	// on one side of the split.
	Fields map[string]string
	// Template is a chat template for messages; empty takes the model's own.
	Template  string
	SeqLength int   // tokens a row
	Seed      int64 // of the split
	// MaxTrainRows and EvalRows bound what is kept; 0 means the defaults.
	MaxTrainRows, EvalRows int
	// Vocab is the rows of the model's embedding; data with a token beyond them are
	// refused here, since on a GPU they end in an assertion that names nothing. 0
	// checks nothing.
	Vocab int
	// Pad gives each example a row of its own, instead of packing several.
	Pad bool
	// General is text of no particular domain, to compare with; nil leaves that out.
	General io.Reader
	// MaxRecordBytes refuses longer records; 0 means 16 MiB.
	MaxRecordBytes int
	// SkipBad counts records that cannot be read instead of refusing the data.
	SkipBad bool
}

const (
	defaultRecordBytes = 16 << 20
	defaultTrainTokens = 16 << 20 // kept for training
	defaultEvalRows    = 64
)

func (o Options) withDefaults() Options {
	if o.MaxRecordBytes <= 0 {
		o.MaxRecordBytes = defaultRecordBytes
	}
	if o.MaxTrainRows <= 0 {
		o.MaxTrainRows = max(1, defaultTrainTokens/o.SeqLength)
	}
	if o.EvalRows <= 0 {
		o.EvalRows = defaultEvalRows
	}
	return o
}

// validation are the options by which the held-out data are read: no more of them is kept
// than the rows that are evaluated.
func (o Options) validation() Options {
	o.Path, o.Only = o.Validation, o.ValidationOnly
	o.Validation, o.ValidationOnly, o.MaxTrainRows = "", nil, 0
	return o
}

func (o Options) check(tok *tokenizer.Tokenizer) error {
	switch {
	case o.SeqLength < 2:
		return refuse("", "a sequence length below 2 predicts nothing", "choose a sequence length of at least 2 tokens")
	case tok == nil:
		return refuse("", "no tokenizer", "")
	}
	if o.Validation == "-" && o.Path == "-" {
		return refuse("-", "standard input cannot be both the data and the held-out data", "give one of them as a file")
	}
	return checkNames(o)
}

// Packed is what Pack made and found.
type Packed struct {
	Data     evidence.Data
	Domain   evidence.Domain // what the text alone tells
	Warnings []evidence.Warning
	Path     string // of the pack file
}
