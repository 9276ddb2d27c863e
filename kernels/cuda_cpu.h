/* SPDX-License-Identifier: MIT
 *
 * CUDA kernels on the CPU.  A .cuh file includes this header; nvcc compiles it for the GPU, g++ for an emulator that runs
 * every thread of a block as a fiber, so that kernels are tested, and their races found, where there is no GPU.
 *
 *   CUDA_LAUNCH(kernel, grid, block, shared_bytes, stream, arguments...)
 *   CUDA_DYNAMIC_SHARED(type, name)      the block's dynamic shared memory
 *   bf16, to_float(x), from_float<T>(f)  float and bfloat16 (round to nearest even)
 *
 * The emulator.  Blocks run one after another.  The threads of a block are scheduled greedily: a warp runs on until all its
 * threads wait, then threads that have not started, then the others; a warp that may run ahead of a missing barrier does
 * (round-robin would hide it).  cuda_cpu::seed, at first the environment's CUDA_CPU_SEED, shuffles the order of blocks,
 * starts and choices; 0 keeps them in order.  Dynamic shared memory starts as NaN in every block.
 * It ends the program with a report (block, waiting threads, operation, line) when nobody can run, when threads of a block
 * wait at different __syncthreads, when lanes of a warp meet in different collectives, when a lane calls a collective whose
 * mask it is not in, or reads a lane outside the mask.
 * For tests: cuda_cpu::barrier_lines() tells the lines of the barriers met so far; setting cuda_cpu::ignored_barrier to one
 * of them leaves it out, as if it had been forgotten in the source.
 *
 * Covered: __syncthreads, __syncthreads_or/and/count, __syncwarp, __shfl_sync, _up, _down, _xor (with masks and widths),
 * __ballot_sync, __any_sync, __all_sync; atomicAdd, atomicMax, atomicCAS; static and dynamic shared
 * memory; __ldg, __ldcs, __stcs.  It cannot show bank conflicts, occupancy, approximate instructions, or races between blocks.
 */
#ifndef KERNELS_CUDA_CPU_H
#define KERNELS_CUDA_CPU_H

#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__ /* ---------------------------------------------------------------------------------------- the GPU */

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#define CUDA_LAUNCH(kernel, grid, block, shared_bytes, stream, ...) kernel<<<(grid), (block), (shared_bytes), (stream)>>>(__VA_ARGS__)
#define CUDA_DYNAMIC_SHARED(type, name)                                                                                \
  extern __shared__ __align__(128) unsigned char cuda_dynamic_shared[];                                                \
  type *name = reinterpret_cast<type *>(cuda_dynamic_shared)

typedef __nv_bfloat16 bf16;
static __device__ __forceinline__ float to_float(float x) { return x; }
static __device__ __forceinline__ float to_float(bf16 x) { return __bfloat162float(x); }
template <class T> static __device__ __forceinline__ T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }
template <> __device__ __forceinline__ bf16 from_float<bf16>(float x) { return __float2bfloat16_rn(x); }

#else /* ------------------------------------------------------------------------------------------------ the emulator */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <vector>

#if !defined(__x86_64__)
#define CUDA_CPU_UCONTEXT 1
#endif
#ifdef CUDA_CPU_UCONTEXT
#include <ucontext.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __restrict__ __restrict
#define __align__(n) __attribute__((aligned(n)))
#define __shared__ static /* one block at a time */
#define CUDA_LAUNCH(kernel, grid, block, shared_bytes, stream, ...)                                                    \
  ((void)(stream),                                                                                                     \
   cuda_cpu::launch_with((grid), (block), (shared_bytes), [](auto... values) { kernel(values...); }, ##__VA_ARGS__))
#define CUDA_DYNAMIC_SHARED(type, name) type *name = reinterpret_cast<type *>(cuda_cpu::block.dynamic.data())

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
typedef void *cudaStream_t;
typedef int cudaError_t;
enum { cudaSuccess = 0 };
static inline cudaError_t cudaGetLastError() { return cudaSuccess; }
static inline const char *cudaGetErrorString(cudaError_t) { return "no error"; }

struct bf16 {
  uint16_t bits;
};
static inline float to_float(float x) { return x; }
static inline float to_float(bf16 x) {
  uint32_t u = (uint32_t)x.bits << 16;
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}
template <class T> static inline T from_float(float x);
template <> inline float from_float<float>(float x) { return x; }
template <> inline bf16 from_float<bf16>(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  if ((u & 0x7fffffff) > 0x7f800000) return bf16{0x7fff}; /* NaN, as the GPU gives it */
  return bf16{(uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16)};
}

inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
enum { warpSize = 32 };

namespace cuda_cpu {

enum { MOST_THREADS = 1024, WARP = 32, VALUE = 16 /* bytes a lane can hand over */, MOST_SHARED = 227 * 1024 };
#if defined(__SANITIZE_ADDRESS__)
enum { STACK = 256 << 10 };
#else
enum { STACK = 64 << 10 };
#endif

/* ---- switching stacks */

#ifdef CUDA_CPU_UCONTEXT
struct context {
  ucontext_t u;
};
inline void context_switch(context *from, context *to) { swapcontext(&from->u, &to->u); }
inline void context_start(context *c, char *stack, void (*entry)()) {
  getcontext(&c->u);
  c->u.uc_stack.ss_sp = stack;
  c->u.uc_stack.ss_size = STACK;
  c->u.uc_link = nullptr;
  makecontext(&c->u, entry, 0);
}
#else
/* A context is a stack pointer; below it lie the registers a callee must keep (System V AMD64 ABI). */
struct context {
  void *stack_pointer;
};
extern "C" void cuda_cpu_switch(void **from, void *to);
__asm__(".text\n"
        ".weak cuda_cpu_switch\n"
        ".type cuda_cpu_switch,@function\n"
        "cuda_cpu_switch:\n"
        "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
        "  movq %rsp,(%rdi)\n"
        "  movq %rsi,%rsp\n"
        "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
        "  ret\n"
        ".size cuda_cpu_switch,.-cuda_cpu_switch\n");
inline void context_switch(context *from, context *to) { cuda_cpu_switch(&from->stack_pointer, to->stack_pointer); }
inline void context_start(context *c, char *stack, void (*entry)()) {
  void **p = reinterpret_cast<void **>(stack + STACK - 56);
  *p = nullptr;                               /* entry's return address; the ABI wants it 8 above a multiple of 16 */
  *--p = reinterpret_cast<void *>(entry);     /* popped by ret */
  for (int i = 0; i < 6; i++) *--p = nullptr; /* popped registers */
  c->stack_pointer = p;
}
#endif

/* ---- a block */

struct thread {
  context at;
  char *stack;
  int index;
  bool started, ended;
  const unsigned *waits_for; /* a generation counter that is still `seen`; null: can run */
  unsigned seen;
  const char *operation; /* what it waits in */
  int line;
};

/* Lanes that meet in a warp collective under one mask.  Values of two generations: a lane may still read the last one
 * while others write the next; none can be two ahead. */
struct meeting {
  unsigned mask, arrived, generation;
  const char *operation;
  int line;
  alignas(16) unsigned char value[2][WARP][VALUE];
};

struct block_state {
  std::vector<thread> threads;
  std::vector<std::vector<meeting *>> warps;
  std::vector<int> order; /* in which threads start */
  size_t next;            /* of order */
  int live;
  unsigned arrived, generation; /* of __syncthreads */
  int line;                     /* of the barrier threads wait at */
  int any, all, count, result_any, result_all, result_count;
  std::vector<unsigned char> dynamic;
  std::vector<char *> free_stacks;
  std::function<void()> body;
  context caller;
  thread *current;
  const void *caller_stack; /* as the address sanitizer knows it */
  size_t caller_stack_size;
};
inline block_state block;
inline unsigned long seed = getenv("CUDA_CPU_SEED") ? strtoul(getenv("CUDA_CPU_SEED"), nullptr, 10) : 0;
inline uint64_t random_state;
inline int ignored_barrier;
inline std::set<int> &barrier_lines() {
  static std::set<int> lines;
  return lines;
}

inline unsigned random_below(unsigned n) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)((random_state >> 32) * n >> 32);
}
template <class T> static void shuffle(std::vector<T> &v) {
  for (size_t i = v.size(); i > 1; i--) std::swap(v[i - 1], v[random_below((unsigned)i)]);
}

[[noreturn]] inline void fail(const char *what) {
  fprintf(stderr, "cuda_cpu: %s in block %u,%u,%u\n", what, blockIdx.x, blockIdx.y, blockIdx.z);
  if (block.current) fprintf(stderr, "  thread %d found it\n", block.current->index);
  int told = 0;
  for (const thread &t : block.threads)
    if (t.started && !t.ended && t.waits_for && *t.waits_for == t.seen && told++ < 40)
      fprintf(stderr, "  thread %d waits in %s, line %d\n", t.index, t.operation, t.line);
  abort();
}

inline void set_thread_index(int i) {
  threadIdx.x = (unsigned)i % blockDim.x;
  threadIdx.y = (unsigned)i / blockDim.x % blockDim.y;
  threadIdx.z = (unsigned)i / (blockDim.x * blockDim.y);
}

/* From the current thread (or, null, the caller of launch) to another; `ending`: the first never comes back. */
inline void switch_to(thread *to, bool ending) {
  thread *from = block.current;
  block.current = to;
  if (to) set_thread_index(to->index);
#if defined(__SANITIZE_ADDRESS__)
  void *fake_stack = nullptr;
  __sanitizer_start_switch_fiber(ending ? nullptr : &fake_stack, to ? to->stack : block.caller_stack, to ? (size_t)STACK : block.caller_stack_size);
#else
  (void)ending;
#endif
  context_switch(from ? &from->at : &block.caller, to ? &to->at : &block.caller);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
#endif
}

inline char *take_stack() {
  if (!block.free_stacks.empty()) {
    char *s = block.free_stacks.back();
    block.free_stacks.pop_back();
    return s;
  }
  size_t page = (size_t)sysconf(_SC_PAGESIZE); /* one page below each stack catches an overflow */
  void *p = mmap(nullptr, STACK + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED || mprotect(p, page, PROT_NONE) != 0) {
    perror("cuda_cpu: stack of a thread");
    abort();
  }
  return static_cast<char *>(p) + page;
}

inline void run_thread();

inline thread *start_next() {
  thread *t = &block.threads[(size_t)block.order[block.next++]];
  t->started = true;
  t->stack = take_stack();
  context_start(&t->at, t->stack, run_thread);
  return t;
}

inline bool can_run(const thread &t) { return t.started && !t.ended && (!t.waits_for || *t.waits_for != t.seen); }

/* Who runs after `last`, or null: its warp, then those not started, then the rest. */
inline thread *choose(int last) {
  int n = (int)block.threads.size(), first = last / WARP * WARP, size = std::min<int>(WARP, n - first);
  int offset = seed ? (int)random_below((unsigned)size) : last - first + 1;
  for (int i = 0; i < size; i++) {
    thread &t = block.threads[(size_t)(first + (offset + i) % size)];
    if (can_run(t)) return &t;
  }
  if (block.next < block.order.size()) return start_next();
  offset = seed ? (int)random_below((unsigned)n) : last + 1;
  for (int i = 0; i < n; i++) {
    thread &t = block.threads[(size_t)((offset + i) % n)];
    if (can_run(t)) return &t;
  }
  return nullptr;
}

/* The current thread waits until *generation is no longer what it is now. */
inline void wait(const unsigned *generation, const char *operation, int line) {
  thread *t = block.current;
  t->waits_for = generation;
  t->seen = *generation;
  t->operation = operation;
  t->line = line;
  thread *next = choose(t->index);
  if (!next) fail("deadlock: not every thread reached a barrier or a warp collective");
  if (next != t) switch_to(next, false);
  t->waits_for = nullptr;
}

inline void release_barrier() {
  block.result_any = block.any, block.result_all = block.all, block.result_count = block.count;
  block.any = 0, block.all = 1, block.count = 0;
  block.arrived = 0;
  block.generation++;
}

inline void run_thread() {
#if defined(__SANITIZE_ADDRESS__)
  const void *stack;
  size_t size;
  __sanitizer_finish_switch_fiber(nullptr, &stack, &size);
  if (!block.caller_stack) block.caller_stack = stack, block.caller_stack_size = size;
#endif
  for (;;) {
    thread *t = block.current;
    block.body();
    t->ended = true;
    block.live--;
    /* Threads that have ended are not waited for. */
    if (block.live > 0 && block.arrived == (unsigned)block.live) release_barrier();
    bool warp_waits = false;
    int first = t->index / WARP * WARP;
    for (int i = first; i < first + WARP && i < (int)block.threads.size(); i++) warp_waits |= can_run(block.threads[(size_t)i]);
    if (!warp_waits && block.next < block.order.size()) { /* the next thread takes this stack over */
      thread *next = &block.threads[(size_t)block.order[block.next++]];
      next->started = true;
      next->stack = t->stack;
      block.current = next;
      set_thread_index(next->index);
      continue;
    }
    thread *next = block.live > 0 ? choose(t->index) : nullptr;
    if (block.live > 0 && !next) fail("deadlock: a thread ended while others wait for it");
    block.free_stacks.push_back(t->stack);
    switch_to(next, true);
  }
}

inline void run_block(std::vector<unsigned char> &dynamic) {
  size_t n = (size_t)blockDim.x * blockDim.y * blockDim.z;
  block.threads.assign(n, thread());
  block.order.resize(n);
  for (size_t i = 0; i < n; i++) block.threads[i].index = block.order[i] = (int)i;
  if (seed) shuffle(block.order);
  for (auto &w : block.warps)
    for (meeting *m : w) delete m;
  block.warps.assign((n + WARP - 1) / WARP, {});
  block.next = 0;
  block.live = (int)n;
  block.arrived = 0;
  block.any = 0, block.all = 1, block.count = 0;
  std::fill(dynamic.begin(), dynamic.end(), (unsigned char)0xff);
  switch_to(start_next(), false);
}

inline void launch(dim3 grid, dim3 threads, size_t shared_bytes, std::function<void()> body) {
  size_t n = (size_t)threads.x * threads.y * threads.z, blocks = (size_t)grid.x * grid.y * grid.z;
  if (n < 1 || n > MOST_THREADS || shared_bytes > MOST_SHARED || blocks == 0) {
    fprintf(stderr, "cuda_cpu: a launch of %zu blocks of %zu threads with %zu bytes of shared memory is not possible\n", blocks, n, shared_bytes);
    abort();
  }
  gridDim = grid;
  blockDim = threads;
  random_state = seed;
  block.body = body;
  block.dynamic.resize(shared_bytes);
  block.caller_stack = nullptr;
  std::vector<size_t> order(blocks);
  for (size_t i = 0; i < blocks; i++) order[i] = i;
  if (seed) shuffle(order);
  for (size_t i : order) {
    blockIdx.x = (unsigned)(i % grid.x);
    blockIdx.y = (unsigned)(i / grid.x % grid.y);
    blockIdx.z = (unsigned)(i / grid.x / grid.y);
    run_block(block.dynamic);
  }
}

template <class F, class... A> static void launch_with(dim3 grid, dim3 threads, size_t shared_bytes, F kernel, A... arguments) {
  launch(grid, threads, shared_bytes, [=] { kernel(arguments...); });
}

/* ---- what kernels call */

inline void barrier(const char *operation, int line) {
  barrier_lines().insert(line);
  if (line == ignored_barrier) return;
  if (block.arrived > 0 && block.line != line) fail("threads of a block wait at different barriers");
  block.line = line;
  if (++block.arrived == (unsigned)block.live) release_barrier();
  else wait(&block.generation, operation, line);
}
enum vote { ANY, ALL, COUNT };
inline int barrier_vote(int predicate, vote v, const char *operation, int line) {
  block.any |= predicate != 0, block.all &= predicate != 0, block.count += predicate != 0;
  barrier(operation, line);
  return v == ANY ? block.result_any : v == ALL ? block.result_all : block.result_count;
}

inline int lane() { return block.current->index % WARP; }

/* All lanes of mask hand over `size` bytes; returns everybody's. */
inline const unsigned char (*exchange(unsigned mask, const void *value, size_t size, const char *operation, int line))[VALUE] {
  int index = block.current->index, me = index % WARP;
  int lanes = std::min<int>(WARP, (int)block.threads.size() - index / WARP * WARP);
  if (lanes < WARP && mask == 0xffffffffu) mask = (1u << lanes) - 1; /* the last warp is not full */
  if (!(mask >> me & 1)) fail("a lane calls a warp collective whose mask it is not in");
  std::vector<meeting *> &warp = block.warps[(size_t)(index / WARP)];
  meeting *m = nullptr;
  for (meeting *known : warp)
    if (known->mask == mask) m = known;
  if (!m) warp.push_back(m = new meeting()), m->mask = mask;
  if (m->arrived && (m->line != line || strcmp(m->operation, operation) != 0)) fail("lanes of a warp meet in different collectives");
  m->operation = operation;
  m->line = line;
  unsigned generation = m->generation;
  memcpy(m->value[generation & 1][me], value, size);
  m->arrived |= 1u << me;
  if (m->arrived == mask) {
    m->arrived = 0;
    m->generation++;
  } else {
    wait(&m->generation, operation, line);
  }
  return m->value[generation & 1];
}

template <class T> static T shuffle_from(unsigned mask, T value, int source, bool inside, const char *operation, int line) {
  static_assert(sizeof(T) <= VALUE, "value too large for a shuffle");
  auto all = exchange(mask, &value, sizeof value, operation, line);
  if (!inside) return value;
  if (!(mask >> source & 1)) fail("a shuffle reads a lane outside its mask");
  memcpy(&value, all[source], sizeof value);
  return value;
}
template <class T> static T shuffle_xor(int line, unsigned mask, T value, int distance, int width = WARP) {
  int source = lane() ^ distance;
  return shuffle_from(mask, value, source % WARP, source / width <= lane() / width, "__shfl_xor_sync", line);
}
template <class T> static T shuffle_down(int line, unsigned mask, T value, unsigned distance, int width = WARP) {
  int source = lane() + (int)distance;
  return shuffle_from(mask, value, source % WARP, source / width == lane() / width, "__shfl_down_sync", line);
}
template <class T> static T shuffle_up(int line, unsigned mask, T value, unsigned distance, int width = WARP) {
  int source = lane() - (int)distance;
  bool inside = source >= 0 && source / width == lane() / width;
  return shuffle_from(mask, value, inside ? source : lane(), inside, "__shfl_up_sync", line);
}
template <class T> static T shuffle_index(int line, unsigned mask, T value, int source, int width = WARP) {
  return shuffle_from(mask, value, lane() / width * width + (source & (width - 1)), true, "__shfl_sync", line);
}
inline unsigned ballot(int line, unsigned mask, int predicate) {
  auto all = exchange(mask, &predicate, sizeof predicate, "a vote", line);
  unsigned result = 0;
  for (int i = 0; i < WARP; i++) {
    int p = 0;
    if (mask >> i & 1) memcpy(&p, all[i], sizeof p);
    result |= (unsigned)(p != 0) << i;
  }
  return result;
}

} // namespace cuda_cpu

#define __syncthreads() cuda_cpu::barrier("__syncthreads", __LINE__)
#define __syncthreads_or(p) cuda_cpu::barrier_vote((p), cuda_cpu::ANY, "__syncthreads_or", __LINE__)
#define __syncthreads_and(p) cuda_cpu::barrier_vote((p), cuda_cpu::ALL, "__syncthreads_and", __LINE__)
#define __syncthreads_count(p) cuda_cpu::barrier_vote((p), cuda_cpu::COUNT, "__syncthreads_count", __LINE__)
#define __shfl_xor_sync(...) cuda_cpu::shuffle_xor(__LINE__, __VA_ARGS__)
#define __shfl_down_sync(...) cuda_cpu::shuffle_down(__LINE__, __VA_ARGS__)
#define __shfl_up_sync(...) cuda_cpu::shuffle_up(__LINE__, __VA_ARGS__)
#define __shfl_sync(...) cuda_cpu::shuffle_index(__LINE__, __VA_ARGS__)
#define __ballot_sync(mask, p) cuda_cpu::ballot(__LINE__, (mask), (p))
#define __any_sync(mask, p) (cuda_cpu::ballot(__LINE__, (mask), (p)) != 0)
#define __all_sync(mask, p) (cuda_cpu::ballot(__LINE__, (mask), !(p)) == 0)
static inline void __syncwarp(unsigned mask = 0xffffffffu, int line = __builtin_LINE()) {
  char nothing = 0;
  cuda_cpu::exchange(mask, &nothing, 1, "__syncwarp", line);
}

/* Fibers never run at once, so plain reads and writes are atomic. */
template <class T> static inline T atomicAdd(T *p, T v) {
  T old = *p;
  *p = old + v;
  return old;
}
template <class T> static inline T atomicMax(T *p, T v) {
  T old = *p;
  *p = std::max(old, v);
  return old;
}
template <class T> static inline T atomicCAS(T *p, T compare, T v) {
  T old = *p;
  if (old == compare) *p = v;
  return old;
}
static inline void __threadfence() {}
template <class T> static inline T __ldg(const T *p) { return *p; }
template <class T> static inline T __ldcs(const T *p) { return *p; }
template <class T> static inline void __stcs(T *p, T v) { *p = v; }

#endif
#endif
