/* SPDX-License-Identifier: MIT */
#include "tools/fit-scaling/table/fields.h"

#include <math.h>

#include "common/base/number.h"

void fields_numbers(struct buffer *out, const double values[], int count) {
  char text[NUMBER_TEXT];
  for (int i = 0; i < count; i++) {
    if (i > 0) buffer_put(out, '\t');
    if (isfinite(values[i])) buffer_append_string(out, number_format(values[i], text));
  }
}

void fields_text(struct buffer *out, const char *text) {
  for (const char *c = text; *c; c++) buffer_put(out, (unsigned char)*c < 0x20 ? ' ' : *c);
}
