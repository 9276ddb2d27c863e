/* SPDX-License-Identifier: MIT
 *
 * The table of character classes.  Pages of 256 code points share equal blocks; most of the ideographs are one block.
 * The ranges of Unicode 15.1 and 16.0 are those of DerivedGeneralCategory.txt of these versions
 * (https://www.unicode.org/Public/16.0.0/ucd/extracted/).
 */
#include "common/token/classes.h"

#include <pthread.h>
#include <string.h>
#include <utf8proc.h>

static struct classes table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

struct range {
  uint32_t first, last;
};

static const struct range new_letters[] = {
  {0x1C89, 0x1C8A}, {0xA7CB, 0xA7CD}, {0xA7DA, 0xA7DC}, {0x105C0, 0x105F3}, {0x10D4A, 0x10D65}, {0x10D6F, 0x10D85},
  {0x10EC2, 0x10EC4}, {0x11380, 0x11389}, {0x1138B, 0x1138B}, {0x1138E, 0x1138E}, {0x11390, 0x113B5}, {0x113B7, 0x113B7},
  {0x113D1, 0x113D1}, {0x113D3, 0x113D3}, {0x11BC0, 0x11BE0}, {0x13460, 0x143FA}, {0x16100, 0x1611D}, {0x16D40, 0x16D6C},
  {0x18CFF, 0x18CFF}, {0x1E5D0, 0x1E5ED}, {0x1E5F0, 0x1E5F0}, {0x2EBF0, 0x2EE5D},
};
static const struct range new_numbers[] = {
  {0x10D40, 0x10D49}, {0x116D0, 0x116E3}, {0x11BF0, 0x11BF9}, {0x16130, 0x16139}, {0x16D70, 0x16D79}, {0x1CCF0, 0x1CCF9},
  {0x1E5F1, 0x1E5FA},
};

static enum char_class within(const struct range *ranges, size_t n, uint32_t u, enum char_class is) {
  for (size_t i = 0; i < n; i++)
    if (u >= ranges[i].first && u <= ranges[i].last) return is;
  return CLASS_OTHER;
}

static enum char_class classify(uint32_t u) {
  switch (utf8proc_category((utf8proc_int32_t)u)) {
  case UTF8PROC_CATEGORY_LU: case UTF8PROC_CATEGORY_LL: case UTF8PROC_CATEGORY_LT: case UTF8PROC_CATEGORY_LM:
  case UTF8PROC_CATEGORY_LO:
    return CLASS_LETTER;
  case UTF8PROC_CATEGORY_ND: case UTF8PROC_CATEGORY_NL: case UTF8PROC_CATEGORY_NO:
    return CLASS_NUMBER;
  case UTF8PROC_CATEGORY_ZS: case UTF8PROC_CATEGORY_ZL: case UTF8PROC_CATEGORY_ZP:
    return CLASS_SPACE;
  case UTF8PROC_CATEGORY_CC:
    return (u >= 9 && u <= 13) || u == 0x85 ? CLASS_SPACE : CLASS_OTHER;
  case UTF8PROC_CATEGORY_CN: {
    enum char_class c = within(new_letters, sizeof new_letters / sizeof new_letters[0], u, CLASS_LETTER);
    return c ? c : within(new_numbers, sizeof new_numbers / sizeof new_numbers[0], u, CLASS_NUMBER);
  }
  default:
    return CLASS_OTHER;
  }
}

static void build(void) {
  size_t blocks = 0;
  for (uint32_t page = 0; page < CLASSES_END / 256; page++) {
    uint8_t *block = table.block[blocks];
    for (uint32_t i = 0; i < 256; i++) block[i] = (uint8_t)classify(page << 8 | i);
    size_t same = 0;
    /* Newest first: neighbours are alike. */
    for (same = blocks; same > 0; same--)
      if (memcmp(table.block[same - 1], block, 256) == 0) break;
    if (same) table.page[page] = (uint16_t)(same - 1);
    else table.page[page] = (uint16_t)blocks++;
  }
  for (unsigned b = 0; b < 256; b++) table.byte[b] = b < 0x80 ? table.block[table.page[0]][b] : CLASS_LOOK;
}

const struct classes *classes_get(void) {
  pthread_once(&once, build);
  return &table;
}
