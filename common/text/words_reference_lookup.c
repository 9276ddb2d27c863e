/* SPDX-License-Identifier: MIT
 *
 * What the tables of words_reference_tables.c are looked up by: an array of classes, hash tables (open addressing, at
 * most half full) of the exceptions and of the steps between the tokens of phrases.
 */
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/text/words_reference.h"
#include "common/text/words_reference_tables.h"

enum { EXCEPTION_SLOTS = 4096, EXCEPTION_MAX = 32, PHRASE_SLOTS = 2048 };

struct exception {
  uint8_t length, tokens, lengths[3];
  char text[EXCEPTION_MAX];
};

struct step { /* from one state of the phrases by a token, up to 8 bytes and zeros, to another */
  uint64_t token;
  uint16_t from, to; /* to 0: an empty slot */
};

static uint16_t classes[0x10000];
uint64_t words_reference_filter[1024];
uint8_t words_reference_places[4096];
static struct exception exceptions[EXCEPTION_SLOTS];
static struct step steps[PHRASE_SLOTS];
static bool ends[PHRASE_SLOTS / 2];
static unsigned states;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static inline uint64_t hash(uint64_t x) {
  x *= 0x9E3779B97F4A7C15u;
  return x ^ x >> 29;
}

static inline size_t exception_slot(const char *p, size_t n) {
  uint64_t first = words_reference_key(p, n, n);
  if (n > 8) first = hash(first) ^ words_reference_key(p + n - 8, 8, 8);
  return hash(first + n) >> 20 & (EXCEPTION_SLOTS - 1);
}

static inline size_t step_slot(unsigned from, uint64_t token) { return hash(token + from * 0xD1B54A32D192ED03u) >> 20 & (PHRASE_SLOTS - 1); }

static struct step *find_step(unsigned from, uint64_t token) {
  for (size_t s = step_slot(from, token);; s = (s + 1) & (PHRASE_SLOTS - 1))
    if (!steps[s].to || (steps[s].from == from && steps[s].token == token)) return &steps[s];
}

static void add_exception(const char *tokens) {
  struct exception e = {0};
  for (const char *p = tokens; *p; p++) {
    if (*p == ' ') {
      e.tokens++;
    } else {
      e.text[e.length++] = *p;
      e.lengths[e.tokens]++;
    }
  }
  e.tokens++;
  size_t s = exception_slot(e.text, e.length);
  while (exceptions[s].length) s = (s + 1) & (EXCEPTION_SLOTS - 1);
  exceptions[s] = e;
  uint64_t h = words_reference_filter_hash(words_reference_key(e.text, e.length, sizeof e.text), e.length);
  words_reference_filter[h >> 54] |= (uint64_t)1 << (h >> 48 & 63) | (uint64_t)1 << (h >> 42 & 63);
}

static void add_phrase(const char *tokens) {
  unsigned state = 0;
  for (const char *p = tokens; *p;) {
    size_t n = strcspn(p, " ");
    uint64_t token = words_reference_key(p, n, n);
    words_reference_places[words_reference_place_slot(token)] |= p == tokens ? WORDS_REFERENCE_FIRST : WORDS_REFERENCE_LATER;
    struct step *step = find_step(state, token);
    if (!step->to) *step = (struct step){token, (uint16_t)state, (uint16_t)++states};
    state = step->to;
    p += n + (p[n] == ' ');
  }
  ends[state] = true;
}

static void fill(void) {
  for (size_t i = 0; i < words_reference_range_count; i++) {
    const struct words_reference_range *r = &words_reference_ranges[i];
    for (uint32_t c = r->first; c <= r->last && c < 0x10000; c++) classes[c] = r->classes;
  }
  assert(words_reference_exception_count <= EXCEPTION_SLOTS / 2);
  for (size_t i = 0; i < words_reference_exception_count; i++) add_exception(words_reference_exceptions[i]);
  for (size_t i = 0; i < words_reference_phrase_count; i++) {
    add_phrase(words_reference_phrases[i]);
    assert(states < PHRASE_SLOTS / 2);
  }
}

const uint16_t *words_reference_classes(void) {
  pthread_once(&once, fill);
  return classes;
}

static int compare_range(const void *key, const void *element) {
  uint32_t c = *(const uint32_t *)key;
  const struct words_reference_range *r = element;
  return c < r->first ? -1 : c > r->last;
}

uint16_t words_reference_classes_supplementary(uint32_t code_point) {
  const struct words_reference_range *r = bsearch(&code_point, words_reference_ranges, words_reference_range_count, sizeof *r, compare_range);
  return r ? r->classes : 0;
}

int words_reference_exception(const char *p, size_t n, const uint8_t **lengths) {
  if (n == 0 || n > EXCEPTION_MAX) return 0;
  for (size_t s = exception_slot(p, n); exceptions[s].length; s = (s + 1) & (EXCEPTION_SLOTS - 1)) {
    if (exceptions[s].length == n && memcmp(exceptions[s].text, p, n) == 0) {
      *lengths = exceptions[s].lengths;
      return exceptions[s].tokens;
    }
  }
  return 0;
}

unsigned words_reference_phrase_next(unsigned state, uint64_t token) { return find_step(state, token)->to; }

bool words_reference_phrase_ends(unsigned state) { return ends[state]; }
