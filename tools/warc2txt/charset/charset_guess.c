/* SPDX-License-Identifier: MIT
 *
 * The encoding of a body that does not say, or says wrongly.  Zero bytes tell UTF-16 and UTF-32, escapes ISO-2022-JP, validity
 * UTF-8.  For the rest each candidate, an encoding and a language written in it, is a model of how bytes come about, and
 * the one that makes the bytes at hand most likely wins:
 *
 * - single-byte encodings: each letter given the one before it (charset_models.c), capitals and small letters folded, a capital
 *   within a word and a foreign sign at their price.  Only words with a byte above 0x7F are read, as a count of byte pairs, so that
 *   a candidate costs a look at each different pair.  Visual Hebrew is Hebrew backwards.
 * - multi-byte encodings: how frequent each character is in the language; what is undefined is paid for.
 *
 * All scores are log likelihood ratios to bytes without meaning (any byte above 0x7F: 1 in 128), in quarters of a bit, so that
 * encodings of one and of two bytes compare.  The idea of judging by frequent pairs and of candidates a language each is that
 * of Mozilla's detectors (Li and Momoi 2001, "A composite approach to language/encoding detection"; chardetng).
 */
#include <pthread.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "tools/warc2txt/charset/charset_models.h"
#include "tools/warc2txt/charset/charset_tables.h"

enum {
  SAMPLE_BYTES = 10000,     /* of words with bytes above 0x7F */
  LOOK_BYTES = 1 << 20,     /* within which they are looked for */
  COUNTED = 1 << 14,        /* UTF-8 sequences, right and wrong */
  WORD_TAIL = 24, FEW = 24,
  NULL_HIGH = 28, NULL_LETTER = 18, NULL_BREAK = 10,
  UNDEFINED = 80, UNLISTED = 17 * 4,
  PUNCTUATION_MOST = 28,    /* the models have seen little punctuation */
  BY_DIGIT = 14,            /* a letter beside a digit: ASCII signs and digits are one class */
  BY_LETTER = 8,            /* a character of two bytes beside an ASCII letter */
};

/* ---- single-byte candidates */

static const struct {
  const char *label; /* NULL: IBM855, which is recognised and refused */
  const char *languages;
  int prior;
} families[] = {
  {"windows-1252", "en fr de es pt it nl sv da nb fi is ca sq et", 8},
  {"iso-8859-15", "en fr de es pt it nl sv da nb fi is ca sq et", -400},
  {"macintosh", "en fr de es pt it nl sv da nb fi is ca", -36},
  {"windows-1250", "pl cs sk hu hr sl ro sq", -6},
  {"iso-8859-2", "pl cs sk hu hr sl ro sq", -8},
  {"iso-8859-16", "ro hr pl", -400},
  {"windows-1257", "lt lv et", -12},
  {"iso-8859-13", "lt lv et", -30},
  {"iso-8859-4", "lt lv et", -30},
  {"windows-1254", "tr", -8},
  {"windows-1258", "vi", -12},
  {"windows-1251", "ru bg uk be sr mk", 0},
  {"koi8-r", "ru bg", -4},
  {"koi8-u", "uk be ru", -12},
  {"iso-8859-5", "ru bg uk be sr mk", -16},
  {"ibm866", "ru bg be uk", -24},
  {"x-mac-cyrillic", "ru bg uk be sr mk", -24},
  {NULL, "ru bg sr mk be", -60},
  {"windows-1253", "el", -6},
  {"iso-8859-7", "el", -8},
  {"windows-1255", "he", -6},
  {"iso-8859-8", "he -he", -16},
  {"windows-1256", "ar fa", -6},
  {"iso-8859-6", "ar", -16},
  {"windows-874", "th", -6},
};

enum { CANDIDATES_MAX = 128 };

/* What bytes are in an encoding to a language. */
static struct candidate {
  const struct charset *charset;
  const struct charset_language *language;
  int prior;
  bool visual;
  uint8_t class[256], extra[256], letter_case[256]; /* extra: paid beside the class; case: 1 small, 2 capital */
} candidates[CANDIDATES_MAX];
static int candidate_count;

static uint32_t to_lower(uint32_t c) {
  if (c < 128) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  if (c >= 0xC0 && c <= 0xDE) return c == 0xD7 ? c : c + 32;
  if (c == 0x130) return 'i';
  if (c == 0x178) return 0xFF;
  if ((c >= 0x100 && c < 0x138) || (c >= 0x14A && c < 0x178) || c == 0x1A0 || c == 0x1AF || (c >= 0x218 && c < 0x21C)) return c == 0x1AF ? 0x1B0 : c | 1;
  if ((c >= 0x139 && c < 0x149) || (c >= 0x179 && c < 0x17F)) return c + (c & 1);
  if (c == 0x386) return 0x3AC;
  if (c >= 0x388 && c <= 0x38A) return c + 37;
  if (c == 0x38C) return 0x3CC;
  if (c == 0x38E || c == 0x38F) return c + 63;
  if (c >= 0x391 && c <= 0x3AB) return c + 32;
  if (c >= 0x400 && c < 0x410) return c + 80;
  if (c >= 0x410 && c < 0x430) return c + 32;
  return c == 0x490 ? 0x491 : c;
}

static void describe(struct candidate *k, unsigned byte, uint32_t c) {
  const struct charset_language *l = k->language;
  uint32_t small = to_lower(c);
  bool ascii_letter = small >= 'a' && small <= 'z';
  int class = ascii_letter ? (l->latin ? 3 + (int)(small - 'a') : 3) : c < 128 ? 0 : 2;
  int extra = ascii_letter && !l->latin ? 19 : 0, first = l->latin ? 29 : 4;
  if (class == 2) {
    extra = NULL_HIGH;
    if (c == 0xFFFD || (c >= 0xE000 && c < 0xF900)) extra += UNDEFINED;
    else if (c < 0xA0) extra += 40;
    for (const struct charset_punctuation *p = charset_punctuation; p->code_point; p++)
      if (p->code_point == c) class = 1, extra = p->bits;
    const char *letters = l->letters;
    size_t n = strlen(letters), i = 0;
    for (int letter = first; i < n; letter++) {
      uint32_t u = 0;
      int invalid, length = utf8_decode(letters + i, n - i, &u, &invalid);
      if (u == small) class = letter, extra = 0;
      i += (size_t)(length ? length : 1);
    }
  }
  k->class[byte] = (uint8_t)class;
  k->extra[byte] = (uint8_t)extra;
  if (ascii_letter || class >= first) k->letter_case[byte] = small != c ? 2 : (c < 0x590 || c > 0xE7F) ? 1 : 0;
}

static const struct charset *ibm855(void) { return charset_find(SLICE("ibm855")); }

static void make_candidates(void) {
  for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
    const struct charset *charset = families[f].label ? charset_find(slice_of(families[f].label)) : ibm855();
    const uint16_t *map = charset_single[families[f].label ? charset->table : CHARSET_SINGLE_IBM855];
    for (const char *name = families[f].languages; *name;) {
      size_t n = strcspn(name, " ");
      struct candidate *k = &candidates[candidate_count++];
      k->charset = charset;
      k->prior = families[f].prior;
      k->visual = *name == '-';
      for (const struct charset_language *l = charset_languages; l->name; l++)
        if (slice_equal((struct slice){name + k->visual, n - k->visual}, slice_of(l->name))) k->language = l;
      for (unsigned byte = 0; byte < 256; byte++) describe(k, byte, byte < 128 ? byte : map[byte - 128]);
      name += n + (name[n] == ' ');
    }
  }
}

static bool letter(unsigned c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
static bool digit(unsigned c) { return c >= '0' && c <= '9'; }
static int bits_of(char c) { return c <= 'Z' ? c - 'A' : c - 'a' + 26; }

/* For a pair of bytes in the order of reading. */
static inline int score_pair(const struct candidate *k, unsigned a, unsigned b) {
  static const uint8_t cases[3][3] = {{0, 1, 10}, {0, 0, 44}, {0, 3, 5}}; /* [before][after] */
  int null = b >= 0x80 ? NULL_HIGH : letter(b) ? NULL_LETTER : NULL_BREAK;
  unsigned from = k->class[a], to = k->class[b];
  int bits = bits_of(k->language->bits[from * (unsigned)k->language->classes + to]);
  if (from == 1 || to == 1) bits = bits < PUNCTUATION_MOST ? bits : PUNCTUATION_MOST;
  if ((digit(a) && b >= 0x80 && to > 2) || (digit(b) && a >= 0x80 && from > 2)) bits += BY_DIGIT;
  return null - bits - k->extra[b] - cases[k->letter_case[a]][k->letter_case[b]];
}

/* ---- multi-byte candidates: a score for each pointer */

enum multi { SHIFT_JIS, EUC_JP, GBK, BIG5, EUC_KR, EUC_TW, JOHAB, MULTI_COUNT };

static const struct {
  const char *label;
  enum charset_index index;
  const struct charset_level *levels;
  int prior;
} multis[MULTI_COUNT] = {
  [SHIFT_JIS] = {"shift_jis", INDEX_JIS0208, charset_characters_ja, -4}, [EUC_JP] = {"euc-jp", INDEX_JIS0208, charset_characters_ja, -6},
  [GBK] = {"gbk", INDEX_GB18030, charset_characters_hans, -4},           [BIG5] = {"big5", INDEX_BIG5, charset_characters_hant, -6},
  [EUC_KR] = {"euc-kr", INDEX_EUC_KR, charset_characters_ko, -6},        [EUC_TW] = {"euc-tw", INDEX_EUC_TW, charset_characters_hant, -80},
  [JOHAB] = {"johab", INDEX_JOHAB, charset_characters_ko, -80},
};
static int8_t *multi_scores[MULTI_COUNT]; /* by pointer: -bits of the character, in quarters; 0: undefined */

static void make_multis(void) {
  uint8_t *bits = NEW_ARRAY(uint8_t, 1 << 16);
  for (int m = 0; m < MULTI_COUNT; m++) {
    if (m == EUC_JP) {
      multi_scores[m] = multi_scores[SHIFT_JIS];
      continue;
    }
    memset(bits, 0, 1 << 16);
    for (const struct charset_level *l = multis[m].levels; l->characters; l++)
      for (const char *p = l->characters, *end = p + strlen(p); p < end;) {
        uint32_t c = 0;
        int invalid, n = utf8_decode(p, (size_t)(end - p), &c, &invalid);
        if (c < 1 << 16) bits[c] = (uint8_t)(l->bits * 4);
        p += n ? n : 1;
      }
    bits[0x3000] = bits[0x3000] ? bits[0x3000] : 28;
    size_t count;
    const uint32_t *index = charset_index(multis[m].index, &count);
    multi_scores[m] = NEW_ARRAY(int8_t, count);
    for (size_t p = 0; p < count; p++) {
      uint32_t c = index[p];
      bool private = (c >= 0xE000 && c < 0xF900) || c == 0xFFFD;
      if (c) multi_scores[m][p] = (int8_t)-(c < 1 << 16 && bits[c] ? bits[c] : private ? 88 : UNLISTED);
    }
  }
  free(bits);
}

/* The character at s[i], a byte above 0x7F: its length, and its score or 0 where there is none. */
static inline int multi_character(enum multi m, const unsigned char *s, size_t left, int *score) {
  unsigned a = s[0], b = left > 1 ? s[1] : 0;
  const int8_t *table = multi_scores[m];
  *score = 0;
  switch (m) {
    case SHIFT_JIS:
      if (a >= 0xA1 && a <= 0xDF) return *score = -44, 1;
      if (a == 0x80 || a == 0xA0 || a > 0xFC || b < 0x40 || b == 0x7F || b > 0xFC) return 1;
      *score = table[(a - (a < 0xA0 ? 0x81 : 0xC1)) * 188 + b - (b < 0x7F ? 0x40 : 0x41)];
      return 2;
    case EUC_JP:
      if (a == 0x8E && b >= 0xA1 && b <= 0xDF) return *score = -56, 2;
      if (a == 0x8F && b >= 0xA1 && left > 2 && s[2] >= 0xA1) return *score = -88, 3;
      if (a < 0xA1 || a == 0xFF || b < 0xA1 || b == 0xFF) return 1;
      *score = table[(a - 0xA1) * 94 + b - 0xA1];
      return 2;
    case GBK:
      if (a == 0x80 || a == 0xFF) return 1;
      if (b >= 0x30 && b <= 0x39 && left > 3 && s[2] >= 0x81 && s[3] >= 0x30 && s[3] <= 0x39) return *score = -120, 4;
      if (b < 0x40 || b == 0x7F || b == 0xFF) return 1;
      *score = table[(a - 0x81) * 190 + b - (b < 0x7F ? 0x40 : 0x41)];
      return 2;
    case BIG5:
      if (a == 0x80 || a == 0xFF || b < 0x40 || (b > 0x7E && b < 0xA1) || b == 0xFF) return 1;
      *score = table[(a - 0x81) * 157 + b - (b < 0x7F ? 0x40 : 0x62)];
      return 2;
    case EUC_KR:
      if (a == 0x80 || a == 0xFF || b < 0x41 || b == 0xFF) return 1;
      *score = table[(a - 0x81) * 190 + b - 0x41];
      return 2;
    case EUC_TW:
      if (a == 0x8E && b >= 0xA1 && b <= 0xB0 && left > 3) return *score = -120, 4;
      if (a < 0xA1 || a == 0xFF || b < 0xA1 || b == 0xFF) return 1;
      *score = table[(a - 0xA1) * 94 + b - 0xA1];
      return 2;
    case JOHAB:
      if (a < 0x84 || a > 0xF9 || b < 0x31 || b > 0xFE) return 1;
      *score = table[(a - 0x84) * 206 + b - 0x31];
      return 2;
    case MULTI_COUNT: break;
  }
  return 1;
}

static int64_t score_multi(enum multi m, struct slice sample) {
  const unsigned char *s = (const unsigned char *)sample.data;
  int64_t sum = 0;
  bool behind = false; /* behind a character: s[i - 1] may be its ASCII second byte */
  for (size_t i = 0; i < sample.len;) {
    if (s[i] < 0x80) {
      i++;
      behind = false;
      continue;
    }
    int score, n = multi_character(m, s + i, sample.len - i, &score);
    if (!score) {
      sum -= UNDEFINED;
      if (n == 2 && s[i + 1] < 0x80) n = 1;
    } else {
      sum += score;
      for (int k = 0; k < n; k++) sum += s[i + (size_t)k] >= 0x80 ? NULL_HIGH : NULL_LETTER;
      if (i && letter(s[i - 1]) && s[i - 1] < 0x80 && !behind) sum -= BY_LETTER * (n == 1 ? 2 : 1);
      if (i + (size_t)n < sample.len && letter(s[i + (size_t)n])) sum -= BY_LETTER * (n == 1 ? 2 : 1);
    }
    i += (size_t)n;
    behind = true;
  }
  return sum;
}

/* ---- the sample */

struct charset_decoder {
  struct buffer sample;
  uint32_t *pairs;   /* [before << 8 | after], all zero between calls */
  uint16_t *present; /* pairs that are not 0 */
};

struct charset_decoder *charset_decoder_new(void) { return NEW(struct charset_decoder); }

void charset_decoder_free(struct charset_decoder *d) {
  if (!d) return;
  buffer_release(&d->sample);
  free(d->pairs);
  free(d->present);
  free(d);
}

/* Words that hold a byte above 0x7F, with white space between; outside tags when `tags` is false.  Returns their high bytes. */
static size_t take_sample(struct slice body, bool tags, struct buffer *sample) {
  const unsigned char *s = (const unsigned char *)body.data;
  size_t n = body.len, high = 0, i = 0, last = 0, examined = 0;
  buffer_clear(sample);
  buffer_put(sample, ' ');
  while (i < n && sample->len < SAMPLE_BYTES && examined < LOOK_BYTES) {
    uint64_t word;
    if (s[i] < 0x80 && s[i] != '<') {
      i++;
      while (i + 8 <= n && (memcpy(&word, s + i, 8), (word & 0x8080808080808080u) == 0) && tags) i += 8;
      examined++;
      continue;
    }
    if (s[i] == '<') {
      const unsigned char *close = !tags && i + 1 < n && (letter(s[i + 1]) || s[i + 1] == '/' || s[i + 1] == '!' || s[i + 1] == '?')
                                     ? memchr(s + i, '>', n - i < 4096 ? n - i : 4096) : NULL;
      i = close ? (size_t)(close - s) + 1 : i + 1;
      last = i;
      examined++;
      continue;
    }
    size_t start = i;
    while (start > last && i - start < WORD_TAIL && letter(s[start - 1])) start--;
    size_t end = i, since = 0;
    while (end < n && since < WORD_TAIL && s[end] > 0x20 && s[end] != '<' && sample->len + (end - start) < SAMPLE_BYTES + 4096) {
      if (s[end] >= 0x80) since = 0, high++;
      else since++;
      end++;
    }
    buffer_append(sample, s + start, end - start);
    buffer_put(sample, ' ');
    i = last = end;
  }
  return high;
}

/* ---- encodings that are told by their form */

/* Wide encodings by where the zero bytes are. */
const struct charset *charset_by_zeros(struct slice s) {
  size_t zeros[4] = {0}, n = (s.len < 4096 ? s.len : 4096) / 4 * 4;
  if (n < 8 || !memchr(s.data, 0, n)) return NULL;
  for (size_t i = 0; i < n; i++)
    if (!s.data[i]) zeros[i % 4]++;
  size_t quarter = n / 4;
  if (zeros[0] > quarter * 9 / 10 && zeros[1] > quarter * 9 / 10 && zeros[3] < quarter / 4) return charset_find(SLICE("utf-32be"));
  if (zeros[3] > quarter * 9 / 10 && zeros[2] > quarter * 9 / 10 && zeros[0] < quarter / 4) return charset_find(SLICE("utf-32le"));
  size_t even = zeros[0] + zeros[2], odd = zeros[1] + zeros[3];
  if (even > quarter / 4 && odd * 8 < even) return charset_find(SLICE("utf-16be"));
  if (odd > quarter / 4 && even * 8 < odd) return charset_find(SLICE("utf-16le"));
  return NULL;
}

/* At least three pairs of ~{ and ~} with an even number of printing bytes between, one in two at least. */
static bool is_hz(struct slice s) {
  int runs = 0;
  const char *p = s.data, *end = s.data + s.len;
  while ((p = memchr(p, '~', (size_t)(end - p))) && end - p > 4) {
    if (*++p != '{') continue;
    const char *q = ++p;
    while (q < end && *q >= 0x21 && *q <= 0x7D) q++;
    if (q < end && *q == '~' && q + 1 < end && q[1] == '}' && (q - p) % 2 == 0 && q > p) {
      if (++runs == 3) return true;
    } else {
      return false;
    }
    p = q + 1;
  }
  return false;
}

const struct charset *charset_by_escapes(struct slice s) {
  const char *end = s.data + s.len;
  for (const char *p = s.data; p < end && (p = memchr(p, 0x1B, (size_t)(end - p))); p++) {
    struct slice rest = {p + 1, (size_t)(end - p - 1)};
    bool japanese = slice_starts(rest, SLICE("$B")) || slice_starts(rest, SLICE("$@")) || slice_starts(rest, SLICE("(J")) || slice_starts(rest, SLICE("(I"));
    if (japanese) return charset_find(SLICE("iso-2022-jp"));
    if (slice_starts(rest, SLICE("$)C")) || slice_starts(rest, SLICE("$)A")) || slice_starts(rest, SLICE("$)G"))) return charset_find(SLICE("iso-2022-kr"));
  }
  if (s.len && is_hz(s)) return charset_find(SLICE("hz-gb-2312"));
  if (slice_starts(s, SLICE("+/v8")) || slice_starts(s, SLICE("+/v9"))) return charset_find(SLICE("utf-7"));
  return NULL;
}

void charset_count_utf8(struct slice s, size_t *good, size_t *wrong) {
  *good = *wrong = 0;
  for (size_t i = 0; i < s.len && *good + *wrong < COUNTED;) {
    uint64_t word;
    while (i + 8 <= s.len && (memcpy(&word, s.data + i, 8), (word & 0x8080808080808080u) == 0)) i += 8;
    for (; i < s.len && !(s.data[i] & 0x80); i++) continue;
    if (i == s.len) return;
    uint32_t code_point;
    int invalid, n = utf8_decode(s.data + i, s.len - i, &code_point, &invalid);
    if (n) ++*good;
    else ++*wrong;
    i += (size_t)(n ? n : invalid > 0 ? invalid : 1);
  }
}

/* ---- the judgement */

const struct charset *charset_guess(struct charset_decoder *d, struct slice body, const struct charset *declared) {
  static pthread_once_t once_candidates = PTHREAD_ONCE_INIT, once_multis = PTHREAD_ONCE_INIT;
  const struct charset *utf8 = charset_find(SLICE("utf-8"));
  if (body.len == 0) return declared ? declared : utf8;
  if (!declared) {
    const struct charset *told = charset_by_zeros(body);
    size_t good, wrong;
    charset_count_utf8(body, &good, &wrong);
    if (!told && good + wrong == 0) told = charset_by_escapes(body);
    if (told) return told;
    if (wrong * 10 <= good) return utf8;
  }
  size_t high = take_sample(body, false, &d->sample);
  if (high < FEW) high = take_sample(body, true, &d->sample);
  if (high == 0) return declared ? declared : utf8;
  pthread_once(&once_candidates, make_candidates);
  pthread_once(&once_multis, make_multis);

  if (!d->pairs) d->pairs = NEW_ARRAY(uint32_t, 1 << 16), d->present = NEW_ARRAY(uint16_t, 1 << 16);
  const unsigned char *s = (const unsigned char *)d->sample.data;
  size_t present = 0, joined = 0; /* bytes beside letters: words, not tables of characters */
  for (size_t i = 1; i < d->sample.len; i++) {
    joined += s[i] >= 0x80 && (s[i - 1] >= 0x80 || letter(s[i - 1]) || (i + 1 < d->sample.len && (s[i + 1] >= 0x80 || letter(s[i + 1]))));
    unsigned pair = (unsigned)s[i - 1] << 8 | s[i];
    if (pair >> 8 < 128 && !letter(s[i - 1]) && s[i] < 128 && !letter(s[i])) continue;
    if (d->pairs[pair]++ == 0) d->present[present++] = (uint16_t)pair;
  }
  const struct charset *best = NULL;
  int64_t best_score = 0, declared_score = 0;
  bool declared_known = false;
  for (int c = 0; c < candidate_count; c++) {
    const struct candidate *k = &candidates[c];
    int64_t score = 0;
    for (size_t i = 0; i < present; i++) {
      unsigned a = d->present[i] >> 8, b = d->present[i] & 255;
      score += (int64_t)d->pairs[d->present[i]] * (k->visual ? score_pair(k, b, a) : score_pair(k, a, b));
    }
    if (declared && (k->charset == declared || (declared->kind == CHARSET_SINGLE && k->charset->kind == CHARSET_SINGLE &&
                                                memcmp(charset_single[k->charset->table], charset_single[declared->table], sizeof charset_single[0]) == 0))) {
      if (!declared_known || score > declared_score) declared_score = score;
      declared_known = true;
    }
    score += k->prior;
    if (!best || score > best_score) best = k->charset, best_score = score;
  }
  for (size_t i = 0; i < present; i++) d->pairs[d->present[i]] = 0;
  for (int m = 0; m < MULTI_COUNT; m++) {
    const struct charset *charset = charset_find(slice_of(multis[m].label));
    int64_t score = score_multi((enum multi)m, buffer_slice(&d->sample));
    if (declared && charset->kind == declared->kind && declared->kind != CHARSET_REPLACEMENT) declared_score = score, declared_known = true;
    score += multis[m].prior;
    if (score > best_score) best = charset, best_score = score;
  }
  if (!declared) return best;
  if (!declared_known || best->kind == CHARSET_REPLACEMENT || joined * 2 < high) return declared;
  bool careless = strcmp(declared->name, "windows-1252") == 0; /* the label that servers add unasked */
  int64_t margin = careless ? 48 + (int64_t)high : 64 + (int64_t)high * 4;
  return best_score - declared_score > margin ? best : declared;
}
