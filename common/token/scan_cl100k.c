/* SPDX-License-Identifier: MIT
 *
 * cl100k's pattern and its kin; see pattern.c.
 *
 * In masks (scan_block.h), O other, L letters, N numbers, W white space:
 *   - newlines behind a run of O belong to its piece; W is the rest of the white space;
 *   - a run of O starts a piece where no space is before it;
 *   - a run of L starts a piece, unless the character before it does and may join: W but no newline, or a single O that
 *     no space joined before;
 *   - a run of N starts a piece, and so does every `digits`-th number of it;
 *   - a run of W starts a piece; another one starts behind its last newline, another one at its last character, unless
 *     that is a newline or the text ends there;
 *   - a contraction that starts at a start ends at one.
 * A run of W that may go on behind the block is left to the next one from its start, so that each is seen whole; a block of
 * nothing but W is measured by a loop of its own.  Runs of the other classes go on from block to block (struct before).
 */
#include "common/token/scan.h"
#include "common/token/scan_block.h"
#include "common/token/scan_characters.h"

/* The end of the piece of white space text[p .. stop) begins with; last and newline as space_run() finds them. */
static inline const uint8_t *white_piece(const uint8_t *p, const uint8_t *stop, const uint8_t *last, const uint8_t *newline, const uint8_t *end, bool tail) {
  if (tail && stop == end) return stop;
  if (newline > p) return newline;
  return stop == end || last == p ? stop : last;
}

/* \p{L}+ after the optional character, \p{N}{1,digits}, and so on; see the top. */
static const uint8_t *next_cl100k(const struct classes *c, const uint8_t *p, const uint8_t *end, int digits, bool tail) {
  unsigned length, second_length = 0;
  if (*p == '\'') {
    const uint8_t *stop = contraction(p, end);
    if (stop > p) return stop;
  }
  enum char_class k = classes_at(c, p, end, &length);
  if (k == CLASS_LETTER) return run(c, p + length, end, CLASS_LETTER);
  if (k == CLASS_NUMBER) {
    const uint8_t *stop = p + length;
    for (int i = 1; i < digits && stop < end; i++) {
      if (classes_at(c, stop, end, &length) != CLASS_NUMBER) break;
      stop += length;
    }
    return stop;
  }
  const uint8_t *second = p + length;
  enum char_class k2 = second < end ? classes_at(c, second, end, &second_length) : CLASS_SPACE;
  if (k2 == CLASS_LETTER && *p != '\n' && *p != '\r') return run(c, second + second_length, end, CLASS_LETTER);
  if (k == CLASS_OTHER || (*p == ' ' && k2 == CLASS_OTHER)) {
    const uint8_t *stop = run(c, second, end, CLASS_OTHER);
    while (stop < end && (*stop == '\n' || *stop == '\r')) stop++;
    return stop;
  }
  const uint8_t *last, *newline, *stop = space_run(c, p, end, &last, &newline);
  return white_piece(p, stop, last, newline, end, tail);
}

/* What goes on from the block before, 0 or 1 each; all 0: a piece starts here. */
struct before {
  uint64_t letter, number, other, space;
  uint64_t absorbed;  /* a newline that belongs to the run of others before it */
  uint64_t joins;     /* the character before may join letters */
  unsigned numbers;   /* with number: how many the piece has, 1 .. digits */
};

#ifdef __x86_64__

/* As number_starts(), where a run may be longer than a piece, goes on from the block before or has long characters. */
static __attribute__((noinline)) SIMD_TARGET_AVX2
uint64_t long_number_starts(uint64_t number, uint64_t inner, unsigned length, unsigned digits, struct before *before) {
  uint64_t lead = ~inner;
  if (inner) { /* one bit a character */
    length -= (unsigned)__builtin_popcountll(inner);
    number = _pext_u64(number, lead);
  }
  uint64_t starts = number & ~(number << 1 | before->number);
  if (before->number) {
    unsigned next = digits - before->numbers;
    if ((~number & scan_low(next + 1)) == 0) starts |= UINT64_C(1) << next;
  }
  /* Another start `digits` behind one, as far as the run goes: steps of one piece, of two, four ... */
  uint64_t steps = number & number << 1 & number << 2;
  if (digits == 3) steps &= number << 3;
  for (unsigned by = digits; steps; by *= 2) {
    starts |= starts << by & steps;
    steps &= steps << by;
  }
  if (number >> (length - 1) & 1) before->numbers = starts ? length - scan_top(starts) : before->numbers + length;
  return inner ? _pdep_u64(starts, lead) : starts;
}

/* Where pieces of numbers start; sets before->numbers for the next block. */
SCAN_AVX2 uint64_t number_starts(const struct scan_block *b, unsigned digits, struct before *before) {
  uint64_t number = b->number;
  if (digits == 1) return number & ~b->inner;
  uint64_t starts = number & ~(number << 1 | before->number);
  if (__builtin_expect(((number & number << 1 & number << 2) | (number & (before->number | b->inner | UINT64_C(1) << (b->length - 1)))) != 0, 0))
    starts = long_number_starts(number, b->inner, b->length, digits, before);
  return starts;
}

/* The starts of pieces in [0, *used) of the block at p, which the caller goes on behind; *used is 0 when there is nothing
 * but white space in the block and more behind it. */
SCAN_AVX2 uint64_t starts_cl100k(const struct classes *c, const struct scan_block *b, uint64_t space, uint64_t newline, uint64_t apostrophe, const uint8_t *p,
                                 const uint8_t *end, unsigned digits, bool tail, struct before *before, unsigned *used) {
  bool more = end - p > (ptrdiff_t)b->length;
  newline &= b->white;
  uint64_t absorbed = scan_flood(newline & (b->other << 1 | before->other | before->absorbed), newline);
  uint64_t opens = b->other & ~(b->other << 1 | before->other | space << 1 | before->space), single = opens | scan_flood(opens << 1 & b->inner, b->inner);
  uint64_t letters = b->letter & ~(b->letter << 1 | before->letter | single << 1 | before->joins | (b->white & ~newline) << 1);
  uint64_t white = b->white & ~absorbed, first = white & ~(white << 1), blank = white & ~newline, blanks = blank & ~(blank << 1);
  uint64_t follows = scan_word_behind(c, b, p, end), split = blank & ((b->letter | b->number | b->other) >> 1 | follows), behind = blanks & newline << 1;
  while (__builtin_expect((split & b->inner) != 0, 0)) split = (split & ~b->inner) | (split & b->inner) >> 1;
  /* Blanks between newlines start nothing. */
  if (behind)
    for (uint64_t m = (blank + blanks) & newline; m; m &= m - 1) behind &= ~(UINT64_C(1) << scan_top(blanks & (m ^ (m - 1)) >> 1));
  uint64_t starts = opens | letters | number_starts(b, digits, before) | first | split | behind;
  *used = b->length;
  if (__builtin_expect((white & ~follows) >> (b->length - 1) & 1, 0)) {
    unsigned from = scan_top(first);
    if (more) {
      *used = from;
      if (from == 0) {
        *before = (struct before){0};
        return 1;
      }
      starts &= scan_low(from);
    } else if (tail) starts &= scan_low(from + 1);
  }
  for (uint64_t m = starts & apostrophe & scan_letter_behind(b); m; m &= m - 1) {
    unsigned i = scan_bottom(m), length = (unsigned)(contraction(p + i, end) - (p + i));
    if (length == 0) continue;
    if (i + length >= *used) {
      *used = i + length;
      *before = (struct before){0};
      return starts & scan_low(i + 1);
    }
    starts |= UINT64_C(1) << (i + length);
  }
  unsigned last = *used - 1;
  before->letter = b->letter >> last & 1, before->number = b->number >> last & 1, before->other = b->other >> last & 1;
  before->absorbed = absorbed >> last & 1, before->joins = (single | blank) >> last & 1, before->space = space >> last & 1;
  return starts;
}

#define SCAN_WIDE_CL100K(level, target) \
  /* Where the white space that starts at p ends; *last, *newline as space_run() has them. */ \
  target static const uint8_t *space_run_##level(const struct classes *c, const uint8_t *p, const uint8_t *end, const uint8_t **last, const uint8_t **newline) { \
    *last = *newline = p; \
    while (p < end) { \
      struct scan_bytes_##level v = scan_load_##level(p, end); \
      struct scan_block b = scan_classify_##level(c, p, end, &v, false); \
      unsigned length = b.white == ~UINT64_C(0) ? 64 : scan_bottom(~b.white); \
      uint64_t run = scan_low(length), newlines = (scan_equal_##level(&v, '\n') | scan_equal_##level(&v, '\r')) & run; \
      if (newlines) *newline = p + scan_top(newlines) + 1; \
      if (length) *last = p + scan_top(run & ~b.inner); \
      p += length; \
      if (length < b.length) break; \
    } \
    return p; \
  } \
  target static int scan_cl100k_##level(const struct classes *c, const uint8_t *text, size_t n, uint32_t *ends, int max, unsigned digits, bool tail) { \
    const uint8_t *at = text, *end = text + n; \
    struct before before = {0}; \
    int count = 0; \
    while (at < end && count < max) { \
      struct scan_bytes_##level v = scan_load_##level(at, end); \
      struct scan_block b = scan_classify_##level(c, at, end, &v, false); \
      unsigned used; \
      uint64_t newline = scan_equal_##level(&v, '\n') | scan_equal_##level(&v, '\r'); \
      uint64_t space = scan_equal_##level(&v, ' '), apostrophe = scan_equal_##level(&v, '\''), starts; \
      if (__builtin_expect(scan_plain(&b, at, end), 1)) { \
        b.length = 64, b.inner = 0; \
        starts = starts_cl100k(c, &b, space, newline, apostrophe, at, end, digits, tail, &before, &used); \
      } else starts = starts_cl100k(c, &b, space, newline, apostrophe, at, end, digits, tail, &before, &used); \
      if (at == text) starts &= ~UINT64_C(1); \
      count = scan_emit_##level(starts, (uint32_t)(at - text), ends, count, max); \
      at += used; \
      if (used == 0) { \
        const uint8_t *last, *after, *stop = space_run_##level(c, at, end, &last, &after); \
        at = white_piece(at, stop, last, after, end, tail); \
      } \
    } \
    if (count < max) ends[count++] = (uint32_t)n; \
    return count; \
  }

SCAN_WIDE_CL100K(avx512, SIMD_TARGET_AVX512)
SCAN_WIDE_CL100K(avx2, SIMD_TARGET_AVX2)
#endif

int scan_cl100k(const struct pattern *pattern, const uint8_t *text, size_t n, uint32_t *ends, int max) {
  const struct classes *c = classes_get();
  if (n == 0) return 0;
#ifdef __x86_64__
  enum simd level = max >= SCAN_WIDE ? simd_level() : SIMD_SCALAR;
  if (level == SIMD_AVX512) return scan_cl100k_avx512(c, text, n, ends, max, (unsigned)pattern->digits, pattern->tail);
  if (level == SIMD_AVX2) return scan_cl100k_avx2(c, text, n, ends, max, (unsigned)pattern->digits, pattern->tail);
#endif
  const uint8_t *at = text, *end = text + n;
  int count = 0;
  while (count < max && at < end) {
    at = next_cl100k(c, at, end, pattern->digits, pattern->tail);
    ends[count++] = (uint32_t)(at - text);
  }
  return count;
}
