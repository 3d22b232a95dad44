// Row kernels for fp32 on a CPU: plain loops that the compiler vectorises, cloned
// for AVX-512 and AVX2 where it can, so that one binary serves any x86-64.
#pragma once
#include <cstdint>
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define FTA_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FTA_CLONES
#endif

namespace fta {
float rms_forward(const float* x, const float* w, float offset, float eps, float* y, int64_t d);  // returns rstd
// dx = residual + gradient; dw (sums over rows) may be null
void rms_backward(const float* dy, const float* x, const float* w, float offset, float rstd, const float* residual, float* dx, float* dw, int64_t d);
void layer_forward(const float* x, const float* w, const float* b, float eps, float* y, float* mean, float* rstd, int64_t d);
void layer_backward(const float* dy, const float* x, const float* w, float mean, float rstd, const float* residual, float* dx, float* dw, float* db, int64_t d);
void rope_row(float* x, const float* cos, const float* sin, float sign, int64_t heads, int64_t head_dim, int64_t half);
void activation_row(const float* gate, const float* up, float* y, int kind, int64_t f);  // up null: not gated
void activation_row_backward(const float* dy, const float* gate, const float* up, float* dgate, float* dup, int kind, int64_t f);
// softmax cross-entropy of one row; logits become weight*(softmax - onehot) when grad. hit: label has the largest logit.
float cross_entropy_row(float* logits, int64_t v, int64_t label, float weight, bool grad, bool* hit);
void adamw_range(float* p, const float* g, float* m, float* v, float factor, float lr, float beta1, float beta2, float eps, float decay, float correction1, float correction2, int64_t n);
}  // namespace fta
