/* SPDX-License-Identifier: MIT
 *
 * Short pieces that the cache lacks, many side by side.  A merge waits for the buckets of two pairs, which are seldom in the
 * nearest caches, and what they hold cannot be foreseen.  So each piece has a lane, and all lanes take their first merge,
 * then all their second one: when a lane's turn comes the buckets that it asked for at its last one are there, and no
 * branch depends on what they hold.
 */
#include "common/base/simd.h"
#include "common/token/bpe_tables.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Symbols stay where their first byte is; bits of `alive` say where one begins. */
static void merge_array(const struct bpe *b, struct bpe_miss *m) {
  uint32_t symbols[BPE_SHORT], merges[BPE_SHORT]; /* merges[i]: of symbol i and the next, BPE_NONE for none and the dead */
  size_t n = m->piece.len;
  const unsigned char *text = (const unsigned char *)m->piece.data;
  uint64_t alive = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
  for (size_t i = 0; i < n; i++) symbols[i] = text[i];
  for (size_t i = 0; i + 1 < n; i++) merges[i] = b->grid[(uint32_t)text[i] << 8 | text[i + 1]];
  merges[n - 1] = BPE_NONE;
  for (;;) {
    uint64_t best = UINT64_MAX; /* symbol << 32 | place: lowest rank, then leftmost */
    for (size_t i = 0; i + 1 < n; i++) {
      uint64_t candidate = (uint64_t)merges[i] << 32 | i;
      best = candidate < best ? candidate : best;
    }
    if (best >> 32 == BPE_NONE) break;
    size_t at = (size_t)(best & 63);
    uint32_t made = (uint32_t)(best >> 32);
    uint64_t after = alive & (UINT64_MAX << 1 << at); /* not empty: at has a right neighbour */
    size_t right = (size_t)__builtin_ctzll(after);
    symbols[at] = made;
    merges[right] = BPE_NONE;
    alive &= ~(UINT64_C(1) << right);
    after &= after - 1;
    merges[at] = after ? bpe_pair(b, made, symbols[__builtin_ctzll(after)]) : BPE_NONE;
    uint64_t before = alive & ((UINT64_C(1) << at) - 1);
    if (before) {
      size_t left = 63 - (size_t)__builtin_clzll(before);
      merges[left] = bpe_pair(b, symbols[left], made);
    }
  }
  m->count = 0;
  for (; alive; alive &= alive - 1) m->ids[m->count++] = b->id[symbols[__builtin_ctzll(alive)]];
}

#ifdef __x86_64__
enum { LANES = 32, WORD = 16 }; /* a word: 16 symbols, one register */

struct lane {
  uint32_t merges[BPE_SHORT];  /* of symbol i and the next one: what they make << PLACE_BITS | i; NONE for none and the dead */
  uint32_t symbols[BPE_SHORT]; /* where their first byte is */
  uint64_t alive;              /* bits: a symbol begins here */
  /* The merge that is being made: where it is and where the symbol before it is; pairs with its neighbours. */
  uint32_t at, before;
  uint64_t left_key, right_key;
  const uint64_t *left, *right; /* buckets */
  struct bpe_miss *miss;
} __attribute__((aligned(64)));

enum { PLACE_BITS = 6 };
#define NONE UINT32_MAX

/* What is to stand in merges[at]. */
static inline SIMD_TARGET_AVX512 uint32_t look_up(const struct bpe *b, const uint64_t *bucket, uint64_t key, uint32_t at) {
  __m512i differ = _mm512_xor_si512(_mm512_load_si512(bucket), _mm512_set1_epi64((long long)key));
  uint32_t match = _mm512_testn_epi64_mask(differ, _mm512_set1_epi64((long long)BPE_TAG_MASK));
  uint64_t slot = bucket[__builtin_ctz(match | 1u << (BPE_BUCKET - 1))];
  if (__builtin_expect((match == 0) & (bucket[BPE_BUCKET - 1] != 0), 0)) { /* it may stand in the next one */
    uint32_t made = bpe_pair_from(b, bucket, key);
    return made == BPE_NONE ? NONE : made << PLACE_BITS | at;
  }
  return ((uint32_t)(slot >> BPE_TAG_BITS) << PLACE_BITS | at) | -(uint32_t)(match == 0);
}

/* Makes the next merge and asks for the pairs with its neighbours; false when there is none. */
static inline SIMD_TARGET_AVX512 __attribute__((always_inline)) bool choose(const struct bpe *b, struct lane *l, int words) {
  __m512i least = _mm512_load_si512(l->merges);
  if (words >= 2) least = _mm512_min_epu32(least, _mm512_load_si512(l->merges + WORD));
  if (words == 4) least = _mm512_min_epu32(least, _mm512_min_epu32(_mm512_load_si512(l->merges + 2 * WORD), _mm512_load_si512(l->merges + 3 * WORD)));
  uint32_t best = _mm512_reduce_min_epu32(least), at = best & ((1 << PLACE_BITS) - 1), made = best >> PLACE_BITS;
  if (best == NONE) return false;
  uint64_t after = l->alive & (UINT64_MAX << 1 << at), before = l->alive & ((UINT64_C(1) << at) - 1); /* at is not 63 */
  l->merges[__builtin_ctzll(after)] = NONE;
  l->alive ^= after & -after;
  after &= after - 1;
  l->symbols[at] = made;
  l->at = at;
  l->before = 63 - (uint32_t)__builtin_clzll(before | 1);
  const uint64_t *empty = b->pairs + (size_t)b->pairs_count * BPE_BUCKET;
  l->right_key = bpe_pair_key(made, l->symbols[__builtin_ctzll(after | UINT64_C(1) << 63)]);
  l->left_key = bpe_pair_key(l->symbols[l->before], made);
  l->right = after ? bpe_pair_bucket(b, l->right_key) : empty;
  l->left = before ? bpe_pair_bucket(b, l->left_key) : empty;
  __builtin_prefetch(l->right);
  __builtin_prefetch(l->left);
  return true;
}

/* What the merge can merge with; without a neighbour before it `before` is 0, which is `at`, and comes first. */
static inline SIMD_TARGET_AVX512 __attribute__((always_inline)) void follow(const struct bpe *b, struct lane *l) {
  l->merges[l->before] = look_up(b, l->left, l->left_key, l->before);
  l->merges[l->at] = look_up(b, l->right, l->right_key, l->at);
}

/* The bytes' own pairs. */
static inline SIMD_TARGET_AVX512 __attribute__((always_inline)) void start(const struct bpe *b, struct lane *l, struct bpe_miss *m, int words) {
  const __m512i none = _mm512_set1_epi32(-1), places = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  size_t n = m->piece.len;
  l->miss = m;
  l->alive = n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
  for (int w = 0; w < words; w++) {
    __mmask16 here = (__mmask16)(l->alive >> (WORD * w)), pairs = (__mmask16)(l->alive >> 1 >> (WORD * w));
    __m512i left = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(here, m->piece.data + WORD * w));
    __m512i next = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(pairs, m->piece.data + WORD * w + 1));
    __m512i made = _mm512_mask_i32gather_epi32(none, pairs, _mm512_or_si512(_mm512_slli_epi32(left, 8), next), b->grid, 4);
    __mmask16 merge = _mm512_cmpneq_epi32_mask(made, none);
    __m512i place = _mm512_or_si512(places, _mm512_set1_epi32(WORD * w));
    _mm512_store_si512(l->merges + WORD * w, _mm512_mask_or_epi32(none, merge, _mm512_slli_epi32(made, PLACE_BITS), place));
    _mm512_store_si512(l->symbols + WORD * w, left);
  }
}

static inline SIMD_TARGET_AVX512 __attribute__((always_inline)) void finish(const struct bpe *b, const struct lane *l, int words) {
  uint32_t count = 0;
  for (int w = 0; w < words; w++) {
    __mmask16 here = (__mmask16)(l->alive >> (WORD * w)), all = (__mmask16)((1u << __builtin_popcount(here)) - 1);
    __m512i symbols = _mm512_maskz_compress_epi32(here, _mm512_load_si512(l->symbols + WORD * w));
    _mm512_mask_storeu_epi32(l->miss->ids + count, all, _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), all, symbols, b->id, 4));
    count += (uint32_t)__builtin_popcount(here);
  }
  l->miss->count = count;
}

/* Pieces of one, two and four words, LANES at most. */
enum { WIDTHS = 3 };

struct lanes {
  struct lane lane[LANES];
  uint8_t busy[WIDTHS][LANES];
  int count, merging[WIDTHS];
};

static inline SIMD_TARGET_AVX512 __attribute__((always_inline)) void add_lane(const struct bpe *b, struct lanes *lanes, struct bpe_miss *m, int width) {
  lanes->busy[width][lanes->merging[width]++] = (uint8_t)lanes->count;
  start(b, &lanes->lane[lanes->count++], m, 1 << width);
}

/* Two passes, so that what the second one writes is in memory when the first one of the next round reads it. */
static inline SIMD_TARGET_AVX512 __attribute__((always_inline)) void choose_all(const struct bpe *b, struct lanes *lanes, int width) {
  int still = 0, merging = lanes->merging[width];
  uint8_t *busy = lanes->busy[width];
  for (int k = 0; k < merging; k++) {
    struct lane *l = &lanes->lane[busy[k]];
    busy[still] = busy[k];
    if (choose(b, l, 1 << width)) still++;
    else finish(b, l, 1 << width);
  }
  lanes->merging[width] = still;
}

static SIMD_TARGET_AVX512 void merge_lanes(const struct bpe *b, struct bpe_miss *const *misses, int count) {
  struct lanes lanes;
  lanes.count = lanes.merging[0] = lanes.merging[1] = lanes.merging[2] = 0;
  for (int i = 0; i < count; i++) {
    if (misses[i]->piece.len <= WORD) add_lane(b, &lanes, misses[i], 0);
    else if (misses[i]->piece.len <= 2 * WORD) add_lane(b, &lanes, misses[i], 1);
    else add_lane(b, &lanes, misses[i], 2);
  }
  while (lanes.merging[0] | lanes.merging[1] | lanes.merging[2]) {
    if (lanes.merging[0]) choose_all(b, &lanes, 0);
    if (lanes.merging[1]) choose_all(b, &lanes, 1);
    if (lanes.merging[2]) choose_all(b, &lanes, 2);
    for (int width = 0; width < WIDTHS; width++)
      for (int k = 0; k < lanes.merging[width]; k++) follow(b, &lanes.lane[lanes.busy[width][k]]);
  }
}

/* At most LANES.  A token takes three steps to find, bucket, entry and bytes, each asked for before the first is used. */
static void encode_lanes(const struct bpe *b, struct bpe_miss *misses, int count) {
  struct bpe_miss *merged[LANES];
  int merging = 0, likely = 0;
  uint64_t hashes[LANES];
  uint32_t tokens[LANES];
  for (int i = 0; i < count; i++) {
    hashes[i] = misses[i].key ? bpe_key_hash(misses[i].key) : bpe_long_token(b, misses[i].piece) ? bpe_token_hash(misses[i].piece) : 0;
    __builtin_prefetch(b->index + (hashes[i] >> 32 & b->index_mask) * BPE_BUCKET);
  }
  for (int i = 0; i < count; i++) {
    const uint32_t *bucket = b->index + (hashes[i] >> 32 & b->index_mask) * BPE_BUCKET;
    uint32_t match = bpe_bucket_match(bucket, bpe_tag(hashes[i]));
    tokens[likely] = bucket[__builtin_ctz(match | 1u << (BPE_BUCKET - 1))] & BPE_SYMBOL_MASK;
    __builtin_prefetch(&b->v->entries[tokens[likely]]);
    likely += match != 0;
  }
  for (int k = 0; k < likely; k++) __builtin_prefetch(b->v->bytes.data + b->v->entries[tokens[k]].offset);
  for (int i = 0; i < count; i++) {
    struct bpe_miss *m = &misses[i];
    int64_t whole = !m->key && !bpe_long_token(b, m->piece) ? -1 : bpe_find_hashed(b, m->piece, hashes[i]);
    if (whole >= 0) {
      m->ids[0] = (uint32_t)whole;
      m->count = 1;
      continue;
    }
    merged[merging++] = m;
  }
  if (merging) merge_lanes(b, merged, merging);
}

#endif

void bpe_merge_misses(const struct bpe *b, struct bpe_miss *misses, int count) {
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX512) {
    struct bpe_miss *merged[LANES];
    for (int i = 0; i < count;) {
      int n = 0;
      while (i < count && n < LANES) merged[n++] = &misses[i++];
      merge_lanes(b, merged, n);
    }
    return;
  }
#endif
  for (int i = 0; i < count; i++) merge_array(b, &misses[i]);
}

void bpe_encode_misses(const struct bpe *b, const struct bpe_fits *fits, struct bpe_miss *misses, int count) {
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX512) {
    for (int i = 0; i < count; i += LANES) encode_lanes(b, misses + i, count - i < LANES ? count - i : LANES);
    return;
  }
#endif
  struct ids ids = {0};
  for (int i = 0; i < count; i++) {
    ids.len = 0;
    bpe_encode_uncached(b, fits, misses[i].piece, &ids);
    memcpy(misses[i].ids, ids.data, ids.len * sizeof(uint32_t));
    misses[i].count = (uint32_t)ids.len;
  }
  ids_release(&ids);
}
