// See narrow.h. Buffers that a vector's lanes run over query rows are [n][16].
#include "narrow.h"
#include <algorithm>
#include "product.h"
#include "tile.h"
#include "wide.h"

namespace fta {
#ifdef FTA_WIDE
namespace {
constexpr int64_t kLanes = 16;
constexpr float kHidden = -1e30f;  // the score of a key that a row does not see

// 2^x for x of at most 0: 2^n times a polynomial (Cephes' exp2f), 0 far below.
FTA_WIDE inline __m512 exp2_of(__m512 x) {
  __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), f = _mm512_sub_ps(x, n);
  __m512 p = _mm512_set1_ps(1.535336188319500e-4f);
  for (float c : {1.339887440266574e-3f, 9.618437357674640e-3f, 5.550332471162809e-2f, 2.402264791363012e-1f, 6.931472028550421e-1f, 1.0f}) p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(c));
  return _mm512_scalef_ps(p, n);
}

// The binary logarithm: exponent and, of a mantissa within a root of 2 of 1, the series of atanh.
FTA_WIDE inline __m512 log2_of(__m512 x) {
  __m512 one = _mm512_set1_ps(1), m = _mm512_getmant_ps(x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src);
  __m512 e = _mm512_getexp_ps(_mm512_div_ps(x, m));
  __m512 t = _mm512_div_ps(_mm512_sub_ps(m, one), _mm512_add_ps(m, one)), t2 = _mm512_mul_ps(t, t);
  __m512 p = _mm512_set1_ps(1.0f / 9);
  for (float c : {1.0f / 7, 1.0f / 5, 1.0f / 3, 1.0f}) p = _mm512_fmadd_ps(p, t2, _mm512_set1_ps(c));
  return _mm512_fmadd_ps(_mm512_mul_ps(p, t), _mm512_set1_ps(2.885390082f), e);
}

constexpr float kLog2E = 1.44269504f, kLn2 = 0.69314718f;

// What a key head's rows work in.
struct Room {
  explicit Room(const NarrowHead& h)
      : keys(h.length + 8), dims((h.head_dim + 15) / 16 * 16), k(keys * h.head_dim), v(keys * h.head_dim), rows(kLanes * dims), q(dims * kLanes), o(dims * kLanes), g(dims * kLanes), p(keys * kLanes), ds(keys * kLanes) {
    rows.zero();
  }
  int64_t keys, dims;
  tile::Floats k, v;        // [keys,head_dim]
  tile::Floats rows;        // [16,dims], zero beyond head_dim and the last row
  tile::Floats q, o, g;     // [dims,16]
  tile::Floats p, ds;       // [keys,16]
};

// 16 query rows, or what is left of them, and the keys that any of them sees.
struct Rows {
  int64_t row, n, from, keys;  // keys is rounded up to 8
};

Rows rows_at(const NarrowHead& h, int64_t row) {
  int64_t n = std::min(kLanes, h.length - row);
  int64_t from = *std::min_element(h.first + row, h.first + row + n);
  return {row, n, from, (row + n - from + 7) / 8 * 8};
}

// Keys or values in rows of their own, with zeros behind the last.
void gather(const NarrowHead& h, const float* from, float* to) {
  for (int64_t i = 0; i < h.length; i++) std::copy_n(from + i * h.width, h.head_dim, to + i * h.head_dim);
  std::fill_n(to + h.length * h.head_dim, 8 * h.head_dim, 0.0f);
}

// to[d][r] = by times from[r][d], 0 beyond row n; the rows stay in room.rows as they are.
FTA_WIDE void turn_rows(const NarrowHead& h, const float* from, int64_t stride, int64_t n, float by, Room& room, float* to) {
  for (int64_t r = 0; r < kLanes; r++) {
    if (r < n)
      std::copy_n(from + r * stride, h.head_dim, room.rows.data() + r * room.dims);
    else
      std::fill_n(room.rows.data() + r * room.dims, h.head_dim, 0.0f);
  }
  for (int64_t d = 0; d < room.dims; d += kLanes) wide::turn16(room.rows.data() + d, room.dims, to + d * kLanes);
  for (int64_t d = 0; d < h.head_dim; d++) _mm512_store_ps(to + d * kLanes, _mm512_mul_ps(_mm512_load_ps(to + d * kLanes), _mm512_set1_ps(by)));
}

// to[r][d] = from[d][r] for n rows.
FTA_WIDE void turn_back(const NarrowHead& h, const float* from, int64_t n, Room& room, float* to, int64_t stride) {
  for (int64_t d = 0; d < room.dims; d += kLanes) {
    alignas(64) float turned[kLanes * kLanes];
    wide::turn16(from + d * kLanes, kLanes, turned);
    __mmask16 some = static_cast<__mmask16>((1u << std::min(kLanes, h.head_dim - d)) - 1);
    for (int64_t r = 0; r < n; r++) _mm512_mask_storeu_ps(to + r * stride + d, some, _mm512_load_ps(turned + r * kLanes));
  }
}

// out[j][r] = sum over d of at[d][r] b[j][d], for n keys, a multiple of 8.
FTA_WIDE void dots(const float* at, const float* b, int64_t dims, int64_t n, float* out) {
  for (int64_t j = 0; j < n; j += 8, b += 8 * dims) {
    __m512 sum[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) sum[i] = _mm512_setzero_ps();
    for (int64_t d = 0; d < dims; d++) {
      __m512 row = _mm512_load_ps(at + d * kLanes);
#pragma GCC unroll 8
      for (int i = 0; i < 8; i++) sum[i] = _mm512_fmadd_ps(row, _mm512_set1_ps(b[i * dims + d]), sum[i]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) _mm512_store_ps(out + (j + i) * kLanes, sum[i]);
  }
}

// out[d][r] = by[r] times the sum over n keys of p[j][r] b[j][d].
FTA_WIDE void sums(const float* p, const float* b, int64_t dims, int64_t n, __m512 by, float* out) {
  for (int64_t d = 0; d < dims; d += 8) {
    __m512 sum[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) sum[i] = _mm512_setzero_ps();
    for (int64_t j = 0; j < n; j++) {
      __m512 row = _mm512_load_ps(p + j * kLanes);
#pragma GCC unroll 8
      for (int i = 0; i < 8; i++) sum[i] = _mm512_fmadd_ps(row, _mm512_set1_ps(b[j * dims + d + i]), sum[i]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) _mm512_store_ps(out + (d + i) * kLanes, _mm512_mul_ps(sum[i], by));
  }
}

// Scores of a block in room.p, to base 2, with what no row may see hidden; returns the rows' highest.
FTA_WIDE __m512 scores(const NarrowHead& h, const Rows& x, const float* q, Room& room) {
  turn_rows(h, q + x.row * h.width, h.width, x.n, h.scale * kLog2E, room, room.q.data());
  dots(room.q.data(), room.k.data() + x.from * h.head_dim, h.head_dim, x.keys, room.p.data());
  __mmask16 some = static_cast<__mmask16>((1u << x.n) - 1);
  __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), row = _mm512_add_epi32(lane, _mm512_set1_epi32(static_cast<int>(x.row - x.from)));
  __m512i first = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(some, h.first + x.row), _mm512_set1_epi32(static_cast<int>(x.from)));
  __m512 top = _mm512_set1_ps(kHidden), hidden = top;
  for (int64_t j = 0; j < x.keys; j++) {
    __m512i key = _mm512_set1_epi32(static_cast<int>(j));
    __mmask16 seen = static_cast<__mmask16>(_mm512_cmple_epi32_mask(first, key) & _mm512_cmpge_epi32_mask(row, key) & some);
    __m512 s = _mm512_mask_blend_ps(seen, hidden, _mm512_load_ps(room.p.data() + j * kLanes));
    _mm512_store_ps(room.p.data() + j * kLanes, s);
    top = _mm512_max_ps(top, s);
  }
  return top;
}

FTA_WIDE void forward_rows(const NarrowHead& h, const Rows& x, int64_t head, float* out, int64_t wide, float* lse, Room& room) {
  __m512 top = scores(h, x, h.q + head * h.head_dim, room), sum = _mm512_setzero_ps();
  for (int64_t j = 0; j < x.keys; j++) {
    __m512 p = exp2_of(_mm512_sub_ps(_mm512_load_ps(room.p.data() + j * kLanes), top));
    _mm512_store_ps(room.p.data() + j * kLanes, p);
    sum = _mm512_add_ps(sum, p);
  }
  __mmask16 some = static_cast<__mmask16>((1u << x.n) - 1);
  _mm512_mask_storeu_ps(lse + head * h.length + x.row, some, _mm512_mul_ps(_mm512_add_ps(top, log2_of(sum)), _mm512_set1_ps(kLn2)));
  sums(room.p.data(), room.v.data() + x.from * h.head_dim, h.head_dim, x.keys, _mm512_div_ps(_mm512_set1_ps(1), sum), room.o.data());
  turn_back(h, room.o.data(), x.n, room, out + x.row * wide + head * h.head_dim, wide);
}

// dk and dv [keys,head_dim] gain p^T g and ds^T q of the rows that lie in room.rows.
FTA_WIDE void add_keys(const NarrowHead& h, const Rows& x, const float* p, const Room& room, const float* rows, float* to) {
  tile::product<true>({p, kLanes, 1}, rows, room.dims, to + x.from * h.head_dim, h.head_dim, x.keys, h.head_dim, kLanes);
}

// What the way back adds up: of all keys, [keys,head_dim].
struct KeySums {
  explicit KeySums(int64_t n) : k(n), v(n) {
    k.zero();
    v.zero();
  }
  tile::Floats k, v;
};

struct Back {
  const float *out, *dout;
  int64_t wide;
  const float* lse;
  float* dq;
};

FTA_WIDE void backward_rows(const NarrowHead& h, const Rows& x, int64_t head, const Back& b, KeySums& keys, Room& room) {
  int64_t column = head * h.head_dim, at = x.row * b.wide + column;
  scores(h, x, h.q + column, room);
  turn_rows(h, b.out + at, b.wide, x.n, 1, room, room.o.data());
  turn_rows(h, b.dout + at, b.wide, x.n, 1, room, room.g.data());
  dots(room.g.data(), room.v.data() + x.from * h.head_dim, h.head_dim, x.keys, room.ds.data());
  __m512 delta = _mm512_setzero_ps(), scale = _mm512_set1_ps(h.scale);
  for (int64_t d = 0; d < h.head_dim; d++) delta = _mm512_fmadd_ps(_mm512_load_ps(room.o.data() + d * kLanes), _mm512_load_ps(room.g.data() + d * kLanes), delta);
  __mmask16 some = static_cast<__mmask16>((1u << x.n) - 1);
  __m512 lse = _mm512_mul_ps(_mm512_maskz_loadu_ps(some, b.lse + head * h.length + x.row), _mm512_set1_ps(kLog2E));
  for (int64_t j = 0; j < x.keys; j++) {
    float *p = room.p.data() + j * kLanes, *ds = room.ds.data() + j * kLanes;
    __m512 w = exp2_of(_mm512_sub_ps(_mm512_load_ps(p), lse));
    _mm512_store_ps(p, w);
    _mm512_store_ps(ds, _mm512_mul_ps(_mm512_mul_ps(w, scale), _mm512_sub_ps(_mm512_load_ps(ds), delta)));
  }
  add_keys(h, x, room.p.data(), room, room.rows.data(), keys.v.data());
  turn_rows(h, h.q + column + x.row * h.width, h.width, x.n, 1, room, room.q.data());
  add_keys(h, x, room.ds.data(), room, room.rows.data(), keys.k.data());
  sums(room.ds.data(), room.k.data() + x.from * h.head_dim, h.head_dim, x.keys, _mm512_set1_ps(1), room.o.data());
  turn_back(h, room.o.data(), x.n, room, b.dq + column + x.row * h.width, h.width);
}

void scatter(const NarrowHead& h, const float* from, float* to) {
  for (int64_t i = 0; i < h.length; i++) std::copy_n(from + i * h.head_dim, h.head_dim, to + i * h.width);
}
}  // namespace

void narrow_forward(const NarrowHead& h, float* out, int64_t wide, float* lse) {
  Room room(h);
  gather(h, h.k, room.k.data());
  gather(h, h.v, room.v.data());
  for (int64_t head = 0; head < h.groups; head++)
    for (int64_t row = 0; row < h.length; row += kLanes) forward_rows(h, rows_at(h, row), head, out, wide, lse, room);
}

void narrow_backward(const NarrowHead& h, const float* out, const float* dout, int64_t wide, const float* lse, float* dq, float* dk, float* dv) {
  Room room(h);
  KeySums keys(room.keys * h.head_dim);
  gather(h, h.k, room.k.data());
  gather(h, h.v, room.v.data());
  for (int64_t head = 0; head < h.groups; head++)
    for (int64_t row = 0; row < h.length; row += kLanes) backward_rows(h, rows_at(h, row), head, {out, dout, wide, lse, dq}, keys, room);
  scatter(h, keys.k.data(), dk);
  scatter(h, keys.v.data(), dv);
}

bool narrow_ropes(int64_t head_dim, int64_t half) { return has_products() && head_dim == 2 * half && (head_dim == 8 || head_dim == 16); }

FTA_WIDE void narrow_rope(float* x, const float* cos, const float* sin, float sign, int64_t heads, int64_t head_dim, int64_t half) {
  int n = static_cast<int>(heads * head_dim), h = static_cast<int>(half);
  alignas(64) float c[16], s[16];
  alignas(64) int other[16];
  for (int i = 0; i < 16; i++) {
    bool second = i % (2 * h) >= h;
    c[i] = cos[i % h];
    s[i] = (second ? sign : -sign) * sin[i % h];
    other[i] = second ? i - h : i + h;
  }
  __m512 vc = _mm512_load_ps(c), vs = _mm512_load_ps(s);
  __m512i swap = _mm512_load_epi32(other);
  for (int i = 0; i < n; i += 16) {
    __mmask16 some = static_cast<__mmask16>((1u << std::min(16, n - i)) - 1);
    __m512 v = _mm512_maskz_loadu_ps(some, x + i);
    _mm512_mask_storeu_ps(x + i, some, _mm512_fmadd_ps(_mm512_permutexvar_ps(swap, v), vs, _mm512_mul_ps(v, vc)));
  }
}
#else
void narrow_forward(const NarrowHead&, float*, int64_t, float*) {}
void narrow_backward(const NarrowHead&, const float*, const float*, int64_t, const float*, float*, float*, float*) {}
bool narrow_ropes(int64_t, int64_t) { return false; }
void narrow_rope(float*, const float*, const float*, float, int64_t, int64_t, int64_t) {}
#endif
}  // namespace fta
