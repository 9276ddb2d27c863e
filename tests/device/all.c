/* SPDX-License-Identifier: MIT
 *
 * The programs of tests/device, and the unit tests that also run on a device, as one: the kernels are linked once and not forty
 * times, so that what was built here can be carried to a machine with a GPU.
 *
 *   all NAME [ARGUMENT]...      runs that program
 *   all                         their names
 *
 * The Makefile renames each program's main() to main_of_NAME() and gives the names: -DPROGRAMS='PROGRAM(NAME) ...'.
 */
#include <stdio.h>
#include <string.h>

#define PROGRAM(name) int main_of_##name(int argc, char **argv);
PROGRAMS
#undef PROGRAM

static const struct {
  const char *name;
  int (*run)(int argc, char **argv);
} programs[] = {
#define PROGRAM(name) {#name, main_of_##name},
    PROGRAMS
#undef PROGRAM
};

int main(int argc, char **argv) {
  for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
    if (argc < 2) puts(programs[i].name);
    else if (strcmp(argv[1], programs[i].name) == 0) return programs[i].run(argc - 1, argv + 1);
  }
  if (argc < 2) return 0;
  fprintf(stderr, "all: no program %s; without an argument, their names\n", argv[1]);
  return 2;
}
