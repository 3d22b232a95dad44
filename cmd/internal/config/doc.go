// Package config turns flags, environment, files and built-in defaults into one
// Config, and remembers where each value came from.
//
//  1. Default gives every value; keys.go says of each key what it means and which
//     flag sets it. config.yaml at the repository's top is written from the two.
//  2. Files are read strictly: an unknown key, a repeated key, a value of the wrong
//     type or an alias is refused with file and line.
//  3. Load folds the layers: flags > FTADVISE_* > stakes file > project file > user
//     file > defaults, decodes them once and forgets how.
//  4. A Config and the origin of each of its values come out; Validate refuses what
//     no run can use and names that origin.
//
// Nothing below cmd knows flags or environment variables, and nothing but this
// package knows viper.
//
// Note: viper can read environment and files by itself, but then a variable whose
// key is in no file is dropped, a mistyped key passes, errors carry no line, and
// tests must change the process's environment. Each layer is therefore read here
// and handed to viper as a map; viper decides which layer wins and decodes.
package config
