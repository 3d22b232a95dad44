// See narrow.h; the way back is in narrow_back.cpp. Buffers that a vector's lanes run over
// query rows are [n][16].
#include "narrow.h"
#include "ahead.h"
#include "blocks16.h"
#include "product.h"

namespace fta {
#ifdef FTA_WIDE
namespace {
using namespace vectors;

// What a key head's rows work in; all sizes are multiples of 16.
struct Room {
  explicit Room(const NarrowHead& h) {
    int64_t keys = (h.length + 15) / 16 * 16, all = keys * h.head_dim, block = kLanes * h.head_dim;
    Parts parts{tile::kept(2 * all + 3 * block + keys * kLanes)};
    k = parts.take(all);
    v = parts.take(all + block);
    spare = parts.take(block);
    q = parts.take(block);
    p = parts.take(keys * kLanes);
  }
  float *k, *v;   // see turn_keys, gather_keys
  float* spare;   // [16,head_dim]
  float* q;       // [head_dim,16]
  float* p;       // [keys,16]
};

struct Out {
  float* out;
  int64_t wide;
  float* lse;
};

// Scores of one chunk to p; top becomes the rows' highest.
template <bool Whole>
FTA_VECTORS void score_chunk(const float* q, const float* k, int64_t dims, const Sight& sight, int64_t key, float* p, __m512* top) {
  __m512 s[kChunk];
  fill(s, _mm512_setzero_ps());
  for (int64_t d = 0; d < dims; d++) add_dim(_mm512_load_ps(q + d * kLanes), k + d * kLanes, s);
  hide<Whole>(sight, key, s);
  store(s, p);
  __m512 a = _mm512_max_ps(_mm512_max_ps(s[0], s[1]), _mm512_max_ps(s[2], s[3])), b = _mm512_max_ps(_mm512_max_ps(s[4], s[5]), _mm512_max_ps(s[6], s[7]));
  *top = _mm512_max_ps(*top, _mm512_max_ps(a, b));
}

// Scores of a block in room.p, to base 2; returns the rows' highest.
FTA_VECTORS __m512 scores(const NarrowHead& h, const Block& b, const float* q, int64_t dims, Room& room) {
  Sixteen rows(q + b.row * h.width, h.width, b.n, dims, room.spare);
  turn_rows(rows.p, rows.stride, dims, h.scale * kLog2E, room.q);
  Sight sight(h, b);
  __m512 top = _mm512_set1_ps(kHidden);
  float* p = room.p;
  for (int64_t c = b.from; c < b.to; c++, p += kChunk * kLanes) {
    const float* k = chunk_of(room.k, c, dims);
    if (whole(b, c))
      score_chunk<true>(room.q, k, dims, sight, c * kChunk, p, &top);
    else
      score_chunk<false>(room.q, k, dims, sight, c * kChunk, p, &top);
  }
  return top;
}

// Scores become weights, whose sum is returned. A pass of its own: its latencies
// would hold up the sums of values.
FTA_VECTORS __m512 weights(int64_t chunks, __m512 top, float* p) {
  __m512 a = _mm512_setzero_ps(), b = a, s[kChunk];
  for (int64_t c = 0; c < chunks; c++, p += kChunk * kLanes) {
    load(s, p);
#pragma GCC unroll 8
    for (int i = 0; i < kChunk; i++) s[i] = exp2_of(_mm512_sub_ps(s[i], top));
    store(s, p);
    a = _mm512_add_ps(a, _mm512_add_ps(_mm512_add_ps(s[0], s[1]), _mm512_add_ps(s[2], s[3])));
    b = _mm512_add_ps(b, _mm512_add_ps(_mm512_add_ps(s[4], s[5]), _mm512_add_ps(s[6], s[7])));
  }
  return _mm512_add_ps(a, b);
}

// Over the block's keys, their weights times 16 of their dims.
FTA_VECTORS void sum_16(const Block& b, const float* v, int64_t dims, const float* p, __m512 sum[16]) {
  fill(sum, _mm512_setzero_ps());
  fill(sum + 8, _mm512_setzero_ps());
  for (int64_t c = b.from; c < b.to; c++) {
#pragma GCC unroll 8
    for (int i = 0; i < kChunk; i++, p += kLanes, v += dims) {
      __m512 w = _mm512_load_ps(p);
      add_key(w, v, sum);
      add_key(w, v + 8, sum + 8);
    }
  }
}

// The same for 8 dims, where two sums for each hide the latency.
FTA_VECTORS void sum_8(const Block& b, const float* v, int64_t dims, const float* p, __m512 sum[16]) {
  fill(sum, _mm512_setzero_ps());
  fill(sum + 8, _mm512_setzero_ps());
  for (int64_t c = b.from; c < b.to; c++) {
#pragma GCC unroll 4
    for (int i = 0; i < kChunk; i += 2, p += 2 * kLanes, v += 2 * dims) {
      add_key(_mm512_load_ps(p), v, sum);
      add_key(_mm512_load_ps(p + kLanes), v + dims, sum + 8);
    }
  }
#pragma GCC unroll 8
  for (int d = 0; d < 8; d++) sum[d] = _mm512_add_ps(sum[d], sum[8 + d]);
}

template <int64_t Dims>
FTA_WIDE void forward_block(const NarrowHead& h, const Block& b, int64_t head, const Out& to, Room& room) {
  int64_t dims = Dims ? Dims : h.head_dim, d = 0;
  __m512 top = scores(h, b, h.q + head * dims, dims, room), total = weights(b.to - b.from, top, room.p), by = _mm512_div_ps(_mm512_set1_ps(1), total), sum[16];
  float* out = to.out + b.row * to.wide + head * dims;
  for (; d + 16 <= dims; d += 16) {
    sum_16(b, room.v + b.from * kChunk * dims + d, dims, room.p, sum);
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) turn_back(sum + i, by, b.n, out + d + i, to.wide);
  }
  if (d < dims) {
    sum_8(b, room.v + b.from * kChunk * dims + d, dims, room.p, sum);
    turn_back(sum, by, b.n, out + d, to.wide);
    turn_back(sum + 4, by, b.n, out + d + 4, to.wide);
  }
  __mmask16 some = rest_of(b.n);
  _mm512_mask_storeu_ps(to.lse + head * h.length + b.row, some, _mm512_mul_ps(_mm512_add_ps(top, log2_of(total)), _mm512_set1_ps(kLn2)));
}

template <int64_t Dims>
FTA_WIDE void forward_of(const NarrowHead& h, const Out& to) {
  Room room(h);
  turn_keys(h, h.k, room.spare, room.k);
  gather_keys(h, h.v, room.v);
  for (int64_t head = 0; head < h.groups; head++)
    for (int64_t row = 0; row < h.length; row += kLanes) forward_block<Dims>(h, block_at(h, row), head, to, room);
}
}  // namespace

void narrow_forward(const NarrowHead& h, float* out, int64_t wide, float* lse) {
  switch (h.head_dim) {
    case 8: return forward_of<8>(h, {out, wide, lse});
    case 16: return forward_of<16>(h, {out, wide, lse});
    case 32: return forward_of<32>(h, {out, wide, lse});
    case 64: return forward_of<64>(h, {out, wide, lse});
    default: return forward_of<0>(h, {out, wide, lse});
  }
}

bool narrow_ropes(int64_t head_dim, int64_t half) { return has_products() && head_dim == 2 * half && (head_dim == 8 || head_dim == 16); }

// Every lane's angle and its other half are permutations, as 16 lanes hold whole heads.
FTA_WIDE void narrow_rope(float* x, const float* cos, const float* sin, float sign, int64_t heads, int64_t head_dim, int64_t half) {
  int64_t n = heads * head_dim;
  __mmask16 angles = rest_of(half);
  __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), h = _mm512_set1_epi32(static_cast<int>(half));
  __m512i angle = _mm512_and_epi32(lane, _mm512_sub_epi32(h, _mm512_set1_epi32(1))), swap = _mm512_xor_epi32(lane, h);
  __mmask16 first = _mm512_testn_epi32_mask(lane, h);
  __m512 c = _mm512_permutexvar_ps(angle, _mm512_maskz_loadu_ps(angles, cos)), s = _mm512_permutexvar_ps(angle, _mm512_maskz_loadu_ps(angles, sin));
  s = _mm512_mul_ps(s, _mm512_mask_blend_ps(first, _mm512_set1_ps(sign), _mm512_set1_ps(-sign)));
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    write_soon(x + i);
    __m512 v = _mm512_loadu_ps(x + i);
    _mm512_storeu_ps(x + i, _mm512_fmadd_ps(_mm512_permutexvar_ps(swap, v), s, _mm512_mul_ps(v, c)));
  }
  if (i == n) return;
  __m512 v = _mm512_maskz_loadu_ps(rest_of(n - i), x + i);
  _mm512_mask_storeu_ps(x + i, rest_of(n - i), _mm512_fmadd_ps(_mm512_permutexvar_ps(swap, v), s, _mm512_mul_ps(v, c)));
}
#else
void narrow_forward(const NarrowHead&, float*, int64_t, float*) {}
bool narrow_ropes(int64_t, int64_t) { return false; }
void narrow_rope(float*, const float*, const float*, float, int64_t, int64_t, int64_t) {}
#endif
}  // namespace fta
