/* SPDX-License-Identifier: MIT
 *
 * For a text with rows R (see fasttext.h) and label y: h = mean of the rows; p = softmax(O h); a_l = lr ([l = y] - p_l);
 * g = sum of a_l O_l; O_l += a_l h; every row of R += g / |R|.  This is src/model.cc and src/loss.cc of the reference,
 * with the updates of a batch held back until all its texts are computed.
 */
#include "tools/qfilter-train/trainer.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/base/rng.h"
#include "common/base/threads.h"
#include "common/io/output.h"

/* ---- dictionary */

struct counted {
  struct slice text;
  uint64_t count;
  size_t order;
};

static int compare_counted(const void *a, const void *b) { /* most frequent first, then first seen */
  const struct counted *x = a, *y = b;
  if (x->count != y->count) return x->count > y->count ? -1 : 1;
  return (x->order > y->order) - (x->order < y->order);
}

static size_t collect(struct counted *to, const struct hashmap *map, const uint64_t *counts, int64_t least, bool keep_end) {
  const struct hashmap_entry *entries = hashmap_entries(map);
  size_t kept = 0;
  for (size_t i = 0; i < hashmap_count(map); i++) {
    uint64_t count = counts ? counts[entries[i].value] : entries[i].value;
    if (count == 0 || ((int64_t)count < least && !(keep_end && slice_equal(entries[i].key, SLICE("</s>"))))) continue;
    to[kept++] = (struct counted){entries[i].key, count, i};
  }
  qsort(to, kept, sizeof *to, compare_counted);
  return kept;
}

static void set_entries(struct fasttext_entry *to, const struct counted *from, size_t n, char **strings) {
  for (size_t i = 0; i < n; i++) {
    memcpy(*strings, from[i].text.data, from[i].text.len);
    to[i] = (struct fasttext_entry){{*strings, from[i].text.len}, (int64_t)from[i].count, fasttext_hash(*strings, from[i].text.len)};
    *strings += from[i].text.len;
  }
}

struct fasttext *trainer_new_model(const struct corpus *c, const struct trainer_options *o, struct err *e) {
  struct counted *words = NEW_ARRAY(struct counted, hashmap_count(c->words) + 1);
  struct counted *labels = NEW_ARRAY(struct counted, c->label_count + 1);
  size_t word_count = collect(words, c->words, NULL, o->min_count, true);
  size_t label_count = collect(labels, c->labels, c->label_texts, o->min_count_label, false);
  bool ngrams = o->word_ngrams > 1 || o->maxn > 0;
  int64_t bucket = ngrams ? o->bucket : 0;
  struct fasttext *m = NULL;
  if (label_count == 0) {
    err_set(e, c->train_count ? "no label has --min-count-label texts" : "no text to train on");
  } else if (ngrams && bucket < 1) {
    err_usage(e, "--bucket must be at least 1 with --maxn or --word-ngrams");
  } else if (word_count + label_count + (uint64_t)bucket > INT32_MAX) {
    err_set(e, "%zu words and %lld buckets are more than a model can hold; raise --min-count", word_count, (long long)bucket);
  } else {
    m = NEW(struct fasttext);
    m->args = (struct fasttext_args){.dim = (int32_t)o->dim, .ws = 5, .epoch = (int32_t)o->epoch, .min_count = (int32_t)o->min_count, .neg = 5, .word_ngrams = (int32_t)o->word_ngrams, .loss = FASTTEXT_SOFTMAX, .model = FASTTEXT_SUPERVISED, .bucket = (int32_t)bucket, .minn = (int32_t)o->minn, .maxn = (int32_t)o->maxn, .lr_update_rate = 100, .t = 1e-4};
    m->words = (int32_t)word_count;
    m->labels = (int32_t)label_count;
    m->tokens = (int64_t)c->tokens;
    size_t bytes = 0;
    for (size_t i = 0; i < word_count; i++) bytes += words[i].text.len;
    for (size_t i = 0; i < label_count; i++) bytes += labels[i].text.len;
    m->strings = MALLOC(bytes + 1);
    m->entries = NEW_ARRAY(struct fasttext_entry, word_count + label_count);
    char *strings = m->strings;
    set_entries(m->entries, words, word_count, &strings);
    set_entries(m->entries + word_count, labels, label_count, &strings);
    size_t values = (word_count + (size_t)bucket) * (size_t)o->dim;
    m->input = ALIGNED(64, (values * sizeof(float) + 127) / 64 * 64);
    m->output = NEW_ARRAY(float, label_count * (size_t)o->dim);
    uint64_t seed = splitmix64(o->seed + 1);
    for (size_t i = 0; i < values; i++) /* uniform in [-1/dim, 1/dim) */
      m->input[i] = ((float)(splitmix64(seed + i) >> 40) * 0x1p-23f - 1) / (float)o->dim;
    fasttext_index(m);
  }
  free(words);
  free(labels);
  return m;
}

/* Index of each of the corpus's labels in the model, -1 when it was left out. */
static int32_t *map_labels(const struct fasttext *m, const struct corpus *c) {
  int32_t *map = NEW_ARRAY(int32_t, c->label_count + 1);
  const struct hashmap_entry *entries = hashmap_entries(c->labels);
  for (size_t i = 0; i < c->label_count; i++) {
    int64_t entry = fasttext_find(m, entries[i].key.data, entries[i].key.len, fasttext_hash(entries[i].key.data, entries[i].key.len));
    map[i] = entry >= m->words ? (int32_t)(entry - m->words) : -1;
  }
  return map;
}

/* ---- training */

struct text_state {
  struct fasttext_line line;
  float *hidden, *step, *gradient; /* step[l] = lr ([l = y] - p_l) */
  float loss;
  bool used;
};

struct training {
  struct fasttext *m;
  struct corpus *corpus;
  const int32_t *labels;
  struct progress *progress;
  int jobs;
  struct text_state texts[TRAINER_BATCH];
  size_t begin, count; /* the batch: corpus->train[begin .. begin + count) */
  float lr;
  bool done;
  atomic_int next, arrived;
  atomic_uint generation;
};

/* Waits for all threads; spins shortly, for a batch takes less than going to sleep and coming back. */
static void barrier(struct training *t) {
  if (t->jobs == 1) return;
  unsigned generation = atomic_load(&t->generation);
  if (atomic_fetch_add(&t->arrived, 1) == t->jobs - 1) {
    atomic_store(&t->arrived, 0);
    atomic_store(&t->next, 0);
    atomic_fetch_add(&t->generation, 1);
    return;
  }
  for (int spins = 0; atomic_load_explicit(&t->generation, memory_order_acquire) == generation; spins++)
    if (spins > 2000) sched_yield();
}

static void forward(struct training *t, struct text_state *s, uint64_t offset) {
  const struct fasttext *m = t->m;
  size_t dim = (size_t)m->args.dim;
  struct corpus_text text = corpus_text(t->corpus, offset);
  int32_t label = t->labels[text.label];
  s->used = false;
  s->loss = 0;
  if (label < 0) return;
  fasttext_line_read(m, text.text, &s->line);
  if (s->line.count == 0) return;
  s->used = true;
  memset(s->hidden, 0, dim * sizeof *s->hidden);
  fasttext_add_rows(m, s->line.ids, s->line.count, s->hidden);
  float scale = (float)(1.0 / (double)s->line.count);
  for (size_t d = 0; d < dim; d++) s->hidden[d] *= scale;
  fasttext_softmax(m, s->hidden, s->step);
  s->loss = -logf(s->step[label] + 1e-5f);
  memset(s->gradient, 0, dim * sizeof *s->gradient);
  for (int32_t l = 0; l < m->labels; l++) {
    s->step[l] = t->lr * ((float)(l == label) - s->step[l]);
    const float *row = m->output + (size_t)l * dim;
    float step = s->step[l];
    float *restrict gradient = s->gradient;
#pragma omp simd
    for (size_t d = 0; d < dim; d++) gradient[d] += step * row[d];
  }
  for (size_t d = 0; d < dim; d++) s->gradient[d] *= scale;
}

/* Thread `index` owns the rows whose number is index modulo jobs. */
static void update(struct training *t, int index) {
  struct fasttext *m = t->m;
  size_t dim = (size_t)m->args.dim;
  uint32_t jobs = (uint32_t)t->jobs;
  for (size_t i = 0; i < t->count; i++) {
    const struct text_state *s = &t->texts[i];
    if (!s->used) continue;
    for (int32_t l = index; l < m->labels; l += t->jobs) {
      float *restrict row = m->output + (size_t)l * dim;
      float step = s->step[l];
#pragma omp simd
      for (size_t d = 0; d < dim; d++) row[d] += step * s->hidden[d];
    }
    const uint32_t *ids = s->line.ids;
    for (size_t k = 0; k < s->line.count; k++) {
      if (k + 16 < s->line.count) __builtin_prefetch(m->input + (size_t)ids[k + 16] * dim, 1);
      if (jobs > 1 && ids[k] % jobs != (uint32_t)index) continue;
      float *restrict row = m->input + (size_t)ids[k] * dim;
      const float *gradient = s->gradient;
#pragma omp simd
      for (size_t d = 0; d < dim; d++) row[d] += gradient[d];
    }
  }
}

struct schedule {
  struct training *training;
  const struct trainer_options *options;
  double loss;
  uint64_t losses;
};

/* Thread 0, between batches: the next batch, or done. */
static void advance(struct schedule *schedule, int64_t *epoch, struct rng *rng) {
  struct training *t = schedule->training;
  const struct trainer_options *o = schedule->options;
  uint64_t bytes = 0;
  for (size_t i = 0; i < t->count; i++) {
    if (t->texts[i].used) {
      schedule->loss += (double)t->texts[i].loss;
      schedule->losses++;
    }
    bytes += corpus_text(t->corpus, t->corpus->train[t->begin + i]).text.len;
  }
  if (t->count) {
    progress_text(t->progress, "epoch %lld of %lld, %zu of %zu texts, lr %.4f, loss %.4f", (long long)*epoch + 1, (long long)o->epoch, t->begin + t->count, t->corpus->train_count, (double)t->lr, schedule->losses ? schedule->loss / (double)schedule->losses : 0);
    progress_add(t->progress, bytes, t->count);
  }
  t->begin += t->count;
  t->count = 0;
  if (t->begin == t->corpus->train_count) {
    t->begin = 0;
    ++*epoch;
  }
  if (*epoch >= o->epoch) {
    t->done = true;
    return;
  }
  if (t->begin == 0) {
    schedule->loss = 0;
    schedule->losses = 0;
    for (size_t i = t->corpus->train_count; i > 1; i--) { /* Fisher and Yates */
      size_t j = rng_below(rng, i);
      uint64_t swap = t->corpus->train[i - 1];
      t->corpus->train[i - 1] = t->corpus->train[j];
      t->corpus->train[j] = swap;
    }
  }
  size_t left = t->corpus->train_count - t->begin;
  t->count = left < TRAINER_BATCH ? left : TRAINER_BATCH;
  double progress = ((double)*epoch + (double)t->begin / (double)t->corpus->train_count) / (double)o->epoch;
  t->lr = (float)(o->lr * (1 - progress));
}

static void train(void *context, int index) {
  struct schedule *schedule = context;
  struct training *t = schedule->training;
  struct rng rng;
  rng_init(&rng, schedule->options->seed);
  int64_t epoch = 0;
  for (;;) {
    if (index == 0) advance(schedule, &epoch, &rng);
    barrier(t);
    if (t->done) return;
    for (int i; (i = atomic_fetch_add(&t->next, 1)) < (int)t->count;) forward(t, &t->texts[i], t->corpus->train[t->begin + (size_t)i]);
    barrier(t);
    update(t, index);
    barrier(t);
    if (t->jobs == 1) atomic_store(&t->next, 0);
  }
}

double trainer_run(struct fasttext *m, struct corpus *c, const struct trainer_options *o, struct progress *progress) {
  if (c->train_count == 0 || o->epoch == 0) return 0;
  int32_t *labels = map_labels(m, c);
  struct training t = {.m = m, .corpus = c, .labels = labels, .progress = progress, .jobs = o->jobs < 1 ? 1 : o->jobs};
  for (int i = 0; i < TRAINER_BATCH; i++) {
    t.texts[i].hidden = NEW_ARRAY(float, (size_t)m->args.dim);
    t.texts[i].gradient = NEW_ARRAY(float, (size_t)m->args.dim);
    t.texts[i].step = NEW_ARRAY(float, (size_t)m->labels);
  }
  struct schedule schedule = {.training = &t, .options = o};
  threads_run(t.jobs, train, &schedule);
  for (int i = 0; i < TRAINER_BATCH; i++) {
    fasttext_line_release(&t.texts[i].line);
    free(t.texts[i].hidden);
    free(t.texts[i].gradient);
    free(t.texts[i].step);
  }
  free(labels);
  return schedule.losses ? schedule.loss / (double)schedule.losses : 0;
}

/* ---- testing */

struct testing {
  const struct fasttext *m;
  const struct corpus *corpus;
  const int32_t *labels;
  int32_t *predicted; /* [test_count], -1 none */
};

static void predict(void *context, int index, size_t begin, size_t end) {
  (void)index;
  struct testing *t = context;
  struct fasttext_scores scores = {0};
  for (size_t i = begin; i < end; i++) {
    fasttext_predict(t->m, corpus_text(t->corpus, t->corpus->test[i]).text, &scores);
    t->predicted[i] = scores.best;
  }
  fasttext_scores_release(&scores);
}

struct trainer_report trainer_test(const struct fasttext *m, const struct corpus *c, int jobs) {
  int32_t *labels = map_labels(m, c);
  struct testing t = {m, c, labels, NEW_ARRAY(int32_t, c->test_count + 1)};
  threads_ranges(jobs, c->test_count, predict, &t);
  struct trainer_report r = {.texts = c->test_count, .labels = NEW_ARRAY(struct label_result, (size_t)m->labels)};
  for (size_t i = 0; i < c->test_count; i++) {
    int32_t label = labels[corpus_text(c, c->test[i]).label];
    if (label < 0) r.unknown++;
    else r.labels[label].texts++;
    if (t.predicted[i] >= 0) r.labels[t.predicted[i]].predicted++;
    if (label >= 0 && label == t.predicted[i]) {
      r.correct++;
      r.labels[label].correct++;
    }
  }
  free(labels);
  free(t.predicted);
  return r;
}

/* ---- the file */

static int save_matrix(const float *values, int64_t rows, int64_t columns, struct output *out, struct err *e) {
  uint8_t quantised = 0;
  int64_t shape[2] = {rows, columns};
  if (output_write(out, &quantised, 1, e) != 0 || output_write(out, shape, sizeof shape, e) != 0) return -1;
  return output_write(out, values, (size_t)(rows * columns) * sizeof *values, e);
}

int trainer_save(const struct fasttext *m, struct output *out, struct err *e) {
  struct buffer head = {0};
  int32_t start[2] = {FASTTEXT_MAGIC, FASTTEXT_VERSION}, sizes[3] = {m->words + m->labels, m->words, m->labels};
  int64_t counts[2] = {m->tokens, -1}; /* -1: not pruned */
  buffer_append(&head, start, sizeof start);
  buffer_append(&head, &m->args, 12 * sizeof(int32_t));
  buffer_append(&head, &m->args.t, sizeof m->args.t);
  buffer_append(&head, sizes, sizeof sizes);
  buffer_append(&head, counts, sizeof counts);
  for (int32_t i = 0; i < m->words + m->labels; i++) {
    int8_t type = i >= m->words;
    buffer_append_slice(&head, m->entries[i].text);
    buffer_put(&head, 0);
    buffer_append(&head, &m->entries[i].count, 8);
    buffer_append(&head, &type, 1);
  }
  int result = output_write(out, head.data, head.len, e);
  buffer_release(&head);
  if (result != 0) return -1;
  if (save_matrix(m->input, (int64_t)m->words + m->args.bucket, m->args.dim, out, e) != 0) return -1;
  return save_matrix(m->output, m->labels, m->args.dim, out, e);
}
