// Package torch is the calibrate.Engine on libtorch.
//
//  1. New finds libtorch's CUDA half, if any, and starts one goroutine on one OS
//     thread, where everything that touches libtorch runs.
//  2. Train takes a Group: packed data, a model folder, trials' segments. Segments that
//     may share a pass are trained as arms of one model; the others one after another.
//  3. One loop trains them all, whatever the method: take the step's batch, forward,
//     backward, clip, AdamW. Only what is trained differs, and decoder knows that.
//  4. Events go out: steps, evaluations on the fixed held-out set, peak memory, outcome.
//
// Losses stay on the device and are read back together every few steps, so that the
// host never waits inside a step. Out of memory and divergence end a trial, not the
// engine. The package and what lies below it are the only importers of gotch and cgo.
package torch
