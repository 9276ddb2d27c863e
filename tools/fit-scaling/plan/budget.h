/* SPDX-License-Identifier: MIT
 *
 * How much arithmetic there is for a training run: given as FLOPs, or as machines and time.
 */
#ifndef FIT_SCALING_BUDGET_H
#define FIT_SCALING_BUDGET_H

#include <stdbool.h>

#include "common/base/err.h"

struct machine {     /* not a number: not given */
  double gpus;       /* accelerators, or CPUs: whatever `tflops` and `memory` speak of */
  double tflops;     /* 1e12 floating-point operations a second of one of them */
  double mfu;        /* the share of tflops that training reaches (model FLOPs utilisation, Chowdhery et al. 2022) */
  double hours;
  double memory;     /* bytes of one of them */
};

struct budget {
  double flops;      /* not a number: no limit */
  double rate;       /* FLOPs a second of all machines; not a number: not known */
  bool time_binds;   /* hours, not the FLOPs given, are the limit */
};

/* flops: not a number when not given.  With both FLOPs and hours the smaller of the two is the budget. */
int budget_resolve(struct budget *b, double flops, const struct machine *m, struct err *e);

/* The accelerator whose advertised dense bfloat16 peak `tflops` is (within 1%), or NULL. */
const char *budget_peak_of(double tflops);

#endif
