// Prefetches for kernels that go through rows one after the other, which their callers hold in
// memory the same way: what lies kAhead floats on comes soon. The processor's own prefetching
// stops at every page of 4 KB, and a row's rest is short; SwiGLU of rows that have left the
// second-level cache measured a third faster, its way back nearly twice as fast.
#pragma once
#include <cstdint>
#include "tile.h"

namespace fta {
constexpr int64_t kAhead = 1024;

FTA_INLINE void read_soon(const float* p) { __builtin_prefetch(p + kAhead, 0); }
FTA_INLINE void write_soon(const float* p) { __builtin_prefetch(p + kAhead, 1); }

// Whole rows.
FTA_INLINE void row_read_soon(const float* p, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) read_soon(p + i);
}
FTA_INLINE void row_written_soon(const float* p, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) write_soon(p + i);
}
}  // namespace fta
