/* SPDX-License-Identifier: MIT
 *
 * The Chinchilla law evaluated.  Everything is done on logarithms: A and B of a poorly determined fit may be 1e40.
 */
#include "tools/fit-scaling/law.h"

#include <math.h>

double law_loss(const struct law *law, double params, double tokens) {
  return law->E + exp(log(law->A) - law->alpha * log(params)) + exp(log(law->B) - law->beta * log(tokens));
}

struct law_optimum law_optimum(const struct law *law, double flops) {
  if (!(law->alpha > 0 && law->beta > 0 && law->A > 0 && law->B > 0)) return (struct law_optimum){NAN, NAN, NAN};
  double sum = law->alpha + law->beta;
  double log_g = (log(law->alpha) + log(law->A) - log(law->beta) - log(law->B)) / sum;
  double log_nd = log(flops / 6);
  double log_n = log_g + law->beta / sum * log_nd;
  struct law_optimum o = {.N = exp(log_n), .D = exp(log_nd - log_n)};
  o.loss = law_loss(law, o.N, o.D);
  return o;
}
