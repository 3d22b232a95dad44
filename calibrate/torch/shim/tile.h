// Small matrix products on a CPU, where a library's call costs more than its sums:
// C[m][n] += A(m,k) B[k][n] over tiles that live in registers. B and C are rows of
// consecutive floats, A is read by any two strides, so that a transposed A costs nothing.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#define FTA_INLINE inline __attribute__((always_inline))

namespace fta::tile {
// Vectors that may lie anywhere: as a bare template argument one would lose that.
struct V4 {
  typedef float at __attribute__((vector_size(16), aligned(4), may_alias));
};
struct V8 {
  typedef float at __attribute__((vector_size(32), aligned(4), may_alias));
};
struct V16 {
  typedef float at __attribute__((vector_size(64), aligned(4), may_alias));
};

// Memory that begins at a cache line, as wide loads like it.
class Floats {
 public:
  explicit Floats(int64_t n) : n_(n), p_(static_cast<float*>(::operator new[](static_cast<size_t>(n) * sizeof(float), std::align_val_t(64)))) {}
  ~Floats() { ::operator delete[](p_, std::align_val_t(64)); }
  Floats(const Floats&) = delete;
  Floats& operator=(const Floats&) = delete;
  float* data() { return p_; }
  void zero() { std::fill_n(p_, n_, 0.0f); }

 private:
  int64_t n_;
  float* p_;
};

// Memory that a thread keeps for its next call, which may come at once: freed, it could go back
// to the system and would have to be asked for again, page by page. Valid until the next kept().
inline float* kept(int64_t n) {
  static thread_local std::unique_ptr<Floats> room;
  static thread_local int64_t size = 0;
  if (n > size) {
    size = 0;
    room.reset();
    room = std::make_unique<Floats>(n);
    size = n;
  }
  return room->data();
}

struct A {
  const float* p;
  int64_t row, k;  // strides
};

// One tile of R rows and V columns.
template <int R, class V, bool Add>
FTA_INLINE void one(const A& a, const float* b, int64_t ldb, float* c, int64_t ldc, int64_t depth) {
  using At = typename V::at;
  At sum[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) sum[r] = Add ? *reinterpret_cast<const At*>(c + r * ldc) : At{};
  const float* p = a.p;
  for (int64_t k = 0; k < depth; k++, p += a.k, b += ldb) {
    At row = *reinterpret_cast<const At*>(b);
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) sum[r] += row * p[r * a.row];
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) *reinterpret_cast<At*>(c + r * ldc) = sum[r];
}

template <class V, bool Add>
FTA_INLINE void column(const A& a, const float* b, int64_t ldb, float* c, int64_t ldc, int64_t m, int64_t depth) {
  int64_t i = 0;
  for (; i + 8 <= m; i += 8) one<8, V, Add>({a.p + i * a.row, a.row, a.k}, b, ldb, c + i * ldc, ldc, depth);
  for (; i + 4 <= m; i += 4) one<4, V, Add>({a.p + i * a.row, a.row, a.k}, b, ldb, c + i * ldc, ldc, depth);
  for (; i < m; i++) one<1, V, Add>({a.p + i * a.row, a.row, a.k}, b, ldb, c + i * ldc, ldc, depth);
}

// n is a multiple of 4.
template <bool Add>
FTA_INLINE void product(const A& a, const float* b, int64_t ldb, float* c, int64_t ldc, int64_t m, int64_t n, int64_t depth) {
  int64_t j = 0;
  for (; j + 16 <= n; j += 16) column<V16, Add>(a, b + j, ldb, c + j, ldc, m, depth);
  for (; j + 8 <= n; j += 8) column<V8, Add>(a, b + j, ldb, c + j, ldc, m, depth);
  for (; j < n; j += 4) column<V4, Add>(a, b + j, ldb, c + j, ldc, m, depth);
}
}  // namespace fta::tile
