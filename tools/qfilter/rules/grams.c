/* SPDX-License-Identifier: MIT
 *
 * See grams.h for the method.
 */
#include "tools/qfilter/rules/grams.h"

#include <stdlib.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/base/memory.h"
#include "common/base/simd.h"

enum {
  PRINT = 16,              /* bytes that equal n-grams must share */
  DEEP = 32,
  PADDING = LISTED + 2 * GRAM_LANES, /* words that may be read behind the last */
  PRINT_BITS_MAX = 27,     /* 16 MB of bitmap */
  PAIR_BITS_MAX = 23,      /* 32 MB of counts */
  PART_GRAMS = 1 << 22,
};

static const uint64_t secret[4] = {0xA0761D6478BD642Fu, 0xE7037ED1A0B428DBu, 0x8EBC6AF09C88C6E3u, 0x589965CC75374CC3u};

#define INLINE inline __attribute__((always_inline))
/* A function once more with the instructions of BMI2, which shift and multiply in fewer steps; LEVEL() calls the right one. */
#ifdef __x86_64__
#define BMI(type, name, parameters, arguments) \
  static SIMD_TARGET_AVX2 type name##_bmi parameters { return name arguments; }
#define LEVEL(name, ...) (simd_level() >= SIMD_AVX2 ? name##_bmi(__VA_ARGS__) : name(__VA_ARGS__))
#else
#define BMI(type, name, parameters, arguments)
#define LEVEL(name, ...) name(__VA_ARGS__)
#endif

void grams_begin(struct grams *g, const struct scan *scan, const struct word_list *list) {
  g->scan = scan;
  g->list = list;
  g->prepared = g->listed = false;
  for (int n = 0; n <= NGRAM_MAX; n++) g->top[n] = g->duplicates[n] = SIZE_MAX;
}

void grams_release(struct grams *g) {
  free(g->joined);
  free(g->starts);
  free(g->prints);
  free(g->pairs);
  free(g->repeated);
  free(g->reach);
  free(g->seen);
  free(g->again);
  free(g->pair_counts);
  free(g->counts.slots);
  keys_release(&g->keys);
  *g = (struct grams){0};
}

static unsigned bits_for(size_t elements, unsigned most) {
  unsigned bits = 6;
  while (bits < most && (size_t)1 << bits < elements) bits++;
  return bits;
}

/* Room for the arrays; what a giant text needed is given back with the next. */
static void reserve(struct grams *g) {
  size_t words = g->list->count, bytes = g->scan->text.len + KEYS_READABLE;
  if (words + PADDING > g->word_capacity || g->word_capacity > 1 << 24) {
    free(g->starts);
    free(g->prints);
    free(g->pairs);
    g->word_capacity = words + PADDING + (words < 1 << 16 ? words : 0);
    g->starts = MALLOC(g->word_capacity * sizeof *g->starts);
    g->prints = MALLOC(g->word_capacity * sizeof *g->prints);
    g->pairs = MALLOC(g->word_capacity * sizeof *g->pairs);
  }
  if (bytes > g->joined_capacity || g->joined_capacity > 1 << 26) {
    free(g->joined);
    g->joined_capacity = bytes + (bytes < 1 << 20 ? bytes : 0);
    g->joined = MALLOC(g->joined_capacity);
  }
}

/* Returns the length of the longest word. */
static size_t join(struct grams *g) {
  const char *text = g->scan->text.data;
  size_t words = g->list->count, len = g->scan->text.len, longest = 0;
  char *to = g->joined;
  for (size_t w = 0; w < words; w++) {
    size_t start = g->list->words[w].start, n = g->list->words[w].length;
    g->starts[w] = (uint32_t)(to - g->joined);
    if (n > longest) longest = n;
    if (n <= 16 && start + 16 <= len) memcpy(to, text + start, 16);
    else memcpy(to, text + start, n);
    to += n;
  }
  for (int i = 0; i < PADDING; i++) g->starts[words + (size_t)i] = (uint32_t)(to - g->joined);
  memset(to, 0, KEYS_READABLE);
  return longest;
}

/* Bounds of the top n-grams, n 2..4: the longest of those that may occur so often. */
static void bound_top_scalar(struct grams *g, size_t first, size_t pairs) {
  const uint32_t *c = g->pairs, *s = g->starts;
  for (size_t i = first; i < pairs; i++) {
    size_t least = c[i];
    for (size_t n = 2; n <= 4; n++) {
      size_t value = (s[i + n] - s[i] + n - 1) * least;
      if (value > g->top_bound[n]) g->top_bound[n] = value;
      if (c[i + n - 1] < least) least = c[i + n - 1];
    }
  }
}

#ifdef __x86_64__
/* Eight words at a time; no product is beyond 32 bits. */
static SIMD_TARGET_AVX2 void bound_top_avx2(struct grams *g, size_t pairs) {
  const uint32_t *c = g->pairs, *s = g->starts;
  __m256i most[5] = {0};
  size_t i = 0;
  for (; i + 8 <= pairs; i += 8) {
    __m256i start = _mm256_loadu_si256((const __m256i *)(s + i)), least = _mm256_loadu_si256((const __m256i *)(c + i));
    for (int n = 2; n <= 4; n++) {
      __m256i length = _mm256_add_epi32(_mm256_sub_epi32(_mm256_loadu_si256((const __m256i *)(s + i + n)), start), _mm256_set1_epi32(n - 1));
      most[n] = _mm256_max_epu32(most[n], _mm256_mullo_epi32(length, least));
      least = _mm256_min_epu32(least, _mm256_loadu_si256((const __m256i *)(c + i + n - 1)));
    }
  }
  for (int n = 2; n <= 4; n++) {
    uint32_t lanes[8];
    _mm256_storeu_si256((__m256i *)lanes, most[n]);
    for (int k = 0; k < 8; k++)
      if (lanes[k] > g->top_bound[n]) g->top_bound[n] = lanes[k];
  }
  bound_top_scalar(g, i, pairs);
}
#endif

/* The pass over all words. */
/* Prints and pairs of all words; returns the largest count of a pair. */
static INLINE uint32_t pass(struct grams *g, unsigned pair_bits) {
  static const uint64_t ones[4] = {~0ull, ~0ull}; /* 16 bytes of ones, 16 of zeros */
  size_t words = g->list->count;
  unsigned print_shift = 64 - g->print_bits, pair_shift = 64 - pair_bits;
  const uint32_t *starts = g->starts;
  const char *joined = g->joined;
  uint64_t *seen = g->seen, *again = g->again;
  uint32_t *counts = g->pair_counts, *prints = g->prints, *pairs = g->pairs;
  for (size_t w = 0; w < words; w++) {
    const char *p = joined + starts[w];
    uint64_t a = keys_load(p), b = keys_load(p + 8);
    uint64_t print = keys_mix(a ^ secret[0], b ^ secret[1]) >> print_shift;
    uint64_t known = seen[print / 64] >> (print % 64) & 1;
    prints[w] = (uint32_t)(print | known << 31);
    again[print / 64] |= known << (print % 64);
    seen[print / 64] |= 1ull << (print % 64);
    uint32_t n = starts[w + 2] - starts[w];
    const char *mask = (const char *)ones + 16 - (n < 16 ? n : 16);
    uint64_t pair = keys_mix((a & keys_load(mask)) ^ secret[2], (b & keys_load(mask + 8)) ^ secret[3]) >> pair_shift;
    pairs[w] = (uint32_t)pair;
    counts[pair]++;
  }
  counts[pairs[words - 1]]--; /* the last word begins no pair */
  uint32_t most = 0;
  for (size_t w = 0; w + 1 < words; w++) {
    uint32_t count = counts[pairs[w]];
    pairs[w] = count;
    if (count > most) most = count;
  }
  return most;
}
BMI(uint32_t, pass, (struct grams *g, unsigned pair_bits), (g, pair_bits))

static void prepare(struct grams *g) {
  if (g->prepared) return;
  g->prepared = true;
  reserve(g);
  size_t longest = join(g);
  size_t words = g->list->count;
  unsigned print_bits = bits_for(words * 16, PRINT_BITS_MAX), pair_bits = bits_for(words * 2, PAIR_BITS_MAX);
  g->print_bits = print_bits;
  size_t seen = (size_t)1 << (print_bits - 6), pairs = (size_t)1 << pair_bits;
  if (seen > g->seen_capacity) {
    free(g->seen);
    free(g->again);
    g->seen = MALLOC(seen * sizeof *g->seen);
    g->again = MALLOC(seen * sizeof *g->again);
    g->seen_capacity = seen;
  }
  if (pairs > g->pair_capacity) {
    free(g->pair_counts);
    g->pair_counts = MALLOC(pairs * sizeof *g->pair_counts);
    g->pair_capacity = pairs;
  }
  memset(g->seen, 0, seen * sizeof *g->seen);
  memset(g->again, 0, seen * sizeof *g->again);
  memset(g->pair_counts, 0, pairs * sizeof *g->pair_counts);

  uint32_t most = words ? LEVEL(pass, g, pair_bits) : 0;
  for (size_t w = words ? words - 1 : 0; w < words + PADDING; w++) g->pairs[w] = 0;
  for (int n = 2; n <= 4; n++) g->top_bound[n] = 0;
#ifdef __x86_64__
  if (words && longest < 1 << 13 && most < 1 << 16 && simd_level() >= SIMD_AVX2) {
    bound_top_avx2(g, words - 1);
    return;
  }
#endif
  if (words) bound_top_scalar(g, 0, words - 1);
}

/* Code points of words i .. i + n - 1. */
static size_t gram_characters(const struct grams *g, size_t i, size_t n) {
  size_t bytes = g->starts[i + n] - g->starts[i];
  if (g->scan->ascii || n == 0) return bytes;
  const struct word *last = &g->list->words[i + n - 1];
  return bytes - scan_count(g->scan->continuation, g->list->words[i].start, last->start + last->length);
}

/* ---- top */

static size_t part_grams(const struct grams *g) { return g->part_grams ? g->part_grams : PART_GRAMS; }

static inline uint64_t part_of(uint64_t key, unsigned bits) { return bits ? key >> (64 - bits) : 0; }

static void counts_begin(struct gram_table *t) {
  const size_t size = 512; /* most texts have few candidates; it grows */
  if (size > t->capacity || t->capacity > 1 << 20) {
    free(t->slots);
    t->slots = MALLOC(size * sizeof *t->slots);
    t->capacity = size;
  }
  memset(t->slots, 0, size * sizeof *t->slots);
  t->mask = size - 1;
  t->used = 0;
}

static void counts_grow(struct gram_table *t) {
  size_t size = (t->mask + 1) * 2;
  struct gram_count *slots = NEW_ARRAY(struct gram_count, size);
  for (size_t k = 0; k <= t->mask; k++) {
    if (!t->slots[k].count) continue;
    size_t i = t->slots[k].key & (size - 1);
    while (slots[i].count) i = (i + 1) & (size - 1);
    slots[i] = t->slots[k];
  }
  free(t->slots);
  t->slots = slots;
  t->capacity = size;
  t->mask = size - 1;
}

/* Counts one more of `key`, which stands at word g.  The pointer holds until the next call. */
static inline struct gram_count *counts_add(struct gram_table *t, uint64_t key, size_t g) {
  if (t->used * 4 > (t->mask + 1) * 3) counts_grow(t);
  size_t slot = key & t->mask;
  while (t->slots[slot].count && t->slots[slot].key != key) slot = (slot + 1) & t->mask;
  struct gram_count *c = &t->slots[slot];
  if (!c->count) {
    *c = (struct gram_count){.key = key, .first = (uint32_t)g};
    t->used++;
  }
  c->count++;
  return c;
}

/* How often the n-gram at word i occurs, at most. */
static inline uint32_t bound(const struct grams *g, size_t i, size_t n) {
  uint32_t least = UINT32_MAX;
  for (size_t k = 0; k + 1 < n; k++)
    if (g->pairs[i + k] < least) least = g->pairs[i + k];
  return least;
}

/* Of the sequence of words: the joined bytes and where they are cut. */
static inline uint64_t sequence_key(const struct grams *g, size_t i, size_t n) {
  const uint32_t *starts = g->starts + i;
  uint64_t key = keys_hash(g->joined + starts[0], starts[n] - starts[0]), cuts = 0;
  for (size_t k = 1; k < n; k++) cuts = cuts * 0x9E3779B97F4A7C15u + (starts[k] - starts[0]);
  return keys_mix(key ^ secret[0], cuts ^ secret[1]);
}

struct best {
  uint32_t count, first;
};

/* Counts the n-grams that may occur `least` times or more, of those the part that the hash chooses; false when there are too
 * many different ones for a table. */
static INLINE bool count_part(struct grams *g, size_t n, uint32_t least, uint64_t part, unsigned bits, struct best *best) {
  size_t grams = g->list->count - n + 1, most = part_grams(g);
  counts_begin(&g->counts);
  for (size_t i = 0; i < grams; i++) {
    if (bound(g, i, n) < least) continue;
    uint64_t key = sequence_key(g, i, n);
    if (part_of(key, bits) != part) continue;
    const struct gram_count *c = counts_add(&g->counts, key, i);
    if (c->count > best->count || (c->count == best->count && c->first < best->first)) *best = (struct best){c->count, c->first};
    if (g->counts.used > most && bits < 16) return false;
  }
  return true;
}

/* The best of them.  Tables stay small: when they do not, the n-grams are counted again in twice as many parts. */
static INLINE struct best count_grams(struct grams *g, size_t n, uint32_t least) {
  for (unsigned bits = 0;; bits++) {
    struct best best = {0, 0};
    uint64_t part = 0;
    while (part < 1ull << bits && count_part(g, n, least, part, bits, &best)) part++;
    if (part == 1ull << bits) return best;
  }
}
BMI(struct best, count_grams, (struct grams *g, size_t n, uint32_t least), (g, n, least))

size_t grams_top(struct grams *g, int length) {
  size_t n = (size_t)length, words = g->list->count;
  if (g->top[n] != SIZE_MAX) return g->top[n];
  if (words < n) return g->top[n] = 0;
  prepare(g);
  uint32_t most = 0;
  for (size_t i = 0; i + n <= words; i++) {
    uint32_t b = bound(g, i, n);
    if (b > most) most = b;
  }
  struct best best = {1, 0}; /* when none occurs twice it is the first */
  if (most > 1) {
    struct best found = LEVEL(count_grams, g, n, most);
    if (found.count < most) found = LEVEL(count_grams, g, n, found.count > 2 ? found.count : 2); /* now whatever reaches that count is in */
    if (found.count > 1) best = found;
  }
  return g->top[n] = (gram_characters(g, best.first, n) + n - 1) * best.count;
}

size_t grams_top_most(struct grams *g, int n) {
  if (g->top[n] != SIZE_MAX) return g->top[n];
  if (n < 2 || n > 4) return SIZE_MAX;
  prepare(g);
  return g->top_bound[n];
}

/* ---- duplicates */

static const uint32_t limits[3] = {PRINT, DEEP, UINT32_MAX}; /* n-grams of fewer bytes: always; in a print seen twice; in 32 bytes too */

/* Upper bounds of the duplicates for LISTED words and more: the bytes under all windows where a duplicate may stand. */
static void bound_duplicates_scalar(struct grams *g) {
  uint32_t covered[GRAM_LANES] = {0};
  for (size_t k = 0; k < g->repeated_count; k++) {
    const uint32_t *start = g->starts + g->repeated[k];
    uint32_t limit = limits[g->reach[k] >> 4];
    for (int n = 0; n < GRAM_LANES; n++) {
      uint32_t end = start[LISTED + n];
      if (end - *start >= limit || end <= covered[n]) continue;
      g->duplicate_bound[n] += end - (*start > covered[n] ? *start : covered[n]);
      covered[n] = end;
    }
  }
}

#ifdef __x86_64__
static SIMD_TARGET_AVX2 void bound_duplicates_avx2(struct grams *g) {
  __m256i covered = _mm256_setzero_si256(), bound = covered;
  for (size_t k = 0; k < g->repeated_count; k++) {
    const uint32_t *at = g->starts + g->repeated[k];
    __m256i start = _mm256_set1_epi32((int)*at), end = _mm256_loadu_si256((const __m256i *)(at + LISTED));
    __m256i bytes = _mm256_sub_epi32(end, start), last = _mm256_set1_epi32((int)(limits[g->reach[k] >> 4] - 1));
    end = _mm256_and_si256(end, _mm256_cmpeq_epi32(_mm256_min_epu32(bytes, last), bytes)); /* 0: no window */
    __m256i further = _mm256_max_epu32(end, covered);
    bound = _mm256_add_epi32(bound, _mm256_sub_epi32(further, _mm256_min_epu32(further, _mm256_max_epu32(start, covered))));
    covered = further;
  }
  _mm256_storeu_si256((__m256i *)g->duplicate_bound, bound);
}
#endif

/* Words of [from, to) whose print occurs twice, or whose shortest n-gram has not the bytes for it; returns their new number. */
static INLINE size_t append_repeated(const struct grams *g, size_t from, size_t to, size_t count) {
  const uint32_t *starts = g->starts, *prints = g->prints;
  const uint64_t *again = g->again;
  uint32_t *repeated = g->repeated;
  uint8_t *reach = g->reach;
  for (size_t w = from; w < to; w++) {
    uint32_t print = prints[w] & INT32_MAX;
    unsigned twice = again[print / 64] >> (print % 64) & 1;
    repeated[count] = (uint32_t)w;
    reach[count] = (uint8_t)(twice | prints[w] >> 31 << 4);
    count += twice | (starts[w + LISTED] - starts[w] < PRINT);
  }
  return count;
}
BMI(size_t, append_repeated, (const struct grams *g, size_t from, size_t to, size_t count), (g, from, to, count))

/* The bitmaps of all prints are done with; a part of them serves for prints of 32 bytes. */
static INLINE int deepen(struct grams *g, unsigned shift) {
  size_t count = g->repeated_count;
  uint32_t *at = g->prints; /* which have served */
  uint64_t *seen = g->seen, *again = g->again;
  uint8_t *reach = g->reach;
  for (size_t k = 0; k < count; k++) {
    const char *p = g->joined + g->starts[g->repeated[k]];
    uint64_t print = keys_mix(keys_load(p) ^ secret[0], keys_load(p + 8) ^ secret[1]);
    uint64_t deep = keys_mix(print ^ keys_load(p + 16), keys_load(p + 24) ^ secret[2]) >> shift;
    uint64_t known = seen[deep / 64] >> (deep % 64) & 1;
    again[deep / 64] |= known << (deep % 64);
    seen[deep / 64] |= 1ull << (deep % 64);
    at[k] = (uint32_t)deep;
    reach[k] = (uint8_t)(reach[k] + (reach[k] & 16 & known << 4));
  }
  for (size_t k = 0; k < count; k++) reach[k] = (uint8_t)(reach[k] + (reach[k] & 1 & again[at[k] / 64] >> (at[k] % 64)));
  return 0;
}
BMI(int, deepen, (struct grams *g, unsigned shift), (g, shift))

/* Lists the words where a duplicate may begin or be met again. */
static void list_repeated(struct grams *g) {
  if (g->listed) return;
  g->listed = true;
  size_t words = g->list->count, count = 0;
  memset(g->duplicate_bound, 0, sizeof g->duplicate_bound);
  for (size_t w = 0, end = words < LISTED ? 0 : words - LISTED + 1; w < end; w += 4096) {
    if (count + 4096 > g->repeated_capacity) {
      g->repeated_capacity = 2 * count + 4096 < words ? 2 * count + 4096 : words + 4096;
      g->repeated = RESIZE(g->repeated, g->repeated_capacity);
      g->reach = RESIZE(g->reach, g->repeated_capacity);
    }
    count = LEVEL(append_repeated, g, w, end - w < 4096 ? end : w + 4096, count);
  }
  g->repeated_count = count;
  unsigned bits = bits_for(count * 16, g->print_bits);
  memset(g->seen, 0, (size_t)8 << (bits - 6));
  memset(g->again, 0, (size_t)8 << (bits - 6));
  LEVEL(deepen, g, 64 - bits);
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX2) {
    bound_duplicates_avx2(g);
    return;
  }
#endif
  bound_duplicates_scalar(g);
}

size_t grams_duplicates_most(struct grams *g, int n) {
  if (g->duplicates[n] != SIZE_MAX) return g->duplicates[n];
  if (n < LISTED || n >= LISTED + GRAM_LANES) return SIZE_MAX;
  prepare(g);
  list_repeated(g);
  return g->duplicate_bound[n - LISTED];
}

/* The words where n-grams must be looked at, into the array of prints, which have served; returns how many. */
static size_t choose(struct grams *g, size_t n) {
  size_t words = g->list->count, count = g->repeated_count, chosen = 0;
  while (count && g->repeated[count - 1] + n > words) count--;
  for (size_t k = 0; k < count; k++) {
    const uint32_t *start = g->starts + g->repeated[k];
    g->prints[chosen] = g->repeated[k];
    chosen += start[n] - *start < limits[g->reach[k] & 15];
  }
  return chosen;
}

/* The scan over n-grams at the words listed, or at all of them. */
static INLINE size_t duplicates(struct grams *g, size_t n, const uint32_t *listed, size_t elements) {
  const uint32_t *starts = g->starts;
  const char *joined = g->joined;
  size_t found = 0, next = 0;
  for (size_t k = 0; k < elements; k++) {
    size_t i = listed ? listed[k] : k;
    if (i < next) continue;
    if (!keys_add(&g->keys, keys_hash(joined + starts[i], starts[i + n] - starts[i]))) continue;
    found += gram_characters(g, i, n);
    next = i + n;
  }
  return found;
}
BMI(size_t, duplicates, (struct grams *g, size_t n, const uint32_t *listed, size_t elements), (g, n, listed, elements))

size_t grams_duplicates(struct grams *g, int length) {
  size_t n = (size_t)length, words = g->list->count;
  if (g->duplicates[n] != SIZE_MAX) return g->duplicates[n];
  if (words < n) return g->duplicates[n] = 0;
  prepare(g);
  bool listed = n >= LISTED;
  if (listed) list_repeated(g);
  size_t elements = listed ? choose(g, n) : words - n + 1;
  keys_begin(&g->keys, elements);
  return g->duplicates[n] = LEVEL(duplicates, g, n, listed ? g->prints : NULL, elements);
}
