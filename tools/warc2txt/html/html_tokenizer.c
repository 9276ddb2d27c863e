/* SPDX-License-Identifier: MIT
 *
 * What all vector widths share: line ends, references, doctypes, and the three copies of html_tokenizer_states.h.
 *
 * Behind the page's end lies a row of bytes in which every search finds what it seeks, so that loops look for the end of
 * the page only where they stop.
 */
#include "tools/warc2txt/html/html_tokenizer.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/base/utf8.h"
#include "tools/warc2txt/html/html_entities.h"

/* Begins with '<': no blank, no letter, nothing that a state could take for more of what it reads. */
static const char guard[] = "<>\"'& =/--></<!";
enum { ROOM = 256 }; /* the guard and what vectors read behind it */

/* ---- classes of bytes */

enum { BLANK = 1, LETTER = 2, OPENS = 4, ALPHANUMERIC = 8, NAME_ENDS = 16, KEY_ENDS = 32 };
static const uint8_t class[256] = {
  ['\t'] = BLANK | NAME_ENDS | KEY_ENDS, ['\n'] = BLANK | NAME_ENDS | KEY_ENDS, ['\f'] = BLANK | NAME_ENDS | KEY_ENDS, [' '] = BLANK | NAME_ENDS | KEY_ENDS,
  ['/'] = OPENS | NAME_ENDS | KEY_ENDS, ['>'] = NAME_ENDS | KEY_ENDS, ['='] = KEY_ENDS, ['!'] = OPENS, ['?'] = OPENS,
  ['0' ... '9'] = ALPHANUMERIC, ['A' ... 'Z'] = LETTER | OPENS | ALPHANUMERIC, ['a' ... 'z'] = LETTER | OPENS | ALPHANUMERIC,
};
static inline bool is(char c, int classes) { return class[(unsigned char)c] & classes; }

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static void lower_all(char *s, size_t n) {
  for (size_t i = 0; i < n; i++) s[i] = lower(s[i]);
}

static inline uint64_t lower_word(uint64_t x) {
  const uint64_t ones = UINT64_C(0x0101010101010101), low = x & ones * 0x7F;
  uint64_t upper = (low + ones * (0x80 - 'A')) ^ (low + ones * (0x7F - 'Z'));
  return x | (upper & ~x & ones * 0x80) >> 2;
}

struct name_key {
  uint64_t low, high;
};

/* The first 16 bytes of a name in lower case; bytes behind it may be read. */
static inline struct name_key key_of(const char *s, size_t n) {
  struct name_key k = {0, 0};
  memcpy(&k.low, s, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  k.low = __builtin_bswap64(k.low);
#endif
  if (n < 8) {
    k.low &= (UINT64_C(1) << 8 * n) - 1;
  } else if (n > 8) {
    memcpy(&k.high, s + 8, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    k.high = __builtin_bswap64(k.high);
#endif
    if (n < 16) k.high &= (UINT64_C(1) << 8 * (n - 8)) - 1;
    k.high = lower_word(k.high);
  }
  k.low = lower_word(k.low);
  return k;
}

static uint32_t hash_name(const char *s, size_t n) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)lower(s[i])) * 16777619u;
  return h;
}

/* ---- character references */

static uint32_t numeric_value(uint32_t c) {
  static const uint16_t windows[32] = {0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
                                       0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178};
  if (c >= 0x80 && c < 0xA0 && windows[c - 0x80]) return windows[c - 0x80];
  if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return 0xFFFD;
  return c;
}

/* The reference at p, which is '&': its bytes, 0 when it is none; text[] gets what it stands for, *len bytes. */
static size_t reference(const char *p, const char *end, bool in_attribute, char text[8], size_t *len) {
  const char *q = p + 1;
  if (q < end && is(*q, LETTER)) {
    struct slice found;
    size_t n = html_entity_find(q, (size_t)(end - q), &found);
    if (n == 0) return 0;
    q += n;
    if (in_attribute && q[-1] != ';' && q < end && (*q == '=' || is(*q, ALPHANUMERIC))) return 0;
    memcpy(text, found.data, *len = found.len);
    return (size_t)(q - p);
  }
  if (q == end || *q != '#') return 0;
  q++;
  uint32_t value = 0;
  const char *digits;
  if (q < end && (*q == 'x' || *q == 'X')) {
    for (digits = ++q; q < end && is(*q, ALPHANUMERIC); q++) {
      unsigned digit = *q <= '9' ? (unsigned)(*q - '0') : (unsigned)((*q | 32) - 'a' + 10);
      if (digit > 15) break;
      if (value <= 0x10FFFF) value = value * 16 + digit;
    }
  } else {
    for (digits = q; q < end && *q >= '0' && *q <= '9'; q++)
      if (value <= 0x10FFFF) value = value * 10 + (unsigned)(*q - '0');
  }
  if (q == digits) return 0;
  if (q < end && *q == ';') q++;
  *len = (size_t)utf8_encode(numeric_value(value), text);
  return (size_t)(q - p);
}

/* A value with references, in place; in the tree's bytes when it does not fit. */
static struct slice decode_value(struct html_tree *tree, char *s, size_t n) {
  char *to = s, *start = s, *const end = s + n;
  for (char *p = s; p < end;) {
    char *ampersand = memchr(p, '&', (size_t)(end - p));
    size_t run = (size_t)((ampersand ? ampersand : end) - p), len;
    if (to != p) memmove(to, p, run);
    to += run;
    p += run;
    if (!ampersand) break;
    char text[8];
    size_t taken = reference(p, end, true, text, &len);
    if (!taken) {
      text[0] = '&';
      taken = len = 1;
    }
    if (start == s && to + len > p + taken) {
      size_t done = (size_t)(to - start);
      start = html_tree_bytes(tree, done + len + (size_t)(end - p) / 4 * 5 + 8); /* the shortest that grow have 5 bytes for 6 */
      memcpy(start, s, done);
      to = start + done;
    }
    memcpy(to, text, len);
    to += len;
    p += taken;
  }
  return (struct slice){start, (size_t)(to - start)};
}

/* ---- line ends */

/* Copies between carriage returns; *at is where bytes of *to .. end begin.  The new length. */
static size_t line_ends_from(char *s, size_t n, size_t at, size_t to) {
  while (at < n) {
    char *found = memchr(s + at, '\r', n - at);
    size_t run = found ? (size_t)(found - s) - at : n - at;
    if (to != at) memmove(s + to, s + at, run);
    to += run;
    at += run;
    if (!found) break;
    at += 1 + (at + 1 < n && s[at + 1] == '\n');
    s[to++] = '\n';
  }
  return to;
}

#ifdef __x86_64__
SIMD_TARGET_AVX512 static size_t line_ends_avx512(char *s, size_t n) {
  const __m512i cr = _mm512_set1_epi8('\r'), lf = _mm512_set1_epi8('\n');
  size_t at = 0, to = 0;
  for (; at + 65 <= n; at += 64) {
    __m512i v = _mm512_loadu_si512(s + at);
    __mmask64 returns = _mm512_cmpeq_epi8_mask(v, cr);
    if (!returns && to == at) {
      to += 64;
      continue;
    }
    __mmask64 drop = returns & _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(s + at + 1), lf);
    v = _mm512_mask_blend_epi8(returns, v, lf);
    _mm512_storeu_si512(s + to, _mm512_maskz_compress_epi8(~drop, v)); /* ends at or before at + 64 */
    to += 64 - (size_t)__builtin_popcountll(drop);
  }
  return line_ends_from(s, n, at, to);
}
#endif

static size_t line_ends(char *s, size_t n) {
#ifdef __x86_64__
  if (simd_level() == SIMD_AVX512) return line_ends_avx512(s, n);
#endif
  return line_ends_from(s, n, 0, 0);
}

/* ---- doctype */

static char *skip_blank(char *p, const char *end) {
  while (p < end && is(*p, BLANK)) p++;
  return p;
}

static bool word_at(const char *p, const char *end, const char *word) {
  size_t n = strlen(word);
  return slice_starts_nocase((struct slice){p, (size_t)(end - p)}, (struct slice){word, n});
}

/* A quoted identifier at p; *bad when it ends with the tag or the page. */
static char *doctype_id(char *p, char *end, struct slice *id, bool *bad) {
  char quote = *p, *start = ++p;
  while (p < end && *p != quote && *p != '>') p++;
  *id = (struct slice){start, (size_t)(p - start)};
  if (p == end || *p == '>') *bad = true;
  else p++;
  return p;
}

/* p stands behind "<!doctype"; returns the place behind the '>'. */
static char *doctype(struct html_tokenizer *t, char *p) {
  char *const end = t->end;
  bool bad = false, junk = false;
  t->has_name = t->has_public = t->has_system = false;
  t->text = (struct slice){"", 0};
  p = skip_blank(p, end);
  char *name = p;
  while (p < end && *p != '>' && !is(*p, BLANK)) p++;
  t->has_name = p > name;
  lower_all(name, (size_t)(p - name));
  t->text = (struct slice){name, (size_t)(p - name)};
  if (!t->has_name) bad = true;
  p = skip_blank(p, end);
  bool is_public = t->has_name && word_at(p, end, "public"), is_system = t->has_name && word_at(p, end, "system");
  if (is_public || is_system) {
    p = skip_blank(p + 6, end);
    if (is_public && p < end && (*p == '"' || *p == '\'')) {
      t->has_public = true;
      p = doctype_id(p, end, &t->public_id, &bad);
      p = skip_blank(p, end);
      is_system = !bad;
    } else if (is_public) {
      bad = true;
    }
    if (is_system && p < end && (*p == '"' || *p == '\'')) {
      t->has_system = true;
      p = skip_blank(doctype_id(p, end, &t->system_id, &bad), end);
      junk = p < end && *p != '>'; /* is let pass */
    } else if (is_system && (!is_public || (p < end && *p != '>'))) {
      bad = true;
    }
  } else if (p < end && *p != '>') {
    bad = true;
  }
  while (p < end && *p != '>') p++;
  t->force_quirks = bad || (p == end && !junk);
  return p < end ? p + 1 : p;
}

/* A tag's name at p and its end. */
static bool ends_with_tag(const char *p, const char *end, struct slice name) {
  return name.len && slice_starts_nocase((struct slice){p, (size_t)(end - p)}, name) && (size_t)(end - p) > name.len && is(p[name.len], NAME_ENDS);
}

/* ---- the states, once for each width of vectors */

#define PASTE(a, b) a##b
#define STATES(name) PASTE(name, _scalar)
#define STATES_TARGET
#define STATES_WIDTH 8
typedef uint64_t vector_scalar, mask_scalar;
static inline vector_scalar load_scalar(const char *p) {
  uint64_t x;
  memcpy(&x, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  x = __builtin_bswap64(x);
#endif
  return x;
}
static inline mask_scalar equal_scalar(vector_scalar x, char c) { /* 0x80 in each byte that is c */
  const uint64_t low = UINT64_C(0x7F7F7F7F7F7F7F7F);
  x ^= UINT64_C(0x0101010101010101) * (unsigned char)c;
  return ~(((x & low) + low) | x | low);
}
static inline mask_scalar up_to_space_scalar(vector_scalar x) {
  const uint64_t ones = UINT64_C(0x0101010101010101);
  return ~(((x & ones * 0x7F) + ones * (0x80 - 0x21)) | x) & ones * 0x80;
}
static inline unsigned first_scalar(mask_scalar m) { return (unsigned)__builtin_ctzll(m) / 8; }
#include "tools/warc2txt/html/html_tokenizer_states.h"
#undef STATES
#undef STATES_TARGET
#undef STATES_WIDTH

#ifdef __x86_64__
#define STATES(name) PASTE(name, _avx2)
#define STATES_TARGET SIMD_TARGET_AVX2
#define STATES_WIDTH 32
typedef __m256i vector_avx2;
typedef uint32_t mask_avx2;
SIMD_TARGET_AVX2 static inline vector_avx2 load_avx2(const char *p) { return _mm256_loadu_si256((const __m256i *)p); }
SIMD_TARGET_AVX2 static inline mask_avx2 equal_avx2(vector_avx2 v, char c) { return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(c))); }
SIMD_TARGET_AVX2 static inline mask_avx2 up_to_space_avx2(vector_avx2 v) {
  return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(' ')), v));
}
static inline unsigned first_avx2(mask_avx2 m) { return (unsigned)__builtin_ctz(m); }
#include "tools/warc2txt/html/html_tokenizer_states.h"
#undef STATES
#undef STATES_TARGET
#undef STATES_WIDTH

#define STATES(name) PASTE(name, _avx512)
#define STATES_TARGET SIMD_TARGET_AVX512
#define STATES_WIDTH 64
typedef __m512i vector_avx512;
typedef uint64_t mask_avx512;
SIMD_TARGET_AVX512 static inline vector_avx512 load_avx512(const char *p) { return _mm512_loadu_si512(p); }
SIMD_TARGET_AVX512 static inline mask_avx512 equal_avx512(vector_avx512 v, char c) { return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(c)); }
SIMD_TARGET_AVX512 static inline mask_avx512 up_to_space_avx512(vector_avx512 v) { return _mm512_cmple_epu8_mask(v, _mm512_set1_epi8(' ')); }
static inline unsigned first_avx512(mask_avx512 m) { return (unsigned)__builtin_ctzll(m); }
#include "tools/warc2txt/html/html_tokenizer_states.h"
#undef STATES
#undef STATES_TARGET
#undef STATES_WIDTH
#endif

void html_tokenizer_start(struct html_tokenizer *t, struct buffer *html, struct html_tree *tree, enum html_state state) {
  html_names_prepare();
  buffer_reserve(html, ROOM);
  html->len = line_ends(html->data, html->len);
  memset(html->data + html->len, 0, ROOM);
  memcpy(html->data + html->len, guard, sizeof guard);
  t->at = html->data;
  t->end = html->data + html->len;
  t->tree = tree;
  t->state = state;
  t->cdata = false;
  t->raw = t->around = (struct slice){"", 0};
  t->attribute_count = 0;
  t->step = step_scalar;
#ifdef __x86_64__
  if (simd_level() == SIMD_AVX512) t->step = step_avx512;
  else if (simd_level() == SIMD_AVX2) t->step = step_avx2;
#endif
}
