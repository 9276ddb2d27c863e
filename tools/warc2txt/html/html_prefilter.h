/* SPDX-License-Identifier: MIT
 *
 * What is done to a page's bytes before libxml2 sees them.
 *
 * Dropped, because libxml2 reads them a character at a time for nothing: comments and the content of script (but
 * JSON-LD), style, textarea, iframe, noembed, noframes; four bytes of ten on the pages of today.  The tags stay.
 * Blanked: attributes beyond the first hundreds of a long tag, which libxml2 compares pairwise, and those of a html or
 * body tag beyond the first of these, whose names would fill its tables without an event.
 */
#ifndef WARC2TXT_HTML_PREFILTER_H
#define WARC2TXT_HTML_PREFILTER_H

#include <stddef.h>

size_t html_prefilter(char *s, size_t n); /* in place; the new length */

#endif
