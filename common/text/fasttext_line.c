/* SPDX-License-Identifier: MIT
 *
 * From a text to rows of a fastText model's input matrix; see fasttext.h.
 *
 * Equal scores need what the reference does, including its oddities: FNV-1a over sign-extended bytes; word n-grams multiply 64-bit but add the 32-bit hashes with their
 * sign; a token </s> in the text ends it; an unknown token that starts like a label is skipped.
 *
 * Few tokens make up most of a text: those of up to KEY bytes are kept with their rows in a two-way cache that is cleared
 * when it is full.  Separators are found 64 bytes at a time as a bit mask.
 */
#include "common/text/fasttext.h"

#include <stdlib.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/text/fasttext_subwords.h"

#define LABEL_PREFIX "__label__"
static const struct slice label_prefix = {LABEL_PREFIX, sizeof LABEL_PREFIX - 1};
static const struct slice end_of_line = {"</s>", 4};

enum { CACHED_SUBWORDS = 64 << 20, CACHED_WORD = 256 }; /* limits of the model's table of character n-grams */
enum { FLUSH = FASTTEXT_FLUSH };
enum { KEY = FASTTEXT_CACHED_TOKEN, SLOT_BITS = 13, ARENA = 1 << 16, INLINE = 4, BATCH = 16 };

struct cached { /* one cache line */
  uint64_t key[KEY / 8]; /* the token's bytes, then zeros: tokens hold no NUL */
  uint32_t count, start; /* rows: ids[count], or, when more than INLINE, arena[start ...] */
  int32_t hash;
  bool is_word;          /* labels give no rows and no n-grams */
  uint32_t ids[INLINE];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct cached) == 64, "a cache line");

struct fasttext_cache {
  struct cached slots[1 << SLOT_BITS];
  size_t full;
  uint32_t arena[ARENA + INLINE];
};

/* ---- dictionary */

uint32_t fasttext_hash(const char *text, size_t n) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < n; i++) h = (h ^ (uint32_t)(int8_t)text[i]) * 16777619u;
  return h;
}

int64_t fasttext_find(const struct fasttext *m, const char *text, size_t n, uint32_t hash) {
  for (uint32_t slot = hash & m->slot_mask; m->slots[slot]; slot = (slot + 1) & m->slot_mask) {
    if (m->slots[slot] >> 32 != hash) continue;
    uint32_t index = (uint32_t)m->slots[slot] - 1;
    const struct slice *entry = &m->entries[index].text;
    if (entry->len == n && memcmp(entry->data, text, n) == 0) return index;
  }
  return -1;
}

struct slice fasttext_label(const struct fasttext *m, int32_t label) {
  struct slice s = m->entries[m->words + label].text;
  if (slice_starts(s, label_prefix)) s = (struct slice){s.data + label_prefix.len, s.len - label_prefix.len};
  return s;
}

int32_t fasttext_label_index(const struct fasttext *m, struct slice name) {
  for (int32_t i = 0; i < m->labels; i++)
    if (slice_equal(fasttext_label(m, i), name) || slice_equal(m->entries[m->words + i].text, name)) return i;
  return -1;
}

static void index_pairs(struct fasttext *m) {
  size_t words = (size_t)m->args.bucket / 64 + 1;
  free(m->pair_bits);
  free(m->pair_ranks);
  free(m->pair_rows);
  m->pair_bits = NEW_ARRAY(uint64_t, words);
  m->pair_ranks = NEW_ARRAY(uint32_t, words);
  m->pair_rows = NEW_ARRAY(uint32_t, (size_t)m->pair_count + 1);
  for (int64_t i = 0; i < m->pair_count; i++) m->pair_bits[m->pairs[i].bucket / 64] |= UINT64_C(1) << (m->pairs[i].bucket & 63);
  uint32_t rank = 0;
  for (size_t i = 0; i < words; i++) {
    m->pair_ranks[i] = rank;
    rank += (uint32_t)__builtin_popcountll(m->pair_bits[i]);
  }
  for (int64_t i = 0; i < m->pair_count; i++) { /* of a bucket that is there twice, the last */
    uint32_t bucket = (uint32_t)m->pairs[i].bucket;
    uint64_t below = m->pair_bits[bucket / 64] & ((UINT64_C(1) << (bucket & 63)) - 1);
    m->pair_rows[m->pair_ranks[bucket / 64] + (uint32_t)__builtin_popcountll(below)] = (uint32_t)m->pairs[i].row;
  }
}

static bool same_entry(const struct fasttext *m, size_t a, size_t b) {
  return m->entries[a].hash == m->entries[b].hash && slice_equal(m->entries[a].text, m->entries[b].text);
}

static void index_words(struct fasttext *m) {
  size_t entries = (size_t)m->words + (size_t)m->labels, slots = 16;
  while (slots < entries * 2) slots *= 2;
  free(m->slots);
  m->slots = NEW_ARRAY(uint64_t, slots);
  m->slot_mask = (uint32_t)slots - 1;
  for (size_t i = 0; i < entries; i++) {
    uint32_t slot = m->entries[i].hash & m->slot_mask;
    while (m->slots[slot] && !same_entry(m, (uint32_t)m->slots[slot] - 1, i)) slot = (slot + 1) & m->slot_mask; /* of equal entries the last, as the reference */
    m->slots[slot] = (uint64_t)m->entries[i].hash << 32 | (uint32_t)(i + 1);
  }
}

static void index_subwords(struct fasttext *m) {
  struct fasttext_line line = {0};
  free(m->subword_start);
  m->subword_start = NEW_ARRAY(size_t, (size_t)m->words + 1);
  for (int32_t w = 0; w < m->words; w++) {
    m->subword_start[w] = line.count;
    struct slice text = m->entries[w].text;
    if (text.len > CACHED_WORD || line.count > CACHED_SUBWORDS) continue;
    fasttext_push(&line, (uint32_t)w);
    if (!slice_equal(text, end_of_line)) fasttext_add_subwords(m, text, &line);
  }
  m->subword_start[m->words] = line.count;
  free(m->subwords);
  m->subwords = line.ids;
}

/* The Huffman tree of the labels, which stand by falling counts: src/loss.cc, HierarchicalSoftmaxLoss::buildTree. */
static void build_tree(struct fasttext *m) {
  int32_t labels = m->labels, nodes = 2 * labels - 1, leaf = labels - 1, inner = labels;
  int64_t *counts = MALLOC((size_t)nodes * sizeof *counts);
  free(m->tree);
  m->tree = MALLOC((size_t)nodes * sizeof *m->tree);
  for (int32_t i = 0; i < nodes; i++) {
    m->tree[i] = (struct fasttext_node){-1, -1, -1};
    counts[i] = i < labels ? m->entries[m->words + i].count : 1000000000000000;
  }
  for (int32_t i = labels; i < nodes; i++) {
    int32_t least[2];
    for (int j = 0; j < 2; j++) least[j] = leaf >= 0 && counts[leaf] < counts[inner] ? leaf-- : inner++;
    counts[i] = counts[least[0]] + counts[least[1]];
    m->tree[i].left = least[0];
    m->tree[i].right = least[1];
    m->tree[least[0]].parent = m->tree[least[1]].parent = i;
  }
  free(counts);
}

void fasttext_index(struct fasttext *m) {
  index_words(m);
  m->rows = m->words + (m->pruned ? m->pair_count : m->args.bucket);
  m->bucket_inverse = m->args.bucket ? (uint64_t)(((unsigned __int128)1 << 64) / (uint64_t)m->args.bucket - (m->args.bucket == 1)) : 0;
  if (m->pruned) index_pairs(m);
  if (m->args.maxn > 0) index_subwords(m);
  if (m->args.loss == FASTTEXT_HIERARCHICAL) build_tree(m);
}

/* ---- tokens */

/* False when the token ends the line. */
static bool add_token(const struct fasttext *m, struct slice token, struct fasttext_line *line, bool keep_hashes) {
  uint32_t hash = fasttext_hash(token.data, token.len);
  bool is_end = slice_equal(token, end_of_line);
  int64_t id = fasttext_find(m, token.data, token.len, hash);
  bool is_label = id < 0 ? slice_starts(token, label_prefix) : id >= m->words;
  if (is_label) return !is_end;
  if (id < 0) {
    if (!is_end) fasttext_add_subwords(m, token, line);
  } else if (m->args.maxn <= 0) {
    fasttext_push(line, (uint32_t)id);
  } else {
    size_t start = m->subword_start[id], count = m->subword_start[id + 1] - start;
    if (count == 0) { /* not in the table */
      fasttext_push(line, (uint32_t)id);
      if (!is_end) fasttext_add_subwords(m, token, line);
    } else {
      GROW(line->ids, line->capacity, line->count + count);
      memcpy(line->ids + line->count, m->subwords + start, count * sizeof *line->ids);
      line->count += count;
    }
  }
  if (keep_hashes) {
    GROW(line->hashes, line->hash_capacity, line->hash_count + 1);
    line->hashes[line->hash_count++] = (int32_t)hash;
  }
  return !is_end;
}

static void add_word_ngrams(const struct fasttext *m, struct fasttext_line *line) {
  if (fasttext_no_ngrams(m)) return;
  size_t n = (size_t)m->args.word_ngrams;
  for (size_t i = 0; i < line->hash_count; i++) {
    uint64_t h = (uint64_t)(int64_t)line->hashes[i];
    for (size_t j = i + 1; j < line->hash_count && j - i < n; j++) {
      h = h * 116049371u + (uint64_t)(int64_t)line->hashes[j];
      fasttext_push_bucket(m, line, fasttext_in_bucket(m, h));
      if (line->flush && line->count >= FLUSH) line->flush(line, line->context);
    }
  }
}

/* The token's bytes and zeros.  Reads up to KEY bytes when they lie before `end`. */
static inline void read_key(const char *token, size_t n, const char *end, uint64_t key[KEY / 8]) {
  static const uint8_t ones[2 * KEY] = {[0 ... KEY - 1] = 0xFF};
  if ((size_t)(end - token) >= KEY) {
    uint64_t mask[KEY / 8];
    memcpy(key, token, KEY);
    memcpy(mask, ones + KEY - n, KEY);
    for (int i = 0; i < KEY / 8; i++) key[i] &= mask[i];
  } else {
    memset(key, 0, KEY);
    memcpy(key, token, n);
  }
}

static inline bool key_equal(const uint64_t a[KEY / 8], const uint64_t b[KEY / 8]) {
  return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
}

static inline void add_cached(const struct fasttext_cache *cache, const struct cached *c, struct fasttext_line *line, bool keep_hashes) {
  GROW(line->ids, line->capacity, line->count + c->count + INLINE);
  const uint32_t *from = c->count > INLINE ? cache->arena + c->start : c->ids;
  memcpy(line->ids + line->count, from, INLINE * sizeof *from);
  for (size_t i = INLINE; i < c->count; i += INLINE) memcpy(line->ids + line->count + i, from + i, INLINE * sizeof *from);
  line->count += c->count;
  if (keep_hashes && c->is_word) {
    GROW(line->hashes, line->hash_capacity, line->hash_count + 1);
    line->hashes[line->hash_count++] = c->hash;
  }
}

static __attribute__((noinline)) bool add_new(const struct fasttext *m, struct slice token, const uint64_t key[KEY / 8], struct cached *set, struct fasttext_line *line) {
  struct fasttext_cache *cache = line->cache;
  size_t before = line->count, hashes = line->hash_count;
  if (!add_token(m, token, line, true)) return false;
  size_t count = line->count - before;
  bool is_word = line->hash_count > hashes;
  struct cached c = {.count = (uint32_t)count, .is_word = is_word, .hash = is_word ? line->hashes[hashes] : 0};
  memcpy(c.key, key, KEY);
  if (m->args.word_ngrams <= 1) line->hash_count = hashes;
  if (count > INLINE) {
    if (count > ARENA / 16) return true;
    if (cache->full + count > ARENA) {
      memset(cache->slots, 0, sizeof cache->slots);
      cache->full = 0;
    }
    c.start = (uint32_t)cache->full;
    memcpy(cache->arena + cache->full, line->ids + before, count * sizeof *line->ids);
    cache->full += count;
  } else if (count) {
    memcpy(c.ids, line->ids + before, count * sizeof *line->ids);
  }
  set[1] = set[0];
  set[0] = c;
  return true;
}

struct token {
  const char *start;
  size_t length;
  uint64_t key[KEY / 8];
  struct cached *set;
};

struct tokens { /* whose places in the cache are on their way */
  struct token items[BATCH];
  size_t count;
};

static inline void ask(struct tokens *t, const char *start, const char *stop, const char *end, struct fasttext_cache *cache) {
  struct token *token = &t->items[t->count++];
  token->start = start;
  token->length = (size_t)(stop - start);
  if (token->length > KEY) return;
  read_key(start, token->length, end, token->key);
  const uint64_t *key = token->key;
  uint64_t h = (key[0] * 0x9E3779B97F4A7C15u) ^ (key[1] * 0xC2B2AE3D27D4EB4Fu) ^ (key[2] * 0x165667B19E3779F9u) ^ (key[3] * 0xD6E8FEB86659FD93u);
  h = (h ^ h >> 32) * 0x9E3779B97F4A7C15u;
  token->set = &cache->slots[h >> (64 - SLOT_BITS) & ~UINT64_C(1)];
  __builtin_prefetch(token->set);
  __builtin_prefetch(token->set + 1);
}

/* As add_token for all of them; false when one ends the line. */
static bool answer(const struct fasttext *m, struct tokens *t, struct fasttext_line *line, bool keep_hashes) {
  size_t count = t->count;
  t->count = 0;
  for (size_t i = 0; i < count; i++) {
    struct token *token = &t->items[i];
    struct slice text = {token->start, token->length};
    if (token->length > KEY) {
      if (!add_token(m, text, line, keep_hashes)) return false;
    } else if (key_equal(token->set[0].key, token->key)) { /* a token is not empty: nor is the place */
      add_cached(line->cache, &token->set[0], line, keep_hashes);
    } else if (key_equal(token->set[1].key, token->key)) {
      add_cached(line->cache, &token->set[1], line, keep_hashes);
    } else if (!add_new(m, text, token->key, token->set, line)) {
      return false;
    }
    if (line->flush && line->count >= FLUSH) line->flush(line, line->context);
  }
  return true;
}

/* Bit i: byte i is white space. */
static uint64_t separators_scalar(const char *p) {
  static const bool separator[256] = {[' '] = true, ['\n'] = true, ['\r'] = true, ['\t'] = true, ['\v'] = true, ['\f'] = true, [0] = true};
  uint64_t bits = 0;
  for (int i = 0; i < 64; i++) bits |= (uint64_t)separator[(uint8_t)p[i]] << i;
  return bits;
}

#ifdef __x86_64__
SIMD_TARGET_AVX2 static uint64_t separators_avx2(const char *p) {
  uint64_t bits = 0;
  for (int i = 0; i < 2; i++) {
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32 * i)), from_tab = _mm256_sub_epi8(v, _mm256_set1_epi8('\t'));
    __m256i found = _mm256_or_si256(_mm256_cmpeq_epi8(_mm256_min_epu8(from_tab, _mm256_set1_epi8('\r' - '\t')), from_tab), _mm256_cmpeq_epi8(_mm256_and_si256(v, _mm256_set1_epi8((char)0xDF)), _mm256_setzero_si256()));
    bits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(found) << (32 * i);
  }
  return bits;
}

SIMD_TARGET_AVX512 static uint64_t separators_avx512(const char *p) {
  __m512i v = _mm512_loadu_si512(p);
  return _mm512_cmple_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8('\t')), _mm512_set1_epi8('\r' - '\t')) | _mm512_testn_epi8_mask(v, _mm512_set1_epi8((char)0xDF));
}
#endif

static void read_tokens(const struct fasttext *m, struct slice text, struct fasttext_line *line, bool keep_hashes) {
  uint64_t (*separators)(const char *) = separators_scalar;
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX2) separators = simd_level() >= SIMD_AVX512 ? separators_avx512 : separators_avx2;
#endif
  const char *end = text.data + text.len, *start = NULL;
  uint64_t was_separator = 1;
  struct tokens tokens;
  tokens.count = 0;
  for (const char *p = text.data; p < end; p += 64) {
    char last[64] = {0};
    if (end - p < 64) memcpy(last, p, (size_t)(end - p));
    uint64_t bits = separators(end - p < 64 ? last : p), edges = bits ^ (bits << 1 | was_separator);
    was_separator = bits >> 63;
    for (; edges; edges &= edges - 1) {
      const char *at = p + __builtin_ctzll(edges);
      if (!start) {
        start = at;
      } else {
        ask(&tokens, start, at, end, line->cache);
        if (tokens.count == BATCH && !answer(m, &tokens, line, keep_hashes)) return;
        start = NULL;
      }
    }
  }
  if (start) ask(&tokens, start, end, end, line->cache);
  if (!answer(m, &tokens, line, keep_hashes)) return;
  add_token(m, end_of_line, line, keep_hashes);
}

void fasttext_line_read(const struct fasttext *m, struct slice text, struct fasttext_line *line) {
  line->count = line->hash_count = 0;
  if (!line->cache) {
    line->cache = ALIGNED(64, (sizeof *line->cache + 63) / 64 * 64);
    memset(line->cache->slots, 0, sizeof line->cache->slots);
    line->cache->full = 0;
  }
  bool keep_hashes = m->args.word_ngrams > 1;
  read_tokens(m, text, line, keep_hashes);
  if (keep_hashes) add_word_ngrams(m, line);
  if (line->flush) line->flush(line, line->context);
}

void fasttext_line_release(struct fasttext_line *line) {
  free(line->ids);
  free(line->hashes);
  free(line->cache);
  *line = (struct fasttext_line){0};
}
