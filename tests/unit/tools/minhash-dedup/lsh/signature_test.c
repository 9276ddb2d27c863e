/* SPDX-License-Identifier: MIT
 *
 * The vector variants give the scalar bits; places of two signatures agree as often as the sets overlap.
 */
#include "tools/minhash-dedup/lsh/signature.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

static void variants_agree(void) {
  static const int shapes[][2] = {{14, 8}, {1, 1}, {3, 5}, {20, 5}, {50, 4}, {7, 17}};
  struct rng rng;
  rng_init(&rng, 1);
  uint64_t hashes[1000];
  for (int i = 0; i < 1000; i++) hashes[i] = rng_next(&rng);
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    bool same = true;
    uint64_t *want = NULL;
    for (int variant = SIGNATURE_SCALAR; variant <= SIGNATURE_AVX512; variant++) {
      struct permutations p;
      permutations_init(&p, shapes[k][0], shapes[k][1], 9, (enum signature_variant)variant);
      uint32_t *signature = NEW_ARRAY(uint32_t, p.count);
      uint64_t *keys = NEW_ARRAY(uint64_t, shapes[k][0]);
      signature_clear(&p, signature);
      signature_update(&p, signature, hashes, 300);
      signature_update(&p, signature, hashes + 300, 1);
      signature_update(&p, signature, hashes + 301, 699);
      signature_keys(&p, signature, keys);
      if (!want) want = keys;
      else {
        same &= memcmp(keys, want, (size_t)shapes[k][0] * sizeof *keys) == 0;
        free(keys);
      }
      free(signature);
      permutations_release(&p);
    }
    free(want);
    ok(same, "%d bands of %d rows: scalar, AVX2 and AVX-512 give the same keys", shapes[k][0], shapes[k][1]);
  }
}

static void estimates_jaccard(void) {
  struct permutations p;
  permutations_init(&p, 512, 8, 0, SIGNATURE_BEST);
  uint32_t *a = NEW_ARRAY(uint32_t, p.count), *b = NEW_ARRAY(uint32_t, p.count);
  struct rng rng;
  rng_init(&rng, 2);
  uint64_t hashes[1200];
  for (int i = 0; i < 1200; i++) hashes[i] = rng_next(&rng);
  signature_clear(&p, a);
  signature_clear(&p, b);
  signature_update(&p, a, hashes, 1000);
  signature_update(&p, b, hashes + 200, 1000); /* 800 of 1200 in common */
  size_t equal = 0;
  for (size_t i = 0; i < p.count; i++) equal += a[i] == b[i];
  double estimate = (double)equal / (double)p.count;
  ok(fabs(estimate - 2 / 3.) < .03, "4,096 places estimate a similarity of 2/3: %.4f", estimate);
  uint32_t first = a[0];
  permutations_release(&p);
  permutations_init(&p, 512, 8, 1, SIGNATURE_BEST);
  signature_clear(&p, a);
  signature_update(&p, a, hashes, 1000);
  ok(a[0] != first, "another seed gives other permutations");
  permutations_release(&p);
  free(a);
  free(b);
}

int main(void) {
  variants_agree();
  estimates_jaccard();
  ok_near(signature_recall(.8, 14, 8), .923563, 1e-4, "14 bands of 8 rows find 92.4% of the pairs at .8");
  ok_near(signature_recall(.5, 14, 8), .053322, 1e-4, "and 5.3% of those at .5");
  return tap_done();
}
