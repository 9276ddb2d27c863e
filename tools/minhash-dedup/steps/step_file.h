/* SPDX-License-Identifier: MIT
 *
 * The binary files that pass between the steps: sketches, matches, and the keys and signatures of an index.  All have one
 * frame, little-endian (crawl2lm-sketch(5)):
 *
 *     offset 0     8  "\x89C2Lstep"
 *            8     4  version, 1
 *           12     4  kind
 *           16   128  sixteen 64-bit words: struct step_header, the rest 0
 *          144     8  length of the name
 *          152     n  name
 *                     sections: arrays of records of one size, one after the other
 *            T  16 S  of each section: records, XXH3-64 of their bytes
 *                 8  T
 *                 8  S
 *                 8  XXH3-64 of everything but the sections: the bytes before them, and those from T to here
 *                 8  "C2L-END\n"
 *
 * A reader believes no length that the file's own does not bear out; a section's records count once its hash was right,
 * at the end of reading it.  A writer's file appears whole or not at all.
 */
#ifndef MINHASH_DEDUP_STEPS_STEP_FILE_H
#define MINHASH_DEDUP_STEPS_STEP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

enum step_kind { STEP_SKETCH = 1, STEP_MATCH, STEP_KEYS, STEP_SIGNATURES };

enum {
  STEP_RANGE_BITS = 4,
  STEP_RANGES = 1 << STEP_RANGE_BITS, /* parts of a band: the upper bits of the key */
  STEP_KEY_RECORD = 12,               /* key, document: 64 and 32 bits, big-endian, so that they sort as bytes */
  STEP_MATCH_RECORD = 8,
  STEP_HASHES = 1, /* version of shingles, signatures and keys, another one when these change for the same text */
};

struct parameters { /* what must be the same for keys to be comparable */
  uint64_t ngram, bands, rows;
  uint64_t hashes; /* STEP_HASHES x 256 + enum signature_kind */
  uint64_t seed, max_document;
};

struct step_header {
  struct parameters parameters;
  uint64_t documents, lines; /* of the shard, or of all shards */
  uint64_t content;          /* sketch: XXH3-64 of the shard's lines */
  uint64_t shard_size, shard_time; /* sketch: bytes and modification time (ns) of the shard's file */
  uint64_t band, range;      /* match, keys */
  uint64_t identity;         /* of the collection that it was made from */
  uint64_t reserved[2];
};

int parameters_check(const struct parameters *p, struct err *e); /* values that options allow */

/* A match's records: 64-bit words.  A document's number, with BUCKET in front of the first of each bucket; or EARLIER and the
 * number of a document that an earlier index has, then a word index (16 bits), equal places of the signature (16), number there (32). */
#define MATCH_BUCKET ((uint64_t)1 << 63)
#define MATCH_EARLIER ((uint64_t)1 << 62)
#define MATCH_NUMBER (MATCH_EARLIER - 1)

/* "FOLDER/band-0003-range-05.SUFFIX" of unit 53: a band's range of keys. */
void step_unit_path(struct buffer *out, const char *folder, uint64_t unit, const char *suffix);

/* ---- writing */

struct step_writer;

int step_writer_open(struct step_writer **w, const char *path, enum step_kind kind, const struct step_header *header, const char *name, struct err *e);
int step_writer_add(struct step_writer *w, const void *records, size_t n, struct err *e); /* to the section at hand */
void step_writer_end_section(struct step_writer *w);
/* Both free w (NULL is fine). */
int step_writer_commit(struct step_writer *w, struct err *e);
void step_writer_abort(struct step_writer *w);

/* ---- reading */

struct step_file;

int step_file_open(struct step_file **f, const char *path, enum step_kind kind, struct err *e);
void step_file_close(struct step_file *f); /* NULL is fine */
const struct step_header *step_file_header(const struct step_file *f);
const char *step_file_name(const struct step_file *f); /* in the header */
const char *step_file_path(const struct step_file *f);
uint64_t step_file_count(const struct step_file *f, size_t section);
size_t step_file_record_size(const struct step_file *f, size_t section);

/* Goes through a section's records in blocks: 1 with *records and *n, 0 at the end, the hash being right, -1. */
int step_file_start(struct step_file *f, size_t section, struct err *e);
int step_file_next(struct step_file *f, const void **records, size_t *n, struct err *e);
/* One record, with nothing to show that it is sound. */
int step_file_record(struct step_file *f, size_t section, uint64_t index, void *record, struct err *e);

#endif
