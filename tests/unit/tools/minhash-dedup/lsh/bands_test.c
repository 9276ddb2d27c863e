/* SPDX-License-Identifier: MIT
 *
 * Buckets against a plain sort of all (band, key, document), in memory and spilled; the sort of hashes against qsort.
 */
#include "tools/minhash-dedup/lsh/bands.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

enum { BANDS = 3, DOCUMENTS = 30000 };

static int append(void *context, const uint32_t *documents, size_t count, struct err *e) {
  (void)e;
  buffer_append(context, &count, sizeof count);
  buffer_append(context, documents, count * sizeof *documents);
  return 0;
}

struct triple {
  uint64_t key;
  uint32_t band, document;
};

static int ascending(const void *x, const void *y) {
  const struct triple *a = x, *b = y;
  if (a->band != b->band) return a->band < b->band ? -1 : 1;
  if (a->key != b->key) return a->key < b->key ? -1 : 1;
  return (a->document > b->document) - (a->document < b->document);
}

static void expected(struct buffer *out, uint64_t (*keys)[BANDS]) {
  struct triple *t = NEW_ARRAY(struct triple, BANDS * DOCUMENTS);
  for (uint32_t d = 0; d < DOCUMENTS; d++)
    for (uint32_t b = 0; b < BANDS; b++) t[d * BANDS + b] = (struct triple){keys[d][b], b, 2 * d};
  qsort(t, BANDS * DOCUMENTS, sizeof *t, ascending);
  for (size_t i = 0, end; i < BANDS * DOCUMENTS; i = end) {
    for (end = i + 1; end < BANDS * DOCUMENTS && t[end].band == t[i].band && t[end].key == t[i].key; end++) continue;
    size_t count = end - i;
    if (count < 2) continue;
    buffer_append(out, &count, sizeof count);
    for (size_t k = i; k < end; k++) buffer_append(out, &t[k].document, sizeof t[k].document);
  }
  free(t);
}

static void buckets(void) {
  uint64_t(*keys)[BANDS] = MALLOC(DOCUMENTS * sizeof *keys);
  struct rng rng;
  rng_init(&rng, 4);
  for (int d = 0; d < DOCUMENTS; d++)
    for (int b = 0; b < BANDS; b++) {
      uint64_t which = rng_below(&rng, 4);
      /* some keys shared by many, some by a few, most by none; band 2 lies in a narrow range on purpose */
      keys[d][b] = which == 0 ? splitmix64(rng_below(&rng, 3)) : which == 1 ? splitmix64(rng_below(&rng, 5000)) : rng_next(&rng);
      if (b == 2) keys[d][b] = keys[d][b] >> 40;
    }
  struct buffer want = {0};
  expected(&want, keys);
  static const struct {
    size_t memory;
    int jobs;
    const char *name;
  } ways[] = {{64 << 20, 1, "in memory, one thread"}, {64 << 20, 4, "in memory, four threads"}, {1000, 4, "spilled to a scratch file"}};
  for (int i = 0; i < 3; i++) {
    struct bands *b = bands_new(BANDS, ways[i].memory, NULL);
    struct buffer got = {0};
    struct err e = {0};
    int result = 0;
    for (uint32_t d = 0; d < DOCUMENTS && result == 0; d++) result = bands_add(b, 2 * d, keys[d], &e);
    if (result == 0) result = bands_buckets(b, ways[i].jobs, append, &got, &e);
    ok(result == 0 && slice_equal(buffer_slice(&got), buffer_slice(&want)), "buckets come by band, key and document: %s %s", ways[i].name, e.message);
    buffer_release(&got);
    bands_free(b);
  }
  buffer_release(&want);
  free(keys);
}

static int by_value(const void *x, const void *y) {
  uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
  return (a > b) - (a < b);
}

static void sorting(void) {
  struct rng rng;
  rng_init(&rng, 5);
  bool same = true;
  enum { MOST = 200000 };
  uint64_t *a = NEW_ARRAY(uint64_t, MOST), *b = NEW_ARRAY(uint64_t, MOST), *room = NEW_ARRAY(uint64_t, MOST);
  for (int round = 0; round < 40; round++) {
    size_t n = round < 4 ? (size_t)round : rng_below(&rng, round % 10 == 0 ? MOST : 3000);
    for (size_t i = 0; i < n; i++) a[i] = b[i] = round % 3 == 2 ? rng_next(&rng) >> 50 : rng_next(&rng);
    sort_spread(a, room, n);
    qsort(b, n, sizeof *b, by_value);
    same &= memcmp(a, b, n * sizeof *a) == 0;
  }
  ok(same, "hashes are sorted, evenly spread or not");
  free(a);
  free(b);
  free(room);
}

int main(void) {
  buckets();
  sorting();
  return tap_done();
}
