// LoRA on a linear layer for fp32 on a CPU: y = x w^T + bias + residual + scale x A^T B^T of all
// adapters that share x. Each product adds to what lies in its place, so that nothing is copied,
// B is read as it is and no dW is formed. low is x A^T of all adapters side by side, times the
// scale: the way back needs it so.
#include <ATen/ATen.h>
#include <vector>
#include "common.h"
#include "kernels.h"
#include "product.h"
#include "tile.h"

namespace fta {
namespace {
// Adapters of one rank on columns of a layer's output. Shapes: n rows of each arm, R ranks of all.
struct Adapters {
  int64_t n, arms, in, out, rank;
  struct One {
    const float *a, *b;  // arm 0's [r,in] and [out,r]
    float *da, *db;      // its gradients
    int64_t arm, from, out;  // stride from arm to arm; its columns of y
  };
  std::vector<One> list;
  const double* scale;  // of each arm

  int64_t ranks() const { return rank * static_cast<int64_t>(list.size()); }
};

// Adapters whose A lie one below the other, and the first column of theirs in low.
struct Stack {
  const float* a;
  float* da;
  int64_t column, ranks;
};

std::vector<Stack> stacks(const Adapters& l, int64_t arm) {
  std::vector<Stack> out;
  for (const auto& ad : l.list) {
    const float* a = ad.a + arm * ad.arm;
    int64_t column = out.empty() ? 0 : out.back().column + out.back().ranks;
    if (!out.empty() && out.back().a + out.back().ranks * l.in == a)
      out.back().ranks += l.rank;
    else
      out.push_back({a, ad.da + arm * ad.arm, column, l.rank});
  }
  return out;
}

void times(float* p, int64_t n, float by) {
  for (int64_t i = 0; i < n; i++) p[i] *= by;
}

// low = scale x A^T
void into_low(const Adapters& l, int64_t arm, const float* x, float* low) {
  for (const Stack& s : stacks(l, arm)) multiply({l.n, s.ranks, l.in, x, l.in, 1, s.a, 1, l.in, low + s.column, l.ranks()});
  times(low, l.n * l.ranks(), static_cast<float>(l.scale[arm]));
}

// y += low B^T
void out_of_low(const Adapters& l, int64_t arm, const float* low, float* y) {
  for (size_t i = 0; i < l.list.size(); i++) {
    const auto& ad = l.list[i];
    float* to = y + ad.from;
    multiply({l.n, ad.out, l.rank, low + static_cast<int64_t>(i) * l.rank, l.ranks(), 1, ad.b + arm * ad.arm, 1, l.rank, to, l.out, to, l.out});
  }
}

// dB = beta dB + dy^T low, by its transpose [r,out], which fills the tiles' columns.
void gradient_b(const Adapters& l, int64_t arm, size_t i, const float* dy, const float* low, float beta) {
  const auto& ad = l.list[i];
  tile::Floats turned(l.rank * ad.out);
  multiply({l.rank, ad.out, l.n, low + static_cast<int64_t>(i) * l.rank, 1, l.ranks(), dy + ad.from, l.out, 1, turned.data(), ad.out});
  float* db = ad.db + arm * ad.arm;
  for (int64_t o = 0; o < ad.out; o++)
    for (int64_t r = 0; r < l.rank; r++) db[o * l.rank + r] = (beta == 0 ? 0 : beta * db[o * l.rank + r]) + turned.data()[r * ad.out + o];
}

// dlow = scale dy B, and B's gradients
void into_dlow(const Adapters& l, int64_t arm, const float* dy, const float* low, float beta, float* dlow) {
  for (size_t i = 0; i < l.list.size(); i++) {
    const auto& ad = l.list[i];
    multiply({l.n, l.rank, ad.out, dy + ad.from, l.out, 1, ad.b + arm * ad.arm, l.rank, 1, dlow + static_cast<int64_t>(i) * l.rank, l.ranks()});
    gradient_b(l, arm, i, dy, low, beta);
  }
  times(dlow, l.n * l.ranks(), static_cast<float>(l.scale[arm]));
}

// A's gradients, and dx = dlow A where it is wanted
void out_of_dlow(const Adapters& l, int64_t arm, const float* dlow, const float* x, float beta, float* dx) {
  bool more = false;
  for (const Stack& s : stacks(l, arm)) {
    if (beta != 0 && beta != 1) times(s.da, s.ranks * l.in, beta);
    multiply({s.ranks, l.in, l.n, dlow + s.column, 1, l.ranks(), x, l.in, 1, s.da, l.in, beta == 0 ? nullptr : s.da, l.in});
    if (dx) multiply({l.n, l.in, s.ranks, dlow + s.column, l.ranks(), 1, s.a, l.in, 1, dx, l.in, more ? dx : nullptr, l.in});
    more = true;
  }
}

// The call in plain pointers; false where this form does not serve it.
bool adapters_of(const Tensor& x, const Tensor& w, const fta_adapter* list, int n, const double* scale, int64_t arms, Adapters* l) {
  if (!fused(x) || w.scalar_type() != at::kFloat) return false;
  *l = {x.size(0) / arms, arms, x.size(1), w.size(0), T(list[0].a).size(-2), {}, scale};
  for (int i = 0; i < n; i++) {
    const Tensor &a = T(list[i].a), &b = T(list[i].b);
    if (a.scalar_type() != at::kFloat) return false;
    l->list.push_back({a.data_ptr<float>(), b.data_ptr<float>(), T(list[i].da).data_ptr<float>(), T(list[i].db).data_ptr<float>(), a.dim() == 3 ? a.stride(0) : 0, list[i].from, list[i].out});
  }
  return true;
}
}  // namespace
}  // namespace fta

using namespace fta;

extern "C" {

int fta_lora(fta_tensor xh, fta_tensor wh, fta_tensor merged, fta_tensor bias, fta_tensor residual, const fta_adapter* list, int n, const double* scale, int64_t arms, fta_tensor* y, fta_tensor* low) {
  return guard([&] {
    const Tensor& x = T(xh);
    Adapters l;
    *y = *low = nullptr;
    if (!adapters_of(x, T(wh), list, n, scale, arms, &l)) return;
    Tensor out = linear(x, merged ? T(merged) : T(wh), bias ? &T(bias) : nullptr, residual ? &T(residual) : nullptr), thin = at::empty({x.size(0), l.ranks()}, x.options());
    for (int64_t arm = 0; arm < arms; arm++) {
      float* rows = thin.data_ptr<float>() + arm * l.n * l.ranks();
      into_low(l, arm, x.data_ptr<float>() + arm * l.n * l.in, rows);
      if (!merged) out_of_low(l, arm, rows, out.data_ptr<float>() + arm * l.n * l.out);
    }
    *y = H(out);
    *low = H(thin);
  });
}

int fta_lora_backward(fta_tensor dyh, fta_tensor xh, fta_tensor wh, fta_tensor merged, const fta_adapter* list, int n, const double* scale, int64_t arms, fta_tensor low, double beta, int want_dx, fta_tensor* dx) {
  return guard([&] {
    const Tensor &dy = T(dyh), &x = T(xh), &w = T(wh);
    Adapters l;
    TORCH_CHECK(adapters_of(x, w, list, n, scale, arms, &l), "the forward pass was not fused");
    Tensor grad = want_dx && !merged ? at::empty_like(x) : Tensor();
    tile::Floats dlow(l.n * l.ranks());
    for (int64_t arm = 0; arm < arms; arm++) {
      int64_t row = arm * l.n;
      into_dlow(l, arm, dy.data_ptr<float>() + row * l.out, T(low).data_ptr<float>() + row * l.ranks(), static_cast<float>(beta), dlow.data());
      out_of_dlow(l, arm, dlow.data(), x.data_ptr<float>() + row * l.in, static_cast<float>(beta), want_dx && !merged ? grad.data_ptr<float>() + row * l.in : nullptr);
    }
    if (want_dx && merged) grad = multiplied(dy, T(merged));
    if (want_dx && !merged && !product(grad, dy, w, 1)) grad.addmm_(dy, w);
    *dx = want_dx ? H(grad) : nullptr;
  });
}

int fta_lora_merge(fta_tensor wh, const fta_adapter* list, int n, double scale, fta_tensor outh) {
  return guard([&] {
    const Tensor &w = T(wh), &out = T(outh);
    out.copy_(w);
    for (int i = 0; i < n; i++) {
      Tensor scaled = T(list[i].b) * scale;
      const Tensor& a = T(list[i].a);
      float* rows = out.data_ptr<float>() + list[i].from * w.size(1);
      multiply({list[i].out, w.size(1), a.size(0), scaled.data_ptr<float>(), a.size(0), 1, a.data_ptr<float>(), w.size(1), 1, rows, w.size(1), rows, w.size(1)});
    }
  });
}

int fta_low_gradients(fta_tensor dy, const fta_adapter* list, int n, fta_tensor low, double scale, double beta, fta_tensor* dlow) {
  return guard([&] {
    std::vector<kernels::LowSite> sites;
    for (int i = 0; i < n; i++) sites.push_back({T(list[i].b), T(list[i].db), list[i].from});
    Tensor made;
    *dlow = kernels::low_gradients(T(dy), T(low), sites, scale, beta, &made) ? H(made) : nullptr;
  });
}
}
