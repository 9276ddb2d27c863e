/* SPDX-License-Identifier: MIT
 *
 * Recall of the bands over 20 seeds on 2,336 real documents whose similar pairs are all known, where the development data
 * is: what the recall curve expects of these pairs, with the defaults, with --suggest .8 and with datatrove's hashes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/io/documents.h"
#include "tests/read_file.h"
#include "tests/tap.h"
#include "tools/minhash-dedup/lsh/candidates.h"
#include "tools/minhash-dedup/lsh/signer.h"
#include "tools/minhash-dedup/lsh/suggest.h"

enum { SEEDS = 20, DOCUMENTS = 2336, PAIRS_MOST = 10000 };

static struct buffer texts[DOCUMENTS];
static struct pair {
  int a, b;
  double jaccard;
} pairs[PAIRS_MOST];
static int pair_count;

static void read_documents(const char *path) {
  struct buffer all = read_file(path);
  const char *at = all.data;
  for (int i = 0; i < DOCUMENTS; i++) {
    const char *end = memchr(at, '\n', (size_t)(all.data + all.len - at)), *tab = memrchr(at, '\t', (size_t)(end - at));
    uint64_t unknown = 0;
    document_unescape(&texts[i], (struct slice){tab + 1, (size_t)(end - tab - 1)}, &unknown);
    at = end + 1;
  }
  buffer_release(&all);
}

/* Those of the listed pairs whose similarity, by the shingles of this kind, is at least .8. */
static void find_pairs(const char *path, enum signature_kind kind) {
  struct permutations p;
  permutations_init(&p, kind, 1, 1, 1);
  struct signer *s = signer_new(&p, 5);
  uint64_t *sets[DOCUMENTS];
  size_t counts[DOCUMENTS];
  for (int i = 0; i < DOCUMENTS; i++) {
    const uint64_t *hashes;
    counts[i] = signer_set(s, buffer_slice(&texts[i]), &hashes);
    sets[i] = COPY(hashes, counts[i] * sizeof *hashes);
  }
  FILE *f = fopen(path, "r");
  int a, b;
  double listed;
  for (pair_count = 0; pair_count < PAIRS_MOST && fscanf(f, "%d %d %lf", &a, &b, &listed) == 3;) {
    size_t common = sets_common(sets[a], counts[a], sets[b], counts[b], 0);
    double jaccard = (double)common / (double)(counts[a] + counts[b] - common);
    if (jaccard >= .8) pairs[pair_count++] = (struct pair){a, b, jaccard};
  }
  fclose(f);
  for (int i = 0; i < DOCUMENTS; i++) free(sets[i]);
  signer_free(s);
  permutations_release(&p);
}

static double expected_recall(int bands, int rows) {
  double sum = 0;
  for (int i = 0; i < pair_count; i++) sum += signature_recall(pairs[i].jaccard, bands, rows);
  return sum / pair_count;
}

static double mean_recall(enum signature_kind kind, int bands, int rows, int seeds) {
  uint64_t *keys = NEW_ARRAY(uint64_t, (size_t)DOCUMENTS * (size_t)bands), found = 0;
  for (int seed = 0; seed < seeds; seed++) {
    struct permutations p;
    permutations_init(&p, kind, bands, rows, (uint64_t)seed);
    struct signer *s = signer_new(&p, 5);
    for (int i = 0; i < DOCUMENTS; i++)
      if (!signer_keys(s, buffer_slice(&texts[i]), keys + i * bands)) keys[i * bands] = (uint64_t)i;
    for (int k = 0; k < pair_count; k++) {
      bool share = false;
      for (int band = 0; band < bands; band++) share |= keys[pairs[k].a * bands + band] == keys[pairs[k].b * bands + band];
      found += share;
    }
    signer_free(s);
    permutations_release(&p);
  }
  free(keys);
  return (double)found / ((double)pair_count * seeds);
}

int main(void) {
  const char *documents = tap_shared("dedup/sub3k.tsv");
  if (!documents) {
    skip("no shared data", "recall on real documents");
    return tap_done();
  }
  read_documents(documents);
  char *truth = STRDUP(tap_shared("dedup/truth_sub3k.pairs"));
  find_pairs(truth, SIGNATURE_CRAWL2LM);
  double expected = expected_recall(14, 8), got = mean_recall(SIGNATURE_CRAWL2LM, 14, 8, SEEDS);
  ok(pair_count > 500 && got >= expected - .002, "14 bands of 8 rows find %.4f of %d pairs at .8 and above; the curve expects %.4f", got, pair_count, expected);
  int bands = 0, rows = 0;
  suggest_bands(.8, &bands, &rows);
  got = mean_recall(SIGNATURE_CRAWL2LM, bands, rows, SEEDS);
  ok(got >= .995, "%d bands of %d rows, suggested for .8, find %.4f; the curve expects %.4f", bands, rows, got, expected_recall(bands, rows));
  find_pairs(truth, SIGNATURE_DATATROVE);
  expected = expected_recall(14, 8), got = mean_recall(SIGNATURE_DATATROVE, 14, 8, 4);
  ok(got >= expected - .003, "datatrove's hashes find %.4f of %d pairs; the curve expects %.4f", got, pair_count, expected);
  free(truth);
  for (int i = 0; i < DOCUMENTS; i++) buffer_release(&texts[i]);
  return tap_done();
}
