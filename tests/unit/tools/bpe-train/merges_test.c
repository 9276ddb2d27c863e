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
#include "tools/bpe-train/words.h"

struct piece {
  struct slice bytes;
  uint64_t count;
};

/* Counts with `jobs` counters, the pieces dealt out in turn. */
static struct words *count(struct slice text, int jobs) {
  struct pretokenizer *p;
  struct err e;
  struct counter *counters[8];
  if (pretokenizer_new(&p, "gpt2", &e)) abort();
  struct pretokenizer_scratch *s = pretokenizer_scratch_new(p);
  for (int i = 0; i < jobs; i++) counters[i] = counter_new(1 << 20, NULL);
  uint32_t ends[32];
  size_t cursor = 0, k = 0;
  int n;
  for (size_t from = 0; (n = pretokenize(p, s, text, &cursor, ends, 32, &e)) > 0; from = cursor)
    for (int i = 0; i < n; i++) {
      size_t begin = from + (i ? ends[i - 1] : 0);
      if (counter_add(counters[k++ % (size_t)jobs], (struct slice){text.data + begin, from + ends[i] - begin}, 1, &e)) abort();
    }
  struct words *words;
  if (words_new(&words, counters, jobs, 1 << 20, false, &e)) abort();
  pretokenizer_scratch_free(s);
  pretokenizer_free(p);
  return words;
}

static struct words *words_of(const struct piece *pieces, size_t n) {
  struct err e;
  struct counter *counter = counter_new(1 << 20, NULL);
  struct words *words;
  for (size_t i = 0; i < n; i++)
    if (counter_add(counter, pieces[i].bytes, pieces[i].count, &e)) abort();
  if (words_new(&words, &counter, 1, 1 << 20, false, &e)) abort();
  return words;
}

/* Returns how many merges were made. */
static uint32_t train(struct vocab *v, struct words *words, uint32_t wanted, enum tie tie, uint64_t least, size_t memory) {
  struct err e;
  uint32_t made;
  struct merges_options o = {.tie = tie, .wanted = wanted, .min_frequency = least, .memory = memory};
  if (merges_train(v, words, &o, &made, &e)) {
    note("%s", e.message);
    return UINT32_MAX;
  }
  return made;
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

static void test_fixture(const char *name, enum tie tie) {
  char path[64];
  snprintf(path, sizeof path, "tests/data/token/merges-%s.tsv", name);
  struct buffer corpus = read_file("tests/data/token/corpus.txt"), want = read_file(path), got = {0};
  for (int jobs = 1; jobs <= 5; jobs += 4) {
    struct vocab v;
    vocab_init(&v);
    ok(train(&v, count(buffer_slice(&corpus), jobs), 400, tie, 0, 64 << 20) == 400, "400 merges");
    buffer_clear(&got);
    merges_of(&got, &v);
    ok(want.len > 0 && slice_equal(buffer_slice(&got), buffer_slice(&want)), "--tie %s: the reference's merges, counted in %d parts", name, jobs);
    vocab_release(&v);
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
  struct vocab v;
  vocab_init(&v);
  train(&v, count(buffer_slice(&corpus), 1), 243, TIE_LEXICAL, 0, 64 << 20);
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
  buffer_release(&corpus);
  buffer_release(&list);
  buffer_release(&got);
}

/* ---- a slow reference: every count anew for every merge, from the definition ----------------------------------------- */

struct sequence {
  uint32_t *ids;
  size_t n;
  uint64_t count;
};

static int compare(const struct vocab *v, uint32_t x, uint32_t y) {
  struct slice a = vocab_bytes(v, x), b = vocab_bytes(v, y);
  int c = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
  return c ? c : a.len < b.len ? -1 : a.len > b.len;
}

static bool better(const struct vocab *v, enum tie tie, const uint32_t a[2], const uint32_t b[2]) {
  for (int side = 0; side < 2; side++)
    if (a[side] != b[side]) return tie == TIE_LEXICAL ? compare(v, a[side], b[side]) > 0 : a[side] < b[side];
  return false;
}

static void replace(struct sequence *s, uint32_t left, uint32_t right, uint32_t made) {
  size_t to = 0;
  for (size_t i = 0; i < s->n; i++)
    if (i + 1 < s->n && s->ids[i] == left && s->ids[i + 1] == right) s->ids[to++] = made, i++;
    else s->ids[to++] = s->ids[i];
  s->n = to;
}

/* v holds the bytes, and merges to be applied first when `given`. */
static uint32_t slow_train(struct vocab *v, const struct piece *pieces, size_t n, uint32_t wanted, enum tie tie, uint64_t least) {
  struct sequence *s = NEW_ARRAY(struct sequence, n + 1);
  uint32_t byte_id[256] = {0}, given = v->size, made = 0;
  for (uint32_t id = 0; id < 256; id++) byte_id[(unsigned char)vocab_bytes(v, id).data[0]] = id;
  for (size_t k = 0; k < n; k++) {
    s[k] = (struct sequence){MALLOC(pieces[k].bytes.len * sizeof(uint32_t) + 1), pieces[k].bytes.len, pieces[k].count};
    for (size_t i = 0; i < s[k].n; i++) s[k].ids[i] = byte_id[(unsigned char)pieces[k].bytes.data[i]];
    for (uint32_t id = 256; id < given; id++) replace(&s[k], v->entries[id].left, v->entries[id].right, id);
  }
  for (; made < wanted; made++) {
    uint32_t limit = v->size;
    uint64_t *counts = NEW_ARRAY(uint64_t, (size_t)limit * limit);
    for (size_t k = 0; k < n; k++)
      for (size_t i = 0; i + 1 < s[k].n; i++) counts[(size_t)s[k].ids[i] * limit + s[k].ids[i + 1]] += s[k].count;
    uint64_t best_count = 0;
    uint32_t best[2] = {0, 0};
    for (uint32_t x = 0; x < limit; x++)
      for (uint32_t y = 0; y < limit; y++) {
        uint64_t c = counts[(size_t)x * limit + y];
        const uint32_t pair[2] = {x, y};
        if (c && (c > best_count || (c == best_count && better(v, tie, pair, best)))) best_count = c, best[0] = x, best[1] = y;
      }
    free(counts);
    if (best_count < 1 || best_count < least) break;
    struct buffer bytes = {0};
    struct err e;
    buffer_append_slice(&bytes, vocab_bytes(v, best[0]));
    buffer_append_slice(&bytes, vocab_bytes(v, best[1]));
    if (vocab_add(v, limit, buffer_slice(&bytes), &e)) abort();
    buffer_release(&bytes);
    v->entries[limit].left = best[0];
    v->entries[limit].right = best[1];
    v->entries[limit].rank = limit - 256;
    for (size_t k = 0; k < n; k++) replace(&s[k], best[0], best[1], limit);
  }
  for (size_t k = 0; k < n; k++) free(s[k].ids);
  free(s);
  return made;
}

static bool same(const struct vocab *a, const struct vocab *b) {
  if (a->size != b->size) return false;
  for (uint32_t id = 0; id < a->size; id++)
    if (!slice_equal(vocab_bytes(a, id), vocab_bytes(b, id)) || a->entries[id].left != b->entries[id].left || a->entries[id].right != b->entries[id].right || a->entries[id].rank != b->entries[id].rank) return false;
  return true;
}

static uint64_t state = 1;

static uint32_t draw(uint32_t below) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((state >> 33) % below);
}

/* Few letters, so that runs and overlaps are common; equal pieces may come twice; one in three lengths makes chains of records. */
static size_t random_pieces(struct piece *pieces, size_t most, struct buffer *arena) {
  size_t n = 1 + draw((uint32_t)most), letters = 1 + draw(5), longest = draw(3) ? 12 : 400;
  uint64_t scale = draw(4) ? 3 : (uint64_t)1 << 40; /* weights beyond 32 bits now and then */
  buffer_clear(arena);
  buffer_reserve(arena, n * longest + 1);
  for (size_t k = 0; k < n; k++) {
    size_t length = 1 + draw((uint32_t)longest);
    pieces[k] = (struct piece){{arena->data + arena->len, length}, 1 + draw(20) * (draw(2) ? 1 : scale)};
    for (size_t i = 0; i < length; i++) buffer_put(arena, (char)(draw(20) ? 'a' + (int)draw((uint32_t)letters) : (int)draw(256)));
  }
  return n;
}

/* A list of pieces in any order and with repetitions is the same corpus; a file in place of memory makes no difference. */
static void test_random(void) {
  enum { ROUNDS = 60, PIECES = 12 };
  struct piece pieces[PIECES];
  struct buffer arena = {0};
  static const char *const names[] = {"hf", "raw", "lexical"};
  for (enum tie tie = TIE_HF; tie <= TIE_LEXICAL; tie++) {
    int wrong = 0, wrong_small = 0, wrong_continued = 0, wrong_least = 0;
    for (int round = 0; round < ROUNDS; round++) {
      size_t n = random_pieces(pieces, PIECES, &arena);
      uint32_t wanted = 1 + draw(40), half = draw(wanted), made, least = 1 + draw(60);
      struct vocab want, got;
      vocab_init(&want);
      train(&want, words_of(NULL, 0), 0, tie, 0, 64 << 20); /* the bytes */
      made = slow_train(&want, pieces, n, wanted, tie, 0);
      vocab_init(&got);
      wrong += train(&got, words_of(pieces, n), wanted, tie, 0, 64 << 20) != made || !same(&got, &want);
      vocab_release(&got);
      wrong_small += train(&got, words_of(pieces, n), wanted, tie, 0, 1 << 10) != made || !same(&got, &want);
      vocab_release(&got);
      train(&got, words_of(pieces, n), half, tie, 0, 64 << 20);
      train(&got, words_of(pieces, n), wanted - (got.size - 256), tie, 0, draw(2) ? 64 << 20 : 1 << 10);
      wrong_continued += !same(&got, &want);
      vocab_release(&got);
      vocab_release(&want);
      train(&want, words_of(NULL, 0), 0, tie, 0, 64 << 20);
      made = slow_train(&want, pieces, n, wanted, tie, least);
      wrong_least += train(&got, words_of(pieces, n), wanted, tie, least, 64 << 20) != made || !same(&got, &want);
      vocab_release(&got);
      vocab_release(&want);
    }
    ok(wrong == 0, "--tie %s: %d random corpora have the merges of the definition", names[tie], ROUNDS);
    ok(wrong_small == 0, "--tie %s: also in 1 KiB, with the pieces in a file", names[tie]);
    ok(wrong_continued == 0, "--tie %s: also in two steps, the second continuing the first", names[tie]);
    ok(wrong_least == 0, "--tie %s: a least frequency stops at the same pair", names[tie]);
  }
  buffer_release(&arena);
}

/* English in a file, with room for few lists: epochs end early, lists are missing. */
static void test_bounded(void) {
  struct buffer corpus = read_file("tests/data/token/corpus.txt");
  for (enum tie tie = TIE_HF; tie <= TIE_LEXICAL; tie++) {
    struct vocab a, b;
    vocab_init(&a);
    vocab_init(&b);
    uint32_t x = train(&a, count(buffer_slice(&corpus), 1), 5000, tie, 0, 64 << 20), y = train(&b, count(buffer_slice(&corpus), 3), 5000, tie, 0, 1 << 12);
    ok(x == y && same(&a, &b), "%u merges are the same in 64 MiB and in 4 KiB", (unsigned)x);
    vocab_release(&a);
    vocab_release(&b);
  }
  buffer_release(&corpus);
}

/* One piece of n letters: as many merges as it has factors of two. */
static void test_long_piece(void) {
  struct vocab v;
  struct buffer text = {0};
  for (int i = 0; i < 1 << 20; i++) buffer_put(&text, 'a');
  struct piece one = {buffer_slice(&text), 1};
  for (size_t memory = 1 << 16; memory <= 64 << 20; memory <<= 10) {
    vocab_init(&v);
    ok_int(train(&v, words_of(&one, 1), 100, TIE_HF, 0, memory), 20, "a piece of 1 MiB of one letter: 20 merges");
    ok_int(vocab_bytes(&v, 256 + 19).len, 1 << 20, "the last one is all of it");
    vocab_release(&v);
  }
  /* the pairs of neighbours across the ends of records count like all others: the same as in pieces of three letters */
  struct vocab want;
  struct buffer cut = {0};
  for (int i = 0; i < 3000; i++) buffer_append(&cut, i % 7 ? "abcab" : "bca", i % 7 ? 5 : 3);
  struct piece whole = {buffer_slice(&cut), 3};
  vocab_init(&v);
  vocab_init(&want);
  train(&want, words_of(NULL, 0), 0, TIE_LEXICAL, 0, 64 << 20);
  ok(slow_train(&want, &whole, 1, 60, TIE_LEXICAL, 0) == train(&v, words_of(&whole, 1), 60, TIE_LEXICAL, 0, 64 << 20) && same(&v, &want), "a piece of 14,000 letters has the merges of the definition");
  vocab_release(&v);
  vocab_release(&want);
  buffer_release(&cut);
  buffer_release(&text);
}

static void test_large_counts(void) {
  struct piece pieces[] = {{SLICE("ab"), (uint64_t)1 << 62}, {SLICE("cd"), ((uint64_t)1 << 62) + 1}, {SLICE("ef"), UINT32_MAX}, {SLICE("gh"), (uint64_t)UINT32_MAX + 1}, {SLICE("ij"), 0x7FFFFFFF}, {SLICE("kl"), 0x80000000u}};
  struct vocab v;
  vocab_init(&v);
  ok_int(train(&v, words_of(pieces, 6), 10, TIE_HF, 0, 64 << 20), 6, "counts beyond 2^32 and 2^62");
  struct buffer order = {0};
  for (uint32_t id = 256; id < v.size; id++) buffer_append_slice(&order, vocab_bytes(&v, id));
  ok(slice_equal(buffer_slice(&order), SLICE("cdabghefklij")), "in their order: %.*s", (int)order.len, order.data);
  buffer_release(&order);
  vocab_release(&v);
}

/* More ids than 16 bits hold. */
static void test_wide(void) {
  struct vocab v;
  struct buffer corpus = read_file("tests/data/token/corpus.txt");
  struct vocab narrow;
  vocab_init(&v);
  vocab_init(&narrow);
  uint32_t a = train(&v, count(buffer_slice(&corpus), 1), 70000, TIE_RAW, 0, 64 << 20), b = train(&narrow, count(buffer_slice(&corpus), 1), 20000, TIE_RAW, 0, 64 << 20);
  ok(a == b && a < 20000 && same(&v, &narrow), "symbols of 32 bits: the same %u merges", (unsigned)a);
  vocab_release(&v);
  vocab_release(&narrow);
  buffer_release(&corpus);
}

/* A token that the merges of a foreign vocabulary do not make: a pair of its bytes is left alone. */
static void test_known_token(void) {
  struct vocab v;
  struct err e;
  vocab_init(&v);
  train(&v, words_of(NULL, 0), 0, TIE_RAW, 0, 64 << 20);
  if (vocab_add(&v, 300, SLICE("ab"), &e)) abort();
  struct piece pieces[] = {{SLICE("xab"), 5}, {SLICE("cd"), 3}};
  ok_int(train(&v, words_of(pieces, 2), 5, TIE_RAW, 0, 64 << 20), 3, "xa, xab and cd, but not ab, which is there");
  bool twice = false;
  for (uint32_t id = 301; id < v.size; id++) twice = twice || slice_equal(vocab_bytes(&v, id), SLICE("ab"));
  ok(!twice, "no token is made a second time");
  vocab_release(&v);
}

static void test_edges(void) {
  struct vocab v;
  vocab_init(&v);
  ok_int(train(&v, count(SLICE("aaaa ab"), 1), 100, TIE_RAW, 0, 64 << 20), 4, "it stops when no pair is left");
  ok(v.size == 260 && slice_equal(vocab_bytes(&v, 256), SLICE("aa")) && slice_equal(vocab_bytes(&v, 257), SLICE(" a")), "overlapping windows count: aaaa has three");
  vocab_release(&v);
  vocab_init(&v);
  ok(train(&v, count(SLICE(""), 1), 10, TIE_HF, 0, 64 << 20) == 0 && v.size == 256 && v.bytes.data[v.entries[0].offset] == '!', "no text, no merge; GPT-2's order of bytes");
  vocab_release(&v);
  struct err e;
  uint32_t made;
  struct merges_options o = {.wanted = 5, .memory = 1, .tmpdir = "/nowhere/at/all"};
  vocab_init(&v);
  ok(merges_train(&v, count(SLICE("aaaa ab"), 1), &o, &made, &e) == -1 && strstr(e.message, "/nowhere/at/all"), "a folder that is not there is an error");
  vocab_release(&v);
}

int main(void) {
  test_fixture("hf", TIE_HF);
  test_fixture("raw", TIE_RAW);
  test_fixture("lexical", TIE_LEXICAL);
  test_course();
  test_edges();
  test_random();
  test_bounded();
  test_long_piece();
  test_large_counts();
  test_wide();
  test_known_token();
  return tap_done();
}
