/* SPDX-License-Identifier: MIT
 *
 * Where a text may be cut in two without changing its pieces, whatever surrounds the place.
 *
 * A cut lies before a character that never changes or joins what precedes it under Unicode normalisation (an ASCII
 * character, a letter or number but the conjoining Hangul jamo and the vowels of Kirat Rai, the punctuation of U+2010 to
 * U+2027, U+3001 to U+3020 and U+FF01 to U+FF0F), so that NFC of the parts is NFC of the whole.
 */
#ifndef TOKEN_CUT_H
#define TOKEN_CUT_H

#include "common/base/buffer.h"
#include "common/token/pattern.h"

struct specials;

/* See pretokenizer_cut(); stages[0 .. count).  Looks from the end of the text back to the cut and no further (and to the
 * start of specials that lie there). */
size_t cut_find(const struct pattern *stages, int count, const struct specials *specials, struct slice text);

#endif
