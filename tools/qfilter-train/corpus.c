/* SPDX-License-Identifier: MIT
 *
 * Scratch file: per text u32 label, u32 length, bytes.
 */
#include "tools/qfilter-train/corpus.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/io/documents.h"
#include "common/io/output.h"

static const struct slice label_prefix = {"__label__", 9};
static const bool separator[256] = {[' '] = true, ['\n'] = true, ['\r'] = true, ['\t'] = true, ['\v'] = true, ['\f'] = true, [0] = true};

struct scratch {
  int fd;
  struct buffer pending;
  uint64_t written; /* pending included */
};

static int flush(struct scratch *s, struct err *e) {
  for (size_t done = 0; done < s->pending.len;) {
    ssize_t n = write(s->fd, s->pending.data + done, s->pending.len - done);
    if (n < 0) return err_errno(e, "scratch file");
    done += (size_t)n;
  }
  buffer_clear(&s->pending);
  return 0;
}

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

static void count_words(struct corpus *c, struct slice text) {
  size_t i = 0;
  for (;;) {
    while (i < text.len && separator[(uint8_t)text.data[i]]) i++;
    if (i == text.len) break;
    size_t start = i;
    while (i < text.len && !separator[(uint8_t)text.data[i]]) i++;
    struct slice word = {text.data + start, i - start};
    if (slice_starts(word, label_prefix)) continue; /* fastText would take it for a label */
    if (slice_equal(word, SLICE("</s>"))) break;    /* and this for the end of the line */
    ++*hashmap_put(c->words, word, NULL);
    c->tokens++;
  }
  ++*hashmap_put(c->words, SLICE("</s>"), NULL);
  c->tokens += 2; /* and the label */
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

static int append(struct scratch *s, uint32_t label, struct slice text, struct err *e) {
  uint32_t length = (uint32_t)text.len;
  buffer_append(&s->pending, &label, 4);
  buffer_append(&s->pending, &length, 4);
  buffer_append_slice(&s->pending, text);
  s->written += 8 + text.len;
  return s->pending.len > 1 << 20 ? flush(s, e) : 0;
}

static int add(struct corpus *c, struct scratch *s, const struct corpus_options *options, const struct document *d, struct buffer *label, struct err *e) {
  buffer_clear(label);
  if (!slice_starts(d->id, label_prefix)) buffer_append_slice(label, label_prefix);
  buffer_append_slice(label, d->id);
  bool added, test = (double)(splitmix64(splitmix64(options->seed) ^ d->ordinal) >> 11) * 0x1p-53 < options->test_fraction;
  uint64_t *known = hashmap_put(c->labels, buffer_slice(label), &added);
  if (added) {
    *known = c->label_count;
    GROW(c->label_texts, c->label_capacity, c->label_count + 1);
    c->label_texts[c->label_count++] = 0;
  }
  uint32_t index = (uint32_t)*known;
  if (test) {
    GROW(c->test, c->test_capacity, c->test_count + 1);
    c->test[c->test_count++] = s->written;
    return append(s, index, d->text, e);
  }
  c->label_texts[index]++;
  struct slice rest = d->text;
  do {
    size_t n = options->piece > 0 ? piece_length(rest, (size_t)options->piece) : rest.len;
    struct slice piece = {rest.data, n};
    GROW(c->train, c->train_capacity, c->train_count + 1);
    c->train[c->train_count++] = s->written;
    count_words(c, piece);
    if (append(s, index, piece, e) != 0) return -1;
    rest = (struct slice){rest.data + n, rest.len - n};
  } while (rest.len);
  return 0;
}

static void bad(struct corpus *c, struct program *p, const struct document_batch *batch, uint64_t line, const char *why) {
  if (c->bad++ == 0) program_warn(p, "%s:%llu: %s; such lines are counted as bad and left out", batch->input, (unsigned long long)line, why);
}

static int read_all(struct corpus *c, struct program *p, const struct corpus_options *options, struct scratch *s, struct err *e) {
  struct document_reader *reader = document_reader_new(p->operand, p->operand_count, NULL);
  int64_t size = document_reader_size(reader);
  if (size > 0) progress_total(p->progress, (uint64_t)size);
  struct document_batch batch = {0};
  struct document_parser parser = {0};
  struct buffer label = {0};
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
      if (found < 0) bad(c, p, &batch, d.number, why.message);
      else if (d.id.len == 0) bad(c, p, &batch, d.number, "a label, a tab and a text are wanted");
      else if (d.text.len >= UINT32_MAX) bad(c, p, &batch, d.number, "a text of 4 GiB or more");
      else result = add(c, s, options, &d, &label, e);
    }
    while (p->memory > 0 && hashmap_memory(c->words) > (uint64_t)p->memory && hashmap_count(c->words) > 1000) prune(c);
    progress_add(p->progress, batch.raw_bytes, c->in - before);
  }
  document_parser_release(&parser);
  document_batch_release(&batch);
  document_reader_free(reader);
  buffer_release(&label);
  return result == 0 ? flush(s, e) : result;
}

int corpus_read(struct corpus *c, struct program *p, const struct corpus_options *options, struct err *e) {
  c->labels = hashmap_new();
  c->words = hashmap_new();
  struct scratch s = {.fd = output_scratch(p->tmpdir, e)};
  if (s.fd < 0) return -1;
  int result = read_all(c, p, options, &s, e);
  if (result == 0 && s.written) {
    void *data = mmap(NULL, s.written, PROT_READ, MAP_SHARED, s.fd, 0);
    if (data == MAP_FAILED) {
      result = err_errno(e, "scratch file");
    } else {
      c->data = data;
      c->size = s.written;
    }
  }
  close(s.fd);
  buffer_release(&s.pending);
  return result;
}

struct corpus_text corpus_text(const struct corpus *c, uint64_t offset) {
  uint32_t head[2];
  memcpy(head, c->data + offset, sizeof head);
  return (struct corpus_text){head[0], {c->data + offset + sizeof head, head[1]}};
}

void corpus_release(struct corpus *c) {
  if (c->labels) hashmap_free(c->labels);
  if (c->words) hashmap_free(c->words);
  free(c->label_texts);
  free(c->train);
  free(c->test);
  if (c->data) munmap((void *)c->data, c->size);
  *c = (struct corpus){0};
}
