package config

import (
	"fmt"
	"strings"
)

// Document writes a settings file that holds every key with its value and what it
// means. Of Default it is config.yaml at the repository's top.
func Document(c Config) string {
	values := map[string]string{}
	for _, f := range fields(&c) {
		values[f.path] = f.plain()
	}
	var b strings.Builder
	b.WriteString(heading)
	open := ""
	for _, key := range Keys() {
		section, name, nested := strings.Cut(key.Path, ".")
		indent := "  "
		if !nested {
			section, name, indent = "", key.Path, ""
		}
		if section != open {
			fmt.Fprintf(&b, "\n%s:\n", section)
			open = section
		}
		fmt.Fprintf(&b, "%s# %s (--%s)\n%s%s: %s\n", indent, key.Doc, key.Flag, indent, name, values[key.Path])
	}
	return b.String()
}

const heading = `# Every setting of ftadvise with its default. A test holds this file equal to the
# built-in defaults.
#
# Copy what you want to change to ` + ProjectFile + ` in the working directory, or to
# ftadvise/config.yaml in the XDG config folder (~/.config), or name a file with
# --config. What wins: flags, then FTADVISE_ variables (lora.rank is
# FTADVISE_LORA_RANK), then --stakes FILE, then the project's file, then the user's.
# "ftadvise config show --origin" prints what holds and where it was said.

`
