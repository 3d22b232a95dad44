// CUDA graphs, streams and staging. A graph is libtorch's own at::cuda::CUDAGraph, whose
// captures draw on a pool of the caching allocator; its members are found by name at run
// time, so that no CUDA header is needed and a libtorch without them means no graphs.
#include <ATen/ATen.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <utility>
#include "common.h"

namespace fta {
namespace {
// libtorch's MempoolId_t: passed by value, as two registers.
using Pool = std::pair<unsigned long long, unsigned long long>;

struct Api {
  void (*make)(void*, bool);
  void (*unmake)(void*);
  void (*begin)(void*, Pool, int);
  void (*end)(void*);
  void (*replay)(void*);
  Pool (*new_pool)();

  bool whole() const { return make && unmake && begin && end && replay && new_pool; }
};

template <class F>
void find(F& f, const char* name) {
  f = reinterpret_cast<F>(dlsym(RTLD_DEFAULT, name));
}

const Api& api() {
  static const Api one = [] {
    Api a{};
    find(a.make, "_ZN2at4cuda9CUDAGraphC1Eb");
    find(a.unmake, "_ZN2at4cuda9CUDAGraphD1Ev");
    find(a.begin, "_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE21cudaStreamCaptureMode");
    find(a.end, "_ZN2at4cuda9CUDAGraph11capture_endEv");
    find(a.replay, "_ZN2at4cuda9CUDAGraph6replayEv");
    find(a.new_pool, "_ZN2at4cuda17graph_pool_handleEv");
    return a;
  }();
  return one;
}

constexpr int kRelaxed = 2;      // cudaStreamCaptureModeRelaxed: kernels may be loaded while capturing
constexpr size_t kRoom = 4096;   // more than a CUDAGraph takes in any release

// Graphs of one pool run one after another, so they may share what memory they use
// between their first and last kernel.
struct GraphPool {
  Pool id;
};

struct Graph {
  alignas(64) char room[kRoom];
  bool captured = false;
};

c10::impl::VirtualGuardImpl& cuda() {
  static auto* one = new c10::impl::VirtualGuardImpl(c10::kCUDA);
  return *one;
}

c10::Stream current(int device) { return cuda().getStream(c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(device))); }

// A second stream beside a thread's own, with the events between them.
struct Aside {
  explicit Aside(int device) : main(current(device)), side(cuda().getStreamFromGlobalPool(main.device(), false)) {}

  c10::Stream main, side;
  c10::Event forked{c10::kCUDA}, done[2]{c10::Event(c10::kCUDA), c10::Event(c10::kCUDA)};
};

Aside& aside(int device) {
  static thread_local std::map<int, std::unique_ptr<Aside>> known;
  auto& one = known[device];
  if (!one) one = std::make_unique<Aside>(device);
  return *one;
}

// Pinned buffers that take turns: one may be filled again when its copy is done.
struct Stage {
  struct Slot {
    Tensor host;
    std::unique_ptr<c10::Event> copied;
  };
  int device;
  size_t next = 0;
  std::vector<Slot> slots;
};
}  // namespace
}  // namespace fta

using namespace fta;

extern "C" {

int fta_side_stream(int device) {
  return guard([&] {
    if (device < 0) return;
    static thread_local int chosen = -1;
    if (chosen == device) return;
    cuda().exchangeStream(cuda().getStreamFromGlobalPool(c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(device)), true));
    chosen = device;
  });
}

int fta_aside_begin(int device) {
  return guard([&] {
    Aside& a = aside(device);
    a.main = current(device);
    a.forked.record(a.main);
    a.forked.block(a.side);
    cuda().exchangeStream(a.side);
  });
}

int fta_aside_end(int device) {
  return guard([&] { cuda().exchangeStream(aside(device).main); });
}

int fta_aside_mark(int device, int slot) {
  return guard([&] { aside(device).done[slot].record(aside(device).side); });
}

int fta_aside_wait(int device, int slot) {
  return guard([&] { aside(device).done[slot].block(aside(device).main); });
}

int fta_graphs_known(void) { return api().whole(); }

int fta_graph_pool_new(void** pool) {
  return guard([&] {
    TORCH_CHECK(api().whole(), "libtorch has no CUDA graphs");
    *pool = new GraphPool{api().new_pool()};
  });
}

void fta_graph_pool_free(void* pool) { delete static_cast<GraphPool*>(pool); }

int fta_graph_begin(void* pool, void** graph) {
  return guard([&] {
    auto g = std::make_unique<Graph>();
    api().make(g->room, false);
    // Kept even when capturing fails: the allocator may still know the graph's address.
    Graph* kept = g.release();
    api().begin(kept->room, static_cast<GraphPool*>(pool)->id, kRelaxed);
    *graph = kept;
  });
}

int fta_graph_end(void* graph) {
  return guard([&] {
    auto* g = static_cast<Graph*>(graph);
    api().end(g->room);
    g->captured = true;
  });
}

int fta_graph_replay(void* graph) {
  return guard([&] { api().replay(static_cast<Graph*>(graph)->room); });
}

void fta_graph_free(void* graph) {
  auto* g = static_cast<Graph*>(graph);
  if (!g || !g->captured) return;
  api().unmake(g->room);
  delete g;
}

int fta_stage_new(int device, int64_t bytes, int slots, void** stage) {
  return guard([&] {
    auto s = std::make_unique<Stage>();
    s->device = device;
    auto options = at::TensorOptions().dtype(at::kByte).pinned_memory(device >= 0);
    for (int i = 0; i < slots; i++) {
      Stage::Slot slot;
      slot.host = at::empty({bytes}, options);
      s->slots.push_back(std::move(slot));
    }
    *stage = s.release();
  });
}

int fta_stage_room(void* stage, void** data) {
  return guard([&] {
    auto* s = static_cast<Stage*>(stage);
    Stage::Slot& slot = s->slots[s->next];
    if (slot.copied) slot.copied->synchronize();
    *data = slot.host.data_ptr();
  });
}

int fta_stage_send(void* stage, fta_tensor to, int64_t bytes) {
  return guard([&] {
    auto* s = static_cast<Stage*>(stage);
    Stage::Slot& slot = s->slots[s->next];
    Tensor from = slot.host.narrow(0, 0, bytes).view(T(to).scalar_type());
    T(to).view({-1}).narrow(0, 0, from.numel()).copy_(from, true);
    s->next = (s->next + 1) % s->slots.size();
    if (s->device < 0) return;
    if (!slot.copied) slot.copied = std::make_unique<c10::Event>(c10::kCUDA);
    slot.copied->record(current(s->device));
  });
}

void fta_stage_free(void* stage) { delete static_cast<Stage*>(stage); }
}
