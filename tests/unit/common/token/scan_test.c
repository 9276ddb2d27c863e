/* SPDX-License-Identifier: MIT
 *
 * The hand-written scanners at every SIMD level against a matcher that tries the pattern's alternatives one by one, with
 * characters and classes from utf8proc.  Texts end at a page that may not be read, and `ends` at one that may not be
 * written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utf8proc.h>

#include "common/base/simd.h"
#include "common/token/scan.h"
#include "common/token/scan_block.h"
#include "tests/tap.h"

/* ---- the reference -------------------------------------------------------------------------------------------------- */

enum { OTHER, LETTER, NUMBER, WHITE };
enum { TEXT_LIMIT = 1 << 12 };

struct text {
  int count;
  int32_t u[TEXT_LIMIT];       /* code points; -1: an invalid byte */
  uint8_t kind[TEXT_LIMIT];
  uint32_t begin[TEXT_LIMIT + 1];
};

static int kind_of(int32_t u) {
  if (u < 0) return OTHER;
  if ((u >= 9 && u <= 13) || u == 0x85) return WHITE;
  switch (utf8proc_category(u)) {
  case UTF8PROC_CATEGORY_LU: case UTF8PROC_CATEGORY_LL: case UTF8PROC_CATEGORY_LT: case UTF8PROC_CATEGORY_LM: case UTF8PROC_CATEGORY_LO: return LETTER;
  case UTF8PROC_CATEGORY_ND: case UTF8PROC_CATEGORY_NL: case UTF8PROC_CATEGORY_NO: return NUMBER;
  case UTF8PROC_CATEGORY_ZS: case UTF8PROC_CATEGORY_ZL: case UTF8PROC_CATEGORY_ZP: return WHITE;
  default: return OTHER;
  }
}

static void decode(struct text *t, const uint8_t *s, size_t n) {
  t->count = 0;
  for (size_t i = 0; i < n;) {
    utf8proc_int32_t u;
    utf8proc_ssize_t length = utf8proc_iterate(s + i, (utf8proc_ssize_t)(n - i), &u);
    if (length < 1) length = 1, u = -1;
    t->begin[t->count] = (uint32_t)i;
    t->u[t->count] = u;
    t->kind[t->count++] = (uint8_t)kind_of(u);
    i += (size_t)length;
  }
  t->begin[t->count] = (uint32_t)n;
}

static int many(const struct text *t, int i, int kind) {
  while (i < t->count && t->kind[i] == kind) i++;
  return i;
}

static bool newline(const struct text *t, int i) { return i < t->count && (t->u[i] == '\r' || t->u[i] == '\n'); }

static bool is(const struct text *t, int i, char lower, bool any_case) {
  if (i >= t->count) return false;
  if (t->u[i] == lower) return true;
  return any_case && (t->u[i] == lower - 32 || (lower == 's' && t->u[i] == 0x17F));
}

static int apostrophe(const struct text *t, int i, bool any_case) {
  if (t->u[i] != '\'') return i;
  static const char *const tails[] = {"s", "d", "m", "t", "ll", "ve", "re"};
  for (int k = 0; k < 7; k++)
    if (is(t, i + 1, tails[k][0], any_case) && (!tails[k][1] || is(t, i + 2, tails[k][1], any_case))) return i + 1 + (int)strlen(tails[k]);
  return i;
}

/* \s+(?!\S)|\s+ */
static int white(const struct text *t, int i) {
  int stop = many(t, i, WHITE);
  for (int k = stop; k > i; k--)
    if (k == t->count || t->kind[k] == WHITE) return k;
  return stop;
}

static int match_gpt2(const struct text *t, int i) {
  int stop = apostrophe(t, i, false);
  if (stop > i) return stop;
  static const int kinds[] = {LETTER, NUMBER, OTHER};
  for (int k = 0; k < 3; k++) {
    int from = t->u[i] == ' ' ? i + 1 : i;
    stop = many(t, from, kinds[k]);
    if (stop > from) return stop;
  }
  return white(t, i);
}

static int match_cl100k(const struct text *t, int i, int digits, bool tail) {
  int stop = apostrophe(t, i, true);
  if (stop > i) return stop;
  bool joins = t->kind[i] != LETTER && t->kind[i] != NUMBER && !newline(t, i);
  for (int from = joins ? i + 1 : i; from >= i; from--) {
    stop = many(t, from, LETTER);
    if (stop > from) return stop;
  }
  stop = many(t, i, NUMBER);
  if (stop > i) return stop < i + digits ? stop : i + digits;
  int from = t->u[i] == ' ' ? i + 1 : i;
  stop = many(t, from, OTHER);
  if (stop > from) {
    while (newline(t, stop)) stop++;
    return stop;
  }
  stop = many(t, i, WHITE);
  if (tail && stop == t->count) return stop;
  for (int k = stop; k > i; k--)
    if (newline(t, k - 1)) return k;
  return white(t, i);
}

struct subject {
  const char *name;
  scan_function *scan;
  struct pattern pattern;
};
static const struct subject subjects[] = {
  {"gpt2", scan_gpt2, {.kind = PATTERN_GPT2}},
  {"cl100k", scan_cl100k, {.kind = PATTERN_CL100K, .digits = 3, .tail = true}},
  {"Llama 3's", scan_cl100k, {.kind = PATTERN_CL100K, .digits = 3, .tail = false}},
  {"two digits at most", scan_cl100k, {.kind = PATTERN_CL100K, .digits = 2, .tail = false}},
  {"Qwen 2's", scan_cl100k, {.kind = PATTERN_CL100K, .digits = 1, .tail = false}},
  {"one digit and a tail", scan_cl100k, {.kind = PATTERN_CL100K, .digits = 1, .tail = true}},
};
enum { SUBJECTS = sizeof subjects / sizeof subjects[0] };

static int reference(const struct subject *s, const struct text *t, uint32_t *ends) {
  int count = 0;
  for (int i = 0; i < t->count;) {
    i = s->pattern.kind == PATTERN_GPT2 ? match_gpt2(t, i) : match_cl100k(t, i, s->pattern.digits, s->pattern.tail);
    ends[count++] = t->begin[i];
  }
  return count;
}

/* ---- pages that fault ----------------------------------------------------------------------------------------------- */

static uint8_t *guarded(size_t n) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (n + page - 1) / page * page;
  uint8_t *p = mmap(NULL, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED || mprotect(p + pages, page, PROT_NONE)) abort();
  return p + pages; /* its end */
}

static uint8_t *text_stop;   /* texts end here */
static uint32_t *ends_stop;

/* All pieces of s[0 .. n) in calls of `max`; how many. */
static int scan_all(const struct subject *s, const uint8_t *text, size_t n, int max, uint32_t *out) {
  int count = 0;
  uint32_t *ends = ends_stop - max;
  for (size_t at = 0; at < n;) {
    int got = s->scan(&s->pattern, text + at, n - at, ends, max);
    if (got < 1 || got > max) return -1;
    for (int i = 0; i < got; i++) out[count++] = (uint32_t)at + ends[i];
    if (out[count - 1] <= at || out[count - 1] > n) return -1;
    at = out[count - 1];
  }
  return count;
}

static struct text decoded;
static uint32_t want[TEXT_LIMIT], got[2 * TEXT_LIMIT];

static void show(const struct subject *s, const uint8_t *text, size_t n, int max, int count, int wanted) {
  static char line[5 * TEXT_LIMIT];
  char *p = line;
  for (size_t i = 0; i < n; i++) p += text[i] > ' ' && text[i] < 0x7F ? sprintf(p, "%c", text[i]) : sprintf(p, "<%02X>", text[i]);
  note("%s, %s, max %d, %zu bytes: %s", s->name, simd_name(simd_level()), max, n, line);
  for (int i = 0; i < count || i < wanted; i++)
    if (i >= count || i >= wanted || got[i] != want[i]) {
      note("piece %d of %d ends at %d, wanted %d of %d", i, count, i < count ? (int)got[i] : -1, i < wanted ? (int)want[i] : -1, wanted);
      return;
    }
}

/* Compares this text at all levels and sizes of calls. */
static bool same(const uint8_t *bytes, size_t n) {
  static const int sizes[] = {1, 127, 128, 129, 256};
  uint8_t *text = text_stop - n;
  memcpy(text, bytes, n);
  decode(&decoded, text, n);
  for (int k = 0; k < SUBJECTS; k++) {
    int wanted = reference(&subjects[k], &decoded, want);
    for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
      if (simd_force(level) != level) continue;
      for (int m = 0; m < 5; m++) {
        if (level == SIMD_SCALAR && m > 1) continue;
        int count = scan_all(&subjects[k], text, n, sizes[m], got);
        if (count == wanted && memcmp(got, want, sizeof *want * (size_t)wanted) == 0) continue;
        show(&subjects[k], text, n, sizes[m], count, wanted);
        return false;
      }
    }
  }
  return true;
}

/* ---- texts ---------------------------------------------------------------------------------------------------------- */

static uint64_t state = 88172645463325252u;
static unsigned any(unsigned n) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (unsigned)(state >> 33) % n;
}

/* Kinds of units; a text's mixture gives each a weight. */
static const char *const units[][12] = {
  {"a", "b", "s", "t", "m", "d", "l", "e", "v", "r", "z", "k"},
  {"A", "S", "T", "M", "D", "L", "E", "V", "R", "Z", "Q", "X"},
  {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "1"},
  {" ", " ", " ", " ", "  ", "   ", "        ", " ", " ", " ", " ", " "},
  {"\n", "\n", "\r\n", "\r", "\n\n", "\t", "\v", "\f", "\t", "\n", "\n", "\r\n"},
  {".", ",", "(", ")", "!", "/", "\"", "{", "}", "_", "<", "="},
  {"'", "'", "'s", "'S", "'ll", "'Re", "'vE", "'\u017F", "'d", "'t", "'m", "''"},
  {"\u00E9", "\u00C9", "\u0436", "\u0416", "\u03B1", "\u05D0", "\u0627", "\u017F", "\u00B5", "\u0131", "\u0251", "\u07FA"},
  {"\u4E2D", "\u6587", "\u3042", "\u30AB", "\uAC00", "\u0915", "\u0E01", "\u1E9E", "\uFB01", "\uFF21", "\u9FA5", "\u10A0"},
  {"\U00020000", "\U0001D400", "\U00010400", "\U0001F600", "\U0001F468", "\U000E0100", "\U00010330", "\U0001D7CE", "\U0002A6D6", "\U0010FFFD", "\U00030000", "\U00010000"},
  {"\u00B2", "\u00BD", "\u0660", "\u0967", "\u2160", "\u3007", "\uFF11", "\U0001D7CE", "\u2460", "\u0E50", "\u09E6", "\U00010140"},
  {"\u00A0", "\u3000", "\u2028", "\u2003", "\xC2\x85", "\u1680", "\u205F", "\u202F", "\u2000", "\u00A0", "\u3000", "\u2029"},
  {"\u3002", "\uFF0C", "\u2019", "\u2014", "\u20AC", "\u0301", "\u200B", "\u093F", "\u00AB", "\uFFFD", "\u180E", "\u2764\uFE0F"},
  {"\x80", "\xFF", "\xC3", "\xE4\xB8", "\xF0\x9F\x98", "\xC0\xAF", "\xED\xA0\x80", "\xE0\x80\x80", "\xF4\x90\x80\x80", "\xBF", "\xF5\x80\x80\x80", "\xF0\x80\x80\x80"},
};
enum { KINDS = sizeof units / sizeof units[0] };

static size_t mixture(uint8_t *out, size_t n) {
  unsigned weights[KINDS], sum = 0;
  unsigned few = any(3);
  for (int k = 0; k < KINDS; k++) sum += weights[k] = any(few ? 6 : 2) ? 0 : 1 + any(8);
  if (sum == 0) sum += weights[any(KINDS)] = 1;
  unsigned long_runs = any(4);
  size_t at = 0;
  while (at < n) {
    unsigned x = any(sum), k = 0;
    while (x >= weights[k]) x -= weights[k++];
    unsigned times = long_runs == 0 ? 1 + any(20) : long_runs == 1 && any(8) == 0 ? 1 + any(150) : 1;
    const char *unit = units[k][any(12)];
    while (times-- && at < n) {
      size_t length = strlen(unit);
      if (length > n - at) length = n - at; /* cuts characters at the end, too */
      memcpy(out + at, unit, length);
      at += length;
      if (any(2)) unit = units[k][any(12)];
    }
  }
  return n;
}

/* ---- masks ---------------------------------------------------------------------------------------------------------- */

/* Walks text in blocks and compares every mask with classes_bits_at(). */
#define WALK(level, target) \
  target static bool walk_##level(const uint8_t *p, const uint8_t *end, bool cases) { \
    const struct classes *c = classes_get(); \
    while (p < end) { \
      struct scan_bytes_##level v = scan_load_##level(p, end); \
      struct scan_block b = cases ? scan_classify_##level(c, p, end, &v, true) : scan_classify_##level(c, p, end, &v, false); \
      if (!walked(c, p, end, &b, cases)) return false; \
      p += b.length; \
    } \
    return true; \
  }

static bool walked(const struct classes *c, const uint8_t *p, const uint8_t *end, const struct scan_block *b, bool cases) {
  struct scan_block w = {0};
  unsigned at = 0, length;
  size_t left = (size_t)(end - p);
  while (at < 64 && at < left) {
    unsigned bits = classes_bits_at(c, p + at, end, &length);
    if (at + length > 64) break;
    uint64_t all = (length == 64 ? ~UINT64_C(0) : (UINT64_C(1) << length) - 1) << at, first = UINT64_C(1) << at;
    *((bits & CLASS_MASK) == CLASS_LETTER ? &w.letter : (bits & CLASS_MASK) == CLASS_NUMBER ? &w.number : (bits & CLASS_MASK) == CLASS_SPACE ? &w.white : &w.other) |= all;
    w.inner |= all & ~first;
    if (cases && bits & CASE_HEAD) w.head |= all;
    if (cases && bits & CASE_TAIL) w.tail |= all;
    at += length;
  }
  /* A lead at the end may be left to the next block even when it turns out to be alone. */
  uint64_t all = b->length >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << b->length) - 1;
  bool length_fine = b->length == at || (b->length >= 61 && b->length < at && p[b->length] >= 0xC2 && left > 64);
  bool fine = length_fine && b->letter == (w.letter & all) && b->number == (w.number & all) && b->white == (w.white & all);
  fine = fine && b->other == (w.other & all) && b->inner == (w.inner & all);
  return fine && (!cases || (b->head == (w.head & all) && b->tail == (w.tail & all)));
}

#ifdef __x86_64__
WALK(avx512, SIMD_TARGET_AVX512)
WALK(avx2, SIMD_TARGET_AVX2)
#endif

static bool walk(enum simd level, const uint8_t *p, const uint8_t *end, bool cases) {
#ifdef __x86_64__
  if (level == SIMD_AVX512) return walk_avx512(p, end, cases);
  if (level == SIMD_AVX2) return walk_avx2(p, end, cases);
#endif
  (void)p, (void)end, (void)cases;
  return level == SIMD_SCALAR;
}

static size_t encode(uint8_t *out, uint32_t u) {
  if (u < 0x80) return out[0] = (uint8_t)u, 1;
  if (u < 0x800) return out[0] = (uint8_t)(0xC0 | u >> 6), out[1] = (uint8_t)(0x80 | (u & 63)), 2;
  if (u < 0x10000) return out[0] = (uint8_t)(0xE0 | u >> 12), out[1] = (uint8_t)(0x80 | (u >> 6 & 63)), out[2] = (uint8_t)(0x80 | (u & 63)), 3;
  return out[0] = (uint8_t)(0xF0 | u >> 18), out[1] = (uint8_t)(0x80 | (u >> 12 & 63)), out[2] = (uint8_t)(0x80 | (u >> 6 & 63)), out[3] = (uint8_t)(0x80 | (u & 63)), 4;
}

static void masks(void) {
  /* Every code point in order, surrogates as the invalid bytes that they are; and in an order that mixes lengths. */
  uint8_t *every = malloc(4 * 0x110000), *mixed = malloc(4 * 0x110000);
  size_t n = 0, m = 0;
  for (uint32_t u = 0; u < 0x110000; u++) {
    n += encode(every + n, u);
    uint32_t x = (uint32_t)((uint64_t)u * 7919 % 0x110000);
    m += encode(mixed + m, u % 3 == 0 ? x : x % 0x3000);
  }
  for (enum simd level = SIMD_AVX2; level <= SIMD_AVX512; level++) {
    if (simd_force(level) != level) {
      skip("the CPU lacks it", simd_name(level));
      continue;
    }
    for (int cases = 0; cases < 2; cases++) {
      ok(walk(level, every, every + n, cases), "%s: masks of all code points%s", simd_name(level), cases ? " with cases" : "");
      ok(walk(level, mixed, mixed + m, cases), "%s: masks of code points of all lengths mixed%s", simd_name(level), cases ? " with cases" : "");
      for (size_t i = 0; i < 1 << 20; i++) every[i] = (uint8_t)(any(3) ? 0x80 | any(128) : any(256));
      ok(walk(level, every, every + (1 << 20), cases), "%s: masks of random bytes%s", simd_name(level), cases ? " with cases" : "");
      n = 0;
      for (uint32_t u = 0; u < 0x110000; u++) n += encode(every + n, u);
    }
  }
  free(every);
  free(mixed);
}

/* ---- long runs ------------------------------------------------------------------------------------------------------ */

/* A mebibyte of one unit, between words: every level finds the scalar code's pieces, in calls of any size. */
static void long_runs(void) {
  static const char *const runs[] = {"a", " ", "\n", "7", "=", "'", "'s", "\r\n", " \n", "\t ", "ab ", "a1", "1 ", "!\n", "\u4E2D", "\u3000", "\u0661", "\U0001F600", "\xFF", " \u00A0"};
  size_t n = (1 << 20) + 9, limit = 2 << 20;
  uint8_t *text = malloc(n);
  uint32_t *right = malloc(limit * sizeof *right), *found = malloc(limit * sizeof *found);
  for (size_t r = 0; r < sizeof runs / sizeof *runs; r++) {
    size_t length = strlen(runs[r]);
    for (size_t i = 0; i < n; i++) text[i] = (uint8_t)(i < 5 ? "word."[i] : i > n - 4 ? "end"[i - (n - 3)] : runs[r][(i - 5) % length]);
    bool fine = true;
    for (int k = 0; k < SUBJECTS; k++) {
      simd_force(SIMD_SCALAR);
      int wanted = scan_all(&subjects[k], text, n, 256, right);
      for (enum simd level = SIMD_AVX2; level <= SIMD_AVX512; level++)
        if (simd_force(level) == level) {
          int count = scan_all(&subjects[k], text, n, level == SIMD_AVX2 ? 256 : 128, found);
          fine = fine && count == wanted && memcmp(found, right, sizeof *right * (size_t)wanted) == 0;
        }
    }
    ok(fine, "a mebibyte of 0x%02x and %zu more bytes again and again", (unsigned char)runs[r][0], length - 1);
  }
  free(text);
  free(right);
  free(found);
}

int main(void) {
  text_stop = guarded(TEXT_LIMIT);
  ends_stop = (uint32_t *)(void *)guarded(sizeof(uint32_t) * 256);
  static uint8_t text[TEXT_LIMIT];
  for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
    if (simd_force(level) == level) ok(true, "the level %s runs here", simd_name(level));
    else skip("the CPU lacks it", simd_name(level));
  }

  bool fine = true;
  for (size_t n = 1; n <= 200 && fine; n++)
    for (int i = 0; i < 40 && fine; i++) fine = same(text, mixture(text, n));
  ok(fine, "mixtures of every length up to 200 bytes are cut as the patterns say");
  for (int i = 0; i < 3000 && fine; i++) fine = same(text, mixture(text, 1 + any(1500)));
  ok(fine, "mixtures of up to 1500 bytes are cut as the patterns say");

  /* One unit of every kind at every offset of a block, in every surrounding. */
  static const char *const around[] = {"a", " ", "\n", "7", "!", "'", "\u4E2D", "\u00A0", "\x80", " a", "\r\n", "ab ", "1 "};
  fine = true;
  for (size_t before = 0; before < sizeof around / sizeof *around && fine; before++)
    for (int k = 0; k < KINDS && fine; k++)
      for (size_t offset = 50; offset <= 70 && fine; offset++) {
        size_t at = 0;
        for (; at < offset; at++) text[at] = (uint8_t)around[before][at % strlen(around[before])];
        const char *unit = units[k][any(12)];
        size_t length = strlen(unit);
        memcpy(text + at, unit, length);
        at += length;
        fine = same(text, at);
        const char *behind = around[any(sizeof around / sizeof *around)];
        for (int i = 0; i < 40; i++) text[at++] = (uint8_t)behind[(size_t)i % strlen(behind)];
        fine = fine && same(text, at);
      }
  ok(fine, "a character or contraction of any kind at every offset around a block's end, in all surroundings");

  /* Bytes at random, and of few values. */
  fine = true;
  for (int i = 0; i < 2000 && fine; i++) {
    size_t n = 1 + any(400);
    static const uint8_t values[] = {0xE4, 0xB8, 0xAD, 0xF0, 0x9F, 0x80, 0xC5, 0xBF, '\'', 's', ' ', '\n', 0xED, 0xA0, 0x90, 0xC2};
    for (size_t k = 0; k < n; k++) text[k] = i % 2 ? (uint8_t)any(256) : values[any(16)];
    decode(&decoded, text, n);
    bool assigned = true; /* utf8proc may be older than the classes' tables */
    for (int k = 0; k < decoded.count; k++) assigned = assigned && (decoded.u[k] < 0 || utf8proc_category(decoded.u[k]) != UTF8PROC_CATEGORY_CN);
    if (assigned) fine = same(text, n);
  }
  ok(fine, "random bytes are cut as the patterns say");
  masks();
  long_runs();
  return tap_done();
}
