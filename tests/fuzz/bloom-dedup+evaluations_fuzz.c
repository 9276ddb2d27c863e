/* SPDX-License-Identifier: MIT
 *
 * Any bytes as an evaluation set: what is read can be looked up, and every n-gram found leads to items.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/text/shingles.h"
#include "tools/bloom-dedup/evaluations.h"

static void look(void *context, const uint64_t *shingles, size_t count) {
  const struct evaluations *v = context;
  uint32_t *found = MALLOC((count + 1) * sizeof *found);
  size_t n = evaluations_find(v, shingles, count, found);
  for (size_t i = 0; i < n; i++) {
    const uint32_t *items;
    size_t item_count;
    evaluations_items(v, found[i], &items, &item_count);
    if (item_count == 0) abort();
    for (size_t k = 0; k < item_count; k++)
      if (items[k] >= evaluations_counts(v).items || evaluations_item_ngrams(v, items[k]) == 0) abort();
  }
  free(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct err e;
  char path[64];
  int count, fd = memfd_create("fuzz", 0);
  struct evaluations *v = evaluations_new(3, 2, 1 << 20);
  if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  if (evaluations_add(v, path, &e) == 0) {
    evaluations_close(v);
    const int *lengths = evaluations_lengths(v, &count);
    for (int i = 0; i < count; i++) {
      struct shingler *s = shingler_new(lengths[i]);
      shingler_run(s, (struct slice){(const char *)data, size}, look, v);
      shingler_free(s);
    }
  }
  evaluations_free(v);
  close(fd);
  return 0;
}
