package worker

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"ftadvise/calibrate"
	"ftadvise/calibrate/internal/jsonline"
)

// example finds the marked blocks of docs/protocol.md: who speaks, and the lines.
var example = regexp.MustCompile("(?s)<!-- (parent|child) -->\n```json\n(.*?)```")

// TestProtocolDocument holds the document equal to the code: each example is decoded
// and must come out again as it stands there, and every type has one.
func TestProtocolDocument(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for _, kind := range []string{typeHello, typeHeartbeat, typeFinished, typeFailure, typeTrain, typeStop,
		"started", "step", "eval", "memory", "ended", "log", "spectrum", "tokens"} {
		missing[kind] = true
	}
	for _, block := range example.FindAllSubmatch(text, -1) {
		for _, line := range bytes.SplitAfter(bytes.TrimSuffix(block[2], []byte{'\n'}), []byte{'\n'}) {
			line = append(bytes.TrimSuffix(line, []byte{'\n'}), '\n')
			kind, err := jsonline.Kind(line)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			delete(missing, kind)
			if again := rewrite(t, string(block[1]), kind, line); !bytes.Equal(line, again) {
				t.Errorf("the document says\n%sthe code writes\n%s", line, again)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("no example of %v", missing)
	}
}

// rewrite decodes a line as its reader does and encodes it as its writer does.
func rewrite(t *testing.T, speaker, kind string, line []byte) []byte {
	t.Helper()
	decode := decodeReply
	if speaker == "parent" {
		decode = decodeRequest
	}
	message, err := decode(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if event, ok := message.(calibrate.Event); ok {
		again, err := calibrate.EncodeEvent(event)
		if err != nil {
			t.Fatal(err)
		}
		return again
	}
	again, err := jsonline.Encode(kind, message)
	if err != nil {
		t.Fatal(err)
	}
	return again
}
