// Fused bf16 kernels for CUDA, compiled at run time by NVRTC: no nvcc and no CUDA header
// is needed to build, and a machine whose driver or NVRTC is missing takes ATen's
// operations instead. Each function returns false where it does not apply.
#pragma once
#include "common.h"

namespace fta::kernels {
bool cross_entropy(const Tensor& logits, const Tensor& labels, const Tensor& weights, bool grad, const Tensor& loss, const Tensor& hit);
bool rms_norm(const Tensor& x, const Tensor& w, double eps, double offset, Tensor* y, Tensor* rstd);
bool rms_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& w, double offset, const Tensor& rstd, const Tensor* residual, const Tensor* dw, Tensor* dx);
bool rope(const Tensor& t, int64_t column, int64_t heads, int64_t head_dim, int64_t half, const Tensor& cos, const Tensor& sin, const Tensor& positions, int sign);
bool gated(const Tensor& x, int kind, Tensor* y);
bool gated_backward(const Tensor& dy, const Tensor& x, int kind, Tensor* dx);
}  // namespace fta::kernels
