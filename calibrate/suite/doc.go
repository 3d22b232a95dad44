// Package suite makes the decision suite: the ground truth that decisions between full
// fine-tuning and LoRA are scored on.
//
//  1. Prepare writes texts: domains from the Go distribution and from seeded
//     generators, and the bases' configurations beside the embedded corpus and
//     tokenizer. The bases are pre-trained on it by ftadvise-engine pretrain.
//  2. Pack turns each domain into rows, the same for every base, and its facts. Lessons
//     have no text: their rows are sampled from each base after a known change to it, by
//     package teacher.
//  3. Each unit, a method on a base, a domain and a seed, trains to the horizon at five
//     learning rates and more until the best lies inside; a Trainer drives an engine.
//     Further seeds train at the best rates of the first alone. Units are kept one by
//     one, so that a suite goes on where it was cut.
//  4. Curves gathers the units of a data set into one file that `ftadvise import` and
//     decisionbench read: held-out losses, and in its about what is known of the data.
//  5. Tables tell what the curves found, Insert puts them into a document.
//
// The command in make does these one after another; the curves it made are in curves.
package suite
