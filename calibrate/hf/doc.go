// Package hf reads a Hugging Face model folder without loading a tensor library.
//
//  1. Open reads config.json into a Config, then the headers of model.safetensors or
//     of the shards that model.safetensors.index.json names, and checks that every
//     tensor which the architecture needs is there with its shape. OpenConfig stops
//     after config.json: for random weights, plans and estimates.
//  2. Config answers from config.json alone: Parameters (every tensor of the model),
//     Modules (every linear layer), Params, and for a LoRA method its Targets and
//     TrainableParams as PEFT counts them.
//  3. Model.Tensor hands out a weight by its canonical name, in which transformers
//     knows it ("transformer.h.0...", "model.layers.0..."), also where the file leaves
//     the prefix out.
//  4. SaveAdapter and SaveModel write what PEFT and transformers read; LoadAdapter
//     reads it back.
//
// Which architectures there are stands in Families. Names that come from a model's
// files are opened inside its folder only. No code of a model is ever run and no
// pickle opened. A refusal is an *InputError: where, what, and a hint.
package hf
