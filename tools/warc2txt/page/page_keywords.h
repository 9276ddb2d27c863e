/* SPDX-License-Identifier: MIT
 *
 * Key words in the values of class and id: what authors call navigation, and what they call text.  Pages repeat few
 * classes many times, so that a small cache answers most.
 */
#ifndef WARC2TXT_PAGE_KEYWORDS_H
#define WARC2TXT_PAGE_KEYWORDS_H

#include <stdint.h>

#include "common/base/buffer.h"

enum { KEYWORD_NEGATIVE = 1, KEYWORD_POSITIVE = 2, KEYWORD_COMMENT = 4 };

struct keyword_cache; /* one per worker */

struct keyword_cache *keyword_cache_new(void);
void keyword_cache_free(struct keyword_cache *c);

/* The bits of the key words in the value of an id (in its first 1024 bytes). */
uint32_t keywords_in(struct slice value);

/* The same of a class, remembered; *hash: XXH3-64 of value. */
uint32_t keywords_in_class(struct keyword_cache *c, struct slice value, uint64_t *hash);

#endif
