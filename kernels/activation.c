/* SPDX-License-Identifier: MIT
 *
 * Activations on the CPU: rows in parallel.  The loops are written once for all activations; the compiler makes one copy for
 * each f, gated and not, as f and whether up is NULL are constants where the loop is called.
 */
#include "kernels/activation.h"

#include <string.h>
#include <tgmath.h>

#include "kernels/cpu.h"

#define INLINE static inline __attribute__((always_inline))

/* f(g), and its derivative in *slope unless slope is NULL. */
INLINE real evaluate(enum activation f, real g, real *slope) {
  switch (f) {
    case ACTIVATION_SILU: {
      real a = exp(-fabs(g)), r = 1 / (1 + a), s = g < 0 ? a * r : r; /* s(g) s(-g) = a r^2 */
      if (slope) *slope = s + g * (a * r * r);
      return g * s;
    }
    case ACTIVATION_RELU:
      if (slope) *slope = g > 0;
      return g < 0 ? 0 : g;
    case ACTIVATION_GELU: {
      const double half_root = 0.70710678118654752440, bell = 0.39894228040143267794; /* 1/sqrt 2, 1/sqrt(2 pi) */
      real p = (real)(erfc(-(double)g * half_root) / 2); /* a float argument would cost the tail's digits */
      if (slope) *slope = p + g * (real)bell * exp(-g * g / 2);
      return g * p;
    }
    case ACTIVATION_GELU_TANH: {
      const real k = 2 * (real)0.79788456080286535588, cubic = (real)0.044715; /* k = 2 sqrt(2 / pi) */
      real c = g > 40 ? 40 : g < -40 ? -40 : g;                                /* where s has long been 0 or 1 */
      real a = exp(-fabs(k * c * (1 + cubic * c * c))), r = 1 / (1 + a), s = g < 0 ? a * r : r;
      if (slope) *slope = s + c * (a * r * r) * (k * (1 + 3 * cubic * c * c));
      return g * s;
    }
    case ACTIVATION_RELU2:
      if (slope) *slope = g > 0 ? 2 * g : 0;
      return g < 0 ? 0 : g * g;
  }
  __builtin_unreachable();
}

INLINE void forward_row(enum activation f, real *y, const real *gate, const real *up, int64_t F) {
  for (int64_t i = 0; i < F; i++) y[i] = evaluate(f, gate[i], NULL) * (up ? up[i] : 1);
}

INLINE void backward_row(enum activation f, real *d_gate, real *d_up, const real *dy, const real *gate, const real *up, int64_t F) {
  for (int64_t i = 0; i < F; i++) {
    real slope, value = evaluate(f, gate[i], &slope), d = dy[i];
    if (up) {
      slope *= up[i];
      d_up[i] = d * value;
    }
    d_gate[i] = d * slope;
  }
}

/* One row; ld leads to the next, for variants that look ahead. */
static void forward_scalar(enum activation f, real *y, const real *gate, const real *up, int64_t ld, int64_t F) {
  (void)ld;
  switch (f) {
#define CASE(NAME, name, names)                                                                                              \
  case ACTIVATION_##NAME:                                                                                              \
    if (up) forward_row(ACTIVATION_##NAME, y, gate, up, F);                                                            \
    else forward_row(ACTIVATION_##NAME, y, gate, NULL, F);                                                             \
    break;
    ACTIVATIONS(CASE)
#undef CASE
  }
}

static void backward_scalar(enum activation f, real *d_gate, real *d_up, const real *dy, const real *gate, const real *up, int64_t ld,
                            int64_t F) {
  (void)ld;
  switch (f) {
#define CASE(NAME, name, names)                                                                                              \
  case ACTIVATION_##NAME:                                                                                              \
    if (up) backward_row(ACTIVATION_##NAME, d_gate, d_up, dy, gate, up, F);                                            \
    else backward_row(ACTIVATION_##NAME, d_gate, NULL, dy, gate, NULL, F);                                             \
    break;
    ACTIVATIONS(CASE)
#undef CASE
  }
}
#undef INLINE

#if CPU_VECTORS
#define VECTOR_BODY "kernels/activation_vector.h"
#include "kernels/vector_each.h"
#endif

static const char *const names[] = {
#define NAMES(NAME, name, names) [ACTIVATION_##NAME] = names,
    ACTIVATIONS(NAMES)
#undef NAMES
};
enum { COUNT = sizeof names / sizeof *names };

const char *activation_name(enum activation f) {
#define OWN(NAME, name, names) [ACTIVATION_##NAME] = name,
  static const char *const own[] = {ACTIVATIONS(OWN)};
#undef OWN
  return own[f];
}

int activation_find(const char *name) {
  size_t n = strlen(name);
  if (n == 0 || strchr(name, ' ')) return -1;
  for (int f = 0; f < COUNT; f++)
    for (const char *p = strstr(names[f], name); p; p = strstr(p + 1, name))
      if (p[-1] == ' ' && p[n] == ' ') return f;
  return -1;
}

int activation_check(enum activation f, struct kernel_error *e) {
  return (unsigned)f < COUNT ? 0 : kernel_fail(e, "there is no activation of number %d", (int)f);
}

int activation_forward(enum activation f, real *y, const real *gate, const real *up, int64_t ld, int64_t rows, int64_t F,
                       struct kernel_error *e) {
  if (activation_check(f, e) != 0) return -1;
  void (*forward)(enum activation, real *, const real *, const real *, int64_t, int64_t) = CPU_PICK(forward);
#pragma omp parallel for schedule(static) if (rows * F >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++) forward(f, y + r * F, gate + r * ld, up ? up + r * ld : NULL, ld, F);
  return 0;
}

int activation_backward(enum activation f, real *d_gate, real *d_up, const real *dy, const real *gate, const real *up, int64_t ld,
                        int64_t rows, int64_t F, struct kernel_error *e) {
  if (activation_check(f, e) != 0) return -1;
  void (*backward)(enum activation, real *, real *, const real *, const real *, const real *, int64_t, int64_t) = CPU_PICK(backward);
#pragma omp parallel for schedule(static) if (rows * F >= CPU_PARALLEL_FROM)
  for (int64_t r = 0; r < rows; r++)
    backward(f, d_gate + r * ld, up ? d_up + r * ld : NULL, dy + r * F, gate + r * ld, up ? up + r * ld : NULL, ld, F);
  return 0;
}
