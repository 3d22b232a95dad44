// The optimiser: gradient norms and AdamW on flat buffers. What differs from step to step
// lies in tensors, so that a captured step needs nothing from the host.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include "common.h"
#include "kernels.h"
#include "rows.h"

namespace fta {
namespace {
constexpr int64_t kScalars = 5;  // of one half of an arm: rate, corrections 1 and 2, step, decay

// One arm's matrices or vectors.
struct Half {
  Tensor p, g, m, v, scalars;
};

struct Constants {
  double beta1, beta2, eps;
};

void adamw_fused(const Half& h, float factor, const Constants& c) {
  const float* s = h.scalars.data_ptr<float>();
  float *pp = h.p.data_ptr<float>(), *pm = h.m.data_ptr<float>(), *pv = h.v.data_ptr<float>();
  const float* pg = h.g.data_ptr<float>();
  at::parallel_for(0, h.p.numel(), 32768, [&](int64_t from, int64_t to) {
    adamw_range(pp + from, pg + from, pm + from, pv + from, factor, s[0], static_cast<float>(c.beta1), static_cast<float>(c.beta2), static_cast<float>(c.eps), s[4], s[1], s[2], to - from);
  });
}

// The kernel divides the gradient by grad_scale. It takes the decay as a number, so the
// weights decay before it.
void adamw_plain(const Half& h, const std::optional<Tensor>& factor, const Constants& c) {
  std::optional<Tensor> scale;
  if (factor) scale = factor->reciprocal();
  Tensor grad = h.g.scalar_type() == h.p.scalar_type() ? h.g : h.g.to(h.p.scalar_type());
  Tensor rate = h.scalars[0], step = h.scalars[3].clone(), keep = 1 - rate * h.scalars[4];
  h.p.mul_(keep);
  at::_fused_adamw_({h.p}, {grad}, {h.m}, {h.v}, {}, {step}, rate, c.beta1, c.beta2, 0.0, c.eps, false, false, scale, std::nullopt);
}
}  // namespace
}  // namespace fta

using namespace fta;

extern "C" {

int fta_adamw(fta_tensor ph, fta_tensor gh, fta_tensor mh, fta_tensor vh, fta_tensor work, fta_tensor norms, fta_tensor scalars, int64_t matrices, int64_t first, int64_t last, double limit, double beta1, double beta2, double eps) {
  return guard([&] {
    const Tensor &p = T(ph), &g = T(gh), &m = T(mh), &v = T(vh);
    if (first == 0 && last == p.size(1) && kernels::adamw(p, g, m, v, work ? &T(work) : nullptr, T(norms), T(scalars), matrices, limit, beta1, beta2, eps)) return;
    Constants constants{beta1, beta2, eps};
    for (int64_t arm = 0; arm < p.size(0); arm++) {
      std::optional<Tensor> factor;
      if (limit > 0) factor = at::clamp_max(at::reciprocal(T(norms)[arm] + 1e-6).mul_(limit), 1);
      for (int64_t half = 0; half < 2; half++) {
        int64_t from = std::max(first, half ? matrices : 0), n = std::min(last, half ? p.size(1) : matrices) - from;
        if (n <= 0) continue;
        auto part = [&](const Tensor& t) { return t[arm].narrow(0, from, n); };
        Half h{part(p), part(g), part(m), part(v), T(scalars)[arm][half]};
        if (fused(h.p) && fused(h.g))
          adamw_fused(h, factor ? factor->item<float>() : 1.0f, constants);
        else
          adamw_plain(h, factor, constants);
      }
    }
    if (work) T(work).copy_(p);
  });
}

int fta_norm(fta_tensor t, fta_tensor* out) {
  return guard([&] { *out = H(at::linalg_vector_norm(T(t), 2, at::IntArrayRef{1}, false, at::kFloat)); });
}
}
