/* SPDX-License-Identifier: MIT
 *
 * Quantiles of the normal and of Student's distribution, to about 1e-12.
 */
#ifndef FIT_SCALING_DISTRIBUTION_H
#define FIT_SCALING_DISTRIBUTION_H

double normal_cdf(double x);
double normal_quantile(double probability);

/* freedom: degrees of freedom, at least 1 and whole.  The distribution function is a finite series (Abramowitz & Stegun 26.7.3, 26.7.4). */
double student_cdf(double x, int freedom);
double student_quantile(double probability, int freedom);

#endif
