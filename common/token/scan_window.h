/* SPDX-License-Identifier: MIT
 *
 * A window: the block (scan_block.h) that begins where a piece does, and the starts of pieces in it that are certain from
 * what the window holds.  The next window begins at the last of them, so that nothing is carried from window to window;
 * where there is none, or the characters are rare ones, the caller's scalar code finds the end of one piece.
 *
 * This is what o200k and DeepSeek have in common; words, in which they differ, come as masks:
 *   - newlines behind a run of signs belong to its piece;
 *   - a run of signs starts a piece where no space is before it;
 *   - a word starts a piece, unless the character before it does and may join: white space but no newline, or a single sign
 *     that no space joined before;
 *   - numbers start a piece, and every `digits`-th of a run;
 *   - white space starts a piece, another one starts behind its last newline, another one at its last character, unless that
 *     is a newline.
 */
#ifndef TOKEN_SCAN_WINDOW_H
#define TOKEN_SCAN_WINDOW_H

#include "common/token/scan_block.h"

#ifdef __x86_64__

struct window {
  uint64_t word, sign;              /* every byte of a character has its bit */
  uint64_t number, white;
  uint64_t newline, space;          /* of white */
  uint64_t inner;                   /* bytes of a character after its first */
  uint64_t apart;                   /* words that no sign before them joins */
  uint64_t ending;                  /* before these white space is as at the end of the text */
  uint64_t undecided;               /* in and out: nothing from the lowest of these on counts */
  uint64_t absorbed;                /* out: newlines of the signs' pieces */
  uint64_t joined;                  /* out: first bytes of words that a sign joins */
  unsigned length, digits;
};

/* Sets w->absorbed, w->joined and adds to w->undecided; starts at and above scan_bottom(w->undecided) do not count. */
SCAN_AVX2 uint64_t window_starts(struct window *w) {
  uint64_t blank = w->white & ~w->newline;
  w->absorbed = scan_flood(w->newline & w->sign << 1, w->newline);
  uint64_t opens = w->sign & ~(w->sign << 1 | w->space << 1), single = opens;
  if (__builtin_expect(w->inner != 0, 0)) single |= scan_flood(opens << 1 & w->inner, w->inner);
  w->joined = w->word & single << 1 & ~w->apart;
  uint64_t words = w->word & ~(w->word << 1 | blank << 1 | w->joined);
  uint64_t white = w->white & ~w->absorbed, first = white & ~(white << 1);
  uint64_t blanks = blank & ~(blank << 1), behind = blanks & w->newline << 1, last = blank & ~((w->white | w->ending) >> 1);
  /* Blanks between newlines start nothing. */
  if (behind)
    for (uint64_t m = (blank + blanks) & w->newline; m; m &= m - 1) behind &= ~(UINT64_C(1) << scan_top(blanks & ((m ^ (m - 1)) >> 1)));
  uint64_t numbers = w->number;
  if (w->digits == 1) numbers &= ~w->inner;
  else if (numbers) {
    uint64_t on = numbers & numbers << 1 & numbers << 2;
    if (w->digits == 3) on &= numbers << 3;
    w->undecided |= numbers & w->inner;
    numbers &= ~(numbers << 1);
    for (uint64_t more = numbers; (more = more << w->digits & on);) numbers |= more;
  }
  w->undecided |= (w->white & w->inner) >> 1;
  /* White space that reaches the window's end is not seen whole: nothing counts behind its first character. */
  uint64_t runs = w->white & ~(w->white << 1);
  if (w->white >> (w->length - 1) & 1) w->undecided |= UINT64_C(2) << scan_top(runs);
  return opens | words | first | last | behind | numbers;
}

/* The starts that count, but the window's own. */
SCAN_AVX2 uint64_t window_certain(const struct window *w, uint64_t starts) {
  uint64_t certain = scan_low(w->length) & ~UINT64_C(1);
  if (w->undecided) certain &= (w->undecided & -w->undecided) - 1;
  return starts & certain;
}

#endif
#endif
