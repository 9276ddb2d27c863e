/* SPDX-License-Identifier: MIT
 *
 * qfilter-train: labelled texts -> a fastText classifier for qfilter --langid and --model.
 *
 * corpus.c reads and counts, trainer.c trains, tests and writes.
 */
#include <math.h>
#include <stdlib.h>

#include "common/base/number.h"
#include "common/io/output.h"
#include "tools/qfilter-train/trainer.h"

struct settings {
  struct trainer_options trainer;
  double test;
  int64_t piece;
  int loss;
};

static void print_report(struct program *p, const struct fasttext *m, const struct trainer_report *r) {
  if (r->texts == 0) {
    program_message(p, "no text was held out");
    return;
  }
  program_message(p, "held out %llu texts: P@1 %.4f R@1 %.4f", (unsigned long long)r->texts, (double)r->correct / (double)r->texts, (double)r->correct / (double)r->texts);
  for (int32_t l = 0; l < m->labels; l++) {
    const struct label_result *result = &r->labels[l];
    struct slice name = fasttext_label(m, l);
    program_message(p, "  %-12.*s precision %.4f recall %.4f texts %llu", (int)name.len, name.data, result->predicted ? (double)result->correct / (double)result->predicted : 0,
                    result->texts ? (double)result->correct / (double)result->texts : 0, (unsigned long long)result->texts);
  }
  stats_int(p->stats, "test.texts", (int64_t)r->texts);
  stats_int(p->stats, "test.correct", (int64_t)r->correct);
  stats_double(p->stats, "test.precision_at_1", (double)r->correct / (double)r->texts);
}

static int train(struct program *p, struct settings *s, struct corpus *c, struct output *out, struct err *e) {
  struct corpus_options options = {.test_fraction = s->test, .seed = (uint64_t)p->seed, .piece = s->piece};
  if (corpus_read(c, p, &options, e) != 0) return -1;
  stats_flow(p->stats, c->in, c->in - c->bad, 0, c->bad);
  if (c->bad && p->strict) return err_set(e, "%llu bad lines (--strict)", (unsigned long long)c->bad);
  if (s->trainer.min_count == 0) s->trainer.min_count = s->trainer.maxn > 0 ? 5 : 1;
  if (c->pruned_below > (uint64_t)s->trainer.min_count) program_warn(p, "words that occur less than %llu times were left out to stay within --memory", (unsigned long long)c->pruned_below);
  s->trainer.seed = (uint64_t)p->seed;
  s->trainer.jobs = (int)p->jobs;
  struct fasttext *m = trainer_new_model(c, &s->trainer, e);
  if (!m) return -1;
  program_verbose(p, "%zu pieces of text, %llu tokens, %d words, %d labels", c->train_count, (unsigned long long)c->tokens, m->words, m->labels);
  double loss = trainer_run(m, c, &s->trainer, p->progress);
  stats_int(p->stats, "words", m->words);
  stats_int(p->stats, "labels", m->labels);
  stats_int(p->stats, "tokens", m->tokens);
  stats_int(p->stats, "pieces", (int64_t)c->train_count);
  if (!isfinite(loss)) {
    fasttext_free(m);
    return err_set(e, "the training diverged: lower --lr");
  }
  stats_double(p->stats, "loss", loss);
  progress_clear(p->progress);
  if (s->test > 0) {
    struct trainer_report r = trainer_test(m, c, (int)p->jobs);
    print_report(p, m, &r);
    free(r.labels);
  }
  int result = trainer_save(m, out, e);
  fasttext_free(m);
  return result;
}

static int run(struct program *p, struct settings *s, struct err *e) {
  if (s->trainer.minn > s->trainer.maxn && s->trainer.maxn > 0) return err_usage(e, "--minn %lld is above --maxn %lld", (long long)s->trainer.minn, (long long)s->trainer.maxn);
  struct output *out;
  if (output_open(&out, p->output, OUTPUT_BINARY | (p->force ? OUTPUT_FORCE : 0), e) != 0) return -1;
  struct corpus c = {0};
  int result = train(p, s, &c, out, e);
  corpus_release(&c);
  if (result != 0) {
    output_abort(out);
    return -1;
  }
  return output_commit(out, e);
}

int main(int argc, char **argv) {
  struct settings s = {.trainer = {.dim = 16, .epoch = 5, .lr = 0.5, .word_ngrams = 1, .minn = 2, .maxn = 4, .bucket = 262144, .min_count_label = 1}, .piece = 128};
  const struct option options[] = {
      {OPTION_INT, 0, "dim", &s.trainer.dim, "N", "length of the vectors (16)", .min = 1, .max = 65536},
      {OPTION_INT, 0, "epoch", &s.trainer.epoch, "N", "times every text is seen (5)", .min = 0, .max = 1000000},
      {OPTION_DOUBLE, 0, "lr", &s.trainer.lr, "X", "learning rate at the start; it falls to 0 (0.5)", .min = 0, .max = 100},
      {OPTION_INT, 0, "word-ngrams", &s.trainer.word_ngrams, "N", "longest run of words that is a feature (1)", .min = 1, .max = 100},
      {OPTION_INT, 0, "minn", &s.trainer.minn, "N", "shortest character n-gram (2)", .min = 0, .max = FASTTEXT_MAXN},
      {OPTION_INT, 0, "maxn", &s.trainer.maxn, "N", "longest character n-gram, 0 for none (4)", .min = 0, .max = FASTTEXT_MAXN},
      {OPTION_COUNT, 0, "bucket", &s.trainer.bucket, "N", "rows for hashed n-grams (262144)", .min = 0, .max = 2e9},
      {OPTION_INT, 0, "min-count", &s.trainer.min_count, "N", "leave out words that are rarer (5; 1 with --maxn 0)", .min = 1, .max = 2e9},
      {OPTION_INT, 0, "min-count-label", &s.trainer.min_count_label, "N", "leave out labels that are rarer (1)", .min = 0, .max = 2e9},
      {OPTION_SIZE, 0, "piece", &s.piece, "SIZE", "cut longer texts into pieces of about SIZE bytes, 0 never (128)"},
      {OPTION_CHOICE, 0, "loss", &s.loss, "LOSS", "loss function: softmax", .choices = "softmax"},
      {OPTION_DOUBLE, 0, "test", &s.test, "FRACTION", "hold out this part and report precision and recall (0)", .min = 0, .max = 1},
      {0},
  };
  static const char *const examples[] = {
      "qfilter-train --test 0.1 -o lang.bin languages.tsv",
      "qfilter-train --maxn 0 --word-ngrams 2 --bucket 2M --dim 100 --lr 0.1 --piece 0 -o quality.bin labelled.tsv.gz",
      NULL,
  };
  struct program p = {
      .name = "qfilter-train",
      .summary = "Train a fastText classifier on lines of label, tab, text",
      .operands = "[FILE...]",
      .options = options,
      .examples = examples,
      .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_MEMORY | SHARED_SEED | SHARED_STRICT | SHARED_FORCE | SHARED_STDIN,
  };
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e;
  return program_end(&p, run(&p, &s, &e), &e);
}
