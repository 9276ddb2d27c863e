/* SPDX-License-Identifier: MIT
 *
 * XHTML, feeds and sitemaps, by libxml2's XML parser (SAX2).
 *
 * Nothing is fetched, no document type is loaded and no entity that a document declares is expanded: the predefined five and
 * the names of HTML are the ones that there are.  libxml2's own limits stay on (depth 256, 10 MB a text node or name); ours
 * add what it takes quadratic time for (attributes of one tag, namespaces in scope).
 */
#ifndef WARC2TXT_XML_H
#define WARC2TXT_XML_H

#include <stdbool.h>

#include "common/base/buffer.h"
#include "tools/warc2txt/html/html_tree.h"

/* XHTML into a tree like that of an HTML parser.  `xml`: valid UTF-8 without NUL; may be written to.  `deadline`:
 * progress_clock() value, 0: none.  false: not well formed, over a limit, or no html with a body: parse it as HTML.  At the
 * deadline true, and tree->timed_out. */
bool xml_parse(struct buffer *xml, struct html_tree *tree, double deadline);

struct feed_entry {      /* slices of feed.bytes, by offset */
  size_t title, title_len, content, content_len;
};

/* RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0: title and content of each entry, both as HTML.  content:encoded before
 * content before description or summary. */
struct feed {            /* zero to start; reused; feed_release() */
  struct buffer bytes;
  struct feed_entry *entries;
  size_t count, capacity;
  bool timed_out;
};

/* false: no feed.  Of one that is not well formed, what stands before the error. */
bool feed_parse(struct buffer *xml, struct feed *feed, double deadline);
void feed_release(struct feed *feed);

/* Appends the <loc> of each entry of a sitemap or an index of sitemaps, one a line.  false: none there.  Sets *timed_out. */
bool sitemap_parse(struct buffer *xml, struct buffer *out, double deadline, bool *timed_out);

#endif
