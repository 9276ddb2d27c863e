/* SPDX-License-Identifier: MIT
 *
 * The part of vector.h's vocabulary that plain code needs to share a vector body: 16 bytes of `real` (4 floats or 2 doubles)
 * in the compiler's own vector type, which every CPU has.  V(name) becomes name_scalar.  Included before the body, and
 * before vector_each.h, which redefines all of it.
 */
#include <math.h>
#include <string.h>

#include "kernels/real.h"

typedef real vector_plain __attribute__((vector_size(16)));

#define V(name) name##_scalar
#define vec vector_plain
#define LANES ((int)(sizeof(vector_plain) / sizeof(real)))
#define INLINE static inline __attribute__((always_inline, unused))

INLINE vec vload_scalar(const real *p) {
  vec x;
  memcpy(&x, p, sizeof x);
  return x;
}
INLINE void vstore_scalar(real *p, vec x) { memcpy(p, &x, sizeof x); }
INLINE vec vload_n_scalar(const real *p, int64_t n) {
  vec x = {0};
  if (n == LANES) return vload_scalar(p);
  memcpy(&x, p, (size_t)n * sizeof *p);
  return x;
}
INLINE void vstore_n_scalar(real *p, vec x, int64_t n) {
  if (n == LANES) vstore_scalar(p, x);
  else memcpy(p, &x, (size_t)n * sizeof *p);
}
INLINE vec vset_scalar(real x) { return (vec){0} + x; }
INLINE vec vexp_scalar(vec x) {
  for (int i = 0; i < LANES; i++) x[i] = sizeof(real) == 4 ? (real)expf((float)x[i]) : (real)exp(x[i]);
  return x;
}

#define vfetch(p) __builtin_prefetch((const void *)(p), 0, 3)
#define vload vload_scalar
#define vstore vstore_scalar
#define vload_n vload_n_scalar
#define vstore_n vstore_n_scalar
#define vset(x) vset_scalar((real)(x))
#define vexp vexp_scalar
#define vadd(a, b) ((a) + (b))
#define vsub(a, b) ((a) - (b))
#define vmul(a, b) ((a) * (b))
#define vfma(a, b, c) ((a) * (b) + (c))
#define vfnma(a, b, c) ((c) - (a) * (b))
