/* SPDX-License-Identifier: MIT
 *
 * Sketches, matches, keys and signatures: the bytes as they are, then with magic, version, kind and checksum of the frame put
 * right, so that lengths and sections are what is tried.
 */
#include "tools/minhash-dedup/steps/step_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "common/base/memory.h"
#include "tools/minhash-dedup/steps/signature_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *put(const void *data, size_t size) {
  static int fd = -1;
  static char path[64];
  if (fd < 0) {
    fd = memfd_create("fuzz", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size) abort();
  return path;
}

static void read_file(const char *path, enum step_kind kind) {
  struct step_file *f;
  struct err e;
  if (step_file_open(&f, path, kind, &e) != 0) return;
  const struct parameters *p = &step_file_header(f)->parameters;
  size_t sections = kind == STEP_SKETCH ? (size_t)p->bands * STEP_RANGES + 1 : 1;
  for (size_t s = 0; s < sections; s += 1 + s / 40) {
    const void *records;
    size_t n, size = step_file_record_size(f, s);
    uint64_t total = 0;
    int more = step_file_start(f, s, &e);
    while (more == 0 && (more = step_file_next(f, &records, &n, &e)) > 0) {
      volatile unsigned char last = ((const unsigned char *)records)[n * size - 1];
      (void)last;
      total += n;
      more = 0;
    }
    if (total != step_file_count(f, s)) abort();
    unsigned char *record = MALLOC(size);
    if (step_file_record(f, s, total, record, &e) == 0) abort();
    if (total && step_file_record(f, s, total - 1, record, &e) != 0) abort();
    if (total && size == signature_record_size(p)) signature_record_equal(p, record, record);
    free(record);
  }
  if (step_file_start(f, sections, &e) == 0) abort();
  step_file_close(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  enum { FIXED = 152, FOOTER = 32 };
  for (int kind = STEP_SKETCH; kind <= STEP_SIGNATURES; kind++) read_file(put(data, size), (enum step_kind)kind);
  if (size < FIXED + FOOTER) return 0;
  unsigned char *copy = COPY(data, size);
  uint32_t words[2] = {1, data[12] % 4 + 1u};
  uint64_t length, tail[2];
  memcpy(copy, "\x89" "C2Lstep", 8);
  memcpy(copy + 8, words, 8);
  memcpy(copy + size - 8, "C2L-END\n", 8);
  memcpy(&length, copy + FIXED - 8, 8);
  memcpy(tail, copy + size - FOOTER, 16);
  if (data[13] & 1) { /* small parameters, and a table where it belongs */
    uint64_t parameters[3] = {5, data[14] % 4u, data[15] % 4u}, sections = words[1] == STEP_SKETCH ? parameters[1] * STEP_RANGES + 1 : 1;
    memcpy(copy + 16, parameters, sizeof parameters);
    if (size >= FIXED + FOOTER + 16 * sections) {
      tail[0] = size - FOOTER - 16 * sections;
      tail[1] = sections;
      memcpy(copy + size - FOOTER, tail, 16);
      length %= tail[0] - FIXED + 1;
      memcpy(copy + FIXED - 8, &length, 8);
    }
  }
  if (length <= size && FIXED + length <= tail[0] && tail[0] <= size - FOOTER) {
    XXH3_state_t *state = XXH3_createState();
    XXH3_64bits_reset(state);
    XXH3_64bits_update(state, copy, FIXED + length);
    XXH3_64bits_update(state, copy + tail[0], size - 16 - tail[0]);
    uint64_t hash = XXH3_64bits_digest(state);
    memcpy(copy + size - 16, &hash, 8);
    XXH3_freeState(state);
  }
  read_file(put(copy, size), (enum step_kind)words[1]);
  free(copy);
  return 0;
}
