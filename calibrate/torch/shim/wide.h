// The tiles of matrix products with AVX-512: 8 rows of A times one or two panels of 16 columns
// of B, packed so that a tile reads them in one stream. Callers ask has_products() first.
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

// 16 columns of B, or n of them, that lie in rows of k, as [depth,16], zero beyond the n-th.
FTA_WIDE inline void turn_panel(const float* b, int64_t b_column, int64_t n, int64_t depth, float* to) {
  int64_t k = 0;
  if (n == kTileColumns)
    for (; k + 16 <= depth; k += 16) turn16(b + k, b_column, to + k * kTileColumns);
  for (; k < depth; k++)
    for (int64_t j = 0; j < kTileColumns; j++) to[k * kTileColumns + j] = j < n ? b[k + j * b_column] : 0.0f;
}

// n columns of B as panels [depth,16], one after the other. B's rows are read whole, as they lie.
FTA_WIDE inline void pack_panels(const float* b, int64_t b_k, int64_t b_column, int64_t n, int64_t depth, float* to) {
  if (b_column != 1) {
    for (int64_t j = 0; j < n; j += kTileColumns) turn_panel(b + j * b_column, b_column, std::min(kTileColumns, n - j), depth, to + j * depth);
    return;
  }
  int64_t whole = n / kTileColumns * kTileColumns;
  __mmask16 rest = static_cast<__mmask16>((1u << (n - whole)) - 1);
  for (int64_t k = 0; k < depth; k++, b += b_k, to += kTileColumns) {
    for (int64_t j = 0; j < whole; j += kTileColumns) _mm512_storeu_ps(to + j * depth, _mm512_loadu_ps(b + j));
    if (rest) _mm512_storeu_ps(to + whole * depth, _mm512_maskz_loadu_ps(rest, b + whole));
  }
}

// Columns of a turned A, eight by eight, as [depth,8] one after the other. Its rows are read
// whole, as they lie.
FTA_WIDE inline void pack_rows(const float* a, int64_t a_k, int64_t rows, int64_t depth, float* to) {
  int64_t whole = rows / kTileRows * kTileRows;
  __mmask8 rest = static_cast<__mmask8>((1u << (rows - whole)) - 1);
  for (int64_t k = 0; k < depth; k++, a += a_k, to += kTileRows) {
    for (int64_t i = 0; i < whole; i += kTileRows) _mm256_storeu_ps(to + i * depth, _mm256_loadu_ps(a + i));
    if (rest) _mm256_storeu_ps(to + whole * depth, _mm256_maskz_loadu_ps(rest, a + whole));
  }
}

struct Tile {
  const float* a;
  int64_t a_row, a_k;
  const float* b;
  int64_t b_k, b_panel;  // from row to row of a panel, and from panel to panel
  int64_t depth;
  float* c;
  int64_t c_row;
  const float* start;
  int64_t start_row;
  __mmask16 columns;  // of the last panel
};

// P panels at once. With two, a number of A that was loaded serves twice, and there are sums
// enough to keep a processor busy that starts two multiplications in a cycle.
template <int P, int R>
FTA_WIDE inline void tile_of(const Tile& t) {
  __m512 sum[R][P];
  __mmask16 columns[P];
  for (int p = 0; p < P; p++) columns[p] = p + 1 < P ? static_cast<__mmask16>(0xffff) : t.columns;
#pragma GCC unroll 8
  for (int r = 0; r < R; r++)
#pragma GCC unroll 2
    for (int p = 0; p < P; p++) sum[r][p] = t.start ? _mm512_maskz_loadu_ps(columns[p], t.start + r * t.start_row + p * kTileColumns) : _mm512_setzero_ps();
  const float *a = t.a, *b = t.b;
  for (int64_t k = 0; k < t.depth; k++, a += t.a_k, b += t.b_k) {
    __m512 row[P];
#pragma GCC unroll 2
    for (int p = 0; p < P; p++) row[p] = _mm512_maskz_loadu_ps(columns[p], b + p * t.b_panel);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      __m512 x = _mm512_set1_ps(a[r * t.a_row]);
#pragma GCC unroll 2
      for (int p = 0; p < P; p++) sum[r][p] = _mm512_fmadd_ps(x, row[p], sum[r][p]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++)
#pragma GCC unroll 2
    for (int p = 0; p < P; p++) _mm512_mask_storeu_ps(t.c + r * t.c_row + p * kTileColumns, columns[p], sum[r][p]);
}

template <int P>
FTA_WIDE inline void tile_rows(const Tile& t, int64_t rows) {
  switch (rows) {
    case 8: return tile_of<P, 8>(t);
    case 7: return tile_of<P, 7>(t);
    case 6: return tile_of<P, 6>(t);
    case 5: return tile_of<P, 5>(t);
    case 4: return tile_of<P, 4>(t);
    case 3: return tile_of<P, 3>(t);
    case 2: return tile_of<P, 2>(t);
    default: return tile_of<P, 1>(t);
  }
}
}  // namespace fta::wide
#endif
