/* SPDX-License-Identifier: MIT
 *
 * A batch's lines are decided on and written in runs: lines that stay, one after the other in the input, are one write.
 */
#include "tools/bloom-dedup/stream.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "common/io/pipeline.h"
#include "common/text/shingles.h"

enum { MOST_LINES = 1 << 15, GIANT = 16 << 20 }; /* a line as long leaves no memory behind: its document is not held in two forms for longer than needed */
enum state { WHOLE, BAD, TOO_LONG };

struct line {
  size_t at, length;      /* in the input, without the newline */
  size_t rendered, rendered_length; /* in batch->rendered; length 0: the line is written as it stands */
  size_t units;           /* that were taken */
  bool passing, raw;      /* has units that pass; is cut as it stands */
  bool late;              /* is rendered when it is written */
  enum state state;
};

struct pass {
  struct stream *s;
  stream_source *source;
  void *context;
  bool write;
};

/* ---- taking */

unsigned char *batch_add_drops(struct batch *b, size_t count) {
  GROW(b->drop, b->drop_capacity, b->drop_count + count);
  b->drop_count += count;
  return b->drop + b->drop_count - count;
}

static int decide(struct batch *b, struct err *e) {
  size_t before = b->drop_count;
  if (b->stream->method->decide(b->stream, b, e) != 0) return -1;
  b->decided += b->drop_count - before;
  return 0;
}

int batch_settle(struct batch *b, struct err *e) {
  if (b->turn && b->line_count == 0) return decide(b, e);
  if (pipeline_write_now(b, e) != 0) return -1;
  b->turn = true;
  return 0;
}

/* The units of one text; `text` as in Linear TSV, `returns` when it may hold bare carriage returns. */
static int take_units(struct stream *s, struct worker *w, struct batch *b, struct slice text, bool returns, struct line *line, uint64_t *unknown, struct err *e) {
  struct unit_cursor c = unit_cursor(text, s->kind, s->short_length);
  c.returns = returns;
  struct unit u;
  while (unit_next(&c, &u)) {
    if (u.passes) {
      line->passing = true;
      continue;
    }
    line->units++;
    if (s->method->take(s, w, b, &u, e) != 0) return -1;
    if (b->hash_count >= BATCH_HASHES && batch_settle(b, e) != 0) return -1;
  }
  *unknown += c.unknown;
  return 0;
}

static int add_line(struct batch *b, const struct line *line, struct err *e) {
  GROW(b->lines, b->line_capacity, b->line_count + 1);
  b->lines[b->line_count++] = *line;
  return b->line_count >= MOST_LINES ? batch_settle(b, e) : 0;
}

static void count_escapes(struct slice heads, uint64_t *unknown) {
  for (const char *at = heads.data, *end = at + heads.len; at < end && (at = memchr(at, '\\', (size_t)(end - at)));) {
    char c = at + 1 < end ? at[1] : 0;
    bool known = c == 'n' || c == 't' || c == 'r' || c == '\\';
    *unknown += !known;
    at += known ? 2 : 1;
  }
}

static bool too_long(const struct stream *s, size_t length) { return s->program->max_document > 0 && length > (uint64_t)s->program->max_document; }

static enum document_format output_format(const struct stream *s) { return s->program->jsonl ? DOCUMENT_JSONL : DOCUMENT_TSV; }

/* Where the text of a line of Linear TSV starts. */
static size_t text_start(struct slice line) {
  const char *tab = line.len ? memrchr(line.data, '\t', line.len) : NULL;
  return tab ? (size_t)(tab - line.data) + 1 : 0;
}

static bool takes_lines_as_they_stand(const struct stream *s, const struct document_batch *in) { return in->format == DOCUMENT_TSV && !s->program->jsonl; }

/* Whether the line has the byte; *ahead, kept from line to line, spares looking at lines that do not. */
static bool next_in(struct slice line, char byte, const char *end, const char **ahead) {
  if (*ahead < line.data || (*ahead == line.data && *line.data != byte)) {
    *ahead = memchr(line.data, byte, (size_t)(end - line.data));
    if (!*ahead) *ahead = end;
  }
  return *ahead < line.data + line.len;
}

/* All lines are clean Linear TSV. */
static int take_lines(struct stream *s, struct worker *w, struct batch *b, struct err *e) {
  const char *data = b->in.bytes.data;
  uint64_t *unknown = &w->parser.counts.unknown_escape;
  bool returns = memchr(data, '\r', b->in.bytes.len) != NULL;
  const char *tab_ahead = data, *slash_ahead = data; /* the next of each from some place before this line on, or the end */
  for (size_t at = 0, n = b->in.bytes.len, index = 0; at < n; index++) {
    struct slice all = {data + at, (size_t)((const char *)memchr(data + at, '\n', n - at) - (data + at))};
    struct line line = {.at = at, .length = all.len, .raw = true, .state = too_long(s, all.len) ? TOO_LONG : WHOLE};
    at += all.len + 1;
    if (line.state == WHOLE && !s->method->finish && !next_in(all, '\t', data + n, &tab_ahead) && !next_in(all, '\\', data + n, &slash_ahead)) {
      struct unit_cursor c = unit_cursor(all, s->kind, s->short_length);
      struct unit u;
      c.returns = returns;
      unit_plain(&c, &u);
      line.passing = u.passes;
      line.units = !u.passes;
      if (line.units && s->method->take(s, w, b, &u, e) != 0) return -1;
      if (b->hash_count >= BATCH_HASHES && batch_settle(b, e) != 0) return -1;
    } else if (line.state == WHOLE) {
      size_t start = text_start(all);
      if (start > 1) {
        const char *heads = all.data, *end = heads + start - 1;
        for (const char *tab; heads <= end; heads = tab + 1) {
          tab = memchr(heads, '\t', (size_t)(end - heads));
          if (!tab) tab = end;
          count_escapes((struct slice){heads, (size_t)(tab - heads)}, unknown);
        }
      }
      struct slice text = {all.data + start, all.len - start};
      if (take_units(s, w, b, text, returns, &line, unknown, e) != 0) return -1;
      if (s->method->finish) {
        struct document d = {.line = all, .number = b->in.first_line + index, .ordinal = b->in.ordinal + index, .format = DOCUMENT_TSV, .clean = true};
        const char *tab = start ? memchr(all.data, '\t', start) : NULL;
        if (tab) d.id = (struct slice){all.data, (size_t)(tab - all.data)};
        if (s->method->finish(s, w, b, &d, e) != 0) return -1;
      }
    }
    if (add_line(b, &line, e) != 0) return -1;
  }
  return 0;
}

static int take_documents(struct stream *s, struct worker *w, struct batch *b, struct err *e) {
  struct document d;
  size_t cursor = 0;
  int found;
  struct err bad;
  enum document_format format = output_format(s);
  while ((found = document_next(&w->parser, &b->in, &cursor, &d, &bad)) != 0) {
    struct line line = {.at = (size_t)(d.line.data - b->in.bytes.data), .length = d.line.len, .state = found < 0 ? BAD : too_long(s, d.line.len) ? TOO_LONG : WHOLE};
    if (found < 0 && b->bad++ == 0) {
      b->first_bad = bad;
      b->first_bad_line = d.number;
    }
    if (line.state == WHOLE) {
      uint64_t known_already = 0; /* the parser has counted them */
      struct slice text = {d.line.data + text_start(d.line), d.line.len - text_start(d.line)};
      line.raw = d.clean && takes_lines_as_they_stand(s, &b->in);
      if (!line.raw) {
        buffer_clear(&w->escaped);
        document_escape(&w->escaped, d.text);
        text = buffer_slice(&w->escaped);
        line.late = (!d.clean || format != d.format) && d.line.len >= GIANT;
        if ((!d.clean || format != d.format) && !line.late) {
          line.rendered = b->rendered.len;
          document_write(&b->rendered, &d, format, NULL, NULL);
          line.rendered_length = b->rendered.len - line.rendered;
        }
      }
      if (take_units(s, w, b, text, line.raw, &line, &known_already, e) != 0) return -1;
      if (s->method->finish) {
        struct buffer id = {0};
        struct document named = d;
        document_escape(&id, d.id);
        named.id = d.id.data ? (struct slice){id.data ? id.data : "", id.len} : d.id;
        int result = s->method->finish(s, w, b, &named, e);
        buffer_release(&id);
        if (result != 0) return -1;
      }
    }
    if (d.line.len >= GIANT) {
      buffer_release(&w->escaped);
      document_parser_release(&w->parser);
    }
    if (add_line(b, &line, e) != 0) return -1;
  }
  return 0;
}

static int take_batch(void *context, int index, void *batch, struct err *e) {
  struct stream *s = ((struct pass *)context)->s;
  struct batch *b = batch;
  const struct buffer *bytes = &b->in.bytes;
  b->stream = s;
  b->hash_count = b->size_count = b->drop_count = b->line_count = 0;
  b->bad = 0;
  b->turn = b->noted = b->counted = false;
  b->decided = b->written = 0;
  buffer_clear(&b->rendered);
  buffer_clear(&b->report);
  if (takes_lines_as_they_stand(s, &b->in) && !memchr(bytes->data, 0, bytes->len) && utf8_valid_prefix(bytes->data, bytes->len) == bytes->len)
    return take_lines(s, &s->workers[index], b, e);
  return take_documents(s, &s->workers[index], b, e);
}

/* ---- writing */

static int reject(struct stream *s, const struct batch *b, const struct line *line, const char *reason, struct err *e) {
  if (!s->rejects) return 0;
  if (output_write(s->rejects, reason, strlen(reason), e) != 0 || output_write(s->rejects, "\t", 1, e) != 0) return -1;
  return output_write(s->rejects, b->in.bytes.data + line->at, line->length + 1, e);
}

/* An escaped text without the newlines at its end. */
static size_t without_newlines(const char *text, size_t n) {
  while (n >= 2 && text[n - 1] == 'n' && text[n - 2] == '\\') {
    size_t slashes = 1;
    while (slashes < n - 1 && text[n - 2 - slashes] == '\\') slashes++;
    if (slashes % 2 == 0) break;
    n -= 2;
  }
  return n;
}

static int parse_again(struct stream *s, const struct batch *b, const struct line *line, struct document *d, struct err *e) {
  struct document_batch one = {.bytes = {.data = b->in.bytes.data + line->at, .len = line->length + 1}, .format = b->in.format, .input = b->in.input};
  size_t cursor = 0;
  return document_next(&s->parser, &one, &cursor, d, e) > 0 ? 0 : -1;
}

/* Leaves the document, edited, in s->edited: 1, or 0 when nothing of it is left. */
static int edit(struct stream *s, const struct batch *b, const struct line *line, const unsigned char *drop, struct err *e) {
  struct slice all = {b->in.bytes.data + line->at, line->length};
  buffer_clear(&s->edited);
  if (line->raw) {
    size_t start = text_start(all);
    buffer_append(&s->edited, all.data, start);
    units_edit(&s->edited, (struct slice){all.data + start, all.len - start}, s->kind, s->short_length, drop);
    s->edited.len = start + without_newlines(s->edited.data + start, s->edited.len - start);
    if (s->edited.len == start) return 0;
    buffer_put(&s->edited, '\n');
    return 1;
  }
  struct document d;
  if (parse_again(s, b, line, &d, e) != 0) return -1;
  buffer_clear(&s->escaped);
  document_escape(&s->escaped, d.text);
  buffer_clear(&s->line);
  units_edit(&s->line, buffer_slice(&s->escaped), s->kind, s->short_length, drop);
  s->line.len = without_newlines(s->line.data, s->line.len);
  if (!s->line.len) return 0;
  uint64_t unknown = 0;
  buffer_clear(&s->escaped);
  document_unescape(&s->escaped, buffer_slice(&s->line), &unknown);
  if (line->length >= GIANT) buffer_release(&s->line);
  struct slice text = buffer_slice(&s->escaped);
  document_write(&s->edited, &d, output_format(s), &text, NULL);
  return 1;
}

static void forget_giant(struct stream *s, const struct line *line) {
  if (line->length < GIANT) return;
  document_parser_release(&s->parser);
  buffer_release(&s->edited);
  buffer_release(&s->escaped);
  buffer_release(&s->line);
}

struct run { /* of bytes to be written as they stand */
  const char *from, *to;
};

static int end_run(struct stream *s, struct run *run, struct err *e) {
  int result = run->to > run->from ? output_write(s->out, run->from, (size_t)(run->to - run->from), e) : 0;
  *run = (struct run){0};
  return result;
}

static int write_line(struct stream *s, struct batch *b, const struct line *line, const unsigned char *drop, struct run *run, struct err *e) {
  size_t dropped = 0;
  s->counts.in++;
  if (line->state == BAD) {
    s->counts.bad++;
    return 0;
  }
  if (line->state == TOO_LONG) {
    s->counts.too_long++;
    return reject(s, b, line, "bloom-dedup:max_document", e);
  }
  for (size_t i = 0; i < line->units; i++) dropped += drop[i];
  s->counts.units += line->units;
  s->counts.units_dropped += dropped;
  if ((dropped == 0 || s->report_only) && line->late) {
    struct document d;
    if (end_run(s, run, e) != 0 || parse_again(s, b, line, &d, e) != 0) return -1;
    buffer_clear(&s->edited);
    document_write(&s->edited, &d, output_format(s), NULL, NULL);
    s->counts.out++;
    int result = output_write(s->out, s->edited.data, s->edited.len, e);
    forget_giant(s, line);
    return result;
  }
  if (dropped == 0 || s->report_only) {
    const char *from = b->in.bytes.data + line->at, *to = from + line->length + 1;
    if (line->rendered_length) {
      from = b->rendered.data + line->rendered;
      to = from + line->rendered_length;
    }
    s->counts.out++;
    if (run->to != from) {
      if (end_run(s, run, e) != 0) return -1;
      run->from = from;
    }
    run->to = to;
    return 0;
  }
  int left = dropped == line->units && !line->passing ? 0 : edit(s, b, line, drop, e);
  if (left < 0 || end_run(s, run, e) != 0) return -1;
  if (left == 0) {
    forget_giant(s, line);
    s->counts.dropped++;
    return reject(s, b, line, s->method->reason, e);
  }
  s->counts.out++;
  s->counts.edited++;
  int result = output_write(s->out, s->edited.data, s->edited.len, e);
  forget_giant(s, line);
  return result;
}

static int write_batch(void *context, void *batch, struct err *e) {
  const struct pass *pass = context;
  struct stream *s = pass->s;
  struct batch *b = batch;
  struct run run = {0};
  size_t unit = 0;
  if (decide(b, e) != 0) return -1;
  for (size_t i = 0; i < b->line_count; i++) {
    const struct line *line = &b->lines[i];
    bool skipped = s->skip > 0;
    if (skipped) s->skip--;
    if (pass->write && !s->hold && !skipped && write_line(s, b, line, b->drop + unit, &run, e) != 0) return -1;
    unit += line->units;
  }
  if (end_run(s, &run, e) != 0) return -1;
  if (b->drop_count > unit) memmove(b->drop, b->drop + unit, b->drop_count - unit); /* of the document at hand */
  b->drop_count -= unit;
  b->written += b->line_count;
  b->line_count = 0;
  buffer_clear(&b->rendered);
  if (s->report && b->report.len && output_write(s->report, b->report.data, b->report.len, e) != 0) return -1;
  buffer_clear(&b->report);
  if (b->bad && !s->warned) {
    s->warned = true;
    program_warn(s->program, "%s:%llu: %s; such lines are counted as bad and left out", b->in.input, (unsigned long long)b->first_bad_line, b->first_bad.message);
  }
  if (!b->counted) progress_add(s->program->progress, b->in.raw_bytes, pass->write ? b->in.lines : 0);
  b->counted = true;
  return 0;
}

/* ---- all of it */

static int read_batch(void *context, void *batch, struct err *e) {
  const struct pass *pass = context;
  return pass->source(pass->context, &((struct batch *)batch)->in, e);
}

static size_t weigh_batch(const void *batch) { return ((const struct batch *)batch)->in.bytes.len; }

static void release_batch(void *batch) {
  struct batch *b = batch;
  document_batch_release(&b->in);
  buffer_release(&b->rendered);
  buffer_release(&b->report);
  free(b->hashes);
  free(b->sizes);
  free(b->drop);
  free(b->lines);
}

int stream_open(struct stream *s, struct program *p, enum unit_kind kind, size_t short_length, const char *report, struct err *e) {
  *s = (struct stream){.program = p, .kind = kind, .short_length = short_length};
  s->workers = NEW_ARRAY(struct worker, (size_t)p->jobs);
  if (output_open(&s->out, p->output, 0, e) != 0) return -1;
  if (p->rejects_path && output_open(&s->rejects, p->rejects_path, 0, e) != 0) return -1;
  return report ? output_open(&s->report, report, 0, e) : 0;
}

int stream_run(struct stream *s, const struct method *method, stream_source *source, void *context, bool write, struct err *e) {
  struct pass pass = {s, source, context, write};
  struct pipeline pipeline = {&pass, sizeof(struct batch), read_batch, take_batch, write_batch, release_batch, weigh_batch, s->program->memory};
  s->method = method;
  s->reason = method->reason;
  for (int64_t i = 0; i < s->program->jobs; i++) s->workers[i].parser.counts = (struct document_counts){0};
  if (pipeline_run(&pipeline, (int)s->program->jobs, e) != 0) return -1;
  if (s->text_counted) return 0;
  s->text_counted = true;
  for (int64_t i = 0; i < s->program->jobs; i++) document_counts_add(&s->text_counts, &s->workers[i].parser.counts);
  return 0;
}

static int next_document(void *reader, struct document_batch *batch, struct err *e) { return document_reader_next(reader, batch, e); }

int stream_run_operands(struct stream *s, const struct method *method, struct err *e) {
  const struct program *p = s->program;
  struct document_reader *reader = document_reader_new(p->operand, p->operand_count, NULL);
  int64_t size = document_reader_size(reader);
  if (size > 0) progress_total(p->progress, (uint64_t)size);
  int result = stream_run(s, method, next_document, reader, true, e);
  document_reader_free(reader);
  return result;
}

static void report_counts(struct stream *s) {
  struct stats *stats = s->program->stats;
  const struct stream_counts *c = &s->counts;
  stats_flow(stats, c->in, c->out, c->dropped + c->too_long, c->bad);
  stats_int(stats, "edited", (int64_t)c->edited);
  stats_int(stats, "units", (int64_t)c->units);
  stats_int(stats, "units_removed", (int64_t)(s->report_only ? 0 : c->units_dropped));
  char name[64];
  const char *reason = s->reason ? strchr(s->reason, ':') : NULL;
  snprintf(name, sizeof name, "reasons.%s", reason ? reason + 1 : "duplicate");
  stats_int(stats, name, (int64_t)c->dropped);
  if (c->too_long) stats_int(stats, "reasons.max_document", (int64_t)c->too_long);
  document_counts_report(&s->text_counts, stats);
}

int stream_close(struct stream *s, int result, struct err *e) {
  report_counts(s);
  if (result == 0 && s->program->strict && s->counts.bad) result = err_set(e, "%llu lines are no documents", (unsigned long long)s->counts.bad);
  struct output *outputs[] = {s->rejects, s->report, s->out};
  for (int i = 0; i < 3; i++) {
    if (result == 0 && outputs[i]) result = output_commit(outputs[i], e);
    else output_abort(outputs[i]);
  }
  for (int64_t i = 0; s->workers && i < s->program->jobs; i++) {
    struct worker *w = &s->workers[i];
    document_parser_release(&w->parser);
    shingler_free(w->shingler);
    buffer_release(&w->escaped);
    buffer_release(&w->room);
    buffer_release(&w->plain);
  }
  free(s->workers);
  document_parser_release(&s->parser);
  buffer_release(&s->edited);
  buffer_release(&s->escaped);
  buffer_release(&s->line);
  return result;
}
