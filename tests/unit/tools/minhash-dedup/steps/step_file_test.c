/* SPDX-License-Identifier: MIT
 *
 * Files between the steps: what is written is read; any change of a byte, any cut is refused.
 */
#include "tools/minhash-dedup/steps/step_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/io/input.h"
#include "common/io/output.h"
#include "tests/tap.h"
#include "tools/minhash-dedup/steps/signature_record.h"

static const struct step_header header = {.parameters = {5, 2, 3, STEP_HASHES << 8, 7, 0}, .documents = 20, .lines = 21, .content = 99, .shard_size = 1,
    .shard_time = 2};
static const size_t counts[] = {0, 3, 7000, 1}; /* of the first sections; the rest have none */

static const char *path_of(const char *name) {
  static struct buffer path;
  buffer_clear(&path);
  buffer_printf(&path, "%s/%s", tap_folder(), name);
  return buffer_string(&path);
}

static void fill(char *record, size_t section, size_t i, size_t size) {
  for (size_t k = 0; k < size; k++) record[k] = (char)(section * 31 + i * 7 + k);
}

static void write_sketch(void) {
  struct step_writer *w;
  struct err e;
  char record[64];
  ok_int(step_writer_open(&w, path_of("a.sketch"), STEP_SKETCH, &header, "the shard", &e), 0, "a sketch is opened");
  for (size_t s = 0; s < sizeof counts / sizeof *counts; s++) {
    for (size_t i = 0; i < counts[s]; i++) {
      fill(record, s, i, STEP_KEY_RECORD);
      if (step_writer_add(w, record, 1, &e) != 0) break;
    }
    step_writer_end_section(w);
  }
  ok(access(path_of("a.sketch"), F_OK) != 0, "it has no name before it is whole");
  ok_int(step_writer_commit(w, &e), 0, "and is committed with sections that nothing was added to");
}

static void read_sketch(void) {
  struct step_file *f;
  struct err e;
  char want[64];
  ok_int(step_file_open(&f, path_of("a.sketch"), STEP_SKETCH, &e), 0, "it is read");
  ok(memcmp(step_file_header(f), &header, sizeof header) == 0 && strcmp(step_file_name(f), "the shard") == 0, "with its header and name");
  bool same = true;
  for (size_t s = 0; s < 33; s++) {
    size_t count = s < sizeof counts / sizeof *counts ? counts[s] : 0, at = 0, n;
    const void *records;
    int more;
    same &= step_file_count(f, s) == count && step_file_start(f, s, &e) == 0;
    while ((more = step_file_next(f, &records, &n, &e)) > 0)
      for (size_t i = 0; i < n; i++, at++) {
        fill(want, s, at, STEP_KEY_RECORD);
        same &= memcmp((const char *)records + i * STEP_KEY_RECORD, want, STEP_KEY_RECORD) == 0;
      }
    same &= more == 0 && at == count;
  }
  ok(same, "and its sections, of more than one block too");
  fill(want, 2, 6543, STEP_KEY_RECORD);
  char record[64];
  ok(step_file_record(f, 2, 6543, record, &e) == 0 && memcmp(record, want, STEP_KEY_RECORD) == 0, "a record is read alone");
  ok(step_file_record(f, 2, 7000, record, &e) != 0 && step_file_start(f, 33, &e) != 0, "one that is not there is an error");
  ok_int((int64_t)step_file_record_size(f, 32), (int64_t)signature_record_size(&header.parameters), "the last section is for signatures");
  step_file_close(f);
}

/* Whether everything of the file reads. */
static bool reads(const char *path) {
  struct step_file *f;
  struct err e;
  if (step_file_open(&f, path, STEP_SKETCH, &e) != 0) {
    if (!strstr(e.message, path)) return true; /* the message must name the file */
    return false;
  }
  bool fine = true;
  for (size_t s = 0; s < 33 && fine; s++) {
    const void *records;
    size_t n;
    int more = step_file_start(f, s, &e);
    while (more == 0 && (more = step_file_next(f, &records, &n, &e)) > 0) more = 0;
    if (more < 0) fine = false;
    if (step_file_count(f, s) && fine && step_file_start(f, s, &e) == 0) {
      while ((more = step_file_next(f, &records, &n, &e)) > 0) continue;
      fine = more == 0;
    }
  }
  step_file_close(f);
  return fine;
}

static void changes(void) {
  struct buffer whole = {0};
  struct err e;
  ok_int(input_read_all(path_of("a.sketch"), &whole, &e), 0, "the bytes of the file");
  size_t passed = 0, tried = 0;
  for (size_t i = 0; i < whole.len; i += i < 400 || i + 700 > whole.len ? 1 : 997) {
    whole.data[i] ^= 1 << i % 8;
    output_file(path_of("changed"), whole.data, whole.len, &e);
    whole.data[i] ^= 1 << i % 8;
    passed += reads(path_of("changed"));
    tried++;
  }
  ok(passed == 0, "a changed bit is noticed, whichever of %zu", tried);
  passed = tried = 0;
  for (size_t n = 0; n < whole.len; n += n < 200 || n + 100 > whole.len ? 1 : 1009) {
    output_file(path_of("cut"), whole.data, n, &e);
    passed += reads(path_of("cut"));
    tried++;
  }
  ok(passed == 0, "a file cut short is noticed, wherever, at %zu places", tried);
  buffer_put(&whole, 0);
  output_file(path_of("longer"), whole.data, whole.len, &e);
  ok(!reads(path_of("longer")), "as is a byte more");
  struct step_file *f;
  ok(step_file_open(&f, path_of("a.sketch"), STEP_MATCH, &e) != 0 && strstr(e.message, "is a sketch, not a match"), "another kind is refused: %s", e.message);
  ok(step_file_open(&f, tap_folder(), STEP_MATCH, &e) != 0, "a folder is refused: %s", e.message);
  ok(step_file_open(&f, path_of("nothing"), STEP_MATCH, &e) != 0, "a file that is not there is refused: %s", e.message);
  buffer_release(&whole);
}

static void aborts(void) {
  struct step_writer *w;
  struct err e;
  ok(step_writer_open(&w, path_of("no/such/folder"), STEP_MATCH, &header, "", &e) != 0 && w == NULL, "a folder that is not there: %s", e.message);
  if (step_writer_open(&w, path_of("aborted"), STEP_MATCH, &header, "", &e) == 0) step_writer_abort(w);
  step_writer_abort(NULL);
  ok(access(path_of("aborted"), F_OK) != 0, "what is aborted leaves nothing");
}

int main(void) {
  write_sketch();
  read_sketch();
  changes();
  aborts();
  return tap_done();
}
