/* SPDX-License-Identifier: MIT
 *
 * Fields: a row keeps its number of them whatever its values are.
 */
#include "tools/fit-scaling/table/fields.h"

#include <math.h>

#include "tests/tap.h"

int main(void) {
  struct buffer out = {0};
  fields_numbers(&out, (double[]){1.5, NAN, -2e21, INFINITY}, 4);
  ok_string(buffer_string(&out), "1.5\t\t-2e+21\t", "numbers have tabs between them, what is not finite is empty");
  buffer_clear(&out);
  fields_text(&out, "a\tb\nc\x01\xc3\xa4");
  ok_string(buffer_string(&out), "a b c \xc3\xa4", "text is one field of one line");
  buffer_release(&out);
  return tap_done();
}
