/* SPDX-License-Identifier: MIT
 *
 * Each pass is a pipeline (common/io/pipeline.h): batches of lines are read in order, worked on by any thread, and their
 * results taken in order, so that nothing depends on the number of threads.
 */
#include "tools/minhash-dedup/dedup.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "common/io/documents.h"
#include "common/io/output.h"
#include "common/io/passes.h"
#include "common/io/pipeline.h"
#include "tools/minhash-dedup/lsh/bands.h"
#include "tools/minhash-dedup/lsh/candidates.h"
#include "tools/minhash-dedup/lsh/signer.h"
#include "tools/minhash-dedup/report.h"

struct worker {
  struct document_parser parser;
  struct signer *signer;
};

struct batch {
  struct document_batch in;
  struct buffer out, rejects; /* pass 3; pass 2 packs its sets into out */
  struct buffer notes;        /* pass 3, for the report */
  uint32_t *documents;        /* pass 1: ordinals of sound documents, and their keys */
  uint64_t *keys;
  size_t count, document_capacity, key_capacity;
  uint64_t bad, too_long, kept, duplicates;
  struct err first_bad;
};

struct dedup {
  struct program *program;
  const struct dedup_options *options;
  struct permutations permutations;
  struct worker *workers;
  struct bands *bands;
  struct candidates *candidates;
  struct output *out, *rejects, *clusters, *report_out;
  struct report *report; /* NULL: none */
  enum document_format format;
  struct passes *stream;
  uint64_t in, kept, duplicates, too_long, bad;
};

static int read_batch(void *context, void *batch, struct err *e) {
  struct dedup *d = context;
  struct document_batch *in = &((struct batch *)batch)->in;
  int more = passes_next(d->stream, in, e);
  if (more > 0 && in->ordinal + in->lines > UINT32_MAX) return err_set(e, "more than 4,294,967,295 lines in one run");
  return more;
}

static void release_batch(void *batch) {
  struct batch *b = batch;
  document_batch_release(&b->in);
  buffer_release(&b->out);
  buffer_release(&b->rejects);
  buffer_release(&b->notes);
  free(b->documents);
  free(b->keys);
}

static size_t weigh_batch(const void *batch) { return ((const struct batch *)batch)->in.bytes.len; }

static int run_pass(struct dedup *d, int (*work)(void *, int, void *, struct err *), int (*write)(void *, void *, struct err *), struct err *e) {
  struct pipeline pipeline = {d, sizeof(struct batch), read_batch, work, write, release_batch, weigh_batch, d->program->memory};
  if (pipeline_run(&pipeline, (int)d->program->jobs, e) != 0) return -1;
  return passes_again(d->stream, e);
}

static bool too_long(const struct dedup *d, size_t line) { return d->program->max_document > 0 && line > (uint64_t)d->program->max_document; }

/* ---- pass 1: band keys */

static int sign_batch(void *context, int index, void *batch, struct err *e) {
  struct dedup *d = context;
  struct worker *w = &d->workers[index];
  struct batch *b = batch;
  struct document document;
  size_t cursor = 0, bands = (size_t)d->permutations.bands;
  int found;
  b->count = 0;
  b->bad = b->too_long = 0;
  while ((found = document_next(&w->parser, &b->in, &cursor, &document, e)) != 0) {
    if (found < 0) {
      if (b->bad++ == 0) err_set(&b->first_bad, "%s:%llu: %s", b->in.input, (unsigned long long)document.number, e->message);
      continue;
    }
    if (too_long(d, document.line.len)) {
      b->too_long++;
      continue;
    }
    GROW(b->documents, b->document_capacity, b->count + 1);
    GROW(b->keys, b->key_capacity, (b->count + 1) * bands);
    b->documents[b->count] = (uint32_t)document.ordinal;
    b->count += signer_keys(w->signer, document.text, b->keys + b->count * bands);
  }
  return 0;
}

static int take_keys(void *context, void *batch, struct err *e) {
  struct dedup *d = context;
  struct batch *b = batch;
  size_t bands = (size_t)d->permutations.bands;
  for (size_t i = 0; i < b->count; i++)
    if (bands_add(d->bands, b->documents[i], b->keys + i * bands, e) != 0) return -1;
  if (b->bad > 0 && d->bad == 0) program_warn(d->program, "%s", b->first_bad.message);
  d->in += b->in.lines;
  d->bad += b->bad;
  d->too_long += b->too_long;
  progress_add(d->program->progress, b->in.raw_bytes, b->in.lines);
  return 0;
}

/* ---- pass 2: sets of shingles */

struct packed { /* in batch.out, at a multiple of 8: then the id, padding to 8 bytes, then the hashes */
  uint64_t text_length, id_length, count;
};

static void collect(struct worker *w, struct batch *b, const struct document *document) {
  const uint64_t *hashes;
  size_t count = signer_set(w->signer, document->text, &hashes);
  struct packed packed = {document->text.len, document->id.len, count};
  struct buffer name = {0};
  if (!document->id.len) {
    buffer_printf(&name, "%s:%llu", b->in.input, (unsigned long long)document->number);
    packed.id_length = name.len;
  }
  buffer_append(&b->out, &packed, sizeof packed);
  buffer_append_slice(&b->out, name.len ? buffer_slice(&name) : document->id);
  buffer_append(&b->out, "\0\0\0\0\0\0\0", -b->out.len % 8);
  buffer_append(&b->out, hashes, count * sizeof *hashes);
  signer_shrink(w->signer);
  buffer_release(&name);
}

static int collect_batch(void *context, int index, void *batch, struct err *e) {
  struct dedup *d = context;
  struct worker *w = &d->workers[index];
  struct batch *b = batch;
  const char *at = b->in.bytes.data, *end = at + b->in.bytes.len;
  struct document_batch one = {.input = b->in.input, .format = b->in.format}; /* only lines of candidates are parsed */
  buffer_clear(&b->out);
  for (uint64_t i = 0; at < end; i++) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    if (candidates_has(d->candidates, b->in.ordinal + i)) {
      struct document document;
      size_t cursor = 0;
      buffer_clear(&one.bytes);
      buffer_append(&one.bytes, at, (size_t)(newline + 1 - at));
      one.first_line = b->in.first_line + i;
      one.ordinal = b->in.ordinal + i;
      if (document_next(&w->parser, &one, &cursor, &document, e) > 0) collect(w, b, &document);
    }
    at = newline + 1;
  }
  document_batch_release(&one);
  return 0;
}

static int take_sets(void *context, void *batch, struct err *e) {
  struct dedup *d = context;
  struct batch *b = batch;
  int result = 0;
  for (size_t at = 0; at < b->out.len && result == 0;) {
    struct packed packed;
    memcpy(&packed, b->out.data + at, sizeof packed);
    struct slice id = {b->out.data + at + sizeof packed, packed.id_length};
    at += sizeof packed + (packed.id_length + 7) / 8 * 8;
    result = candidates_put(d->candidates, id, packed.text_length, (const uint64_t *)(const void *)(b->out.data + at), packed.count, e);
    at += packed.count * sizeof(uint64_t);
  }
  progress_add(d->program->progress, b->in.raw_bytes, 0);
  return result;
}

/* ---- pass 3: what stays */

static const char duplicate[] = "minhash-dedup:duplicate", long_document[] = "minhash-dedup:max_document";

static void write_rejected(struct dedup *d, struct batch *b, const struct document *document) {
  bool is_long = too_long(d, document->line.len);
  b->duplicates += !is_long;
  if (d->rejects) document_write_reject(&b->rejects, is_long ? long_document : duplicate, document);
}

/* Whole lines of a clean batch, without parsing them. */
static void write_lines(struct dedup *d, struct batch *b) {
  const char *at = b->in.bytes.data, *end = at + b->in.bytes.len, *from = at;
  for (uint64_t ordinal = b->in.ordinal; at < end; ordinal++) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    struct document document = {.line = {at, (size_t)(newline - at)}, .ordinal = ordinal};
    if (too_long(d, document.line.len) || candidates_removed(d->candidates, ordinal)) {
      buffer_append(&b->out, from, (size_t)(at - from));
      from = newline + 1;
      write_rejected(d, b, &document);
    } else {
      b->kept++;
    }
    at = newline + 1;
  }
  buffer_append(&b->out, from, (size_t)(end - from));
}

static int write_batch(void *context, int index, void *batch, struct err *e) {
  struct dedup *d = context;
  struct batch *b = batch;
  buffer_clear(&b->out);
  buffer_clear(&b->rejects);
  buffer_clear(&b->notes);
  b->kept = b->duplicates = 0;
  const struct buffer *bytes = &b->in.bytes;
  if (!d->report && b->in.format == DOCUMENT_TSV && d->format == DOCUMENT_TSV && !memchr(bytes->data, 0, bytes->len) && utf8_valid_prefix(bytes->data, bytes->len) == bytes->len) {
    write_lines(d, b);
    return 0;
  }
  struct document document;
  size_t cursor = 0;
  int found;
  while ((found = document_next(&d->workers[index].parser, &b->in, &cursor, &document, e)) != 0) {
    if (found < 0) continue;
    bool is_long = too_long(d, document.line.len), removed = candidates_removed(d->candidates, document.ordinal);
    if (d->report && !is_long) report_note(&b->notes, d->options->source_field, &document, b->in.input, removed);
    if (is_long || removed) {
      write_rejected(d, b, &document);
      continue;
    }
    document_write(&b->out, &document, d->format, NULL, NULL);
    b->kept++;
  }
  return 0;
}

static int take_lines(void *context, void *batch, struct err *e) {
  struct dedup *d = context;
  struct batch *b = batch;
  d->kept += b->kept;
  d->duplicates += b->duplicates;
  if (d->report) report_documents(d->report, buffer_slice(&b->notes));
  progress_add(d->program->progress, b->in.raw_bytes, 0);
  if (output_write(d->out, b->out.data, b->out.len, e) != 0) return -1;
  return d->rejects ? output_write(d->rejects, b->rejects.data, b->rejects.len, e) : 0;
}

/* ---- all of it */

static int take_bucket(void *context, const uint32_t *documents, size_t count, struct err *e) {
  return candidates_add_bucket(((struct dedup *)context)->candidates, documents, count, e);
}

static int write_cluster(void *context, struct slice id, struct slice kept, double jaccard, struct err *e) {
  struct dedup *d = context;
  struct buffer row = {0};
  char number[NUMBER_TEXT];
  document_escape(&row, kept);
  buffer_put(&row, '\t');
  document_escape(&row, kept);
  buffer_put(&row, '\t');
  document_escape(&row, id);
  buffer_printf(&row, "\t%s\n", number_format(jaccard, number));
  int result = output_write(d->clusters, row.data, row.len, e);
  buffer_release(&row);
  return result;
}

static int find_duplicates(struct dedup *d, struct err *e) {
  const struct dedup_options *o = d->options;
  struct document_counts counts = {0};
  int64_t size = passes_size(d->stream);
  if (size > 0) progress_total(d->program->progress, 3 * (uint64_t)size);
  if (run_pass(d, sign_batch, take_keys, e) != 0) return -1;
  for (int i = 0; i < d->program->jobs; i++) document_counts_add(&counts, &d->workers[i].parser.counts);
  document_counts_report(&counts, d->program->stats);
  stats_time(d->program->stats, "sign", progress_clock() - d->program->started);
  if (d->program->strict && d->bad > 0) return err_set(e, "%llu lines are no documents", (unsigned long long)d->bad);
  if (bands_buckets(d->bands, (int)d->program->jobs, take_bucket, d, e) != 0) return -1;
  bands_free(d->bands);
  d->bands = NULL;
  candidates_close(d->candidates, d->in);
  if (candidates_count(d->candidates) > 0 && (o->verify > 0 || o->keep_longest || d->clusters) && run_pass(d, collect_batch, take_sets, e) != 0) return -1;
  stats_time(d->program->stats, "collect", progress_clock() - d->program->started);
  if (o->connect_earlier) candidates_connect_earlier(d->candidates);
  if (candidates_connect(d->candidates, o->verify, o->keep_longest, e) != 0) return -1;
  stats_time(d->program->stats, "connect", progress_clock() - d->program->started);
  return 0;
}

static void count(struct dedup *d) {
  struct stats *s = d->program->stats;
  struct candidate_counts c = candidates_counts(d->candidates);
  stats_flow(s, d->in, d->kept, d->duplicates + d->too_long, d->bad);
  stats_int(s, "reasons.duplicate", (int64_t)d->duplicates);
  if (d->too_long) stats_int(s, "reasons.max_document", (int64_t)d->too_long);
  stats_int(s, "candidates", (int64_t)c.candidates);
  stats_int(s, "buckets", (int64_t)c.buckets);
  stats_int(s, "pairs_compared", (int64_t)c.compared);
  stats_int(s, "pairs_alike", (int64_t)c.alike);
  stats_int(s, "clusters", (int64_t)c.clusters);
  char in[NUMBER_TEXT], removed[NUMBER_TEXT], clusters[NUMBER_TEXT], compared[NUMBER_TEXT];
  program_verbose(d->program, "%s lines, %s near-duplicates of %s documents removed, %s pairs compared", number_thousands(d->in, in),
                  number_thousands(d->duplicates, removed), number_thousands(c.clusters, clusters), number_thousands(c.compared, compared));
}

static int open_outputs(struct dedup *d, struct err *e) {
  struct program *p = d->program;
  if (output_open(&d->out, p->output, 0, e) != 0) return -1;
  if (p->rejects_path && output_open(&d->rejects, p->rejects_path, 0, e) != 0) return -1;
  if (d->options->report && output_open(&d->report_out, d->options->report, 0, e) != 0) return -1;
  if (!d->options->clusters) return 0;
  if (output_open(&d->clusters, d->options->clusters, 0, e) != 0) return -1;
  return output_printf(d->clusters, e, "cluster_id\tkept_id\tid\tjaccard\n");
}

/* Commits or drops each output; the first error stays. */
static int close_outputs(struct dedup *d, int result, struct err *e) {
  struct output *outputs[] = {d->rejects, d->clusters, d->report_out, d->out};
  for (int i = 0; i < 4; i++) {
    if (result == 0 && outputs[i]) result = output_commit(outputs[i], e);
    else output_abort(outputs[i]);
  }
  return result;
}

static void take_cluster(void *context, uint64_t size) { report_cluster(context, size); }

static int run(struct dedup *d, struct err *e) {
  if (open_outputs(d, e) != 0 || find_duplicates(d, e) != 0) return -1;
  if (d->clusters && candidates_each_removed(d->candidates, write_cluster, d, e) != 0) return -1;
  if (run_pass(d, write_batch, take_lines, e) != 0) return -1;
  if (d->report) {
    candidates_each_cluster(d->candidates, take_cluster, d->report);
    if (report_write(d->report, d->report_out, e) != 0) return -1;
  }
  count(d);
  return 0;
}

int dedup_run(struct program *p, const struct dedup_options *options, struct err *e) {
  struct dedup d = {.program = p, .options = options, .format = p->jsonl ? DOCUMENT_JSONL : DOCUMENT_TSV};
  size_t memory = (size_t)p->memory;
  permutations_init(&d.permutations, options->signature, (int)options->bands, (int)options->rows, (uint64_t)p->seed);
  d.workers = NEW_ARRAY(struct worker, (size_t)p->jobs);
  for (int i = 0; i < p->jobs; i++) d.workers[i].signer = signer_new(&d.permutations, (int)options->ngram);
  if (options->report) d.report = report_new();
  d.stream = passes_new(p->operand, p->operand_count, memory / 4, p->tmpdir);
  d.bands = bands_new((int)options->bands, memory / 4, p->tmpdir);
  d.candidates = candidates_new(memory / 2, p->tmpdir);

  int result = close_outputs(&d, run(&d, e), e);

  for (int i = 0; i < p->jobs; i++) {
    document_parser_release(&d.workers[i].parser);
    signer_free(d.workers[i].signer);
  }
  free(d.workers);
  report_free(d.report);
  passes_free(d.stream);
  bands_free(d.bands);
  candidates_free(d.candidates);
  permutations_release(&d.permutations);
  return result;
}
