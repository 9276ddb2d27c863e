/* SPDX-License-Identifier: MIT
 *
 * How products of MATMUL_FP8 are made on a GPU (fp8.cuh); for tests and measurements, others take what is set.
 */
#ifndef KERNELS_FP8_H
#define KERNELS_FP8_H

#include <stdint.h>

enum fp8_scales { FP8_SCALES_BLOCKS, FP8_SCALES_MATRIX }; /* one a block of 128, where the library has such products; one a matrix */

/* `least`: the share of the work per byte (fp8.cuh) below which a product stays in bfloat16; 1 as set, 0: every product that can */
void fp8_choose(enum fp8_scales scales, double least);
/* Products so far for which blocks were to be taken and the library had none: they have one scale a matrix. */
int64_t fp8_without_blocks(void);

#endif
