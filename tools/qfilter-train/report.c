/* SPDX-License-Identifier: MIT */
#include "tools/qfilter-train/report.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/threads.h"
#include "common/io/documents.h"
#include "tools/qfilter-train/examples.h"

const double report_keep[REPORT_KEEPS] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75};

/* ---- counting */

struct prediction {
  int32_t best; /* -1: none */
  float probability;
};

struct predicting {
  const struct fasttext *m;
  const struct corpus *corpus;
  struct prediction *predictions; /* [test_count] */
  float *scores;                  /* [labels][test_count], or NULL */
};

static void predict(void *context, int index, size_t begin, size_t end) {
  (void)index;
  struct predicting *t = context;
  size_t count = t->corpus->test_count;
  struct fasttext_scores scores = {0};
  for (size_t i = begin; i < end; i++) {
    bool any = fasttext_predict(t->m, corpus_text(t->corpus, t->corpus->test[i]).text, &scores);
    t->predictions[i] = (struct prediction){any ? scores.best : -1, any ? fminf(scores.best_probability, 1) : 0};
    for (int32_t l = 0; t->scores && l < t->m->labels; l++) t->scores[(size_t)l * count + i] = any ? scores.probability[l] : 0;
  }
  fasttext_scores_release(&scores);
}

struct scored {
  float score;
  bool positive;
};

static int compare_scored(const void *a, const void *b) { /* most probable first; equal ones are treated alike */
  const struct scored *x = a, *y = b;
  return (x->score < y->score) - (x->score > y->score);
}

static void make_curve(struct report_label *l, struct scored *texts, size_t n) {
  qsort(texts, n, sizeof *texts, compare_scored);
  double positives = 0, negatives = 0;
  for (size_t i = 0; i < n; i++) {
    positives += texts[i].positive;
    negatives += !texts[i].positive;
  }
  if (positives == 0 || negatives == 0) return;
  double hits = 0, misses = 0, roc = 0, area = 0;
  int k = 0;
  for (size_t i = 0, end; i < n; i = end) { /* a threshold keeps all texts of a score or none */
    double new_hits = 0, new_misses = 0;
    for (end = i; end < n && texts[end].score == texts[i].score; end++) {
      new_hits += texts[end].positive;
      new_misses += !texts[end].positive;
    }
    roc += new_misses * (hits + new_hits / 2);
    hits += new_hits;
    misses += new_misses;
    area += new_hits * hits / (hits + misses);
    for (; k < REPORT_KEEPS && (double)end >= report_keep[k] * (double)n; k++)
      l->keep[k] = (struct report_keep){(double)texts[i].score, (double)end / (double)n, hits / (hits + misses), hits / positives};
  }
  l->roc_area = roc / positives / negatives;
  l->precision_area = area / positives;
}

static bool has_label(const int32_t *map, const struct corpus_text *text, int32_t label) {
  for (size_t i = 0; i < text->label_count; i++)
    if (map[text->labels[i]] == label) return true;
  return false;
}

static void make_curves(struct report *r, const struct predicting *t, const int32_t *map) {
  size_t count = t->corpus->test_count;
  struct scored *texts = MALLOC((count + 1) * sizeof *texts);
  for (int32_t l = 0; l < r->m->labels; l++) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
      struct corpus_text text = corpus_text(t->corpus, t->corpus->test[i]);
      bool known = false;
      for (size_t k = 0; k < text.label_count; k++) known |= map[text.labels[k]] >= 0;
      if (known) texts[n++] = (struct scored){t->scores[(size_t)l * count + i], has_label(map, &text, l)};
    }
    make_curve(&r->label[l], texts, n);
  }
  free(texts);
}

static void count_text(struct report *r, const struct corpus_text *text, const int32_t *map, const struct prediction *p) {
  int32_t known = 0, label = -1;
  for (size_t i = 0; i < text->label_count; i++) {
    if (map[text->labels[i]] < 0) continue;
    known++;
    label = map[text->labels[i]];
    r->label[label].texts++;
  }
  if (known == 0) {
    r->unknown++;
    return;
  }
  r->texts++;
  r->labels += (uint64_t)known;
  if (p->best < 0) return;
  r->label[p->best].predicted++;
  bool correct = has_label(map, text, p->best);
  r->correct += correct;
  r->label[p->best].correct += correct;
  if (r->confusion && known == 1) r->confusion[(size_t)label * (size_t)r->m->labels + (size_t)p->best]++;
  int b = (int)(p->probability * REPORT_BINS);
  struct report_bin *bin = &r->bins[b < REPORT_BINS ? b : REPORT_BINS - 1];
  bin->texts++;
  bin->correct += correct;
  bin->probability += (double)p->probability;
}

void report_make(struct report *r, const struct fasttext *m, const struct corpus *c, int jobs, int64_t memory) {
  size_t labels = (size_t)m->labels;
  *r = (struct report){.m = m, .label = NEW_ARRAY(struct report_label, labels)};
  r->curves = c->test_count && labels <= (size_t)memory / sizeof(float) / c->test_count;
  if (labels <= REPORT_CONFUSION) r->confusion = NEW_ARRAY(uint64_t, labels * labels);
  for (size_t l = 0; l < labels; l++) r->label[l].roc_area = r->label[l].precision_area = NAN;
  struct predicting t = {m, c, NEW_ARRAY(struct prediction, c->test_count + 1), r->curves ? NEW_ARRAY(float, labels * c->test_count) : NULL};
  threads_ranges(jobs < 1 ? 1 : jobs, c->test_count, predict, &t);
  int32_t *map = examples_label_map(m, c);
  for (size_t i = 0; i < c->test_count; i++) {
    struct corpus_text text = corpus_text(c, c->test[i]);
    count_text(r, &text, map, &t.predictions[i]);
  }
  for (int b = 0; b < REPORT_BINS; b++)
    if (r->texts) r->calibration_error += fabs((double)r->bins[b].correct - r->bins[b].probability) / (double)r->texts;
  if (r->curves) make_curves(r, &t, map);
  free(map);
  free(t.predictions);
  free(t.scores);
}

void report_release(struct report *r) {
  free(r->label);
  free(r->confusion);
  *r = (struct report){0};
}

/* ---- showing */

struct report_interval report_wilson(uint64_t hits, uint64_t n) {
  if (n == 0) return (struct report_interval){0, 1};
  double z = 1.959963984540054, k = (double)n, p = (double)hits / k;
  double middle = (p + z * z / (2 * k)) / (1 + z * z / k), half = z * sqrt(p * (1 - p) / k + z * z / (4 * k * k)) / (1 + z * z / k);
  return (struct report_interval){fmax(0, middle - half), fmin(1, middle + half)};
}

static double share(uint64_t hits, uint64_t n) { return n ? (double)hits / (double)n : NAN; }

static double f1(const struct report_label *l) { return share(2 * l->correct, l->predicted + l->texts); }

struct table {
  struct output *out;
  struct buffer line;
  struct err *e;
  int result;
};

static void add_number(struct buffer *b, double x) {
  buffer_put(b, '\t');
  if (isfinite(x)) buffer_printf(b, "%.9g", x); /* undefined: empty */
}

static void row(struct table *t, const char *measure, struct slice label, const char *at, double value, const struct report_interval *interval) {
  buffer_clear(&t->line);
  buffer_printf(&t->line, "%s\t", measure);
  document_escape(&t->line, label);
  buffer_printf(&t->line, "\t%s", at);
  add_number(&t->line, value);
  add_number(&t->line, interval ? interval->low : NAN);
  add_number(&t->line, interval ? interval->high : NAN);
  buffer_put(&t->line, '\n');
  if (t->result == 0) t->result = output_write(t->out, t->line.data, t->line.len, t->e);
}

static void rate(struct table *t, const char *measure, struct slice label, uint64_t hits, uint64_t n) {
  struct report_interval interval = report_wilson(hits, n);
  row(t, measure, label, "", share(hits, n), n ? &interval : NULL);
}

static void label_rows(struct table *t, const struct report *r, int32_t l) {
  const struct report_label *label = &r->label[l];
  struct slice name = fasttext_label(r->m, l);
  row(t, "texts", name, "", (double)label->texts, NULL);
  row(t, "predicted", name, "", (double)label->predicted, NULL);
  rate(t, "precision", name, label->correct, label->predicted);
  rate(t, "recall", name, label->correct, label->texts);
  row(t, "f1", name, "", f1(label), NULL);
  if (!r->curves) return;
  row(t, "roc_auc", name, "", label->roc_area, NULL);
  row(t, "pr_auc", name, "", label->precision_area, NULL);
  for (int k = 0; k < REPORT_KEEPS && isfinite(label->roc_area); k++) {
    char at[32];
    snprintf(at, sizeof at, "%g", report_keep[k]);
    row(t, "keep_threshold", name, at, label->keep[k].threshold, NULL);
    row(t, "keep_fraction", name, at, label->keep[k].kept, NULL);
    row(t, "keep_precision", name, at, label->keep[k].precision, NULL);
    row(t, "keep_recall", name, at, label->keep[k].recall, NULL);
  }
}

int report_write(const struct report *r, struct output *out, struct err *e) {
  struct table t = {.out = out, .e = e};
  struct slice all = SLICE("");
  t.result = output_printf(out, e, "measure\tlabel\tat\tvalue\tlow\thigh\n");
  row(&t, "texts", all, "", (double)r->texts, NULL);
  row(&t, "unknown", all, "", (double)r->unknown, NULL);
  rate(&t, "precision_at_1", all, r->correct, r->texts);
  rate(&t, "recall_at_1", all, r->correct, r->labels);
  row(&t, "calibration_error", all, "", r->texts ? r->calibration_error : NAN, NULL);
  for (int b = 0; b < REPORT_BINS; b++) {
    char at[32];
    snprintf(at, sizeof at, "%.1f-%.1f", b / (double)REPORT_BINS, (b + 1) / (double)REPORT_BINS);
    row(&t, "bin_texts", all, at, (double)r->bins[b].texts, NULL);
    row(&t, "bin_probability", all, at, r->bins[b].texts ? r->bins[b].probability / (double)r->bins[b].texts : NAN, NULL);
    struct report_interval interval = report_wilson(r->bins[b].correct, r->bins[b].texts);
    row(&t, "bin_correct", all, at, share(r->bins[b].correct, r->bins[b].texts), r->bins[b].texts ? &interval : NULL);
  }
  for (int32_t l = 0; l < r->m->labels; l++) label_rows(&t, r, l);
  struct buffer name = {0};
  for (int32_t l = 0; r->confusion && l < r->m->labels; l++)
    for (int32_t p = 0; p < r->m->labels; p++) {
      uint64_t n = r->confusion[(size_t)l * (size_t)r->m->labels + (size_t)p];
      buffer_clear(&name);
      document_escape(&name, fasttext_label(r->m, p));
      if (n) row(&t, "confusion", fasttext_label(r->m, l), buffer_string(&name), (double)n, NULL);
    }
  buffer_release(&name);
  buffer_release(&t.line);
  return t.result;
}

void report_print(const struct report *r, struct program *p) {
  if (r->unknown) program_warn(p, "%llu test texts have no label that the model knows; they are not judged", (unsigned long long)r->unknown);
  if (r->texts == 0) {
    program_message(p, "no text was held out");
    return;
  }
  program_message(p, "held out %llu texts: P@1 %.4f R@1 %.4f, calibration error %.4f", (unsigned long long)r->texts, share(r->correct, r->texts), share(r->correct, r->labels), r->calibration_error);
  enum { SHOWN = 50 };
  for (int32_t l = 0; l < r->m->labels && l < SHOWN; l++) {
    const struct report_label *label = &r->label[l];
    struct slice name = fasttext_label(r->m, l);
    struct buffer areas = {0};
    if (r->curves && isfinite(label->roc_area)) buffer_printf(&areas, ", area under ROC %.4f, under precision and recall %.4f", label->roc_area, label->precision_area);
    program_message(p, "  %-12.*s precision %.4f recall %.4f F1 %.4f texts %llu%s", (int)name.len, name.data, label->predicted ? share(label->correct, label->predicted) : 0,
                    label->texts ? share(label->correct, label->texts) : 0, label->predicted + label->texts ? f1(label) : 0, (unsigned long long)label->texts, buffer_string(&areas));
    buffer_release(&areas);
  }
  if (r->m->labels > SHOWN) program_message(p, "  and %d more labels: see --report", r->m->labels - SHOWN);
}
