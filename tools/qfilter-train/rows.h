/* SPDX-License-Identifier: MIT
 *
 * Sums over rows of a matrix [rows][dim] that are named by number: what training spends its time on.
 *
 * A number that stands n times in a row is taken once, times n.  Elements never meet each other in rows_add(),
 * rows_update() and rows_add_scaled(), products are rounded before they are added, and rows_dot() always adds up
 * sixteen lanes, so the bits are the same at every simd_level().
 */
#ifndef QFILTER_TRAIN_ROWS_H
#define QFILTER_TRAIN_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* sum[dim] += the rows, in order.  Numbers that come later stand in ids[count .. known): their rows are asked for. */
void rows_add(const float *matrix, size_t dim, const uint32_t *ids, size_t count, size_t known, float *sum);
/* Every row += step[dim]. */
void rows_update(float *matrix, size_t dim, const uint32_t *ids, size_t count, size_t known, const float *step);
/* to[dim] += factor * from. */
void rows_add_scaled(float *to, const float *from, size_t dim, float factor);
float rows_dot(const float *a, const float *b, size_t dim);

#endif
