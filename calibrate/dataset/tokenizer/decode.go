package tokenizer

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoder rewrites the tokens of a text, which are then joined.
type decoder interface {
	decode(tokens []string) []string
}

type decoderFile struct {
	Type          string            `json:"type"`
	Decoders      []json.RawMessage `json:"decoders"`
	Pattern       json.RawMessage   `json:"pattern"`
	Content       string            `json:"content"`
	Start         int               `json:"start"`
	Stop          int               `json:"stop"`
	Replacement   string            `json:"replacement"`
	PrependScheme string            `json:"prepend_scheme"`
	AddPrefix     *bool             `json:"add_prefix_space"`
	Prefix        string            `json:"prefix"`
	Suffix        string            `json:"suffix"`
	Cleanup       bool              `json:"cleanup"`
	PadToken      string            `json:"pad_token"`
	Delimiter     string            `json:"word_delimiter_token"`
}

// parseDecoder returns nil if there is none.
func parseDecoder(where string, raw json.RawMessage) (decoder, error) {
	if absent(raw) {
		return nil, nil
	}
	var f decoderFile
	if err := fields(where, raw, &f); err != nil {
		return nil, err
	}
	switch f.Type {
	case "Sequence":
		return parseDecoders(where, f.Decoders)
	case "ByteLevel":
		return decodeAll(decodeByteLevel), nil
	case "Replace":
		n, err := parseReplace(where, f.Pattern, f.Content)
		if err != nil {
			return nil, err
		}
		return decodeEach(n.normalize), nil
	case "ByteFallback":
		return decodeAll(decodeByteFallback), nil
	case "Fuse":
		return decodeAll(func(tokens []string) []string { return []string{strings.Join(tokens, "")} }), nil
	case "Strip":
		return decodeEach(func(s string) string { return stripEnds(s, f.Content, f.Start, f.Stop) }), nil
	case "Metaspace":
		m, err := parseMetaspace(where, preTokenizerFile{Replacement: f.Replacement, PrependScheme: f.PrependScheme, AddPrefixSpace: f.AddPrefix})
		if err != nil {
			return nil, err
		}
		return m.(metaspace), nil
	case "WordPiece":
		return wordPieceDecoder{f.Prefix, f.Cleanup}, nil
	case "BPEDecoder":
		return decodeAll(func(tokens []string) []string { return decodeSuffix(tokens, f.Suffix) }), nil
	case "CTC":
		return ctcDecoder{f.PadToken, f.Delimiter, f.Cleanup}, nil
	}
	return nil, unknownPart(where, f.Type)
}

type decoders []decoder

func parseDecoders(where string, list []json.RawMessage) (decoder, error) {
	var out decoders
	for i, raw := range list {
		d, err := parseDecoder(fmt.Sprintf("%s[%d]", where, i), raw)
		if err != nil {
			return nil, err
		}
		if d != nil {
			out = append(out, d)
		}
	}
	return out, nil
}

func (list decoders) decode(tokens []string) []string {
	for _, d := range list {
		tokens = d.decode(tokens)
	}
	return tokens
}

// decodeAll is a decoder without settings.
type decodeAll func([]string) []string

func (f decodeAll) decode(tokens []string) []string { return f(tokens) }

// decodeEach is one that looks at each token by itself.
type decodeEach func(string) string

func (f decodeEach) decode(tokens []string) []string {
	out := make([]string, len(tokens))
	for i, token := range tokens {
		out[i] = f(token)
	}
	return out
}

func decodeByteLevel(tokens []string) []string {
	var b strings.Builder
	for _, token := range tokens {
		b.WriteString(fromByteLevel(token))
	}
	return []string{lossy(b.String())}
}

// decodeByteFallback turns runs of byte tokens into text; a run that is not UTF-8
// gives one U+FFFD for each of its bytes.
func decodeByteFallback(tokens []string) []string {
	var out []string
	var open []byte
	flush := func() {
		if utf8.Valid(open) && len(open) > 0 {
			out = append(out, string(open))
		} else {
			for range open {
				out = append(out, "\uFFFD")
			}
		}
		open = open[:0]
	}
	for _, token := range tokens {
		if b, ok := byteToken(token); ok {
			open = append(open, b)
			continue
		}
		flush()
		out = append(out, token)
	}
	flush()
	return out
}

func byteToken(token string) (byte, bool) {
	if len(token) != 6 || !strings.HasPrefix(token, "<0x") || token[5] != '>' {
		return 0, false
	}
	b, err := strconv.ParseUint(token[3:5], 16, 8)
	return byte(b), err == nil
}

// stripEnds cuts up to start copies of content off the left and stop off the right.
func stripEnds(s, content string, start, stop int) string {
	if content == "" {
		return s
	}
	for range start {
		s = strings.TrimPrefix(s, content)
	}
	for range stop {
		s = strings.TrimSuffix(s, content)
	}
	return s
}

func (m metaspace) decode(tokens []string) []string {
	out := make([]string, len(tokens))
	for i, token := range tokens {
		if i == 0 && m.scheme != "never" {
			token = strings.TrimPrefix(token, m.mark)
		}
		out[i] = strings.ReplaceAll(token, m.mark, " ")
	}
	return out
}

type wordPieceDecoder struct {
	prefix  string
	cleanup bool
}

func (d wordPieceDecoder) decode(tokens []string) []string {
	out := make([]string, len(tokens))
	for i, token := range tokens {
		if i > 0 {
			if rest, ok := strings.CutPrefix(token, d.prefix); ok {
				token = rest
			} else {
				token = " " + token
			}
		}
		if d.cleanup {
			token = cleanup(token)
		}
		out[i] = token
	}
	return out
}

// cleanup takes out the spaces before punctuation and English endings.
func cleanup(s string) string {
	for _, pair := range [][2]string{
		{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"},
		{" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
	} {
		s = strings.ReplaceAll(s, pair[0], pair[1])
	}
	return s
}

func decodeSuffix(tokens []string, suffix string) []string {
	out := make([]string, len(tokens))
	for i, token := range tokens {
		with := " "
		if i == len(tokens)-1 {
			with = ""
		}
		out[i] = token
		if suffix != "" {
			out[i] = strings.ReplaceAll(token, suffix, with)
		}
	}
	return out
}

type ctcDecoder struct {
	pad, delimiter string
	cleanup        bool
}

func (d ctcDecoder) decode(tokens []string) []string {
	var out []string
	for i, token := range tokens {
		if i > 0 && token == tokens[i-1] {
			continue
		}
		if d.pad != "" {
			token = strings.ReplaceAll(token, d.pad, "")
		}
		if d.cleanup {
			token = strings.ReplaceAll(cleanup(token), d.delimiter, " ")
		}
		if token != "" {
			out = append(out, token)
		}
	}
	return out
}
