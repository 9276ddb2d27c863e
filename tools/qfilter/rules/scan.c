/* SPDX-License-Identifier: MIT
 *
 * 64 bytes at a time: a class of eight bits for each ASCII byte (AVX-512: a look-up in two registers; AVX2: comparisons;
 * otherwise a table), each bit of it gathered into a word; then the characters beyond ASCII one by one.
 *
 * Words that hold some bit, for words that are runs of non-space R with marks M inside them: R + M carries out of a run
 * exactly when it has a mark, into the space behind it, so they are counted by popcount((R + M) & ~R).
 */
#include "tools/qfilter/rules/scan.h"

#include <pthread.h>
#include <stdlib.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/text/unicode.h"
#include "tools/qfilter/rules/punctuation.h"

enum { SPACE = 1, LETTER = 2, PLAIN = 4, NEWLINE = 8, BREAK = 16, MARK = 32, HASH = 64, DOT = 128 }; /* of ASCII bytes */
enum { ELLIPSIS = 32, KELVIN = 64 };                                                                  /* of others, beside the first five */

struct masks {
  uint64_t space, letter, plain, newline, other_break, mark, hash, dot, high, continuation;
};

static uint8_t classes[0x10000]; /* of the Basic Multilingual Plane */
static pthread_once_t classes_once = PTHREAD_ONCE_INIT;

static uint8_t class_of(uint8_t flags, uint32_t c) {
  return (uint8_t)((flags & UNICODE_SPACE ? SPACE : char_set_has(symbol_set(), c) ? 0 : PLAIN) | (flags & UNICODE_LETTER ? LETTER : 0) |
                   (flags & UNICODE_LINE_BREAK ? BREAK : 0));
}

static void fill_classes(void) {
  const uint8_t *flags = unicode_table();
  for (uint32_t c = 0; c < 0x10000; c++) classes[c] = class_of(flags[c], c);
  classes['\n'] = SPACE | NEWLINE;
  classes['['] |= MARK;
  classes['{'] |= MARK;
  classes['#'] |= HASH;
  classes['.'] |= DOT;
  classes[0x2026] |= ELLIPSIS;
  classes[0x212A] |= KELVIN;
}

/* ---- a block, at each level */

static inline void block_scalar(const uint8_t *p, struct masks *m) {
  *m = (struct masks){0};
  for (int at = 0; at < 64; at += 8) {
    uint64_t bytes, all = 0;
    memcpy(&bytes, p + at, 8);
    uint64_t high = bytes & 0x8080808080808080u, continuation = high & ~(bytes << 1);
    for (int i = 0; i < 8; i++) all |= (uint64_t)(p[at + i] < 0x80 ? classes[p[at + i]] : 0) << (8 * i);
#define GATHER(x) (((x) & 0x0101010101010101u) * 0x0102040810204080u >> 56) /* bit 0 of each byte */
    m->space |= GATHER(all) << at;
    m->letter |= GATHER(all >> 1) << at;
    m->plain |= GATHER(all >> 2) << at;
    m->newline |= GATHER(all >> 3) << at;
    m->other_break |= GATHER(all >> 4) << at;
    m->mark |= GATHER(all >> 5) << at;
    m->hash |= GATHER(all >> 6) << at;
    m->dot |= GATHER(all >> 7) << at;
    m->high |= GATHER(high >> 7) << at;
    m->continuation |= GATHER(continuation >> 7) << at;
#undef GATHER
  }
}

#ifdef __x86_64__
static inline SIMD_TARGET_AVX2 __m256i within(__m256i v, char first, char last) {
  __m256i from = _mm256_sub_epi8(v, _mm256_set1_epi8(first));
  return _mm256_cmpeq_epi8(_mm256_min_epu8(from, _mm256_set1_epi8((char)(last - first))), from);
}

static inline SIMD_TARGET_AVX2 __m256i equal(__m256i v, char c) { return _mm256_cmpeq_epi8(v, _mm256_set1_epi8(c)); }
static inline SIMD_TARGET_AVX2 uint64_t bits(__m256i v) { return (uint32_t)_mm256_movemask_epi8(v); }

static inline SIMD_TARGET_AVX2 void block_avx2(const uint8_t *p, struct masks *m) {
  *m = (struct masks){0};
  for (int at = 0; at < 64; at += 32) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(p + at)), lower = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
    __m256i separators = within(v, 0x1C, 0x1F), newline = equal(v, '\n'), letter = within(lower, 'a', 'z');
    __m256i breaks = _mm256_or_si256(within(v, 0x0B, 0x0D), within(v, 0x1C, 0x1E));
    m->space |= bits(_mm256_or_si256(_mm256_or_si256(equal(v, ' '), separators), within(v, 9, 13))) << at;
    m->letter |= bits(letter) << at;
    m->plain |= bits(_mm256_or_si256(letter, within(v, '0', '9'))) << at;
    m->newline |= bits(newline) << at;
    m->other_break |= bits(breaks) << at;
    m->mark |= bits(equal(lower, '{')) << at;
    m->hash |= bits(equal(v, '#')) << at;
    m->dot |= bits(equal(v, '.')) << at;
    m->high |= bits(v) << at;
    m->continuation |= bits(_mm256_cmpgt_epi8(_mm256_set1_epi8(-64), v)) << at;
  }
}

struct look_up {
  __m512i low, high;
};

static inline SIMD_TARGET_AVX512 void block_avx512(const uint8_t *p, const struct look_up *t, struct masks *m) {
  __m512i v = _mm512_loadu_si512(p);
  __m512i class = _mm512_permutex2var_epi8(t->low, v, t->high);
  m->high = _mm512_movepi8_mask(v);
  class = _mm512_maskz_mov_epi8(~m->high, class);
  m->space = _mm512_test_epi8_mask(class, _mm512_set1_epi8(SPACE));
  m->letter = _mm512_test_epi8_mask(class, _mm512_set1_epi8(LETTER));
  m->plain = _mm512_test_epi8_mask(class, _mm512_set1_epi8(PLAIN));
  m->newline = _mm512_test_epi8_mask(class, _mm512_set1_epi8(NEWLINE));
  m->other_break = _mm512_test_epi8_mask(class, _mm512_set1_epi8(BREAK));
  m->mark = _mm512_test_epi8_mask(class, _mm512_set1_epi8(MARK));
  m->hash = _mm512_test_epi8_mask(class, _mm512_set1_epi8(HASH));
  m->dot = _mm512_movepi8_mask(class);
  m->continuation = m->high & _mm512_cmplt_epu8_mask(v, _mm512_set1_epi8((char)0xC0));
}
#endif

/* ---- the text */

static inline int popcount(uint64_t x) { return __builtin_popcountll(x); }

struct carried { /* from block to block */
  uint64_t space; /* bits of the next block: white space that began in the last one */
  uint64_t dots;  /* the last two dot bits of the block before, at the top */
  size_t run;     /* full blocks of non-space in a row */
};

static void take_others(struct scan *s, size_t block, struct masks *m, struct carried *c) {
  for (uint64_t leads = m->high & ~m->continuation; leads; leads &= leads - 1) {
    int at = __builtin_ctzll(leads), length;
    uint32_t code_point = unicode_decode(s->text.data + block * 64 + (size_t)at, &length);
    uint8_t class = code_point < 0x10000 ? classes[code_point] : class_of(unicode_flags_supplementary(code_point), code_point);
    uint64_t bit = 1ull << at;
    if (class & LETTER) m->letter |= bit;
    if (class & PLAIN) m->plain |= bit;
    if (class & SPACE) {
      uint64_t ones = (1ull << length) - 1;
      m->space |= ones << at;
      if (at + length > 64) c->space = ones >> (64 - at);
    }
    if (class & BREAK) s->other_breaks = true;
    if (class & ELLIPSIS) s->ellipsis_characters++;
    if (class & KELVIN) s->kelvin = true;
  }
}

static inline __attribute__((always_inline)) void take_block(struct scan *s, size_t block, struct masks *m, struct carried *c) {
  m->space |= c->space;
  c->space = 0;
  if (m->high) {
    if (s->ascii) memset(s->continuation, 0, block * sizeof *s->continuation);
    s->ascii = false;
    take_others(s, block, m, c);
    s->characters -= (size_t)popcount(m->continuation);
  }
  if (!s->ascii) s->continuation[block] = m->continuation;
  s->space[block] = m->space;
  s->letter[block] = m->letter;
  s->plain[block] = m->plain;
  s->newline[block] = m->newline;
  s->mark[block] = m->mark;
  s->newlines += (size_t)popcount(m->newline);
  s->hashes += (size_t)popcount(m->hash);
  s->other_breaks |= m->other_break != 0;
  s->dots |= (m->dot & (m->dot << 1 | c->dots >> 63) & (m->dot << 2 | c->dots >> 62)) != 0;
  c->dots = m->dot;
  c->run = m->space ? 0 : c->run + 1;
  if (c->run > s->longest_run) s->longest_run = c->run;
}

/* The last block is copied, with spaces behind the text. */
#define SCAN(block_of)                                              \
  size_t whole = s->text.len / 64;                                  \
  struct carried c = {0};                                           \
  struct masks m;                                                   \
  for (size_t block = 0; block < whole; block++) {                  \
    block_of((const uint8_t *)s->text.data + block * 64);           \
    take_block(s, block, &m, &c);                                   \
  }                                                                 \
  uint8_t last[64];                                                 \
  memset(last, ' ', sizeof last);                                   \
  if (s->text.len % 64) memcpy(last, s->text.data + whole * 64, s->text.len % 64); \
  block_of(last);                                                   \
  take_block(s, whole, &m, &c)

static void scan_scalar(struct scan *s) {
#define BLOCK(p) block_scalar((p), &m)
  SCAN(BLOCK);
#undef BLOCK
}

#ifdef __x86_64__
static SIMD_TARGET_AVX2 void scan_avx2(struct scan *s) {
#define BLOCK(p) block_avx2((p), &m)
  SCAN(BLOCK);
#undef BLOCK
}

static SIMD_TARGET_AVX512 void scan_avx512(struct scan *s) {
  const struct look_up table = {_mm512_loadu_si512(classes), _mm512_loadu_si512(classes + 64)};
#define BLOCK(p) block_avx512((p), &table, &m)
  SCAN(BLOCK);
#undef BLOCK
}
#endif

void scan_text(struct scan *s, struct slice text) {
  pthread_once(&classes_once, fill_classes);
  size_t blocks = text.len / 64 + 1, maps = 6;
  if (blocks + 1 > s->capacity || s->capacity > 1 << 20) {
    free(s->memory);
    s->capacity = blocks + 1 + (blocks < 1 << 14 ? blocks : 0);
    s->memory = MALLOC(s->capacity * maps * sizeof *s->memory);
  }
  uint64_t *memory = s->memory;
  size_t capacity = s->capacity;
  *s = (struct scan){.text = text, .blocks = blocks, .characters = text.len, .ascii = true, .memory = memory, .capacity = capacity};
  uint64_t **const map[] = {&s->space, &s->letter, &s->plain, &s->newline, &s->mark, &s->continuation};
  for (size_t i = 0; i < maps; i++) {
    *map[i] = memory + i * capacity;
    (*map[i])[blocks] = i == 0 ? ~0ull : 0;
  }
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX512) scan_avx512(s);
  else if (simd_level() >= SIMD_AVX2) scan_avx2(s);
  else
#endif
    scan_scalar(s);
  s->longest_run = (s->longest_run + 2) * 64;
}

void scan_release(struct scan *s) {
  free(s->memory);
  *s = (struct scan){0};
}

/* ---- words */

static inline __attribute__((always_inline)) bool any(const uint64_t *map, size_t start, size_t end) {
  size_t block = start / 64, last = end / 64;
  uint64_t from = ~0ull << (start % 64), to = (1ull << (end % 64)) - 1;
  if (block == last) return (map[block] & from & to) != 0;
  if (map[block] & from) return true;
  while (++block < last)
    if (map[block]) return true;
  return (map[last] & to) != 0;
}

static inline __attribute__((always_inline)) size_t count(const uint64_t *map, size_t start, size_t end) {
  size_t block = start / 64, last = end / 64;
  uint64_t from = ~0ull << (start % 64), to = (1ull << (end % 64)) - 1;
  if (block == last) return (size_t)popcount(map[block] & from & to);
  size_t bits = (size_t)popcount(map[block] & from);
  while (++block < last) bits += (size_t)popcount(map[block]);
  return bits + (size_t)popcount(map[last] & to);
}

static inline __attribute__((always_inline)) size_t words_in(const struct scan *s, size_t start, size_t end) {
  if (start >= end) return 0;
  size_t words = 1, last = end / 64;
  uint64_t mask = ~0ull << (start % 64) << 1, before = 0; /* behind the start */
  for (size_t b = start / 64; b <= last; b++, mask = ~0ull) {
    uint64_t space = s->space[b], starts = ~space & (space << 1 | before) & mask;
    if (b == last) starts &= (1ull << (end % 64)) - 1;
    words += (size_t)popcount(starts);
    before = space >> 63;
  }
  return words;
}

bool scan_any(const uint64_t *map, size_t start, size_t end) { return any(map, start, end); }

static inline __attribute__((always_inline)) void count_list(const struct scan *s, const struct word_list *list, struct scan_words *to) {
  *to = (struct scan_words){.words = list->count};
  bool ascii = s->ascii;
  for (size_t w = 0; w < list->count; w++) {
    size_t start = list->words[w].start, n = list->words[w].length, block = start / 64, characters = n;
    bool letter, plain;
    if (n && start % 64 + n <= 64) { /* in one word of the maps */
      uint64_t here = ~0ull >> (64 - n) << (start % 64);
      if (!ascii) characters -= (size_t)popcount(s->continuation[block] & here);
      letter = (s->letter[block] & here) != 0;
      plain = (s->plain[block] & here) != 0;
    } else {
      if (!ascii) characters -= count(s->continuation, start, start + n);
      letter = any(s->letter, start, start + n);
      plain = any(s->plain, start, start + n);
    }
    to->alphabetic += letter;
    to->plain += plain;
    to->plain_characters += plain ? characters : 0;
    if (characters > to->longest) to->longest = characters;
  }
}

static inline __attribute__((always_inline)) void count_runs(const struct scan *s, struct scan_words *to) {
  *to = (struct scan_words){0};
  unsigned char letter_carry = 0, plain_carry = 0;
  uint64_t before = 0;
  size_t begun = 0; /* where the run began that the block before left open */
  for (size_t b = 0; b < s->blocks + 1; b++) {
    uint64_t run = ~s->space[b], letters, plains, starts = run & ~(run << 1 | before), ends = ~run & (run << 1 | before);
    unsigned char out = __builtin_add_overflow(run, s->letter[b], &letters);
    out |= __builtin_add_overflow(letters, letter_carry, &letters);
    letter_carry = out;
    out = __builtin_add_overflow(run, s->plain[b], &plains);
    out |= __builtin_add_overflow(plains, plain_carry, &plains);
    plain_carry = out;
    uint64_t plain = plains & ~run, symbols = ends & ~plain;
    to->words += (size_t)popcount(ends);
    to->alphabetic += (size_t)popcount(letters & ~run);
    to->plain += (size_t)popcount(plain);
    to->plain_characters += (size_t)popcount(s->ascii ? run : run & ~s->continuation[b]);
    for (; symbols; symbols &= symbols - 1) { /* a run of marks alone: take its characters back */
      uint64_t end_bit = symbols & -symbols, earlier = starts & (end_bit - 1);
      size_t end = b * 64 + (size_t)__builtin_ctzll(symbols), start = earlier ? b * 64 + 63 - (size_t)__builtin_clzll(earlier) : begun;
      to->plain_characters -= end - start - (s->ascii ? 0 : count(s->continuation, start, end));
    }
    if (starts) begun = b * 64 + 63 - (size_t)__builtin_clzll(starts);
    before = run >> 63;
  }
}

#define COUNT_WORDS            \
  if (list) count_list(s, list, to); \
  else count_runs(s, to)
static void count_words_scalar(const struct scan *s, const struct word_list *list, struct scan_words *to) { COUNT_WORDS; }
static size_t count_scalar(const uint64_t *map, size_t start, size_t end) { return count(map, start, end); }
#ifdef __x86_64__
static SIMD_TARGET_AVX2 void count_words_avx2(const struct scan *s, const struct word_list *list, struct scan_words *to) { COUNT_WORDS; }
static SIMD_TARGET_AVX2 size_t count_avx2(const uint64_t *map, size_t start, size_t end) { return count(map, start, end); }
static SIMD_TARGET_AVX2 size_t words_in_avx2(const struct scan *s, size_t start, size_t end) { return words_in(s, start, end); }
#endif

size_t scan_words_in(const struct scan *s, size_t start, size_t end) {
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX2) return words_in_avx2(s, start, end);
#endif
  return words_in(s, start, end);
}

size_t scan_count(const uint64_t *map, size_t start, size_t end) {
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX2) return count_avx2(map, start, end);
#endif
  return count_scalar(map, start, end);
}

void scan_count_words(const struct scan *s, const struct word_list *list, struct scan_words *to) {
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX2) {
    count_words_avx2(s, list, to);
    return;
  }
#endif
  count_words_scalar(s, list, to);
}
