/* SPDX-License-Identifier: MIT
 *
 * reader -> workers -> ordered writer.  A batch holds whole lines, or a chunk of a raw document; a worker turns it into ids
 * and runs (which document and part they belong to), lines of ids, or counts.
 *
 * Memory: every batch in flight holds its text, at most MEMORY_OF_TEXT times that in ids and runs, and what escapes
 * take; all of them get half of -S, the caches of the workers a quarter.  A document that is longer than a batch is encoded
 * in pieces, and what it gives is written whenever there is more of it than a batch should hold.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "common/io/documents.h"
#include "common/io/output.h"
#include "common/io/pipeline.h"
#include "common/token/raw_text.h"
#include "tools/bpe-encode/bpe-encode.h"
#include "tools/bpe-encode/inspect.h"
#include "tools/bpe-encode/ratio.h"
#include "tools/bpe-encode/shard_set.h"

enum { BATCH_LEAST = 8 << 10, BATCH_MOST = 128 << 10, MEMORY_OF_TEXT = 5, CACHE_LEAST = 64 << 10, CACHE_MOST = 1 << 30, FIXED = 256 << 10 };

struct counts {
  uint64_t in, out, rejected, bad; /* documents */
  uint64_t done;                   /* documents that finished shards hold already */
  uint64_t bytes, characters, tokens; /* of text that was encoded; tokens without end-of-text */
};

struct batch {
  struct document_batch lines;
  struct raw_chunk chunk;
  struct ids ids;
  struct shard_run *runs; /* of ids */
  size_t run_count, run_capacity;
  struct buffer text, rejects; /* --ids: lines; --rejects */
  struct counts counts;
  struct ratio_counts *ratio; /* --ratio: of whole documents, or of a chunk */
  struct err bad; /* the first bad line */
};

struct worker {
  struct document_parser parser;
  struct scheme_worker *scheme;
  struct ratio_counts ratio; /* of the document so far */
};

/* Of one operand: what it holds, and what the process spent on it until its last batch was written. */
struct operand {
  uint64_t bytes, tokens;
  double wall, cpu;
};

struct encode {
  struct program *p;
  const struct settings *s;
  const struct scheme *scheme;
  struct document_reader *documents;
  struct raw_reader *raw;
  struct worker *workers;
  struct shard_set *shards;
  struct output *lines, *rejects;
  struct ratio *ratio;
  struct inspect *inspect;
  struct operand *operands;
  size_t batch_bytes;
  bool by_document;       /* each document is a run of its own */
  /* the writer's */
  struct counts counts;
  struct ratio_counts *by_script, *chunks; /* --ratio: of all, and of a raw document so far */
  double wall, cpu;       /* when the last batch was written */
  bool warned;
  bool begun; /* --ids: the line of this raw document has an id */
};

static size_t cut_text(void *context, struct slice text) {
  const struct encode *n = context;
  size_t cut = scheme_cut(n->scheme, text, n->s->allow_special);
  /* A word counts with the white space before it. */
  while (n->s->ratio && cut && scheme_spaced(n->scheme) && scheme_space_ends(text, cut)) cut = scheme_cut(n->scheme, (struct slice){text.data, cut}, false);
  /* Bytes may be cut anywhere; counts of scripts need whole characters. */
  for (size_t k = 1; n->s->ratio && k < 4 && k <= cut; k++) {
    unsigned char c = (unsigned char)text.data[cut - k];
    if (c < 0x80 || c >= 0xC0) return c >= 0xC0 && k < (c >= 0xF0 ? 4u : c >= 0xE0 ? 3u : 2u) ? cut - k : cut;
  }
  return cut;
}

static int read_batch(void *context, void *batch, struct err *e) {
  struct encode *n = context;
  struct batch *b = batch;
  return n->raw ? raw_reader_next(n->raw, &b->chunk, e) : document_reader_next(n->documents, &b->lines, e);
}

static size_t weigh_batch(const void *batch) { return ((const struct batch *)batch)->lines.bytes.len + ((const struct batch *)batch)->chunk.bytes.len; }

/* ---- work ----------------------------------------------------------------------------------------------------------- */

static void empty_batch(struct batch *b) {
  b->ids.len = b->run_count = b->text.len = b->rejects.len = 0;
  b->counts = (struct counts){0};
  if (b->ratio) *b->ratio = (struct ratio_counts){0};
}

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

/* `tokens` more of this document; all that a batch holds is one run where nobody asks which document it is. */
static void add_run(const struct encode *n, struct batch *b, uint64_t document, int part, size_t tokens) {
  struct shard_run *last = b->run_count ? &b->runs[b->run_count - 1] : NULL;
  if (tokens == 0 && !n->inspect) return;
  if (last && (!n->by_document || last->document == document) && tokens <= UINT32_MAX - last->tokens) {
    last->tokens += (uint32_t)tokens;
    return;
  }
  if (b->run_count == b->run_capacity) {
    b->run_capacity = b->run_capacity ? b->run_capacity * 2 : 16;
    b->runs = RESIZE(b->runs, b->run_capacity * sizeof *b->runs);
  }
  b->runs[b->run_count++] = (struct shard_run){document, (uint32_t)tokens, (uint8_t)part};
}

struct place { /* of a piece of text */
  uint64_t document;
  int part;
  bool first, last; /* of its document */
};

static int encode_piece(struct encode *n, struct worker *w, struct batch *b, struct slice text, const struct place *at, struct err *e) {
  int64_t eot = n->s->ratio || n->s->inspect ? -1 : scheme_eot(n->scheme);
  size_t start = b->ids.len;
  if (at->first && eot >= 0) {
    ids_reserve(&b->ids, 1);
    b->ids.data[b->ids.len++] = (uint32_t)eot;
  }
  size_t from = b->ids.len;
  if (scheme_encode(w->scheme, text, n->s->allow_special, &b->ids, e)) return -1;
  b->counts.tokens += b->ids.len - from;
  b->counts.bytes += text.len;
  if (n->s->ratio || n->s->inspect) b->counts.characters += utf8_count(text.data, text.len);
  if (n->ratio) {
    /* Chunks of a raw document come to any worker: the writer puts them together. */
    if (ratio_count(n->ratio, w->scheme, text, b->ids.data + from, b->ids.len - from, n->raw ? b->ratio : &w->ratio, e)) return -1;
    if (!n->raw && at->last) {
      w->ratio.rows[ratio_script(&w->ratio)].documents++;
      ratio_add(b->ratio, &w->ratio);
      w->ratio = (struct ratio_counts){0};
    }
  }
  if (n->s->ids) {
    put_decimal(&b->text, b->ids.data + start, b->ids.len - start, at->first);
    if (at->last) buffer_put(&b->text, '\n');
  }
  if (n->s->ids || n->s->ratio) b->ids.len = 0;
  else add_run(n, b, at->document, at->part, b->ids.len - start);
  b->counts.out += at->last;
  size_t held = b->ids.len * sizeof *b->ids.data + b->run_count * sizeof *b->runs + b->text.len;
  if (held < n->batch_bytes * MEMORY_OF_TEXT) return 0;
  if (pipeline_write_now(b, e)) return -1;
  empty_batch(b);
  b->lines.raw_bytes = b->chunk.raw_bytes = 0; /* progress was told */
  return 0;
}

/* One document, or a chunk of one: end-of-text first, then its tokens. */
static int encode_text(struct encode *n, struct worker *w, struct batch *b, struct slice text, struct place at, struct err *e) {
  bool first = at.first, last = at.last;
  for (size_t want = n->batch_bytes; text.len > want && want <= SIZE_MAX / 2;) {
    size_t cut = cut_text(n, (struct slice){text.data, want});
    if (cut == 0) {
      want *= 2;
      continue;
    }
    at.first = first, at.last = false;
    if (encode_piece(n, w, b, (struct slice){text.data, cut}, &at, e)) return -1;
    text.data += cut, text.len -= cut;
    first = false;
    want = n->batch_bytes;
  }
  at.first = first, at.last = last;
  return encode_piece(n, w, b, text, &at, e);
}

static int encode_chunk(struct encode *n, struct worker *w, struct batch *b, struct err *e) {
  struct place at = {.document = (uint64_t)b->chunk.operand, .first = b->chunk.first, .last = b->chunk.last};
  b->counts.in += b->chunk.last;
  if (n->shards && n->by_document && !shard_set_wants(n->shards, 0, at.document)) {
    b->counts.done += b->chunk.last;
    b->counts.out += b->chunk.last;
    return 0;
  }
  /* One that is longer than a batch has no place to cut. */
  return encode_piece(n, w, b, buffer_slice(&b->chunk.bytes), &at, e);
}

static int encode_lines(struct encode *n, struct worker *w, struct batch *b, struct err *e) {
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
    struct place at = {.document = d.ordinal, .first = true, .last = true};
    if (n->shards && n->by_document) {
      at.part = shard_set_part(n->shards, d.text);
      if (!shard_set_wants(n->shards, at.part, at.document)) {
        b->counts.done++;
        b->counts.out++;
        continue;
      }
    }
    if (encode_text(n, w, b, d.text, at, e)) return err_prefix(e, "%s:%" PRIu64, b->lines.input, d.number);
  }
  return 0;
}

static int work(void *context, int worker, void *batch, struct err *e) {
  struct encode *n = context;
  struct worker *w = &n->workers[worker];
  struct batch *b = batch;
  if (n->ratio && !b->ratio) b->ratio = NEW(struct ratio_counts);
  empty_batch(batch);
  return n->raw ? encode_chunk(n, w, batch, e) : encode_lines(n, w, batch, e);
}

/* ---- the writer ----------------------------------------------------------------------------------------------------- */

static double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int write_output(struct encode *n, struct batch *b, struct err *e) {
  if (n->rejects && output_write(n->rejects, b->rejects.data, b->rejects.len, e)) return -1;
  if (n->lines) {
    /* A chunk knows not whether those before it had any id. */
    size_t skip = n->raw && !n->begun && b->text.len && b->text.data[0] == ' ';
    n->begun = !b->chunk.last && (n->begun || b->text.len > skip);
    if (output_write(n->lines, b->text.data + skip, b->text.len - skip, e)) return -1;
  }
  if (n->inspect) return inspect_put(n->inspect, b->ids.data, b->runs, b->run_count, e);
  return n->shards ? shard_set_put(n->shards, b->ids.data, b->runs, b->run_count, e) : 0;
}

static void count_scripts(struct encode *n, const struct batch *b) {
  ratio_add(n->by_script, b->ratio);
  if (!n->raw) return;
  ratio_add(n->chunks, b->ratio);
  if (b->counts.out == 0) return;
  n->by_script->rows[ratio_script(n->chunks)].documents++;
  *n->chunks = (struct ratio_counts){0};
}

static int write_batch(void *context, void *batch, struct err *e) {
  struct encode *n = context;
  struct batch *b = batch;
  n->counts.in += b->counts.in;
  n->counts.out += b->counts.out;
  n->counts.done += b->counts.done;
  n->counts.rejected += b->counts.rejected;
  n->counts.bad += b->counts.bad;
  n->counts.bytes += b->counts.bytes;
  n->counts.characters += b->counts.characters;
  n->counts.tokens += b->counts.tokens;
  if (b->counts.bad && !n->warned) {
    n->warned = true;
    program_warn(n->p, "%s; further bad lines are only counted", b->bad.message);
  }
  if (n->ratio) count_scripts(n, b);
  if (write_output(n, b, e)) return -1;
  progress_add(n->p->progress, n->raw ? b->chunk.raw_bytes : b->lines.raw_bytes, b->counts.in);
  struct operand *o = &n->operands[n->raw ? b->chunk.operand : b->lines.operand];
  double wall = progress_clock(), cpu = cpu_seconds();
  o->bytes += b->counts.bytes;
  o->tokens += b->counts.tokens;
  o->wall += wall - n->wall;
  o->cpu += cpu - n->cpu;
  n->wall = wall, n->cpu = cpu;
  return 0;
}

static void release_batch(void *batch) {
  struct batch *b = batch;
  document_batch_release(&b->lines);
  buffer_release(&b->chunk.bytes);
  ids_release(&b->ids);
  free(b->runs);
  free(b->ratio);
  buffer_release(&b->text);
  buffer_release(&b->rejects);
}

/* ---- the run -------------------------------------------------------------------------------------------------------- */

/* 0; 1: --resume found that all is done; -1. */
static int open_output(struct encode *n, struct err *e) {
  struct program *p = n->p;
  const struct settings *s = n->s;
  uint32_t size = scheme_size(n->scheme);
  if (p->rejects_path && output_open(&n->rejects, p->rejects_path, 0, e)) return -1;
  if (s->ids || s->ratio || s->inspect) {
    if (output_open(&n->lines, p->output, 0, e)) return -1;
    if (s->inspect) n->inspect = inspect_new(n->scheme, n->lines, inspect_colours(p->output));
    n->by_document = s->inspect;
    if (!s->ratio) return 0;
    n->by_script = NEW_ARRAY(struct ratio_counts, 2);
    n->chunks = n->by_script + 1;
    return ratio_new(&n->ratio, n->scheme, e);
  }
  if (s->dtype == DTYPE_U16 && (size > 65536 || scheme_wide(n->scheme))) return err_usage(e, "--dtype u16 holds 65,536 ids, the vocabulary has %" PRIu32, size);
  /* What must be the same for a run to be gone on with: all that the ids and their order come from. */
  struct buffer inputs = {0};
  buffer_printf(&inputs, "raw\t%d\nallow-special\t%d\nmax-document\t%" PRId64 "\n", s->raw, s->allow_special, p->max_document);
  for (int i = 0; i < p->operand_count; i++) {
    struct stat st;
    buffer_append_string(&inputs, "operand\t");
    document_escape(&inputs, slice_of(p->operand[i]));
    if (stat(p->operand[i], &st) == 0 && S_ISREG(st.st_mode)) buffer_printf(&inputs, "\t%" PRId64 " bytes", (int64_t)st.st_size);
    buffer_put(&inputs, '\n');
  }
  struct shard_set_options options = {
    .path = p->output, .shard_tokens = s->shard_tokens, .validation = s->validation, .seed = (uint64_t)p->seed, .resume = s->resume,
    .flags = p->force ? OUTPUT_FORCE : 0, .inputs = buffer_string(&inputs),
    .header = {
      .token_bytes = s->dtype == DTYPE_U32 || (s->dtype == DTYPE_AUTO && (size > 65536 || scheme_wide(n->scheme))) ? 4 : 2,
      .vocabulary_size = (int32_t)size, .end_of_text = (int32_t)scheme_eot(n->scheme), .tokenizer_hash = scheme_hash(n->scheme),
    },
  };
  int status = shard_set_open(&n->shards, &options, e);
  if (status) n->shards = NULL;
  else n->by_document = shard_set_numbers(n->shards);
  buffer_release(&inputs);
  return status;
}

static int finish(struct encode *n, struct err *e) {
  const struct counts *c = &n->counts;
  if (n->s->ratio) {
    struct ratio_row all = {.documents = c->out};
    for (int i = 0; i < SCRIPTS; i++) {
      const struct ratio_row *row = &n->by_script->rows[i];
      all.bytes += row->bytes, all.characters += row->characters, all.tokens += row->tokens;
    }
    if (ratio_write(n->by_script, &all, n->s->tokenizer, n->lines, e)) return -1;
  }
  if (n->inspect && inspect_end(n->inspect, c->out, c->bytes, c->characters, c->tokens, e)) return -1;
  if (n->p->strict && c->bad) return err_set(e, "%" PRIu64 " bad documents (--strict)", c->bad);
  struct output *lines = n->lines, *rejects = n->rejects;
  struct shard_set *shards = n->shards;
  n->lines = n->rejects = NULL;
  n->shards = NULL;
  int status = 0;
  struct err first;
  if (lines && output_commit(lines, &first)) status = -1;
  if (shards && shard_set_commit(shards, &first)) status = -1;
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
  if (n->s->resume) stats_int(t, "done_before", (int64_t)n->counts.done);
  document_counts_report(&c, t);
  for (int i = 0; i == 0 || i < n->p->operand_count; i++) {
    struct stats *row = stats_new();
    stats_string(row, "name", n->p->operand_count ? n->p->operand[i] : "-");
    stats_int(row, "bytes", (int64_t)n->operands[i].bytes);
    stats_int(row, "tokens", (int64_t)n->operands[i].tokens);
    stats_double(row, "wall", n->operands[i].wall);
    stats_double(row, "cpu", n->operands[i].cpu);
    stats_append(t, "time.operands", row);
  }
}

/* Text of a batch: all in flight, with what they give and what the writer holds, take half of the memory. */
static size_t batch_size(int64_t memory, int jobs) {
  size_t each = ((size_t)memory / 2 - FIXED) / (size_t)pipeline_batches(jobs) / (1 + MEMORY_OF_TEXT);
  return each < BATCH_LEAST ? BATCH_LEAST : each > BATCH_MOST ? BATCH_MOST : each;
}

int encode_run(struct program *p, const struct settings *s, const struct scheme *scheme, struct err *e) {
  int jobs = (int)p->jobs, status = -1;
  struct encode n = {.p = p, .s = s, .scheme = scheme, .batch_bytes = batch_size(p->memory, jobs)};
  size_t cache = (size_t)p->memory / 4 / (size_t)jobs;
  cache = cache < CACHE_LEAST ? CACHE_LEAST : cache > CACHE_MOST ? CACHE_MOST : cache; /* more of it hits no more often */
  n.wall = progress_clock();
  n.cpu = cpu_seconds();
  n.operands = NEW_ARRAY(struct operand, (size_t)p->operand_count + 1);
  n.workers = NEW_ARRAY(struct worker, (size_t)jobs);
  for (int i = 0; i < jobs; i++) n.workers[i].scheme = scheme_worker_new(scheme, cache);
  struct document_reader_options reading = {.batch_bytes = n.batch_bytes};
  if (s->raw) n.raw = raw_reader_new(p->operand, p->operand_count, n.batch_bytes, cut_text, &n);
  else {
    n.documents = document_reader_new(p->operand, p->operand_count, &reading);
    int64_t total = document_reader_size(n.documents);
    if (total > 0) progress_total(p->progress, (uint64_t)total);
  }
  if (scheme_eot(scheme) < 0 && !s->ratio && !s->ids && !s->inspect) program_warn(p, "%s has no end-of-text token: documents are joined bare", s->tokenizer);
  struct pipeline line = {.context = &n, .batch_size = sizeof(struct batch), .read = read_batch, .work = work, .write = write_batch, .release = release_batch, .weigh = weigh_batch, .memory = p->memory};
  int opened = open_output(&n, e);
  if (opened > 0) status = 0, program_message(p, "all shards are there already: nothing to do");
  else if (opened == 0 && pipeline_run(&line, jobs, e) == 0) status = finish(&n, e);
  put_stats(&n);
  shard_set_abort(n.shards);
  output_abort(n.lines);
  output_abort(n.rejects);
  document_reader_free(n.documents);
  raw_reader_free(n.raw);
  for (int i = 0; i < jobs; i++) {
    scheme_worker_free(n.workers[i].scheme);
    document_parser_release(&n.workers[i].parser);
  }
  free(n.workers);
  free(n.operands);
  free(n.by_script);
  ratio_free(n.ratio);
  inspect_free(n.inspect);
  return status;
}
