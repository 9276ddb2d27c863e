/* SPDX-License-Identifier: MIT */
#include "common/token/bpe.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "common/io/input.h"
#include "common/token/pretokenize.h"
#include "common/token/tokenizer.h"
#include "tests/tap.h"

/* The definition: the lowest rank, leftmost first, until nothing merges. */
static void reference(const struct vocab *v, struct slice piece, struct ids *out) {
  ids_reserve(out, piece.len);
  out->len = piece.len;
  for (size_t i = 0; i < piece.len; i++)
    for (uint32_t id = 0; id < v->size; id++)
      if (v->entries[id].length == 1 && v->bytes.data[v->entries[id].offset] == piece.data[i]) out->data[i] = id;
  for (;;) {
    uint32_t best = VOCAB_NONE, made = 0;
    size_t at = 0;
    for (size_t i = 0; i + 1 < out->len; i++)
      for (uint32_t id = 256; id < v->size; id++)
        if (v->entries[id].left == out->data[i] && v->entries[id].right == out->data[i + 1] && v->entries[id].rank < best) {
          best = v->entries[id].rank;
          made = id;
          at = i;
        }
    if (best == VOCAB_NONE) return;
    out->data[at] = made;
    memmove(out->data + at + 1, out->data + at + 2, (out->len - at - 2) * sizeof(uint32_t));
    out->len--;
  }
}

static struct slice random_piece(struct rng *rng, char *text, size_t limit) {
  size_t n = rng_below(rng, limit) + 1;
  for (size_t i = 0; i < n; i++) text[i] = (char)("aaabbc "[rng_below(rng, 7)]);
  return (struct slice){text, n};
}

static bool same(const struct ids *a, const struct ids *b) { return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len * sizeof(uint32_t)) == 0); }

/* kind 0: ranks rise with ids; 1: with holes between ids; 2: ranks in any order, so that parts may rank above their token; 3: some
 * tokens are made by no merge, so that those of which they are a part are never made either. */
static void random_vocab(struct vocab *v, struct rng *rng, int merges, int kind) {
  struct err e;
  struct buffer joined = {0};
  uint32_t tokens[64], made = 0;
  vocab_init(v);
  for (unsigned b = 0; b < 256; b++) {
    char c = (char)b;
    vocab_add(v, b, (struct slice){&c, 1}, &e);
  }
  v->pattern = STRDUP("none");
  for (int i = 0; i < merges && made < 64; i++) {
    uint32_t pool[3] = {(uint32_t)"abc"[rng_below(rng, 3)], made ? tokens[rng_below(rng, made)] : 'a', (uint32_t)"abc"[rng_below(rng, 3)]};
    uint32_t left = pool[rng_below(rng, 3)], right = pool[rng_below(rng, 3)], id = v->size + (kind == 1 ? (uint32_t)rng_below(rng, 4) : 0);
    buffer_clear(&joined);
    buffer_append_slice(&joined, vocab_bytes(v, left));
    buffer_append_slice(&joined, vocab_bytes(v, right));
    bool there = joined.len > 40;
    for (uint32_t k = 0; k < v->size; k++) there = there || slice_equal(vocab_bytes(v, k), buffer_slice(&joined));
    if (there) continue;
    vocab_add(v, id, buffer_slice(&joined), &e);
    v->entries[id].left = left;
    v->entries[id].right = right;
    v->entries[id].rank = id;
    tokens[made++] = id;
  }
  for (uint32_t k = made; kind == 2 && k > 1; k--) { /* shuffled */
    uint32_t *a = &v->entries[tokens[k - 1]].rank, *b = &v->entries[tokens[rng_below(rng, k)]].rank, swap = *a;
    *a = *b;
    *b = swap;
  }
  for (uint32_t k = 0; kind == 3 && k < made; k += 1 + (uint32_t)rng_below(rng, 6)) {
    struct vocab_entry *t = &v->entries[tokens[k]];
    t->left = t->right = t->rank = VOCAB_NONE;
  }
  buffer_release(&joined);
}

typedef void merge_function(const struct bpe *b, struct slice piece, struct ids *out);

static bool merges_to(merge_function *way, const struct bpe *b, struct slice piece, const struct ids *want) {
  struct ids got = {0};
  way(b, piece, &got);
  bool right = same(&got, want);
  ids_release(&got);
  return right;
}

static bool encodes_to(const struct bpe *b, struct bpe_cache *cache, struct slice piece, const struct ids *want) {
  struct ids got = {0};
  bool right = true;
  for (int again = 0; again < 2; again++) {
    got.len = 0;
    bpe_encode_piece(b, cache, piece, &got);
    right = right && same(&got, want);
  }
  ids_release(&got);
  return right;
}

static void test_random_vocabularies(void) {
  struct rng rng;
  char text[400];
  rng_init(&rng, 11);
  int array = 0, heap = 0, backtracking = 0, runs = 0, parts = 0, cached = 0, rounds = 0;
  /* Random merges: many tokens do not encode to themselves, so that backtracking must notice and use its heap; the
   * whole-piece rule is left out of all but the last. */
  for (int k = 0; k < 120; k++) {
    struct vocab v;
    random_vocab(&v, &rng, 1 + (int)rng_below(&rng, 40), k % 4);
    struct bpe *b = bpe_new(&v);
    struct bpe_cache *small = bpe_cache_new(b, 0), *large = bpe_cache_new(b, 4 << 20);
    for (int i = 0; i < 40; i++, rounds++) {
      simd_force((enum simd)(i % 3));
      struct slice piece = random_piece(&rng, text, i % 2 ? 20 : i % 4 ? 90 : 300);
      struct ids want = {0}, direct = {0};
      reference(&v, piece, &want);
      array += !merges_to(bpe_merge_array, b, piece, &want);
      heap += !merges_to(bpe_merge_heap, b, piece, &want);
      backtracking += !merges_to(bpe_merge_backtracking, b, piece, &want);
      runs += !merges_to(bpe_merge_runs, b, piece, &want);
      parts += !merges_to(bpe_merge_parts, b, piece, &want);
      if (bpe_find(b, piece) < 0 || piece.len == 1) cached += !encodes_to(b, NULL, piece, &want);
      bpe_encode_piece(b, NULL, piece, &direct);
      cached += !encodes_to(b, small, piece, &direct) + !encodes_to(b, large, piece, &direct);
      ids_release(&want);
      ids_release(&direct);
    }
    bpe_cache_free(small);
    bpe_cache_free(large);
    bpe_free(b);
    vocab_release(&v);
  }
  simd_force(SIMD_AVX512);
  ok(array == 0, "merging in an array is the definition (%d pieces, every SIMD level)", rounds);
  ok(heap == 0, "so is merging with a heap (%d wrong)", heap);
  ok(backtracking == 0, "so is backtracking, for any vocabulary (%d wrong)", backtracking);
  ok(runs == 0, "so is merging runs (%d wrong)", runs);
  ok(parts == 0, "so is merging parts (%d wrong)", parts);
  ok(cached == 0, "a cached piece has the ids of an uncached one");
}

/* Many distinct pieces: a table that grows, a log that comes round, and caches too small for them. */
static void test_full_caches(void) {
  static const size_t memories[] = {64 << 10, 300000, 2 << 20, 32 << 20};
  struct rng rng;
  struct vocab v;
  rng_init(&rng, 5);
  random_vocab(&v, &rng, 30, 0);
  struct bpe *b = bpe_new(&v);
  enum { TEXT = 1 << 20 };
  char *text = MALLOC(TEXT);
  for (size_t i = 0; i < TEXT; i++) text[i] = (char)("aabbc defgh"[rng_below(&rng, 11)]);
  for (int m = 0; m < 4; m++) {
    struct bpe_cache *cache = bpe_cache_new(b, memories[m]);
    int wrong = 0;
    for (int pass = 0; pass < 3; pass++) {
      struct rng lengths;
      struct ids got = {0}, want = {0};
      uint32_t ends[BPE_PIECES];
      rng_init(&lengths, 7);
      simd_force((enum simd)pass);
      for (size_t at = 0; at < TEXT;) {
        int count = 0;
        uint32_t end = 0;
        while (count < BPE_PIECES && at + end < TEXT) {
          size_t n = 1 + rng_below(&lengths, count % 9 ? 15 : count % 5 ? 70 : 400);
          if (n > TEXT - at - end) n = TEXT - at - end;
          end += (uint32_t)n;
          ends[count++] = end;
        }
        got.len = want.len = 0;
        bpe_encode_pieces(b, cache, (struct slice){text, TEXT}, at, ends, count, &got);
        for (int i = 0; i < count; i++) bpe_encode_piece(b, NULL, (struct slice){text + at + (i ? ends[i - 1] : 0), ends[i] - (i ? ends[i - 1] : 0)}, &want);
        wrong += !same(&got, &want);
        at += end;
      }
      ids_release(&got);
      ids_release(&want);
    }
    ok(wrong == 0, "a cache of %zu bytes gives the same ids while it fills, when it is full and on every SIMD level", memories[m]);
    bpe_cache_free(cache);
  }
  simd_force(SIMD_AVX512);
  free(text);
  bpe_free(b);
  vocab_release(&v);
}

struct thread_work {
  const struct bpe *b;
  const char *text;
  size_t size;
  struct ids out;
};

static void *encode_all(void *context) {
  struct thread_work *w = context;
  struct bpe_cache *cache = bpe_cache_new(w->b, 1 << 20);
  for (size_t at = 0, n; at < w->size; at += n) {
    n = 1 + at % 290 < w->size - at ? 1 + at % 290 : w->size - at;
    bpe_encode_piece(w->b, cache, (struct slice){w->text + at, n}, &w->out);
  }
  bpe_cache_free(cache);
  return NULL;
}

/* Tables for long pieces are made while others encode. */
static void test_threads(void) {
  struct rng rng;
  struct vocab v;
  rng_init(&rng, 3);
  random_vocab(&v, &rng, 0, 0);
  struct err e;
  for (uint32_t k = 0; k < 25; k++) { /* tokens that encode to themselves, so that backtracking is exact */
    char pair[2] = {(char)('a' + k), (char)('b' + k)};
    uint32_t id = v.size;
    vocab_add(&v, id, (struct slice){pair, 2}, &e);
    v.entries[id].left = (unsigned char)pair[0];
    v.entries[id].right = (unsigned char)pair[1];
    v.entries[id].rank = id;
  }
  enum { TEXT = 300000, THREADS = 3 };
  char *text = MALLOC(TEXT);
  for (size_t i = 0; i < TEXT; i++) text[i] = (char)('a' + rng_below(&rng, 26));
  struct bpe *shared = bpe_new(&v), *alone = bpe_new(&v);
  struct thread_work work[THREADS], want = {alone, text, TEXT, {0}};
  pthread_t threads[THREADS];
  encode_all(&want);
  bool right = true;
  for (int i = 0; i < THREADS; i++) {
    work[i] = (struct thread_work){shared, text, TEXT, {0}};
    pthread_create(&threads[i], NULL, encode_all, &work[i]);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], NULL);
    right = right && same(&work[i].out, &want.out);
    ids_release(&work[i].out);
  }
  ok(right && want.out.len > TEXT / 4, "threads that share the tables get the same ids (%zu)", want.out.len);
  ids_release(&want.out);
  bpe_free(shared);
  bpe_free(alone);
  free(text);
  vocab_release(&v);
}

/* Every way over the pieces of a text, with a vocabulary that people use. */
static void test_real(const char *vocabulary, const char *text_path) {
  struct err e;
  struct tokenizer *t;
  struct buffer text = {0};
  if (tokenizer_load(&t, vocabulary, NULL, &e) || input_read_all(text_path, &text, &e)) {
    ok(false, "%s", e.message);
    return;
  }
  struct pretokenizer *p;
  pretokenizer_new(&p, tokenizer_vocab(t)->pattern, &e);
  struct pretokenizer_scratch *scratch = pretokenizer_scratch_new(p);
  struct bpe *b = bpe_new(tokenizer_vocab(t));
  struct bpe_cache *cache = bpe_cache_new(b, 1 << 20);
  struct slice all = {text.data, text.len < 1 << 19 ? text.len : 1 << 19};
  uint32_t ends[BPE_PIECES];
  size_t cursor = 0, from = 0;
  int wrong = 0, pieces = 0, count;
  while ((count = pretokenize(p, scratch, all, &cursor, ends, BPE_PIECES, &e)) > 0) {
    struct ids batch = {0}, direct = {0};
    bpe_encode_pieces(b, cache, all, from, ends, count, &batch);
    for (int i = 0; i < count; i++, pieces++) {
      uint32_t begin = i ? ends[i - 1] : 0;
      struct slice piece = {all.data + from + begin, ends[i] - begin};
      struct ids want = {0};
      bpe_merge_array(b, piece, &want);
      wrong += !merges_to(bpe_merge_heap, b, piece, &want) + !merges_to(bpe_merge_backtracking, b, piece, &want);
      wrong += !merges_to(bpe_merge_runs, b, piece, &want) + !merges_to(bpe_merge_parts, b, piece, &want);
      bpe_encode_piece(b, NULL, piece, &direct);
      ids_release(&want);
    }
    wrong += !same(&batch, &direct);
    from = cursor;
    ids_release(&batch);
    ids_release(&direct);
  }
  /* Pieces of a few thousand bytes across what the pattern would cut. */
  for (size_t at = 0; at + 3000 < all.len; at += 50021) {
    struct slice piece = {all.data + at, 3000};
    struct ids want = {0};
    bpe_merge_heap(b, piece, &want);
    wrong += !merges_to(bpe_merge_array, b, piece, &want) + !merges_to(bpe_merge_backtracking, b, piece, &want) + !merges_to(bpe_merge_parts, b, piece, &want);
    ids_release(&want);
  }
  ok(wrong == 0 && pieces > 1000, "%s: every way gives the same ids for %d pieces (%d wrong)", strrchr(vocabulary, '/') + 1, pieces, wrong);
  bpe_cache_free(cache);
  bpe_free(b);
  pretokenizer_scratch_free(scratch);
  pretokenizer_free(p);
  buffer_release(&text);
  tokenizer_free(t);
}

/* A token of 300 bytes, with an id above 65535. */
static void test_long_token(void) {
  struct vocab v;
  struct err e;
  vocab_init(&v);
  for (unsigned c = 0; c < 256; c++) vocab_add(&v, c, (struct slice){&(char){(char)c}, 1}, &e);
  char bytes[602];
  for (int i = 0; i < 602; i++) bytes[i] = (char)('a' + i % 7);
  for (uint32_t n = 2, left = 'a', id = 70000; n <= 300; n++, id++) {
    vocab_add(&v, id, (struct slice){bytes, n}, &e);
    v.entries[id].left = left;
    v.entries[id].right = (unsigned char)bytes[n - 1];
    v.entries[id].rank = left = id;
  }
  v.pattern = STRDUP("none");
  struct bpe *b = bpe_new(&v);
  struct bpe_cache *cache = bpe_cache_new(b, 0);
  struct ids want = {0}, got = {0};
  bpe_merge_array(b, (struct slice){bytes, 602}, &want);
  ok(merges_to(bpe_merge_backtracking, b, (struct slice){bytes, 602}, &want) && merges_to(bpe_merge_heap, b, (struct slice){bytes, 602}, &want), "backtracking knows a token of 300 bytes");
  bpe_encode_piece(b, cache, (struct slice){bytes, 300}, &got);
  ok(got.len == 1 && got.data[0] == 70298 && bpe_find(b, (struct slice){bytes, 300}) == 70298, "a piece that is a token of 300 bytes is its id");
  ids_release(&want);
  ids_release(&got);
  bpe_cache_free(cache);
  bpe_free(b);
  vocab_release(&v);
}

int main(void) {
  test_random_vocabularies();
  test_full_caches();
  test_long_token();
  test_threads();

  /* One byte repeated is the worst case of quadratic merging. */
  struct vocab v;
  struct err e;
  vocab_init(&v);
  for (unsigned c = 0; c < 256; c++) vocab_add(&v, c, (struct slice){&(char){(char)c}, 1}, &e);
  char run[65];
  memset(run, 'a', sizeof run);
  for (uint32_t n = 1, id = 'a'; n < 64; n *= 2) {
    uint32_t made = v.size;
    vocab_add(&v, made, (struct slice){run, 2 * n}, &e);
    v.entries[made].left = v.entries[made].right = id;
    v.entries[made].rank = made;
    id = made;
  }
  v.pattern = STRDUP("none");
  struct bpe *b = bpe_new(&v);
  size_t n = (1 << 20) + 3;
  char *many = MALLOC(n);
  memset(many, 'a', n);
  struct ids out = {0};
  bpe_encode_piece(b, NULL, (struct slice){many, n}, &out);
  ok(out.len == (1 << 14) + 2 && out.data[0] == 261 && out.data[out.len - 2] == 256 && out.data[out.len - 1] == 'a', "a mebibyte of one letter is one piece (%zu ids)", out.len);
  ok(bpe_find(b, SLICE("aaaa")) == 257 && bpe_find(b, SLICE("aaa")) == -1 && bpe_find(b, SLICE("")) == -1, "tokens are found by their bytes");
  free(many);
  ids_release(&out);
  bpe_free(b);
  vocab_release(&v);
  static const char *const vocabularies[] = {"vocab/tiktoken/r50k_base.tiktoken", "vocab/tiktoken/cl100k_base.tiktoken"};
  static const char *const texts[] = {"text/wikitext-2/valid.txt", "text/multi/libreoffice-help-ja.txt"};
  for (int k = 0; k < 2; k++) {
    char vocabulary[1024];
    const char *path = tap_shared(vocabularies[k]);
    if (path) snprintf(vocabulary, sizeof vocabulary, "%s", path);
    for (int m = 0; m < 2; m++) {
      const char *text = tap_shared(texts[m]);
      if (path && text) test_real(vocabulary, text);
      else skip("no development data", vocabularies[k]);
    }
  }
  return tap_done();
}
