/* SPDX-License-Identifier: MIT
 *
 * 64 bytes at a time.  White space beyond ASCII is U+0085 U+00A0 (two bytes) and U+1680 U+2000..200A U+2028 U+2029
 * U+202F U+205F U+3000 (three bytes); letters of two bytes are C3..C9 xx but for U+00D7 and U+00F7, D0 xx and D1 xx.
 * Blocks of ASCII are searched for neither.
 *
 * A bit where white space begins or ends is an edge.  The edges of a text, one after the other, are start, end, start,
 * end of its chunks: they are written into the list as they are found, and then each end becomes a length.
 */
#include "common/text/words_blocks.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/base/simd.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { PIECE = 64 }; /* blocks whose bitmap the chunks are taken from at a time */

struct masks {
  uint64_t space, letter, digit, stop, terminator;
};

struct carry { /* bits of characters that began in the block before */
  uint64_t space, letter;
};

/* Characters beyond ASCII that begin at the set bits: letters of two bytes, white space of two and three.  All their bytes
 * in this block are marked, and those in the next carried. */
static inline void spread(struct masks *m, uint64_t letter, uint64_t two, uint64_t three, struct carry *carry) {
  m->letter |= letter | letter << 1 | carry->letter;
  m->space |= two | two << 1 | three | three << 1 | three << 2 | carry->space;
  *carry = (struct carry){two >> 63 | three >> 63 | three >> 62, letter >> 63};
}

#define EACH(byte) ((byte) * (uint64_t)0x0101010101010101u)

/* Of eight bytes below 0x80, those within [low, high]: their top bits. */
static inline uint64_t between_scalar(uint64_t bytes, uint8_t low, uint8_t high) {
  return (bytes + EACH((uint64_t)0x80 - low)) & ~(bytes + EACH((uint64_t)0x7F - high));
}

/* The top bits of eight bytes, that of the first one lowest. */
static inline uint64_t gather_scalar(uint64_t tops) { return (tops >> 7 & EACH(1)) * 0x0102040810204080u >> 56; }

struct starts { /* of characters beyond ASCII */
  uint64_t terminator, letter, two, three;
};

static inline void classify_beyond_ascii(const uint8_t *p, uint64_t bit, struct starts *s) {
  uint8_t b = p[0];
  if (b == 0xD6 || (b >= 0xD8 && b <= 0xE3) || b == 0xEA || b == 0xEF || b == 0xF0) s->terminator |= bit;
  if ((b >= 0xC3 && b <= 0xC9) || b == 0xD0 || b == 0xD1) {
    if (b != 0xC3 || (p[1] != 0x97 && p[1] != 0xB7)) s->letter |= bit;
  } else if (b == 0xC2) {
    if (p[1] == 0x85 || p[1] == 0xA0) s->two |= bit;
  } else if (b >= 0xE1 && b <= 0xE3) {
    uint8_t c = p[1], d = p[2];
    bool general = (c == 0x80 && ((uint8_t)(d - 0x80) <= 0x0A || d == 0xA8 || d == 0xA9 || d == 0xAF)) || (c == 0x81 && d == 0x9F);
    if (b == 0xE2 ? general : d == 0x80 && c == (b == 0xE1 ? 0x9A : 0x80)) s->three |= bit;
  }
}

static inline struct masks classify_scalar(const uint8_t *p, struct carry *carry) {
  struct masks m = {0};
  struct starts beyond = {0};
  for (int i = 0; i < WORDS_BLOCK; i += 8) {
    uint64_t x = 0;
    for (int k = 0; k < 8; k++) x |= (uint64_t)p[i + k] << 8 * k;
    uint64_t low = x & ~EACH(0x80), ascii = ~x & EACH(0x80);
    m.space |= gather_scalar(ascii & (between_scalar(low, 9, 13) | between_scalar(low, 0x1C, ' '))) << i;
    m.letter |= gather_scalar(ascii & between_scalar(low | EACH(0x20), 'a', 'z')) << i;
    m.digit |= gather_scalar(ascii & between_scalar(low, '0', '9')) << i;
    m.stop |= gather_scalar(ascii & between_scalar(low, '.', '.')) << i;
    m.terminator |= gather_scalar(ascii & (between_scalar(low, '!', '!') | between_scalar(low, '?', '?'))) << i;
    if (ascii == EACH(0x80)) continue;
    for (int k = 0; k < 8; k++)
      if (p[i + k] >= 0xC2) classify_beyond_ascii(p + i + k, (uint64_t)1 << (i + k), &beyond);
  }
  m.terminator |= m.stop | beyond.terminator;
  spread(&m, beyond.letter, beyond.two, beyond.three, carry);
  return m;
}

#ifdef __x86_64__
SIMD_TARGET_AVX2 static inline uint64_t joined_avx2(__m256i low, __m256i high) {
  return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

/* Bytes within [low, low + span]. */
SIMD_TARGET_AVX2 static inline __m256i between_avx2(__m256i v, uint8_t low, uint8_t span) {
  __m256i x = _mm256_sub_epi8(v, _mm256_set1_epi8((char)low));
  return _mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8((char)span)), x);
}

SIMD_TARGET_AVX2 static inline __m256i is_avx2(__m256i v, uint8_t byte) { return _mm256_cmpeq_epi8(v, _mm256_set1_epi8((char)byte)); }

/* Where white space of three bytes begins, from each byte and the two after it. */
SIMD_TARGET_AVX2 static inline __m256i three_avx2(__m256i b, __m256i c, __m256i d) {
  __m256i c80 = is_avx2(c, 0x80), d80 = is_avx2(d, 0x80);
  __m256i general = _mm256_or_si256(_mm256_or_si256(between_avx2(d, 0x80, 0x0A), between_avx2(d, 0xA8, 1)), is_avx2(d, 0xAF));
  general = _mm256_or_si256(_mm256_and_si256(c80, general), _mm256_and_si256(is_avx2(c, 0x81), is_avx2(d, 0x9F)));
  __m256i ogham = _mm256_and_si256(_mm256_and_si256(is_avx2(b, 0xE1), is_avx2(c, 0x9A)), d80);
  __m256i ideographic = _mm256_and_si256(_mm256_and_si256(is_avx2(b, 0xE3), c80), d80);
  return _mm256_or_si256(_mm256_or_si256(_mm256_and_si256(is_avx2(b, 0xE2), general), ogham), ideographic);
}

SIMD_TARGET_AVX2 static inline __m256i two_avx2(__m256i b, __m256i c) {
  return _mm256_and_si256(is_avx2(b, 0xC2), _mm256_or_si256(is_avx2(c, 0x85), is_avx2(c, 0xA0)));
}

SIMD_TARGET_AVX2 static inline __m256i letter_avx2(__m256i b, __m256i c) {
  __m256i sign = _mm256_and_si256(is_avx2(b, 0xC3), _mm256_or_si256(is_avx2(c, 0x97), is_avx2(c, 0xB7)));
  return _mm256_andnot_si256(sign, _mm256_or_si256(between_avx2(b, 0xC3, 0xC9 - 0xC3), between_avx2(b, 0xD0, 1)));
}

SIMD_TARGET_AVX2 static inline __m256i load_avx2(const uint8_t *p) { return _mm256_loadu_si256((const __m256i *)p); }

SIMD_TARGET_AVX2 static inline __m256i space_avx2(__m256i v) { return _mm256_or_si256(between_avx2(v, 9, 4), between_avx2(v, 0x1C, 4)); }

SIMD_TARGET_AVX2 static inline __m256i terminator_avx2(__m256i v) {
  __m256i ascii = _mm256_or_si256(_mm256_or_si256(is_avx2(v, '.'), is_avx2(v, '!')), is_avx2(v, '?'));
  __m256i three = _mm256_or_si256(_mm256_or_si256(is_avx2(v, 0xD6), between_avx2(v, 0xD8, 0xE3 - 0xD8)), is_avx2(v, 0xEA));
  return _mm256_or_si256(_mm256_or_si256(ascii, three), between_avx2(v, 0xEF, 1));
}

SIMD_TARGET_AVX2 static inline struct masks classify_avx2(const uint8_t *p, struct carry *carry) {
  __m256i low = load_avx2(p), high = load_avx2(p + 32), fold = _mm256_set1_epi8(0x20);
  struct masks m = {
      .space = joined_avx2(space_avx2(low), space_avx2(high)),
      .letter = joined_avx2(between_avx2(_mm256_or_si256(low, fold), 'a', 25), between_avx2(_mm256_or_si256(high, fold), 'a', 25)),
      .digit = joined_avx2(between_avx2(low, '0', 9), between_avx2(high, '0', 9)),
      .stop = joined_avx2(is_avx2(low, '.'), is_avx2(high, '.')),
      .terminator = joined_avx2(terminator_avx2(low), terminator_avx2(high)),
  };
  uint64_t letter = 0, two = 0, three = 0;
  if (joined_avx2(low, high)) {
    __m256i low_1 = load_avx2(p + 1), high_1 = load_avx2(p + 33);
    letter = joined_avx2(letter_avx2(low, low_1), letter_avx2(high, high_1));
    two = joined_avx2(two_avx2(low, low_1), two_avx2(high, high_1));
    three = joined_avx2(three_avx2(low, low_1, load_avx2(p + 2)), three_avx2(high, high_1, load_avx2(p + 34)));
  }
  spread(&m, letter, two, three, carry);
  return m;
}

SIMD_TARGET_AVX512 static inline uint64_t between_avx512(__m512i v, uint8_t low, uint8_t span) {
  return _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8((char)low)), _mm512_set1_epi8((char)span));
}

SIMD_TARGET_AVX512 static inline uint64_t is_avx512(__m512i v, uint8_t byte) { return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)byte)); }

SIMD_TARGET_AVX512 static inline struct masks classify_avx512(const uint8_t *p, struct carry *carry) {
  __m512i b = _mm512_loadu_si512(p);
  struct masks m = {
      .space = between_avx512(b, 9, 4) | between_avx512(b, 0x1C, 4),
      .letter = between_avx512(_mm512_or_si512(b, _mm512_set1_epi8(0x20)), 'a', 25),
      .digit = between_avx512(b, '0', 9),
      .stop = is_avx512(b, '.'),
  };
  m.terminator = m.stop | is_avx512(b, '!') | is_avx512(b, '?');
  uint64_t letter = 0, two = 0, three = 0;
  if (_mm512_movepi8_mask(b)) {
    m.terminator |= is_avx512(b, 0xD6) | between_avx512(b, 0xD8, 0xE3 - 0xD8) | is_avx512(b, 0xEA) | between_avx512(b, 0xEF, 1);
    __m512i c = _mm512_loadu_si512(p + 1), d = _mm512_loadu_si512(p + 2);
    uint64_t c80 = is_avx512(c, 0x80), d80 = is_avx512(d, 0x80);
    uint64_t general = c80 & (between_avx512(d, 0x80, 0x0A) | between_avx512(d, 0xA8, 1) | is_avx512(d, 0xAF));
    general |= is_avx512(c, 0x81) & is_avx512(d, 0x9F);
    letter = (between_avx512(b, 0xC3, 0xC9 - 0xC3) | between_avx512(b, 0xD0, 1)) & ~(is_avx512(b, 0xC3) & (is_avx512(c, 0x97) | is_avx512(c, 0xB7)));
    two = is_avx512(b, 0xC2) & (is_avx512(c, 0x85) | is_avx512(c, 0xA0));
    three = (is_avx512(b, 0xE2) & general) | (is_avx512(b, 0xE1) & is_avx512(c, 0x9A) & d80) | (is_avx512(b, 0xE3) & c80 & d80);
  }
  spread(&m, letter, two, three, carry);
  return m;
}
#endif

/* Blocks [first, end) of the text: space of the first one at space[0].  The last bytes of a classification lie in the
 * next block. */
#define FILL(NAME, TARGET)                                                                                                                                    \
  TARGET static void fill_##NAME(uint64_t *space, const struct words_bitmaps *maps, struct slice text, size_t first, size_t end, struct carry *carry) {       \
    for (size_t block = first; block < end; block++) {                                                                                                        \
      size_t at = block * WORDS_BLOCK, left = text.len - at;                                                                                                  \
      uint8_t copy[WORDS_BLOCK + 2] = {0};                                                                                                                    \
      const uint8_t *p = (const uint8_t *)text.data + at;                                                                                                     \
      if (left < sizeof copy) p = left ? memcpy(copy, p, left) : copy;                                                                                        \
      struct masks m = classify_##NAME(p, carry);                                                                                                             \
      if (left < WORDS_BLOCK) m.space |= ~(uint64_t)0 << left;                                                                                                \
      space[block - first] = m.space;                                                                                                                         \
      if (!maps) continue;                                                                                                                                    \
      maps->letter[block] = m.letter;                                                                                                                         \
      maps->digit[block] = m.digit;                                                                                                                           \
      maps->stop[block] = m.stop;                                                                                                                             \
      maps->terminator[block] = m.terminator;                                                                                                                 \
    }                                                                                                                                                         \
  }

FILL(scalar, )
#ifdef __x86_64__
FILL(avx2, SIMD_TARGET_AVX2)
FILL(avx512, SIMD_TARGET_AVX512)
#endif

static void fill(enum simd level, uint64_t *space, const struct words_bitmaps *maps, struct slice text, size_t first, size_t end, struct carry *carry) {
  switch (level) {
#ifdef __x86_64__
    case SIMD_AVX512: fill_avx512(space, maps, text, first, end, carry); return;
    case SIMD_AVX2: fill_avx2(space, maps, text, first, end, carry); return;
#endif
    default: fill_scalar(space, maps, text, first, end, carry); return;
  }
}

/* Writes the edges of the blocks; *before: bit 0 says whether white space stands in front of the next block.  Writes up to
 * 32 entries behind the last. */
static uint32_t *edges_scalar(uint32_t *out, const uint64_t *space, size_t blocks, uint32_t base, uint64_t *before) {
  for (size_t i = 0; i < blocks; i++, base += WORDS_BLOCK) {
    for (uint64_t e = space[i] ^ (space[i] << 1 | *before); e; e &= e - 1) *out++ = base + (uint32_t)__builtin_ctzll(e);
    *before = space[i] >> 63;
  }
  return out;
}

static void lengths_scalar(struct word *words, size_t n) {
  for (size_t i = 0; i < n; i++) words[i].length -= words[i].start;
}

#ifdef __x86_64__
SIMD_TARGET_AVX2 static uint32_t *edges_avx2(uint32_t *out, const uint64_t *space, size_t blocks, uint32_t base, uint64_t *before) {
  for (size_t i = 0; i < blocks; i++, base += WORDS_BLOCK) {
    uint64_t e = space[i] ^ (space[i] << 1 | *before);
    uint32_t *end = out + _mm_popcnt_u64(e);
    while (out < end) { /* eight at a time: tzcnt of nothing left is harmless */
      for (int k = 0; k < 8; k++, e = _blsr_u64(e)) out[k] = base + (uint32_t)_tzcnt_u64(e);
      out += 8;
    }
    out = end;
    *before = space[i] >> 63;
  }
  return out;
}

SIMD_TARGET_AVX512 static uint32_t *edges_avx512(uint32_t *out, const uint64_t *space, size_t blocks, uint32_t base, uint64_t *before) {
  uint8_t numbers[WORDS_BLOCK];
  for (int i = 0; i < WORDS_BLOCK; i++) numbers[i] = (uint8_t)i;
  const __m512i indexes = _mm512_loadu_si512(numbers);
  for (size_t i = 0; i < blocks; i++, base += WORDS_BLOCK) {
    uint64_t e = space[i] ^ (space[i] << 1 | *before);
    int count = (int)_mm_popcnt_u64(e);
    __m512i places = _mm512_maskz_compress_epi8(e, indexes), from = _mm512_set1_epi32((int)base);
    _mm512_storeu_si512(out, _mm512_add_epi32(from, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(places))));
    _mm512_storeu_si512(out + 16, _mm512_add_epi32(from, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(places, 1))));
    if (count > 32) {
      _mm512_storeu_si512(out + 32, _mm512_add_epi32(from, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(places, 2))));
      _mm512_storeu_si512(out + 48, _mm512_add_epi32(from, _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(places, 3))));
    }
    out += count;
    *before = space[i] >> 63;
  }
  return out;
}

SIMD_TARGET_AVX512 static void lengths_avx512(struct word *words, size_t n) {
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    __m512i v = _mm512_loadu_si512(words + i);
    _mm512_storeu_si512(words + i, _mm512_mask_sub_epi32(v, 0xAAAA, v, _mm512_slli_epi64(v, 32)));
  }
  lengths_scalar(words + i, n - i);
}
#endif

void words_chunks(struct word_list *list, struct slice text, const struct words_bitmaps *maps) {
  enum simd level = simd_level();
  size_t blocks = text.len / WORDS_BLOCK + 1, done = 0; /* edges written, of which two make a word */
  uint64_t space[PIECE], before = 1;
  struct carry carry = {0};
  if (maps) maps->letter[blocks] = maps->digit[blocks] = maps->stop[blocks] = maps->terminator[blocks] = 0;
  for (size_t first = 0; first < blocks; first += PIECE) {
    size_t n = blocks - first < PIECE ? blocks - first : PIECE;
    fill(level, space, maps, text, first, first + n, &carry);
    GROW(list->words, list->capacity, list->count + (n * WORDS_BLOCK + WORDS_BLOCK) / 2 + 2);
    uint32_t *start = (uint32_t *)(list->words + list->count), *out = start + done, base = (uint32_t)(first * WORDS_BLOCK);
#ifdef __x86_64__
    if (level == SIMD_AVX512) out = edges_avx512(out, space, n, base, &before);
    else if (level == SIMD_AVX2) out = edges_avx2(out, space, n, base, &before);
    else
#endif
      out = edges_scalar(out, space, n, base, &before);
    size_t edges = (size_t)(out - start), words = edges / 2;
#ifdef __x86_64__
    if (level == SIMD_AVX512) lengths_avx512(list->words + list->count, words);
    else
#endif
      lengths_scalar(list->words + list->count, words);
    list->count += words;
    done = edges % 2;
  }
}

size_t words_chunks_and_bitmaps(struct word_list *list, struct slice text, const struct word **chunks, struct words_bitmaps *maps) {
  size_t words = words_blocks(text.len);
  GROW(list->bits, list->bits_capacity, 4 * words);
  *maps = (struct words_bitmaps){list->bits, list->bits + words, list->bits + 2 * words, list->bits + 3 * words};
  list->count = 0;
  words_chunks(list, text, maps);
  struct word_list old = *list;
  list->words = old.spare;
  list->capacity = old.spare_capacity;
  list->spare = old.words;
  list->spare_capacity = old.capacity;
  list->count = 0;
  *chunks = old.words;
  return old.count;
}
