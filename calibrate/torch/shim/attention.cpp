// Attention over a fused qkv buffer, forward and backward, by libtorch's fused kernels:
// flash (dense or packed), cuDNN or memory-efficient on CUDA. On a CPU attend.h serves
// fp32; libtorch's flash kernel is its oracle and takes the heads that it does not.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/version.h>
#include "attend.h"
#include "common.h"

namespace fta {
namespace {
// What saved[0] tells of the forward pass; saved[1..3] are the kernel's own.
enum Backend { kAuto = 0, kFlashCPU = 1, kFlash = 2, kCudnn = 3, kEfficient = 4, kOwnCPU = 5 };

struct QKV {
  Tensor q, k, v;  // [B,heads,T,hd] views, k and v repeated for grouped queries where asked
};

Tensor heads_of(const Tensor& qkv, const fta_attention_shape& s, int64_t column, int64_t heads) {
  return qkv.narrow(1, column, heads * s.head_dim).view({s.batch, s.length, heads, s.head_dim}).transpose(1, 2);
}

Tensor repeat_groups(const Tensor& kv, int64_t groups) {
  if (groups == 1) return kv;
  auto size = kv.sizes();
  return kv.unsqueeze(2).expand({size[0], size[1], groups, size[2], size[3]}).reshape({size[0], size[1] * groups, size[2], size[3]});
}

QKV split(const Tensor& qkv, const fta_attention_shape& s, bool repeat) {
  int64_t groups = repeat ? s.heads / s.kv_heads : 1;
  int64_t dq = s.heads * s.head_dim, dkv = s.kv_heads * s.head_dim;
  return {heads_of(qkv, s, 0, s.heads), repeat_groups(heads_of(qkv, s, dq, s.kv_heads), groups), repeat_groups(heads_of(qkv, s, dq + dkv, s.kv_heads), groups)};
}

// Rows [N,heads*hd] of a kernel's [B,heads,T,hd].
Tensor rows(const Tensor& t) { return t.transpose(1, 2).reshape({t.size(0) * t.size(2), t.size(1) * t.size(3)}); }

// Writes a gradient [B,H,T,hd] into its columns, summing over the queries that share a head.
void put(const Tensor& dqkv, const fta_attention_shape& s, int64_t column, int64_t heads, const Tensor& grad) {
  Tensor to = heads_of(dqkv, s, column, heads);
  if (grad.size(1) == heads) {
    to.copy_(grad);
    return;
  }
  at::sum_out(to, grad.view({s.batch, heads, grad.size(1) / heads, s.length, s.head_dim}), {2});
}

Backend choose(const Tensor& qkv, const fta_attention_shape& s, fta_tensor mask, fta_tensor cu) {
  if (!qkv.is_cuda()) return fused(qkv) && s.head_dim % 8 == 0 ? kOwnCPU : kFlashCPU;
  bool half = qkv.scalar_type() != at::kFloat;
  if (s.backend != kAuto && half && !cu && !mask && s.window == 0) return static_cast<Backend>(s.backend);
  if (half && !mask && s.head_dim % 8 == 0 && s.head_dim <= 256) return kFlash;
  return kEfficient;
}

AttendShape attend_shape(const fta_attention_shape& s, fta_tensor positions) {
  return {s.batch, s.length, s.heads, s.kv_heads, s.head_dim, s.window, static_cast<float>(s.scale), T(positions).data_ptr<int64_t>()};
}

// The additive mask [batch,1,length,length] of tokens that see their document from
// position 0 on; none where all rows are one document and see it whole.
std::optional<Tensor> mask_of(const fta_attention_shape& s, fta_tensor positions, const Tensor& like) {
  Tensor i = at::arange(s.length, at::kLong).unsqueeze(1), j = i.t();
  Tensor place = T(positions).view({s.batch, s.length, 1});
  if (s.window == 0 && place.eq(i).all().item<bool>()) return std::nullopt;
  Tensor closed = at::logical_or(j.gt(i), j.lt(i - place));
  if (s.window > 0) closed.logical_or_(j.le(i - s.window));
  return at::zeros(closed.sizes(), like.options()).masked_fill_(closed, -std::numeric_limits<double>::infinity()).unsqueeze(1);
}

// The efficient kernel wants an additive bias for each head, its rows aligned to 8.
Tensor efficient_bias(const fta_attention_shape& s, fta_tensor mask, const Tensor& like) {
  if (!mask) return Tensor();
  int64_t padded = (s.length + 7) / 8 * 8;
  Tensor room = at::zeros({s.batch, 1, s.length, padded}, like.options());
  Tensor bias = room.narrow(3, 0, s.length);
  bias.copy_(T(mask));
  return bias.expand({s.batch, s.heads, s.length, s.length});
}

std::optional<at::Tensor> some(const Tensor& t) { return t.defined() ? std::optional<Tensor>(t) : std::nullopt; }

struct Flash {
  Tensor out, lse, rng, unused;
};

// The packed form takes [N,heads,hd] and document bounds, the dense one [B,T,heads,hd];
// both serve fewer key heads and a window without copies.
Flash flash_forward(const QKV& x, const fta_attention_shape& s, fta_tensor cu, int64_t longest) {
  auto flat = [&](const Tensor& t) { return cu ? t.transpose(1, 2).reshape({s.batch * s.length, t.size(1), s.head_dim}) : t.transpose(1, 2); };
  std::optional<c10::SymInt> left, right;
  if (s.window > 0) {
    left = c10::SymInt(s.window - 1);
    right = c10::SymInt(0);
  }
  int64_t most = cu ? longest : s.length;
  auto [out, lse, rng, unused, debug] = at::_flash_attention_forward_symint(flat(x.q), flat(x.k), flat(x.v), opt(cu), opt(cu), most, most, 0.0, true, false, s.scale, left, right);
  return {out, lse, rng, unused};
}

Tensor flash_backward(const Tensor& dout, const Tensor& qkv, const Tensor& out, const fta_attention_shape& s, fta_tensor cu, int64_t longest, fta_tensor saved[4]) {
  QKV x = split(qkv, s, false);
  auto flat = [&](const Tensor& t) { return cu ? t.transpose(1, 2).reshape({s.batch * s.length, t.size(1), s.head_dim}) : t.transpose(1, 2); };
  std::vector<int64_t> shape = cu ? std::vector<int64_t>{s.batch * s.length, s.heads, s.head_dim} : std::vector<int64_t>{s.batch, s.length, s.heads, s.head_dim};
  std::optional<c10::SymInt> left, right;
  if (s.window > 0) {
    left = c10::SymInt(s.window - 1);
    right = c10::SymInt(0);
  }
  int64_t most = cu ? longest : s.length;
  Tensor none;
  auto [dq, dk, dv] = at::_flash_attention_backward_symint(dout.view(shape), flat(x.q), flat(x.k), flat(x.v), out.view(shape), T(saved[1]), cu ? T(cu) : none, cu ? T(cu) : none, most, most, 0.0, true, T(saved[2]), T(saved[3]), s.scale, left, right);
  int64_t n = s.batch * s.length;
  return at::cat({dq.reshape({n, -1}), dk.reshape({n, -1}), dv.reshape({n, -1})}, 1);
}
}  // namespace
}  // namespace fta

using namespace fta;

extern "C" {

int fta_attention(fta_tensor qkvh, fta_attention_shape s, fta_tensor mask, fta_tensor cu, int64_t longest, fta_tensor positions, fta_tensor* out, fta_tensor saved[4]) {
  return guard([&] {
    const Tensor& qkv = T(qkvh);
    for (int i = 0; i < 4; i++) saved[i] = nullptr;
    Backend backend = choose(qkv, s, mask, cu);
    saved[0] = H(at::scalar_tensor(static_cast<int64_t>(backend), at::TensorOptions().dtype(at::kLong)));
    if (backend == kOwnCPU) {
      Tensor o = at::empty({qkv.size(0), s.heads * s.head_dim}, qkv.options()), lse = at::empty({s.batch, s.heads, s.length}, qkv.options());
      attend(attend_shape(s, positions), qkv.data_ptr<float>(), o.data_ptr<float>(), lse.data_ptr<float>());
      *out = H(o);
      saved[1] = H(lse);
      return;
    }
    QKV x = split(qkv, s, backend == kFlashCPU || backend == kEfficient);
    if (backend == kFlashCPU) {
      auto closed = mask_of(s, positions, qkv);
      auto [o, lse] = at::_scaled_dot_product_flash_attention_for_cpu(x.q, x.k, x.v, 0.0, !closed, closed, s.scale);
      *out = H(rows(o));
      saved[1] = H(lse);
    } else if (backend == kFlash) {
      Flash f = flash_forward(x, s, cu, longest);
      *out = H(f.out.reshape({s.batch * s.length, s.heads * s.head_dim}));
      saved[1] = H(f.lse);
      saved[2] = H(f.rng);
      saved[3] = H(f.unused);
    } else if (backend == kCudnn) {
      auto r = at::_scaled_dot_product_cudnn_attention(x.q, x.k, x.v, std::nullopt, true, 0.0, true, false, s.scale);
      *out = H(rows(std::get<0>(r)));
      saved[1] = H(std::get<1>(r));
      saved[2] = H(std::get<6>(r));
      saved[3] = H(std::get<7>(r));
    } else {
      Tensor bias = efficient_bias(s, mask, qkv);
      auto [o, lse, seed, offset] = at::_scaled_dot_product_efficient_attention(x.q, x.k, x.v, some(bias), true, 0.0, mask == nullptr, s.scale);
      *out = H(rows(o));
      saved[1] = H(lse);
      saved[2] = H(seed);
      saved[3] = H(offset);
    }
  });
}

int fta_attention_backward(fta_tensor douth, fta_tensor qkvh, fta_tensor outh, fta_attention_shape s, fta_tensor mask, fta_tensor cu, int64_t longest, fta_tensor positions, fta_tensor saved[4], fta_tensor* dqkv) {
  return guard([&] {
    const Tensor &qkv = T(qkvh), &dout = T(douth);
    auto backend = static_cast<Backend>(T(saved[0]).item().toLong());
    if (backend == kFlash) {
      *dqkv = H(flash_backward(dout, qkv, T(outh), s, cu, longest, saved));
      return;
    }
    Tensor grad = at::empty_like(qkv);
    if (backend == kOwnCPU) {
      attend_backward(attend_shape(s, positions), qkv.data_ptr<float>(), T(outh).data_ptr<float>(), T(saved[1]).data_ptr<float>(), dout.data_ptr<float>(), grad.data_ptr<float>());
      *dqkv = H(grad);
      return;
    }
    QKV x = split(qkv, s, backend != kCudnn);
    Tensor o = heads_of(T(outh), s, 0, s.heads), g = heads_of(dout, s, 0, s.heads);
    Tensor dq, dk, dv;
    if (backend == kFlashCPU) {
      auto closed = mask_of(s, positions, qkv);
      std::tie(dq, dk, dv) = at::_scaled_dot_product_flash_attention_for_cpu_backward(g, x.q, x.k, x.v, o, T(saved[1]), 0.0, !closed, closed, s.scale);
    } else if (backend == kCudnn) {
      std::tie(dq, dk, dv) = at::_scaled_dot_product_cudnn_attention_backward(g, x.q, x.k, x.v, o, T(saved[1]), T(saved[2]), T(saved[3]), Tensor(), Tensor(), Tensor(), s.length, s.length, 0.0, true, s.scale);
    } else {
      Tensor bias = efficient_bias(s, mask, qkv), dbias;
      std::tie(dq, dk, dv, dbias) = at::_scaled_dot_product_efficient_attention_backward(g, x.q, x.k, x.v, bias, o, T(saved[1]), T(saved[2]), T(saved[3]), 0.0, {true, true, true, false}, mask == nullptr, s.scale);
    }
    int64_t wide = s.heads * s.head_dim, narrow = s.kv_heads * s.head_dim;
    put(grad, s, 0, s.heads, dq);
    put(grad, s, wide, s.kv_heads, dk);
    put(grad, s, wide + narrow, s.kv_heads, dv);
    *dqkv = H(grad);
  });
}

int fta_segment_mask(const int32_t* segments, int64_t batch, int64_t length, int64_t window, int dtype, int device, fta_tensor* mask) {
  return guard([&] {
    Tensor host = at::empty({batch, 1, length, length}, at::kFloat);
    float* p = host.data_ptr<float>();
    const float closed = -std::numeric_limits<float>::infinity();
    for (int64_t b = 0; b < batch; b++) {
      const int32_t* s = segments + b * length;
      for (int64_t i = 0; i < length; i++)
        for (int64_t j = 0; j < length; j++, p++) {
          bool seen = j <= i && s[i] == s[j] && (window == 0 || i - j < window);
          *p = seen ? 0.0f : closed;
        }
    }
    Tensor cast = host.to(static_cast<at::ScalarType>(dtype));
    *mask = H(device < 0 ? cast : cast.to(at::Device(at::kCUDA, device)));
  });
}
}
