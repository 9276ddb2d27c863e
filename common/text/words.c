/* SPDX-License-Identifier: MIT
 *
 * Word boundaries of https://www.unicode.org/reports/tr29/#Word_Boundaries.
 *
 * Beyond them, a run of the same mark (..., ----, ====) is one word, as it is for the tokenizers of spaCy and NLTK.
 *
 * Word_Break classes come from utf8proc's general category plus the exceptions listed below (from the
 * WordBreakProperty.txt of Unicode 15): a byte per code point of the Basic Multilingual Plane, a binary search above.
 */
#include "common/text/words.h"

#include <pthread.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "common/base/memory.h"
#include "common/text/unicode.h"
#include "common/text/words_blocks.h"
#include "common/text/words_reference.h"

enum word_break {
  WB_OTHER,
  WB_SPACE, /* Python's white space: never part of a word */
  WB_LETTER,
  WB_HEBREW,
  WB_NUMERIC,
  WB_KATAKANA,
  WB_EXTENDNUMLET,
  WB_EXTEND, /* Extend and Format: they belong to what stands before */
  WB_ZWJ,
  WB_MIDLETTER,
  WB_MIDNUM,
  WB_MIDNUMLET,
  WB_SINGLE_QUOTE,
  WB_DOUBLE_QUOTE,
  WB_REGIONAL,
};

struct range {
  uint32_t first, last;
  uint8_t value;
};

/* Where Word_Break differs from what the general category says; sorted. */
static const struct range exceptions[] = {
    {0x22, 0x22, WB_DOUBLE_QUOTE}, {0x27, 0x27, WB_SINGLE_QUOTE}, {0x2C, 0x2C, WB_MIDNUM}, {0x2E, 0x2E, WB_MIDNUMLET},
    {0x3A, 0x3A, WB_MIDLETTER}, {0x3B, 0x3B, WB_MIDNUM}, {0xB7, 0xB7, WB_MIDLETTER}, {0xB8, 0xB8, WB_LETTER},
    {0x2C2, 0x2D7, WB_LETTER}, {0x2DE, 0x2FF, WB_LETTER}, {0x37E, 0x37E, WB_MIDNUM}, {0x387, 0x387, WB_MIDLETTER},
    {0x55A, 0x55C, WB_LETTER}, {0x55E, 0x55E, WB_LETTER}, {0x55F, 0x55F, WB_MIDLETTER}, {0x589, 0x589, WB_MIDNUM},
    {0x58A, 0x58A, WB_LETTER}, {0x5D0, 0x5F2, WB_HEBREW}, {0x5F3, 0x5F3, WB_LETTER}, {0x5F4, 0x5F4, WB_MIDLETTER},
    {0x600, 0x605, WB_NUMERIC}, {0x60C, 0x60D, WB_MIDNUM}, {0x66B, 0x66B, WB_NUMERIC}, {0x66C, 0x66C, WB_MIDNUM},
    {0x6DD, 0x6DD, WB_NUMERIC}, {0x70F, 0x70F, WB_LETTER}, {0x7F8, 0x7F8, WB_MIDNUM}, {0x890, 0x891, WB_NUMERIC},
    {0x8E2, 0x8E2, WB_NUMERIC}, {0xE01, 0xE30, WB_OTHER}, {0xE32, 0xE33, WB_OTHER}, {0xE40, 0xE46, WB_OTHER},
    {0xE81, 0xEB0, WB_OTHER}, {0xEB2, 0xEB3, WB_OTHER}, {0xEBD, 0xEC6, WB_OTHER}, {0xEDC, 0xEDF, WB_OTHER},
    {0x1000, 0x102A, WB_OTHER}, {0x103F, 0x103F, WB_OTHER}, {0x1050, 0x1055, WB_OTHER}, {0x105A, 0x105D, WB_OTHER},
    {0x1061, 0x1061, WB_OTHER}, {0x1065, 0x1066, WB_OTHER}, {0x106E, 0x1070, WB_OTHER}, {0x1075, 0x1081, WB_OTHER},
    {0x108E, 0x108E, WB_OTHER}, {0x1780, 0x17B3, WB_OTHER}, {0x17D7, 0x17DC, WB_OTHER}, {0x1950, 0x19C9, WB_OTHER},
    {0x19DA, 0x19DA, WB_NUMERIC}, {0x1A20, 0x1A54, WB_OTHER}, {0x1AA7, 0x1AA7, WB_OTHER}, {0x200B, 0x200B, WB_OTHER},
    {0x200C, 0x200C, WB_EXTEND}, {0x200D, 0x200D, WB_ZWJ}, {0x2018, 0x2019, WB_MIDNUMLET},
    {0x2024, 0x2024, WB_MIDNUMLET}, {0x2027, 0x2027, WB_MIDLETTER}, {0x2044, 0x2044, WB_MIDNUM},
    {0x24B6, 0x24E9, WB_LETTER}, {0x3006, 0x3029, WB_OTHER}, {0x3031, 0x3035, WB_KATAKANA}, {0x3038, 0x303A, WB_OTHER},
    {0x3041, 0x3096, WB_OTHER}, {0x309B, 0x309C, WB_KATAKANA}, {0x309D, 0x309F, WB_OTHER},
    {0x30A0, 0x30FA, WB_KATAKANA}, {0x30FC, 0x30FF, WB_KATAKANA}, {0x31F0, 0x31FF, WB_KATAKANA},
    {0x32D0, 0x32FE, WB_KATAKANA}, {0x3300, 0x3357, WB_KATAKANA}, {0x3400, 0x9FFF, WB_OTHER},
    {0xA708, 0xA78A, WB_LETTER}, {0xA9E0, 0xA9E4, WB_OTHER}, {0xA9E6, 0xA9EF, WB_OTHER}, {0xA9FA, 0xA9FE, WB_OTHER},
    {0xAA60, 0xAA7A, WB_OTHER}, {0xAA7E, 0xAAAF, WB_OTHER}, {0xAAB1, 0xAAB1, WB_OTHER}, {0xAAB5, 0xAAB6, WB_OTHER},
    {0xAAB9, 0xAABD, WB_OTHER}, {0xAAC0, 0xAAC0, WB_OTHER}, {0xAAC2, 0xAADD, WB_OTHER}, {0xAB5B, 0xAB5B, WB_LETTER},
    {0xF900, 0xFAD9, WB_OTHER}, {0xFB1D, 0xFB1D, WB_HEBREW}, {0xFB1F, 0xFB28, WB_HEBREW}, {0xFB2A, 0xFB4F, WB_HEBREW},
    {0xFE13, 0xFE13, WB_MIDLETTER}, {0xFE50, 0xFE50, WB_MIDNUM}, {0xFE52, 0xFE52, WB_MIDNUMLET},
    {0xFE54, 0xFE54, WB_MIDNUM}, {0xFE55, 0xFE55, WB_MIDLETTER}, {0xFF07, 0xFF07, WB_MIDNUMLET},
    {0xFF0C, 0xFF0C, WB_MIDNUM}, {0xFF0E, 0xFF0E, WB_MIDNUMLET}, {0xFF1A, 0xFF1A, WB_MIDLETTER},
    {0xFF1B, 0xFF1B, WB_MIDNUM}, {0xFF66, 0xFF9D, WB_KATAKANA}, {0xFF9E, 0xFF9F, WB_EXTEND},
    {0x110BD, 0x110BD, WB_NUMERIC}, {0x110CD, 0x110CD, WB_NUMERIC}, {0x11700, 0x1171A, WB_OTHER},
    {0x11740, 0x11746, WB_OTHER}, {0x17000, 0x18D08, WB_OTHER}, {0x1AFF0, 0x1B000, WB_KATAKANA},
    {0x1B001, 0x1B11F, WB_OTHER}, {0x1B120, 0x1B122, WB_KATAKANA}, {0x1B150, 0x1B152, WB_OTHER},
    {0x1B164, 0x1B167, WB_KATAKANA}, {0x1B170, 0x1B2FB, WB_OTHER}, {0x1F130, 0x1F149, WB_LETTER},
    {0x1F150, 0x1F169, WB_LETTER}, {0x1F170, 0x1F189, WB_LETTER}, {0x1F1E6, 0x1F1FF, WB_REGIONAL},
    {0x1F3FB, 0x1F3FF, WB_EXTEND}, {0x20000, 0x3134A, WB_OTHER}, {0xE0020, 0xE007F, WB_EXTEND},
};

static uint8_t table[0x10000];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static uint8_t by_category(uint32_t c) {
  switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_NL: return WB_LETTER;
    case UTF8PROC_CATEGORY_ND: return WB_NUMERIC;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF: return WB_EXTEND;
    case UTF8PROC_CATEGORY_PC: return WB_EXTENDNUMLET;
    default: return WB_OTHER;
  }
}

static int compare_range(const void *key, const void *element) {
  uint32_t c = *(const uint32_t *)key;
  const struct range *r = element;
  return c < r->first ? -1 : c > r->last;
}

static uint8_t word_break(uint32_t c) {
  const struct range *r = bsearch(&c, exceptions, sizeof exceptions / sizeof *exceptions, sizeof *exceptions, compare_range);
  return r ? r->value : by_category(c);
}

static void fill(void) {
  const uint8_t *flags = unicode_table();
  for (uint32_t c = 0; c < 0x10000; c++) table[c] = flags[c] & UNICODE_SPACE ? WB_SPACE : word_break(c);
}

/* Extended_Pictographic, for WB3c, which keeps ZWJ sequences of emoji together.  utf8proc knows it as a boundary class
 * of grapheme clusters. */
static bool is_pictographic(uint32_t c) {
  const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)c);
  return p->boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

struct cursor {
  const char *text;
  size_t at, end;
};

/* Class of the code point at `at`; *length 0 at the end. */
static uint8_t class_at(const struct cursor *c, size_t at, int *length, uint32_t *code_point) {
  if (at >= c->end) return *length = 0, (uint8_t)WB_SPACE;
  *code_point = unicode_decode(c->text + at, length);
  return *code_point < 0x10000 ? table[*code_point] : word_break(*code_point);
}

/* WB4: past the Extend, Format and ZWJ after `at`; *joiner says whether the last of them was ZWJ. */
static size_t skip_extend(const struct cursor *c, size_t at, bool *joiner) {
  for (;;) {
    int length;
    uint32_t code_point;
    uint8_t class = class_at(c, at, &length, &code_point);
    if (class != WB_EXTEND && class != WB_ZWJ) return at;
    *joiner = class == WB_ZWJ;
    at += (size_t)length;
  }
}

static inline bool is_letter(uint8_t class) { return class == WB_LETTER || class == WB_HEBREW; }

/* From a code point that is not white space to the end of its word. */
static size_t word_end(const struct cursor *c) {
  int length;
  uint32_t code_point;
  size_t at = c->at;
  uint8_t class = class_at(c, at, &length, &code_point);
  bool pair = class == WB_REGIONAL; /* the first of a pair of regional indicators (WB15) */
  at += (size_t)length;
  for (;;) {
    bool joiner = class == WB_ZWJ;
    at = skip_extend(c, at, &joiner);
    uint8_t next = class_at(c, at, &length, &code_point);
    if (length == 0 || next == WB_SPACE) return at;
    if (joiner && is_pictographic(code_point)) { /* WB3c */
      class = next;
      at += (size_t)length;
      pair = false;
      continue;
    }
    bool joined = false;
    switch (class) {
      case WB_LETTER:
      case WB_HEBREW:
        joined = is_letter(next) || next == WB_NUMERIC || next == WB_EXTENDNUMLET || (class == WB_HEBREW && next == WB_SINGLE_QUOTE);
        break;
      case WB_NUMERIC: joined = next == WB_NUMERIC || is_letter(next) || next == WB_EXTENDNUMLET; break;
      case WB_KATAKANA: joined = next == WB_KATAKANA || next == WB_EXTENDNUMLET; break;
      case WB_EXTENDNUMLET:
        joined = is_letter(next) || next == WB_NUMERIC || next == WB_KATAKANA || next == WB_EXTENDNUMLET;
        break;
      case WB_REGIONAL:
        joined = pair && next == WB_REGIONAL;
        pair = false;
        break;
      default: break;
    }
    if (joined && !(class == WB_HEBREW && next == WB_SINGLE_QUOTE)) {
      class = next;
      at += (size_t)length;
      continue;
    }
    /* WB6, 7, 7b, 7c, 11, 12: one mark between two of a kind. */
    bool between_letters = is_letter(class) && (next == WB_MIDLETTER || next == WB_MIDNUMLET || next == WB_SINGLE_QUOTE);
    bool between_hebrew = class == WB_HEBREW && next == WB_DOUBLE_QUOTE;
    bool between_digits = class == WB_NUMERIC && (next == WB_MIDNUM || next == WB_MIDNUMLET || next == WB_SINGLE_QUOTE);
    if (between_letters || between_hebrew || between_digits) {
      bool ignored = false;
      size_t after = skip_extend(c, at + (size_t)length, &ignored);
      int after_length;
      uint8_t follower = class_at(c, after, &after_length, &code_point);
      if (after_length && ((between_letters && is_letter(follower)) || (between_hebrew && follower == WB_HEBREW) ||
                           (between_digits && follower == WB_NUMERIC))) {
        class = follower;
        at = after + (size_t)after_length;
        continue;
      }
    }
    if (joined) { /* WB7a: Hebrew letter x single quote, and nothing after it */
      class = WB_SINGLE_QUOTE;
      at += (size_t)length;
      continue;
    }
    return at;
  }
}

static inline void add(struct word_list *list, size_t start, size_t end) {
  GROW(list->words, list->capacity, list->count + 1);
  list->words[list->count++] = (struct word){(uint32_t)start, (uint32_t)(end - start)};
}

/* The words of a chunk without white space. */
static void split_chunk(struct word_list *list, struct slice text, size_t start, size_t end, const struct words_bitmaps *maps) {
  const uint8_t *flags = unicode_table();
  struct cursor c = {.text = text.data, .at = start, .end = end};
  while (c.at < c.end) {
    start = c.at;
    int length;
    uint32_t code_point;
    class_at(&c, c.at, &length, &code_point);
    /* inside a run of letters and digits, which join under every rule, only the last one decides what follows */
    uint64_t others = ~(words_bits(maps->letter, start) | words_bits(maps->digit, start));
    size_t run = others ? (size_t)__builtin_ctzll(others) : WORDS_BLOCK;
    if (run > 1) c.at = start + run < end ? start + run - 1 : end - 1;
    while (((uint8_t)text.data[c.at] & 0xC0) == 0x80) c.at--;
    size_t last = word_end(&c);
    if (last == start + (size_t)length && !(unicode_flags(flags, code_point) & UNICODE_WORD)) { /* a run of one mark */
      while (last + (size_t)length <= end && memcmp(text.data + last, text.data + start, (size_t)length) == 0) last += (size_t)length;
      bool ignored = false;
      if (last > start + (size_t)length) last = skip_extend(&c, last, &ignored);
    }
    add(list, start, last);
    c.at = last;
  }
}

static void split_unicode(struct word_list *list, struct slice text) {
  struct words_bitmaps maps;
  const struct word *chunks;
  size_t count = words_chunks_and_bitmaps(list, text, &chunks, &maps);
  for (size_t i = 0; i < count; i++) {
    size_t start = chunks[i].start, n = chunks[i].length;
    uint64_t others = ~(words_bits(maps.letter, start) | words_bits(maps.digit, start));
    size_t run = others ? (size_t)__builtin_ctzll(others) : WORDS_BLOCK;
    if (run >= n) { /* nearly every word of English */
      add(list, start, start + n);
    } else if (others && run && run == n - 1 && (uint8_t)text.data[start + run] < 0x80 && text.data[start + run] != '_') { /* and one mark behind it */
      add(list, start, start + run);
      add(list, start + run, start + n);
    } else {
      split_chunk(list, text, start, start + n, &maps);
    }
  }
}

void words_split(struct word_list *list, enum words_mode mode, struct slice text) {
  list->count = 0;
  if (mode == WORDS_REFERENCE) {
    words_reference_split(list, text);
    return;
  }
  if (mode == WORDS_SPACE) {
    words_chunks(list, text, NULL);
    return;
  }
  pthread_once(&table_once, fill);
  split_unicode(list, text);
}

void word_list_release(struct word_list *list) {
  free(list->words);
  free(list->spare);
  free(list->bits);
  *list = (struct word_list){0};
}
