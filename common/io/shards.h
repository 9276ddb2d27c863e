/* SPDX-License-Identifier: MIT
 *
 * Token shards, llm.c's .bin with words of ours in its header (crawl2lm-shards(5)):
 *   256 little-endian int32, then the tokens.
 *   [0] magic 20240520 with [1] = 1: uint16 tokens; 20240801 with [1] = 7: uint32
 *   [2] number of tokens if below 2^31, else 0
 *   [3] 0x6332: the words below are ours; otherwise they are ignored (plain llm.c)
 *   [4..5] number of tokens   [6] vocabulary size   [7] end-of-text id or -1
 *   [8..9] tokenizer hash     [10..11] XXH3-64 of the token bytes   (64-bit words, low half first)
 * On a pipe [2], [4..5] and [10..11] stay 0 and the tokens go to the end of the file.
 */
#ifndef IO_SHARDS_H
#define IO_SHARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

struct shard_header {
  int token_bytes;         /* 2 or 4 */
  int64_t count;           /* -1: unknown, to the end of the file */
  bool ours;               /* [3] was 0x6332: the fields below hold */
  int32_t vocabulary_size;
  int32_t end_of_text;     /* -1: none */
  uint64_t tokenizer_hash;
  uint64_t data_hash;      /* 0: not recorded */
};

/* ---- writing */
struct shard_writer;

/* path NULL or "-": stdout; flags as output_open().  It appears whole, at commit. */
int shard_writer_open(struct shard_writer **w, const char *path, const struct shard_header *header, unsigned flags, struct err *e);
int shard_writer_put(struct shard_writer *w, const uint32_t *ids, size_t n, struct err *e);
int64_t shard_writer_count(const struct shard_writer *w);
/* Both free w.  *written, unless NULL, gets the final header: count and hash. */
int shard_writer_commit(struct shard_writer *w, struct shard_header *written, struct err *e);
void shard_writer_abort(struct shard_writer *w);

/* ---- reading as a stream (file, "-", URL, compressed) */
struct shard_reader;

int shard_reader_open(struct shard_reader **r, const char *name, struct err *e);
const struct shard_header *shard_reader_header(const struct shard_reader *r);
/* Up to n ids; 0 at the end, -1 (truncated, trailing bytes, id outside the vocabulary, hash mismatch at the end). */
int64_t shard_reader_read(struct shard_reader *r, uint32_t *ids, size_t n, struct err *e);
void shard_reader_close(struct shard_reader *r);

/* ---- reading at random (regular files only; pread, so memory does not grow with the file) */
struct shard_file;

int shard_file_open(struct shard_file **f, const char *path, struct err *e);
const struct shard_header *shard_file_header(const struct shard_file *f); /* count is known */
int shard_file_read(const struct shard_file *f, int64_t from, size_t n, uint32_t *ids, struct err *e); /* from + n <= count; thread-safe */
void shard_file_close(struct shard_file *f);

#endif
