/* SPDX-License-Identifier: MIT
 *
 * Routing on the CPU.  Rows are scored and choose in parallel; slots are dealt out by one thread, a counting sort that
 * keeps the order of rows.
 */
#include "kernels/route.h"

#include <math.h>
#include <string.h>
#include <tgmath.h>

#include "kernels/cpu.h"

static const real TINY = (real)1e-20; /* DeepSeek's guard of the sum that divides */
enum { PIECE = 32 };                  /* rows */

/* ---- scores of one row */

static void softmax_scalar(real *scores, const real *logits, int64_t n) {
  real most = -INFINITY, sum = 0;
  for (int64_t i = 0; i < n; i++) most = logits[i] > most ? logits[i] : most;
  if (most == -INFINITY) most = 0; /* all NaN or -inf */
  for (int64_t i = 0; i < n; i++) sum += scores[i] = exp(logits[i] - most);
  for (int64_t i = 0; i < n; i++) scores[i] /= sum;
}

static void sigmoid_scalar(real *scores, const real *logits, int64_t n) {
  for (int64_t i = 0; i < n; i++) scores[i] = 1 / (1 + exp(-logits[i]));
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/route_vector.h"
#include "kernels/vector_each.h"
#endif

/* ---- choice */

/* Puts (key, expert) into a list of at most `most`, best first; returns its new length.  An expert that comes later stays behind its equals. */
static inline int64_t insert(real *keys, int32_t *experts, int64_t length, int64_t most, real key, int32_t expert) {
  if (length == most && !(key > keys[length - 1])) return length;
  int64_t at = length < most ? length : most - 1;
  for (; at > 0 && key > keys[at - 1]; at--) keys[at] = keys[at - 1], experts[at] = experts[at - 1];
  keys[at] = key, experts[at] = expert;
  return length < most ? length + 1 : most;
}

static inline real choice(const real *scores, const real *bias, int64_t i) {
  real key = bias ? scores[i] + bias[i] : scores[i];
  return isnan(key) ? (real)-INFINITY : key;
}

/* Bit g: experts of group g may be chosen. */
static uint64_t best_groups(const real *scores, const real *bias, const struct route_shape *s) {
  real quality[ROUTE_MOST_GROUPS];
  int64_t size = s->experts / s->groups;
  for (int64_t g = 0; g < s->groups; g++) {
    real first = -INFINITY, second = -INFINITY;
    for (int64_t i = g * size; i < (g + 1) * size; i++) {
      real key = choice(scores, bias, i);
      real lower = key > first ? first : key; /* of key and first; no branches */
      first = key > first ? key : first;
      second = lower > second ? lower : second;
    }
    quality[g] = s->group_score == GROUP_BEST_TWO ? first + second : first;
  }
  uint64_t taken = 0;
  for (int64_t k = 0; k < s->top_groups; k++) {
    int64_t best = -1;
    for (int64_t g = 0; g < s->groups; g++)
      if (!(taken >> g & 1) && (best < 0 || quality[g] > quality[best])) best = g;
    taken |= (uint64_t)1 << best;
  }
  return taken;
}

/* One row: chosen and weights, from its scores. */
static void choose(real *weights, int32_t *chosen, const real *scores, const real *bias, const struct route_shape *s) {
  int64_t length = 0;
  if (s->groups > 0) {
    uint64_t allowed = best_groups(scores, bias, s);
    int64_t size = s->experts / s->groups;
    for (int64_t g = 0; g < s->groups; g++)
      for (int64_t i = g * size; (allowed >> g & 1) && i < (g + 1) * size; i++)
        length = insert(weights, chosen, length, s->top, choice(scores, bias, i), (int32_t)i);
  } else {
    for (int64_t i = 0; i < s->experts; i++) length = insert(weights, chosen, length, s->top, choice(scores, bias, i), (int32_t)i);
  }
  real sum = 0;
  for (int64_t j = 0; j < s->top; j++) sum += weights[j] = scores[chosen[j]];
  for (int64_t j = 0; s->normalize && j < s->top; j++) weights[j] /= sum + TINY;
  for (int64_t j = 0; j < s->top; j++) weights[j] *= s->scale;
}

int route_check(const struct route_shape *s, struct kernel_error *e) {
  if (s->rows < 0 || s->experts < 1 || s->experts > INT32_MAX || s->top < 1 || s->top > s->experts || s->rows > INT32_MAX / s->top)
    return kernel_fail(e, "route: %lld rows to %lld of %lld experts", (long long)s->rows, (long long)s->top, (long long)s->experts);
  if (s->groups == 0) return 0;
  if (s->groups < 0 || s->groups > ROUTE_MOST_GROUPS || s->experts % s->groups != 0)
    return kernel_fail(e, "route: %lld experts in %lld groups: groups must be equal, and at most %d", (long long)s->experts,
                       (long long)s->groups, ROUTE_MOST_GROUPS);
  int64_t size = s->experts / s->groups;
  if (s->top_groups < 1 || s->top_groups > s->groups || s->top > s->top_groups * size)
    return kernel_fail(e, "route: %lld experts from %lld groups of %lld", (long long)s->top, (long long)s->top_groups, (long long)size);
  if (s->group_score == GROUP_BEST_TWO && size < 2) return kernel_fail(e, "route: groups of one expert have no two best");
  return 0;
}

int route_forward(real *weights, real *scores, const struct route *route, const real *logits, const real *bias,
                  const struct route_shape *s, struct kernel_error *e) {
  if (route_check(s, e) != 0) return -1;
  void (*softmax)(real *, const real *, int64_t) = CPU_PICK(softmax);
  void (*sigmoid)(real *, const real *, int64_t) = CPU_PICK(sigmoid);
  int64_t experts = s->experts, top = s->top, pieces = (s->rows + PIECE - 1) / PIECE;
#pragma omp parallel for schedule(static) if (s->rows * experts >= CPU_PARALLEL_FROM / 4)
  for (int64_t p = 0; p < pieces; p++) {
    int64_t end = (p + 1) * PIECE < s->rows ? (p + 1) * PIECE : s->rows;
    for (int64_t r = p * PIECE; r < end; r++) {
      (s->sigmoid ? sigmoid : softmax)(scores + r * experts, logits + r * experts, experts);
      choose(weights + r * top, route->chosen + r * top, scores + r * experts, bias, s);
    }
  }

  int32_t *starts = route->starts;
  int64_t slots = s->rows * top;
  memset(starts, 0, (size_t)(experts + 1) * sizeof *starts);
  for (int64_t i = 0; i < slots; i++) starts[route->chosen[i] + 1]++;
  for (int64_t i = 1; i < experts; i++) starts[i + 1] += starts[i];
  for (int64_t r = 0, i = 0; r < s->rows; r++) /* starts[k] runs ahead to where expert k ends ... */
    for (int64_t j = 0; j < top; j++, i++) {
      int32_t slot = starts[route->chosen[i]]++;
      route->slots[i] = slot;
      route->sources[slot] = (int32_t)r;
    }
  memmove(starts + 1, starts, (size_t)experts * sizeof *starts); /* ... which is where the next one starts */
  starts[0] = 0;
  return 0;
}

/* One row.  d: [experts], the gradient of the scores on entry, of the logits on return. */
static void logits_backward(real *d, const real *scores, const struct route_shape *s) {
  if (s->sigmoid) {
    for (int64_t i = 0; i < s->experts; i++) d[i] *= (1 - scores[i]) * scores[i];
    return;
  }
  real sum = 0;
  for (int64_t i = 0; i < s->experts; i++) sum += d[i] * scores[i];
  for (int64_t i = 0; i < s->experts; i++) d[i] = scores[i] * (d[i] - sum);
}

int route_backward(real *d_logits, const real *d_weights, const real *weights, const real *scores, const struct route *route,
                   real balance, const struct route_shape *s, struct kernel_error *e) {
  if (route_check(s, e) != 0) return -1;
  int64_t experts = s->experts, top = s->top, pieces = (s->rows + PIECE - 1) / PIECE;
  size_t width = ((size_t)experts + 15) / 16 * 16;
  bool failed = false;
#pragma omp parallel for schedule(static) if (s->rows * experts >= CPU_PARALLEL_FROM / 4)
  for (int64_t p = 0; p < pieces; p++) {
    real *d = cpu_scratch(0, 2 * width * sizeof *d), *loads = d ? d + width : NULL; /* loads: balance * experts * f */
    if (!d) {
#pragma omp atomic write
      failed = true;
      continue;
    }
    for (int64_t i = 0; i < experts; i++)
      loads[i] = balance * (real)experts * (real)(route->starts[i + 1] - route->starts[i]) / (real)(s->rows * top);
    int64_t end = (p + 1) * PIECE < s->rows ? (p + 1) * PIECE : s->rows;
    for (int64_t r = p * PIECE; r < end; r++) {
      const real *score = scores + r * experts, *g = d_weights + r * top, *w = weights + r * top;
      const int32_t *chosen = route->chosen + r * top;
      if (balance == 0) {
        memset(d, 0, (size_t)experts * sizeof *d);
      } else if (s->sigmoid) { /* the scores divided by their sum stand in the loss */
        real sum = TINY, product = 0;
        for (int64_t i = 0; i < experts; i++) sum += score[i], product += score[i] * loads[i];
        for (int64_t i = 0; i < experts; i++) d[i] = (loads[i] - product / sum) / sum;
      } else {
        memcpy(d, loads, (size_t)experts * sizeof *d);
      }
      if (s->normalize) { /* w_j = scale s_j / S: d s_j = (scale g_j - sum of g w) / S */
        real sum = 0, product = 0;
        for (int64_t j = 0; j < top; j++) sum += score[chosen[j]], product += g[j] * w[j];
        for (int64_t j = 0; j < top; j++) d[chosen[j]] += (s->scale * g[j] - product) / (sum + TINY);
      } else {
        for (int64_t j = 0; j < top; j++) d[chosen[j]] += s->scale * g[j];
      }
      logits_backward(d, score, s);
      memcpy(d_logits + r * experts, d, (size_t)experts * sizeof *d);
    }
  }
  return failed ? kernel_fail(e, "route: no memory for a row of %lld experts", (long long)experts) : 0;
}

int route_count(real *counts, const int32_t *starts, int64_t experts, struct kernel_error *e) {
  (void)e;
  for (int64_t i = 0; i < experts; i++) counts[i] += (real)(starts[i + 1] - starts[i]);
  return 0;
}
