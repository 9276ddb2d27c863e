/* SPDX-License-Identifier: MIT
 *
 * For a text with rows R (see fasttext.h) and label y: h = mean of the rows; p = softmax(O h); a_l = lr ([l = y] - p_l);
 * g = sum of a_l O_l; O_l += a_l h; every row of R += g / |R|.  This is src/model.cc and src/loss.cc of the reference,
 * with the updates of a batch held back until all its texts are computed; the other losses differ in a (loss.h).
 */
#include "tools/qfilter-train/trainer.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/base/rng.h"
#include "common/base/threads.h"
#include "tools/qfilter-train/examples.h"
#include "tools/qfilter-train/loss.h"
#include "tools/qfilter-train/rows.h"

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

/* Rows are visited at random: huge pages save address translations. */
static float *new_matrix(size_t values) {
  enum { HUGE = 2 << 20 };
  size_t bytes = values * sizeof(float) + 64;
  if (bytes < 2 * HUGE) return ALIGNED(64, (bytes + 63) / 64 * 64);
  float *matrix = ALIGNED(HUGE, (bytes + HUGE - 1) / HUGE * HUGE);
#ifdef MADV_HUGEPAGE
  madvise(matrix, bytes, MADV_HUGEPAGE);
#endif
  return matrix;
}

struct filling {
  float *to;
  uint64_t seed;
  float dim;
};

static void fill(void *context, int index, size_t begin, size_t end) { /* uniform in [-1/dim, 1/dim) */
  (void)index;
  const struct filling *f = context;
  for (size_t i = begin; i < end; i++) {
    uint64_t random = splitmix64(f->seed + i / 2);
    f->to[i] = ((float)(uint32_t)(i & 1 ? random >> 40 : random << 32 >> 40) * 0x1p-23f - 1) / f->dim;
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
    m->args = (struct fasttext_args){
        .dim = (int32_t)o->dim, .ws = 5, .epoch = (int32_t)o->epoch, .min_count = (int32_t)o->min_count, .neg = (int32_t)o->neg,
        .word_ngrams = (int32_t)o->word_ngrams, .loss = (int32_t)o->loss, .model = FASTTEXT_SUPERVISED, .bucket = (int32_t)bucket,
        .minn = (int32_t)o->minn, .maxn = (int32_t)o->maxn, .lr_update_rate = 100, .t = 1e-4};
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
    m->input = new_matrix(values);
    m->output = NEW_ARRAY(float, label_count * (size_t)o->dim);
    struct filling f = {m->input, splitmix64(o->seed + 1), (float)o->dim};
    threads_ranges(o->jobs < 1 ? 1 : o->jobs, values, fill, &f);
    fasttext_index(m);
  }
  free(words);
  free(labels);
  return m;
}

/* ---- training */

enum { TEXTS_SHOWN = 256, COPIED = 1024 /* values of an output matrix that each thread copies */ };

struct output_step { /* of one text: what its rows and those of the output matrix move by */
  float *hidden, *gradient;
  struct target *targets;
  size_t count;
  float loss;
};

struct text_state {
  struct example example;
  struct output_step step; /* of a text that one thread sums */
  float *partial;          /* [EXAMPLE_PARTS][dim] sums of a large one's parts */
};

struct training {
  struct fasttext *m;
  const struct trainer_options *options;
  struct examples examples;
  struct loss *loss;
  struct progress *progress;
  int jobs;
  bool copies;              /* each thread has an output matrix of its own and does all its updates: less than waiting */
  float *outputs[EXAMPLE_PARTS]; /* [jobs]; the first one is the model's */
  uint32_t parts[EXAMPLE_PARTS]; /* 0, 1, ... */
  struct output_step *large; /* [jobs][TRAINER_BATCH]: of large texts, which each thread computes for itself */
  struct text_state texts[TRAINER_BATCH];
  uint64_t *order;          /* [order_count] places of the epoch's texts */
  size_t order_count, begin, count; /* the batch: order[begin .. begin + count) */
  int64_t epoch;
  struct rng rng;
  double loss_sum;
  uint64_t losses, shown; /* shown: texts since the progress line was written */
  float lr;
  bool done;
  atomic_int next, arrived;
  atomic_uint generation;
};

/* Parts of the rows that a thread owns. */
static int first_part(const struct training *t, int thread) { return thread * EXAMPLE_PARTS / t->jobs; }

static void mean(const struct training *t, struct output_step *s, size_t count) {
  float scale = (float)(1.0 / (double)count);
  for (int32_t d = 0; d < t->m->args.dim; d++) s->hidden[d] *= scale;
}

/* From the mean of the rows to all steps. */
static void output_layer(const struct training *t, int thread, const struct example *x, size_t place, struct output_step *s) {
  size_t dim = (size_t)t->m->args.dim;
  uint64_t random = splitmix64(t->options->seed ^ splitmix64((uint64_t)t->epoch << 40 ^ place));
  s->count = loss_targets(t->loss, t->outputs[thread], s->hidden, x->labels, x->label_count, t->lr, random, s->targets, &s->loss);
  memset(s->gradient, 0, dim * sizeof *s->gradient);
  for (size_t i = 0; i < s->count; i++) rows_add_scaled(s->gradient, t->outputs[thread] + (size_t)s->targets[i].row * dim, dim, s->targets[i].step);
  float scale = (float)(1.0 / (double)x->count);
  for (size_t d = 0; d < dim; d++) s->gradient[d] *= scale;
}

/* What threads share: texts that are not large, each by whoever takes it. */
static void forward(struct training *t, int thread, size_t i) {
  struct text_state *s = &t->texts[i];
  size_t dim = (size_t)t->m->args.dim;
  struct example *x = &s->example;
  if (!t->examples.kept) example_read(&t->examples, t->order[t->begin + i], x);
  if (t->jobs > 1 || !t->examples.kept) example_split(&t->examples, x); /* equal rows meet in the order by part: it has to be that of one thread too */
  if (x->count == 0 || example_large(x)) return;
  memset(s->step.hidden, 0, dim * sizeof *s->step.hidden);
  rows_add(t->m->input, dim, x->ids, x->count, x->count, s->step.hidden);
  mean(t, &s->step, x->count);
  output_layer(t, thread, x, t->begin + i, &s->step);
}

static void sum_own_parts(struct training *t, int thread) {
  size_t dim = (size_t)t->m->args.dim;
  int begin = first_part(t, thread), end = first_part(t, thread + 1);
  for (size_t i = 0; i < t->count; i++) {
    struct text_state *s = &t->texts[i];
    const struct example *x = &s->example;
    if (!example_large(x)) continue;
    float *partial = s->partial;
    memset(partial + (size_t)begin * dim, 0, (size_t)(end - begin) * dim * sizeof *partial);
    for (int p = begin; p < end; p++) rows_add(t->m->input, dim, x->by_part + x->starts[p], x->starts[p + 1] - x->starts[p], x->starts[end] - x->starts[p], partial + (size_t)p * dim);
  }
}

static void join_parts(struct training *t, int thread) {
  size_t dim = (size_t)t->m->args.dim;
  for (size_t i = 0; i < t->count; i++) {
    const struct text_state *s = &t->texts[i];
    if (!example_large(&s->example)) continue;
    struct output_step *step = &t->large[(size_t)thread * TRAINER_BATCH + i];
    memset(step->hidden, 0, dim * sizeof *step->hidden);
    rows_add(s->partial, dim, t->parts, EXAMPLE_PARTS, EXAMPLE_PARTS, step->hidden);
    mean(t, step, s->example.count);
    output_layer(t, thread, &s->example, t->begin + i, step);
  }
}

static const struct output_step *step_of(const struct training *t, int thread, size_t i) {
  return example_large(&t->texts[i].example) ? &t->large[(size_t)thread * TRAINER_BATCH + i] : &t->texts[i].step;
}

static void update_own_rows(struct training *t, int thread) {
  size_t dim = (size_t)t->m->args.dim;
  int begin = first_part(t, thread), end = first_part(t, thread + 1);
  for (size_t i = 0; i < t->count; i++) {
    const struct example *x = &t->texts[i].example;
    const uint32_t *ids = x->by_part ? x->by_part + x->starts[begin] : x->ids;
    size_t count = x->by_part ? x->starts[end] - x->starts[begin] : x->count;
    rows_update(t->m->input, dim, ids, count, count, step_of(t, thread, i)->gradient);
  }
}

/* All rows of the thread's copy, or those that it owns of the one matrix. */
static void update_outputs(struct training *t, int thread) {
  size_t dim = (size_t)t->m->args.dim;
  for (size_t i = 0; i < t->count; i++) {
    const struct output_step *s = step_of(t, thread, i);
    if (t->texts[i].example.count == 0) continue;
    for (size_t k = 0; k < s->count; k++)
      if (t->copies || s->targets[k].row % t->jobs == thread) rows_add_scaled(t->outputs[thread] + (size_t)s->targets[k].row * dim, s->hidden, dim, s->targets[k].step);
  }
}

/* The places of an epoch's texts: each once, or with `balance` so often that all labels come about equally often. */
static void order_epoch(struct training *t) {
  const struct examples *x = &t->examples;
  if (t->options->balance) {
    uint64_t *texts = NEW_ARRAY(uint64_t, (size_t)t->m->labels);
    int32_t labels = 0;
    for (size_t i = 0; i < x->count; i++) labels += texts[examples_label(x, x->place[i])]++ == 0;
    size_t capacity = t->order_count;
    t->order_count = 0;
    for (size_t i = 0; i < x->count; i++) {
      double times = (double)x->count / ((double)labels * (double)texts[examples_label(x, x->place[i])]);
      uint64_t copies = (uint64_t)(times + rng_double(&t->rng));
      GROW(t->order, capacity, t->order_count + copies);
      for (uint64_t c = 0; c < copies; c++) t->order[t->order_count++] = x->place[i];
    }
    free(texts);
  } else if (t->order_count == 0) {
    t->order = NEW_ARRAY(uint64_t, x->count);
    memcpy(t->order, x->place, x->count * sizeof *t->order);
    t->order_count = x->count;
  }
  for (size_t i = t->order_count; i > 1; i--) { /* Fisher and Yates */
    size_t j = rng_below(&t->rng, i);
    uint64_t swap = t->order[i - 1];
    t->order[i - 1] = t->order[j];
    t->order[j] = swap;
  }
}

/* Between batches, by one thread: the next batch, or done. */
static void advance(struct training *t) {
  const struct trainer_options *o = t->options;
  for (size_t i = 0; i < t->count; i++) {
    if (t->texts[i].example.count == 0) continue;
    t->loss_sum += (double)step_of(t, 0, i)->loss;
    t->losses++;
  }
  t->shown += t->count;
  if (t->shown >= TEXTS_SHOWN) {
    progress_text(t->progress, "epoch %lld of %lld, %zu of %zu texts, lr %.4f, loss %.4f", (long long)t->epoch + 1, (long long)o->epoch,
                  t->begin + t->count, t->order_count, (double)t->lr, t->losses ? t->loss_sum / (double)t->losses : 0);
    progress_add(t->progress, 0, t->shown);
    t->shown = 0;
  }
  t->begin += t->count;
  t->count = 0;
  while (t->begin == t->order_count) {
    if (++t->epoch >= o->epoch) {
      t->done = true;
      return;
    }
    t->begin = 0;
    t->loss_sum = 0;
    t->losses = 0;
    order_epoch(t);
  }
  size_t room = TRAINER_BATCH_VALUES / (size_t)t->m->args.dim;
  for (size_t size = 0; t->count < TRAINER_BATCH && t->begin + t->count < t->order_count; t->count++) {
    size += examples_size(&t->examples, t->order[t->begin + t->count]);
    if (t->count && size > room) break;
    if (t->examples.kept) example_read(&t->examples, t->order[t->begin + t->count], &t->texts[t->count].example);
  }
  t->lr = (float)(o->lr * (1 - ((double)t->epoch + (double)t->begin / (double)t->order_count) / (double)o->epoch));
  atomic_store(&t->next, 0);
}

/* Waits for all threads; the last one to come does `last`.  Spins shortly, for a batch takes less than going to sleep
 * and coming back. */
static void barrier(struct training *t, void (*last)(struct training *t)) {
  unsigned generation = atomic_load(&t->generation);
  if (atomic_fetch_add(&t->arrived, 1) == t->jobs - 1) {
    if (last) last(t);
    atomic_store(&t->arrived, 0);
    atomic_fetch_add(&t->generation, 1);
    return;
  }
  for (int spins = 0; atomic_load_explicit(&t->generation, memory_order_acquire) == generation; spins++)
    if (spins > 2000) sched_yield();
}

/* Rows are read before the barrier in the middle and changed after it, each by its owner; outputs, where there is one
 * matrix, are read up to the barrier after that, and changed then. */
static void train(void *context, int thread) {
  struct training *t = context;
  for (;;) {
    if (t->done) return;
    for (int i; (i = atomic_fetch_add(&t->next, 1)) < (int)t->count;) forward(t, thread, (size_t)i);
    if (!t->examples.kept) barrier(t, NULL); /* large ones are read */
    sum_own_parts(t, thread);
    barrier(t, NULL);
    join_parts(t, thread);
    update_own_rows(t, thread);
    if (!t->copies) barrier(t, NULL);
    update_outputs(t, thread);
    barrier(t, advance);
  }
}

static struct output_step new_step(const struct training *t) {
  size_t dim = (size_t)t->m->args.dim;
  return (struct output_step){.hidden = NEW_ARRAY(float, dim), .gradient = NEW_ARRAY(float, dim), .targets = NEW_ARRAY(struct target, loss_most_targets(t->loss))};
}

static void free_step(struct output_step *s) {
  free(s->hidden);
  free(s->gradient);
  free(s->targets);
}

static void run(struct training *t) {
  size_t dim = (size_t)t->m->args.dim;
  t->loss = loss_new(t->m);
  t->large = NEW_ARRAY(struct output_step, (size_t)t->jobs * TRAINER_BATCH);
  for (int i = 0; i < TRAINER_BATCH; i++) {
    t->texts[i].step = new_step(t);
    t->texts[i].partial = NEW_ARRAY(float, EXAMPLE_PARTS * dim);
  }
  for (size_t i = 0; i < (size_t)t->jobs * TRAINER_BATCH; i++) t->large[i] = new_step(t);
  for (uint32_t p = 0; p < EXAMPLE_PARTS; p++) t->parts[p] = p;
  size_t values = (size_t)t->m->labels * dim;
  t->copies = values <= COPIED;
  for (int j = 0; j < t->jobs; j++) {
    t->outputs[j] = t->m->output;
    if (j && t->copies) t->outputs[j] = COPY(t->m->output, values * sizeof(float));
  }
  rng_init(&t->rng, t->options->seed);
  t->epoch = -1;
  advance(t);
  threads_run(t->jobs, train, t);
  for (int i = 0; i < TRAINER_BATCH; i++) {
    example_release(&t->texts[i].example);
    free_step(&t->texts[i].step);
    free(t->texts[i].partial);
  }
  for (size_t i = 0; i < (size_t)t->jobs * TRAINER_BATCH; i++) free_step(&t->large[i]);
  for (int j = 1; t->copies && j < t->jobs; j++) free(t->outputs[j]);
  free(t->large);
  free(t->order);
  loss_free(t->loss);
}

int trainer_run(struct fasttext *m, const struct corpus *c, const struct trainer_options *o, struct progress *progress, double *loss, struct err *e) {
  *loss = 0;
  if (o->epoch == 0) return 0;
  int jobs = o->jobs < 1 ? 1 : o->jobs;
  struct training t = {.m = m, .options = o, .progress = progress, .jobs = jobs > EXAMPLE_PARTS ? EXAMPLE_PARTS : jobs};
  int result = examples_new(&t.examples, m, c, jobs, o->folder, e);
  if (result == 0 && t.examples.count) {
    run(&t);
    *loss = t.losses ? t.loss_sum / (double)t.losses : 0;
  }
  examples_release(&t.examples);
  return result;
}
