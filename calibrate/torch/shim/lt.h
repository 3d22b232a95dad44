// Matrix products that begin with another matrix than the one they write, by cuBLASLt,
// for bf16 on the first GPU: libtorch copies that matrix first. The library is found at run
// time, beside libtorch.
#pragma once
#include <ATen/core/Tensor.h>

namespace fta {
// out = start + bias + alpha a b of [m,k] and [k,n]; bias, a vector, may be null. false: not served.
bool product_onto(at::Tensor* out, const at::Tensor& a, const at::Tensor& b, const at::Tensor& start, const at::Tensor* bias, double alpha);
}  // namespace fta
