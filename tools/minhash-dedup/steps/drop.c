/* SPDX-License-Identifier: MIT
 *
 * Survivors are written byte for byte, in order.  A shard must still have the lines that were sketched: it is hashed while
 * it is read, and what was made of another one is not committed.
 *
 * DIR/.NAME.done, written after DIR/NAME, tells a restart what is finished: the list's hash, the format, the bytes written
 * and the counts.
 */
#include "tools/minhash-dedup/steps/drop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "common/io/documents.h"
#include "common/io/input.h"
#include "common/io/output.h"
#include "common/io/pipeline.h"
#include "tools/minhash-dedup/steps/collection.h"
#include "tools/minhash-dedup/steps/removed_lines.h"

struct counts {
  uint64_t in, kept, duplicates, too_long, bad;
};

struct batch {
  struct document_batch in;
  struct buffer out, rejects;
  struct counts counts;
  struct err first_bad;
};

struct drop {
  struct program *program;
  struct collection list;
  const char *list_path;
  uint64_t rows, list_hash;
  enum document_format format;
  struct document_parser *parsers; /* one a worker */
  struct output *out, *rejects;
  struct counts counts;
  int found;
  /* the shard at hand */
  struct document_reader *reader;
  uint32_t *lines; /* removed */
  size_t line_count;
  XXH3_state_t *content;
  struct counts of_shard;
};

static int read_batch(void *context, void *batch, struct err *e) {
  return document_reader_next(((struct drop *)context)->reader, &((struct batch *)batch)->in, e);
}

static void release_batch(void *batch) {
  struct batch *b = batch;
  document_batch_release(&b->in);
  buffer_release(&b->out);
  buffer_release(&b->rejects);
}

static size_t weigh_batch(const void *batch) { return ((const struct batch *)batch)->in.bytes.len; }

/* The first removed line that is not before `line`. */
static size_t first_removed(const struct drop *d, uint64_t line) {
  size_t low = 0, high = d->line_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (d->lines[middle] < line) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* Whether a document goes, for which reason; *next: of the removed lines, the first that may be it. */
static const char *reason(const struct drop *d, struct counts *counts, const struct document *document, size_t *next) {
  while (*next < d->line_count && d->lines[*next] < document->ordinal) ++*next;
  if (d->list.parameters.max_document > 0 && document->line.len > d->list.parameters.max_document) {
    counts->too_long++;
    return "minhash-dedup:max_document";
  }
  if (*next == d->line_count || d->lines[*next] != document->ordinal) return NULL;
  counts->duplicates++;
  return "minhash-dedup:duplicate";
}

/* Whole lines of a clean batch, without parsing them. */
static void write_lines(struct drop *d, struct batch *b) {
  const char *at = b->in.bytes.data, *end = at + b->in.bytes.len, *from = at;
  size_t next = first_removed(d, b->in.ordinal);
  for (uint64_t ordinal = b->in.ordinal; at < end; ordinal++) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    struct document document = {.line = {at, (size_t)(newline - at)}, .ordinal = ordinal};
    const char *why = reason(d, &b->counts, &document, &next);
    if (why) {
      buffer_append(&b->out, from, (size_t)(at - from));
      from = newline + 1;
      if (d->rejects) document_write_reject(&b->rejects, why, &document);
    } else {
      b->counts.kept++;
    }
    at = newline + 1;
  }
  buffer_append(&b->out, from, (size_t)(end - from));
}

static int work_batch(void *context, int index, void *batch, struct err *e) {
  struct drop *d = context;
  struct batch *b = batch;
  buffer_clear(&b->out);
  buffer_clear(&b->rejects);
  b->counts = (struct counts){.in = b->in.lines};
  const struct buffer *bytes = &b->in.bytes;
  if (b->in.format == DOCUMENT_TSV && d->format == DOCUMENT_TSV && !memchr(bytes->data, 0, bytes->len) &&
      utf8_valid_prefix(bytes->data, bytes->len) == bytes->len) {
    write_lines(d, b);
    return 0;
  }
  struct document document;
  size_t cursor = 0, next = first_removed(d, b->in.ordinal);
  int found;
  while ((found = document_next(&d->parsers[index], &b->in, &cursor, &document, e)) != 0) {
    if (found < 0) {
      if (b->counts.bad++ == 0) err_set(&b->first_bad, "%s:%llu: %s", b->in.input, (unsigned long long)document.number, e->message);
      continue;
    }
    const char *why = reason(d, &b->counts, &document, &next);
    if (why) {
      if (d->rejects) document_write_reject(&b->rejects, why, &document);
      continue;
    }
    document_write(&b->out, &document, d->format, NULL, NULL);
    b->counts.kept++;
  }
  return 0;
}

static void add_counts(struct counts *to, const struct counts *more) {
  to->in += more->in;
  to->kept += more->kept;
  to->duplicates += more->duplicates;
  to->too_long += more->too_long;
  to->bad += more->bad;
}

static int take_batch(void *context, void *batch, struct err *e) {
  struct drop *d = context;
  struct batch *b = batch;
  XXH3_64bits_update(d->content, b->in.bytes.data, b->in.bytes.len);
  if (b->counts.bad > 0 && d->counts.bad + d->of_shard.bad == 0) program_warn(d->program, "%s", b->first_bad.message);
  add_counts(&d->of_shard, &b->counts);
  progress_add(d->program->progress, b->in.raw_bytes, b->in.lines);
  if (output_write(d->out, b->out.data, b->out.len, e) != 0) return -1;
  return d->rejects ? output_write(d->rejects, b->rejects.data, b->rejects.len, e) : 0;
}

/* Writes what stays of a shard to d->out. */
static int drop_lines(struct drop *d, char *const *name, struct err *e) {
  const struct shard *shard = collection_shard(&d->list, slice_of(*name));
  struct pipeline pipeline = {d, sizeof(struct batch), read_batch, work_batch, take_batch, release_batch, weigh_batch, d->program->memory};
  if (removed_lines_read(&d->list, d->list_path, d->rows, shard, &d->lines, &d->line_count, e) != 0) return -1;
  d->of_shard = (struct counts){0};
  XXH3_64bits_reset(d->content);
  d->reader = document_reader_new(name, 1, NULL);
  int result = pipeline_run(&pipeline, (int)d->program->jobs, e);
  document_reader_free(d->reader);
  free(d->lines);
  d->lines = NULL;
  if (result == 0 && (d->of_shard.in != shard->lines || XXH3_64bits_digest(d->content) != shard->content))
    result = err_set(e, "%s: changed since it was sketched; sketch, match and cluster it again", *name);
  if (result == 0 && d->program->strict && d->of_shard.bad > 0)
    result = err_set(e, "%s: %llu lines are no documents", *name, (unsigned long long)d->of_shard.bad);
  add_counts(&d->counts, &d->of_shard);
  return result;
}

/* ---- one file a shard */

/* "a/b.tsv.gz" -> "DIR/b.tsv", or "DIR/.b.tsv.done" */
static void file_name(const char *folder, const char *shard, bool stamp, struct buffer *out) {
  const char *slash = strrchr(shard, '/'), *base = slash ? slash + 1 : shard;
  size_t n = strlen(base);
  if (n > 3 && strcmp(base + n - 3, ".gz") == 0) n -= 3;
  else if (n > 4 && strcmp(base + n - 4, ".zst") == 0) n -= 4;
  buffer_clear(out);
  buffer_printf(out, stamp ? "%s/.%.*s.done" : "%s/%.*s", folder, (int)n, base);
  buffer_string(out);
}

static const char stamp_form[] = "#crawl2lm-drop\t1\nlist\t%016" PRIx64 "\nformat\t%s\nbytes\t%" PRIu64 "\nin\t%" PRIu64 "\nout\t%" PRIu64
                                 "\nduplicate\t%" PRIu64 "\nmax_document\t%" PRIu64 "\nbad\t%" PRIu64 "\n";

static const char *format_name(const struct drop *d) { return d->format == DOCUMENT_JSONL ? "jsonl" : "tsv"; }

static void make_stamp(const struct drop *d, const struct counts *n, uint64_t bytes, struct buffer *out) {
  buffer_clear(out);
  buffer_printf(out, stamp_form, d->list_hash, format_name(d), bytes, n->in, n->kept, n->duplicates, n->too_long, n->bad);
}

/* 1 when the shard's output is there, 0 when it is to be made, -1 when it was made by another list. */
static int is_there(struct drop *d, const char *path, const char *stamp_path, struct err *e) {
  struct buffer text = {0}, same = {0};
  struct counts n = {0};
  struct stat st;
  uint64_t hash = 0, bytes = 0;
  char format[8] = "";
  int result = 0;
  if (d->program->force || d->rejects || stat(stamp_path, &st) != 0 || st.st_size > 4096 || stat(path, &st) != 0) return 0;
  if (input_read_all(stamp_path, &text, e) != 0) return -1;
  if (sscanf(buffer_string(&text),
      "#crawl2lm-drop 1 list %" SCNx64 " format %7s bytes %" SCNu64 " in %" SCNu64 " out %" SCNu64 " duplicate %" SCNu64 " max_document %" SCNu64 " bad %" SCNu64, &hash, format, &bytes, &n.in, &n.kept,
             &n.duplicates, &n.too_long, &n.bad) == 8) {
    if (hash != d->list_hash || strcmp(format, format_name(d)) != 0) {
      result = err_set(e, "%s: was made with another cluster list or format; -f replaces it", path);
    } else {
      make_stamp(d, &n, (uint64_t)st.st_size, &same); /* the same text again: nothing is odd in it, and the file has its size */
      result = slice_equal(buffer_slice(&text), buffer_slice(&same));
    }
  }
  if (result == 1) add_counts(&d->counts, &n);
  buffer_release(&text);
  buffer_release(&same);
  return result;
}

static int drop_to_file(struct drop *d, char *const *shard, struct err *e) {
  struct buffer path = {0}, stamp_path = {0}, stamp = {0};
  file_name(d->program->output, *shard, false, &path);
  file_name(d->program->output, *shard, true, &stamp_path);
  int result = is_there(d, path.data, stamp_path.data, e);
  if (result > 0) {
    program_verbose(d->program, "%s is there", path.data);
    d->found++;
    result = 0;
  } else if (result == 0) {
    result = output_open(&d->out, path.data, 0, e);
    if (result == 0 && (result = drop_lines(d, shard, e)) != 0) output_abort(d->out);
    else if (result == 0) {
      make_stamp(d, &d->of_shard, output_written(d->out), &stamp);
      result = output_commit(d->out, e);
      if (result == 0) result = output_file(stamp_path.data, stamp.data, stamp.len, e);
    }
    d->out = NULL;
  }
  buffer_release(&path);
  buffer_release(&stamp_path);
  buffer_release(&stamp);
  return result;
}

/* ---- the whole step */

static int by_string(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool is_same_file(const char *a, const char *b) {
  struct stat x, y;
  return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Every operand is a shard of the list, and none goes where another one does or where one stands. */
static int check_shards(const struct drop *d, char *const *shards, int count, struct err *e) {
  struct buffer path = {0};
  char **names = NEW_ARRAY(char *, (size_t)count + 1);
  int result = 0;
  for (int i = 0; i < count; i++) {
    if (result == 0 && !collection_shard(&d->list, slice_of(shards[i])))
      result = err_set(e, "%s: is no shard of %s, where shards are named as they were for sketch", shards[i], d->list_path);
    if (d->program->output) file_name(d->program->output, shards[i], false, &path);
    if (result == 0 && d->program->output && is_same_file(path.data, shards[i]))
      result = err_usage(e, "%s: the shard itself would be replaced; -o names another folder", shards[i]);
    names[i] = STRDUP(d->program->output ? path.data : shards[i]);
  }
  qsort(names, (size_t)count, sizeof *names, by_string);
  for (int i = 1; i < count && result == 0; i++)
    if (strcmp(names[i], names[i - 1]) == 0) result = err_usage(e, "%s: two shards would go there", names[i]);
  for (int i = 0; i < count; i++) free(names[i]);
  free(names);
  buffer_release(&path);
  return result;
}

static int drop_all(struct drop *d, char *const *shards, int count, struct err *e) {
  const char *folder = d->program->output;
  if (folder ? output_folder(folder, e) : output_open(&d->out, NULL, 0, e)) return -1;
  for (int i = 0; i < count; i++)
    if ((folder ? drop_to_file(d, &shards[i], e) : drop_lines(d, &shards[i], e)) != 0) return -1;
  return 0;
}

static void report(struct drop *d, int count) {
  struct program *p = d->program;
  struct document_counts counts = {0};
  for (int i = 0; i < p->jobs; i++) document_counts_add(&counts, &d->parsers[i].counts);
  document_counts_report(&counts, p->stats);
  stats_flow(p->stats, d->counts.in, d->counts.kept, d->counts.duplicates + d->counts.too_long, d->counts.bad);
  stats_int(p->stats, "reasons.duplicate", (int64_t)d->counts.duplicates);
  if (d->counts.too_long) stats_int(p->stats, "reasons.max_document", (int64_t)d->counts.too_long);
  stats_int(p->stats, "shards", count);
  stats_int(p->stats, "shards_found", d->found);
  char in[NUMBER_TEXT], removed[NUMBER_TEXT];
  program_verbose(p, "%s lines, %s near-duplicates removed", number_thousands(d->counts.in, in), number_thousands(d->counts.duplicates, removed));
}

static int run(struct drop *d, char *const *shards, int count, struct err *e) {
  struct program *p = d->program;
  struct buffer text = {0};
  if (collection_read(&d->list, d->list_path, &d->rows, e) != 0 || check_shards(d, shards, count, e) != 0) return -1;
  if (p->max_document && (uint64_t)p->max_document != d->list.parameters.max_document)
    return err_usage(e, "--max-document: the shards were sketched with another one, which stands in the list");
  collection_text(&d->list, d->rows, &text);
  d->list_hash = XXH3_64bits(text.data, text.len);
  buffer_release(&text);
  struct document_reader *sizes = document_reader_new(shards, count, NULL);
  int64_t size = document_reader_size(sizes);
  document_reader_free(sizes);
  if (size > 0) progress_total(p->progress, (uint64_t)size);
  if (p->rejects_path && output_open(&d->rejects, p->rejects_path, 0, e) != 0) return -1;
  int result = drop_all(d, shards, count, e);
  if (result == 0 && d->rejects) {
    result = output_commit(d->rejects, e);
    d->rejects = NULL;
  }
  if (result == 0 && d->out) {
    result = output_commit(d->out, e);
    d->out = NULL;
  }
  output_abort(d->rejects);
  output_abort(d->out);
  if (result == 0) report(d, count);
  return result;
}

int drop_run(struct program *p, const struct steps_options *o, char *const *shards, int count, struct err *e) {
  struct drop d = {.program = p, .list_path = o->clusters, .format = p->jsonl ? DOCUMENT_JSONL : DOCUMENT_TSV};
  if (!o->clusters) return err_usage(e, "drop: --clusters names the list that cluster wrote");
  if (count == 0) return err_usage(e, "drop: no shards are named");
  d.parsers = NEW_ARRAY(struct document_parser, (size_t)p->jobs);
  d.content = XXH3_createState();
  int result = run(&d, shards, count, e);
  for (int i = 0; i < p->jobs; i++) document_parser_release(&d.parsers[i]);
  free(d.parsers);
  XXH3_freeState(d.content);
  collection_release(&d.list);
  return result;
}
