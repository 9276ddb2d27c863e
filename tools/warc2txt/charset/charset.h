/* SPDX-License-Identifier: MIT
 *
 * Which encoding a body is in, and the body in UTF-8.
 *
 * The order is that of the WHATWG Encoding and HTML standards: byte order mark, the charset of the Content-Type field,
 * <meta charset> or http-equiv within the first bytes, then a guess from the bytes themselves.  Archives hold what servers
 * really sent, so the bytes may overrule a declaration: flawless UTF-8 beyond ASCII is UTF-8, a body labelled UTF-8 that is
 * mostly not is guessed, zero bytes tell UTF-16 and escapes ISO-2022-JP, and any other label falls to an encoding in
 * which the bytes are far more likely to be text (charset_guess.c).
 */
#ifndef WARC2TXT_CHARSET_H
#define WARC2TXT_CHARSET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"

enum charset_kind {
  CHARSET_UTF8, CHARSET_UTF16LE, CHARSET_UTF16BE, CHARSET_UTF32LE, CHARSET_UTF32BE, CHARSET_SINGLE, CHARSET_GB18030, CHARSET_BIG5, CHARSET_EUC_JP,
  CHARSET_ISO_2022_JP, CHARSET_SHIFT_JIS, CHARSET_EUC_KR,
  CHARSET_REPLACEMENT, /* what the standard decodes to nothing, and the encodings that it does not know at all: no text */
};

struct charset {
  const char *name;   /* as the WHATWG standard spells it */
  enum charset_kind kind;
  int table;          /* of a single-byte encoding; -1 */
};

/* By label, any case, white space around it ignored; NULL: unknown. */
const struct charset *charset_find(struct slice label);

/* The charset parameter of a Content-Type value; empty when there is none. */
struct slice charset_parameter(struct slice content_type);

/* The HTML standard's "prescan a byte stream to determine its encoding"; NULL: none found. */
const struct charset *charset_prescan(struct slice html);

struct charset_decoder; /* the guess's working memory; one per worker */

struct charset_decoder *charset_decoder_new(void);
void charset_decoder_free(struct charset_decoder *d);

/* From the bytes alone; never NULL.  `declared`: kept unless another encoding is far more likely; NULL: none. */
const struct charset *charset_guess(struct charset_decoder *d, struct slice body, const struct charset *declared);

/* All of the above.  `html`: look for <meta>.  Never NULL; of kind CHARSET_REPLACEMENT when the body should be rejected. */
const struct charset *charset_detect(struct charset_decoder *d, struct slice body, struct slice content_type, bool html);

/* Appends the body as valid UTF-8 without byte order mark and NUL; what the encoding does not hold becomes U+FFFD.
 * Returns the number of replacements. */
uint64_t charset_decode(struct charset_decoder *d, const struct charset *charset, struct slice body, struct buffer *out);

#endif
