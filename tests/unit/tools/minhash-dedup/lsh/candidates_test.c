/* SPDX-License-Identifier: MIT
 *
 * Components of verified pairs against all-pairs comparison, in memory and spilled; the bound on comparisons.
 */
#include "tools/minhash-dedup/lsh/candidates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

enum { FAMILIES = 40, OF_FAMILY = 6, N = FAMILIES * OF_FAMILY, MOST = 200 };

static uint64_t sets[N][MOST];
static size_t sizes[N];

static int by_value(const void *x, const void *y) {
  uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
  return (a > b) - (a < b);
}

static void make_sets(void) {
  struct rng rng;
  rng_init(&rng, 6);
  for (int f = 0; f < FAMILIES; f++) {
    uint64_t base[MOST];
    size_t n = 20 + rng_below(&rng, MOST - 40);
    for (size_t i = 0; i < n; i++) base[i] = rng_next(&rng);
    for (int k = 0; k < OF_FAMILY; k++) {
      int d = k * FAMILIES + f; /* members of a family lie apart */
      uint64_t changes = rng_below(&rng, n / 3);
      memcpy(sets[d], base, sizeof base);
      for (uint64_t i = 0; i < changes; i++) sets[d][rng_below(&rng, n)] = rng_next(&rng);
      qsort(sets[d], n, sizeof **sets, by_value);
      sizes[d] = n;
    }
  }
}

static double similarity(int a, int b) {
  size_t common = 0;
  for (size_t i = 0; i < sizes[a]; i++)
    for (size_t j = 0; j < sizes[b]; j++) common += sets[a][i] == sets[b][j];
  return (double)common / (double)(sizes[a] + sizes[b] - common);
}

static int root(const int *parent, int i) {
  while (parent[i] != i) i = parent[i];
  return i;
}

static int take_row(void *context, struct slice id, struct slice kept, double jaccard, struct err *e) {
  (void)e;
  buffer_printf(context, "%.*s %.*s %.6f\n", (int)id.len, id.data, (int)kept.len, kept.data, jaccard);
  return 0;
}

/* Every family is a bucket, in two bands. */
static struct candidates *fill(size_t memory) {
  struct candidates *c = candidates_new(memory, NULL);
  struct err e;
  for (int band = 0; band < 2; band++)
    for (uint32_t f = 0; f < FAMILIES; f++) {
      uint32_t bucket[OF_FAMILY];
      for (uint32_t k = 0; k < OF_FAMILY; k++) bucket[k] = 3 * (k * FAMILIES + f);
      candidates_add_bucket(c, bucket, OF_FAMILY, &e);
    }
  candidates_close(c, 3 * N + 1000);
  for (int d = 0; d < N; d++) {
    char id[16];
    snprintf(id, sizeof id, "d%d", d);
    candidates_put(c, slice_of(id), (uint64_t)(d * 7919 % 1000), sets[d], sizes[d], &e);
  }
  return c;
}

static void components(void) {
  int parent[N], longest[N];
  for (int i = 0; i < N; i++) parent[i] = i;
  for (int a = 0; a < N; a++)
    for (int b = a + 1; b < N; b++)
      if (a % FAMILIES == b % FAMILIES && similarity(a, b) >= .8 && root(parent, a) != root(parent, b)) {
        int x = root(parent, a), y = root(parent, b);
        parent[x < y ? y : x] = x < y ? x : y;
      }
  for (int i = 0; i < N; i++) longest[i] = i;
  for (int i = 0; i < N; i++)
    if (i * 7919 % 1000 > longest[root(parent, i)] * 7919 % 1000) longest[root(parent, i)] = i;
  for (int way = 0; way < 4; way++) {
    bool keep_longest = way & 1, spilled = way & 2;
    struct buffer want = {0}, got = {0};
    struct err e = {0};
    for (int i = 0; i < N; i++) {
      int kept = keep_longest ? longest[root(parent, i)] : root(parent, i);
      if (kept != i) buffer_printf(&want, "d%d d%d %.6f\n", i, kept, similarity(i, kept));
    }
    struct candidates *c = fill(spilled ? 100 : 64 << 20);
    int result = candidates_connect(c, .8, keep_longest, &e);
    if (result == 0) result = candidates_each_removed(c, take_row, &got, &e);
    ok(result == 0, "connecting succeeds %s", e.message);
    ok_string(buffer_string(&got), buffer_string(&want), keep_longest ? "all-pairs comparison removes the same, the longest stay" : "all-pairs comparison removes the same, the first stay");
    uint64_t removed = 0;
    for (uint64_t d = 0; d < 3 * N + 1000; d++) removed += candidates_removed(c, d);
    ok_int((int64_t)removed, (int64_t)candidates_counts(c).removed, "as many are marked as removed");
    candidates_free(c);
    buffer_release(&want);
    buffer_release(&got);
  }
}

static void without_verification(void) {
  struct candidates *c = candidates_new(1 << 20, NULL);
  struct err e;
  candidates_add_bucket(c, (uint32_t[]){1, 5, 9}, 3, &e);
  candidates_add_bucket(c, (uint32_t[]){5, 700}, 2, &e);
  candidates_add_bucket(c, (uint32_t[]){2, 3}, 2, &e);
  candidates_close(c, 701);
  ok(candidates_has(c, 5) && candidates_has(c, 700) && !candidates_has(c, 4) && !candidates_has(c, 701) && candidates_count(c) == 6, "who shares a bucket is a candidate");
  ok(candidates_connect(c, 0, false, &e) == 0, "without verification no sets are needed");
  ok(!candidates_removed(c, 1) && candidates_removed(c, 5) && candidates_removed(c, 9) && candidates_removed(c, 700) && !candidates_removed(c, 2) && candidates_removed(c, 3) && !candidates_removed(c, 0),
     "buckets are connected through shared documents, the first of each stays");
  ok_int((int64_t)candidates_counts(c).clusters, 2, "two clusters");
  candidates_free(c);
}

/* A bucket of 30,000 documents: all alike, or no two alike. */
static void large_buckets(void) {
  enum { MANY = 30000 };
  for (int alike = 0; alike < 2; alike++) {
    struct candidates *c = candidates_new(16 << 20, NULL);
    struct err e;
    uint32_t *bucket = NEW_ARRAY(uint32_t, MANY);
    for (uint32_t i = 0; i < MANY; i++) bucket[i] = i;
    for (int band = 0; band < 3; band++) candidates_add_bucket(c, bucket, MANY, &e);
    candidates_close(c, MANY);
    for (uint64_t i = 0; i < MANY; i++) candidates_put(c, SLICE("x"), 1, (uint64_t[]){10, 20 + 10 * (alike ? 0 : i), 1u << 30}, 3, &e);
    ok(candidates_connect(c, .8, false, &e) == 0, "connected");
    struct candidate_counts n = candidates_counts(c);
    if (alike) ok(n.removed == MANY - 1 && n.compared == MANY - 1, "equal documents are compared once each: %llu", (unsigned long long)n.compared);
    else ok(n.removed == 0 && n.compared <= (uint64_t)3 * MANY * 256, "a bucket of strangers costs at most 256 comparisons a document: %llu", (unsigned long long)n.compared);
    candidates_free(c);
    free(bucket);
  }
}

int main(void) {
  make_sets();
  ok(sets_common((uint64_t[]){1, 3, 5, 7}, 4, (uint64_t[]){2, 3, 7, 9, 11}, 5, 0) == 2, "common elements are counted");
  ok(sets_common(NULL, 0, sets[0], sizes[0], 0) == 0, "an empty set has none");
  ok(sets_common(sets[0], sizes[0], sets[0], sizes[0], sizes[0]) == sizes[0], "a set has all of itself");
  ok(sets_common(sets[0], sizes[0], sets[1], sizes[1], sizes[0]) < sizes[0], "the search ends early below the least");
  components();
  without_verification();
  large_buckets();
  return tap_done();
}
