/* SPDX-License-Identifier: MIT
 *
 * reader -> workers -> ordered writer; a worker owns everything that it writes to.  When a condition asks for ranks,
 * documents wait in a log (waiting.h), to which the ordered writer adds them, until the input has ended.
 */
#include "tools/qfilter/stream.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "common/io/documents.h"
#include "common/io/output.h"
#include "common/io/pipeline.h"
#include "tools/qfilter/rules/url.h"
#include "tools/qfilter/waiting.h"

struct worker {
  struct document_parser parser;
  struct rules_scratch rules;
  struct model_scratch models;
  struct evaluation *evaluation; /* NULL without expressions */
  double *waiting;               /* values of one document */
  struct buffer masked[2], annotations;
};

struct tally { /* of one batch; added up by the writer */
  uint64_t in, out, rejected, bad, edited, in_bytes, out_bytes;
  struct mask_counts masked;
};

struct batch {
  struct document_batch documents;
  struct buffer out, rejects, waiting;
  struct tally tally;
  struct hashmap *reasons;
  struct err first_bad; /* when tally.bad */
  uint64_t first_bad_line;
};

struct stream {
  struct program *program;
  struct stream_settings *settings;
  struct document_reader *reader;
  struct worker *workers;
  struct output *out, *rejects;
  struct expressions *expressions;
  struct rule_file **files;
  struct waiting *waiting; /* NULL: no condition asks for ranks */
  int waiting_values;
  struct tally total;
  struct hashmap *reasons;
  bool warned;
};

static bool has_expressions(const struct stream_settings *s) { return s->rule_path_count || s->condition_count || s->value_count; }

/* ---- decisions */

static void append_number(struct buffer *out, double value) {
  char text[NUMBER_TEXT];
  if (!isnan(value)) buffer_append_string(out, number_format(value, text));
}

/* A name from a model or file, of any bytes, as UTF-8. */
static void append_name(struct buffer *out, struct slice name) {
  if (utf8_valid_prefix(name.data, name.len) == name.len) {
    document_escape(out, name);
    return;
  }
  struct buffer valid = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&valid, name.data, name.len, &invalid, &nul);
  document_escape(out, buffer_slice(&valid));
  buffer_release(&valid);
}

static struct verdict decide_language(struct worker *w) {
  const char *reason = language_verdict(&w->models);
  return reason ? (struct verdict){"langid", reason} : (struct verdict){0};
}

/* Rule files, tests of models and conditions that need not wait. */
static struct verdict decide_rest(const struct stream *s, struct worker *w) {
  const struct stream_settings *settings = s->settings;
  struct verdict v = {0};
  for (int i = 0; i < settings->rule_path_count && !v.reason; i++) v = rule_file_apply(s->files[i], w->evaluation);
  if (v.reason) return v;
  const char *label = models_verdict(&w->models);
  if (label) return (struct verdict){"model", label};
  for (int i = 0; i < settings->condition_count; i++) {
    const struct condition *c = &settings->conditions[i];
    if (!expressions_waits(s->expressions, c->program) && !holds(evaluation_value(w->evaluation, c->program))) return (struct verdict){"keep", c->name};
  }
  return v;
}

static struct verdict decide_ranks(const struct stream *s, struct evaluation *v) {
  for (int i = 0; i < s->settings->condition_count; i++) {
    const struct condition *c = &s->settings->conditions[i];
    if (expressions_waits(s->expressions, c->program) && !holds(evaluation_value(v, c->program))) return (struct verdict){isnan(c->fraction) ? "keep" : "top", c->name};
  }
  return (struct verdict){0};
}

/* ---- values that are shown */

static void show_language(const struct stream *s, struct worker *w, struct buffer *out, const char *names[2], char between) {
  const struct models *m = &s->settings->models;
  const struct fasttext_scores *scores = models_predict(&w->models, m->language);
  buffer_append_string(out, names[0]);
  if (scores->best >= 0) append_name(out, fasttext_label(m->items[m->language].fasttext, scores->best));
  buffer_put(out, between);
  buffer_append_string(out, names[1]);
  append_number(out, scores->best >= 0 ? (double)scores->probability[scores->best] : 0.0);
}

/* The name and value of each --label, of each score in expressions, of each --value; NAME or value alone when the other is
 * not wanted, a tab before each. */
static void show_values(const struct stream *s, struct worker *w, struct buffer *out, bool names, bool values) {
  const struct stream_settings *settings = s->settings;
  const struct models *m = &settings->models;
  struct buffer name = {0};
  for (int i = 0; i < m->count; i++) {
    for (int t = 0; t < m->items[i].count; t++) {
      buffer_put(out, '\t');
      if (names) append_name(out, slice_of(m->items[i].tests[t].label));
      if (names && values) buffer_put(out, '=');
      if (values) append_number(out, (double)models_predict(&w->models, i)->probability[m->items[i].tests[t].index]);
    }
  }
  for (int i = 0; s->expressions && i < expressions_score_count(s->expressions); i++) {
    int score = expressions_score(s->expressions, i);
    buffer_put(out, '\t');
    buffer_clear(&name);
    models_score_name(m, score, &name);
    if (names) append_name(out, buffer_slice(&name));
    if (names && values) buffer_put(out, '=');
    if (values) append_number(out, models_score(&w->models, score));
  }
  for (int i = 0; i < settings->value_count; i++) {
    buffer_put(out, '\t');
    if (names) append_name(out, slice_of(settings->values[i].name));
    if (names && values) buffer_put(out, '=');
    if (values) append_number(out, evaluation_value(w->evaluation, settings->values[i].program));
  }
  buffer_release(&name);
}

static struct slice annotate(const struct stream *s, struct worker *w) {
  struct buffer *out = &w->annotations;
  static const char *const names[2] = {"lang=", "lang_score="};
  buffer_clear(out);
  if (s->settings->models.language >= 0) show_language(s, w, out, (const char **)names, '\t');
  bool first = out->len == 0;
  show_values(s, w, out, true, true);
  struct slice all = buffer_slice(out);
  return first && all.len ? (struct slice){all.data + 1, all.len - 1} : all;
}

static void explain_header(const struct stream *s, struct buffer *out) {
  buffer_append_string(out, "id");
  if (s->settings->models.language >= 0) buffer_append_string(out, "\tlang\tlang_score");
  rules_explain_header(&s->settings->rules, out);
  for (int i = 0; i < s->settings->rule_path_count; i++) {
    for (int r = 0; r < rule_file_count(s->files[i]); r++) {
      buffer_put(out, '\t');
      append_name(out, slice_of(rule_file_set(s->files[i])));
      buffer_put(out, '.');
      document_escape(out, slice_of(rule_file_name(s->files[i], r)));
    }
  }
  show_values(s, NULL, out, true, false);
  for (int waits = 0; waits < 2; waits++) { /* those that wait stand last */
    for (int i = 0; i < s->settings->condition_count; i++) {
      const struct condition *c = &s->settings->conditions[i];
      if (expressions_waits(s->expressions, c->program) != waits) continue;
      buffer_append_string(out, isnan(c->fraction) ? "\tkeep." : "\ttop.");
      buffer_append_string(out, c->name);
    }
  }
  buffer_append_string(out, "\tdecision\n");
}

/* Whether each of the conditions that wait, or of the others, holds: 1, 0, or nothing without `v`. */
static void show_conditions(const struct stream *s, struct evaluation *v, struct buffer *out, bool waits) {
  for (int i = 0; i < s->settings->condition_count; i++) {
    int program = s->settings->conditions[i].program;
    if (expressions_waits(s->expressions, program) == waits) buffer_append_string(out, !v ? "\t" : holds(evaluation_value(v, program)) ? "\t1" : "\t0");
  }
}

/* ---- one document */

static void add_masked(struct mask_counts *to, const struct mask_counts *from) {
  for (int k = 0; k < MASK_KINDS; k++) to->of[k] += from->of[k];
}

static void count_reason(struct hashmap *reasons, struct verdict v) {
  struct buffer key = {0};
  buffer_append_string(&key, v.set);
  buffer_put(&key, ':');
  buffer_append_string(&key, v.reason);
  ++*hashmap_put(reasons, buffer_slice(&key), NULL);
  buffer_release(&key);
}

static void append_reason(struct buffer *out, struct verdict v) {
  append_name(out, slice_of(v.set));
  buffer_put(out, ':');
  append_name(out, slice_of(v.reason));
}

static void reject(const struct stream *s, struct batch *b, const struct document *d, struct verdict v) {
  b->tally.rejected++;
  count_reason(b->reasons, v);
  if (!s->rejects) return;
  append_reason(&b->rejects, v);
  document_write_reject(&b->rejects, "", d);
}

/* Makes ready what looks at the text as the rule sets left it. */
static void begin_text(const struct stream *s, struct worker *w, const struct document *d, struct slice text) {
  model_scratch_edit(&w->models, text);
  if (!w->evaluation) return;
  const struct rules *rules = &s->settings->rules;
  if (rules->count == 0) measures_begin(&w->rules.measures, rules->words, text);
  evaluation_begin(w->evaluation, &(struct evaluated){.document = d, .text = text, .rules = rules, .measures = &w->rules.measures, .scores = &w->models, .score = models_score});
}

/* --explain: every value whatever the outcome, then the decision, which may have to wait. */
static void explain(const struct stream *s, struct worker *w, struct batch *b, const struct document *d) {
  const struct stream_settings *settings = s->settings;
  struct verdict v = {0};
  struct slice text = d->text;
  struct buffer *out = s->waiting ? &b->waiting : &b->out;
  size_t begin = s->waiting ? waiting_begin(out, w->waiting, s->waiting_values) : 0;
  document_escape(out, d->id);
  model_scratch_begin(&w->models, text);
  if (settings->models.language >= 0) {
    static const char *const names[2] = {"", ""};
    v = decide_language(w);
    buffer_put(out, '\t');
    show_language(s, w, out, (const char **)names, '\t');
  }
  struct verdict rules = rules_explain(&settings->rules, &w->rules, &text, out);
  if (!v.reason) v = rules;
  begin_text(s, w, d, text);
  for (int i = 0; i < settings->rule_path_count; i++)
    for (int r = 0; r < rule_file_count(s->files[i]); r++) buffer_append_string(out, rule_file_holds(s->files[i], r, w->evaluation) ? "\t1" : "\t0");
  show_values(s, w, out, false, true);
  show_conditions(s, w->evaluation, out, false);
  if (!v.reason) v = decide_rest(s, w);
  bool decided = v.reason || !s->waiting;
  if (decided) {
    show_conditions(s, NULL, out, true); /* it has no rank among those that wait */
    buffer_put(out, '\t');
    if (v.reason) append_reason(out, v);
    else buffer_append_string(out, "keep");
    buffer_put(out, '\n');
  }
  if (s->waiting) {
    size_t end = out->len;
    if (!decided) {
      evaluation_save(w->evaluation, w->waiting);
      memcpy(out->data + begin + sizeof(struct waiting_document), w->waiting, (size_t)s->waiting_values * sizeof *w->waiting);
      if (s->rejects) document_write_reject(out, "", d);
    }
    waiting_end(out, begin, s->waiting_values, (struct waiting_document){.decided = decided}, end);
  }
  if (v.reason) reject(s, b, d, v);
  else b->tally.out += decided;
}

/* One document: what becomes of it. */
static void filter(const struct stream *s, struct worker *w, struct batch *b, const struct document *d) {
  const struct stream_settings *settings = s->settings;
  struct slice text = d->text;
  if ((s->program->max_document && d->line.len > (uint64_t)s->program->max_document) || text.len >= UINT32_MAX) {
    reject(s, b, d, (struct verdict){"qfilter", "max_document"});
    return;
  }
  w->rules.measures.url = d->url;
  if (settings->explain) {
    explain(s, w, b, d);
    return;
  }
  struct verdict v = {0};
  model_scratch_begin(&w->models, text);
  if (settings->models.language >= 0) v = decide_language(w);
  if (!v.reason && settings->rules.count) v = rules_apply(&settings->rules, &w->rules, &text);
  if (!v.reason && (settings->models.count || w->evaluation)) {
    begin_text(s, w, d, text);
    v = decide_rest(s, w);
  }
  if (v.reason) {
    reject(s, b, d, v);
    return;
  }
  struct buffer *out = s->waiting ? &b->waiting : &b->out;
  size_t begin = 0;
  if (s->waiting) {
    evaluation_save(w->evaluation, w->waiting);
    begin = waiting_begin(out, w->waiting, s->waiting_values);
  }
  struct slice annotations = settings->annotate ? annotate(s, w) : (struct slice){0};
  struct mask_counts masked = {0};
  if (settings->mask.kinds) text = mask_apply(&settings->mask, text, w->masked, &masked);
  bool edited = text.data != d->text.data || text.len != d->text.len;
  enum document_format format = s->program->jsonl ? DOCUMENT_JSONL : DOCUMENT_TSV;
  document_write(out, d, format, edited ? &text : NULL, annotations.len ? &annotations : NULL);
  if (s->waiting) {
    size_t end = out->len;
    if (s->rejects) document_write_reject(out, "", d);
    waiting_end(out, begin, s->waiting_values, (struct waiting_document){.masked = masked, .edited = edited}, end);
    return;
  }
  b->tally.out++;
  b->tally.edited += edited;
  add_masked(&b->tally.masked, &masked);
}

/* ---- pipeline */

static int read_batch(void *context, void *batch, struct err *e) {
  struct stream *s = context;
  return document_reader_next(s->reader, &((struct batch *)batch)->documents, e);
}

static size_t weigh_batch(const void *batch) { return ((const struct batch *)batch)->documents.bytes.len; }

static int work(void *context, int index, void *batch, struct err *e) {
  (void)e;
  struct stream *s = context;
  struct worker *w = &s->workers[index];
  struct batch *b = batch;
  buffer_clear(&b->out);
  buffer_clear(&b->rejects);
  buffer_clear(&b->waiting);
  b->tally = (struct tally){0};
  if (!b->reasons) b->reasons = hashmap_new();
  hashmap_clear(b->reasons);
  size_t cursor = 0;
  struct document d;
  struct err bad;
  int found;
  while ((found = document_next(&w->parser, &b->documents, &cursor, &d, &bad)) != 0) {
    b->tally.in++;
    b->tally.in_bytes += d.line.len + 1;
    if (found > 0) {
      filter(s, w, b, &d);
      continue;
    }
    if (b->tally.bad++ == 0) {
      b->first_bad = bad;
      b->first_bad_line = d.number;
    }
  }
  b->tally.out_bytes = b->out.len;
  return 0;
}

static int write_batch(void *context, void *batch, struct err *e) {
  struct stream *s = context;
  struct batch *b = batch;
  if (output_write(s->out, b->out.data, b->out.len, e) != 0) return -1;
  if (s->rejects && output_write(s->rejects, b->rejects.data, b->rejects.len, e) != 0) return -1;
  if (s->waiting && waiting_add(s->waiting, buffer_slice(&b->waiting), e) != 0) return -1;
  if (b->tally.bad && !s->warned) {
    s->warned = true;
    program_warn(s->program, "%s:%llu: %s; such lines are counted as bad and left out", b->documents.input, (unsigned long long)b->first_bad_line, b->first_bad.message);
  }
  struct tally *t = &s->total;
  t->in += b->tally.in;
  t->out += b->tally.out;
  t->rejected += b->tally.rejected;
  t->bad += b->tally.bad;
  t->edited += b->tally.edited;
  t->in_bytes += b->tally.in_bytes;
  t->out_bytes += b->tally.out_bytes;
  add_masked(&t->masked, &b->tally.masked);
  const struct hashmap_entry *entries = hashmap_entries(b->reasons);
  for (size_t i = 0; i < hashmap_count(b->reasons); i++) *hashmap_put(s->reasons, entries[i].key, NULL) += entries[i].value;
  progress_add(s->program->progress, b->documents.raw_bytes, b->tally.in);
  return 0;
}

static void release_batch(void *batch) {
  struct batch *b = batch;
  document_batch_release(&b->documents);
  buffer_release(&b->out);
  buffer_release(&b->rejects);
  buffer_release(&b->waiting);
  if (b->reasons) hashmap_free(b->reasons);
}

/* The end of the stream: a document that waited, with the ranks of its values known. */
static int take_waiting(void *context, const struct waiting_visit *visit, struct err *e) {
  struct stream *s = context;
  const struct waiting_document *head = visit->head;
  struct verdict v = head->decided ? (struct verdict){0} : decide_ranks(s, s->workers[0].evaluation);
  bool explained = s->settings->explain;
  if (explained || !v.reason) {
    s->total.out_bytes += visit->kept.len;
    if (output_write(s->out, visit->kept.data, visit->kept.len, e) != 0) return -1;
  }
  struct buffer reason = {0}, end = {0};
  int result = 0;
  if (v.reason) append_reason(&reason, v);
  if (explained && !head->decided) {
    show_conditions(s, s->workers[0].evaluation, &end, true);
    buffer_put(&end, '\t');
    if (v.reason) buffer_append_slice(&end, buffer_slice(&reason));
    else buffer_append_string(&end, "keep");
    buffer_put(&end, '\n');
    result = output_write(s->out, end.data, end.len, e);
  }
  if (result == 0 && v.reason && s->rejects) {
    result = output_write(s->rejects, reason.data, reason.len, e);
    if (result == 0) result = output_write(s->rejects, visit->reject.data, visit->reject.len, e);
  }
  buffer_release(&reason);
  buffer_release(&end);
  if (v.reason) {
    s->total.rejected++;
    count_reason(s->reasons, v);
  } else if (!head->decided) {
    s->total.out++;
    s->total.edited += head->edited;
    add_masked(&s->total.masked, &head->masked);
  }
  return result;
}

/* ---- set-up */

static int find_score(void *models, struct slice model, struct slice label) { return models_find(models, model, label); }

/* Models that nothing asks are a mistake. */
static int check_models(const struct stream *s, struct err *e) {
  const struct models *m = &s->settings->models;
  for (int i = 0; i < m->count; i++) {
    bool used = m->items[i].count > 0 || i == m->language;
    for (int k = 0; s->expressions && k < expressions_score_count(s->expressions); k++) used |= m->scores[expressions_score(s->expressions, k)].model == i;
    if (!used) return err_usage(e, "--model %s has no --label, and no expression names %s.LABEL", m->items[i].path, m->items[i].name);
  }
  return 0;
}

static int compile(struct stream *s, struct err *e) {
  struct stream_settings *settings = s->settings;
  s->expressions = expressions_new((struct score_source){&settings->models, find_score});
  s->files = NEW_ARRAY(struct rule_file *, (size_t)settings->rule_path_count + 1);
  for (int i = 0; i < settings->rule_path_count; i++)
    if (!(s->files[i] = rule_file_load(settings->rule_paths[i], s->expressions, &settings->rules, e))) return -1;
  for (int i = 0; i < settings->assignment_count; i++) /* the command line holds against the files */
    if (rules_set(&settings->rules, settings->assignments[i], e) != 0) return -1;
  bool waits = false;
  for (int i = 0; i < settings->condition_count; i++) {
    struct condition *c = &settings->conditions[i];
    bool top = !isnan(c->fraction);
    c->program = expressions_compile_text(s->expressions, top ? "--top" : "--keep", slice_of(c->expression), !top, e);
    if (c->program < 0) return -1;
    if (top) c->program = expressions_top(s->expressions, c->program, c->fraction);
    waits |= expressions_waits(s->expressions, c->program);
  }
  for (int i = 0; i < settings->value_count; i++) {
    struct named_value *v = &settings->values[i];
    if ((v->program = expressions_compile_text(s->expressions, "--value", slice_of(v->expression), false, e)) < 0) return -1;
  }
  if (waits) {
    s->waiting_values = expressions_waiting(s->expressions);
    s->waiting = waiting_new(s->expressions, (size_t)s->program->memory / 4, s->program->tmpdir);
  }
  return 0;
}

static void report_reason(struct stats *stats, const struct hashmap_entry *reason) {
  struct buffer name = {0};
  buffer_append_string(&name, "reasons.");
  bool in_set = true;
  for (size_t i = 0; i < reason->key.len; i++) { /* dots nest: those of names become underscores */
    char c = reason->key.data[i];
    buffer_put(&name, in_set && c == ':' ? '.' : c == '.' ? '_' : c);
    in_set &= c != ':';
  }
  stats_add(stats, buffer_string(&name), (int64_t)reason->value);
  buffer_release(&name);
}

/* What a rank was compared with, so that another run can do without waiting. */
static void report_thresholds(const struct stream *s) {
  for (int i = 0; i < s->settings->condition_count; i++) {
    const struct condition *c = &s->settings->conditions[i];
    if (isnan(c->fraction) || !s->waiting) continue;
    const struct quantile *q = waiting_quantile(s->waiting, expressions_waiting_first(s->expressions, c->program));
    char name[64];
    snprintf(name, sizeof name, "top.%.20s.threshold", c->name);
    stats_double(s->program->stats, name, quantile_top(q, c->fraction));
    snprintf(name, sizeof name, "top.%.20s.error", c->name);
    stats_double(s->program->stats, name, quantile_error(q->total));
  }
}

static void report(struct stream *s) {
  struct stats *stats = s->program->stats;
  const struct tally *t = &s->total;
  struct document_counts counts = {0};
  uint64_t gave_up = 0;
  for (int i = 0; i < s->program->jobs; i++) {
    document_counts_add(&counts, &s->workers[i].parser.counts);
    if (s->workers[i].evaluation) gave_up += evaluation_gave_up(s->workers[i].evaluation);
  }
  stats_flow(stats, t->in, t->out, t->rejected, t->bad);
  stats_int(stats, "edited", (int64_t)t->edited);
  stats_int(stats, "in_bytes", (int64_t)t->in_bytes);
  stats_int(stats, "out_bytes", (int64_t)t->out_bytes);
  document_counts_report(&counts, stats);
  if (has_expressions(s->settings)) stats_int(stats, "pattern_limits", (int64_t)gave_up);
  if (gave_up) program_warn(s->program, "%llu times a pattern took too many steps on a text: its count was undefined there", (unsigned long long)gave_up);
  for (int k = 0; k < MASK_KINDS; k++) {
    char name[32];
    snprintf(name, sizeof name, "masked.%s", mask_names[k]);
    if (s->settings->mask.kinds >> k & 1) stats_int(stats, name, (int64_t)t->masked.of[k]);
  }
  const struct hashmap_entry *entries = hashmap_entries(s->reasons);
  for (size_t i = 0; i < hashmap_count(s->reasons); i++) report_reason(stats, &entries[i]);
  program_verbose(s->program, "%llu documents: %llu kept, %llu rejected, %llu bad", (unsigned long long)t->in, (unsigned long long)t->out, (unsigned long long)t->rejected, (unsigned long long)t->bad);
}

static int run_pipeline(struct stream *s, struct err *e) {
  struct program *p = s->program;
  struct stream_settings *settings = s->settings;
  if (models_load(&settings->models, e) != 0) return -1;
  if (has_expressions(settings) && compile(s, e) != 0) return -1;
  if (check_models(s, e) != 0 || url_rules_load(settings->rules.url.rules, e) != 0) return -1;
  if (output_open(&s->out, p->output, 0, e) != 0) return -1;
  if (p->rejects_path && output_open(&s->rejects, p->rejects_path, 0, e) != 0) return -1;
  s->reader = document_reader_new(p->operand, p->operand_count, NULL);
  int64_t size = document_reader_size(s->reader);
  if (size > 0) progress_total(p->progress, (uint64_t)size);
  if (settings->explain) {
    struct buffer header = {0};
    explain_header(s, &header);
    int result = output_write(s->out, header.data, header.len, e);
    buffer_release(&header);
    if (result != 0) return -1;
  }
  s->workers = NEW_ARRAY(struct worker, (size_t)p->jobs);
  for (int64_t i = 0; i < p->jobs; i++) {
    model_scratch_init(&s->workers[i].models, &settings->models);
    if (s->expressions) s->workers[i].evaluation = evaluation_new(s->expressions);
    s->workers[i].waiting = NEW_ARRAY(double, (size_t)s->waiting_values + 1);
  }
  struct pipeline pipeline = {.context = s, .batch_size = sizeof(struct batch), .read = read_batch, .work = work, .write = write_batch, .release = release_batch, .weigh = weigh_batch, .memory = p->memory};
  int result = pipeline_run(&pipeline, (int)p->jobs, e);
  if (result == 0 && s->waiting) {
    result = waiting_each(s->waiting, s->workers[0].evaluation, take_waiting, s, e);
    report_thresholds(s);
  }
  report(s);
  if (result != 0) return -1;
  if (s->total.bad && p->strict) return err_set(e, "%llu bad lines (--strict)", (unsigned long long)s->total.bad);
  if (s->rejects) {
    struct output *rejects = s->rejects;
    s->rejects = NULL;
    if (output_commit(rejects, e) != 0) return -1;
  }
  struct output *out = s->out;
  s->out = NULL;
  if (output_commit(out, e) != 0) return -1;
  return 0;
}

int stream_run(struct program *p, struct stream_settings *settings, struct err *e) {
  struct stream s = {.program = p, .settings = settings, .reasons = hashmap_new()};
  int result = run_pipeline(&s, e);
  output_abort(s.out);
  output_abort(s.rejects);
  if (s.reader) document_reader_free(s.reader);
  for (int64_t i = 0; s.workers && i < p->jobs; i++) {
    struct worker *w = &s.workers[i];
    document_parser_release(&w->parser);
    rules_scratch_release(&w->rules);
    model_scratch_release(&w->models);
    evaluation_free(w->evaluation);
    free(w->waiting);
    buffer_release(&w->masked[0]);
    buffer_release(&w->masked[1]);
    buffer_release(&w->annotations);
  }
  free(s.workers);
  waiting_free(s.waiting);
  for (int i = 0; s.files && i < settings->rule_path_count; i++) rule_file_free(s.files[i]);
  free(s.files);
  expressions_free(s.expressions);
  hashmap_free(s.reasons);
  return result;
}
