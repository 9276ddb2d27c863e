/* SPDX-License-Identifier: MIT
 *
 * reader -> workers -> ordered writer.  A batch holds about 256 KiB of lines, or a chunk of a raw document.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "common/io/documents.h"
#include "common/io/output.h"
#include "common/io/pipeline.h"
#include "common/io/shards.h"
#include "common/token/raw_text.h"
#include "tools/bpe-encode/bpe-encode.h"

enum { BATCH_BYTES = 256 << 10 };

struct counts {
  uint64_t in, out, rejected, bad; /* documents */
  uint64_t bytes, characters, tokens; /* of text that was encoded; tokens without end-of-text */
};

struct batch {
  struct document_batch lines;
  struct raw_chunk chunk;
  struct ids ids;
  struct buffer text, rejects; /* --ids: lines; --rejects */
  struct counts counts;
  struct err bad; /* the first bad line */
};

struct worker {
  struct document_parser parser;
  struct scheme_worker *scheme;
};

struct encode {
  struct program *p;
  const struct settings *s;
  const struct scheme *scheme;
  struct document_reader *documents;
  struct raw_reader *raw;
  struct worker *workers;
  struct shard_writer *shards;
  struct output *lines, *rejects;
  struct counts counts;
  bool warned;
  bool begun; /* --ids: the line of this raw document has an id */
};

static size_t cut_raw(void *context, struct slice text) {
  const struct encode *n = context;
  return scheme_cut(n->scheme, text, n->s->allow_special);
}

static int read_batch(void *context, void *batch, struct err *e) {
  struct encode *n = context;
  struct batch *b = batch;
  return n->raw ? raw_reader_next(n->raw, &b->chunk, e) : document_reader_next(n->documents, &b->lines, e);
}

static size_t weigh_batch(const void *batch) { return ((const struct batch *)batch)->lines.bytes.len + ((const struct batch *)batch)->chunk.bytes.len; }

/* ids -> decimal, a space before each but the first of a line. */
static void put_decimal(struct buffer *out, const uint32_t *ids, size_t n, bool first) {
  buffer_reserve(out, n * 11);
  char *to = out->data + out->len;
  for (size_t i = 0; i < n; i++) {
    char digits[10];
    int k = 0;
    uint32_t id = ids[i];
    if (i || !first) *to++ = ' ';
    do digits[k++] = (char)('0' + id % 10);
    while (id /= 10);
    while (k) *to++ = digits[--k];
  }
  out->len = (size_t)(to - out->data);
}

/* One document, or a chunk of one: end-of-text first, then its tokens. */
static int encode_text(struct encode *n, struct worker *w, struct batch *b, struct slice text, bool first, bool last, struct err *e) {
  int64_t eot = n->s->ratio ? -1 : scheme_eot(n->scheme);
  size_t start = b->ids.len;
  if (first && eot >= 0) {
    ids_reserve(&b->ids, 1);
    b->ids.data[b->ids.len++] = (uint32_t)eot;
  }
  size_t from = b->ids.len;
  if (scheme_encode(w->scheme, text, n->s->allow_special, &b->ids, e)) return -1;
  b->counts.tokens += b->ids.len - from;
  b->counts.bytes += text.len;
  if (n->s->ratio) b->counts.characters += utf8_count(text.data, text.len);
  if (n->s->ids) {
    put_decimal(&b->text, b->ids.data + start, b->ids.len - start, first);
    if (last) buffer_put(&b->text, '\n');
  }
  if (n->s->ids || n->s->ratio) b->ids.len = 0;
  b->counts.out += last;
  return 0;
}

static int work(void *context, int worker, void *batch, struct err *e) {
  struct encode *n = context;
  struct worker *w = &n->workers[worker];
  struct batch *b = batch;
  b->ids.len = b->text.len = b->rejects.len = 0;
  b->counts = (struct counts){0};
  if (n->raw) {
    b->counts.in += b->chunk.last;
    return encode_text(n, w, b, buffer_slice(&b->chunk.bytes), b->chunk.first, b->chunk.last, e);
  }
  struct document d;
  size_t cursor = 0;
  int got;
  struct err why;
  while ((got = document_next(&w->parser, &b->lines, &cursor, &d, &why))) {
    b->counts.in++;
    if (got < 0) {
      if (b->counts.bad++ == 0) err_prefix(&why, "%s:%" PRIu64, b->lines.input, d.number), b->bad = why;
      continue;
    }
    if (n->p->max_document && d.line.len > (size_t)n->p->max_document) {
      b->counts.rejected++;
      if (n->rejects) document_write_reject(&b->rejects, "bpe-encode:max_document", &d);
      continue;
    }
    if (encode_text(n, w, b, d.text, true, true, e)) return err_prefix(e, "%s:%" PRIu64, b->lines.input, d.number);
  }
  return 0;
}

static int write_batch(void *context, void *batch, struct err *e) {
  struct encode *n = context;
  struct batch *b = batch;
  n->counts.in += b->counts.in;
  n->counts.out += b->counts.out;
  n->counts.rejected += b->counts.rejected;
  n->counts.bad += b->counts.bad;
  n->counts.bytes += b->counts.bytes;
  n->counts.characters += b->counts.characters;
  n->counts.tokens += b->counts.tokens;
  if (b->counts.bad && !n->warned) {
    n->warned = true;
    program_warn(n->p, "%s; further bad lines are only counted", b->bad.message);
  }
  if (n->rejects && output_write(n->rejects, b->rejects.data, b->rejects.len, e)) return -1;
  if (n->lines) {
    /* A chunk knows not whether those before it had any id. */
    size_t skip = n->raw && !n->begun && b->text.len && b->text.data[0] == ' ';
    n->begun = !b->chunk.last && (n->begun || b->text.len > skip);
    if (output_write(n->lines, b->text.data + skip, b->text.len - skip, e)) return -1;
  }
  if (n->shards && shard_writer_put(n->shards, b->ids.data, b->ids.len, e)) return -1;
  progress_add(n->p->progress, n->raw ? b->chunk.raw_bytes : b->lines.raw_bytes, b->counts.in);
  return 0;
}

static void release_batch(void *batch) {
  struct batch *b = batch;
  document_batch_release(&b->lines);
  buffer_release(&b->chunk.bytes);
  ids_release(&b->ids);
  buffer_release(&b->text);
  buffer_release(&b->rejects);
}

static int open_output(struct encode *n, struct err *e) {
  struct program *p = n->p;
  const struct settings *s = n->s;
  uint32_t size = scheme_size(n->scheme);
  if (p->rejects_path && output_open(&n->rejects, p->rejects_path, 0, e)) return -1;
  if (s->ids || s->ratio) return output_open(&n->lines, p->output, 0, e);
  if (s->dtype == DTYPE_U16 && (size > 65536 || scheme_wide(n->scheme))) return err_usage(e, "--dtype u16 holds 65,536 ids, the vocabulary has %" PRIu32, size);
  struct shard_header header = {
    .token_bytes = s->dtype == DTYPE_U32 || (s->dtype == DTYPE_AUTO && (size > 65536 || scheme_wide(n->scheme))) ? 4 : 2,
    .vocabulary_size = (int32_t)size, .end_of_text = (int32_t)scheme_eot(n->scheme), .tokenizer_hash = scheme_hash(n->scheme),
  };
  return shard_writer_open(&n->shards, p->output, &header, s->shard_tokens, p->force ? OUTPUT_FORCE : 0, e);
}

static int finish(struct encode *n, struct err *e) {
  const struct counts *c = &n->counts;
  if (n->s->ratio) {
    if (output_printf(n->lines, e, "tokenizer\tdocuments\tbytes\ttokens\tbytes_per_token\tchars_per_token\n%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64, n->s->tokenizer, c->out, c->bytes, c->tokens)) return -1;
    if (c->tokens ? output_printf(n->lines, e, "\t%.9g\t%.9g\n", (double)c->bytes / (double)c->tokens, (double)c->characters / (double)c->tokens) : output_printf(n->lines, e, "\t\t\n")) return -1;
  }
  if (n->p->strict && c->bad) return err_set(e, "%" PRIu64 " bad documents (--strict)", c->bad);
  struct output *lines = n->lines, *rejects = n->rejects;
  struct shard_writer *shards = n->shards;
  n->lines = n->rejects = NULL;
  n->shards = NULL;
  int status = 0;
  struct err first;
  if (lines && output_commit(lines, &first)) status = -1;
  if (shards && shard_writer_commit(shards, &first)) status = -1;
  if (rejects && status == 0) status = output_commit(rejects, &first);
  else output_abort(rejects);
  if (status) *e = first;
  return status;
}

static void put_stats(const struct encode *n) {
  struct stats *t = n->p->stats;
  struct document_counts c = {0};
  for (int i = 0; i < n->p->jobs; i++) document_counts_add(&c, &n->workers[i].parser.counts);
  stats_flow(t, n->counts.in, n->counts.out, n->counts.rejected, n->counts.bad);
  stats_int(t, "bytes", (int64_t)n->counts.bytes);
  stats_int(t, "tokens", (int64_t)n->counts.tokens);
  document_counts_report(&c, t);
}

int encode_run(struct program *p, const struct settings *s, const struct scheme *scheme, struct err *e) {
  struct encode n = {.p = p, .s = s, .scheme = scheme};
  int jobs = (int)p->jobs, status = -1;
  size_t cache = (size_t)p->memory / 4 / (size_t)jobs;
  if (cache > 16 << 20) cache = 16 << 20;
  n.workers = NEW_ARRAY(struct worker, (size_t)jobs);
  for (int i = 0; i < jobs; i++) n.workers[i].scheme = scheme_worker_new(scheme, cache);
  struct document_reader_options reading = {.batch_bytes = BATCH_BYTES};
  if (s->raw) n.raw = raw_reader_new(p->operand, p->operand_count, BATCH_BYTES, cut_raw, &n);
  else {
    n.documents = document_reader_new(p->operand, p->operand_count, &reading);
    int64_t total = document_reader_size(n.documents);
    if (total > 0) progress_total(p->progress, (uint64_t)total);
  }
  if (scheme_eot(scheme) < 0 && !s->ratio && !s->ids) program_warn(p, "%s has no end-of-text token: documents are joined bare", s->tokenizer);
  struct pipeline line = {.context = &n, .batch_size = sizeof(struct batch), .read = read_batch, .work = work, .write = write_batch, .release = release_batch, .weigh = weigh_batch, .memory = p->memory};
  if (open_output(&n, e) == 0 && pipeline_run(&line, jobs, e) == 0) status = finish(&n, e);
  put_stats(&n);
  shard_writer_abort(n.shards);
  output_abort(n.lines);
  output_abort(n.rejects);
  document_reader_free(n.documents);
  raw_reader_free(n.raw);
  for (int i = 0; i < jobs; i++) {
    scheme_worker_free(n.workers[i].scheme);
    document_parser_release(&n.workers[i].parser);
  }
  free(n.workers);
  return status;
}
