/* SPDX-License-Identifier: MIT
 *
 * A pipeline (common/io/pipeline.h) signs batches of lines; the keys are sorted with their band in front, which makes the
 * sections of the file, and the signatures wait in a scratch log until the keys are written.
 */
#include "tools/minhash-dedup/steps/sketch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/io/documents.h"
#include "common/io/output.h"
#include "common/io/pipeline.h"
#include "common/io/record_sort.h"
#include "common/io/scratch.h"
#include "tools/minhash-dedup/lsh/signer.h"
#include "tools/minhash-dedup/steps/signature_record.h"

enum {
  SORTED = 16,     /* band, key, line: 32, 64, 32 bits, big-endian */
  BLOCK = 1 << 16, /* bytes written at a time */
};

struct worker {
  struct document_parser parser;
  struct signer *signer;
};

struct batch {
  struct document_batch in;
  uint32_t *lines; /* of the shard, of documents with shingles */
  uint64_t *keys;
  struct buffer records; /* signatures */
  size_t count, line_capacity, key_capacity;
  uint64_t documents, bad, too_long;
  struct err first_bad;
};

struct sketch {
  struct program *program;
  struct permutations permutations;
  struct worker *workers;
  struct step_header header;
  size_t record_size;
  uint64_t in, out, too_long, bad;
  int found;
  /* the shard at hand */
  struct document_reader *reader;
  struct record_sort *keys;
  struct scratch signatures;
  XXH3_state_t *content;
};

static int read_batch(void *context, void *batch, struct err *e) {
  struct sketch *s = context;
  struct document_batch *in = &((struct batch *)batch)->in;
  int more = document_reader_next(s->reader, in, e);
  if (more > 0 && in->ordinal + in->lines > UINT32_MAX) return err_set(e, "%s: more than 4,294,967,295 lines: split it", in->input);
  return more;
}

static int sign_batch(void *context, int index, void *batch, struct err *e) {
  struct sketch *s = context;
  struct worker *w = &s->workers[index];
  struct batch *b = batch;
  struct document document;
  size_t cursor = 0, bands = (size_t)s->permutations.bands;
  int found;
  b->count = 0;
  b->documents = b->bad = b->too_long = 0;
  buffer_clear(&b->records);
  while ((found = document_next(&w->parser, &b->in, &cursor, &document, e)) != 0) {
    if (found < 0) {
      if (b->bad++ == 0) err_set(&b->first_bad, "%s:%llu: %s", b->in.input, (unsigned long long)document.number, e->message);
      continue;
    }
    if (s->header.parameters.max_document > 0 && document.line.len > s->header.parameters.max_document) {
      b->too_long++;
      continue;
    }
    b->documents++;
    GROW(b->lines, b->line_capacity, b->count + 1);
    GROW(b->keys, b->key_capacity, (b->count + 1) * bands);
    if (!signer_keys(w->signer, document.text, b->keys + b->count * bands)) continue;
    b->lines[b->count] = (uint32_t)document.ordinal;
    buffer_reserve(&b->records, s->record_size);
    signature_record_make(&s->header.parameters, signer_signature(w->signer), s->permutations.place, document.text.len,
        (unsigned char *)b->records.data + b->records.len);
    b->records.len += s->record_size;
    b->count++;
  }
  return 0;
}

static int add_signature(struct sketch *s, uint32_t line, const char *record, struct err *e) {
  static const char zeros[256];
  for (uint64_t gap = (uint64_t)line * s->record_size - scratch_length(&s->signatures); gap > 0;) {
    size_t n = gap < sizeof zeros ? (size_t)gap : sizeof zeros;
    if (scratch_append(&s->signatures, zeros, n, e) != 0) return -1;
    gap -= n;
  }
  return record ? scratch_append(&s->signatures, record, s->record_size, e) : 0;
}

static int take_batch(void *context, void *batch, struct err *e) {
  struct sketch *s = context;
  struct batch *b = batch;
  uint32_t bands = (uint32_t)s->permutations.bands;
  for (size_t i = 0; i < b->count; i++) {
    unsigned char record[SORTED];
    uint32_t line = __builtin_bswap32(b->lines[i]);
    memcpy(record + 12, &line, 4);
    for (uint32_t band = 0; band < bands; band++) {
      uint32_t first = __builtin_bswap32(band);
      uint64_t key = __builtin_bswap64(b->keys[i * bands + band]);
      memcpy(record, &first, 4);
      memcpy(record + 4, &key, 8);
      if (record_sort_add(s->keys, record, e) != 0) return -1;
    }
    if (add_signature(s, b->lines[i], b->records.data + i * s->record_size, e) != 0) return -1;
  }
  XXH3_64bits_update(s->content, b->in.bytes.data, b->in.bytes.len);
  if (b->bad > 0 && s->bad == 0) program_warn(s->program, "%s", b->first_bad.message);
  s->header.lines += b->in.lines;
  s->header.documents += b->documents;
  s->bad += b->bad;
  s->too_long += b->too_long;
  progress_add(s->program->progress, b->in.raw_bytes, b->in.lines);
  return 0;
}

static void release_batch(void *batch) {
  struct batch *b = batch;
  document_batch_release(&b->in);
  buffer_release(&b->records);
  free(b->lines);
  free(b->keys);
}

static size_t weigh_batch(const void *batch) { return ((const struct batch *)batch)->in.bytes.len; }

/* ---- the file */

static int write_keys(struct sketch *s, struct step_writer *w, struct err *e) {
  const void *record;
  struct buffer block = {0};
  uint32_t section = 0;
  int more;
  while ((more = record_sort_next(s->keys, &record, e)) > 0) {
    const unsigned char *r = record;
    uint32_t band;
    memcpy(&band, r, 4);
    uint32_t next = __builtin_bswap32(band) * STEP_RANGES + (r[4] >> (8 - STEP_RANGE_BITS));
    if (next != section || block.len >= BLOCK) {
      if (step_writer_add(w, block.data, block.len / STEP_KEY_RECORD, e) != 0) break;
      buffer_clear(&block);
      for (; section < next; section++) step_writer_end_section(w);
    }
    buffer_append(&block, r + 4, STEP_KEY_RECORD);
  }
  int result = more ? -1 : step_writer_add(w, block.data, block.len / STEP_KEY_RECORD, e);
  for (uint32_t last = (uint32_t)s->permutations.bands * STEP_RANGES; section < last; section++) step_writer_end_section(w);
  buffer_release(&block);
  return result;
}

static int write_signatures(struct sketch *s, struct step_writer *w, struct err *e) {
  struct buffer room = {0};
  size_t most = BLOCK / s->record_size ? BLOCK / s->record_size * s->record_size : s->record_size;
  int result = 0;
  for (uint64_t at = 0, end = scratch_length(&s->signatures); at < end && result == 0;) {
    const void *data;
    size_t n = end - at < most ? (size_t)(end - at) : most;
    result = scratch_read(&s->signatures, at, n, &room, &data, e);
    if (result == 0) result = step_writer_add(w, data, n / s->record_size, e);
    at += n;
  }
  buffer_release(&room);
  return result;
}

static int write_file(struct sketch *s, const char *path, const char *shard, struct err *e) {
  struct step_writer *w;
  if (add_signature(s, (uint32_t)s->header.lines, NULL, e) != 0 || record_sort_finish(s->keys, (int)s->program->jobs, e) != 0) return -1;
  s->header.content = XXH3_64bits_digest(s->content);
  if (step_writer_open(&w, path, STEP_SKETCH, &s->header, shard, e) != 0) return -1;
  if (write_keys(s, w, e) == 0 && write_signatures(s, w, e) == 0) return step_writer_commit(w, e);
  step_writer_abort(w);
  return -1;
}

/* "a/b.tsv.gz" -> "DIR/a%2Fb.tsv.gz.sketch"; of a name too long for a file its end, with a hash of all of it. */
static void file_name(const char *folder, const char *shard, struct buffer *out) {
  enum { NAME_MOST = 200 };
  struct buffer name = {0};
  for (const char *p = shard; *p; p++) {
    if (*p == '/' || *p == '%' || (*p == '.' && p == shard)) buffer_printf(&name, "%%%02X", (unsigned char)*p);
    else buffer_put(&name, *p);
  }
  buffer_clear(out);
  buffer_printf(out, "%s/", folder);
  if (name.len > NAME_MOST) buffer_printf(out, "%016llx-", (unsigned long long)XXH3_64bits(name.data, name.len));
  size_t from = name.len > NAME_MOST ? name.len - NAME_MOST : 0;
  buffer_append(out, name.data + from, name.len - from);
  buffer_append_string(out, ".sketch");
  buffer_string(out);
  buffer_release(&name);
}

/* 1 when the sketch of this shard is there, 0 when it is to be made, -1 when one of other parameters is in its place. */
static int is_there(struct sketch *s, const char *path, const char *shard, struct err *e) {
  struct step_file *f;
  struct err ignored;
  struct stat st;
  if (s->program->force || stat(path, &st) != 0) return 0;
  if (step_file_open(&f, path, STEP_SKETCH, &ignored) != 0) {
    program_warn(s->program, "%s, which is done", ignored.message);
    return 0;
  }
  const struct step_header *h = step_file_header(f);
  int result = 0;
  if (memcmp(&h->parameters, &s->header.parameters, sizeof h->parameters) != 0)
    result = err_set(e, "%s: was made with other parameters (n-grams of %llu, %llu bands of %llu rows, seed %llu, longest document %llu); -f replaces it",
                     path, (unsigned long long)h->parameters.ngram, (unsigned long long)h->parameters.bands, (unsigned long long)h->parameters.rows,
                     (unsigned long long)h->parameters.seed, (unsigned long long)h->parameters.max_document);
  else if (strcmp(step_file_name(f), shard) == 0 && h->shard_size == s->header.shard_size && h->shard_time == s->header.shard_time) {
    result = 1;
    s->out += h->documents;
    s->in += h->lines;
    s->too_long += h->parameters.max_document ? h->lines - h->documents : 0;
    s->bad += h->parameters.max_document ? 0 : h->lines - h->documents;
  }
  step_file_close(f);
  return result;
}

static int sketch_shard(struct sketch *s, char *const *shard, const char *folder, struct err *e) {
  struct program *p = s->program;
  struct stat st;
  struct buffer path = {0};
  bool file = stat(*shard, &st) == 0;
  s->header.shard_size = file ? (uint64_t)st.st_size : 0;
  s->header.shard_time = file ? (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec : 0;
  s->header.lines = s->header.documents = 0;
  file_name(folder, *shard, &path);
  int result = is_there(s, path.data, *shard, e);
  if (result == 0) {
    struct pipeline pipeline = {s, sizeof(struct batch), read_batch, sign_batch, take_batch, release_batch, weigh_batch, p->memory};
    s->reader = document_reader_new(shard, 1, NULL);
    s->keys = record_sort_new(SORTED, (size_t)p->memory / 2, p->tmpdir);
    scratch_init(&s->signatures, (size_t)p->memory / 8, p->tmpdir);
    s->content = XXH3_createState();
    XXH3_64bits_reset(s->content);
    result = pipeline_run(&pipeline, (int)p->jobs, e);
    if (result == 0 && p->strict && s->bad > 0) result = err_set(e, "%s: %llu lines are no documents", *shard, (unsigned long long)s->bad);
    if (result == 0) result = write_file(s, path.data, *shard, e);
    s->in += s->header.lines;
    s->out += s->header.documents;
    XXH3_freeState(s->content);
    scratch_release(&s->signatures);
    record_sort_free(s->keys);
    document_reader_free(s->reader);
  } else if (result > 0) {
    program_verbose(p, "%s is there", path.data);
    progress_add(p->progress, s->header.shard_size, 0);
    s->found++;
    result = 0;
  }
  buffer_release(&path);
  return result;
}

static int run(struct sketch *s, char *const *shards, int count, struct err *e) {
  struct program *p = s->program;
  struct document_counts counts = {0};
  struct document_reader *sizes = document_reader_new(shards, count, NULL);
  int64_t size = document_reader_size(sizes);
  document_reader_free(sizes);
  if (size > 0) progress_total(p->progress, (uint64_t)size);
  if (output_folder(p->output, e) != 0) return -1;
  for (int i = 0; i < count; i++)
    if (sketch_shard(s, &shards[i], p->output, e) != 0) return -1;
  for (int i = 0; i < p->jobs; i++) document_counts_add(&counts, &s->workers[i].parser.counts);
  document_counts_report(&counts, p->stats);
  stats_flow(p->stats, s->in, s->out, s->too_long, s->bad);
  stats_int(p->stats, "shards", count);
  stats_int(p->stats, "shards_found", s->found);
  char documents[NUMBER_TEXT];
  program_verbose(p, "%s documents in %d shards, %d of which were there", number_thousands(s->out, documents), count, s->found);
  return 0;
}

int sketch_run(struct program *p, const struct steps_options *o, char *const *shards, int count, struct err *e) {
  struct sketch s = {.program = p};
  if (!p->output) return err_usage(e, "sketch: -o names the folder for sketches");
  if (count == 0) return err_usage(e, "sketch: no shards are named");
  for (int i = 0; i < count; i++)
    if (strcmp(shards[i], "-") == 0) return err_usage(e, "sketch: a shard is read again by later steps and cannot be standard input");
  s.header.parameters = (struct parameters){(uint64_t)o->ngram, (uint64_t)o->bands, (uint64_t)o->rows, STEP_HASHES << 8 | o->signature, (uint64_t)p->seed,
      (uint64_t)p->max_document};
  s.record_size = signature_record_size(&s.header.parameters);
  permutations_init(&s.permutations, o->signature, (int)o->bands, (int)o->rows, (uint64_t)p->seed);
  s.workers = NEW_ARRAY(struct worker, (size_t)p->jobs);
  for (int i = 0; i < p->jobs; i++) s.workers[i].signer = signer_new(&s.permutations, (int)o->ngram);
  int result = run(&s, shards, count, e);
  for (int i = 0; i < p->jobs; i++) {
    document_parser_release(&s.workers[i].parser);
    signer_free(s.workers[i].signer);
  }
  free(s.workers);
  permutations_release(&s.permutations);
  return result;
}
