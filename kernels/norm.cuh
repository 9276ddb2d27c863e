/* SPDX-License-Identifier: MIT
 *
 * RMSNorm and LayerNorm on the GPU; the contracts are those of rmsnorm.h and layernorm.h.  LAYER: with mean and bias.  A run is
 * one group of a row, C elements that are normed together; statistics, sums and weights are float, x, y and gradients T.
 *
 * Held runs: a team of TEAM threads reads a run once, 16 bytes a thread at a time, and keeps it in registers, PER vectors each,
 * until it is written; thread m has vectors m, m + TEAM, ...  A team is a part of a warp (heads: C = 64, 128), a warp, or a block;
 * its sums are shuffles, and for a block one barrier a sum.  Threads keep their columns, so in the backward pass each adds its
 * part of d_weight up in registers over all runs of its team.  The teams of a block then add theirs one warp after another, the
 * block writes one row of partial sums, and columns_reduce adds those rows in their order: no atomics, the same bits every time.
 * Streamed runs: what is too long (16,384 elements of bfloat16, 8,192 floats; half as many for LayerNorm's backward pass, which would spill), or
 * not aligned to 16 bytes.  A warp takes a run, N elements a lane at a time, and reads it again
 * for each of its passes; parts of d_weight are added up in the warp's row of partial sums, which stays in the caches.
 *
 * Bound by memory.  Forward moves 2 elements of T for each of x (with a residual 4), backward 3 (accumulating 4), and 2-4% more for
 * partial sums, which the second cache holds.  An H100 moves about 15 bytes a clock and multiprocessor.  A run takes about 1,800
 * clocks from its first load to its last store, of which 1,200 are the loads; from the registers of NORM_TEAMS follow the runs under
 * way at once: 35 to 60 bytes a clock forward, and backward of RMSNorm 30 to 45, of LayerNorm, which keeps d_bias too, 25.
 * Arithmetic needs a fifth of the issue slots.  Expected: >= 90% of a copy's bandwidth where a call moves 30 MB or more, LayerNorm
 * backward 85%; below that the second kernel of a backward pass shows, about 3 microseconds.
 */
#ifndef KERNELS_NORM_CUH
#define KERNELS_NORM_CUH

#include "kernels/column_sum.cuh"

template <class T> struct norm_forward_job {
  T *y, *total;            /* total = x + added where added is not NULL, and the norm is that of total */
  float *mean, *rstd;
  const T *x, *added;
  const float *weight, *bias; /* bias may be NULL */
  struct norm_shape s;
};

template <class T> struct norm_backward_job {
  T *dx;
  float *partial;          /* [blocks][LAYER ? 2 : 1][C]: d_weight, d_bias */
  const T *dy, *x;
  const float *weight, *mean, *rstd;
  struct norm_shape s;
  bool accumulate;
};

/* Threads of a team, vectors of each; of the backward pass, threads of a block and how many blocks a multiprocessor has registers
 * for, of RMSNorm and of LayerNorm; 0: too many registers.  The first that holds a run is taken. */
#define NORM_TEAMS(ROW)                                                                                                      \
  ROW(8, 1, 256, 4, 256, 3) ROW(16, 1, 256, 4, 256, 3) ROW(32, 1, 256, 4, 256, 3) ROW(32, 2, 256, 2, 256, 2)                 \
  ROW(32, 3, 256, 2, 320, 1) ROW(32, 4, 384, 1, 256, 1) ROW(128, 2, 128, 5, 128, 4) ROW(256, 2, 256, 2, 256, 2)              \
  ROW(256, 4, 256, 2, 256, 1) ROW(512, 4, 512, 1, 0, 0)

/* The sums of K values over the team, in all its threads.  turn: 0 at first; two sets of sums take turns, so that one barrier is
 * enough: who writes a set has met a barrier behind all reads of it. */
template <int TEAM, int K> static __device__ __forceinline__ void norm_sums(float (&x)[K], int &turn) {
  for (int distance = (TEAM < 32 ? TEAM : 32) / 2; distance > 0; distance /= 2)
    for (int k = 0; k < K; k++) x[k] += __shfl_xor_sync(0xffffffffu, x[k], distance);
  if (TEAM <= 32) return;
  const int warps = (TEAM + 31) / 32;
  __shared__ float sums[2][K][warps];
  if (threadIdx.x % 32 == 0)
    for (int k = 0; k < K; k++) sums[turn][k][threadIdx.x / 32] = x[k];
  __syncthreads();
  for (int k = 0; k < K; k++) {
    x[k] = 0;
    for (int i = 0; i < warps; i++) x[k] += sums[turn][k][i];
  }
  turn ^= 1;
}

struct norm_place { /* where a run begins */
  int64_t x, y;
};
static __device__ __forceinline__ norm_place norm_at(const struct norm_shape &s, int64_t run) {
  int64_t row = s.groups == 1 ? run : run / s.groups, group = run - row * s.groups;
  return {row * s.ld_x + group * s.C, row * s.ld_y + group * s.C};
}

/* ---- held runs */

template <class T, bool LAYER, int TEAM, int PER, int THREADS>
__global__ void __launch_bounds__(THREADS, 896 / THREADS) norm_forward_held(norm_forward_job<T> job) {
  const int N = 16 / sizeof(T), TEAMS = THREADS / TEAM;
  const struct norm_shape s = job.s;
  const int C = (int)s.C, me = threadIdx.x % TEAM;
  int64_t runs = s.rows * s.groups;
  int turn = 0;
  for (int64_t first = (int64_t)blockIdx.x * TEAMS; first < runs; first += (int64_t)gridDim.x * TEAMS) { /* all lanes of a warp take part in its shuffles */
    int64_t run = first + threadIdx.x / TEAM;
    bool inside = run < runs;
    norm_place at = norm_at(s, inside ? run : 0);
    pack<T, N> held[PER];
    pack<float, N> w[PER];
    for (int p = 0; p < PER; p++) {
      int c = (p * TEAM + me) * N;
      for (int i = 0; i < N; i++) held[p].at[i] = from_float<T>(0);
      if (inside && c < C) held[p] = load_pack<T, N>(job.x + at.x + c);
      if (PER <= 2 && c < C) w[p] = load_pack<float, N>(job.weight + c); /* on its way while the sums are made */
    }
    if (job.added)
      for (int p = 0; p < PER; p++) {
        int c = (p * TEAM + me) * N;
        if (!inside || c >= C) continue;
        pack<T, N> other = load_pack<T, N>(job.added + at.x + c);
        for (int i = 0; i < N; i++) held[p].at[i] = from_float<T>(to_float(held[p].at[i]) + to_float(other.at[i]));
        store_pack<T, N>(job.total + at.x + c, held[p]);
      }
    float sum[1] = {0}, mean = 0;
    if (LAYER) {
      for (int p = 0; p < PER; p++)
        for (int i = 0; i < N; i++) sum[0] += to_float(held[p].at[i]);
      norm_sums<TEAM>(sum, turn);
      mean = sum[0] / (float)C;
      sum[0] = 0;
    }
    for (int p = 0; p < PER; p++)
      if ((p * TEAM + me) * N < C)
        for (int i = 0; i < N; i++) {
          float d = to_float(held[p].at[i]) - mean;
          sum[0] += d * d;
        }
    norm_sums<TEAM>(sum, turn);
    float scale = 1 / sqrtf(sum[0] / (float)C + (float)s.eps);
    if (!inside) continue;
    if (me == 0) {
      if (LAYER) job.mean[run] = mean;
      job.rstd[run] = scale;
    }
    for (int p = 0; p < PER; p++) {
      int c = (p * TEAM + me) * N;
      if (c >= C) continue;
      if (PER > 2) w[p] = load_pack<float, N>(job.weight + c);
      pack<float, N> b;
      for (int i = 0; i < N; i++) b.at[i] = 0;
      if (LAYER && job.bias) b = load_pack<float, N>(job.bias + c);
      for (int i = 0; i < N; i++) {
        float o = (to_float(held[p].at[i]) - mean) * scale * w[p].at[i];
        held[p].at[i] = from_float<T>(LAYER ? o + b.at[i] : o);
      }
      store_pack<T, N>(job.y + at.y + c, held[p]);
    }
  }
}

/* Dynamic shared memory: (LAYER ? 2 : 1) * C floats where a block has several teams, else none. */
template <class T, bool LAYER, int TEAM, int PER, int THREADS, int BLOCKS>
__global__ void __launch_bounds__(THREADS, BLOCKS) norm_backward_held(norm_backward_job<T> job) {
  const int N = 16 / sizeof(T), TEAMS = THREADS / TEAM, K = LAYER ? 2 : 1;
  const bool EARLY = PER <= 2; /* dx on its way while the sums are made, if there are registers for it */
  const struct norm_shape s = job.s;
  const int C = (int)s.C, me = threadIdx.x % TEAM;
  int64_t runs = s.rows * s.groups;
  int turn = 0;
  float d_weight[PER][N], d_bias[PER][N]; /* the latter is dropped unless LAYER */
  for (int p = 0; p < PER; p++)
    for (int i = 0; i < N; i++) d_weight[p][i] = d_bias[p][i] = 0;
  for (int64_t first = (int64_t)blockIdx.x * TEAMS; first < runs; first += (int64_t)gridDim.x * TEAMS) {
    int64_t run = first + threadIdx.x / TEAM;
    bool inside = run < runs;
    norm_place at = norm_at(s, inside ? run : 0);
    pack<T, N> x[PER], dy[PER], old[PER];
    for (int p = 0; p < PER; p++) {
      int c = (p * TEAM + me) * N;
      for (int i = 0; i < N; i++) x[p].at[i] = dy[p].at[i] = old[p].at[i] = from_float<T>(0);
      if (!inside || c >= C) continue;
      x[p] = load_pack<T, N>(job.x + at.x + c);
      dy[p] = load_pack<T, N>(job.dy + at.y + c);
      if (EARLY && job.accumulate) old[p] = load_pack<T, N>(job.dx + at.x + c);
    }
    float scale = inside ? job.rstd[run] : 0, mean = LAYER && inside ? job.mean[run] : 0;
    float sums[K] = {0};
    for (int p = 0; p < PER; p++) {
      int c = (p * TEAM + me) * N;
      if (c >= C) continue;
      pack<float, N> w = load_pack<float, N>(job.weight + c);
      for (int i = 0; i < N; i++) {
        float g = to_float(dy[p].at[i]) * w.at[i];
        sums[0] += g * (to_float(x[p].at[i]) - mean);
        if (LAYER) sums[K - 1] += g;
      }
    }
    norm_sums<TEAM>(sums, turn);
    float dot = sums[0] * scale / (float)C, mean_g = LAYER ? sums[K - 1] / (float)C : 0;
    if (!inside) continue;
    for (int p = 0; p < PER; p++) {
      int c = (p * TEAM + me) * N;
      if (c >= C) continue;
      if (!EARLY && job.accumulate) old[p] = load_pack<T, N>(job.dx + at.x + c);
      pack<float, N> w = load_pack<float, N>(job.weight + c);
      for (int i = 0; i < N; i++) {
        float xn = (to_float(x[p].at[i]) - mean) * scale, d = to_float(dy[p].at[i]);
        d_weight[p][i] += d * xn;
        if (LAYER) d_bias[p][i] += d;
        float o = scale * (LAYER ? d * w.at[i] - mean_g - xn * dot : d * w.at[i] - xn * dot);
        old[p].at[i] = from_float<T>(job.accumulate ? to_float(old[p].at[i]) + o : o);
      }
      store_pack<T, N>(job.dx + at.x + c, old[p]);
    }
  }
  float *to = job.partial + (int64_t)blockIdx.x * K * C;
  if (TEAM > 32) {
    for (int p = 0; p < PER; p++)
      for (int i = 0; i < N; i++) {
        int c = (p * TEAM + me) * N + i;
        if (c >= C) continue;
        to[c] = d_weight[p][i];
        if (LAYER) to[C + c] = d_bias[p][i];
      }
    return;
  }
  CUDA_DYNAMIC_SHARED(float, sums);
  for (int distance = TEAM; distance < 32; distance *= 2) /* the teams of a warp */
    for (int p = 0; p < PER; p++)
      for (int i = 0; i < N; i++) {
        d_weight[p][i] += __shfl_xor_sync(0xffffffffu, d_weight[p][i], distance);
        if (LAYER) d_bias[p][i] += __shfl_xor_sync(0xffffffffu, d_bias[p][i], distance);
      }
  for (int warp = 0; warp < THREADS / 32; warp++) {
    if ((int)threadIdx.x / 32 == warp && threadIdx.x % 32 < TEAM)
      for (int p = 0; p < PER; p++)
        for (int i = 0; i < N; i++) {
          int c = (p * TEAM + me) * N + i;
          if (c >= C) continue;
          sums[c] = (warp > 0 ? sums[c] : 0) + d_weight[p][i];
          if (LAYER) sums[C + c] = (warp > 0 ? sums[C + c] : 0) + d_bias[p][i];
        }
    __syncthreads();
  }
  for (int c = threadIdx.x; c < K * C; c += THREADS) to[c] = sums[c];
}

/* ---- streamed runs: blocks of one warp */

template <class T, bool LAYER, int N> __global__ void __launch_bounds__(32) norm_forward_streamed(norm_forward_job<T> job) {
  const struct norm_shape s = job.s;
  int64_t runs = s.rows * s.groups;
  int turn = 0;
  for (int64_t run = blockIdx.x; run < runs; run += gridDim.x) {
    norm_place at = norm_at(s, run);
    const T *x = job.x + at.x;
    float sum[1] = {0}, mean = 0;
    if (job.added || LAYER) {
      for (int64_t c = threadIdx.x * N; c < s.C; c += 32 * N) {
        pack<T, N> v = load_pack<T, N>(x + c);
        if (job.added) {
          pack<T, N> other = load_pack<T, N>(job.added + at.x + c);
          for (int i = 0; i < N; i++) v.at[i] = from_float<T>(to_float(v.at[i]) + to_float(other.at[i]));
          store_pack<T, N>(job.total + at.x + c, v);
        }
        for (int i = 0; i < N; i++) sum[0] += to_float(v.at[i]);
      }
      if (job.added) x = job.total + at.x; /* each lane reads what it wrote */
    }
    if (LAYER) {
      norm_sums<32>(sum, turn);
      mean = sum[0] / (float)s.C;
    }
    sum[0] = 0;
    for (int64_t c = threadIdx.x * N; c < s.C; c += 32 * N) {
      pack<T, N> v = load_pack<T, N>(x + c);
      for (int i = 0; i < N; i++) {
        float d = to_float(v.at[i]) - mean;
        sum[0] += d * d;
      }
    }
    norm_sums<32>(sum, turn);
    float scale = 1 / sqrtf(sum[0] / (float)s.C + (float)s.eps);
    if (threadIdx.x == 0) {
      if (LAYER) job.mean[run] = mean;
      job.rstd[run] = scale;
    }
    for (int64_t c = threadIdx.x * N; c < s.C; c += 32 * N) {
      pack<T, N> v = load_pack<T, N>(x + c);
      pack<float, N> w = load_pack<float, N>(job.weight + c), b;
      for (int i = 0; i < N; i++) b.at[i] = 0;
      if (LAYER && job.bias) b = load_pack<float, N>(job.bias + c);
      for (int i = 0; i < N; i++) {
        float o = (to_float(v.at[i]) - mean) * scale * w.at[i];
        v.at[i] = from_float<T>(LAYER ? o + b.at[i] : o);
      }
      store_pack<T, N>(job.y + at.y + c, v);
    }
  }
}

template <class T, bool LAYER, int N> __global__ void __launch_bounds__(32) norm_backward_streamed(norm_backward_job<T> job) {
  const struct norm_shape s = job.s;
  const int K = LAYER ? 2 : 1;
  int64_t runs = s.rows * s.groups;
  float *d_weight = job.partial + (int64_t)blockIdx.x * K * s.C, *d_bias = d_weight + s.C;
  for (int64_t c = threadIdx.x * N; c < s.C; c += 32 * N)
    for (int i = 0; i < N; i++) {
      d_weight[c + i] = 0;
      if (LAYER) d_bias[c + i] = 0;
    }
  int turn = 0;
  for (int64_t run = blockIdx.x; run < runs; run += gridDim.x) {
    norm_place at = norm_at(s, run);
    float scale = job.rstd[run], mean = LAYER ? job.mean[run] : 0, sums[K] = {0};
    for (int64_t c = threadIdx.x * N; c < s.C; c += 32 * N) {
      pack<T, N> x = load_pack<T, N>(job.x + at.x + c), dy = load_pack<T, N>(job.dy + at.y + c);
      pack<float, N> w = load_pack<float, N>(job.weight + c);
      for (int i = 0; i < N; i++) {
        float g = to_float(dy.at[i]) * w.at[i];
        sums[0] += g * (to_float(x.at[i]) - mean);
        if (LAYER) sums[K - 1] += g;
      }
    }
    norm_sums<32>(sums, turn);
    float dot = sums[0] * scale / (float)s.C, mean_g = LAYER ? sums[K - 1] / (float)s.C : 0;
    for (int64_t c = threadIdx.x * N; c < s.C; c += 32 * N) {
      pack<T, N> x = load_pack<T, N>(job.x + at.x + c), dy = load_pack<T, N>(job.dy + at.y + c), out = x;
      if (job.accumulate) out = load_pack<T, N>(job.dx + at.x + c);
      pack<float, N> w = load_pack<float, N>(job.weight + c);
      for (int i = 0; i < N; i++) {
        float xn = (to_float(x.at[i]) - mean) * scale, d = to_float(dy.at[i]);
        d_weight[c + i] += d * xn;
        if (LAYER) d_bias[c + i] += d;
        float o = scale * (LAYER ? d * w.at[i] - mean_g - xn * dot : d * w.at[i] - xn * dot);
        out.at[i] = from_float<T>(job.accumulate ? to_float(out.at[i]) + o : o);
      }
      store_pack<T, N>(job.dx + at.x + c, out);
    }
  }
}

/* ---- launches */

/* Blocks of `teams` teams for so many runs, at most `most` for each multiprocessor. */
static inline unsigned norm_blocks(int64_t runs, int teams, int most) {
  int64_t blocks = divide_up(runs, teams), limit = (int64_t)cuda_device()->processors * most;
  return (unsigned)(blocks < limit ? blocks : limit);
}

template <class T> static bool norm_aligned(const struct norm_shape &s, std::initializer_list<const void *> pointers) {
  const int64_t N = 16 / sizeof(T);
  return s.C % N == 0 && s.ld_x % N == 0 && s.ld_y % N == 0 && aligned_16(pointers);
}

template <class T, bool LAYER> static int norm_forward(const norm_forward_job<T> &job, const char *op, struct kernel_error *e) {
  enum { N = 16 / sizeof(T) };
  const struct norm_shape &s = job.s;
  int64_t runs = s.rows * s.groups;
  if (runs == 0 || s.C == 0) return 0;
  bool aligned = norm_aligned<T>(s, {job.y, job.total, job.x, job.added, job.weight, job.bias});
  enum { WAVES = 4, THREADS_HELD = 2048 }; /* of a multiprocessor */
#define TRY(TEAM, PER, rms_threads, rms_blocks, layer_threads, layer_blocks)                                                                                  \
  if (aligned && s.C <= TEAM * PER * N) {                                                                                    \
    const int FORWARD = TEAM > 32 ? TEAM : 128;                                                                              \
    unsigned blocks = norm_blocks(runs, FORWARD / TEAM, WAVES * THREADS_HELD / FORWARD);                                     \
    CUDA_LAUNCH((norm_forward_held<T, LAYER, TEAM, PER, FORWARD>), blocks, FORWARD, 0, cuda_stream(), job);                  \
    return launched(op, e);                                                                                                  \
  }
  NORM_TEAMS(TRY)
#undef TRY
  unsigned warps = norm_blocks(runs, 1, WAVES * 32);
  if (aligned) CUDA_LAUNCH((norm_forward_streamed<T, LAYER, N>), warps, 32, 0, cuda_stream(), job);
  else CUDA_LAUNCH((norm_forward_streamed<T, LAYER, 1>), warps, 32, 0, cuda_stream(), job);
  return launched(op, e);
}

template <class T> static int norm_partial(norm_backward_job<T> *job, unsigned pieces, int64_t columns, struct kernel_error *e) {
  job->partial = (float *)cuda_workspace((size_t)pieces * (size_t)columns * sizeof(float), e);
  return job->partial ? 0 : -1;
}

template <class T, bool LAYER>
static int norm_backward(norm_backward_job<T> job, float *d_weight, float *d_bias, const char *op, struct kernel_error *e) {
  enum { N = 16 / sizeof(T) };
  const struct norm_shape &s = job.s;
  int64_t runs = s.rows * s.groups, columns = (LAYER ? 2 : 1) * s.C;
  if (runs == 0 || s.C == 0) return 0;
  bool aligned = norm_aligned<T>(s, {job.dx, job.dy, job.x, job.weight});
  unsigned pieces; /* blocks, of which all run at once */
#define TRY(TEAM, PER, rms_threads, rms_blocks, layer_threads, layer_blocks)                                                                                  \
  if (aligned && (LAYER ? layer_threads : rms_threads) > 0 && s.C <= TEAM * PER * N) {                                       \
    const int THREADS = LAYER ? layer_threads : rms_threads, BLOCKS = LAYER ? layer_blocks : rms_blocks;                     \
    if constexpr (THREADS > 0) {                                                                                             \
      pieces = norm_blocks(runs, THREADS / TEAM, BLOCKS);                                                                    \
      if (norm_partial(&job, pieces, columns, e) != 0) return -1;                                                            \
      size_t shared = TEAM > 32 ? 0 : (size_t)columns * sizeof(float);                                                       \
      CUDA_LAUNCH((norm_backward_held<T, LAYER, TEAM, PER, THREADS, BLOCKS>), pieces, THREADS, shared, cuda_stream(), job);  \
    }                                                                                                                        \
  } else
  NORM_TEAMS(TRY)
#undef TRY
  {
    pieces = norm_blocks(runs, 1, 16);
    if (norm_partial(&job, pieces, columns, e) != 0) return -1;
    if (aligned) CUDA_LAUNCH((norm_backward_streamed<T, LAYER, N>), pieces, 32, 0, cuda_stream(), job);
    else CUDA_LAUNCH((norm_backward_streamed<T, LAYER, 1>), pieces, 32, 0, cuda_stream(), job);
  }
  if (launched(op, e) != 0) return -1;
  columns_reduce(d_weight, d_bias, job.partial, (int)pieces, columns, s.C);
  return launched(op, e);
}

#endif
