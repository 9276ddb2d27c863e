/* SPDX-License-Identifier: MIT
 *
 * Chunks and bitmaps against a loop over code points, with every instruction set: all white space of Python's and its
 * neighbours at every place of a block.
 */
#include "common/text/words_blocks.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/base/utf8.h"
#include "common/text/unicode.h"
#include "common/text/words_reference.h"
#include "common/text/words_reference_tables.h"
#include "tests/tap.h"

static struct word_list got, want;

static void chunks_by_code_point(struct slice text) {
  const uint8_t *flags = unicode_table();
  size_t start = 0;
  want.count = 0;
  for (size_t at = 0; at <= text.len;) {
    int length = 1;
    bool space = at == text.len || (unicode_flags(flags, unicode_decode(text.data + at, &length)) & UNICODE_SPACE);
    if (space && at > start) {
      GROW(want.words, want.capacity, want.count + 1);
      want.words[want.count++] = (struct word){(uint32_t)start, (uint32_t)(at - start)};
    }
    at += (size_t)length;
    if (space) start = at;
  }
}

static bool is_start(char c) { return ((uint8_t)c & 0xC0) != 0x80; }

static bool same(struct slice text) {
  const uint16_t *classes = words_reference_classes();
  int length;
  size_t n = words_blocks(text.len);
  uint64_t *bits = NEW_ARRAY(uint64_t, 4 * n);
  struct words_bitmaps maps = {bits, bits + n, bits + 2 * n, bits + 3 * n};
  got.count = 0;
  words_chunks(&got, text, &maps);
  chunks_by_code_point(text);
  bool good = got.count == want.count && (!got.count || memcmp(got.words, want.words, got.count * sizeof *got.words) == 0);
  for (size_t i = 0; i < text.len; i++) {
    char c = text.data[i];
    size_t first = i;
    while (!is_start(text.data[first])) first--;
    uint32_t code_point = unicode_decode(text.data + first, &length);
    bool two = (code_point >= 0xC0 && code_point <= 0x27F && code_point != 0xD7 && code_point != 0xF7) || (code_point >= 0x400 && code_point <= 0x47F);
    good &= (words_bits(maps.letter, i) & 1) == (two || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
    bool terminator = words_reference_class(classes, is_start(c) ? unicode_decode(text.data + i, &length) : 'a') & WR_TERMINATOR;
    good &= !terminator || (words_bits(maps.terminator, i) & 1);
    if (!(c & 0x80)) good &= (words_bits(maps.terminator, i) & 1) == (c == '.' || c == '!' || c == '?');
    good &= (words_bits(maps.digit, i) & 1) == (c >= '0' && c <= '9') && (words_bits(maps.stop, i) & 1) == (c == '.');
  }
  good &= !words_bits(maps.letter, text.len) && !words_bits(maps.digit, text.len) && !words_bits(maps.stop, text.len);
  free(bits);
  return good;
}

int main(void) {
  enum simd widest = simd_level();
  uint32_t seed = 1;
  for (enum simd level = SIMD_SCALAR; level <= widest; level++) {
    simd_force(level);
    struct buffer b = {0};
    int bad = 0;
    for (uint32_t c = 1; c < 0x3100; c++) {
      if (c > 0x500 && c < 0x1600) continue;
      for (size_t before = c % 4; before < 68; before += c < 0x80 ? 1 : 5) {
        buffer_clear(&b);
        for (size_t i = 0; i < before; i++) buffer_put(&b, "a1.B"[i % 4]);
        utf8_append(&b, c);
        if (c % 3) buffer_append_string(&b, "x");
        bad += !same(buffer_slice(&b));
      }
    }
    ok(bad == 0, "every character up to U+30FF parts chunks as isspace() says, at every place of a block (%s)", simd_name(level));
    bad = 0;
    static const char *const pieces[] = {" ", "  ", "\t", "\n", "a", "word", "Zz", "12", ".", ",", "\u00A0", "\u2028", "\u3000", "\u2019", "\u00E9", "\u0414\u0430", "\u00D7", "\u0390", "\xC2\x85", "\u65E5\u672C", "\u200A", "\u200B", "\u1680", "\u205F", "\U0001F600"};
    for (int round = 0; round < 3000; round++) {
      buffer_clear(&b);
      for (int n = round % 300; n > 0; n--) {
        seed = seed * 1664525u + 1013904223u;
        buffer_append_string(&b, pieces[(seed >> 16) % (sizeof pieces / sizeof *pieces)]);
      }
      bad += !same(buffer_slice(&b));
    }
    ok(bad == 0, "so do texts of many blocks (%s)", simd_name(level));
    bad = 0;
    for (size_t i = 0; i < words_reference_range_count; i++) {
      for (uint32_t c = words_reference_ranges[i].first; (words_reference_ranges[i].classes & WR_TERMINATOR) && c <= words_reference_ranges[i].last; c++) {
        buffer_clear(&b);
        utf8_append(&b, c);
        bad += !same(buffer_slice(&b));
      }
    }
    ok(bad == 0, "every terminator is marked (%s)", simd_name(level));
    buffer_clear(&b);
    for (int i = 0; i < 20000; i++) buffer_append_string(&b, i < 10000 ? "a " : "bcdefgh");
    ok(same(buffer_slice(&b)), "a chunk may be longer than what is looked at at a time (%s)", simd_name(level));
    buffer_release(&b);
  }
  word_list_release(&got), word_list_release(&want);
  return tap_done();
}
