/* SPDX-License-Identifier: MIT
 *
 * The smallest area that holds a share of points: where a kernel estimate of their density is highest (Hyndman 1996).
 */
#ifndef FIT_SCALING_DENSITY_H
#define FIT_SCALING_DENSITY_H

#include <stddef.h>

#include "common/base/buffer.h"

/* Draws its outline as one path; x, y in pixels, points that are not finite are left out. */
void density_contour(struct buffer *out, const char *class, const double *x, const double *y, size_t n, double share);

#endif
