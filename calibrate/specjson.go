package calibrate

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// SpecVersion is the version of a spec's JSON. A reader refuses a newer one.
const SpecVersion = 1

// SpecFile is the name of the spec in a run's folder, from which a run is resumed.
const SpecFile = "spec.json"

type specFile struct {
	Schema int  `json:"schema"`
	Spec   Spec `json:"spec"`
}

// EncodeSpec returns the spec as indented JSON.
func EncodeSpec(s Spec) ([]byte, error) {
	data, err := json.MarshalIndent(specFile{SpecVersion, s}, "", " ")
	if err != nil {
		return nil, fmt.Errorf("spec: %w", err)
	}
	return append(data, '\n'), nil
}

// DecodeSpec reads what EncodeSpec wrote. A field that it does not know is an error:
// a spec half understood would resume another run than was begun.
func DecodeSpec(data []byte) (Spec, error) {
	var head struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Spec{}, &InputError{Where: SpecFile, What: err.Error(), Hint: "the run cannot be resumed; calibrate again"}
	}
	if head.Schema < 1 || head.Schema > SpecVersion {
		return Spec{}, &InputError{Where: SpecFile, What: fmt.Sprintf("schema %d; this version reads %d", head.Schema, SpecVersion),
			Hint: "resume with the ftadvise that began the run"}
	}
	var file specFile
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		return Spec{}, &InputError{Where: SpecFile, What: err.Error(), Hint: "the run cannot be resumed; calibrate again"}
	}
	return file.Spec, nil
}
