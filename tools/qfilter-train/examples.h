/* SPDX-License-Identifier: MIT
 *
 * The training texts as the trainer reads them, epoch after epoch: labels and rows of the input matrix.
 *
 * Rows fall into EXAMPLE_PARTS parts (row % EXAMPLE_PARTS), of which a thread owns some.  Without character n-grams the
 * rows of a text are looked up once and kept in a spool, ordered by part and row, so that equal rows stand together;
 * with them they would take ten times the text's space, and texts are read again each time.
 */
#ifndef QFILTER_TRAIN_EXAMPLES_H
#define QFILTER_TRAIN_EXAMPLES_H

#include "common/text/fasttext.h"
#include "tools/qfilter-train/corpus.h"

enum { EXAMPLE_PARTS = 32, EXAMPLE_LARGE = 512 /* rows from which on several threads sum a text's rows */ };

struct examples {
  const struct fasttext *m;
  const struct corpus *corpus;
  int32_t *label_map; /* [corpus->label_count]: index in the model, -1 when it was left out */
  bool kept;
  uint64_t *place;    /* [count] spool << 48 | offset, or the offset in the corpus's spool */
  size_t count;
  struct spool *spools; /* [spool_count] */
  int spool_count;
};

struct example { /* zero to start; may be used again, with the same examples */
  const uint32_t *labels; /* indices in the model */
  size_t label_count;
  const uint32_t *ids;    /* rows, some several times; in the order in which they are summed when not large */
  size_t count;
  const uint32_t *by_part, *starts; /* the rows of part p: by_part[starts[p] .. starts[p + 1]); NULL before example_split() */
  uint32_t own_starts[EXAMPLE_PARTS + 1];
  struct fasttext_line line;
  uint32_t *room, *label_room;
  size_t room_capacity, label_capacity;
};

/* Index in m of each of c's labels, -1 where m lacks it: [c->label_count], to be freed. */
int32_t *examples_label_map(const struct fasttext *m, const struct corpus *c);

/* Texts whose labels were all left out, and texts without a row, are left out. */
int examples_new(struct examples *x, const struct fasttext *m, const struct corpus *c, int jobs, const char *folder, struct err *e);
void examples_release(struct examples *x);

/* About how many rows the example at `place` has, without reading them. */
size_t examples_size(const struct examples *x, uint64_t place);
/* Its first label: an index in the model. */
uint32_t examples_label(const struct examples *x, uint64_t place);
/* `by_part` too when it is kept and large. */
void example_read(const struct examples *x, uint64_t place, struct example *to);
static inline bool example_large(const struct example *e) { return e->count >= EXAMPLE_LARGE; }
void example_split(const struct examples *x, struct example *e);
void example_release(struct example *e);

#endif
