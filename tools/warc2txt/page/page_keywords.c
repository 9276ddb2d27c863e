/* SPDX-License-Identifier: MIT
 *
 * Every key word is found by its first two letters: a table of 32 x 32, indexed by the low five bits of two bytes (which
 * are the same in either case), says which to compare.  AVX-512 first leaves the places where three letters may start one:
 * key words are in eight sets, and three tables of 32 say in which sets a letter may be the first, second or third (the
 * Teddy algorithm of Hyperscan, NSDI 2019).  The cache is direct-mapped; an entry fills two cache lines and
 * holds the value itself, so that its answers are exact.
 */
#include "tools/warc2txt/page/page_keywords.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/base/simd.h"

enum { VALUE_MAX = 1024, CACHE_ENTRIES = 256, CACHED_MAX = 126 };

struct entry {
  uint8_t length, bits; /* length 0: none */
  char value[CACHED_MAX];
};

struct keyword_cache {
  struct entry entries[CACHE_ENTRIES];
};

static const struct {
  const char *word;
  unsigned char bits;
} keywords[] = {
#define N KEYWORD_NEGATIVE
#define P KEYWORD_POSITIVE
#define C KEYWORD_COMMENT
  {"nav", N}, {"menu", N}, {"foot", N}, {"sidebar", N}, {"side-bar", N}, {"aside", N}, {"breadcrumb", N}, {"share", N}, {"social", N},
  {"cookie", N}, {"consent", N}, {"gdpr", N}, {"banner", N}, {"promo", N}, {"advert", N}, {"sponsor", N}, {"related", N},
  {"recommend", N}, {"more-", N}, {"newsletter", N}, {"subscri", N}, {"signup", N}, {"sign-up", N}, {"login", N}, {"popup", N},
  {"modal", N}, {"overlay", N}, {"widget", N}, {"toolbar", N}, {"pagin", N}, {"pager", N}, {"byline", N}, {"author", N}, {"meta", N},
  {"credit", N}, {"caption", N}, {"copyright", N}, {"legal", N}, {"disclaimer", N}, {"search", N}, {"filter", N}, {"facet", N},
  {"sort", N}, {"cart", N}, {"checkout", N}, {"rating", N}, {"vote", N}, {"button", N}, {"btn", N}, {"cta", N}, {"skip", N},
  {"hidden", N}, {"sr-only", N}, {"visually", N}, {"dropdown", N}, {"header", N}, {"masthead", N}, {"topbar", N}, {"drawer", N},
  {"announcement", N}, {"teaser", N}, {"trending", N}, {"popular", N},
  {"article", P}, {"content", P}, {"main", P}, {"body", P}, {"post", P}, {"entry", P}, {"text", P}, {"story", P}, {"description", P},
  {"detail", P}, {"product", P}, {"topic", P}, {"thread", P}, {"message", P}, {"comment", P | C}, {"answer", P}, {"question", P},
  {"reply", P}, {"markdown", P}, {"prose", P}, {"wiki", P}, {"doc", P}, {"blog", P}, {"page", P}, {"section", P}, {"spec", P},
  {"summary", P}, {"feature", P}, {"discuss", C}, {"disqus", C}, {"respond", C}, {"replies", C},
#undef N
#undef P
#undef C
};

/* Found as whole words only, an "s" behind them apart. */
static const char *const whole_words[] = {"ad", "tag"};

enum { KEYWORD_COUNT = sizeof keywords / sizeof *keywords, WHOLE_COUNT = sizeof whole_words / sizeof *whole_words };

static unsigned char first[32 * 32];                    /* place in `list` + 1 */
static unsigned char list[KEYWORD_COUNT + WHOLE_COUNT]; /* key words with the same two letters in a row; whole words behind KEYWORD_COUNT */
static bool last[KEYWORD_COUNT + WHOLE_COUNT];          /* of such a row */
static unsigned char sets[3][64];                       /* of key words, by a letter's low five bits, twice */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const char *word_of(unsigned k) { return k < KEYWORD_COUNT ? keywords[k].word : whole_words[k - KEYWORD_COUNT]; }

static unsigned pair_of(const char *s) { return (unsigned)(s[0] & 31) << 5 | (unsigned)(s[1] & 31); }

static void prepare(void) {
  unsigned count = 0;
  for (unsigned k = 0; k < KEYWORD_COUNT + WHOLE_COUNT; k++) {
    unsigned pair = pair_of(word_of(k));
    if (first[pair]) continue;
    first[pair] = (unsigned char)(count + 1);
    for (unsigned j = k; j < KEYWORD_COUNT + WHOLE_COUNT; j++)
      if (pair_of(word_of(j)) == pair) list[count++] = (unsigned char)j;
    last[count - 1] = true;
  }
  for (unsigned i = 0; i < count; i++) {
    const char *word = word_of(list[i]);
    unsigned char set = (unsigned char)(1u << i * 8 / count);
    for (unsigned c = 0; c < 64; c++)
      for (unsigned k = 0; k < 3; k++)
        if (!word[k] || (word[k] & 31) == (c & 31)) sets[k][c] |= set;
  }
}

struct keyword_cache *keyword_cache_new(void) {
  pthread_once(&once, prepare);
  return NEW(struct keyword_cache);
}

void keyword_cache_free(struct keyword_cache *c) { free(c); }

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static bool letter(char c) { return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_'; }

/* Length of the word when it stands at s, else 0. */
static size_t stands(const char *word, const char *s, const char *end) {
  size_t k = 0;
  for (; word[k]; k++)
    if (s + k == end || lower(s[k]) != word[k]) return 0;
  return k;
}

/* `bits` and those of the key words that stand at s, whose first letters' entry is at `at`. */
static uint32_t keywords_at(const char *begin, const char *s, const char *end, unsigned at, uint32_t bits) {
  for (;; at++) {
    unsigned k = list[at];
    uint32_t adds = k < KEYWORD_COUNT ? keywords[k].bits : KEYWORD_NEGATIVE;
    size_t length = adds & ~bits ? stands(word_of(k), s, end) : 0;
    if (length && k < KEYWORD_COUNT) {
      bits |= keywords[k].bits;
    } else if (length) {
      const char *behind = s + length;
      if (behind < end && lower(*behind) == 's') behind++;
      if ((behind == end || !letter(*behind)) && (s == begin || !letter(s[-1]))) bits |= KEYWORD_NEGATIVE;
    }
    if (last[at]) return bits;
  }
}

static uint32_t find_scalar(const char *begin, const char *end) {
  uint32_t bits = 0;
  for (const char *s = begin; s + 1 < end; s++) {
    unsigned at = first[pair_of(s)];
    if (at) bits = keywords_at(begin, s, end, at - 1, bits);
  }
  return bits;
}

#ifdef __x86_64__
#include <immintrin.h>

SIMD_TARGET_AVX512 static inline __m512i sets_of(int k, const char *s, const char *end) {
  size_t n = s < end ? (size_t)(end - s) : 0;
  __mmask64 in = n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
  return _mm512_permutexvar_epi8(_mm512_maskz_loadu_epi8(in, s), _mm512_loadu_si512(sets[k]));
}

SIMD_TARGET_AVX512 static uint32_t find_avx512(const char *begin, const char *end) {
  uint32_t bits = 0;
  for (const char *s = begin; s + 1 < end; s += 64) {
    __m512i may = _mm512_and_si512(_mm512_and_si512(sets_of(0, s, end), sets_of(1, s + 1, end)), sets_of(2, s + 2, end));
    uint64_t at = _mm512_test_epi8_mask(may, may);
    if (end - s <= 64) at &= (UINT64_C(1) << (end - s - 1)) - 1;
    for (; at; at &= at - 1) {
      const char *here = s + __builtin_ctzll(at);
      unsigned entry = first[pair_of(here)];
      if (entry) bits = keywords_at(begin, here, end, entry - 1, bits);
    }
  }
  return bits;
}
#endif

uint32_t keywords_in(struct slice value) {
  const char *end = value.data + (value.len < VALUE_MAX ? value.len : VALUE_MAX);
#ifdef __x86_64__
  if (simd_level() == SIMD_AVX512) return find_avx512(value.data, end);
#endif
  return find_scalar(value.data, end);
}

uint32_t keywords_in_class(struct keyword_cache *c, struct slice value, uint64_t *hash) {
  *hash = XXH3_64bits(value.data, value.len);
  if (value.len == 0) return 0;
  if (value.len > CACHED_MAX) return keywords_in(value);
  struct entry *e = &c->entries[*hash % CACHE_ENTRIES];
  if (e->length != value.len || memcmp(e->value, value.data, value.len) != 0) {
    e->length = (uint8_t)value.len;
    memcpy(e->value, value.data, value.len);
    e->bits = (uint8_t)keywords_in(value);
  }
  return e->bits;
}
