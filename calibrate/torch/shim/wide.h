// The tiles of matrix products with AVX-512: 8 rows of A times 16 columns of B, packed so that
// a tile reads them in one stream. Callers ask has_products() first.
#pragma once
#include <algorithm>
#include <cstdint>
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define FTA_WIDE __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma")))

namespace fta::wide {
constexpr int64_t kTileRows = 8, kTileColumns = 16;

// to[j][i] = from[i][j], 16 by 16.
FTA_WIDE inline void turn16(const float* from, int64_t stride, float* to) {
  __m512 r[16], t[16];
  for (int i = 0; i < 16; i++) r[i] = _mm512_loadu_ps(from + i * stride);
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
    r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
  }
  for (int i = 0; i < 16; i += 8)
    for (int j = 0; j < 4; j++) {
      t[i + j] = _mm512_shuffle_f32x4(r[i + j], r[i + j + 4], 0x88);
      t[i + j + 4] = _mm512_shuffle_f32x4(r[i + j], r[i + j + 4], 0xdd);
    }
  for (int j = 0; j < 8; j++) {
    _mm512_storeu_ps(to + 16 * j, _mm512_shuffle_f32x4(t[j], t[j + 8], 0x88));
    _mm512_storeu_ps(to + 16 * (j + 8), _mm512_shuffle_f32x4(t[j], t[j + 8], 0xdd));
  }
}

// n of 16 columns of B as [depth,16], zero beyond the n-th.
FTA_WIDE inline void pack_panel(const float* b, int64_t b_k, int64_t b_column, int64_t n, int64_t depth, float* to) {
  int64_t k = 0;
  if (b_column == 1) {
    __mmask16 some = static_cast<__mmask16>((1u << n) - 1);
    for (; k < depth; k++) _mm512_storeu_ps(to + k * kTileColumns, _mm512_maskz_loadu_ps(some, b + k * b_k));
    return;
  }
  if (n == kTileColumns && b_k == 1)
    for (; k + 16 <= depth; k += 16) turn16(b + k, b_column, to + k * kTileColumns);
  for (; k < depth; k++)
    for (int64_t j = 0; j < kTileColumns; j++) to[k * kTileColumns + j] = j < n ? b[k * b_k + j * b_column] : 0.0f;
}

// Columns of a turned A, eight by eight, as [depth,8] one after the other.
FTA_WIDE inline void pack_rows(const float* a, int64_t a_k, int64_t rows, int64_t depth, float* to) {
  for (int64_t i = 0; i < rows; i += kTileRows, to += depth * kTileRows) {
    __mmask8 some = static_cast<__mmask8>((1u << std::min(kTileRows, rows - i)) - 1);
    for (int64_t k = 0; k < depth; k++) _mm256_storeu_ps(to + k * kTileRows, _mm256_maskz_loadu_ps(some, a + i + k * a_k));
  }
}

struct Tile {
  const float* a;
  int64_t a_row, a_k;
  const float* b;  // a panel
  int64_t depth;
  float* c;
  int64_t c_row;
  const float* start;
  int64_t start_row;
  __mmask16 columns;
};

template <int R>
FTA_WIDE inline void tile_of(const Tile& t) {
  __m512 sum[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) sum[r] = t.start ? _mm512_maskz_loadu_ps(t.columns, t.start + r * t.start_row) : _mm512_setzero_ps();
  const float *a = t.a, *b = t.b;
  for (int64_t k = 0; k < t.depth; k++, a += t.a_k, b += kTileColumns) {
    __m512 row = _mm512_loadu_ps(b);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) sum[r] = _mm512_fmadd_ps(_mm512_set1_ps(a[r * t.a_row]), row, sum[r]);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) _mm512_mask_storeu_ps(t.c + r * t.c_row, t.columns, sum[r]);
}

FTA_WIDE inline void tile_rows(const Tile& t, int64_t rows) {
  switch (rows) {
    case 8: return tile_of<8>(t);
    case 7: return tile_of<7>(t);
    case 6: return tile_of<6>(t);
    case 5: return tile_of<5>(t);
    case 4: return tile_of<4>(t);
    case 3: return tile_of<3>(t);
    case 2: return tile_of<2>(t);
    default: return tile_of<1>(t);
  }
}
}  // namespace fta::wide
#endif
