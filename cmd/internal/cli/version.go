package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is what the build recorded of itself: a tag, or the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	return v
}

// versionOutput is version's JSON.
type versionOutput struct {
	Schema   int    `json:"schema"`
	Version  string `json:"version"`
	Go       string `json:"go"`       // that built it
	Platform string `json:"platform"` // linux/amd64
}

func (a *app) versionVerb() (*cobra.Command, error) {
	return verb("version", "print the version", func(cmd *cobra.Command, _ []string) error {
		if c, err := a.settings(cmd); err == nil && c.Output == "json" { // settings that are wrong hide no version
			return a.writeJSON(versionOutput{1, version(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
		}
		_, err := fmt.Fprintf(a.out, "ftadvise %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return err
	})
}
