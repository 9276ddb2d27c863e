/* SPDX-License-Identifier: MIT
 *
 * Which encoding a body is in, and the body in UTF-8.
 *
 * The order is that of the WHATWG Encoding and HTML standards: byte order mark, the charset of the Content-Type field,
 * <meta charset> or http-equiv within the first bytes, then a guess from the bytes themselves.  Two departures, both
 * because archives hold what servers really sent: a body labelled UTF-8 that is mostly not is guessed, and a body in a
 * single-byte label that is flawless UTF-8 is UTF-8.
 */
#ifndef WARC2TXT_CHARSET_H
#define WARC2TXT_CHARSET_H

#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"

enum charset_kind { CHARSET_UTF8, CHARSET_UTF16LE, CHARSET_UTF16BE, CHARSET_UTF32LE, CHARSET_UTF32BE, CHARSET_SINGLE, CHARSET_MULTI };

struct charset {
  const char *name;   /* as the WHATWG standard spells it */
  const char *iconv;  /* name for iconv(3); NULL: decoded here */
  enum charset_kind kind;
};

/* By label, any case, white space around it ignored; NULL: unknown. */
const struct charset *charset_find(struct slice label);

/* The charset parameter of a Content-Type value; empty when there is none. */
struct slice charset_parameter(struct slice content_type);

/* The HTML standard's "prescan a byte stream to determine its encoding"; NULL: none found. */
const struct charset *charset_prescan(struct slice html);

struct charset_decoder; /* conversion descriptors and tables; one per worker */

struct charset_decoder *charset_decoder_new(void);
void charset_decoder_free(struct charset_decoder *d);

/* From the bytes alone; never NULL. */
const struct charset *charset_guess(struct charset_decoder *d, struct slice body);

/* All of the above.  `html`: look for <meta>. */
const struct charset *charset_detect(struct charset_decoder *d, struct slice body, struct slice content_type, bool html);

/* Appends the body as valid UTF-8 without byte order mark and NUL; what the encoding does not hold becomes U+FFFD.
 * Returns the number of replacements. */
uint64_t charset_decode(struct charset_decoder *d, const struct charset *charset, struct slice body, struct buffer *out);

/* The code points of bytes 0x80 to 0xFF in a CHARSET_SINGLE encoding; 0xFFFD: none. */
const uint16_t *charset_table(struct charset_decoder *d, const struct charset *charset);

#endif
