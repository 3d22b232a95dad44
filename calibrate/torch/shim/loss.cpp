// The two ends of the model: embedding, and output head with its loss.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include "common.h"
#include "kernels.h"
#include "product.h"
#include "rows.h"

namespace fta {
namespace {
// Loss of a chunk's logits, which become the gradient in place where asked for.
void cross_entropy_fused(const Tensor& logits, const int64_t* labels, const float* weights, bool grad, float* loss, bool* hit) {
  int64_t n = logits.size(0), v = logits.size(1);
  float* p = logits.data_ptr<float>();
  at::parallel_for(0, n, std::max<int64_t>(1, 8192 / v), [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) loss[i] = cross_entropy_row(p + i * v, v, labels[i], weights[i], grad, hit + i);
  });
}

Tensor cross_entropy_plain(const Tensor& logits, const Tensor& labels, const Tensor& weights, bool grad, const Tensor& loss, const Tensor& hit) {
  Tensor at_label = labels.unsqueeze(1);
  Tensor logp = at::log_softmax(logits, 1, at::kFloat);
  loss.copy_(logp.gather(1, at_label).squeeze(1).neg());
  hit.copy_(logits.argmax(1).eq(labels));
  if (!grad) return Tensor();
  Tensor d = logp.exp_();
  d.scatter_add_(1, at_label, at::full_like(at_label, -1, d.options()));
  return d.mul_(weights.unsqueeze(1)).to(logits.scalar_type());
}

struct Head {
  const Tensor &h, &w, &labels, &weights;
  int64_t vocab, chunk;
  double softcap;
  bool grad;
  fta_tensor dw;
};

void chunk_loss(const Head& x, int64_t from, int64_t n, double beta, const Tensor& loss, const Tensor& hit, const Tensor& dh) {
  Tensor h = x.h.narrow(0, from, n), labels = x.labels.narrow(0, from, n), weights = x.weights.narrow(0, from, n);
  // Rows of w beyond the vocabulary only round its size up for the products.
  Tensor all = multiplied(h, {x.w, true}), logits = all.narrow(1, 0, x.vocab), squashed, d = all;
  int64_t spare = all.size(1) - x.vocab;
  if (x.softcap > 0) {
    squashed = all.div(x.softcap).tanh_();
    d = all = squashed.mul(x.softcap);
    logits = all.narrow(1, 0, x.vocab);
  }
  Tensor l = loss.narrow(0, from, n), hits = hit.narrow(0, from, n);
  if (kernels::cross_entropy(logits, labels, weights, x.grad, l, hits)) {
    // in place
  } else if (fused(logits)) {
    cross_entropy_fused(logits, labels.data_ptr<int64_t>(), weights.data_ptr<float>(), x.grad, l.data_ptr<float>(), hits.data_ptr<bool>());
  } else {
    Tensor grad = cross_entropy_plain(logits, labels, weights, x.grad, l, hits);
    if (x.grad) logits.copy_(grad);
  }
  if (x.grad && spare > 0) all.narrow(1, x.vocab, spare).zero_();
  if (!x.grad) return;
  if (x.softcap > 0) d = d * (1 - squashed * squashed);
  Tensor out = dh.narrow(0, from, n);
  if (!product(out, d, x.w, 0)) at::mm_out(out, d, x.w);
  if (!x.dw) return;
  Tensor dw = T(x.dw);
  if (product(dw, {d, true}, h, beta)) return;
  if (dw.scalar_type() == d.scalar_type())
    dw.addmm_(d.t(), h, beta, 1);
  else if (dw.is_cuda())
    at::addmm_out(dw, dw, d.t(), h, dw.scalar_type(), beta, 1);
  else
    dw.addmm_(d.t().to(dw.scalar_type()), h.to(dw.scalar_type()), beta, 1);
}
// What fp32 rows on a CPU are moved by, in place of an operation for any layout.
bool rows_of(const Tensor& x, const Tensor& which) { return fused(x) && x.dim() == 2 && which.is_contiguous(); }

template <class F>
void over_rows(int64_t n, int64_t width, const F& body) {
  at::parallel_for(0, n, grain(width), [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; i++) body(i);
  });
}

Tensor rows_at(const Tensor& x, const Tensor& which) {
  if (!rows_of(x, which)) return x.index_select(0, which);
  int64_t n = which.size(0), d = x.size(1);
  Tensor out = at::empty({n, d}, x.options());
  const float* from = x.data_ptr<float>();
  const int64_t* at = which.data_ptr<int64_t>();
  float* to = out.data_ptr<float>();
  over_rows(n, d, [&](int64_t i) { std::copy_n(from + at[i] * d, d, to + i * d); });
  return out;
}
}  // namespace
}  // namespace fta

using namespace fta;

extern "C" {

int fta_embed(fta_tensor table, fta_tensor ids, fta_tensor position_table, fta_tensor positions, double scale, fta_tensor* x) {
  return guard([&] {
    Tensor out = rows_at(T(table), T(ids));
    if (scale != 1) out.mul_(at::scalar_tensor(scale, out.options()));
    if (position_table) out.add_(rows_at(T(position_table), T(positions)));
    *x = H(out);
  });
}

int fta_embed_backward(fta_tensor dx, fta_tensor ids, double scale, fta_tensor dtable) {
  return guard([&] {
    const Tensor &to = T(dtable), &from = T(dx), &which = T(ids);
    if (!rows_of(to, which) || !fused(from)) {
      to.index_add_(0, which, from.to(to.scalar_type()), scale);
      return;
    }
    // A row may occur many times, so one thread adds them all.
    int64_t d = to.size(1);
    float by = static_cast<float>(scale);
    for (int64_t i = 0; i < which.size(0); i++) {
      float* row = to.data_ptr<float>() + which.data_ptr<int64_t>()[i] * d;
      const float* add = from.data_ptr<float>() + i * d;
      for (int64_t j = 0; j < d; j++) row[j] += by * add[j];
    }
  });
}

int fta_gather_rows(fta_tensor x, fta_tensor rows, fta_tensor* out) {
  return guard([&] { *out = H(rows_at(T(x), T(rows))); });
}

int fta_scatter_rows(fta_tensor x, fta_tensor rows, int64_t n, fta_tensor* out) {
  return guard([&] {
    Tensor wide = at::zeros({n, T(x).size(1)}, T(x).options());
    if (!rows_of(T(x), T(rows))) {
      wide.index_copy_(0, T(rows), T(x));
    } else {
      int64_t d = T(x).size(1);
      const int64_t* at = T(rows).data_ptr<int64_t>();
      const float* from = T(x).data_ptr<float>();
      float* to = wide.data_ptr<float>();
      over_rows(T(x).size(0), d, [&](int64_t i) { std::copy_n(from + i * d, d, to + at[i] * d); });
    }
    *out = H(wide);
  });
}

int fta_linear_cross_entropy(fta_tensor h, fta_tensor w, int64_t vocab, fta_tensor labels, fta_tensor weights, int64_t chunk, double softcap, int want_grad, fta_tensor dw, double dw_beta, fta_tensor* loss, fta_tensor* dh, fta_tensor* hit) {
  return guard([&] {
    Head x{T(h), T(w), T(labels), T(weights), vocab, chunk, softcap, want_grad != 0, dw};
    int64_t m = x.h.size(0);
    Tensor losses = at::empty({m}, x.weights.options()), hits = at::empty({m}, x.h.options().dtype(at::kBool));
    Tensor grad = want_grad ? at::empty_like(x.h) : Tensor();
    for (int64_t from = 0; from < m; from += chunk)
      chunk_loss(x, from, std::min(chunk, m - from), from == 0 ? dw_beta : 1, losses, hits, grad);
    *loss = H(losses);
    *hit = H(hits);
    *dh = want_grad ? H(grad) : nullptr;
  });
}

int fta_weighted_sum(fta_tensor x, fta_tensor weights, int64_t arms, fta_tensor* out) {
  return guard([&] {
    const Tensor &values = T(x), &by = T(weights);
    if (!fused(values) || !fused(by)) {
      *out = H(at::mul(values.to(at::kDouble), by).view({arms, -1}).sum(1));
      return;
    }
    Tensor sums = at::zeros({arms}, values.options().dtype(at::kDouble));
    int64_t n = values.numel() / arms;
    for (int64_t i = 0; i < values.numel(); i++) sums.data_ptr<double>()[i / n] += static_cast<double>(values.data_ptr<float>()[i]) * by.data_ptr<float>()[i];
    *out = H(sums);
  });
}
}
