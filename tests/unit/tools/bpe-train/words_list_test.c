/* SPDX-License-Identifier: MIT
 *
 * The list of --words against qsort().
 */
#include "tools/bpe-train/words_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/read_file.h"
#include "tests/tap.h"

struct item {
  char word[40];
  uint64_t count;
};

static int by_rank(const void *x, const void *y) {
  const struct item *a = x, *b = y;
  return a->count != b->count ? (a->count > b->count ? -1 : 1) : strcmp(a->word, b->word);
}

static void test_list(size_t n, uint64_t most, size_t memory) {
  static struct item items[60000];
  struct counter *c = counter_new(memory, tap_folder());
  struct words *words;
  struct output *out;
  struct err e;
  struct buffer want = {0};
  char path[300];
  uint64_t written;
  snprintf(path, sizeof path, "%s/list", tap_folder());
  for (size_t i = 0; i < n; i++) {
    snprintf(items[i].word, sizeof items[i].word, "%s%zu", i % 5 ? "w" : "a word of many letters ", i * 7919 % 1000003);
    items[i].count = i % 7 ? 1 + i * i % 90 : (uint64_t)i << 28 | 1;
    if (counter_add(c, slice_of(items[i].word), items[i].count, &e)) abort();
  }
  qsort(items, n, sizeof items[0], by_rank);
  size_t expected = most < n ? (size_t)most : n;
  for (size_t i = 0; i < expected; i++) buffer_printf(&want, "%s\n", items[i].word);
  if (words_new(&words, &c, 1, memory, false, &e) || output_open(&out, path, 0, &e)) abort();
  bool listed = words_list(out, words, most, memory, tap_folder(), &written, &e) == 0 && output_commit(out, &e) == 0;
  struct buffer got = read_file(path);
  ok(listed && written == expected && slice_equal(buffer_slice(&got), buffer_slice(&want)), "%zu of %zu words within %zu bytes, most frequent first, then by bytes", expected, n, memory);
  buffer_release(&got);
  buffer_release(&want);
}

int main(void) {
  test_list(0, UINT64_MAX, 1 << 20);
  test_list(5000, UINT64_MAX, 16 << 20);
  test_list(5000, 100, 16 << 20);
  test_list(60000, UINT64_MAX, 256 << 10);
  test_list(60000, 50001, 256 << 10);
  return tap_done();
}
