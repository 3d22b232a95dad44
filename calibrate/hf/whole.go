package hf

import (
	"fmt"
	"strings"

	"ftadvise/calibrate/evidence"
)

// WholeModules returns the tables that a LoRA method trains whole beside its adapters,
// PEFT's modules_to_save: an entry names the module, or ends its name. Only embeddings
// and head can be trained so here. A tied head is among them under its own name:
// training parts it from the embedding, as in PEFT.
func (c Config) WholeModules(m evidence.Method) ([]Parameter, error) {
	entries := wholeEntries(m)
	found := map[string]bool{}
	var out []Parameter
	for _, p := range c.tables() {
		module := Module{Name: strings.TrimSuffix(p.Name, ".weight")}
		named := false
		for _, entry := range entries {
			if module.named(entry) {
				named, found[entry] = true, true
			}
		}
		if named {
			out = append(out, p)
		}
	}
	for _, entry := range entries {
		if !found[entry] {
			return nil, c.noTable(entry)
		}
	}
	return out, nil
}

// TiedWarning says what parts where a tied model's embedding or head is trained whole;
// it is empty where nothing does. PEFT warns of the same.
func (c Config) TiedWarning(m evidence.Method) string {
	tables, err := c.WholeModules(m)
	if err != nil || !c.Tied {
		return ""
	}
	var names []string
	for _, p := range tables {
		if !strings.HasSuffix(p.Name, positionsName) {
			names = append(names, lastPart(strings.TrimSuffix(p.Name, ".weight")))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("The model ties its head to its embedding, and modules_to_save trains a copy of %s, as PEFT does: "+
		"the two are no longer tied, and the adapter cannot be merged into a tied model.", strings.Join(names, " and of "))
}

func wholeEntries(m evidence.Method) []string {
	if m.ModulesToSave == "" {
		return nil
	}
	entries := strings.Split(m.ModulesToSave, ",")
	for i, entry := range entries {
		entries[i] = strings.TrimSpace(entry)
	}
	return entries
}

const positionsName = ".wpe.weight"

// tables lists embeddings and head, a tied one too.
func (c Config) tables() []Parameter {
	all := c.Parameters()
	out := []Parameter{all[0]}
	if c.LearnedPositions() {
		out = append(out, all[1])
	}
	return append(out, Parameter{HeadWeight, shape(c.Vocab, c.Hidden)})
}

func (c Config) noTable(entry string) error {
	var names []string
	for _, p := range c.tables() {
		names = append(names, lastPart(strings.TrimSuffix(p.Name, ".weight")))
	}
	return refuse("modules_to_save", fmt.Sprintf("%s has %s", c.ModelType, strings.Join(names, ", ")), "%q is neither an embedding nor the head, which alone are trained whole", entry)
}
