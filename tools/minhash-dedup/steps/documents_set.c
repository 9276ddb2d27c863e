/* SPDX-License-Identifier: MIT
 *
 * Members before a number: those before its block of 512, kept, and a count of bits within it (Jacobson 1989).
 */
#include "tools/minhash-dedup/steps/documents_set.h"

#include <stdlib.h>

static uint64_t words_of(uint64_t size) { return (size / 512 + 1) * 8; }

/* The size comes from a file: no reason to abort. */
int documents_set_init(struct documents_set *s, uint64_t size, struct err *e) {
  *s = (struct documents_set){.bits = calloc(words_of(size), sizeof *s->bits), .rank = calloc(words_of(size) / 8, sizeof *s->rank), .size = size};
  return s->bits && s->rank ? 0 : err_set(e, "a bit for each of %llu lines does not fit into memory", (unsigned long long)size);
}

void documents_set_release(struct documents_set *s) {
  free(s->bits);
  free(s->rank);
  *s = (struct documents_set){0};
}

void documents_set_close(struct documents_set *s) {
  s->count = 0;
  for (uint64_t w = 0; w < words_of(s->size); w++) {
    if (w % 8 == 0) s->rank[w / 8] = s->count;
    s->count += (uint64_t)__builtin_popcountll(s->bits[w]);
  }
}

uint64_t documents_set_before(const struct documents_set *s, uint64_t document) {
  uint64_t word = document / 64, before = s->rank[word / 8];
  for (uint64_t w = word / 8 * 8; w < word; w++) before += (uint64_t)__builtin_popcountll(s->bits[w]);
  return before + (uint64_t)__builtin_popcountll(s->bits[word] & (((uint64_t)1 << document % 64) - 1));
}

uint64_t documents_set_next(const struct documents_set *s, uint64_t document) {
  if (document >= s->size) return s->size;
  uint64_t word = document / 64, bits = s->bits[word] >> document % 64 << document % 64;
  while (!bits && ++word < words_of(s->size)) bits = s->bits[word];
  return bits ? word * 64 + (uint64_t)__builtin_ctzll(bits) : s->size;
}
