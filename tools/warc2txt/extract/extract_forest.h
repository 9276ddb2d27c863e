/* SPDX-License-Identifier: MIT
 *
 * A forest of small trees over float inputs, evaluated for many rows at a time.
 *
 * Each tree has at most 32 leaves, numbered from left to right.  A node says: rows with input > threshold cannot end in
 * the leaves of its left branch, whose bits are 0 in `mask`.  All nodes are visited in any order, every row keeps the
 * leaves that are left in one word, and the lowest of them is the one the row ends in (QuickScorer, Lucchese et al. 2015;
 * over rows in vector lanes: Lucchese et al. 2016).  So there is no branch and no pointer to follow, 16 rows a vector.
 * Leaf values are integers, and so are the sums: no CPU and no order gives another result.
 */
#ifndef WARC2TXT_EXTRACT_FOREST_H
#define WARC2TXT_EXTRACT_FOREST_H

#include <stddef.h>
#include <stdint.h>

enum {
  FOREST_LEAVES = 32,
  FOREST_LANES = 32,    /* rows that are evaluated together */
  FOREST_UNIT = 4096,   /* leaf values and sums are log odds times this */
};

struct forest_node {
  float threshold;
  uint32_t mask;
  uint16_t input;
};

struct forest_tree {
  uint32_t first_node;
  uint32_t first_leaf;
  uint32_t node_count;
};

struct forest {
  const struct forest_tree *trees;
  const struct forest_node *nodes;
  const int16_t *leaves;
  uint32_t tree_count;
  int32_t bias;
};

/* columns[input][FOREST_LANES]: inputs of the rows; sums[FOREST_LANES]: log odds * FOREST_UNIT. */
void forest_evaluate(const struct forest *forest, const float (*columns)[FOREST_LANES], int32_t sums[FOREST_LANES]);

#endif
