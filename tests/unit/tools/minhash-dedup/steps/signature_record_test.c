/* SPDX-License-Identifier: MIT
 *
 * Signatures of four bits a place: what they estimate, and as sets.
 */
#include "tools/minhash-dedup/steps/signature_record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"
#include "tools/minhash-dedup/lsh/signature.h"

/* Records of two sets of n hashes, `common` of them shared. */
static void make_pair(const struct parameters *p, const struct permutations *permutations, uint64_t seed, size_t n, size_t common, unsigned char *a,
    unsigned char *b) {
  uint64_t *hashes = NEW_ARRAY(uint64_t, 2 * n);
  void *signature = ALIGNED(64, signature_size(permutations));
  for (size_t i = 0; i < 2 * n; i++) hashes[i] = splitmix64(seed * 1000003 + i);
  signature_clear(permutations, signature);
  signature_update(permutations, signature, hashes, n);
  signature_record_make(p, signature, permutations->place, n, a);
  signature_clear(permutations, signature);
  signature_update(permutations, signature, hashes + n - common, n);
  signature_record_make(p, signature, permutations->place, n, b);
  free(signature);
  free(hashes);
}

static void estimates(enum signature_kind kind, const char *name) {
  const struct parameters p = {.ngram = 5, .bands = 14, .rows = 8};
  unsigned char a[64], b[64];
  static const size_t common[] = {0, 100, 400, 450, 500}; /* of 500: Jaccard c / (1000 - c) */
  ok_int((int64_t)signature_record_size(&p), 64, "112 places take 56 bytes, length and check 8");
  for (size_t k = 0; k < sizeof common / sizeof *common; k++) {
    double want = (double)common[k] / (double)(1000 - common[k]), sum = 0, squares = 0;
    enum { TRIALS = 400 };
    for (int seed = 0; seed < TRIALS; seed++) {
      struct permutations permutations;
      permutations_init(&permutations, kind, 14, 8, (uint64_t)seed + 1);
      make_pair(&p, &permutations, (uint64_t)seed, 500, common[k], a, b);
      double equal = (double)signature_record_equal(&p, a, b), estimate = (16 * equal / 112 - 1) / 15;
      sum += estimate;
      squares += estimate * estimate;
      permutations_release(&permutations);
    }
    double mean = sum / TRIALS, deviation = sqrt(squares / TRIALS - mean * mean), share = want + (1 - want) / 16,
        expected = sqrt(share * (1 - share) / 112) * 16 / 15;
    ok(fabs(mean - want) < 5 * expected / sqrt(TRIALS) + 1e-9, "%s: similarity %.3f is estimated as %.4f on average", name, want, mean);
    ok(fabs(deviation - expected) < .2 * expected + 1e-9, "%s: with a standard deviation of %.4f, theory %.4f", name, deviation, expected);
  }
}

static void as_sets(void) {
  static const int shapes[][2] = {{14, 8}, {1, 1}, {3, 5}, {20, 5}, {1, 3}};
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    struct parameters p = {.bands = (uint64_t)shapes[k][0], .rows = (uint64_t)shapes[k][1]};
    size_t n = (size_t)(p.bands * p.rows);
    bool back = true, threshold = true, least = true;
    for (size_t c = 0; c <= n; c++) {
      double set = (double)c / (double)(2 * n - c);
      back &= signature_record_set_equal(&p, set) == c;
      for (size_t l = 0; l <= n; l++) threshold &= (set >= signature_record_set_least(&p, l)) == (c >= l);
      double estimate = (16.0 * (double)c / (double)n - 1) / 15;
      for (int percent = 1; percent <= 100; percent++) least &= (c >= signature_record_least(&p, percent / 100.0)) == (estimate >= percent / 100.0 - 1e-9);
    }
    ok(back, "%zu places: equal places come back from the similarity of sets", n);
    ok(threshold, "%zu places: as many equal places and the similarity of sets decide alike", n);
    ok(least, "%zu places: the fewest equal places for a similarity", n);
  }
}

static void records(void) {
  struct parameters p = {.bands = 3, .rows = 3};
  unsigned char a[16], b[16];
  uint32_t signature[16] = {5, 6, 7, 8, 9, 10, 11, 12, 13};
  uint64_t set[9], other[9];
  ok_int((int64_t)signature_record_size(&p), 13, "an odd number of places fills its last byte half");
  signature_record_make(&p, signature, 4, 1ull << 40, a);
  ok(signature_record_sound(&p, a) && signature_record_length(&p, a) == UINT32_MAX, "a record is sound; a length that does not fit is the largest");
  signature[4] = 77777;
  signature_record_make(&p, signature, 4, 1234, b);
  ok_int((int64_t)signature_record_length(&p, b), 1234, "the length of the text is kept");
  signature_record_set(&p, a, set);
  signature_record_set(&p, b, other);
  size_t common = 0;
  bool ascending = true;
  for (int i = 0; i < 9; i++) {
    common += set[i] == other[i];
    ascending &= i == 0 || set[i] > set[i - 1];
  }
  ok(ascending && common == signature_record_equal(&p, a, b) && common == 8, "as sets, records share their equal places");
  for (size_t i = 0; i < 13; i++) {
    a[i] ^= 16;
    if (signature_record_sound(&p, a)) break;
    a[i] ^= 16;
    if (i == 12) ok(signature_record_sound(&p, a), "a changed byte is noticed wherever it is");
  }
}

int main(void) {
  estimates(SIGNATURE_CRAWL2LM, "crawl2lm");
  estimates(SIGNATURE_DATATROVE, "datatrove");
  as_sets();
  records();
  return tap_done();
}
