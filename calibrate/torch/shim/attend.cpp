// See attend.h. A task is one sequence's key head with the query heads that share it, so
// that no two threads add to one gradient. Within it, query rows go kRows at a time over
// all keys that any of them sees; a causal, packed or windowed row sees one range of keys.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-math-errno", "no-trapping-math")
#endif
#include "attend.h"
#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>
#include "fast_exp.h"
#include "narrow.h"
#include "product.h"
#include "rows.h"
#include "tile.h"

namespace fta {
namespace {
constexpr int64_t kRows = 16;

// exp, 0 below the normal range.
FTA_INLINE float exp_or_zero(float x) { return x < -87.0f ? 0.0f : fast_exp(x); }

// What one thread works in. Rows are rounded up to 16 keys, so that no loop has a rest.
struct Room {
  explicit Room(const AttendShape& s)
      : keys((s.length + 15) / 16 * 16), q(kRows * s.head_dim), kt(s.head_dim * keys), vt(s.head_dim * keys), p(kRows * keys), ds(kRows * keys), dk(keys * s.head_dim), dv(keys * s.head_dim) {}
  int64_t keys;
  tile::Floats q, kt, vt, p, ds, dk, dv;
};

// One sequence's key head.
struct Head {
  const AttendShape& s;
  int64_t sequence, kv;
  const float* qkv;  // the sequence's first row

  int64_t groups() const { return s.heads / s.kv_heads; }
  const float* q(int64_t head) const { return qkv + head * s.head_dim; }
  int64_t k_column() const { return (s.heads + kv) * s.head_dim; }
  int64_t v_column() const { return (s.heads + s.kv_heads + kv) * s.head_dim; }
  // The first key that row i sees.
  int64_t first(int64_t i) const {
    int64_t from = std::max<int64_t>(0, i - s.positions[sequence * s.length + i]);
    return s.window > 0 ? std::max(from, i - s.window + 1) : from;
  }
};

// The query rows and keys of one block; from is rounded down, to rounded up to 16 keys.
struct Span {
  int64_t row, rows, from, to;
};

FTA_INLINE Span span_at(const Head& h, int64_t row) {
  int64_t rows = std::min(kRows, h.s.length - row), from = h.first(row);
  for (int64_t i = row + 1; i < row + rows; i++) from = std::min(from, h.first(i));
  return {row, rows, from / 16 * 16, (row + rows + 15) / 16 * 16};
}

// to[d][i] = from[i*stride+d], zero beyond the sequence's end.
FTA_INLINE void turn(const AttendShape& s, const float* from, int64_t stride, float* to, int64_t keys) {
  for (int64_t i = 0; i < s.length; i++)
    for (int64_t d = 0; d < s.head_dim; d++) to[d * keys + i] = from[i * stride + d];
  for (int64_t d = 0; d < s.head_dim; d++) std::fill(to + d * keys + s.length, to + (d + 1) * keys, 0.0f);
}

// scores[r][j] of a block, -inf where row r does not see key j.
FTA_INLINE void scores(const Head& h, const Span& x, int64_t head, Room& room) {
  const AttendShape& s = h.s;
  const float* q = h.q(head) + x.row * s.width();
  for (int64_t r = 0; r < x.rows; r++)
    for (int64_t d = 0; d < s.head_dim; d++) room.q.data()[r * s.head_dim + d] = q[r * s.width() + d] * s.scale;
  float* p = room.p.data() + x.from;
  tile::product<false>({room.q.data(), s.head_dim, 1}, room.kt.data() + x.from, room.keys, p, room.keys, x.rows, x.to - x.from, s.head_dim);
  for (int64_t r = 0; r < x.rows; r++) {
    float* row = room.p.data() + r * room.keys;
    std::fill(row + x.from, row + h.first(x.row + r), -INFINITY);
    std::fill(row + x.row + r + 1, row + x.to, -INFINITY);
  }
}

FTA_INLINE float exp_row(float* p, int64_t n) {
  float top = p[0];
#pragma omp simd reduction(max : top)
  for (int64_t j = 0; j < n; j++) top = p[j] > top ? p[j] : top;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < n; j++) {
    p[j] = exp_or_zero(p[j] - top);
    sum += p[j];
  }
  float by = 1.0f / sum;
#pragma omp simd
  for (int64_t j = 0; j < n; j++) p[j] *= by;
  return top + std::log(sum);
}

FTA_CLONES void forward_head(const Head& h, float* out, float* lse, Room& room) {
  const AttendShape& s = h.s;
  turn(s, h.qkv + h.k_column(), s.width(), room.kt.data(), room.keys);
  const float* v = h.qkv + h.v_column();
  int64_t wide = s.heads * s.head_dim;
  for (int64_t head = h.kv * h.groups(); head < (h.kv + 1) * h.groups(); head++)
    for (int64_t row = 0; row < s.length; row += kRows) {
      Span x = span_at(h, row);
      scores(h, x, head, room);
      for (int64_t r = 0; r < x.rows; r++)
        lse[head * s.length + row + r] = exp_row(room.p.data() + r * room.keys + x.from, x.to - x.from);
      // The last keys of a block may lie beyond the sequence: their weight is zero, their memory not ours.
      int64_t seen = std::min(x.to, row + x.rows) - x.from;
      tile::product<false>({room.p.data() + x.from, room.keys, 1}, v + x.from * s.width(), s.width(), out + row * wide + head * s.head_dim, wide, x.rows, s.head_dim, seen);
    }
}

// p becomes the row's weights again, ds the gradient for its scores times the scale.
FTA_INLINE void gradient_row(float* p, float* ds, float lse, float delta, float scale, int64_t n) {
#pragma omp simd
  for (int64_t j = 0; j < n; j++) {
    float w = exp_or_zero(p[j] - lse);
    p[j] = w;
    ds[j] = w * (ds[j] - delta) * scale;
  }
}

FTA_INLINE float dot(const float* x, const float* y, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; i++) sum += x[i] * y[i];
  return sum;
}

struct Backward {
  const float *out, *lse, *dout;  // of the head's sequence
  float* dqkv;
};

FTA_INLINE void backward_block(const Head& h, const Span& x, int64_t head, const Backward& b, Room& room) {
  const AttendShape& s = h.s;
  int64_t wide = s.heads * s.head_dim, width = s.width(), n = x.to - x.from, seen = std::min(x.to, x.row + x.rows) - x.from;
  const float* dout = b.dout + x.row * wide + head * s.head_dim;
  const float* out = b.out + x.row * wide + head * s.head_dim;
  float *p = room.p.data() + x.from, *ds = room.ds.data() + x.from;
  scores(h, x, head, room);
  tile::product<false>({dout, wide, 1}, room.vt.data() + x.from, room.keys, ds, room.keys, x.rows, n, s.head_dim);
  for (int64_t r = 0; r < x.rows; r++)
    gradient_row(p + r * room.keys, ds + r * room.keys, b.lse[head * s.length + x.row + r], dot(dout + r * wide, out + r * wide, s.head_dim), s.scale, n);
  const float *k = h.qkv + h.k_column() + x.from * width, *q = h.q(head) + x.row * width;
  tile::product<false>({ds, room.keys, 1}, k, width, b.dqkv + x.row * width + head * s.head_dim, width, x.rows, s.head_dim, seen);
  tile::product<true>({ds, 1, room.keys}, q, width, room.dk.data() + x.from * s.head_dim, s.head_dim, n, s.head_dim, x.rows);
  tile::product<true>({p, 1, room.keys}, dout, wide, room.dv.data() + x.from * s.head_dim, s.head_dim, n, s.head_dim, x.rows);
}

FTA_CLONES void backward_head(const Head& h, const Backward& b, Room& room) {
  const AttendShape& s = h.s;
  turn(s, h.qkv + h.k_column(), s.width(), room.kt.data(), room.keys);
  turn(s, h.qkv + h.v_column(), s.width(), room.vt.data(), room.keys);
  room.dk.zero();
  room.dv.zero();
  for (int64_t head = h.kv * h.groups(); head < (h.kv + 1) * h.groups(); head++)
    for (int64_t row = 0; row < s.length; row += kRows) backward_block(h, span_at(h, row), head, b, room);
  for (int64_t i = 0; i < s.length; i++) {
    std::copy_n(room.dk.data() + i * s.head_dim, s.head_dim, b.dqkv + i * s.width() + h.k_column());
    std::copy_n(room.dv.data() + i * s.head_dim, s.head_dim, b.dqkv + i * s.width() + h.v_column());
  }
}

// The same head as narrow.h takes it.
NarrowHead narrow_of(const Head& h, std::vector<int32_t>& first) {
  const AttendShape& s = h.s;
  first.resize(static_cast<size_t>(s.length));
  for (int64_t i = 0; i < s.length; i++) first[static_cast<size_t>(i)] = static_cast<int32_t>(h.first(i));
  return {s.length, h.groups(), s.head_dim, s.scale, first.data(), h.q(h.kv * h.groups()), h.qkv + h.k_column(), h.qkv + h.v_column(), s.width()};
}

// A room is there where narrow.h cannot serve.
void head_forward(const Head& h, float* out, float* lse, Room* room) {
  if (room) return forward_head(h, out, lse, *room);
  const AttendShape& s = h.s;
  std::vector<int32_t> first;
  int64_t head = h.kv * h.groups();
  narrow_forward(narrow_of(h, first), out + head * s.head_dim, s.heads * s.head_dim, lse + head * s.length);
}

void head_backward(const Head& h, const Backward& b, Room* room) {
  if (room) return backward_head(h, b, *room);
  const AttendShape& s = h.s;
  std::vector<int32_t> first;
  int64_t head = h.kv * h.groups(), column = head * s.head_dim;
  narrow_backward(narrow_of(h, first), b.out + column, b.dout + column, s.heads * s.head_dim, b.lse + head * s.length, b.dqkv + column, b.dqkv + h.k_column(), b.dqkv + h.v_column());
}

template <class F>
void over_heads(const AttendShape& s, const float* qkv, const F& body) {
  at::parallel_for(0, s.batch * s.kv_heads, 1, [&](int64_t from, int64_t to) {
    std::optional<Room> room;
    if (!has_products()) room.emplace(s);
    for (int64_t task = from; task < to; task++) {
      int64_t sequence = task / s.kv_heads;
      body(Head{s, sequence, task % s.kv_heads, qkv + sequence * s.length * s.width()}, room ? &*room : nullptr);
    }
  });
}
}  // namespace

void attend(const AttendShape& s, const float* qkv, float* out, float* lse) {
  over_heads(s, qkv, [&](const Head& h, Room* room) {
    head_forward(h, out + h.sequence * s.length * s.heads * s.head_dim, lse + h.sequence * s.heads * s.length, room);
  });
}

void attend_backward(const AttendShape& s, const float* qkv, const float* out, const float* lse, const float* dout, float* dqkv) {
  over_heads(s, qkv, [&](const Head& h, Room* room) {
    int64_t at = h.sequence * s.length * s.heads * s.head_dim;
    head_backward(h, {out + at, lse + h.sequence * s.heads * s.length, dout + at, dqkv + h.sequence * s.length * s.width()}, room);
  });
}
}  // namespace fta
