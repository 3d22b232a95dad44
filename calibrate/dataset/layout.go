package dataset

import (
	"fmt"
	"slices"
	"strings"
)

// layout says which fields of a file play which roles of a shape.
type layout struct {
	shape  string
	fields map[string]string // role -> field
}

// The roles that a shape cannot do without.
func rolesOf(shape string) []string {
	switch shape {
	case "text":
		return []string{"text"}
	case "classification":
		return []string{"text", "label"}
	case "messages", "sharegpt":
		return []string{"messages"}
	}
	return []string{"prompt", "completion"}
}

// layouts are the known ways to name the fields, the surest first. A second list of
// roles is taken if the record has them.
func layouts() []struct {
	shape          string
	need, optional string // "role=field role=field"
} {
	return []struct {
		shape          string
		need, optional string
	}{
		{"messages", "messages=messages", "tools=tools"},
		{"sharegpt", "messages=conversations", "system=system tools=tools"},
		{"alpaca", "prompt=instruction completion=output", "input=input system=system"},
		{"alpaca", "prompt=instruction completion=response", "input=context system=system"},
		{"prompt-completion", "prompt=prompt completion=completion", "system=system"},
		{"prompt-completion", "prompt=prompt completion=response", "system=system"},
		{"prompt-completion", "prompt=question completion=answer", "system=system_prompt"},
		{"prompt-completion", "prompt=question completion=response", "system=system_prompt"},
		{"prompt-completion", "prompt=query completion=response", "system=system"},
		{"prompt-completion", "prompt=problem completion=solution", ""},
		{"prompt-completion", "prompt=input completion=output", "system=instruction"},
		{"prompt-completion", "prompt=source completion=target", ""},
		{"classification", "text=text label=label_text", ""},
		{"classification", "text=text label=label", ""},
		{"classification", "text=sentence label=label", ""},
		{"text", "text=text", ""},
		{"text", "text=content", ""},
	}
}

// match finds the first layout that the names fit, under what the options fix.
func match(o Options, names []string) (layout, bool) {
	if l, ok := asked(o, names); ok {
		return l, true
	}
	for _, known := range layouts() {
		if o.Shape != "" && o.Shape != known.shape {
			continue
		}
		fields := rolesIn(known.need)
		for role, name := range o.Fields {
			fields[role] = name
		}
		if !hasAll(fields, names) {
			continue
		}
		for role, name := range rolesIn(known.optional) {
			if _, set := fields[role]; !set && slices.Contains(names, name) {
				fields[role] = name
			}
		}
		return layout{known.shape, fields}, true
	}
	return layout{}, false
}

// asked goes by --field alone, if that names every role a shape needs.
func asked(o Options, names []string) (layout, bool) {
	if len(o.Fields) == 0 || !hasAll(o.Fields, names) {
		return layout{}, false
	}
	for _, shape := range []string{"messages", "sharegpt", "alpaca", "prompt-completion", "classification", "text"} {
		if o.Shape != "" && o.Shape != shape || o.Shape == "" && (shape == "sharegpt" || shape == "alpaca") {
			continue
		}
		complete := !slices.ContainsFunc(rolesOf(shape), func(role string) bool { return o.Fields[role] == "" })
		if complete {
			return layout{shape, o.Fields}, true
		}
	}
	return layout{}, false
}

func rolesIn(list string) map[string]string {
	out := map[string]string{}
	for _, pair := range strings.Fields(list) {
		role, name, _ := strings.Cut(pair, "=")
		out[role] = name
	}
	return out
}

func hasAll(fields map[string]string, names []string) bool {
	for _, name := range fields {
		if !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

// checkNames refuses options whose words are not known.
func checkNames(o Options) error {
	if o.Format != "" && !slices.Contains(Formats(), o.Format) {
		return refuse("", fmt.Sprintf("unknown format %q", o.Format), "one of "+strings.Join(Formats(), ", "))
	}
	if o.Shape != "" && !slices.Contains(Shapes(), o.Shape) {
		return refuse("", fmt.Sprintf("unknown shape %q", o.Shape), "one of "+strings.Join(Shapes(), ", "))
	}
	roles := []string{"text", "prompt", "completion", "label", "system", "input", "messages", "tools", "group"}
	for role := range o.Fields {
		if !slices.Contains(roles, role) {
			return refuse("", fmt.Sprintf("unknown role %q in --field", role), "one of "+strings.Join(roles, ", "))
		}
	}
	return nil
}
