package hf

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ftadvise/calibrate/safetensors"
)

// folderOf is a model folder in the making: a small sound Llama that a case spoils.
type folderOf struct {
	t   *testing.T
	dir string
	all []safetensors.Source
}

func soundFolder(t *testing.T) *folderOf {
	t.Helper()
	c, err := parseConfig(with(nil), ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	all := weightsOf(c, "")
	return &folderOf{t, writeModel(t, with(nil), all), all}
}

func (f *folderOf) at(name string) string { return filepath.Join(f.dir, name) }

func (f *folderOf) must(errs ...error) {
	f.t.Helper()
	if err := errors.Join(errs...); err != nil {
		f.t.Fatal(err)
	}
}

func (f *folderOf) text(name, content string) {
	f.t.Helper()
	f.must(os.WriteFile(f.at(name), []byte(content), 0o600))
}

func (f *folderOf) drop(name string) { f.t.Helper(); f.must(os.Remove(f.at(name))) }

func (f *folderOf) weights(name string, all []safetensors.Source) {
	f.t.Helper()
	f.must(safetensors.Write(f.at(name), all, nil))
}

// shards turns the folder into two shards with an index, whose weight_map place spoils.
func (f *folderOf) shards(place func(weightMap map[string]string)) {
	f.t.Helper()
	f.drop(WeightsFile)
	half := len(f.all) / 2
	names := []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}
	weightMap := map[string]string{}
	for i, part := range [][]safetensors.Source{f.all[:half], f.all[half:]} {
		f.weights(names[i], part)
		for _, s := range part {
			weightMap[s.Name] = names[i]
		}
	}
	if place != nil {
		place(weightMap)
	}
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{"total_size": 1}, "weight_map": weightMap})
	f.must(err)
	f.text(IndexFile, string(text))
}

func (f *folderOf) firstShard(name string) {
	f.t.Helper()
	f.shards(func(m map[string]string) { m[f.all[0].Name] = name })
}

func TestBadModels(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside.safetensors")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]struct {
		spoil func(f *folderOf)
		want  string
	}{
		"config-missing": {func(f *folderOf) { f.drop(ConfigFile) }, "config.json: no such file"},
		"config-is-a-fifo": {func(f *folderOf) { f.drop(ConfigFile); f.must(syscall.Mkfifo(f.at(ConfigFile), 0o600)) },
			"config.json: is no regular file"},
		"config-links-out": {func(f *folderOf) { f.drop(ConfigFile); f.must(os.Symlink(outside, f.at(ConfigFile))) },
			"config.json: cannot be read"},
		"weights-missing": {func(f *folderOf) { f.drop(WeightsFile) }, "model.safetensors: no such file, nor model.safetensors.index.json"},
		"pickle-only": {func(f *folderOf) { f.drop(WeightsFile); f.text("pytorch_model.bin", "PK") },
			"pytorch_model.bin: is a pickle, which is never opened, and there is no model.safetensors; convert it where you trust it"},
		"pickle-renamed": {func(f *folderOf) { f.text(WeightsFile, "PK\x03\x04\x00\x00\x08\x08") }, "model.safetensors: is a pickle"},
		"gguf-only":      {func(f *folderOf) { f.drop(WeightsFile); f.text("model.Q4.gguf", "GGUF") }, "model.Q4.gguf: is a GGUF file"},
		"gguf-renamed":   {func(f *folderOf) { f.text(WeightsFile, "GGUF\x03\x00\x00\x00") }, "model.safetensors: is a GGUF file"},
		"lfs-pointer": {func(f *folderOf) { f.text(WeightsFile, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n") },
			"model.safetensors: is a Git LFS pointer, not the weights; run git lfs pull"},
		"adapter-folder": {func(f *folderOf) { f.drop(WeightsFile); f.text(adapterConfigFile, "{}") },
			"adapter_config.json: is a PEFT adapter, not a model; give the base model"},
		"truncated": {func(f *folderOf) { f.must(os.Truncate(f.at(WeightsFile), 3000)) }, "truncated"},
		"tensor-missing": {func(f *folderOf) { f.weights(WeightsFile, f.all[1:]) },
			`the weights lack "model.embed_tokens.weight"`},
		"config-of-another-model": {func(f *folderOf) { f.text(ConfigFile, string(one("vocab_size", 11))) },
			`tensor "model.embed_tokens.weight" has shape [10 16], config.json wants [11 16]`},
		"integer-weights": {func(f *folderOf) { f.all[0].DType = "I32"; f.weights(WeightsFile, f.all) },
			`tensor "model.embed_tokens.weight" has dtype I32, which is not supported for weights`},
		"eight-bit-weights": {func(f *folderOf) {
			f.all[0].DType, f.all[0].Data = "F8_E4M3", f.all[0].Data[:160]
			f.weights(WeightsFile, f.all)
		}, "has dtype F8_E4M3, which is not supported for weights"},
		"index-missing-shard":    {func(f *folderOf) { f.shards(nil); f.drop("model-00002-of-00002.safetensors") }, "names the shard model-00002-of-00002.safetensors, which is not there"},
		"index-traversal":        {func(f *folderOf) { f.firstShard("../outside.safetensors") }, `names the file "../outside.safetensors", which lies outside the model's folder`},
		"index-absolute-path":    {func(f *folderOf) { f.firstShard(outside) }, "which lies outside the model's folder"},
		"index-backslash":        {func(f *folderOf) { f.firstShard(`..\outside.safetensors`) }, "which lies outside the model's folder"},
		"index-nul":              {func(f *folderOf) { f.firstShard("a\x00.safetensors") }, "which lies outside the model's folder"},
		"index-names-pickle":     {func(f *folderOf) { f.firstShard("pytorch_model.bin") }, `names the file "pytorch_model.bin", which is no safetensors file`},
		"index-symlink-out":      {func(f *folderOf) { f.must(os.Symlink(outside, f.at("x.safetensors"))); f.firstShard("x.safetensors") }, "x.safetensors: cannot be read: path escapes from parent"},
		"index-to-fifo":          {func(f *folderOf) { f.must(syscall.Mkfifo(f.at("x.safetensors"), 0o600)); f.firstShard("x.safetensors") }, "x.safetensors: is no regular file"},
		"index-lacks-in-shard":   {func(f *folderOf) { f.firstShard("model-00002-of-00002.safetensors") }, `says that model-00002-of-00002.safetensors holds tensor "model.embed_tokens.weight", but it does not`},
		"two-shards-same-tensor": {func(f *folderOf) { f.shards(nil); f.weights("model-00002-of-00002.safetensors", f.all) }, `holds tensor "model.embed_tokens.weight", which model-00001-of-00002.safetensors holds as well`},
		"index-not-json":         {func(f *folderOf) { f.drop(WeightsFile); f.text(IndexFile, "{") }, "model.safetensors.index.json: JSON ends in the middle"},
		"index-empty":            {func(f *folderOf) { f.drop(WeightsFile); f.text(IndexFile, "{}") }, "weight_map is missing or empty"},
		"index-duplicate-key":    {func(f *folderOf) { f.drop(WeightsFile); f.text(IndexFile, `{"weight_map":{"a":"x","a":"y"}}`) }, `"a" stands there twice`},
	} {
		f := soundFolder(t)
		bad.spoil(f)
		m, err := Open(f.dir)
		if err == nil {
			m.Close()
		}
		checkRefused(t, name, err, bad.want)
	}
}

func TestNotAFolder(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "nowhere"))
	checkRefused(t, "missing", err, "no such model folder")
	f := soundFolder(t)
	_, err = Open(f.at(ConfigFile))
	checkRefused(t, "file", err, "is a file, not a model folder")
}

func TestSoundShards(t *testing.T) {
	f := soundFolder(t)
	f.shards(nil)
	m, err := Open(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if len(m.Names()) != len(f.all) || !m.Has("lm_head.weight") {
		t.Errorf("%v", m.Names())
	}
}

// The original GPT-2 files name their tensors without "transformer." and carry the
// causal mask as well.
func TestNamesWithoutPrefix(t *testing.T) {
	config := []byte(`{"model_type":"gpt2","n_embd":8,"n_layer":1,"n_head":2,"n_positions":4,"vocab_size":5}`)
	c, err := parseConfig(config, ConfigFile)
	if err != nil {
		t.Fatal(err)
	}
	all := weightsOf(c, "transformer.")
	all = append(all, zeros(Parameter{"h.0.attn.bias", []int64{1, 1, 4, 4}}))
	m, err := Open(writeModel(t, config, all))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	tensor, data, err := m.Tensor("transformer.h.0.attn.c_attn.weight")
	if err != nil || tensor.Name != "transformer.h.0.attn.c_attn.weight" || len(data) != 4*8*24 {
		t.Errorf("%v, %d bytes, %v", tensor, len(data), err)
	}
}

// In the hub's cache, files are links to ../../blobs; that is inside, further is not.
func TestSnapshotOfTheCache(t *testing.T) {
	f := soundFolder(t)
	repo := filepath.Join(t.TempDir(), "models--org--name")
	snapshot, blobs := filepath.Join(repo, "snapshots", "c0ffee"), filepath.Join(repo, "blobs")
	f.must(os.MkdirAll(snapshot, 0o700), os.Mkdir(blobs, 0o700))
	for _, name := range []string{ConfigFile, WeightsFile} {
		f.must(os.Rename(f.at(name), filepath.Join(blobs, name)), os.Symlink("../../blobs/"+name, filepath.Join(snapshot, name)))
	}
	m, err := Open(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	f.must(m.Close())
	outside := filepath.Join(t.TempDir(), WeightsFile)
	link := filepath.Join(snapshot, WeightsFile)
	f.must(os.Rename(filepath.Join(blobs, WeightsFile), outside), os.Remove(link), os.Symlink(outside, link))
	_, err = Open(snapshot)
	checkRefused(t, "link out of the cache", err, "cannot be read: path escapes from parent")
}

func TestTiedHeadThatDiffers(t *testing.T) {
	tied := one("tie_word_embeddings", true)
	f := soundFolder(t)
	f.text(ConfigFile, string(tied))
	m, err := Open(f.dir) // all zero, so the stored head is the embedding
	if err != nil || !m.Config.Tied || len(m.Warnings) != 0 {
		t.Fatalf("%v, tied %v, %v", err, m.Config.Tied, m.Warnings)
	}
	f.must(m.Close())
	f.all[len(f.all)-1].Data[0] = 1
	f.weights(WeightsFile, f.all)
	if m, err = Open(f.dir); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Config.Tied || len(m.Warnings) != 1 || m.Warnings[0].Code != "head-not-tied" || !m.Has("lm_head.weight") {
		t.Errorf("tied %v, %v", m.Config.Tied, m.Warnings)
	}
}

func TestPadOutsideVocabulary(t *testing.T) {
	f := soundFolder(t)
	f.text(ConfigFile, string(one("pad_token_id", 10)))
	m, err := OpenConfig(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Config.PAD != nil || len(m.Warnings) != 1 || !strings.Contains(m.Warnings[0].Text, "pad_token_id in config.json is 10") {
		t.Errorf("%v, %v", m.Config.PAD, m.Warnings)
	}
}

func TestCheckFinite(t *testing.T) {
	f := soundFolder(t)
	for i := range f.all {
		f.all[i].Data[3] = 0x3f // 0.5
	}
	copy(f.all[3].Data, make([]byte, 8))
	f.all[4].Data[3], f.all[4].Data[0] = 0, 1 // subnormal
	f.weights(WeightsFile, f.all)
	m, err := Open(f.dir)
	f.must(err)
	warnings, err := m.CheckFinite(context.Background())
	f.must(err, m.Close())
	if len(warnings) != 2 || warnings[0].Code != "weights-zero" || !strings.Contains(warnings[0].Text, f.all[3].Name) || warnings[1].Code != "weights-subnormal" {
		t.Errorf("%v", warnings)
	}
	nan := math.Float32bits(float32(math.NaN()))
	f.all[5].Data[7], f.all[5].Data[6] = byte(nan>>24), byte(nan>>16)
	f.weights(WeightsFile, f.all)
	m, err = Open(f.dir)
	f.must(err)
	defer m.Close()
	_, err = m.CheckFinite(context.Background())
	checkRefused(t, "nan", err, `tensor "`+f.all[5].Name+`" holds NaN at index 1`)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.CheckFinite(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestFingerprint(t *testing.T) {
	print := func(f *folderOf) string {
		m, err := Open(f.dir)
		f.must(err)
		defer m.Close()
		e, err := m.Evidence("x", true)
		f.must(err)
		if !e.RandomWeights || e.Name != "x" {
			t.Errorf("%+v", e)
		}
		return e.Fingerprint
	}
	a, b := soundFolder(t), soundFolder(t)
	if print(a) != print(b) {
		t.Error("copies differ")
	}
	b.text("tokenizer.json", "{}")
	if print(a) == print(b) {
		t.Error("another tokenizer has the same fingerprint")
	}
}

// Whatever the index holds, no name in it leads out of the folder.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"weight_map":{"a":"model-1.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"../x.safetensors","b":"/etc/x.safetensors"},"metadata":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		places, err := parseIndex(data)
		if err != nil {
			return
		}
		for _, file := range places {
			if localWeights("x", file) == nil && !strings.HasPrefix(filepath.Join("/in", file), "/in/") {
				t.Fatalf("%q leads out", file)
			}
		}
	})
}
