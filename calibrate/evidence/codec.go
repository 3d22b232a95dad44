package evidence

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
)

// FormatError reports a file that is not a Run this version can read.
type FormatError struct {
	Where  string // the line and column, where known
	What   string
	Advice string // what to do about it
	Newer  bool   // written by a newer version; nothing is wrong with the file
}

// Error implements error.
func (e *FormatError) Error() string {
	if e.Where == "" {
		return e.What
	}
	return e.Where + ": " + e.What
}

// Hint says what to do about it.
func (e *FormatError) Hint() string { return e.Advice }

// Encode returns the run as indented JSON under this version's schema number. A
// number that is not finite is an error that names the field: no reader could tell
// what a made-up value in its place had been.
func Encode(run *Run) ([]byte, error) {
	if field := NotFinite(run); field != "" {
		return nil, fmt.Errorf("run %s: %s is not a finite number", run.ID, field)
	}
	out := *run
	out.Schema = SchemaVersion
	data, err := json.MarshalIndent(&out, "", " ")
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", run.ID, err)
	}
	return append(data, '\n'), nil
}

// Decode reads a run, or returns a *FormatError. Fields that it does not know are
// let pass within one schema version, which grows by addition only.
func Decode(data []byte) (*Run, error) {
	if err := checkSchema(data); err != nil {
		return nil, err
	}
	var run Run
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&run); err != nil {
		return nil, damaged(data, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, &FormatError{Where: place(data, decoder.InputOffset()), What: "something follows the run",
			Advice: "the file is damaged; remove the run and calibrate again"}
	}
	seen := map[string]bool{}
	for _, t := range run.Trials {
		if seen[t.ID] {
			return nil, &FormatError{What: fmt.Sprintf("two trials are named %q", t.ID),
				Advice: "the file is damaged; remove the run and calibrate again"}
		}
		seen[t.ID] = true
	}
	return &run, nil
}

func checkSchema(data []byte) error {
	var head struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return damaged(data, err)
	}
	switch {
	case head.Schema == nil || *head.Schema < 1:
		return &FormatError{What: "no schema number: not a run of ftadvise"}
	case *head.Schema > SchemaVersion:
		return &FormatError{Newer: true,
			What:   fmt.Sprintf("written under schema %d; this version reads up to %d", *head.Schema, SchemaVersion),
			Advice: "use the newer ftadvise that wrote it"}
	}
	return nil
}

func damaged(data []byte, err error) error {
	e := &FormatError{What: "not whole JSON: " + err.Error(),
		Advice: "the file is damaged; remove the run and calibrate again"}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		e.Where = place(data, syntax.Offset)
	case errors.As(err, &kind):
		e.Where = place(data, kind.Offset)
		e.What = fmt.Sprintf("%s holds a %s", kind.Field, kind.Value)
	}
	return e
}

// place turns a byte offset into line and column, both from 1.
func place(data []byte, offset int64) string {
	before := data[:min(max(offset, 0), int64(len(data)))]
	line := bytes.Count(before, []byte{'\n'})
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Sprintf("line %d, column %d", line+1, column)
}

// NotFinite returns the path of the first number in v, through structs, slices, maps
// and pointers, that is NaN or infinite, as JSON would name it; "" if all are finite.
func NotFinite(v any) string {
	path, bad := notFinite(reflect.ValueOf(v))
	if !bad {
		return ""
	}
	return strings.TrimPrefix(path, ".")
}

func notFinite(v reflect.Value) (path string, bad bool) {
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		return "", math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)
	case reflect.Pointer, reflect.Interface:
		return notFinite(v.Elem())
	case reflect.Struct:
		return notFiniteField(v)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if path, bad := notFinite(v.Index(i)); bad {
				return fmt.Sprintf("[%d]%s", i, path), true
			}
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			if path, bad := notFinite(entries.Value()); bad {
				return fmt.Sprintf(".%v%s", entries.Key(), path), true
			}
		}
	}
	return "", false
}

func notFiniteField(v reflect.Value) (path string, bad bool) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		if path, bad := notFinite(v.Field(i)); bad {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" {
				return path, true // embedded
			}
			return "." + name + path, true
		}
	}
	return "", false
}
