// Row kernels; see rows.h. Errno and traps of libm are of no use here and would keep the
// loops scalar.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-math-errno", "no-trapping-math")
#endif
#include "rows.h"
#include <algorithm>
#include <cmath>
#include "ahead.h"
#include "fast_exp.h"
#include "product.h"
#include "vectors.h"

namespace fta {
FTA_CLONES float rms_forward(const float* x, const float* w, float offset, float eps, float* y, int64_t d) {
  row_read_soon(x, d);
  row_written_soon(y, d);
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < d; i++) sum += x[i] * x[i];
  float rstd = 1.0f / std::sqrt(sum / static_cast<float>(d) + eps);
#pragma omp simd
  for (int64_t i = 0; i < d; i++) y[i] = x[i] * rstd * (w[i] + offset);
  return rstd;
}

FTA_CLONES void rms_backward(const float* dy, const float* x, const float* w, float offset, float rstd, const float* residual, float* dx, float* dw, int64_t d) {
  row_read_soon(dy, d);
  row_read_soon(x, d);
  if (residual) row_read_soon(residual, d);
  row_written_soon(dx, d);
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
  row_written_soon(x, heads * head_dim);
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

#ifdef FTA_WIDE
namespace {
FTA_WIDE float highest(const float* x, int64_t n) {
  __m512 low = _mm512_set1_ps(-INFINITY), a = low, b = low;
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    a = _mm512_max_ps(a, _mm512_loadu_ps(x + i));
    b = _mm512_max_ps(b, _mm512_loadu_ps(x + i + 16));
  }
  for (; i < n; i += 16) a = _mm512_max_ps(a, _mm512_mask_loadu_ps(low, vectors::rest_of(std::min<int64_t>(16, n - i)), x + i));
  return _mm512_reduce_max_ps(_mm512_max_ps(a, b));
}

// The sum of e^(x - top); kept: x becomes them.
template <bool Keep>
FTA_WIDE float sum_of_exp(float* x, int64_t n, float top) {
  __m512 sum = _mm512_setzero_ps(), less = _mm512_set1_ps(top);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) {
    __m512 e = vectors::exp_of(_mm512_sub_ps(_mm512_loadu_ps(x + i), less));
    if (Keep) _mm512_storeu_ps(x + i, e);
    sum = _mm512_add_ps(sum, e);
  }
  if (i < n) {
    __mmask16 some = vectors::rest_of(n - i);
    __m512 e = vectors::exp_of(_mm512_sub_ps(_mm512_maskz_loadu_ps(some, x + i), less));
    if (Keep) _mm512_mask_storeu_ps(x + i, some, e);
    sum = _mm512_mask_add_ps(sum, some, sum, e);
  }
  return _mm512_reduce_add_ps(sum);
}

FTA_WIDE void scale_row(float* x, int64_t n, float by) {
  __m512 s = _mm512_set1_ps(by);
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) _mm512_storeu_ps(x + i, _mm512_mul_ps(_mm512_loadu_ps(x + i), s));
  if (i < n) _mm512_mask_storeu_ps(x + i, vectors::rest_of(n - i), _mm512_mul_ps(_mm512_maskz_loadu_ps(vectors::rest_of(n - i), x + i), s));
}

float wide_cross_entropy(float* logits, int64_t v, int64_t label, float weight, bool grad, bool* hit) {
  float top = highest(logits, v), target = logits[label] - top;
  *hit = target >= 0;
  if (!grad) return std::log(sum_of_exp<false>(logits, v, top)) - target;
  float sum = sum_of_exp<true>(logits, v, top);
  scale_row(logits, v, weight / sum);
  logits[label] -= weight;
  return std::log(sum) - target;
}
}  // namespace
#endif

FTA_CLONES static float plain_cross_entropy(float* logits, int64_t v, int64_t label, float weight, bool grad, bool* hit) {
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

float cross_entropy_row(float* logits, int64_t v, int64_t label, float weight, bool grad, bool* hit) {
#ifdef FTA_WIDE
  if (has_products()) return wide_cross_entropy(logits, v, label, weight, grad, hit);
#endif
  return plain_cross_entropy(logits, v, label, weight, grad, hit);
}

#ifdef FTA_WIDE
namespace {
// adamw_range's numbers, as vectors.
struct Adam {
  __m512 factor, less1, beta2, less2, keep, rate, root, eps;
};

FTA_VECTORS void adamw_16(const Adam& a, float* p, const float* g, float* m, float* v, __mmask16 some) {
  __m512 gi = _mm512_mul_ps(_mm512_maskz_loadu_ps(some, g), a.factor), mi = _mm512_maskz_loadu_ps(some, m);
  mi = _mm512_fmadd_ps(a.less1, _mm512_sub_ps(gi, mi), mi);
  __m512 vi = _mm512_fmadd_ps(_mm512_mul_ps(a.less2, gi), gi, _mm512_mul_ps(a.beta2, _mm512_maskz_loadu_ps(some, v)));
  __m512 step = _mm512_div_ps(_mm512_mul_ps(a.rate, mi), _mm512_fmadd_ps(_mm512_sqrt_ps(vi), a.root, a.eps));
  _mm512_mask_storeu_ps(m, some, mi);
  _mm512_mask_storeu_ps(v, some, vi);
  _mm512_mask_storeu_ps(p, some, _mm512_fmsub_ps(_mm512_maskz_loadu_ps(some, p), a.keep, step));
}

// The compiler leaves the plain loop's roots one by one.
FTA_WIDE void wide_adamw(float* p, const float* g, float* m, float* v, float factor, float lr, float beta1, float beta2, float eps, float decay, float correction1, float correction2, int64_t n) {
  Adam a{_mm512_set1_ps(factor), _mm512_set1_ps(1.0f - beta1), _mm512_set1_ps(beta2), _mm512_set1_ps(1.0f - beta2), _mm512_set1_ps(1.0f - lr * decay), _mm512_set1_ps(lr / correction1), _mm512_set1_ps(1.0f / std::sqrt(correction2)), _mm512_set1_ps(eps)};
  int64_t i = 0;
  for (; i + 16 <= n; i += 16) adamw_16(a, p + i, g + i, m + i, v + i, 0xffff);
  if (i < n) adamw_16(a, p + i, g + i, m + i, v + i, vectors::rest_of(n - i));
}
}  // namespace
#endif

FTA_CLONES static void plain_adamw(float* p, const float* g, float* m, float* v, float factor, float lr, float beta1, float beta2, float eps, float decay, float correction1, float correction2, int64_t n) {
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

void adamw_range(float* p, const float* g, float* m, float* v, float factor, float lr, float beta1, float beta2, float eps, float decay, float correction1, float correction2, int64_t n) {
#ifdef FTA_WIDE
  if (has_products()) return wide_adamw(p, g, m, v, factor, lr, beta1, beta2, eps, decay, correction1, correction2, n);
#endif
  plain_adamw(p, g, m, v, factor, lr, beta1, beta2, eps, decay, correction1, correction2, n);
}
}  // namespace fta
