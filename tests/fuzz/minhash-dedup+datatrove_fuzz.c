/* SPDX-License-Identifier: MIT
 *
 * Any text as datatrove's signatures see it: the simplified text is UTF-8 without capital letters of ASCII, and every
 * simd_level() gives the same keys and the same set, which is sorted.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/simd.h"
#include "common/base/utf8.h"
#include "tools/minhash-dedup/lsh/datatrove.h"
#include "tools/minhash-dedup/lsh/signer.h"

enum { BANDS = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int ngram = size ? data[0] % 7 + 1 : 5;
  struct buffer text = {0}, simple = {0};
  uint64_t invalid = 0, nul = 0, first[BANDS] = {0};
  utf8_sanitize(&text, (const char *)data, size, &invalid, &nul); /* as documents are */
  datatrove_simplify(&simple, buffer_slice(&text));
  if (utf8_valid_prefix(simple.data, simple.len) != simple.len) abort();
  for (size_t i = 0; i < simple.len; i++)
    if (simple.data[i] >= 'A' && simple.data[i] <= 'Z') abort();
  for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
    struct permutations p;
    uint64_t keys[BANDS];
    const uint64_t *hashes;
    simd_force(level);
    permutations_init(&p, SIGNATURE_DATATROVE, BANDS, 5, 1);
    struct signer *s = signer_new(&p, ngram);
    bool some = signer_keys(s, buffer_slice(&text), keys);
    size_t count = signer_set(s, buffer_slice(&text), &hashes);
    if (some != (count > 0)) abort();
    for (size_t i = 1; i < count; i++)
      if (hashes[i] <= hashes[i - 1]) abort();
    if (level == SIMD_SCALAR) memcpy(first, keys, sizeof first);
    if (memcmp(keys, first, sizeof first) != 0) abort();
    signer_free(s);
    permutations_release(&p);
  }
  buffer_release(&text);
  buffer_release(&simple);
  return 0;
}
