// Blocks of 16 query rows and chunks of 8 keys, as narrow.h's attention goes through them.
#pragma once
#include "narrow.h"
#include "vectors.h"
#ifdef FTA_WIDE

namespace fta::vectors {
constexpr int64_t kChunk = 8;

// Takes parts of memory that the thread keeps, one after the other; each begins at a cache line.
struct Parts {
  float* next;
  float* take(int64_t n) {
    float* p = next;
    next += n;
    return p;
  }
};

// 16 query rows, or what is left of them, and the chunks of keys that any of them sees. From
// open to shut they see every key.
struct Block {
  int64_t row, n, from, to, open, shut;
};

FTA_VECTORS Block block_at(const NarrowHead& h, int64_t row) {
  int64_t n = std::min(kLanes, h.length - row);
  __m512i first = _mm512_maskz_loadu_epi32(rest_of(n), h.first + row);
  int64_t least = _mm512_mask_reduce_min_epi32(rest_of(n), first), most = _mm512_reduce_max_epi32(first);
  return {row, n, least / kChunk, (row + n + kChunk - 1) / kChunk, (most + kChunk - 1) / kChunk, n == kLanes ? (row + 1) / kChunk : 0};
}

FTA_INLINE bool whole(const Block& b, int64_t chunk) { return chunk >= b.open && chunk < b.shut; }

// Which rows of a block see a key. Lanes without a row see none.
struct Sight {
  FTA_VECTORS Sight(const NarrowHead& h, const Block& b) : row(b.row), open(b.open * kChunk), some((1u << b.n) - 1), first(_mm512_maskz_loadu_epi32(static_cast<__mmask16>(some), h.first + b.row)) {}
  FTA_VECTORS __mmask16 of(int64_t key) const {
    __mmask16 m = static_cast<__mmask16>(some & (0xffffu << std::max<int64_t>(0, key - row)));
    return key < open ? _mm512_mask_cmple_epi32_mask(m, first, _mm512_set1_epi32(static_cast<int>(key))) : m;
  }
  int64_t row, open;
  unsigned some;
  __m512i first;
};

// Rows as turn_rows wants them: 16, the last repeated for those that are not there, which no
// result counts but which have to be finite.
struct Sixteen {
  Sixteen(const float* from, int64_t step, int64_t n, int64_t dims, float* spare) : p(from), stride(step) {
    if (n == kLanes) return;
    for (int64_t r = 0; r < kLanes; r++) std::copy_n(from + std::min(r, n - 1) * step, dims, spare + r * dims);
    p = spare;
    stride = dims;
  }
  const float* p;
  int64_t stride;
};

// Keys or values, turned: [length/16][dims][16]. A chunk is one half of 16.
FTA_VECTORS void turn_keys(const NarrowHead& h, const float* from, float* spare, float* to) {
  for (int64_t i = 0; i < h.length; i += kLanes) {
    Sixteen rows(from + i * h.width, h.width, std::min(kLanes, h.length - i), h.head_dim, spare);
    turn_rows(rows.p, rows.stride, h.head_dim, 1, to + i * h.head_dim);
  }
}

FTA_INLINE const float* chunk_of(const float* turned, int64_t chunk, int64_t dims) { return turned + chunk / 2 * dims * kLanes + chunk % 2 * kChunk; }

// What a row's score of a key that it does not see becomes.
constexpr float kHidden = -1e30f;

template <bool Whole>
FTA_VECTORS void hide(const Sight& sight, int64_t key, __m512 s[kChunk]) {
  if (Whole) return;
#pragma GCC unroll 8
  for (int i = 0; i < kChunk; i++) s[i] = _mm512_mask_blend_ps(sight.of(key + i), _mm512_set1_ps(kHidden), s[i]);
}

FTA_VECTORS void fill(__m512 s[kChunk], __m512 x) {
#pragma GCC unroll 8
  for (int i = 0; i < kChunk; i++) s[i] = x;
}

FTA_VECTORS void store(const __m512 s[kChunk], float* to) {
#pragma GCC unroll 8
  for (int i = 0; i < kChunk; i++) _mm512_store_ps(to + i * kLanes, s[i]);
}

FTA_VECTORS void load(__m512 s[kChunk], const float* from) {
#pragma GCC unroll 8
  for (int i = 0; i < kChunk; i++) s[i] = _mm512_load_ps(from + i * kLanes);
}

// s[i] += row times the chunk's key i at one of the dims.
FTA_VECTORS void add_dim(__m512 row, const float* chunk, __m512 s[kChunk]) {
#pragma GCC unroll 8
  for (int i = 0; i < kChunk; i++) s[i] = _mm512_fmadd_ps(row, _mm512_set1_ps(chunk[i]), s[i]);
}

// Keys or values in rows of their own, with zeros behind the last.
FTA_VECTORS void gather_keys(const NarrowHead& h, const float* from, float* to) {
  for (int64_t i = 0; i < h.length; i++)
    for (int64_t d = 0; d < h.head_dim; d += 8) _mm256_store_ps(to + i * h.head_dim + d, _mm256_loadu_ps(from + i * h.width + d));
  std::fill_n(to + h.length * h.head_dim, (kLanes - 1) * h.head_dim, 0.0f);
}

// sum[d][r] += p[r] times a key's element d; 8 of the dims.
FTA_VECTORS void add_key(__m512 p, const float* key, __m512 sum[8]) {
#pragma GCC unroll 8
  for (int d = 0; d < 8; d++) sum[d] = _mm512_fmadd_ps(p, _mm512_set1_ps(key[d]), sum[d]);
}
}  // namespace fta::vectors
#endif
