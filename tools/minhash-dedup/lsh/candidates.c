/* SPDX-License-Identifier: MIT
 *
 * Documents are renumbered: candidate i is the i-th document of a bitmap, found by rank (counts every 512 bits).  What
 * grows with the candidates' texts (sets, buckets) lies in scratch logs; in memory stay 1/8 byte and a bit a document,
 * and 16 bytes a candidate.
 *
 * A record of the log of sets: struct head, id, padding to 8 bytes, hashes; a set equal to an earlier one is stored once,
 * and head.hashes says where.
 */
#include "tools/minhash-dedup/lsh/candidates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/io/scratch.h"

enum { COMPONENT_MOST = 64, BUCKET_MOST = 256, FAILED_SLOTS = 1 << 16, CACHE_SLOTS = 128, CACHE_LARGEST = 1 << 15 };

struct head {
  uint64_t count;       /* hashes */
  uint64_t fingerprint; /* XXH3-64 of the hashes: equal sets need no comparison */
  uint64_t text_length;
  uint64_t id_length;
  uint64_t hashes;      /* their offset in the log */
};

struct set {
  struct head head;
  const char *id;
  const uint64_t *hashes;
};

struct slot { /* one set held for comparison */
  struct buffer room, hashes_room;
  struct set set;
  uint32_t candidate;
  bool used;
};

struct candidates {
  struct scratch buckets, sets;
  uint64_t *bits, *rank; /* rank[k]: candidates before bit 512 k */
  size_t words;
  uint64_t *offset;      /* of each candidate's record; one more at the end */
  uint64_t *known;       /* open addressing by fingerprint: pairs (fingerprint, offset of its hashes) */
  size_t known_mask;
  size_t count, put;
  bool earlier_only;
  uint32_t *parent;      /* union-find: the root is the smallest */
  uint32_t *kept;        /* after connecting: the one that stays in this candidate's component */
  struct slot slots[CACHE_SLOTS + 2]; /* small sets, each with a place of its own; any other, by role */
  uint64_t *failed;      /* pairs compared in vain lately: i * 2^32 + j, direct mapped */
  struct candidate_counts counts;
};

struct candidates *candidates_new(size_t memory, const char *folder) {
  struct candidates *c = NEW(struct candidates);
  scratch_init(&c->buckets, memory / 4, folder);
  scratch_init(&c->sets, memory / 16, folder);
  return c;
}

void candidates_free(struct candidates *c) {
  if (!c) return;
  scratch_release(&c->buckets);
  scratch_release(&c->sets);
  for (int i = 0; i < CACHE_SLOTS + 2; i++) buffer_release(&c->slots[i].room), buffer_release(&c->slots[i].hashes_room);
  free(c->known);
  free(c->bits);
  free(c->rank);
  free(c->offset);
  free(c->parent);
  free(c->kept);
  free(c->failed);
  free(c);
}

/* ---- who is a candidate */

int candidates_add_bucket(struct candidates *c, const uint32_t *documents, size_t count, struct err *e) {
  uint32_t n = (uint32_t)count;
  c->counts.buckets++;
  if (scratch_append(&c->buckets, &n, sizeof n, e) != 0 || scratch_append(&c->buckets, documents, count * sizeof *documents, e) != 0) return -1;
  size_t words = documents[count - 1] / 64 + 1;
  if (words > c->words) {
    size_t room = words > 2 * c->words ? words : 2 * c->words;
    c->bits = RESIZE(c->bits, room);
    memset(c->bits + c->words, 0, (room - c->words) * sizeof *c->bits);
    c->words = room;
  }
  for (size_t i = 0; i < count; i++) c->bits[documents[i] / 64] |= (uint64_t)1 << documents[i] % 64;
  return 0;
}

void candidates_close(struct candidates *c, uint64_t total) {
  size_t words = (total / 512 + 1) * 8;
  c->bits = RESIZE(c->bits, words);
  if (words > c->words) memset(c->bits + c->words, 0, (words - c->words) * sizeof *c->bits);
  c->words = words;
  c->rank = NEW_ARRAY(uint64_t, words / 8);
  for (size_t w = 0; w < words; w++) {
    if (w % 8 == 0) c->rank[w / 8] = c->count;
    c->count += (size_t)__builtin_popcountll(c->bits[w]);
  }
  c->counts.candidates = c->count;
  c->offset = NEW_ARRAY(uint64_t, c->count + 1);
  c->parent = NEW_ARRAY(uint32_t, c->count + 1);
  for (size_t i = 0; i < c->count; i++) c->parent[i] = (uint32_t)i;
}

bool candidates_has(const struct candidates *c, uint64_t document) {
  return document / 64 < c->words && c->bits[document / 64] >> document % 64 & 1;
}

size_t candidates_count(const struct candidates *c) { return c->count; }

static uint32_t candidate_of(const struct candidates *c, uint64_t document) {
  uint64_t word = document / 64, before = c->rank[word / 8];
  for (uint64_t w = word / 8 * 8; w < word; w++) before += (uint64_t)__builtin_popcountll(c->bits[w]);
  return (uint32_t)(before + (uint64_t)__builtin_popcountll(c->bits[word] & (((uint64_t)1 << document % 64) - 1)));
}

/* ---- sets */

/* Where the hashes of an equal set are, UINT64_MAX and a place for the new one when there is none. */
static uint64_t find_equal(struct candidates *c, uint64_t fingerprint, uint64_t **place) {
  if (!c->known) {
    for (c->known_mask = 15; c->known_mask < c->count + c->count / 2; c->known_mask = 2 * c->known_mask + 1) continue;
    c->known = NEW_ARRAY(uint64_t, 2 * (c->known_mask + 1));
  }
  for (size_t i = fingerprint & c->known_mask;; i = (i + 1) & c->known_mask) {
    *place = &c->known[2 * i];
    if ((*place)[1] == 0) return UINT64_MAX; /* no hashes stand at 0: a head does */
    if ((*place)[0] == fingerprint) return (*place)[1];
  }
}

int candidates_put(struct candidates *c, struct slice id, uint64_t text_length, const uint64_t *hashes, size_t count, struct err *e) {
  static const char padding[8];
  if (c->put == c->count) return err_set(e, "the input changed while it was read");
  uint64_t *place, fingerprint = XXH3_64bits(hashes, count * sizeof *hashes), at = scratch_length(&c->sets), equal = find_equal(c, fingerprint, &place);
  bool fresh = equal == UINT64_MAX;
  struct head head = {count, fingerprint, text_length, id.len, fresh ? at + sizeof head + (id.len + 7) / 8 * 8 : equal};
  c->offset[c->put++] = at;
  if (scratch_append(&c->sets, &head, sizeof head, e) != 0 || scratch_append(&c->sets, id.data, id.len, e) != 0 || scratch_append(&c->sets, padding, -id.len % 8, e) != 0) return -1;
  if (fresh) {
    if (scratch_append(&c->sets, hashes, count * sizeof *hashes, e) != 0) return -1;
    place[0] = fingerprint;
    place[1] = head.hashes;
  }
  c->offset[c->put] = scratch_length(&c->sets);
  return 0;
}

/* The set of a candidate, in one of two roles: valid until another is wanted in this role.  Small sets that come from a
 * file are kept for the next time; one in role 1 never takes the place of the one in role 0. */
static const struct set *set_of(struct candidates *c, uint32_t candidate, int role, uint32_t beside, struct err *e) {
  uint64_t at = c->offset[candidate], length = c->offset[candidate + 1] - at;
  bool place = !(role == 1 && beside % CACHE_SLOTS == candidate % CACHE_SLOTS) && length <= CACHE_LARGEST;
  struct slot *s = &c->slots[place ? candidate % CACHE_SLOTS : CACHE_SLOTS + (uint32_t)role];
  if (s->used && s->candidate == candidate) return &s->set;
  const void *data, *hashes;
  s->used = false;
  if (scratch_read(&c->sets, at, (size_t)length, &s->room, &data, e) != 0) return NULL;
  struct head head;
  memcpy(&head, data, sizeof head);
  hashes = (const char *)data + sizeof head + (head.id_length + 7) / 8 * 8;
  if (head.hashes < at) { /* equal to an earlier one */
    size_t size = head.count * sizeof *s->set.hashes;
    if (size > CACHE_LARGEST && place) {
      struct slot *other = &c->slots[CACHE_SLOTS + (uint32_t)role], exchanged = *other;
      *other = *s, *s = exchanged;
      s->used = false;
      s = other;
    }
    if (scratch_read(&c->sets, head.hashes, size, &s->hashes_room, &hashes, e) != 0) return NULL;
  }
  s->set = (struct set){head, (const char *)data + sizeof head, hashes};
  s->candidate = candidate;
  s->used = true;
  return &s->set;
}

size_t sets_common(const uint64_t *a, size_t a_count, const uint64_t *b, size_t b_count, size_t least) {
  size_t i = 0, j = 0, common = 0;
  while (i < a_count && j < b_count) {
    size_t left = a_count - i < b_count - j ? a_count - i : b_count - j;
    if (common + left < least) return common;
    for (size_t step = left < 64 ? left : 64; step > 0; step--) { /* at most one further in each set a step */
      uint64_t x = a[i], y = b[j];
      common += x == y;
      i += x <= y;
      j += y <= x;
    }
  }
  return common;
}

static double jaccard(size_t common, size_t a_count, size_t b_count) { return (double)common / (double)(a_count + b_count - common); }

/* 1 when the similarity of i and j reaches verify, 0 when not, -1. */
static int alike(struct candidates *c, uint32_t i, uint32_t j, double verify, struct err *e) {
  uint64_t pair = (uint64_t)i << 32 | j, *failed = &c->failed[(pair * 0x9E3779B97F4A7C15u) >> 48];
  if (*failed == pair) return 0;
  const struct set *b = set_of(c, j, 0, j, e), *a = b ? set_of(c, i, 1, j, e) : NULL;
  if (!a) return -1;
  c->counts.compared++;
  size_t m = a->head.count, n = b->head.count, smaller = m < n ? m : n;
  bool same = false;
  if (m == n && a->head.fingerprint == b->head.fingerprint) {
    same = true;
  } else if (jaccard(smaller, m, n) >= verify) {
    /* common >= verify (m + n - common); one less guards against rounding, the comparison below is exact */
    double least = verify / (1 + verify) * (double)(m + n) - 1;
    same = jaccard(sets_common(a->hashes, m, b->hashes, n, least > 0 ? (size_t)least : 0), m, n) >= verify;
  }
  c->counts.alike += same;
  if (!same) *failed = pair;
  return same;
}

/* ---- components */

void candidates_connect_earlier(struct candidates *c) { c->earlier_only = true; }

static uint32_t find(struct candidates *c, uint32_t i) {
  while (c->parent[i] != i) i = c->parent[i] = c->parent[c->parent[i]];
  return i;
}

static void connect(struct candidates *c, uint32_t i, uint32_t j) {
  uint32_t a = find(c, i), b = find(c, j);
  if (a < b) c->parent[b] = a;
  else c->parent[a] = b;
}

/* Nothing more is to be found for this document. */
static bool is_settled(const struct candidates *c, uint32_t i) { return c->earlier_only && c->parent[i] != i; }

struct chain { /* members of one component in a bucket, oldest first */
  uint32_t first, last;
};

struct bucket_work {
  uint32_t *member, *next;
  struct chain *chains;
  size_t capacity, next_capacity, chain_capacity;
};

static const uint32_t end_of_chain = UINT32_MAX;

static int connect_bucket(struct candidates *c, struct bucket_work *w, uint32_t count, double verify, struct err *e) {
  size_t chains = 0;
  for (uint32_t j = 0; j < count; j++) {
    uint32_t one = w->member[j];
    size_t home = SIZE_MAX, kept = 0;
    int tried = 0;
    w->next[j] = end_of_chain;
    for (size_t k = 0; k < chains; k++) {
      struct chain chain = w->chains[k];
      bool joined = false;
      if (tried < BUCKET_MOST) {
        joined = find(c, w->member[chain.first]) == find(c, one);
        int of_chain = 0;
        for (uint32_t m = chain.first; !joined && !is_settled(c, one) && m != end_of_chain && of_chain < COMPONENT_MOST && tried < BUCKET_MOST; m = w->next[m], of_chain++, tried++) {
          int same = alike(c, w->member[m], one, verify, e);
          if (same < 0) return -1;
          if (same) connect(c, w->member[m], one), joined = true;
        }
      } else if (kept == k) { /* nothing moved and nothing more will */
        kept = chains;
        break;
      }
      if (joined && home != SIZE_MAX) { /* two components meet in `one` */
        w->next[w->chains[home].last] = chain.first;
        w->chains[home].last = chain.last;
      } else {
        if (joined) home = kept;
        w->chains[kept++] = chain;
      }
    }
    chains = kept;
    if (home == SIZE_MAX) {
      GROW(w->chains, w->chain_capacity, chains + 1);
      w->chains[chains++] = (struct chain){j, j};
    } else {
      w->next[w->chains[home].last] = j;
      w->chains[home].last = j;
    }
  }
  return 0;
}

static int connect_buckets(struct candidates *c, double verify, struct err *e) {
  struct bucket_work w = {0};
  struct buffer room = {0};
  int result = 0;
  const void *data;
  for (uint64_t at = 0, end = scratch_length(&c->buckets); at < end && result == 0;) {
    uint32_t count;
    if ((result = scratch_read(&c->buckets, at, sizeof count, &room, &data, e)) != 0) break;
    memcpy(&count, data, sizeof count);
    if ((result = scratch_read(&c->buckets, at + sizeof count, count * sizeof count, &room, &data, e)) != 0) break;
    at += sizeof count + count * sizeof count;
    GROW(w.member, w.capacity, count);
    GROW(w.next, w.next_capacity, count);
    for (uint32_t i = 0; i < count; i++) {
      uint32_t document;
      memcpy(&document, (const char *)data + i * sizeof document, sizeof document);
      w.member[i] = candidate_of(c, document);
    }
    if (verify > 0) result = connect_bucket(c, &w, count, verify, e);
    else
      for (uint32_t i = 1; i < count; i++)
        if (!is_settled(c, w.member[i])) connect(c, w.member[0], w.member[i]);
  }
  free(w.member);
  free(w.next);
  free(w.chains);
  buffer_release(&room);
  return result;
}

static int choose_longest(struct candidates *c, struct err *e) {
  uint64_t *length = NEW_ARRAY(uint64_t, c->count + 1); /* of the one kept, by root */
  int result = 0;
  for (uint32_t i = 0; i < c->count && result == 0; i++) {
    uint32_t root = find(c, i);
    const struct set *s = c->put ? set_of(c, i, 0, i, e) : NULL;
    if (!s) result = -1;
    else if (i == root || s->head.text_length > length[root]) length[root] = s->head.text_length, c->kept[root] = i;
  }
  free(length);
  return result;
}

int candidates_connect(struct candidates *c, double verify, bool keep_longest, struct err *e) {
  if (c->put > 0 && c->put < c->count) return err_set(e, "the input changed while it was read");
  free(c->known);
  c->known = NULL;
  c->failed = NEW_ARRAY(uint64_t, FAILED_SLOTS); /* 0 is the pair (0, 0), which is never compared */
  if (connect_buckets(c, verify, e) != 0) return -1;
  c->kept = NEW_ARRAY(uint32_t, c->count + 1);
  for (uint32_t i = 0; i < c->count; i++) c->kept[i] = i;
  if (keep_longest && choose_longest(c, e) != 0) return -1;
  for (uint32_t i = 0; i < c->count; i++) {
    uint32_t root = find(c, i);
    if (root != i) {
      c->kept[i] = c->kept[root];
      c->counts.removed++;
    }
  }
  /* roots are the smallest of their components and keep kept[root]: a root that is not kept is removed itself */
  uint8_t *has_more = NEW_ARRAY(uint8_t, c->count + 1);
  for (uint32_t i = 0; i < c->count; i++)
    if (find(c, i) != i) has_more[find(c, i)] = 1;
  for (uint32_t i = 0; i < c->count; i++) c->counts.clusters += has_more[i];
  free(has_more);
  return 0;
}

bool candidates_removed(const struct candidates *c, uint64_t document) {
  if (!candidates_has(c, document)) return false;
  uint32_t i = candidate_of(c, document);
  return c->kept[i] != i;
}

size_t candidates_kept(const struct candidates *c, size_t candidate) { return c->kept[candidate]; }

int candidates_compare(struct candidates *c, size_t candidate, size_t kept, struct slice *id, struct slice *kept_id, double *similarity, struct err *e) {
  const struct set *b = set_of(c, (uint32_t)kept, 0, (uint32_t)kept, e), *a = b ? set_of(c, (uint32_t)candidate, 1, (uint32_t)kept, e) : NULL;
  if (!a) return -1;
  size_t m = b->head.count, n = a->head.count;
  size_t common = m == n && b->head.fingerprint == a->head.fingerprint ? m : sets_common(b->hashes, m, a->hashes, n, 0);
  *id = (struct slice){a->id, a->head.id_length};
  *kept_id = (struct slice){b->id, b->head.id_length};
  *similarity = jaccard(common, m, n);
  return 0;
}

int candidates_each_removed(struct candidates *c, int (*take)(void *, struct slice, struct slice, double, struct err *), void *context, struct err *e) {
  for (uint32_t i = 0; i < c->count; i++) {
    struct slice id, kept_id;
    double similarity;
    if (c->kept[i] == i) continue;
    if (candidates_compare(c, i, c->kept[i], &id, &kept_id, &similarity, e) != 0 || take(context, id, kept_id, similarity, e) != 0) return -1;
  }
  return 0;
}

void candidates_each_cluster(struct candidates *c, void (*take)(void *, uint64_t), void *context) {
  uint32_t *size = NEW_ARRAY(uint32_t, c->count + 1); /* by root */
  for (uint32_t i = 0; i < c->count; i++) size[find(c, i)]++;
  for (uint32_t i = 0; i < c->count; i++)
    if (size[i] > 1) take(context, size[i]);
  free(size);
}

struct candidate_counts candidates_counts(const struct candidates *c) { return c->counts; }
