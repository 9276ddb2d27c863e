/* SPDX-License-Identifier: MIT
 *
 * minhash-dedup: removes near-duplicate documents from a stream.
 *
 * words -> shingles (shingles.c) -> signatures and band keys (signature.c) -> buckets (bands.c) -> candidates compared
 * exactly and connected (candidates.c); the passes are in dedup.c.
 */
#include <string.h>

#include "common/io/output.h"
#include "tools/minhash-dedup/dedup.h"
#include "tools/minhash-dedup/lsh/suggest.h"

struct settings {
  struct dedup_options dedup;
  int keep;
  double suggest;
};

/* The names of the steps for collections of any size are taken: a file of such a name needs a folder before it. */
static int refuse_step(const struct program *p, struct err *e) {
  static const char *const steps[] = {"sketch", "match", "cluster", "drop"};
  for (size_t i = 0; p->operand_count > 0 && i < sizeof steps / sizeof *steps; i++)
    if (strcmp(p->operand[0], steps[i]) == 0)
      return err_usage(e, "'%s' is the name of a step, and version " CRAWL2LM_VERSION " has no steps; for a file of that name write ./%s", steps[i], steps[i]);
  return 0;
}

static int suggest(const struct program *p, double jaccard, struct err *e) {
  struct output *out;
  struct buffer table = {0};
  if (output_open(&out, p->output, 0, e) != 0) return -1;
  suggest_table(&table, jaccard);
  int result = output_write(out, table.data, table.len, e);
  buffer_release(&table);
  if (result == 0) return output_commit(out, e);
  output_abort(out);
  return -1;
}

static int check_clusters(const struct program *p, const char *clusters, struct err *e) {
  const char *paths[] = {p->output ? p->output : "-", p->rejects_path, p->stats_path};
  for (int i = 0; clusters && strncmp(clusters, "/dev/", 5) && i < 3; i++)
    if (paths[i] && strcmp(paths[i], clusters) == 0) return err_usage(e, "--clusters %s: another output goes there", clusters);
  return 0;
}

static int run(struct program *p, struct settings *s, struct err *e) {
  if (check_clusters(p, s->dedup.clusters, e) != 0) return -1;
  if (refuse_step(p, e) != 0) return -1;
  if (s->suggest > 0) return suggest(p, s->suggest, e);
  if (s->dedup.bands * s->dedup.rows > 1 << 16) return err_usage(e, "--bands times --rows is above 65536");
  s->dedup.keep_longest = s->keep == 1;
  return dedup_run(p, &s->dedup, e);
}

int main(int argc, char **argv) {
  struct settings s = {.dedup = {.ngram = 5, .bands = 14, .rows = 8, .verify = .8}};
  const struct option options[] = {
      {OPTION_INT, 0, "ngram", &s.dedup.ngram, "N", "words in a shingle (default 5)", .min = 1, .max = 1000},
      {OPTION_INT, 0, "bands", &s.dedup.bands, "B", "band keys of a document (default 14)", .min = 1, .max = 4096},
      {OPTION_INT, 0, "rows", &s.dedup.rows, "R", "hashes in a band (default 8)", .min = 1, .max = 4096},
      {OPTION_DOUBLE, 0, "verify", &s.dedup.verify, "J", "least exact Jaccard similarity of a pair, 0: take all candidates (default 0.8)", .min = 0, .max = 1},
      {OPTION_CHOICE, 0, "keep", &s.keep, "WHICH", "document of each cluster that stays (default first)", "first|longest"},
      {OPTION_STRING, 0, "clusters", &s.dedup.clusters, "FILE", "write cluster_id kept_id id jaccard of every removed document"},
      {OPTION_DOUBLE, 0, "suggest", &s.suggest, "J", "print bands and rows that find 99% of the pairs of similarity J", .min = .01, .max = .99},
      {OPTION_END}};
  static const char *const examples[] = {"minhash-dedup -o unique.tsv documents.tsv.gz", "qfilter documents.tsv | minhash-dedup --clusters clusters.tsv > unique.tsv", NULL};
  struct program p = {.name = "minhash-dedup", .summary = "removes near-duplicate documents", .operands = "[FILE...]", .options = options, .examples = examples,
                      .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_MEMORY | SHARED_SEED | SHARED_REJECTS | SHARED_STRICT | SHARED_FORCE | SHARED_JSONL | SHARED_MAX_DOCUMENT | SHARED_STDIN};
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e = {0};
  return program_end(&p, run(&p, &s, &e), &e);
}
