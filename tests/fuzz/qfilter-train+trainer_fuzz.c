/* SPDX-License-Identifier: MIT
 *
 * Labelled texts of any bytes: they are read and counted, train a small model or say why not, the same one with three
 * threads, and are judged by it.  The first two bytes choose settings.
 */
#include "tools/qfilter-train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/qfilter-train/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void remove_file(void) { unlink(path); }

static void put(const uint8_t *data, size_t size) {
  if (!path[0]) {
    snprintf(path, sizeof path, "/tmp/qfilter-train-fuzz-%d", (int)getpid());
    atexit(remove_file);
  }
  FILE *f = fopen(path, "w");
  if (!f) abort();
  fwrite(data, 1, size, f);
  fclose(f);
}

static struct fasttext *train(const struct corpus *c, struct trainer_options *o, int jobs, struct program *p, double *loss, struct err *e) {
  o->jobs = jobs;
  struct fasttext *m = trainer_new_model(c, o, e);
  if (m && trainer_run(m, c, o, p->progress, loss, e) != 0) abort();
  return m;
}

static bool same(const struct fasttext *a, const struct fasttext *b) {
  size_t dim = (size_t)a->args.dim;
  return memcmp(a->input, b->input, ((size_t)a->words + (size_t)a->args.bucket) * dim * sizeof(float)) == 0 && memcmp(a->output, b->output, (size_t)a->labels * dim * sizeof(float)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2) return 0;
  put(data + 2, size - 2);
  char *inputs[] = {path};
  struct program p = {.name = "fuzz", .quiet = true, .memory = data[1] & 128 ? 4096 : 0, .progress = progress_new("fuzz", "texts", PROGRESS_NEVER)};
  struct corpus_options options = {.test_fraction = data[1] & 64 ? 0.5 : 0, .piece = data[1] & 32 ? 7 : 0};
  struct corpus c = {0};
  struct err e = {0};
  if (corpus_read(&c, &p, inputs, 1, &options, &e) == 0) {
    if (c.bad > c.in || c.train_count + c.test_count + c.bad < c.in) abort();
    static const enum fasttext_loss losses[] = {FASTTEXT_SOFTMAX, FASTTEXT_HIERARCHICAL, FASTTEXT_NEGATIVE, FASTTEXT_ONE_VS_ALL};
    struct trainer_options o = {.dim = 1 + data[0] % 20, .epoch = 2, .word_ngrams = 1 + data[0] / 128, .minn = 1, .maxn = data[1] & 4 ? 3 : 0, .bucket = 50, .min_count = 1 + (data[1] & 1),
                                .min_count_label = 1, .neg = 3, .loss = losses[data[1] >> 3 & 3], .lr = 0.1, .balance = data[1] & 2};
    double loss[2];
    struct fasttext *m = train(&c, &o, 1, &p, &loss[0], &e), *again = train(&c, &o, 3, &p, &loss[1], &e);
    if (!m != !again || (!m && !e.message[0])) abort();
    if (m) {
      if (!same(m, again) || (loss[0] != loss[1] && !isnan(loss[0]))) abort();
      struct report r;
      report_make(&r, m, &c, 2, 1 << 16);
      if (r.texts + r.unknown != c.test_count || r.correct > r.texts) abort();
      report_release(&r);
    }
    fasttext_free(m);
    fasttext_free(again);
  }
  corpus_release(&c);
  progress_free(p.progress);
  return 0;
}
