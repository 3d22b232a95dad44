// Package shim is the one door to libtorch.
//
//  1. Load opens CUDA's libraries where there are any; it comes before all else.
//  2. An Arena makes tensors: gotch's libtch handles for what libtch has, this
//     package's own C++ for what it lacks or what a step needs fused (attention,
//     norms, rotary positions, activations, chunked cross-entropy, AdamW).
//  3. On CUDA a GraphPool captures what a function issues and replays it; a Stage brings
//     what changes from replay to replay to the device without waiting.
//  4. Temporaries are dropped one by one or freed with the arena. No ts.Tensor is
//     made: each would cost 100 kB of zeroed Go memory and a global lock.
//
// Errors stick: after the first failed call an Arena does nothing more and Err says
// what happened, so that the mathematics reads as mathematics. Tensors live on one
// OS thread; the caller locks its goroutine to it (Begin).
//
// Shapes in comments: N rows (batch times sequence length), d hidden size, V
// vocabulary, K arms that train side by side.
package shim
