// Package estimate reckons what a training step needs from config.json alone: memory
// by part, floating-point operations, and time on a device of known speed.
//
//  1. A model's hf.Config, a method and a Shape (batch, row length, precision) come in.
//  2. MemoryOf counts weights, gradients, optimizer state, saved activations, the
//     head's logits and transient buffers, for an engine with fused attention, a
//     chunked cross-entropy and AdamW, as ftadvise-engine is.
//  3. FLOPs counts matrix products: forward, backward to activations, backward to
//     weights. LoRA leaves the last out for what it freezes.
//  4. Seconds divides by a Device's speed.
//
// Nothing is measured: the figures bound and compare, and a calibration replaces them.
// Counting follows Megatron's activation formula (arXiv 2205.05198, section 4) and
// PaLM's FLOP count (arXiv 2204.02311, appendix B), with causal attention counted once.
package estimate
