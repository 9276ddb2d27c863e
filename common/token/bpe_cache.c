/* SPDX-License-Identifier: MIT
 *
 * The cache of pieces, in one block of memory that is touched only as it fills: table | index | log | fits.
 *
 * Table, for pieces of 1 to 15 bytes: sets of one cache line, {key, key, ids, ids}.  The key is the piece with its length
 * in the last byte.  The table starts small and grows fourfold in place when as many pieces came as it has sets, so that
 * little text touches little memory.  The number of ids less one stands in the top bits of the first one; when there are more than four,
 * IN_LOG stands there and the place of an entry of the log behind it.  What is new pushes what was first to the second
 * slot.  Sets are chosen by CRC32C where the CPU has it.
 *
 * Log, for pieces of 16 to 255 bytes and short ones of many ids: a ring of entries {length | count << 16, piece padded to
 * words, ids}, the oldest overwritten by the newest.  Places in it count words since the start, so that a place tells
 * whether its entry is still there.  The index finds them: buckets of four {place, 24 bits of the hash}, of which the
 * oldest is replaced.
 *
 * Pieces come in batches: first all keys, so that the memory of all sets is on its way, then the places of the long
 * ones, then the ids.  What the cache lacks is left out until the end of the batch and encoded together.
 */
#include <stdlib.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/token/bpe_tables.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum {
  SHORT_KEY = BPE_KEY,
  LONG_KEY = 255,
  SLOT_IDS = 4,
  IN_LOG = 15,
  COUNT_SHIFT = 28, /* ids have 22 bits */
  BUCKET = 4,
  TAG_BITS = 24,
  SETS_FIRST = 32768,
  GROWTH = 4,
  MISSES = 32, /* pieces that the table lacks, encoded side by side */
  FIT_LEAST = 7,
  FIT_MOST = 15, /* log2 of the table of fits */
};
#define PLACE_LIMIT (UINT64_C(1) << (64 - TAG_BITS))

struct set {
  uint64_t key[2][2];
  uint32_t ids[2][SLOT_IDS];
};
_Static_assert(sizeof(struct set) == 64, "a set is a cache line");

struct bpe_cache {
  struct set *sets;
  uint64_t *index;
  uint32_t *log;
  uint32_t set_count, set_limit, bucket_count;
  uint32_t filled; /* slots written since the table had this size */
  uint64_t head;     /* place of the next entry, in words; never 0, so that an index of zeros is empty */
  uint64_t lap;      /* place of the start of the log */
  uint64_t capacity; /* words in the log */
  uint32_t missed;   /* pieces that the log lacked */
  struct bpe_fits fits;
  void *memory;
  size_t size;
};

struct bpe_cache *bpe_cache_new(const struct bpe *b, size_t memory) {
  (void)b;
  struct bpe_cache *c = NEW(struct bpe_cache);
  if (memory < 64 << 10) memory = 64 << 10;
  if (memory > (size_t)32 << 30) memory = (size_t)32 << 30;
  c->size = (memory - sizeof *c) & ~(size_t)4095;
  size_t capacity = memory / 8 * 3 & ~(size_t)63, index = capacity / 8 & ~(size_t)63, fits = sizeof(struct bpe_fit) << FIT_LEAST;
  int fit_bits = FIT_LEAST;
  for (; fit_bits < FIT_MOST && 2 * fits <= memory / 64; fits *= 2) fit_bits++;
  size_t sets = c->size - capacity - index - fits;
  char *memory_at = bpe_map(c->size);
  c->memory = memory_at;
  c->sets = (struct set *)(void *)memory_at;
  c->set_limit = c->set_count = (uint32_t)(sets / sizeof(struct set));
  for (; c->set_count > SETS_FIRST; c->set_count /= GROWTH) {}
  c->index = (uint64_t *)(void *)(memory_at + (size_t)c->set_limit * sizeof(struct set));
  c->bucket_count = (uint32_t)(index / (BUCKET * sizeof(uint64_t)));
  c->log = (uint32_t *)(void *)(c->index + (size_t)c->bucket_count * BUCKET);
  c->fits.table = (struct bpe_fit *)(void *)(c->log + capacity / sizeof(uint32_t));
  c->fits.shift = 64 - fit_bits;
  c->capacity = capacity / sizeof(uint32_t);
  c->head = 1;
  return c;
}

void bpe_cache_free(struct bpe_cache *c) {
  if (!c) return;
  bpe_unmap(c->memory, c->size);
  free(c);
}

/* ---- log ------------------------------------------------------------------------------------------------------------ */

static inline uint64_t *bucket_of(const struct bpe_cache *c, uint64_t hash) { return c->index + BUCKET * (((hash & UINT32_MAX) * c->bucket_count) >> 32); }

static inline uint64_t tag_of(uint64_t hash) { return hash >> (64 - TAG_BITS); }

/* Where a place is in the log; meaningless when it is overwritten. */
static inline const uint32_t *log_at(const struct bpe_cache *c, uint64_t place) { return c->log + (place - c->lap + (place < c->lap ? c->capacity : 0)); }

/* Words of eight bytes, the last one overlapping: most pieces are a few of them. */
static inline bool equal(const void *a, const char *b, size_t n) {
  const char *p = a;
  uint64_t x, y, differ = 0;
  if (n < 8) return memcmp(p, b, n) == 0;
  for (size_t i = 0; i + 8 < n && !differ; i += 8) {
    memcpy(&x, p + i, 8);
    memcpy(&y, b + i, 8);
    differ = x ^ y;
  }
  memcpy(&x, p + n - 8, 8);
  memcpy(&y, b + n - 8, 8);
  return (differ | (x ^ y)) == 0;
}

/* The entry of a piece, or NULL. */
static inline const uint32_t *log_entry(const struct bpe_cache *c, uint64_t place, struct slice piece) {
  if (place == 0 || c->head - place > c->capacity) return NULL;
  const uint32_t *entry = log_at(c, place);
  return (entry[0] & 0xFFFF) == piece.len && equal(entry + 1, piece.data, piece.len) ? entry : NULL;
}

static inline void log_emit(const uint32_t *entry, struct ids *out) {
  size_t count = entry[0] >> 16, words = ((entry[0] & 0xFFFF) + 3) / 4;
  ids_reserve(out, count + 4);
  /* Four at a time: behind the last entry lies the table of fits. */
  for (size_t i = 0; i < count; i += 4) memcpy(out->data + out->len + i, entry + 1 + words + i, 4 * sizeof(uint32_t));
  out->len += count;
}

/* Keeps a piece and its ids; the place, or 0 when it is not kept.  Once the log is full only one in four is: what comes
 * back later than the log is long would otherwise always find that it has just been overwritten. */
static uint64_t log_add(struct bpe_cache *c, struct slice piece, const uint32_t *ids, size_t count) {
  size_t words = (piece.len + 3) / 4, need = 1 + words + count;
  if (need > c->capacity / 4 || (c->lap && ++c->missed % 4)) return 0;
  if (c->head + need > c->lap + c->capacity) c->head = c->lap = c->lap + c->capacity;
  if (c->head + need >= PLACE_LIMIT) { /* places have 40 bits */
    memset(c->sets, 0, (size_t)c->set_count * sizeof(struct set));
    memset(c->index, 0, c->bucket_count * BUCKET * sizeof(uint64_t));
    c->head = c->lap = c->capacity;
  }
  uint64_t place = c->head;
  uint32_t *entry = c->log + (place - c->lap);
  entry[0] = (uint32_t)piece.len | (uint32_t)count << 16;
  memcpy(entry + 1, piece.data, piece.len);
  memcpy(entry + 1 + words, ids, count * sizeof(uint32_t));
  c->head += need;
  return place;
}

static inline uint64_t bucket_find(const uint64_t *bucket, uint64_t hash) {
  for (int k = 0; k < BUCKET; k++)
    if (bucket[k] >> (64 - TAG_BITS) == tag_of(hash) && bucket[k]) return bucket[k] & (PLACE_LIMIT - 1);
  return 0;
}

/* Ids of a piece that the log lacks, unless another of the same batch brought it there. */
static void log_keep(struct bpe_cache *c, uint64_t hash, struct slice piece, const uint32_t *ids, size_t count) {
  uint64_t *bucket = bucket_of(c, hash);
  if (log_entry(c, bucket_find(bucket, hash), piece)) return;
  uint64_t place = log_add(c, piece, ids, count);
  if (place == 0) return;
  int oldest = 0;
  for (int k = 1; k < BUCKET; k++)
    if ((bucket[k] & (PLACE_LIMIT - 1)) < (bucket[oldest] & (PLACE_LIMIT - 1))) oldest = k;
  bucket[oldest] = place | tag_of(hash) << (64 - TAG_BITS);
}

static __attribute__((noinline)) void long_miss(const struct bpe *b, struct bpe_cache *c, uint64_t hash, struct slice piece, struct ids *out) {
  const uint32_t *entry = log_entry(c, bucket_find(bucket_of(c, hash), hash), piece); /* since the batch began */
  if (entry) {
    log_emit(entry, out);
    return;
  }
  size_t first = out->len;
  bpe_encode_uncached(b, &c->fits, piece, out);
  log_keep(c, hash, piece, out->data + first, out->len - first);
}

struct place {
  uint64_t key[2]; /* long: hash, place in the log */
  struct set *set; /* long: bucket */
};

/* ---- table ---------------------------------------------------------------------------------------------------------- */

/* Bit 0: the first slot has the key, bit 1: the second; by arithmetic, as which one it is cannot be foreseen. */
static inline uint32_t set_match(const struct set *set, const uint64_t key[2]) {
#ifdef __SSE2__
  __m128i want = _mm_loadu_si128((const __m128i *)(const void *)key);
  uint32_t first = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_load_si128((const __m128i *)(const void *)set->key[0]), want));
  uint32_t second = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_load_si128((const __m128i *)(const void *)set->key[1]), want));
  return (first + 1) >> 16 | ((second + 1) >> 16) << 1; /* all sixteen equal */
#else
  uint32_t ways = 0;
  for (int k = 0; k < 2; k++) ways |= (uint32_t)(((set->key[k][0] ^ key[0]) | (set->key[k][1] ^ key[1])) == 0) << k;
  return ways;
#endif
}

/* Ids of a piece that is not in its set, unless another of the same batch brought it there. */
static void set_add(struct bpe_cache *c, const struct place *p, const struct bpe_miss *m) {
  struct set *set = p->set;
  if (set_match(set, p->key)) return;
  uint32_t ids[SLOT_IDS] = {0};
  if (m->count <= SLOT_IDS) {
    memcpy(ids, m->ids, m->count * sizeof(uint32_t));
    ids[0] |= (m->count - 1) << COUNT_SHIFT;
  } else {
    uint64_t place = log_add(c, m->piece, m->ids, m->count);
    if (place == 0) return;
    ids[0] = (uint32_t)IN_LOG << COUNT_SHIFT;
    memcpy(ids + 2, &place, sizeof place);
  }
  c->filled++;
  memcpy(set->key[1], set->key[0], sizeof set->key[0]);
  memcpy(set->ids[1], set->ids[0], sizeof set->ids[0]);
  memcpy(set->key[0], p->key, sizeof set->key[0]);
  memcpy(set->ids[0], ids, sizeof ids);
}

/* A slot whose ids are in the log. */
static __attribute__((noinline)) void short_logged(const struct bpe *b, struct bpe_cache *c, struct set *set, int way, struct slice piece, struct ids *out) {
  uint64_t place;
  memcpy(&place, set->ids[way] + 2, sizeof place);
  const uint32_t *entry = log_entry(c, place, piece);
  if (entry) {
    log_emit(entry, out);
    return;
  }
  size_t first = out->len; /* overwritten since */
  bpe_encode_uncached(b, &c->fits, piece, out);
  place = log_add(c, piece, out->data + first, out->len - first);
  if (place && set->ids[way][0] >> COUNT_SHIFT == IN_LOG) memcpy(set->ids[way] + 2, &place, sizeof place);
}

/* ---- batches -------------------------------------------------------------------------------------------------------- */

static inline uint64_t hash_scalar(const uint64_t key[2]) { return bpe_key_hash(key) & UINT32_MAX; }

#ifdef __x86_64__
static inline SIMD_TARGET_AVX2 uint64_t hash_crc(const uint64_t key[2]) { return _mm_crc32_u64(_mm_crc32_u64(0, key[0]), key[1]); }

static SIMD_TARGET_AVX2 void hash_set_crc(const struct set *set, uint64_t hash[2]) {
  for (int k = 0; k < 2; k++) hash[k] = hash_crc(set->key[k]);
}
#endif

static void hash_set(const struct set *set, uint64_t hash[2]) {
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX2) {
    hash_set_crc(set, hash);
    return;
  }
#endif
  for (int k = 0; k < 2; k++) hash[k] = hash_scalar(set->key[k]);
}

/* Set i of n goes to sets i * GROWTH and the next ones, as the set is hash * n / 2^32: from the last one down, each is read
 * before what it becomes is written. */
static __attribute__((noinline)) void grow(struct bpe_cache *c) {
  uint32_t larger = c->set_count * GROWTH;
  for (uint32_t i = c->set_count; i-- > 0;) {
    struct set old = c->sets[i];
    uint64_t hash[2];
    memset(&c->sets[(size_t)i * GROWTH], 0, GROWTH * sizeof(struct set));
    hash_set(&old, hash);
    for (int k = 1; k >= 0; k--) { /* the second first, so that it ends behind the first */
      if (old.key[k][1] == 0) continue;
      struct set *set = c->sets + (hash[k] * larger >> 32);
      if (set < c->sets + (size_t)i * GROWTH || set >= c->sets + ((size_t)i + 1) * GROWTH) continue; /* placed at another SIMD level */
      memcpy(set->key[1], set->key[0], sizeof set->key[0]);
      memcpy(set->ids[1], set->ids[0], sizeof set->ids[0]);
      memcpy(set->key[0], old.key[k], sizeof set->key[0]);
      memcpy(set->ids[0], old.ids[k], sizeof set->ids[0]);
    }
  }
  c->set_count = larger;
  c->filled = 0;
}

/* Pieces of 1 to 15 bytes as keys; `readable` bytes may be read at its start. */
static inline void make_key(uint64_t key[2], const char *piece, size_t n, size_t readable) {
  if (readable >= 16) {
    memcpy(key, piece, 16);
    if (n < 8) {
      key[0] &= (UINT64_C(1) << 8 * n) - 1;
      key[1] = 0;
    } else key[1] &= (UINT64_C(1) << 8 * (n - 8)) - 1;
  } else {
    key[0] = key[1] = 0;
    memcpy(key, piece, n);
  }
  key[1] |= (uint64_t)n << 56;
}

/* Fills places, fetches what they point to; `longs` gets the numbers of the pieces of 16 to 255 bytes. */
static int place_scalar(const struct bpe_cache *c, const char *text, size_t readable, const uint32_t *ends, int count, struct place *places,
                        uint8_t *longs) {
  int found = 0;
  uint32_t begin = 0;
  for (int i = 0; i < count; i++) {
    size_t n = ends[i] - begin;
    if (n <= SHORT_KEY) {
      make_key(places[i].key, text + begin, n, readable - begin);
      places[i].set = c->sets + (hash_scalar(places[i].key) * c->set_count >> 32);
      __builtin_prefetch(places[i].set);
    } else if (n <= LONG_KEY) {
      places[i].key[0] = XXH3_64bits(text + begin, n);
      __builtin_prefetch(bucket_of(c, places[i].key[0]));
      longs[found++] = (uint8_t)i;
    }
    begin = ends[i];
  }
  return found;
}

#ifdef __x86_64__
/* CRC32C of a piece of 16 to 255 bytes, spread over 64 bits: words, the last one overlapping. */
static inline SIMD_TARGET_AVX2 uint64_t hash_long(const char *piece, size_t n) {
  uint64_t a = n, b = 0, word;
  size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    memcpy(&word, piece + i, 8);
    a = _mm_crc32_u64(a, word);
    memcpy(&word, piece + i + 8, 8);
    b = _mm_crc32_u64(b, word);
  }
  memcpy(&word, piece + n - 16, 8);
  a = _mm_crc32_u64(a, word);
  memcpy(&word, piece + n - 8, 8);
  b = _mm_crc32_u64(b, word);
  return (a << 32 | b) * 0x9E3779B97F4A7C15u ^ a;
}

static inline SIMD_TARGET_AVX2 void place_short(const struct bpe_cache *c, struct place *p, uint64_t low, uint64_t high) {
  p->key[0] = low;
  p->key[1] = high;
  p->set = c->sets + (hash_crc(p->key) * c->set_count >> 32);
  __builtin_prefetch(p->set);
}

static inline SIMD_TARGET_AVX2 void place_long(const struct bpe_cache *c, struct place *p, const char *piece, size_t n) {
  p->key[0] = hash_long(piece, n);
  __builtin_prefetch(bucket_of(c, p->key[0]));
}

static SIMD_TARGET_AVX2 int place_avx2(const struct bpe_cache *c, const char *text, size_t readable, const uint32_t *ends, int count,
                                       struct place *places, uint8_t *longs) {
  int found = 0;
  uint32_t begin = 0;
  for (int i = 0; i < count; i++) {
    size_t n = ends[i] - begin;
    if (n <= SHORT_KEY) {
      uint64_t low, high;
      if (readable - begin >= 16) {
        memcpy(&low, text + begin, 8);
        memcpy(&high, text + begin + 8, 8);
        low = _bzhi_u64(low, n < 8 ? (unsigned)n * 8 : 64);
        high = _bzhi_u64(high, n < 8 ? 0 : (unsigned)n * 8 - 64);
      } else {
        uint64_t key[2] = {0, 0};
        memcpy(key, text + begin, n);
        low = key[0];
        high = key[1];
      }
      high |= (uint64_t)n << 56;
      place_short(c, &places[i], low, high);
    } else if (n <= LONG_KEY) {
      place_long(c, &places[i], text + begin, n);
      longs[found++] = (uint8_t)i;
    }
    begin = ends[i];
  }
  return found;
}

/* Masked loads do not touch what they leave out, so that the end of the text needs no care. */
static SIMD_TARGET_AVX512 int place_avx512(const struct bpe_cache *c, const char *text, size_t readable, const uint32_t *ends, int count,
                                           struct place *places, uint8_t *longs) {
  (void)readable;
  int found = 0;
  uint32_t begin = 0;
  for (int i = 0; i < count; i++) {
    size_t n = ends[i] - begin;
    if (n <= SHORT_KEY) {
      __m128i key = _mm_maskz_loadu_epi8((__mmask16)_bzhi_u32(0xFFFF, (unsigned)n), text + begin);
      uint64_t low = (uint64_t)_mm_cvtsi128_si64(key), high = (uint64_t)_mm_extract_epi64(key, 1) | (uint64_t)n << 56;
      place_short(c, &places[i], low, high);
    } else if (n <= LONG_KEY) {
      place_long(c, &places[i], text + begin, n);
      longs[found++] = (uint8_t)i;
    }
    begin = ends[i];
  }
  return found;
}
#endif

static int place_pieces(const struct bpe_cache *c, const char *text, size_t readable, const uint32_t *ends, int count, struct place *places, uint8_t *longs) {
#ifdef __x86_64__
  enum simd level = simd_level();
  if (level >= SIMD_AVX512) return place_avx512(c, text, readable, ends, count, places, longs);
  if (level >= SIMD_AVX2) return place_avx2(c, text, readable, ends, count, places, longs);
#endif
  return place_scalar(c, text, readable, ends, count, places, longs);
}

/* Pieces of up to BPE_SHORT bytes that the cache lacks are left out at first: they are encoded together, and their ids put
 * where they belong. */
struct left_out {
  uint8_t piece[BPE_PIECES];
  uint32_t at[BPE_PIECES]; /* ids of the batch before it, those left out not counted */
};

static __attribute__((noinline)) void put_left_out(const struct bpe *b, struct bpe_cache *c, struct slice text, const uint32_t *ends,
                                                   const struct place *places, const struct left_out *left, int count, size_t first, struct ids *out) {
  struct bpe_miss misses[MISSES];
  /* The last ones first: what lies behind moves to its place at once. */
  size_t room = 0;
  for (int k = 0; k < count; k++) room += ends[left->piece[k]] - (left->piece[k] ? ends[left->piece[k] - 1] : 0);
  ids_reserve(out, room);
  size_t end = out->len, to = out->len + room; /* [to, ..) is in place, `end` ids are not */
  while (count > 0) {
    int some = count < MISSES ? count : MISSES;
    count -= some;
    for (int k = 0; k < some; k++) {
      int i = left->piece[count + k];
      uint32_t begin = i ? ends[i - 1] : 0;
      misses[k].piece = (struct slice){text.data + begin, ends[i] - begin};
      misses[k].key = misses[k].piece.len <= SHORT_KEY ? places[i].key : NULL;
    }
    bpe_encode_misses(b, &c->fits, misses, some);
    for (int k = some; k-- > 0;) {
      size_t at = first + left->at[count + k], behind = end - at;
      to -= behind;
      memmove(out->data + to, out->data + at, behind * sizeof(uint32_t));
      to -= misses[k].count;
      memcpy(out->data + to, misses[k].ids, misses[k].count * sizeof(uint32_t));
      end = at;
      const struct place *p = &places[left->piece[count + k]];
      if (misses[k].key) set_add(c, p, &misses[k]);
      else log_keep(c, p->key[0], misses[k].piece, misses[k].ids, misses[k].count);
    }
  }
  memmove(out->data + end, out->data + to, (out->len + room - to) * sizeof(uint32_t));
  out->len += end + room - to;
}

void bpe_encode_pieces(const struct bpe *b, struct bpe_cache *c, struct slice text, size_t from, const uint32_t *ends, int count, struct ids *out) {
  struct place places[BPE_PIECES];
  uint8_t longs[BPE_PIECES];
  struct left_out left;
  int missing = 0;
  text = (struct slice){text.data + from, text.len - from};
  if (c->filled > c->set_count && c->set_count <= c->set_limit / GROWTH) grow(c);
  int found = place_pieces(c, text.data, text.len, ends, count, places, longs);
  for (int k = 0; k < found; k++) {
    struct place *p = &places[longs[k]];
    p->key[1] = bucket_find(bucket_of(c, p->key[0]), p->key[0]);
    if (p->key[1] == 0) continue;
    const uint32_t *entry = log_at(c, p->key[1]);
    __builtin_prefetch(entry);
    __builtin_prefetch(entry + 16);
  }
  ids_reserve(out, SLOT_IDS * (size_t)count);
  uint32_t *to = out->data + out->len, begin = 0;
  ptrdiff_t first = (ptrdiff_t)out->len;
  for (int i = 0; i < count; i++) {
    struct slice piece = {text.data + begin, ends[i] - begin};
    const struct place *p = &places[i];
    begin = ends[i];
    if (__builtin_expect(piece.len <= SHORT_KEY, 1)) {
      struct set *set = p->set;
      uint32_t ways = set_match(set, p->key);
      if (__builtin_expect(ways != 0, 1)) {
        const uint32_t *ids = set->ids[ways >> 1];
        uint32_t head = ids[0], more = head >> COUNT_SHIFT;
        if (__builtin_expect(more < SLOT_IDS, 1)) {
          memcpy(to, ids, SLOT_IDS * sizeof(uint32_t));
          to[0] = head & ((UINT32_C(1) << COUNT_SHIFT) - 1);
          to += more + 1;
          continue;
        }
        out->len = (size_t)(to - out->data);
        short_logged(b, c, set, (int)(ways >> 1), piece, out);
      } else {
        left.piece[missing] = (uint8_t)i;
        left.at[missing++] = (uint32_t)(to - out->data - first);
        continue;
      }
    } else {
      const uint32_t *entry = piece.len <= LONG_KEY ? log_entry(c, p->key[1], piece) : NULL;
      if (!entry && piece.len <= BPE_SHORT) {
        left.piece[missing] = (uint8_t)i;
        left.at[missing++] = (uint32_t)(to - out->data - first);
        continue;
      }
      out->len = (size_t)(to - out->data);
      if (entry) log_emit(entry, out);
      else if (piece.len <= LONG_KEY) long_miss(b, c, p->key[0], piece, out);
      else bpe_encode_uncached(b, &c->fits, piece, out);
    }
    ids_reserve(out, SLOT_IDS * (size_t)(count - i));
    to = out->data + out->len;
  }
  out->len = (size_t)(to - out->data);
  if (missing) put_left_out(b, c, text, ends, places, &left, missing, (size_t)first, out);
}

void bpe_encode_piece(const struct bpe *b, struct bpe_cache *c, struct slice piece, struct ids *out) {
  if (c && piece.len > 0 && piece.len <= LONG_KEY) {
    uint32_t end = (uint32_t)piece.len;
    bpe_encode_pieces(b, c, piece, 0, &end, 1, out);
  } else bpe_encode_uncached(b, c ? &c->fits : NULL, piece, out);
}
