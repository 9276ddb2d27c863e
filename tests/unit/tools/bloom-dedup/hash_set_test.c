/* SPDX-License-Identifier: MIT
 *
 * The set against a plain array, through its growth, with hashes made to collide.
 */
#include "tools/bloom-dedup/hash_set.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

enum { COUNT = 300000, DISTINCT = 200000, PART = 1000 };

static struct hash128 hash(uint64_t i) { /* few leading bits differ: long runs of slots */
  return (struct hash128){splitmix64(i) << 1, (splitmix64(i * 3) % 1024) << 54 | (splitmix64(i) & 0xFFFFF)};
}

static void against_array(void) {
  struct hash_set s;
  struct hash128 part[PART];
  unsigned char known[PART];
  bool *seen = NEW_ARRAY(bool, DISTINCT), *twice = NEW_ARRAY(bool, DISTINCT);
  int wrong = 0, unmarked = 0;
  hash_set_init(&s, (size_t)64 << 20);
  hash_set_find_all(&s, part, 0, false, known);
  for (uint64_t at = 0; at < COUNT; at += PART) {
    uint64_t which[PART];
    for (size_t i = 0; i < PART; i++) {
      which[i] = splitmix64(at + i) % DISTINCT;
      part[i] = hash(which[i]);
    }
    if (!hash_set_reserve(&s, PART)) break;
    hash_set_add_all(&s, part, PART, known);
    for (size_t i = 0; i < PART; i++) {
      wrong += known[i] != seen[which[i]];
      twice[which[i]] = twice[which[i]] || seen[which[i]];
      seen[which[i]] = true;
    }
  }
  ok_int(wrong, 0, "what was added is known and nothing else");
  size_t count = 0;
  wrong = 0;
  for (uint64_t i = 0; i < DISTINCT; i++) {
    struct hash128 h = hash(i);
    unsigned char found, marked;
    count += seen[i];
    hash_set_find_all(&s, &h, 1, false, &found);
    hash_set_find_all(&s, &h, 1, true, &marked);
    wrong += found != seen[i];
    unmarked += marked != twice[i];
  }
  ok_int((int64_t)s.count, (int64_t)count, "each is counted once");
  ok_int(wrong, 0, "all are found later");
  ok_int(unmarked, 0, "those that came again have a mark");
  hash_set_release(&s);
  free(seen);
  free(twice);
}

static void limits(void) {
  struct hash_set s;
  unsigned char known[2];
  struct hash128 zero[2] = {{0, 0}, {1, 0}};
  hash_set_init(&s, 4 << 20);
  ok(hash_set_reserve(&s, 1000), "the first table is always there");
  size_t capacity = s.capacity;
  ok(hash_set_reserve(&s, capacity), "it doubles within its memory");
  ok(!hash_set_reserve(&s, capacity * 4), "not beyond");
  ok(s.capacity == capacity * 2, "a refusal changes nothing");
  hash_set_add_all(&s, zero, 2, known);
  ok_bytes(known, 2, "\0\1", 2, "the hash of zeros is one like any other, but for the bit of the mark");
  hash_set_release(&s);
}

int main(void) {
  against_array();
  limits();
  return tap_done();
}
