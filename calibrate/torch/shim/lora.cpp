// See lora.h. A task is a range of one arm's rows; it goes through them in blocks that
// the second-level cache holds, so that each is read from memory once.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-math-errno", "no-trapping-math")
#endif
#include "lora.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <memory>
#include "common.h"
#include "kernels.h"
#include "product.h"
#include "rows.h"
#include "tile.h"

namespace fta {
namespace {
constexpr int64_t kBlockFloats = 65536;

// An arm's adapters as the tiles read them: A^T of all side by side, B and its scaled
// transpose with ranks rounded up.
struct Packed {
  explicit Packed(const LowRank& l) : at(l.in * l.low_width()), b(l.out * l.padded()), bt(l.out * l.padded()) {}
  tile::Floats at, b, bt;
};

// Where adapter i's [r,out] part of a buffer over all of them begins.
FTA_INLINE int64_t part(const LowRank& l, size_t i) {
  int64_t at = 0;
  for (size_t j = 0; j < i; j++) at += l.adapters[j].out * l.padded();
  return at;
}

FTA_CLONES void pack(const LowRank& l, int64_t arm, Packed& p) {
  int64_t width = l.low_width(), rp = l.padded();
  p.at.zero();
  p.b.zero();
  p.bt.zero();
  for (size_t i = 0; i < l.adapters.size(); i++) {
    const auto& ad = l.adapters[i];
    const float *a = ad.a + arm * ad.arm_a, *b = ad.b + arm * ad.arm_b;
    float *at = p.at.data() + static_cast<int64_t>(i) * rp, *pb = p.b.data() + part(l, i), *bt = p.bt.data() + part(l, i);
    for (int64_t r = 0; r < l.rank; r++)
      for (int64_t j = 0; j < l.in; j++) at[j * width + r] = a[r * l.in + j];
    for (int64_t o = 0; o < ad.out; o++)
      for (int64_t r = 0; r < l.rank; r++) {
        pb[o * rp + r] = b[o * l.rank + r] * l.scale[static_cast<size_t>(arm)];
        bt[r * ad.out + o] = pb[o * rp + r];
      }
  }
}

struct Rows {
  int64_t arm, from, to;  // from, to count all arms' rows
};

// Rows of a block: about kBlockFloats of the wider side.
FTA_INLINE int64_t block_rows(const LowRank& l) {
  int64_t rows = kBlockFloats / std::max(l.in, l.out) / 8 * 8;
  return std::min<int64_t>(64, std::max<int64_t>(16, rows));
}

FTA_CLONES void forward_rows(const LowRank& l, const Rows& rows, Packed& p, const float* x, const float* start, const float* bias, float* y, float* low) {
  int64_t width = l.low_width(), rp = l.padded(), step = block_rows(l);
  for (int64_t from = rows.from; from < rows.to; from += step) {
    int64_t n = std::min(step, rows.to - from);
    float *yb = y + from * l.out, *lb = low + from * width;
    for (int64_t i = 0; i < n; i++) {
      float* row = yb + i * l.out;
      if (start)
        std::copy_n(start + (from + i) * l.out, l.out, row);
      else
        std::fill_n(row, l.out, 0.0f);
      if (bias)
        for (int64_t o = 0; o < l.out; o++) row[o] += bias[o];
    }
    tile::product<false>({x + from * l.in, l.in, 1}, p.at.data(), width, lb, width, n, width, l.in);
    for (size_t i = 0; i < l.adapters.size(); i++) {
      const auto& ad = l.adapters[i];
      tile::product<true>({lb + static_cast<int64_t>(i) * rp, width, 1}, p.bt.data() + part(l, i), ad.out, yb + ad.from, l.out, n, ad.out, l.rank);
    }
  }
}

// Sums of one task: dA of all adapters [width,in], dB^T of each [r,out].
struct Sums {
  explicit Sums(const LowRank& l) : da(l.low_width() * l.in), dbt(l.padded() * l.out) {
    da.zero();
    dbt.zero();
  }
  tile::Floats da, dbt;
};

FTA_CLONES void backward_rows(const LowRank& l, const Rows& rows, Packed& p, const float* dy, const float* x, const float* low, float* dx, Sums& sums) {
  int64_t width = l.low_width(), rp = l.padded(), step = block_rows(l);
  tile::Floats room(step * width);
  float* dlow = room.data();
  for (int64_t from = rows.from; from < rows.to; from += step) {
    int64_t n = std::min(step, rows.to - from);
    const float *dyb = dy + from * l.out, *xb = x + from * l.in, *lb = low + from * width;
    for (size_t i = 0; i < l.adapters.size(); i++) {
      const auto& ad = l.adapters[i];
      int64_t column = static_cast<int64_t>(i) * rp;
      tile::product<false>({dyb + ad.from, l.out, 1}, p.b.data() + part(l, i), rp, dlow + column, width, n, rp, ad.out);
      tile::product<true>({lb + column, 1, width}, dyb + ad.from, l.out, sums.dbt.data() + part(l, i), ad.out, l.rank, ad.out, n);
      if (dx) {
        const float* a = ad.a + rows.arm * ad.arm_a;
        if (i == 0)
          tile::product<false>({dlow + column, width, 1}, a, l.in, dx + from * l.in, l.in, n, l.in, l.rank);
        else
          tile::product<true>({dlow + column, width, 1}, a, l.in, dx + from * l.in, l.in, n, l.in, l.rank);
      }
    }
    tile::product<true>({dlow, 1, width}, xb, l.in, sums.da.data(), l.in, width, l.in, n);
  }
}

// Adds the tasks' sums of an arm up into its gradients.
FTA_CLONES void collect(const LowRank& l, int64_t arm, std::vector<std::unique_ptr<Sums>>& all, size_t first, size_t count, float beta) {
  for (size_t i = 0; i < l.adapters.size(); i++) {
    const auto& ad = l.adapters[i];
    float *da = ad.da + arm * ad.arm_a, *db = ad.db + arm * ad.arm_b;
    for (int64_t j = 0; j < l.rank * l.in; j++) da[j] = beta == 0 ? 0 : beta * da[j];
    for (int64_t j = 0; j < l.rank * ad.out; j++) db[j] = beta == 0 ? 0 : beta * db[j];
    for (size_t task = first; task < first + count; task++) {
      const float *sa = all[task]->da.data() + static_cast<int64_t>(i) * l.padded() * l.in, *sb = all[task]->dbt.data() + part(l, i);
      for (int64_t j = 0; j < l.rank * l.in; j++) da[j] += sa[j];
      for (int64_t r = 0; r < l.rank; r++)
        for (int64_t o = 0; o < ad.out; o++) db[o * l.rank + r] += sb[r * ad.out + o] * l.scale[static_cast<size_t>(arm)];
    }
  }
}

int64_t tasks_of_arm(const LowRank& l) {
  int64_t threads = at::get_num_threads();
  return std::max<int64_t>(1, std::min((threads + l.arms - 1) / l.arms, l.rows / block_rows(l)));
}

// Runs body(task, rows) over all arms' tasks.
template <class F>
void over_rows(const LowRank& l, const F& body) {
  int64_t each = tasks_of_arm(l);
  at::parallel_for(0, l.arms * each, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      int64_t arm = task / each, i = task % each, first = arm * l.rows;
      body(task, Rows{arm, first + l.rows * i / each, first + l.rows * (i + 1) / each});
    }
  });
}
}  // namespace

void low_rank(const LowRank& l, const float* x, const float* start, const float* bias, float* y, float* low) {
  over_rows(l, [&](int64_t, const Rows& rows) {
    Packed p(l);
    pack(l, rows.arm, p);
    forward_rows(l, rows, p, x, start, bias, y, low);
  });
}

void low_rank_backward(const LowRank& l, const float* dy, const float* x, const float* low, float beta, float* dx) {
  size_t each = static_cast<size_t>(tasks_of_arm(l));
  std::vector<std::unique_ptr<Sums>> sums(each * static_cast<size_t>(l.arms));
  over_rows(l, [&](int64_t task, const Rows& rows) {
    Packed p(l);
    pack(l, rows.arm, p);
    auto& mine = sums[static_cast<size_t>(task)] = std::make_unique<Sums>(l);
    backward_rows(l, rows, p, dy, x, low, dx, *mine);
  });
  at::parallel_for(0, l.arms, 1, [&](int64_t from, int64_t to) {
    for (int64_t arm = from; arm < to; arm++) collect(l, arm, sums, static_cast<size_t>(arm) * each, each, beta);
  });
}

namespace {
// The call in plain pointers; false where the tiles do not serve it.
bool low_rank_of(const Tensor& x, const Tensor& w, const fta_adapter* list, int n, const double* scale, int64_t arms, LowRank* l) {
  if (!fused(x) || w.scalar_type() != at::kFloat || x.size(1) % 4 != 0) return false;
  const Tensor& a = T(list[0].a);
  *l = {x.size(0) / arms, arms, x.size(1), w.size(0), a.size(-2), {}, {scale, scale + arms}};
  for (int i = 0; i < n; i++) {
    const Tensor &a = T(list[i].a), &b = T(list[i].b);
    if (list[i].out % 4 != 0 || a.scalar_type() != at::kFloat) return false;
    int64_t stride = a.dim() == 3 ? a.stride(0) : 0;
    l->adapters.push_back({a.data_ptr<float>(), b.data_ptr<float>(), list[i].da ? T(list[i].da).data_ptr<float>() : nullptr, list[i].db ? T(list[i].db).data_ptr<float>() : nullptr, stride, stride, list[i].from, list[i].out});
  }
  return true;
}
}  // namespace
}  // namespace fta

using namespace fta;

extern "C" {

int fta_lora(fta_tensor xh, fta_tensor wh, fta_tensor bias, fta_tensor residual, const fta_adapter* list, int n, const double* scale, int64_t arms, fta_tensor* y, fta_tensor* low) {
  return guard([&] {
    const Tensor &x = T(xh), &w = T(wh);
    LowRank l;
    *y = *low = nullptr;
    if (!low_rank_of(x, w, list, n, scale, arms, &l)) return;
    Tensor out = at::empty({x.size(0), l.out}, x.options()), thin = at::empty({x.size(0), l.low_width()}, x.options());
    low_rank(l, x.data_ptr<float>(), residual ? T(residual).data_ptr<float>() : nullptr, bias ? T(bias).data_ptr<float>() : nullptr, out.data_ptr<float>(), thin.data_ptr<float>());
    if (!product(out, x, w.t(), 1)) out.addmm_(x, w.t());
    *y = H(out);
    *low = H(thin);
  });
}

int fta_lora_backward(fta_tensor dyh, fta_tensor xh, fta_tensor wh, const fta_adapter* list, int n, const double* scale, int64_t arms, fta_tensor low, double beta, int want_dx, fta_tensor* dx) {
  return guard([&] {
    const Tensor &dy = T(dyh), &x = T(xh), &w = T(wh);
    LowRank l;
    TORCH_CHECK(low_rank_of(x, w, list, n, scale, arms, &l), "the forward pass was not fused");
    Tensor grad = want_dx ? at::empty_like(x) : Tensor();
    low_rank_backward(l, dy.data_ptr<float>(), x.data_ptr<float>(), T(low).data_ptr<float>(), static_cast<float>(beta), want_dx ? grad.data_ptr<float>() : nullptr);
    if (want_dx && !product(grad, dy, w, 1)) grad.addmm_(dy, w);
    *dx = want_dx ? H(grad) : nullptr;
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
