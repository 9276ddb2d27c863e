/* SPDX-License-Identifier: MIT
 *
 * FLOPs = machines x FLOPs a second x the share of them that is reached x seconds.
 */
#include "tools/fit-scaling/plan/budget.h"

#include <math.h>
#include <stddef.h>

int budget_resolve(struct budget *b, double flops, const struct machine *m, struct err *e) {
  *b = (struct budget){flops, NAN, false};
  const struct {
    const char *option;
    double value;
  } positive[] = {{"flops", flops}, {"gpus", m->gpus}, {"tflops", m->tflops}, {"mfu", m->mfu}, {"hours", m->hours}, {"memory-per-gpu", m->memory}};
  for (size_t i = 0; i < sizeof positive / sizeof *positive; i++)
    if (!isnan(positive[i].value) && (!(positive[i].value > 0) || isinf(positive[i].value))) return err_usage(e, "--%s must be above 0", positive[i].option);
  if (m->mfu > 1) return err_usage(e, "--mfu is a share of --tflops, at most 1");
  if (!isnan(m->gpus) && m->gpus != floor(m->gpus)) return err_usage(e, "--gpus takes a whole number");
  if (isnan(m->tflops) && !isnan(m->hours)) return err_usage(e, "--hours needs --tflops: how much does one GPU (or CPU) compute a second?");
  if (isnan(m->tflops) && !isnan(m->mfu)) return err_usage(e, "--mfu is a share of --tflops: give that too");
  if (isnan(m->tflops)) return 0;
  b->rate = (isnan(m->gpus) ? 1 : m->gpus) * m->tflops * 1e12 * (isnan(m->mfu) ? 1 : m->mfu);
  double there = b->rate * 3600 * m->hours;
  if (isinf(there)) return err_usage(e, "--gpus, --tflops and --hours are more than can be counted");
  if (isnan(there) || there >= flops) return 0;
  b->flops = there;
  b->time_binds = true;
  return 0;
}

const char *budget_peak_of(double tflops) {
  /* dense bfloat16 peaks in the makers' data sheets */
  static const struct {
    const char *name;
    double tflops;
  } peaks[] = {{"A100", 312}, {"H100 PCIe", 756}, {"H100 or H200", 989}, {"B200", 2250}, {"GB200", 2500},
               {"MI250X", 383}, {"MI300X", 1307}, {"TPU v4", 275}, {"TPU v5p", 459}};
  for (size_t i = 0; i < sizeof peaks / sizeof *peaks; i++)
    if (fabs(tflops / peaks[i].tflops - 1) < .01) return peaks[i].name;
  return NULL;
}
