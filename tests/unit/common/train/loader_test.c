/* SPDX-License-Identifier: MIT */
#include "common/train/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tests/tap.h"

static struct err e;

/* Tokens from, from + 1, ...; vocabulary 10000. */
static const char *shard(const char *name, uint32_t from, int64_t n, uint64_t hash) {
  static char paths[8][256];
  static int turn;
  char *path = paths[turn++ & 7];
  snprintf(path, 256, "%s/%s", tap_folder(), name);
  struct shard_header h = {.token_bytes = 2, .count = n, .ours = true, .vocabulary_size = 10000, .end_of_text = -1, .tokenizer_hash = hash};
  struct shard_writer *w;
  uint32_t *ids = NEW_ARRAY(uint32_t, (size_t)n + 1);
  for (int64_t i = 0; i < n; i++) ids[i] = from + (uint32_t)i;
  if (shard_writer_open(&w, path, &h, 0, &e) < 0 || shard_writer_put(w, ids, (size_t)n, &e) < 0 || shard_writer_commit(w, NULL, &e) < 0) {
    printf("Bail out! %s\n", e.message);
    exit(1);
  }
  free(ids);
  return path;
}

static void check_permutation(void) {
  bool fine = true;
  for (uint64_t n = 1; n < 400 && fine; n += 7) {
    bool *hit = NEW_ARRAY(bool, n);
    for (uint64_t i = 0; i < n; i++) {
      uint64_t j = loader_permute(i, n, n * 31);
      fine &= j < n && !hit[j];
      if (j < n) hit[j] = true;
    }
    free(hit);
  }
  ok(fine, "the shuffle hits every window once");
  int fixed = 0, follows = 0;
  for (uint64_t i = 0; i + 1 < 10000; i++) {
    uint64_t j = loader_permute(i, 10000, 1);
    fixed += j == i, follows += loader_permute(i + 1, 10000, 1) == j + 1;
  }
  ok(fixed < 10 && follows < 10, "and leaves no order (%d stay, %d follow)", fixed, follows);
  ok(loader_permute(5, 1000000007, 1) != loader_permute(5, 1000000007, 2), "another key gives another order");
}

static void check_epochs(void) {
  enum { T = 8 };
  struct loader *l = loader_new();
  ok(loader_add_source(l, shard("a.bin", 0, 500, 1), &e) == 0 && loader_add_shard(l, shard("b.bin", 500, 13, 1), &e) == 0 && loader_add_shard(l, shard("c.bin", 513, 487, 1), &e) == 0, "three shards make a source");
  ok(loader_start(l, T, 10000, 3, 1000, &e) == 0, "it starts");
  int64_t windows = loader_windows(l, 0); /* of the first 900 tokens: (900 - 1) / 8 */
  ok_int(windows, 112, "nine tenths are for training");
  ok_int(loader_training_tokens(l), 112 * T, "which is that many predictions");
  uint32_t *got = NEW_ARRAY(uint32_t, (size_t)windows * (T + 1)), *second = NEW_ARRAY(uint32_t, (size_t)windows * (T + 1));
  bool *hit = NEW_ARRAY(bool, (size_t)windows), whole = true;
  ok(loader_next(l, windows, got, NULL, &e) == 0, "an epoch is read");
  for (int64_t w = 0; w < windows; w++) {
    const uint32_t *window = got + w * (T + 1);
    for (int t = 1; t <= T; t++) whole &= window[t] == window[0] + (uint32_t)t; /* also across shards */
    whole &= window[0] % T == 0 && window[0] / T < windows && !hit[window[0] / T];
    hit[window[0] / T] = true;
  }
  ok(whole, "every window comes once, whole, also where shards meet");
  ok(loader_next(l, windows, second, NULL, &e) == 0 && memcmp(got, second, (size_t)windows * (T + 1) * 4) != 0, "the next epoch has another order");
  loader_seek(l, 0, windows + 5);
  ok(loader_next(l, 3, got, NULL, &e) == 0 && memcmp(got, second + 5 * (T + 1), 3 * (T + 1) * 4) == 0, "a position can be gone back to");

  ok_int(loader_validation_tokens(l), 99, "the last tenth is for validation");
  uint32_t window[T + 1];
  int64_t n, seen = 0;
  bool right = true;
  for (int64_t i = 0; (n = loader_validation(l, i, window, NULL, &e)) > 0; i++) {
    for (int64_t t = 0; t <= n; t++) right &= window[t] == 900 + seen + t;
    seen += n;
  }
  ok(n == 0 && seen == 99 && right, "in order, from floor(.9 n), to the last token");
  loader_free(l);
  free(got), free(second), free(hit);
}

static void check_weights(void) {
  struct loader *l = loader_new();
  char spec[300];
  snprintf(spec, sizeof spec, "3:%s", shard("low.bin", 0, 200, 1));
  ok(loader_add_source(l, spec, &e) == 0 && loader_add_source(l, shard("high.bin", 5000, 1000, 1), &e) == 0 && loader_add_validation(l, shard("v.bin", 9000, 20, 1), &e) == 0, "two sources with weights, and validation");
  ok(loader_start(l, 4, 10000, 0, 10, &e) == 0, "start");
  uint32_t windows[400 * 5];
  int low = 0;
  bool even = true;
  int32_t sources[400];
  ok(loader_next(l, 400, windows, sources, &e) == 0, "400 windows");
  bool told = true;
  for (int i = 0; i < 400; i++) told &= sources[i] == (windows[i * 5] >= 5000);
  ok(told, "each tells its source");
  ok_string(loader_source_name(l, 1), "high", "a source is called by its path");
  ok_near(loader_share(l, 0), 0.75, 1e-12, "and knows its share");
  for (int i = 0; i < 400; i++) {
    low += windows[i * 5] < 5000;
    even &= low - 0.75 * (i + 1) <= 1 && low - 0.75 * (i + 1) >= -1;
  }
  ok_int(low, 300, "three of four are from the source of weight 3");
  ok(even, "at any time within one window");
  ok_int(loader_validation_tokens(l), 10, "at most --eval-tokens are validated");
  uint32_t window[5];
  ok(loader_validation(l, 0, window, NULL, &e) == 4 && window[0] == 9000 && loader_validation(l, 2, window, NULL, &e) == 2 && window[2] == 9010 && loader_validation(l, 3, window, NULL, &e) == 0, "the last window is shorter");
  loader_free(l);
}

static void check_sets(void) {
  struct loader *l = loader_new();
  ok(loader_add_source(l, shard("web_1.bin", 0, 200, 1), &e) == 0 && loader_add_validation(l, shard("c4.en_0.bin", 1000, 30, 1), &e) == 0 && loader_add_validation(l, shard("code.bin", 2000, 100, 1), &e) == 0 &&
     loader_add_validation(l, shard("code.bin", 2000, 100, 1), &e) == 0, "three validation sets");
  ok(loader_start(l, 8, 10000, 0, 61, &e) == 0, "of 61 tokens in all");
  ok_string(loader_validation_name(l, 0), "c4_en_0", "a name without dots");
  ok_string(loader_validation_name(l, 2), "code_2", "a second of the same name has a number");
  int64_t n, counts[3] = {0};
  uint32_t window[9];
  bool right = true;
  int set;
  for (int64_t i = 0; (n = loader_validation(l, i, window, &set, &e)) > 0; i++) {
    right &= window[0] == (set == 0 ? 1000 : 2000) + counts[set];
    counts[set] += n;
  }
  ok(n == 0 && right && counts[0] == 21 && counts[1] == 20 && counts[2] == 20, "are read one after the other, in equal parts");
  ok_int(loader_validation_tokens(l), 61, "that make up the whole");
  loader_free(l);
  l = loader_new();
  char pattern[300];
  shard("web_1.bin", 0, 200, 1);
  snprintf(pattern, sizeof pattern, "2:%s", shard("web_2.bin", 0, 200, 1));
  *strrchr(pattern, '2') = '*';
  ok(loader_add_source(l, pattern, &e) == 0, "a pattern");
  ok_string(loader_source_name(l, 0), "web", "is called by what stands before the star");
  loader_free(l);
}

static void refuses(const char *what, struct loader *l, int result, const char *says) {
  ok(result < 0 && strstr(e.message, says), "%s", what);
  if (result < 0 && !strstr(e.message, says)) note("%s", e.message);
  loader_free(l);
}

int main(void) {
  check_permutation();
  check_epochs();
  check_weights();
  check_sets();
  struct loader *l = loader_new();
  loader_add_source(l, shard("x.bin", 0, 100, 1), &e);
  refuses("shards of two tokenizers are refused", l, loader_add_shard(l, shard("y.bin", 0, 100, 2), &e), "another tokenizer");
  l = loader_new();
  loader_add_source(l, shard("x.bin", 0, 10, 1), &e);
  refuses("too short a stream is refused", l, loader_start(l, 16, 10000, 0, 100, &e), "fewer than one sequence");
  l = loader_new();
  loader_add_source(l, shard("x.bin", 0, 100, 1), &e);
  refuses("a model with fewer ids is refused", l, loader_start(l, 16, 9999, 0, 100, &e), "vocab_size is 9999");
  l = loader_new();
  refuses("a weight of zero is refused", l, loader_add_source(l, "0:x.bin", &e), "positive");
  l = loader_new();
  refuses("a pattern without files is refused", l, loader_add_source(l, "/nowhere/*.bin", &e), "o such file");
  return tap_done();
}
