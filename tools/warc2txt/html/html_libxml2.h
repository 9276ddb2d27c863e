/* SPDX-License-Identifier: MIT
 *
 * Pages parsed by libxml2's HTML 4 parser (`--parser libxml2`): what ours is compared with.
 */
#ifndef WARC2TXT_HTML_LIBXML2_H
#define WARC2TXT_HTML_LIBXML2_H

#include "tools/warc2txt/html/html_tree.h"

/* `html`: valid UTF-8 without NUL; may be written to and must live as long as the tree's content.  `deadline`:
 * progress_clock() value at which to give up (tree->timed_out), 0: none. */
void html_libxml2_parse(struct buffer *html, struct html_tree *tree, double deadline);

#endif
