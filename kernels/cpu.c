/* SPDX-License-Identifier: MIT
 *
 * Choice of the instruction set, scratch memory of threads, and errors; see cpu.h.
 */
#include "kernels/cpu.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static pthread_once_t variant_once = PTHREAD_ONCE_INIT;
static enum cpu_variant best, taken;

bool cpu_has_avx512(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

static void find_variant(void) {
  best = CPU_SCALAR;
#if CPU_VECTORS
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = cpu_has_avx512() ? CPU_AVX512 : CPU_AVX2;
#endif
  taken = best;
  const char *wanted = getenv("CRAWL2LM_CPU");
  for (int v = CPU_SCALAR; wanted && v < (int)best; v++)
    if (strcmp(wanted, cpu_variant_name(v)) == 0) taken = v;
}

enum cpu_variant cpu_variant(void) {
  pthread_once(&variant_once, find_variant);
  return taken;
}

enum cpu_variant cpu_variant_force(enum cpu_variant wanted) {
  pthread_once(&variant_once, find_variant);
  return taken = wanted < best ? wanted : best;
}

const char *cpu_variant_name(enum cpu_variant v) {
  return v == CPU_AVX512 ? "avx512" : v == CPU_AVX2 ? "avx2" : "scalar";
}

/* ---- scratch */

struct scratch {
  void *p[CPU_SCRATCH_SLOTS];
  size_t size[CPU_SCRATCH_SLOTS];
};
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static pthread_key_t scratch_key;

static void free_scratch(void *pointer) {
  struct scratch *s = pointer;
  for (int i = 0; i < CPU_SCRATCH_SLOTS; i++) free(s->p[i]);
  free(s);
}

static void make_scratch_key(void) {
  if (pthread_key_create(&scratch_key, free_scratch) != 0) abort();
}

void *cpu_scratch(int slot, size_t bytes) {
  pthread_once(&scratch_once, make_scratch_key);
  struct scratch *s = pthread_getspecific(scratch_key);
  if (!s) {
    s = calloc(1, sizeof *s);
    if (!s) return NULL;
    if (pthread_setspecific(scratch_key, s) != 0) {
      free(s);
      return NULL;
    }
  }
  if (s->size[slot] < bytes || !s->p[slot]) {
    size_t alignment = bytes >= HUGE_PAGE ? HUGE_PAGE : 64, unit = bytes >= HUGE_PAGE ? HUGE_PAGE : 4096;
    size_t size = bytes / unit * unit + unit;
    free(s->p[slot]);
    s->p[slot] = aligned_alloc(alignment, size);
    if (s->p[slot] && alignment == HUGE_PAGE) madvise(s->p[slot], size, MADV_HUGEPAGE); /* a hint: refused is as good */
    s->size[slot] = s->p[slot] ? size : 0;
  }
  return s->p[slot];
}

/* ---- errors */

int kernel_fail(struct kernel_error *e, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(e->message, sizeof e->message, format, args);
  va_end(args);
  return -1;
}

int64_t cpu_first_page(const struct cache_pages *p, int64_t B, struct kernel_error *e) {
  if (p->pages != 1) return kernel_fail(e, "a cache of %lld pages a sequence: the CPU takes one", (long long)p->pages);
  for (int64_t b = 1; p->table && b < B; b++)
    if (p->table[b] != p->table[b - 1] + 1) return kernel_fail(e, "pages %d and %d of sequences in a row: the CPU takes such that follow each other", p->table[b - 1], p->table[b]);
  return p->table && B > 0 ? p->table[0] : 0;
}
