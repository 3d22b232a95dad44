// Lets gotch v0.9.1, whose C++ glue was generated for libtorch 2.1, compile
// against libtorch 2.8 to 2.15. The compiler reads it first, by -include.
//
// The glue names functions that later releases changed or removed. Each one gets
// an overload here with the old parameters that raises an error when called, so
// the glue compiles and a caller learns by name what is gone. Nothing in this
// project calls them.
//
// Only gotch's own sources need this, and reading all of <torch/torch.h> takes many
// seconds, so the header stays empty elsewhere: only gotch's include path holds
// torch_api_generated.h.
#pragma once
#if defined(__cplusplus) && __has_include("torch_api_generated.h")

#include <optional>
#include <tuple>
#include <vector>

#include <torch/torch.h>
#include <torch/version.h>

#define FTADVISE_TORCH_AT_LEAST(minor) \
  (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= (minor)))

#define FTADVISE_REMOVED(name) TORCH_CHECK(false, name ": not offered by this libtorch through gotch")

namespace at {

// Changed in 2.5: more parameters follow.
inline Tensor _cslt_sparse_mm(const Tensor&, const Tensor&, const Tensor&, bool) {
  FTADVISE_REMOVED("_cslt_sparse_mm");
}

// Changed in 2.5: scales became mandatory, the second result went away.
inline std::tuple<Tensor, Tensor> _scaled_mm(
    const Tensor&, const Tensor&, const Tensor&, std::optional<ScalarType>,
    const Tensor&, const Tensor&, const Tensor&) {
  FTADVISE_REMOVED("_scaled_mm");
}

inline std::tuple<Tensor, Tensor> _scaled_mm_out(
    Tensor&, Tensor&, const Tensor&, const Tensor&, const Tensor&,
    std::optional<ScalarType>, const Tensor&, const Tensor&, const Tensor&) {
  FTADVISE_REMOVED("_scaled_mm_out");
}

} // namespace at

#if FTADVISE_TORCH_AT_LEAST(13)
// Aligning by dimension name left with 2.13. align_as is a method, which no overload
// can add back; alias() takes its place in the glue's text so that it still parses.
#define align_as(other) alias()
namespace torch {
inline std::vector<at::Tensor> align_tensors(const std::vector<at::Tensor>&) {
  FTADVISE_REMOVED("align_tensors");
}
} // namespace torch
#endif

#if FTADVISE_TORCH_AT_LEAST(14)
// Replaced by torch.linalg and removed in 2.14.
namespace torch {
inline at::Tensor cholesky(const at::Tensor&, bool) {
  FTADVISE_REMOVED("cholesky");
}
inline at::Tensor cholesky_out(at::Tensor&, const at::Tensor&, bool) {
  FTADVISE_REMOVED("cholesky_out");
}
inline std::tuple<at::Tensor, at::Tensor> qr(const at::Tensor&, bool) {
  FTADVISE_REMOVED("qr");
}
inline std::tuple<at::Tensor, at::Tensor> qr_out(
    at::Tensor&, at::Tensor&, const at::Tensor&, bool) {
  FTADVISE_REMOVED("qr_out");
}
} // namespace torch
#endif

#undef FTADVISE_REMOVED
#undef FTADVISE_TORCH_AT_LEAST
#endif
