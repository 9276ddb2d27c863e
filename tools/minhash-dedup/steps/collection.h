/* SPDX-License-Identifier: MIT
 *
 * The shards that are deduplicated together, in the order of their names (bytes): a document's number is the number of
 * lines of the shards before its own and its line there, from 0.  So numbers, and with them the results, do not depend
 * on the order in which files were named.
 *
 * As text it ends every cluster list, and is all of a match folder's `inputs.tsv`:
 *
 *     cluster_id kept_id id jaccard shard line                          tabs between, as in all lines
 *     ...                                                               a row for each removed document, by shard and line
 *     #parameters ngram bands rows hashes seed max_document verify
 *     #earlier    NAME IDENTITY                                         of each earlier index
 *     #shard      NAME lines documents CONTENT offset rows HASH SKETCH  rows: where they are and their XXH3-64; its sketch's path
 *     #end        OFFSET HASH                                           of the first #parameters; XXH3-64 from there to here
 *
 * Hashes, OFFSET and IDENTITY have sixteen hexadecimal digits.
 */
#ifndef MINHASH_DEDUP_STEPS_COLLECTION_H
#define MINHASH_DEDUP_STEPS_COLLECTION_H

#include "common/base/buffer.h"
#include "common/io/output.h"
#include "tools/minhash-dedup/steps/step_file.h"

struct shard {
  char *name;
  char *sketch; /* path */
  uint64_t lines, documents, content;
  uint64_t first;              /* number of its first document */
  uint64_t offset, rows, hash; /* cluster list: first byte of its rows, how many, XXH3-64 of their bytes */
};

struct earlier_index {
  char *name;
  uint64_t identity;
};

struct collection { /* zero to start; collection_release() */
  struct parameters parameters;
  double verify;
  struct shard *shards;
  size_t count, capacity;
  struct earlier_index *earlier;
  size_t earlier_count, earlier_capacity;
  uint64_t documents, lines;
};

void collection_release(struct collection *c);
void collection_add_earlier(struct collection *c, const char *name, uint64_t identity);

/* Operands are sketches or folders of them; verify and earlier indexes are left as they are. */
int collection_from_sketches(struct collection *c, char *const *operands, int count, struct err *e);
const struct shard *collection_shard(const struct collection *c, struct slice name); /* NULL: none */
const struct shard *collection_shard_of(const struct collection *c, uint64_t document);

/* Appends the text from `#parameters` to `#end`, which starts at `offset` of its file. */
void collection_text(const struct collection *c, uint64_t offset, struct buffer *out);
/* XXH3-64 of that text without rows and paths of sketches: what matches and an index were made from. */
uint64_t collection_identity(const struct collection *c);

/* Reads the text at the end of a file; *rows is where it starts. */
int collection_read(struct collection *c, const char *path, uint64_t *rows, struct err *e);
extern const char collection_columns[]; /* the first line */

#endif
