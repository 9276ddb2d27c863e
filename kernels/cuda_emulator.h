/* SPDX-License-Identifier: MIT
 *
 * The emulator behind cuda_cpu.h: runs every thread of a block as a fiber, so that kernels are tested, and their races found,
 * where there is no GPU.
 *
 * Blocks run one after another.  The threads of a block are scheduled greedily: a warp runs on until all its threads wait,
 * then threads that have not started, then the others; a warp that may run ahead of a missing barrier does (round-robin
 * would hide it).  cuda_cpu::seed, at first the environment's CUDA_CPU_SEED, shuffles the order of blocks, starts and
 * choices; 0 keeps them in order.  Dynamic shared memory starts as NaN in every block, static shared memory in the first
 * blocks of a launch and then in some.
 * cp.async copies land at the wait, or, with a seed, some of them at once: both are right on a GPU, so a missing wait and a
 * buffer that is filled while others read it both show.
 * The program ends with a report (kernel, block, waiting threads, operation, line) when nobody can run, when threads of a
 * block wait at different __syncthreads, when lanes of a warp meet in different collectives, when a lane calls a collective
 * whose mask it is not in, or reads a lane outside the mask, when ldmatrix or cp.async get an address that is not shared
 * memory or not aligned to 16 bytes, and when a vector load or store is not aligned.
 *
 * For mutation tests: CUDA_CPU_SITES=FILE has the waits that were met written at exit, FILE:LINE:OPERATION each
 * (__syncthreads, __syncwarp, cp_async_wait); CUDA_CPU_LEAVE_OUT=FILE:LINE:OPERATION leaves one out, as if it had been
 * forgotten in the source.
 *
 * It cannot show bank conflicts, occupancy, the rounding of approximate instructions, races between blocks, or that shuffles and
 * votes bring lanes together without ordering their memory.
 */
#ifndef KERNELS_CUDA_EMULATOR_H
#define KERNELS_CUDA_EMULATOR_H

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string>
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
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __restrict__ __restrict
#define __align__(n) __attribute__((aligned(n)))
/* One block at a time.  Thread-local variables can be told from others, to be filled with NaN; the address sanitizer guards
 * the others only. */
#if defined(__SANITIZE_ADDRESS__)
#define __shared__ static
#else
#define __shared__ static thread_local
#endif

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};
#define CUDA_CPU_VECTORS(type, name)                                                                                   \
  struct alignas(2 * sizeof(type)) name##2 {                                                                           \
    type x, y;                                                                                                         \
  };                                                                                                                   \
  struct alignas(sizeof(type) < 4 ? 4 * sizeof(type) : 16) name##4 {                                                   \
    type x, y, z, w;                                                                                                   \
  };                                                                                                                   \
  static inline name##2 make_##name##2(type x, type y) { return name##2{x, y}; }                                       \
  static inline name##4 make_##name##4(type x, type y, type z, type w) { return name##4{x, y, z, w}; }
CUDA_CPU_VECTORS(float, float)
CUDA_CPU_VECTORS(double, double)
CUDA_CPU_VECTORS(int, int)
CUDA_CPU_VECTORS(unsigned, uint)
CUDA_CPU_VECTORS(signed char, char)
CUDA_CPU_VECTORS(unsigned char, uchar)
CUDA_CPU_VECTORS(unsigned short, ushort)
#undef CUDA_CPU_VECTORS

inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
enum { warpSize = 32 };

extern "C" char __data_start[], _end[]; /* the program's variables */

namespace cuda_cpu {

enum { MOST_THREADS = 1024, WARP = 32, VALUE = 32 /* bytes a lane can hand over */ };
#if defined(__SANITIZE_ADDRESS__)
enum { STACK = 256 << 10 };
#else
enum { STACK = 64 << 10 };
#endif

struct place { /* in the source */
  const char *file;
  int line;
};
inline place here(const char *file = __builtin_FILE(), int line = __builtin_LINE()) { return place{file, line}; }

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

struct copy { /* of cp.async */
  void *to;
  const void *from; /* null: zeros */
  int group;
};

struct thread {
  context stack_at;
  char *stack;
  int index;
  bool started, ended;
  const unsigned *waits_for; /* a generation counter that is still `seen`; null: can run */
  unsigned seen;
  const char *operation; /* what it waits in */
  place at;
  int group;             /* of cp.async: copies now belong to it */
  std::vector<copy> copies; /* that have not landed */
};

/* Lanes that meet in a warp collective under one mask.  What they hand over is kept for two generations: a lane may still
 * read the last one while others write the next; none can be two ahead. */
struct exchanged {
  alignas(32) unsigned char value[WARP][VALUE];
  alignas(32) float product[16][8]; /* of mma */
};
struct meeting {
  unsigned mask, arrived, generation;
  const char *operation;
  place at;
  exchanged lanes[2];
};

struct block_state {
  std::vector<thread> threads;
  std::vector<std::vector<meeting *>> warps;
  std::vector<int> order; /* in which threads start */
  size_t next;            /* of order */
  int live;
  unsigned arrived, generation; /* of __syncthreads */
  place at;                     /* of the barrier threads wait at */
  int any, all, count, result_any, result_all, result_count;
  std::vector<unsigned char> dynamic;
  std::vector<char *> free_stacks;
  std::function<void()> body;
  const char *kernel;
  context caller;
  thread *current;
  const void *caller_stack; /* as the address sanitizer knows it */
  size_t caller_stack_size;
  ~block_state() {
    for (auto &w : warps)
      for (meeting *m : w) delete m;
  }
};
inline block_state block;
inline unsigned long seed = getenv("CUDA_CPU_SEED") ? strtoul(getenv("CUDA_CPU_SEED"), nullptr, 10) : 0;
inline uint64_t random_state;

inline unsigned random_below(unsigned n) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)((random_state >> 32) * n >> 32);
}
template <class T> static void shuffle(std::vector<T> &v) {
  for (size_t i = v.size(); i > 1; i--) std::swap(v[i - 1], v[random_below((unsigned)i)]);
}

[[noreturn]] inline void fail(const char *what) {
  fprintf(stderr, "cuda_cpu: %s", what);
  if (block.kernel) fprintf(stderr, " in %s, block %u,%u,%u", block.kernel, blockIdx.x, blockIdx.y, blockIdx.z);
  fputc('\n', stderr);
  if (block.current) fprintf(stderr, "  thread %d found it\n", block.current->index);
  int told = 0;
  for (const thread &t : block.threads)
    if (t.started && !t.ended && t.waits_for && *t.waits_for == t.seen && told++ < 40)
      fprintf(stderr, "  thread %d waits in %s, %s, line %d\n", t.index, t.operation, t.at.file, t.at.line);
  abort();
}

/* ---- sites of waits, for mutation tests */

struct site_list {
  const char *file = getenv("CUDA_CPU_SITES");
  std::string left_out = getenv("CUDA_CPU_LEAVE_OUT") ? getenv("CUDA_CPU_LEAVE_OUT") : "";
  int line = atoi(left_out.c_str() + std::min(left_out.find(':') + 1, left_out.size()));
  std::set<std::string> met;
  bool used = file || !left_out.empty();
  ~site_list() {
    FILE *f = file ? fopen(file, "w") : nullptr;
    if (!f) return;
    for (const std::string &site : met) fprintf(f, "%s\n", site.c_str());
    fclose(f);
  }
};
inline site_list sites;

/* A wait was met; whether it is to be left out. */
inline bool left_out(const char *operation, place at) {
  if (!sites.used || (!sites.file && at.line != sites.line)) return false;
  std::string site = std::string(at.file) + ":" + std::to_string(at.line) + ":" + operation;
  if (sites.file) sites.met.insert(site);
  return site == sites.left_out;
}

/* ---- shared memory: the thread-local variables of functions, and the block's dynamic part */

struct shared_variable {
  size_t offset, size; /* in the program's thread-local memory */
};

/* f(symbol, name) for each symbol of the program */
template <class F> static void each_symbol(F f) {
  int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  struct stat s;
  if (fd < 0 || fstat(fd, &s) != 0) return;
  void *map = mmap(nullptr, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (map == MAP_FAILED) return;
  const char *file = static_cast<const char *>(map);
  const Elf64_Ehdr *head = reinterpret_cast<const Elf64_Ehdr *>(file);
  const Elf64_Shdr *sections = reinterpret_cast<const Elf64_Shdr *>(file + head->e_shoff);
  for (int i = 0; i < head->e_shnum; i++) {
    if (sections[i].sh_type != SHT_SYMTAB) continue;
    const Elf64_Sym *symbols = reinterpret_cast<const Elf64_Sym *>(file + sections[i].sh_offset);
    const char *names = file + sections[sections[i].sh_link].sh_offset;
    for (size_t j = 0; j < sections[i].sh_size / sizeof *symbols; j++) f(symbols[j], names + symbols[j].st_name);
  }
  munmap(map, (size_t)s.st_size);
}

inline std::vector<shared_variable> shared_variables() {
  std::vector<shared_variable> found;
#if !defined(__SANITIZE_ADDRESS__)
  each_symbol([&](const Elf64_Sym &symbol, const char *name) {
    if (ELF64_ST_TYPE(symbol.st_info) == STT_TLS && strncmp(name, "_ZZ", 3) == 0) found.push_back(shared_variable{symbol.st_value, symbol.st_size});
  });
#endif
  return found;
}

/* Bytes of the kernel's own shared variables; not of those in functions that it calls. */
inline size_t shared_of(const void *kernel) {
  static std::map<const void *, size_t> known;
  auto before = known.find(kernel);
  if (before != known.end()) return before->second;
  uintptr_t base = 0;
  dl_iterate_phdr([](dl_phdr_info *info, size_t, void *to) {
    *static_cast<uintptr_t *>(to) = info->dlpi_addr;
    return 1; /* the first is the program itself */
  }, &base);
  std::string inside; /* how names of variables in it begin */
  each_symbol([&](const Elf64_Sym &symbol, const char *name) {
    if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && base + symbol.st_value == (uintptr_t)kernel && strncmp(name, "_Z", 2) == 0) inside = std::string("_ZZ") + (name + 2) + "E";
  });
  std::map<std::string, size_t> sizes; /* a kernel of a header is there once for each source */
  each_symbol([&](const Elf64_Sym &symbol, const char *name) {
    int type = ELF64_ST_TYPE(symbol.st_info);
    if ((type == STT_TLS || type == STT_OBJECT) && !inside.empty() && strncmp(name, inside.c_str(), inside.size()) == 0) sizes[name] = symbol.st_size;
  });
  size_t sum = 0;
  for (const auto &variable : sizes) sum += variable.second;
  return known[kernel] = sum;
}

/* The device: CUDA_CPU_CAPABILITY, and what a block may have of shared memory (CUDA programming guide, "Technical Specifications
 * per Compute Capability") */
inline int capability() {
  const char *c = getenv("CUDA_CPU_CAPABILITY");
  return c ? atoi(c) : 90;
}
inline size_t most_shared() {
  int c = capability();
  return (size_t)(c == 86 || c == 89 || c >= 120 ? 99 : c < 90 ? 163 : 227) << 10;
}

inline char *thread_local_memory() { /* of the program, for the calling thread of the host */
  char *memory = nullptr;
  dl_iterate_phdr([](dl_phdr_info *info, size_t, void *to) {
    *static_cast<void **>(to) = info->dlpi_tls_data;
    return 1; /* the first is the program itself */
  }, &memory);
  return memory;
}
inline const std::vector<shared_variable> statics = shared_variables();
inline char *statics_base;

inline void fill_statics() {
  for (const shared_variable &v : statics) memset(statics_base + v.offset, 0xff, v.size);
}

inline bool is_shared(const void *p, size_t bytes) {
  const char *at = static_cast<const char *>(p), *dynamic = reinterpret_cast<const char *>(block.dynamic.data());
  if (at >= dynamic && at + bytes <= dynamic + block.dynamic.size()) return true;
  if (statics.empty()) { /* not known: anything that is neither on the heap nor on a stack */
    return at >= __data_start && at + bytes <= _end;
  }
  for (const shared_variable &v : statics)
    if (at >= statics_base + v.offset && at + bytes <= statics_base + v.offset + v.size) return true;
  return false;
}

inline void must_be_aligned(const void *p, size_t bytes, const char *what) {
  if ((uintptr_t)p % bytes != 0) fail((std::string(what) + ": the address is not aligned to " + std::to_string(bytes) + " bytes").c_str());
}
inline void must_be_shared(const void *p, size_t bytes, const char *what) {
  must_be_aligned(p, 16, what);
  if (!is_shared(p, bytes)) fail((std::string(what) + ": the address is not in the block's shared memory").c_str());
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
  context_switch(from ? &from->stack_at : &block.caller, to ? &to->stack_at : &block.caller);
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
  context_start(&t->stack_at, t->stack, run_thread);
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
inline void wait(const unsigned *generation, const char *operation, place at) {
  thread *t = block.current;
  t->waits_for = generation;
  t->seen = *generation;
  t->operation = operation;
  t->at = at;
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

inline void launch(const char *kernel, const void *function, dim3 grid, dim3 threads, size_t shared_bytes, const std::function<void()> &body) {
  size_t n = (size_t)threads.x * threads.y * threads.z, blocks = (size_t)grid.x * grid.y * grid.z;
  if (n < 1 || n > MOST_THREADS || shared_bytes + shared_of(function) > most_shared() || blocks == 0 || grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) {
    fprintf(stderr, "cuda_cpu: %s: a launch of %zu blocks of %zu threads with %zu and %zu bytes of shared memory is not possible on sm_%d\n", kernel, blocks, n, shared_bytes, shared_of(function), capability());
    abort();
  }
  block.kernel = kernel;
  gridDim = grid;
  blockDim = threads;
  random_state = seed;
  block.body = body;
  block.dynamic.resize(shared_bytes);
  block.caller_stack = nullptr;
  statics_base = thread_local_memory();
  size_t run = 0;
  std::vector<size_t> order(blocks);
  for (size_t i = 0; i < blocks; i++) order[i] = i;
  if (seed) shuffle(order);
  for (size_t i : order) {
    blockIdx.x = (unsigned)(i % grid.x);
    blockIdx.y = (unsigned)(i / grid.x % grid.y);
    blockIdx.z = (unsigned)(i / grid.x / grid.y);
    if (run < 4 || run % 16 == 0) fill_statics();
    run++;
    run_block(block.dynamic);
  }
  block.kernel = nullptr;
  block.body = nullptr;
}

/* ---- what kernels call */

inline void barrier(const char *operation, place at) {
  if (block.arrived > 0 && (block.at.line != at.line || strcmp(block.at.file, at.file) != 0)) fail("threads of a block wait at different barriers");
  block.at = at;
  if (++block.arrived == (unsigned)block.live) release_barrier();
  else wait(&block.generation, operation, at);
}
inline void barrier_plain(place at) {
  if (!left_out("__syncthreads", at)) barrier("__syncthreads", at);
}
enum vote { ANY, ALL, COUNT };
inline int barrier_vote(int predicate, vote v, const char *operation, place at) {
  block.any |= predicate != 0, block.all &= predicate != 0, block.count += predicate != 0;
  barrier(operation, at);
  return v == ANY ? block.result_any : v == ALL ? block.result_all : block.result_count;
}

inline int lane() { return block.current->index % WARP; }

/* All lanes of mask hand over `size` bytes; returns everybody's.  The last to come calls `last` on them. */
inline const exchanged *exchange(unsigned mask, const void *value, size_t size, const char *operation, place at, void (*last)(exchanged *) = nullptr) {
  int index = block.current->index, me = index % WARP;
  int lanes = std::min<int>(WARP, (int)block.threads.size() - index / WARP * WARP);
  if (lanes < WARP && mask == 0xffffffffu) mask = (1u << lanes) - 1; /* the last warp is not full */
  if (!(mask >> me & 1)) fail("a lane calls a warp collective whose mask it is not in");
  std::vector<meeting *> &warp = block.warps[(size_t)(index / WARP)];
  meeting *m = nullptr;
  for (meeting *known : warp)
    if (known->mask == mask) m = known;
  if (!m) warp.push_back(m = new meeting()), m->mask = mask;
  if (m->arrived && (m->at.line != at.line || strcmp(m->at.file, at.file) != 0 || strcmp(m->operation, operation) != 0)) fail("lanes of a warp meet in different collectives");
  m->operation = operation;
  m->at = at;
  unsigned generation = m->generation;
  memcpy(m->lanes[generation & 1].value[me], value, size);
  m->arrived |= 1u << me;
  if (m->arrived == mask) {
    if (last) last(&m->lanes[generation & 1]);
    m->arrived = 0;
    m->generation++;
  } else {
    wait(&m->generation, operation, at);
  }
  return &m->lanes[generation & 1];
}

template <class T> static T shuffle_from(unsigned mask, T value, int source, bool inside, const char *operation, place at) {
  static_assert(sizeof(T) <= 8, "a GPU shuffles 4 or 8 bytes");
  const exchanged *all = exchange(mask, &value, sizeof value, operation, at);
  if (!inside) return value;
  if (!(mask >> source & 1)) fail("a shuffle reads a lane outside its mask");
  memcpy(&value, all->value[source], sizeof value);
  return value;
}
template <class T> static T shuffle_xor(place at, unsigned mask, T value, int distance, int width = WARP) {
  int source = lane() ^ distance;
  return shuffle_from(mask, value, source % WARP, source / width <= lane() / width, "__shfl_xor_sync", at);
}
template <class T> static T shuffle_down(place at, unsigned mask, T value, unsigned distance, int width = WARP) {
  int source = lane() + (int)distance;
  return shuffle_from(mask, value, source % WARP, source / width == lane() / width, "__shfl_down_sync", at);
}
template <class T> static T shuffle_up(place at, unsigned mask, T value, unsigned distance, int width = WARP) {
  int source = lane() - (int)distance;
  bool inside = source >= 0 && source / width == lane() / width;
  return shuffle_from(mask, value, inside ? source : lane(), inside, "__shfl_up_sync", at);
}
template <class T> static T shuffle_index(place at, unsigned mask, T value, int source, int width = WARP) {
  return shuffle_from(mask, value, lane() / width * width + (source & (width - 1)), true, "__shfl_sync", at);
}
/* Bit i: lane i, of the mask, handed over these bytes. */
template <class F> static unsigned lanes_where(unsigned mask, const exchanged *all, F is) {
  unsigned result = 0;
  for (int i = 0; i < WARP; i++) result |= (unsigned)((mask >> i & 1) && is(all->value[i])) << i;
  return result;
}
inline unsigned ballot(place at, unsigned mask, int predicate) {
  predicate = predicate != 0;
  int lanes = std::min<int>(WARP, (int)block.threads.size() - block.current->index / WARP * WARP);
  if (lanes < WARP) mask &= (1u << lanes) - 1;
  return lanes_where(mask, exchange(mask, &predicate, sizeof predicate, "a vote", at), [](const unsigned char *v) { return *v != 0; });
}
template <class T> static unsigned match_any(place at, unsigned mask, T value) {
  return lanes_where(mask, exchange(mask, &value, sizeof value, "__match_any_sync", at), [&](const unsigned char *v) { return memcmp(v, &value, sizeof value) == 0; });
}
template <class T, class F> static T reduce(place at, unsigned mask, T value, const char *operation, F combine) {
  const exchanged *all = exchange(mask, &value, sizeof value, operation, at);
  bool first = true;
  for (int i = 0; i < WARP; i++)
    if (mask >> i & 1) {
      T v;
      memcpy(&v, all->value[i], sizeof v);
      value = first ? v : combine(value, v), first = false;
    }
  return value;
}

/* ---- tensor cores: fragments as the PTX ISA lays them out ("Matrix Fragments for mma.m16n8k16", "... m16n8k8", "ldmatrix") */

inline float bf16_half(uint32_t pair, int half) {
  uint32_t u = half ? pair & 0xffff0000u : pair << 16;
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}

typedef float row8 __attribute__((vector_size(32)));

/* product = a [16][K] b [K][8]; the lanes' values are a's registers, then b's. */
template <int K> static void multiply_fragments(const float (*a)[K], const float (*b)[8], float (*product)[8]) {
  for (int i = 0; i < 16; i++) {
    row8 sum = {0, 0, 0, 0, 0, 0, 0, 0}, row;
    for (int k = 0; k < K; k++) {
      memcpy(&row, b[k], sizeof row);
      sum += a[i][k] * row;
    }
    memcpy(product[i], &sum, sizeof sum);
  }
}
inline void multiply_bf16(exchanged *e) {
  float a[16][16], b[16][8];
  for (int l = 0; l < WARP; l++) {
    uint32_t r[6];
    memcpy(r, e->value[l], sizeof r);
    int group = l / 4, pair = l % 4 * 2;
    for (int i = 0; i < 4; i++) /* registers 0, 2: row `group`, 1, 3: 8 below; 2, 3: 8 columns on */
      for (int h = 0; h < 2; h++) a[group + i % 2 * 8][pair + h + i / 2 * 8] = bf16_half(r[i], h);
    for (int i = 0; i < 2; i++)
      for (int h = 0; h < 2; h++) b[pair + h + i * 8][group] = bf16_half(r[4 + i], h);
  }
  multiply_fragments<16>(a, b, e->product);
}
inline void multiply_tf32(exchanged *e) {
  float a[16][8], b[8][8];
  for (int l = 0; l < WARP; l++) {
    uint32_t r[6];
    memcpy(r, e->value[l], sizeof r);
    for (int i = 0; i < 6; i++) r[i] &= 0xffffe000u; /* the other bits are not read */
    int group = l / 4, k = l % 4;
    for (int i = 0; i < 4; i++) memcpy(&a[group + i % 2 * 8][k + i / 2 * 4], &r[i], 4);
    for (int i = 0; i < 2; i++) memcpy(&b[k + i * 4][group], &r[4 + i], 4);
  }
  multiply_fragments<8>(a, b, e->product);
}
inline void mma(float d[4], const uint32_t a[4], const uint32_t b[2], const char *operation, void (*multiply)(exchanged *), place at) {
  if (block.threads.size() % WARP != 0) fail("mma in a block whose last warp is not full");
  uint32_t r[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const exchanged *e = exchange(0xffffffffu, r, sizeof r, operation, at, multiply);
  for (int i = 0; i < 4; i++) d[i] += e->product[lane() / 4 + i / 2 * 8][lane() % 4 * 2 + i % 2];
}

/* Lane 8m + i gives the address of row i of matrix m, of 8 rows of 8 16-bit elements; lane l gets elements 2(l%4), 2(l%4) + 1 of
 * row l/4 of each, or, transposed, of column l/4. */
template <int MATRICES> static void read_rows(exchanged *e) { /* in place of their addresses */
  for (int i = 0; i < 8 * MATRICES; i++) {
    const void *row;
    memcpy(&row, e->value[i], sizeof row);
    memcpy(e->value[i], row, 16);
  }
}
template <int MATRICES> static void ldmatrix(uint32_t *r, bool transposed, const void *row, const char *operation, place at) {
  if (block.threads.size() % WARP != 0) fail("ldmatrix in a block whose last warp is not full");
  int l = lane();
  if (l < MATRICES * 8) must_be_shared(row, 16, operation);
  const exchanged *e = exchange(0xffffffffu, &row, sizeof row, operation, at, read_rows<MATRICES>);
  for (int m = 0; m < MATRICES; m++) {
    uint16_t element[2];
    for (int i = 0; i < 2; i++) {
      int from = transposed ? l % 4 * 2 + i : l / 4, column = transposed ? l / 4 : l % 4 * 2 + i;
      memcpy(&element[i], e->value[8 * m + from] + 2 * column, 2);
    }
    r[m] = element[0] | (uint32_t)element[1] << 16;
  }
}

inline void land(const copy &c) {
  if (c.from) memcpy(c.to, c.from, 16);
  else memset(c.to, 0, 16);
}
inline void copy_16(void *shared, const void *global, bool inside) {
  must_be_shared(shared, 16, "cp_async_16");
  if (inside) must_be_aligned(global, 16, "cp_async_16");
  copy c = {shared, inside ? global : nullptr, block.current->group};
  if (seed && random_below(2)) land(c);
  else block.current->copies.push_back(c);
}
inline void copy_wait(int pending, place at) {
  if (left_out("cp_async_wait", at)) return;
  thread *t = block.current;
  size_t kept = 0;
  for (const copy &c : t->copies)
    if (c.group < t->group - pending) land(c);
    else t->copies[kept++] = c;
  t->copies.resize(kept);
}

} // namespace cuda_cpu

#define CUDA_CPU_HERE (cuda_cpu::place{__FILE__, __LINE__})
#define __syncthreads() cuda_cpu::barrier_plain(CUDA_CPU_HERE)
#define __syncthreads_or(p) cuda_cpu::barrier_vote((p), cuda_cpu::ANY, "__syncthreads_or", CUDA_CPU_HERE)
#define __syncthreads_and(p) cuda_cpu::barrier_vote((p), cuda_cpu::ALL, "__syncthreads_and", CUDA_CPU_HERE)
#define __syncthreads_count(p) cuda_cpu::barrier_vote((p), cuda_cpu::COUNT, "__syncthreads_count", CUDA_CPU_HERE)
#define __shfl_xor_sync(...) cuda_cpu::shuffle_xor(CUDA_CPU_HERE, __VA_ARGS__)
#define __shfl_down_sync(...) cuda_cpu::shuffle_down(CUDA_CPU_HERE, __VA_ARGS__)
#define __shfl_up_sync(...) cuda_cpu::shuffle_up(CUDA_CPU_HERE, __VA_ARGS__)
#define __shfl_sync(...) cuda_cpu::shuffle_index(CUDA_CPU_HERE, __VA_ARGS__)
#define __ballot_sync(mask, p) cuda_cpu::ballot(CUDA_CPU_HERE, (mask), (p))
#define __any_sync(mask, p) (cuda_cpu::ballot(CUDA_CPU_HERE, (mask), (p)) != 0)
#define __all_sync(mask, p) (cuda_cpu::ballot(CUDA_CPU_HERE, (mask), !(p)) == 0)
#define __match_any_sync(mask, value) cuda_cpu::match_any(CUDA_CPU_HERE, (mask), (value))
#define __reduce_add_sync(mask, value) cuda_cpu::reduce(CUDA_CPU_HERE, (mask), (value), "__reduce_add_sync", [](auto a, auto b) { return a + b; })
#define __reduce_max_sync(mask, value) cuda_cpu::reduce(CUDA_CPU_HERE, (mask), (value), "__reduce_max_sync", [](auto a, auto b) { return a > b ? a : b; })
#define __reduce_min_sync(mask, value) cuda_cpu::reduce(CUDA_CPU_HERE, (mask), (value), "__reduce_min_sync", [](auto a, auto b) { return a < b ? a : b; })
static inline void __syncwarp(unsigned mask = 0xffffffffu, cuda_cpu::place at = cuda_cpu::here()) {
  char nothing = 0;
  if (!cuda_cpu::left_out("__syncwarp", at)) cuda_cpu::exchange(mask, &nothing, 1, "__syncwarp", at);
}

/* ---- PTX wrappers; cuda_cpu.h has those for the GPU */

static inline void ldmatrix_x4(uint32_t r[4], const void *shared_row, cuda_cpu::place at = cuda_cpu::here()) { cuda_cpu::ldmatrix<4>(r, false, shared_row, "ldmatrix_x4", at); }
static inline void ldmatrix_x4_trans(uint32_t r[4], const void *shared_row, cuda_cpu::place at = cuda_cpu::here()) { cuda_cpu::ldmatrix<4>(r, true, shared_row, "ldmatrix_x4_trans", at); }
static inline void ldmatrix_x2(uint32_t r[2], const void *shared_row, cuda_cpu::place at = cuda_cpu::here()) { cuda_cpu::ldmatrix<2>(r, false, shared_row, "ldmatrix_x2", at); }
static inline void ldmatrix_x2_trans(uint32_t r[2], const void *shared_row, cuda_cpu::place at = cuda_cpu::here()) { cuda_cpu::ldmatrix<2>(r, true, shared_row, "ldmatrix_x2_trans", at); }
static inline void mma_bf16(float d[4], const uint32_t a[4], const uint32_t b[2], cuda_cpu::place at = cuda_cpu::here()) { cuda_cpu::mma(d, a, b, "mma_bf16", cuda_cpu::multiply_bf16, at); }
static inline void mma_tf32(float d[4], const uint32_t a[4], const uint32_t b[2], cuda_cpu::place at = cuda_cpu::here()) { cuda_cpu::mma(d, a, b, "mma_tf32", cuda_cpu::multiply_tf32, at); }
static inline void cp_async_16(void *shared, const void *global, bool inside) { cuda_cpu::copy_16(shared, global, inside); }
static inline void cp_async_commit() { cuda_cpu::block.current->group++; }
template <int N> static inline void cp_async_wait(cuda_cpu::place at = cuda_cpu::here()) { cuda_cpu::copy_wait(N, at); }

/* ---- numbers */

static inline unsigned __float_as_uint(float x) {
  unsigned u;
  memcpy(&u, &x, sizeof u);
  return u;
}
static inline float __uint_as_float(unsigned u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}
static inline int __float_as_int(float x) { return (int)__float_as_uint(x); }
static inline float __int_as_float(int i) { return __uint_as_float((unsigned)i); }

struct bf16 {
  uint16_t bits;
};
struct fp8_e4m3 { /* 4 bits of exponent, 3 of fraction; largest 448; no infinity */
  uint8_t bits;
};
struct fp8_e5m2 { /* 5 and 2; largest 57344 */
  uint8_t bits;
};

namespace cuda_cpu {
/* Small floats without infinities: the code counts steps of 2^-bits below the least normal exponent, then 2^bits codes an
 * octave.  To nearest, ties to even; what is larger becomes the largest. */
inline uint8_t encode_fp8(float x, int bits, int least, int largest) {
  if (std::isnan(x)) return 0x7f;
  float size = std::fabs(x);
  int code = largest;
  if (size < 1e6f) {
    int exponent = size > 0 ? std::max(std::ilogb(size), least) : least;
    code = std::min(((exponent - least) << bits) + (int)std::nearbyint(std::ldexp(size, bits - exponent)), largest);
  }
  return (uint8_t)(code | (std::signbit(x) ? 0x80 : 0));
}
inline float decode_fp8(uint8_t code, int bits, int least) {
  int octave = (code & 0x7f) >> bits, fraction = code & ((1 << bits) - 1);
  float size = octave == 0 ? std::ldexp((float)fraction, least - bits) : std::ldexp((float)(fraction + (1 << bits)), least - bits + octave - 1);
  return code & 0x80 ? -size : size;
}
} // namespace cuda_cpu

static inline float to_float(float x) { return x; }
static inline float to_float(bf16 x) { return __uint_as_float((uint32_t)x.bits << 16); }
static inline float to_float(fp8_e4m3 x) { return (x.bits & 0x7f) == 0x7f ? NAN : cuda_cpu::decode_fp8(x.bits, 3, -6); }
static inline float to_float(fp8_e5m2 x) {
  int size = x.bits & 0x7f;
  return size > 0x7c ? NAN : size == 0x7c ? (x.bits & 0x80 ? -INFINITY : INFINITY) : cuda_cpu::decode_fp8(x.bits, 2, -14);
}
template <class T> static inline T from_float(float x);
template <> inline float from_float<float>(float x) { return x; }
template <> inline bf16 from_float<bf16>(float x) {
  uint32_t u = __float_as_uint(x);
  if ((u & 0x7fffffff) > 0x7f800000) return bf16{0x7fff}; /* NaN, as the GPU gives it */
  return bf16{(uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16)};
}
template <> inline fp8_e4m3 from_float<fp8_e4m3>(float x) { return fp8_e4m3{cuda_cpu::encode_fp8(x, 3, -6, 0x7e)}; }
template <> inline fp8_e5m2 from_float<fp8_e5m2>(float x) { return fp8_e5m2{cuda_cpu::encode_fp8(x, 2, -14, 0x7b)}; }
template <class Q> static inline uint32_t pack_fp8(float low, float high) { return from_float<Q>(low).bits | (uint32_t)from_float<Q>(high).bits << 8; }

static inline float half_to_float(uint16_t bits) { /* IEEE binary16 */
  int octave = bits >> 10 & 31, fraction = bits & 1023;
  float size = octave == 31 ? (fraction ? NAN : INFINITY) : octave == 0 ? std::ldexp((float)fraction, -24) : std::ldexp((float)(fraction + 1024), octave - 25);
  return bits & 0x8000 ? -size : size;
}
static inline uint16_t float_to_half(float x) { /* to nearest even; too large: infinity */
  uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  float size = std::fabs(x);
  if (std::isnan(x)) return 0x7fff;
  if (size >= 65520) return sign | 0x7c00;
  int exponent = size > 0 ? std::max(std::ilogb(size), -14) : -14;
  return (uint16_t)(sign | (((exponent + 14) << 10) + (int)std::nearbyint(std::ldexp(size, 10 - exponent))));
}

static inline uint32_t pack_bf16(float low, float high) { return from_float<bf16>(low).bits | (uint32_t)from_float<bf16>(high).bits << 16; }
static inline void unpack_bf16(uint32_t pair, float *low, float *high) { *low = cuda_cpu::bf16_half(pair, 0), *high = cuda_cpu::bf16_half(pair, 1); }
static inline uint32_t to_tf32(float x) { return (__float_as_uint(x) + 0x1000u) & 0xffffe000u; } /* ties away from zero */
static inline float exp2_approx(float x) {
  float y = std::exp2(std::fabs(x) < 1.17549435e-38f ? 0.0f : x);
  return y < 1.17549435e-38f ? 0 : y;
}

#define __expf cuda_cpu_expf /* the C library has declared the name */
static inline float __expf(float x) { return std::exp(x); }
#define __logf cuda_cpu_logf /* the C library has declared the name */
static inline float __logf(float x) { return std::log(x); }
#define __log2f cuda_cpu_log2f /* the C library has declared the name */
static inline float __log2f(float x) { return std::log2(x); }
static inline float __fdividef(float a, float b) { return a / b; }
static inline float __frcp_rn(float x) { return 1 / x; }
static inline float __fsqrt_rn(float x) { return std::sqrt(x); }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
static inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
static inline double rsqrt(double x) { return 1 / std::sqrt(x); }
static inline float __saturatef(float x) { return x > 0 ? x < 1 ? x : 1 : 0; }
static inline int __float2int_rn(float x) { return (int)std::nearbyint(x); }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
static inline int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
static inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
static inline int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
static inline int __ffs(int x) { return __builtin_ffs(x); }
static inline int __ffsll(long long x) { return __builtin_ffsll(x); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((uint64_t)a * b >> 32); }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) { return (unsigned long long)((unsigned __int128)a * b >> 64); }
static inline int __dp4a(int a, int b, int c) {
  for (int i = 0; i < 4; i++) c += (int)(int8_t)(a >> 8 * i) * (int8_t)(b >> 8 * i);
  return c;
}

#define CUDA_CPU_MINIMUM(type)                                                                                           static inline type min(type a, type b) { return a < b ? a : b; }                                                       static inline type max(type a, type b) { return a > b ? a : b; }
CUDA_CPU_MINIMUM(int)
CUDA_CPU_MINIMUM(unsigned)
CUDA_CPU_MINIMUM(long)
CUDA_CPU_MINIMUM(unsigned long)
CUDA_CPU_MINIMUM(long long)
CUDA_CPU_MINIMUM(unsigned long long)
#undef CUDA_CPU_MINIMUM
static inline float min(float a, float b) { return fminf(a, b); }
static inline float max(float a, float b) { return fmaxf(a, b); }
static inline double min(double a, double b) { return fmin(a, b); }
static inline double max(double a, double b) { return fmax(a, b); }

/* ---- memory.  Fibers never run at once, so plain reads and writes are atomic. */

#define CUDA_CPU_ATOMIC(name, expression)                                                                                template <class T> static inline T name(T *p, T v) {                                                                     T old = *p;                                                                                                            *p = expression;                                                                                                       return old;                                                                                                          }
CUDA_CPU_ATOMIC(atomicAdd, old + v)
CUDA_CPU_ATOMIC(atomicSub, old - v)
CUDA_CPU_ATOMIC(atomicMax, std::max(old, v))
CUDA_CPU_ATOMIC(atomicMin, std::min(old, v))
CUDA_CPU_ATOMIC(atomicOr, old | v)
CUDA_CPU_ATOMIC(atomicAnd, old & v)
CUDA_CPU_ATOMIC(atomicExch, v)
#undef CUDA_CPU_ATOMIC
template <class T> static inline T atomicCAS(T *p, T compare, T v) {
  T old = *p;
  if (old == compare) *p = v;
  return old;
}
static inline void __threadfence() {}
static inline int32_t load_acquire(const int32_t *p) { return *(const volatile int32_t *)p; }
static inline void store_release(int32_t *p, int32_t x) { *(volatile int32_t *)p = x; }
static inline void __threadfence_block() {}
static inline void __trap() { cuda_cpu::fail("a kernel gave up (__trap)"); }
template <class T> static inline T __ldg(const T *p) { return *p; }
template <class T> static inline T __ldcs(const T *p) { return *p; }
template <class T> static inline T __ldcg(const T *p) { return *p; }
template <class T> static inline void __stcs(T *p, T v) { *p = v; }
template <class T> static inline void __stcg(T *p, T v) { *p = v; }

#endif
