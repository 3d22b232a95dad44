// Fused bf16 kernels for CUDA, compiled at run time by NVRTC: no nvcc and no CUDA header
// is needed to build, and a machine whose driver or NVRTC is missing takes ATen's
// operations instead. Each function returns false where it does not apply.
#pragma once
#include <vector>
#include "common.h"

namespace fta::kernels {
bool cross_entropy(const Tensor& logits, const Tensor& labels, const Tensor& weights, bool grad, const Tensor& loss, const Tensor& hit);
bool rms_norm(const Tensor& x, const Tensor& w, double eps, double offset, Tensor* y, Tensor* rstd);
bool layer_norm(const Tensor& x, const Tensor& w, const Tensor& b, double eps, Tensor* y, Tensor* mean, Tensor* rstd);
bool add_bias(const Tensor& x, const Tensor& b, Tensor* y);
bool rms_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& w, double offset, const Tensor& rstd, const Tensor* residual, const Tensor* dw, Tensor* dx);
bool layer_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& w, const Tensor& mean, const Tensor& rstd, const Tensor* residual, const Tensor* dw, const Tensor* db, Tensor* dx);
// One adapter's B [out,r] and its gradient, from a column of dy on.
struct LowSite {
  Tensor b, grad;
  int64_t from;
};
// dlow [N,R] = scale dy B of each, side by side, and B's gradients, beta times the old plus scale dy^T low.
bool low_gradients(const Tensor& dy, const Tensor& low, const std::vector<LowSite>& list, double scale, double beta, Tensor* dlow);
bool rope(const Tensor& t, int64_t column, int64_t heads, int64_t head_dim, int64_t half, const Tensor& cos, const Tensor& sin, const Tensor& positions, int sign);
bool gated(const Tensor& x, int kind, Tensor* y);
// again: dy's place takes the activation.
bool gated_backward(const Tensor& dy, const Tensor& x, int kind, bool again, Tensor* dx);
// AdamW over [arms, elements]; scalars [arms, 2, 5] as in fta_adamw.
bool adamw(const Tensor& p, const Tensor& g, const Tensor& m, const Tensor& v, const Tensor* work, const Tensor& norms, const Tensor& scalars, int64_t matrices, double limit, double beta1, double beta2, double eps);
}  // namespace fta::kernels
