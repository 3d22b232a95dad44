// Singular values of large matrices, for what the gradient and the update look like.
#include <ATen/ATen.h>
#include <algorithm>
#include <cstring>
#include "common.h"

using namespace fta;

namespace {

// The Gram matrix of the shorter side, summed in double precision over slices of the
// longer one: sixteen times a slice's memory is all that it takes beside the result.
Tensor gram(const Tensor& t) {
  const Tensor m = t.size(0) > t.size(1) ? t.t() : t;
  const int64_t slice = std::max<int64_t>(64, (1 << 22) / m.size(0));
  Tensor out = at::zeros({m.size(0), m.size(0)}, m.options().dtype(at::kDouble));
  for (int64_t from = 0; from < m.size(1); from += slice) {
    Tensor part = m.narrow(1, from, std::min(slice, m.size(1) - from)).to(at::kDouble);
    out.addmm_(part, part.t());
  }
  return out;
}

// A GPU's solver lies in a library of its own, which may be missing.
Tensor eigenvalues(const Tensor& symmetric) {
  if (!symmetric.is_cpu()) {
    try {
      return at::linalg_eigvalsh(symmetric).cpu();
    } catch (const c10::Error& e) {
      if (is_memory(e.what_without_backtrace())) throw;
    }
  }
  return at::linalg_eigvalsh(symmetric.cpu());
}

}  // namespace

extern "C" int fta_singular_values(fta_tensor t, double* out, int64_t n) {
  return guard([&] {
    Tensor values = eigenvalues(gram(T(t))).clamp_min(0).sqrt().flip(0).contiguous();
    TORCH_CHECK(values.numel() == n, "matrix has ", values.numel(), " singular values, not ", n);
    std::memcpy(out, values.const_data_ptr(), values.nbytes());
  });
}
