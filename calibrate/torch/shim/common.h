// Shared by the shim's sources: handles, errors, and when the fused CPU kernels apply.
#pragma once
#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>
#include <algorithm>
#include <optional>
#include <new>
#include <string>
#include "shim.h"

namespace fta {
using at::Tensor;

inline const Tensor& T(fta_tensor t) { return *static_cast<Tensor*>(t); }
inline fta_tensor H(Tensor t) { return new Tensor(std::move(t)); }
inline std::optional<Tensor> opt(fta_tensor t) { return t ? std::optional<Tensor>(T(t)) : std::nullopt; }

int fail(const char* what);       // keeps what, returns 1
int fail_memory(const char* what);  // keeps what, returns 2
bool is_memory(const char* what);
bool reference();
bool may_be_wide();  // whether AVX-512 may be used where there is any

// The fused kernels serve contiguous fp32 on a CPU; everything else takes ATen.
inline bool fused(const Tensor& t) {
  return !reference() && t.is_cpu() && t.scalar_type() == at::kFloat && t.is_contiguous();
}

// Rows of some width that a thread takes at least: with less work it costs more than it saves.
inline int64_t grain(int64_t width) { return std::max<int64_t>(1, 16384 / std::max<int64_t>(1, width)); }

template <class F>
int guard(F&& f) {
  try {
    f();
    return 0;
  } catch (const c10::OutOfMemoryError& e) {
    return fail_memory(e.what_without_backtrace());
  } catch (const c10::Error& e) {
    const char* what = e.what_without_backtrace();
    return is_memory(what) ? fail_memory(what) : fail(what);
  } catch (const std::bad_alloc&) {
    return fail_memory("out of host memory");
  } catch (const std::exception& e) {
    return is_memory(e.what()) ? fail_memory(e.what()) : fail(e.what());
  } catch (...) {
    return fail("an unknown C++ exception");
  }
}
}  // namespace fta
