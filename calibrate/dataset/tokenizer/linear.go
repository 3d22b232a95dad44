package tokenizer

import (
	"regexp"
	"strings"
)

// spaceClass is Unicode's White_Space, which \s means in tokenizer files and not in Go.
const spaceClass = `\t-\r \x{85}\p{Z}`

// linear compiles a pattern by Go's own package, which is several times faster than
// backtracking and never runs for ever; nil where the pattern has something that it
// lacks or means otherwise. Without looking around both take the first alternative that
// matches at the leftmost place, so that they agree on what is left.
func linear(source string) *regexp.Regexp {
	var out strings.Builder
	class, counted := false, false // within a class; after a quantifier
	for i := 0; i < len(source); i++ {
		rest := source[i:]
		switch c := source[i]; {
		case c == '\\':
			text, n, ok := escape(rest, class)
			if !ok {
				return nil
			}
			out.WriteString(text)
			i += n - 1
			counted = false
			continue
		case class:
			if c == '[' || strings.HasPrefix(rest, "&&") || strings.HasPrefix(rest, "--") {
				return nil // sets of sets
			}
			class = c != ']'
		case c == '[':
			class = true
			if strings.HasPrefix(rest, "[]") || strings.HasPrefix(rest, "[^]") {
				return nil
			}
		case c == '^' || c == '$' || strings.HasPrefix(rest, "(?") && !strings.HasPrefix(rest, "(?:"):
			return nil
		case c == '+' && counted:
			return nil // possessive
		}
		counted = !class && strings.IndexByte("+*?}", source[i]) >= 0
		out.WriteByte(source[i])
	}
	re, err := regexp.Compile(out.String())
	if err != nil || re.MatchString("") {
		return nil
	}
	return re
}

// escape translates what begins with a backslash, n bytes of it.
func escape(rest string, class bool) (text string, n int, ok bool) {
	if len(rest) < 2 {
		return "", 0, false
	}
	switch c := rest[1]; {
	case c == 's' && class:
		return spaceClass, 2, true
	case c == 's':
		return "[" + spaceClass + "]", 2, true
	case c == 'S' && !class:
		return "[^" + spaceClass + "]", 2, true
	case c == 'p' || c == 'P':
		end := strings.IndexByte(rest, '}')
		return rest[:end+1], end + 1, end > 2 && rest[2] == '{'
	case strings.IndexByte("rnt", c) >= 0, c < 0x80 && !isWordByte(c):
		return rest[:2], 2, true
	}
	return "", 0, false
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// linearly cuts s into matches and what lies between.
func linearly(re *regexp.Regexp) func(string) []stretch {
	return func(s string) []stretch {
		var list []stretch
		done := 0
		for _, m := range re.FindAllStringIndex(s, -1) {
			if m[0] > done {
				list = append(list, stretch{done, m[0], false})
			}
			list = append(list, stretch{m[0], m[1], true})
			done = m[1]
		}
		if done < len(s) {
			list = append(list, stretch{done, len(s), false})
		}
		return list
	}
}
