/* SPDX-License-Identifier: MIT
 *
 * A URL as a stream of bytes, over libcurl: http and https only, on redirects too (at most 5).  A broken transfer goes
 * on where it stopped (Range, If-Range with the ETag); 429, 5xx and connection failures are tried again with
 * exponential back-off and jitter, honouring Retry-After; 403 and 503 wait as Common Crawl asks.  The user agent names
 * crawl2lm.  CRAWL2LM_URL_RETRIES, CRAWL2LM_URL_BACKOFF (first wait, seconds) and CRAWL2LM_URL_TIMEOUT (seconds
 * without a byte) change the defaults of 8, 1 and 60.
 */
#ifndef IO_URL_H
#define IO_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/err.h"

struct url;

bool url_is(const char *name); /* starts with http:// or https:// (any case) */
/* From byte `from` on: `length` bytes or what the file has of them, all when 0.  *missing (may be NULL) tells of an error
 * whether the server answered that the file or the range is not there. */
int url_open(struct url **u, const char *address, int64_t from, int64_t length, bool *missing, struct err *e);
ssize_t url_read(struct url *u, void *data, size_t n, struct err *e); /* 0 at the end, -1 error */
int64_t url_size(const struct url *u); /* -1 when the server does not say */
void url_close(struct url *u);

/* While this descriptor is readable, whatever waits for a server fails at once. */
void url_interrupt(int fd);

#endif
