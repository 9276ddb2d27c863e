/* SPDX-License-Identifier: MIT
 *
 * Unicode's normal form C (UAX 15), as the NFC normaliser of Hugging Face's tokenizers brings text to it before it is
 * split.  Bytes that are not UTF-8 stay, and nothing composes across them.
 */
#ifndef TOKEN_NORMALIZE_H
#define TOKEN_NORMALIZE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buffer.h"

/* *out: `text` itself where it is normal already, else what `scratch` (cleared first) holds.  Linear in the text;
 * ASCII costs next to nothing.  Returns 0. */
int normalize_nfc(struct slice text, struct buffer *scratch, struct slice *out);

/* Whether text may be cut at 0 < i < text.len, each side normalised for itself: after an ASCII character and before one
 * that does not compose with it.  Normalising changes no character to one of another class. */
bool normalize_cut(struct slice text, size_t i);

#endif
