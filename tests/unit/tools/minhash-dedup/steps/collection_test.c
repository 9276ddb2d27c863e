/* SPDX-License-Identifier: MIT
 *
 * Shards in order, their numbers, and the text that ends lists.
 */
#include "tools/minhash-dedup/steps/collection.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/io/input.h"
#include "tests/tap.h"
#include "tools/minhash-dedup/steps/removed_lines.h"

static const char *path_of(const char *name) {
  static struct buffer paths[4];
  static int next;
  struct buffer *path = &paths[next++ % 4];
  buffer_clear(path);
  buffer_printf(path, "%s/%s", tap_folder(), name);
  return buffer_string(path);
}

static const char *sketch(const char *file, const char *shard, uint64_t lines, uint64_t rows) {
  struct step_header h = {.parameters = {5, 1, rows, STEP_HASHES << 8, UINT64_MAX >> 1, 1000}, .documents = lines, .lines = lines,
      .content = 0xfedcba9876543210 + lines};
  struct step_writer *w;
  struct err e;
  const char *path = path_of(file);
  if (step_writer_open(&w, path, STEP_SKETCH, &h, shard, &e) != 0 || step_writer_commit(w, &e) != 0) note("%s", e.message);
  return path;
}

static void from_sketches(struct collection *c) {
  struct err e;
  struct buffer folder = {0};
  buffer_printf(&folder, "%s/folder", tap_folder());
  output_folder(buffer_string(&folder), &e);
  sketch("folder/1.sketch", "b\tc\\", 10, 3);
  sketch("folder/2.sketch", "a", 5, 3);
  sketch("folder/.hidden.sketch", "h", 5, 3);
  sketch("folder/other", "o", 5, 3);
  char *operands[] = {(char *)sketch("x", "b", 0, 3), folder.data, (char *)sketch("y", "z", 7, 3)};
  ok_int(collection_from_sketches(c, operands, 3, &e), 0, "sketches and a folder of them");
  ok(c->count == 4 && strcmp(c->shards[0].name, "a") == 0 && strcmp(c->shards[1].name, "b") == 0 && strcmp(c->shards[2].name, "b\tc\\") == 0 &&
      strcmp(c->shards[3].name, "z") == 0,
     "shards are in the order of their names");
  ok(c->lines == 22 && c->documents == 22 && c->shards[1].first == 5 && c->shards[2].first == 5 && c->shards[3].first == 15, "and numbered in it");
  bool right = true;
  for (uint64_t d = 0; d < 22; d++) right &= collection_shard_of(c, d) == &c->shards[d < 5 ? 0 : d < 15 ? 2 : 3];
  ok(right, "the shard of a document, where one is empty too");
  ok(collection_shard(c, SLICE("b\tc\\")) == &c->shards[2] && collection_shard(c, SLICE("b")) == &c->shards[1] && !collection_shard(c, SLICE("")) &&
      !collection_shard(c, SLICE("zz")) && !collection_shard(c, SLICE("aa")),
     "the shard of a name");
  struct collection other = {0};
  operands[0] = (char *)sketch("x", "a", 3, 3);
  ok(collection_from_sketches(&other, operands, 2, &e) != 0 && strstr(e.message, "both are of the shard a"), "two of one name are refused: %s", e.message);
  collection_release(&other);
  operands[0] = (char *)sketch("x", "q", 3, 4);
  ok(collection_from_sketches(&other, operands, 3, &e) != 0 && strstr(e.message, "parameters"), "as are other parameters: %s", e.message);
  collection_release(&other);
  buffer_release(&folder);
}

static void as_text(struct collection *c) {
  struct collection same = {0};
  struct buffer text = {0};
  struct err e;
  uint64_t rows;
  c->verify = .7;
  collection_add_earlier(c, "in\ndex", 0x0123456789abcdef);
  buffer_append_string(&text, collection_columns);
  c->shards[0].offset = c->shards[1].offset = c->shards[2].offset = text.len;
  buffer_append_string(&text, "k\tk\ti\t0.9\tb\\tc\\\\\t1\nk\tk\tj\t1\tb\\tc\\\\\t10\n");
  c->shards[3].offset = text.len;
  c->shards[2].rows = 2;
  c->shards[2].hash = 0x6d4f2a3c00000000; /* not that of the rows */
  collection_text(c, text.len, &text);
  output_file(path_of("list"), text.data, text.len, &e);
  ok_int(collection_read(&same, path_of("list"), &rows, &e), 0, "the text is read");
  ok(same.count == 4 && strcmp(same.shards[2].name, "b\tc\\") == 0 && same.shards[2].rows == 2 && same.shards[3].first == 15 && same.verify == .7 &&
      same.earlier_count == 1 &&
         strcmp(same.earlier[0].name, "in\ndex") == 0 && same.earlier[0].identity == 0x0123456789abcdef &&
             memcmp(&same.parameters, &c->parameters, sizeof c->parameters) == 0,
     "and holds what was written");
  ok(collection_identity(&same) == collection_identity(c), "with the same identity");
  same.shards[1].content++;
  ok(collection_identity(&same) != collection_identity(c), "which another shard changes");
  uint32_t *lines;
  size_t n;
  ok(removed_lines_read(&same, path_of("list"), rows, &same.shards[2], &lines, &n, &e) != 0 && strstr(e.message, "rows of shard"),
      "rows that do not have their hash are refused: %s", e.message);
  ok(removed_lines_read(&same, path_of("list"), rows, &same.shards[0], &lines, &n, &e) == 0 && n == 0, "no rows are no lines");
  collection_release(&same);
  size_t passed = 0;
  for (size_t i = (size_t)rows; i < text.len; i++) {
    text.data[i] ^= 2;
    output_file(path_of("list"), text.data, text.len, &e);
    text.data[i] ^= 2;
    passed += collection_read(&same, path_of("list"), &rows, &e) == 0;
    collection_release(&same);
  }
  ok(passed == 0, "a changed byte of it is noticed, whichever");
  passed = 0;
  for (size_t i = 0; i < text.len; i++) {
    output_file(path_of("list"), text.data, i, &e);
    passed += collection_read(&same, path_of("list"), &rows, &e) == 0;
    collection_release(&same);
  }
  ok(passed == 0, "as is a cut, wherever");
  buffer_release(&text);
}

int main(void) {
  struct collection c = {0};
  from_sketches(&c);
  as_text(&c);
  collection_release(&c);
  return tap_done();
}
