/* SPDX-License-Identifier: MIT
 *
 * Command lines (arguments ended by NUL bytes) and the numbers in them.
 */
#include "common/base/options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  bool flag = false;
  int64_t whole = 0, count = 1, bytes = 0;
  double real = 0;
  const char *string = "";
  struct option_list list = {0};
  int choice = 0;
  const struct option options[] = {
    {OPTION_FLAG, 'f', "flag", &flag, NULL, "flag"},
    {OPTION_INT, 'i', "int", &whole, "N", "int", .min = -5, .max = 5},
    {OPTION_COUNT, 'n', "count", &count, "N", "count", .min = 1, .max = 9e18},
    {OPTION_SIZE, 'S', "size", &bytes, "SIZE", "size"},
    {OPTION_DOUBLE, 'x', NULL, &real, "X", "real"},
    {OPTION_STRING, 's', "string", &string, "TEXT", "string"},
    {OPTION_LIST, 'l', "list", &list, "ITEM", "list"},
    {OPTION_CHOICE, 'c', "choice", &choice, NULL, "choice", "one|two|three"},
    {0},
  };
  const struct option *const tables[] = {options, NULL};
  char *text = COPY(data, size), **argv = NULL;
  size_t argc = 1, capacity = 0;
  GROW(argv, capacity, 2);
  argv[0] = "fuzz";
  for (size_t i = 0; i < size; i += strlen(text + i) + 1) {
    GROW(argv, capacity, argc + 2);
    argv[argc++] = text + i;
  }
  argv[argc] = NULL;
  struct err e;
  int first = options_parse(tables, (int)argc, argv, &e);
  if (first < 0 && e.kind != ERR_USAGE) abort();
  if (first == 0 || first > (int)argc) abort();
  if (whole < -5 || whole > 5 || count < 1 || choice < 0 || choice > 2 || real != real) abort();
  option_list_release(&list);
  int64_t n;
  double x;
  if (number_size(text, &n) == 0 && n < 0) abort();
  if (number_int(text, 3, 9, &n) == 0 && (n < 3 || n > 9)) abort();
  number_count(text, &n);
  if (number_double(text, &x) == 0 && !(x - x == 0)) abort();
  free(argv);
  free(text);
  return 0;
}
