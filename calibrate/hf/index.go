package hf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"ftadvise/calibrate/safetensors"
	"ftadvise/calibrate/safetensors/strictjson"
)

// The files of weights: one, or an index of several.
const (
	WeightsFile = "model.safetensors"
	IndexFile   = "model.safetensors.index.json"
)

const maxIndexBytes = 128 << 20

// stored opens the files of weights, one or several shards, and returns what is in
// them by the names in the files.
func (m *Model) stored() (map[string]weight, error) {
	switch {
	case m.folder.has(WeightsFile):
		return m.collect([]string{WeightsFile}, nil)
	case m.folder.has(IndexFile):
		return m.sharded()
	}
	return nil, m.noWeights()
}

// noWeights says what is there in place of safetensors.
func (m *Model) noWeights() error {
	for _, name := range m.folder.list() {
		switch {
		case strings.HasPrefix(name, "pytorch_model") || strings.HasSuffix(name, ".pt") || strings.HasSuffix(name, ".pth"):
			return refuse(m.folder.path(name), safetensors.AdviceConvert, "is a pickle, which is never opened, and there is no %s", WeightsFile)
		case strings.HasSuffix(name, ".gguf"):
			return refuse(m.folder.path(name), "give the safetensors that it was made from", "is a GGUF file, made for inference, and there is no %s", WeightsFile)
		case name == adapterConfigFile:
			return refuse(m.folder.path(name), "give the base model that it names", "is a PEFT adapter, not a model")
		}
	}
	return refuse(m.folder.path(WeightsFile), adviceFolder, "no such file, nor %s", IndexFile)
}

func (m *Model) sharded() (map[string]weight, error) {
	where := m.folder.path(IndexFile)
	data, err := m.folder.read(IndexFile, maxIndexBytes)
	if err != nil {
		return nil, err
	}
	shards, places, err := parseShards(data, where)
	if err != nil {
		return nil, err
	}
	for _, shard := range shards {
		if !m.folder.has(shard) {
			return nil, refuse(where, "complete the download", "names the shard %s, which is not there", shard)
		}
	}
	return m.collect(shards, places)
}

// Shards lists the files that an index names, each of them inside the model's folder.
func Shards(index []byte) ([]string, error) {
	shards, _, err := parseShards(index, IndexFile)
	return shards, err
}

func parseShards(index []byte, where string) (shards []string, places map[string]string, err error) {
	places, err = parseIndex(index)
	if err != nil {
		return nil, nil, refuse(where, "download it again", "%v", err)
	}
	for _, shard := range places {
		if err := localWeights(where, shard); err != nil {
			return nil, nil, err
		}
	}
	return slices.Compact(slices.Sorted(maps.Values(places))), places, nil
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
			return nil, refuse(m.folder.path(IndexFile), "download the model again", "says that %s holds tensor %q, but it does not", shard, name)
		}
	}
	return all, nil
}
