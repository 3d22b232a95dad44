// Package strictyaml reads the YAML files that people write: policies, their tests,
// stakes, price tables.
//
//  1. Bytes come in, with the file's name. More than a mebibyte is refused before
//     it is parsed.
//  2. They are parsed; nesting, aliases and nodes are counted and capped, so that a
//     small file cannot become a large structure.
//  3. They are decoded into a struct: unknown and doubled keys and wrong types are
//     errors.
//  4. Every error names file, line and column, shows the line with a caret, and says
//     what to do.
//
// Settings are read by cmd/internal/config, which keeps the origin of each value.
package strictyaml
