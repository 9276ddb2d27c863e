/* SPDX-License-Identifier: MIT
 *
 * Only the shard's own bytes of the list are read, and their hash checked.
 */
#include "tools/minhash-dedup/steps/removed_lines.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "common/io/input.h"

static int damaged(const char *path, const struct shard *shard, struct err *e) {
  return err_set(e, "%s: the rows of shard %s do not have their checksum or form: damaged; make it again", path, shard->name);
}

/* The number after a row's last tab, less one. */
static bool parse_row(struct slice row, const struct shard *shard, uint32_t *line) {
  const char *tab = memrchr(row.data, '\t', row.len);
  uint64_t number = 0;
  if (!tab) return false;
  size_t digits = (size_t)(row.data + row.len - tab - 1);
  if (digits < 1 || digits > 10) return false;
  for (const char *p = tab + 1; p < row.data + row.len; p++) {
    if (*p < '0' || *p > '9') return false;
    number = number * 10 + (uint64_t)(*p - '0');
  }
  *line = (uint32_t)(number - 1);
  return number >= 1 && number <= shard->lines;
}

static int read_rows(struct input *in, const char *path, const struct shard *shard, uint64_t length, XXH3_state_t *hash, uint32_t **lines, size_t *count,
    struct err *e) {
  size_t capacity = 0;
  struct slice row;
  while (length > 0) {
    int more = input_line(in, &row, e);
    if (more < 0) return -1;
    if (more == 0 || row.len + 1 > length) return damaged(path, shard, e);
    uint32_t line;
    if (!parse_row(row, shard, &line) || (*count > 0 && line <= (*lines)[*count - 1])) return damaged(path, shard, e);
    GROW(*lines, capacity, *count + 1);
    (*lines)[(*count)++] = line;
    XXH3_64bits_update(hash, row.data, row.len);
    XXH3_64bits_update(hash, "\n", 1);
    length -= row.len + 1;
  }
  return *count == shard->rows && XXH3_64bits_digest(hash) == shard->hash ? 0 : damaged(path, shard, e);
}

int removed_lines_read(const struct collection *c, const char *path, uint64_t rows, const struct shard *shard, uint32_t **lines, size_t *count, struct err *e) {
  uint64_t end = shard + 1 < c->shards + c->count ? shard[1].offset : rows;
  *lines = NULL;
  *count = 0;
  if (shard->offset > end || end > rows) return damaged(path, shard, e);
  if (shard->offset == end) return shard->rows ? damaged(path, shard, e) : 0;
  struct input *in;
  struct input_options from = {.as_is = true, .from = (int64_t)shard->offset, .length = (int64_t)(end - shard->offset)};
  if (input_open(&in, path, &from, e) != 0) return -1;
  XXH3_state_t *hash = XXH3_createState();
  XXH3_64bits_reset(hash);
  int result = read_rows(in, path, shard, end - shard->offset, hash, lines, count, e);
  XXH3_freeState(hash);
  input_close(in);
  if (result == 0) return 0;
  free(*lines);
  *lines = NULL;
  *count = 0;
  return -1;
}
