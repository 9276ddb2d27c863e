/* SPDX-License-Identifier: MIT
 *
 * The form of the text that a page's kept blocks become.
 *
 * text: a block a line, in document order; rows of data tables on one line, a tab between cells; pre as it stands;
 * formulas as LaTeX.
 * markdown: CommonMark with GitHub's tables and strikethrough, definition lists as ": text" and formulas as $...$ and
 * $$...$$; a blank line between blocks, none between the items of a list.
 * Neither has a newline at its end.
 *
 * What is kept decides what is written, with two exceptions, because half of them means nothing.  Code is written whole when
 * some of it is kept or the text right before or behind it is.  A data table is written whole when an eighth of its words are
 * kept, a short one also when the text before and behind it is, and else those of its rows that have a kept cell.
 */
#ifndef WARC2TXT_MARKUP_H
#define WARC2TXT_MARKUP_H

#include <stdbool.h>

#include "tools/warc2txt/page/page.h"

enum markup_form { MARKUP_TEXT, MARKUP_MARKDOWN };

struct markup_options {
  enum markup_form form;
  bool links; /* markdown keeps the targets of links */
  size_t limit; /* bytes of text; what is longer ends somewhere beyond them; 0: none */
};

/* Appends the text of the blocks with keep[i] to `out`; page->tree must still be there. */
void markup_write(const struct markup_options *options, const struct page *page, const bool *keep, struct buffer *out);

#endif
