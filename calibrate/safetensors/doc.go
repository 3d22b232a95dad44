// Package safetensors reads and writes the safetensors format.
//
//  1. Open maps a file and reads its header: names, types, shapes and places of the
//     tensors. Every rule of the format is checked before any byte of a tensor is
//     touched, so that what Open returns can be indexed without further checks.
//  2. Lookup and Bytes hand out the tensors as they lie in the mapping, little-endian
//     and row-major.
//  3. Scan looks through a tensor's values once for what no training survives: NaN,
//     infinities, nothing but zeros.
//  4. Write makes a file from tensors in memory, whole or not at all.
//
// The reader is stricter than the reference implementation where leniency hides
// damage: it refuses duplicate names, bytes before the header and files without
// tensors. It accepts what is harmless: padding, unknown fields, empty tensors.
// A refusal is an *InputError that says what the file is instead, where that can be
// told: a Git LFS pointer, a pickle, a GGUF file.
package safetensors
