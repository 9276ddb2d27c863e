/* SPDX-License-Identifier: MIT
 *
 * Named character references: https://html.spec.whatwg.org/#named-character-references, a table written by
 * html_entities.py.
 *
 * Names are letters and digits; only where such a run ends can a semicolon stand.  So the longest match is the whole run
 * with its semicolon, or else one of the few old names of up to six bytes that need none.
 */
#ifndef WARC2TXT_HTML_ENTITIES_H
#define WARC2TXT_HTML_ENTITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"

/* The longest reference at s, behind the "&": how many bytes it has (the last one is ';' but for the old ones), 0 when
 * none is there.  *text: what it stands for, 1 to 6 bytes of UTF-8, static. */
size_t html_entity_find(const char *s, size_t n, struct slice *text);

#endif
