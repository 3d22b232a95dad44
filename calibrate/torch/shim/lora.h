// LoRA's thin products for fp32 on a CPU: rows are read once for all adapters that share
// them, and the large product adds to what the thin ones left, so that no output is read
// back. Shapes: N rows of K arms, n adapters of rank r on columns of one linear layer.
#pragma once
#include <cstdint>
#include <vector>

namespace fta {
struct LowRank {
  int64_t rows, arms;            // rows of one arm
  int64_t in, out, rank;         // of the layer; of each adapter
  struct Adapter {
    const float *a, *b;          // arm 0's [r,in] and [out,r]
    float *da, *db;              // its gradients, or null
    int64_t arm_a, arm_b, from, out;  // strides from arm to arm; its columns of y
  };
  std::vector<Adapter> adapters;
  std::vector<float> scale;      // of each arm

  int64_t padded() const { return (rank + 7) / 8 * 8; }
  int64_t low_width() const { return padded() * static_cast<int64_t>(adapters.size()); }
};

// low[N,low_width] = x A^T of all adapters; y[N,out] = start (null: 0) + bias (null: 0) + scale low B^T.
void low_rank(const LowRank& l, const float* x, const float* start, const float* bias, float* y, float* low);
// dx[N,in] = what goes through the adapters alone, where not null; gradients are beta times the old plus the new.
void low_rank_backward(const LowRank& l, const float* dy, const float* x, const float* low, float beta, float* dx);
}  // namespace fta
