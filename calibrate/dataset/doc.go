// Package dataset turns a user's data into the rows that every arm of a calibration
// trains on, and says what kind of text it is.
//
//  1. Pack finds the files (one, a folder, a glob, standard input), unpacks .gz and
//     .zst, and reads records: JSONL, a JSON array, CSV, TSV, Parquet or plain text.
//  2. Each record becomes an example by its shape: text, prompt and completion,
//     alpaca, messages, ShareGPT, classification. Only completions carry loss where
//     there are completions; text carries it everywhere.
//  3. A bounded sample of the examples is kept, chosen by a seeded hash of the
//     content: exact duplicates fall on the same side of the split, and the order
//     of the file does not matter. The lowest hashes are held out.
//  4. Examples are tokenised and packed into rows of SeqLength tokens with their
//     labels and segments, in the file that package packfile keeps.
//  5. What was seen goes out as evidence: counts, duplicates, leakage, truncation,
//     and how narrow the text is beside general text.
//
// Memory is bounded by the rows asked for, not by the size of the files. Bad input
// ends in an *Error that names file and line.
package dataset
