// Row kernels; see rows.h. Errno and traps of libm are of no use here and would keep the
// loops scalar.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-math-errno", "no-trapping-math")
#endif
#include "rows.h"
#include "shim.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace fta {
namespace {
// exp by 2^n * polynomial, relative error below 2e-7 over the normal range: libm's
// expf is exact but keeps the loops scalar.
inline __attribute__((always_inline)) float fast_exp(float x) {
  x = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
  float n = __builtin_rintf(x * 1.44269504f);
  float r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  int32_t bits = (static_cast<int32_t>(n) + 127) << 23;
  float scale;
  std::memcpy(&scale, &bits, sizeof scale);
  return p * scale;
}

inline __attribute__((always_inline)) float fast_tanh(float x) {
  float e = fast_exp(-2.0f * std::fabs(x));
  float t = (1.0f - e) / (1.0f + e);
  return x < 0 ? -t : t;
}

constexpr float kRoot2OverPi = 0.7978845608f, kCubic = 0.044715f;

// value and derivative of an activation
struct Silu {
  static inline __attribute__((always_inline)) void at(float x, float* y, float* dy) {
    float s = 1.0f / (1.0f + fast_exp(-x));
    *y = x * s;
    *dy = s * (1.0f + x * (1.0f - s));
  }
};
struct GeluTanh {
  static inline __attribute__((always_inline)) void at(float x, float* y, float* dy) {
    float t = fast_tanh(kRoot2OverPi * (x + kCubic * x * x * x));
    *y = 0.5f * x * (1.0f + t);
    *dy = 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * kRoot2OverPi * (1.0f + 3.0f * kCubic * x * x);
  }
};
struct Gelu {
  static inline __attribute__((always_inline)) void at(float x, float* y, float* dy) {
    float cdf = 0.5f * (1.0f + std::erf(x * 0.7071067812f));
    *y = x * cdf;
    *dy = cdf + x * 0.3989422804f * fast_exp(-0.5f * x * x);
  }
};
struct Relu {
  static inline __attribute__((always_inline)) void at(float x, float* y, float* dy) {
    *y = x > 0 ? x : 0;
    *dy = x > 0 ? 1.0f : 0.0f;
  }
};

// A row in blocks of 16. The last block reaches back over what is done already, so that no
// loop has a scalar rest: what it reads is never what was written.
constexpr int64_t kBlock = 16;

template <class A, bool Gated>
inline __attribute__((always_inline)) void forward_block(const float* gate, const float* up, float* y, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    float a, da;
    A::at(gate[i], &a, &da);
    y[i] = Gated ? a * up[i] : a;
  }
}

template <class A, bool Gated>
inline __attribute__((always_inline)) void forward(const float* gate, const float* up, float* y, int64_t f) {
  if (f < kBlock) return forward_block<A, Gated>(gate, up, y, f);
  for (int64_t i = 0; i < f; i += kBlock) {
    int64_t at = std::min(i, f - kBlock);
    forward_block<A, Gated>(gate + at, Gated ? up + at : up, y + at, kBlock);
  }
}

template <class A, bool Gated>
inline __attribute__((always_inline)) void backward_block(const float* dy, const float* gate, const float* up, float* dgate, float* dup, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    float a, da;
    A::at(gate[i], &a, &da);
    if (Gated) dup[i] = dy[i] * a;
    dgate[i] = Gated ? dy[i] * up[i] * da : dy[i] * da;
  }
}

template <class A, bool Gated>
inline __attribute__((always_inline)) void backward(const float* dy, const float* gate, const float* up, float* dgate, float* dup, int64_t f) {
  if (f < kBlock) return backward_block<A, Gated>(dy, gate, up, dgate, dup, f);
  for (int64_t i = 0; i < f; i += kBlock) {
    int64_t at = std::min(i, f - kBlock);
    backward_block<A, Gated>(dy + at, gate + at, Gated ? up + at : up, dgate + at, Gated ? dup + at : dup, kBlock);
  }
}

template <class A>
inline __attribute__((always_inline)) void forward_row(const float* gate, const float* up, float* y, int64_t f) {
  return up ? forward<A, true>(gate, up, y, f) : forward<A, false>(gate, up, y, f);
}

template <class A>
inline __attribute__((always_inline)) void backward_row(const float* dy, const float* gate, const float* up, float* dgate, float* dup, int64_t f) {
  return up ? backward<A, true>(dy, gate, up, dgate, dup, f) : backward<A, false>(dy, gate, up, dgate, dup, f);
}
}  // namespace

FTA_CLONES float rms_forward(const float* x, const float* w, float offset, float eps, float* y, int64_t d) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < d; i++) sum += x[i] * x[i];
  float rstd = 1.0f / std::sqrt(sum / static_cast<float>(d) + eps);
#pragma omp simd
  for (int64_t i = 0; i < d; i++) y[i] = x[i] * rstd * (w[i] + offset);
  return rstd;
}

FTA_CLONES void rms_backward(const float* dy, const float* x, const float* w, float offset, float rstd, const float* residual, float* dx, float* dw, int64_t d) {
  float dot = 0;
#pragma omp simd reduction(+ : dot)
  for (int64_t i = 0; i < d; i++) dot += dy[i] * (w[i] + offset) * x[i];
  float c = dot * rstd * rstd / static_cast<float>(d);
  if (residual) {
#pragma omp simd
    for (int64_t i = 0; i < d; i++) dx[i] = residual[i] + rstd * (dy[i] * (w[i] + offset) - x[i] * c);
  } else {
#pragma omp simd
    for (int64_t i = 0; i < d; i++) dx[i] = rstd * (dy[i] * (w[i] + offset) - x[i] * c);
  }
  if (dw) {
#pragma omp simd
    for (int64_t i = 0; i < d; i++) dw[i] += dy[i] * x[i] * rstd;
  }
}

FTA_CLONES void layer_forward(const float* x, const float* w, const float* b, float eps, float* y, float* mean, float* rstd, int64_t d) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < d; i++) sum += x[i];
  float mu = sum / static_cast<float>(d), var = 0;
#pragma omp simd reduction(+ : var)
  for (int64_t i = 0; i < d; i++) var += (x[i] - mu) * (x[i] - mu);
  float r = 1.0f / std::sqrt(var / static_cast<float>(d) + eps);
#pragma omp simd
  for (int64_t i = 0; i < d; i++) y[i] = (x[i] - mu) * r * w[i] + b[i];
  *mean = mu;
  *rstd = r;
}

FTA_CLONES void layer_backward(const float* dy, const float* x, const float* w, float mean, float rstd, const float* residual, float* dx, float* dw, float* db, int64_t d) {
  float a = 0, c = 0;
#pragma omp simd reduction(+ : a, c)
  for (int64_t i = 0; i < d; i++) {
    float g = dy[i] * w[i];
    a += g;
    c += g * (x[i] - mean) * rstd;
  }
  a /= static_cast<float>(d);
  c /= static_cast<float>(d);
#pragma omp simd
  for (int64_t i = 0; i < d; i++) {
    float h = (x[i] - mean) * rstd;
    dx[i] = (residual ? residual[i] : 0.0f) + rstd * (dy[i] * w[i] - a - h * c);
  }
  if (!dw) return;
#pragma omp simd
  for (int64_t i = 0; i < d; i++) {
    dw[i] += dy[i] * (x[i] - mean) * rstd;
    db[i] += dy[i];
  }
}

FTA_CLONES void rope_row(float* x, const float* cos, const float* sin, float sign, int64_t heads, int64_t head_dim, int64_t half) {
  for (int64_t h = 0; h < heads; h++, x += head_dim) {
    float* y = x + half;
#pragma omp simd
    for (int64_t i = 0; i < half; i++) {
      float a = x[i], b = y[i], c = cos[i], s = sign * sin[i];
      x[i] = a * c - b * s;
      y[i] = b * c + a * s;
    }
  }
}

FTA_CLONES void activation_row(const float* gate, const float* up, float* y, int kind, int64_t f) {
  switch (kind) {
    case FTA_SILU: return forward_row<Silu>(gate, up, y, f);
    case FTA_GELU_TANH: return forward_row<GeluTanh>(gate, up, y, f);
    case FTA_GELU: return forward_row<Gelu>(gate, up, y, f);
    default: return forward_row<Relu>(gate, up, y, f);
  }
}

FTA_CLONES void activation_row_backward(const float* dy, const float* gate, const float* up, float* dgate, float* dup, int kind, int64_t f) {
  switch (kind) {
    case FTA_SILU: return backward_row<Silu>(dy, gate, up, dgate, dup, f);
    case FTA_GELU_TANH: return backward_row<GeluTanh>(dy, gate, up, dgate, dup, f);
    case FTA_GELU: return backward_row<Gelu>(dy, gate, up, dgate, dup, f);
    default: return backward_row<Relu>(dy, gate, up, dgate, dup, f);
  }
}

FTA_CLONES float cross_entropy_row(float* logits, int64_t v, int64_t label, float weight, bool grad, bool* hit) {
  float top = logits[0];
#pragma omp simd reduction(max : top)
  for (int64_t i = 0; i < v; i++) top = logits[i] > top ? logits[i] : top;
  float target = logits[label] - top;
  *hit = target >= 0;
  float sum = 0;
  if (!grad) {
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < v; i++) sum += fast_exp(logits[i] - top);
    return std::log(sum) - target;
  }
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < v; i++) {
    float e = fast_exp(logits[i] - top);
    logits[i] = e;
    sum += e;
  }
  float scale = weight / sum;
#pragma omp simd
  for (int64_t i = 0; i < v; i++) logits[i] *= scale;
  logits[label] -= weight;
  return std::log(sum) - target;
}

FTA_CLONES void adamw_range(float* p, const float* g, float* m, float* v, float factor, float lr, float beta1, float beta2, float eps, float decay, float correction1, float correction2, int64_t n) {
  float keep = 1.0f - lr * decay, rate = lr / correction1, root = 1.0f / std::sqrt(correction2);
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    float gi = g[i] * factor;
    float mi = m[i] + (1.0f - beta1) * (gi - m[i]);
    float vi = beta2 * v[i] + (1.0f - beta2) * gi * gi;
    m[i] = mi;
    v[i] = vi;
    p[i] = p[i] * keep - rate * mi / (std::sqrt(vi) * root + eps);
  }
}
}  // namespace fta
