/* SPDX-License-Identifier: MIT
 *
 * From the body of a record to its text: HTTP codings, what it is, charset, parser, the main text.
 *
 * A document's memory is bounded: one whose UTF-8, tree, blocks and features would take more than `memory` bytes is rejected
 * (memory_limit).  The sum is one of counts and of struct sizes, so it does not depend on threads or on what came before.
 */
#ifndef WARC2TXT_CONTENT_H
#define WARC2TXT_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"
#include "tools/warc2txt/content_type.h"
#include "tools/warc2txt/extract/extract.h"
#include "tools/warc2txt/markup/markup.h"

enum reject { REJECT_NONE, REJECT_EMPTY, REJECT_STATUS, REJECT_TYPE, REJECT_ENCODING, REJECT_MAX_RECORD, REJECT_MAX_DOCUMENT, REJECT_TIME_LIMIT,
              REJECT_MEMORY_LIMIT, REJECT_PDF, REJECT_CHARSET, REJECT_COUNT };

extern const char *const reject_names[REJECT_COUNT];

struct status_range {
  int low, high;
};

enum content_parser { PARSER_HTML5, PARSER_LIBXML2 };

struct content_options {
  enum extract_mode mode;
  struct extract_options extract;
  struct markup_options markup;
  enum content_parser parser;
  bool repair_mojibake;     /* UTF-8 that was read as windows-1252 */
  bool features;            /* write features instead of documents */
  unsigned types;           /* 1 << CONTENT_TYPE_...: what is extracted; html is HTML and XHTML */
  const char *pdf;          /* command that reads PDF, for sh -c */
  struct status_range statuses[16];
  int status_count;
  double time_limit;        /* seconds a record; 0: none */
  int64_t memory;           /* bytes a document may take; 0: no limit */
  int64_t max_record;       /* bytes, stored and decoded */
  int64_t max_document;     /* bytes of text; 0: no limit */
};

/* "html,text,pdf,feed,sitemap" into options->types. */
int content_parse_types(struct content_options *options, const char *list, struct err *e);

/* "200,404", "2xx", "200-299", "all" into options->statuses. */
int content_parse_statuses(struct content_options *options, const char *list, struct err *e);

enum content_kind { CONTENT_PAGE, CONTENT_RESPONSE, CONTENT_RESOURCE, CONTENT_TEXT };

struct content_source {
  enum content_kind kind;   /* PAGE: HTML itself; TEXT: of a conversion record */
  struct slice body, content_type, identified_type;
};

/* The longest body, stored or decoded: max_record, or half of the memory when that is less; *reject says which. */
int64_t content_length_limit(const struct content_options *options, enum reject *reject);

struct content; /* one per worker */

struct content *content_new(const struct content_options *options);
void content_free(struct content *c);

/* The text of a body, valid until the next call.  *replaced grows by the characters that its encoding did not hold. */
enum reject content_text(struct content *c, const struct content_source *source, struct slice *text, uint64_t *replaced);

#endif
