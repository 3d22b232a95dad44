// DoRA's norms and magnitudes: what its decomposition asks of a tensor library.
#include <ATen/ATen.h>
#include "common.h"

using namespace fta;

extern "C" {

int fta_row_squares(fta_tensor w, fta_tensor out) {
  return guard([&] { T(out).copy_(at::linalg_vector_norm(T(w), 2, at::IntArrayRef{-1}, false, at::kFloat).square_()); });
}

// Rounding may leave the square of a vanishing row below zero.
int fta_adapted_norm(fta_tensor squares, fta_tensor t, fta_tensor b, fta_tensor out) {
  return guard([&] { T(out).copy_(at::sum(T(t) * T(b), {-1}).add_(T(squares)).clamp_min_(1e-30).sqrt_()); });
}

int fta_divide(fta_tensor out, fta_tensor x, fta_tensor y) {
  return guard([&] { T(out).copy_(T(x) / T(y)); });
}

int fta_mul_columns(fta_tensor t, fta_tensor by) {
  return guard([&] { T(t).mul_(T(by).unsqueeze(-2)); });
}

int fta_column_dots(fta_tensor out, fta_tensor x, fta_tensor y, fta_tensor over, double beta) {
  return guard([&] {
    Tensor sum = at::sum(T(x) * T(y), {-2}, false, at::kFloat).div_(T(over));
    if (beta == 0)
      T(out).copy_(sum);
    else
      T(out).add_(sum);
  });
}
}
