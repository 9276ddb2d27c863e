/* SPDX-License-Identifier: MIT
 *
 * minhash-dedup: removes near-duplicate documents from a stream.
 *
 * words -> shingles (shingles.c) -> signatures and band keys (signature.c) -> buckets (bands.c) -> candidates compared
 * exactly and connected (candidates.c); the passes are in dedup.c.  The same in four steps with files between: steps/.
 */
#include <string.h>

#include "common/io/output.h"
#include "tools/minhash-dedup/dedup.h"
#include "tools/minhash-dedup/lsh/suggest.h"
#include "tools/minhash-dedup/steps/steps.h"

struct settings {
  struct dedup_options dedup;
  struct steps_options steps;
  int keep, signature, connect;
  double suggest;
};

static int run_step(struct program *p, const struct settings *s, struct err *e) {
  struct steps_options o = s->steps;
  o.ngram = s->dedup.ngram;
  o.bands = s->dedup.bands;
  o.rows = s->dedup.rows;
  o.signature = s->dedup.signature;
  o.verify = s->dedup.verify;
  o.keep_longest = s->dedup.keep_longest;
  o.connect_earlier = s->dedup.connect_earlier;
  o.clusters = s->dedup.clusters;
  return steps_run(p->operand[0], p, &o, e);
}

static int suggest(const struct program *p, double jaccard, struct err *e) {
  struct buffer table = {0};
  suggest_table(&table, jaccard);
  int result = output_file(p->output, table.data, table.len, e);
  buffer_release(&table);
  return result;
}

/* Tables that would be written over each other or over the documents. */
static int check_tables(const struct program *p, const struct dedup_options *o, struct err *e) {
  const struct {
    const char *option, *path;
  } tables[] = {{"--clusters", o->clusters}, {"--report", o->report}};
  const char *paths[] = {p->output ? p->output : "-", p->rejects_path, p->stats_path, o->clusters};
  for (int t = 0; t < 2; t++)
    for (int i = 0; tables[t].path && strncmp(tables[t].path, "/dev/", 5) && i < 3 + t; i++)
      if (paths[i] && strcmp(paths[i], tables[t].path) == 0) return err_usage(e, "%s %s: another output goes there", tables[t].option, tables[t].path);
  return 0;
}

static int run(struct program *p, struct settings *s, struct err *e) {
  if (check_tables(p, &s->dedup, e) != 0) return -1;
  if (s->suggest > 0) return suggest(p, s->suggest, e);
  if (s->dedup.bands * s->dedup.rows > 1 << 16) return err_usage(e, "--bands times --rows is above 65536");
  s->dedup.keep_longest = s->keep == 1;
  s->dedup.connect_earlier = s->connect == 1;
  s->dedup.signature = s->signature == 1 ? SIGNATURE_DATATROVE : SIGNATURE_CRAWL2LM;
  if (p->operand_count > 0 && steps_is_step(p->operand[0])) {
    if (s->dedup.report) return err_usage(e, "--report belongs to the form without steps");
    return run_step(p, s, e);
  }
  if (s->steps.earlier.count || s->steps.index || s->steps.part || s->steps.compare)
    return err_usage(e, "--earlier, --index, --part and --compare belong to steps: the first operand is sketch, match, cluster or drop");
  return dedup_run(p, &s->dedup, e);
}

int main(int argc, char **argv) {
  struct settings s = {.dedup = {.ngram = 5, .bands = 14, .rows = 8, .verify = .8, .source_field = "host"}};
  const struct option options[] = {
      {OPTION_INT, 0, "ngram", &s.dedup.ngram, "N", "words in a shingle (default 5)", .min = 1, .max = 1000},
      {OPTION_INT, 0, "bands", &s.dedup.bands, "B", "band keys of a document (default 14)", .min = 1, .max = 4096},
      {OPTION_INT, 0, "rows", &s.dedup.rows, "R", "hashes in a band (default 8)", .min = 1, .max = 4096},
      {OPTION_CHOICE, 0, "signature", &s.signature, "KIND", "words, hashes and permutations (default crawl2lm)", "crawl2lm|datatrove"},
      {OPTION_DOUBLE, 0, "verify", &s.dedup.verify, "J", "least exact Jaccard similarity of a pair, 0: take all candidates (default 0.8)", .min = 0, .max = 1},
      {OPTION_CHOICE, 0, "connect", &s.connect, "WHAT", "documents go that are like any of their cluster, or like an earlier one (default any)", "any|earlier"},
      {OPTION_CHOICE, 0, "keep", &s.keep, "WHICH", "document of each cluster that stays (default first)", "first|longest"},
      {OPTION_STRING, 0, "clusters", &s.dedup.clusters, "FILE", "write cluster_id kept_id id jaccard of every removed document"},
      {OPTION_STRING, 0, "report", &s.dedup.report, "FILE", "write what was removed by source, and the sizes of clusters"},
      {OPTION_STRING, 0, "source-field", &s.dedup.source_field, "FIELD", "source of a document: host, input or a metadata key (default host)"},
      {OPTION_CHOICE, 0, "compare", &s.steps.compare, "HOW", "cluster: shingle sets, of shards read again, or signatures (default exact)", "exact|signature"},
      {OPTION_LIST, 0, "earlier", &s.steps.earlier, "INDEX", "match: remove what this index has; may repeat"},
      {OPTION_STRING, 0, "index", &s.steps.index, "DIR", "match: write an index for a later --earlier"},
      {OPTION_STRING, 0, "part", &s.steps.part, "K/N", "match: the K-th of N parts"},
      {OPTION_DOUBLE, 0, "suggest", &s.suggest, "J", "print bands and rows that find 99% of the pairs of similarity J", .min = .01, .max = .99},
      {OPTION_END}};
  static const char *const examples[] = {"minhash-dedup -o unique.tsv documents.tsv.gz", "qfilter documents.tsv | minhash-dedup --clusters clusters.tsv > unique.tsv", NULL};
  struct program p = {.name = "minhash-dedup", .summary = "removes near-duplicate documents", .operands = "[sketch|match|cluster|drop] [FILE...]", .options = options, .examples = examples,
                      .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_MEMORY | SHARED_SEED | SHARED_REJECTS | SHARED_STRICT | SHARED_FORCE | SHARED_JSONL | SHARED_MAX_DOCUMENT | SHARED_STDIN};
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e = {0};
  int status = program_end(&p, run(&p, &s, &e), &e);
  option_list_release(&s.steps.earlier);
  return status;
}
