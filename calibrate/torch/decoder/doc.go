// Package decoder is the transformer that the engine trains, forward and backward.
//
//  1. New lays every parameter of an hf.Config out in flat buffers: matrices that share
//     an input side by side (q|k|v, gate|up), so that they are one product; matrices
//     before vectors, so that weight decay is one slice.
//  2. Load fills them from a model folder, or Randomise from nothing.
//  3. A Batch goes in, made for once or by a Feed, which keeps its place on the device;
//     Forward leaves a tape of what the backward pass cannot cheaply recompute; Backward
//     walks the blocks down again and leaves gradients.
//     On a CPU, Lanes are threads that each do so with sequences or arms of their own.
//  4. Step, told by a Schedule, is AdamW on the flat buffers of what is trained: the base
//     model (full), or adapters of K arms at once (LoRA), each with its own learning rate.
//
// Gradients are derived by hand: autograd would save inputs that are recomputed here
// for nothing (norms, activations), and would form dW for frozen weights' inputs. The
// mathematics is one for every family; a Config says which parts it has.
//
// Shapes in comments: N rows (arms times batch times length), d hidden size, f
// intermediate size, r rank, K arms.
package decoder
