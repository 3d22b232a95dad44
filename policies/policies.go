// Package policies holds the built-in policies: one folder each, with the policy, its
// tests, and what it is for. They are data; package advisor/policy reads them.
package policies

import (
	"embed"
	"io/fs"
)

//go:embed */policy.yaml */tests.yaml */README.md
var files embed.FS

// Default is the policy that decides where none is named.
const Default = "balanced"

// FS holds the built-in policies, one folder each.
func FS() fs.FS { return files }

// Names lists the built-in policies that are meant to be chosen, the default first.
// limits is not among them: it is what they extend.
func Names() []string {
	return []string{Default, "quality-first", "cost-first", "speed-first", "regulated", "edge-memory", "multi-tenant"}
}

// Readme returns what a policy is for, as Markdown.
func Readme(name string) (string, error) {
	b, err := files.ReadFile(name + "/README.md")
	return string(b), err
}
