// Matrix products for fp32 on a CPU with AVX-512: C[m,n] = start + A B in tiles of 8 rows
// and 16 or 32 columns that live in registers, B packed so that a tile reads it in one stream.
// Every element is summed in the order of k, whatever the threads and the rows beside it.
// On a Zen 4 it measured a tenth to a fifth faster than libtorch's sgemm, on two threads too.
// Shapes that suit it go to AMX where there is (amx.h), in an order of k as fixed.
#pragma once
#include <ATen/core/Tensor.h>
#include <cstdint>

namespace fta {
struct Product {
  int64_t m, n, k;
  const float* a;
  int64_t a_row, a_k;  // strides, one of them 1
  const float* b;
  int64_t b_k, b_column;  // likewise
  float* c;
  int64_t c_row;
  // What the sums start from: null is 0; a stride of 0 is one row for all.
  const float* start = nullptr;
  int64_t start_row = 0;
};

bool has_products();  // whether this processor has what product needs
void product(const Product& p);
void multiply(const Product& p);  // by product, or by libtorch where the processor has none

// A factor, turned where so said: a view of it would take as long as a small product.
struct Operand {
  Operand(const at::Tensor& x, bool is_turned = false) : t(x), turned(is_turned) {}
  const at::Tensor& t;
  bool turned;
  int row() const { return turned ? 1 : 0; }  // t's dimension of rows, and of columns
  int column() const { return turned ? 0 : 1; }
};

// The same on matrices; false where the tiles do not serve them and nothing was done.
// out = out * beta + a b
bool product(const at::Tensor& out, const Operand& a, const Operand& b, double beta);
// out = start + a b; start is null, a row for all or as large as out
bool product_from(const at::Tensor& out, const Operand& a, const Operand& b, const at::Tensor* start);
// a b by whatever serves
at::Tensor multiplied(const Operand& a, const Operand& b);
// x w^T + bias + residual by whatever serves; bias and residual may be null
at::Tensor linear(const at::Tensor& x, const at::Tensor& w, const at::Tensor* bias, const at::Tensor* residual);
}  // namespace fta
