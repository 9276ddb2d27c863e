/* SPDX-License-Identifier: MIT
 *
 * qfilter-train: labelled texts -> a fastText classifier for qfilter --langid and --model.
 *
 * corpus.c reads and counts, trainer.c trains, report.c tests.
 */
#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/io/output.h"
#include "tools/qfilter-train/fasttext_quantize.h"
#include "tools/qfilter-train/fasttext_write.h"
#include "tools/qfilter-train/report.h"
#include "tools/qfilter-train/trainer.h"

struct settings {
  struct trainer_options trainer;
  struct option_list test; /* a fraction, or files */
  double fraction;
  char **test_files;
  int test_file_count;
  const char *load, *report;
  int64_t piece, cutoff, dsub;
  int loss;
  bool quantize, qnorm, qout, retrain;
};

/* ---- testing */

static int write_report(struct program *p, const struct settings *s, const struct report *r, struct err *e) {
  report_print(r, p);
  if (s->report) {
    struct output *out;
    if (output_open(&out, s->report, 0, e) != 0) return -1;
    if (report_write(r, out, e) != 0) {
      output_abort(out);
      return -1;
    }
    if (output_commit(out, e) != 0) return -1;
  }
  if (r->texts == 0) return 0;
  stats_int(p->stats, "test.texts", (int64_t)r->texts);
  stats_int(p->stats, "test.unknown", (int64_t)r->unknown);
  stats_int(p->stats, "test.correct", (int64_t)r->correct);
  stats_double(p->stats, "test.precision_at_1", (double)r->correct / (double)r->texts);
  stats_double(p->stats, "test.recall_at_1", (double)r->correct / (double)r->labels);
  stats_double(p->stats, "test.calibration_error", r->calibration_error);
  return 0;
}

static int test(struct program *p, const struct settings *s, const struct fasttext *m, const struct corpus *c, struct err *e) {
  struct report r;
  report_make(&r, m, c, (int)p->jobs, p->memory);
  if (!r.curves && c->test_count) program_warn(p, "the scores of %zu texts for %d labels are more than --memory: no areas and thresholds", c->test_count, m->labels);
  int result = write_report(p, s, &r, e);
  report_release(&r);
  return result;
}

static int check_bad(struct program *p, const struct corpus *c, struct err *e) {
  if (c->bad && p->strict) return err_set(e, "%llu bad lines (--strict)", (unsigned long long)c->bad);
  return 0;
}

/* Everything in the test files is held out. */
static int test_files(struct program *p, const struct settings *s, const struct fasttext *m, struct err *e) {
  struct corpus_options options = {.test_fraction = 1};
  struct corpus c = {0};
  int result = corpus_read(&c, p, s->test_files, s->test_file_count, &options, e);
  if (result == 0) stats_int(p->stats, "test.bad", (int64_t)c.bad);
  if (result == 0) result = check_bad(p, &c, e);
  if (result == 0) result = test(p, s, m, &c, e);
  corpus_release(&c);
  return result;
}

/* ---- training */

static int fit(struct program *p, struct settings *s, struct corpus *c, struct fasttext *m, struct err *e) {
  double started = progress_clock(), loss;
  if (trainer_run(m, c, &s->trainer, p->progress, &loss, e) != 0) return -1;
  progress_clear(p->progress);
  if (!isfinite(loss)) return err_set(e, "the training diverged: lower --lr");
  double seconds = progress_clock() - started;
  stats_time(p->stats, "train", seconds);
  stats_double(p->stats, "loss", loss);
  program_verbose(p, "trained in %.1fs: %.3g tokens/s, loss %.4f", seconds, (double)c->tokens * (double)s->trainer.epoch / (seconds + 1e-9), loss);
  return 0;
}

static int train(struct program *p, struct settings *s, struct corpus *c, struct fasttext **model, struct err *e) {
  double started = progress_clock();
  struct corpus_options options = {.test_fraction = s->fraction, .seed = (uint64_t)p->seed, .piece = s->piece};
  if (corpus_read(c, p, p->operand, p->operand_count, &options, e) != 0) return -1;
  stats_flow(p->stats, c->in, c->in - c->bad, 0, c->bad);
  if (check_bad(p, c, e) != 0) return -1;
  struct trainer_options *o = &s->trainer;
  if (o->min_count == 0) o->min_count = o->maxn > 0 ? 5 : 1;
  if (c->pruned_below > (uint64_t)o->min_count) program_warn(p, "words that occur less than %llu times were left out to stay within --memory", (unsigned long long)c->pruned_below);
  o->seed = (uint64_t)p->seed;
  o->jobs = (int)p->jobs;
  o->folder = p->tmpdir;
  stats_time(p->stats, "read", progress_clock() - started);
  started = progress_clock();
  struct fasttext *m = *model = trainer_new_model(c, o, e);
  if (!m) return -1;
  stats_time(p->stats, "first_weights", progress_clock() - started);
  program_verbose(p, "%zu pieces of text, %llu tokens, %d words, %d labels", c->train_count, (unsigned long long)c->tokens, m->words, m->labels);
  stats_int(p->stats, "words", m->words);
  stats_int(p->stats, "labels", m->labels);
  stats_int(p->stats, "tokens", m->tokens);
  stats_int(p->stats, "pieces", (int64_t)c->train_count);
  return fit(p, s, c, m, e);
}

static int quantize(struct program *p, struct settings *s, struct corpus *c, struct fasttext *m, struct err *e) {
  if (m->input_codes) return err_set(e, "%s: is quantised already", s->load);
  if (s->cutoff > 0) {
    fasttext_prune(m, s->cutoff);
    if (s->retrain && fit(p, s, c, m, e) != 0) return -1;
  }
  double started = progress_clock();
  struct fasttext_quantize_options o = {.dsub = (int)s->dsub, .qnorm = s->qnorm, .qout = s->qout, .jobs = (int)p->jobs, .seed = (uint64_t)p->seed};
  if (fasttext_quantize(m, &o, e) != 0) return -1;
  stats_time(p->stats, "quantize", progress_clock() - started);
  return 0;
}

static int make_model(struct program *p, struct settings *s, struct output *out, struct err *e) {
  struct corpus c = {0};
  struct fasttext *m = s->load ? fasttext_load(s->load, e) : NULL;
  int result = s->load ? (m ? 0 : -1) : train(p, s, &c, &m, e);
  if (result == 0 && s->quantize) result = quantize(p, s, &c, m, e);
  if (result == 0 && s->fraction > 0) result = test(p, s, m, &c, e);
  if (result == 0 && s->test_file_count) result = test_files(p, s, m, e);
  corpus_release(&c);
  if (result == 0 && out) result = fasttext_write(m, out, e);
  fasttext_free(m);
  return result;
}

/* ---- options */

static int read_test(const struct program *p, struct settings *s, struct err *e) {
  s->test_files = NEW_ARRAY(char *, (size_t)s->test.count + 1);
  for (int i = 0; i < s->test.count; i++) {
    double fraction;
    if (number_double(s->test.items[i], &fraction) != 0) s->test_files[s->test_file_count++] = (char *)s->test.items[i];
    else if (fraction < 0 || fraction > 1) return err_usage(e, "--test %s: a fraction from 0 to 1 or a file is wanted", s->test.items[i]);
    else s->fraction = fraction;
  }
  if (s->fraction > 0 && s->test_file_count) return err_usage(e, "--test takes a fraction or files, not both");
  if (s->report && strcmp(s->report, "-") == 0 && !s->load && (!p->output || strcmp(p->output, "-") == 0)) return err_usage(e, "model and --report cannot both go to stdout");
  if (s->report && s->fraction == 0 && s->test_file_count == 0) return err_usage(e, "--report wants --test");
  return 0;
}

static int check(const struct program *p, const struct settings *s, struct err *e) {
  if (s->trainer.minn > s->trainer.maxn && s->trainer.maxn > 0) return err_usage(e, "--minn %lld is above --maxn %lld", (long long)s->trainer.minn, (long long)s->trainer.maxn);
  if (!s->quantize && (s->cutoff || s->qnorm || s->qout || s->retrain)) return err_usage(e, "--cutoff, --qnorm, --qout and --retrain want --quantize");
  if (s->retrain && (s->cutoff == 0 || s->load)) return err_usage(e, "--retrain wants --cutoff and texts to train on");
  if (!s->load) return 0;
  if (p->operand_count || s->fraction > 0) return err_usage(e, "--load trains nothing: name the texts with --test FILE");
  if (s->test_file_count == 0 && !s->quantize) return err_usage(e, "--load wants --test FILE or --quantize");
  if (p->output && !s->quantize) return err_usage(e, "--load without --quantize writes no model");
  return 0;
}

static int run(struct program *p, struct settings *s, struct err *e) {
  static const enum fasttext_loss losses[] = {FASTTEXT_SOFTMAX, FASTTEXT_HIERARCHICAL, FASTTEXT_NEGATIVE, FASTTEXT_ONE_VS_ALL};
  s->trainer.loss = losses[s->loss];
  if (read_test(p, s, e) != 0 || check(p, s, e) != 0) return -1;
  struct output *out = NULL;
  if ((!s->load || s->quantize) && output_open(&out, p->output, OUTPUT_BINARY | (p->force ? OUTPUT_FORCE : 0), e) != 0) return -1;
  if (make_model(p, s, out, e) != 0) {
    output_abort(out);
    return -1;
  }
  return out ? output_commit(out, e) : 0;
}

int main(int argc, char **argv) {
  struct settings s = {.trainer = {.dim = 16, .epoch = 5, .lr = 0.5, .word_ngrams = 1, .minn = 2, .maxn = 4, .bucket = 262144, .min_count_label = 1, .neg = 5, .loss = FASTTEXT_SOFTMAX}, .piece = 128, .dsub = 2};
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
      {OPTION_CHOICE, 0, "loss", &s.loss, "LOSS", "loss function: softmax, hs, ns or ova", .choices = "softmax|hs|ns|ova"},
      {OPTION_INT, 0, "neg", &s.trainer.neg, "N", "labels drawn against each with --loss ns (5)", .min = 1, .max = 65536},
      {OPTION_FLAG, 0, "balance", &s.trainer.balance, NULL, "see texts of all labels equally often"},
      {OPTION_LIST, 0, "test", &s.test, "FRACTION|FILE", "hold out this part, or take these texts, and report precision and recall"},
      {OPTION_STRING, 0, "report", &s.report, "FILE", "write what --test finds as a table"},
      {OPTION_STRING, 0, "load", &s.load, "MODEL", "test or quantise this model; train none"},
      {OPTION_FLAG, 0, "quantize", &s.quantize, NULL, "write a quantised model (.ftz), a tenth as large and less"},
      {OPTION_COUNT, 0, "cutoff", &s.cutoff, "N", "keep only the N rows of the largest norms (0: all)", .min = 0, .max = 2e9},
      {OPTION_FLAG, 0, "retrain", &s.retrain, NULL, "train again after --cutoff"},
      {OPTION_FLAG, 0, "qnorm", &s.qnorm, NULL, "quantise norms by themselves"},
      {OPTION_FLAG, 0, "qout", &s.qout, NULL, "quantise the output matrix too"},
      {OPTION_INT, 0, "dsub", &s.dsub, "N", "columns a code (2)", .min = 1, .max = 65536},
      {0},
  };
  static const char *const examples[] = {
      "qfilter-train --test 0.1 -o lang.bin languages.tsv",
      "qfilter-train --maxn 0 --word-ngrams 2 --bucket 2M --dim 100 --lr 0.1 --piece 0 -o quality.bin labelled.tsv.gz",
      "qfilter-train --load quality.bin --test held-out.tsv --report report.tsv",
      NULL,
  };
  struct program p = {
      .name = "qfilter-train",
      .summary = "Train a fastText classifier on lines of label, tab, text",
      .operands = "[FILE...]",
      .options = options,
      .examples = examples,
      .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_MEMORY | SHARED_SEED | SHARED_STRICT | SHARED_FORCE,
  };
  bool load = false;
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) load |= strcmp(argv[i], "--load") == 0 || strncmp(argv[i], "--load=", 7) == 0;
  if (!load) p.shared |= SHARED_STDIN;
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e;
  int result = run(&p, &s, &e);
  free(s.test_files);
  option_list_release(&s.test);
  return program_end(&p, result, &e);
}
