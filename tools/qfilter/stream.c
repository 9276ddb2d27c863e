/* SPDX-License-Identifier: MIT
 *
 * reader -> workers -> ordered writer; a worker owns everything that it writes to.
 */
#include "tools/qfilter/stream.h"

#include <stdlib.h>

#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/io/documents.h"
#include "common/io/output.h"
#include "common/io/pipeline.h"
#include "tools/qfilter/pii/mask.h"

struct worker {
  struct document_parser parser;
  struct rules_scratch rules;
  struct fasttext_scores language;
  struct fasttext_scores *models;
  struct buffer masked[2], annotations;
};

struct tally { /* of one batch; added up by the writer */
  uint64_t in, out, rejected, bad, edited, in_bytes, out_bytes;
  struct mask_counts masked;
};

struct batch {
  struct document_batch documents;
  struct buffer out, rejects;
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
  struct fasttext *language;
  bool *wanted; /* [labels] of the language model, NULL: any */
  struct tally total;
  struct hashmap *reasons;
  bool warned;
};

/* ---- decisions */

static const char *language_verdict(const struct stream *s, const struct fasttext_scores *scores) {
  if (scores->best < 0) return "language";
  if (!s->wanted) return (double)scores->probability[scores->best] > s->settings->min_language ? NULL : "score";
  for (int32_t l = 0; l < s->language->labels; l++)
    if (s->wanted[l] && (double)scores->probability[l] > s->settings->min_language) return NULL;
  return s->wanted[scores->best] ? "score" : "language";
}

static struct verdict model_verdict(const struct stream_settings *settings, const struct worker *w) {
  for (int i = 0; i < settings->model_count; i++) {
    const struct model *m = &settings->models[i];
    for (int t = 0; t < m->count; t++)
      if (!((double)w->models[i].probability[m->tests[t].index] >= m->tests[t].min)) return (struct verdict){"model", m->tests[t].label};
  }
  return (struct verdict){0};
}

static void annotate(const struct stream *s, struct worker *w) {
  const struct stream_settings *settings = s->settings;
  struct buffer *out = &w->annotations;
  buffer_clear(out);
  if (s->language) {
    buffer_append_string(out, "lang=");
    if (w->language.best >= 0) document_escape(out, fasttext_label(s->language, w->language.best));
    buffer_printf(out, "\tlang_score=%.9g", w->language.best >= 0 ? (double)w->language.probability[w->language.best] : 0.0);
  }
  for (int i = 0; i < settings->model_count; i++) {
    for (int t = 0; t < settings->models[i].count; t++) {
      const struct label_test *test = &settings->models[i].tests[t];
      if (out->len) buffer_put(out, '\t');
      document_escape(out, slice_of(test->label));
      buffer_printf(out, "=%.9g", (double)w->models[i].probability[test->index]);
    }
  }
}

static void explain_header(const struct stream *s, struct buffer *out) {
  buffer_append_string(out, "id");
  if (s->language) buffer_append_string(out, "\tlang\tlang_score");
  rules_explain_header(&s->settings->rules, out);
  for (int i = 0; i < s->settings->model_count; i++) {
    for (int t = 0; t < s->settings->models[i].count; t++) {
      buffer_put(out, '\t');
      document_escape(out, slice_of(s->settings->models[i].tests[t].label));
    }
  }
  buffer_append_string(out, "\tdecision\n");
}

static void count_reason(struct hashmap *reasons, struct verdict v) {
  char key[256];
  int n = snprintf(key, sizeof key, "%s:%s", v.set, v.reason);
  ++*hashmap_put(reasons, (struct slice){key, (size_t)n < sizeof key ? (size_t)n : sizeof key - 1}, NULL);
}

static void reject(const struct stream *s, struct batch *b, const struct document *d, struct verdict v) {
  b->tally.rejected++;
  count_reason(b->reasons, v);
  if (!s->rejects) return;
  char reason[256];
  snprintf(reason, sizeof reason, "%s:%s", v.set, v.reason);
  document_write_reject(&b->rejects, reason, d);
}

/* One document: what becomes of it. */
static void filter(const struct stream *s, struct worker *w, struct batch *b, const struct document *d) {
  const struct stream_settings *settings = s->settings;
  struct verdict v = {0};
  struct slice text = d->text;
  struct buffer *explained = settings->explain ? &b->out : NULL;
  if ((s->program->max_document && d->line.len > (uint64_t)s->program->max_document) || text.len >= UINT32_MAX) {
    reject(s, b, d, (struct verdict){"qfilter", "max_document"});
    return;
  }
  if (explained) document_escape(explained, d->id);
  if (s->language) {
    fasttext_predict(s->language, text, &w->language);
    const char *reason = language_verdict(s, &w->language);
    if (reason) v = (struct verdict){"langid", reason};
    if (explained) {
      buffer_put(explained, '\t');
      if (w->language.best >= 0) document_escape(explained, fasttext_label(s->language, w->language.best));
      buffer_printf(explained, "\t%.9g", w->language.best >= 0 ? (double)w->language.probability[w->language.best] : 0.0);
    }
  }
  if (explained) {
    struct verdict rules = rules_explain(&settings->rules, &w->rules, &text, explained);
    if (!v.reason) v = rules;
  } else if (!v.reason && settings->rules.count) {
    v = rules_apply(&settings->rules, &w->rules, &text);
  }
  if (settings->model_count && (explained || !v.reason)) {
    for (int i = 0; i < settings->model_count; i++) fasttext_predict(settings->models[i].fasttext, text, &w->models[i]);
    if (!v.reason) v = model_verdict(settings, w);
  }
  if (explained) {
    for (int i = 0; i < settings->model_count; i++)
      for (int t = 0; t < settings->models[i].count; t++) buffer_printf(explained, "\t%.9g", (double)w->models[i].probability[settings->models[i].tests[t].index]);
    if (v.reason) buffer_printf(explained, "\t%s:%s\n", v.set, v.reason);
    else buffer_append_string(explained, "\tkeep\n");
  }
  if (v.reason) {
    reject(s, b, d, v);
    return;
  }
  b->tally.out++;
  if (explained) return;
  if (settings->mask) text = mask_apply(settings->mask, text, w->masked, &b->tally.masked);
  bool edited = text.data != d->text.data || text.len != d->text.len;
  b->tally.edited += edited;
  struct slice annotations = {0};
  if (settings->annotate) {
    annotate(s, w);
    annotations = buffer_slice(&w->annotations);
  }
  enum document_format format = s->program->jsonl ? DOCUMENT_JSONL : DOCUMENT_TSV;
  document_write(&b->out, d, format, edited ? &text : NULL, annotations.len ? &annotations : NULL);
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
  t->masked.email += b->tally.masked.email;
  t->masked.ip += b->tally.masked.ip;
  t->masked.phone += b->tally.masked.phone;
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
  if (b->reasons) hashmap_free(b->reasons);
}

/* ---- set-up */

static int load_language(struct stream *s, struct err *e) {
  const struct stream_settings *settings = s->settings;
  if (!settings->langid_path) return 0;
  s->language = fasttext_load(settings->langid_path, e);
  if (!s->language) return -1;
  if (!settings->languages) return 0;
  s->wanted = NEW_ARRAY(bool, (size_t)s->language->labels);
  for (const char *p = settings->languages; *p;) {
    size_t n = strcspn(p, ",");
    int32_t label = fasttext_label_index(s->language, (struct slice){p, n});
    if (label < 0) return err_usage(e, "--lang: %s has no label '%.*s'", settings->langid_path, (int)n, p);
    s->wanted[label] = true;
    p += n + (p[n] == ',');
  }
  return 0;
}

static int load_models(struct stream_settings *settings, struct err *e) {
  for (int i = 0; i < settings->model_count; i++) {
    struct model *m = &settings->models[i];
    m->fasttext = fasttext_load(m->path, e);
    if (!m->fasttext) return -1;
    for (int t = 0; t < m->count; t++) {
      m->tests[t].index = fasttext_label_index(m->fasttext, slice_of(m->tests[t].label));
      if (m->tests[t].index < 0) return err_usage(e, "--label: %s has no label '%s'", m->path, m->tests[t].label);
    }
  }
  return 0;
}

static void report(struct stream *s) {
  struct stats *stats = s->program->stats;
  const struct tally *t = &s->total;
  struct document_counts counts = {0};
  for (int i = 0; i < s->program->jobs; i++) document_counts_add(&counts, &s->workers[i].parser.counts);
  stats_flow(stats, t->in, t->out, t->rejected, t->bad);
  stats_int(stats, "edited", (int64_t)t->edited);
  stats_int(stats, "in_bytes", (int64_t)t->in_bytes);
  stats_int(stats, "out_bytes", (int64_t)t->out_bytes);
  document_counts_report(&counts, stats);
  if (s->settings->mask & MASK_EMAIL) stats_int(stats, "masked.email", (int64_t)t->masked.email);
  if (s->settings->mask & MASK_IP) stats_int(stats, "masked.ip", (int64_t)t->masked.ip);
  if (s->settings->mask & MASK_PHONE) stats_int(stats, "masked.phone", (int64_t)t->masked.phone);
  const struct hashmap_entry *entries = hashmap_entries(s->reasons);
  for (size_t i = 0; i < hashmap_count(s->reasons); i++) {
    char name[320];
    const char *colon = memchr(entries[i].key.data, ':', entries[i].key.len);
    size_t set = (size_t)(colon - entries[i].key.data);
    snprintf(name, sizeof name, "reasons.%.*s.%.*s", (int)set, entries[i].key.data, (int)(entries[i].key.len - set - 1), colon + 1);
    stats_int(stats, name, (int64_t)entries[i].value);
  }
  program_verbose(s->program, "%llu documents: %llu kept, %llu rejected, %llu bad", (unsigned long long)t->in, (unsigned long long)t->out, (unsigned long long)t->rejected, (unsigned long long)t->bad);
}

static int run_pipeline(struct stream *s, struct err *e) {
  struct program *p = s->program;
  struct stream_settings *settings = s->settings;
  if (load_language(s, e) != 0 || load_models(settings, e) != 0) return -1;
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
  for (int64_t i = 0; i < p->jobs; i++) s->workers[i].models = NEW_ARRAY(struct fasttext_scores, (size_t)settings->model_count + 1);
  struct pipeline pipeline = {.context = s, .batch_size = sizeof(struct batch), .read = read_batch, .work = work, .write = write_batch, .release = release_batch, .weigh = weigh_batch, .memory = p->memory};
  int result = pipeline_run(&pipeline, (int)p->jobs, e);
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
    fasttext_scores_release(&w->language);
    for (int m = 0; m < settings->model_count; m++) fasttext_scores_release(&w->models[m]);
    free(w->models);
    buffer_release(&w->masked[0]);
    buffer_release(&w->masked[1]);
    buffer_release(&w->annotations);
  }
  free(s.workers);
  free(s.wanted);
  fasttext_free(s.language);
  hashmap_free(s.reasons);
  return result;
}

void stream_settings_release(struct stream_settings *s) {
  rules_release(&s->rules);
  for (int i = 0; i < s->model_count; i++) {
    fasttext_free(s->models[i].fasttext);
    free(s->models[i].tests);
  }
  free(s->models);
}
