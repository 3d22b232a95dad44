// Package cli is the program ftadvise: one file a verb.
//
//  1. Main takes arguments, environment and streams, and returns an exit code; it
//     touches no global state, so that tests run whole commands.
//  2. A verb parses (flags into a config.Loaded), calls the packages that do the work,
//     and renders what they return. It decides nothing itself.
//  3. Results go to stdout; progress, warnings, errors and hints to stderr, in the
//     voice of voice.go.
//  4. What went wrong becomes an exit code in one place, diagnose.go; the codes stand
//     in exit.go.
//
// The packages below know neither flags nor exit codes.
package cli
