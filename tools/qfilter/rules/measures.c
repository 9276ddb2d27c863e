/* SPDX-License-Identifier: MIT
 *
 * Measures of a text.
 *
 * N-grams are compared by hash.  datatrove joins the words of a duplicate n-gram with nothing between ("ab" "c" equals
 * "a" "bc"), so the hash must be one of the joined string: h(s) = sum of R[s_i] * B^(n-1-i) mod 2^64, with a random
 * word R[b] for each byte value.  Then h(st) = h(s) * B^|t| + h(t), and the hash of any run of words comes from two
 * prefix hashes and one multiplication.  Top n-grams, joined with spaces, are told apart by the sequence of the
 * hashes of their words.  Two different strings are taken for one with a chance of about 2^-64 a pair.
 */
#include "tools/qfilter/rules/measures.h"

#include <pthread.h>
#include <stdlib.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/text/unicode.h"

enum { DONE_WORDS = 1, DONE_LINES = 2, DONE_LINE_REPEATS = 4, DONE_PARAGRAPH_REPEATS = 8, DONE_FINEWEB = 16, DONE_SPLIT = 32, DONE_HASHES = 64 };

#define BASE 0x9E3779B97F4A7C15u /* odd */
enum { POWERS = 1024 };
static uint64_t byte_hash[256], power[POWERS];
static pthread_once_t hash_once = PTHREAD_ONCE_INIT;

static void fill_hash(void) {
  for (int i = 0; i < 256; i++) byte_hash[i] = splitmix64((uint64_t)i + 1000003);
  power[0] = 1;
  for (int i = 1; i < POWERS; i++) power[i] = power[i - 1] * BASE;
}

static uint64_t base_to(size_t n) {
  if (n < POWERS) return power[n];
  uint64_t result = 1, square = BASE;
  for (; n; n >>= 1, square *= square)
    if (n & 1) result *= square;
  return result;
}

void measures_begin(struct measures *m, enum words_mode mode, struct slice text) {
  pthread_once(&hash_once, fill_hash);
  m->text = text;
  m->mode = mode;
  m->done = 0;
  m->characters = unicode_count(text.data, text.len);
}

void measures_release(struct measures *m) {
  word_list_release(&m->list);
  free(m->prefix);
  free(m->characters_before);
  free(m->bytes_before);
  free(m->keys.slots);
  free(m->counts.slots);
  *m = (struct measures){0};
}

static void split(struct measures *m) {
  if (m->done & DONE_SPLIT) return;
  m->done |= DONE_SPLIT;
  words_split(&m->list, m->mode, m->text);
}

/* ---- words */

static int stop_word(const struct word_set *set, const char *word, size_t n) {
  if (n > set->longest) return -1;
  for (int i = 0; i < set->count; i++)
    if (set->items[i].len == n && set->items[i].data[0] == word[0] && memcmp(set->items[i].data, word, n) == 0) return i;
  return -1;
}

/* str.count("...") + str.count("…"): occurrences that do not overlap. */
static size_t count_ellipses(struct slice text) {
  size_t count = 0;
  const char *p = text.data, *end = text.data + text.len;
  while (p < end && (p = memchr(p, '.', (size_t)(end - p))) != NULL) {
    const char *q = p;
    while (q < end && *q == '.') q++;
    count += (size_t)(q - p) / 3;
    p = q;
  }
  for (p = text.data; p < end && (p = memmem(p, (size_t)(end - p), "\u2026", 3)) != NULL; p += 3) count++;
  return count;
}

static size_t count_byte(struct slice text, char byte) {
  size_t count = 0;
  for (size_t i = 0; i < text.len; i++) count += text.data[i] == byte;
  return count;
}

enum { LOOKS_LETTER = 1, LOOKS_NON_SYMBOL = 2 };

const struct word_values *measures_words(struct measures *m, const struct word_set *stop_words) {
  if (m->done & DONE_WORDS) return &m->words;
  m->done |= DONE_WORDS;
  split(m);
  const uint8_t *flags = unicode_table();
  const struct char_set *symbols = symbol_set();
  uint8_t ascii[128];
  for (uint32_t c = 0; c < 128; c++)
    ascii[c] = (uint8_t)((flags[c] & UNICODE_LETTER ? LOOKS_LETTER : 0) | (char_set_has(symbols, c) ? 0 : LOOKS_NON_SYMBOL));
  struct word_values v = {.words = m->list.count};
  bool *seen = stop_words->count ? NEW_ARRAY(bool, (size_t)stop_words->count) : NULL;
  for (size_t w = 0; w < m->list.count; w++) {
    const char *p = m->text.data + m->list.words[w].start;
    size_t n = m->list.words[w].length, characters = n;
    uint8_t looks = 0;
    for (size_t i = 0; i < n;) {
      uint8_t b = (uint8_t)p[i];
      if (b < 0x80) {
        looks |= ascii[b];
        i++;
        continue;
      }
      int length;
      uint32_t c = unicode_decode(p + i, &length);
      looks |= (uint8_t)((unicode_flags(flags, c) & UNICODE_LETTER ? LOOKS_LETTER : 0) | (char_set_has(symbols, c) ? 0 : LOOKS_NON_SYMBOL));
      i += (size_t)length;
      characters -= (size_t)length - 1;
    }
    v.alphabetic_words += looks & LOOKS_LETTER;
    if (looks & LOOKS_NON_SYMBOL) {
      v.non_symbol_words++;
      v.non_symbol_characters += characters;
    }
    int stop = stop_word(stop_words, p, n);
    if (stop >= 0 && !seen[stop]) {
      seen[stop] = true;
      v.stop_words++;
    }
  }
  free(seen);
  v.hashes = count_byte(m->text, '#');
  v.ellipses = count_ellipses(m->text);
  m->words = v;
  return &m->words;
}

/* ---- lines */

static bool ends_in_ellipsis(struct slice s) {
  if (s.len < 3) return false;
  const char *end = s.data + s.len - 3;
  return memcmp(end, "...", 3) == 0 || memcmp(end, "\u2026", 3) == 0;
}

const struct line_values *measures_lines(struct measures *m) {
  if (m->done & DONE_LINES) return &m->lines;
  m->done |= DONE_LINES;
  struct line_values v = {0};
  struct slice line;
  for (size_t at = 0; unicode_next_line(m->text, &at, &line);) {
    v.lines++;
    struct slice left = unicode_strip_left(line);
    v.bullets += slice_starts(left, SLICE("-")) || slice_starts(left, SLICE("\u2022"));
    v.ellipsis_ends += ends_in_ellipsis(unicode_strip_right(line));
  }
  m->lines = v;
  return &m->lines;
}

/* ---- sets of hashes: open addressing, load at most 1/2, 0 is empty */

enum { FIRST_SLOTS = 1 << 20 }; /* larger sets grow as they fill: of millions of lines few may be different */

static size_t table_size(size_t elements) {
  size_t size = 64;
  while (size < elements * 2) size *= 2;
  return size;
}

static void keys_begin(struct key_set *set, size_t elements) {
  size_t size = table_size(elements);
  if (size > FIRST_SLOTS) size = FIRST_SLOTS;
  if (size > set->capacity || set->capacity > 16 * (size_t)FIRST_SLOTS) {
    free(set->slots);
    set->slots = MALLOC(size * sizeof *set->slots);
    set->capacity = size;
  }
  memset(set->slots, 0, size * sizeof *set->slots);
  set->mask = size - 1;
  set->used = 0;
}

static inline uint64_t spread(uint64_t key) { /* the low bits of a product depend on low bits alone */
  key ^= key >> 32;
  key *= 0xD6E8FEB86659FD93u;
  return key ^ key >> 32;
}

static void keys_grow(struct key_set *set) {
  size_t size = (set->mask + 1) * 2;
  uint64_t *slots = NEW_ARRAY(uint64_t, size);
  for (size_t k = 0; k <= set->mask; k++) {
    uint64_t key = set->slots[k];
    if (key == 0) continue;
    size_t i = spread(key) & (size - 1);
    while (slots[i]) i = (i + 1) & (size - 1);
    slots[i] = key;
  }
  free(set->slots);
  set->slots = slots;
  set->capacity = size;
  set->mask = size - 1;
}

/* True when the key was there. */
static inline bool keys_add(struct key_set *set, uint64_t key) {
  if (key == 0) key = 1;
  size_t i = spread(key) & set->mask;
  for (; set->slots[i]; i = (i + 1) & set->mask)
    if (set->slots[i] == key) return true;
  set->slots[i] = key;
  if (++set->used * 2 > set->mask + 1) keys_grow(set);
  return false;
}

/* Runs of newlines, which bound the number of parts. */
static size_t newline_runs(struct slice text) {
  size_t runs = 0;
  char before = 0;
  for (size_t i = 0; i < text.len; i++) {
    runs += text.data[i] == '\n' && before != '\n';
    before = text.data[i];
  }
  return runs;
}

static void add_part(struct repeat_values *v, struct key_set *keys, const char *p, size_t n) {
  v->parts++;
  if (keys_add(keys, XXH3_64bits(p, n))) {
    v->duplicates++;
    v->duplicate_characters += unicode_count(p, n);
  }
}

/* find_duplicates(re.split("\n{least,}", text)) */
static struct repeat_values repeats(struct measures *m, struct slice text, size_t least) {
  struct repeat_values v = {0};
  keys_begin(&m->keys, newline_runs(text) + 1);
  const char *start = text.data, *p = text.data, *end = text.data + text.len;
  while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
    const char *q = p;
    while (q < end && *q == '\n') q++;
    if ((size_t)(q - p) >= least) {
      add_part(&v, &m->keys, start, (size_t)(p - start));
      start = q;
    }
    p = q;
  }
  add_part(&v, &m->keys, start, (size_t)(end - start));
  return v;
}

const struct repeat_values *measures_line_repeats(struct measures *m) {
  if (!(m->done & DONE_LINE_REPEATS)) m->line_repeats = repeats(m, m->text, 1);
  m->done |= DONE_LINE_REPEATS;
  return &m->line_repeats;
}

const struct repeat_values *measures_paragraph_repeats(struct measures *m) {
  if (!(m->done & DONE_PARAGRAPH_REPEATS)) m->paragraph_repeats = repeats(m, unicode_strip(m->text), 2);
  m->done |= DONE_PARAGRAPH_REPEATS;
  return &m->paragraph_repeats;
}

const struct fineweb_values *measures_fineweb(struct measures *m, const struct char_set *stop_chars, double short_length) {
  if (m->done & DONE_FINEWEB) return &m->fineweb;
  m->done |= DONE_FINEWEB;
  struct fineweb_values v = {.newlines = count_byte(m->text, '\n')};
  v.characters_without_newlines = m->characters - v.newlines;
  keys_begin(&m->keys, newline_runs(m->text) + 1);
  const char *p = m->text.data, *end = m->text.data + m->text.len;
  for (;;) {
    const char *q = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
    if (!q) q = end;
    struct slice line = {p, (size_t)(q - p)};
    if (unicode_strip_left(line).len) {
      size_t last = line.len - 1, characters = unicode_count(line.data, line.len);
      while (last && (line.data[last] & 0xC0) == 0x80) last--;
      int length;
      v.lines++;
      v.punctuated += char_set_has(stop_chars, unicode_decode(line.data + last, &length));
      v.short_lines += (double)characters <= short_length;
      if (keys_add(&m->keys, XXH3_64bits(line.data, line.len))) v.duplicate_characters += characters;
    }
    if (q == end) break;
    p = q + 1;
  }
  m->fineweb = v;
  return &m->fineweb;
}

/* ---- n-grams */

static void hash_words(struct measures *m) {
  if (m->done & DONE_HASHES) return;
  m->done |= DONE_HASHES;
  split(m);
  size_t count = m->list.count;
  if (count + 1 > m->word_capacity) {
    m->word_capacity = count + 1 + (count < 1 << 16 ? count : 0);
    m->prefix = RESIZE(m->prefix, m->word_capacity);
    m->characters_before = RESIZE(m->characters_before, m->word_capacity);
    m->bytes_before = RESIZE(m->bytes_before, m->word_capacity);
  }
  m->prefix[0] = 0;
  m->characters_before[0] = m->bytes_before[0] = 0;
  for (size_t w = 0; w < count; w++) {
    const uint8_t *p = (const uint8_t *)m->text.data + m->list.words[w].start;
    uint32_t n = m->list.words[w].length, characters = 0;
    uint64_t h = 0;
    for (uint32_t i = 0; i < n; i++) {
      h = h * BASE + byte_hash[p[i]];
      characters += (p[i] & 0xC0) != 0x80;
    }
    m->prefix[w + 1] = m->prefix[w] * base_to(n) + h;
    m->characters_before[w + 1] = m->characters_before[w] + characters;
    m->bytes_before[w + 1] = m->bytes_before[w] + n;
  }
}

/* Hash of words g .. g + n - 1 joined by nothing. */
static inline uint64_t joined(const struct measures *m, size_t g, size_t n) {
  return m->prefix[g + n] - m->prefix[g] * base_to(m->bytes_before[g + n] - m->bytes_before[g]);
}

/* Tables of n-grams stay small: the n-grams of a text with many are counted part by part, the part being chosen by
 * the hash. */
enum { PART_GRAMS = 1 << 22 };

static size_t part_grams(const struct measures *m) { return m->part_grams ? m->part_grams : PART_GRAMS; }

static unsigned part_bits(const struct measures *m, size_t grams) {
  unsigned bits = 0;
  while (grams >> bits > part_grams(m)) bits++;
  return bits;
}

static inline uint64_t part_of(uint64_t key, unsigned bits) { return bits ? (key * 0x94D049BB133111EBu) >> (64 - bits) : 0; }

static void counts_begin(struct gram_table *t, size_t grams) {
  size_t size = table_size(grams);
  if (size > t->capacity) {
    free(t->slots);
    t->slots = MALLOC(size * sizeof *t->slots);
    t->capacity = size;
  }
  memset(t->slots, 0, size * sizeof *t->slots);
  t->mask = size - 1;
  t->used = 0;
}

static void counts_grow(struct gram_table *t) {
  size_t size = (t->mask + 1) * 2;
  struct gram_count *slots = NEW_ARRAY(struct gram_count, size);
  for (size_t k = 0; k <= t->mask; k++) {
    if (!t->slots[k].count) continue;
    size_t i = spread(t->slots[k].key) & (size - 1);
    while (slots[i].count) i = (i + 1) & (size - 1);
    slots[i] = t->slots[k];
  }
  free(t->slots);
  t->slots = slots;
  t->capacity = size;
  t->mask = size - 1;
}

/* Counts one more of `key`, which stands at word g.  The pointer holds until the next call. */
static inline struct gram_count *counts_add(struct gram_table *t, uint64_t key, size_t g) {
  if (t->used * 4 > (t->mask + 1) * 3) counts_grow(t);
  size_t slot = spread(key) & t->mask;
  while (t->slots[slot].count && t->slots[slot].key != key) slot = (slot + 1) & t->mask;
  struct gram_count *c = &t->slots[slot];
  if (!c->count) {
    *c = (struct gram_count){.key = key, .first = (uint32_t)g};
    t->used++;
  }
  c->count++;
  return c;
}

size_t measures_top_gram(struct measures *m, int length) {
  hash_words(m);
  size_t count = m->list.count, n = (size_t)length;
  if (count < n) return 0;
  size_t grams = count - n + 1;
  unsigned bits = part_bits(m, grams);
  uint32_t best = 0, best_first = 0;
  for (uint64_t part = 0; part < 1ull << bits; part++) {
    counts_begin(&m->counts, grams < part_grams(m) ? grams : part_grams(m));
    uint64_t recent[NGRAM_MAX]; /* hashes of the last words, word w at w % n */
    for (size_t w = 0; w + 1 < n; w++) recent[w] = joined(m, w, 1);
    for (size_t g = 0, oldest = 0; g < grams; g++) {
      recent[oldest == 0 ? n - 1 : oldest - 1] = joined(m, g + n - 1, 1);
      uint64_t key = recent[oldest];
      for (size_t i = 1, k = oldest; i < n; i++) {
        k = k + 1 == n ? 0 : k + 1;
        key = (key ^ key >> 29) * 0xBF58476D1CE4E5B9u + recent[k];
      }
      oldest = oldest + 1 == n ? 0 : oldest + 1;
      if (part_of(key, bits) != part) continue;
      const struct gram_count *c = counts_add(&m->counts, key, g);
      if (c->count > best || (c->count == best && c->first < best_first)) {
        best = c->count;
        best_first = c->first;
      }
    }
  }
  size_t characters = m->characters_before[best_first + n] - m->characters_before[best_first] + n - 1;
  return characters * best;
}

/* Marks the n-grams that occur more than once; returns how many different ones do. */
static size_t mark_repeated(struct measures *m, size_t n, size_t grams, uint64_t *marks) {
  unsigned bits = part_bits(m, grams);
  size_t different = 0;
  for (uint64_t part = 0; part < 1ull << bits; part++) {
    counts_begin(&m->counts, grams < part_grams(m) ? grams : part_grams(m));
    for (size_t g = 0; g < grams; g++) {
      uint64_t key = joined(m, g, n);
      if (part_of(key, bits) != part) continue;
      const struct gram_count *c = counts_add(&m->counts, key, g);
      if (c->count == 1) continue;
      different += c->count == 2;
      marks[c->first / 64] |= 1ull << (c->first % 64);
      marks[g / 64] |= 1ull << (g % 64);
    }
  }
  return different;
}

size_t measures_duplicate_grams(struct measures *m, int length) {
  hash_words(m);
  size_t count = m->list.count, n = (size_t)length, repeated = 0;
  if (count < n) return 0;
  size_t grams = count - n + 1;
  uint64_t *marks = NULL;
  if (part_bits(m, grams)) { /* only what occurs twice needs to be remembered */
    marks = NEW_ARRAY(uint64_t, grams / 64 + 1);
    keys_begin(&m->keys, mark_repeated(m, n, grams, marks));
  } else {
    keys_begin(&m->keys, grams);
  }
  for (size_t g = 0; g < grams;) {
    if (marks && !(marks[g / 64] >> (g % 64) & 1)) {
      g++;
      continue;
    }
    if (keys_add(&m->keys, joined(m, g, n))) {
      repeated += m->characters_before[g + n] - m->characters_before[g];
      g += n;
    } else {
      g++;
    }
  }
  free(marks);
  return repeated;
}
