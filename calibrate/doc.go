// Package calibrate finds out by short real training runs how full fine-tuning and
// LoRA do on one base model and one dataset.
//
//  1. A Spec comes in with nothing left to default: model, packed data, device,
//     methods, budget, horizon.
//  2. The fit stage takes a few steps of each method: does it fit in memory, and how
//     long does a step take. Where it does not fit, all go on with half the
//     micro-batch and twice the accumulation.
//  3. NewPlan shares out the budget by these times: how many learning rates, how long
//     a probe, where to evaluate.
//  4. The search finds each method's learning rate by successive halving; its winner
//     goes on as the trunk of the probe. All see identical batches in identical order,
//     and take turns.
//  5. An evidence.Run comes out with every curve and the forecasts at the horizon.
//
// Run carries this out through an Engine, one Group of segments at a time, tells an
// Observer each Event and has a Keeper save the run after every segment. Each stage
// works out from the saved run what is left to do, so resuming is running again.
//
// An Engine trains; how it does so (libtorch in a child process, a script in a test)
// is not this package's business, and no cgo is linked here. Out of memory and
// divergence are outcomes of a trial; an error means that calibrate could not work.
package calibrate
