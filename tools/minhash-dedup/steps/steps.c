/* SPDX-License-Identifier: MIT
 *
 * The steps by name, and which options belong to which.
 */
#include "tools/minhash-dedup/steps/steps.h"

#include <string.h>

#include "tools/minhash-dedup/steps/cluster.h"
#include "tools/minhash-dedup/steps/drop.h"
#include "tools/minhash-dedup/steps/match.h"
#include "tools/minhash-dedup/steps/sketch.h"

static const struct step {
  const char *name;
  int (*run)(struct program *, const struct steps_options *, char *const *, int, struct err *);
  bool index, clusters, rejects; /* which of these options it has */
} steps[] = {{"sketch", sketch_run, false, false, false}, {"match", match_run, true, false, false}, {"cluster", cluster_run, false, false, false},
    {"drop", drop_run, false, true, true}};

static const struct step *find(const char *name) {
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
    if (strcmp(name, steps[i].name) == 0) return &steps[i];
  return NULL;
}

bool steps_is_step(const char *name) { return find(name) != NULL; }

int steps_run(const char *name, struct program *p, const struct steps_options *o, struct err *e) {
  const struct step *step = find(name);
  if (!step->index && (o->index || o->part || o->earlier.count)) return err_usage(e, "%s: --earlier, --index and --part are options of match", name);
  if (!step->clusters && o->clusters) return err_usage(e, "%s: --clusters is an option of drop; cluster writes its list to -o", name);
  if (!step->rejects && p->rejects_path) return err_usage(e, "%s: --rejects is an option of drop", name);
  return step->run(p, o, p->operand + 1, p->operand_count - 1, e);
}
