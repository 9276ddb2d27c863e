/* SPDX-License-Identifier: MIT
 *
 * The trainer: the same bits at any number of threads and instruction set, a model that separates what can be separated, a file that
 * reads back as it was, one step checked by hand.
 */
#include "tools/qfilter-train/report.h"
#include "tools/qfilter-train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "common/io/output.h"
#include "tools/qfilter-train/fasttext_write.h"
#include "tests/tap.h"

static char path[512];

static void write_corpus(const char *name, const char *text) {
  struct err e;
  snprintf(path, sizeof path, "%s/%s", tap_folder(), name);
  if (output_file(path, text, strlen(text), &e) != 0) note("%s", e.message);
}

static int read_corpus(struct corpus *c, double test, int64_t memory, struct err *e) {
  char *operands[] = {path};
  struct program p = {.name = "trainer_test", .quiet = true, .memory = memory, .progress = progress_new("t", "texts", PROGRESS_NEVER)};
  struct corpus_options options = {.test_fraction = test, .seed = 7};
  int result = corpus_read(c, &p, operands, 1, &options, e);
  progress_free(p.progress);
  return result;
}

static struct trainer_options settings(int jobs) {
  return (struct trainer_options){.dim = 8, .epoch = 5, .word_ngrams = 2, .minn = 2, .maxn = 4, .bucket = 500, .min_count = 2, .min_count_label = 1, .lr = 0.5, .loss = FASTTEXT_SOFTMAX, .seed = 3, .jobs = jobs};
}

static struct fasttext *train(struct corpus *c, int jobs, double *loss) {
  struct trainer_options o = settings(jobs);
  struct err e;
  struct fasttext *m = trainer_new_model(c, &o, &e);
  struct progress *progress = progress_new("t", "texts", PROGRESS_NEVER);
  if (trainer_run(m, c, &o, progress, loss, &e) != 0) note("%s", e.message);
  progress_free(progress);
  return m;
}

static bool equal_weights(const struct fasttext *a, const struct fasttext *b) {
  size_t rows = (size_t)a->words + (size_t)a->args.bucket, dim = (size_t)a->args.dim;
  return a->words == b->words && a->labels == b->labels && memcmp(a->input, b->input, rows * dim * sizeof(float)) == 0 &&
         memcmp(a->output, b->output, (size_t)a->labels * dim * sizeof(float)) == 0;
}

static void make_texts(void) {
  static const char *const words[3][6] = {{"the", "house", "river", "stone", "and", "water"}, {"der", "Haus", "Fluss", "Stein", "und", "Wasser"}, {"\u03BA\u03B1\u03B9", "\u03C4\u03BF", "\u03BD\u03B5\u03C1\u03CC", "\u03C6\u03C9\u03C2", "und", "the"}};
  static const char *const labels[3] = {"en", "__label__de", "el"};
  struct rng rng;
  rng_init(&rng, 5);
  struct buffer b = {0};
  for (int i = 0; i < 600; i++) {
    int l = (int)rng_below(&rng, 3);
    buffer_printf(&b, "%s\t", labels[l]);
    for (int n = (int)rng_below(&rng, 12) + 3; n; n--) buffer_printf(&b, "%s%s", words[l][rng_below(&rng, 6)], n % 4 ? " " : "\\n");
    buffer_put(&b, '\n');
  }
  write_corpus("texts.tsv", buffer_string(&b));
  buffer_release(&b);
}

static void check_training(void) {
  make_texts();
  struct corpus c[3] = {0};
  struct fasttext *m[3];
  struct err e;
  double loss[3];
  for (int i = 0; i < 3; i++) {
    if (read_corpus(&c[i], 0.2, 0, &e) != 0) note("%s", e.message);
    m[i] = train(&c[i], i == 0 ? 1 : i + 2, &loss[i]);
  }
  ok(c[0].in == 600 && c[0].bad == 0 && c[0].train_count + c[0].test_count == 600 && c[0].test_count > 80 && c[0].test_count < 160, "a fifth is held out (%zu of 600)", c[0].test_count);
  ok(m[0]->labels == 3 && fasttext_label_index(m[0], SLICE("de")) >= 0 && fasttext_label_index(m[0], SLICE("__label__en")) >= 0, "__label__ is added where it is absent");
  ok(equal_weights(m[0], m[1]) && equal_weights(m[0], m[2]) && loss[0] == loss[1] && loss[0] == loss[2], "one, three and four threads give the same bits");
  ok(loss[0] < 0.2, "the loss falls (%.4f)", loss[0]);
  struct report r;
  report_make(&r, m[0], &c[0], 2, 1 << 20);
  ok(r.texts == c[0].test_count && (double)r.correct > 0.97 * (double)r.texts, "held-out texts are recognised (%llu of %llu)", (unsigned long long)r.correct, (unsigned long long)r.texts);
  uint64_t texts = 0, predicted = 0;
  for (int l = 0; l < 3; l++) texts += r.label[l].texts, predicted += r.label[l].predicted;
  ok(texts == r.texts && predicted == r.texts, "the report adds up");
  report_release(&r);

  struct output *out;
  char file[600];
  snprintf(file, sizeof file, "%s/model.bin", tap_folder());
  ok(output_open(&out, file, OUTPUT_BINARY, &e) == 0 && fasttext_write(m[0], out, &e) == 0 && output_commit(out, &e) == 0, "the model is written");
  struct fasttext *again = fasttext_load(file, &e);
  ok(again && equal_weights(m[0], again) && again->tokens == m[0]->tokens && memcmp(&again->args, &m[0]->args, sizeof again->args) == 0, "and read back as it was");
  fasttext_free(again);
  for (int i = 0; i < 3; i++) {
    fasttext_free(m[i]);
    corpus_release(&c[i]);
  }
}

/* Texts of 3 to 3,000 words, so that some are summed by several threads. */
static void make_long_texts(void) {
  struct rng rng;
  rng_init(&rng, 6);
  struct buffer b = {0};
  for (int i = 0; i < 120; i++) {
    int l = (int)rng_below(&rng, 4);
    buffer_printf(&b, l == 3 ? "l0 l1\t" : "l%d\t", l);
    for (int n = 3 << rng_below(&rng, 11); n; n--) buffer_printf(&b, "w%d ", (int)(rng_below(&rng, 100) * rng_below(&rng, 4)) * 4 + l);
    buffer_put(&b, '\n');
  }
  write_corpus("long.tsv", buffer_string(&b));
  buffer_release(&b);
}

static struct fasttext *train_as(struct corpus *c, const struct trainer_options *o, double *loss) {
  struct err e;
  struct fasttext *m = trainer_new_model(c, o, &e);
  struct progress *progress = progress_new("t", "texts", PROGRESS_NEVER);
  if (trainer_run(m, c, o, progress, loss, &e) != 0) note("%s", e.message);
  progress_free(progress);
  return m;
}

static void check_same_bits(const char *name, enum fasttext_loss kind, int64_t maxn, int64_t dim, bool balance) {
  struct corpus c = {0};
  struct err e;
  make_long_texts();
  if (read_corpus(&c, 0, 0, &e) != 0) note("%s", e.message);
  struct trainer_options o = {.dim = dim, .epoch = 3, .word_ngrams = 2, .minn = 2, .maxn = maxn, .bucket = 3000, .min_count = 2, .min_count_label = 1, .neg = 2, .loss = kind, .lr = 0.2, .balance = balance, .seed = 1, .jobs = 1};
  double loss, other;
  struct fasttext *m = train_as(&c, &o, &loss);
  bool same = true;
  static const int jobs[] = {2, 3, 40};
  for (size_t i = 0; i < (kind == FASTTEXT_SOFTMAX ? 3 : 2); i++) {
    o.jobs = jobs[i];
    struct fasttext *again = train_as(&c, &o, &other);
    same &= equal_weights(m, again) && loss == other;
    fasttext_free(again);
  }
  ok(same && loss > 0 && isfinite(loss), "%s: 1, 2, 3%s threads give the same bits (loss %.4f)", name, kind == FASTTEXT_SOFTMAX ? " and 40" : "", loss);
  o.jobs = 2;
  bool levels = true;
  for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
    if (simd_force(level) != level) break;
    struct fasttext *again = train_as(&c, &o, &other);
    levels &= equal_weights(m, again);
    fasttext_free(again);
  }
  ok(levels, "%s: every instruction set gives the same bits", name);
  fasttext_free(m);
  corpus_release(&c);
}

/* One common label and one rare one: with balance both are seen about equally often. */
static void check_balance(void) {
  struct buffer b = {0};
  for (int i = 0; i < 400; i++) buffer_printf(&b, "common\tx y%d\n", i % 3);
  for (int i = 0; i < 8; i++) buffer_printf(&b, "rare\tx z%d\n", i % 3);
  write_corpus("balance.tsv", buffer_string(&b));
  buffer_release(&b);
  struct corpus c = {0};
  struct err e;
  read_corpus(&c, 0, 0, &e);
  struct trainer_options o = {.dim = 4, .epoch = 5, .word_ngrams = 1, .min_count = 1, .min_count_label = 1, .loss = FASTTEXT_SOFTMAX, .lr = 0.1, .seed = 1, .jobs = 1};
  double loss, p[2];
  for (int i = 0; i < 2; i++) {
    o.balance = i == 1;
    struct fasttext *m = train_as(&c, &o, &loss);
    struct fasttext_scores scores = {0};
    fasttext_predict(m, SLICE("x"), &scores);
    p[i] = (double)scores.probability[fasttext_label_index(m, SLICE("rare"))];
    fasttext_scores_release(&scores);
    fasttext_free(m);
  }
  ok(p[0] < 0.2 && p[1] > 0.35 && p[1] < 0.65, "balance makes a rare label as likely as a common one (%.2f, %.2f)", p[0], p[1]);
  corpus_release(&c);
}

/* Labels in fastText's own form, several of them, and what is no label. */
static void check_labels(void) {
  write_corpus("labels.tsv", "__label__a __label__b x y\n a  b a\tz\n__label__c\n__label__d\tz __label__e\n \tz\nx __label__a\n");
  struct corpus c = {0};
  struct err e;
  ok(read_corpus(&c, 0, 0, &e) == 0 && c.in == 6 && c.bad == 2 && c.label_count == 4 && c.train_count == 4, "labels stand before the tab or start with __label__");
  struct corpus_text first = corpus_text(&c, c.train[0]), second = corpus_text(&c, c.train[1]);
  ok(first.label_count == 2 && slice_equal(first.text, SLICE(" x y")) && second.label_count == 2 && second.labels[0] == first.labels[0] && second.labels[1] == first.labels[1] && c.label_texts[first.labels[0]] == 2, "a text may have several, each once");
  corpus_release(&c);
  struct buffer b = {0};
  for (int i = 0; i < 300; i++) buffer_printf(&b, "l%d ", i);
  buffer_append_string(&b, "\tx\nl\ty\n");
  write_corpus("labels.tsv", buffer_string(&b));
  ok(read_corpus(&c, 0, 0, &e) == 0 && c.bad == 1 && c.train_count == 1, "more than 256 are too many");
  buffer_release(&b);
  corpus_release(&c);
}

/* One text, one word and no n-grams: hidden = mean of the rows, O = 0, so p = 1/2 for both labels. */
static void check_step(void) {
  write_corpus("two.tsv", "a\tx\nb\ty y\n");
  struct corpus c = {0};
  struct err e;
  read_corpus(&c, 0, 0, &e);
  struct trainer_options o = {.dim = 2, .epoch = 1, .word_ngrams = 1, .min_count = 1, .min_count_label = 1, .lr = 0.25, .loss = FASTTEXT_SOFTMAX, .seed = 1, .jobs = 1};
  struct fasttext *m = trainer_new_model(&c, &o, &e);
  ok(m->words == 3 && slice_equal(m->entries[0].text, SLICE("</s>")) && slice_equal(m->entries[1].text, SLICE("y")) && slice_equal(m->entries[2].text, SLICE("x")) && m->tokens == 7, "words stand by frequency, then by appearance; </s> and labels are tokens");
  float before[6], hidden[2][2];
  memcpy(before, m->input, sizeof before);
  for (int d = 0; d < 2; d++) {
    hidden[0][d] = (before[2 * 2 + d] + before[d]) / 2;
    hidden[1][d] = (before[2 + d] * 2 + before[d]) / 3;
  }
  struct progress *progress = progress_new("t", "texts", PROGRESS_NEVER);
  double loss;
  if (trainer_run(m, &c, &o, progress, &loss, &e) != 0) note("%s", e.message);
  progress_free(progress);
  int a = fasttext_label_index(m, SLICE("a"));
  bool good = true;
  for (int d = 0; d < 2; d++) {
    float want = 0.25f * 0.5f * (hidden[0][d] - hidden[1][d]);
    good &= fabsf(m->output[a * 2 + d] - want) < 1e-7f && fabsf(m->output[(1 - a) * 2 + d] + want) < 1e-7f;
  }
  ok(good, "the first step moves the outputs by lr ([l = y] - 1/2) hidden");
  ok(memcmp(before, m->input, sizeof before) == 0, "and the rows by nothing, since the outputs were 0");
  ok_near(loss, -log(0.5 + 1e-5), 1e-6, "the loss is that of a coin");
  fasttext_free(m);
  corpus_release(&c);
}

/* Pieces, joined, are the text; they end at white space where there is any and never inside a character. */
static void check_pieces(void) {
  struct corpus c = {0};
  struct err e;
  struct buffer text = {0}, joined = {0};
  buffer_append_string(&text, "l\t");
  for (int i = 0; i < 40; i++) buffer_printf(&text, "word%d %s", i, i % 10 == 9 ? "\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4\xE6\xB0\xB4 " : "");
  buffer_put(&text, '\n');
  write_corpus("pieces.tsv", buffer_string(&text));
  char *operands[] = {path};
  struct program p = {.name = "trainer_test", .quiet = true, .progress = progress_new("t", "texts", PROGRESS_NEVER)};
  int result = corpus_read(&c, &p, operands, 1, &(struct corpus_options){.piece = 16}, &e);
  ok(result == 0 && c.train_count > 20 && c.label_texts[0] == 1, "a long text gives many pieces (%zu) and counts once for its label", c.train_count);
  bool good = true;
  for (size_t i = 0; i < c.train_count; i++) {
    struct slice piece = corpus_text(&c, c.train[i]).text;
    good &= piece.len <= 32 && piece.len > 0 && (piece.data[0] & 0xC0) != 0x80;
    good &= i == 0 || piece.data[0] == ' ' || (uint8_t)piece.data[0] >= 0x80;
    buffer_append_slice(&joined, piece);
  }
  ok(good && joined.len == text.len - 3 && memcmp(joined.data, text.data + 2, joined.len) == 0, "cut at white space or between characters, and nothing lost");
  progress_free(p.progress);
  corpus_release(&c);
  buffer_release(&text);
  buffer_release(&joined);
}

static void check_bad_input(void) {
  struct corpus c = {0};
  struct err e = {0};
  write_corpus("odd.tsv", "no label here\n\tempty label\nl\t\nl\t__label__l </s> unseen\nl\tword\n");
  ok(read_corpus(&c, 0, 0, &e) == 0 && c.in == 5 && c.bad == 2 && c.train_count == 3, "lines without a label are bad");
  ok(hashmap_find(c.words, SLICE("word")) && !hashmap_find(c.words, SLICE("__label__l")) && !hashmap_find(c.words, SLICE("unseen")), "label-like words and what follows </s> are not counted, as they are not read");
  corpus_release(&c);
  write_corpus("empty.tsv", "");
  struct trainer_options o = settings(1);
  ok(read_corpus(&c, 0, 0, &e) == 0 && trainer_new_model(&c, &o, &e) == NULL && strstr(e.message, "no text"), "nothing to train on is an error");
  corpus_release(&c);
  write_corpus("texts2.tsv", "a\tx y\nb\ty z\n");
  o.bucket = 0;
  ok(read_corpus(&c, 0, 0, &e) == 0 && trainer_new_model(&c, &o, &e) == NULL && e.kind == ERR_USAGE, "n-grams without buckets are a usage error");
  corpus_release(&c);
  struct buffer b = {0};
  for (int i = 0; i < 200000; i++) buffer_printf(&b, "l\tcommon word%d\n", i);
  write_corpus("many.tsv", buffer_string(&b));
  buffer_release(&b);
  ok(read_corpus(&c, 0, 4 << 20, &e) == 0 && c.pruned_below >= 2 && hashmap_find(c.words, SLICE("common")) && hashmap_memory(c.words) <= 8 << 20, "the rarest words go when memory is short");
  corpus_release(&c);
}

int main(void) {
  check_training();
  check_same_bits("softmax", FASTTEXT_SOFTMAX, 0, 100, false);
  check_same_bits("softmax with character n-grams", FASTTEXT_SOFTMAX, 3, 16, true);
  check_same_bits("hs", FASTTEXT_HIERARCHICAL, 0, 350, false); /* one output matrix for all threads */
  check_same_bits("ns", FASTTEXT_NEGATIVE, 3, 9, false);
  check_same_bits("ova", FASTTEXT_ONE_VS_ALL, 0, 150, true);
  check_balance();
  check_labels();
  check_step();
  check_pieces();
  check_bad_input();
  return tap_done();
}
