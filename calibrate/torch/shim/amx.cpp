// Products of fp32 matrices on AMX, whose tiles multiply bf16 and add in fp32. Each number is
// the sum of three of bf16, x = x0 + x1 + x2 exactly, and a product is a0 b2 + a0 b1 + a1 b1 +
// a1 b0 + a2 b0 + a0 b0; what is left out is as small as fp32's own rounding (Henry, Tang and
// Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision
// Computations", arXiv 1904.06376). A tile adds 32 products before it rounds into the sum, so
// that the result is closer than with fp32.
//
// Work goes by units of 32 rows and 32 columns: four tiles of sums, and four that hold what
// is multiplied. Beyond the edges there are zeros. An element meets the same operations in
// the same order whatever part of C, and whatever place in it, it is computed in.
#include "amx.h"
#include <algorithm>
#include "common.h"
#include "tile.h"
#include "wide.h"

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && __GNUC__ >= 11
#define FTA_AMX __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512dq,avx512vl,fma")))
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace fta {
namespace {
using Bf16 = uint16_t;
constexpr int64_t kTile = 16, kUnit = kAmxUnit;
constexpr int64_t kStepDepth = 32;        // of k that one tile multiplies
constexpr int64_t kTileSize = 512;        // bf16
constexpr int64_t kStep = 6 * kTileSize;  // two tiles beside each other, thrice
constexpr int64_t kDepth = 192;           // of k at a time, at most
constexpr int64_t kGroup = 512;           // columns at a time, for the second-level cache

int64_t parts_of(int64_t n, int64_t size) { return (n + size - 1) / size; }

// A factor: its numbers along k and along its lines, which are A's rows or B's columns. A tile
// of A holds 16 lines of 32 of k; one of B holds 16 pairs of k, each of 16 lines. Which two of
// the 32 make a pair is free as long as both factors agree: k and k + 16 do, for then pairs
// are two vectors on top of each other and need no shuffle.
struct Factor {
  const float* p;
  int64_t line, k;  // strides, one of them 1
  int64_t lines, depth;
  bool left;
};

FTA_AMX inline __m512 high(__m512 x) { return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(static_cast<int>(0xffff0000u)))); }

FTA_AMX inline __m512 nearest(__m512 x) { return high(_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000)))); }

// The upper halves of two vectors as pairs.
FTA_AMX inline void put(__m512 x, __m512 y, Bf16* to) { _mm512_storeu_si512(to, _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32(_mm512_castps_si512(x), 16), _mm512_castps_si512(y))); }

// Two vectors become a row each of three tiles. The first part is the nearest bf16, so that the
// others have any sign; what it leaves has 16 bits, whose halves they are.
FTA_AMX inline void in_three(__m512 x, __m512 y, Bf16* to) {
  __m512 x0 = nearest(x), y0 = nearest(y);
  put(x0, y0, to);
  x = _mm512_sub_ps(x, x0);
  y = _mm512_sub_ps(y, y0);
  put(x, y, to + 2 * kTileSize);
  put(_mm512_sub_ps(x, high(x)), _mm512_sub_ps(y, high(y)), to + 4 * kTileSize);
}

// The first n of 16, whatever n is.
__mmask16 first_of(int64_t n) { return static_cast<__mmask16>((1u << std::clamp<int64_t>(n, 0, kTile)) - 1); }

// 16 by 16 numbers, zero beyond rows and columns.
FTA_AMX void square(const float* from, int64_t stride, int64_t rows, int64_t columns, float* to) {
  __mmask16 some = first_of(columns);
  for (int64_t i = 0; i < kTile; i++) _mm512_storeu_ps(to + i * kTile, i < rows ? _mm512_maskz_loadu_ps(some, from + i * stride) : _mm512_setzero_ps());
}

// Where the 16 pairs of vectors that make a tile lie, and what there is of each.
struct Rows {
  const float *first, *second;
  int64_t stride;
  __mmask16 of_first = 0xffff, of_second = 0xffff;
};

struct Turned {
  alignas(64) float at[2][kTile * kTile], edge[kTile * kTile];
};

// A tile's rows, from a line and a place in k on: as they lie, or turned or filled up with zeros.
FTA_AMX Rows rows_at(const Factor& f, int64_t line, int64_t k, Turned& turned) {
  const float* from = f.p + line * f.line + k * f.k;
  bool along_k = f.k == 1, turn = along_k != f.left;
  int64_t stride = along_k ? f.line : f.k, lines = f.lines - line, depth = f.depth - k;
  if (!turn && f.left && lines >= kTile) return {from, from + kTile * f.k, stride, first_of(depth), first_of(depth - kTile)};
  if (!turn && !f.left && depth >= kStepDepth) return {from, from + kTile * f.k, stride, first_of(lines), first_of(lines)};
  for (int64_t i = 0; i < 2; i++, from += kTile * f.k, depth -= kTile) {
    bool whole = lines >= kTile && depth >= kTile;
    if (!whole || !turn) square(from, stride, along_k ? lines : depth, along_k ? depth : lines, turn ? turned.edge : turned.at[i]);
    if (turn) wide::turn16(whole ? from : turned.edge, whole ? stride : kTile, turned.at[i]);
  }
  return {turned.at[0], turned.at[1], kTile};
}

// Tiles of a factor that are to be packed, counted step by step and within a step along the
// lines. They become [unit][step][3][2].
struct Range {
  const Factor* f;
  int64_t line, beside;  // the first line; the tiles of a step
  int64_t from, steps;   // in k
  Bf16* to;
  int64_t tile, end;
};

// Packing goes on tile by tile while others are multiplied, so that the two overlap.
class Packing {
 public:
  void add(const Range& r) {
    if (r.tile < r.end) ranges_[n_++] = r;
  }
  int64_t tiles() const {
    int64_t sum = 0;
    for (int64_t i = 0; i < n_; i++) sum += ranges_[i].end - ranges_[i].tile;
    return sum;
  }
  // One tile; false when there is none.
  FTA_AMX bool advance() {
    if (n_ == 0) return false;
    Range& r = ranges_[n_ - 1];
    int64_t step = r.tile / r.beside, i = r.tile % r.beside;
    Bf16* to = r.to + (i / 2 * r.steps + step) * kStep + i % 2 * kTileSize;
    Rows rows = rows_at(*r.f, r.line + i * kTile, r.from + step * kStepDepth, turned_);
    if (++r.tile == r.end) n_--;
#pragma GCC unroll 4
    for (int64_t j = 0; j < kTile; j++) in_three(_mm512_maskz_loadu_ps(rows.of_first, rows.first + j * rows.stride), _mm512_maskz_loadu_ps(rows.of_second, rows.second + j * rows.stride), to + j * 2 * kTile);
    return true;
  }
  FTA_AMX void finish() {
    while (advance()) {
    }
  }

 private:
  Range ranges_[2];
  int64_t n_ = 0;
  Turned turned_;
};

// 32 rows by 32 columns of C, or what there is of them.
struct Sums {
  float* c;
  int64_t c_row;
  const float* start;
  int64_t start_row;
  int64_t rows, columns;
};

// Where a tile can load or store its numbers.
struct Place {
  float* p;
  int64_t bytes;  // from row to row
};

struct Edges {
  alignas(64) float at[4][kTile * kTile];
};

FTA_AMX inline Place load_place(const Sums& s, int64_t i, int64_t j, float* edge) {
  const float* from = s.start + i * kTile * s.start_row + j * kTile;
  int64_t rows = s.rows - i * kTile, columns = s.columns - j * kTile;
  if (rows >= kTile && columns >= kTile) return {const_cast<float*>(from), 4 * s.start_row};
  square(from, s.start_row, rows, columns, edge);
  return {edge, 4 * kTile};
}

FTA_AMX inline Place store_place(const Sums& s, int64_t i, int64_t j, float* edge) {
  if (s.rows >= (i + 1) * kTile && s.columns >= (j + 1) * kTile) return {s.c + i * kTile * s.c_row + j * kTile, 4 * s.c_row};
  return {edge, 4 * kTile};
}

FTA_AMX void store_edge(const Sums& s, int64_t i, int64_t j, const float* edge) {
  int64_t rows = std::min(kTile, s.rows - i * kTile);
  __mmask16 some = first_of(s.columns - j * kTile);
  for (int64_t r = 0; r < rows; r++) _mm512_mask_storeu_ps(s.c + (i * kTile + r) * s.c_row + j * kTile, some, _mm512_loadu_ps(edge + r * kTile));
}

FTA_AMX inline void zero_sums() {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}

FTA_AMX inline void load_sums(const Sums& s, Edges& edges) {
  if (!s.start) return zero_sums();
  Place p[4];
  for (int64_t i = 0; i < 4; i++) p[i] = load_place(s, i / 2, i % 2, edges.at[i]);
  __asm__ volatile("" ::: "memory");  // a tile's load does not tell the compiler that it reads
  _tile_loadd(0, p[0].p, p[0].bytes);
  _tile_loadd(1, p[1].p, p[1].bytes);
  _tile_loadd(2, p[2].p, p[2].bytes);
  _tile_loadd(3, p[3].p, p[3].bytes);
  __asm__ volatile("" ::: "memory");
}

FTA_AMX inline void store_sums(const Sums& s, Edges& edges) {
  Place p[4];
  for (int64_t i = 0; i < 4; i++) p[i] = store_place(s, i / 2, i % 2, edges.at[i]);
  _tile_stored(0, p[0].p, p[0].bytes);
  _tile_stored(1, p[1].p, p[1].bytes);
  _tile_stored(2, p[2].p, p[2].bytes);
  _tile_stored(3, p[3].p, p[3].bytes);
  for (int64_t i = 0; i < 4; i++)
    if (p[i].p == edges.at[i]) store_edge(s, i / 2, i % 2, edges.at[i]);
}

FTA_AMX inline void load_left(const Bf16* a) {
  _tile_loadd(4, a, 64);
  _tile_loadd(5, a + kTileSize, 64);
}

FTA_AMX inline void load_right(const Bf16* b) {
  _tile_loadd(6, b, 64);
  _tile_loadd(7, b + kTileSize, 64);
}

FTA_AMX inline void multiply() {
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(1, 4, 7);
  _tile_dpbf16ps(2, 5, 6);
  _tile_dpbf16ps(3, 5, 7);
}

// The six products of a step, the largest last, in an order that loads little anew.
FTA_AMX inline void add_step(const Bf16* a, const Bf16* b) {
  constexpr int64_t one = 2 * kTileSize, two = 2 * one;
  load_left(a);
  load_right(b + two);
  multiply();
  load_right(b + one);
  multiply();
  load_left(a + one);
  multiply();
  load_right(b);
  multiply();
  load_left(a + two);
  multiply();
  load_left(a);
  multiply();
}

// The tiles' shape, as the processor reads it.
struct Shape {
  unsigned char palette = 1, start = 0, rest[14] = {};
  uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  unsigned char rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// What is worked on at a time: a group of columns, a part of k.
struct Block {
  int64_t column, columns, from, steps;
};

// Rows and columns of C, block by block and within one by strips of 32 rows. While a strip is
// multiplied the next is packed, and its share of the next block's columns.
class Work {
 public:
  Work(const Factor& a, const Factor& b, const Sums& c)
      : a_(a), b_(b), c_(c), strips_(parts_of(a.lines, kUnit)), chunks_(parts_of(a.depth, kDepth)), blocks_(chunks_ * parts_of(b.lines, kGroup)), steps_(parts_of(parts_of(a.depth, chunks_), kStepDepth)), left_size_(steps_ * kStep), right_size_(parts_of(std::min(b.lines, kGroup), kUnit) * steps_ * kStep), left_(reinterpret_cast<Bf16*>(tile::kept(left_size_ + (blocks_ > 1 ? right_size_ : right_size_ / 2)))), right_(left_ + 2 * left_size_) {}

  FTA_AMX void run() {
    pack_right(0, 0, 1);
    packing_.finish();
    pack_left(0, 0);
    for (int64_t i = 0; i < blocks_; i++)
      for (int64_t strip = 0; strip < strips_; strip++) {
        packing_.finish();
        if (i + 1 < blocks_) pack_right(i + 1, strip, strips_);
        if (strip + 1 < strips_)
          pack_left(i, strip + 1);
        else if (i + 1 < blocks_)
          pack_left(i + 1, 0);
        multiply_strip(i, strip);
      }
  }

 private:
  Block block(int64_t i) const {
    int64_t column = i / chunks_ * kGroup, from = i % chunks_ * steps_ * kStepDepth;
    return {column, std::min(kGroup, b_.lines - column), from, std::min(steps_, parts_of(a_.depth - from, kStepDepth))};
  }
  // Two of each, in turns.
  Bf16* left(int64_t i, int64_t strip) { return left_ + (i * strips_ + strip) % 2 * left_size_; }
  Bf16* right(int64_t i) { return right_ + i % 2 * right_size_; }

  void pack_right(int64_t i, int64_t share, int64_t shares) {
    Block x = block(i);
    int64_t beside = 2 * parts_of(x.columns, kUnit), tiles = beside * x.steps;
    packing_.add({&b_, x.column, beside, x.from, x.steps, right(i), tiles * share / shares, tiles * (share + 1) / shares});
  }
  void pack_left(int64_t i, int64_t strip) {
    Block x = block(i);
    packing_.add({&a_, strip * kUnit, 2, x.from, x.steps, left(i, strip), 0, 2 * x.steps});
  }

  FTA_AMX void multiply_strip(int64_t i, int64_t strip) {
    Block x = block(i);
    Sums s = c_;
    if (x.from > 0) s.start = s.c, s.start_row = s.c_row;
    s.rows = a_.lines - strip * kUnit;
    s.c += strip * kUnit * s.c_row + x.column;
    if (s.start) s.start += strip * kUnit * s.start_row + x.column;
    int64_t due = packing_.tiles(), steps = x.steps * parts_of(x.columns, kUnit), done = 0;
    __asm__ volatile("" ::: "memory");  // a tile's load does not tell the compiler that it reads
    for (int64_t j = 0; j < x.columns; j += kUnit) {
      s.columns = x.columns - j;
      load_sums(s, edges_);
      const Bf16 *a = left(i, strip), *b = right(i) + j / kUnit * x.steps * kStep;
      for (int64_t step = 0; step < x.steps; step++, done++) {
        for (int64_t t = due * done / steps; t < due * (done + 1) / steps; t++) packing_.advance();
        add_step(a + step * kStep, b + step * kStep);
      }
      store_sums(s, edges_);
      s.c += kUnit;
      if (s.start) s.start += kUnit;
    }
  }

  Factor a_, b_;
  Sums c_;
  int64_t strips_, chunks_, blocks_, steps_, left_size_, right_size_;
  Bf16 *left_, *right_;
  Packing packing_;
  Edges edges_;
};
}  // namespace

bool has_amx() {
  static const bool has = [] {
    unsigned a, b, c, d;
    constexpr unsigned bf16 = 1u << 22, tile = 1u << 24;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & bf16) == 0 || (d & tile) == 0) return false;
    constexpr long ask = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, ask, tile_data) == 0;
  }();
  return has && has_products();
}

FTA_AMX void amx_part(const Product& p, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  const float* start = p.start ? p.start + row * p.start_row + column : nullptr;
  Work work({p.a + row * p.a_row, p.a_row, p.a_k, rows, p.k, true}, {p.b + column * p.b_column, p.b_column, p.b_k, columns, p.k, false}, {p.c + row * p.c_row + column, p.c_row, start, p.start_row, 0, 0});
  static constexpr Shape shape;
  _tile_loadconfig(&shape);  // others on this thread may have theirs
  work.run();
  _tile_release();  // or every switch of threads would keep the tiles
}
}  // namespace fta
#else
namespace fta {
bool has_amx() { return false; }
void amx_part(const Product&, int64_t, int64_t, int64_t, int64_t) {}
}  // namespace fta
#endif

namespace fta {
// Measured on one thread of a Sapphire Rapids against the tiles of AVX-512. Packing must serve
// enough products, and a step's 32 of k must not be zeros for the most part.
bool suits_amx(int64_t m, int64_t n, int64_t k) {
  constexpr int64_t multiplications = 1 << 19;
  int64_t padded = (k + 31) / 32 * 32;
  return m >= 64 && n >= 48 && 4 * k >= 3 * padded && m * n * k >= multiplications;
}
}  // namespace fta
