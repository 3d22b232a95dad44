// Norms, rotary positions and activations, forward and backward. The fused kernels of
// rows.h serve fp32 on a CPU; the ATen form beside each is for CUDA and is its oracle.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/version.h>
#include "common.h"
#include "kernels.h"
#include "narrow.h"
#include "rows.h"

namespace fta {
namespace {
float* data(const Tensor& t) { return t.data_ptr<float>(); }
float* data_or_null(fta_tensor t) { return t ? T(t).data_ptr<float>() : nullptr; }

// Runs body(begin, end, partial) over rows and adds the threads' partial sums into
// sums[width]; body must not touch partial when sums is null.
template <class F>
void with_partials(int64_t rows, int64_t width, int64_t row_width, float* sums, const F& body) {
  int64_t chunks = std::min<int64_t>(at::get_num_threads(), (rows + grain(row_width) - 1) / grain(row_width));
  chunks = std::max<int64_t>(1, chunks);
  std::vector<float> partial(sums ? static_cast<size_t>(chunks * width) : 0);
  at::parallel_for(0, chunks, 1, [&](int64_t from, int64_t to) {
    for (int64_t c = from; c < to; c++)
      body(rows * c / chunks, rows * (c + 1) / chunks, sums ? partial.data() + c * width : nullptr);
  });
  if (!sums) return;
  for (int64_t c = 0; c < chunks; c++)
    for (int64_t i = 0; i < width; i++) sums[i] += partial[c * width + i];
}

Tensor like_f32(const Tensor& x) { return x.to(at::kFloat); }

void rms_backward_plain(const Tensor& dy, const Tensor& x, const Tensor& w, double offset, const Tensor& rstd, fta_tensor residual, fta_tensor dw, fta_tensor* dx) {
  Tensor r = rstd.unsqueeze(-1), xf = like_f32(x), dyf = like_f32(dy);
  Tensor g = dyf * (like_f32(w) + offset);
  Tensor c = (g * xf).mean(-1, true) * r * r;
  Tensor out = (r * (g - xf * c)).to(x.scalar_type());
  if (residual) out.add_(T(residual));
  if (dw) T(dw).add_((dyf * xf * r).sum(0).to(T(dw).scalar_type()));
  *dx = H(out);
}

Tensor activate(const Tensor& x, int kind) {
  switch (kind) {
    case FTA_SILU: return at::silu(x);
    case FTA_GELU_TANH: return at::gelu(x, "tanh");
    case FTA_GELU: return at::gelu(x);
    default: return at::relu(x);
  }
}

Tensor activate_backward(const Tensor& dy, const Tensor& x, int kind) {
  switch (kind) {
    case FTA_SILU: return at::silu_backward(dy, x);
    case FTA_GELU_TANH: return at::gelu_backward(dy, x, "tanh");
    case FTA_GELU: return at::gelu_backward(dy, x);
    default: return at::threshold_backward(dy, x, 0);
  }
}

Tensor activation(const Tensor& x, int kind, bool gated) {
  int64_t n = x.size(0), f = gated ? x.size(1) / 2 : x.size(1), width = x.size(1);
  if (!fused(x)) return gated ? activate(x.narrow(1, 0, f), kind).mul_(x.narrow(1, f, f)) : activate(x, kind);
  Tensor out = at::empty({n, f}, x.options());
  const float* px = data(x);
  float* py = data(out);
  at::parallel_for(0, n, grain(4 * f), [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++)
      activation_row(px + i * width, gated ? px + i * width + f : nullptr, py + i * f, kind, f);
  });
  return out;
}

Tensor activation_backward(const Tensor& dy, const Tensor& x, int kind, bool gated) {
  int64_t n = x.size(0), f = gated ? x.size(1) / 2 : x.size(1), width = x.size(1);
  if (!fused(x) || !fused(dy)) {
    if (!gated) return activate_backward(dy, x, kind);
    Tensor out = at::empty_like(x), gate = x.narrow(1, 0, f), up = x.narrow(1, f, f);
    out.narrow(1, 0, f).copy_(activate_backward(dy * up, gate, kind));
    out.narrow(1, f, f).copy_(activate(gate, kind).mul_(dy));
    return out;
  }
  Tensor out = at::empty_like(x);
  const float *px = data(x), *pd = data(dy);
  float* po = data(out);
  at::parallel_for(0, n, grain(4 * f), [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++)
      activation_row_backward(pd + i * f, px + i * width, gated ? px + i * width + f : nullptr, po + i * width, gated ? po + i * width + f : nullptr, kind, f);
  });
  return out;
}
}  // namespace
}  // namespace fta

using namespace fta;

extern "C" {

int fta_rms_norm(fta_tensor xh, fta_tensor wh, double eps, double offset, fta_tensor* y, fta_tensor* rstd) {
  return guard([&] {
    const Tensor &x = T(xh), &w = T(wh);
    int64_t n = x.size(0), d = x.size(1);
    Tensor made, deviation;
    if (kernels::rms_norm(x, w, eps, offset, &made, &deviation)) {
      *y = H(made);
      *rstd = H(deviation);
      return;
    }
    if (!fused(x)) {
      Tensor xf = like_f32(x);
      Tensor r = at::rsqrt((xf * xf).mean(-1) + eps);
      Tensor scaled = offset == 0 ? (xf * r.unsqueeze(-1)).to(x.scalar_type()) * w
                                  : (xf * r.unsqueeze(-1) * (like_f32(w) + offset)).to(x.scalar_type());
      *y = H(scaled);
      *rstd = H(r);
      return;
    }
    Tensor out = at::empty_like(x), r = at::empty({n}, x.options());
    const float *px = data(x), *pw = data(w);
    float *py = data(out), *pr = data(r);
    at::parallel_for(0, n, grain(d), [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; i++)
        pr[i] = rms_forward(px + i * d, pw, static_cast<float>(offset), static_cast<float>(eps), py + i * d, d);
    });
    *y = H(out);
    *rstd = H(r);
  });
}

int fta_rms_norm_backward(fta_tensor dyh, fta_tensor xh, fta_tensor wh, double offset, fta_tensor rstd, fta_tensor residual, fta_tensor dw, fta_tensor* dx) {
  return guard([&] {
    const Tensor &dy = T(dyh), &x = T(xh), &w = T(wh), &r = T(rstd);
    Tensor made;
    if (kernels::rms_norm_backward(dy, x, w, offset, r, residual ? &T(residual) : nullptr, dw ? &T(dw) : nullptr, &made)) {
      *dx = H(made);
      return;
    }
    if (!fused(x) || !fused(dy)) return rms_backward_plain(dy, x, w, offset, r, residual, dw, dx);
    int64_t n = x.size(0), d = x.size(1);
    Tensor out = at::empty_like(x);
    const float *pdy = data(dy), *px = data(x), *pw = data(w), *pr = data(r), *res = data_or_null(residual);
    float* po = data(out);
    with_partials(n, d, d, data_or_null(dw), [&](int64_t from, int64_t to, float* sums) {
      for (int64_t i = from; i < to; i++)
        rms_backward(pdy + i * d, px + i * d, pw, static_cast<float>(offset), pr[i], res ? res + i * d : nullptr, po + i * d, sums, d);
    });
    *dx = H(out);
  });
}

int fta_layer_norm(fta_tensor xh, fta_tensor wh, fta_tensor bh, double eps, fta_tensor* y, fta_tensor* mean, fta_tensor* rstd) {
  return guard([&] {
    const Tensor &x = T(xh), &w = T(wh), &b = T(bh);
    int64_t n = x.size(0), d = x.size(1);
    Tensor made, middle, deviation;
    if (kernels::layer_norm(x, w, b, eps, &made, &middle, &deviation)) {
      *y = H(made);
      *mean = H(middle);
      *rstd = H(deviation);
      return;
    }
    if (!fused(x)) {
      auto [out, mu, r] = at::native_layer_norm(x, {d}, w, b, eps);
      *y = H(out);
      *mean = H(mu);
      *rstd = H(r);
      return;
    }
    Tensor out = at::empty_like(x), mu = at::empty({n}, x.options()), r = at::empty({n}, x.options());
    const float *px = data(x), *pw = data(w), *pb = data(b);
    float *py = data(out), *pm = data(mu), *pr = data(r);
    at::parallel_for(0, n, grain(d), [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; i++)
        layer_forward(px + i * d, pw, pb, static_cast<float>(eps), py + i * d, pm + i, pr + i, d);
    });
    *y = H(out);
    *mean = H(mu);
    *rstd = H(r);
  });
}

int fta_layer_norm_backward(fta_tensor dyh, fta_tensor xh, fta_tensor wh, fta_tensor mean, fta_tensor rstd, fta_tensor residual, fta_tensor dw, fta_tensor db, fta_tensor* dx) {
  return guard([&] {
    const Tensor &dy = T(dyh), &x = T(xh), &w = T(wh), &mu = T(mean), &r = T(rstd);
    int64_t n = x.size(0), d = x.size(1);
    Tensor made;
    if (kernels::layer_norm_backward(dy, x, w, mu, r, residual ? &T(residual) : nullptr, dw ? &T(dw) : nullptr, db ? &T(db) : nullptr, &made)) {
      *dx = H(made);
      return;
    }
    if (!fused(x) || !fused(dy)) {
      auto [out, gw, gb] = at::native_layer_norm_backward(dy, x, {d}, mu, r, w, at::zeros_like(w), {true, dw != nullptr, dw != nullptr});
      if (residual) out.add_(T(residual));
      if (dw) {
        T(dw).add_(gw.to(T(dw).scalar_type()));
        T(db).add_(gb.to(T(db).scalar_type()));
      }
      *dx = H(out);
      return;
    }
    Tensor out = at::empty_like(x), sums = dw ? at::zeros({2 * d}, x.options()) : Tensor();
    const float *pdy = data(dy), *px = data(x), *pw = data(w), *pm = data(mu), *pr = data(r), *res = data_or_null(residual);
    float* po = data(out);
    with_partials(n, 2 * d, d, dw ? data(sums) : nullptr, [&](int64_t from, int64_t to, float* s) {
      for (int64_t i = from; i < to; i++)
        layer_backward(pdy + i * d, px + i * d, pw, pm[i], pr[i], res ? res + i * d : nullptr, po + i * d, s, s ? s + d : nullptr, d);
    });
    if (dw) {
      T(dw).add_(sums.narrow(0, 0, d));
      T(db).add_(sums.narrow(0, d, d));
    }
    *dx = H(out);
  });
}

int fta_rope(fta_tensor th, int64_t column, int64_t heads, int64_t head_dim, int64_t rotary_dim, fta_tensor cosh, fta_tensor sinh, fta_tensor positions, int sign) {
  return guard([&] {
    const Tensor &t = T(th), &cos = T(cosh), &sin = T(sinh), &pos = T(positions);
    int64_t n = t.size(0), width = t.size(1), half = rotary_dim / 2;
    if (kernels::rope(t, column, heads, head_dim, half, cos, sin, pos, sign)) return;
    if (!fused(t)) {
      Tensor part = t.narrow(1, column, heads * head_dim).view({n, heads, head_dim});
      Tensor a = part.narrow(2, 0, half), b = part.narrow(2, half, half);
      Tensor c = cos.index_select(0, pos).unsqueeze(1), s = sin.index_select(0, pos).unsqueeze(1) * sign;
      Tensor af = like_f32(a), bf = like_f32(b);
      Tensor ra = (af * c - bf * s).to(t.scalar_type()), rb = (bf * c + af * s).to(t.scalar_type());
      a.copy_(ra);
      b.copy_(rb);
      return;
    }
    float* p = data(t);
    const float *pc = data(cos), *ps = data(sin);
    const int64_t* pp = pos.data_ptr<int64_t>();
    auto turn = narrow_ropes(head_dim, half) ? narrow_rope : rope_row;
    at::parallel_for(0, n, grain(heads * head_dim), [&](int64_t from, int64_t to) {
      for (int64_t i = from; i < to; i++) turn(p + i * width + column, pc + pp[i] * half, ps + pp[i] * half, static_cast<float>(sign), heads, head_dim, half);
    });
  });
}

int fta_activation(fta_tensor xh, int kind, int gated, fta_tensor* y) {
  return guard([&] {
    const Tensor& x = T(xh);
    Tensor made;
    if (!gated || !kernels::gated(x, kind, &made)) made = activation(x, kind, gated != 0);
    *y = H(made);
  });
}

int fta_activation_backward(fta_tensor dyh, fta_tensor xh, int kind, int gated, int again, fta_tensor* dx) {
  return guard([&] {
    const Tensor &dy = T(dyh), &x = T(xh);
    Tensor made;
    if (!gated || !kernels::gated_backward(dy, x, kind, again != 0, &made)) {
      made = activation_backward(dy, x, kind, gated != 0);
      if (again) dy.copy_(activation(x, kind, gated != 0));
    }
    *dx = H(made);
  });
}
}
