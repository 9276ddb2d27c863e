/* SPDX-License-Identifier: MIT
 *
 * Pruning and product quantisation: what is kept, how near the scores stay, the same bits at every vector width and number
 * of threads, and files that read back as they were.
 */
#include "tools/qfilter-train/fasttext_quantize.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "tools/qfilter-train/fasttext_write.h"
#include "tests/read_file.h"
#include "tests/tap.h"

/* Words w0, w1, ... and labels a, b, c; rows lie around three directions, as trained ones do. */
static struct fasttext *new_model(int32_t words, int32_t bucket, int32_t dim) {
  struct fasttext *m = NEW(struct fasttext);
  m->args = (struct fasttext_args){.dim = dim, .ws = 5, .epoch = 5, .min_count = 1, .neg = 5, .word_ngrams = 2, .loss = FASTTEXT_SOFTMAX, .model = FASTTEXT_SUPERVISED, .bucket = bucket, .lr_update_rate = 100, .t = 1e-4};
  m->words = words;
  m->labels = 3;
  m->entries = NEW_ARRAY(struct fasttext_entry, (size_t)words + 3);
  m->strings = MALLOC(((size_t)words + 3) * 16);
  for (int32_t i = 0; i < words + 3; i++) {
    char *name = m->strings + i * 16;
    int n = i == 0 ? snprintf(name, 16, "</s>") : i < words ? snprintf(name, 16, "w%d", i) : snprintf(name, 16, "__label__%c", 'a' + i - words);
    m->entries[i] = (struct fasttext_entry){{name, (size_t)n}, 1000 - i, fasttext_hash(name, (size_t)n)};
  }
  fasttext_index(m);
  struct rng rng;
  rng_init(&rng, 3);
  m->input = ALIGNED(64, ((size_t)(m->rows * dim) * sizeof(float) + 127) / 64 * 64);
  m->output = NEW_ARRAY(float, (size_t)(3 * dim));
  for (int32_t i = 0; i < 3 * dim; i++) m->output[i] = (float)rng_normal(&rng);
  for (int64_t r = 0; r < m->rows; r++) {
    float weight = (float)rng_double(&rng);
    for (int32_t d = 0; d < dim; d++) m->input[r * dim + d] = weight * (m->output[r % 3 * dim + d] + 0.2f * (float)rng_normal(&rng));
  }
  return m;
}

static void make_text(struct buffer *text, int which, int32_t words) {
  buffer_clear(text);
  for (int i = 0; i < 12; i++) buffer_printf(text, "w%d ", (which * 31 + i * 7 * (which % 5 + 1)) % words);
}

/* Into a new file, whose name is put into path. */
static void write_to(const struct fasttext *m, char path[32]) {
  struct err e;
  strcpy(path, "/tmp/fasttext-quantize-XXXXXX");
  struct output *out = NULL;
  int fd = mkstemp(path);
  if (fd >= 0) close(fd);
  if (output_open(&out, path, 0, &e) != 0 || fasttext_write(m, out, &e) != 0 || output_commit(out, &e) != 0) note("%s", e.message);
}

static struct buffer written(const struct fasttext *m) {
  char path[32];
  write_to(m, path);
  struct buffer bytes = read_file(path);
  unlink(path);
  return bytes;
}

/* Largest difference of probabilities, and how many best labels differ, over 200 texts. */
static double compare(const struct fasttext *a, const struct fasttext *b, int32_t words, int *differ) {
  struct fasttext_scores x = {0}, y = {0};
  struct buffer text = {0};
  double worst = 0;
  *differ = 0;
  for (int i = 0; i < 200; i++) {
    make_text(&text, i, words);
    fasttext_predict(a, buffer_slice(&text), &x);
    fasttext_predict(b, buffer_slice(&text), &y);
    *differ += x.best != y.best;
    for (int32_t l = 0; l < a->labels; l++) worst = fmax(worst, fabs((double)x.probability[l] - (double)y.probability[l]));
  }
  fasttext_scores_release(&x);
  fasttext_scores_release(&y);
  buffer_release(&text);
  return worst;
}

static void check_quantised(bool qnorm, int dsub, int32_t dim, int64_t cutoff) {
  enum { WORDS = 700, BUCKET = 1500 };
  struct err e;
  struct fasttext *dense = new_model(WORDS, BUCKET, dim);
  if (cutoff) fasttext_prune(dense, cutoff);
  struct buffer first = {0};
  int same = 0, runs = 0;
  struct fasttext_quantize_options o = {.cutoff = cutoff, .dsub = dsub, .qnorm = qnorm, .seed = 5};
  for (int level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
    if (simd_force((enum simd)level) != (enum simd)level) continue;
    for (o.jobs = 1; o.jobs <= 3; o.jobs += 2) {
      struct fasttext *m = new_model(WORDS, BUCKET, dim);
      int result = fasttext_quantize(m, &o, &e);
      struct buffer bytes = written(m);
      if (runs++ == 0) first = bytes;
      same += result == 0 && bytes.len == first.len && memcmp(bytes.data, first.data, bytes.len) == 0;
      if (bytes.data != first.data) buffer_release(&bytes);
      if (runs == 1) {
        struct fasttext *again = fasttext_parse(first.data, first.len, &e);
        int differ = 0;
        ok(again && compare(m, again, WORDS, &differ) == 0 && differ == 0, "the file of the quantised model (norms %d, dsub %d, dim %d, cutoff %lld) predicts as the model does", qnorm, dsub, dim, (long long)cutoff);
        double worst = compare(dense, m, WORDS, &differ);
        ok(differ <= 6 && worst < 0.2, "and nearly as the dense one (pruned, if so) does (%d of 200 best labels differ, scores by at most %.3f)", differ, worst);
        fasttext_free(again);
      }
      fasttext_free(m);
    }
  }
  ok(same == runs, "the same bytes at every vector width and number of threads (%d runs)", runs);
  buffer_release(&first);
  fasttext_free(dense);
}

static void check_pruned(void) {
  enum { WORDS = 300, BUCKET = 900, DIM = 6, CUTOFF = 400 };
  struct fasttext *dense = new_model(WORDS, BUCKET, DIM), *m = new_model(WORDS, BUCKET, DIM);
  memset(m->input, 0, DIM * sizeof(float)); /* the row of </s> has the least norm, and stays */
  fasttext_prune(m, CUTOFF);
  double least = INFINITY, most = 0;
  int kept = 0, wrong = 0;
  bool stays[WORDS + BUCKET] = {false};
  for (int32_t w = 0; w < m->words; w++) {
    int32_t was = w == 0 ? 0 : atoi(m->entries[w].text.data + 1);
    stays[was] = true;
    wrong += w > 0 && memcmp(m->input + w * DIM, dense->input + was * DIM, DIM * sizeof(float)) != 0;
  }
  for (int64_t i = 0; i < m->pair_count; i++) {
    struct fasttext_pair p = m->pairs[i];
    stays[WORDS + p.bucket] = true;
    wrong += memcmp(m->input + (m->words + p.row) * DIM, dense->input + (WORDS + p.bucket) * DIM, DIM * sizeof(float)) != 0;
  }
  for (int32_t r = 0; r < WORDS + BUCKET; r++) {
    double norm = 0;
    for (int d = 0; d < DIM; d++) norm += (double)dense->input[r * DIM + d] * (double)dense->input[r * DIM + d];
    kept += stays[r];
    if (stays[r] && r > 0) least = fmin(least, norm);
    if (!stays[r]) most = fmax(most, norm);
  }
  ok(kept == CUTOFF && m->rows == CUTOFF && m->words + m->pair_count == CUTOFF, "pruning keeps as many rows as it is told");
  ok(stays[0] && slice_equal(m->entries[0].text, SLICE("</s>")), "</s> is one of them, whatever its norm");
  ok(least >= most, "the others have the largest norms");
  ok(wrong == 0, "and are what they were");
  ok(m->labels == 3 && fasttext_label_index(m, SLICE("b")) == 1, "labels stay");
  struct fasttext *all = new_model(WORDS, BUCKET, DIM);
  fasttext_prune(all, WORDS + BUCKET);
  ok(!all->pruned && all->rows == WORDS + BUCKET, "a model with no more rows stays whole");
  fasttext_free(all);
  fasttext_free(m);
  fasttext_free(dense);
}

static void check_few_rows(void) {
  struct err e;
  struct fasttext *m = fasttext_load("tests/data/text/fasttext-subwords.bin", &e), *dense = fasttext_load("tests/data/text/fasttext-subwords.bin", &e);
  if (!ok(m && dense, "a small model is read")) return;
  struct fasttext_quantize_options o = {.dsub = 2, .qout = true, .jobs = 1};
  int result = fasttext_quantize(m, &o, &e), differ = 0;
  ok(result == 0 && compare(dense, m, 99, &differ) == 0 && differ == 0, "up to 256 rows are their own centroids: the scores stay, output quantised too");
  ok(fasttext_quantize(m, &o, &e) != 0 && strstr(e.message, "already"), "a quantised model is not quantised again");
  o.dsub = 0;
  ok(fasttext_quantize(dense, &o, &e) != 0 && strstr(e.message, "dsub"), "no columns a code are refused");
  fasttext_free(m);
  fasttext_free(dense);
}

static void check_mapped(void) {
  enum { WORDS = 500, DIM = 33, BUCKET = FASTTEXT_COPIED / DIM / (int)sizeof(float) };
  struct err e;
  struct fasttext *dense = new_model(WORDS, BUCKET, DIM);
  char path[32];
  write_to(dense, path);
  for (int level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
    if (simd_force((enum simd)level) != (enum simd)level) continue;
    struct fasttext *m = fasttext_load(path, &e);
    int differ = 0;
    ok(m && !m->input && m->mapped_input && compare(dense, m, WORDS, &differ) == 0 && differ == 0, "a large matrix is used where it lies in the file (%s)", simd_name((enum simd)level));
    fasttext_free(m);
  }
  struct fasttext *m = fasttext_load(path, &e);
  struct buffer bytes = read_file(path), again = written(m);
  unlink(path);
  ok(bytes.len == again.len && memcmp(bytes.data, again.data, bytes.len) == 0, "and written as it was read");
  buffer_release(&bytes);
  buffer_release(&again);
  struct fasttext_quantize_options o = {.cutoff = 600, .dsub = 3, .jobs = 1, .seed = 5};
  int differ = 0;
  bool made = fasttext_quantize(m, &o, &e) == 0 && fasttext_quantize(dense, &o, &e) == 0;
  ok(made && compare(dense, m, WORDS, &differ) == 0 && differ == 0, "and quantised as one in memory");
  fasttext_free(m);
  fasttext_free(dense);
  struct fasttext *spoilt = new_model(WORDS, BUCKET, DIM);
  spoilt->input[7 * DIM + 3] = NAN;
  write_to(spoilt, path);
  fasttext_free(spoilt);
  spoilt = fasttext_load(path, &e);
  struct fasttext_scores scores = {0};
  ok(spoilt && !fasttext_predict(spoilt, SLICE("w7"), &scores) && scores.best == -1 && fasttext_predict(spoilt, SLICE("w8"), &scores) && scores.best >= 0, "a row that is not finite predicts nothing");
  fasttext_scores_release(&scores);
  fasttext_free(spoilt);
  unlink(path);
}

static void check_not_finite(void) {
  struct fasttext *m = new_model(100, 50, 8);
  m->input[777] = NAN;
  struct err e = {0};
  ok(fasttext_quantize(m, &(struct fasttext_quantize_options){.dsub = 2, .jobs = 1}, &e) == -1 && strstr(e.message, "not finite"), "a matrix with a value that is not finite is refused");
  fasttext_free(m);
}

int main(void) {
  check_not_finite();
  check_quantised(false, 2, 8, 0);
  check_quantised(true, 2, 7, 0);
  check_quantised(true, 3, 10, 1200);
  check_quantised(false, 50, 9, 0);
  check_pruned();
  check_few_rows();
  check_mapped();
  return tap_done();
}
