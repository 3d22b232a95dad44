// The source of the fused CUDA kernels, as NVRTC compiles it at run time. bf16 is read and
// written by bits, so that no CUDA header is needed.
#pragma once

namespace fta::kernels {
inline const char* const kSource = R"cuda(
typedef unsigned short bf16;
typedef long long i64;
__device__ __forceinline__ float up(bf16 x) { return __uint_as_float((unsigned)x << 16); }
__device__ __forceinline__ bf16 down(float x) {
#if __CUDA_ARCH__ >= 800
  bf16 y;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y) : "f"(x));
  return y;
#else
  unsigned u = __float_as_uint(x);
  if ((u & 0x7fffffff) > 0x7f800000) return 0x7fc0;  // NaN stays NaN
  return (bf16)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
#endif
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

__device__ __forceinline__ Eight column(const bf16* row, int i, int d) {
  if (i < d) return load(row + i);
  Eight e;
  for (int j = 0; j < 8; j++) e.v[j] = 0;
  return e;
}
__device__ __forceinline__ float sum_of_warp(float v) {
  for (int o = 16; o; o >>= 1) v += __shfl_xor_sync(0xffffffff, v, o);
  return v;
}

// Norms forward: a warp a row, C times eight columns a lane, so that a row is read once,
// kept in registers and summed without waiting for other warps. b null: RMS norm.
template <int C>
__device__ void norm(const bf16* x, const bf16* w, const bf16* b, bf16* y, float* mean, float* rstd, int rows, int d, float eps, float offset) {
  int row = blockIdx.x * (blockDim.x >> 5) + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (row >= rows) return;
  i64 at = (i64)row * d;
  Eight a[C];
#pragma unroll
  for (int c = 0; c < C; c++) a[c] = column(x + at, (c * 32 + lane) * 8, d);
  float m = 0, sum = 0;
  if (b) {
#pragma unroll
    for (int c = 0; c < C; c++)
      for (int j = 0; j < 8; j++) m += up(a[c].v[j]);
    m = sum_of_warp(m) / d;
  }
#pragma unroll
  for (int c = 0; c < C; c++)
    if ((c * 32 + lane) * 8 < d)
      for (int j = 0; j < 8; j++) { float t = up(a[c].v[j]) - m; sum += t * t; }
  float r = rsqrtf(sum_of_warp(sum) / d + eps);
  if (lane == 0) {
    rstd[row] = r;
    if (b) mean[row] = m;
  }
#pragma unroll
  for (int c = 0; c < C; c++) {
    int i = (c * 32 + lane) * 8;
    if (i >= d) continue;
    Eight s = load(w + i), o, t;
    if (b) t = load(b + i);
    for (int j = 0; j < 8; j++) {
      float n = (up(a[c].v[j]) - m) * r;
      if (b) o.v[j] = down(n * up(s.v[j]) + up(t.v[j]));
      else o.v[j] = offset == 0 ? down(up(down(n)) * up(s.v[j])) : down(n * (up(s.v[j]) + offset));
    }
    store(y + at + i, o);
  }
}
#define NORM(C) \
  extern "C" __global__ void norm_##C(const bf16* x, const bf16* w, const bf16* b, bf16* y, float* mean, float* rstd, int rows, int d, float eps, float offset) { \
    norm<C>(x, w, b, y, mean, rstd, rows, d, eps, offset); \
  }
NORM(1)
NORM(2)
NORM(3)
NORM(4)

// The same for wide rows: a block a row, eight columns a thread. More rows are then on
// their way from memory at a time than with a warp's registers.
extern "C" __global__ void __launch_bounds__(1024) norm_wide(const bf16* x, const bf16* w, const bf16* b, bf16* y, float* mean, float* rstd, int rows, int d, float eps, float offset) {
  __shared__ float room[32];
  int i = threadIdx.x * 8;
  i64 at = (i64)blockIdx.x * d;
  Eight a = column(x + at, i, d), s = column(w, i, d), o, t;
  float m = 0, sum = 0;
  if (b) {
    t = column(b, i, d);
    for (int j = 0; j < 8; j++) m += up(a.v[j]);
    m = sum_of_block(m, room) / d;
  }
  if (i < d)
    for (int j = 0; j < 8; j++) { float c = up(a.v[j]) - m; sum += c * c; }
  float r = rsqrtf(sum_of_block(sum, room) / d + eps);
  if (threadIdx.x == 0) {
    rstd[blockIdx.x] = r;
    if (b) mean[blockIdx.x] = m;
  }
  if (i >= d) return;
  for (int j = 0; j < 8; j++) {
    float n = (up(a.v[j]) - m) * r;
    if (b) o.v[j] = down(n * up(s.v[j]) + up(t.v[j]));
    else o.v[j] = offset == 0 ? down(up(down(n)) * up(s.v[j])) : down(n * (up(s.v[j]) + offset));
  }
  store(y + at + i, o);
}

// y = x + b for each row.
extern "C" __global__ void add_bias(const bf16* x, const bf16* b, bf16* y, i64 n, int d) {
  for (i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * 8; i < n; i += (i64)gridDim.x * blockDim.x * 8) {
    Eight a = load(x + i), s = load(b + i % d), o;
    for (int j = 0; j < 8; j++) o.v[j] = down(up(a.v[j]) + up(s.v[j]));
    store(y + i, o);
  }
}

// Norms backward: eight columns a thread, a block's width d/8 rounded up to a warp.
// Blocks stride over rows, keep their columns' part of dw in registers and leave it in
// parts [blocks, d]; fold adds the parts up.
extern "C" __global__ void __launch_bounds__(1024) rms_norm_backward(const bf16* dy, const bf16* x, const bf16* w, const float* rstd, const bf16* residual, bf16* dx, float* parts, int rows, int d, float offset) {
  __shared__ float room[32];
  int i = threadIdx.x * 8;
  float part[8], scale[8];
  Eight s = column(w, i, d);
  for (int j = 0; j < 8; j++) { part[j] = 0; scale[j] = up(s.v[j]) + offset; }
  for (int row = blockIdx.x; row < rows; row += gridDim.x) {
    i64 at = (i64)row * d;
    Eight g = column(dy + at, i, d), a = column(x + at, i, d), o;
    float r = rstd[row], dot = 0;
    for (int j = 0; j < 8; j++) dot += up(g.v[j]) * scale[j] * up(a.v[j]);
    float c = sum_of_block(dot, room) * r * r / d;
    Eight add;
    if (residual) add = column(residual + at, i, d);
    for (int j = 0; j < 8; j++) {
      float gj = up(g.v[j]), aj = up(a.v[j]), v = r * (gj * scale[j] - aj * c);
      o.v[j] = down(residual ? up(add.v[j]) + up(down(v)) : v);
      part[j] += gj * aj * r;
    }
    if (i < d) store(dx + at + i, o);
  }
  if (parts && i < d)
    for (int j = 0; j < 8; j++) parts[(i64)blockIdx.x * d + i + j] = part[j];
}

// parts [blocks, 2, d] hold dw and db.
extern "C" __global__ void __launch_bounds__(1024) layer_norm_backward(const bf16* dy, const bf16* x, const bf16* w, const float* mean, const float* rstd, const bf16* residual, bf16* dx, float* parts, int rows, int d) {
  __shared__ float room[32];
  int i = threadIdx.x * 8;
  float dw[8], db[8], scale[8];
  Eight s = column(w, i, d);
  for (int j = 0; j < 8; j++) { dw[j] = db[j] = 0; scale[j] = up(s.v[j]); }
  for (int row = blockIdx.x; row < rows; row += gridDim.x) {
    i64 at = (i64)row * d;
    Eight g = column(dy + at, i, d), a = column(x + at, i, d), o;
    float r = rstd[row], m = mean[row], sum = 0, dot = 0;
    for (int j = 0; j < 8; j++) {
      float t = up(g.v[j]) * scale[j];
      sum += t;
      dot += t * (up(a.v[j]) - m);
    }
    sum = sum_of_block(sum, room) / d;
    dot = sum_of_block(dot, room) * r * r / d;
    Eight add;
    if (residual) add = column(residual + at, i, d);
    for (int j = 0; j < 8; j++) {
      float gj = up(g.v[j]), aj = up(a.v[j]) - m, v = r * (gj * scale[j] - sum - aj * dot);
      o.v[j] = down(residual ? up(add.v[j]) + up(down(v)) : v);
      dw[j] += gj * aj * r;
      db[j] += gj;
    }
    if (i < d) store(dx + at + i, o);
  }
  if (parts && i < d) {
    float* to = parts + (i64)blockIdx.x * 2 * d + i;
    for (int j = 0; j < 8; j++) { to[j] = dw[j]; to[d + j] = db[j]; }
  }
}

// Adds the sums over blocks of parts [blocks, width] to first [split] and second.
__device__ __forceinline__ void plus(float* to, float x) { *to += x; }
__device__ __forceinline__ void plus(bf16* to, float x) { *to = down(up(*to) + up(down(x))); }
template <class P>
__device__ void fold(const float* parts, P* first, P* second, int blocks, int width, int split) {
  __shared__ float room[32][33];
  int i = blockIdx.x * 32 + threadIdx.x;
  float sum = 0;
  if (i < width)
#pragma unroll 4
    for (int b = threadIdx.y; b < blocks; b += 32) sum += parts[(i64)b * width + i];
  room[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  sum = sum_of_warp(room[threadIdx.x][threadIdx.y]);
  i = blockIdx.x * 32 + threadIdx.y;
  if (threadIdx.x == 0 && i < width) plus(i < split ? first + i : second + i - split, sum);
}
extern "C" __global__ void fold_f32(const float* parts, float* first, float* second, int blocks, int width, int split) { fold(parts, first, second, blocks, width, split); }
extern "C" __global__ void fold_bf16(const float* parts, bf16* first, bf16* second, int blocks, int width, int split) { fold(parts, first, second, blocks, width, split); }

// Pairs of heads' halves, eight columns a thread where the halves allow.
extern "C" __global__ void rope(bf16* t, i64 width, i64 column, int heads, int head_dim, int half, const float* cosine, const float* sine, const i64* positions, float sign) {
  const float *cs = cosine + positions[blockIdx.x] * half, *sn = sine + positions[blockIdx.x] * half;
  bf16* row = t + (i64)blockIdx.x * width + column;
  if ((half | head_dim | (int)width | (int)column) & 7) {
    for (int i = threadIdx.x; i < heads * half; i += blockDim.x) {
      int h = i / half, j = i % half;
      bf16 *pa = row + h * head_dim + j, *pb = pa + half;
      float c = cs[j], s = sign * sn[j], a = up(*pa), b = up(*pb);
      *pa = down(a * c - b * s);
      *pb = down(b * c + a * s);
    }
    return;
  }
  int parts = half >> 3;
  for (int i = threadIdx.x; i < heads * parts; i += blockDim.x) {
    int h = i / parts, j = (i % parts) * 8;
    bf16 *pa = row + h * head_dim + j, *pb = pa + half;
    Eight a = load(pa), b = load(pb), oa, ob;
    for (int k = 0; k < 8; k++) {
      float c = cs[j + k], s = sign * sn[j + k], x = up(a.v[k]), y = up(b.v[k]);
      oa.v[k] = down(x * c - y * s);
      ob.v[k] = down(y * c + x * s);
    }
    store(pa, oa);
    store(pb, ob);
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
// again: dy's place takes the activation's value, which a product wants next.
extern "C" __global__ void gated_backward(bf16* dy, const bf16* x, bf16* dx, int f, int kind, int again) {
  const bf16* gate = x + (i64)blockIdx.x * 2 * f;
  bf16 *in = dy + (i64)blockIdx.x * f, *out = dx + (i64)blockIdx.x * 2 * f;
  for (int i = threadIdx.x * 8; i < f; i += blockDim.x * 8) {
    Eight g = load(gate + i), u = load(gate + f + i), d = load(in + i), dg, du;
    for (int j = 0; j < 8; j++) {
      float a, da, e = up(d.v[j]), value = up(u.v[j]);
      act(up(g.v[j]), kind, a, da);
      dg.v[j] = down(e * value * da);
      du.v[j] = down(e * a);
      d.v[j] = down(up(down(a)) * value);
    }
    store(out + i, dg);
    store(out + f + i, du);
    if (again) store(in + i, d);
  }
}

// LoRA's way back through B in one reading of dy: dy B and dy^T low, of rank at most 16.
// A block has 512 columns of one adapter's and a chunk of rows; a warp 64 columns, 16 rows
// at a time by tensor cores. What blocks leave is added up by fold_low, in a fixed order.
// A lane has eight neighbouring columns, of rows g and g+8: their pairs are the products'
// fragments, columns being counted in another order, and turned by movmatrix for dy^T low.
struct Site { const bf16* b; float* grad; int from, out, first, block, blocks, low; };  // first: columns of sites before; block, blocks: of 512 columns
struct Sites { Site site[3]; };

__device__ __forceinline__ void multiply(float* c, unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}
__device__ __forceinline__ unsigned turned(unsigned x) {
  unsigned y;
  asm("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(y) : "r"(x));
  return y;
}
__device__ __forceinline__ unsigned pair(bf16 a, bf16 b) { return (unsigned)a | (unsigned)b << 16; }
struct Four { unsigned v[4]; };  // eight columns' pairs
__device__ __forceinline__ Four load_pairs(const bf16* p, bool there) {
  Four f = {{0, 0, 0, 0}};
  if (there) *(uint4*)f.v = *(const uint4*)p;
  return f;
}

extern "C" __global__ void __launch_bounds__(256, 2) low_gradients(const bf16* dy, i64 ld, const bf16* low, int width, int rows, int chunk, int rank, Sites sites, int columns, float* dl, float* db) {
  __shared__ float room[2][8][16][18];
  int n = 0;
  while (n < 2 && (int)blockIdx.x >= sites.site[n].block + sites.site[n].blocks) n++;
  Site s = sites.site[n];
  int warp = threadIdx.x >> 5, g = (threadIdx.x & 31) >> 2, t = threadIdx.x & 3, turn = 0;
  int c0 = ((int)blockIdx.x - s.block) * 512 + warp * 64;
  bool mine = c0 < s.out;
  unsigned b[2][2][2][2];
#pragma unroll
  for (int k = 0; k < 16; k++) {
    int h = k >> 3, j = k >> 2 & 1, m = k >> 1 & 1, e = k & 1, r = 8 * m + g;
    const bf16* p = s.b + (i64)(c0 + 32 * h + 8 * t + 4 * j + 2 * e) * rank + r;
    b[h][j][m][e] = mine && r < rank ? pair(p[0], p[rank]) : 0u;
  }
  float c[8][4];
#pragma unroll
  for (int k = 0; k < 8; k++)
    for (int i = 0; i < 4; i++) c[k][i] = 0;
  const bf16* from = dy + s.from + c0 + 8 * t;
  int first = blockIdx.y * chunk, last = min(rows, first + chunk);
  Four x[2][2];
#pragma unroll
  for (int k = 0; k < 4; k++) x[k >> 1][k & 1] = load_pairs(from + (i64)(first + g + 8 * (k & 1)) * ld + 32 * (k >> 1), mine && first < last);
  for (int row = first; row < last; row += 16, turn ^= 1) {
    Four next[2][2];
#pragma unroll
    for (int k = 0; k < 4; k++) next[k >> 1][k & 1] = load_pairs(from + (i64)(row + 16 + g + 8 * (k & 1)) * ld + 32 * (k >> 1), mine && row + 16 < last);
    unsigned a[4];  // low, turned
#pragma unroll
    for (int k = 0; k < 4; k++) {
      int r = 8 * (k & 1) + 2 * t;
      a[k] = turned(r < rank ? *(const unsigned*)(low + (i64)(row + g + 8 * (k >> 1)) * width + s.low + r) : 0u);
    }
    float d[2][4] = {{0, 0, 0, 0}, {0, 0, 0, 0}};
#pragma unroll
    for (int h = 0; h < 2; h++) {
#pragma unroll
      for (int j = 0; j < 2; j++)
#pragma unroll
        for (int m = 0; m < 2; m++)
          multiply(d[m], x[h][0].v[2 * j], x[h][1].v[2 * j], x[h][0].v[2 * j + 1], x[h][1].v[2 * j + 1], b[h][j][m][0], b[h][j][m][1]);
#pragma unroll
      for (int p = 0; p < 4; p++) multiply(c[4 * h + p], a[0], a[1], a[2], a[3], turned(x[h][0].v[p]), turned(x[h][1].v[p]));
    }
#pragma unroll
    for (int m = 0; m < 2; m++) {
      *(float2*)&room[turn][warp][g][8 * m + 2 * t] = make_float2(d[m][0], d[m][1]);
      *(float2*)&room[turn][warp][g + 8][8 * m + 2 * t] = make_float2(d[m][2], d[m][3]);
    }
    __syncthreads();
    float sum = 0;
#pragma unroll
    for (int w = 0; w < 8; w++) sum += room[turn][w][threadIdx.x >> 4][threadIdx.x & 15];
    dl[((i64)blockIdx.x * rows + row) * 16 + threadIdx.x] = sum;
#pragma unroll
    for (int k = 0; k < 4; k++) x[k >> 1][k & 1] = next[k >> 1][k & 1];
  }
  if (!mine) return;
  float* to = db + ((i64)blockIdx.y * columns + s.first + c0) * 16 + g;
#pragma unroll
  for (int k = 0; k < 8; k++)
#pragma unroll
    for (int i = 0; i < 4; i++) to[(32 * (k >> 2) + 8 * t + 2 * (k & 3) + (i & 1)) * 16 + 8 * (i >> 1)] = c[k][i];
}

// Adds up low_gradients' sums: dlow [rows, width], times scale, and B's gradients, which are
// beta times the old plus scale times the new. A thread has four of a row's ranks.
extern "C" __global__ void fold_low(const float* dl, const float* db, bf16* dlow, int width, int rows, int chunks, int rank, Sites sites, int count, int columns, float scale, float beta) {
  int i = blockIdx.x * blockDim.x + threadIdx.x, r = (i & 3) * 4, n = 0;
  i >>= 2;
  if (r >= rank) return;
  float4 sum = make_float4(0, 0, 0, 0);
  const float* p;
  i64 step;
  int many;
  bool second = i >= count * rows;
  if (second) {
    i -= count * rows;
    if (i >= columns) return;
    while (n < count - 1 && i >= sites.site[n].first + sites.site[n].out) n++;
    p = db + (i64)i * 16 + r;
    step = (i64)columns * 16;
    many = chunks;
  } else {
    n = i / rows;
    i %= rows;
    p = dl + ((i64)sites.site[n].block * rows + i) * 16 + r;
    step = (i64)rows * 16;
    many = sites.site[n].blocks;
  }
#pragma unroll 8
  for (int k = 0; k < many; k++, p += step) {
    float4 v = *(const float4*)p;
    sum.x += v.x; sum.y += v.y; sum.z += v.z; sum.w += v.w;
  }
  float v[4] = {sum.x * scale, sum.y * scale, sum.z * scale, sum.w * scale};
  Site s = sites.site[n];
  for (int k = 0; k < 4 && r + k < rank; k++) {
    if (!second) {
      dlow[(i64)i * width + s.low + r + k] = down(v[k]);
      continue;
    }
    float* to = s.grad + (i64)(i - s.first) * rank + r + k;
    *to = beta == 0 ? v[k] : beta * *to + v[k];
  }
}

// AdamW on flat buffers [arms, elements], W elements a thread, 16 bytes of master weights
// where they divide so. What changes from step to step is read from the device: norms
// [arms] for clipping, and scalars [arms, 2, 5], for matrices and for vectors: learning
// rate, 1-beta1^t, 1-beta2^t, t, decay. work, where given, gets the new weights in bf16.
__device__ __forceinline__ float widen(float x) { return x; }
__device__ __forceinline__ float widen(bf16 x) { return up(x); }
__device__ __forceinline__ void narrow(float x, float& to) { to = x; }
__device__ __forceinline__ void narrow(float x, bf16& to) { to = down(x); }
template <class P, int W> struct alignas(sizeof(P) * W) Pack { P v[W]; };

template <class P, int W>
__device__ void adamw(P* p, const P* g, P* m, P* v, bf16* work, const float* norms, const float* scalars, i64 elements, i64 matrices, float limit, float beta1, float beta2, float eps) {
  typedef Pack<P, W> Group;
  i64 from = (i64)blockIdx.y * elements;
  float factor = limit > 0 ? fminf(1.0f, limit / (norms[blockIdx.y] + 1e-6f)) : 1.0f;
  const float* s = scalars + blockIdx.y * 10;
  for (i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * W; i < elements; i += (i64)gridDim.x * blockDim.x * W) {
    const float* h = i < matrices ? s : s + 5;
    float keep = 1.0f - h[0] * h[4], rate = h[0] / h[1], root = rsqrtf(h[2]);
    i64 at = from + i;
    Group gp = *(const Group*)(g + at), pp = *(Group*)(p + at), mp = *(Group*)(m + at), vp = *(Group*)(v + at);
    Pack<bf16, W> out;
    for (int j = 0; j < W; j++) {
      float grad = widen(gp.v[j]) * factor, a = widen(mp.v[j]), b = widen(vp.v[j]), x = widen(pp.v[j]) * keep;
      a += (grad - a) * (1.0f - beta1);
      b = beta2 * b + (1.0f - beta2) * grad * grad;
      x -= rate * a / (sqrtf(b) * root + eps);
      narrow(x, pp.v[j]);
      narrow(a, mp.v[j]);
      narrow(b, vp.v[j]);
      out.v[j] = down(x);
    }
    *(Group*)(p + at) = pp;
    *(Group*)(m + at) = mp;
    *(Group*)(v + at) = vp;
    if (work) *(Pack<bf16, W>*)(work + at) = out;
  }
}
#define ADAMW(name, P, W) \
  extern "C" __global__ void name(P* p, const P* g, P* m, P* v, bf16* work, const float* norms, const float* scalars, i64 elements, i64 matrices, float limit, float beta1, float beta2, float eps) { \
    adamw<P, W>(p, g, m, v, work, norms, scalars, elements, matrices, limit, beta1, beta2, eps); \
  }
ADAMW(adamw_f32, float, 4)
ADAMW(adamw_f32_any, float, 1)
ADAMW(adamw_bf16, bf16, 8)
ADAMW(adamw_bf16_any, bf16, 1)
)cuda";
}  // namespace fta::kernels
