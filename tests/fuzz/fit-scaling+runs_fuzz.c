/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a table of runs: every row that is taken is four positive finite numbers.
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/fit-scaling/runs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct runs runs = {0};
  struct runs_reader reader = {.name = "fuzz"};
  struct err e;
  const char *at = (const char *)data, *end = at + size;
  while (at < end) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    size_t n = (size_t)((newline ? newline : end) - at);
    if (runs_line(&runs, &reader, (struct slice){at, n}, &e) != 0) break;
    at += n + 1;
  }
  for (size_t i = 0; i < runs.count; i++) {
    const struct run *r = &runs.items[i];
    if (!(r->params > 0 && r->tokens > 0 && r->flops > 0 && r->loss > 0 && isfinite(r->flops))) abort();
  }
  if (runs.count + runs.bad != runs.rows) abort();
  runs_release(&runs);
  return 0;
}
