/* SPDX-License-Identifier: MIT
 *
 * Every simd_level() gives the same bits; places of two signatures agree as often as the sets overlap.
 */
#include "tools/minhash-dedup/lsh/signature.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "tests/tap.h"

static void levels_agree(enum signature_kind kind) {
  static const int shapes[][2] = {{14, 8}, {1, 1}, {3, 5}, {20, 5}, {50, 4}, {7, 17}};
  struct rng rng;
  rng_init(&rng, 1);
  uint64_t hashes[1000];
  for (int i = 0; i < 1000; i++) hashes[i] = rng_next(&rng);
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    bool same = true;
    void *want = NULL;
    for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
      struct permutations p;
      simd_force(level);
      permutations_init(&p, kind, shapes[k][0], shapes[k][1], 9);
      void *signature = ALIGNED(64, signature_size(&p));
      size_t used = (size_t)shapes[k][0] * (size_t)shapes[k][1] * p.place;
      signature_clear(&p, signature);
      signature_update(&p, signature, hashes, 300);
      signature_update(&p, signature, hashes + 300, 1);
      signature_update(&p, signature, hashes + 301, 699);
      if (want) same &= memcmp(want, signature, used) == 0;
      else want = COPY(signature, used);
      free(signature);
      permutations_release(&p);
    }
    free(want);
    ok(same, "%d bands of %d rows, kind %d: the signature is the same at every simd_level()", shapes[k][0], shapes[k][1], (int)kind);
  }
}

/* The remainder where (y & prime) + (y >> 61) reaches the prime. */
static void remainders(void) {
  const uint64_t prime = (1ull << 61) - 1;
  bool same = true;
  for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
    struct permutations p;
    simd_force(level);
    permutations_init(&p, SIGNATURE_DATATROVE, 16, 1, 1);
    uint64_t *a = p.a, *b = p.b, signature[16];
    for (uint64_t i = 0; i < 16; i++) a[i] = 1, b[i] = i;
    for (uint64_t multiple = 0; multiple < 8; multiple++)
      for (uint64_t near = 0; near < 20; near++) {
        uint64_t x = multiple * prime + near - 10;
        signature_clear(&p, signature);
        signature_update(&p, signature, &x, 1);
        for (uint64_t i = 0; i < 16; i++) same &= signature[i] == (x + i) % prime;
      }
    permutations_release(&p);
  }
  ok(same, "remainders by 2^61 - 1 are exact around its multiples");
}

static void estimates_jaccard(void) {
  struct permutations p;
  permutations_init(&p, SIGNATURE_CRAWL2LM, 512, 8, 0);
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
  permutations_init(&p, SIGNATURE_CRAWL2LM, 512, 8, 1);
  signature_clear(&p, a);
  signature_update(&p, a, hashes, 1000);
  ok(a[0] != first, "another seed gives other permutations");
  permutations_release(&p);
  free(a);
  free(b);
}

int main(void) {
  levels_agree(SIGNATURE_CRAWL2LM);
  levels_agree(SIGNATURE_DATATROVE);
  remainders();
  estimates_jaccard();
  ok_near(signature_recall(.8, 14, 8), .923563, 1e-4, "14 bands of 8 rows find 92.4% of the pairs at .8");
  ok_near(signature_recall(.5, 14, 8), .053322, 1e-4, "and 5.3% of those at .5");
  return tap_done();
}
