/* SPDX-License-Identifier: MIT
 *
 * Fields of the tab-separated tables that are written.
 */
#ifndef FIT_SCALING_FIELDS_H
#define FIT_SCALING_FIELDS_H

#include "common/base/buffer.h"

/* With tabs between them; what is not finite is an empty field. */
void fields_numbers(struct buffer *out, const double values[], int count);

/* Text from elsewhere as one field: control characters become spaces. */
void fields_text(struct buffer *out, const char *text);

#endif
