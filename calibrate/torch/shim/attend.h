// Attention for fp32 on a CPU over short rows and narrow heads, where libtorch's blocked
// kernel spends its time on calls: scores of a few query rows at a time stay in the
// first-level cache.
#pragma once
#include <cstdint>

namespace fta {
struct AttendShape {
  int64_t batch, length, heads, kv_heads, head_dim, window;  // head_dim a multiple of 8; window 0: none
  float scale;
  // [batch*length]: a token's place in its document, which sees no token before its first.
  const int64_t* positions;

  int64_t width() const { return (heads + 2 * kv_heads) * head_dim; }
};

// qkv[N,width] -> out[N,heads*head_dim], lse[batch,heads,length] for the way back.
void attend(const AttendShape& s, const float* qkv, float* out, float* lse);
void attend_backward(const AttendShape& s, const float* qkv, const float* out, const float* lse, const float* dout, float* dqkv);
}  // namespace fta
