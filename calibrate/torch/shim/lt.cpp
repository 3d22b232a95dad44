// See lt.h. The library's plans are kept: finding one takes longer than a product.
#include "lt.h"
#include <ATen/ATen.h>
#include <dlfcn.h>
#include <array>
#include <map>
#include "common.h"

namespace fta {
namespace {
// The numbers of cublasLt.h and library_types.h that are needed.
enum { kCompute32F = 68, kF32 = 0, kBF16 = 14, kTransA = 3, kTransB = 4, kEpilogue = 7, kBiasPointer = 8, kEpilogueBias = 4, kMaxWorkspace = 1 };

struct Algorithm {
  uint64_t data[8];
};
struct Found {
  Algorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};

struct Api {
  int (*create)(void**);
  int (*make_description)(void**, int, int);
  int (*set)(void*, int, const void*, size_t);
  int (*make_layout)(void**, int, uint64_t, uint64_t, int64_t);
  int (*make_preference)(void**);
  int (*prefer)(void*, int, const void*, size_t);
  int (*find)(void*, void*, void*, void*, void*, void*, void*, int, Found*, int*);
  int (*multiply)(void*, void*, const void*, const void*, void*, const void*, void*, const void*, const void*, void*, void*, void*, const Algorithm*, void*, size_t, void*);
  int (*stream)(int32_t, void**);
  void* handle = nullptr;

  Api() {
    take(create, "cublasLtCreate");
    take(make_description, "cublasLtMatmulDescCreate");
    take(set, "cublasLtMatmulDescSetAttribute");
    take(make_layout, "cublasLtMatrixLayoutCreate");
    take(make_preference, "cublasLtMatmulPreferenceCreate");
    take(prefer, "cublasLtMatmulPreferenceSetAttribute");
    take(find, "cublasLtMatmulAlgoGetHeuristic");
    take(multiply, "cublasLtMatmul");
    take(stream, "aoti_torch_get_current_cuda_stream");
    bool whole = create && make_description && set && make_layout && make_preference && prefer && find && multiply && stream;
    if (!whole || create(&handle)) handle = nullptr;
  }

  template <class F>
  static void take(F& f, const char* name) {
    f = reinterpret_cast<F>(dlsym(RTLD_DEFAULT, name));
  }
};

const Api& api() {
  static const Api* one = new Api();  // for the process's life
  return *one;
}

constexpr size_t kWorkspace = 32 << 20;  // what NVIDIA advises for Hopper

// A row-major matrix as the library sees it: column-major, turned where its rows are not
// what lies together.
struct Side {
  int turned;
  int64_t rows, columns, lead;

  static std::optional<Side> of(const Tensor& t) {
    if (t.stride(1) == 1) return Side{0, t.size(1), t.size(0), t.stride(0)};
    if (t.stride(0) == 1) return Side{1, t.size(0), t.size(1), t.stride(1)};
    return std::nullopt;
  }
};

using Key = std::array<int64_t, 10>;

struct Plan {
  void *description = nullptr, *a = nullptr, *b = nullptr, *c = nullptr, *d = nullptr;
  Found found{};
  bool works = false;
};

// The library multiplies column-major, so out^T = b^T a^T: b comes first.
Plan make_plan(const Side& first, const Side& second, const Side& start, const Side& out, bool bias) {
  Plan p;
  int epilogue = kEpilogueBias, n = 0;
  void* preference = nullptr;
  auto layout = [](void** l, const Side& s) { return api().make_layout(l, kBF16, static_cast<uint64_t>(s.rows), static_cast<uint64_t>(s.columns), s.lead); };
  bool made = !api().make_description(&p.description, kCompute32F, kF32) && !api().set(p.description, kTransA, &first.turned, sizeof(int)) && !api().set(p.description, kTransB, &second.turned, sizeof(int)) &&
              (!bias || !api().set(p.description, kEpilogue, &epilogue, sizeof(int))) &&
              !layout(&p.a, first) && !layout(&p.b, second) && !layout(&p.c, start) && !layout(&p.d, out) && !api().make_preference(&preference) &&
              !api().prefer(preference, kMaxWorkspace, &kWorkspace, sizeof(kWorkspace));
  p.works = made && !api().find(api().handle, p.description, p.a, p.b, p.c, p.d, preference, 1, &p.found, &n) && n == 1;
  return p;
}

bool serves(const Tensor& t) { return t.is_cuda() && t.get_device() == 0 && t.scalar_type() == at::kBFloat16 && t.dim() == 2 && t.numel() > 0 && reinterpret_cast<uintptr_t>(t.const_data_ptr()) % 16 == 0; }
}  // namespace

bool product_onto(Tensor* made, const Tensor& a, const Tensor& b, const Tensor& start, const Tensor* bias, double alpha) {
  if (reference()) return false;
  if (!serves(a) || !serves(b) || !serves(start) || (bias && bias->scalar_type() != at::kBFloat16) || !api().handle) return false;
  Tensor out = at::empty_like(start, at::MemoryFormat::Contiguous);
  auto first = Side::of(b), second = Side::of(a), from = Side::of(start), to = Side::of(out);
  if (!first || !second || !from || !to || from->turned || to->turned) return false;
  static thread_local std::map<Key, Plan> plans;
  Key key{out.size(0), out.size(1), a.size(1), first->turned, second->turned, first->lead, second->lead, from->lead, to->lead, bias != nullptr};
  auto [at, fresh] = plans.try_emplace(key);
  Plan& p = at->second;
  if (fresh) p = make_plan(*first, *second, *from, *to, bias != nullptr);
  if (!p.works) return false;
  void *stream = nullptr, *pointer = bias ? bias->data_ptr() : nullptr;
  if (api().stream(0, &stream) || (bias && api().set(p.description, kBiasPointer, &pointer, sizeof(pointer)))) return false;
  Tensor workspace = at::empty({static_cast<int64_t>(p.found.workspace)}, out.options().dtype(at::kByte));
  float scale = static_cast<float>(alpha), one = 1;
  int status = api().multiply(api().handle, p.description, &scale, b.const_data_ptr(), p.a, a.const_data_ptr(), p.b, &one, start.const_data_ptr(), p.c, out.data_ptr(), p.d, &p.found.algorithm, workspace.data_ptr(), p.found.workspace, stream);
  TORCH_CHECK(status == 0, "cublasLtMatmul failed with ", status);
  *made = out;
  return true;
}
}  // namespace fta
