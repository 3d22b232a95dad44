// See product.h.
#include "product.h"
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <algorithm>
#include "amx.h"
#include "common.h"
#include "tile.h"
#include "wide.h"

namespace fta {
#ifdef FTA_WIDE
namespace {
using wide::kTileColumns;
using wide::kTileRows;
// Of k at a time: two panels of B stay in the first-level cache. No power of two, or what is
// packed side by side would fall into the same few sets of it.
constexpr int64_t kDepth = 208;
constexpr int64_t kBlockRows = 128;  // of A between two panels of B
constexpr int64_t kGroup = 16;       // panels of B packed at a time, for the second-level cache
constexpr int64_t kRowsOfTask = 256, kRowsOfTurned = 16;  // at least
constexpr int64_t kWorthThreads = 1 << 18;  // multiplications

// The depth of k that is at work.
struct Slice {
  const Product& p;
  int64_t from, depth;
};

// A part of C: rows and panels of columns.
struct Part {
  int64_t row, rows, panel, panels;
};

// Rows of A at some depth, as the tiles read them: by tiles of 8 rows.
struct Block {
  const float* a;
  int64_t row, k, tile;  // strides
};

// Panels of B at some depth: packed, one after the other, or as they lie.
struct Panels {
  const float* b;
  int64_t k, panel;  // strides
};

// The tiles of a panel, or of two, over a part's rows.
template <int P>
FTA_WIDE void panel_tiles(const Slice& x, const Part& part, const Panels& b, int64_t panel, const Block& block) {
  const Product& p = x.p;
  int64_t column = panel * kTileColumns, n = std::min(kTileColumns, p.n - column - (P - 1) * kTileColumns);
  const float* start = x.from > 0 ? p.c : p.start;
  int64_t start_row = x.from > 0 ? p.c_row : p.start_row;
  wide::Tile t{block.a, block.row, block.k, b.b + (panel - part.panel) * b.panel, b.k, b.panel, x.depth, p.c + part.row * p.c_row + column, p.c_row, start ? start + part.row * start_row + column : nullptr, start_row, static_cast<__mmask16>((1u << n) - 1)};
  for (int64_t i = 0; i < part.rows; i += kTileRows) {
    wide::tile_rows<P>(t, std::min(kTileRows, part.rows - i));
    t.a += block.tile;
    t.c += kTileRows * t.c_row;
    if (t.start) t.start += kTileRows * start_row;
  }
}

// Packed, or as they lie where one tile's rows are all that reads them.
Panels panels_at(const Slice& x, const Part& part, int64_t first, int64_t last, float* room) {
  const Product& p = x.p;
  int64_t column = first * kTileColumns;
  const float* b = p.b + x.from * p.b_k + column * p.b_column;
  if (part.rows <= kTileRows && p.b_column == 1) return {b, p.b_k, kTileColumns};
  wide::pack_panels(b, p.b_k, p.b_column, std::min(last * kTileColumns, p.n) - column, x.depth, room);
  return {room, kTileColumns, x.depth * kTileColumns};
}

// One task. The order of the loops is that of Goto and van de Geijn (ACM TOMS 34.3, 2008): B's
// panels stay in the second-level cache while A's rows go by.
void part_of(const Product& p, const Part& part) {
  bool turned = p.a_row == 1 && p.a_k != 1;
  int64_t depth = std::min(p.k, kDepth), group = std::min(part.panels, kGroup);
  float *b = tile::kept((group * kTileColumns + (turned ? kBlockRows : 0)) * depth), *a = b + group * kTileColumns * depth;
  for (int64_t from = 0; from < p.k; from += kDepth)
    for (int64_t first = part.panel; first < part.panel + part.panels; first += kGroup) {
      Slice x{p, from, std::min(kDepth, p.k - from)};
      int64_t last = std::min(first + kGroup, part.panel + part.panels);
      Panels panels = panels_at(x, part, first, last, b);
      for (int64_t row = part.row; row < part.row + part.rows; row += kBlockRows) {
        Part rows{row, std::min(kBlockRows, part.row + part.rows - row), first, last - first};
        Block block{p.a + row * p.a_row + from * p.a_k, p.a_row, p.a_k, kTileRows * p.a_row};
        if (turned) {
          wide::pack_rows(block.a, p.a_k, rows.rows, x.depth, a);
          block = {a, 1, kTileRows, x.depth * kTileRows};
        }
        for (int64_t panel = first; panel < last; panel += 2) {
          auto tiles = panel + 1 < last ? panel_tiles<2> : panel_tiles<1>;
          tiles(x, rows, panels, panel, block);
        }
      }
    }
}

// How many tasks share C's rows, and its columns. Each packs its own part of B, which costs the
// less the more rows it serves; rows split more evenly.
void split(const Product& p, int64_t tiles, int64_t panels, int64_t* down, int64_t* across) {
  int64_t threads = p.m * p.n * p.k < kWorthThreads ? 1 : at::get_num_threads();
  int64_t most = p.m / (p.a_row == 1 ? kRowsOfTurned : kRowsOfTask);
  *down = std::min({threads, tiles, std::max<int64_t>(1, most)});
  *across = std::min(threads / *down, panels);
}
}  // namespace

bool has_products() {
  static const bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("fma");
  return has && may_be_wide();
}

void product(const Product& p) {
  bool amx = suits_amx(p.m, p.n, p.k) && has_amx();
  int64_t high = amx ? kAmxUnit : kTileRows, broad = amx ? kAmxUnit : kTileColumns;
  int64_t panels = (p.n + broad - 1) / broad, tiles = (p.m + high - 1) / high, down, across;
  split(p, tiles, panels, &down, &across);
  at::parallel_for(0, down * across, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; task++) {
      int64_t i = task / across, j = task % across;
      int64_t row = tiles * i / down * high, rows = std::min(p.m, tiles * (i + 1) / down * high) - row, panel = panels * j / across, next = panels * (j + 1) / across;
      if (amx)
        amx_part(p, row, rows, panel * broad, std::min(p.n, next * broad) - panel * broad);
      else
        part_of(p, {row, rows, panel, next - panel});
    }
  });
}
#else
bool has_products() { return false; }
void product(const Product&) {}
#endif

namespace {
bool serves(const Tensor& t) { return t.dim() == 2 && t.is_cpu() && t.scalar_type() == at::kFloat && (t.stride(1) == 1 || t.stride(0) == 1); }

bool product_of(const Tensor& out, const Operand& a, const Operand& b, const float* start, int64_t start_row) {
  if (reference() || !has_products() || !serves(a.t) || !serves(b.t) || !serves(out) || out.stride(1) != 1 || out.numel() == 0 || a.t.numel() == 0) return false;
  product(Product{out.size(0), out.size(1), a.t.size(a.column()), a.t.data_ptr<float>(), a.t.stride(a.row()), a.t.stride(a.column()), b.t.data_ptr<float>(), b.t.stride(b.row()), b.t.stride(b.column()), out.data_ptr<float>(), out.stride(0), start, start_row});
  return true;
}

Tensor turned(const Operand& x) { return x.turned ? x.t.t() : x.t; }
}  // namespace

bool product(const Tensor& out, const Operand& a, const Operand& b, double beta) {
  if (!serves(out) || (beta != 0 && beta != 1)) return false;
  return product_of(out, a, b, beta == 0 ? nullptr : out.data_ptr<float>(), out.stride(0));
}

bool product_from(const Tensor& out, const Operand& a, const Operand& b, const Tensor* start) {
  if (!start) return product_of(out, a, b, nullptr, 0);
  return start->is_contiguous() && product_of(out, a, b, start->data_ptr<float>(), start->dim() == 1 ? 0 : start->size(1));
}

void multiply(const Product& p) {
  if (has_products()) return product(p);
  auto view = [](const float* at, int64_t rows, int64_t columns, int64_t row, int64_t column) { return at::from_blob(const_cast<float*>(at), {rows, columns}, {row, column}, at::kFloat); };
  Tensor a = view(p.a, p.m, p.k, p.a_row, p.a_k), b = view(p.b, p.k, p.n, p.b_k, p.b_column), c = view(p.c, p.m, p.n, p.c_row, 1);
  if (p.start)
    at::addmm_out(c, view(p.start, p.m, p.n, p.start_row, 1), a, b);
  else
    at::mm_out(c, a, b);
}

Tensor multiplied(const Operand& a, const Operand& b) {
  if (reference() || !has_products() || !serves(a.t) || !serves(b.t)) return at::mm(turned(a), turned(b));
  Tensor out = at::empty({a.t.size(a.row()), b.t.size(b.column())}, a.t.options());
  return product(out, a, b, 0) ? out : at::mm(turned(a), turned(b));
}
}  // namespace fta
