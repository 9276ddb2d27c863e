/* SPDX-License-Identifier: MIT
 *
 * Labelled texts for the trainer.  The input is read once; labels, texts and the counts of words come out of it, the
 * texts in a spool, so memory holds the vocabulary and eight bytes a text.
 */
#ifndef QFILTER_TRAIN_CORPUS_H
#define QFILTER_TRAIN_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/hashmap.h"
#include "common/io/program.h"
#include "tools/qfilter-train/spool.h"

struct corpus_text { /* a piece, or a text held out */
  const uint32_t *labels; /* indices */
  size_t label_count;
  struct slice text;
};

struct corpus {
  struct hashmap *labels;         /* with __label__ -> index, in order of appearance */
  uint64_t *label_texts;          /* [label_count] training texts */
  size_t label_count, label_capacity;
  struct hashmap *words;          /* -> count in the training texts */
  uint64_t tokens;                /* words, ends of line and labels of the training texts, as fastText counts them */
  uint64_t *train, *test;         /* offsets in the spool: of pieces of training texts, of texts held out */
  size_t train_count, test_count, train_capacity, test_capacity;
  uint64_t in, bad, pruned_below; /* pruned_below: words rarer than this may be missing, 0: none are */
  struct spool spool;
};

struct corpus_options {
  double test_fraction; /* of the texts, chosen by a hash of seed and text: equal texts are on the same side */
  uint64_t seed;
  int64_t piece; /* longer training texts are cut into pieces of about so many bytes; 0: only those beyond CORPUS_PIECE */
};

enum { CORPUS_PIECE = 1 << 20 };

/* Reads the inputs (none: stdin).  A line is labels, a tab and a text, or a text after labels that start
 * with __label__; spaces stand between labels. */
int corpus_read(struct corpus *c, struct program *p, char *const *inputs, int input_count, const struct corpus_options *options, struct err *e);
struct corpus_text corpus_text(const struct corpus *c, uint64_t offset);
void corpus_release(struct corpus *c);

#endif
