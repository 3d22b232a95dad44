// Package teacher makes text whose truth is known: it is sampled from a base model after
// a change of known rank and size to its weights.
//
//  1. Load reads a base's weights, a Llama of the suite's.
//  2. Change adds a seeded random matrix of a rank to every projection, and to the
//     embeddings where that is asked for.
//  3. Sample draws rows of tokens from the model, Loss reads how well it foretells them:
//     a changed model's loss on its own text is the lowest that any training can reach.
//
// Whoever fine-tunes the base on such text has to find the change. Where its rank is low,
// LoRA can hold it and has far fewer numbers to estimate than full fine-tuning; where it
// is full, LoRA cannot. It is all plain Go in one order of arithmetic, so that a seed
// always gives the same rows.
package teacher
