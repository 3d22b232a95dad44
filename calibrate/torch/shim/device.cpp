// Devices, memory and time. No CUDA header is needed: what is asked of CUDA goes
// through libc10's device-neutral interfaces, so one binary serves a CPU and a GPU.
#include <malloc.h>
#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Event.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>
#include <torch/version.h>
#include <atomic>
#include <chrono>
#include <fstream>
#include <unistd.h>
#include "common.h"

#define FTA_TORCH_AT_LEAST(minor) (TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= (minor))

namespace fta {
namespace {
std::string cuda_problem;

// Counts what libtorch holds on the CPU, so that the peak of a trial is known to the
// byte, as CUDA's caching allocator knows it. RSS alone hides small models in noise.
class CountingAllocator final : public c10::Allocator {
 public:
  explicit CountingAllocator(c10::Allocator* inner) : inner_(inner) {}

  c10::DataPtr allocate(size_t bytes) override {
    int64_t now = held_.fetch_add(static_cast<int64_t>(bytes)) + static_cast<int64_t>(bytes);
    int64_t limit = limit_.load();
    if (limit > 0 && now > limit) {
      held_.fetch_sub(static_cast<int64_t>(bytes));
      TORCH_CHECK_WITH(OutOfMemoryError, false, "out of memory: ", bytes, " bytes asked for with ", now - static_cast<int64_t>(bytes), " held and a limit of ", limit);
    }
    int64_t peak = peak_.load();
    while (now > peak && !peak_.compare_exchange_weak(peak, now)) {
    }
    try {
      auto* block = new Block{inner_->allocate(bytes), bytes, this};
      return {block->data.get(), block, &CountingAllocator::release, c10::Device(c10::kCPU)};
    } catch (...) {
      held_.fetch_sub(static_cast<int64_t>(bytes));
      throw;
    }
  }
  c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
  void copy_data(void* dest, const void* src, std::size_t count) const override { default_copy_data(dest, src, count); }

  int64_t held() const { return held_.load(); }
  int64_t peak() const { return peak_.load(); }
  void reset() { peak_.store(held_.load()); }
  void limit(int64_t bytes) { limit_.store(bytes); }

 private:
  struct Block {
    c10::DataPtr data;
    size_t bytes;
    CountingAllocator* owner;
  };
  static void release(void* context) {
    auto* block = static_cast<Block*>(context);
    block->owner->held_.fetch_sub(static_cast<int64_t>(block->bytes));
    delete block;
  }

  c10::Allocator* inner_;
  std::atomic<int64_t> held_{0}, peak_{0}, limit_{0};
};

// Lives as long as the process: blocks may outlast any owner with a shorter life.
CountingAllocator& counter() {
  static auto* one = new CountingAllocator(c10::GetDefaultCPUAllocator());
  return *one;
}

// Lets the C library keep what a step frees for the next step. By default it gives the
// end of its memory back after each, and the kernel clears the pages anew: a third of a
// small model's step. What is kept between trials goes back by fta_empty_cache.
void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
}

int64_t status_bytes(const char* key) {
  std::ifstream status("/proc/self/status");
  std::string line, want = std::string(key) + ":";
  while (std::getline(status, line))
    if (line.rfind(want, 0) == 0) return std::stoll(line.substr(want.size())) * 1024;
  return 0;
}

void host_memory(int64_t out[6]) {
  out[0] = counter().held();
  out[1] = counter().peak();
  out[2] = status_bytes("VmRSS");
  out[3] = status_bytes("VmHWM");
  int64_t page = sysconf(_SC_PAGESIZE);
  out[4] = sysconf(_SC_AVPHYS_PAGES) * page;
  out[5] = sysconf(_SC_PHYS_PAGES) * page;
}

#if FTA_TORCH_AT_LEAST(9)
// CUDA's allocator knows no device before the first tensor on it.
c10::DeviceAllocator* awake(int device) {
  at::empty({1}, at::TensorOptions().device(at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device))));
  return c10::getDeviceAllocator(c10::kCUDA);
}
void device_memory(int device, int64_t out[6]) {
  auto* a = awake(device);
  auto index = static_cast<c10::DeviceIndex>(device);
  auto s = a->getDeviceStats(index);
  out[0] = s.allocated_bytes[0].current;
  out[1] = s.allocated_bytes[0].peak;
  out[2] = s.reserved_bytes[0].current;
  out[3] = s.reserved_bytes[0].peak;
  auto info = reinterpret_cast<int (*)(size_t*, size_t*)>(dlsym(RTLD_DEFAULT, "cudaMemGetInfo"));
  size_t free_bytes = 0, total = 0;
  if (info && info(&free_bytes, &total) == 0) {
    out[4] = static_cast<int64_t>(free_bytes);
    out[5] = static_cast<int64_t>(total);
  }
}
void device_reset_peak(int device) { awake(device)->resetPeakStats(static_cast<c10::DeviceIndex>(device)); }
void device_empty_cache(int device) { awake(device)->emptyCache(); }
#else
void device_memory(int, int64_t out[6]) {
  for (int i = 0; i < 6; i++) out[i] = 0;
}
void device_reset_peak(int) {}
void device_empty_cache(int) {}
#endif

struct Timer {
  int device;
  c10::Stream stream{c10::Stream::DEFAULT, c10::Device(c10::kCPU)};
  std::vector<c10::Event> events;
  std::vector<std::chrono::steady_clock::time_point> points;
};
}  // namespace
}  // namespace fta

using namespace fta;

extern "C" {

const char* fta_load_cuda(void) {
  // Before any ATen call: CUDA's hooks are looked up once, for good.
  if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) cuda_problem = dlerror();
  keep_freed_memory();
  c10::SetCPUAllocator(&counter(), 1);
  return cuda_problem.c_str();
}

// Numbers below the normal range become 0, on this thread and on those that it starts, which
// take its settings over: attention's weights come down to them, and an Intel processor takes
// 170 times as long over a multiplication of such a number (measured on a Sapphire Rapids).
int fta_begin_thread(void) {
  return guard([] {
    at::globalContext().setFlushDenormal(true);
    new c10::InferenceMode(true);
  });
}

int fta_cuda_count(void) { return at::hasCUDA() ? static_cast<int>(at::accelerator::deviceCount()) : 0; }

const char* fta_version(void) { return TORCH_VERSION; }

const char* fta_capability(int device) {
  static std::string text;
  auto attribute = reinterpret_cast<int (*)(int*, int, int)>(dlsym(RTLD_DEFAULT, "cudaDeviceGetAttribute"));
  int major = 0, minor = 0;
  if (attribute && attribute(&major, 75, device) == 0 && attribute(&minor, 76, device) == 0)
    text = std::to_string(major) + "." + std::to_string(minor);
  return text.c_str();
}

void fta_gpu_name(int device, char* name, char* driver, int size) {
  name[0] = driver[0] = 0;
  void* nvml = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!nvml) return;
  auto start = reinterpret_cast<int (*)()>(dlsym(nvml, "nvmlInit_v2"));
  auto version = reinterpret_cast<int (*)(char*, unsigned)>(dlsym(nvml, "nvmlSystemGetDriverVersion"));
  auto handle = reinterpret_cast<int (*)(unsigned, void**)>(dlsym(nvml, "nvmlDeviceGetHandleByIndex_v2"));
  auto get = reinterpret_cast<int (*)(void*, char*, unsigned)>(dlsym(nvml, "nvmlDeviceGetName"));
  void* gpu = nullptr;
  if (!start || !version || !handle || !get || start() != 0) return;
  version(driver, static_cast<unsigned>(size));
  if (handle(static_cast<unsigned>(device), &gpu) == 0) get(gpu, name, static_cast<unsigned>(size));
}

void fta_set_threads(int n) { at::set_num_threads(n); }
int fta_get_threads(void) { return at::get_num_threads(); }

int fta_memory(int device, int64_t out[6]) {
  return guard([&] { device < 0 ? host_memory(out) : device_memory(device, out); });
}

int fta_reset_peak(int device) {
  return guard([&] {
    if (device >= 0) return device_reset_peak(device);
    counter().reset();
    std::ofstream("/proc/self/clear_refs") << "5";  // VmHWM starts again from VmRSS
  });
}

int fta_empty_cache(int device) {
  return guard([&] {
    if (device >= 0) return device_empty_cache(device);
    malloc_trim(0);  // the resident set then holds no more than is in use
  });
}

int fta_release_workspaces(int device) {
  return guard([&] {
    if (device < 0) return;
    static const auto release = reinterpret_cast<void (*)()>(dlsym(RTLD_DEFAULT, "_ZN2at4cuda21clearCublasWorkspacesEv"));
    if (release) release();
  });
}

void fta_limit_cpu_memory(int64_t bytes) { counter().limit(bytes); }

int fta_synchronize(int device) {
  return guard([&] {
    if (device >= 0) at::accelerator::synchronizeDevice(static_cast<c10::DeviceIndex>(device));
  });
}

int fta_timer_new(int device, void** timer) {
  return guard([&] {
    auto t = std::make_unique<Timer>();
    t->device = device;
    *timer = t.release();
  });
}

int fta_timer_mark(void* timer) {
  return guard([&] {
    auto* t = static_cast<Timer*>(timer);
    if (t->device < 0) {
      t->points.push_back(std::chrono::steady_clock::now());
      return;
    }
    c10::impl::VirtualGuardImpl impl(c10::kCUDA);
    t->stream = impl.getStream(c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(t->device)));
    t->events.emplace_back(c10::kCUDA, c10::EventFlag::BACKEND_DEFAULT);
    t->events.back().record(t->stream);
  });
}

int fta_timer_seconds(void* timer, double* out, int n) {
  return guard([&] {
    auto* t = static_cast<Timer*>(timer);
    for (int i = 0; i < n; i++) {
      if (t->device < 0) {
        out[i] = std::chrono::duration<double>(t->points[i + 1] - t->points[i]).count();
        continue;
      }
      t->events[i + 1].synchronize();
      out[i] = t->events[i].elapsedTime(t->events[i + 1]) / 1e3;
    }
    // The last mark is the origin of the next batch.
    if (t->device < 0)
      t->points.erase(t->points.begin(), t->points.begin() + n);
    else
      t->events.erase(t->events.begin(), t->events.begin() + n);
  });
}

void fta_timer_free(void* timer) { delete static_cast<Timer*>(timer); }
}
