/* SPDX-License-Identifier: MIT
 *
 * The decoders of https://encoding.spec.whatwg.org/ in their error mode "replacement", byte for byte: what is not a character
 * becomes U+FFFD, and an ASCII byte behind a lead byte that it does not fit stands for itself.
 *
 * Two-byte indexes are read from iconv(3) once in a process, a pointer at a time, and corrected where the standard has
 * another character (charset_tables.c): Big5 is BIG5-HKSCS with 142 corrections, gb18030 GB18030 with 7, EUC-KR is UHC and JIS X
 * 0208 is CP932 as they are, JIS X 0212 is EUC-JP-MS without its vendor rows.  charset_test.c compares their hashes.
 */
#include <iconv.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "tools/warc2txt/charset/charset_tables.h"

/* ---- indexes */

enum { BIG5_COLUMNS = 157, WIDE_COLUMNS = 190, SHIFT_JIS_COLUMNS = 188, JIS_COLUMNS = 94, JIS0212_END = 7708, JOHAB_COLUMNS = 206 };

static void big5_bytes(size_t p, char *b) { b[0] = (char)(p / BIG5_COLUMNS + 0x81), b[1] = (char)(p % BIG5_COLUMNS + (p % BIG5_COLUMNS < 0x3F ? 0x40 : 0x62)); }
static void gb18030_bytes(size_t p, char *b) { b[0] = (char)(p / WIDE_COLUMNS + 0x81), b[1] = (char)(p % WIDE_COLUMNS + (p % WIDE_COLUMNS < 0x3F ? 0x40 : 0x41)); }
static void euc_kr_bytes(size_t p, char *b) { b[0] = (char)(p / WIDE_COLUMNS + 0x81), b[1] = (char)(p % WIDE_COLUMNS + 0x41); }
static void jis0208_bytes(size_t p, char *b) {
  size_t lead = p / SHIFT_JIS_COLUMNS, trail = p % SHIFT_JIS_COLUMNS;
  b[0] = (char)(lead + (lead < 0x1F ? 0x81 : 0xC1)), b[1] = (char)(trail + (trail < 0x3F ? 0x40 : 0x41));
}
static void jis0212_bytes(size_t p, char *b) { b[0] = (char)0x8F, b[1] = (char)(p / JIS_COLUMNS + 0xA1), b[2] = (char)(p % JIS_COLUMNS + 0xA1); }
static void euc_tw_bytes(size_t p, char *b) { b[0] = (char)(p / JIS_COLUMNS + 0xA1), b[1] = (char)(p % JIS_COLUMNS + 0xA1); }
static void johab_bytes(size_t p, char *b) { b[0] = (char)(p / JOHAB_COLUMNS + 0x84), b[1] = (char)(p % JOHAB_COLUMNS + 0x31); }

static const struct charset_pair no_differences[] = {{0xFFFF, 0}};

static const struct {
  const char *iconv;
  size_t count, length; /* pointers; bytes of a character */
  void (*bytes)(size_t pointer, char *bytes);
  const struct charset_pair *differences;
} sources[INDEX_COUNT] = {
  [INDEX_JIS0208] = {"CP932", 60 * SHIFT_JIS_COLUMNS, 2, jis0208_bytes, charset_jis0208_differences},
  [INDEX_JIS0212] = {"EUC-JP-MS", JIS0212_END, 3, jis0212_bytes, charset_jis0212_differences},
  [INDEX_GB18030] = {"GB18030", 126 * WIDE_COLUMNS, 2, gb18030_bytes, charset_gb18030_differences},
  [INDEX_BIG5] = {"BIG5-HKSCS", 126 * BIG5_COLUMNS, 2, big5_bytes, charset_big5_differences},
  [INDEX_EUC_KR] = {"UHC", 126 * WIDE_COLUMNS, 2, euc_kr_bytes, charset_euc_kr_differences},
  [INDEX_EUC_TW] = {"EUC-TW", JIS_COLUMNS * JIS_COLUMNS, 2, euc_tw_bytes, no_differences},
  [INDEX_JOHAB] = {"JOHAB", 118 * JOHAB_COLUMNS, 2, johab_bytes, no_differences},
};
static uint32_t *indexes[INDEX_COUNT];

static void make_index(enum charset_index which) {
  size_t count = sources[which].count;
  uint32_t *index = NEW_ARRAY(uint32_t, count);
  iconv_t conversion = iconv_open("UTF-32LE", sources[which].iconv);
  for (size_t p = 0; p < count && conversion != (iconv_t)-1; p++) {
    char bytes[4] = {0}, *in = bytes;
    unsigned char text[32];
    char *out = (char *)text;
    size_t left = sources[which].length, room = sizeof text;
    sources[which].bytes(p, bytes);
    iconv(conversion, NULL, NULL, NULL, NULL);
    if (iconv(conversion, &in, &left, &out, &room) == (size_t)-1) continue;
    iconv(conversion, NULL, NULL, &out, &room); /* Big5 holds a letter back for an accent */
    if (sizeof text - room == 4) index[p] = text[0] | (uint32_t)text[1] << 8 | (uint32_t)text[2] << 16;
  }
  if (conversion != (iconv_t)-1) iconv_close(conversion);
  for (const struct charset_pair *d = sources[which].differences; d->pointer != 0xFFFF; d++) index[d->pointer] = d->code_point;
  indexes[which] = index;
}

static void make_jis0208(void) { make_index(INDEX_JIS0208); }
static void make_jis0212(void) { make_index(INDEX_JIS0212); }
static void make_gb18030(void) { make_index(INDEX_GB18030); }
static void make_big5(void) { make_index(INDEX_BIG5); }
static void make_euc_kr(void) { make_index(INDEX_EUC_KR); }
static void make_euc_tw(void) { make_index(INDEX_EUC_TW); }
static void make_johab(void) { make_index(INDEX_JOHAB); }

const uint32_t *charset_index(enum charset_index which, size_t *count) {
  static void (*const makers[INDEX_COUNT])(void) = {make_jis0208, make_jis0212, make_gb18030, make_big5, make_euc_kr, make_euc_tw, make_johab};
  static pthread_once_t once[INDEX_COUNT] = {[0 ... INDEX_COUNT - 1] = PTHREAD_ONCE_INIT};
  pthread_once(&once[which], makers[which]);
  if (count) *count = sources[which].count;
  return indexes[which];
}

/* ---- output */

struct decoding {
  const unsigned char *s;
  size_t n, i; /* s[i] is next */
  struct buffer *out;
  uint64_t replaced;
};

/* Room for a character or a word, growing by what is left of the input. */
static inline void make_room(struct decoding *d) {
  if (d->out->capacity - d->out->len < 16) buffer_reserve(d->out, (d->n - d->i) + (d->n - d->i) / 2 + 64);
}

/* NUL goes. */
static inline void put(struct decoding *d, uint32_t c) {
  make_room(d);
  unsigned char *to = (unsigned char *)d->out->data + d->out->len;
  if (c < 0x80) {
    to[0] = (unsigned char)c;
    d->out->len += c != 0;
  } else if (c < 0x800) {
    to[0] = (unsigned char)(0xC0 | c >> 6), to[1] = (unsigned char)(0x80 | (c & 0x3F));
    d->out->len += 2;
  } else if (c < 0x10000) {
    to[0] = (unsigned char)(0xE0 | c >> 12), to[1] = (unsigned char)(0x80 | (c >> 6 & 0x3F)), to[2] = (unsigned char)(0x80 | (c & 0x3F));
    d->out->len += 3;
  } else {
    d->out->len += (size_t)utf8_encode(c, (char *)to);
  }
}

static inline void put_error(struct decoding *d) {
  d->replaced++;
  put(d, 0xFFFD);
}

/* ASCII from s[i] on, but for NUL, eight bytes at a time. */
static inline void put_ascii(struct decoding *d) {
  while (d->i + 8 <= d->n) {
    uint64_t word;
    memcpy(&word, d->s + d->i, 8);
    uint64_t stop = (word | (word - 0x0101010101010101u)) & 0x8080808080808080u;
    make_room(d);
    if (stop) break;
    memcpy(d->out->data + d->out->len, &word, 8);
    d->out->len += 8;
    d->i += 8;
  }
  for (; d->i < d->n && d->s[d->i] < 0x80; d->i++) put(d, d->s[d->i]);
}

/* ---- decoders */

static void decode_single(struct decoding *d, const uint16_t *map) {
  while (put_ascii(d), d->i < d->n) {
    for (; d->i < d->n && d->s[d->i] >= 0x80; d->i++) {
      uint16_t c = map[d->s[d->i] - 0x80];
      if (c == 0xFFFD) put_error(d);
      else put(d, c);
    }
  }
}

static void decode_units(struct decoding *d, enum charset_kind kind) {
  const unsigned char *b = d->s;
  bool wide = kind == CHARSET_UTF32LE || kind == CHARSET_UTF32BE, big = kind == CHARSET_UTF16BE || kind == CHARSET_UTF32BE;
  size_t unit = wide ? 4 : 2;
  for (; d->i + unit <= d->n; d->i += unit) {
    size_t i = d->i;
    uint32_t c;
    if (wide) c = big ? (uint32_t)b[i] << 24 | (uint32_t)b[i + 1] << 16 | (uint32_t)b[i + 2] << 8 | b[i + 3]
                      : (uint32_t)b[i + 3] << 24 | (uint32_t)b[i + 2] << 16 | (uint32_t)b[i + 1] << 8 | b[i];
    else c = big ? (uint32_t)b[i] << 8 | b[i + 1] : (uint32_t)b[i + 1] << 8 | b[i];
    if (!wide && c >= 0xD800 && c < 0xDC00 && i + 4 <= d->n) {
      uint32_t low = big ? (uint32_t)b[i + 2] << 8 | b[i + 3] : (uint32_t)b[i + 3] << 8 | b[i + 2];
      if (low >= 0xDC00 && low < 0xE000) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        d->i += 2;
      }
    }
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) put_error(d);
    else if (i || c != 0xFEFF) put(d, c);
  }
  if (d->i < d->n) put_error(d);
}

/* Behind a lead byte at s[i]: the character of a two-byte code, or an error that leaves an ASCII second byte to be read again. */
static inline void put_pair(struct decoding *d, uint32_t c) {
  if (c) {
    put(d, c);
    d->i += 2;
    return;
  }
  put_error(d);
  d->i += d->s[d->i + 1] < 0x80 ? 1 : 2;
}

static uint32_t gb18030_range(uint32_t pointer) {
  if ((pointer > 39419 && pointer < 189000) || pointer > 1237575) return 0;
  if (pointer == 7457) return 0xE7C7;
  if (pointer >= 189000) return 0x10000 + pointer - 189000;
  size_t low = 0, high = charset_gb18030_range_count; /* the last range that begins at or before the pointer */
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (charset_gb18030_ranges[middle].pointer <= pointer) low = middle;
    else high = middle;
  }
  return charset_gb18030_ranges[low].code_point + (pointer - charset_gb18030_ranges[low].pointer);
}

static void decode_gb18030(struct decoding *d) {
  const uint32_t *index = charset_index(INDEX_GB18030, NULL);
  const unsigned char *s = d->s;
  while (put_ascii(d), d->i < d->n) {
    size_t i = d->i, left = d->n - i;
    unsigned char a = s[i];
    if (a == 0x80 || a == 0xFF) {
      if (a == 0x80) put(d, 0x20AC);
      else put_error(d);
      d->i++;
    } else if (left < 2) {
      put_error(d);
      d->i = d->n;
    } else if (s[i + 1] >= 0x30 && s[i + 1] <= 0x39) {
      if (left >= 3 && !(s[i + 2] >= 0x81 && s[i + 2] <= 0xFE)) {
        put_error(d);
        d->i++;
      } else if (left < 4) {
        put_error(d);
        d->i = d->n;
      } else if (s[i + 3] < 0x30 || s[i + 3] > 0x39) {
        put_error(d);
        d->i++;
      } else {
        uint32_t c = gb18030_range(((a - 0x81u) * 10 + (s[i + 1] - 0x30u)) * 1260 + (s[i + 2] - 0x81u) * 10 + (s[i + 3] - 0x30u));
        if (c) put(d, c);
        else put_error(d);
        d->i += 4;
      }
    } else {
      unsigned char b = s[i + 1];
      bool fits = (b >= 0x40 && b <= 0x7E) || (b >= 0x80 && b <= 0xFE);
      put_pair(d, fits ? index[(a - 0x81u) * WIDE_COLUMNS + b - (b < 0x7F ? 0x40u : 0x41u)] : 0);
    }
  }
}

/* A byte that begins no pair is an error of its own. */
static bool put_single(struct decoding *d) {
  unsigned char a = d->s[d->i];
  if (a != 0x80 && a != 0xFF && d->i + 1 < d->n) return false;
  put_error(d);
  d->i++;
  return true;
}

static void decode_big5(struct decoding *d) {
  const uint32_t *index = charset_index(INDEX_BIG5, NULL);
  while (put_ascii(d), d->i < d->n) {
    if (put_single(d)) continue;
    unsigned char a = d->s[d->i], b = d->s[d->i + 1];
    bool fits = (b >= 0x40 && b <= 0x7E) || (b >= 0xA1 && b <= 0xFE);
    uint32_t pointer = fits ? (a - 0x81u) * BIG5_COLUMNS + b - (b < 0x7F ? 0x40u : 0x62u) : 0;
    if (fits && (pointer == 1133 || pointer == 1135 || pointer == 1164 || pointer == 1166)) {
      put(d, pointer < 1160 ? 0xCA : 0xEA);
      put_pair(d, pointer == 1133 || pointer == 1164 ? 0x304 : 0x30C);
    } else {
      put_pair(d, fits ? index[pointer] : 0);
    }
  }
}

static void decode_euc_kr(struct decoding *d) {
  const uint32_t *index = charset_index(INDEX_EUC_KR, NULL);
  while (put_ascii(d), d->i < d->n) {
    if (put_single(d)) continue;
    unsigned char a = d->s[d->i], b = d->s[d->i + 1];
    put_pair(d, b >= 0x41 && b <= 0xFE ? index[(a - 0x81u) * WIDE_COLUMNS + (b - 0x41u)] : 0);
  }
}

static void decode_shift_jis(struct decoding *d) {
  const uint32_t *index = charset_index(INDEX_JIS0208, NULL);
  while (put_ascii(d), d->i < d->n) {
    unsigned char a = d->s[d->i], b;
    if (a == 0x80 || (a >= 0xA1 && a <= 0xDF)) {
      put(d, a == 0x80 ? 0x80u : 0xFF61u - 0xA1 + a);
      d->i++;
    } else if (a == 0xA0 || a > 0xFC || d->i + 1 == d->n) {
      put_error(d);
      d->i++;
    } else {
      b = d->s[d->i + 1];
      bool fits = (b >= 0x40 && b <= 0x7E) || (b >= 0x80 && b <= 0xFC);
      put_pair(d, fits ? index[(a - (a < 0xA0 ? 0x81u : 0xC1u)) * SHIFT_JIS_COLUMNS + b - (b < 0x7F ? 0x40u : 0x41u)] : 0);
    }
  }
}

static void decode_euc_jp(struct decoding *d) {
  const uint32_t *jis0208 = charset_index(INDEX_JIS0208, NULL), *jis0212 = charset_index(INDEX_JIS0212, NULL);
  while (put_ascii(d), d->i < d->n) {
    unsigned char a = d->s[d->i];
    bool lead = a == 0x8E || a == 0x8F || (a >= 0xA1 && a <= 0xFE);
    if (!lead || d->i + 1 == d->n) {
      put_error(d);
      d->i++;
      continue;
    }
    unsigned char b = d->s[d->i + 1];
    bool trail = b >= 0xA1 && b <= 0xFE;
    if (a == 0x8E) {
      put_pair(d, trail && b <= 0xDF ? 0xFF61u - 0xA1 + b : 0);
    } else if (a == 0x8F && trail) {
      d->i++;
      if (d->i + 1 == d->n) {
        put_error(d);
        d->i++;
        continue;
      }
      unsigned char c = d->s[d->i + 1];
      size_t pointer = c >= 0xA1 && c <= 0xFE ? (b - 0xA1u) * JIS_COLUMNS + (c - 0xA1u) : JIS0212_END;
      put_pair(d, pointer < JIS0212_END ? jis0212[pointer] : 0);
    } else {
      put_pair(d, a != 0x8F && trail ? jis0208[(a - 0xA1u) * JIS_COLUMNS + (b - 0xA1u)] : 0);
    }
  }
}

static void decode_iso_2022_jp(struct decoding *d) {
  const uint32_t *index = charset_index(INDEX_JIS0208, NULL);
  enum { ASCII, ROMAN, KATAKANA, PAIR } state = ASCII;
  const unsigned char *s = d->s;
  bool escaped = false; /* the last thing read was an escape: a second one in a row is an error */
  while (d->i < d->n) {
    size_t i = d->i, left = d->n - i;
    unsigned char a = s[i];
    if (a == 0x1B) {
      int next = -1;
      if (left >= 3 && s[i + 1] == '(') next = s[i + 2] == 'B' ? ASCII : s[i + 2] == 'J' ? ROMAN : s[i + 2] == 'I' ? KATAKANA : -1;
      if (left >= 3 && s[i + 1] == '$' && (s[i + 2] == '@' || s[i + 2] == 'B')) next = PAIR;
      if (next >= 0) {
        state = next;
        if (escaped) put_error(d);
        escaped = true;
        d->i += 3;
      } else {
        put_error(d);
        escaped = false;
        d->i++;
      }
      continue;
    }
    escaped = false;
    d->i++;
    if (state == PAIR) {
      if (a < 0x21 || a > 0x7E) {
        put_error(d);
      } else if (left < 2 || s[i + 1] == 0x1B) {
        put_error(d);
      } else {
        unsigned char b = s[i + 1];
        uint32_t c = b >= 0x21 && b <= 0x7E ? index[(a - 0x21u) * JIS_COLUMNS + (b - 0x21u)] : 0;
        if (c) put(d, c);
        else put_error(d);
        d->i++;
      }
    } else if (state == KATAKANA) {
      if (a >= 0x21 && a <= 0x5F) put(d, 0xFF61u - 0x21 + a);
      else put_error(d);
    } else if (a >= 0x80 || a == 0x0E || a == 0x0F) {
      put_error(d);
    } else {
      put(d, state == ROMAN && a == 0x5C ? 0xA5u : state == ROMAN && a == 0x7E ? 0x203Eu : a);
    }
  }
}

uint64_t charset_decode(struct charset_decoder *decoder, const struct charset *charset, struct slice s, struct buffer *out) {
  (void)decoder;
  uint64_t invalid = 0, nul = 0;
  struct decoding d = {(const unsigned char *)s.data, s.len, 0, out, 0};
  switch (charset->kind) {
    case CHARSET_UTF8:
      if (s.len >= 3 && memcmp(s.data, "\xEF\xBB\xBF", 3) == 0) s = (struct slice){s.data + 3, s.len - 3};
      utf8_sanitize(out, s.data, s.len, &invalid, &nul);
      return invalid;
    case CHARSET_UTF16LE:
    case CHARSET_UTF16BE:
    case CHARSET_UTF32LE:
    case CHARSET_UTF32BE: decode_units(&d, charset->kind); break;
    case CHARSET_SINGLE: decode_single(&d, charset_single[charset->table]); break;
    case CHARSET_GB18030: decode_gb18030(&d); break;
    case CHARSET_BIG5: decode_big5(&d); break;
    case CHARSET_EUC_JP: decode_euc_jp(&d); break;
    case CHARSET_ISO_2022_JP: decode_iso_2022_jp(&d); break;
    case CHARSET_SHIFT_JIS: decode_shift_jis(&d); break;
    case CHARSET_EUC_KR: decode_euc_kr(&d); break;
    case CHARSET_REPLACEMENT:
      if (s.len) put_error(&d);
      break;
  }
  return d.replaced;
}
