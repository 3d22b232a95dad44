package config

import (
	"fmt"
	"time"

	"github.com/spf13/pflag"
)

// AddFlags defines the flags of the settings at these paths, with their defaults.
// A path that is no setting is a mistake in the caller and is reported as such.
func AddFlags(set *pflag.FlagSet, paths ...string) error {
	defaults := Default()
	known := map[string]field{}
	for _, f := range fields(&defaults) {
		known[f.path] = f
	}
	docs := map[string]Key{}
	for _, key := range Keys() {
		docs[key.Path] = key
	}
	for _, path := range paths {
		f, ok := known[path]
		if !ok {
			return fmt.Errorf("no setting %q to make a flag of", path)
		}
		define(set, docs[path], f.value.Interface())
	}
	return nil
}

// define makes one flag of the type of its default.
func define(set *pflag.FlagSet, key Key, value any) {
	switch v := value.(type) {
	case time.Duration:
		set.Duration(key.Flag, v, key.Doc)
	case bool:
		set.Bool(key.Flag, v, key.Doc)
	case int:
		set.Int(key.Flag, v, key.Doc)
	case int64:
		set.Int64(key.Flag, v, key.Doc)
	case float64:
		set.Float64(key.Flag, v, key.Doc)
	case []string:
		set.StringSlice(key.Flag, v, key.Doc)
	case []int:
		set.IntSlice(key.Flag, v, key.Doc)
	case string:
		set.String(key.Flag, v, key.Doc)
	}
}
