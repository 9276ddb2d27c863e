/* SPDX-License-Identifier: MIT
 *
 * DeepSeek-V3's three stages (deepseek-ai/DeepSeek-V3, tokenizer.json) in one pass:
 *   \p{N}{1,3}
 *   [U+4E00-U+9FA5 U+3040-U+309F U+30A0-U+30FF]+
 *   [ASCII punctuation][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * Each stage splits every piece of the one before: the third one sees the numbers, the runs of the second one (which hold
 * signs like U+30FB) and what lies between them one by one, each with an end of its own.  What no stage matches (control
 * and format characters, private and unassigned ones, invalid bytes) is a piece of its own with what lies beside it of the
 * kind; one such character, if valid, goes with letters behind it.
 *
 * Wide: windows (scan_window.h).  Places where the range of the second stage begins and ends start pieces.  A sign joins
 * ASCII letters only if it is ASCII, and only these, so that the letters behind them start another piece.  Signs that are not
 * ASCII are looked up one by one.  Left to the scalar code: what no stage matches, and what lies behind a sign of the range.
 *
 * Classes are those of classes.h; \p{P} and \p{S} come from utf8proc, raised to Unicode 16.0 (DerivedGeneralCategory.txt).
 */
#include <pthread.h>
#include <stdbool.h>
#include <utf8proc.h>

#include "common/token/scan.h"
#include "common/token/scan_window.h"

enum kind { KIND_NONE, KIND_LETTER, KIND_MARK, KIND_SYMBOL, KIND_SPACE, KIND_NEWLINE, KIND_NUMBER, KIND_INVALID, RANGE = 8 /* flag: of the second stage */ };
#define HAS(set, kind) ((set) >> (kind) & 1)
enum { WORD = 1 << KIND_LETTER | 1 << KIND_MARK, WHITE = 1 << KIND_SPACE | 1 << KIND_NEWLINE };

#define KINDS_END 0x20000

static uint8_t kinds[KINDS_END];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct { uint32_t first, last; } newer_symbols[] = {
  {0x1B4E, 0x1B4F}, {0x1B7F, 0x1B7F}, {0x2427, 0x2429}, {0x2FFC, 0x2FFF}, {0x31E4, 0x31E5}, {0x31EF, 0x31EF}, {0x10D6E, 0x10D6E},
  {0x10D8E, 0x10D8F}, {0x113D4, 0x113D5}, {0x113D7, 0x113D8}, {0x11BE1, 0x11BE1}, {0x16D6D, 0x16D6F}, {0x1CC00, 0x1CCEF},
  {0x1CD00, 0x1CEB3}, {0x1E5FF, 0x1E5FF}, {0x1F8B2, 0x1F8BB}, {0x1F8C0, 0x1F8C1}, {0x1FA89, 0x1FA89}, {0x1FA8F, 0x1FA8F},
  {0x1FABE, 0x1FABE}, {0x1FAC6, 0x1FAC6}, {0x1FADC, 0x1FADC}, {0x1FADF, 0x1FADF}, {0x1FAE9, 0x1FAE9}, {0x1FBCB, 0x1FBEF},
};

static bool in_range(uint32_t u) { return (u >= 0x4E00 && u <= 0x9FA5) || (u >= 0x3040 && u <= 0x30FF); }

static enum kind kind_of(const struct classes *c, uint32_t u) {
  unsigned bits = classes_bits(c, u);
  switch (bits & CLASS_MASK) {
  case CLASS_LETTER: return KIND_LETTER;
  case CLASS_NUMBER: return KIND_NUMBER;
  case CLASS_SPACE: return u == '\n' || u == '\r' ? KIND_NEWLINE : KIND_SPACE;
  default: break;
  }
  if (bits & CASE_HEAD) return KIND_MARK;
  utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)u);
  if (k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_SO) return KIND_SYMBOL;
  for (size_t i = 0; k == UTF8PROC_CATEGORY_CN && i < sizeof newer_symbols / sizeof newer_symbols[0]; i++)
    if (u >= newer_symbols[i].first && u <= newer_symbols[i].last) return KIND_SYMBOL;
  return KIND_NONE;
}

static void build(void) {
  const struct classes *c = classes_get();
  for (uint32_t u = 0; u < KINDS_END; u++) kinds[u] = (uint8_t)(kind_of(c, u) | (in_range(u) ? RANGE : 0));
}

/* Kind and length of the character at p < end; an invalid byte is a character. */
static inline enum kind kind_at(const uint8_t *p, const uint8_t *end, unsigned *length) {
  uint8_t b = p[0];
  *length = 1;
  if (b < 0x80) return (enum kind)kinds[b];
  if (b < 0xC2 || b > 0xF4 || end - p < 2 || (p[1] & 0xC0) != 0x80) return KIND_INVALID;
  if (b < 0xE0) {
    *length = 2;
    return (enum kind)kinds[(uint32_t)(b & 0x1F) << 6 | (p[1] & 0x3F)];
  }
  if (end - p < 3 || (p[2] & 0xC0) != 0x80) return KIND_INVALID;
  if (b < 0xF0) {
    uint32_t u = (uint32_t)(b & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3F);
    if (u < 0x800 || (u >= 0xD800 && u < 0xE000)) return KIND_INVALID;
    *length = 3;
    return (enum kind)kinds[u];
  }
  if (end - p < 4 || (p[3] & 0xC0) != 0x80) return KIND_INVALID;
  uint32_t u = (uint32_t)(b & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 | (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3F);
  if (u < 0x10000 || u > 0x10FFFF) return KIND_INVALID;
  *length = 4;
  if (u < KINDS_END) return (enum kind)kinds[u];
  unsigned bits = classes_bits(classes_get(), u); /* letters and marks only */
  return (bits & CLASS_MASK) == CLASS_LETTER ? KIND_LETTER : bits & CASE_HEAD ? KIND_MARK : KIND_NONE;
}

/* The same as seen from a place in the range or out of it: the other side, a number, or the end of the text end a piece
 * alike and are all KIND_NUMBER. */
static inline enum kind kind_from(enum kind range, const uint8_t *p, const uint8_t *end, unsigned *length) {
  if (p >= end) return KIND_NUMBER;
  enum kind k = kind_at(p, end, length) ^ range;
  return k & RANGE ? KIND_NUMBER : k;
}

/* End of the run of characters of kinds in `set` that starts at p. */
static inline const uint8_t *run_of(enum kind range, const uint8_t *p, const uint8_t *end, unsigned set) {
  unsigned length = 0;
  for (; HAS(set, kind_from(range, p, end, &length)); p += length) {}
  return p;
}

static inline bool ascii_letter(uint8_t b) { return (uint8_t)((b | 0x20) - 'a') < 26; }

static const uint8_t *next_deepseek(const uint8_t *p, const uint8_t *end) {
  unsigned length, second_length = 0;
  enum kind k = kind_at(p, end, &length), range = k & RANGE;
  k ^= range;
  const uint8_t *second = p + length;
  if (HAS(WORD, k)) return run_of(range, second, end, WORD);
  if (k == KIND_NUMBER) {
    for (int i = 1; i < 3 && second < end && kind_at(second, end, &length) == KIND_NUMBER; i++) second += length;
    return second;
  }
  enum kind k2 = kind_from(range, second, end, &second_length);
  if (k == KIND_SYMBOL && length == 1 && second < end && ascii_letter(*second)) {
    while (second < end && ascii_letter(*second)) second++;
    return second;
  }
  if ((k == KIND_SPACE || k == KIND_NONE) && HAS(WORD, k2)) return run_of(range, second + second_length, end, WORD);
  if (k == KIND_SYMBOL || (*p == ' ' && k2 == KIND_SYMBOL)) {
    const uint8_t *stop = run_of(range, second, end, 1 << KIND_SYMBOL);
    while (!range && stop < end && (*stop == '\n' || *stop == '\r')) stop++;
    return stop;
  }
  if (HAS(WHITE, k)) {
    const uint8_t *last = p, *newline = p, *stop = p;
    enum kind next = k;
    while (HAS(WHITE, next)) {
      last = stop;
      stop += length;
      if (next == KIND_NEWLINE) newline = stop;
      next = kind_from(range, stop, end, &length);
    }
    if (newline > p) return newline;
    return next == KIND_NUMBER || next == KIND_INVALID || last == p ? stop : last;
  }
  /* Not matched: up to what is. */
  do {
    p += length;
    k = kind_from(range, p, end, &length);
    if (k == KIND_NONE && HAS(WORD, kind_from(range, p + length, end, &second_length))) return p;
  } while (k == KIND_NONE || k == KIND_INVALID);
  return p;
}

#ifdef __x86_64__

SCAN_AVX512 uint64_t bytes_avx512(const struct scan_bytes_avx512 *v, uint8_t first, uint8_t last) {
  return _mm512_cmple_epu8_mask(_mm512_sub_epi8(v->v, _mm512_set1_epi8((char)first)), _mm512_set1_epi8((char)(last - first)));
}

SCAN_AVX2 uint64_t bytes_avx2(const struct scan_bytes_avx2 *v, uint8_t first, uint8_t last) { return scan_range_avx2(v, first, last); }

/* letters: ASCII ones; control: ASCII that is not printed; high: bytes from 0x80; range: characters of the second stage. */
SCAN_AVX2 uint64_t starts_deepseek(const struct scan_block *b, uint64_t space, uint64_t newline, uint64_t letters, uint64_t control, uint64_t high,
                                   uint64_t range, const uint8_t *p, const uint8_t *end) {
  uint64_t mark = b->other & b->head, sign = b->other & ~mark, none = control & sign, turns = range ^ range << 1;
  for (uint64_t m = sign & high & ~b->inner & (none ^ (none - 1)); m; m &= m - 1) { /* the first one is enough */
    unsigned i = scan_bottom(m), length;
    if ((kind_at(p + i, end, &length) & ~RANGE) == KIND_SYMBOL) continue;
    none |= UINT64_C(1) << i;
    break;
  }
  struct window w = {.word = b->letter | mark, .sign = sign, .number = b->number, .white = b->white, .newline = newline & b->white, .space = space & b->white,
                     .inner = b->inner, .apart = ~letters | (sign & high) << 1, .ending = b->number | range, .length = b->length, .digits = 3};
  w.undecided = none | none >> 1 | (turns & (sign & range) << 1);
  uint64_t starts = window_starts(&w) | turns;
  starts |= (letters + w.joined) & ~letters & w.word; /* behind letters that a sign took */
  return window_certain(&w, starts);
}

#define SCAN_WIDE_DEEPSEEK(level, target) \
  target static uint64_t range_##level(const struct scan_bytes_##level *v, const struct scan_block *b) { \
    uint64_t e3 = scan_equal_##level(v, 0xE3) & bytes_##level(v, 0x81, 0x83) >> 1, e4 = scan_equal_##level(v, 0xE4) & bytes_##level(v, 0xB8, 0xBF) >> 1; \
    uint64_t e9 = scan_equal_##level(v, 0xE9) & (bytes_##level(v, 0x80, 0xBD) >> 1 | (scan_equal_##level(v, 0xBE) >> 1 & bytes_##level(v, 0x80, 0xA5) >> 2)); \
    uint64_t lead = (e3 | e4 | bytes_##level(v, 0xE5, 0xE8) | e9) & b->inner >> 1; \
    return (lead | lead << 1 | lead << 2) & scan_low(b->length); \
  } \
  target static int scan_deepseek_##level(const struct classes *c, const uint8_t *text, const uint8_t *end, uint32_t *ends, int max) { \
    const uint8_t *at = text; \
    int count = 0, patience = 1; /* pieces of scalar code where windows are of no use */ \
    while (count < max && at < end) { \
      struct scan_bytes_##level v = scan_load_##level(at, end); \
      struct scan_block b = scan_classify_##level(c, at, end, &v, true); \
      uint64_t high = bytes_##level(&v, 0x80, 0xFF), control = bytes_##level(&v, 0, 0x1F) | scan_equal_##level(&v, 0x7F); \
      uint64_t newline = scan_equal_##level(&v, '\n') | scan_equal_##level(&v, '\r'), range = high ? range_##level(&v, &b) : 0; \
      uint64_t starts = starts_deepseek(&b, scan_equal_##level(&v, ' '), newline, b.letter & ~high, control, high, range, at, end); \
      if (starts) { \
        int before = count; \
        count = scan_emit_##level(starts, (uint32_t)(at - text), ends, count, max); \
        at = count - before == __builtin_popcountll(starts) ? at + scan_top(starts) : text + ends[count - 1]; \
        patience -= patience > 1; \
        continue; \
      } \
      for (int i = 0; i < patience && count < max && at < end; i++) { \
        at = next_deepseek(at, end); \
        ends[count++] = (uint32_t)(at - text); \
      } \
      if (patience < 32) patience *= 2; \
    } \
    return count; \
  }

SCAN_WIDE_DEEPSEEK(avx512, SIMD_TARGET_AVX512)
SCAN_WIDE_DEEPSEEK(avx2, SIMD_TARGET_AVX2)
#endif

int scan_deepseek(const struct pattern *pattern, const uint8_t *text, size_t n, uint32_t *ends, int max) {
  (void)pattern;
  pthread_once(&once, build);
  const uint8_t *at = text, *end = text + n;
  int count = 0;
#ifdef __x86_64__
  enum simd level = max >= SCAN_WIDE ? simd_level() : SIMD_SCALAR;
  if (level == SIMD_AVX512) return scan_deepseek_avx512(classes_get(), text, end, ends, max);
  if (level == SIMD_AVX2) return scan_deepseek_avx2(classes_get(), text, end, ends, max);
#endif
  while (count < max && at < end) {
    at = next_deepseek(at, end);
    ends[count++] = (uint32_t)(at - text);
  }
  return count;
}
