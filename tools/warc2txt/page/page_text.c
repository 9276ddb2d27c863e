/* SPDX-License-Identifier: MIT
 *
 * Scalar code first, which the vector code of page_text_scan.h repeats on masks of 64 bytes.  Blocks of text are short, so
 * that what counts is the cost of the first 64 bytes: a masked load, a few comparisons, counts of bits.
 */
#include "tools/warc2txt/page/page_text.h"

#include "common/base/simd.h"
#include "common/base/utf8.h"

/* The windows-1252 meaning of a C1 control that a numeric reference or a mislabelled page gave; 0: drop. */
static uint32_t from_c1(unsigned char c) {
  static const uint16_t map[32] = {0x20AC, 0, 0x201A, 0x192, 0x201E, 0x2026, 0x2020, 0x2021, 0x2C6, 0x2030, 0x160, 0x2039, 0x152, 0, 0x17D, 0,
                                   0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x2DC, 0x2122, 0x161, 0x203A, 0x153, 0, 0x17E, 0x178};
  return map[c - 0x80];
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* ---- appending */

static void append_dark(struct text_run *r, const char *s, size_t n) {
  struct buffer *out = r->out;
  if (r->space && out->len > r->start && out->data[out->len - 1] != '\n') buffer_put(out, ' ');
  r->space = false;
  r->written = true;
  buffer_append(out, s, n);
}

/* Is it a character of E2, EE or EF that nobody is to see: embeddings and isolates of directions, invisible operators,
 * private use (icons), byte order marks, noncharacters? */
static bool unseen(unsigned char c, unsigned char d, unsigned char e) {
  if (c == 0xE2) return (d == 0x80 && e >= 0xAA && e <= 0xAE) || (d == 0x81 && e >= 0xA0 && e <= 0xAF);
  if (c == 0xEE) return true;
  return c == 0xEF && (d <= 0xA3 || (d == 0xB7 && e >= 0x90 && e <= 0xAF) || (d == 0xBB && e == 0xBF) || (d == 0xBF && e >= 0xBE));
}

enum text_class text_character(const char *s, size_t n, size_t *take, uint32_t *instead) {
  unsigned char c = (unsigned char)s[0], d = n > 1 ? (unsigned char)s[1] : 0, e = n > 2 ? (unsigned char)s[2] : 0;
  *instead = 0;
  *take = c < 0xC2 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
  if (*take > n) {
    *take = 1;
    return TEXT_STANDS;
  }
  if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f') return TEXT_WHITE;
  if (c < 0x20 || c == 0x7F) return TEXT_NOTHING;
  if (c == 0xC2) {
    if (d < 0xA0) return (*instead = from_c1(d)) ? TEXT_STANDS : TEXT_NOTHING;
    return d == 0xA0 ? TEXT_WHITE : d == 0xAD ? TEXT_NOTHING : TEXT_STANDS;
  }
  if (unseen(c, d, e)) return TEXT_NOTHING;
  if (c == 0xE2 && d == 0x80) {
    if (e <= 0x8A || e == 0xA8 || e == 0xA9 || e == 0xAF) return TEXT_WHITE;
    return e == 0x8B || e == 0x8E || e == 0x8F ? TEXT_NOTHING : TEXT_STANDS;
  }
  return c == 0xE3 && d == 0x80 && e == 0x80 ? TEXT_WHITE : TEXT_STANDS;
}

/* The character at s, which may be more than itself: returns its bytes. */
static size_t odd_character(struct text_run *r, const char *s, size_t n) {
  size_t take;
  uint32_t instead;
  char bytes[4];
  enum text_class class = text_character(s, n, &take, &instead);
  if (class == TEXT_WHITE) r->space = true;
  else if (class == TEXT_STANDS && instead) append_dark(r, bytes, (size_t)utf8_encode(instead, bytes));
  else if (class == TEXT_STANDS) append_dark(r, s, take);
  return take;
}

static const unsigned char plain[256] = { /* bytes that stand for themselves: all but white space, controls, C2, E2, E3, EE, EF */
  [0x21 ... 0x7E] = 1, [0x80 ... 0xC1] = 1, [0xC3 ... 0xE1] = 1, [0xE4 ... 0xED] = 1, [0xF0 ... 0xFF] = 1,
};

static void append_scalar(struct text_run *r, const char *s, size_t n) {
  for (size_t i = 0; i < n;) {
    unsigned char c = (unsigned char)s[i];
    if (plain[c]) {
      size_t take = 1;
      while (i + take < n && plain[(unsigned char)s[i + take]]) take++;
      append_dark(r, s + i, take);
      i += take;
    } else if (c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\f') {
      r->space = true;
      i++;
    } else {
      i += odd_character(r, s + i, n - i);
    }
  }
}

bool text_append_pre(struct buffer *out, const char *s, size_t n, bool first) {
  buffer_reserve(out, n + 8);
  size_t i = 0;
  if (first) { /* a newline right behind <pre> is not content */
    while (i < n && s[i] == '\r') i++;
    if (i == n) return true;
    i += s[i] == '\n';
  }
  while (i < n) {
    unsigned char c = (unsigned char)s[i];
    size_t take = 1;
    if (plain[c] || c == ' ' || c == '\n' || c == '\t') {
      while (i + take < n && (plain[c = (unsigned char)s[i + take]] || c == ' ' || c == '\n' || c == '\t')) take++;
      buffer_append(out, s + i, take);
    } else if (c == '\r') {
      if (i + 1 == n || s[i + 1] != '\n') buffer_put(out, '\n');
    } else if (c >= 0x80) {
      uint32_t instead;
      enum text_class class = text_character(s + i, n - i, &take, &instead);
      if (instead) utf8_append(out, instead);
      else if (class != TEXT_NOTHING) buffer_append(out, s + i, take);
    }
    i += take;
  }
  return false;
}

/* ---- words */

static const unsigned char word_byte[128] __attribute__((aligned(64))) = {
  ['0' ... '9'] = 0x80, ['A' ... 'Z'] = 0x80, ['_'] = 0x80, ['a' ... 'z'] = 0x80,
};

/* Is the character at s (above ASCII) part of words?  2: a word of its own in pairs. */
static unsigned word_class(const unsigned char *s, size_t n, size_t *length) {
  unsigned c = s[0], d = n > 1 ? s[1] : 0, e = n > 2 ? s[2] : 0;
  *length = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
  if (*length > n) *length = n;
  if (c == 0xC2) return d == 0xAA || d == 0xB5 || d == 0xBA;
  if (c == 0xC3) return d != 0x97 && d != 0xB7;
  if (c == 0xE2) return d >= 0xB0 && d <= 0xBA; /* 2000-2BFF are signs */
  if (c == 0xE3) return d == 0x80 ? (e >= 0x85 && e <= 0x87 ? 2 : 0) : 2;
  if (c == 0xE0 && (d == 0xB8 || d == 0xB9)) return 2; /* Thai */
  if (c >= 0xE4 && c <= 0xE9) return 2;
  if (c == 0xEF) return d >= 0xA4 && d < 0xB8;
  if (c == 0xF0) return d == 0x9F ? 0 : d >= 0xA0 ? 2 : 1;
  return 1;
}

static uint32_t words_scalar(const char *text, size_t n) {
  const unsigned char *s = (const unsigned char *)text, *end = s + n;
  uint32_t words = 0, pairs = 0;
  unsigned in_word = 0;
  while (s < end) {
    if (*s < 0x80) {
      unsigned is = word_byte[*s++] >> 7;
      words += is & ~in_word;
      in_word = is;
      continue;
    }
    size_t length;
    unsigned class = word_class(s, (size_t)(end - s), &length);
    pairs += class == 2;
    if (class == 2) class = 0;
    words += class & ~in_word;
    in_word = class;
    s += length;
  }
  return words + (pairs + 1) / 2;
}

/* ---- what a block looks like */

static void look_scalar(const char *s, size_t n, struct text_look *l) {
  bool start = true;
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s[i], d = i + 1 < n ? (unsigned char)s[i + 1] : 0, e = i + 2 < n ? (unsigned char)s[i + 2] : 0;
    if ((c & 0xC0) != 0x80) l->chars++;
    if (c == ' ' || c == '\n' || c == '\t') {
      start = true;
      continue;
    }
    if (start) {
      l->tokens++;
      l->capitals += c >= 'A' && c <= 'Z';
      start = false;
    }
    if (is_digit((char)c)) {
      l->digits++;
    } else if (c < 0x80 && !((c | 32) >= 'a' && (c | 32) <= 'z')) {
      l->signs++;
      l->commas += c == ',' || c == '.' || c == ';' || c == '!' || c == '?';
      l->bars += c == '|';
      if (c == '$' && i + 2 < n && (is_digit((char)d) || is_digit((char)e))) l->currency = true;
    } else if (c == 0xC2) {
      l->signs++;
      l->bars += d == 0xA9 || d == 0xBB || d == 0xB7;
      if (d == 0xA3 || d == 0xA5) l->currency = true;
    } else if (c == 0xE2) {
      l->signs++;
      l->bars += d == 0x80 && (e == 0xBA || e == 0xA2);
      if (d == 0x82 && e == 0xAC) l->currency = true;
    } else if ((c == 0xE3 && d == 0x80 && (e == 0x81 || e == 0x82)) || (c == 0xEF && d == 0xBC && (e == 0x8C || e == 0x81 || e == 0x9F))) {
      l->commas++;
    }
  }
}

static void look_at_end(const char *s, size_t n, struct text_look *l) {
  if (!n) return;
  unsigned char last = (unsigned char)s[n - 1];
  l->terminal = last == '.' || last == '!' || last == '?' || last == '"';
  if (n >= 3 && last >= 0x80) {
    static const char ends[5][4] = {"\xE2\x80\xA6", "\xE2\x80\x9D", "\xE3\x80\x82", "\xEF\xBC\x81", "\xEF\xBC\x9F"};
    for (int k = 0; k < 5; k++) l->terminal |= memcmp(s + n - 3, ends[k], 3) == 0;
  }
  l->colon = last == ':';
}

static bool in_run(unsigned char c) { return c >= 0x80 || word_byte[c]; }

static unsigned edges_scalar(const char *s, size_t n, uint32_t *edges, unsigned max) {
  unsigned count = 0;
  bool in = false;
  for (size_t i = 0; i < n && count < max; i++) {
    if (in_run((unsigned char)s[i]) == in) continue;
    in = !in;
    edges[count++] = (uint32_t)i;
  }
  if (count & 1) edges[count++] = (uint32_t)n;
  return count;
}

static uint64_t reply_starts_scalar(const char *s, size_t n) {
  uint64_t bits = 0;
  for (size_t i = 0; i + 1 < n; i++) {
    char c = s[i] | 32, d = s[i + 1] | 32;
    if ((c == 'r' && d == 'e') || ((c == 'p' || c == 'j') && d == 'o') || (c == 'l' && d == 'i') || (c == 'q' && d == 'u')) bits |= UINT64_C(1) << i;
  }
  return bits;
}

/* ---- vectors */

#ifdef __x86_64__
#include <immintrin.h>

/* Indexed by the low four bits: the white space with these; no byte equals the others' 0x80. */
#define WHITE_TABLE ' ', -128, -128, -128, -128, -128, -128, -128, -128, '\t', '\n', -128, '\f', '\r', -128, -128

SIMD_TARGET_AVX512 static inline __m512i load_avx512(const char *s, size_t n) {
  return n >= 64 ? _mm512_loadu_si512(s) : _mm512_maskz_loadu_epi8(_bzhi_u64(~UINT64_C(0), (unsigned)n), s);
}

SIMD_TARGET_AVX512 static inline uint64_t between_avx512(__m512i v, unsigned low, unsigned high) {
  return _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8((char)low)), _mm512_set1_epi8((char)(high - low)));
}

SIMD_TARGET_AVX512 static inline uint64_t white_avx512(__m512i v) {
  return _mm512_cmpeq_epi8_mask(v, _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_setr_epi8(WHITE_TABLE)), v));
}

SIMD_TARGET_AVX512 static inline uint64_t word_avx512(__m512i v) {
  uint64_t in_table = _mm512_movepi8_mask(_mm512_permutex2var_epi8(_mm512_load_si512(word_byte), v, _mm512_load_si512(word_byte + 64)));
  return in_table & ~_mm512_movepi8_mask(v);
}

#define TARGET SIMD_TARGET_AVX512
#define NAME(x) x##_avx512
#define BYTES __m512i
#define LOAD(s, n) load_avx512(s, n)
#define EQUAL(v, c) _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)(c)))
#define BETWEEN(v, low, high) between_avx512(v, low, high)
#define FOLDED(v, c) _mm512_cmpeq_epi8_mask(_mm512_or_si512(v, _mm512_set1_epi8(32)), _mm512_set1_epi8(c))
#define HIGH(v) _mm512_movepi8_mask(v)
#define WHITE(v) white_avx512(v)
#define WORD(v) word_avx512(v)
#define COMPACT(to, v, keep, white) _mm512_storeu_si512(to, _mm512_maskz_compress_epi8(keep, _mm512_mask_mov_epi8(v, white, _mm512_set1_epi8(' '))))
#include "tools/warc2txt/page/page_text_scan.h"

struct bytes_avx2 {
  __m256i a, b;
};

SIMD_TARGET_AVX2 static inline struct bytes_avx2 load_avx2(const char *s, size_t n) {
  char bytes[64] __attribute__((aligned(32)));
  if (n < 64) {
    _mm256_store_si256((__m256i *)bytes, _mm256_setzero_si256());
    _mm256_store_si256((__m256i *)(bytes + 32), _mm256_setzero_si256());
    memcpy(bytes, s, n);
    s = bytes;
  }
  return (struct bytes_avx2){_mm256_loadu_si256((const __m256i *)s), _mm256_loadu_si256((const __m256i *)(s + 32))};
}

SIMD_TARGET_AVX2 static inline uint64_t mask_avx2(__m256i a, __m256i b) {
  return (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32 | (uint32_t)_mm256_movemask_epi8(a);
}

SIMD_TARGET_AVX2 static inline uint64_t equal_avx2(struct bytes_avx2 v, unsigned c) {
  __m256i x = _mm256_set1_epi8((char)c);
  return mask_avx2(_mm256_cmpeq_epi8(v.a, x), _mm256_cmpeq_epi8(v.b, x));
}

SIMD_TARGET_AVX2 static inline __m256i part_between_avx2(__m256i v, unsigned low, unsigned high) {
  v = _mm256_sub_epi8(v, _mm256_set1_epi8((char)low));
  return _mm256_cmpeq_epi8(v, _mm256_min_epu8(v, _mm256_set1_epi8((char)(high - low))));
}

SIMD_TARGET_AVX2 static inline uint64_t between_avx2(struct bytes_avx2 v, unsigned low, unsigned high) {
  return mask_avx2(part_between_avx2(v.a, low, high), part_between_avx2(v.b, low, high));
}

SIMD_TARGET_AVX2 static inline struct bytes_avx2 lower_avx2(struct bytes_avx2 v) {
  __m256i x = _mm256_set1_epi8(32);
  return (struct bytes_avx2){_mm256_or_si256(v.a, x), _mm256_or_si256(v.b, x)};
}

SIMD_TARGET_AVX2 static inline uint64_t white_avx2(struct bytes_avx2 v) {
  __m256i table = _mm256_broadcastsi128_si256(_mm_setr_epi8(WHITE_TABLE));
  return mask_avx2(_mm256_cmpeq_epi8(v.a, _mm256_shuffle_epi8(table, v.a)), _mm256_cmpeq_epi8(v.b, _mm256_shuffle_epi8(table, v.b)));
}

SIMD_TARGET_AVX2 static inline uint64_t word_avx2(struct bytes_avx2 v) {
  return between_avx2(v, '0', '9') | between_avx2(lower_avx2(v), 'a', 'z') | equal_avx2(v, '_');
}

SIMD_TARGET_AVX2 static inline void compact_avx2(char *to, struct bytes_avx2 v, uint64_t keep, uint64_t white) {
  char bytes[128];
  _mm256_storeu_si256((__m256i *)bytes, v.a);
  _mm256_storeu_si256((__m256i *)(bytes + 32), v.b);
  for (; white; white &= white - 1) bytes[__builtin_ctzll(white)] = ' ';
  while (keep) {
    unsigned first = (unsigned)__builtin_ctzll(keep);
    uint64_t run = keep >> first;
    unsigned n = run == ~UINT64_C(0) ? 64 : (unsigned)__builtin_ctzll(~run);
    memcpy(to, bytes + first, n);
    to += n;
    if (first + n == 64) break;
    keep &= ~UINT64_C(0) << (first + n);
  }
}

#define TARGET SIMD_TARGET_AVX2
#define NAME(x) x##_avx2
#define BYTES struct bytes_avx2
#define LOAD(s, n) load_avx2(s, n)
#define EQUAL(v, c) equal_avx2(v, c)
#define BETWEEN(v, low, high) between_avx2(v, low, high)
#define FOLDED(v, c) equal_avx2(lower_avx2(v), c)
#define HIGH(v) mask_avx2((v).a, (v).b)
#define WHITE(v) white_avx2(v)
#define WORD(v) word_avx2(v)
#define COMPACT(to, v, keep, white) compact_avx2(to, v, keep, white)
#include "tools/warc2txt/page/page_text_scan.h"

#define CHOOSE(name, ...) \
  (simd_level() == SIMD_AVX512 ? name##_avx512(__VA_ARGS__) : simd_level() == SIMD_AVX2 ? name##_avx2(__VA_ARGS__) : name##_scalar(__VA_ARGS__))
#else
#define CHOOSE(name, ...) name##_scalar(__VA_ARGS__)
#endif

void text_append(struct text_run *r, const char *s, size_t n) { CHOOSE(append, r, s, n); }

uint32_t text_words(const char *s, size_t n) { return CHOOSE(words, s, n); }

void text_look_at(const char *s, size_t n, struct text_look *l) {
  memset(l, 0, sizeof *l);
  CHOOSE(look, s, n, l);
  look_at_end(s, n, l);
}

unsigned text_edges(const char *s, size_t n, uint32_t *edges, unsigned max) { return CHOOSE(edges, s, n, edges, max); }

uint64_t text_reply_starts(const char *s, size_t n) { return CHOOSE(reply_starts, s, n); }
