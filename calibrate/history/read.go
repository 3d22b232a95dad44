package history

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"ftadvise/calibrate/evidence"
)

// largest is the size of file that is read; a log of losses has no business above it.
const largest = 512 << 20

// Read reads files, each PATH or LABEL=PATH, in order. A folder stands for the
// trainer_state.json or the event files in it. Names that come twice get a number.
func Read(files []string) ([]Record, []evidence.Warning, error) {
	if len(files) == 0 {
		return nil, nil, &Error{Where: "import", What: "no file given", Advice: "name a trainer_state.json, an event file, a CSV or a JSON file"}
	}
	var out []Record
	var warnings []evidence.Warning
	for _, file := range files {
		label, path := split(file)
		paths, err := expand(path)
		if err != nil {
			return nil, nil, err
		}
		for _, path := range paths {
			records, found, err := readFile(path)
			if err != nil {
				return nil, nil, err
			}
			out, warnings = append(out, relabel(records, label)...), append(warnings, found...)
		}
	}
	distinguish(out)
	return out, warnings, nil
}

// split takes LABEL=PATH apart, unless a file of the whole name exists.
func split(file string) (label, path string) {
	label, path, ok := strings.Cut(file, "=")
	if _, err := os.Stat(file); err == nil || !ok || strings.ContainsAny(label, `/\`) {
		return "", file
	}
	return label, path
}

func relabel(records []Record, label string) []Record {
	if label == "" {
		return records
	}
	for i := range records {
		records[i].Method = MethodOf(label)
		records[i].Name = label
	}
	return records
}

// expand finds what a folder holds.
func expand(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, &Error{path, "cannot be read", "check the path", err}
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	for _, pattern := range []string{"trainer_state.json", "run.json", "checkpoint-*/trainer_state.json", "events.out.tfevents.*", "runs/*/events.out.tfevents.*"} {
		found, err := filepath.Glob(filepath.Join(path, pattern))
		if err != nil {
			return nil, &Error{path, "cannot be searched", "name the file itself", err}
		}
		if len(found) > 0 && strings.HasPrefix(pattern, "checkpoint") {
			return []string{newest(found)}, nil
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	return nil, &Error{Where: path, What: "holds no trainer_state.json, run.json or event file", Advice: "name the log file itself"}
}

// newest is the checkpoint of the highest step, whose log contains the others'.
func newest(paths []string) string {
	best, most := paths[0], -1
	for _, p := range paths {
		var step int
		if _, err := fmt.Sscanf(filepath.Base(filepath.Dir(p)), "checkpoint-%d", &step); err == nil && step > most {
			best, most = p, step
		}
	}
	return best
}

func readFile(path string) ([]Record, []evidence.Warning, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, &Error{path, "cannot be opened", "check the path and the rights", err}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err != nil {
		return nil, nil, &Error{path, "cannot be read", "check the file", err}
	}
	if len(data) > largest {
		return nil, nil, &Error{Where: path, What: "is larger than 512 MiB", Advice: "export steps and losses alone"}
	}
	return Parse(path, data)
}

// Parse reads one file's bytes; the path names the record and helps to tell formats
// apart.
func Parse(path string, data []byte) ([]Record, []evidence.Warning, error) {
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	switch {
	case strings.Contains(filepath.Base(path), "tfevents"):
		return parseEvents(path, data)
	case len(trimmed) == 0:
		return nil, nil, &Error{Where: path, What: "is empty", Advice: "give a log with steps and losses"}
	case trimmed[0] == '{' || trimmed[0] == '[':
		return parseJSON(path, trimmed)
	case bytes.IndexByte(trimmed, 0) >= 0:
		return parseEvents(path, data)
	}
	return parseTable(path, trimmed)
}

// distinguish numbers names that come more than once.
func distinguish(records []Record) {
	seen := map[string]int{}
	for i := range records {
		name := records[i].Name
		seen[name]++
		if n := seen[name]; n > 1 {
			records[i].Name = fmt.Sprintf("%s-%d", name, n)
		}
	}
}
