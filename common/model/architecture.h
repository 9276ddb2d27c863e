/* SPDX-License-Identifier: MIT
 *
 * Writes the nodes of a model into a plan.  A new architecture is one more function here.
 */
#ifndef MODEL_ARCHITECTURE_H
#define MODEL_ARCHITECTURE_H

#include "common/model/parameters.h"
#include "common/model/plan.h"

void architecture_build(struct plan *p, const struct parameter_layout *layout);

#endif
