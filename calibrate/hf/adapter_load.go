package hf

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ftadvise/calibrate/evidence"
	"ftadvise/calibrate/safetensors"
)

// Adapter is an open PEFT adapter.
type Adapter struct {
	Dir    string
	Base   string // what adapter_config.json names as its base model
	Method evidence.Method

	folder *folder
	file   *safetensors.File
}

// LoadAdapter opens a LoRA adapter that PEFT or SaveAdapter wrote. What ftadvise
// cannot apply as PEFT would is refused.
func LoadAdapter(dir string) (*Adapter, error) {
	return openIn(dir, func(f *folder) *Adapter { return &Adapter{Dir: dir, folder: f} }, (*Adapter).load)
}

func (a *Adapter) load() error {
	data, err := a.folder.read(adapterConfigFile, maxConfigBytes)
	if err != nil {
		return err
	}
	if err := a.readConfig(data); err != nil {
		return err
	}
	if !a.folder.has(adapterWeightsFile) && a.folder.has("adapter_model.bin") {
		return refuse(a.folder.path("adapter_model.bin"), safetensors.AdviceConvert, "is a pickle, which is never opened")
	}
	a.file, err = a.folder.open(adapterWeightsFile)
	return err
}

func (a *Adapter) readConfig(data []byte) error {
	where := a.folder.path(adapterConfigFile)
	var c adapterConfig
	var all map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(data, &c), json.Unmarshal(data, &all)); err != nil {
		return refuse(where, "save the adapter again with PEFT", "is not readable: %v", err)
	}
	if err := onlyPlainLoRA(where, c, all); err != nil {
		return err
	}
	targets, err := readTargets(c.TargetModules)
	if err != nil {
		return refuse(where, "save the adapter again with PEFT", "target_modules %v", err)
	}
	a.Base = c.Base
	a.Method = evidence.Method{
		Kind: evidence.LoRA, Rank: c.Rank, Alpha: c.Alpha, Dropout: c.Dropout, Targets: targets, ModulesToSave: strings.Join(c.ModulesToSave, ","),
	}
	switch {
	case c.UseRSLoRA && c.UseDoRA:
		return refuse(where, "use one of them", "asks for rank-stabilised LoRA and DoRA together, which is not supported")
	case c.UseRSLoRA:
		a.Method.Variant = evidence.RsLoRA
	case c.UseDoRA:
		a.Method.Variant = evidence.DoRA
	}
	return checkSettings(a.Method)
}

// onlyPlainLoRA refuses what changes the meaning of A and B.
func onlyPlainLoRA(where string, c adapterConfig, all map[string]json.RawMessage) error {
	if c.PEFTType != "LORA" {
		return refuse(where, "only LoRA adapters can be read", "peft_type is %q", c.PEFTType)
	}
	if c.Rank < 1 {
		return refuse(where, "save the adapter again with PEFT", "r is %d", c.Rank)
	}
	if c.Bias != "" && c.Bias != "none" {
		return refuse(where, "train with bias none", "bias is %q, which is not supported", c.Bias)
	}
	for _, name := range []string{"rank_pattern", "alpha_pattern", "layer_replication", "target_parameters", "trainable_token_indices", "lora_bias", "use_qalora", "alora_invocation_tokens", "ensure_weight_tying", "use_bdlora", "arrow_config", "kasa_config", "velora_config", "monteclora_config"} {
		if raw := string(all[name]); !slices.Contains([]string{"", "null", "{}", "[]", "false"}, raw) {
			return refuse(where, "train without it", "%s is %s, which is not supported", name, shorten(all[name]))
		}
	}
	if init := string(c.InitLoRAWeights); strings.HasPrefix(init, `"`) && init != `"gaussian"` {
		return refuse(where, "convert it to plain LoRA with PEFT", "init_lora_weights is %s, which changes the base weights as well", init)
	}
	return nil
}

func readTargets(raw json.RawMessage) (string, error) {
	var pattern string
	if json.Unmarshal(raw, &pattern) == nil && pattern != "" {
		return pattern, nil
	}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil || len(list) == 0 {
		return "", fmt.Errorf("is neither a string nor a list of names")
	}
	slices.Sort(list)
	return strings.Join(list, ","), nil
}

// Tensor returns A or B of a module, or another tensor of the adapter, by its name
// without "base_model.model.". The bytes are valid until Close.
func (a *Adapter) Tensor(name string) (safetensors.Tensor, []byte, error) {
	t, ok := a.file.Lookup(adapterPrefix + name)
	if !ok {
		return t, nil, fmt.Errorf("%s: no tensor %q", a.Dir, name)
	}
	data, err := a.file.Bytes(t)
	t.Name = name
	return t, data, err
}

// Names lists the tensors' names without "base_model.model.".
func (a *Adapter) Names() []string {
	var names []string
	for _, t := range a.file.Tensors() {
		names = append(names, strings.TrimPrefix(t.Name, adapterPrefix))
	}
	return names
}

// Sources are all tensors under the names that Tensor knows them by. The bytes are valid
// until Close.
func (a *Adapter) Sources() ([]safetensors.Source, error) {
	var out []safetensors.Source
	for _, name := range a.Names() {
		t, data, err := a.Tensor(name)
		if err != nil {
			return nil, err
		}
		out = append(out, safetensors.Source{Name: name, DType: t.DType, Shape: t.Shape, Data: data})
	}
	return out, nil
}

// Check refuses an adapter that does not fit a base model: a target without its tensors,
// or with some of another size, or a tensor that is of no target.
func (a *Adapter) Check(c Config) error {
	wanted, err := c.AdapterParameters(a.Method)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, p := range wanted {
		known[p.Name] = true
		if err := a.checkShape(p); err != nil {
			return err
		}
	}
	for _, name := range a.Names() {
		if !known[name] {
			return refuse(a.Dir, "give the base model that the adapter was trained on: "+a.Base, "holds %q, for which the model has no target", name)
		}
	}
	return nil
}

// AdapterParameters lists the tensors of a method's adapter: A, B and magnitude of each
// target, then the modules trained whole.
func (c Config) AdapterParameters(m evidence.Method) ([]Parameter, error) {
	targets, err := c.Targets(m)
	if err != nil {
		return nil, err
	}
	var out parameterList
	for _, t := range targets {
		out.add(t.Name+suffixA, m.Rank, t.In)
		out.add(t.Name+suffixB, t.Out, m.Rank)
		if m.Variant == evidence.DoRA {
			out.add(t.Name+suffixMagnitude, t.Out)
		}
	}
	whole, err := c.WholeModules(m)
	return append(out, whole...), err
}

func (a *Adapter) checkShape(p Parameter) error {
	if t, ok := a.file.Lookup(adapterPrefix + p.Name); !ok || !slices.Equal(t.Shape, p.Shape) {
		return refuse(a.Dir, "give the base model that the adapter was trained on: "+a.Base, "tensor %q has shape %v, the model wants %v", p.Name, t.Shape, p.Shape)
	}
	return nil
}

// Close ends the mapping; it may be called twice.
func (a *Adapter) Close() error {
	var errs []error
	if a.file != nil {
		errs = append(errs, a.file.Close())
		a.file = nil
	}
	if a.folder != nil {
		errs = append(errs, a.folder.root.Close())
		a.folder = nil
	}
	return errors.Join(errs...)
}
