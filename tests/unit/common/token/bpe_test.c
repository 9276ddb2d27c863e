/* SPDX-License-Identifier: MIT */
#include "common/token/bpe.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
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

static void random_vocab(struct vocab *v, struct rng *rng, int merges) {
  struct err e;
  struct buffer joined = {0};
  vocab_init(v);
  for (unsigned b = 0; b < 256; b++) {
    char c = (char)b;
    vocab_add(v, b, (struct slice){&c, 1}, &e);
  }
  v->pattern = STRDUP("none");
  for (int i = 0; i < merges; i++) {
    uint32_t pool[3] = {(uint32_t)"abc"[rng_below(rng, 3)], v->size > 256 ? 256 + (uint32_t)rng_below(rng, v->size - 256) : 'a', (uint32_t)"abc"[rng_below(rng, 3)]};
    uint32_t left = pool[rng_below(rng, 3)], right = pool[rng_below(rng, 3)], id = v->size;
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
  }
  buffer_release(&joined);
}

int main(void) {
  struct rng rng;
  char text[400];
  rng_init(&rng, 11);
  int array = 0, backtracking = 0, cached = 0, rounds = 0;
  /* Random merges: many tokens do not encode to themselves, so that backtracking must notice and use its heap; the
   * whole-piece rule is left out of the first two. */
  for (int k = 0; k < 60; k++) {
    struct vocab v;
    random_vocab(&v, &rng, 1 + (int)rng_below(&rng, 40));
    struct bpe *b = bpe_new(&v);
    struct bpe_cache *cache = bpe_cache_new(4096);
    for (int i = 0; i < 60; i++, rounds++) {
      struct slice piece = random_piece(&rng, text, i % 2 ? 20 : 300);
      struct ids want = {0}, got = {0}, long_way = {0}, direct = {0}, with_cache = {0};
      reference(&v, piece, &want);
      bpe_merge_array(b, piece, &got);
      bpe_merge_backtracking(b, piece, &long_way);
      bpe_encode_piece(b, NULL, piece, &direct);
      bpe_encode_piece(b, cache, piece, &with_cache);
      with_cache.len = 0;
      bpe_encode_piece(b, cache, piece, &with_cache);
      array += !same(&want, &got);
      backtracking += !same(&want, &long_way);
      cached += !same(&direct, &with_cache);
      ids_release(&want);
      ids_release(&got);
      ids_release(&long_way);
      ids_release(&direct);
      ids_release(&with_cache);
    }
    bpe_cache_free(cache);
    bpe_free(b);
    vocab_release(&v);
  }
  ok(array == 0, "merging in an array is the definition (%d pieces)", rounds);
  ok(backtracking == 0, "so is backtracking, for any vocabulary (%d wrong)", backtracking);
  ok(cached == 0, "a cached piece has the ids of an uncached one");

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
  return tap_done();
}
