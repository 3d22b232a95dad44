// See product.h.
#include "product.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include "common.h"
#include "tile.h"
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define FTA_WIDE __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma")))
#endif

namespace fta {
#ifdef FTA_WIDE
namespace {
constexpr int64_t kTileRows = 8, kTileColumns = 16;
constexpr int64_t kDepth = 384;      // of k at a time: a panel of B stays in the first-level cache
constexpr int64_t kBlockRows = 128;  // of A between two panels of B
constexpr int64_t kGroup = 16;       // panels of B packed at a time, for the second-level cache
constexpr int64_t kRowsOfTask = 256;
constexpr int64_t kWorthThreads = 1 << 18;  // multiplications

// The depth of k that is at work.
struct Slice {
  const Product& p;
  int64_t from, depth;
};

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

// 16 columns of B as [depth,16], zero beyond column n.
FTA_WIDE void pack_panel(const Slice& x, int64_t panel, float* to) {
  const Product& p = x.p;
  int64_t column = panel * kTileColumns, n = std::min(kTileColumns, p.n - column), k = 0;
  const float* b = p.b + x.from * p.b_k + column * p.b_column;
  if (p.b_column == 1) {
    __mmask16 some = static_cast<__mmask16>((1u << n) - 1);
    for (; k < x.depth; k++) _mm512_storeu_ps(to + k * kTileColumns, _mm512_maskz_loadu_ps(some, b + k * p.b_k));
    return;
  }
  if (n == kTileColumns && p.b_k == 1)
    for (; k + 16 <= x.depth; k += 16) turn16(b + k, p.b_column, to + k * kTileColumns);
  for (; k < x.depth; k++)
    for (int64_t j = 0; j < kTileColumns; j++) to[k * kTileColumns + j] = j < n ? b[k * p.b_k + j * p.b_column] : 0.0f;
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

FTA_WIDE void tile_rows(const Tile& t, int64_t rows) {
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

// A part of C: rows and panels of columns.
struct Part {
  int64_t row, rows, panel, panels;
};

// Rows of A at some depth, as the tiles read them: by tiles of 8 rows.
struct Block {
  const float* a;
  int64_t row, k, tile;  // strides
};

// One panel's tiles over a part's rows.
FTA_WIDE void panel_tiles(const Slice& x, const Part& part, const float* packed, int64_t panel, const Block& block) {
  const Product& p = x.p;
  int64_t column = panel * kTileColumns, n = std::min(kTileColumns, p.n - column);
  const float* start = x.from > 0 ? p.c : p.start;
  int64_t start_row = x.from > 0 ? p.c_row : p.start_row;
  Tile t{block.a, block.row, block.k, packed, x.depth, p.c + part.row * p.c_row + column, p.c_row, start ? start + part.row * start_row + column : nullptr, start_row, static_cast<__mmask16>((1u << n) - 1)};
  for (int64_t i = 0; i < part.rows; i += kTileRows) {
    tile_rows(t, std::min(kTileRows, part.rows - i));
    t.a += block.tile;
    t.c += kTileRows * t.c_row;
    if (t.start) t.start += kTileRows * start_row;
  }
}

// Columns of a turned A, eight by eight, as [depth,8] one after the other.
FTA_WIDE void pack_rows(const Slice& x, const Part& part, float* to) {
  const Product& p = x.p;
  for (int64_t i = 0; i < part.rows; i += kTileRows, to += x.depth * kTileRows) {
    const float* a = p.a + x.from * p.a_k + part.row + i;
    __mmask8 some = static_cast<__mmask8>((1u << std::min(kTileRows, part.rows - i)) - 1);
    for (int64_t k = 0; k < x.depth; k++) _mm256_storeu_ps(to + k * kTileRows, _mm256_maskz_loadu_ps(some, a + k * p.a_k));
  }
}

// One task. The order of the loops is that of Goto and van de Geijn (ACM TOMS 34.3, 2008): B's
// panels stay in the second-level cache while A's rows go by.
void part_of(const Product& p, const Part& part) {
  bool turned = p.a_row == 1 && p.a_k != 1;
  int64_t depth = std::min(p.k, kDepth), group = std::min(part.panels, kGroup);
  tile::Floats b(group * kTileColumns * depth), a(turned ? kBlockRows * depth : 0);
  for (int64_t from = 0; from < p.k; from += kDepth)
    for (int64_t first = part.panel; first < part.panel + part.panels; first += kGroup) {
      Slice x{p, from, std::min(kDepth, p.k - from)};
      int64_t last = std::min(first + kGroup, part.panel + part.panels);
      for (int64_t panel = first; panel < last; panel++) pack_panel(x, panel, b.data() + (panel - first) * x.depth * kTileColumns);
      for (int64_t row = part.row; row < part.row + part.rows; row += kBlockRows) {
        Part rows{row, std::min(kBlockRows, part.row + part.rows - row), first, last - first};
        Block block{p.a + row * p.a_row + from * p.a_k, p.a_row, p.a_k, kTileRows * p.a_row};
        if (turned) {
          pack_rows(x, rows, a.data());
          block = {a.data(), 1, kTileRows, x.depth * kTileRows};
        }
        for (int64_t panel = first; panel < last; panel++) panel_tiles(x, rows, b.data() + (panel - first) * x.depth * kTileColumns, panel, block);
      }
    }
}

// How many tasks share C's rows, and its columns. Each packs its own part of B, which costs the
// less the more rows it serves; rows split more evenly.
void split(const Product& p, int64_t tiles, int64_t panels, int64_t* down, int64_t* across) {
  int64_t threads = p.m * p.n * p.k < kWorthThreads ? 1 : at::get_num_threads();
  int64_t most = p.a_row == 1 ? tiles / 2 : p.m / kRowsOfTask;
  *down = std::min(threads, std::max<int64_t>(1, most));
  *across = std::min(threads / *down, panels);
}
}  // namespace

bool has_products() {
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma");
  return has;
}

void product(const Product& p) {
  int64_t panels = (p.n + kTileColumns - 1) / kTileColumns, tiles = (p.m + kTileRows - 1) / kTileRows, down, across;
  split(p, tiles, panels, &down, &across);
  at::parallel_for(0, down * across, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      int64_t i = task / across, j = task % across;
      int64_t row = tiles * i / down * kTileRows, to = std::min(p.m, tiles * (i + 1) / down * kTileRows), panel = panels * j / across;
      part_of(p, {row, to - row, panel, panels * (j + 1) / across - panel});
    }
  });
}
#else
bool has_products() { return false; }
void product(const Product&) {}
#endif

namespace {
bool serves(const Tensor& t) { return t.dim() == 2 && t.is_cpu() && t.scalar_type() == at::kFloat && (t.stride(1) == 1 || t.stride(0) == 1); }

bool product_of(const Tensor& out, const Tensor& a, const Tensor& b, const float* start, int64_t start_row) {
  if (reference() || !has_products() || !serves(a) || !serves(b) || !serves(out) || out.stride(1) != 1 || out.numel() == 0 || a.size(1) == 0) return false;
  product(Product{out.size(0), out.size(1), a.size(1), a.data_ptr<float>(), a.stride(0), a.stride(1), b.data_ptr<float>(), b.stride(0), b.stride(1), out.data_ptr<float>(), out.stride(0), start, start_row});
  return true;
}
}  // namespace

bool product(const Tensor& out, const Tensor& a, const Tensor& b, double beta) {
  if (!serves(out) || (beta != 0 && beta != 1)) return false;
  return product_of(out, a, b, beta == 0 ? nullptr : out.data_ptr<float>(), out.stride(0));
}

bool product_from(const Tensor& out, const Tensor& a, const Tensor& b, const Tensor* start) {
  if (!start) return product_of(out, a, b, nullptr, 0);
  return start->is_contiguous() && product_of(out, a, b, start->data_ptr<float>(), start->dim() == 1 ? 0 : start->size(1));
}

Tensor multiplied(const Tensor& a, const Tensor& b) {
  if (reference() || !has_products() || !serves(a) || !serves(b)) return at::mm(a, b);
  Tensor out = at::empty({a.size(0), b.size(1)}, a.options());
  return product(out, a, b, 0) ? out : at::mm(a, b);
}
}  // namespace fta
