/* SPDX-License-Identifier: MIT
 *
 * What page.h and features.h ask of text, 64 bytes at a time: white space made one space, words counted, signs counted.
 * Text is valid UTF-8; results are the same with every instruction set.
 */
#ifndef WARC2TXT_PAGE_TEXT_H
#define WARC2TXT_PAGE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"

struct text_run {      /* text that is being written: one block */
  struct buffer *out;
  size_t start;        /* in out */
  bool space;          /* white space came: one space goes before the next character, but not at the start of a line */
  bool written;        /* set by every character that is not white space */
};

/* Appends s: runs of white space (also U+00A0, U+2000-200A, U+2028, U+2029, U+202F, U+3000) become one space; controls,
 * soft hyphens, zero-width spaces, direction marks, U+2060-206F, byte order marks, private use of the first plane (icons)
 * and noncharacters go; C1 controls are windows-1252. */
void text_append(struct text_run *r, const char *s, size_t n);

/* The same for text in which white space stands: line ends become LF, controls but tabs go and what else nobody sees.
 * `first`: a newline at the start is not content; returns whether that is still so (s held nothing). */
bool text_append_pre(struct buffer *out, const char *s, size_t n, bool first);

/* Runs of letters, digits and _; characters of scripts without spaces are a word in pairs. */
uint32_t text_words(const char *s, size_t n);

enum text_class { TEXT_STANDS, TEXT_WHITE, TEXT_NOTHING };

/* What the character at s, of n bytes that are left, is to those rules; *take its bytes, *instead the one that stands for
 * it (of a C1 control), 0: itself. */
enum text_class text_character(const char *s, size_t n, size_t *take, uint32_t *instead);

struct text_look {
  uint32_t chars, tokens;   /* characters; what stands between spaces */
  uint32_t capitals;        /* tokens that start with A-Z */
  uint32_t digits, signs;   /* 0-9; other ASCII signs, and characters of U+0080-00BF and U+2000-2FFF */
  uint32_t commas;          /* , . ; ! ? and the full-width ones */
  uint32_t bars;            /* | and what else parts the items of a line: (c) >> single >> middle dot, bullet */
  bool currency;            /* $ before a digit, pound, yen, euro */
  bool terminal, colon;     /* ends a sentence; ends in a colon */
};

void text_look_at(const char *s, size_t n, struct text_look *look);

/* Offsets at which runs of ASCII letters, digits, _ and bytes above ASCII start and end, in turn: at most `max` (even)
 * of them; returns their number, which is even. */
unsigned text_edges(const char *s, size_t n, uint32_t *edges, unsigned max);

/* Offsets i < n, n <= 64, at which one of the pairs of letters stands, either case, as bits.  The pairs start the words
 * that a forum's lines have: reply, posted, joined, likes, quote. */
uint64_t text_reply_starts(const char *s, size_t n);

#endif
