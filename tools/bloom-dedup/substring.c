/* SPDX-License-Identifier: MIT
 *
 * A window's number is its place among all windows of the stream.  Records of the sort are 24 bytes: hash and number,
 * big-endian, so that of equal windows the first comes first; the numbers of windows that go are sorted once more, and the
 * last pass reads them beside the stream.
 *
 * Windows are made by all threads and looked up by one at a time, in order.  A document with many is looked up in parts: its
 * batch waits until all before it are done (pipeline_write_now).
 */
#include "tools/bloom-dedup/substring.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/io/documents.h"
#include "common/io/output.h"
#include "common/io/passes.h"
#include "common/io/pipeline.h"
#include "common/io/record_sort.h"
#include "tools/bloom-dedup/filter.h"
#include "tools/bloom-dedup/windows.h"

static const char duplicate[] = "bloom-dedup:duplicate", long_document[] = "bloom-dedup:max_document";
static const double rate = .01;
enum { BATCH_WINDOWS = 1 << 17 };

struct record {
  uint64_t high, low, number;
};

struct worker {
  struct document_parser parser;
  struct windows windows;
};

enum state { SOUND, BAD, TOO_LONG };

struct line { /* of a batch, in the last pass */
  struct document document; /* `line` and `ordinal` only */
  uint64_t windows;
  enum state state;
};

struct batch {
  struct document_batch in;
  struct hash128 *windows;
  size_t count, capacity;
  unsigned char *known;
  size_t known_capacity;
  struct line *lines;
  size_t line_count, line_capacity;
  uint64_t bad;
  struct err first_bad;
  struct err *e; /* while a document is looked at */
  bool counted;
};

struct substring {
  struct program *program;
  const struct substring_options *options;
  struct worker *workers;
  struct passes *stream;
  struct filter seen, again;
  struct record_sort *windows, *goes;
  struct output *out, *rejects;
  uint64_t number;          /* of the next window of this pass */
  uint64_t next;            /* number of the next window that goes; UINT64_MAX: none */
  struct document_parser parser; /* the writer's own */
  struct windows editor;
  struct span *spans;
  size_t span_capacity;
  struct buffer edited, line;
  bool warned;
  uint64_t in, kept, dropped, too_long, bad, edits, windows_gone, words_gone;
};

static bool too_long(const struct substring *s, size_t line) { return s->program->max_document > 0 && line > (uint64_t)s->program->max_document; }

/* ---- passes 1 and 2 */

static int take_windows(void *context, const struct hash128 *windows, size_t count) {
  struct batch *b = context;
  GROW(b->windows, b->capacity, b->count + count);
  memcpy(b->windows + b->count, windows, count * sizeof *windows);
  b->count += count;
  return b->count < BATCH_WINDOWS ? 0 : pipeline_write_now(b, b->e);
}

static int make_windows(void *context, int index, void *batch, struct err *e) {
  struct substring *s = context;
  struct worker *w = &s->workers[index];
  struct batch *b = batch;
  struct document d;
  size_t cursor = 0;
  int found;
  b->count = 0;
  b->bad = 0;
  b->counted = false;
  b->e = e;
  while ((found = document_next(&w->parser, &b->in, &cursor, &d, e)) != 0) {
    uint64_t words;
    if (found < 0) {
      if (b->bad++ == 0) err_set(&b->first_bad, "%s:%llu: %s", b->in.input, (unsigned long long)d.number, e->message);
      continue;
    }
    if (!too_long(s, d.line.len) && windows_run(&w->windows, d.text, take_windows, b, &words) != 0) return -1;
  }
  return 0;
}

static void count_batch(struct substring *s, struct batch *b) {
  if (b->counted) return;
  b->counted = true;
  progress_add(s->program->progress, b->in.raw_bytes, 0);
}

static int add_windows(void *context, void *batch, struct err *e) {
  struct substring *s = context;
  struct batch *b = batch;
  unsigned char unused;
  (void)e;
  GROW(b->known, b->known_capacity, b->count);
  filter_add_all(&s->seen, b->windows, b->count, b->known);
  for (size_t i = 0; i < b->count; i++)
    if (b->known[i]) filter_add_all(&s->again, &b->windows[i], 1, &unused);
  s->number += b->count;
  b->count = 0;
  if (b->bad && !s->warned) {
    s->warned = true;
    program_warn(s->program, "%s; such lines are counted as bad and left out", b->first_bad.message);
  }
  count_batch(s, b);
  return 0;
}

static int record_windows(void *context, void *batch, struct err *e) {
  struct substring *s = context;
  struct batch *b = batch;
  GROW(b->known, b->known_capacity, b->count);
  filter_find_all(&s->again, b->windows, b->count, b->known);
  for (size_t i = 0; i < b->count; i++) {
    if (!b->known[i]) continue;
    struct record r = {__builtin_bswap64(b->windows[i].high), __builtin_bswap64(b->windows[i].low), __builtin_bswap64(s->number + i)};
    if (record_sort_add(s->windows, &r, e) != 0) return -1;
  }
  s->number += b->count;
  b->count = 0;
  count_batch(s, b);
  return 0;
}

static int sort_windows(struct substring *s, struct err *e) {
  const struct program *p = s->program;
  struct record first = {0}, r;
  const void *record;
  bool any = false, alone = true;
  int more;
  if (record_sort_finish(s->windows, (int)p->jobs, e) != 0) return -1;
  s->goes = record_sort_new(sizeof(uint64_t), (size_t)p->memory / 4, p->tmpdir);
  while ((more = record_sort_next(s->windows, &record, e)) > 0) {
    memcpy(&r, record, sizeof r);
    bool same = any && r.high == first.high && r.low == first.low;
    if (same && alone && s->options->keep_none && record_sort_add(s->goes, &first.number, e) != 0) return -1;
    if (same && record_sort_add(s->goes, &r.number, e) != 0) return -1;
    if (!same) first = r;
    alone = !same;
    any = true;
  }
  stats_int(p->stats, "sorted_windows", (int64_t)record_sort_count(s->windows));
  stats_int(p->stats, "sorted_bytes", (int64_t)record_sort_spilled(s->windows));
  record_sort_free(s->windows);
  s->windows = NULL;
  return more < 0 ? -1 : record_sort_finish(s->goes, (int)p->jobs, e);
}

/* ---- pass 3 */

static int next_gone(struct substring *s, struct err *e) {
  const void *record;
  int more = record_sort_next(s->goes, &record, e);
  if (more < 0) return -1;
  s->next = UINT64_MAX;
  if (more) {
    memcpy(&s->next, record, sizeof s->next);
    s->next = __builtin_bswap64(s->next);
  }
  return 0;
}

static int count_windows(void *context, int index, void *batch, struct err *e) {
  struct substring *s = context;
  struct worker *w = &s->workers[index];
  struct batch *b = batch;
  struct document d;
  size_t cursor = 0;
  int found;
  b->line_count = 0;
  while ((found = document_next(&w->parser, &b->in, &cursor, &d, e)) != 0) {
    struct line line = {.document = {.line = d.line, .ordinal = d.ordinal, .number = d.number, .format = b->in.format, .clean = d.clean},
                        .state = found < 0 ? BAD : too_long(s, d.line.len) ? TOO_LONG : SOUND};
    if (line.state == SOUND) {
      uint64_t words = windows_count_words(&w->windows, d.text), length = w->windows.length;
      line.windows = words < length ? 0 : words - length + 1;
    }
    GROW(b->lines, b->line_capacity, b->line_count + 1);
    b->lines[b->line_count++] = line;
  }
  return 0;
}

static int reject(struct substring *s, const struct document *d, const char *reason, struct err *e) {
  if (!s->rejects) return 0;
  buffer_clear(&s->line);
  document_write_reject(&s->line, reason, d);
  return output_write(s->rejects, s->line.data, s->line.len, e);
}

/* The words that go of the document whose windows start at s->number: spans of the windows' numbers that come next. */
static int read_spans(struct substring *s, uint64_t windows, size_t *count, struct err *e) {
  uint64_t length = s->editor.length;
  *count = 0;
  while (s->next < s->number + windows) {
    uint64_t from = s->next - s->number;
    s->windows_gone++;
    if (*count && from <= s->spans[*count - 1].to) {
      s->spans[*count - 1].to = from + length;
    } else {
      GROW(s->spans, s->span_capacity, *count + 1);
      s->spans[(*count)++] = (struct span){from, from + length};
    }
    if (next_gone(s, e) != 0) return -1;
  }
  return 0;
}

/* Parses a line once more, for its fields. */
static int parse(struct substring *s, const struct batch *b, const struct line *line, struct document *d, struct err *e) {
  struct document_batch one = {.bytes = {.data = (char *)(uintptr_t)line->document.line.data, .len = line->document.line.len + 1}, .format = b->in.format, .input = b->in.input,
                               .first_line = line->document.number, .ordinal = line->document.ordinal};
  size_t cursor = 0;
  return document_next(&s->parser, &one, &cursor, d, e) > 0 ? 0 : -1;
}

static int write_line(struct substring *s, const struct batch *b, const struct line *line, struct err *e) {
  enum document_format format = s->program->jsonl ? DOCUMENT_JSONL : DOCUMENT_TSV;
  struct document d;
  size_t spans;
  s->in++;
  if (line->state == BAD) {
    s->bad++;
    return 0;
  }
  if (line->state == TOO_LONG) {
    s->too_long++;
    return reject(s, &line->document, long_document, e);
  }
  if (read_spans(s, line->windows, &spans, e) != 0) return -1;
  s->number += line->windows;
  if (spans == 0 && line->document.clean && format == line->document.format) {
    s->kept++;
    return output_write(s->out, line->document.line.data, line->document.line.len + 1, e);
  }
  if (parse(s, b, line, &d, e) != 0) return -1;
  buffer_clear(&s->edited);
  buffer_clear(&s->line);
  if (spans) {
    for (size_t i = 0; i < spans; i++) s->words_gone += s->spans[i].to - s->spans[i].from;
    windows_edit(&s->editor, d.text, s->spans, spans, &s->edited);
    if (windows_count_words(&s->editor, buffer_slice(&s->edited)) == 0) {
      s->dropped++;
      return reject(s, &line->document, duplicate, e);
    }
    s->edits++;
  }
  struct slice text = buffer_slice(&s->edited);
  document_write(&s->line, &d, format, spans ? &text : NULL, NULL);
  s->kept++;
  return output_write(s->out, s->line.data, s->line.len, e);
}

static int write_lines(void *context, void *batch, struct err *e) {
  struct substring *s = context;
  struct batch *b = batch;
  for (size_t i = 0; i < b->line_count; i++)
    if (write_line(s, b, &b->lines[i], e) != 0) return -1;
  progress_add(s->program->progress, b->in.raw_bytes, b->line_count);
  return 0;
}

/* ---- all of it */

static int read_batch(void *context, void *batch, struct err *e) { return passes_next(((struct substring *)context)->stream, &((struct batch *)batch)->in, e); }

static size_t weigh_batch(const void *batch) { return ((const struct batch *)batch)->in.bytes.len; }

static void release_batch(void *batch) {
  struct batch *b = batch;
  document_batch_release(&b->in);
  free(b->windows);
  free(b->known);
  free(b->lines);
}

static int run_pass(struct substring *s, int (*work)(void *, int, void *, struct err *), int (*write)(void *, void *, struct err *), struct err *e) {
  struct pipeline pipeline = {s, sizeof(struct batch), read_batch, work, write, release_batch, weigh_batch, s->program->memory};
  s->number = 0;
  if (pipeline_run(&pipeline, (int)s->program->jobs, e) != 0) return -1;
  return passes_again(s->stream, e);
}

static int open_filters(struct substring *s, struct err *e) {
  struct filter_plan plan;
  filter_plan_memory((uint64_t)s->program->memory / 2, rate, &plan);
  if (filter_init(&s->seen, &plan, e) != 0) return -1;
  filter_plan_memory((uint64_t)s->program->memory / 8, rate, &plan);
  return filter_init(&s->again, &plan, e);
}

/* More windows than the filter is made for: the sort gets what it lets through. */
static void report_filter(struct substring *s) {
  double units = filter_units(s->seen.inserted, s->seen.plan.blocks, s->seen.plan.bits), now = filter_rate(units, s->seen.plan.blocks, s->seen.plan.bits);
  char windows[NUMBER_TEXT], part[NUMBER_TEXT];
  stats_int(s->program->stats, "windows", (int64_t)s->number);
  stats_double(s->program->stats, "filter.rate", now);
  if (now > .2)
    program_warn(s->program, "%s different windows are many for the filter: %s of all are sorted on disk for nothing; more -S is faster", number_thousands((uint64_t)units, windows), number_format(now * now, part));
}

static int run_passes(struct substring *s, struct err *e) {
  struct program *p = s->program;
  struct document_counts counts = {0};
  int64_t size = passes_size(s->stream);
  if (size > 0) progress_total(p->progress, 3 * (uint64_t)size);
  if (output_open(&s->out, p->output, 0, e) != 0) return -1;
  if (p->rejects_path && output_open(&s->rejects, p->rejects_path, 0, e) != 0) return -1;
  if (open_filters(s, e) != 0 || run_pass(s, make_windows, add_windows, e) != 0) return -1;
  for (int64_t i = 0; i < p->jobs; i++) document_counts_add(&counts, &s->workers[i].parser.counts);
  document_counts_report(&counts, p->stats);
  report_filter(s);
  filter_release(&s->seen);
  s->windows = record_sort_new(sizeof(struct record), (size_t)p->memory / 4, p->tmpdir);
  if (run_pass(s, make_windows, record_windows, e) != 0 || sort_windows(s, e) != 0 || next_gone(s, e) != 0) return -1;
  return run_pass(s, count_windows, write_lines, e);
}

static void report(struct substring *s) {
  struct stats *stats = s->program->stats;
  stats_flow(stats, s->in, s->kept, s->dropped + s->too_long, s->bad);
  stats_int(stats, "edited", (int64_t)s->edits);
  stats_int(stats, "windows_removed", (int64_t)s->windows_gone);
  stats_int(stats, "words_removed", (int64_t)s->words_gone);
  stats_int(stats, "reasons.duplicate", (int64_t)s->dropped);
  if (s->too_long) stats_int(stats, "reasons.max_document", (int64_t)s->too_long);
}

static int close_outputs(struct substring *s, int result, struct err *e) {
  struct output *outputs[] = {s->rejects, s->out};
  if (result == 0 && s->program->strict && s->bad) result = err_set(e, "%llu lines are no documents", (unsigned long long)s->bad);
  for (int i = 0; i < 2; i++) {
    if (result == 0 && outputs[i]) result = output_commit(outputs[i], e);
    else output_abort(outputs[i]);
  }
  return result;
}

int substring_run(struct program *p, const struct substring_options *o, struct err *e) {
  struct substring s = {.program = p, .options = o, .workers = NEW_ARRAY(struct worker, (size_t)p->jobs)};
  s.stream = passes_new(p->operand, p->operand_count, (size_t)p->memory / 8, p->tmpdir);
  for (int64_t i = 0; i < p->jobs; i++) windows_init(&s.workers[i].windows, (size_t)o->words);
  windows_init(&s.editor, (size_t)o->words);
  int result = run_passes(&s, e);
  report(&s);
  result = close_outputs(&s, result, e);
  for (int64_t i = 0; i < p->jobs; i++) {
    document_parser_release(&s.workers[i].parser);
    windows_release(&s.workers[i].windows);
  }
  free(s.workers);
  windows_release(&s.editor);
  document_parser_release(&s.parser);
  passes_free(s.stream);
  filter_release(&s.seen);
  filter_release(&s.again);
  record_sort_free(s.windows);
  record_sort_free(s.goes);
  free(s.spans);
  buffer_release(&s.edited);
  buffer_release(&s.line);
  return result;
}
