package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Formats are the values of Options.Format.
func Formats() []string { return []string{"jsonl", "json", "csv", "tsv", "parquet", "text"} }

// formatOf goes by the name's ending where it says enough, else by the first bytes.
func formatOf(st *stream) string {
	head, _ := st.Peek(4 << 10)
	first := firstByte(head)
	if bytes.HasPrefix(head, []byte("PAR1")) {
		return "parquet"
	}
	switch filepath.Ext(st.source.baseName()) {
	case ".jsonl", ".ndjson", ".json":
		if first == '[' {
			return "json"
		}
		return "jsonl"
	case ".csv":
		return "csv"
	case ".tsv":
		return "tsv"
	case ".parquet":
		return "parquet"
	case "":
		if first == '{' {
			return "jsonl"
		}
	}
	return "text"
}

func firstByte(head []byte) byte {
	head = bytes.TrimLeft(head, " \t\r\n")
	if len(head) == 0 {
		return 0
	}
	return head[0]
}

// openReader chooses the reader of a stream.
func openReader(st *stream, format string, o Options) (reader, error) {
	if err := checkHead(st, format); err != nil {
		return nil, err
	}
	name := st.source.path
	switch format {
	case "jsonl":
		return &jsonLines{newLines(st.Reader, name, o.MaxRecordBytes)}, nil
	case "json":
		return newJSONArray(st.Reader, name, o.MaxRecordBytes), nil
	case "csv", "tsv":
		return newTable(st, format, o.MaxRecordBytes)
	case "parquet":
		return newParquet(st, o.MaxRecordBytes)
	}
	return newTextBlocks(st.Reader, name), nil
}

// checkHead refuses by the first bytes what no reader could make sense of.
func checkHead(st *stream, format string) error {
	head, err := st.Peek(4 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return st.readError(err)
	}
	name := st.source.path
	switch {
	case len(bytes.TrimSpace(head)) == 0 && len(head) < 4<<10:
		return refuse(name, "the file is empty", "give a file with data in it")
	case bytes.HasPrefix(head, []byte("version https://git-lfs.github.com/spec/")):
		return refuse(name, "this is a Git LFS pointer, not the data", "run git lfs pull")
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}):
		return utf16(name, "UTF-16LE")
	case bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return utf16(name, "UTF-16BE")
	case format == "parquet":
		return nil
	case bytes.IndexByte(head, 0) >= 0 || !utf8.Valid(head) && controls(head) > len(head)/20:
		return refuse(name, "not a text file"+looksLike(head), "give text, JSONL, JSON, CSV, TSV or Parquet")
	}
	return nil
}

func utf16(name, encoding string) error {
	return refuse(name, "the text is in "+encoding+", not UTF-8",
		fmt.Sprintf("convert it: iconv -f %s -t UTF-8 %s > converted", strings.TrimRight(encoding, "LBE"), name))
}

func controls(head []byte) int {
	n := 0
	for _, c := range head {
		if c < ' ' && !slices.Contains([]byte("\t\r\n\f\x1b"), c) {
			n++
		}
	}
	return n
}

// looksLike names a few kinds of files that are given by mistake.
func looksLike(head []byte) string {
	for magic, name := range map[string]string{
		"\x89PNG": "a PNG image", "\xff\xd8\xff": "a JPEG image", "%PDF": "a PDF", "PK\x03\x04": "a ZIP archive",
		"GGUF": "a GGUF model", "ARROW1": "an Arrow file", "BZh": "a bzip2 file", "\xfd7zXZ": "an xz file", "\x7fELF": "a program",
		"SQLite format 3": "an SQLite database",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return ": it looks like " + name
		}
	}
	return ""
}
