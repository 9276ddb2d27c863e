/* SPDX-License-Identifier: MIT
 *
 * The best fit of all runs, for tables of any size: above 50,000 runs the starts are searched on a sample of about 20,000, and
 * one descent on all runs follows from the best.
 */
#ifndef FIT_SCALING_ESTIMATE_H
#define FIT_SCALING_ESTIMATE_H

#include "tools/fit-scaling/forms/form.h"

/* runs: those that d is bound to. */
void form_estimate(struct fit *fit, const struct form_data *d, const struct runs *runs);

#endif
