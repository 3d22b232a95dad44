#include "kernels.h"
#include <ATen/ATen.h>
#include <dlfcn.h>
#include <algorithm>
#include <cstdlib>
#include <vector>
#include "kernels_cuda.h"

namespace fta::kernels {
namespace {
using Function = void*;

// The few entry points of NVRTC and the driver, found at run time.
struct Api {
  int (*create)(void**, const char*, const char*, int, const char* const*, const char* const*);
  int (*compile)(void*, int, const char* const*);
  int (*size)(void*, size_t*);
  int (*get)(void*, char*);
  int (*load)(void**, const void*);
  int (*function)(Function*, void*, const char*);
  int (*launch)(Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**);
  int (*stream)(int32_t, void**);

  bool open() {
    void *nvrtc = open_nvrtc(), *driver = dlopen("libcuda.so.1", RTLD_NOW);
    if (!nvrtc || !driver) return false;
    find(create, nvrtc, "nvrtcCreateProgram");
    find(compile, nvrtc, "nvrtcCompileProgram");
    find(size, nvrtc, "nvrtcGetCUBINSize");
    find(get, nvrtc, "nvrtcGetCUBIN");
    find(load, driver, "cuModuleLoadData");
    find(function, driver, "cuModuleGetFunction");
    find(launch, driver, "cuLaunchKernel");
    find(stream, RTLD_DEFAULT, "aoti_torch_get_current_cuda_stream");
    return create && compile && size && get && load && function && launch && stream;
  }

  template <class F>
  static void find(F& f, void* library, const char* name) {
    f = reinterpret_cast<F>(dlsym(library, name));
  }

  // NVRTC lies beside the other NVIDIA wheels, where only libtorch's own libraries look.
  static void* open_nvrtc() {
    for (const char* name : {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"})
      if (void* h = dlopen(name, RTLD_NOW)) return h;
    Dl_info info;
    void* inside = dlsym(RTLD_DEFAULT, "aoti_torch_get_current_cuda_stream");
    if (!inside || !dladdr(inside, &info)) return nullptr;
    std::string lib(info.dli_fname);
    lib.resize(lib.rfind('/'));
    for (const char* tail : {"/../../nvidia/cu13/lib/libnvrtc.so.13", "/../../nvidia/cuda_nvrtc/lib/libnvrtc.so.12"})
      if (void* h = dlopen((lib + tail).c_str(), RTLD_NOW)) return h;
    return nullptr;
  }
};

constexpr int kNormParts[] = {1, 2, 3, 4};  // columns of a lane, in eights; wider rows take a block

struct Module {
  Api api{};
  Function ce{}, norm[5]{}, bias{}, norm_back{}, layer_back{}, sum[2]{}, turn{}, gate{}, gate_back{}, low{}, low_sum{}, adam[4]{};
  bool ready = false;

  Module() { ready = !std::getenv("FTADVISE_NO_KERNELS") && api.open() && build(); }

  bool build() {
    std::string arch = std::string("--gpu-architecture=sm_") + fta_capability(0);
    arch.erase(std::remove(arch.begin(), arch.end(), '.'), arch.end());
    const char* options[] = {arch.c_str(), "--use_fast_math"};
    void *program = nullptr, *module = nullptr;
    size_t bytes = 0;
    if (api.create(&program, kSource, "ftadvise.cu", 0, nullptr, nullptr) || api.compile(program, 2, options) || api.size(program, &bytes)) return false;
    std::vector<char> cubin(bytes);
    if (api.get(program, cubin.data()) || api.load(&module, cubin.data())) return false;
    return take(ce, module, "cross_entropy") && take_norms(module) && take(bias, module, "add_bias") && take(sum[0], module, "fold_f32") && take(sum[1], module, "fold_bf16") && take(norm_back, module, "rms_norm_backward") && take(layer_back, module, "layer_norm_backward") &&
           take(turn, module, "rope") && take(gate, module, "gated") && take(gate_back, module, "gated_backward") && take(low, module, "low_gradients") && take(low_sum, module, "fold_low") &&
           take(adam[0], module, "adamw_f32") && take(adam[1], module, "adamw_f32_any") && take(adam[2], module, "adamw_bf16") && take(adam[3], module, "adamw_bf16_any");
  }
  bool take_norms(void* module) {
    for (int i = 0; i < 4; i++)
      if (!take(norm[i], module, ("norm_" + std::to_string(kNormParts[i])).c_str())) return false;
    return take(norm[4], module, "norm_wide");
  }
  bool take(Function& f, void* module, const char* name) { return api.function(&f, module, name) == 0; }

  void launch(Function f, int64_t grid, int block, std::initializer_list<void*> arguments, int64_t layers = 1, unsigned depth = 1) const {
    std::vector<void*> list(arguments);
    void* stream = nullptr;
    TORCH_CHECK(api.stream(0, &stream) == 0, "no CUDA stream");
    int status = api.launch(f, static_cast<unsigned>(grid), static_cast<unsigned>(layers), 1, static_cast<unsigned>(block), depth, 1, 0, stream, list.data(), nullptr);
    TORCH_CHECK(status == 0, "kernel launch failed with ", status);
  }
};

// Made on first use, when a context exists; for the process's life.
const Module& module() {
  static const Module* one = new Module();
  return *one;
}

// The kernels serve contiguous bf16 on the first GPU.
bool serves(const Tensor& t) {
  return !reference() && t.is_cuda() && t.get_device() == 0 && t.scalar_type() == at::kBFloat16 && t.numel() > 0 && module().ready;
}

// Norms read eight columns at a time.
bool serves_rows(const Tensor& x, const Tensor& w) {
  return serves(x) && x.is_contiguous() && w.scalar_type() == at::kBFloat16 && x.size(1) % 8 == 0 && x.size(1) <= 8192;
}
int row_threads(int width) { return (width / 8 + 31) / 32 * 32; }
int64_t processors() {
  static const int64_t known = [] {
    auto attribute = reinterpret_cast<int (*)(int*, int, int)>(dlsym(RTLD_DEFAULT, "cudaDeviceGetAttribute"));
    int n = 0;
    return attribute && attribute(&n, 16, 0) == 0 && n > 0 ? n : 100;  // cudaDevAttrMultiProcessorCount
  }();
  return known;
}
// About as many blocks as the device runs at once, each of which adds to the sums over rows.
int64_t row_blocks(int64_t rows, int threads) { return std::min<int64_t>(rows, processors() * (1024 / threads)); }

struct Pointer {
  void* p;
  explicit Pointer(const Tensor& t) : p(const_cast<void*>(t.const_data_ptr())) {}
  void* operator&() { return &p; }
};
}  // namespace

bool cross_entropy(const Tensor& logits, const Tensor& labels, const Tensor& weights, bool grad, const Tensor& loss, const Tensor& hit) {
  int64_t ld = logits.stride(0);
  if (!serves(logits) || logits.stride(1) != 1 || ld % 8) return false;
  Pointer a(logits), b(labels), c(weights), d(loss), e(hit);
  long long lead = ld;
  int v = static_cast<int>(logits.size(1)), g = grad;
  module().launch(module().ce, logits.size(0), 512, {&a, &lead, &b, &c, &d, &e, &v, &g});
  return true;
}

namespace {
// mean and b are null for an RMS norm.
bool norm(const Tensor& x, const Tensor& w, const Tensor* b, double eps, double offset, Tensor* y, Tensor* mean, Tensor* rstd) {
  int rows = static_cast<int>(x.size(0)), width = static_cast<int>(x.size(1)), parts = (width + 255) / 256, size = 0;
  if (!serves_rows(x, w)) return false;
  while (size < 4 && kNormParts[size] < parts) size++;
  auto sums = x.options().dtype(at::kFloat);
  *y = at::empty_like(x);
  *rstd = at::empty({rows}, sums);
  if (b) *mean = at::empty({rows}, sums);
  Pointer px(x), pw(w), py(*y), pr(*rstd);
  void *pb = b ? const_cast<void*>(b->const_data_ptr()) : nullptr, *pm = b ? mean->data_ptr() : nullptr;
  float e = static_cast<float>(eps), o = static_cast<float>(offset);
  module().launch(module().norm[size], size < 4 ? (rows + 7) / 8 : rows, size < 4 ? 256 : row_threads(width), {&px, &pw, &pb, &py, &pm, &pr, &rows, &width, &e, &o});
  return true;
}

// Adds up what a norm's blocks left of its weights' gradients, second null but for a bias's.
void fold(const Tensor& parts, const Tensor& first, const Tensor* second) {
  int blocks = static_cast<int>(parts.size(0)), width = static_cast<int>(parts[0].numel()), split = static_cast<int>(first.numel());
  Pointer p(parts), a(first), b(second ? *second : first);
  bool wide = first.scalar_type() == at::kFloat;
  module().launch(module().sum[wide ? 0 : 1], (width + 31) / 32, 32, {&p, &a, &b, &blocks, &width, &split}, 1, 32);
}
}  // namespace

bool rms_norm(const Tensor& x, const Tensor& w, double eps, double offset, Tensor* y, Tensor* rstd) {
  return norm(x, w, nullptr, eps, offset, y, nullptr, rstd);
}

bool layer_norm(const Tensor& x, const Tensor& w, const Tensor& b, double eps, Tensor* y, Tensor* mean, Tensor* rstd) {
  return norm(x, w, &b, eps, 0, y, mean, rstd);
}

bool add_bias(const Tensor& x, const Tensor& b, Tensor* y) {
  if (!serves_rows(x, b) || !b.is_contiguous()) return false;
  *y = at::empty_like(x);
  Pointer px(x), pb(b), py(*y);
  long long n = x.numel();
  int width = static_cast<int>(x.size(1));
  module().launch(module().bias, std::min<int64_t>((n / 8 + 255) / 256, processors() * 16), 256, {&px, &pb, &py, &n, &width});
  return true;
}

bool rms_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& w, double offset, const Tensor& rstd, const Tensor* residual, const Tensor* dw, Tensor* dx) {
  if (!serves_rows(x, w) || !dy.is_contiguous()) return false;
  *dx = at::empty_like(x);
  int rows = static_cast<int>(x.size(0)), width = static_cast<int>(x.size(1)), threads = row_threads(width);
  Tensor parts = dw ? at::empty({row_blocks(rows, threads), width}, x.options().dtype(at::kFloat)) : Tensor();
  Pointer a(dy), b(x), c(w), d(rstd), f(*dx);
  void* res = residual ? const_cast<void*>(residual->const_data_ptr()) : nullptr;
  void* sum = dw ? parts.data_ptr() : nullptr;
  float o = static_cast<float>(offset);
  module().launch(module().norm_back, row_blocks(rows, threads), threads, {&a, &b, &c, &d, &res, &f, &sum, &rows, &width, &o});
  if (dw) fold(parts, *dw, nullptr);
  return true;
}

bool layer_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& w, const Tensor& mean, const Tensor& rstd, const Tensor* residual, const Tensor* dw, const Tensor* db, Tensor* dx) {
  if (!serves_rows(x, w) || !dy.is_contiguous() || mean.scalar_type() != at::kFloat) return false;
  *dx = at::empty_like(x);
  int rows = static_cast<int>(x.size(0)), width = static_cast<int>(x.size(1)), threads = row_threads(width);
  Tensor parts = dw ? at::empty({row_blocks(rows, threads), 2, width}, x.options().dtype(at::kFloat)) : Tensor();
  Pointer a(dy), b(x), c(w), d(mean), e(rstd), f(*dx);
  void* res = residual ? const_cast<void*>(residual->const_data_ptr()) : nullptr;
  void* sum = dw ? parts.data_ptr() : nullptr;
  module().launch(module().layer_back, row_blocks(rows, threads), threads, {&a, &b, &c, &d, &e, &res, &f, &sum, &rows, &width});
  if (dw) fold(parts, *dw, db);
  return true;
}

bool adamw(const Tensor& p, const Tensor& g, const Tensor& m, const Tensor& v, const Tensor* work, const Tensor& norms, const Tensor& scalars, int64_t matrices, double limit, double beta1, double beta2, double eps) {
  if (reference() || !p.is_cuda() || p.get_device() != 0 || !module().ready) return false;
  bool wide = p.scalar_type() == at::kFloat;
  if ((!wide && p.scalar_type() != at::kBFloat16) || g.scalar_type() != p.scalar_type() || (work && work->scalar_type() != at::kBFloat16)) return false;
  long long elements = p.size(1), first = matrices;
  int group = wide ? 4 : 8;
  bool whole = elements % group == 0 && first % group == 0;
  Pointer a(p), b(g), c(m), d(v), n(norms), s(scalars);
  void* out = work ? work->data_ptr() : nullptr;
  float most = static_cast<float>(limit), b1 = static_cast<float>(beta1), b2 = static_cast<float>(beta2), e = static_cast<float>(eps);
  int64_t threads = whole ? elements / group : elements;
  module().launch(module().adam[(wide ? 0 : 2) + (whole ? 0 : 1)], std::min<int64_t>((threads + 255) / 256, processors() * 16), 256, {&a, &b, &c, &d, &out, &n, &s, &elements, &first, &most, &b1, &b2, &e}, p.size(0));
  return true;
}

namespace {
// As kernels_cuda.h has them.
struct Site {
  const void* b;
  void* grad;
  int from, out, first, block, blocks, low;
};
struct Sites {
  Site site[3];
  void* operator&() { return this; }
};
constexpr int kLowColumns = 512, kLowRanks = 16;

bool fits(const LowSite& l, int64_t rank) {
  return l.b.scalar_type() == at::kBFloat16 && l.b.is_contiguous() && l.grad.scalar_type() == at::kFloat && l.grad.is_contiguous() && l.b.size(1) == rank && l.b.size(0) % 64 == 0 && l.from % 8 == 0;
}
}  // namespace

bool low_gradients(const Tensor& dy, const Tensor& low, const std::vector<LowSite>& list, double scale, double beta, Tensor* dlow) {
  int64_t n = dy.size(0), rank = list.empty() ? 0 : list[0].b.size(1);
  if (!serves(dy) || !serves(low) || !dy.is_contiguous() || !low.is_contiguous() || list.size() > 3 || rank < 2 || rank > kLowRanks || rank % 2 || n % 16 || dy.size(1) % 8) return false;
  Sites sites{};
  int columns = 0, blocks = 0, count = 0, rows = static_cast<int>(n), r = static_cast<int>(rank);
  for (const LowSite& l : list) {
    if (!fits(l, rank)) return false;
    int out = static_cast<int>(l.b.size(0)), here = (out + kLowColumns - 1) / kLowColumns;
    sites.site[count] = {l.b.const_data_ptr(), l.grad.data_ptr(), static_cast<int>(l.from), out, columns, blocks, here, count * r};
    columns += out;
    blocks += here;
    count++;
  }
  // About two blocks a processor, each with rows enough to be worth its sums.
  int64_t wanted = std::max<int64_t>(1, 2 * processors() / blocks);
  int chunk = static_cast<int>(std::max<int64_t>(128, ((n + wanted - 1) / wanted + 15) / 16 * 16)), chunks = (rows + chunk - 1) / chunk;
  auto sums = dy.options().dtype(at::kFloat);
  Tensor dl = at::empty({blocks, n, kLowRanks}, sums), db = at::empty({chunks, columns, kLowRanks}, sums);
  *dlow = at::empty_like(low);
  Pointer a(dy), b(low), d(dl), e(db), f(*dlow);
  long long ld = dy.size(1);
  int width = static_cast<int>(low.size(1));
  module().launch(module().low, blocks, 256, {&a, &ld, &b, &width, &rows, &chunk, &r, &sites, &columns, &d, &e}, chunks);
  float s = static_cast<float>(scale), old = static_cast<float>(beta);
  module().launch(module().low_sum, (4 * (int64_t{count} * rows + columns) + 255) / 256, 256, {&d, &e, &f, &width, &rows, &chunks, &r, &sites, &count, &columns, &s, &old});
  return true;
}

bool rope(const Tensor& t, int64_t column, int64_t heads, int64_t head_dim, int64_t half, const Tensor& cos, const Tensor& sin, const Tensor& positions, int sign) {
  if (!serves(t) || !t.is_contiguous()) return false;
  Pointer a(t), b(cos), c(sin), d(positions);
  long long width = t.size(1), first = column;
  int h = static_cast<int>(heads), hd = static_cast<int>(head_dim), hf = static_cast<int>(half);
  float s = static_cast<float>(sign);
  module().launch(module().turn, t.size(0), 256, {&a, &width, &first, &h, &hd, &hf, &b, &c, &d, &s});
  return true;
}

bool gated(const Tensor& x, int kind, Tensor* y) {
  int64_t f = x.size(1) / 2;
  if (!serves(x) || !x.is_contiguous() || f % 8 || kind > FTA_GELU) return false;
  *y = at::empty({x.size(0), f}, x.options());
  Pointer a(x), b(*y);
  int width = static_cast<int>(f);
  module().launch(module().gate, x.size(0), 256, {&a, &b, &width, &kind});
  return true;
}

bool gated_backward(const Tensor& dy, const Tensor& x, int kind, bool again, Tensor* dx) {
  int64_t f = x.size(1) / 2;
  if (!serves(x) || !x.is_contiguous() || !dy.is_contiguous() || f % 8 || kind > FTA_GELU) return false;
  *dx = at::empty_like(x);
  Pointer a(dy), b(x), c(*dx);
  int width = static_cast<int>(f), more = again;
  module().launch(module().gate_back, x.size(0), 256, {&a, &b, &c, &width, &kind, &more});
  return true;
}
}  // namespace fta::kernels
