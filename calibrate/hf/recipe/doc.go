// Package recipe writes a method with its settings as configuration files of other
// trainers, so that advice is one command from being followed.
//
//  1. Settings come in: model, data, method, learning rate, batch, steps. FromRun takes
//     them from a calibration.
//  2. Files turns them into the files of one Tool: TRL with an accelerate file for
//     FSDP2, LLaMA-Factory, Axolotl. Each opens with the command that starts it.
//
// Optimizer, schedule, batch, row length and adapter mean the same in each of them.
// What a tool cannot be told, such as LoRA+ in TRL or a table with tabs, is refused and
// not left out. How a prompt is worded from several fields is each tool's own affair,
// and the file says so.
package recipe
