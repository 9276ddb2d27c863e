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
#include "common/io/documents.h"
#include "tests/read_file.h"
#include "tests/tap.h"

static void check_scores(void) {
  static const char *const names[] = {"plain", "bigrams", "subwords", "all", "nobody"};
  enum { NAMES = 5 };
  struct fasttext *models[NAMES];
  struct fasttext_scores scores[NAMES] = {0};
  struct err e = {0};
  for (int i = 0; i < NAMES; i++) {
    char path[128];
    snprintf(path, sizeof path, "tests/data/text/fasttext-%s.bin", names[i]);
    models[i] = fasttext_load(path, &e);
    if (!models[i] && i < 4) note("%s", e.message);
  }
  FILE *f = fopen("tests/data/text/fasttext.tsv", "r");
  char *line = NULL;
  size_t capacity = 0;
  int rows = 0, values = 0, bad = 0;
  double worst = 0;
  struct buffer text = {0};
  while (f && getline(&line, &capacity, f) > 0) {
    line[strcspn(line, "\n")] = 0;
    char *rest = line, *name = strsep(&rest, "\t"), *escaped = strsep(&rest, "\t"), *field;
    int m = 0;
    while (m < NAMES && strcmp(names[m], name) != 0) m++;
    if (m == NAMES || !models[m]) {
      bad++;
      continue;
    }
    uint64_t unknown;
    buffer_clear(&text);
    document_unescape(&text, slice_of(escaped), &unknown);
    bool predicted = fasttext_predict(models[m], buffer_slice(&text), &scores[m]);
    rows++;
    bad += predicted != (rest != NULL);
    while ((field = strsep(&rest, "\t")) != NULL) {
      char *equal = strrchr(field, '=');
      int32_t label = fasttext_label_index(models[m], (struct slice){field, (size_t)(equal - field)});
      if (label < 0) bad++;
      else worst = fmax(worst, fabs(atof(equal + 1) - (double)scores[m].probability[label]));
      values++;
    }
  }
  ok(rows >= 60 && values >= 200 && bad == 0, "%d texts and %d scores of the reference library are compared", rows, values);
  ok(worst <= 1e-6, "every score is the reference's (largest difference %.2g)", worst);
  free(line);
  if (f) fclose(f);
  buffer_release(&text);
  for (int i = 0; i < NAMES; i++) {
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
  check_refused(&model, ARGS + 24, 1, "hierarchical", "hierarchical softmax is refused by name");
  check_refused(&model, ARGS + 24, 2, "negative sampling", "negative sampling is refused by name");
  check_refused(&model, ARGS + 28, 1, "word vectors", "word vectors are refused");
  check_refused(&model, ARGS + 32, -5, "no sense", "a negative number of buckets is refused");
  check_refused(&model, ARGS + 32, 0, "no buckets", "n-grams without buckets are refused");
  check_refused(&model, ARGS + 32, INT32_MAX, "matrix is", "buckets that the matrix lacks are refused");
  check_refused(&model, ARGS + 40, 1000000, "n-grams of 1000000", "endless character n-grams are refused");
  check_refused(&model, SIZES + 0, INT32_MAX, "no sense", "sizes that do not add up are refused");
  check_refused(&model, SIZES + 4, -1, "no sense", "a negative number of words is refused");
  check_refused(&model, SIZES + 24, 7, "quantised", "a pruned dictionary is refused");
  struct buffer huge = changed(&model, SIZES, INT32_MAX);
  int32_t words = INT32_MAX - 4;
  memcpy(huge.data + SIZES + 4, &words, 4);
  struct err e = {0};
  ok(fasttext_parse(huge.data, huge.len, &e) == NULL && strstr(e.message, "ends in the middle"), "two thousand million words in a small file are refused before memory is taken");
  buffer_release(&huge);
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
  const char *shared = tap_shared("models/fasttext/lid.176.ftz");
  if (shared) ok(fasttext_load(shared, &e) == NULL && strstr(e.message, "hs") != NULL, "lid.176.ftz is refused with a reason");
  else skip("no shared data", "lid.176.ftz is refused with a reason");
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

int main(void) {
  check_scores();
  check_hostile();
  check_long_texts();
  return tap_done();
}
