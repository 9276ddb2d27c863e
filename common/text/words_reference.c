/* SPDX-License-Identifier: MIT
 *
 * spaCy's rules for affixes and infixes (lang/punctuation.py, lang/en/punctuation.py; MIT licence) as scanners over the
 * classes of words_reference_tables.h, and what becomes of exceptions that the rules have cut (tokenizer.pyx).
 *
 * One blank between chunks is no token; any other white space is one, which datatrove drops.  It still parts the tokens
 * around it, so two words follow each other in spaCy's eyes when nothing or one blank stands between them.
 */
#include "common/text/words_reference.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/text/unicode.h"
#include "common/text/words_blocks.h"
#include "common/text/words_reference_tables.h"

struct splitter {
  struct word_list *list;
  struct slice whole;
  const char *text; /* of whole */
  const uint16_t *classes;
  struct words_bitmaps maps;
  struct word *suffixes; /* of the chunk in hand, the last one first */
  size_t suffix_capacity;
  struct word *rows; /* of tokens that spell an exception; for words_reference_join */
  size_t row_count, row_capacity;
};

static inline void add(struct word_list *list, size_t start, size_t end) {
  GROW(list->words, list->capacity, list->count + 1);
  list->words[list->count++] = (struct word){(uint32_t)start, (uint32_t)(end - start)};
}

static inline bool is_ascii_digit(uint32_t c) { return c - '0' < 10; }

/* The code point that ends at `at` > low. */
static inline uint32_t decode_before(const char *text, size_t low, size_t at, size_t *start) {
  size_t s = at - 1;
  while (s > low && ((uint8_t)text[s] & 0xC0) == 0x80) s--;
  int length;
  *start = s;
  return unicode_decode(text + s, &length);
}

static size_t prefix_length(const struct splitter *s, size_t low, size_t high) {
  const char *p = s->text + low;
  size_t n = high - low;
  switch (*p) {
    case '.': {
      size_t dots = 1;
      while (dots < n && p[dots] == '.') dots++;
      return dots > 1 ? dots : 0;
    }
    case '+': return n > 1 && is_ascii_digit((uint8_t)p[1]) ? 0 : 1;
    case 'U':
      if (n > 2 && p[1] == 'S' && p[2] == '$') return 3;
      return 0;
    case 'A':
    case 'C': return n > 1 && p[1] == '$' ? 2 : 0;
    default: break;
  }
  int length;
  uint32_t c = unicode_decode(p, &length);
  return words_reference_class(s->classes, c) & WR_PREFIX ? (size_t)length : 0;
}

static int compare_unit(const void *key, const void *element) {
  const struct slice *s = key;
  const char *unit = *(const char *const *)element;
  size_t n = strlen(unit);
  int order = memcmp(s->data, unit, s->len < n ? s->len : n);
  return order ? order : (s->len > n) - (s->len < n);
}

/* A unit or currency behind a digit: from the digit to the end. */
static size_t unit_length(const struct splitter *s, size_t low, size_t high) {
  enum { UNIT_MAX = 5 }; /* code points */
  size_t at = high;
  for (int i = 0; i <= UNIT_MAX && at > low; i++) {
    size_t start;
    uint32_t c = decode_before(s->text, low, at, &start);
    if (is_ascii_digit(c)) {
      struct slice unit = {s->text + at, high - at};
      bool found = i && bsearch(&unit, words_reference_units, words_reference_unit_count, sizeof *words_reference_units, compare_unit);
      return found ? unit.len : 0;
    }
    at = start;
  }
  return 0;
}

/* A full stop at the end comes off. */
static bool stop_comes_off(const struct splitter *s, size_t low, size_t at) {
  if (at == low) return false;
  size_t start, before;
  uint32_t c = decode_before(s->text, low, at, &start);
  uint16_t class = words_reference_class(s->classes, c);
  if (class & WR_BEFORE_STOP) return true;
  if (start == low) return false;
  uint32_t b = decode_before(s->text, low, start, &before);
  if ((class & WR_UPPER) && (words_reference_class(s->classes, b) & WR_UPPER)) return true;
  return b == 0xB0 && c < 0x80 && strchr("FfCcKk", (int)c) != NULL;
}

/* The longest that matches: Python's search finds the leftmost.  units: the chunk has digits. */
static size_t suffix_length(const struct splitter *s, size_t low, size_t high, bool units) {
  if (low == high) return 0;
  const char *text = s->text;
  size_t start;
  uint32_t c = decode_before(text, low, high, &start);
  if (c == '.') {
    size_t first = start;
    while (first > low && text[first - 1] == '.') first--;
    if (first < start) return high - first;
    return stop_comes_off(s, low, start) ? 1 : 0;
  }
  uint16_t class = words_reference_class(s->classes, c);
  size_t before;
  if (c == 0x2026 && start > low && decode_before(text, low, start, &before) == c) return high - before;
  if (class & WR_SUFFIX) return high - start;
  if (c == 's' || c == 'S') {
    if (start > low && text[start - 1] == '\'') return 2;
    if (start >= low + 3 && memcmp(text + start - 3, "\u2019", 3) == 0) return 4;
  }
  if (c == '+') return start > low && is_ascii_digit((uint8_t)text[start - 1]) ? 1 : 0;
  return units ? unit_length(s, low, high) : 0;
}

/* Length of the infix at `at`, before which a code point of class `before` stands (0: none). */
static inline size_t infix_length(const struct splitter *s, size_t at, size_t high, uint32_t c, int length, uint16_t class, uint16_t before, bool digit) {
  const char *text = s->text;
  size_t next = at + (size_t)length;
  if (class & WR_INFIX) return (size_t)length;
  if (c == '.') {
    size_t end = next;
    while (end < high && text[end] == '.') end++;
    if (end > next) return end - at;
  }
  if (next == high) return 0;
  int next_length;
  uint32_t after = unicode_decode(text + next, &next_length);
  uint16_t after_class = words_reference_class(s->classes, after);
  switch (c) {
    case '.': return (before & (WR_LOWER | WR_QUOTE)) && (after_class & (WR_UPPER | WR_QUOTE)) ? 1 : 0;
    case ',': return (before & WR_ALPHA) && (after_class & WR_ALPHA) ? 1 : 0;
    case ':':
    case '<':
    case '>':
    case '=':
    case '/': return (digit || (before & WR_ALPHA)) && (after_class & WR_ALPHA) ? 1 : 0;
    case '+':
    case '*':
    case '^': return digit && (is_ascii_digit(after) || after == '-') ? 1 : 0;
    case '-':
      if (digit && (is_ascii_digit(after) || after == '-')) return 1;
      break;
    case '~':
    case 0x2013:
    case 0x2014: break;
    default: return 0;
  }
  if (!digit && !(before & WR_ALPHA)) return 0;
  if (after_class & WR_ALPHA) return (size_t)length;
  /* --, --- and a double U+2014 */
  size_t dashes = c == '-' ? 3 : c == 0x2014 ? 2 : 1, end = next;
  for (size_t i = 1; i < dashes; i++) {
    if (end + (size_t)length > high || memcmp(text + end, text + at, (size_t)length) != 0) return 0;
    end += (size_t)length;
    if (end == high) return 0;
    after = unicode_decode(text + end, &next_length);
    if (words_reference_class(s->classes, after) & WR_ALPHA) return end - at;
  }
  return 0;
}

/* The first code point from `at` on that may be an infix: what is neither a letter of the bitmap nor a digit. */
static inline size_t next_mark(const struct splitter *s, size_t at, size_t high) {
  while (at < high) {
    uint64_t marks = ~(words_bits(s->maps.letter, at) | words_bits(s->maps.digit, at));
    if (marks) return at + (size_t)__builtin_ctzll(marks) < high ? at + (size_t)__builtin_ctzll(marks) : high;
    at += 64;
  }
  return high;
}

static void cut_at_infixes(struct splitter *s, size_t low, size_t high) {
  size_t start = low, known = low; /* the code point before `known` has class `before` */
  uint16_t before = 0;
  bool digit = false;
  for (size_t at = low; (at = next_mark(s, at, high)) < high;) {
    int length;
    uint32_t c = unicode_decode(s->text + at, &length);
    uint16_t class = words_reference_class(s->classes, c);
    size_t n = 0;
    if (!(class & WR_ALPHA) || (class & WR_INFIX)) {
      if (at != known) { /* a letter or digit */
        size_t last;
        uint32_t b = decode_before(s->text, low, at, &last);
        before = s->classes[b];
        digit = is_ascii_digit(b);
      }
      n = infix_length(s, at, high, c, length, class, before, digit);
    }
    if (n && at != low) { /* one at the front is part of what follows */
      if (at > start) add(s->list, start, at);
      add(s->list, at, at + n);
      start = at + n;
    }
    at += n > (size_t)length ? n : (size_t)length; /* the last code point of a longer one is like its first */
    known = at;
    before = class;
    digit = false;
  }
  if (start < high) add(s->list, start, high);
}

static inline int exception(const struct splitter *s, size_t low, size_t high, const uint8_t **lengths) {
  uint64_t key = words_reference_key(s->text + low, high - low, s->whole.len - low);
  return words_reference_may_be_exception(key, high - low) ? words_reference_exception(s->text + low, high - low, lengths) : 0;
}

/* Whether a bit is set for one of the bytes [low, high). */
static inline bool any(const uint64_t *map, size_t low, size_t high) {
  for (; low + 64 < high; low += 64)
    if (words_bits(map, low)) return true;
  return high > low && words_bits(map, low) & (~(uint64_t)0 >> (64 - (high - low)));
}

static __attribute__((noinline)) void split_chunk(struct splitter *s, size_t low, size_t high) {
  struct word_list *list = s->list;
  size_t first = list->count, suffixes = 0;
  const uint8_t *lengths;
  int tokens = 0;
  bool units = any(s->maps.digit, low, high);
  while (low < high && !(tokens = exception(s, low, high, &lengths))) {
    size_t prefix = prefix_length(s, low, high);
    if (prefix && low + prefix < high && (tokens = exception(s, low + prefix, high, &lengths))) {
      add(list, low, low + prefix);
      low += prefix;
      break;
    }
    size_t suffix = suffix_length(s, low + prefix, high, units);
    if (suffix) {
      GROW(s->suffixes, s->suffix_capacity, suffixes + 1);
      s->suffixes[suffixes++] = (struct word){(uint32_t)(high - suffix), (uint32_t)suffix};
      high -= suffix;
      if (low < high && (tokens = exception(s, low, high, &lengths))) break;
    }
    if (!prefix && !suffix) break;
    if (prefix) add(list, low, low + prefix);
    low += prefix;
  }
  if (low < high) {
    if (tokens) {
      for (int i = 0; i < tokens; low += lengths[i++]) add(list, low, low + lengths[i]);
    } else if (any(s->maps.stop, low, high) && words_reference_is_url(s->text + low, s->text + high)) {
      add(list, low, high);
    } else {
      cut_at_infixes(s, low, high);
    }
  }
  GROW(list->words, list->capacity, list->count + suffixes);
  while (suffixes) list->words[list->count++] = s->suffixes[--suffixes];
  /* Two tokens that spell an exception are the whole chunk and would have been found as that. */
  if (list->count - first > 2 && words_reference_spells(s->whole, list->words + first, list->count - first)) {
    GROW(s->rows, s->row_capacity, s->row_count + 1);
    s->rows[s->row_count++] = (struct word){(uint32_t)first, (uint32_t)(list->count - first)};
  }
}

/* What one mark behind letters or digits does. */
enum mark { MARK_OTHER, MARK_SUFFIX, MARK_STOP };

static inline enum mark mark_of(const uint16_t *classes, uint8_t c) {
  if (c == '.') return MARK_STOP;
  return c < 0x80 && (classes[c] & WR_SUFFIX) ? MARK_SUFFIX : MARK_OTHER;
}

static inline bool is_ascii_lower(uint8_t c) { return (uint8_t)(c - 'a') < 26; }

/* The number of tokens of a chunk of letters and ASCII digits, with or without a mark behind them, where the rules are few:
 * 0 when they are not.  A number ends in a digit here, since units come off behind digits. */
static inline __attribute__((always_inline)) int split_plain(const struct splitter *s, struct word chunk) {
  size_t n = chunk.length;
  if (n > 64) return 0;
  if (n == 1) return 1;
  const uint8_t *p = (const uint8_t *)s->text + chunk.start;
  uint64_t letters = words_bits(s->maps.letter, chunk.start), mask = ~(uint64_t)0 >> (64 - n);
  uint64_t key = words_reference_key(s->text + chunk.start, n, s->whole.len - chunk.start);
  if ((letters & mask) == mask) return !words_reference_may_be_exception(key, n);
  uint64_t digits = words_bits(s->maps.digit, chunk.start) & mask, alphanumeric = letters | digits;
  size_t core = n;
  enum mark mark = MARK_OTHER;
  if (!(alphanumeric >> (n - 1) & 1)) {
    core--;
    mask >>= 1;
    mark = mark_of(s->classes, p[core]);
    if (!mark || !core || words_reference_may_be_exception(words_reference_key_cut(key, core), core)) return 0;
  }
  if ((alphanumeric & mask) != mask || (digits && !(digits >> (core - 1) & 1)) || words_reference_may_be_exception(key, n)) return 0;
  if (mark == MARK_STOP && !is_ascii_lower(p[core - 1]) && !stop_comes_off(s, chunk.start, chunk.start + core)) return 1;
  return mark ? 2 : 1;
}

/* Whether a chunk can matter to where sentences end: because it may hold a terminator, or as the first one behind one that is more
 * than punctuation.  *after: one like that is waited for. */
static inline __attribute__((always_inline)) bool matters(const struct splitter *s, struct word chunk, bool *after) {
  uint64_t mask = chunk.length < 64 ? ((uint64_t)1 << chunk.length) - 1 : ~(uint64_t)0;
  if (chunk.length > 64 || (words_bits(s->maps.terminator, chunk.start) & mask)) return *after = true;
  if (!*after) return false;
  int length;
  uint64_t alphanumeric = words_bits(s->maps.letter, chunk.start) | words_bits(s->maps.digit, chunk.start);
  if ((alphanumeric & mask) || !(words_reference_class(s->classes, unicode_decode(s->text + chunk.start, &length)) & WR_PUNCTUATION)) *after = false;
  return true;
}

static inline __attribute__((always_inline)) void split(struct word_list *list, struct slice text, bool all) {
  struct splitter s = {.list = list, .whole = text, .text = text.data, .classes = words_reference_classes()};
  const struct word *chunks;
  size_t chunk_count = words_chunks_and_bitmaps(list, text, &chunks, &s.maps), count = 0;
  bool after = false;
  if (all) GROW(list->words, list->capacity, chunk_count + chunk_count / 2 + 16);
  for (size_t i = 0; i < chunk_count; i++) {
    struct word chunk = chunks[i];
    if (!all && !matters(&s, chunk, &after)) continue;
    int tokens = split_plain(&s, chunk);
    if (!tokens) {
      list->count = count;
      split_chunk(&s, chunk.start, chunk.start + chunk.length);
      count = list->count;
      if (!all && s.row_count) break;
      continue;
    }
    GROW(list->words, list->capacity, count + 2);
    uint32_t mark = tokens == 2;
    list->words[count] = (struct word){chunk.start, chunk.length - mark};
    list->words[count + 1] = (struct word){chunk.start + chunk.length - 1, 1};
    count += (size_t)tokens;
  }
  list->count = count;
  bool again = !all && s.row_count; /* what is joined depends on the chunks around */
  if (all && s.row_count) words_reference_join(list, text, s.rows, s.row_count);
  free(s.suffixes);
  free(s.rows);
  if (again) words_reference_split(list, text);
}

#ifdef __x86_64__
SIMD_TARGET_AVX2 static void split_all_bmi2(struct word_list *list, struct slice text) { split(list, text, true); }
SIMD_TARGET_AVX2 static void split_some_bmi2(struct word_list *list, struct slice text) { split(list, text, false); }
#endif

void words_reference_split(struct word_list *list, struct slice text) {
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX2) {
    split_all_bmi2(list, text);
    return;
  }
#endif
  split(list, text, true);
}

void words_reference_split_at_terminators(struct word_list *list, struct slice text) {
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX2) {
    split_some_bmi2(list, text);
    return;
  }
#endif
  split(list, text, false);
}
