/* SPDX-License-Identifier: MIT
 *
 * The log reads back what was appended, below its limit and beyond.
 */
#include "common/io/scratch.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

int main(void) {
  static const size_t limits[] = {0, 1000, 3000000, 1 << 30};
  char *all = MALLOC(8 << 20);
  for (size_t i = 0; i < 8 << 20; i++) all[i] = (char)splitmix64(i);
  for (int l = 0; l < 4; l++) {
    struct scratch s;
    struct buffer room = {0};
    struct err e = {0};
    struct rng rng;
    rng_init(&rng, 3);
    scratch_init(&s, limits[l], NULL);
    bool sound = true;
    uint64_t length = 0;
    while (length < 6 << 20 && sound) {
      size_t n = rng_below(&rng, 20) == 0 ? rng_below(&rng, 2 << 20) : rng_below(&rng, 5000);
      sound = scratch_append(&s, all + length, n, &e) == 0;
      length += n;
      uint64_t from = rng_below(&rng, length + 1), count = rng_below(&rng, length - from + 1);
      const void *data;
      sound = sound && scratch_read(&s, from, count, &room, &data, &e) == 0 && memcmp(data, all + from, count) == 0;
    }
    ok(sound && scratch_length(&s) == length, "a limit of %zu bytes %s", limits[l], e.message);
    scratch_release(&s);
    buffer_release(&room);
  }
  struct scratch s;
  struct err e = {0};
  scratch_init(&s, 4, "/nonexistent/folder");
  ok(scratch_append(&s, "12345", 5, &e) == -1 && strstr(e.message, "/nonexistent/folder"), "a folder that is not there is named: %s", e.message);
  scratch_release(&s);
  free(all);
  return tap_done();
}
