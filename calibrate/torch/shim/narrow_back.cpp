// The way back of narrow.h. Weights come back from the scores and their logarithm of a sum. Query
// blocks go in panels; for 16 keys at a time a panel's blocks leave their weights and gradients of
// scores in the first-level cache, from where the keys' dk and dv are summed with lanes over query
// rows, which only at the end become sums across lanes.
#include "blocks16.h"
#include "narrow.h"

namespace fta {
#ifdef FTA_WIDE
namespace {
using namespace vectors;
constexpr int64_t kPanel = 16;             // blocks
constexpr int64_t kKeys = 2 * kChunk;      // that are at work at a time
constexpr int64_t kPart = kKeys * kLanes;  // a block's weights of them

struct Back {
  const float *out, *dout;
  int64_t wide;
  const float* lse;
  float *dq, *dk, *dv;
};

// A block of one query head in a panel.
struct Place {
  Block block;
  int64_t head;
  float *q, *g, *dq;    // [dims][16]; q times scale and log2(e)
  float *less, *delta;  // [16]: minus its logarithm of the sum to base 2, minus its dot product of out and dout
};

struct Room {
  explicit Room(const NarrowHead& h) : block(kLanes * h.head_dim) {
    int64_t all = (h.length + 15) / 16 * block, both = kPanel * kPart;
    Parts parts{tile::kept(3 * all + 2 * block + kPanel * (3 * block + 2 * kLanes) + 2 * both)};
    k = parts.take(all);
    v = parts.take(all);
    key_rows = parts.take(all + block);
    spare = parts.take(block);
    rows = parts.take(kPanel * (3 * block + 2 * kLanes));
    p = parts.take(both);
    ds = parts.take(both);
  }
  int64_t block;
  float *k, *v;     // see turn_keys
  float* key_rows;  // see gather_keys
  float* spare;     // [16,head_dim]
  float* rows;      // what the places point to
  float *p, *ds;    // [kPanel][kKeys][16]
  Place places[kPanel];
  int64_t n = 0;
  int64_t fresh;  // keys from here on have been seen by no panel before
  const Place* seeing[kPanel];  // those that see a key at work
};

// Turns dout's rows and returns minus their dot products with out's.
FTA_VECTORS __m512 turn_gradient(const Sixteen& out, const Sixteen& dout, int64_t dims, float* to) {
  __m512 sum[4], x[4], y[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) sum[i] = _mm512_setzero_ps();
  for (int64_t d = 0; d < dims; d += 4) {
    load_quarters(out.p + d, out.stride, x);
    load_quarters(dout.p + d, dout.stride, y);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) sum[i] = _mm512_fnmadd_ps(x[i], y[i], sum[i]);
    turn_quarters(y);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) _mm512_store_ps(to + (d + i) * kLanes, y[i]);
  }
  turn_quarters(sum);
  return _mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3]));
}

FTA_WIDE void open_place(const NarrowHead& h, const Back& b, int64_t row, int64_t head, Room& room) {
  float *q = room.rows + room.n * (3 * room.block + 2 * kLanes), *g = q + room.block, *dq = g + room.block, *less = dq + room.block, *delta = less + kLanes;
  room.places[room.n++] = {block_at(h, row), head, q, g, dq, less, delta};
  int64_t n = std::min(kLanes, h.length - row), dims = h.head_dim, at = row * b.wide + head * dims;
  Sixteen qs(h.q + row * h.width + head * dims, h.width, n, dims, room.spare);
  turn_rows(qs.p, qs.stride, dims, h.scale * kLog2E, q);
  Sixteen out(b.out + at, b.wide, n, dims, dq), dout(b.dout + at, b.wide, n, dims, room.spare);
  _mm512_store_ps(delta, turn_gradient(out, dout, dims, g));
  for (int64_t i = 0; i < room.block; i += kLanes) _mm512_store_ps(dq + i, _mm512_setzero_ps());
  __mmask16 some = rest_of(n);
  _mm512_store_ps(less, _mm512_mul_ps(_mm512_maskz_loadu_ps(some, b.lse + head * h.length + row), _mm512_set1_ps(-kLog2E)));
}

FTA_WIDE void close_place(const NarrowHead& h, const Back& b, const Place& x) {
  for (int64_t d = 0; d < h.head_dim; d += 4) {
    __m512 v[4];
    for (int i = 0; i < 4; i++) v[i] = _mm512_load_ps(x.dq + (d + i) * kLanes);
    turn_back(v, _mm512_set1_ps(h.scale), x.block.n, b.dq + x.block.row * h.width + x.head * h.head_dim + d, h.width);
  }
}

// A block's scores less their logarithm of the sum, and its gradients of weights less delta.
template <bool Whole>
FTA_VECTORS void score_chunk(const NarrowHead& h, const Place& x, int64_t key, int64_t dims, const float* k, const float* v, float* p, float* ds) {
  __m512 s[kChunk], g[kChunk];
  fill(s, _mm512_load_ps(x.less));
  fill(g, _mm512_load_ps(x.delta));
  for (int64_t d = 0; d < dims * kLanes; d += kLanes) {
    add_dim(_mm512_load_ps(x.q + d), k + d, s);
    add_dim(_mm512_load_ps(x.g + d), v + d, g);
  }
  hide<Whole>(Sight(h, x.block), key, s);
  store(s, p);
  store(g, ds);
}

// They become weights and gradients of scores.
FTA_VECTORS void weights(int64_t chunks, float* p, float* ds) {
  for (int64_t c = 0; c < chunks; c++, p += kChunk * kLanes, ds += kChunk * kLanes) {
    __m512 s[kChunk];
    load(s, p);
#pragma GCC unroll 8
    for (int i = 0; i < kChunk; i++) {
      s[i] = exp2_of(s[i]);
      _mm512_store_ps(ds + i * kLanes, _mm512_mul_ps(s[i], _mm512_load_ps(ds + i * kLanes)));
    }
    store(s, p);
  }
}

// A block's dq gains ds times the keys at work.
FTA_VECTORS void add_queries(const Place& x, int64_t dims, const float* keys, const float* ds) {
  for (int64_t d = 0; d < dims; d += 8) {
    float* dq = x.dq + d * kLanes;
    __m512 sum[8];
    load(sum, dq);
#pragma GCC unroll 16
    for (int i = 0; i < kKeys; i++) add_key(_mm512_load_ps(ds + i * kLanes), keys + i * dims + d, sum);
    store(sum, dq);
  }
}

// A load that serves two products, which the compiler would make two loads.
FTA_VECTORS __m512 held(const float* p) {
  __m512 x = _mm512_load_ps(p);
  asm("" : "+v"(x));
  return x;
}

// Two keys' gradient of 8 dims, one after the other: the sum over the blocks that see them of
// p[key][r] times rows[d][r]. The rows lie at from what Place::q points to.
FTA_VECTORS __m512 two_keys(const Room& room, int64_t seeing, const float* p, int64_t from) {
  __m512 sum[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++) sum[i] = _mm512_setzero_ps();
  for (int64_t s = 0; s < seeing; s++, p += kPart) {
    const float* rows = room.seeing[s]->q + from;
    __m512 a = held(p), b = held(p + kLanes);
#pragma GCC unroll 8
    for (int d = 0; d < 8; d++) {
      __m512 row = held(rows + d * kLanes);
      sum[d] = _mm512_fmadd_ps(a, row, sum[d]);
      sum[8 + d] = _mm512_fmadd_ps(b, row, sum[8 + d]);
    }
  }
  return sums_of(sum);
}

// What lies at a key becomes sum, or gains it if another panel has seen the key.
FTA_VECTORS void put_key(float* to, __m256 sum, bool fresh) { _mm256_storeu_ps(to, fresh ? sum : _mm256_add_ps(_mm256_loadu_ps(to), sum)); }

// by times their sums go to the keys at work.
FTA_VECTORS void put_keys(const NarrowHead& h, const Room& room, int64_t seeing, int64_t first, const float* p, int64_t from, int64_t dims, float by, float* to) {
  bool fresh = first >= room.fresh;
  for (int64_t d = 0; d < dims; d += 8)
    for (int64_t i = 0; i < kKeys; i += 2) {
      int64_t key = first + i;
      if (key >= h.length) break;
      __m512 sum = _mm512_mul_ps(two_keys(room, seeing, p + i * kLanes, from + d * kLanes), _mm512_set1_ps(by));
      float* at = to + key * h.width + d;
      put_key(at, _mm512_castps512_ps256(sum), fresh);
      if (key + 1 < h.length) put_key(at + h.width, _mm512_extractf32x8_ps(sum, 1), fresh);
    }
}

// What the keys from first on are to the panel's blocks that see one of them; returns how many.
FTA_VECTORS int64_t score_keys(const NarrowHead& h, int64_t first, int64_t dims, Room& room) {
  const float *k = room.k + first * dims, *v = room.v + first * dims;
  float *p = room.p, *ds = room.ds;
  int64_t seeing = 0, chunk = first / kChunk;
  for (int64_t i = 0; i < room.n; i++) {
    const Place& x = room.places[i];
    if (chunk + 1 < x.block.from || chunk >= x.block.to) continue;
    for (int64_t c = 0; c < 2; c++, p += kChunk * kLanes, ds += kChunk * kLanes) {
      if (whole(x.block, chunk + c))
        score_chunk<true>(h, x, first + c * kChunk, dims, k + c * kChunk, v + c * kChunk, p, ds);
      else
        score_chunk<false>(h, x, first + c * kChunk, dims, k + c * kChunk, v + c * kChunk, p, ds);
    }
    room.seeing[seeing++] = &x;
  }
  return seeing;
}

FTA_VECTORS void keys_of_panel(const NarrowHead& h, const Back& b, int64_t first, int64_t dims, Room& room) {
  int64_t seeing = score_keys(h, first, dims, room);
  weights(2 * seeing, room.p, room.ds);
  for (int64_t i = 0; i < seeing; i++) add_queries(*room.seeing[i], dims, room.key_rows + first * dims, room.ds + i * kPart);
  put_keys(h, room, seeing, first, room.p, room.block, dims, 1, b.dv);
  put_keys(h, room, seeing, first, room.ds, 0, dims, kLn2, b.dk);
}

template <int64_t Dims>
FTA_WIDE void panel(const NarrowHead& h, const Back& b, Room& room) {
  int64_t dims = Dims ? Dims : h.head_dim, from = room.places[0].block.from, to = 0;
  room.fresh = room.places[0].block.row + (room.places[0].head > 0 ? kLanes : 0);
  for (int64_t i = 0; i < room.n; i++) {
    from = std::min(from, room.places[i].block.from);
    to = std::max(to, room.places[i].block.to);
  }
  for (int64_t key = from / 2 * kKeys; key < to * kChunk; key += kKeys) keys_of_panel(h, b, key, dims, room);
  for (int64_t i = 0; i < room.n; i++) close_place(h, b, room.places[i]);
  room.n = 0;
}

template <int64_t Dims>
FTA_WIDE void backward_of(const NarrowHead& h, const Back& b) {
  Room room(h);
  turn_keys(h, h.k, room.spare, room.k);
  gather_keys(h, h.k, room.key_rows);
  turn_keys(h, h.v, room.spare, room.v);
  for (int64_t row = 0; row < h.length; row += kLanes)
    for (int64_t head = 0; head < h.groups; head++) {
      open_place(h, b, row, head, room);
      if (room.n == kPanel) panel<Dims>(h, b, room);
    }
  if (room.n > 0) panel<Dims>(h, b, room);
}
}  // namespace

void narrow_backward(const NarrowHead& h, const float* out, const float* dout, int64_t wide, const float* lse, float* dq, float* dk, float* dv) {
  switch (h.head_dim) {
    case 8: return backward_of<8>(h, {out, dout, wide, lse, dq, dk, dv});
    case 16: return backward_of<16>(h, {out, dout, wide, lse, dq, dk, dv});
    case 32: return backward_of<32>(h, {out, dout, wide, lse, dq, dk, dv});
    case 64: return backward_of<64>(h, {out, dout, wide, lse, dq, dk, dv});
    default: return backward_of<0>(h, {out, dout, wide, lse, dq, dk, dv});
  }
}
#else
void narrow_backward(const NarrowHead&, const float*, const float*, int64_t, const float*, float*, float*, float*) {}
#endif
}  // namespace fta
