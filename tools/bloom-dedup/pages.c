/* SPDX-License-Identifier: MIT
 *
 * Tables that are probed at random are mapped: zeroed by the kernel when first touched, and in pages of 2 MiB where it
 * allows that, without which each probe would also miss the TLB.
 */
#include <sys/mman.h>

#include "tools/bloom-dedup/hashes.h"

enum { HUGE = 1 << 21 };

static size_t whole_pages(size_t size) { return (size + HUGE - 1) / HUGE * HUGE; }

void *pages_new(size_t size) {
  if (size == 0 || size > SIZE_MAX / 2) return NULL;
  size_t length = whole_pages(size);
  /* one page more, so that the table can start on a boundary of 2 MiB; what stands around it is given back */
  char *at = mmap(NULL, length + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return NULL;
  size_t before = (HUGE - (uintptr_t)at % HUGE) % HUGE;
  if (before) munmap(at, before);
  if (before < HUGE) munmap(at + before + length, HUGE - before);
#ifdef MADV_HUGEPAGE
  madvise(at + before, length, MADV_HUGEPAGE);
#endif
  return at + before;
}

void pages_free(void *pages, size_t size) {
  if (pages) munmap(pages, whole_pages(size));
}
