/* SPDX-License-Identifier: MIT
 *
 * Every width is tried with the number of layers that comes nearest to N; the best compromise between N and the ratio wins.
 */
#include "tools/fit-scaling/plan/shape.h"

#include <math.h>

#include "common/base/number.h"

enum { WIDEST = 65536, DEEPEST = 256 };

static const double large = 1e9; /* from here on untied, with grouped queries */

static int64_t round_up(double x, int64_t unit) { return (int64_t)ceil(x / (double)unit - 1e-9) * unit; }

static int64_t width_step(int64_t width) { return width < 1024 ? 64 : width < 2048 ? 128 : width < 4096 ? 512 : 1024; }

static double usual_ratio(int64_t width) { return fmin(32 * pow((double)width / 128, .4), 128); }

/* A tiny model would be all embedding under a large vocabulary, and a large one wastes little by it (Tao et al. 2024). */
static int64_t usual_vocab(double params) { return params < 1e7 ? 4096 : params < 5e7 ? 16384 : params < 3e9 ? 32768 : 131072; }
static int64_t usual_seq(double params) { return params < 1e7 ? 256 : params < 5e7 ? 512 : params < 2e8 ? 1024 : params < 1e9 ? 2048 : params < 1e10 ? 4096 : 8192; }

static void set_width(struct shape *s, int64_t width, double params) {
  s->width = width;
  s->head_dim = width < 256 ? 32 : width < 2048 ? 64 : 128;
  s->heads = s->kv_heads = width / s->head_dim;
  if (params >= large)
    for (s->kv_heads = 8; s->heads % s->kv_heads || s->heads / s->kv_heads < 2;) s->kv_heads /= 2;
  s->intermediate = round_up((double)width * 8 / 3, width < 1024 ? 64 : width < 4096 ? 128 : 256);
}

static double layer_matrices(const struct shape *s) {
  double d = (double)s->width, kv = (double)(s->kv_heads * s->head_dim);
  return 2 * d * d + 2 * d * kv + 3 * d * (double)s->intermediate;
}

double shape_matmul_params(const struct shape *s) { return (double)s->layers * layer_matrices(s) + (double)s->vocab * (double)s->width; }

double shape_params(const struct shape *s) {
  double norms = (double)(2 * s->layers + 1) * (double)s->width;
  return shape_matmul_params(s) + norms + (s->tied ? 0 : (double)s->vocab * (double)s->width);
}

double shape_flops_per_token(const struct shape *s) {
  return 6 * shape_matmul_params(s) + 6 * (double)s->layers * (double)s->width * (double)s->seq;
}

int shape_for(struct shape *s, double params, int64_t vocab, int64_t seq, struct err *e) {
  char wanted[NUMBER_TEXT], nearest[NUMBER_TEXT];
  double best = INFINITY;
  struct shape trial = {.vocab = vocab ? vocab : usual_vocab(params), .seq = seq ? seq : usual_seq(params), .tied = params < large};
  *s = trial;
  if (!(params > 0) || isinf(params)) return err_set(e, "no shape has %g parameters", params);
  for (int64_t width = 64; width <= WIDEST; width += width_step(width)) {
    set_width(&trial, width, params);
    double layers = round((params - (double)trial.vocab * (double)width) / layer_matrices(&trial));
    trial.layers = (int64_t)fmin(fmax(layers, 2), DEEPEST);
    double off = log(shape_matmul_params(&trial) / params) / .05, unusual = log((double)width / (double)trial.layers / usual_ratio(width)) / .25;
    if (off * off + unusual * unusual >= best) continue;
    best = off * off + unusual * unusual;
    *s = trial;
  }
  double off = shape_matmul_params(s) / params;
  if (off > .5 && off < 2) return 0;
  number_short(params, wanted), number_short(shape_matmul_params(s), nearest);
  if (off > 1)
    return err_set(e, "the plan's %s parameters are fewer than a vocabulary of %lld leaves: the smallest shape has %s; raise the budget, or lower --vocab",
                   wanted, (long long)s->vocab, nearest);
  return err_set(e, "the plan's %s parameters are more than the largest shape's, %s", wanted, nearest);
}
