// Package history reads finished or running training runs of others as evidence.
//
//  1. Files come in: Hugging Face's trainer_state.json, TensorBoard event files,
//     exports of Weights & Biases or of any logger as CSV, JSON or JSON Lines, files
//     of many curves, and ftadvise's own runs.
//  2. Each becomes Records: what was trained and how its losses went.
//  3. Records go out as forecast.Curve to be extrapolated, or as one evidence.Run
//     whose trials are imports, to be argued over like a calibration.
//
// The method is told by a label: in the file where it has one, as LABEL=PATH on the
// way in, else by the name of the folder or file. Nothing here trains, downloads or
// guesses losses; what is odd about a file is told as a warning.
package history
