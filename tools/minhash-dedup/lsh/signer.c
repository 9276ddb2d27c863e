/* SPDX-License-Identifier: MIT
 *
 * A signature takes blocks of shingles as they come; a set gathers them all, sorts them and leaves out what comes again.
 */
#include "tools/minhash-dedup/lsh/signer.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/text/shingles.h"
#include "tools/minhash-dedup/lsh/bands.h"
#include "tools/minhash-dedup/lsh/datatrove.h"

enum { HASHES_KEPT = 1 << 18 };

struct signer {
  const struct permutations *permutations;
  struct shingler *shingler;            /* one of the two */
  struct datatrove_shingler *datatrove;
  void *signature;
  uint64_t shingles;                    /* of the document at hand */
  uint64_t *hashes, *room;
  size_t count, capacity, room_capacity;
};

struct signer *signer_new(const struct permutations *p, int ngram) {
  struct signer *s = NEW(struct signer);
  s->permutations = p;
  if (p->kind == SIGNATURE_DATATROVE) s->datatrove = datatrove_shingler_new(ngram);
  else s->shingler = shingler_new(ngram);
  s->signature = ALIGNED(64, signature_size(p));
  return s;
}

void signer_free(struct signer *s) {
  if (!s) return;
  shingler_free(s->shingler);
  datatrove_shingler_free(s->datatrove);
  free(s->signature);
  free(s->hashes);
  free(s->room);
  free(s);
}

static void run(struct signer *s, struct slice text, void (*take)(void *, const uint64_t *, size_t)) {
  if (s->datatrove) datatrove_shingler_run(s->datatrove, text, take, s);
  else shingler_run(s->shingler, text, take, s);
}

static void sign_block(void *context, const uint64_t *hashes, size_t count) {
  struct signer *s = context;
  s->shingles += count;
  signature_update(s->permutations, s->signature, hashes, count);
}

bool signer_keys(struct signer *s, struct slice text, uint64_t *keys) {
  s->shingles = 0;
  signature_clear(s->permutations, s->signature);
  run(s, text, sign_block);
  signature_keys(s->permutations, s->signature, keys);
  return s->shingles > 0;
}

const void *signer_signature(const struct signer *s) { return s->signature; }

static void collect_block(void *context, const uint64_t *hashes, size_t count) {
  struct signer *s = context;
  GROW(s->hashes, s->capacity, s->count + count);
  memcpy(s->hashes + s->count, hashes, count * sizeof *hashes);
  s->count += count;
}

size_t signer_set(struct signer *s, struct slice text, const uint64_t **hashes) {
  s->count = 0;
  run(s, text, collect_block);
  GROW(s->room, s->room_capacity, s->count);
  sort_spread(s->hashes, s->room, s->count);
  if (s->room_capacity > HASHES_KEPT) {
    free(s->room);
    s->room = NULL;
    s->room_capacity = 0;
  }
  size_t unique = s->count > 0;
  for (size_t i = 1; i < s->count; i++)
    if (s->hashes[i] != s->hashes[unique - 1]) s->hashes[unique++] = s->hashes[i];
  *hashes = s->hashes;
  return unique;
}

void signer_shrink(struct signer *s) {
  if (s->capacity <= HASHES_KEPT) return;
  free(s->hashes);
  s->hashes = NULL;
  s->capacity = 0;
}
