/* SPDX-License-Identifier: MIT
 *
 * A text is taken in chunks that end at white space, which nothing here looks beyond: neither a number, nor a final sigma,
 * nor a token.  So memory is bounded by n words and the longest run without white space.
 *
 * Mersenne twister: M. Matsumoto, T. Nishimura, "Mersenne Twister", ACM TOMACS 8 (1998); seeded and cut to a range (a mask,
 * draws above it rejected) as NumPy's legacy generator does.
 */
#include "tools/minhash-dedup/lsh/datatrove.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "common/text/unicode.h"
#include "common/text/words.h"

enum { CHUNK = 1 << 16, CHUNK_MOST = 1 << 30, BLOCK = 512 };

struct datatrove_shingler {
  size_t ngram;
  struct buffer simple;  /* a chunk, simplified */
  struct word_list list; /* of its words */
  struct buffer joined;  /* words, a space before each: those that later shingles need in front */
  size_t *starts;        /* of words in `joined`, behind their space; one more at the end */
  size_t count, capacity;
};

struct datatrove_shingler *datatrove_shingler_new(int ngram) {
  struct datatrove_shingler *s = NEW(struct datatrove_shingler);
  s->ngram = (size_t)ngram;
  return s;
}

void datatrove_shingler_free(struct datatrove_shingler *s) {
  if (!s) return;
  buffer_release(&s->simple);
  buffer_release(&s->joined);
  word_list_release(&s->list);
  free(s->starts);
  free(s);
}

/* ---- simplify_text() */

struct range {
  uint32_t first, last;
};

/* PUNCTUATION of datatrove/utils/text.py beyond ASCII; of ASCII it has all there is, and the control characters. */
static const struct range punctuation[] = {
    {0x80, 0x9F}, {0xAB, 0xAB}, {0xB4, 0xB4}, {0xBB, 0xBB}, {0x2013, 0x2014}, {0x2019, 0x2019},
    {0x201C, 0x201E}, {0x2026, 0x2026}, {0x2236, 0x2236}, {0x2501, 0x2501}, {0x25BA, 0x25BA}, {0x3001, 0x3002},
    {0x3008, 0x300D}, {0x3010, 0x3011}, {0xFF01, 0xFF01}, {0xFF05, 0xFF05}, {0xFF08, 0xFF09}, {0xFF0C, 0xFF0C},
    {0xFF0E, 0xFF0E}, {0xFF11, 0xFF11}, {0xFF1A, 0xFF1B}, {0xFF1F, 0xFF1F}, {0xFF5E, 0xFF5E},
};

static int compare_range(const void *key, const void *element) {
  uint32_t c = *(const uint32_t *)key;
  const struct range *r = element;
  return c < r->first ? -1 : c > r->last;
}

static bool is_punctuation(uint32_t c) { return bsearch(&c, punctuation, sizeof punctuation / sizeof *punctuation, sizeof *punctuation, compare_range) != NULL; }
static bool is_digit(uint32_t c) { return c < 0x80 ? c >= '0' && c <= '9' : utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_ND; }

/* What may stand once between the digits of a number. */
static bool is_decimal_separator(uint32_t c) { return c == '.' || c == ',' || c == 0x60C || c == 0x66B || (c >= 0x2396 && c <= 0x2398); }

/* The properties Case_Ignorable and Cased of the Unicode Standard, 3.13. */
static bool is_case_ignorable(uint32_t c) {
  switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: break;
  }
  static const uint16_t middle[] = {0x27, 0x2E, 0x3A, 0xB7, 0x387, 0x55F, 0x5F4, 0x2018, 0x2019, 0x2024, 0x2027, 0xFE13, 0xFE52, 0xFE55, 0xFF07, 0xFF0E, 0xFF1A};
  for (size_t i = 0; i < sizeof middle / sizeof *middle; i++)
    if (c == middle[i]) return true;
  return false;
}

static bool is_cased(uint32_t c) {
  switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT: return true;
    default: return c == 0xAA || c == 0xBA || (c >= 0x2160 && c <= 0x217F) || (c >= 0x24B6 && c <= 0x24E9);
  }
}

/* Whether the capital sigma at `at` ends a word: str.lower() writes another small one then. */
static bool is_final_sigma(struct slice text, size_t at) {
  int length;
  uint32_t c = ' ';
  for (size_t i = at; i > 0;) {
    for (i--; ((unsigned char)text.data[i] & 0xC0) == 0x80;) i--;
    c = unicode_decode(text.data + i, &length);
    if (!is_case_ignorable(c)) break;
    c = ' ';
  }
  if (!is_cased(c)) return false;
  for (size_t i = at + 2; i < text.len; i += (size_t)length) {
    c = unicode_decode(text.data + i, &length);
    if (!is_case_ignorable(c)) return !is_cased(c);
  }
  return true;
}

static size_t skip_digits(struct slice text, size_t at) {
  for (int length; at < text.len; at += (size_t)length)
    if (!is_digit(unicode_decode(text.data + at, &length))) break;
  return at;
}

static size_t skip_number(struct slice text, size_t at) {
  int length;
  at = skip_digits(text, at);
  if (at == text.len || !is_decimal_separator(unicode_decode(text.data + at, &length))) return at;
  size_t end = skip_digits(text, at + (size_t)length);
  return end > at + (size_t)length ? end : at;
}

/* The canonical order of marks is left alone: those that have one are Mn, which go. */
static void put_decomposed(struct buffer *out, uint32_t c) {
  utf8proc_int32_t parts[32];
  int boundary = UTF8PROC_BOUNDCLASS_START;
  utf8proc_ssize_t n = utf8proc_decompose_char((utf8proc_int32_t)c, parts, 32, UTF8PROC_DECOMPOSE, &boundary);
  for (utf8proc_ssize_t i = 0; i < n && i < 32; i++)
    if (utf8proc_category(parts[i]) != UTF8PROC_CATEGORY_MN) utf8_append(out, (uint32_t)parts[i]);
}

/* ASCII without digits, until something else comes: letters lowered, of all else in a row one space.  `spaced`: a space
 * stands before, or nothing does; white space collapses before marks are removed, so a mark between two spaces leaves both. */
static size_t simplify_ascii(char *to, size_t *length, const unsigned char *text, size_t n, bool *spaced) {
  char *start = to;
  bool after = *spaced;
  size_t i = 0;
  for (; i < n && text[i] < 0x80 && !(text[i] >= '0' && text[i] <= '9'); i++) {
    unsigned char c = text[i] | 0x20;
    bool letter = c >= 'a' && c <= 'z';
    *to = letter ? (char)c : ' ';
    to += letter || !after;
    after = !letter;
  }
  *spaced = after;
  *length = (size_t)(to - start);
  return i;
}

void datatrove_simplify(struct buffer *out, struct slice text) {
  const uint8_t *flags = unicode_table();
  bool spaced = true;
  for (size_t at = 0; at < text.len;) {
    size_t written;
    buffer_reserve(out, text.len - at + 1);
    at += simplify_ascii(out->data + out->len, &written, (const unsigned char *)text.data + at, text.len - at, &spaced);
    out->len += written;
    if (at == text.len) return;
    int length;
    uint32_t c = unicode_decode(text.data + at, &length);
    if (is_digit(c)) {
      buffer_put(out, '0');
      spaced = false;
      at = skip_number(text, at);
      continue;
    }
    uint32_t lowered = c == 0x3A3 ? (is_final_sigma(text, at) ? 0x3C2 : 0x3C3) : (uint32_t)utf8proc_tolower((utf8proc_int32_t)c);
    bool blank = is_punctuation(lowered) || unicode_flags(flags, lowered) & UNICODE_SPACE;
    at += (size_t)length;
    if (!blank) put_decomposed(out, lowered);
    else if (!spaced) buffer_put(out, ' ');
    spaced = blank;
  }
}

/* ---- shingles */

static void add_words(struct datatrove_shingler *s) {
  GROW(s->starts, s->capacity, s->count + s->list.count + 1);
  buffer_reserve(&s->joined, s->simple.len + s->list.count); /* words do not overlap */
  char *to = s->joined.data + s->joined.len;
  for (size_t i = 0; i < s->list.count; i++) {
    struct word w = s->list.words[i];
    *to++ = ' ';
    s->starts[s->count++] = (size_t)(to - s->joined.data);
    memcpy(to, s->simple.data + w.start, w.length);
    to += w.length;
  }
  s->joined.len = (size_t)(to - s->joined.data);
}

static void give_shingles(struct datatrove_shingler *s, void (*take)(void *, const uint64_t *, size_t), void *context) {
  uint64_t block[BLOCK];
  size_t count = 0, n = s->ngram;
  if (s->count < n) return;
  s->starts[s->count] = s->joined.len + 1;
  for (size_t k = 0; k + n <= s->count; k++) {
    block[count++] = XXH64(s->joined.data + s->starts[k], s->starts[k + n] - 1 - s->starts[k], 0);
    if (count < BLOCK) continue;
    take(context, block, count);
    count = 0;
  }
  if (count) take(context, block, count);
  size_t gone = s->count - (n - 1), shift = s->starts[gone] - 1;
  memmove(s->joined.data, s->joined.data + shift, s->joined.len - shift);
  s->joined.len -= shift;
  for (size_t k = 0; k < n - 1; k++) s->starts[k] = s->starts[gone + k] - shift;
  s->count = n - 1;
}

static bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

void datatrove_shingler_run(struct datatrove_shingler *s, struct slice text, void (*take)(void *context, const uint64_t *hashes, size_t count), void *context) {
  s->count = 0;
  buffer_clear(&s->joined);
  for (size_t at = 0; at < text.len;) {
    size_t n = text.len - at < CHUNK ? text.len - at : CHUNK;
    while (at + n < text.len && (n < CHUNK_MOST ? !is_blank(text.data[at + n]) : ((unsigned char)text.data[at + n] & 0xC0) == 0x80)) n++;
    buffer_clear(&s->simple);
    datatrove_simplify(&s->simple, (struct slice){text.data + at, n});
    words_split(&s->list, WORDS_REFERENCE, buffer_slice(&s->simple));
    add_words(s);
    give_shingles(s, take, context);
    at += n;
  }
}

/* ---- a, b */

enum { STATE = 624, AHEAD = 397 };

struct twister {
  uint32_t state[STATE];
  int next;
};

static void twister_init(struct twister *t, uint32_t seed) {
  for (uint32_t i = 0; i < STATE; i++) {
    t->state[i] = seed;
    seed = 1812433253u * (seed ^ seed >> 30) + i + 1;
  }
  t->next = STATE;
}

static uint32_t twister_next(struct twister *t) {
  if (t->next == STATE) {
    for (int i = 0; i < STATE; i++) {
      uint32_t y = (t->state[i] & 0x80000000u) | (t->state[(i + 1) % STATE] & 0x7fffffffu);
      t->state[i] = t->state[(i + AHEAD) % STATE] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    t->next = 0;
  }
  uint32_t y = t->state[t->next++];
  y ^= y >> 11;
  y ^= y << 7 & 0x9d2c5680u;
  y ^= y << 15 & 0xefc60000u;
  return y ^ y >> 18;
}

/* Evenly from [0, last]; last + 1 <= 2^61. */
static uint64_t twister_below(struct twister *t, uint64_t last) {
  for (;;) {
    uint64_t high = twister_next(t), value = (high << 32 | twister_next(t)) & ((1ull << 61) - 1);
    if (value <= last) return value;
  }
}

void datatrove_permutations(uint64_t *a, uint64_t *b, size_t count, uint32_t seed) {
  const uint64_t prime = (1ull << 61) - 1;
  struct twister t;
  twister_init(&t, seed);
  for (size_t i = 0; i < count; i++) a[i] = 1 + twister_below(&t, prime - 2);
  for (size_t i = 0; i < count; i++) b[i] = twister_below(&t, prime - 1);
}
