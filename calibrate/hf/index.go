package hf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ftadvise/calibrate/safetensors"
	"ftadvise/calibrate/safetensors/strictjson"
)

const (
	weightsFile   = "model.safetensors"
	indexFile     = "model.safetensors.index.json"
	maxIndexBytes = 128 << 20
)

// stored opens the files of weights, one or several shards, and returns what is in
// them by the names in the files.
func (m *Model) stored() (map[string]weight, error) {
	switch {
	case m.folder.has(weightsFile):
		return m.collect([]string{weightsFile}, nil)
	case m.folder.has(indexFile):
		return m.sharded()
	}
	return nil, m.noWeights()
}

// noWeights says what is there in place of safetensors.
func (m *Model) noWeights() error {
	for _, name := range m.folder.list() {
		switch {
		case strings.HasPrefix(name, "pytorch_model") || strings.HasSuffix(name, ".pt") || strings.HasSuffix(name, ".pth"):
			return refuse(m.folder.path(name), safetensors.AdviceConvert, "is a pickle, which is never opened, and there is no %s", weightsFile)
		case strings.HasSuffix(name, ".gguf"):
			return refuse(m.folder.path(name), "give the safetensors that it was made from", "is a GGUF file, made for inference, and there is no %s", weightsFile)
		case name == adapterConfigFile:
			return refuse(m.folder.path(name), "give the base model that it names", "is a PEFT adapter, not a model")
		}
	}
	return refuse(m.folder.path(weightsFile), adviceFolder, "no such file, nor %s", indexFile)
}

func (m *Model) sharded() (map[string]weight, error) {
	where := m.folder.path(indexFile)
	data, err := m.folder.read(indexFile, maxIndexBytes)
	if err != nil {
		return nil, err
	}
	places, err := parseIndex(data)
	if err != nil {
		return nil, refuse(where, "download it again", "%v", err)
	}
	var shards []string
	for _, shard := range places {
		if !slices.Contains(shards, shard) {
			shards = append(shards, shard)
		}
	}
	slices.Sort(shards)
	for _, shard := range shards {
		if err := localWeights(where, shard); err != nil {
			return nil, err
		}
		if !m.folder.has(shard) {
			return nil, refuse(where, "complete the download", "names the shard %s, which is not there", shard)
		}
	}
	return m.collect(shards, places)
}

// parseIndex reads the weight_map: the file of each tensor.
func parseIndex(data []byte) (map[string]string, error) {
	places := map[string]string{}
	dec := json.NewDecoder(bytes.NewReader(data))
	err := strictjson.Object(dec, func(key string) error {
		if key == "weight_map" {
			return strictjson.Object(dec, func(name string) error {
				var file string
				err := dec.Decode(&file)
				places[name] = file
				return err
			})
		}
		var ignored json.RawMessage
		return dec.Decode(&ignored)
	})
	if err == nil {
		err = strictjson.End(dec)
	}
	if err == nil && len(places) == 0 {
		err = fmt.Errorf("weight_map is missing or empty")
	}
	return places, err
}

// collect opens the shards and checks them against the index, which may be nil.
func (m *Model) collect(shards []string, places map[string]string) (map[string]weight, error) {
	all := map[string]weight{}
	in := map[string]string{}
	for _, shard := range shards {
		file, err := m.folder.open(shard)
		if err != nil {
			return nil, err
		}
		m.files = append(m.files, file)
		for _, t := range file.Tensors() {
			if before, twice := in[t.Name]; twice {
				return nil, refuse(m.folder.path(shard), "download the model again", "holds tensor %q, which %s holds as well", t.Name, before)
			}
			in[t.Name] = shard
			all[t.Name] = weight{file, t}
		}
	}
	for name, shard := range places {
		if in[name] != shard {
			return nil, refuse(m.folder.path(indexFile), "download the model again", "says that %s holds tensor %q, but it does not", shard, name)
		}
	}
	return all, nil
}
