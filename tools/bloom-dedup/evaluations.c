/* SPDX-License-Identifier: MIT
 *
 * Pairs (n-gram, item) are gathered, sorted and made unique; an open table over the distinct n-grams gives their place.
 * Before the table stands a small bit array, so that most shingles of a text cost one look into a cache.  The first words of
 * short texts have a bit array and a sorted list, so that most documents are not cut into shingles of every length.
 */
#include "tools/bloom-dedup/evaluations.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/rng.h"
#include "common/base/utf8.h"
#include "common/io/documents.h"
#include "common/io/input.h"
#include "common/text/shingles.h"
#include "tools/bloom-dedup/ngrams.h"

struct pair {
  uint64_t shingle;
  uint32_t item;
};

struct item {
  uint32_t file, ngrams;
  uint64_t line;
};

struct evaluations {
  int ngram, least_words;
  size_t memory;
  struct shingler *shingler;       /* of `ngram` words, or of all of a shorter text */
  bool *short_lengths; /* [ngram]: texts of so many words */
  int *lengths, length_count;
  const char **files;
  uint32_t file_count, file_capacity;
  struct item *items;
  size_t item_count, item_capacity;
  struct pair *pairs;
  size_t pair_count, pair_capacity;
  uint64_t short_texts;
  struct shingler *start_shingler; /* of least_words */
  uint64_t *starts_of_short;       /* sorted and distinct when closed */
  size_t start_count, start_capacity;
  /* closed */
  uint64_t *shingles;  /* distinct, by number */
  uint32_t *starts;    /* of number's items in item_lists; one more at the end */
  uint32_t *item_lists;
  size_t ngram_count;
  uint32_t *table;     /* number + 1, 0: free */
  size_t table_size;
  struct front {       /* of the table, of starts_of_short */
    uint64_t *bits;
    int shift;
  } front, start_front;
};

struct evaluations *evaluations_new(int ngram, int least_words, size_t memory) {
  struct evaluations *v = NEW(struct evaluations);
  v->ngram = ngram;
  v->least_words = least_words;
  v->memory = memory;
  v->shingler = shingler_new(ngram);
  v->start_shingler = shingler_new(least_words);
  v->short_lengths = NEW_ARRAY(bool, (size_t)ngram + 1);
  return v;
}

void evaluations_free(struct evaluations *v) {
  if (!v) return;
  shingler_free(v->shingler);
  shingler_free(v->start_shingler);
  free(v->starts_of_short);
  free(v->short_lengths);
  free(v->lengths);
  free(v->files);
  free(v->items);
  free(v->pairs);
  free(v->shingles);
  free(v->starts);
  free(v->item_lists);
  free(v->table);
  free(v->front.bits);
  free(v->start_front.bits);
  free(v);
}

/* ---- reading */

static void take_pairs(void *context, const uint64_t *shingles, size_t count) {
  struct evaluations *v = context;
  GROW(v->pairs, v->pair_capacity, v->pair_count + count);
  for (size_t i = 0; i < count; i++) v->pairs[v->pair_count + i] = (struct pair){shingles[i], (uint32_t)v->item_count};
  v->pair_count += count;
}

/* The first of a text's shingles. */
static void take_start(void *context, const uint64_t *shingles, size_t count) {
  uint64_t **start = context;
  if (count && *start) **start = shingles[0];
  *start = NULL;
}

static void add_text(struct evaluations *v, struct slice text) {
  size_t words = count_words(text, (size_t)v->ngram);
  if (words == 0) return;
  if (words < (size_t)v->ngram) {
    if (words < (size_t)v->least_words) {
      v->short_texts++;
      return;
    }
    v->short_lengths[words] = true;
    GROW(v->starts_of_short, v->start_capacity, v->start_count + 1);
    uint64_t *start = &v->starts_of_short[v->start_count++];
    shingler_run(v->start_shingler, text, take_start, &start);
  }
  shingler_run(v->shingler, text, take_pairs, v);
}

/* All strings of a JSON value, without recursion: a stack of what is yet to be looked at. */
static void add_strings(struct evaluations *v, json_t *root) {
  json_t **stack = NULL;
  size_t count = 0, capacity = 0;
  GROW(stack, capacity, 1);
  stack[count++] = root;
  while (count) {
    json_t *value = stack[--count], *inner;
    const char *key;
    size_t i;
    if (json_is_string(value)) {
      add_text(v, (struct slice){json_string_value(value), json_string_length(value)});
      continue;
    }
    size_t more = json_is_object(value) ? json_object_size(value) : json_array_size(value);
    GROW(stack, capacity, count + more);
    json_object_foreach(value, key, inner) stack[count++] = inner;
    json_array_foreach(value, i, inner) stack[count++] = inner;
  }
  free(stack);
}

static void add_fields(struct evaluations *v, struct slice line, struct buffer *room) {
  uint64_t unknown = 0;
  for (;;) {
    const char *tab = line.len ? memchr(line.data, '\t', line.len) : NULL;
    struct slice field = {line.data, tab ? (size_t)(tab - line.data) : line.len};
    buffer_clear(room);
    document_unescape(room, field, &unknown);
    add_text(v, buffer_slice(room));
    if (!tab) return;
    line = (struct slice){tab + 1, line.len - field.len - 1};
  }
}

static int add_line(struct evaluations *v, struct slice line, bool json, uint64_t number, struct buffer *room, struct err *e) {
  size_t first = v->pair_count;
  if (json) {
    json_error_t error;
    json_t *root = json_parse(line.data, line.len, JSON_ALLOW_NUL, &error);
    if (!root) return err_set(e, "not JSON: %s", error.text);
    add_strings(v, root);
    json_decref(root);
  } else {
    add_fields(v, line, room);
  }
  if (v->pair_count * (sizeof *v->pairs + 16) > v->memory) {
    char text[NUMBER_TEXT];
    return err_set(e, "the n-grams of the evaluation sets take more than %s; -S allows more", number_bytes((double)v->memory, text));
  }
  if (v->pair_count == first) return 0;
  if (v->item_count >= UINT32_MAX - 1 || v->pair_count >= UINT32_MAX - 1) return err_set(e, "too many n-grams");
  GROW(v->items, v->item_capacity, v->item_count + 1);
  v->items[v->item_count++] = (struct item){.file = v->file_count - 1, .line = number};
  return 0;
}

/* What the first line says of the others.  One that can only be meant as JSON is not taken for TSV: what it holds would be
 * looked for in vain. */
static int find_format(struct slice line, bool *json, struct err *e) {
  json_error_t error;
  json_t *root = json_parse(line.data, line.len, JSON_ALLOW_NUL, &error);
  struct slice s = slice_trim(line);
  *json = json_is_object(root) || json_is_array(root);
  json_decref(root);
  bool opens = s.len && (s.data[0] == '{' || s.data[0] == '['), meant = opens && (s.len == 1 || s.data[1] == '"' || s.data[1] == '{');
  return *json || !meant ? 0 : err_set(e, "begins as JSON but is none (%s); a JSON value takes one line", error.text);
}

int evaluations_add(struct evaluations *v, const char *name, struct err *e) {
  struct input *in;
  struct slice line;
  struct buffer room = {0}, clean = {0};
  bool json = false;
  uint64_t number = 0, invalid = 0, nul = 0;
  int more;
  if (input_open(&in, name, NULL, e) != 0) return -1;
  GROW(v->files, v->file_capacity, v->file_count + 1);
  v->files[v->file_count++] = name;
  while ((more = input_line(in, &line, e)) > 0) {
    if (utf8_valid_prefix(line.data, line.len) != line.len) {
      buffer_clear(&clean);
      utf8_sanitize(&clean, line.data, line.len, &invalid, &nul);
      line = buffer_slice(&clean);
    }
    if (number++ == 0) {
      if (slice_starts(line, SLICE("\xEF\xBB\xBF"))) line = (struct slice){line.data + 3, line.len - 3}; /* a byte order mark */
      more = find_format(line, &json, e);
      if (more < 0) break;
    }
    if (!slice_trim(line).len) continue;
    more = add_line(v, line, json, number, &room, e);
    if (more < 0) break;
  }
  if (more < 0) err_prefix(e, "%s:%llu", name, (unsigned long long)number);
  input_close(in);
  buffer_release(&room);
  buffer_release(&clean);
  return more < 0 ? -1 : 0;
}

/* ---- the index */

static int by_shingle(const void *a, const void *b) {
  const struct pair *x = a, *y = b;
  if (x->shingle != y->shingle) return x->shingle < y->shingle ? -1 : 1;
  return x->item < y->item ? -1 : x->item > y->item;
}

static inline size_t place(const struct evaluations *v, uint64_t shingle) { return (size_t)(splitmix64(shingle) & (v->table_size - 1)); }

static int by_number(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static inline bool may_have(const struct front *f, uint64_t shingle) { return f->bits[shingle >> f->shift >> 6] >> (shingle >> f->shift & 63) & 1; }

/* 16 bits a shingle, at least 4 KiB. */
static void fill_front(struct front *f, const uint64_t *shingles, size_t count) {
  int bits = 15;
  while (bits < 40 && (uint64_t)1 << bits < count * 16) bits++;
  f->shift = 64 - bits;
  f->bits = NEW_ARRAY(uint64_t, (size_t)1 << (bits - 6));
  for (size_t i = 0; i < count; i++) f->bits[shingles[i] >> f->shift >> 6] |= (uint64_t)1 << (shingles[i] >> f->shift & 63);
}

void evaluations_close(struct evaluations *v) {
  v->lengths = NEW_ARRAY(int, (size_t)v->ngram + 1);
  v->lengths[v->length_count++] = v->ngram;
  for (int i = 1; i < v->ngram; i++)
    if (v->short_lengths[i]) v->lengths[v->length_count++] = i;
  if (v->pair_count) qsort(v->pairs, v->pair_count, sizeof *v->pairs, by_shingle);
  v->shingles = NEW_ARRAY(uint64_t, v->pair_count + 1);
  v->starts = NEW_ARRAY(uint32_t, v->pair_count + 1);
  v->item_lists = NEW_ARRAY(uint32_t, v->pair_count + 1);
  size_t unique = 0;
  for (size_t i = 0; i < v->pair_count; i++) {
    const struct pair *p = &v->pairs[i];
    bool same = i > 0 && p->shingle == p[-1].shingle;
    if (same && p->item == p[-1].item) continue;
    if (!same) {
      v->starts[v->ngram_count] = (uint32_t)unique;
      v->shingles[v->ngram_count++] = p->shingle;
    }
    v->item_lists[unique++] = p->item;
    v->items[p->item].ngrams++;
  }
  v->starts[v->ngram_count] = (uint32_t)unique;
  free(v->pairs);
  v->pairs = NULL;
  v->table_size = 16;
  while (v->table_size < v->ngram_count * 2) v->table_size *= 2;
  v->table = NEW_ARRAY(uint32_t, v->table_size);
  for (size_t i = 0; i < v->ngram_count; i++) {
    size_t at = place(v, v->shingles[i]);
    while (v->table[at]) at = (at + 1) & (v->table_size - 1);
    v->table[at] = (uint32_t)i + 1;
  }
  fill_front(&v->front, v->shingles, v->ngram_count);
  size_t starts = 0;
  if (v->start_count) qsort(v->starts_of_short, v->start_count, sizeof *v->starts_of_short, by_number);
  for (size_t i = 0; i < v->start_count; i++)
    if (i == 0 || v->starts_of_short[i] != v->starts_of_short[starts - 1]) v->starts_of_short[starts++] = v->starts_of_short[i];
  v->start_count = starts;
  fill_front(&v->start_front, v->starts_of_short, starts);
}

struct evaluation_counts evaluations_counts(const struct evaluations *v) { return (struct evaluation_counts){v->item_count, v->ngram_count, v->short_texts}; }

const int *evaluations_lengths(const struct evaluations *v, int *count) {
  *count = v->length_count;
  return v->lengths;
}

int evaluations_start_length(const struct evaluations *v) { return v->start_count ? v->least_words : 0; }

bool evaluations_starts(const struct evaluations *v, const uint64_t *shingles, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (may_have(&v->start_front, shingles[i]) && bsearch(&shingles[i], v->starts_of_short, v->start_count, sizeof *shingles, by_number)) return true;
  return false;
}

size_t evaluations_find(const struct evaluations *v, const uint64_t *shingles, size_t count, uint32_t *found) {
  enum { AHEAD = 16 };
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    if (i + AHEAD < count) __builtin_prefetch(&v->front.bits[shingles[i + AHEAD] >> v->front.shift >> 6]);
    uint64_t s = shingles[i];
    if (!may_have(&v->front, s)) continue;
    for (size_t at = place(v, s); v->table[at]; at = (at + 1) & (v->table_size - 1)) {
      if (v->shingles[v->table[at] - 1] != s) continue;
      found[n++] = v->table[at] - 1;
      break;
    }
  }
  return n;
}

void evaluations_items(const struct evaluations *v, uint32_t number, const uint32_t **items, size_t *count) {
  *items = v->item_lists + v->starts[number];
  *count = v->starts[number + 1] - v->starts[number];
}

uint32_t evaluations_item_ngrams(const struct evaluations *v, uint32_t item) { return v->items[item].ngrams; }

void evaluations_item_name(const struct evaluations *v, uint32_t item, struct buffer *out) {
  document_escape(out, slice_of(v->files[v->items[item].file]));
  buffer_printf(out, ":%llu", (unsigned long long)v->items[item].line);
}
