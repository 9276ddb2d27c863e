/* SPDX-License-Identifier: MIT
 *
 * Texts go to the spool as they come; what is told of them stays in memory.
 */
#include "tools/qfilter-train/corpus.h"

#include <stdlib.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/io/documents.h"

enum { MOST_LABELS = 256 }; /* of a text */

struct labels { /* of one text */
  uint32_t indices[MOST_LABELS];
  size_t count;
  struct buffer name;
};

static const struct slice label_prefix = {"__label__", 9};
static const bool separator[256] = {[' '] = true, ['\n'] = true, ['\r'] = true, ['\t'] = true, ['\v'] = true, ['\f'] = true, [0] = true};

/* Fewer words when memory is short: the rarest go, as in fastText's Dictionary::threshold(). */
static void prune(struct corpus *c) {
  c->pruned_below = c->pruned_below ? c->pruned_below + 1 : 2;
  struct hashmap *kept = hashmap_new();
  const struct hashmap_entry *entries = hashmap_entries(c->words);
  for (size_t i = 0; i < hashmap_count(c->words); i++)
    if (entries[i].value >= c->pruned_below) *hashmap_put(kept, entries[i].key, NULL) = entries[i].value;
  hashmap_free(c->words);
  c->words = kept;
}

/* Cuts the next word off. */
static bool next_word(struct slice *text, struct slice *word) {
  const char *at = text->data, *end = at + text->len;
  while (at < end && separator[(uint8_t)*at]) at++;
  const char *start = at;
  while (at < end && !separator[(uint8_t)*at]) at++;
  *word = (struct slice){start, (size_t)(at - start)};
  *text = (struct slice){at, (size_t)(end - at)};
  return word->len > 0;
}

static void count_words(struct corpus *c, struct slice text, size_t labels) {
  struct slice word;
  while (next_word(&text, &word)) {
    if (slice_starts(word, label_prefix)) continue; /* fastText would take it for a label */
    if (slice_equal(word, SLICE("</s>"))) break;    /* and this for the end of the line */
    ++*hashmap_put(c->words, word, NULL);
    c->tokens++;
  }
  ++*hashmap_put(c->words, SLICE("</s>"), NULL);
  c->tokens += 1 + labels;
}

/* Length of the first piece of a text: about `size` bytes up to white space, or up to a character where there is none
 * for as long again.  A short rest stays with it. */
static size_t piece_length(struct slice text, size_t size) {
  if (text.len <= size + size / 2) return text.len;
  size_t n = size;
  while (n < 2 * size && n < text.len && !separator[(uint8_t)text.data[n]]) n++;
  if (n < text.len && !separator[(uint8_t)text.data[n]])
    for (n = size; n > 1 && (text.data[n] & 0xC0) == 0x80; n--) continue;
  return n;
}

/* In the spool: u32 number of labels, u32 length, the labels' u32 indices, the text; padded to eight bytes. */
static int append(struct corpus *c, const struct labels *labels, struct slice text, struct err *e) {
  uint32_t head[2] = {(uint32_t)labels->count, (uint32_t)text.len};
  if (spool_append(&c->spool, head, sizeof head, e) != 0 || spool_append(&c->spool, labels->indices, labels->count * sizeof *labels->indices, e) != 0) return -1;
  return spool_append(&c->spool, text.data, text.len, e) != 0 ? -1 : spool_align(&c->spool, e);
}

/* Splits `names` into the indices of its labels; new ones are added.  False when there are too many. */
static bool read_labels(struct corpus *c, struct slice names, struct labels *labels) {
  labels->count = 0;
  struct slice name;
  while (next_word(&names, &name)) {
    buffer_clear(&labels->name);
    if (!slice_starts(name, label_prefix)) buffer_append_slice(&labels->name, label_prefix);
    buffer_append_slice(&labels->name, name);
    bool added;
    uint64_t *known = hashmap_put(c->labels, buffer_slice(&labels->name), &added);
    if (added) {
      *known = c->label_count;
      GROW(c->label_texts, c->label_capacity, c->label_count + 1);
      c->label_texts[c->label_count++] = 0;
    }
    uint32_t index = (uint32_t)*known;
    bool again = false;
    for (size_t i = 0; i < labels->count; i++) again |= labels->indices[i] == index;
    if (again) continue;
    if (labels->count == MOST_LABELS) return false;
    labels->indices[labels->count++] = index;
  }
  return true;
}

static int add(struct corpus *c, const struct corpus_options *options, const struct labels *labels, struct slice text, struct err *e) {
  if (options->test_fraction > 0 && (double)(splitmix64(XXH3_64bits_withSeed(text.data, text.len, options->seed)) >> 11) * 0x1p-53 < options->test_fraction) {
    GROW(c->test, c->test_capacity, c->test_count + 1);
    c->test[c->test_count++] = c->spool.written;
    return append(c, labels, text, e);
  }
  for (size_t i = 0; i < labels->count; i++) c->label_texts[labels->indices[i]]++;
  size_t size = options->piece > 0 && options->piece < CORPUS_PIECE ? (size_t)options->piece : CORPUS_PIECE;
  do {
    size_t n = piece_length(text, size);
    struct slice piece = {text.data, n};
    GROW(c->train, c->train_capacity, c->train_count + 1);
    c->train[c->train_count++] = c->spool.written;
    count_words(c, piece, labels->count);
    if (append(c, labels, piece, e) != 0) return -1;
    text = (struct slice){text.data + n, text.len - n};
  } while (text.len);
  return 0;
}

/* The text of a line in fastText's own form, its labels cut off; no labels: empty. */
static struct slice leading_labels(struct slice *text) {
  struct slice labels = {text->data, 0}, rest = *text, word;
  while (next_word(&rest, &word) && slice_starts(word, label_prefix)) {
    labels.len = (size_t)(word.data + word.len - labels.data);
    *text = rest;
  }
  return labels;
}

static void bad(struct corpus *c, struct program *p, const struct document_batch *batch, uint64_t line, const char *why) {
  if (c->bad++ == 0) program_warn(p, "%s:%llu: %s; such lines are counted as bad and left out", batch->input, (unsigned long long)line, why);
}

static int read_all(struct corpus *c, struct program *p, char *const *inputs, int input_count, const struct corpus_options *options, struct err *e) {
  struct document_reader *reader = document_reader_new(inputs, input_count, NULL);
  int64_t size = document_reader_size(reader);
  if (size > 0) progress_total(p->progress, (uint64_t)size);
  struct document_batch batch = {0};
  struct document_parser parser = {0};
  struct labels labels = {0};
  int more, result = 0;
  while (result == 0 && (more = document_reader_next(reader, &batch, e)) != 0) {
    if (more < 0) {
      result = -1;
      break;
    }
    size_t cursor = 0;
    struct document d;
    struct err why;
    int found;
    uint64_t before = c->in;
    while (result == 0 && (found = document_next(&parser, &batch, &cursor, &d, &why)) != 0) {
      c->in++;
      if (found < 0) {
        bad(c, p, &batch, d.number, why.message);
        continue;
      }
      struct slice names = d.id, text = d.text;
      if (names.len == 0) names = leading_labels(&text);
      if (!read_labels(c, names, &labels)) bad(c, p, &batch, d.number, "more than 256 labels");
      else if (labels.count == 0) bad(c, p, &batch, d.number, "a label, a tab and a text are wanted");
      else if (text.len >= UINT32_MAX) bad(c, p, &batch, d.number, "a text of 4 GiB or more");
      else result = add(c, options, &labels, text, e);
    }
    while (p->memory > 0 && hashmap_memory(c->words) > (uint64_t)p->memory && hashmap_count(c->words) > 1000) prune(c);
    progress_add(p->progress, batch.raw_bytes, c->in - before);
  }
  document_parser_release(&parser);
  document_batch_release(&batch);
  document_reader_free(reader);
  buffer_release(&labels.name);
  return result;
}

int corpus_read(struct corpus *c, struct program *p, char *const *inputs, int input_count, const struct corpus_options *options, struct err *e) {
  c->labels = hashmap_new();
  c->words = hashmap_new();
  if (spool_open(&c->spool, p->tmpdir, e) != 0 || read_all(c, p, inputs, input_count, options, e) != 0) return -1;
  return spool_map(&c->spool, e);
}

struct corpus_text corpus_text(const struct corpus *c, uint64_t offset) {
  const uint32_t *head = (const uint32_t *)(const void *)(c->spool.data + offset);
  return (struct corpus_text){head + 2, head[0], {(const char *)(head + 2 + head[0]), head[1]}};
}

void corpus_release(struct corpus *c) {
  if (c->labels) hashmap_free(c->labels);
  if (c->words) hashmap_free(c->words);
  free(c->label_texts);
  free(c->train);
  free(c->test);
  spool_release(&c->spool);
  *c = (struct corpus){0};
}
