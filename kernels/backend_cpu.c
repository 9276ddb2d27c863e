/* SPDX-License-Identifier: MIT
 *
 * The table of the CPU backend.  Memory is host memory: large blocks are asked for in huge pages, which saves address
 * translation in every pass over them.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kernels/activation.h"
#include "kernels/attention.h"
#include "kernels/convolution.h"
#include "kernels/cpu.h"
#include "kernels/cross_entropy.h"
#include "kernels/dispatch.h"
#include "kernels/elementwise.h"
#include "kernels/embedding.h"
#include "kernels/layernorm.h"
#include "kernels/join_keys.h"
#include "kernels/experts.h"
#include "kernels/filter.h"
#include "kernels/matmul.h"
#include "kernels/muon.h"
#include "kernels/optimizer.h"
#include "kernels/position.h"
#include "kernels/quantized.h"
#include "kernels/rmsnorm.h"
#include "kernels/rope.h"
#include "kernels/route.h"
#include "kernels/sampling.h"
#include "kernels/soap.h"

static void *cpu_alloc(size_t bytes, struct kernel_error *e) {
  size_t alignment = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : 64;
  size_t size = bytes > 0 && bytes <= SIZE_MAX - alignment ? (bytes + alignment - 1) / alignment * alignment : alignment;
  void *p = bytes <= SIZE_MAX - alignment ? aligned_alloc(alignment, size) : NULL;
  if (!p) {
    kernel_fail(e, "cannot allocate %zu bytes", bytes);
    return NULL;
  }
  if (alignment == HUGE_PAGE) madvise(p, size, MADV_HUGEPAGE); /* a hint: refused is as good */
  memset(p, 0, size);
  return p;
}

/* The host's memory is the device's: one copy serves all directions, also the ones that run beside ops elsewhere. */
static int cpu_copy(void *to, const void *from, size_t bytes, struct kernel_error *e) {
  (void)e;
  if (bytes > 0) memmove(to, from, bytes);
  return 0;
}

static int cpu_zero(void *p, size_t bytes, struct kernel_error *e) {
  (void)e;
  if (bytes > 0) memset(p, 0, bytes);
  return 0;
}

static int cpu_copy_beside(void *to, const void *from, size_t bytes, int slot, struct kernel_error *e) {
  (void)slot;
  return cpu_copy(to, from, bytes, e);
}

static int cpu_wait_copy(int slot, struct kernel_error *e) {
  (void)slot, (void)e;
  return 0;
}

static int cpu_copy_reals(real *to, const real *from, int64_t n, struct kernel_error *e) { return cpu_copy(to, from, (size_t)n * sizeof *to, e); }

static int cpu_memory(size_t *free, size_t *total, struct kernel_error *e) {
  (void)e;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  *free = page * (size_t)sysconf(_SC_AVPHYS_PAGES), *total = page * (size_t)sysconf(_SC_PHYS_PAGES);
  return 0;
}

static double cpu_stated_peak(enum matmul_type type) {
  (void)type;
  return 0;
}

/* ---- time: ops have run when they return */

static double *marks;
static int mark_count;

static int cpu_mark(int mark, struct kernel_error *e) {
  if (mark >= mark_count) {
    double *more = realloc(marks, (size_t)(2 * mark + 64) * sizeof *marks);
    if (!more) return kernel_fail(e, "cannot allocate %d marks", 2 * mark + 64);
    marks = more, mark_count = 2 * mark + 64;
  }
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  marks[mark] = (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
  return 0;
}

static int cpu_elapsed(double *seconds, int from, int to, struct kernel_error *e) {
  if (from < 0 || to < 0 || from >= mark_count || to >= mark_count) return kernel_fail(e, "marks %d and %d are not set", from, to);
  *seconds = marks[to] - marks[from];
  return 0;
}

static void cpu_range(const char *name) { (void)name; }

static int cpu_synchronize(struct kernel_error *e) {
  (void)e;
  return 0;
}

static void cpu_set_threads(int threads) {
  if (threads < 1) threads = 1;
  omp_set_num_threads(threads);
  matmul_set_threads(threads);
}

static const char *cpu_describe(const char **warning) {
  static char text[256];
  snprintf(text, sizeof text, "cpu %s, %s, %d threads", cpu_variant_name(cpu_variant()), matmul_describe(warning),
           omp_get_max_threads());
  return text;
}

const struct backend *backend_cpu(void) {
  static const struct backend cpu = {
      .name = "cpu",
      .stored_size = sizeof(stored),
      .logits_bytes = 16 << 20,
      .alloc = cpu_alloc,
      .release = free,
      .alloc_host = cpu_alloc,
      .release_host = free,
      .to_device = cpu_copy,
      .to_host = cpu_copy,
      .copy = cpu_copy,
      .zero = cpu_zero,
      .synchronize = cpu_synchronize,
      .set_threads = cpu_set_threads,
      .memory = cpu_memory,
      .describe = cpu_describe,
      .stated_peak = cpu_stated_peak,
      .copy_out = cpu_copy_beside,
      .copy_in = cpu_copy_beside,
      .wait_copy = cpu_wait_copy,
      .mark = cpu_mark,
      .elapsed = cpu_elapsed,
      .range = cpu_range,
      .upload = cpu_copy_reals,
      .download = cpu_copy_reals,
      .narrow = cpu_copy_reals,
      .matmul = matmul,
      .matmul_batched = matmul_batched,
      .linear_forward = linear_forward,
      .linear_quantized = linear_quantized,
      .linear_backward_input = linear_backward_input,
      .linear_backward_weight = linear_backward_weight,
      .linear_backward = linear_backward,
      .embedding_forward = embedding_forward,
      .embedding_backward = embedding_backward,
      .rmsnorm_forward = rmsnorm_forward,
      .rmsnorm_backward = rmsnorm_backward,
      .add_rmsnorm = add_rmsnorm,
      .layernorm_forward = layernorm_forward,
      .layernorm_backward = layernorm_backward,
      .rope = rope,
      .position_forward = position_forward,
      .position_backward = position_backward,
      .attention_forward = attention_forward,
      .attention_backward = attention_backward,
      .attention_cached = attention_cached,
      .cache_append = cache_append,
      .copy_rows = copy_rows,
      .activation_forward = activation_forward,
      .activation_backward = activation_backward,
      .join_keys = join_keys,
      .join_keys_backward = join_keys_backward,
      .route_forward = route_forward,
      .route_backward = route_backward,
      .route_count = route_count,
      .gather_rows = gather_rows,
      .gather_rows_backward = gather_rows_backward,
      .experts_forward = experts_forward,
      .experts_backward = experts_backward,
      .combine_forward = combine_forward,
      .combine_backward = combine_backward,
      .add = elementwise_add,
      .scale = elementwise_scale,
      .multiply = multiply,
      .multiply_backward = multiply_backward,
      .dropout = dropout,
      .cross_entropy = cross_entropy,
      .top_logits = top_logits,
      .short_convolution_forward = short_convolution_forward,
      .short_convolution_backward = short_convolution_backward,
      .filter_forward = filter_forward,
      .filter_backward = filter_backward,
      .long_convolution_forward = long_convolution_forward,
      .long_convolution_backward = long_convolution_backward,
      .short_convolution_cached = short_convolution_cached,
      .long_convolution_cached = long_convolution_cached,
      .adamw = adamw,
      .muon = muon,
      .soap = soap,
      .sum_squares = sum_squares,
  };
  return &cpu;
}
