// Attention for narrow heads with AVX-512: 16 query rows side by side in a vector, so that
// neither softmax nor its gradient needs a sum across one, and rotary positions for heads that
// fill no vector. Heads and rows are attend.h's. They need has_products().
#pragma once
#include <cstdint>

namespace fta {
// One sequence's key head with the query heads that share it.
struct NarrowHead {
  int64_t length, groups, head_dim;  // head_dim a multiple of 8
  float scale;
  const int32_t* first;        // [length]: the first key that a row sees; it sees all from there to itself
  const float *q, *k, *v;      // the sequence's first row of the first query head, of the key head
  int64_t width;               // stride of their rows
};

// out and lse begin at the first query head; out's rows are wide apart, lse's heads length.
void narrow_forward(const NarrowHead& h, float* out, int64_t wide, float* lse);
// dq, dk and dv are laid out as q, k and v and are overwritten.
void narrow_backward(const NarrowHead& h, const float* out, const float* dout, int64_t wide, const float* lse, float* dq, float* dk, float* dv);

// Whether narrow_rope turns such heads.
bool narrow_ropes(int64_t head_dim, int64_t half);
// See rope_row in rows.h.
void narrow_rope(float* x, const float* cos, const float* sin, float sign, int64_t heads, int64_t head_dim, int64_t half);
}  // namespace fta
