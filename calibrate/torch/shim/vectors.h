// What AVX-512 kernels of 16 lanes share: exponentials and turns between rows of floats and
// vectors whose lanes are rows. Callers ask has_products() first.
#pragma once
#include "tile.h"
#include "wide.h"
#ifdef FTA_WIDE
#define FTA_VECTORS FTA_WIDE FTA_INLINE

namespace fta::vectors {
constexpr int64_t kLanes = 16;
constexpr float kLog2E = 1.44269504f, kLn2 = 0.69314718f;
constexpr float kLog2ERest = 1.92596299e-8f;  // log2(e) less kLog2E

// The first n of 16 lanes.
FTA_INLINE __mmask16 rest_of(int64_t n) { return static_cast<__mmask16>((1u << n) - 1); }

// 2^x, 0 far below: a polynomial for what x has beyond a whole number, which scalef rounds down
// to by itself. Remez' exchange found the coefficients for the least relative error on [0,1] with
// 2^0 = 1; it is 1.5e-7 with that of rounding.
FTA_VECTORS __m512 scaled_exp2(__m512 f, __m512 x) {
  __m512 p = _mm512_set1_ps(1.8671300495e-3f);
  for (float c : {9.0170307085e-3f, 5.5799912661e-2f, 2.4016444385e-1f, 6.9315129519e-1f, 1.0f}) p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(c));
  return _mm512_scalef_ps(p, x);
}

FTA_VECTORS __m512 beyond_whole(__m512 x) { return _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }

FTA_VECTORS __m512 exp2_of(__m512 x) { return scaled_exp2(beyond_whole(x), x); }

// e^x for x of at most 88, relative error below 2.5e-7, 0 below the normal range. The exponent keeps
// what x's product with log2(e) loses to rounding, which matters far from 0.
FTA_VECTORS __m512 exp_of(__m512 x) {
  x = _mm512_max_ps(_mm512_set1_ps(-200), x);  // in this order NaN stays
  __m512 by = _mm512_set1_ps(kLog2E), t = _mm512_mul_ps(x, by), lost = _mm512_fmadd_ps(x, _mm512_set1_ps(kLog2ERest), _mm512_fmsub_ps(x, by, t));
  return scaled_exp2(_mm512_add_ps(beyond_whole(t), lost), t);
}

// 1 / (1 + e^-x), relative error below 3e-7: one step of Newton's makes up for the 14 bits of the
// reciprocal.
FTA_VECTORS __m512 sigmoid(__m512 x) {
  __m512 one = _mm512_set1_ps(1), minus = _mm512_min_ps(_mm512_set1_ps(88), _mm512_sub_ps(_mm512_setzero_ps(), x));
  __m512 d = _mm512_add_ps(one, exp_of(minus)), r = _mm512_rcp14_ps(d);
  return _mm512_fmadd_ps(r, _mm512_fnmadd_ps(d, r, one), r);
}

// The binary logarithm: exponent and, of a mantissa within a root of 2 of 1, the series of atanh.
FTA_VECTORS __m512 log2_of(__m512 x) {
  __m512 one = _mm512_set1_ps(1), m = _mm512_getmant_ps(x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src);
  __m512 e = _mm512_getexp_ps(_mm512_div_ps(x, m));
  __m512 t = _mm512_div_ps(_mm512_sub_ps(m, one), _mm512_add_ps(m, one)), t2 = _mm512_mul_ps(t, t);
  __m512 p = _mm512_set1_ps(1.0f / 9);
  for (float c : {1.0f / 7, 1.0f / 5, 1.0f / 3, 1.0f}) p = _mm512_fmadd_ps(p, t2, _mm512_set1_ps(c));
  return _mm512_fmadd_ps(_mm512_mul_ps(p, t), _mm512_set1_ps(2.885390082f), e);
}

// Within each quarter of four vectors, rows become columns.
FTA_VECTORS void turn_quarters(__m512 v[4]) {
  __m512 a = _mm512_unpacklo_ps(v[0], v[1]), b = _mm512_unpackhi_ps(v[0], v[1]), c = _mm512_unpacklo_ps(v[2], v[3]), d = _mm512_unpackhi_ps(v[2], v[3]);
  v[0] = _mm512_shuffle_ps(a, c, 0x44);
  v[1] = _mm512_shuffle_ps(a, c, 0xee);
  v[2] = _mm512_shuffle_ps(b, d, 0x44);
  v[3] = _mm512_shuffle_ps(b, d, 0xee);
}

// v[i]'s quarters are four floats of the rows i, 4+i, 8+i and 12+i.
FTA_VECTORS void load_quarters(const float* from, int64_t stride, __m512 v[4]) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++, from += stride) {
    v[i] = _mm512_castps128_ps512(_mm_loadu_ps(from));
    v[i] = _mm512_insertf32x4(v[i], _mm_loadu_ps(from + 4 * stride), 1);
    v[i] = _mm512_insertf32x4(v[i], _mm_loadu_ps(from + 8 * stride), 2);
    v[i] = _mm512_insertf32x4(v[i], _mm_loadu_ps(from + 12 * stride), 3);
  }
}

// to[d][r] = by times from[r][d] of 16 rows; dims is a multiple of 4.
FTA_VECTORS void turn_rows(const float* from, int64_t stride, int64_t dims, float by, float* to) {
  for (int64_t d = 0; d < dims; d += 4) {
    __m512 v[4];
    load_quarters(from + d, stride, v);
    turn_quarters(v);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) _mm512_store_ps(to + (d + i) * kLanes, _mm512_mul_ps(v[i], _mm512_set1_ps(by)));
  }
}

// to[r][d] = by[r] times from[d][r] of n rows and 4 dims; from is spoilt.
FTA_VECTORS void turn_back(__m512 from[4], __m512 by, int64_t n, float* to, int64_t stride) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) from[i] = _mm512_mul_ps(from[i], by);
  turn_quarters(from);
  alignas(64) float rows[4 * kLanes];
  if (n == kLanes) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++, to += stride) {
      _mm_storeu_ps(to, _mm512_castps512_ps128(from[i]));
      _mm_storeu_ps(to + 4 * stride, _mm512_extractf32x4_ps(from[i], 1));
      _mm_storeu_ps(to + 8 * stride, _mm512_extractf32x4_ps(from[i], 2));
      _mm_storeu_ps(to + 12 * stride, _mm512_extractf32x4_ps(from[i], 3));
    }
    return;
  }
  for (int i = 0; i < 4; i++) _mm512_store_ps(rows + i * kLanes, from[i]);
  for (int64_t r = 0; r < n; r++) std::copy_n(rows + r % 4 * kLanes + r / 4 * 4, 4, to + r * stride);
}

// Lane i is the sum of x[i]'s lanes. Each step halves what a sum lies in and pairs two vectors.
FTA_VECTORS __m512 sums_of(const __m512 x[16]) {
  __m512 a[8], b[4], c[2];
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) a[i] = _mm512_add_ps(_mm512_mask_blend_ps(0xff00, x[i], x[i + 8]), _mm512_shuffle_f32x4(x[i], x[i + 8], 0x4e));
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) b[i] = _mm512_add_ps(_mm512_shuffle_f32x4(a[i], a[i + 4], 0x88), _mm512_shuffle_f32x4(a[i], a[i + 4], 0xdd));
#pragma GCC unroll 2
  for (int i = 0; i < 2; i++) {
    __m512d l = _mm512_castps_pd(b[i]), h = _mm512_castps_pd(b[i + 2]);
    c[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_mask_blend_pd(0xaa, l, h)), _mm512_castpd_ps(_mm512_shuffle_pd(l, h, 0x55)));
  }
  __m512 s = _mm512_add_ps(_mm512_shuffle_ps(c[0], c[1], 0x88), _mm512_shuffle_ps(c[0], c[1], 0xdd));
  return _mm512_permutexvar_ps(_mm512_setr_epi32(0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15), s);
}
}  // namespace fta::vectors
#endif
