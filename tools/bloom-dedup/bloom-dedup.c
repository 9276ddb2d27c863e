/* SPDX-License-Identifier: MIT
 *
 * bloom-dedup: removes what occurred before, exactly or by n-grams, in constant memory.
 *
 * units of text (units.c) -> hashes -> filter (filter.c) or set (hash_set.c); documents come and go in stream.c; how the
 * two meet is in duplicates.c, ngrams.c and against.c.  Substrings go their own way (substring.c).
 */
#include <stddef.h>

#include "tools/bloom-dedup/dedup.h"
#include "tools/bloom-dedup/substring.h"

static int run_substring(struct program *p, const struct dedup_options *o, struct err *e) {
  if (o->against.count || o->load.count || o->save || o->merge || o->frozen || o->report || o->exact || o->normalize || o->capacity || o->rate > 0 || o->threshold >= 0 || o->least_words > 0)
    return err_usage(e, "--unit substring takes --ngram and --keep only");
  struct substring_options options = {.words = o->ngram > 0 ? o->ngram : 50, .keep_none = o->keep == 1};
  return substring_run(p, &options, e);
}

/* What --unit names: the entries stand in the order of its choices. */
static const struct unit_entry {
  const char *name;
  enum unit_kind kind;
  int (*run)(struct program *, const struct dedup_options *, struct err *);
} units[] = {
    {"document", UNIT_DOCUMENT, dedup_run},
    {"paragraph", UNIT_PARAGRAPH, dedup_run},
    {"line", UNIT_LINE, dedup_run},
    {"substring", UNIT_DOCUMENT, run_substring},
};
static const char unit_choices[] = "document|paragraph|line|substring";

int main(int argc, char **argv) {
  struct dedup_options o = {.threshold = -1, .short_length = 1};
  int unit = 0;
  const struct option options[] = {
      {OPTION_CHOICE, 0, "unit", &unit, "UNIT", "what is compared (default document)", unit_choices},
      {OPTION_CHOICE, 0, "keep", &o.keep, "WHICH", "of a unit that comes again: the first, or none (default first)", "first|none"},
      {OPTION_FLAG, 0, "normalize", &o.normalize, NULL, "compare without case, punctuation and amounts of white space"},
      {OPTION_SIZE, 0, "min-length", &o.short_length, "SIZE", "units of fewer bytes stay; 0: blank lines are units too (default 1)", .min = 0, .max = 1e15},
      {OPTION_COUNT, 0, "capacity", &o.capacity, "N", "units that the filter is made for (default: what an eighth of -S holds)", .min = 1, .max = 1e15},
      {OPTION_DOUBLE, 0, "fp", &o.rate, "P", "rate of false positives at that capacity (default 0.0001; with --ngram 0.01)", .min = 1e-15, .max = .5},
      {OPTION_FLAG, 0, "exact", &o.exact, NULL, "no false positives: hashes in memory, sorted on disk beyond -S"},
      {OPTION_LIST, 0, "load", &o.load, "FILE", "start from this filter; repeat to join several"},
      {OPTION_STRING, 0, "save", &o.save, "FILE", "write the filter at the end"},
      {OPTION_FLAG, 0, "merge", &o.merge, NULL, "join the filters named as operands into --save FILE; read no documents"},
      {OPTION_FLAG, 0, "frozen", &o.frozen, NULL, "look up in the loaded filter, add nothing to it"},
      {OPTION_INT, 0, "ngram", &o.ngram, "N", "compare word n-grams, not whole units (default with --against 13, with --unit substring 50)", .min = 1, .max = 1000},
      {OPTION_DOUBLE, 0, "threshold", &o.threshold, "T", "share of known n-grams with which a unit goes (default 0.8; with --against any)", .min = 0, .max = 1},
      {OPTION_INT, 0, "min-words", &o.least_words, "N", "shortest text that --ngram and --against compare (default 5)", .min = 1, .max = 1000},
      {OPTION_LIST, 0, "against", &o.against, "FILE", "drop what overlaps this evaluation set; may repeat"},
      {OPTION_STRING, 0, "report", &o.report, "FILE", "with --against: drop nothing, write id item ngrams share"},
      {OPTION_END}};
  static const char *const examples[] = {"bloom-dedup -o unique.tsv documents.tsv.gz", "bloom-dedup --unit line --exact documents.tsv | bloom-dedup --ngram 13 > unique.tsv",
                                         "bloom-dedup --against gsm8k.jsonl -o clean.tsv documents.tsv", NULL};
  struct program p = {.name = "bloom-dedup", .summary = "removes exact duplicates in constant memory", .operands = "[FILE...]", .options = options, .examples = examples,
                      .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_MEMORY | SHARED_SEED | SHARED_REJECTS | SHARED_STRICT | SHARED_FORCE | SHARED_JSONL | SHARED_MAX_DOCUMENT | SHARED_STDIN};
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e = {0};
  o.kind = units[unit].kind;
  o.unit = units[unit].name;
  int result = units[unit].run(&p, &o, &e);
  option_list_release(&o.load);
  option_list_release(&o.against);
  return program_end(&p, result, &e);
}
