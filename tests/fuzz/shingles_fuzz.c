/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a text: the shinglers of all levels agree, and there is always at least one shingle.
 */
#include <stdint.h>
#include <stdlib.h>

#include "common/base/simd.h"
#include "common/text/shingles.h"

struct digest {
  uint64_t value;
  size_t count;
};

static void digest_block(void *context, const uint64_t *hashes, size_t count) {
  struct digest *d = context;
  for (size_t i = 0; i < count; i++) d->value = d->value * 0x9E3779B97F4A7C15u + hashes[i];
  d->count += count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int ngram = size ? data[0] % 7 + 1 : 5;
  struct digest first = {0};
  for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
    struct digest digest = {0};
    simd_force(level);
    struct shingler *s = shingler_new(ngram);
    shingler_run(s, (struct slice){(const char *)data, size}, digest_block, &digest);
    shingler_free(s);
    if (level == SIMD_SCALAR) first = digest;
    if (digest.count == 0 || digest.count != first.count || digest.value != first.value) abort();
  }
  return 0;
}
