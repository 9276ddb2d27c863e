/* SPDX-License-Identifier: MIT
 *
 * Any text in every mode and with every instruction set: words ascend, lie within the text, hold something but no white
 * space; every instruction set finds the same; a line break parts a text into texts that are split on their own.
 */
#include "common/text/words.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/simd.h"
#include "common/base/utf8.h"
#include "common/text/unicode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition) {
  if (!condition) abort();
}

static void check(const struct word_list *list, struct slice text) {
  const uint8_t *flags = unicode_table();
  size_t last = 0;
  for (size_t i = 0; i < list->count; i++) {
    size_t at = list->words[i].start, end = at + list->words[i].length;
    require(at >= last && end > at && end <= text.len);
    require(((uint8_t)text.data[at] & 0xC0) != 0x80 && (end == text.len || ((uint8_t)text.data[end] & 0xC0) != 0x80));
    last = end;
    for (int length; at < end; at += (size_t)length) require(!(unicode_flags(flags, unicode_decode(text.data + at, &length)) & UNICODE_SPACE));
    /* what lies between two words is white space */
    size_t next = i + 1 < list->count ? list->words[i + 1].start : text.len;
    for (int length; end < next; end += (size_t)length) require(unicode_flags(flags, unicode_decode(text.data + end, &length)) & UNICODE_SPACE);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct word_list scalar, list, part;
  struct buffer text = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&text, (const char *)data, size, &invalid, &nul);
  char *exact = malloc(text.len + 1); /* so that reading behind the text is seen */
  struct slice s = {exact, text.len};
  if (text.len) memcpy(exact, text.data, text.len);
  exact = realloc(exact, text.len ? text.len : 1);
  s.data = exact;
  for (enum words_mode mode = WORDS_REFERENCE; mode <= WORDS_SPACE; mode++) {
    simd_force(SIMD_SCALAR);
    words_split(&scalar, mode, s);
    check(&scalar, s);
    for (enum simd level = SIMD_AVX2; level <= SIMD_AVX512; level++) {
      simd_force(level);
      words_split(&list, mode, s);
      require(list.count == scalar.count && (!list.count || memcmp(list.words, scalar.words, list.count * sizeof *list.words) == 0));
    }
    const char *line_break = s.len ? memchr(s.data, '\n', s.len) : NULL;
    if (!line_break) continue;
    size_t first = (size_t)(line_break - s.data);
    words_split(&part, mode, (struct slice){s.data, first});
    size_t count = part.count;
    words_split(&part, mode, (struct slice){line_break + 1, s.len - first - 1});
    require(list.count == count + part.count);
    for (size_t i = 0; i < part.count; i++) require(list.words[count + i].start == part.words[i].start + first + 1 && list.words[count + i].length == part.words[i].length);
  }
  free(exact);
  buffer_release(&text);
  return 0;
}
