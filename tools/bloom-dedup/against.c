/* SPDX-License-Identifier: MIT
 *
 * Evaluation sets do not change while the stream is read, so the workers decide.
 */
#include "tools/bloom-dedup/against.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/text/shingles.h"

struct found { /* a worker's */
  struct shingler **shinglers; /* one a length */
  struct shingler *start;      /* of the first words of short texts, NULL: there are none */
  bool started;                /* the unit has such words */
  uint32_t *unit, *document, *items; /* numbers of n-grams, repetitions included until sorted; items that have them */
  size_t unit_count, unit_capacity, document_count, document_capacity, item_count, item_capacity;
  const struct evaluations *evaluations;
};

static void look_up(void *context, const uint64_t *shingles, size_t count) {
  struct found *f = context;
  GROW(f->unit, f->unit_capacity, f->unit_count + count);
  f->unit_count += evaluations_find(f->evaluations, shingles, count, f->unit + f->unit_count);
}

static void look_for_start(void *context, const uint64_t *shingles, size_t count) {
  struct found *f = context;
  f->started = f->started || evaluations_starts(f->evaluations, shingles, count);
}

static int by_number(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static size_t sort_unique(uint32_t *numbers, size_t count) {
  size_t unique = 0;
  if (count) qsort(numbers, count, sizeof *numbers, by_number);
  for (size_t i = 0; i < count; i++)
    if (unique == 0 || numbers[i] != numbers[unique - 1]) numbers[unique++] = numbers[i];
  return unique;
}

/* f->items: for each n-gram each item that has it, sorted, so that an item's count is the length of its run. */
static void gather_items(struct found *f, const uint32_t *numbers, size_t count) {
  f->item_count = 0;
  for (size_t i = 0; i < count; i++) {
    const uint32_t *items;
    size_t n;
    evaluations_items(f->evaluations, numbers[i], &items, &n);
    GROW(f->items, f->item_capacity, f->item_count + n);
    memcpy(f->items + f->item_count, items, n * sizeof *items);
    f->item_count += n;
  }
  if (f->item_count) qsort(f->items, f->item_count, sizeof *f->items, by_number);
}

static size_t run_length(const struct found *f, size_t at) {
  size_t end = at;
  while (end < f->item_count && f->items[end] == f->items[at]) end++;
  return end - at;
}

static double share_of(const struct found *f, size_t at, size_t count) { return (double)count / evaluations_item_ngrams(f->evaluations, f->items[at]); }

static bool is_contaminated(const struct against_options *o, struct found *f) {
  if (f->unit_count == 0) return false;
  if (o->share <= 0) return true;
  gather_items(f, f->unit, f->unit_count);
  for (size_t i = 0, n; i < f->item_count; i += n) {
    n = run_length(f, i);
    if (share_of(f, i, n) >= o->share) return true;
  }
  return false;
}

static struct found *found_of(const struct against_options *o, struct worker *w) {
  if (w->state) return w->state;
  struct found *f = NEW(struct found);
  int count;
  const int *lengths = evaluations_lengths(o->evaluations, &count);
  f->evaluations = o->evaluations;
  f->shinglers = NEW_ARRAY(struct shingler *, (size_t)count);
  for (int i = 0; i < count; i++) f->shinglers[i] = shingler_new(lengths[i]);
  if (evaluations_start_length(o->evaluations)) f->start = shingler_new(evaluations_start_length(o->evaluations));
  return w->state = f;
}

static int take(struct stream *s, struct worker *w, struct batch *b, const struct unit *u, struct err *e) {
  const struct against_options *o = s->method->context;
  struct found *f = found_of(o, w);
  uint64_t unknown = 0;
  int count;
  struct slice text = u->bytes;
  (void)e;
  if (memchr(text.data ? text.data : "", '\\', text.len)) {
    buffer_clear(&w->plain);
    document_unescape(&w->plain, text, &unknown);
    text = buffer_slice(&w->plain);
  }
  evaluations_lengths(o->evaluations, &count);
  f->unit_count = 0;
  f->started = false;
  if (f->start) shingler_run(f->start, text, look_for_start, f);
  for (int i = 0; i < (f->started ? count : 1); i++) shingler_run(f->shinglers[i], text, look_up, f);
  f->unit_count = sort_unique(f->unit, f->unit_count);
  *batch_add_drops(b, 1) = is_contaminated(o, f);
  if (s->report && f->unit_count) {
    GROW(f->document, f->document_capacity, f->document_count + f->unit_count);
    memcpy(f->document + f->document_count, f->unit, f->unit_count * sizeof *f->unit);
    f->document_count += f->unit_count;
  }
  return 0;
}

static int finish(struct stream *s, struct worker *w, struct batch *b, const struct document *d, struct err *e) {
  struct found *f = w->state;
  char number[NUMBER_TEXT];
  (void)s;
  (void)e;
  if (!f || f->document_count == 0) return 0;
  gather_items(f, f->document, sort_unique(f->document, f->document_count));
  f->document_count = 0;
  for (size_t i = 0, n; i < f->item_count; i += n) {
    n = run_length(f, i);
    if (d->id.len) buffer_append_slice(&b->report, d->id);
    else buffer_printf(&b->report, "%s:%llu", b->in.input, (unsigned long long)d->number);
    buffer_put(&b->report, '\t');
    evaluations_item_name(f->evaluations, f->items[i], &b->report);
    buffer_printf(&b->report, "\t%zu\t%s\n", n, number_format(share_of(f, i, n), number));
  }
  return 0;
}

/* The drops are there already. */
static int decide(struct stream *s, struct batch *b, struct err *e) {
  (void)s;
  (void)b;
  (void)e;
  return 0;
}

int against_run(struct stream *s, const struct against_options *o, struct err *e) {
  const struct program *p = s->program;
  struct method method = {.context = (void *)(uintptr_t)o, .reason = "bloom-dedup:contaminated", .take = take, .decide = decide, .finish = s->report ? finish : NULL};
  if (s->report && output_printf(s->report, e, "id\titem\tngrams\tshare\n") != 0) return -1;
  int result = stream_run_operands(s, &method, e);
  int count;
  evaluations_lengths(o->evaluations, &count);
  for (int64_t i = 0; i < p->jobs; i++) {
    struct found *f = s->workers[i].state;
    if (!f) continue;
    for (int k = 0; k < count; k++) shingler_free(f->shinglers[k]);
    free(f->shinglers);
    shingler_free(f->start);
    free(f->unit);
    free(f->document);
    free(f->items);
    free(f);
  }
  return result;
}
