/* SPDX-License-Identifier: MIT
 *
 * The table of character classes.  Pages of 256 code points share equal blocks; most of the ideographs are one block.
 * The ranges of Unicode 15.1 and 16.0 (newer than utf8proc 2.8) are those of DerivedGeneralCategory.txt of these versions
 * (https://www.unicode.org/Public/16.0.0/ucd/extracted/).
 */
#include "common/token/classes.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

static struct classes table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

struct range {
  uint32_t first, last;
  uint8_t bits;
};

enum { CAPITAL = CLASS_LETTER | CASE_HEAD, SMALL = CLASS_LETTER | CASE_TAIL, CASELESS = CAPITAL | SMALL, MARK = CLASS_OTHER | CASE_HEAD | CASE_TAIL };

static const struct range newer[] = {
  {0x0897, 0x0897, MARK}, {0x1C89, 0x1C89, CAPITAL}, {0x1C8A, 0x1C8A, SMALL}, {0xA7CB, 0xA7CC, CAPITAL},
  {0xA7CD, 0xA7CD, SMALL}, {0xA7DA, 0xA7DA, CAPITAL}, {0xA7DB, 0xA7DB, SMALL}, {0xA7DC, 0xA7DC, CAPITAL},
  {0x105C0, 0x105F3, CASELESS}, {0x10D40, 0x10D49, CLASS_NUMBER}, {0x10D4A, 0x10D4F, CASELESS}, {0x10D50, 0x10D65, CAPITAL},
  {0x10D69, 0x10D6D, MARK}, {0x10D6F, 0x10D6F, CASELESS}, {0x10D70, 0x10D85, SMALL}, {0x10EC2, 0x10EC4, CASELESS},
  {0x10EFC, 0x10EFC, MARK}, {0x11380, 0x11389, CASELESS}, {0x1138B, 0x1138B, CASELESS}, {0x1138E, 0x1138E, CASELESS},
  {0x11390, 0x113B5, CASELESS}, {0x113B7, 0x113B7, CASELESS}, {0x113B8, 0x113C0, MARK}, {0x113C2, 0x113C2, MARK},
  {0x113C5, 0x113C5, MARK}, {0x113C7, 0x113CA, MARK}, {0x113CC, 0x113D0, MARK}, {0x113D1, 0x113D1, CASELESS},
  {0x113D2, 0x113D2, MARK}, {0x113D3, 0x113D3, CASELESS}, {0x113E1, 0x113E2, MARK}, {0x116D0, 0x116E3, CLASS_NUMBER},
  {0x11BC0, 0x11BE0, CASELESS}, {0x11BF0, 0x11BF9, CLASS_NUMBER}, {0x11F5A, 0x11F5A, MARK}, {0x13460, 0x143FA, CASELESS},
  {0x16100, 0x1611D, CASELESS}, {0x1611E, 0x1612F, MARK}, {0x16130, 0x16139, CLASS_NUMBER}, {0x16D40, 0x16D6C, CASELESS},
  {0x16D70, 0x16D79, CLASS_NUMBER}, {0x18CFF, 0x18CFF, CASELESS}, {0x1CCF0, 0x1CCF9, CLASS_NUMBER}, {0x1E5D0, 0x1E5ED, CASELESS},
  {0x1E5EE, 0x1E5EF, MARK}, {0x1E5F0, 0x1E5F0, CASELESS}, {0x1E5F1, 0x1E5FA, CLASS_NUMBER}, {0x2EBF0, 0x2EE5D, CASELESS},
};

/* By general category; those that are not listed are CLASS_OTHER. */
static const uint8_t of_category[] = {
  [UTF8PROC_CATEGORY_LU] = CAPITAL, [UTF8PROC_CATEGORY_LT] = CAPITAL, [UTF8PROC_CATEGORY_LL] = SMALL, [UTF8PROC_CATEGORY_LM] = CASELESS, [UTF8PROC_CATEGORY_LO] = CASELESS,
  [UTF8PROC_CATEGORY_MN] = MARK, [UTF8PROC_CATEGORY_MC] = MARK, [UTF8PROC_CATEGORY_ME] = MARK,
  [UTF8PROC_CATEGORY_ND] = CLASS_NUMBER, [UTF8PROC_CATEGORY_NL] = CLASS_NUMBER, [UTF8PROC_CATEGORY_NO] = CLASS_NUMBER,
  [UTF8PROC_CATEGORY_ZS] = CLASS_SPACE, [UTF8PROC_CATEGORY_ZL] = CLASS_SPACE, [UTF8PROC_CATEGORY_ZP] = CLASS_SPACE,
  [UTF8PROC_CATEGORY_CO] = CLASS_OTHER,
};

static void classify(uint8_t block[256], uint32_t first) {
  for (uint32_t i = 0; i < 256; i++) block[i] = of_category[utf8proc_category((utf8proc_int32_t)(first + i))];
  if (first == 0) {
    for (unsigned i = 9; i <= 13; i++) block[i] = CLASS_SPACE;
    block[0x85] = CLASS_SPACE;
  }
  for (size_t k = 0; k < sizeof newer / sizeof newer[0]; k++)
    for (uint32_t u = newer[k].first > first ? newer[k].first : first; u <= newer[k].last && u < first + 256; u++)
      if (utf8proc_category((utf8proc_int32_t)u) == UTF8PROC_CATEGORY_CN) block[u - first] = newer[k].bits;
}

/* The bits of the 64 code points from u on, or CLASSES_MIXED (as for surrogates: they never occur). */
static unsigned bits_of_64(uint32_t u, unsigned mask) {
  if (u >= 0xD800 && u < 0xE000) return CLASSES_MIXED;
  for (uint32_t i = 1; i < 64; i++)
    if ((table.basic[u + i] ^ table.basic[u]) & mask) return CLASSES_MIXED;
  return table.basic[u] & mask;
}

/* What is said of the lead 0xC0 + i: the longest range of second bytes with equal bits and at most one exception. */
static void alike(unsigned i, unsigned cases) {
  struct classes_wide *w = &table.wide;
  unsigned mask = cases ? CLASS_MASK | CASE_HEAD | CASE_TAIL : CLASS_MASK, best = 0;
  w->alike[cases][i] = CLASSES_MIXED;
  if (i < 32) { /* two bytes: one second byte is one character */
    w->alike[cases][i] = (uint8_t)bits_of_64(i << 6, mask);
    w->first[cases][i] = 0x80, w->span[cases][i] = 63;
    return;
  }
  uint8_t bits_of[64];
  for (unsigned second = 0; second < 64; second++) bits_of[second] = (uint8_t)bits_of_64((i - 32) << 12 | second << 6, mask);
  /* E0 has longer forms of two bytes below A0; in EA, Hangul from B0 on counts, not Yi. */
  for (unsigned first = i == 32 ? 32 : i == 42 ? 48 : 0; first < 64; first++) {
    unsigned bits = bits_of[first], except = 0, exceptions = 0;
    for (unsigned last = first; last < 64 && bits != CLASSES_MIXED; last++) {
      if (bits_of[last] != bits) except = last, exceptions++;
      if (exceptions > 1) break;
      if (except == last || last - first < best) continue;
      best = last - first;
      w->alike[cases][i] = (uint8_t)bits, w->first[cases][i] = (uint8_t)(0x80 | first), w->span[cases][i] = (uint8_t)best;
      w->except[cases][i] = exceptions ? (uint8_t)(0x80 | except) : 0;
    }
  }
}

static void map(uint8_t *bits, uint32_t from, uint32_t count, unsigned k) {
  for (uint32_t u = 0; u < count; u++) bits[u / 8] |= (uint8_t)((table.basic[from + u] >> k & 1) << u % 8);
}

static void build_wide(void) {
  /* Vietnamese and more Greek; punctuation; CJK punctuation and kana; full-width forms. */
  static const uint16_t pages[4] = {0x1E00, 0x2000, 0x3000, 0xFF00};
  struct classes_wide *w = &table.wide;
  for (unsigned k = 0; k < 4; k++) {
    map(w->greek[k], 0, 0x800, k);
    map(w->indic[k], 0x800, 0x800, k);
    for (unsigned i = 0; i < 4; i++) map(w->pages[k] + 32 * i, pages[i], 0x100, k);
  }
  for (unsigned i = 0; i < 4; i++) {
    unsigned lead = 32 | pages[i] >> 12;
    w->page_second[lead] = (uint8_t)(0x80 | (pages[i] >> 6 & 0x3F));
    w->page_at[lead] = (uint8_t)(32 * i);
  }
  for (unsigned i = 0; i < 48; i++)
    for (unsigned cases = 0; cases < 2; cases++) alike(i, cases);
}

static void build(void) {
  size_t blocks = 0;
  for (uint32_t page = 0; page < CLASSES_END / 256; page++) {
    uint8_t *block = table.block[blocks];
    classify(block, page << 8);
    size_t same = 0;
    /* Newest first: neighbours are alike. */
    for (same = blocks; same > 0; same--)
      if (memcmp(table.block[same - 1], block, 256) == 0) break;
    if (same) table.page[page] = (uint16_t)(same - 1);
    else table.page[page] = (uint16_t)blocks++;
  }
  for (uint32_t u = 0; u < 0x10000; u++) table.basic[u] = table.block[table.page[u >> 8]][u & 255];
  for (unsigned b = 0; b < 256; b++) table.byte[b] = b < 0x80 ? table.block[table.page[0]][b] & CLASS_MASK : CLASS_LOOK;
  build_wide();
}

const struct classes *classes_get(void) {
  pthread_once(&once, build);
  return &table;
}
