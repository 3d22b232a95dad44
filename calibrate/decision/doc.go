// Package decision proves the advice on data sets whose answer is known: full
// fine-tuning and LoRA were trained to the horizon there, at several learning rates.
//
//  1. Finished curves come in, of many data sets, with facts about each.
//  2. A Case plays an engine whose trials follow those curves, and a calibration runs on
//     it as it would on a machine: calibrate's own plan, search, probe and forecast,
//     within a budget that is a share of one full run's cost.
//  3. Deciders say what the calibration's curves mean: the baselines, and the forecast.
//     Whatever is learned from finished curves is learned without the family of the case.
//  4. Out go scores: how often the right method was named, regret in nats, the Brier score,
//     learning rates, each with a bootstrap interval over families, and the failures.
package decision
