/* SPDX-License-Identifier: MIT
 *
 * The loss functions of fastText's classifiers (src/loss.cc of version 0.9.2), each as a list of rows of the output
 * matrix and how far they move along the hidden vector h.  With s = sigmoid, rate the learning rate:
 *
 *   softmax       every label l          rate ([l is the label] - softmax(O h)_l)
 *   ova           every label l          rate ([l is a label] - s(O_l h))
 *   ns            the label              rate (1 - s(O_l h))
 *                 `neg` others, drawn    rate (0 - s(O_l h))
 *                 by the root of their texts
 *   hs            inner nodes on the     rate ([the way goes right] - s(O_node h))
 *                 label's way to the
 *                 root of the Huffman
 *                 tree of the labels
 *
 * Of several labels ova takes all, the others one at random.
 */
#ifndef QFILTER_TRAIN_LOSS_H
#define QFILTER_TRAIN_LOSS_H

#include "common/text/fasttext.h"

struct target {
  int32_t row; /* of the output matrix */
  float step;
};

struct loss;
struct loss *loss_new(const struct fasttext *m); /* m: indexed, with its labels' counts */
void loss_free(struct loss *loss);
size_t loss_most_targets(const struct loss *loss);

/* `output`: the output matrix, m->output or a copy.  Targets of a text into to[loss_most_targets()]; returns how many.  label_count >= 1; `random` decides what is random.
 * *value is the loss. */
size_t loss_targets(const struct loss *loss, const float *output, const float *hidden, const uint32_t *labels, size_t label_count, float rate, uint64_t random, struct target *to, float *value);

#endif
