// Package forecast extrapolates learning curves to the training horizon and says
// how far it can be trusted. It is pure arithmetic on numbers: no clock, no files,
// no randomness, the same answer every time.
//
//  1. Curves come in: losses of each arm at a few early steps, measured on the same
//     held-out set after the same batches.
//  2. Clean sorts them, settles duplicates and refuses what cannot be extrapolated.
//  3. Each law (last value, power, Hill, schedule-aware, sampled prior) fits a prefix
//     and is scored by how well it would have foretold the rest of that prefix.
//  4. The laws are mixed by that score, and the mixture is widened by the errors
//     that such mixtures made on finished curves (the library).
//  5. Out go evidence.Forecast for each arm and evidence.Gap for each LoRA arm
//     against full fine-tuning. A gap is forecast from the paired difference: arms
//     that saw the same batches share most of their noise, so their difference is
//     known far better than either of them.
//
// Below about a third of the horizon the last value is hard to beat, so every law
// must earn its weight against it.
package forecast
