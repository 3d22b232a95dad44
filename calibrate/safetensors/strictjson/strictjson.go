// Package strictjson walks JSON objects key by key, in their order, and refuses what
// encoding/json lets pass: a key that stands there twice, of which it keeps the last
// without a word. Files that name tensors and other files are read through it.
package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Object reads one object from dec and calls field for each of its keys; field
// consumes the value.
func Object(dec *json.Decoder, field func(key string) error) error {
	if err := Expect(dec, '{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return plain(err)
		}
		key, ok := token.(string)
		if !ok {
			return fmt.Errorf("found %v in place of a key", token)
		}
		if seen[key] {
			return fmt.Errorf("%q stands there twice", key)
		}
		seen[key] = true
		if err := field(key); err != nil {
			return plain(err)
		}
	}
	return Expect(dec, '}')
}

// Expect reads one token, which must be the delimiter want.
func Expect(dec *json.Decoder, want json.Delim) error {
	got, err := dec.Token()
	if err != nil {
		return plain(err)
	}
	if got != want {
		return fmt.Errorf("found %v in place of %v", got, want)
	}
	return nil
}

// End fails unless dec is at the end of its input.
func End(dec *json.Decoder) error {
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("JSON goes on after its end")
	}
	return nil
}

// plain rewords the decoder's end of input, which would read as an end of file.
func plain(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("JSON ends in the middle")
	}
	return err
}
