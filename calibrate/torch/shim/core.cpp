// Handles, errors, small tensor operations and matrix products.
#include <ATen/ATen.h>
#include <cstring>
#include "common.h"
#include "kernels.h"
#include "lt.h"
#include "product.h"

namespace fta {
namespace {
thread_local std::string last_error;
bool reference_mode = false;
bool wide_mode = true;
}  // namespace

int fail(const char* what) {
  last_error = what;
  return 1;
}
int fail_memory(const char* what) {
  last_error = what;
  return 2;
}
// libtorch's CPU allocator and some CUDA libraries report exhaustion as plain errors.
bool is_memory(const char* what) {
  for (const char* sign : {"out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "not enough memory"})
    if (std::strstr(what, sign)) return true;
  return false;
}
bool reference() { return reference_mode; }
bool may_be_wide() { return wide_mode; }

Tensor linear(const Tensor& x, const Tensor& w, const Tensor* bias, const Tensor* residual) {
  Tensor out;
  if (fused(x) && has_products() && !(bias && residual)) {
    out = at::empty({x.size(0), w.size(0)}, x.options());
    if (product_from(out, x, {w, true}, residual ? residual : bias)) return out;
  }
  if (!residual) return bias ? at::addmm(*bias, x, w.t()) : at::mm(x, w.t());
  if (product_onto(&out, x, w.t(), *residual, bias, 1)) return out;
  if (!bias)
    out = residual->clone();
  else if (!kernels::add_bias(*residual, *bias, &out))
    out = at::add(*residual, *bias);
  if (!product(out, x, {w, true}, 1)) out.addmm_(x, w.t());
  return out;
}
}  // namespace fta

using namespace fta;

extern "C" {

const char* fta_error(void) { return last_error.c_str(); }

void fta_reference(int on) { reference_mode = on != 0; }

void fta_wide(int on) { wide_mode = on != 0; }

void fta_free_all(fta_tensor* list, int n) {
  for (int i = 0; i < n; i++) delete static_cast<Tensor*>(list[i]);
}

int fta_as_strided(fta_tensor t, const int64_t* size, const int64_t* stride, int n, int64_t offset, fta_tensor* out) {
  return guard([&] {
    *out = H(T(t).as_strided({size, static_cast<size_t>(n)}, {stride, static_cast<size_t>(n)}, T(t).storage_offset() + offset));
  });
}

int fta_alias(fta_tensor t, fta_tensor* out) {
  return guard([&] { *out = H(T(t)); });
}

int fta_view_alike(fta_tensor view, fta_tensor of, fta_tensor other, fta_tensor* out) {
  return guard([&] {
    const Tensor& v = T(view);
    *out = H(T(other).as_strided(v.sizes(), v.strides(), v.storage_offset() - T(of).storage_offset() + T(other).storage_offset()));
  });
}

int fta_empty_like(fta_tensor t, fta_tensor* out) {
  return guard([&] { *out = H(at::empty_like(T(t), at::MemoryFormat::Contiguous)); });
}

int fta_to_dtype(fta_tensor t, int dtype, fta_tensor* out) {
  return guard([&] { *out = H(T(t).to(static_cast<at::ScalarType>(dtype))); });
}

int fta_from_host(const void* data, const int64_t* size, int n, int dtype, int device, fta_tensor* out) {
  return guard([&] {
    auto options = at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype));
    Tensor host = at::from_blob(const_cast<void*>(data), {size, static_cast<size_t>(n)}, options);
    *out = H(device < 0 ? host.clone() : host.to(at::Device(at::kCUDA, device)));
  });
}

int fta_to_host(fta_tensor t, void* data, int64_t bytes) {
  return guard([&] {
    Tensor host = T(t).contiguous().cpu();
    TORCH_CHECK(static_cast<int64_t>(host.nbytes()) == bytes, "tensor has ", host.nbytes(), " bytes, not ", bytes);
    std::memcpy(data, host.const_data_ptr(), host.nbytes());
  });
}

int fta_copy_cast(fta_tensor dst, fta_tensor src) {
  return guard([&] { T(dst).copy_(T(src)); });
}

int fta_fill(fta_tensor t, double value) {
  return guard([&] { T(t).fill_(value); });
}

int fta_scale(fta_tensor t, double by) {
  return guard([&] { T(t).mul_(by); });
}

int fta_add(fta_tensor t, fta_tensor other, double alpha) {
  return guard([&] { T(t).add_(T(other), alpha); });
}

int fta_mul_arms(fta_tensor t, fta_tensor per_arm) {
  return guard([&] {
    std::vector<int64_t> shape(T(t).dim(), 1);
    shape[0] = T(per_arm).size(0);
    T(t).mul_(T(per_arm).view(shape));
  });
}

int fta_normal(fta_tensor t, double std) {
  return guard([&] { T(t).normal_(0, std); });
}

// torch.nn.init.kaiming_uniform_(a=sqrt(5)): uniform within 1/sqrt(fan_in).
int fta_kaiming_uniform_a5(fta_tensor t, int64_t fan_in) {
  return guard([&] {
    double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
    T(t).uniform_(-bound, bound);
  });
}

int fta_seed(int64_t seed) {
  return guard([&] { at::manual_seed(static_cast<uint64_t>(seed)); });
}

int fta_dropout_mask(fta_tensor like, double p, fta_tensor* mask) {
  return guard([&] { *mask = H(at::empty_like(T(like)).bernoulli_(1 - p).div_(1 - p)); });
}

int fta_mul(fta_tensor a, fta_tensor b, fta_tensor* out) {
  return guard([&] { *out = H(at::mul(T(a), T(b))); });
}

int fta_addcmul(fta_tensor t, fta_tensor a, fta_tensor b) {
  return guard([&] { T(t).addcmul_(T(a), T(b)); });
}

int fta_linear(fta_tensor x, fta_tensor w, fta_tensor bias, fta_tensor residual, fta_tensor* y) {
  return guard([&] { *y = H(linear(T(x), T(w), bias ? &T(bias) : nullptr, residual ? &T(residual) : nullptr)); });
}

int fta_gemm(fta_tensor out, fta_tensor a, int ta, fta_tensor b, int tb, double beta, double alpha) {
  return guard([&] {
    if (alpha == 1 && product(T(out), {T(a), ta != 0}, {T(b), tb != 0}, beta)) return;
    Tensor o = T(out), l = T(a), r = T(b);
    if (ta) l = l.transpose(-2, -1);
    if (tb) r = r.transpose(-2, -1);
    bool wider = o.scalar_type() != l.scalar_type();
    if (wider && l.is_cuda()) {
      if (o.dim() == 3)
        at::baddbmm_out(o, o, l, r, o.scalar_type(), beta, alpha);
      else
        at::addmm_out(o, o, l, r, o.scalar_type(), beta, alpha);
      return;
    }
    if (wider) {
      l = l.to(o.scalar_type());
      r = r.to(o.scalar_type());
    }
    if (o.dim() == 3)
      o.baddbmm_(l, r, beta, alpha);
    else
      o.addmm_(l, r, beta, alpha);
  });
}

int fta_onto(fta_tensor start, fta_tensor a, fta_tensor b, double alpha, fta_tensor* out) {
  return guard([&] {
    Tensor made, turned = T(b).t();
    if (!product_onto(&made, T(a), turned, T(start), nullptr, alpha)) made = at::addmm(T(start), T(a), turned, 1, alpha);
    *out = H(made);
  });
}

int fta_mm(fta_tensor a, int ta, fta_tensor b, int tb, fta_tensor* out) {
  return guard([&] {
    if (T(a).dim() == 2) {
      *out = H(multiplied({T(a), ta != 0}, {T(b), tb != 0}));
      return;
    }
    *out = H(at::bmm(ta ? T(a).transpose(-2, -1) : T(a), tb ? T(b).transpose(-2, -1) : T(b)));
  });
}

int fta_sum_rows(fta_tensor out, fta_tensor x, double beta) {
  return guard([&] {
    Tensor sum = at::sum(T(x), {0}, false, T(out).scalar_type());
    if (beta == 0)
      T(out).copy_(sum);
    else
      T(out).add_(sum);
  });
}
}
