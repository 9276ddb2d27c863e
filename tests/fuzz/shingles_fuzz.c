/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a text: the vector and the scalar shingler agree, and there is always at least one shingle.
 */
#include <stdint.h>
#include <stdlib.h>

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
  struct digest digests[2] = {{0}};
  for (int variant = 0; variant < 2; variant++) {
    struct shingler *s = shingler_new(ngram, variant ? SHINGLER_AVX512 : SHINGLER_SCALAR);
    shingler_run(s, (struct slice){(const char *)data, size}, digest_block, &digests[variant]);
    shingler_free(s);
  }
  if (digests[0].count == 0 || digests[0].count != digests[1].count || digests[0].value != digests[1].value) abort();
  return 0;
}
