/* SPDX-License-Identifier: MIT
 *
 * The straight power law log L = log K - alpha log N - beta log D: loss falls for ever, by the same ratio for every tenfold of N or D, and
 * there is no irreducible loss.  It is what extrapolation of other laws is compared with.  It says nothing about budgets: at
 * C = 6 N D it has no lowest point inside, but recommends all params or all tokens.
 */
#ifndef FIT_SCALING_POWER_H
#define FIT_SCALING_POWER_H

#include "tools/fit-scaling/forms/form.h"

extern const struct form form_power;

enum { POWER_K, POWER_ALPHA, POWER_BETA, POWER_PARAMETERS };

#endif
