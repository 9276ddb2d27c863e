/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/page/page_keywords.h"

#include "common/base/rng.h"
#include "common/base/simd.h"
#include "tests/tap.h"

static struct keyword_cache *cache;

static uint32_t of(const char *s) {
  uint64_t first, again;
  uint32_t bits = keywords_in_class(cache, slice_of(s), &first), cached = keywords_in_class(cache, slice_of(s), &again);
  return bits == cached && first == again && bits == keywords_in(slice_of(s)) ? bits : UINT32_MAX;
}

static void at_level(void) {
  enum { N = KEYWORD_NEGATIVE, P = KEYWORD_POSITIVE, C = KEYWORD_COMMENT };
  ok_int(of(""), 0, "nothing has no key words");
  ok_int(of("x"), 0, "nor has a letter");
  ok_int(of("row col-12"), 0, "nor have a grid's classes");
  ok_int(of("Main-NAV"), N | P, "key words are found in either case, several at once");
  ok_int(of("mycommentlist"), P | C, "they are found inside of words");
  ok_int(of("replies"), C, "a comment's key word need be no positive one");
  ok_int(of("ad"), N, "ad is a word");
  ok_int(of("top-ads"), N, "so is ads");
  ok_int(of("head"), 0, "but not the end of head");
  ok_int(of("adder"), 0, "nor the start of adder");
  ok_int(of("x_ad"), 0, "nor what _ binds");
  ok_int(of("ad2"), N, "a digit parts words");
  ok_int(of("tags"), N, "tags are a word");
  ok_int(of("stage"), 0, "but not in stage");
  ok_int(of("pag"), 0, "the start of a key word is none");
  ok_int(of("pagination"), N, "two key words that start alike are told apart: pagin");
  ok_int(of("webpage"), P, "page");
  struct buffer b = {0};
  for (int i = 0; i < 1024; i++) buffer_put(&b, 'x');
  buffer_append_string(&b, " nav");
  ok_int(keywords_in(buffer_slice(&b)), 0, "what stands behind the first 1024 bytes is not looked at");
  memcpy(b.data + 1021, "nav", 3);
  ok_int(keywords_in(buffer_slice(&b)), N, "but all of these are");
  unsigned right = 0;
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 5000; i++) {
      b.len = 0;
      buffer_printf(&b, "c%d %s", i, i % 3 ? i % 3 == 1 ? "nav" : "entry" : "zzz");
      right += of(buffer_string(&b)) == (i % 3 ? i % 3 == 1 ? N : P : 0);
    }
  }
  ok_int(right, 10000, "more classes than the cache has room for are right all the same");
  buffer_release(&b);
}

int main(void) {
  cache = keyword_cache_new();
  enum simd widest = simd_force(SIMD_AVX512);
  for (enum simd level = SIMD_SCALAR; level <= widest; level++) {
    note("with %s", simd_name(simd_force(level)));
    at_level();
  }
  /* any text: the same with every instruction set */
  struct rng rng;
  rng_init(&rng, 3);
  unsigned different = 0;
  static const char *const parts[] = {"na", "v", "ad", "s", "-", "_", " ", "tag", "MAIN", "con", "tent", "comm", "ent", "sort", "x", "doc", "bt", "n", "\xC3\xA9"};
  for (int round = 0; round < 5000; round++) {
    struct buffer b = {0};
    for (uint64_t i = rng_below(&rng, 60); i > 0; i--) buffer_append_string(&b, parts[rng_below(&rng, sizeof parts / sizeof *parts)]);
    simd_force(SIMD_SCALAR);
    uint32_t want = b.len ? keywords_in(buffer_slice(&b)) : 0;
    simd_force(SIMD_AVX512);
    different += b.len && keywords_in(buffer_slice(&b)) != want;
    buffer_release(&b);
  }
  ok_int(different, 0, "random classes have the same key words with every instruction set");
  keyword_cache_free(cache);
  return tap_done();
}
