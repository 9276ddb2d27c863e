/* SPDX-License-Identifier: MIT
 *
 * Any bytes as an HTTP response, decoded up to a limit that must hold.
 */
#include <stdint.h>
#include <stdlib.h>

#include "tools/warc2txt/archive/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct http_decoder d;
  struct http_response response;
  struct slice body;
  enum { LIMIT = 1 << 20 };
  http_parse(&d, (struct slice){(const char *)data, size}, &response);
  if (http_decode(&d, &response, LIMIT, &body) == HTTP_OK && body.len > LIMIT) abort();
  if (http_unchunked(&d, &response).len > size) abort();
  return 0;
}
