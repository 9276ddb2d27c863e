/* SPDX-License-Identifier: MIT
 *
 * Scripts of characters: Unicode's property Script (UAX #24), as PCRE2 knows it.  Common and Inherited characters, and code
 * points without a character, have none of their own: 0.
 */
#ifndef BPE_ENCODE_SCRIPTS_H
#define BPE_ENCODE_SCRIPTS_H

#include <stdint.h>

#include "common/base/err.h"

enum { SCRIPTS = 192 }; /* numbers are below it */

struct scripts { /* blocks of 256 code points, equal ones once */
  uint16_t block_of[0x110000 >> 8];
  uint8_t (*blocks)[256];
  int block_count;
};

/* Asks PCRE2 for every code point: some 10 ms. */
int scripts_new(struct scripts **s, struct err *e);
void scripts_free(struct scripts *s);
static inline uint8_t script_of(const struct scripts *s, uint32_t code_point) { return s->blocks[s->block_of[code_point >> 8]][code_point & 255]; }
const char *script_name(int script); /* 0: Common; NULL beyond the last */

#endif
