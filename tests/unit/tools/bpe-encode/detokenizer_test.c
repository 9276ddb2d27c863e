/* SPDX-License-Identifier: MIT
 *
 * Against scheme_decode() id by id, and document_escape(): of a tokenizer with short and long tokens, and of bytes and chars.
 */
#include "tools/bpe-encode/detokenizer.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/io/documents.h"
#include "common/io/output.h"
#include "tests/tap.h"

/* Ids at random, one in fifty beyond or without a meaning: runs of the table and single ids in turn, as a caller does. */
static void check(const char *name, uint32_t limit, bool escaped) {
  struct tokenizer_options options = {.special_count = -1};
  struct scheme *s = NULL;
  struct err e;
  struct rng r;
  if (!ok(scheme_open(&s, name, &options, &e) == 0, "%s opens", name)) {
    note("%s", e.message);
    return;
  }
  struct detokenizer *d = detokenizer_new(s, escaped);
  struct buffer got = {0}, one = {0}, want = {0};
  bool same = true, needed = true, some = false;
  size_t looks = 0;
  rng_init(&r, 3);
  for (int round = 0; round < 300; round++) {
    size_t n = 1 + (size_t)rng_below(&r, 500);
    uint32_t *ids = NEW_ARRAY(uint32_t, n);
    for (size_t i = 0; i < n; i++) ids[i] = rng_below(&r, 50) ? (uint32_t)rng_below(&r, rng_below(&r, 2) && limit > 128 ? 128 : limit) : (uint32_t)rng_next(&r);
    buffer_clear(&got), buffer_clear(&want);
    for (size_t i = 0; i < n; i++) {
      size_t done = detokenizer_run(d, ids + i, n - i, &got);
      for (size_t k = i; k < i + done; k++) {
        uint64_t words = 0;
        buffer_clear(&one);
        needed &= scheme_decode(s, ids[k], &words, &one, &e) == 0 && (int64_t)ids[k] != scheme_eot(s);
        if (escaped) document_escape(&want, buffer_slice(&one));
        else buffer_append_slice(&want, buffer_slice(&one));
      }
      i += done; /* the one that it left stands for nothing, or is a character that takes more */
      uint64_t words = 0;
      buffer_clear(&one);
      if (i < n && !scheme_wide(s)) needed &= scheme_decode(s, ids[i], &words, &one, &e) != 0 || (int64_t)ids[i] == scheme_eot(s);
      looks += i < n;
    }
    same &= slice_equal(buffer_slice(&got), buffer_slice(&want));
    some |= got.len > 0;
    free(ids);
  }
  ok(same && some, "%s%s: the same text as id by id", name, escaped ? ", escaped" : "");
  ok(needed && looks > 300, "%s%s: stops where it must, %zu times", name, escaped ? ", escaped" : "", looks);
  ok(detokenizer_run(d, NULL, 0, &got) == 0, "no ids, no text");
  buffer_release(&got), buffer_release(&one), buffer_release(&want);
  detokenizer_free(d);
  scheme_free(s);
}

int main(void) {
  struct vocab v;
  struct tokenizer *t;
  struct err e;
  char path[600];
  vocab_init(&v);
  for (unsigned b = 0; b < 256; b++) vocab_add(&v, b, (struct slice){(char[]){(char)b}, 1}, &e);
  /* Each doubles the one before: 2, 4, ... 256 bytes; then tabs, whose escapes are twice as long. */
  struct buffer text = {0};
  buffer_put(&text, 'a');
  uint32_t id = 256;
  for (; id < 264; id++) {
    buffer_reserve(&text, text.len);
    buffer_append(&text, text.data, text.len);
    vocab_add(&v, id, buffer_slice(&text), &e);
  }
  buffer_clear(&text);
  buffer_put(&text, '\t');
  for (; id < 268; id++) {
    buffer_reserve(&text, text.len);
    buffer_append(&text, text.data, text.len);
    vocab_add(&v, id, buffer_slice(&text), &e);
  }
  vocab_add_special(&v, id, SLICE("<|endoftext|>"), &e);
  vocab_add_special(&v, id + 1, SLICE("<|other|>"), &e);
  v.eot = id;
  v.pattern = STRDUP("none");
  snprintf(path, sizeof path, "%s/tok.tsv", tap_folder());
  if (ok(tokenizer_from_vocab(&t, &v, &e) == 0 && tokenizer_write_tsv(t, path, &e) == 0, "a tokenizer with tokens of 1 to 256 bytes")) {
    tokenizer_free(t);
    check(path, id + 2, false);
    check(path, id + 2, true);
  } else {
    note("%s", e.message);
  }
  check("bytes", 257, false);
  check("bytes", 257, true);
  check("chars", 0x300, false);
  check("chars", 0x300, true);
  buffer_release(&text);
  return tap_done();
}
