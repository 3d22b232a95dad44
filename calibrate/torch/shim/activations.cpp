// Activations; see rows.h. Errno and traps of libm are of no use here and would keep the
// loops scalar.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-math-errno", "no-trapping-math")
#endif
#include <algorithm>
#include <cmath>
#include "ahead.h"
#include "fast_exp.h"
#include "vectors.h"
#include "product.h"
#include "rows.h"
#include "shim.h"

namespace fta {
namespace {
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

FTA_CLONES void plain_row(const float* gate, const float* up, float* y, int kind, int64_t f) {
  switch (kind) {
    case FTA_SILU: return forward_row<Silu>(gate, up, y, f);
    case FTA_GELU_TANH: return forward_row<GeluTanh>(gate, up, y, f);
    case FTA_GELU: return forward_row<Gelu>(gate, up, y, f);
    default: return forward_row<Relu>(gate, up, y, f);
  }
}

FTA_CLONES void plain_row_backward(const float* dy, const float* gate, const float* up, float* dgate, float* dup, int kind, int64_t f) {
  switch (kind) {
    case FTA_SILU: return backward_row<Silu>(dy, gate, up, dgate, dup, f);
    case FTA_GELU_TANH: return backward_row<GeluTanh>(dy, gate, up, dgate, dup, f);
    case FTA_GELU: return backward_row<Gelu>(dy, gate, up, dgate, dup, f);
    default: return backward_row<Relu>(dy, gate, up, dgate, dup, f);
  }
}

#ifdef FTA_WIDE
// The same with AVX-512, where it is x times a sigmoid: of x itself, or, as 1 + tanh(z) is twice the
// sigmoid of 2z, of a cubic of it for GELU's approximation.
struct WideSilu {
  static FTA_VECTORS __m512 inner(__m512 x) { return x; }
  static FTA_VECTORS __m512 times_slope(__m512, __m512 by) { return by; }
};
struct WideGeluTanh {
  static FTA_VECTORS __m512 inner(__m512 x) {
    __m512 square = _mm512_mul_ps(x, x);
    return _mm512_mul_ps(x, _mm512_fmadd_ps(square, _mm512_set1_ps(2 * kRoot2OverPi * kCubic), _mm512_set1_ps(2 * kRoot2OverPi)));
  }
  static FTA_VECTORS __m512 times_slope(__m512 x, __m512 by) {
    __m512 square = _mm512_mul_ps(x, x);
    return _mm512_mul_ps(by, _mm512_fmadd_ps(square, _mm512_set1_ps(6 * kRoot2OverPi * kCubic), _mm512_set1_ps(2 * kRoot2OverPi)));
  }
};

template <class A>
FTA_VECTORS void wide_forward(const float* gate, const float* up, float* y, __mmask16 some) {
  __m512 x = _mm512_maskz_loadu_ps(some, gate), a = _mm512_mul_ps(x, vectors::sigmoid(A::inner(x)));
  _mm512_mask_storeu_ps(y, some, up ? _mm512_mul_ps(a, _mm512_maskz_loadu_ps(some, up)) : a);
}

template <class A>
FTA_VECTORS void wide_backward(const float* dy, const float* gate, const float* up, float* dgate, float* dup, __mmask16 some) {
  __m512 x = _mm512_maskz_loadu_ps(some, gate), d = _mm512_maskz_loadu_ps(some, dy), s = vectors::sigmoid(A::inner(x)), a = _mm512_mul_ps(x, s);
  __m512 slope = _mm512_fmadd_ps(A::times_slope(x, a), _mm512_sub_ps(_mm512_set1_ps(1), s), s);
  __m512 by = up ? _mm512_mul_ps(d, _mm512_maskz_loadu_ps(some, up)) : d;
  if (up) _mm512_mask_storeu_ps(dup, some, _mm512_mul_ps(d, a));
  _mm512_mask_storeu_ps(dgate, some, _mm512_mul_ps(by, slope));
}

template <class A>
FTA_WIDE void wide_row(const float* gate, const float* up, float* y, int64_t f) {
  int64_t i = 0;
  for (; i + 16 <= f; i += 16) {
    read_soon(gate + i);
    if (up) read_soon(up + i);
    write_soon(y + i);
    wide_forward<A>(gate + i, up ? up + i : up, y + i, 0xffff);
  }
  if (i < f) wide_forward<A>(gate + i, up ? up + i : up, y + i, vectors::rest_of(f - i));
}

template <class A>
FTA_WIDE void wide_row_backward(const float* dy, const float* gate, const float* up, float* dgate, float* dup, int64_t f) {
  int64_t i = 0;
  for (; i + 16 <= f; i += 16) {
    read_soon(dy + i);
    read_soon(gate + i);
    write_soon(dgate + i);
    if (up) {
      read_soon(up + i);
      write_soon(dup + i);
    }
    wide_backward<A>(dy + i, gate + i, up ? up + i : up, dgate + i, dup ? dup + i : dup, 0xffff);
  }
  if (i < f) wide_backward<A>(dy + i, gate + i, up ? up + i : up, dgate + i, dup ? dup + i : dup, vectors::rest_of(f - i));
}
#endif
}  // namespace

void activation_row(const float* gate, const float* up, float* y, int kind, int64_t f) {
#ifdef FTA_WIDE
  if (has_products() && kind == FTA_SILU) return wide_row<WideSilu>(gate, up, y, f);
  if (has_products() && kind == FTA_GELU_TANH) return wide_row<WideGeluTanh>(gate, up, y, f);
#endif
  plain_row(gate, up, y, kind, f);
}

void activation_row_backward(const float* dy, const float* gate, const float* up, float* dgate, float* dup, int kind, int64_t f) {
#ifdef FTA_WIDE
  if (has_products() && kind == FTA_SILU) return wide_row_backward<WideSilu>(dy, gate, up, dgate, dup, f);
  if (has_products() && kind == FTA_GELU_TANH) return wide_row_backward<WideGeluTanh>(dy, gate, up, dgate, dup, f);
#endif
  plain_row_backward(dy, gate, up, dgate, dup, kind, f);
}
}  // namespace fta
