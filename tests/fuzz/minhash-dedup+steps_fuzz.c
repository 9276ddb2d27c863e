/* SPDX-License-Identifier: MIT
 *
 * Records whose file is sound and whose content is not: keys and signatures of a sketch through match, words of a match through
 * cluster.  The first byte chooses which, the others are the records.  One band, three shards of forty lines, /dev/shm.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/io/record_sort.h"
#include "tools/minhash-dedup/steps/collection.h"
#include "tools/minhash-dedup/steps/earlier.h"
#include "tools/minhash-dedup/steps/signature_record.h"
#include "tools/minhash-dedup/steps/steps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES = 40, SHARDS = 3 };

static char folder[64];
static const struct parameters parameters = {.ngram = 5, .bands = 1, .rows = 3, .hashes = STEP_HASHES << 8};

static char *path_of(const char *name) {
  static char paths[8][128];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, 128, "%s/%s", folder, name);
  return path;
}

static void must(int result, const struct err *e) {
  if (result == 0) return;
  fprintf(stderr, "%s\n", e->message);
  abort();
}

/* A sketch with n records of STEP_KEY_RECORD bytes, in sections by their upper bits; misplaced: some of them elsewhere, and a damaged signature. */
static void write_sketch(int shard, const uint8_t *keys, size_t n, bool misplaced) {
  struct step_header h = {.parameters = parameters, .documents = LINES, .lines = LINES, .content = (uint64_t)shard};
  struct step_writer *w;
  struct err e;
  unsigned char record[64];
  uint32_t signature[16] = {0};
  char file[32], name[32];
  snprintf(file, sizeof file, "%d.sketch", shard);
  snprintf(name, sizeof name, "shard-%d", shard);
  must(step_writer_open(&w, path_of(file), STEP_SKETCH, &h, name, &e), &e);
  for (int range = 0; range < STEP_RANGES; range++) {
    for (size_t i = 0; i < n; i++)
      if (keys[i * STEP_KEY_RECORD] >> 4 == range || (misplaced && range == 3 && i % 7 == 6)) must(step_writer_add(w, keys + i * STEP_KEY_RECORD, 1, &e), &e);
    step_writer_end_section(w);
  }
  for (uint32_t i = 0; i < LINES; i++) {
    signature[0] = i / 2;
    signature_record_make(&parameters, signature, 4, i, record);
    if (misplaced && n && keys[n / 2] % 5 == i) record[1] ^= 8;
    must(step_writer_add(w, record, 1, &e), &e);
  }
  must(step_writer_commit(w, &e), &e);
}

static int run_step(const char *name, const char *output, const char *operand, bool earlier, struct err *e) {
  const char *indexes[] = {path_of("index")};
  char *operands[] = {(char *)name, (char *)operand, NULL};
  struct program p = {.name = "fuzz", .output = output, .jobs = 1, .memory = 1 << 20, .quiet = true, .force = true, .operand = operands, .operand_count = 2,
      .stats = stats_new(), .progress = progress_new("fuzz", "documents", PROGRESS_NEVER)};
  struct steps_options o = {.ngram = 5, .bands = 1, .rows = 3, .verify = .8, .compare = COMPARE_SIGNATURE};
  if (strcmp(name, "match") == 0 && earlier) o.earlier = (struct option_list){indexes, 1};
  if (strcmp(name, "match") == 0 && !earlier) o.index = path_of("index");
  int result = steps_run(name, &p, &o, e);
  stats_free(p.stats);
  progress_free(p.progress);
  return result;
}

static void remove_folder(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  if (system(command) != 0) _exit(1);
}

static void start(void) {
  uint8_t keys[LINES * STEP_KEY_RECORD] = {0};
  struct err e = {0};
  snprintf(folder, sizeof folder, "/dev/shm/crawl2lm-fuzz-XXXXXX");
  if (!mkdtemp(folder)) snprintf(folder, sizeof folder, "/tmp/crawl2lm-fuzz-XXXXXX"), must(mkdtemp(folder) ? 0 : err_errno(&e, "no folder"), &e);
  atexit(remove_folder);
  for (int i = 0; i < LINES; i++) keys[i * STEP_KEY_RECORD] = (uint8_t)(i / 3 * 16), keys[i * STEP_KEY_RECORD + 11] = (uint8_t)i;
  for (int s = 0; s < SHARDS; s++) write_sketch(s, keys, LINES, false);
  must(run_step("match", path_of("before"), folder, false, &e), &e);
  must(run_step("match", path_of("matches"), folder, true, &e), &e);
  must(run_step("cluster", path_of("list"), path_of("matches"), false, &e), &e);
}

static void fuzz_match(const uint8_t *data, size_t size) {
  struct collection c = {0};
  struct err e = {0};
  struct step_writer *w;
  struct buffer path = {0};
  uint64_t rows;
  must(collection_read(&c, path_of("matches/inputs.tsv"), &rows, &e), &e);
  struct step_header h = {.parameters = parameters, .documents = c.documents, .lines = c.lines, .range = 4, .identity = collection_identity(&c)};
  step_unit_path(&path, path_of("matches"), 4, "match");
  must(step_writer_open(&w, path.data, STEP_MATCH, &h, "", &e), &e);
  for (size_t i = 0; i + 3 <= size; i += 3) { /* small numbers and flags of their own */
    uint64_t word = data[i] & 4 ? (uint64_t)data[i + 1] << 48 | data[i + 2] : data[i + 1] % 130u;
    if (data[i] & 1) word |= MATCH_BUCKET;
    if (data[i] & 2) word |= MATCH_EARLIER;
    must(step_writer_add(w, &word, 1, &e), &e);
  }
  must(step_writer_commit(w, &e), &e);
  buffer_release(&path);
  collection_release(&c);
  run_step("cluster", path_of("list"), path_of("matches"), false, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!*folder) start();
  if (size < 2) return 0;
  if (data[0] & 1) {
    fuzz_match(data + 1, size - 1 < 4096 ? size - 1 : 4096);
  } else {
    uint8_t *keys = COPY(data + 1, size - 1);
    size_t n = (size - 1) / STEP_KEY_RECORD;
    for (size_t i = 0; i < n; i++) memset(keys + i * STEP_KEY_RECORD + 8, 0, 3); /* lines that are there, mostly */
    if (data[0] & 8) record_sort_array(keys, n, STEP_KEY_RECORD, 1);
    write_sketch(1, keys, n < 300 ? n : 300, data[0] & 4);
    struct err e = {0};
    if (run_step("match", path_of("tried"), folder, data[0] & 2, &e) == 0) run_step("cluster", path_of("list"), path_of("tried"), false, &e);
    write_sketch(1, keys, 0, false);
    free(keys);
  }
  return 0;
}
