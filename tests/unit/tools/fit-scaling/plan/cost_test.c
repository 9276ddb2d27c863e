/* SPDX-License-Identifier: MIT
 *
 * Bytes under ZeRO, and the arrangement that fits.
 */
#include "tools/fit-scaling/plan/cost.h"

#include <math.h>

#include "tests/tap.h"

int main(void) {
  struct shape s;
  struct err e;
  ok(shape_for(&s, 7.5e9, 32000, 2048, &e) == 0, "a shape");
  double n = shape_params(&s), bytes[4];
  for (int zero = 0; zero < 4; zero++) bytes[zero] = cost_bytes(&s, PRECISION_MIXED, 64, &(struct arrangement){.zero = zero, .micro_batch = 1});
  /* 7.5e9 parameters on 64 machines: 120, 31.4, 16.6, 1.9 GB (Rajbhandari et al. 2020, figure 1) */
  double activations = bytes[0] - 16 * n;
  ok(activations > 0 && fabs((bytes[1] - activations) / (31.4e9 * n / 7.5e9) - 1) < .01 && fabs((bytes[2] - activations) / (16.6e9 * n / 7.5e9) - 1) < .01 &&
         fabs((bytes[3] - activations) / (1.9e9 * n / 7.5e9) - 1) < .02, "ZeRO's stages keep what its paper says");
  struct arrangement again = {.recompute = true, .micro_batch = 1};
  ok(cost_bytes(&s, PRECISION_MIXED, 1, &again) < bytes[0] && cost_bytes(&s, PRECISION_SINGLE, 1, &again) > cost_bytes(&s, PRECISION_MIXED, 1, &again),
     "recomputation saves activations, halves do too");
  struct arrangement a = cost_arrange(&s, PRECISION_MIXED, 64, NAN, 256);
  ok(a.fits && a.zero == 0 && !a.recompute && a.micro_batch == 1, "without a limit nothing is split");
  a = cost_arrange(&s, PRECISION_MIXED, 64, 80e9, 256);
  ok(a.fits && a.zero == 1 && !a.recompute && a.micro_batch == 4 && a.bytes <= 80e9, "the first that fits, with all of each machine's part of the batch (%lld at a time)", (long long)a.micro_batch);
  a = cost_arrange(&s, PRECISION_MIXED, 64, bytes[2] - 1, 256);
  ok(a.fits && a.zero == 3 && !a.recompute, "splitting weights comes before computing again");
  a = cost_arrange(&s, PRECISION_MIXED, 64, bytes[3] - 1, 256);
  ok(a.fits && a.recompute && a.zero == 3 && a.bytes < bytes[3], "when that is not enough blocks are computed again");
  a = cost_arrange(&s, PRECISION_MIXED, 1, 30e9, 256);
  ok(!a.fits && a.recompute && a.zero == 0 && a.micro_batch == 1 && a.bytes > 30e9, "one machine has nothing to split");
  return tap_done();
}
