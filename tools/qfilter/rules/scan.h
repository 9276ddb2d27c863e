/* SPDX-License-Identifier: MIT
 *
 * One pass over a text that says of each byte what the rules ask: bitmaps, one bit a byte, bit i % 64 of word i / 64.
 *
 * A character of several bytes has its bit at its first byte; white space has one at every byte.  Beyond the text's end,
 * up to a word further than the last, white space is set and everything else clear, so that runs end there.
 */
#ifndef QFILTER_RULES_SCAN_H
#define QFILTER_RULES_SCAN_H

#include "common/text/words.h"

struct scan { /* zero to start; used again and again */
  struct slice text;
  uint64_t *space;        /* str.isspace() */
  uint64_t *letter;       /* str.isalpha() */
  uint64_t *plain;        /* outside datatrove's punctuation set, white space aside */
  uint64_t *newline;
  uint64_t *mark;         /* [ and {, which the c4 rules look for */
  uint64_t *continuation; /* not the first byte of a character; not filled when `ascii` */
  size_t blocks;          /* words of a bitmap that hold text; one more is there */
  size_t characters;      /* code points */
  size_t newlines, hashes, ellipsis_characters; /* \n, #, U+2026 */
  size_t longest_run;     /* no run of non-space has more bytes than this bound */
  bool ascii;
  bool dots;         /* ... occurs */
  bool other_breaks; /* splitlines() breaks at something that is no \n */
  bool kelvin;       /* U+212A occurs */
  uint64_t *memory;
  size_t capacity;
};

void scan_text(struct scan *s, struct slice text);
void scan_release(struct scan *s);

struct scan_words {
  size_t words, alphabetic, plain, plain_characters, longest; /* longest: in code points */
};

/* What the words of the list hold; with NULL, of those of str.split() (and without `longest`). */
void scan_count_words(const struct scan *s, const struct word_list *list, struct scan_words *to);

/* Bits of a map in [start, end). */
bool scan_any(const uint64_t *map, size_t start, size_t end);
size_t scan_count(const uint64_t *map, size_t start, size_t end);

/* First bit at or after `start` and before `end`; `end` when there is none. */
static inline size_t scan_next(const uint64_t *map, size_t start, size_t end) {
  if (start >= end) return end;
  size_t block = start / 64;
  uint64_t bits = map[block] & ~0ull << (start % 64);
  while (bits == 0) {
    if (++block * 64 >= end) return end;
    bits = map[block];
  }
  size_t at = block * 64 + (size_t)__builtin_ctzll(bits);
  return at < end ? at : end;
}

/* str.strip() of [*start, *end); what is blank becomes empty at its start. */
static inline void scan_strip(const struct scan *s, size_t *start, size_t *end) {
  size_t from = *start, to = *end;
  if (from >= to) return;
  size_t block = from / 64;
  uint64_t bits = ~s->space[block] & ~0ull << (from % 64);
  while (bits == 0 && ++block * 64 < to) bits = ~s->space[block];
  size_t first = bits ? block * 64 + (size_t)__builtin_ctzll(bits) : to;
  if (first >= to) {
    *end = from;
    return;
  }
  block = (to - 1) / 64;
  bits = ~s->space[block] & ~0ull >> (63 - (to - 1) % 64);
  while (bits == 0) bits = ~s->space[--block]; /* ends at `first` at the latest */
  *start = first;
  *end = block * 64 + 64 - (size_t)__builtin_clzll(bits);
}

/* Words of str.split() in [start, end), which has no white space at its ends. */
size_t scan_words_in(const struct scan *s, size_t start, size_t end);

/* Code points in [start, end). */
static inline size_t scan_characters(const struct scan *s, size_t start, size_t end) {
  return s->ascii ? end - start : end - start - scan_count(s->continuation, start, end);
}

#endif
