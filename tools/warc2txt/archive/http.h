/* SPDX-License-Identifier: MIT
 *
 * HTTP responses as crawlers stored them (RFC 9110, 9112): status line, fields, body; then the body without its
 * transfer and content codings.  Servers and crawlers lie: a body that is not coded as its fields say is taken as it
 * stands, and of a broken one what can be decoded.
 */
#ifndef WARC2TXT_HTTP_H
#define WARC2TXT_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buffer.h"

struct http_response {   /* slices point into the record */
  int status;            /* 0: no status line; the whole record is the body (HTTP/0.9) */
  struct slice content_type;
  struct slice content_encoding; /* all fields of that name would be one list; the buffer below joins them */
  bool chunked;
  struct slice body;
};

struct http_decoder {    /* zero to start; one per worker */
  struct buffer a, b;    /* codings are undone from one into the other */
  struct buffer encodings;
};

enum http_result { HTTP_OK, HTTP_ENCODING, HTTP_TOO_LONG };

/* Joins repeated Content-Encoding fields in d->encodings. */
void http_parse(struct http_decoder *d, struct slice record, struct http_response *response);

/* The body without its codings: points into the record or the decoder.  HTTP_ENCODING: a coding nobody here knows.
 * HTTP_TOO_LONG: above `limit` bytes. */
enum http_result http_decode(struct http_decoder *d, const struct http_response *response, size_t limit, struct slice *body);

/* The body with its chunks joined, nothing else undone: what some crawlers take the digest of. */
struct slice http_unchunked(struct http_decoder *d, const struct http_response *response);

void http_decoder_release(struct http_decoder *d);

#endif
