// The C face of the shim: what gotch lacks and what a training step needs fused.
// Tensors are torch::Tensor*, the same pointers as gotch's libtch.Ctensor.
// Each function returns 0, 1 (an error) or 2 (out of memory); fta_error says what.
// Shapes: N rows (batch x sequence), d hidden, V vocabulary, K arms.
#pragma once
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef void* fta_tensor;

const char* fta_error(void);                 // of the last failed call on this thread
void fta_free_all(fta_tensor* list, int n);  // null entries are skipped

// --- device.cpp: devices, memory, time ---------------------------------------
const char* fta_load_cuda(void);   // dlopen before the first ATen call; "" or why not
int fta_begin_thread(void);        // inference mode for this OS thread, for good
int fta_cuda_count(void);
const char* fta_version(void);     // libtorch's
const char* fta_capability(int device);  // "9.0"
void fta_gpu_name(int device, char* name, char* driver, int size);  // by the driver's management library
void fta_set_threads(int n);
int fta_get_threads(void);
int fta_memory(int device, int64_t out[6]);  // now, peak allocated; now, peak reserved; free, total
int fta_reset_peak(int device);
int fta_empty_cache(int device);
int fta_release_workspaces(int device);  // those of matrix products, one a stream, which else stay for good
void fta_limit_cpu_memory(int64_t bytes);    // 0 lifts the limit; for tests and for a shared machine
int fta_synchronize(int device);
int fta_timer_new(int device, void** timer);
int fta_timer_mark(void* timer);             // the first mark is the origin
int fta_timer_seconds(void* timer, double* out, int n);  // since the mark before; waits
void fta_timer_free(void* timer);

// --- core.cpp: tensors and products ----------------------------------------------
int fta_as_strided(fta_tensor t, const int64_t* size, const int64_t* stride, int n, int64_t offset, fta_tensor* out);
int fta_alias(fta_tensor t, fta_tensor* out);  // another handle
int fta_view_alike(fta_tensor view, fta_tensor of, fta_tensor other, fta_tensor* out);  // views other as view does of
int fta_empty_like(fta_tensor t, fta_tensor* out);
int fta_to_dtype(fta_tensor t, int dtype, fta_tensor* out);
int fta_from_host(const void* data, const int64_t* size, int n, int dtype, int device, fta_tensor* out);
int fta_to_host(fta_tensor t, void* data, int64_t bytes);   // converts nothing
int fta_copy_cast(fta_tensor dst, fta_tensor src);
int fta_fill(fta_tensor t, double value);
int fta_scale(fta_tensor t, double by);                     // in place
int fta_add(fta_tensor t, fta_tensor other, double alpha);  // in place
int fta_mul_arms(fta_tensor t, fta_tensor per_arm);         // t [K,..] *= per_arm [K]
int fta_seed(int64_t seed);
int fta_normal(fta_tensor t, double std);
int fta_kaiming_uniform_a5(fta_tensor t, int64_t fan_in);   // PEFT's initial A
int fta_dropout_mask(fta_tensor like, double p, fta_tensor* mask);  // 0 or 1/(1-p)
int fta_mul(fta_tensor a, fta_tensor b, fta_tensor* out);
int fta_addcmul(fta_tensor t, fta_tensor a, fta_tensor b);  // t += a*b
// y = x w^T + bias + residual; bias and residual may be null
int fta_linear(fta_tensor x, fta_tensor w, fta_tensor bias, fta_tensor residual, fta_tensor* y);
// out = beta out + alpha op(a) op(b), two- or three-dimensional; a wider out sums in its own precision
int fta_gemm(fta_tensor out, fta_tensor a, int ta, fta_tensor b, int tb, double beta, double alpha);
// out = start + alpha a b^T, two-dimensional
int fta_onto(fta_tensor start, fta_tensor a, fta_tensor b, double alpha, fta_tensor* out);
int fta_mm(fta_tensor a, int ta, fta_tensor b, int tb, fta_tensor* out);
int fta_sum_rows(fta_tensor out, fta_tensor x, double beta);  // out[d] = beta out + column sums of x[N,d]

// --- dora.cpp: rows of norms, columns of factors; the first dimensions are arms -----------------
int fta_row_squares(fta_tensor w, fta_tensor out);           // out[rows] = sum of w[rows,cols]^2, fp32
int fta_adapted_norm(fta_tensor squares, fta_tensor t, fta_tensor b, fta_tensor out);  // sqrt(squares + row sums of t*b)
int fta_divide(fta_tensor out, fta_tensor x, fta_tensor y);  // element by element
int fta_mul_columns(fta_tensor t, fta_tensor by);            // t[..,n,d] *= by[..,d]
int fta_column_dots(fta_tensor out, fta_tensor x, fta_tensor y, fta_tensor over, double beta);  // out[..,d] = beta out + sum_n x*y / over

// --- lora.cpp: LoRA on a linear layer, fp32 on a CPU ---------------------------------------
typedef struct {
  fta_tensor a, b, da, db;  // [K,r,in], [K,out,r], without K for one arm; gradients of the same shapes
  int64_t from, out;        // its columns of y
} fta_adapter;
// y = x w^T + bias + residual + scale x A^T B^T of n adapters of one rank; y stays null where the
// fused form does not serve. low is for the way back; scale has one value an arm. merged, null or what
// fta_lora_merge made, takes the place of w and of the adapters' products.
int fta_lora(fta_tensor x, fta_tensor w, fta_tensor merged, fta_tensor bias, fta_tensor residual, const fta_adapter* list, int n, const double* scale, int64_t arms, fta_tensor* y, fta_tensor* low);
// gradients of A and B are beta times the old plus the new; dx where wanted
int fta_lora_backward(fta_tensor dy, fta_tensor x, fta_tensor w, fta_tensor merged, const fta_adapter* list, int n, const double* scale, int64_t arms, fta_tensor low, double beta, int want_dx, fta_tensor* dx);
int fta_lora_merge(fta_tensor w, const fta_adapter* list, int n, double scale, fta_tensor out);  // w + scale B A

// dlow [N,R] = scale dy B of each adapter, and B's gradients, in one reading of dy, bf16 on a GPU and for one
// arm; dlow stays null where that form does not serve
int fta_low_gradients(fta_tensor dy, const fta_adapter* list, int n, fta_tensor low, double scale, double beta, fta_tensor* dlow);

// --- blocks.cpp: norms, rotary positions, activations ---------------------------------------
// weight_offset is 1 where the stored weight is w-1 (Gemma), else 0.
int fta_rms_norm(fta_tensor x, fta_tensor w, double eps, double weight_offset, fta_tensor* y, fta_tensor* rstd);
// dx = norm's gradient + residual (may be null); dw += , may be null
int fta_rms_norm_backward(fta_tensor dy, fta_tensor x, fta_tensor w, double weight_offset, fta_tensor rstd, fta_tensor residual, fta_tensor dw, fta_tensor* dx);
int fta_layer_norm(fta_tensor x, fta_tensor w, fta_tensor b, double eps, fta_tensor* y, fta_tensor* mean, fta_tensor* rstd);
int fta_layer_norm_backward(fta_tensor dy, fta_tensor x, fta_tensor w, fta_tensor mean, fta_tensor rstd, fta_tensor residual, fta_tensor dw, fta_tensor db, fta_tensor* dx);
// rotates heads x head_dim columns of t[N,width] from column on, in place; sign -1 turns back
int fta_rope(fta_tensor t, int64_t column, int64_t heads, int64_t head_dim, int64_t rotary_dim, fta_tensor cos, fta_tensor sin, fta_tensor positions, int sign);
enum { FTA_SILU = 0, FTA_GELU_TANH = 1, FTA_GELU = 2, FTA_RELU = 3 };
// gated: x[N,2f] holds gate|up -> act(gate)*up [N,f]; else x[N,f] -> act(x)
int fta_activation(fta_tensor x, int kind, int gated, fta_tensor* y);
// again: dy's place takes act's value
int fta_activation_backward(fta_tensor dy, fta_tensor x, int kind, int gated, int again, fta_tensor* dx);

// --- attention.cpp -------------------------------------------------------------------------
typedef struct {
  int64_t batch, length, heads, kv_heads, head_dim, window;  // window 0: none
  double scale;
  int backend;  // 0 chooses
} fta_attention_shape;
// qkv[N,(heads+2kv)hd] -> out[N,heads*hd]; mask [batch,1,length,length] additive, null: causal only;
// cu [docs+1] int32 and longest for packed rows on CUDA, else null; positions [N] int64 in place of
// all three on a CPU, where a token sees its document's from position 0 on. saved[4] keeps what backward needs.
int fta_attention(fta_tensor qkv, fta_attention_shape shape, fta_tensor mask, fta_tensor cu, int64_t longest, fta_tensor positions, fta_tensor* out, fta_tensor saved[4]);
int fta_attention_backward(fta_tensor dout, fta_tensor qkv, fta_tensor out, fta_attention_shape shape, fta_tensor mask, fta_tensor cu, int64_t longest, fta_tensor positions, fta_tensor saved[4], fta_tensor* dqkv);
// additive mask of packed rows: causal, same segment, within the window
int fta_segment_mask(const int32_t* segments, int64_t batch, int64_t length, int64_t window, int dtype, int device, fta_tensor* mask);

// --- loss.cpp: embedding, head and loss ------------------------------------------
int fta_embed(fta_tensor table, fta_tensor ids, fta_tensor positions_table, fta_tensor positions, double scale, fta_tensor* x);
int fta_embed_backward(fta_tensor dx, fta_tensor ids, double scale, fta_tensor dtable);
int fta_gather_rows(fta_tensor x, fta_tensor rows, fta_tensor* out);
int fta_scatter_rows(fta_tensor x, fta_tensor rows, int64_t n, fta_tensor* out);  // the rest is zero
// Chunked linear cross-entropy over labelled rows h[M,d], w[V+spare,d], labels[M] (int64), weights[M] (fp32, the
// gradient's scale a row: 1/count). loss[M] (fp32) comes out; dh and dw (+=) where asked for.
int fta_linear_cross_entropy(fta_tensor h, fta_tensor w, int64_t vocab, fta_tensor labels, fta_tensor weights, int64_t chunk, double softcap, int want_grad, fta_tensor dw, double dw_beta, fta_tensor* loss, fta_tensor* dh, fta_tensor* hit);
int fta_weighted_sum(fta_tensor x, fta_tensor weights, int64_t arms, fta_tensor* out);  // of each arm's share: [K] fp64

// --- spectrum.cpp ----------------------------------------------------------------------------
int fta_singular_values(fta_tensor t, double* out, int64_t n);  // of t[rows,cols], n = min(rows, cols), descending

// --- optimiser.cpp ---------------------------------------------------------------------------
int fta_norm(fta_tensor t, fta_tensor* out);  // Euclidean, of each row of t[K,n]: [K] fp32
// AdamW on flat buffers [K,elements]. Gradients count min(1, limit/(norm+1e-6)) times where limit is above 0, by
// norms[K]. scalars[K,2,5] fp32, for the first `matrices` elements of an arm and for the rest: learning rate,
// 1-beta1^t, 1-beta2^t, t, decay. Elements [from, to) of every arm are updated. work, null or another precision,
// gets a copy of the new p.
int fta_adamw(fta_tensor p, fta_tensor g, fta_tensor m, fta_tensor v, fta_tensor work, fta_tensor norms, fta_tensor scalars, int64_t matrices, int64_t from, int64_t to, double limit, double beta1, double beta2, double eps);

// --- graph.cpp: streams, CUDA graphs, pinned staging -----------------------------------------------
int fta_side_stream(int device);   // this thread's work on the device goes to a stream that can be captured
int fta_aside_begin(int device);   // what follows goes to a second stream, after all that was issued so far
int fta_aside_end(int device);     // and from here on no more
int fta_aside_mark(int device, int slot);  // of slots 0 and 1: the second stream's work so far
int fta_aside_wait(int device, int slot);  // what follows runs after that work
int fta_graphs_known(void);        // 0: this libtorch has no CUDA graphs
int fta_graph_pool_new(void** pool);
void fta_graph_pool_free(void* pool);
int fta_graph_begin(void* pool, void** graph);
int fta_graph_end(void* graph);
int fta_graph_replay(void* graph);
void fta_graph_free(void* graph);
int fta_stage_new(int device, int64_t bytes, int slots, void** stage);
int fta_stage_room(void* stage, void** data);                  // the next slot; waits until it may be filled
int fta_stage_send(void* stage, fta_tensor to, int64_t bytes);  // into to's first bytes; does not wait
void fta_stage_free(void* stage);

void fta_reference(int on);  // plain ATen instead of the fused CPU kernels: the tests' oracle
void fta_wide(int on);       // 0: no AVX-512, as on processors without it

#ifdef __cplusplus
}
#endif
