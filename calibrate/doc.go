// Package calibrate finds out by short real training runs how full fine-tuning and
// LoRA do on one base model and one dataset.
//
//  1. A Spec comes in with nothing left to default: model, packed data, device,
//     methods, budget, horizon.
//  2. NewPlan turns it into trials: does a step fit, which learning rate, the probe.
//  3. Run carries the plan out through an Engine, one Group of trials at a time,
//     identical batches in identical order for all, and tells an Observer each Event.
//  4. An evidence.Run comes out, saved after each trial, resumable at any of them.
//
// An Engine trains; how it does so (libtorch in a child process, a script in a test)
// is not this package's business, and no cgo is linked here. Out of memory and
// divergence are outcomes of a trial; an error means that calibrate could not work.
package calibrate
