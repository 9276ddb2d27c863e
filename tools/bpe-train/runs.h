/* SPDX-License-Identifier: MIT
 *
 * Sorted runs of (piece, count) in unnamed scratch files, and their merge.
 *
 * A run is a row of blocks; a block is a header of 16 bytes (u64 XXH3 of the payload, seeded with the block's offset in the file;
 * u32 length of the payload, at most RUN_BLOCK; u32 0) and its payload.  The payloads of a run together are its records:
 *     varint bytes shared with the piece before | varint further bytes | those | varint count
 * in rising order of the pieces (memcmp, the shorter first), each piece once.  Integers are little-endian, varints LEB128.  A file holds
 * many runs one after the other; what a merge has read is given back to the file system (holes), so that disk use stays near the
 * size of the runs.
 */
#ifndef BPE_TRAIN_RUNS_H
#define BPE_TRAIN_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

enum { RUN_BLOCK = 32 << 10 };

struct run {
  uint64_t begin, end; /* offsets in its file */
  int file;            /* which */
};

struct runs {          /* zero but for `folder` to start */
  const char *folder;  /* of the scratch files; NULL: $TMPDIR, else /tmp */
  struct run *items;
  size_t count, capacity;
  int *files;          /* descriptors */
  uint64_t *sizes;
  int file_count;
  uint64_t written;    /* bytes, merges too */
};

void runs_release(struct runs *r); /* closes and frees */
/* Takes the runs and files of `from`, which is left empty. */
void runs_take(struct runs *r, struct runs *from);

struct run_writer {    /* zero to start, free with run_writer_release(); one run at a time, of the last file */
  struct buffer block, piece;
  uint64_t begin;
};

int run_begin(struct run_writer *w, struct runs *r, struct err *e);
int run_put(struct run_writer *w, struct runs *r, struct slice piece, uint64_t count, struct err *e);
int run_end(struct run_writer *w, struct runs *r, struct err *e);
void run_writer_release(struct run_writer *w);

struct run_reader {
  const struct runs *runs;
  struct run run;
  uint64_t at;         /* in the file: the next block */
  uint64_t punched;    /* given back up to here */
  bool once;           /* what is read will not be read again */
  struct buffer block; /* header and payload */
  size_t cursor;
  struct buffer piece; /* the piece run_next() found */
  uint64_t count;
};

void run_open(struct run_reader *r, const struct runs *runs, struct run run, bool once);
int run_next(struct run_reader *r, struct err *e); /* 1, 0 at the end, -1: cannot be read, or damaged */
void run_close(struct run_reader *r);

/* Merges all runs into one, counts of equal pieces added, within `memory` bytes (but two runs' blocks at least): as many at a time as
 * fit, in several rounds if need be.  *distinct and *bytes: pieces in it, and the sum of their lengths. */
int runs_merge(struct runs *r, size_t memory, uint64_t *distinct, uint64_t *bytes, struct err *e);

#endif
