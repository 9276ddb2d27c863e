/* SPDX-License-Identifier: MIT
 *
 * A piece of text is normalised into `words`: lowered words, each followed by one space, and `ends`, the places of those
 * spaces; then every n consecutive ends give one hash of contiguous bytes.  What the next piece needs (n - 1 words and
 * an unfinished one) moves to the front.
 *
 * The AVX-512 variant classifies 64 bytes at once, compresses words and single separators (VBMI2), and finds the ends
 * with pext: its cost is that of hashing.
 */
#include "common/text/shingles.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/memory.h"

enum { PIECE = 16384, BLOCK = 1024, SLACK = 64 };

struct shingler {
  size_t ngram;
  bool vector;
  char *words;
  size_t length, capacity; /* capacity + SLACK bytes are allocated */
  size_t *ends;
  size_t end_count, end_capacity;
  bool in_word;            /* the last byte of the text so far belongs to a word */
  unsigned char lower[256]; /* 0: separates words */
};

struct shingler *shingler_new(int ngram, enum shingler_variant variant) {
  struct shingler *s = NEW(struct shingler);
  s->ngram = (size_t)ngram;
#if defined(__x86_64__)
  s->vector = variant != SHINGLER_SCALAR && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("bmi2");
#else
  (void)variant;
#endif
  for (int c = 0; c < 256; c++) {
    bool upper = c >= 'A' && c <= 'Z';
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || upper || c >= 0x80) s->lower[c] = (unsigned char)(upper ? c + 32 : c);
  }
  return s;
}

void shingler_free(struct shingler *s) {
  if (!s) return;
  free(s->words);
  free(s->ends);
  free(s);
}

static void normalize_scalar(struct shingler *s, const unsigned char *text, size_t n) {
  char *out = s->words + s->length;
  size_t *end = s->ends + s->end_count;
  bool in_word = s->in_word;
  for (size_t i = 0; i < n; i++) {
    unsigned char c = s->lower[text[i]];
    if (c) {
      *out++ = (char)c;
    } else if (in_word) {
      *end++ = (size_t)(out - s->words);
      *out++ = ' ';
    }
    in_word = c != 0;
  }
  s->in_word = in_word;
  s->length = (size_t)(out - s->words);
  s->end_count = (size_t)(end - s->ends);
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f,avx512bw,avx512vbmi2,bmi,bmi2,popcnt"))) static void normalize_avx512(struct shingler *s, const unsigned char *text, size_t n) {
  const __m512i zero = _mm512_set1_epi8('0'), letter = _mm512_set1_epi8('a'), upper = _mm512_set1_epi8('A');
  const __m512i case_bit = _mm512_set1_epi8(0x20), ten = _mm512_set1_epi8(10), alphabet = _mm512_set1_epi8(26), space = _mm512_set1_epi8(' ');
  char *words = s->words;
  size_t length = s->length, *end = s->ends + s->end_count;
  uint64_t before = s->in_word; /* bit 0: the byte before this block is in a word */
  for (size_t i = 0; i < n; i += 64) {
    uint64_t valid = n - i >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << (n - i)) - 1;
    __m512i c = _mm512_maskz_loadu_epi8(valid, text + i);
    uint64_t is_upper = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(c, upper), alphabet);
    __m512i lowered = _mm512_mask_add_epi8(c, is_upper, c, case_bit);
    uint64_t word = _mm512_cmplt_epu8_mask(_mm512_sub_epi8(lowered, letter), alphabet) | _mm512_cmplt_epu8_mask(_mm512_sub_epi8(c, zero), ten) | _mm512_movepi8_mask(c);
    uint64_t after = ~word & (word << 1 | before) & valid; /* the first separator after a word */
    uint64_t keep = word | after;
    _mm512_storeu_si512(words + length, _mm512_maskz_compress_epi8(keep, _mm512_mask_mov_epi8(lowered, after, space)));
    for (uint64_t e = _pext_u64(after, keep); e; e &= e - 1) *end++ = length + (size_t)__builtin_ctzll(e);
    length += (size_t)__builtin_popcountll(keep);
    before = n - i >= 64 ? word >> 63 : word >> (n - i - 1) & 1;
  }
  s->in_word = before;
  s->length = length;
  s->end_count = (size_t)(end - s->ends);
}
#else
static void normalize_avx512(struct shingler *s, const unsigned char *text, size_t n) { normalize_scalar(s, text, n); }
#endif

/* Hashes every n-gram that ends in `ends` and drops what no later one needs. */
static void hash_shingles(struct shingler *s, void (*take)(void *, const uint64_t *, size_t), void *context) {
  uint64_t block[BLOCK];
  size_t count = 0, n = s->ngram;
  if (s->end_count <= n) return; /* ends[0] stands before the first word */
  for (size_t k = n; k < s->end_count; k++) {
    size_t from = s->ends[k - n] + 1;
    block[count++] = XXH3_64bits(s->words + from, s->ends[k] - from);
    if (count < BLOCK) continue;
    take(context, block, count);
    count = 0;
  }
  if (count) take(context, block, count);
  size_t shift = s->ends[s->end_count - n];
  memmove(s->words, s->words + shift, s->length - shift);
  s->length -= shift;
  for (size_t k = 0; k < n; k++) s->ends[k] = s->ends[s->end_count - n + k] - shift;
  s->end_count = n;
}

void shingler_run(struct shingler *s, struct slice text, void (*take)(void *context, const uint64_t *hashes, size_t count), void *context) {
  /* a space in front makes the first word begin after an end, as all others do */
  s->length = 0;
  s->end_count = 0;
  s->in_word = false;
  bool hashed = false;
  for (size_t at = 0; at < text.len || !s->end_count;) {
    size_t n = text.len - at < PIECE ? text.len - at : PIECE;
    if (s->capacity < s->length + n + 2) {
      s->capacity = 2 * (s->length + PIECE);
      s->words = RESIZE(s->words, s->capacity + SLACK);
    }
    GROW(s->ends, s->end_capacity, s->end_count + n / 2 + SLACK);
    if (!s->end_count) {
      s->ends[s->end_count++] = 0;
      s->words[s->length++] = ' ';
    }
    if (s->vector) normalize_avx512(s, (const unsigned char *)text.data + at, n);
    else normalize_scalar(s, (const unsigned char *)text.data + at, n);
    at += n;
    if (at == text.len && s->in_word) {
      s->ends[s->end_count++] = s->length;
      s->words[s->length++] = ' ';
      s->in_word = false;
    }
    hashed |= s->end_count > s->ngram;
    hash_shingles(s, take, context);
    if (text.len == 0) break;
  }
  if (!hashed) {
    uint64_t all = XXH3_64bits(s->words + 1, s->length > 1 ? s->length - 2 : 0); /* without the spaces around */
    take(context, &all, 1);
  }
}
