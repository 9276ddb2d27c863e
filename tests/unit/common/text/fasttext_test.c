/* SPDX-License-Identifier: MIT
 *
 * Scores of models that the reference library trained, against its own (tests/data/text, written by
 * tests/oracle/fasttext_models.py), and models that must be refused.
 */
#include "common/text/fasttext.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "common/io/documents.h"
#include "tests/read_file.h"
#include "tests/tap.h"

/* Labels of `list` (comma between) in their order; -2 for an unknown one. */
static int read_labels(const struct fasttext *m, char *list, int32_t *labels, int most) {
  int n = 0;
  for (char *label; n < most && list && *list && (label = strsep(&list, ",")) != NULL;) labels[n++] = fasttext_label_index(m, slice_of(label));
  return n;
}

enum { MODELS = 14, LABELS = 300 };

struct comparison {
  int rows, values, bad, order, chosen;
  double worst;
};

/* One text against the reference: best label, best three, probability and order of all that it lists. */
static void compare_text(const struct fasttext *m, struct slice text, char *rest, struct fasttext_scores *s, struct comparison *c) {
  int32_t best[1], three[3], listed[LABELS], ours[LABELS], some[2] = {m->labels - 1, m->labels / 2};
  bool seen[LABELS] = {false};
  int has_best = read_labels(m, strsep(&rest, "\t"), best, 1), threes = read_labels(m, strsep(&rest, "\t"), three, 3), n = 0;
  bool predicted = fasttext_predict(m, text, s);
  c->rows++;
  c->bad += predicted != has_best || s->best != (has_best ? best[0] : -1);
  for (char *field; n < LABELS && rest && (field = strsep(&rest, "\t")) != NULL;) {
    char *equal = strrchr(field, '=');
    int32_t label = equal ? fasttext_label_index(m, (struct slice){field, (size_t)(equal - field)}) : -1;
    if (label < 0) {
      c->bad++;
      continue;
    }
    listed[n++] = label;
    seen[label] = true;
    c->worst = fmax(c->worst, fabs(atof(equal + 1) - (double)s->probability[label]));
    c->values++;
  }
  for (int32_t l = 0; l < m->labels; l++) c->bad += !seen[l] && s->probability[l] != 0;
  c->order += fasttext_best_labels(m, s, LABELS, ours) != (size_t)n || (n && memcmp(ours, listed, (size_t)n * sizeof *ours) != 0);
  c->order += fasttext_best_labels(m, s, 3, ours) != (size_t)threes || (threes && memcmp(ours, three, (size_t)threes * sizeof *ours) != 0);
  float expected[2] = {s->probability[some[0]], s->probability[some[1]]}, of_best = predicted ? s->probability[s->best] : 0;
  fasttext_predict_labels(m, text, some, 2, s);
  c->chosen += s->best != (has_best ? best[0] : -1) || s->best_probability != of_best || s->probability[some[0]] != expected[0] || s->probability[some[1]] != expected[1];
}

static void check_scores(bool decoded) {
  static const char *const names[MODELS] = {"plain.bin", "bigrams.bin", "subwords.bin", "all.bin", "nobody.bin", "hs.bin", "ns.bin", "ova.bin", "codes.ftz", "norms.ftz", "pruned.ftz", "retrained.ftz", "output.ftz", "outputs.ftz"};
  struct fasttext *models[MODELS];
  struct fasttext_scores scores[MODELS] = {0};
  struct err e = {0};
  for (int i = 0; i < MODELS; i++) {
    char path[128];
    snprintf(path, sizeof path, "tests/data/text/fasttext-%s", names[i]);
    models[i] = fasttext_load(path, &e);
    if (!models[i]) note("%s", e.message);
    if (!models[i] || decoded) continue;
    if (models[i]->input_codes) free(models[i]->input), models[i]->input = NULL;
    if (models[i]->output_codes) free(models[i]->output), models[i]->output = NULL;
  }
  FILE *f = fopen("tests/data/text/fasttext.tsv", "r");
  char *line = NULL;
  size_t capacity = 0;
  struct comparison c = {0};
  struct buffer text = {0};
  while (f && getline(&line, &capacity, f) > 0) {
    line[strcspn(line, "\n")] = 0;
    char *rest = line, *name = strsep(&rest, "\t"), *escaped = strsep(&rest, "\t");
    int m = 0;
    while (m < MODELS && strcmp(names[m], name) != 0) m++;
    if (m == MODELS || !models[m]) {
      c.bad++;
      continue;
    }
    uint64_t unknown;
    buffer_clear(&text);
    document_unescape(&text, slice_of(escaped), &unknown);
    compare_text(models[m], buffer_slice(&text), rest, &scores[m], &c);
  }
  const char *how = decoded ? simd_name(simd_level()) : "codes";
  ok(c.rows >= 200 && c.values >= 1000 && c.bad == 0, "%d texts and %d scores of the reference library are compared (%s)", c.rows, c.values, how);
  ok(c.worst <= 1e-7, "every score is the reference's (%s; largest difference %.2g)", how, c.worst);
  ok(c.order == 0, "the best labels come in the reference's order (%s)", how);
  ok(c.chosen == 0, "chosen labels have the scores that all have (%s)", how);
  free(line);
  if (f) fclose(f);
  buffer_release(&text);
  for (int i = 0; i < MODELS; i++) {
    fasttext_free(models[i]);
    fasttext_scores_release(&scores[i]);
  }
}

static struct buffer changed(const struct buffer *model, size_t offset, int32_t value) {
  struct buffer copy = {0};
  buffer_append_slice(&copy, buffer_slice(model));
  memcpy(copy.data + offset, &value, sizeof value);
  return copy;
}

static void check_refused(const struct buffer *model, size_t offset, int32_t value, const char *why, const char *name) {
  struct buffer copy = changed(model, offset, value);
  struct err e = {0};
  struct fasttext *m = fasttext_parse(copy.data, copy.len, &e);
  if (!ok(m == NULL && strstr(e.message, why), "%s", name)) note("%s", m ? "was read" : e.message);
  fasttext_free(m);
  buffer_release(&copy);
}

static void check_hostile(void) {
  struct buffer model = read_file("tests/data/text/fasttext-subwords.bin");
  if (!ok(model.len > 1000, "a model to damage")) return;
  enum { ARGS = 8, SIZES = ARGS + 56 };
  check_refused(&model, 0, 1, "not a fastText model", "a wrong magic is refused");
  check_refused(&model, 4, 13, "version 13", "a later version is refused");
  check_refused(&model, ARGS + 0, 0, "no sense", "dim 0 is refused");
  check_refused(&model, ARGS + 0, INT32_MAX, "matrix is", "a dim that the matrices contradict is refused");
  check_refused(&model, ARGS + 24, 5, "unknown loss", "an unknown loss is refused");
  check_refused(&model, ARGS + 28, 1, "word vectors", "word vectors are refused");
  check_refused(&model, ARGS + 32, -5, "no sense", "a negative number of buckets is refused");
  check_refused(&model, ARGS + 32, 0, "no buckets", "n-grams without buckets are refused");
  check_refused(&model, ARGS + 32, INT32_MAX, "matrix is", "buckets that the matrix lacks are refused");
  check_refused(&model, ARGS + 40, 1000000, "n-grams of 1000000", "endless character n-grams are refused");
  check_refused(&model, SIZES + 0, INT32_MAX, "no sense", "sizes that do not add up are refused");
  check_refused(&model, SIZES + 4, -1, "no sense", "a negative number of words is refused");
  check_refused(&model, SIZES + 20, -7, "no sense", "a negative number of pruned buckets is refused");
  struct buffer huge = changed(&model, SIZES, INT32_MAX);
  int32_t words = INT32_MAX - 4;
  memcpy(huge.data + SIZES + 4, &words, 4);
  struct err e = {0};
  ok(fasttext_parse(huge.data, huge.len, &e) == NULL && strstr(e.message, "ends in the middle"), "two thousand million words in a small file are refused before memory is taken");
  buffer_release(&huge);
  struct buffer pruned = changed(&model, SIZES + 20, 0);
  memset(pruned.data + SIZES + 24, 0, 4);
  check_refused(&pruned, ARGS + 32, INT32_MAX, "at most", "two thousand million buckets of which none is left are refused before memory is taken");
  buffer_release(&pruned);
  struct fasttext *twice = fasttext_parse(model.data, model.len, &e);
  if (ok(twice && twice->words > 2, "a model to damage in memory")) {
    twice->entries[2].text = twice->entries[0].text;
    twice->entries[2].hash = twice->entries[0].hash;
    fasttext_index(twice);
    struct slice word = twice->entries[0].text;
    ok(fasttext_find(twice, word.data, word.len, twice->entries[0].hash) == 2, "of equal words the last counts, as with the reference");
  }
  fasttext_free(twice);
  int read = 0;
  for (size_t n = 0; n < model.len; n += n < 3000 ? 1 : 97) {
    void *exact = COPY(model.data, n); /* so that a sanitizer sees a read past the end */
    struct fasttext *m = fasttext_parse(exact, n, &e);
    read += m != NULL;
    fasttext_free(m);
    free(exact);
  }
  ok(read == 0, "a model cut anywhere is refused");
  ok(fasttext_load("tests/data/text/no-such.bin", &e) == NULL && strstr(e.message, "no-such.bin"), "a missing model is named");
  ok(fasttext_load("tests", &e) == NULL && strstr(e.message, "regular file"), "a folder is refused");
  buffer_release(&model);
}

static void check_long_texts(void) {
  struct err e;
  struct fasttext *m = fasttext_load("tests/data/text/fasttext-all.bin", &e);
  struct fasttext_scores scores = {0};
  struct buffer text = {0};
  for (int i = 0; i < 100000; i++) buffer_append_string(&text, i % 7 ? "水の house" : " und ");
  ok(m && fasttext_predict(m, buffer_slice(&text), &scores) && scores.rows > 1000000 && scores.line.capacity < 100000, "a long text is summed piece by piece");
  fasttext_scores_release(&scores);
  buffer_release(&text);
  fasttext_free(m);
}

/* Rows of random tokens, broken UTF-8 among them, at every vector width. */
static void check_rows(const char *name, int minn, int maxn, bool pruned) {
  struct err e;
  char path[128];
  snprintf(path, sizeof path, "tests/data/text/fasttext-%s", name);
  struct fasttext *m = fasttext_load(path, &e);
  if (!ok(m && m->pruned == pruned, "%s is read", name)) return;
  m->args.minn = minn;
  m->args.maxn = maxn;
  fasttext_index(m);
  static const char *const pieces[] = {"a", "b", "<", "\xC3\xA4", "\xE6\xB0\xB4", "\xF0\x9F\x98\x80", "\x80", "\x80\x80\x80\x80\x80", "\xC3", " ", "the", "und ", "water"};
  struct rng rng;
  rng_init(&rng, (uint64_t)(minn * 100 + maxn));
  int texts = 0, differ = 0;
  size_t rows = 0;
  for (; texts < 300; texts++) {
    struct buffer text = {0};
    size_t count = rng_below(&rng, texts % 10 == 0 ? 500 : 40), kinds = texts % 3 == 0 ? 6 : sizeof pieces / sizeof *pieces;
    for (size_t i = 0; i < count; i++) buffer_append_string(&text, pieces[rng_below(&rng, kinds)]);
    struct fasttext_line lines[3] = {{0}};
    for (int level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
      if (simd_force((enum simd)level) != (enum simd)level) continue;
      fasttext_line_read(m, buffer_slice(&text), &lines[level]);
      fasttext_line_read(m, buffer_slice(&text), &lines[level]); /* now by the cache */
      rows += lines[level].count;
      differ += lines[level].count != lines[0].count || memcmp(lines[level].ids, lines[0].ids, lines[0].count * sizeof *lines[0].ids) != 0;
    }
    for (int i = 0; i < 3; i++) fasttext_line_release(&lines[i]);
    buffer_release(&text);
  }
  ok(differ == 0 && rows > 1000, "%s, n-grams of %d to %d: the same %zu rows at every vector width", name, minn, maxn, rows);
  fasttext_free(m);
}

int main(void) {
  for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++)
    if (simd_force(level) == level) check_scores(true);
  check_scores(false);
  check_hostile();
  check_long_texts();
  check_rows("subwords.bin", 2, 4, false);
  check_rows("subwords.bin", 1, 8, false);
  check_rows("subwords.bin", 0, 1, false);
  check_rows("subwords.bin", 3, 12, false);
  check_rows("pruned.ftz", 1, 4, true);
  return tap_done();
}
