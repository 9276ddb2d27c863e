/* SPDX-License-Identifier: MIT
 *
 * Labelled texts for the trainer.  The input is read once; labels, texts and the counts of words come out of it, the
 * texts in an unnamed scratch file that is mapped, so memory holds the vocabulary and eight bytes a text.
 */
#ifndef QFILTER_TRAIN_CORPUS_H
#define QFILTER_TRAIN_CORPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/hashmap.h"
#include "common/io/program.h"

struct corpus_text { /* a piece, or a text held out */
  uint32_t label; /* index */
  struct slice text;
};

struct corpus {
  struct hashmap *labels;         /* with __label__ -> index, in order of appearance */
  uint64_t *label_texts;          /* [label_count] training texts */
  size_t label_count, label_capacity;
  struct hashmap *words;          /* -> count in the training texts */
  uint64_t tokens;                /* words, ends of line and labels of the training texts, as fastText counts them */
  uint64_t *train, *test;         /* offsets in the scratch file: of pieces of training texts, of texts held out */
  size_t train_count, test_count, train_capacity, test_capacity;
  uint64_t in, bad, pruned_below; /* pruned_below: words rarer than this may be missing, 0: none are */
  const char *data;               /* the mapped scratch file */
  size_t size;
};

struct corpus_options {
  double test_fraction; /* of the texts, chosen by a hash of seed and position */
  uint64_t seed;
  int64_t piece; /* longer training texts are cut into pieces of about so many bytes; 0: they are not */
};

int corpus_read(struct corpus *c, struct program *p, const struct corpus_options *options, struct err *e);
struct corpus_text corpus_text(const struct corpus *c, uint64_t offset);
void corpus_release(struct corpus *c);

#endif
