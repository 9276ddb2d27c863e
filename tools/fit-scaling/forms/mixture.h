/* SPDX-License-Identifier: MIT
 *
 * The data mixing law of Ye et al. 2024 ("Data Mixing Laws: Optimizing Data Mixtures by Predicting Language Modeling
 * Performance"): runs of one size and length differ in the shares r_j of the sources in their training data, and
 *
 *   L = c + exp(sum over sources of t_j r_j)
 *
 * on a validation set.  Their factor k is within t, as the shares sum to 1.  Columns `share:SOURCE` are the shares, `loss`
 * the loss.  With columns `loss:DOMAIN`, each domain has a law of its own, with parameters c:DOMAIN and t:DOMAIN:SOURCE, and the loss
 * to predict, and to minimise over the shares, is their mean, weighted by --weight.  Residuals are of log losses.
 */
#ifndef FIT_SCALING_MIXTURE_H
#define FIT_SCALING_MIXTURE_H

#include "tools/fit-scaling/forms/form.h"

extern const struct form form_mixture;

/* Sets the loss of each run that has losses of domains to their mean by the options' weights: what the law predicts. */
int mixture_set_losses(struct runs *runs, const struct form_options *options, struct err *e);

#endif
