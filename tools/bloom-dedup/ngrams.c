/* SPDX-License-Identifier: MIT
 *
 * A batch's n-grams are looked up in order, unit after unit.  A unit with more of them than a batch should hold is looked
 * up piece by piece once its batch has the turn; if it stays, its n-grams are made once more to be added.
 */
#include "tools/bloom-dedup/ngrams.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/text/shingles.h"

struct ngrams {
  const struct ngrams_options *o;
  unsigned char *known; /* the decider's */
  size_t known_capacity;
};

/* A shingle's 64 bits as a filter wants them. */
static struct hash128 ngram_hash(uint64_t shingle, uint64_t seed) {
  if (seed) shingle ^= splitmix64(seed);
  return (struct hash128){splitmix64(shingle), splitmix64(~shingle)};
}

static bool is_word(unsigned char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80; }

size_t count_words(struct slice text, size_t most) {
  size_t words = 0;
  bool inside = false;
  for (size_t i = 0; i < text.len && words < most; i++) {
    bool word = is_word((unsigned char)text.data[i]);
    words += word && !inside;
    inside = word;
  }
  return words;
}

/* How many of the hashes the filter knows. */
static uint64_t count_known(struct ngrams *n, const struct hash128 *hashes, size_t count) {
  uint64_t found = 0;
  GROW(n->known, n->known_capacity, count);
  filter_find_all(n->o->filter, hashes, count, n->known);
  for (size_t i = 0; i < count; i++) found += n->known[i];
  return found;
}

static void add(struct ngrams *n, const struct hash128 *hashes, size_t count) {
  if (n->o->frozen) return;
  GROW(n->known, n->known_capacity, count);
  filter_add_all(n->o->filter, hashes, count, n->known);
}

static bool goes(const struct ngrams *n, uint64_t known, uint64_t all) { return all > 0 && (double)known >= n->o->threshold * (double)all && known > 0; }

static int decide(struct stream *s, struct batch *b, struct err *e) {
  struct ngrams *n = s->method->context;
  (void)e;
  size_t at = 0;
  unsigned char *drop = batch_add_drops(b, b->size_count);
  for (size_t i = 0; i < b->size_count; i++) {
    size_t size = b->sizes[i];
    if (size && i + 1 < b->size_count) /* while this unit is looked up, the start of the next one comes */
      for (size_t k = at + size; k < at + size + 16 && k < b->hash_count; k++) filter_prefetch(n->o->filter, b->hashes[k]);
    drop[i] = goes(n, count_known(n, b->hashes + at, size), size);
    if (!drop[i]) add(n, b->hashes + at, size);
    at += size;
  }
  memmove(b->hashes, b->hashes + at, (b->hash_count - at) * sizeof *b->hashes); /* of a unit at hand */
  b->hash_count -= at;
  b->size_count = 0;
  return 0;
}

/* ---- taking */

struct taking {
  struct ngrams *n;
  struct batch *b;
  struct err *e;
  uint64_t seed;
  bool piecewise, adding; /* the unit is too large for one piece; it stays and is added */
  int result;
  uint64_t count, known;
};

/* The hashes of a unit that is taken piecewise: looked up, or added, and forgotten. */
static void settle_piece(struct taking *t) {
  if (t->adding) add(t->n, t->b->hashes, t->b->hash_count);
  else t->known += count_known(t->n, t->b->hashes, t->b->hash_count);
  t->b->hash_count = 0;
}

static void take_block(void *context, const uint64_t *shingles, size_t count) {
  struct taking *t = context;
  struct batch *b = t->b;
  if (t->result != 0) return;
  GROW(b->hashes, b->hash_capacity, b->hash_count + count);
  for (size_t i = 0; i < count; i++) b->hashes[b->hash_count + i] = ngram_hash(shingles[i], t->seed);
  b->hash_count += count;
  t->count += count;
  if (b->hash_count < BATCH_HASHES) return;
  if (!t->piecewise) {
    t->result = batch_settle(b, t->e); /* leaves the hashes of this unit */
    t->piecewise = t->result == 0 && b->hash_count >= BATCH_HASHES / 2;
  }
  if (t->piecewise) settle_piece(t);
}

static int take(struct stream *s, struct worker *w, struct batch *b, const struct unit *u, struct err *e) {
  struct ngrams *n = s->method->context;
  struct taking t = {.n = n, .b = b, .e = e, .seed = n->o->seed};
  uint64_t unknown = 0;
  struct slice text = u->bytes;
  if (memchr(text.data ? text.data : "", '\\', text.len)) {
    buffer_clear(&w->plain);
    document_unescape(&w->plain, text, &unknown);
    text = buffer_slice(&w->plain);
  }
  if (!w->shingler) w->shingler = shingler_new(n->o->ngram);
  shingler_run(w->shingler, text, take_block, &t);
  if (t.result != 0) return -1;
  if (t.count <= (uint64_t)n->o->least_words && count_words(text, (size_t)n->o->least_words) < (size_t)n->o->least_words) {
    b->hash_count -= t.count;
    t.count = 0;
  }
  if (t.piecewise) {
    settle_piece(&t);
    bool gone = goes(n, t.known, t.count);
    t.adding = true;
    if (!gone) shingler_run(w->shingler, text, take_block, &t);
    settle_piece(&t);
    *batch_add_drops(b, 1) = gone;
    b->decided++;
    return 0;
  }
  GROW(b->sizes, b->size_capacity, b->size_count + 1);
  b->sizes[b->size_count++] = (uint32_t)t.count;
  return 0;
}

int ngrams_run(struct stream *s, const struct ngrams_options *o, struct err *e) {
  struct ngrams n = {.o = o};
  struct method method = {.context = &n, .reason = "bloom-dedup:duplicate", .take = take, .decide = decide};
  int result = stream_run_operands(s, &method, e);
  free(n.known);
  return result;
}
