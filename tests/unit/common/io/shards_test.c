/* SPDX-License-Identifier: MIT */
#include "common/io/shards.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/simd.h"
#include "tests/tap.h"

static char path[600];

static const char *in_folder(char *to, const char *name) {
  snprintf(to, 600, "%s/%s", tap_folder(), name);
  return to;
}

static struct shard_header header(int width) {
  return (struct shard_header){.token_bytes = width, .vocabulary_size = 50257, .end_of_text = 50256, .tokenizer_hash = 0x0123456789ABCDEF};
}

static int write_shard(const char *to, int width, size_t n) {
  struct shard_writer *w;
  struct shard_header h = header(width);
  struct err e;
  if (shard_writer_open(&w, to, &h, 0, &e)) return -1;
  for (size_t i = 0; i < n; i++) {
    uint32_t id = (uint32_t)(i * 7919 % 50257);
    if (shard_writer_put(w, &id, 1, &e)) return -1;
  }
  if (shard_writer_count(w) != (int64_t)n) return -1;
  return shard_writer_commit(w, NULL, &e);
}

static int64_t read_all(const char *from, struct err *e, bool *right) {
  struct shard_reader *r;
  uint32_t ids[1000];
  int64_t total = 0, n;
  *right = true;
  if (shard_reader_open(&r, from, e)) return -1;
  while ((n = shard_reader_read(r, ids, 1000, e)) > 0)
    for (int64_t i = 0; i < n; i++, total++) *right = *right && ids[i] == (uint32_t)((size_t)total * 7919 % 50257);
  shard_reader_close(r);
  return n < 0 ? -1 : total;
}

/* Changes one 32-bit word, or cuts (offset < 0: to -offset bytes), or appends a byte (offset 1 << 30). */
static void damage(const char *file, long offset, uint32_t word) {
  if (offset < 0) {
    if (truncate(file, -offset)) note("truncate");
    return;
  }
  int fd = open(file, O_WRONLY | (offset == 1 << 30 ? O_APPEND : 0));
  ssize_t n = offset == 1 << 30 ? write(fd, "x", 1) : pwrite(fd, &word, 4, offset);
  if (n <= 0) note("write");
  close(fd);
}

static void refuses(long offset, uint32_t word, const char *want, bool opens, const char *name) {
  struct err e = {0};
  bool right;
  in_folder(path, "damaged.bin");
  write_shard(path, 2, 3000);
  damage(path, offset, word);
  ok(read_all(path, &e, &right) == -1 && strstr(e.message, want), "%s, read as a stream: %s", name, e.message);
  struct shard_file *f;
  struct err e2 = {0};
  int status = shard_file_open(&f, path, &e2);
  ok(opens ? status == 0 : status == -1 && strstr(e2.message, want), "%s, read at random: %s", name, e2.message);
  if (status == 0) shard_file_close(f);
}

static void test_one(int width) {
  struct err e = {0};
  bool right;
  unsigned char bytes[48];
  in_folder(path, width == 2 ? "u16.bin" : "u32.bin");
  ok(write_shard(path, width, 3000) == 0, "3,000 tokens of %d bytes are written", width);
  struct stat s;
  stat(path, &s);
  ok_int(s.st_size, 1024 + 3000 * width, "the file is header and tokens");
  int fd = open(path, O_RDONLY);
  uint32_t words[12] = {0};
  ok(read(fd, bytes, 48) == 48, "the header is there");
  memcpy(words, bytes, 48);
  close(fd);
  ok(words[0] == (width == 2 ? 20240520 : 20240801) && words[1] == (width == 2 ? 1 : 7) && words[2] == 3000 && words[3] == 0x6332, "magic, version, count, our mark");
  ok(words[4] == 3000 && words[5] == 0 && words[6] == 50257 && words[7] == 50256 && words[8] == 0x89ABCDEF && words[9] == 0x01234567 && (words[10] | words[11]), "count, vocabulary, end-of-text, hashes");
  ok(read_all(path, &e, &right) == 3000 && right, "the tokens are read back %s", e.message);
  struct shard_file *f = NULL;
  ok(shard_file_open(&f, path, &e) == 0 && shard_file_header(f)->count == 3000 && shard_file_header(f)->ours, "it opens for reading at random");
  uint32_t ids[700];
  ok(shard_file_read(f, 2300, 700, ids, &e) == 0 && ids[0] == 2300 * 7919 % 50257 && ids[699] == 2999 * 7919 % 50257, "any tokens are read");
  ok(shard_file_read(f, 2301, 700, ids, &e) == -1, "none beyond the last: %s", e.message);
  shard_file_close(f);
}

static void test_written(void) {
  struct err e = {0};
  struct shard_writer *w = NULL;
  struct shard_header h = header(2), written = {0};
  in_folder(path, "a.bin");
  ok(shard_writer_open(&w, path, &h, 0, &e) == 0 && shard_writer_put(w, &(uint32_t){65536}, 1, &e) == -1, "an id that does not fit is an error: %s", e.message);
  shard_writer_abort(w);
  ok(access(path, F_OK) != 0, "an aborted shard leaves nothing");
  ok(shard_writer_open(&w, path, &h, 0, &e) == 0 && shard_writer_put(w, (uint32_t[]){1, 2, 3}, 3, &e) == 0 && shard_writer_commit(w, &written, &e) == 0, "a shard of three tokens");
  struct shard_reader *r = NULL;
  ok(shard_reader_open(&r, path, &e) == 0 && written.count == 3 && written.data_hash && shard_reader_header(r)->data_hash == written.data_hash && shard_reader_header(r)->count == 3, "its writer tells count and hash");
  shard_reader_close(r);
  ok(shard_writer_open(&w, "/dev/full", &h, 0, &e) == 0 && shard_writer_commit(w, NULL, &e) == -1 && strstr(e.message, "No space left"), "a full disk is an error: %s", e.message);
}

static void test_plain(void) {
  struct err e = {0};
  bool right;
  struct shard_reader *r;
  in_folder(path, "plain.bin");
  write_shard(path, 2, 100);
  damage(path, 12, 0);
  damage(path, 24, 5);
  ok(shard_reader_open(&r, path, &e) == 0 && !shard_reader_header(r)->ours && shard_reader_header(r)->count == 100 && shard_reader_header(r)->end_of_text == -1, "llm.c's shards are read, our words ignored");
  shard_reader_close(r);
  ok(read_all(path, &e, &right) == 100 && right, "with any ids");
  write_shard(path, 2, 100);
  for (long k = 8; k <= 44; k += 4)
    if (k == 8 || k == 16 || k == 20 || k >= 40) damage(path, k, 0);
  ok(read_all(path, &e, &right) == 100 && right, "without counts, as on a pipe, the tokens go to the end");
  write_shard(path, 4, 0);
  ok(read_all(path, &e, &right) == 0, "no token at all");
}

/* Written and read in pieces of odd sizes at each level of instructions: the same bytes, the same ids, the same errors. */
static void test_levels(int width) {
  enum { N = 200001 };
  uint32_t *ids = MALLOC(N * sizeof *ids), *got = MALLOC(N * sizeof *ids);
  struct err e = {0};
  struct shard_header h = header(width), first = {0};
  h.vocabulary_size = width == 2 ? 65536 : 1 << 20;
  for (size_t i = 0; i < N; i++) ids[i] = (uint32_t)(i * 2654435761u >> 12) & ((uint32_t)h.vocabulary_size - 1);
  for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
    if (simd_force(level) != level) {
      skip("not on this CPU", "this level of instructions");
      continue;
    }
    struct shard_writer *w;
    in_folder(path, "level.bin");
    int status = shard_writer_open(&w, path, &h, 0, &e);
    size_t at = 0;
    for (size_t piece = 1; status == 0 && at < N; piece = piece * 5 % 70001 + 3) {
      size_t n = piece < N - at ? piece : N - at;
      status = shard_writer_put(w, ids + at, n, &e);
      at += n;
    }
    if (status == 0) status = shard_writer_commit(w, NULL, &e);
    struct shard_reader *r;
    int64_t n = 0, total = 0;
    if (status == 0 && shard_reader_open(&r, path, &e) == 0) {
      if (level == SIMD_SCALAR) first = *shard_reader_header(r);
      status = memcmp(&first, shard_reader_header(r), sizeof first);
      for (size_t piece = 1; (n = shard_reader_read(r, got + total, piece < (size_t)(N - total) ? piece : (size_t)(N - total) + 1, &e)) > 0; piece = piece * 7 % 9001 + 1) total += n;
      shard_reader_close(r);
    }
    ok(status == 0 && n == 0 && total == N && memcmp(ids, got, N * sizeof *ids) == 0, "%d-byte tokens, %s: written and read as a stream", width, simd_name(level));
    struct shard_file *f = NULL;
    bool right = shard_file_open(&f, path, &e) == 0;
    for (size_t k = 0; k < 200 && right; k++) {
      size_t from = k * 977, count = k * k % 2999;
      memset(got, 0xAA, 3000 * sizeof *got);
      right = shard_file_read(f, (int64_t)from, count, got, &e) == 0 && memcmp(got, ids + from, count * sizeof *ids) == 0;
      for (size_t i = count; i < 3000; i++) right = right && got[i] == 0xAAAAAAAA;
    }
    shard_file_close(f);
    ok(right, "%d-byte tokens, %s: read at random", width, simd_name(level));
    bool refused = true;
    for (size_t k = 0; k < 70 && width == 2; k++) {
      uint32_t some[70];
      memcpy(some, ids, sizeof some);
      some[k] = k % 2 ? 65536 : 0x80000001;
      char word[40];
      snprintf(word, sizeof word, "id %u ", some[k]);
      refused = refused && shard_writer_open(&w, path, &h, 0, &e) == 0 && shard_writer_put(w, some, 70, &e) == -1 && strstr(e.message, word);
      shard_writer_abort(w);
    }
    for (size_t k = 0; k < 70 && width == 4; k++) {
      uint32_t some[70];
      memcpy(some, ids, sizeof some);
      some[k] = k % 2 ? 1 << 20 : 0x80000001;
      char word[60];
      snprintf(word, sizeof word, "token %zu is %u, outside", k, some[k]);
      refused = refused && shard_writer_open(&w, path, &h, 0, &e) == 0 && shard_writer_put(w, some, 70, &e) == 0 && shard_writer_commit(w, NULL, &e) == 0 && shard_reader_open(&r, path, &e) == 0;
      refused = refused && shard_reader_read(r, got, 70, &e) == -1 && strstr(e.message, word);
      shard_reader_close(r);
    }
    ok(refused, "%d-byte tokens, %s: an id that cannot be is named, wherever it stands", width, simd_name(level));
  }
  free(ids);
  free(got);
}

int main(void) {
  test_levels(2);
  test_levels(4);
  test_one(2);
  test_one(4);
  test_written();
  test_plain();
  refuses(0, 20240521, "magic", false, "a wrong magic");
  refuses(4, 2, "version", false, "a wrong version");
  refuses(-1000, 0, "truncated", false, "half a header");
  refuses(-1025, 0, "truncated", false, "one byte of the tokens");
  refuses(-6000, 0, "truncated", false, "fewer tokens than the header says");
  refuses(1 << 30, 0, "after the last", false, "a byte too many");
  refuses(16, 2999, "two counts", false, "two counts that differ");
  refuses(20, 0x7FFFFFFF, "impossible", false, "an impossible count");
  refuses(24, 0, "vocabulary", false, "no vocabulary");
  refuses(28, 60000, "end-of-text", false, "an end-of-text outside the vocabulary");
  refuses(2000, 0xFFFF, "outside the vocabulary", true, "an id outside the vocabulary");
  refuses(2000, 0x00010002, "hash", true, "tokens changed");
  return tap_done();
}
