/* SPDX-License-Identifier: MIT */
#include "common/base/hashmap.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/rng.h"
#include "tests/tap.h"

static struct slice key(uint64_t i, char text[40]) {
  return (struct slice){text, (size_t)snprintf(text, 40, "%llx", (unsigned long long)splitmix64(i))};
}

int main(void) {
  struct hashmap *m = hashmap_new();
  bool added = true;
  char text[40];
  ok(!hashmap_find(m, SLICE("a")) && hashmap_count(m) == 0, "a new table is empty");
  *hashmap_put(m, SLICE("a"), &added) = 7;
  ok(added && *hashmap_find(m, SLICE("a")) == 7, "what is put is found");
  ok(*hashmap_put(m, SLICE("a"), &added) == 7 && !added && hashmap_count(m) == 1, "putting it again finds it");
  *hashmap_put(m, (struct slice){NULL, 0}, NULL) = 9;
  ok(*hashmap_find(m, SLICE("")) == 9, "the empty key is a key");
  *hashmap_put(m, SLICE("a\0b"), NULL) = 11;
  *hashmap_put(m, SLICE("a\0c"), NULL) = 12;
  ok(*hashmap_find(m, SLICE("a\0b")) == 11 && *hashmap_find(m, SLICE("a")) == 7, "keys are bytes, NUL included");

  enum { N = 200000 };
  hashmap_clear(m);
  ok(hashmap_count(m) == 0 && !hashmap_find(m, SLICE("a")), "cleared, it is empty");
  const char **addresses = calloc(N, sizeof *addresses);
  for (uint64_t i = 0; i < N; i++) {
    uint64_t *v = hashmap_put(m, key(i, text), &added);
    if (!added) break;
    *v = i * 3;
    addresses[i] = hashmap_entries(m)[i].key.data;
  }
  ok_int((int64_t)hashmap_count(m), N, "200,000 keys");
  size_t wrong = 0;
  for (uint64_t i = 0; i < N; i++) {
    uint64_t *v = hashmap_find(m, key(i, text));
    if (!v || *v != i * 3) wrong++;
    const struct hashmap_entry *e = &hashmap_entries(m)[i];
    if (!slice_equal(e->key, key(i, text)) || e->value != i * 3 || e->key.data != addresses[i]) wrong++;
    if (hashmap_find(m, key(i + N, text))) wrong++;
  }
  ok(wrong == 0, "all are found, stand in order of insertion, did not move; others are not found");
  ok(hashmap_memory(m) > N * 20 && hashmap_memory(m) < N * 200, "its memory is told");
  char *big = malloc(1 << 20);
  memset(big, 'x', 1 << 20);
  *hashmap_put(m, (struct slice){big, 1 << 20}, NULL) = 1;
  *hashmap_put(m, (struct slice){big, (1 << 20) - 1}, NULL) = 2;
  ok(*hashmap_find(m, (struct slice){big, 1 << 20}) == 1 && *hashmap_find(m, (struct slice){big, (1 << 20) - 1}) == 2, "keys of a megabyte");
  free(big);
  free(addresses);
  hashmap_free(m);
  hashmap_free(NULL);
  ok(true, "freeing nothing is fine");
  return tap_done();
}
