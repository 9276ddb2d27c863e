/* SPDX-License-Identifier: MIT
 *
 * Measures of a text, from its bitmaps (scan.h) and its words.
 */
#include "tools/qfilter/rules/measures.h"

#include <stdlib.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/text/unicode.h"

enum {
  DONE_SCAN = 1,
  DONE_SPLIT = 2,
  DONE_WORDS = 4,
  DONE_STOP_WORDS = 8,
  DONE_LONGEST = 16,
  DONE_DISTINCT = 32,
  DONE_CLASSES = 64,
  DONE_LINES = 128,
  DONE_LINE_REPEATS = 256,
  DONE_PARAGRAPH_REPEATS = 512,
  DONE_FINEWEB = 1024,
  DONE_LONG_LINES = 2048,
  DONE_C4 = 4096,
  DONE_C4_COMPLETE = 8192,
  DONE_GRAMS = 16384,
};

/* True the first time. */
static bool begin(struct measures *m, unsigned what) {
  if (m->done & what) return false;
  m->done |= what;
  return true;
}

void measures_begin(struct measures *m, enum words_mode mode, struct slice text) {
  m->text = text;
  m->mode = mode;
  m->done = 0;
}

void measures_release(struct measures *m) {
  scan_release(&m->scan);
  word_list_release(&m->list);
  grams_release(&m->grams);
  c4_scratch_release(&m->c4);
  keys_release(&m->keys);
  *m = (struct measures){0};
}

const struct scan *measures_scan(struct measures *m) {
  if (begin(m, DONE_SCAN)) scan_text(&m->scan, m->text);
  return &m->scan;
}

static const struct word_list *split(struct measures *m) {
  if (!begin(m, DONE_SPLIT)) return &m->list;
  words_split(&m->list, m->mode, m->text);
  return &m->list;
}

struct grams *measures_grams(struct measures *m) {
  const struct scan *s = measures_scan(m);
  const struct word_list *list = split(m);
  if (begin(m, DONE_GRAMS)) grams_begin(&m->grams, s, list);
  return &m->grams;
}

/* ---- words */

/* str.count("..."): occurrences that do not overlap. */
static size_t count_dots(struct slice text) {
  size_t count = 0;
  const char *p = text.data, *end = text.data + text.len;
  while (p < end && (p = memchr(p, '.', (size_t)(end - p))) != NULL) {
    const char *q = p;
    while (q < end && *q == '.') q++;
    count += (size_t)(q - p) / 3;
    p = q;
  }
  return count;
}

const struct word_list *measures_word_list(struct measures *m) { return split(m); }

const struct word_values *measures_words(struct measures *m) {
  if (!begin(m, DONE_WORDS)) return &m->words;
  const struct scan *s = measures_scan(m);
  struct scan_words v;
  scan_count_words(s, m->mode == WORDS_SPACE ? NULL : split(m), &v);
  m->words = (struct word_values){.words = v.words, .non_symbol_words = v.plain, .non_symbol_characters = v.plain_characters, .alphabetic_words = v.alphabetic};
  m->words.hashes = s->hashes;
  m->words.ellipses = s->ellipsis_characters + (s->dots ? count_dots(m->text) : 0);
  return &m->words;
}

static int stop_word(const struct word_set *set, const char *word, size_t n) {
  for (int i = 0; i < set->count; i++)
    if (set->items[i].len == n && set->items[i].data[0] == word[0] && memcmp(set->items[i].data, word, n) == 0) return i;
  return -1;
}

size_t measures_stop_words(struct measures *m, const struct word_set *set, double enough) {
  if ((m->done & DONE_STOP_WORDS) && m->stop_words != SIZE_MAX) return m->stop_words;
  m->done |= DONE_STOP_WORDS;
  const struct word_list *list = split(m);
  bool first[256] = {false}, *seen = NEW_ARRAY(bool, (size_t)set->count + 1);
  for (int i = 0; i < set->count; i++) first[(uint8_t)set->items[i].data[0]] = true;
  size_t found = 0, w = 0;
  for (; w < list->count && found < (size_t)set->count && (double)found < enough; w++) {
    size_t n = list->words[w].length;
    const char *word = m->text.data + list->words[w].start;
    if (n > set->longest || !first[(uint8_t)*word]) continue;
    int i = stop_word(set, word, n);
    if (i < 0 || seen[i]) continue;
    seen[i] = true;
    found++;
  }
  free(seen);
  m->stop_words = w == list->count || found == (size_t)set->count ? found : SIZE_MAX; /* all of them are known, or not */
  return found;
}

size_t measures_longest_word(struct measures *m) {
  if (!begin(m, DONE_LONGEST)) return m->longest_word;
  struct scan_words v;
  scan_count_words(measures_scan(m), split(m), &v);
  return m->longest_word = v.longest;
}

size_t measures_distinct_words(struct measures *m) {
  if (!begin(m, DONE_DISTINCT)) return m->distinct_words;
  const struct word_list *list = split(m);
  keys_begin(&m->keys, list->count);
  m->distinct_words = 0;
  for (size_t w = 0; w < list->count; w++) m->distinct_words += !keys_add(&m->keys, XXH3_64bits(m->text.data + list->words[w].start, list->words[w].length));
  return m->distinct_words;
}

const struct character_values *measures_characters(struct measures *m) {
  if (!begin(m, DONE_CLASSES)) return &m->classes;
  const uint8_t *flags = unicode_table();
  struct character_values v = {0};
  for (size_t i = 0; i < m->text.len;) {
    int length;
    uint8_t f = unicode_flags(flags, unicode_decode(m->text.data + i, &length));
    v.letters += (f & UNICODE_LETTER) != 0;
    v.digits += (f & UNICODE_DIGIT) != 0;
    v.uppers += (f & UNICODE_UPPER) != 0;
    v.punctuation += (f & UNICODE_PUNCTUATION) != 0;
    v.spaces += (f & UNICODE_SPACE) != 0;
    i += (size_t)length;
  }
  m->classes = v;
  return &m->classes;
}

/* ---- lines */

static inline void add_line(struct line_values *v, const struct scan *s, size_t start, size_t end) {
  v->lines++;
  scan_strip(s, &start, &end);
  if (start == end) return;
  const char *p = s->text.data;
  v->bullets += p[start] == '-' || (p[start] == '\xE2' && end - start >= 3 && memcmp(p + start, "\u2022", 3) == 0);
  v->ellipsis_ends += end - start >= 3 && (memcmp(p + end - 3, "...", 3) == 0 || memcmp(p + end - 3, "\u2026", 3) == 0);
}

const struct line_values *measures_lines(struct measures *m) {
  if (!begin(m, DONE_LINES)) return &m->lines;
  const struct scan *s = measures_scan(m);
  struct line_values v = {0};
  struct slice line;
  if (s->other_breaks) {
    for (size_t at = 0; unicode_next_line(m->text, &at, &line);) add_line(&v, s, (size_t)(line.data - m->text.data), (size_t)(line.data - m->text.data) + line.len);
  } else {
    for (size_t start = 0; start < m->text.len;) {
      size_t end = scan_next(s->newline, start, m->text.len);
      add_line(&v, s, start, end);
      start = end + 1;
    }
  }
  m->lines = v;
  return &m->lines;
}

static void add_part(struct repeat_values *v, struct measures *m, size_t start, size_t end) {
  v->parts++;
  if (keys_add(&m->keys, XXH3_64bits(m->text.data + start, end - start))) {
    v->duplicates++;
    v->duplicate_characters += scan_characters(&m->scan, start, end);
  }
}

/* Start of the next run of `least` newlines (1 or 2) in [start, stop); `stop` when there is none. */
static inline size_t next_run(const struct scan *s, size_t start, size_t stop, size_t least) {
  if (least == 1 || start >= stop) return scan_next(s->newline, start, stop);
  size_t block = start / 64;
  uint64_t from = ~0ull << (start % 64);
  for (; block * 64 < stop; block++, from = ~0ull) {
    uint64_t bits = s->newline[block] & (s->newline[block] >> 1 | s->newline[block + 1] << 63) & from;
    if (!bits) continue;
    size_t at = block * 64 + (size_t)__builtin_ctzll(bits);
    return at + 1 < stop ? at : stop;
  }
  return stop;
}

/* find_duplicates(re.split("\n{least,}", text[start:stop])) */
static struct repeat_values repeats(struct measures *m, size_t start, size_t stop, size_t least) {
  const struct scan *s = measures_scan(m);
  struct repeat_values v = {0};
  keys_begin(&m->keys, s->newlines / least + 1);
  for (size_t p = start; (p = next_run(s, p, stop, least)) < stop;) {
    size_t q = p + least;
    while (q < stop && m->text.data[q] == '\n') q++;
    add_part(&v, m, start, p);
    start = p = q;
  }
  add_part(&v, m, start, stop);
  return v;
}

const struct repeat_values *measures_line_repeats(struct measures *m) {
  if (begin(m, DONE_LINE_REPEATS)) m->line_repeats = repeats(m, 0, m->text.len, 1);
  return &m->line_repeats;
}

const struct repeat_values *measures_paragraph_repeats(struct measures *m) {
  if (!begin(m, DONE_PARAGRAPH_REPEATS)) return &m->paragraph_repeats;
  size_t start = 0, end = m->text.len;
  scan_strip(measures_scan(m), &start, &end);
  m->paragraph_repeats = repeats(m, start, end, 2);
  return &m->paragraph_repeats;
}

const struct fineweb_values *measures_fineweb(struct measures *m, const struct char_set *stop_chars, double short_length) {
  if (!begin(m, DONE_FINEWEB)) return &m->fineweb;
  const struct scan *s = measures_scan(m);
  struct fineweb_values v = {.newlines = s->newlines, .characters_without_newlines = s->characters - s->newlines};
  keys_begin(&m->keys, s->newlines + 1);
  for (size_t start = 0; start < m->text.len;) {
    size_t end = scan_next(s->newline, start, m->text.len);
    size_t left = start, right = end;
    scan_strip(s, &left, &right);
    if (left < right) {
      const char *line = m->text.data + start;
      size_t last = end - start - 1, characters = scan_characters(s, start, end);
      while (last && (line[last] & 0xC0) == 0x80) last--;
      int length;
      v.lines++;
      v.punctuated += char_set_has(stop_chars, unicode_decode(line + last, &length));
      v.short_lines += (double)characters <= short_length;
      if (keys_add(&m->keys, XXH3_64bits(line, end - start))) v.duplicate_characters += characters;
    }
    start = end + 1;
  }
  m->fineweb = v;
  return &m->fineweb;
}

size_t measures_long_lines(struct measures *m, double length) {
  if (begin(m, DONE_LONG_LINES)) m->long_lines = c4_long_lines(measures_scan(m), length);
  return m->long_lines;
}

const struct c4_values *measures_c4(struct measures *m, const struct c4_settings *settings, bool complete) {
  if (m->done & (complete ? DONE_C4_COMPLETE : DONE_C4)) return &m->c4_values;
  m->done |= complete ? DONE_C4 | DONE_C4_COMPLETE : DONE_C4;
  m->c4_reason = c4_apply(settings, &m->c4, measures_scan(m), complete, &m->c4_text, &m->c4_values);
  return &m->c4_values;
}
