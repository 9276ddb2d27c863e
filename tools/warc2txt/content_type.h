/* SPDX-License-Identifier: MIT
 *
 * What a body is: by the type that its server declared, by the one that the crawler identified, by its first bytes.
 *
 * Of the WHATWG's MIME Sniffing Standard (https://mimesniff.spec.whatwg.org/) what matters for text is here: the patterns
 * of HTML, of feeds sent as HTML, of PDF and of binary formats under the name of text.  Two departures, because archives are
 * not browsers: a body without a type that looks like nothing known is no text (it is JSON or a style sheet more often than
 * prose), and XML is told apart by its root element.
 */
#ifndef WARC2TXT_CONTENT_TYPE_H
#define WARC2TXT_CONTENT_TYPE_H

#include <stdbool.h>

#include "common/base/buffer.h"

enum content_type {
  CONTENT_TYPE_HTML,
  CONTENT_TYPE_XHTML,    /* by its declared type or as XML with root html: one that is sent as text/html is HTML, as for browsers */
  CONTENT_TYPE_TEXT,
  CONTENT_TYPE_FEED,     /* RSS or Atom */
  CONTENT_TYPE_SITEMAP,
  CONTENT_TYPE_PDF,
  CONTENT_TYPE_XML,      /* only from content_type_declared(): some XML, its root element says which */
  CONTENT_TYPE_UNKNOWN,  /* only from content_type_declared(): it says nothing */
  CONTENT_TYPE_OTHER,
};

/* By the value of a Content-Type field, parameters and case ignored. */
enum content_type content_type_declared(struct slice field);

/* `identified`: WARC-Identified-Payload-Type or empty, asked where `declared` says nothing.  Never XML or UNKNOWN. */
enum content_type content_type_of(struct slice declared, struct slice identified, struct slice body);

/* Whether a body declared so may turn out to be of type `wanted` once it is seen. */
bool content_type_possible(enum content_type declared, enum content_type wanted);

/* Starts with the magic of a format that is not text. */
bool content_type_is_binary(struct slice body);
/* Its first bytes hold controls that no text has, and it is not UTF-16. */
bool content_type_has_controls(struct slice body);
bool content_type_is_html(struct slice body);
bool content_type_is_pdf(struct slice body);
/* FEED, SITEMAP or XHTML by the root element, OTHER when it is another one, UNKNOWN when there is none within the first
 * bytes or what comes first is no XML. */
enum content_type content_type_of_root(struct slice body);

#endif
