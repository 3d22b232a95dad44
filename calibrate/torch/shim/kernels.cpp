#include "kernels.h"
#include <ATen/ATen.h>
#include <dlfcn.h>
#include <algorithm>
#include <cstdlib>
#include <vector>

namespace fta::kernels {
namespace {
// bf16 is read and written by bits, so that the source needs no CUDA header.
const char* const kSource = R"cuda(
typedef unsigned short bf16;
typedef long long i64;
__device__ __forceinline__ float up(bf16 x) { return __uint_as_float((unsigned)x << 16); }
__device__ __forceinline__ bf16 down(float x) {
  unsigned u = __float_as_uint(x);
  if ((u & 0x7fffffff) > 0x7f800000) return 0x7fc0;  // NaN stays NaN
  return (bf16)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}
__device__ __forceinline__ float sum_of_block(float v, float* room) {
  for (int o = 16; o; o >>= 1) v += __shfl_xor_sync(0xffffffff, v, o);
  int warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  __syncthreads();
  if ((threadIdx.x & 31) == 0) room[warp] = v;
  __syncthreads();
  v = 0;
  for (int i = 0; i < warps; i++) v += room[i];
  return v;
}
__device__ __forceinline__ void join(float& m, float& s, float m2, float s2) {
  float top = fmaxf(m, m2);
  s = (m == top ? s : s * __expf(m - top)) + (m2 == top ? s2 : s2 * __expf(m2 - top));
  m = top;
}
struct Eight { bf16 v[8]; };
__device__ __forceinline__ Eight load(const bf16* p) { Eight e; *(uint4*)e.v = *(const uint4*)p; return e; }
__device__ __forceinline__ void store(bf16* p, const Eight& e) { *(uint4*)p = *(const uint4*)e.v; }

// One block a row. The row is read twice and written once.
extern "C" __global__ void cross_entropy(bf16* logits, i64 ld, const i64* labels, const float* weights, float* loss, bool* hit, int v, int grad) {
  __shared__ float ms[32], ss[32];
  bf16* row = logits + (i64)blockIdx.x * ld;
  float m = -3.0e38f, s = 0;
  int whole = v & ~7;
  for (int i = threadIdx.x * 8; i < whole; i += blockDim.x * 8) {
    Eight e = load(row + i);
    float top = up(e.v[0]);
    for (int j = 1; j < 8; j++) top = fmaxf(top, up(e.v[j]));
    float part = 0;
    for (int j = 0; j < 8; j++) part += __expf(up(e.v[j]) - top);
    join(m, s, top, part);
  }
  for (int i = whole + threadIdx.x; i < v; i += blockDim.x) join(m, s, up(row[i]), 1.0f);
  for (int o = 16; o; o >>= 1) join(m, s, __shfl_xor_sync(0xffffffff, m, o), __shfl_xor_sync(0xffffffff, s, o));
  int warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
  if ((threadIdx.x & 31) == 0) { ms[warp] = m; ss[warp] = s; }
  __syncthreads();
  m = ms[0]; s = ss[0];
  for (int i = 1; i < warps; i++) join(m, s, ms[i], ss[i]);
  float lse = m + logf(s);
  i64 label = labels[blockIdx.x];
  float at = up(row[label]);
  __syncthreads();
  if (threadIdx.x == 0) { loss[blockIdx.x] = lse - at; hit[blockIdx.x] = at >= m; }
  if (!grad) return;
  float w = weights[blockIdx.x];
  for (int i = threadIdx.x * 8; i < whole; i += blockDim.x * 8) {
    Eight e = load(row + i);
    for (int j = 0; j < 8; j++) e.v[j] = down((__expf(up(e.v[j]) - lse) - (i + j == label ? 1.0f : 0.0f)) * w);
    store(row + i, e);
  }
  for (int i = whole + threadIdx.x; i < v; i += blockDim.x) row[i] = down((__expf(up(row[i]) - lse) - (i == label ? 1.0f : 0.0f)) * w);
}

extern "C" __global__ void rms_norm(const bf16* x, const bf16* w, bf16* y, float* rstd, int d, float eps, float offset) {
  __shared__ float room[32];
  const bf16* in = x + (i64)blockIdx.x * d;
  bf16* out = y + (i64)blockIdx.x * d;
  float sum = 0;
  for (int i = threadIdx.x; i < d; i += blockDim.x) { float a = up(in[i]); sum += a * a; }
  float r = rsqrtf(sum_of_block(sum, room) / d + eps);
  if (threadIdx.x == 0) rstd[blockIdx.x] = r;
  for (int i = threadIdx.x; i < d; i += blockDim.x) {
    float n = up(in[i]) * r;
    out[i] = offset == 0 ? down(up(down(n)) * up(w[i])) : down(n * (up(w[i]) + offset));
  }
}

// Blocks stride over rows and keep their columns' part of dw in registers.
extern "C" __global__ void rms_norm_backward(const bf16* dy, const bf16* x, const bf16* w, const float* rstd, const bf16* residual, bf16* dx, float* dw, int rows, int d, float offset) {
  __shared__ float room[32];
  float part[32];
  for (int k = 0; k < 32; k++) part[k] = 0;
  for (int row = blockIdx.x; row < rows; row += gridDim.x) {
    i64 at = (i64)row * d;
    float r = rstd[row], dot = 0;
    for (int i = threadIdx.x; i < d; i += blockDim.x) dot += up(dy[at + i]) * (up(w[i]) + offset) * up(x[at + i]);
    float c = sum_of_block(dot, room) * r * r / d;
    int k = 0;
    for (int i = threadIdx.x; i < d; i += blockDim.x, k++) {
      float g = up(dy[at + i]), a = up(x[at + i]);
      float v = r * (g * (up(w[i]) + offset) - a * c);
      dx[at + i] = down(residual ? up(residual[at + i]) + up(down(v)) : v);
      if (dw && k < 32) part[k] += g * a * r;
    }
  }
  if (!dw) return;
  int k = 0;
  for (int i = threadIdx.x; i < d; i += blockDim.x, k++)
    if (k < 32) atomicAdd(dw + i, part[k]);
}

extern "C" __global__ void rope(bf16* t, i64 width, i64 column, int heads, int head_dim, int half, const float* cosine, const float* sine, const i64* positions, float sign) {
  i64 pos = positions[blockIdx.x];
  bf16* row = t + (i64)blockIdx.x * width + column;
  for (int i = threadIdx.x; i < heads * half; i += blockDim.x) {
    int h = i / half, j = i % half;
    bf16 *pa = row + h * head_dim + j, *pb = pa + half;
    float c = cosine[pos * half + j], s = sign * sine[pos * half + j], a = up(*pa), b = up(*pb);
    *pa = down(a * c - b * s);
    *pb = down(b * c + a * s);
  }
}

__device__ __forceinline__ void act(float x, int kind, float& y, float& dy) {
  if (kind == 0) {
    float s = 1.0f / (1.0f + __expf(-x));
    y = x * s; dy = s * (1.0f + x * (1.0f - s));
  } else if (kind == 1) {
    float t = tanhf(0.7978845608f * (x + 0.044715f * x * x * x));
    y = 0.5f * x * (1.0f + t);
    dy = 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * 0.7978845608f * (1.0f + 0.134145f * x * x);
  } else {
    float p = 0.5f * (1.0f + erff(x * 0.7071067812f));
    y = x * p; dy = p + x * 0.3989422804f * __expf(-0.5f * x * x);
  }
}
extern "C" __global__ void gated(const bf16* x, bf16* y, int f, int kind) {
  const bf16* gate = x + (i64)blockIdx.x * 2 * f;
  bf16* out = y + (i64)blockIdx.x * f;
  for (int i = threadIdx.x * 8; i < f; i += blockDim.x * 8) {
    Eight g = load(gate + i), u = load(gate + f + i), o;
    for (int j = 0; j < 8; j++) { float a, da; act(up(g.v[j]), kind, a, da); o.v[j] = down(up(down(a)) * up(u.v[j])); }
    store(out + i, o);
  }
}
extern "C" __global__ void gated_backward(const bf16* dy, const bf16* x, bf16* dx, int f, int kind) {
  const bf16 *gate = x + (i64)blockIdx.x * 2 * f, *in = dy + (i64)blockIdx.x * f;
  bf16* out = dx + (i64)blockIdx.x * 2 * f;
  for (int i = threadIdx.x * 8; i < f; i += blockDim.x * 8) {
    Eight g = load(gate + i), u = load(gate + f + i), d = load(in + i), dg, du;
    for (int j = 0; j < 8; j++) {
      float a, da, e = up(d.v[j]);
      act(up(g.v[j]), kind, a, da);
      dg.v[j] = down(e * up(u.v[j]) * da);
      du.v[j] = down(e * a);
    }
    store(out + i, dg);
    store(out + f + i, du);
  }
}
)cuda";

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

struct Module {
  Api api{};
  Function ce{}, norm{}, norm_back{}, turn{}, gate{}, gate_back{};
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
    return take(ce, module, "cross_entropy") && take(norm, module, "rms_norm") && take(norm_back, module, "rms_norm_backward") && take(turn, module, "rope") && take(gate, module, "gated") && take(gate_back, module, "gated_backward");
  }
  bool take(Function& f, void* module, const char* name) { return api.function(&f, module, name) == 0; }

  void launch(Function f, int64_t grid, int block, std::initializer_list<void*> arguments) const {
    std::vector<void*> list(arguments);
    void* stream = nullptr;
    TORCH_CHECK(api.stream(0, &stream) == 0, "no CUDA stream");
    int status = api.launch(f, static_cast<unsigned>(grid), 1, 1, static_cast<unsigned>(block), 1, 1, 0, stream, list.data(), nullptr);
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

bool rms_norm(const Tensor& x, const Tensor& w, double eps, double offset, Tensor* y, Tensor* rstd) {
  if (!serves(x) || !x.is_contiguous() || w.scalar_type() != at::kBFloat16) return false;
  *y = at::empty_like(x);
  *rstd = at::empty({x.size(0)}, x.options().dtype(at::kFloat));
  Pointer a(x), b(w), c(*y), d(*rstd);
  int width = static_cast<int>(x.size(1));
  float e = static_cast<float>(eps), o = static_cast<float>(offset);
  module().launch(module().norm, x.size(0), 256, {&a, &b, &c, &d, &width, &e, &o});
  return true;
}

bool rms_norm_backward(const Tensor& dy, const Tensor& x, const Tensor& w, double offset, const Tensor& rstd, const Tensor* residual, const Tensor* dw, Tensor* dx) {
  if (!serves(x) || !x.is_contiguous() || !dy.is_contiguous() || x.size(1) > 8192 || w.scalar_type() != at::kBFloat16) return false;
  *dx = at::empty_like(x);
  Tensor sums = dw ? at::zeros({x.size(1)}, x.options().dtype(at::kFloat)) : Tensor();
  Pointer a(dy), b(x), c(w), d(rstd), f(*dx);
  void* res = residual ? const_cast<void*>(residual->const_data_ptr()) : nullptr;
  void* sum = dw ? sums.data_ptr() : nullptr;
  int rows = static_cast<int>(x.size(0)), width = static_cast<int>(x.size(1));
  float o = static_cast<float>(offset);
  module().launch(module().norm_back, std::min<int64_t>(rows, 528), 256, {&a, &b, &c, &d, &res, &f, &sum, &rows, &width, &o});
  if (dw) dw->add_(sums.to(dw->scalar_type()));
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

bool gated_backward(const Tensor& dy, const Tensor& x, int kind, Tensor* dx) {
  int64_t f = x.size(1) / 2;
  if (!serves(x) || !x.is_contiguous() || !dy.is_contiguous() || f % 8 || kind > FTA_GELU) return false;
  *dx = at::empty_like(x);
  Pointer a(dy), b(x), c(*dx);
  int width = static_cast<int>(f);
  module().launch(module().gate_back, x.size(0), 256, {&a, &b, &c, &width, &kind});
  return true;
}
}  // namespace fta::kernels
