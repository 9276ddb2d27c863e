/* SPDX-License-Identifier: MIT
 *
 * Expected merges: tests/oracle/tokenizer.py, and CS336's fixtures where they are.
 */
#include "tools/bpe-train/merges.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/token/pretokenize.h"
#include "common/token/specials.h"
#include "tests/read_file.h"
#include "tests/tap.h"
#include "tools/bpe-train/count.h"

/* Counts with `jobs` counters, the pieces dealt out in turn. */
static void count(struct word_counts *out, struct slice text, int jobs) {
  struct pretokenizer *p;
  struct err e;
  struct counter *counters[8];
  if (pretokenizer_new(&p, "gpt2", &e)) abort();
  struct pretokenizer_scratch *s = pretokenizer_scratch_new(p);
  for (int i = 0; i < jobs; i++) counters[i] = counter_new();
  uint32_t ends[32];
  size_t cursor = 0, k = 0;
  int n;
  for (size_t from = 0; (n = pretokenize(p, s, text, &cursor, ends, 32, &e)) > 0; from = cursor)
    for (int i = 0; i < n; i++) {
      size_t begin = from + (i ? ends[i - 1] : 0);
      counter_add(counters[k++ % (size_t)jobs], (struct slice){text.data + begin, from + ends[i] - begin});
    }
  counter_collect(out, counters, jobs);
  for (int i = 0; i < jobs; i++) counter_free(counters[i]);
  pretokenizer_scratch_free(s);
  pretokenizer_free(p);
}

static void put_hex(struct buffer *out, struct slice bytes) {
  for (size_t i = 0; i < bytes.len; i++) buffer_printf(out, "%02x", (unsigned char)bytes.data[i]);
}

static void merges_of(struct buffer *out, const struct vocab *v) {
  for (uint32_t id = 256; id < v->size; id++) {
    put_hex(out, vocab_bytes(v, v->entries[id].left));
    buffer_put(out, '\t');
    put_hex(out, vocab_bytes(v, v->entries[id].right));
    buffer_put(out, '\n');
  }
}

static void test_reference(const char *name, enum tie tie) {
  char path[64];
  snprintf(path, sizeof path, "tests/data/token/merges-%s.tsv", name);
  struct buffer corpus = read_file("tests/data/token/corpus.txt"), want = read_file(path), got = {0};
  for (int jobs = 1; jobs <= 5; jobs += 4) {
    struct word_counts words;
    struct vocab v;
    count(&words, buffer_slice(&corpus), jobs);
    vocab_init(&v);
    ok(merges_train(&v, &words, 400, tie, NULL, NULL) == 400, "400 merges");
    buffer_clear(&got);
    merges_of(&got, &v);
    ok(want.len > 0 && slice_equal(buffer_slice(&got), buffer_slice(&want)), "--tie %s: the reference's merges, counted in %d parts", name, jobs);
    vocab_release(&v);
    word_counts_release(&words);
  }
  buffer_release(&corpus);
  buffer_release(&want);
  buffer_release(&got);
}

static void test_course(void) {
  const char *path = tap_shared("cs336/a1/tests/fixtures/corpus.en");
  if (!path) {
    skip("no shared data", "CS336's merges of corpus.en");
    return;
  }
  struct buffer corpus = read_file(path), list = read_file(tap_shared("cs336/a1/tests/fixtures/train-bpe-reference-merges.txt")), got = {0};
  struct word_counts words;
  struct vocab v;
  count(&words, buffer_slice(&corpus), 1);
  vocab_init(&v);
  merges_train(&v, &words, 243, TIE_LEXICAL, NULL, NULL);
  for (uint32_t id = 256; id < v.size; id++)
    for (int side = 0; side < 2; side++) {
      struct slice part = vocab_bytes(&v, side ? v.entries[id].right : v.entries[id].left);
      for (size_t i = 0; i < part.len; i++) {
        uint32_t u = byte_to_unicode((unsigned char)part.data[i]);
        if (u < 0x80) buffer_put(&got, (char)u);
        else {
          buffer_put(&got, (char)(0xC0 | u >> 6));
          buffer_put(&got, (char)(0x80 | (u & 63)));
        }
      }
      buffer_put(&got, side ? '\n' : ' ');
    }
  while (list.len && list.data[list.len - 1] == '\n') list.len--;
  while (got.len && got.data[got.len - 1] == '\n') got.len--;
  ok(slice_equal(buffer_slice(&got), buffer_slice(&list)), "CS336's merges of corpus.en");
  vocab_release(&v);
  word_counts_release(&words);
  buffer_release(&corpus);
  buffer_release(&list);
  buffer_release(&got);
}

static void test_edges(void) {
  struct word_counts words;
  struct vocab v;
  count(&words, SLICE("aaaa ab"), 1);
  ok(words.count == 2 && words.items[0].bytes.data[0] == ' ' && words.items[1].count == 1, "words are sorted by their bytes");
  vocab_init(&v);
  ok_int(merges_train(&v, &words, 100, TIE_RAW, NULL, NULL), 4, "it stops when no pair is left");
  ok(v.size == 260 && slice_equal(vocab_bytes(&v, 256), SLICE("aa")) && slice_equal(vocab_bytes(&v, 257), SLICE(" a")), "overlapping windows count: aaaa has three");
  vocab_release(&v);
  word_counts_release(&words);
  count(&words, SLICE(""), 1);
  vocab_init(&v);
  ok(merges_train(&v, &words, 10, TIE_HF, NULL, NULL) == 0 && v.size == 256 && v.bytes.data[v.entries[0].offset] == '!', "no text, no merge; GPT-2's order of bytes");
  vocab_release(&v);
  word_counts_release(&words);

  struct counter *c = counter_new();
  char piece[32] = "0123456789012345678901234567890";
  for (size_t n = 1; n < 32; n++)
    for (size_t k = 0; k < n; k++) counter_add(c, (struct slice){piece, n});
  for (int i = 0; i < 50000; i++) {
    char text[16];
    int n = snprintf(text, sizeof text, "x%d", i);
    counter_add(c, (struct slice){text, (size_t)n});
  }
  counter_collect(&words, &c, 1);
  bool right = words.count == 31 + 50000;
  for (size_t i = 0; i < 31 && right; i++) right = words.items[i].bytes.len == i + 1 && words.items[i].count == i + 1;
  ok(right, "pieces of every length are counted");
  word_counts_release(&words);
  counter_free(c);
}

int main(void) {
  test_reference("hf", TIE_HF);
  test_reference("raw", TIE_RAW);
  test_reference("lexical", TIE_LEXICAL);
  test_course();
  test_edges();
  return tap_done();
}
