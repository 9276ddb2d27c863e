/* SPDX-License-Identifier: MIT
 *
 * reader -> workers, each with a counter of its own; nothing is written.
 */
#include "tools/bpe-train/corpus.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/memory.h"
#include "common/io/documents.h"
#include "common/io/output.h"
#include "common/io/pipeline.h"
#include "common/token/classes.h"
#include "common/token/raw_text.h"

enum { LEAST_BATCH = 16 << 10, MOST_BATCH = 256 << 10, LEAST_MEMORY = 512 << 10, ENDS = 256 };

struct batch {
  struct document_batch lines;
  struct raw_chunk chunk;
  struct buffer rejects;
  uint64_t in, out, rejected, bad, bytes;
  struct err why; /* of the first bad line */
};

struct worker {
  struct document_parser parser;
  struct pretokenizer_scratch *scratch;
  struct counter *counter;
  uint64_t pieces;
};

struct corpus {
  struct program *p;
  const struct pretokenizer *pattern;
  const struct specials *specials;
  const struct corpus_options *options;
  struct document_reader *documents;
  struct raw_reader *raw;
  struct worker *workers;
  struct output *rejects;
  uint64_t in, out, rejected, bad, bytes;
};

static size_t cut_raw(void *context, struct slice text) {
  const struct corpus *c = context;
  return pretokenizer_cut(c->pattern, c->specials, text);
}

static int read_batch(void *context, void *batch, struct err *e) {
  struct corpus *c = context;
  struct batch *b = batch;
  return c->raw ? raw_reader_next(c->raw, &b->chunk, e) : document_reader_next(c->documents, &b->lines, e);
}

static bool is_space(struct slice piece) {
  const uint8_t *p = (const uint8_t *)piece.data;
  return classes_space_at(classes_get(), p, p + piece.len);
}

static int count_words(struct worker *w, struct slice text, size_t from, const uint32_t *ends, int n, struct err *e) {
  for (int i = 0; i < n; i++) {
    size_t begin = from + (i ? ends[i - 1] : 0);
    struct slice piece = {text.data + begin, from + ends[i] - begin};
    if (!is_space(piece) && counter_add(w->counter, piece, 1, e)) return -1;
  }
  return 0;
}

static int count_plain(const struct corpus *c, struct worker *w, struct slice text, struct err *e) {
  uint32_t ends[ENDS];
  size_t cursor = 0;
  int n;
  for (size_t from = 0; (n = pretokenize(c->pattern, w->scratch, text, &cursor, ends, ENDS, e)) > 0; from = cursor) {
    w->pieces += (uint64_t)n;
    if (c->options->words ? count_words(w, text, from, ends, n, e) : counter_add_pieces(w->counter, text, from, ends, n, e)) return -1;
  }
  return n;
}

static int count_text(const struct corpus *c, struct worker *w, struct slice text, struct err *e) {
  for (size_t from = 0; from < text.len;) {
    size_t length = 0;
    uint32_t id;
    size_t at = specials_find(c->specials, text, from, &length, &id);
    if (count_plain(c, w, (struct slice){text.data + from, at - from}, e)) return -1;
    from = at + length;
  }
  return 0;
}

static int work(void *context, int worker, void *batch, struct err *e) {
  struct corpus *c = context;
  struct worker *w = &c->workers[worker];
  struct batch *b = batch;
  b->in = b->out = b->rejected = b->bad = b->bytes = 0;
  b->rejects.len = 0;
  if (c->raw) {
    b->in = b->out = b->chunk.last;
    b->bytes = b->chunk.bytes.len;
    return count_text(c, w, buffer_slice(&b->chunk.bytes), e);
  }
  struct document d;
  struct err why;
  size_t cursor = 0;
  int got;
  while ((got = document_next(&w->parser, &b->lines, &cursor, &d, &why))) {
    b->in++;
    if (got < 0) {
      if (b->bad++ == 0) err_prefix(&why, "%s:%" PRIu64, b->lines.input, d.number), b->why = why;
      continue;
    }
    if (c->p->max_document && d.line.len > (size_t)c->p->max_document) {
      b->rejected++;
      if (c->rejects) document_write_reject(&b->rejects, "bpe-train:max_document", &d);
      continue;
    }
    b->out++;
    b->bytes += d.text.len;
    if (count_text(c, w, d.text, e)) return err_prefix(e, "%s:%" PRIu64, b->lines.input, d.number);
  }
  return 0;
}

static int write_batch(void *context, void *batch, struct err *e) {
  struct corpus *c = context;
  struct batch *b = batch;
  if (b->bad && c->bad == 0) program_warn(c->p, "%s; further bad lines are only counted", b->why.message);
  c->in += b->in;
  c->out += b->out;
  c->rejected += b->rejected;
  c->bad += b->bad;
  c->bytes += b->bytes;
  progress_add(c->p->progress, c->raw ? b->chunk.raw_bytes : b->lines.raw_bytes, b->in);
  return c->rejects ? output_write(c->rejects, b->rejects.data, b->rejects.len, e) : 0;
}

static size_t weigh_batch(const void *batch) { return ((const struct batch *)batch)->lines.bytes.len + ((const struct batch *)batch)->chunk.bytes.len; }

static void release_batch(void *batch) {
  struct batch *b = batch;
  document_batch_release(&b->lines);
  buffer_release(&b->chunk.bytes);
  buffer_release(&b->rejects);
}

static void put_stats(const struct corpus *c, int jobs) {
  struct stats *t = c->p->stats;
  struct document_counts d = {0};
  uint64_t pieces = 0;
  for (int i = 0; i < jobs; i++) {
    document_counts_add(&d, &c->workers[i].parser.counts);
    pieces += c->workers[i].pieces;
  }
  stats_flow(t, c->in, c->out, c->rejected, c->bad);
  stats_int(t, "bytes", (int64_t)c->bytes);
  stats_int(t, "pieces", (int64_t)pieces);
  document_counts_report(&d, t);
}

/* Of all operands, when they are files; else 0. */
static uint64_t size_of_files(char *const *operands, int count) {
  uint64_t total = 0;
  for (int i = 0; i < count; i++) {
    struct stat st;
    if (stat(operands[i], &st) || !S_ISREG(st.st_mode)) return 0;
    total += (uint64_t)st.st_size;
  }
  return total;
}

/* What there is to do for so much memory: a thread's counter, its batches and what it needs beside them. */
static int jobs_for(const struct program *p) {
  int64_t most = p->memory / LEAST_MEMORY;
  return most < 1 ? 1 : p->jobs < most ? (int)p->jobs : (int)most;
}

/* Half of the memory is the counters', an eighth that of batches in flight. */
int corpus_count(struct words **out, struct program *p, const struct pretokenizer *pattern, const struct specials *specials, const struct corpus_options *options, struct err *e) {
  struct corpus c = {.p = p, .pattern = pattern, .specials = specials, .options = options};
  int jobs = jobs_for(p), status = 0;
  *out = NULL;
  if (p->rejects_path && output_open(&c.rejects, p->rejects_path, 0, e)) return -1;
  struct counter **counters = NEW_ARRAY(struct counter *, (size_t)jobs);
  c.workers = NEW_ARRAY(struct worker, (size_t)jobs);
  for (int i = 0; i < jobs; i++) {
    c.workers[i].scratch = pretokenizer_scratch_new(pattern);
    c.workers[i].counter = counters[i] = counter_new((size_t)p->memory / 2 / (size_t)jobs, p->tmpdir);
  }
  size_t batch = (size_t)p->memory / 16 / (size_t)(2 * jobs + 2);
  batch = batch < LEAST_BATCH ? LEAST_BATCH : batch > MOST_BATCH ? MOST_BATCH : batch;
  struct document_reader_options reading = {.batch_bytes = batch};
  uint64_t total = size_of_files(p->operand, p->operand_count);
  if (total > 0) progress_total(p->progress, total);
  if (options->raw) c.raw = raw_reader_new(p->operand, p->operand_count, batch, cut_raw, &c);
  else c.documents = document_reader_new(p->operand, p->operand_count, &reading);
  struct pipeline line = {.context = &c, .batch_size = sizeof(struct batch), .read = read_batch, .work = work, .write = write_batch, .release = release_batch, .weigh = weigh_batch, .memory = p->memory};
  status = pipeline_run(&line, jobs, e);
  put_stats(&c, jobs);
  if (status == 0 && p->strict && c.bad) status = err_set(e, "%" PRIu64 " bad documents (--strict)", c.bad);
  if (status == 0 && c.rejects) {
    status = output_commit(c.rejects, e);
    c.rejects = NULL;
  }
  output_abort(c.rejects);
  document_reader_free(c.documents);
  raw_reader_free(c.raw);
  for (int i = 0; i < jobs; i++) {
    document_parser_release(&c.workers[i].parser);
    pretokenizer_scratch_free(c.workers[i].scratch);
  }
  free(c.workers);
  c.workers = NULL;
  if (status == 0) {
    uint64_t runs = 0;
    for (int i = 0; i < jobs; i++) runs += counter_runs(counters[i])->count;
    status = words_new(out, counters, jobs, (size_t)p->memory, false, e);
    if (status == 0) {
      stats_int(p->stats, "distinct", (int64_t)words_distinct(*out));
      stats_int(p->stats, "time.spilled.runs", (int64_t)runs);
      stats_int(p->stats, "time.spilled.bytes", (int64_t)words_spilled(*out));
    }
  } else
    for (int i = 0; i < jobs; i++) counter_free(counters[i]);
  free(counters);
  return status;
}
