/* SPDX-License-Identifier: MIT
 *
 * The largest logits on the CPU: rows in parallel; of each a heap of the k largest so far, the least of them at its root, in
 * the row's own part of the results.  Once it is full few logits pass its root, and 64 at a time are seen not to.
 */
#include "kernels/sampling.h"

#include <tgmath.h>

#include "kernels/cpu.h"

enum { BLOCK = 64 };

static real most_scalar(const real *x, int64_t n) {
  real most = x[0];
  for (int64_t i = 1; i < n; i++) most = x[i] > most ? x[i] : most;
  return most;
}

/* sum of exp((x - most) * scale) */
static double exp_sum_scalar(const real *x, int64_t n, real most, real scale) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += exp((x[i] - most) * scale);
  return sum;
}

#if CPU_VECTORS
#define VECTOR_BODY "kernels/sampling_vector.h"
#include "kernels/vector_each.h"
#endif

static bool worse(real a, int32_t a_id, real b, int32_t b_id) { return a < b || (a == b && a_id > b_id); }

/* Puts (value, id) at place i of a heap of n whose subtrees of i are in order: no child is worse than its parent. */
static void sift(real *values, int32_t *ids, int64_t n, int64_t i, real value, int32_t id) {
  for (int64_t child; (child = 2 * i + 1) < n; i = child) {
    if (child + 1 < n && worse(values[child + 1], ids[child + 1], values[child], ids[child])) child++;
    if (!worse(values[child], ids[child], value, id)) break;
    values[i] = values[child], ids[i] = ids[child];
  }
  values[i] = value, ids[i] = id;
}

static void largest(real *values, int32_t *ids, const real *x, int64_t V, int64_t k, real (*most)(const real *, int64_t)) {
  for (int64_t v = 0; v < k; v++) values[v] = x[v], ids[v] = (int32_t)v;
  for (int64_t i = k / 2 - 1; i >= 0; i--) sift(values, ids, k, i, values[i], ids[i]);
  for (int64_t first = k; first < V; first += BLOCK) {
    int64_t n = V - first < BLOCK ? V - first : BLOCK;
    if (!(most(x + first, n) > values[0])) continue; /* an equal one has the higher id */
    for (int64_t v = first; v < first + n; v++)
      if (x[v] > values[0]) sift(values, ids, k, 0, x[v], (int32_t)v);
  }
  for (int64_t n = k - 1; n > 0; n--) { /* the worst of what is left goes last */
    real value = values[n];
    int32_t id = ids[n];
    values[n] = values[0], ids[n] = ids[0];
    sift(values, ids, n, 0, value, id);
  }
}

int top_logits_check(int64_t V, int64_t k, real temperature, struct kernel_error *e) {
  if (V < 1 || V > INT32_MAX || k < 0 || k > V) return kernel_fail(e, "top-logits: %lld of a vocabulary of %lld", (long long)k, (long long)V);
  if (!(temperature > 0)) return kernel_fail(e, "top-logits: a temperature of %g, more than 0 is possible", (double)temperature);
  return 0;
}

int top_logits(real *values, int32_t *ids, real *log_sum_exp, const real *logits, int64_t ld, int64_t rows, int64_t V, int64_t k, real temperature,
               struct kernel_error *e) {
  if (top_logits_check(V, k, temperature, e) != 0) return -1;
  real (*most)(const real *, int64_t) = CPU_PICK(most);
  double (*exp_sum)(const real *, int64_t, real, real) = CPU_PICK(exp_sum);
#pragma omp parallel for schedule(static) if (rows * V >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) {
    const real *x = logits + r * ld;
    real m = most(x, V);
    log_sum_exp[r] = m == -INFINITY ? m : (real)(m / temperature + log(exp_sum(x, V, m, 1 / temperature)));
    if (k > 0) largest(values + r * k, ids + r * k, x, V, k, most);
  }
  return 0;
}
