/* SPDX-License-Identifier: MIT
 *
 * Specials in a trie.  Places where one may begin are found by its first byte: memchr for one, a vector compare for up to
 * four different ones, a table for more; from there the trie is walked as far as the text agrees, at most the length of
 * the longest special.
 */
#include "common/token/specials.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/simd.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { NO_ID = -1, FEW = 4 };

struct node {
  uint32_t child, sibling; /* 0: none */
  int64_t id;              /* of the special that ends here, or NO_ID */
  uint8_t byte;
};

struct specials {
  struct node *nodes; /* the first is not used */
  size_t capacity;
  uint32_t nodes_count;
  uint32_t root[256];
  uint8_t first[FEW]; /* the first bytes; those that are not used repeat first[0] */
  int first_count;    /* above FEW: too many */
  size_t longest;
  int count;
};

struct specials *specials_new(void) { return NEW(struct specials); }

void specials_free(struct specials *s) {
  if (!s) return;
  free(s->nodes);
  free(s);
}

static uint32_t node_new(struct specials *s, uint8_t byte) {
  if (s->nodes_count == 0) s->nodes_count = 1;
  GROW(s->nodes, s->capacity, (size_t)s->nodes_count + 1);
  s->nodes[s->nodes_count] = (struct node){0, 0, NO_ID, byte};
  return s->nodes_count++;
}

static uint32_t child(const struct specials *s, uint32_t node, uint8_t byte) {
  uint32_t k = s->nodes[node].child;
  while (k && s->nodes[k].byte != byte) k = s->nodes[k].sibling;
  return k;
}

void specials_add(struct specials *s, struct slice bytes, uint32_t id) {
  if (bytes.len == 0) return;
  uint8_t byte = (uint8_t)bytes.data[0];
  uint32_t at = s->root[byte];
  if (!at) {
    at = s->root[byte] = node_new(s, byte);
    if (s->first_count == 0) memset(s->first, byte, sizeof s->first);
    else if (s->first_count < FEW) s->first[s->first_count] = byte;
    s->first_count++;
  }
  for (size_t i = 1; i < bytes.len; i++) {
    byte = (uint8_t)bytes.data[i];
    uint32_t next = child(s, at, byte);
    if (!next) {
      next = node_new(s, byte);
      s->nodes[next].sibling = s->nodes[at].child;
      s->nodes[at].child = next;
    }
    at = next;
  }
  if (s->nodes[at].id == NO_ID || s->nodes[at].id > id) s->nodes[at].id = id;
  if (bytes.len > s->longest) s->longest = bytes.len;
  s->count++;
}

int specials_count(const struct specials *s) { return s->count; }

/* ---- places where one may begin --------------------------------------------------------------------------------------- */

#ifdef __x86_64__
SIMD_TARGET_AVX2 static const uint8_t *candidate_avx2(const struct specials *s, const uint8_t *p, const uint8_t *end) {
  __m256i a = _mm256_set1_epi8((char)s->first[0]), b = _mm256_set1_epi8((char)s->first[1]), c = _mm256_set1_epi8((char)s->first[2]), d = _mm256_set1_epi8((char)s->first[3]);
  for (; end - p >= 32; p += 32) {
    __m256i v = _mm256_loadu_si256((const void *)p);
    __m256i hit = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(v, a), _mm256_cmpeq_epi8(v, b)), _mm256_or_si256(_mm256_cmpeq_epi8(v, c), _mm256_cmpeq_epi8(v, d)));
    uint32_t mask = (uint32_t)_mm256_movemask_epi8(hit);
    if (mask) return p + __builtin_ctz(mask);
  }
  while (p < end && !s->root[*p]) p++;
  return p;
}
#endif

static const uint8_t *candidate(const struct specials *s, const uint8_t *p, const uint8_t *end) {
  if (s->first_count == 1) {
    const uint8_t *found = memchr(p, s->first[0], (size_t)(end - p));
    return found ? found : end;
  }
#ifdef __x86_64__
  if (s->first_count <= FEW && simd_level() >= SIMD_AVX2) return candidate_avx2(s, p, end);
#endif
  while (p < end && !s->root[*p]) p++;
  return p;
}

size_t specials_find(const struct specials *s, struct slice text, size_t from, size_t *length, uint32_t *id) {
  if (s->count == 0 || from >= text.len) return text.len;
  const uint8_t *base = (const uint8_t *)text.data, *end = base + text.len;
  for (const uint8_t *p = candidate(s, base + from, end); p < end; p = candidate(s, p + 1, end)) {
    int64_t found = NO_ID;
    uint32_t at = s->root[*p];
    for (const uint8_t *q = p + 1;; q++) {
      if (s->nodes[at].id != NO_ID) {
        found = s->nodes[at].id;
        *length = (size_t)(q - p);
      }
      if (q == end || !(at = child(s, at, *q))) break;
    }
    if (found == NO_ID) continue;
    *id = (uint32_t)found;
    return (size_t)(p - base);
  }
  return text.len;
}

/* May a special that begins at `begin` reach over i > begin, whatever follows the text? */
static bool reaches(const struct specials *s, struct slice text, size_t begin, size_t i) {
  uint32_t at = s->root[(uint8_t)text.data[begin]];
  for (size_t q = begin + 1; at; q++) {
    if (q > i && s->nodes[at].id != NO_ID) return true;
    if (q >= i && q == text.len) return s->nodes[at].child != 0;
    if (q == text.len) return false;
    at = child(s, at, (uint8_t)text.data[q]);
  }
  return false;
}

size_t specials_cut(const struct specials *s, struct slice text, size_t i) {
  if (s->count == 0) return i;
  for (size_t begin = i; begin-- > 0 && i - begin < s->longest;)
    if (s->root[(uint8_t)text.data[begin]] && reaches(s, text, begin, i)) i = begin;
  return i;
}
