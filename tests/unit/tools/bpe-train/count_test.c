/* SPDX-License-Identifier: MIT
 *
 * Counters against a plain map: every level, number of threads and budget must give the same pieces and counts.
 */
#include "tools/bpe-train/count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/base/threads.h"
#include "tests/tap.h"
#include "tools/bpe-train/words.h"

struct text { /* pieces one after the other */
  struct buffer bytes;
  uint32_t *ends;
  size_t count, capacity;
};

static void put(struct text *t, const char *data, size_t n) {
  buffer_append(&t->bytes, data, n);
  GROW(t->ends, t->capacity, t->count + 1);
  t->ends[t->count++] = (uint32_t)t->bytes.len;
}

static void text_release(struct text *t) {
  buffer_release(&t->bytes);
  free(t->ends);
}

static uint64_t state = 1;
static uint64_t draw(void) { /* xorshift64* (Marsaglia 2003; Vigna 2016) */
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545F4914F6CDD1Du;
}

/* Frequent short pieces, rare ones with zero bytes and shared beginnings, every length from 1 to 300, giants. */
static struct text make_text(size_t pieces, size_t giants) {
  struct text t = {0};
  char piece[301];
  for (size_t i = 0; i < pieces; i++) {
    size_t kind = draw() % 10, n;
    if (kind < 5) n = 1 + draw() % 3;
    else if (kind < 9) n = 1 + draw() % 17;
    else n = 1 + draw() % 300;
    uint64_t letters = kind < 7 ? 4 : 2;
    for (size_t k = 0; k < n; k++) piece[k] = (char)(draw() % letters * 85);
    if (n > 20) memset(piece, 'x', n - 14);
    put(&t, piece, n);
  }
  for (size_t n = 1; n <= 300; n++) {
    memset(piece, 'e', n);
    put(&t, piece, n);
  }
  char *giant = MALLOC(1 << 20);
  for (size_t i = 0; i < giants; i++) {
    memset(giant, 'g', 1 << 20);
    memset(giant + (1 << 20) - 1, (int)('0' + i % 3), 1);
    put(&t, giant, 1 << 20);
  }
  free(giant);
  return t;
}

static struct slice piece_of(const struct text *t, size_t i) {
  size_t begin = i ? t->ends[i - 1] : 0;
  return (struct slice){t->bytes.data + begin, t->ends[i] - begin};
}

struct job {
  const struct text *text;
  struct counter **counters;
  int jobs;
  bool failed;
};

/* Pieces go to the counters in groups of up to 300, so that batches end anywhere. */
static void work(void *context, int index) {
  struct job *j = context;
  size_t group = 1;
  struct err e;
  for (size_t i = 0, turn = 0; i < j->text->count; i += group, turn++) {
    group = 1 + turn * 37 % 300;
    if (group > j->text->count - i) group = j->text->count - i;
    if ((int)(turn % (size_t)j->jobs) != index) continue;
    size_t from = i ? j->text->ends[i - 1] : 0;
    uint32_t ends[300];
    for (size_t k = 0; k < group; k++) ends[k] = (uint32_t)(j->text->ends[i + k] - from);
    if (counter_add_pieces(j->counters[index], buffer_slice(&j->text->bytes), from, ends, (int)group, &e)) {
      note("%s", e.message);
      j->failed = true;
    }
  }
}

static int compare(struct slice a, struct slice b) {
  int c = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
  return c ? c : a.len < b.len ? -1 : a.len > b.len;
}

/* The stream holds exactly what the map does, in order when sorted. */
static bool same(struct words *w, const struct hashmap *map, bool sorted) {
  struct slice piece;
  struct buffer last = {0};
  struct err e;
  uint64_t count, n = 0, bytes = 0;
  int got;
  bool right = true;
  while (right && (got = words_next(w, &piece, &count, &e)) > 0) {
    const uint64_t *want = hashmap_find(map, piece);
    right = want && *want == count && (!sorted || n == 0 || compare(buffer_slice(&last), piece) < 0);
    buffer_clear(&last);
    buffer_append_slice(&last, piece);
    n++;
    bytes += piece.len;
  }
  buffer_release(&last);
  return right && n == hashmap_count(map) && n == words_distinct(w) && bytes == words_bytes(w);
}

static void test_same(const struct text *t, const struct hashmap *map, int jobs, size_t memory, bool sorted) {
  struct counter *counters[8];
  struct job j = {t, counters, jobs, false};
  struct words *w;
  struct err e;
  for (int i = 0; i < jobs; i++) counters[i] = counter_new(memory, tap_folder());
  threads_run(jobs, work, &j);
  size_t runs = 0;
  bool bounded = true;
  for (int i = 0; i < jobs; i++) {
    runs += counter_runs(counters[i])->count;
    bounded = bounded && counter_memory(counters[i]) <= memory;
  }
  int status = words_new(&w, counters, jobs, memory * (size_t)jobs, sorted, &e);
  ok(!j.failed && status == 0 && bounded, "%d threads count within %zu bytes each (%zu runs)", jobs, memory, runs);
  if (status) {
    note("%s", e.message);
    return;
  }
  ok(same(w, map, sorted), "the pieces and counts are those of a plain map%s", sorted ? ", in order" : "");
  ok(words_rewind(w, &e) == 0 && same(w, map, sorted), "and again after a rewind");
  words_free(w);
}

static void test_map(size_t pieces, size_t giants) {
  struct text t = make_text(pieces, giants);
  struct hashmap *map = hashmap_new();
  for (size_t i = 0; i < t.count; i++) ++*hashmap_put(map, piece_of(&t, i), NULL);
  note("%zu pieces, %zu distinct", t.count, hashmap_count(map));
  static const size_t budgets[] = {COUNTER_LEAST, 1 << 20, 64 << 20};
  static const int jobs[] = {1, 2, 3, 8};
  for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
    if (simd_force(level) != level) {
      skip("the CPU lacks it", simd_name(level));
      continue;
    }
    note("%s", simd_name(level));
    for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++)
      for (size_t k = 0; k < sizeof jobs / sizeof *jobs; k++) test_same(&t, map, jobs[k], budgets[b], (b + k) % 2);
  }
  simd_force(SIMD_AVX512);
  hashmap_free(map);
  text_release(&t);
}

static uint64_t count_of(struct counter *c, const char *piece, bool spill) {
  struct words *w;
  struct err e;
  struct slice got;
  uint64_t count, found = 0;
  if (spill && counter_spill(c, &e)) return 0;
  if (words_new(&w, &c, 1, 8 << 20, true, &e)) return 0;
  while (words_next(w, &got, &count, &e) > 0)
    if (slice_equal(got, slice_of(piece))) found += count;
  words_free(w);
  return found;
}

static void test_large_counts(void) {
  static const char *const pieces[] = {"the", "fifteen bytes..", "a piece of more than fifteen bytes"};
  struct err e;
  for (int spill = 0; spill < 2; spill++)
    for (int k = 0; k < 3; k++) {
      struct slice piece = slice_of(pieces[k]);
      uint32_t end = (uint32_t)piece.len;
      struct counter *c = counter_new(1 << 20, tap_folder());
      bool added = counter_add(c, piece, UINT32_MAX - 1, &e) == 0;
      for (int i = 0; i < 4; i++) added = added && counter_add_pieces(c, piece, 0, &end, 1, &e) == 0;
      added = added && counter_add(c, piece, (uint64_t)5 << 40, &e) == 0 && counter_add(c, SLICE("other"), 7, &e) == 0;
      if (spill) added = added && counter_spill(c, &e) == 0 && counter_add(c, piece, (uint64_t)1 << 33, &e) == 0;
      uint64_t want = (uint64_t)UINT32_MAX + 3 + ((uint64_t)5 << 40) + (spill ? (uint64_t)1 << 33 : 0);
      ok(added && count_of(c, pieces[k], spill) == want, "a count beyond 2^32 is exact: %zu bytes%s", piece.len, spill ? ", spilled" : "");
    }
  struct counter *two[2] = {counter_new(1 << 20, tap_folder()), counter_new(1 << 20, tap_folder())};
  struct words *w;
  struct slice piece;
  uint64_t count = 0;
  for (int i = 0; i < 2; i++)
    if (counter_add(two[i], SLICE("both"), (uint64_t)3 << 31, &e)) abort();
  ok(words_new(&w, two, 2, 8 << 20, false, &e) == 0 && words_next(w, &piece, &count, &e) == 1 && count == (uint64_t)3 << 32 && words_next(w, &piece, &count, &e) == 0, "so is the sum of two counters");
  words_free(w);
}

static void test_nothing(void) {
  struct counter *c = counter_new(0, tap_folder());
  struct words *w;
  struct err e;
  struct slice piece;
  uint64_t count;
  ok(words_new(&w, &c, 1, 0, false, &e) == 0 && words_distinct(w) == 0 && words_next(w, &piece, &count, &e) == 0, "no piece, no word");
  words_free(w);
}

/* Many pieces in both: the whole of the other one is taken in, or, where memory does not go so far, nothing of it. */
static void test_absorb(void) {
  enum { EACH = 36000 };
  for (size_t memory = 32 << 20; memory >= 1 << 20; memory >>= 5) {
    struct counter *two[2];
    struct err e;
    int failed = 0, wrong = 0;
    for (int k = 0; k < 2; k++) {
      two[k] = counter_new(32 << 20, NULL);
      for (int i = 0; i < EACH; i++) {
        char piece[40];
        int n = snprintf(piece, sizeof piece, i % 3 ? "%d" : "a piece of more than 15 bytes %d", i + k * EACH / 2);
        failed += counter_add(two[k], (struct slice){piece, (size_t)n}, 1, &e) != 0;
      }
    }
    counter_limit(two[0], memory);
    failed += counter_absorb(two[0], two[1], &e) != 0;
    bool all = counter_distinct(two[1]) == 0;
    ok(failed == 0 && all == (memory > 1 << 20) && (counter_runs(two[0])->count == 0) == all, "%s of another counter is taken in", all ? "all" : "nothing");
    ok_int(counter_distinct(two[0]) + counter_distinct(two[1]), all ? EACH + EACH / 2 : EACH, "so many pieces are in memory then");
    struct words *words;
    struct slice piece;
    uint64_t count, sum = 0, found = 0;
    if (words_new(&words, two, 2, memory, false, &e)) abort();
    while (words_next(words, &piece, &count, &e) > 0) found++, sum += count, wrong += count > 2;
    ok(wrong == 0 && sum == 2 * EACH && found == EACH + EACH / 2, "%d pieces, %d distinct", (int)sum, (int)found);
    words_free(words);
  }
}

/* A thread that came too late for any input, and another that had it all and more than the first may take in. */
static void test_first_empty(void) {
  enum { EACH = 20000 };
  struct counter *two[2] = {counter_new(1 << 20, tap_folder()), counter_new(1 << 20, tap_folder())};
  struct words *words;
  struct slice piece;
  struct err e;
  uint64_t count, found = 0;
  for (int i = 0; i < EACH; i++) {
    char text[16];
    int n = snprintf(text, sizeof text, "%d", i);
    if (counter_add(two[1], (struct slice){text, (size_t)n}, 1, &e)) abort();
  }
  if (words_new(&words, two, 2, 1 << 20, false, &e)) abort();
  while (words_next(words, &piece, &count, &e) > 0) found += count;
  ok(found == EACH && words_distinct(words) == EACH, "a first counter that is empty loses nothing of the others: %d", (int)found);
  words_free(words);
}

int main(void) {
  test_nothing();
  test_absorb();
  test_first_empty();
  test_large_counts();
  test_map(60000, 0);
  test_map(3000, 7);
  return tap_done();
}
