/* SPDX-License-Identifier: MIT
 *
 * Slots: hash * size / 2^64 (Lemire's range reduction, so that the table may have any size), then linear probing at a
 * load of 4/5.
 */
#include "tools/qfilter/rules/names.h"

#include <stdlib.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/io/input.h"

static uint64_t hash(struct slice name) {
  uint64_t h = XXH3_64bits(name.data, name.len);
  return h ? h : 1;
}

static size_t home(const struct name_set *set, uint64_t h) { return (size_t)((unsigned __int128)h * set->size >> 64); }

static uint64_t length_bit(size_t n) { return 1ull << (n < 63 ? n : 63); }

void names_add(struct name_set *set, struct slice name) {
  set->lengths |= length_bit(name.len);
  if (name.len) set->first[(uint8_t)name.data[0] / 64] |= 1ull << (uint8_t)name.data[0] % 64;
  GROW(set->hashes, set->capacity, set->added + 1);
  set->hashes[set->added++] = hash(name);
}

void names_finish(struct name_set *set) {
  set->size = set->added + set->added / 4 + 1;
  set->slots = NEW_ARRAY(uint64_t, set->size);
  for (size_t i = 0; i < set->added; i++) {
    uint64_t h = set->hashes[i];
    size_t slot = home(set, h);
    while (set->slots[slot] && set->slots[slot] != h) slot = slot + 1 == set->size ? 0 : slot + 1;
    set->count += set->slots[slot] == 0;
    set->slots[slot] = h;
  }
  free(set->hashes);
  set->hashes = NULL;
}

int64_t names_find(const struct name_set *set, struct slice name) {
  if (!(set->lengths & length_bit(name.len))) return -1;
  if (name.len && !(set->first[(uint8_t)name.data[0] / 64] >> (uint8_t)name.data[0] % 64 & 1)) return -1;
  uint64_t h = hash(name);
  for (size_t slot = home(set, h); set->slots[slot]; slot = slot + 1 == set->size ? 0 : slot + 1)
    if (set->slots[slot] == h) return (int64_t)slot;
  return -1;
}

void names_release(struct name_set *set) {
  free(set->hashes);
  free(set->slots);
  *set = (struct name_set){0};
}

int names_each_line(const char *path, void (*take)(void *context, struct slice line), void *context, struct err *e) {
  struct input *in;
  if (input_open(&in, path, NULL, e) != 0) return -1;
  struct slice line;
  int more;
  for (bool first = true; (more = input_line(in, &line, e)) > 0; first = false) {
    if (first && slice_starts(line, SLICE("\uFEFF"))) line = (struct slice){line.data + 3, line.len - 3}; /* byte order mark */
    line = slice_trim(line);
    if (line.len && line.data[0] != '#') take(context, line);
  }
  if (more < 0) err_prefix(e, "%s", path);
  input_close(in);
  return more;
}

static void add(void *set, struct slice line) { names_add(set, line); }

int names_read(struct name_set *set, const char *path, struct err *e) {
  if (names_each_line(path, add, set, e) != 0) return -1;
  names_finish(set);
  return 0;
}
