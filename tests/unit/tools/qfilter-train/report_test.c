/* SPDX-License-Identifier: MIT
 *
 * The report of a model whose probabilities are known: counts, areas, thresholds and calibration against their
 * definitions, computed pair by pair.
 */
#include "tools/qfilter-train/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/io/output.h"
#include "tests/tap.h"
#include "tools/qfilter-train/trainer.h"

enum { WORDS = 40, TEXTS = 600 };

static int label_of[TEXTS], word_of[TEXTS];

/* Word w has the vector (w - 20) / 8, label "yes" the output 1, "no" -1; </s> adds nothing and halves. */
static struct fasttext *make_model(struct corpus *c) {
  struct trainer_options o = {.dim = 1, .epoch = 0, .word_ngrams = 1, .min_count = 1, .loss = FASTTEXT_SOFTMAX, .jobs = 1};
  struct err e;
  struct fasttext *m = trainer_new_model(c, &o, &e);
  for (int32_t i = 0; m && i < m->words; i++) m->input[i] = m->entries[i].text.data[0] == 'w' ? ((float)atoi(m->entries[i].text.data + 1) - WORDS / 2) / 8 : 0;
  for (int32_t l = 0; m && l < m->labels; l++) m->output[l] = slice_equal(fasttext_label(m, l), SLICE("yes")) ? 1 : -1;
  return m;
}

static int read_corpus(struct corpus *c, const char *name, const struct buffer *text, double test) {
  char path[512];
  struct err e;
  snprintf(path, sizeof path, "%s/%s", tap_folder(), name);
  if (output_file(path, text->data, text->len, &e) != 0) note("%s", e.message);
  char *inputs[] = {path};
  struct program p = {.name = "report_test", .quiet = true, .progress = progress_new("t", "texts", PROGRESS_NEVER)};
  int result = corpus_read(c, &p, inputs, 1, &(struct corpus_options){.test_fraction = test}, &e);
  if (result != 0) note("%s", e.message);
  progress_free(p.progress);
  return result;
}

static double probability(int word) { return 1 / (1 + exp(-(word - WORDS / 2) / 8.0)); } /* 2 x / 2: two rows */

static void check_curves(const struct report_label *yes) {
  double wins = 0, pairs = 0, positives = 0;
  for (int a = 0; a < TEXTS; a++)
    for (int b = 0; b < TEXTS; b++)
      if (label_of[a] && !label_of[b]) {
        pairs++;
        wins += word_of[a] > word_of[b] ? 1 : word_of[a] == word_of[b] ? 0.5 : 0;
      }
  ok_near(yes->roc_area, wins / pairs, 1e-12, "the area under ROC is the share of pairs in order");
  for (int i = 0; i < TEXTS; i++) positives += label_of[i];
  double area = 0, recall_before = 0;
  bool thresholds = true;
  int k = 0;
  for (int word = WORDS - 1; word >= 0; word--) {
    double hits = 0, kept = 0;
    for (int i = 0; i < TEXTS; i++)
      if (word_of[i] >= word) {
        kept++;
        hits += label_of[i];
      }
    if (kept == 0) continue;
    area += (hits / positives - recall_before) * hits / kept;
    recall_before = hits / positives;
    for (; k < REPORT_KEEPS && kept >= report_keep[k] * TEXTS; k++) {
      const struct report_keep *keep = &yes->keep[k];
      thresholds &= fabs(keep->kept - kept / TEXTS) < 1e-9 && fabs(keep->precision - hits / kept) < 1e-9 && fabs(keep->recall - hits / positives) < 1e-9 && fabs(keep->threshold - probability(word)) < 1e-4;
    }
  }
  ok_near(yes->precision_area, area, 1e-9, "the area under precision and recall is the average precision");
  ok(thresholds && k == REPORT_KEEPS, "thresholds keep what they say, with its precision and recall");
}

static void check_table(const struct report *r) {
  char path[512];
  struct err e;
  struct output *out;
  snprintf(path, sizeof path, "%s/report.tsv", tap_folder());
  bool written = output_open(&out, path, 0, &e) == 0 && report_write(r, out, &e) == 0 && output_commit(out, &e) == 0;
  FILE *f = fopen(path, "r");
  char line[512], want[64];
  bool columns = true, header = false, precision = false;
  snprintf(want, sizeof want, "recall\tyes\t\t%.9g\t", (double)r->label[fasttext_label_index(r->m, SLICE("yes"))].correct / (double)r->label[fasttext_label_index(r->m, SLICE("yes"))].texts);
  for (int n = 0; f && fgets(line, sizeof line, f); n++) {
    int tabs = 0;
    for (const char *c = line; *c; c++) tabs += *c == '\t';
    columns &= tabs == 5;
    if (n == 0) header = strcmp(line, "measure\tlabel\tat\tvalue\tlow\thigh\n") == 0;
    precision |= strncmp(line, want, strlen(want)) == 0;
  }
  if (f) fclose(f);
  ok(written && columns && header && precision, "the table has six columns and says the recall");
}

int main(void) {
  struct buffer train = {0}, test = {0};
  struct rng rng;
  rng_init(&rng, 9);
  for (int w = 0; w < WORDS; w++) buffer_printf(&train, "%s\tw%d\n", w % 2 ? "yes" : "no", w);
  uint64_t predicted_yes = 0, right = 0, yes_texts = 0;
  double bin_probability[REPORT_BINS] = {0}, bin_right[REPORT_BINS] = {0}, error = 0;
  for (int i = 0; i < TEXTS; i++) {
    int w = word_of[i] = (int)rng_below(&rng, WORDS);
    if (w == WORDS / 2) w = word_of[i] = w + 1; /* a tie of labels */
    int label = label_of[i] = rng_double(&rng) < (w + 10) / 60.0, guess = w > WORDS / 2;
    buffer_printf(&test, "%s\tw%d\n", label ? "yes" : "no", w);
    yes_texts += (uint64_t)label;
    predicted_yes += (uint64_t)guess;
    right += guess == label;
    double p = fmax(probability(w), 1 - probability(w)) + 1e-5;
    int b = (int)(p * REPORT_BINS);
    bin_probability[b] += p;
    bin_right[b] += guess == label;
  }
  for (int b = 0; b < REPORT_BINS; b++) error += fabs(bin_probability[b] - bin_right[b]) / TEXTS;
  buffer_append_string(&test, "maybe\tw3\n");
  struct corpus c = {0}, held = {0};
  read_corpus(&c, "train.tsv", &train, 0);
  read_corpus(&held, "test.tsv", &test, 1);
  ok(held.train_count == 0 && held.test_count == TEXTS + 1, "with fraction 1 everything is held out");
  struct fasttext *m = make_model(&c);
  struct report r, again;
  report_make(&r, m, &held, 1, 1 << 20);
  int y = fasttext_label_index(m, SLICE("yes"));
  ok(r.texts == TEXTS && r.unknown == 1 && r.labels == TEXTS, "texts with a label that the model lacks are told apart");
  ok(r.label[y].texts == yes_texts && r.label[y].predicted == predicted_yes && r.correct == right && r.label[0].correct + r.label[1].correct == right, "labels, predictions and hits are counted");
  uint64_t sum = 0;
  for (int i = 0; i < 4; i++) sum += r.confusion[i];
  ok(sum == TEXTS && r.confusion[0] + r.confusion[3] == right, "the confusion's diagonal is what is right");
  ok_near(r.calibration_error, error, 1e-5, "the calibration error is that of the bins");
  check_curves(&r.label[y]);
  check_table(&r);
  report_make(&again, m, &held, 3, 1 << 20);
  ok(again.correct == r.correct && again.calibration_error == r.calibration_error && memcmp(again.label, r.label, 2 * sizeof *r.label) == 0, "three threads report the same");
  report_release(&again);
  report_make(&again, m, &held, 1, 100);
  ok(!again.curves && isnan(again.label[0].roc_area) && again.correct == r.correct, "without memory for the scores there are no curves");
  report_release(&again);
  struct report_interval w = report_wilson(8, 10); /* scipy.stats.binomtest(8, 10).proportion_ci(method="wilson") */
  ok(fabs(w.low - 0.4901625) < 1e-6 && fabs(w.high - 0.9433178) < 1e-6, "intervals are Wilson's");
  report_release(&r);
  fasttext_free(m);
  corpus_release(&c);
  corpus_release(&held);
  buffer_release(&train);
  buffer_release(&test);
  return tap_done();
}
