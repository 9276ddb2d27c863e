/* SPDX-License-Identifier: MIT
 *
 * Whole units of a filter or a set (duplicates.c), n-grams of a filter (ngrams.c), n-grams of evaluation sets (against.c),
 * or no documents at all: filters joined.
 */
#include "tools/bloom-dedup/dedup.h"

#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/io/output.h"
#include "tools/bloom-dedup/against.h"
#include "tools/bloom-dedup/duplicates.h"
#include "tools/bloom-dedup/filter_file.h"
#include "tools/bloom-dedup/ngrams.h"

static const double unit_rate = 1e-4, ngram_rate = .01, ngram_threshold = .8;
enum { AGAINST_NGRAM = 13, LEAST_WORDS = 5 };

/* ---- the command line */

static int check(const struct program *p, const struct dedup_options *o, struct err *e) {
  bool against = o->against.count > 0, ngrams = o->ngram > 0 && !against;
  if (o->merge && !o->save) return err_usage(e, "--merge needs --save FILE for what it makes");
  if (o->merge && p->operand_count == 0) return err_usage(e, "--merge joins the filters that its operands name");
  if (o->merge && (against || o->load.count || o->exact || o->frozen)) return err_usage(e, "--merge reads filters only: no --load, --against, --exact or --frozen");
  if (o->exact && (o->load.count || o->save || o->capacity || o->rate > 0 || o->frozen)) return err_usage(e, "--exact has no filter: no --load, --save, --capacity, --fp or --frozen");
  if (o->exact && (against || ngrams)) return err_usage(e, "--exact is for whole units, without --ngram and --against");
  if (against && (o->load.count || o->save || o->capacity || o->rate > 0 || o->frozen)) return err_usage(e, "--against has no filter: no --load, --save, --capacity, --fp or --frozen");
  if (o->report && !against) return err_usage(e, "--report is for --against");
  if (o->keep == 1 && (against || ngrams || o->frozen)) return err_usage(e, "--keep none is for whole units, without --ngram, --against and --frozen");
  if (o->normalize && (against || ngrams)) return err_usage(e, "--normalize is for whole units: words of n-grams are lower case without punctuation anyway");
  if (o->threshold >= 0 && !against && !ngrams) return err_usage(e, "--threshold is for --ngram and --against");
  if (o->least_words > 0 && !against && !ngrams) return err_usage(e, "--min-words is for --ngram and --against");
  if (o->load.count && (o->capacity || o->rate > 0)) return err_usage(e, "a loaded filter has its --capacity and --fp");
  if (o->frozen && !o->load.count) return err_usage(e, "--frozen needs --load FILE");
  if (o->frozen && o->save) return err_usage(e, "--frozen changes no filter that --save could write");
  const char *paths[] = {o->merge ? NULL : p->output ? p->output : "-", p->rejects_path, p->stats_path, o->save, o->report};
  for (int i = 0; i < 5; i++)
    for (int k = 0; k < i; k++)
      if (paths[i] && paths[k] && strncmp(paths[i], "/dev/", 5) && strcmp(paths[i], paths[k]) == 0) return err_usage(e, "%s: two outputs go there", paths[i]);
  return 0;
}

/* ---- the filter */

static struct filter_kind kind_of(const struct program *p, const struct dedup_options *o) {
  struct filter_kind kind = {.seed = (uint64_t)p->seed, .ngram = (uint32_t)o->ngram, .normalize = o->normalize};
  snprintf(kind.unit, sizeof kind.unit, "%s", o->unit);
  return kind;
}

static void describe(struct program *p, const struct filter *f) {
  char bytes[NUMBER_TEXT], units[NUMBER_TEXT], rate[NUMBER_TEXT];
  program_verbose(p, "a filter of %s, %llu blocks of 8 words, %d bits of each: false positives at a rate of %s with %s units", number_bytes((double)filter_bytes(&f->plan), bytes),
                  (unsigned long long)f->plan.blocks, f->plan.bits, number_format(f->plan.rate, rate), number_thousands(f->plan.capacity, units));
}

static int load_filter(struct program *p, const struct dedup_options *o, struct filter *f, struct err *e) {
  struct filter_kind kind = kind_of(p, o);
  uint64_t memory = (uint64_t)p->memory / (o->keep == 1 ? 2 : 1);
  bool map = o->frozen && o->load.count == 1;
  if (filter_load(f, &kind, o->load.items[0], map ? 0 : memory, map, e) != 0) return -1;
  for (int i = 1; i < o->load.count; i++)
    if (filter_merge(f, &kind, o->load.items[i], e) != 0) return -1;
  return 0;
}

static int plan_filter(const struct program *p, const struct dedup_options *o, struct filter_plan *plan, struct err *e) {
  double rate = o->rate > 0 ? o->rate : o->ngram > 0 ? ngram_rate : unit_rate;
  uint64_t filters = o->keep == 1 ? 2 : 1, memory = (uint64_t)p->memory;
  char needed[NUMBER_TEXT], given[NUMBER_TEXT];
  if (!o->capacity) {
    filter_plan_memory(memory / 8 / filters, rate, plan);
    return 0;
  }
  if (filter_plan((uint64_t)o->capacity, rate, plan) != 0) return err_usage(e, "--capacity %lld: no memory holds such a filter", (long long)o->capacity);
  uint64_t bytes = filter_bytes(plan);
  if (bytes > memory / filters && bytes > FILTER_BLOCK)
    return err_usage(e, "--capacity %lld at --fp %s takes %s: -S allows %s", (long long)o->capacity, number_format(rate, given), number_bytes((double)bytes * (double)filters, needed),
                     number_bytes((double)memory, (char[NUMBER_TEXT]){0}));
  return 0;
}

static int open_filter(struct program *p, const struct dedup_options *o, struct filter *f, struct err *e) {
  struct filter_plan plan;
  if (o->load.count) {
    if (load_filter(p, o, f, e) != 0) return -1;
  } else if (plan_filter(p, o, &plan, e) != 0 || filter_init(f, &plan, e) != 0) {
    return -1;
  }
  describe(p, f);
  return 0;
}

/* What a user has to know of the filter after the run. */
static void report_filter(struct program *p, const struct dedup_options *o, const struct filter *f, uint64_t before) {
  const struct filter_plan *plan = &f->plan;
  double told = filter_units(f->inserted, plan->blocks, plan->bits), rate = filter_rate(told, plan->blocks, plan->bits);
  stats_int(p->stats, "filter.blocks", (int64_t)plan->blocks);
  stats_int(p->stats, "filter.bits_per_word", plan->bits);
  stats_int(p->stats, "filter.bytes", (int64_t)filter_bytes(plan));
  stats_int(p->stats, "filter.capacity", (int64_t)plan->capacity);
  stats_int(p->stats, "filter.inserted", (int64_t)f->inserted);
  stats_double(p->stats, "filter.fp", plan->rate);
  stats_double(p->stats, "filter.rate", rate);
  if (!o->merge && !o->frozen)
    stats_double(p->stats, "filter.expected_false", told - filter_units(before, plan->blocks, plan->bits) - (double)(f->inserted - before));
  char units[NUMBER_TEXT], capacity[NUMBER_TEXT], now[NUMBER_TEXT], wanted[NUMBER_TEXT];
  number_thousands(told < 0x1p63 ? (uint64_t)told : UINT64_MAX, units); /* a file may tell any number */
  number_thousands(plan->capacity, capacity);
  snprintf(now, sizeof now, "%.3g", rate);
  snprintf(wanted, sizeof wanted, "%.3g", plan->rate);
  if (told > (double)plan->capacity * 1.001)
    program_warn(p, "the filter is full: it holds %s units, its capacity is %s; of new units %s are now taken for known ones, not %s: give more --capacity or -S", units, capacity, now, wanted);
  else
    program_verbose(p, "the filter holds %s units of %s; of new ones %s are taken for known", units, capacity, now);
}

static int save_filter(struct program *p, const struct dedup_options *o, const struct filter *f, struct err *e) {
  struct filter_kind kind = kind_of(p, o);
  return o->save ? filter_save(f, &kind, o->save, OUTPUT_BINARY | (p->force ? OUTPUT_FORCE : 0), e) : 0;
}

/* ---- methods */

static int run_against(struct program *p, const struct dedup_options *o, struct err *e) {
  struct stream s;
  int least = o->least_words > 0 ? (int)o->least_words : LEAST_WORDS;
  struct evaluations *v = evaluations_new(o->ngram > 0 ? (int)o->ngram : AGAINST_NGRAM, least, (size_t)p->memory / 2);
  struct against_options options = {.evaluations = v, .share = o->threshold};
  int result = stream_open(&s, p, o->kind, (size_t)o->short_length, o->report, e);
  for (int i = 0; result == 0 && i < o->against.count; i++) result = evaluations_add(v, o->against.items[i], e);
  if (result == 0) {
    evaluations_close(v);
    struct evaluation_counts c = evaluations_counts(v);
    stats_int(p->stats, "evaluations.items", (int64_t)c.items);
    stats_int(p->stats, "evaluations.ngrams", (int64_t)c.ngrams);
    stats_int(p->stats, "evaluations.short_texts", (int64_t)c.short_texts);
    if (c.ngrams == 0) program_warn(p, "the evaluation sets have no text of %d words", least);
    s.report_only = o->report != NULL;
    result = against_run(&s, &options, e);
  }
  result = stream_close(&s, result, e);
  evaluations_free(v);
  return result;
}

static int run_filter(struct program *p, const struct dedup_options *o, struct err *e) {
  struct stream s;
  struct filter f = {0};
  int result = stream_open(&s, p, o->kind, (size_t)o->short_length, NULL, e);
  if (result == 0) result = open_filter(p, o, &f, e);
  uint64_t before = f.inserted;
  bool opened = result == 0;
  if (opened && o->ngram > 0) {
    struct ngrams_options ngrams = {.filter = &f, .frozen = o->frozen, .ngram = (int)o->ngram, .least_words = o->least_words > 0 ? (int)o->least_words : LEAST_WORDS,
                                    .threshold = o->threshold >= 0 ? o->threshold : ngram_threshold, .seed = (uint64_t)p->seed};
    result = ngrams_run(&s, &ngrams, e);
  } else if (opened) {
    struct duplicates_options duplicates = {.filter = &f, .frozen = o->frozen, .keep_none = o->keep == 1, .normalize = o->normalize, .seed = (uint64_t)p->seed, .memory = (size_t)p->memory};
    result = duplicates_run(&s, &duplicates, e);
  }
  if (opened) report_filter(p, o, &f, before);
  result = stream_close(&s, result, e);
  if (result == 0) result = save_filter(p, o, &f, e);
  filter_release(&f);
  return result;
}

static int run_exact(struct program *p, const struct dedup_options *o, struct err *e) {
  struct stream s;
  struct duplicates_options duplicates = {.keep_none = o->keep == 1, .normalize = o->normalize, .seed = (uint64_t)p->seed, .memory = (size_t)p->memory};
  int result = stream_open(&s, p, o->kind, (size_t)o->short_length, NULL, e);
  if (result == 0) result = duplicates_run(&s, &duplicates, e);
  return stream_close(&s, result, e);
}

static int run_merge(struct program *p, const struct dedup_options *o, struct err *e) {
  struct filter f = {0};
  struct filter_kind kind = {0}; /* the first file's */
  int result = filter_load(&f, &kind, p->operand[0], (uint64_t)p->memory, false, e);
  for (int i = 1; result == 0 && i < p->operand_count; i++) result = filter_merge(&f, &kind, p->operand[i], e);
  if (result == 0) {
    describe(p, &f);
    report_filter(p, o, &f, 0);
    result = filter_save(&f, &kind, o->save, OUTPUT_BINARY | (p->force ? OUTPUT_FORCE : 0), e);
  }
  filter_release(&f);
  return result;
}

int dedup_run(struct program *p, const struct dedup_options *o, struct err *e) {
  if (check(p, o, e) != 0) return -1;
  if (o->merge) return run_merge(p, o, e);
  if (o->against.count) return run_against(p, o, e);
  return o->exact ? run_exact(p, o, e) : run_filter(p, o, e);
}
