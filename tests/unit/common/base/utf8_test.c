/* SPDX-License-Identifier: MIT
 *
 * Against a table of all code points built by the definition: a byte string is valid when it is a concatenation of the
 * encodings of U+0000..U+D7FF and U+E000..U+10FFFF, each in the shortest form.  All strings of one, two and three bytes
 * are tried, and all of four whose first byte can start four bytes or whose second and later bytes are near a limit.
 */
#include "common/base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/rng.h"
#include "common/base/simd.h"
#include "tests/tap.h"

/* Length of the one encoding that s starts with, by arithmetic only: 0 when there is none. */
static int reference_decode(const unsigned char *s, size_t n, uint32_t *c) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  int length = s[0] < 0x80 ? 1 : (s[0] & 0xE0) == 0xC0 ? 2 : (s[0] & 0xF0) == 0xE0 ? 3 : (s[0] & 0xF8) == 0xF0 ? 4 : 0;
  if (!length || (size_t)length > n) return 0;
  *c = length == 1 ? s[0] : s[0] & (0xFF >> (length + 1));
  for (int i = 1; i < length; i++) {
    if ((s[i] & 0xC0) != 0x80) return 0;
    *c = *c << 6 | (s[i] & 0x3F);
  }
  return *c < smallest[length] || *c > 0x10FFFF || (*c >= 0xD800 && *c <= 0xDFFF) ? 0 : length;
}

/* The longest prefix of s that starts some encoding, but at least one byte (WHATWG: "maximal subpart"). */
static int reference_invalid(const unsigned char *s, size_t n) {
  for (int k = n < 3 ? (int)n : 3; k > 1; k--) {
    unsigned char t[4] = {0x80, 0x80, 0x80, 0x80};
    memcpy(t, s, (size_t)k);
    uint32_t c;
    int need = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (k >= need) continue;
    for (int last = 0x80; last < 0xC0; last++) { /* some byte may follow */
      t[k] = (unsigned char)last;
      if (reference_decode(t, 4, &c) == need) return k;
    }
  }
  return 1;
}

static size_t wrong;

static void compare(const unsigned char *s, size_t n) {
  uint32_t want = 0, got = 0;
  int invalid = 0, length = reference_decode(s, n, &want);
  int ours = utf8_decode((const char *)s, n, &got, &invalid);
  bool same = ours == length && (length ? got == want : invalid == reference_invalid(s, n));
  if (!same && wrong++ < 5) note("%02X %02X %02X %02X (%zu bytes): length %d, want %d; invalid %d", s[0], n > 1 ? s[1] : 0, n > 2 ? s[2] : 0, n > 3 ? s[3] : 0, n, ours, length, invalid);
}

static size_t reference_valid_prefix(const unsigned char *s, size_t n) {
  size_t i = 0;
  uint32_t c;
  for (int length; i < n && (length = reference_decode(s + i, n - i, &c)) > 0;) i += (size_t)length;
  return i;
}

/* Texts of characters of all lengths, of 0 to 400 bytes, in half of them one to three bytes changed: at each level the same
 * prefix and count as by single characters. */
static void test_levels(void) {
  static const enum simd levels[] = {SIMD_SCALAR, SIMD_AVX2, SIMD_AVX512};
  static const uint32_t limits[] = {0x80, 0x800, 0xD800, 0x10000, 0x110000};
  struct rng r;
  struct buffer b = {0};
  bool same[3] = {true, true, true}, counted[3] = {true, true, true};
  int valid = 0, invalid = 0;
  rng_init(&r, 1);
  for (int round = 0; round < 60000; round++) {
    size_t length = rng_below(&r, 400);
    uint32_t kind = (uint32_t)rng_below(&r, 6);
    buffer_clear(&b);
    while (b.len < length) {
      uint32_t k = kind < 5 ? kind : (uint32_t)rng_below(&r, 5);
      utf8_append(&b, rng_below(&r, 3) == 0 ? (uint32_t)rng_below(&r, limits[k]) : k ? limits[k] - 1 - (uint32_t)rng_below(&r, 70) : 'x');
    }
    for (uint64_t changes = round % 2 ? 1 + rng_below(&r, 3) : 0; changes && b.len; changes--) b.data[rng_below(&r, b.len)] = (char)(rng_below(&r, 2) ? rng_next(&r) : 0x80 | rng_next(&r));
    if (b.len && rng_below(&r, 4) == 0) b.len -= rng_below(&r, b.len < 4 ? b.len : 4); /* the last one is cut */
    char *text = malloc(b.len + 1); /* exact: a read behind it shows under the address sanitizer */
    if (!text) abort();
    text = realloc(text, b.len ? b.len : 1);
    memcpy(text, b.data ? b.data : "", b.len);
    size_t right = 0, characters = 0;
    for (uint32_t c; right < b.len;) {
      int n = reference_decode((const unsigned char *)text + right, b.len - right, &c);
      if (!n) break;
      right += (size_t)n, characters++;
    }
    valid += right == b.len, invalid += right < b.len;
    for (int l = 0; l < 3; l++) {
      simd_force(levels[l]);
      same[l] &= utf8_valid_prefix(text, b.len) == right;
      counted[l] &= utf8_count(text, right) == characters;
    }
    free(text);
  }
  note("%d valid, %d not", valid, invalid);
  ok(valid > 10000 && invalid > 10000, "texts of both kinds");
  for (int l = 0; l < 3; l++) ok(same[l] && counted[l], "%s: valid prefix and count", simd_name(levels[l]));
  simd_force(SIMD_AVX512);
  buffer_release(&b);
}

int main(void) {
  test_levels();
  unsigned char s[64];
  wrong = 0;
  for (int a = 0; a < 256; a++) {
    s[0] = (unsigned char)a;
    compare(s, 1);
    for (int b = 0; b < 256; b++) {
      s[1] = (unsigned char)b;
      compare(s, 2);
      for (int c = 0; c < 256; c++) {
        s[2] = (unsigned char)c;
        compare(s, 3);
      }
    }
  }
  ok(wrong == 0, "all strings of one, two and three bytes decode as the definition says");
  wrong = 0;
  static const unsigned char limits[] = {0, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xED, 0xF4, 0xFF};
  for (int a = 0xE0; a < 256; a++)
    for (int b = 0; b < 256; b++)
      for (size_t c = 0; c < sizeof limits; c++)
        for (size_t d = 0; d < sizeof limits; d++) {
          s[0] = (unsigned char)a, s[1] = (unsigned char)b, s[2] = limits[c], s[3] = limits[d];
          compare(s, 4);
        }
  ok(wrong == 0, "so do strings of four bytes, around every limit");

  wrong = 0;
  for (uint32_t c = 0; c <= 0x110010; c++) {
    char bytes[4];
    uint32_t back = 0;
    int invalid, length = utf8_encode(c, bytes);
    uint32_t want = c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) ? 0xFFFD : c;
    if (utf8_decode(bytes, (size_t)length, &back, &invalid) != length || back != want) wrong++;
  }
  ok(wrong == 0, "every code point comes back; what UTF-8 cannot hold is U+FFFD");

  wrong = 0;
  struct rng r;
  rng_init(&r, 1);
  for (int i = 0; i < 300000; i++) { /* mostly valid text, cut and damaged anywhere, at any alignment */
    size_t n = 0;
    while (n < 40) {
      if (rng_below(&r, 3)) s[n++] = (unsigned char)rng_below(&r, 128);
      else n += (size_t)utf8_encode((uint32_t)rng_below(&r, 0x110000), (char *)s + n);
    }
    if (rng_below(&r, 2)) s[rng_below(&r, n)] = (unsigned char)rng_below(&r, 256);
    size_t from = rng_below(&r, 9), length = rng_below(&r, n - from);
    if (utf8_valid_prefix((char *)s + from, length) != reference_valid_prefix(s + from, length)) wrong++;
  }
  ok(wrong == 0, "the valid prefix of 300,000 damaged strings is the definition's");

  struct buffer b = {0};
  uint64_t invalid = 0, nul = 0;
#define SANITIZED(in, out, bad, zero, name)                                     \
  (buffer_clear(&b), invalid = nul = 0, utf8_sanitize(&b, in, sizeof in - 1, &invalid, &nul), \
   ok_bytes(b.data, b.len, out, sizeof out - 1, name), ok(invalid == bad && nul == zero, "%s: counted (%llu, %llu)", name, (unsigned long long)invalid, (unsigned long long)nul))
  SANITIZED("plain \xC3\xA9", "plain \xC3\xA9", 0, 0, "valid text stays");
  SANITIZED("a\0b\0", "ab", 0, 2, "NUL goes");
  SANITIZED("\xF0\x9F\x98", "\xEF\xBF\xBD", 1, 0, "a cut character is one U+FFFD");
  SANITIZED("\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", 3, 0, "a surrogate is three");
  SANITIZED("\xC0\xAFx\xFFy", "\xEF\xBF\xBD\xEF\xBF\xBDx\xEF\xBF\xBDy", 3, 0, "overlong and impossible bytes, one each");
  /* Unicode 15, table 3-11 */
  SANITIZED("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64",
            "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" "b\xEF\xBF\xBD" "c\xEF\xBF\xBD\xEF\xBF\xBD" "d", 6, 0, "the example of the Unicode standard");
  buffer_clear(&b);
  utf8_append(&b, 0x1F600), utf8_append(&b, 'x'), utf8_append(&b, 0xD800);
  ok_bytes(b.data, b.len, "\xF0\x9F\x98\x80x\xEF\xBF\xBD", 8, "code points append");
  ok_int((int64_t)utf8_count(b.data, b.len), 3, "and are counted");
  buffer_release(&b);
  return tap_done();
}
