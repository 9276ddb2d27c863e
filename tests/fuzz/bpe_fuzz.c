/* SPDX-License-Identifier: MIT
 *
 * Any vocabulary, any text: the ways of merging agree, ids decode to the text, a text cut where it may be cut has
 * the same ids.  The first byte is a number of merges, two bytes each (the parts, counted back from the newest token
 * when above 127), the rest is text.
 */
#include <stdlib.h>
#include <string.h>

#include "common/token/bpe.h"
#include "common/token/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t part(const struct vocab *v, uint8_t b) { return b < 128 || v->size == 256 ? b : v->size - 1 - (b - 128u) % (v->size - 256); }

static void add_merges(struct vocab *v, const uint8_t *merges, size_t n) {
  struct err e;
  struct buffer joined = {0};
  for (size_t i = 0; i < n; i++) {
    uint32_t left = part(v, merges[2 * i]), right = part(v, merges[2 * i + 1]), id = v->size;
    joined.len = 0;
    buffer_append_slice(&joined, vocab_bytes(v, left));
    buffer_append_slice(&joined, vocab_bytes(v, right));
    bool there = joined.len > 100;
    for (uint32_t k = 256; k < id; k++) there = there || slice_equal(vocab_bytes(v, k), buffer_slice(&joined));
    if (there) continue;
    vocab_add(v, id, buffer_slice(&joined), &e);
    v->entries[id].left = left;
    v->entries[id].right = right;
    v->entries[id].rank = id;
  }
  buffer_release(&joined);
}

static bool same(const struct ids *a, const struct ids *b) { return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len * sizeof(uint32_t)) == 0); }

static void check(struct tokenizer *t, struct slice text) {
  struct encoder *n = encoder_new(t, 4096);
  struct ids whole = {0}, again = {0}, parts = {0};
  struct buffer back = {0};
  struct err e;
  for (int allow = 0; allow < 2; allow++) {
    whole.len = again.len = parts.len = back.len = 0;
    if (encoder_encode(n, text, allow, &whole, &e)) abort();
    encoder_encode(n, text, allow, &again, &e); /* from the cache */
    if (!same(&whole, &again)) abort();
    if (tokenizer_decode(t, whole.data, whole.len, &back, &e) || !slice_equal(buffer_slice(&back), text)) abort();
    size_t at = tokenizer_cut(t, text, allow);
    if (at) {
      encoder_encode(n, (struct slice){text.data, at}, allow, &parts, &e);
      encoder_encode(n, (struct slice){text.data + at, text.len - at}, allow, &parts, &e);
      if (!same(&whole, &parts)) abort();
    }
  }
  encoder_free(n);
  ids_release(&whole);
  ids_release(&again);
  ids_release(&parts);
  buffer_release(&back);
}

/* Every way to merge gives the ids of the array. */
static void all_agree(const struct bpe *b, struct slice text) {
  static void (*const ways[])(const struct bpe *, struct slice, struct ids *) = {bpe_merge_backtracking, bpe_merge_heap, bpe_merge_runs, bpe_merge_parts};
  struct ids array = {0}, other = {0};
  bpe_merge_array(b, text, &array);
  for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++) {
    other.len = 0;
    ways[k](b, text, &other);
    if (!same(&array, &other)) abort();
  }
  ids_release(&array);
  ids_release(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const patterns[] = {"gpt2", "cl100k", "o200k", "none"};
  if (size < 2) return 0;
  size_t merges = data[0] % 64;
  if (2 * merges + 2 > size) merges = (size - 2) / 2;
  struct vocab v;
  struct err e;
  struct tokenizer *t;
  vocab_init(&v);
  for (unsigned b = 0; b < 256; b++) vocab_add(&v, b, (struct slice){&(char){(char)b}, 1}, &e);
  add_merges(&v, data + 1, merges);
  vocab_add_special(&v, v.size, SLICE("<|x|>"), &e);
  vocab_add_special(&v, v.size, SLICE("<|x|> a\n<"), &e);
  v.pattern = strdup(patterns[data[0] >> 6]);
  struct slice text = {(const char *)data + 1 + 2 * merges, size - 1 - 2 * merges};
  if (text.len > 3000) text.len = 3000;
  struct bpe *b = bpe_new(&v);
  all_agree(b, text);
  /* Ranks as the text has it, so that parts may rank above their tokens. */
  for (uint32_t k = 0; k + 1 < v.size; k++) {
    struct vocab_entry *one = &v.entries[k], *other = &v.entries[256 + text.len % (v.size - 256)];
    if (one->rank == VOCAB_NONE || other->rank == VOCAB_NONE || k % 3) continue;
    uint32_t swap = one->rank;
    one->rank = other->rank;
    other->rank = swap;
  }
  bpe_free(b);
  b = bpe_new(&v);
  all_agree(b, text);
  bpe_free(b);
  if (tokenizer_from_vocab(&t, &v, &e)) abort();
  check(t, text);
  tokenizer_free(t);
  return 0;
}
