/* SPDX-License-Identifier: MIT
 *
 * What the formats share: parts of tokens from ranks or from merges, and the byte-level alphabet.
 *
 * tiktoken merges any two neighbours whose bytes, joined, are a token, lowest rank first.  Inside the bytes of a token
 * T nothing but T's own encoding can happen before T is made, so the two parts that encoding T's bytes ends with are
 * the only ones that ever make T: one pair of parts a token says all.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hashmap.h"
#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "common/token/formats.h"
#include "common/token/pairs.h"

static void byte_ids(const struct vocab *v, uint32_t ids[256]) {
  for (int b = 0; b < 256; b++) ids[b] = VOCAB_NONE;
  for (uint32_t id = 0; id < v->size; id++)
    if (v->entries[id].length == 1 && !v->entries[id].special) ids[(unsigned char)v->bytes.data[v->entries[id].offset]] = id;
}

/* As pairs_merge down to two, by the bytes of any two neighbours: exact also where a part ranks above its token.
 * Neighbours are neighbours in memory inside the token: their bytes join there.  ids has room for 2 n. */
static size_t merge_by_bytes(const struct vocab *v, struct slice bytes, uint32_t *ids, size_t n) {
  uint32_t *ranks = ids + n; /* of i and i + 1, which is the id of both joined */
  for (size_t i = 0; i + 1 < n; i++) ranks[i] = (uint32_t)vocab_find(v, (struct slice){bytes.data + i, 2}); /* -1: VOCAB_NONE */
  while (n > 2) {
    uint32_t best = VOCAB_NONE;
    size_t at = 0, from = 0;
    for (size_t i = 0; i + 1 < n; i++)
      if (ranks[i] < best) {
        best = ranks[i];
        at = i;
      }
    if (best == VOCAB_NONE) break;
    ids[at] = best;
    memmove(ids + at + 1, ids + at + 2, (n - at - 2) * sizeof *ids);
    memmove(ranks + at, ranks + at + 1, (n - at - 2) * sizeof *ranks);
    n--;
    for (size_t i = 0; i < at; i++) from += v->entries[ids[i]].length;
    size_t length = v->entries[best].length;
    if (at + 1 < n) ranks[at] = (uint32_t)vocab_find(v, (struct slice){bytes.data + from, length + v->entries[ids[at + 1]].length});
    if (at > 0) {
      size_t before = v->entries[ids[at - 1]].length;
      ranks[at - 1] = (uint32_t)vocab_find(v, (struct slice){bytes.data + from - before, before + length});
    }
  }
  return n;
}

#define DERIVE_LIMIT 4096 /* longer tokens keep no parts: encoding their bytes is quadratic */

/* The token's bytes as ids, with room for as many ranks behind them; false when a byte has no id. */
static bool spell(const struct vocab *v, const struct vocab_entry *t, const uint32_t bytes[256], struct ids *out) {
  bool known = true;
  ids_reserve(out, 2 * (size_t)t->length);
  for (uint32_t i = 0; i < t->length; i++) {
    out->data[i] = bytes[(unsigned char)v->bytes.data[t->offset + i]];
    known = known && out->data[i] != VOCAB_NONE;
  }
  return known;
}

/* Undoes the merge that came later, of the left token's or of the right one's: its part beside the other, and the limit below which a merge
 * of the two would have come before it.  False when both are bytes. */
static inline bool undo_later(const struct vocab_entry *entries, uint32_t *left, uint32_t *right, uint32_t *limit) {
  uint32_t x = entries[*left].rank, y = entries[*right].rank;
  if (x != VOCAB_NONE && (y == VOCAB_NONE || x > y)) {
    *limit = x;
    *left = entries[*left].right;
    return true;
  }
  if (y == VOCAB_NONE) return false;
  *limit = y + 1;
  *right = entries[*right].left;
  return true;
}

/* Whether encoding the bytes of a and b, joined, with the merges below `limit` gives a and b again, where each of the
 * two encodes to itself: undoing the later of both merges again and again, no pair of neighbours on the way would have
 * merged before it (github.com/github/rust-gems, crates/bpe, README). */
static bool stay_two(const struct vocab *v, const struct pairs *pairs, uint32_t a, uint32_t b, uint32_t limit) {
  do
    if (pairs_rank(pairs, a, b) < limit) return false;
  while (undo_later(v->entries, &a, &b, &limit));
  return true;
}

/* ---- from ranks ----------------------------------------------------------------------------------------------------- */

/* The tokens made so far, as a set of their bytes by a hash of which that of every part of a string comes with one
 * multiplication: for the n bytes b, the sum of (b[i] + 1) P^(n - i).  It errs to one side, and fits into the L2 cache. */
struct sketch {
  uint64_t *bits;
  int shift;
  uint64_t power[DERIVE_LIMIT + 1];  /* P^k */
  uint64_t prefix[DERIVE_LIMIT + 1]; /* hashes of the prefixes of the token at hand */
};

#define SKETCH_P 0x9E3779B97F4A7C15u

static inline size_t sketch_place(const struct sketch *s, uint64_t hash) { return (hash ^ hash >> 29) * 0xD6E8FEB86659FD93u >> s->shift; }

static inline void sketch_add(struct sketch *s, uint64_t hash) {
  size_t place = sketch_place(s, hash);
  s->bits[place >> 6] |= (uint64_t)1 << (place & 63);
}

/* Whether bytes from .. to of the token at hand may be a token. */
static inline bool sketch_has(const struct sketch *s, uint32_t from, uint32_t to) {
  size_t place = sketch_place(s, s->prefix[to] - s->prefix[from] * s->power[to - from]);
  return s->bits[place >> 6] >> (place & 63) & 1;
}

static struct sketch *sketch_new(uint32_t tokens) {
  struct sketch *s = NEW(struct sketch);
  int bits = 10;
  while (bits < 32 && (size_t)1 << bits < 16 * (size_t)tokens) bits++;
  s->bits = NEW_ARRAY(uint64_t, (size_t)1 << (bits - 6));
  s->shift = 64 - bits;
  s->power[0] = 1;
  for (size_t k = 0; k < DERIVE_LIMIT; k++) s->power[k + 1] = s->power[k] * SKETCH_P;
  for (uint64_t b = 0; b < 256; b++) sketch_add(s, (b + 1) * SKETCH_P);
  return s;
}

/* As stay_two, where a ends and b begins `at` bytes into p: the pair merges when their bytes are a token of these parts. */
static bool stay_two_at(const struct vocab *v, const struct sketch *s, const char *p, uint32_t at, uint32_t a, uint32_t b) {
  const struct vocab_entry *entries = v->entries;
  uint32_t limit = VOCAB_NONE;
  do {
    uint32_t left = entries[a].length, right = entries[b].length;
    if (sketch_has(s, at - left, at + right)) {
      int64_t id = vocab_find(v, (struct slice){p + at - left, left + right});
      if (id >= 0 && entries[id].rank < limit && entries[id].left == a && entries[id].right == b) return false;
    }
  } while (undo_later(entries, &a, &b, &limit));
  return true;
}

/* Gives token `id` its parts: two tokens made before that stay two.  There is at most one such split, the one that
 * encoding its bytes with the merges made before ends with. */
static bool split(struct vocab *v, struct sketch *s, const uint32_t bytes[256], uint32_t id) {
  struct vocab_entry *t = &v->entries[id];
  const char *p = v->bytes.data + t->offset;
  uint32_t n = t->length;
  for (uint32_t i = 0; i < n; i++) s->prefix[i + 1] = (s->prefix[i] + (unsigned char)p[i] + 1) * SKETCH_P;
  for (uint32_t at = n - 1; at > 0; at--) {
    if (!sketch_has(s, 0, at) || !sketch_has(s, at, n)) continue;
    int64_t left = at == 1 ? bytes[(unsigned char)p[0]] : vocab_find(v, (struct slice){p, at});
    if (left < 0 || (at > 1 && v->entries[left].rank == VOCAB_NONE)) continue;
    int64_t right = at == n - 1 ? bytes[(unsigned char)p[n - 1]] : vocab_find(v, (struct slice){p + at, n - at});
    if (right < 0 || (at < n - 1 && v->entries[right].rank == VOCAB_NONE)) continue;
    if (!stay_two_at(v, s, p, at, (uint32_t)left, (uint32_t)right)) continue;
    t->left = (uint32_t)left;
    t->right = (uint32_t)right;
    t->rank = id;
    sketch_add(s, s->prefix[n]);
    return true;
  }
  return false;
}

/* The definition, step by step; false when encoding the token's bytes does not end with two parts. */
static bool derive_plainly(struct vocab *v, uint32_t id, const uint32_t bytes[256], struct ids *work) {
  struct vocab_entry *t = &v->entries[id];
  t->left = t->right = t->rank = VOCAB_NONE;
  spell(v, t, bytes, work);
  if (merge_by_bytes(v, vocab_bytes(v, id), work->data, t->length) != 2) return false;
  t->left = work->data[0];
  t->right = work->data[1];
  t->rank = id;
  return true;
}

void format_derive_parts(struct vocab *v) {
  uint32_t bytes[256];
  byte_ids(v, bytes);
  for (int b = 0; b < 256; b++)
    if (bytes[b] == VOCAB_NONE) return; /* vocab_check() refuses it, as two tokens of the same bytes */
  if (v->twice) return;
  struct sketch *sketch = sketch_new(v->ordinary);
  struct ids work = {0}, late = {0};
  for (uint32_t id = 0; id < v->size; id++) {
    const struct vocab_entry *t = &v->entries[id];
    if (t->length < 2 || t->special || t->length > DERIVE_LIMIT || split(v, sketch, bytes, id)) continue;
    ids_reserve(&late, 1);
    late.data[late.len++] = id;
  }
  free(sketch->bits);
  free(sketch);
  /* A token that ranks below one of its parts comes into being as soon as that part has: tokens behind it may be cut
   * otherwise than was found above, without it. */
  uint32_t first = VOCAB_NONE;
  for (size_t k = 0; k < late.len; k++)
    if (derive_plainly(v, late.data[k], bytes, &work) && late.data[k] < first) first = late.data[k];
  for (uint32_t id = first; id < v->size; id++)
    if (v->entries[id].rank != VOCAB_NONE) derive_plainly(v, id, bytes, &work);
  ids_release(&work);
  ids_release(&late);
}

/* ---- from merges ---------------------------------------------------------------------------------------------------- */

int format_apply_merges(struct vocab *v, const uint32_t *merges, size_t count, bool whole, struct err *e) {
  uint32_t bytes[256];
  byte_ids(v, bytes);
  if (count >= VOCAB_NONE) return err_set(e, "too many merges");
  struct pairs pairs = {0};
  pairs_reserve(&pairs, count);
  for (size_t i = 0; i < count; i++) pairs_put(&pairs, merges[3 * i], merges[3 * i + 1], (uint32_t)i, merges[3 * i + 2]);
  /* In order of rank, from parts that are made already: tokens for which this holds need not be encoded. */
  bool *made = NEW_ARRAY(bool, (size_t)v->size + 1);
  for (int b = 0; b < 256; b++)
    if (bytes[b] != VOCAB_NONE) made[bytes[b]] = true;
  for (size_t i = 0; i < count; i++) {
    const uint32_t *m = &merges[3 * i];
    struct vocab_entry *t = &v->entries[m[2]];
    if (pairs.count < count && pairs_rank(&pairs, m[0], m[1]) != i) continue; /* it comes again later */
    if (made[m[2]]) continue;
    made[m[2]] = made[m[0]] && made[m[1]] && stay_two(v, &pairs, m[0], m[1], (uint32_t)i);
    if (t->rank != VOCAB_NONE && !made[m[2]]) continue;
    t->left = m[0];
    t->right = m[1];
    t->rank = (uint32_t)i;
  }
  struct ids work = {0};
  for (uint32_t id = 0; id < v->size; id++) {
    struct vocab_entry *t = &v->entries[id];
    if (t->length < 2 || t->special || made[id] || t->length > DERIVE_LIMIT) continue;
    if (!spell(v, t, bytes, &work)) continue;
    size_t n = pairs_merge(&pairs, work.data, t->length, 2);
    const struct pair_slot *last = n == 2 ? pairs_find(&pairs, work.data[0], work.data[1]) : NULL;
    if (last && last->id == id) {
      t->left = work.data[0];
      t->right = work.data[1];
      t->rank = last->rank;
    } else if (whole) {
      t->left = t->right = t->rank = VOCAB_NONE;
    } else {
      t->left = t->right = id;
      t->rank = VOCAB_NONE;
    }
  }
  free(made);
  ids_release(&work);
  free(pairs.slots);
  return 0;
}

/* ---- the byte-level alphabet ---------------------------------------------------------------------------------------- */

enum { ALPHABET_END = 0x144 };
static int16_t alphabet[ALPHABET_END]; /* bytes of code points, or -1 */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_alphabet(void) {
  for (uint32_t u = 0; u < ALPHABET_END; u++) alphabet[u] = -1;
  for (int b = 0; b < 256; b++) alphabet[byte_to_unicode((unsigned char)b)] = (int16_t)b;
}

int format_characters(struct buffer *out, const char *s, size_t n) {
  pthread_once(&once, make_alphabet);
  buffer_reserve(out, n);
  for (size_t i = 0; i < n; i++) {
    uint32_t u = (unsigned char)s[i];
    if (u >= 0xC2 && u <= 0xC5 && i + 1 < n && ((unsigned char)s[i + 1] & 0xC0) == 0x80) u = (u & 0x1F) << 6 | ((unsigned char)s[++i] & 0x3F);
    else if (u >= 0x80) return -1;
    if (u >= ALPHABET_END || alphabet[u] < 0) return -1;
    out->data[out->len++] = (char)alphabet[u];
  }
  return 0;
}

void spelled_init(struct spelled *s, struct vocab *v) { *s = (struct spelled){.v = v, .waiting = hashmap_new()}; }

void spelled_release(struct spelled *s) {
  hashmap_free(s->waiting);
  ids_release(&s->merges);
  buffer_release(&s->bytes);
  buffer_release(&s->scratch);
}

int spelled_token(struct spelled *s, struct slice name, uint32_t id, bool may_be_special, struct err *e) {
  buffer_clear(&s->bytes);
  if (format_characters(&s->bytes, name.data, name.len)) {
    if (utf8_valid_prefix(name.data, name.len) != name.len) return err_set(e, "token %" PRIu32 " is not UTF-8", id);
    return vocab_add_special(s->v, id, name, e);
  }
  if (!may_be_special || s->bytes.len == 1) return vocab_add(s->v, id, buffer_slice(&s->bytes), e);
  bool added;
  *hashmap_put(s->waiting, buffer_slice(&s->bytes), &added) = id;
  return added ? 0 : err_set(e, "token %.*s occurs twice", (int)(name.len < 80 ? name.len : 80), name.data);
}

/* Id of an ordinary token, to which one that waits becomes; -1: none; -2: error. */
static int64_t find_ordinary(struct spelled *s, struct slice bytes, struct err *e) {
  int64_t id = vocab_find(s->v, bytes);
  if (id >= 0 || hashmap_count(s->waiting) == 0) return id;
  const uint64_t *waiting = hashmap_find(s->waiting, bytes);
  if (!waiting) return -1;
  if (vocab_add(s->v, (uint32_t)*waiting, bytes, e)) return -2;
  s->promoted++;
  return (int64_t)*waiting;
}

int spelled_merge(struct spelled *s, struct slice left, struct slice right, struct err *e) {
  struct buffer *joined = &s->bytes;
  buffer_clear(joined);
  bool known = format_characters(joined, left.data, left.len) == 0;
  size_t n = joined->len;
  known = known && format_characters(joined, right.data, right.len) == 0 && n > 0 && joined->len > n;
  int64_t l = known ? find_ordinary(s, (struct slice){joined->data, n}, e) : -1, r = l >= 0 ? find_ordinary(s, (struct slice){joined->data + n, joined->len - n}, e) : -1;
  int64_t t = r >= 0 ? find_ordinary(s, buffer_slice(joined), e) : -1;
  if (l == -2 || r == -2 || t == -2) return -1;
  if (t < 0) return err_set(e, "a part or their join is not in the vocabulary");
  ids_reserve(&s->merges, 3);
  s->merges.data[s->merges.len++] = (uint32_t)l;
  s->merges.data[s->merges.len++] = (uint32_t)r;
  s->merges.data[s->merges.len++] = (uint32_t)t;
  return 0;
}

int spelled_finish(struct spelled *s, bool whole, struct err *e) {
  struct vocab *v = s->v;
  for (size_t i = 0; i < hashmap_count(s->waiting); i++) {
    const struct hashmap_entry *entry = &hashmap_entries(s->waiting)[i];
    uint32_t id = (uint32_t)entry->value;
    if (id < v->size && v->entries[id].length && !v->entries[id].special && slice_equal(vocab_bytes(v, id), entry->key)) continue;
    buffer_clear(&s->bytes);
    format_spell(&s->bytes, entry->key);
    if (vocab_add_special(v, id, buffer_slice(&s->bytes), e)) return -1;
  }
  if (s->promoted) {
    bool *made = NEW_ARRAY(bool, (size_t)v->size + 1);
    int status = 0;
    for (size_t i = 2; i < s->merges.len; i += 3) made[s->merges.data[i]] = true;
    for (size_t i = 0; i < hashmap_count(s->waiting) && status == 0; i++) {
      uint32_t id = (uint32_t)hashmap_entries(s->waiting)[i].value;
      if (!v->entries[id].special && !made[id]) status = err_set(e, "a merge uses the added token %" PRIu32 ", which no merge makes", id);
    }
    free(made);
    if (status) return -1;
  }
  return format_apply_merges(v, s->merges.data, s->merges.len / 3, whole, e);
}

void format_spell(struct buffer *out, struct slice bytes) {
  for (size_t i = 0; i < bytes.len; i++) utf8_append(out, byte_to_unicode((unsigned char)bytes.data[i]));
}

struct ranked {
  uint32_t rank, id;
};

static int by_rank(const void *x, const void *y) {
  const struct ranked *a = x, *b = y;
  return a->rank < b->rank ? -1 : a->rank > b->rank;
}

uint32_t *format_merge_order(const struct vocab *v, size_t *count) {
  struct ranked *merges = NEW_ARRAY(struct ranked, (size_t)v->size + 1);
  uint32_t *order = NEW_ARRAY(uint32_t, (size_t)v->size + 1);
  size_t n = 0;
  for (uint32_t id = 0; id < v->size; id++)
    if (v->entries[id].rank != VOCAB_NONE) merges[n++] = (struct ranked){v->entries[id].rank, id};
  qsort(merges, n, sizeof merges[0], by_rank);
  for (size_t i = 0; i < n; i++) order[i] = merges[i].id;
  free(merges);
  *count = n;
  return order;
}

int format_check_spelling(const struct vocab *v, const char *file, struct err *e) {
  struct hashmap *specials = hashmap_new(), *texts = hashmap_new();
  struct buffer bytes = {0};
  int status = 0;
  for (uint32_t id = 0; id < v->size && status == 0; id++) {
    struct slice text = vocab_bytes(v, id);
    if (text.len == 0 || !v->entries[id].special) continue;
    if (utf8_valid_prefix(text.data, text.len) != text.len || memchr(text.data, 0, text.len)) status = err_set(e, "special token %" PRIu32 " is not UTF-8 text: %s cannot hold it", id, file);
    bool added;
    hashmap_put(texts, text, &added);
    buffer_clear(&bytes);
    if (status == 0 && format_characters(&bytes, text.data, text.len) == 0) *hashmap_put(specials, buffer_slice(&bytes), NULL) = id;
    if (!added) status = err_set(e, "special token %" PRIu32 " has the text of another: %s cannot hold both", id, file);
  }
  for (uint32_t id = 0; id < v->size && status == 0 && hashmap_count(specials); id++) {
    const uint64_t *special = v->entries[id].length && !v->entries[id].special ? hashmap_find(specials, vocab_bytes(v, id)) : NULL;
    if (special) status = err_set(e, "special token %" PRIu64 " and token %" PRIu32 " are spelled alike: %s cannot hold both; name the special otherwise", *special, id, file);
  }
  buffer_release(&bytes);
  hashmap_free(specials);
  hashmap_free(texts);
  return status;
}
