/* SPDX-License-Identifier: MIT */
#include "tools/minhash-dedup/steps/documents_set.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

static void check(uint64_t size, uint64_t one_in) {
  struct documents_set s;
  bool *member = NEW_ARRAY(bool, size + 1);
  struct err e;
  if (documents_set_init(&s, size, &e) != 0) return;
  for (uint64_t i = 0; i < size; i++) {
    member[i] = splitmix64(i + size) % one_in == 0;
    if (member[i]) documents_set_add(&s, i);
  }
  documents_set_close(&s);
  uint64_t before = 0, next = size;
  bool has = true, rank = true, follows = true;
  for (uint64_t i = 0; i <= size; i++) {
    rank &= documents_set_before(&s, i) == before;
    has &= documents_set_has(&s, i) == (i < size && member[i]);
    before += i < size && member[i];
  }
  for (uint64_t i = size + 1; i-- > 0;) {
    if (i < size && member[i]) next = i;
    follows &= documents_set_next(&s, i) == next;
  }
  ok(has && !documents_set_has(&s, size + 1000000), "one in %llu of %llu: who is a member", (unsigned long long)one_in, (unsigned long long)size);
  ok(rank && before == s.count, "how many are smaller");
  ok(follows, "which one is next");
  documents_set_release(&s);
  free(member);
}

int main(void) {
  static const uint64_t sizes[] = {0, 1, 63, 64, 65, 511, 512, 513, 5000};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    check(sizes[i], 1);
    check(sizes[i], 3);
    check(sizes[i], 700);
  }
  struct documents_set s;
  struct err e;
  ok(documents_set_init(&s, (uint64_t)1 << 61, &e) != 0, "what memory cannot hold is an error: %s", e.message);
  documents_set_release(&s);
  return tap_done();
}
