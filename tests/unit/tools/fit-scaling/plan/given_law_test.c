/* SPDX-License-Identifier: MIT
 *
 * Laws by name, from rows, from --fix.
 */
#include "tools/fit-scaling/plan/given_law.h"

#include <string.h>

#include "tests/tap.h"

static struct given_law law;
static struct err e;

static int parse(const char *text) { return given_law_parse(&law, slice_of(text), "law.tsv", &e); }
static bool refused(const char *text, const char *says) { return parse(text) == -1 && strstr(e.message, says); }

int main(void) {
  const char *rows = "form\tname\tvalue\tlow\thigh\tstderr\nchinchilla\tE\t1.8\t\t\t\nchinchilla\tA\t480\t1\t2\t3\r\nother\tA\t7\nchinchilla\tB\t2000\t\t\t\nchinchilla\talpha\t.35\n"
                     "chinchilla\tobjective\t.001\nchinchilla\tbeta\t.37";
  ok(parse(rows) == 0 && law.parameter[0] == 1.8 && law.parameter[1] == 480 && law.parameter[2] == 2000 && law.parameter[3] == .35 && law.parameter[4] == .37 && strcmp(law.source, "law.tsv") == 0,
     "rows that fit-scaling writes are a law");
  ok(refused("", "law.tsv: no row 'chinchilla E'"), "an empty file is none");
  ok(refused("chinchilla\tE\t1.8\nchinchilla\tE\t1.9\n", "law.tsv:2: a second E"), "two laws are not one");
  ok(refused("chinchilla\tE\t-1\n", "law.tsv:1: E is not a positive number") && refused("chinchilla\tE\tnan\n", "E") && refused("chinchilla\tE\n", "E") && refused("chinchilla\tE\t1e999\n", "E"),
     "values are positive numbers");
  ok(refused("chinchilla\tE\t0\nchinchilla\tA\t0\nchinchilla\tB\t1\nchinchilla\talpha\t1\nchinchilla\tbeta\t1\n", "A is 0"), "only E may be 0");
  ok(given_law_load(&law, "besiroglu", &e) == 0 && law.parameter[2] == 2085.43 && strstr(law.source, "Besiroglu"), "a published law has a name and a source");
  ok(given_law_load(&law, "nobody", &e) == -1 && strstr(e.message, "chinchilla, besiroglu, muennighoff"), "an unknown one is told which there are");
  struct named_value fixed[] = {{.name = "E", .value = 0}, {.name = "A", .value = 400}, {.name = "B", .value = 410}, {.name = "alpha", .value = .34}, {.name = "beta", .value = .28}};
  ok(given_law_fixed(&law, &(struct form_options){.fixed = fixed, .fixed_count = 5}) && law.parameter[4] == .28, "all parameters fixed are a law");
  ok(!given_law_fixed(&law, &(struct form_options){.fixed = fixed, .fixed_count = 4}), "all but one are not");
  return tap_done();
}
