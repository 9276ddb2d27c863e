/* SPDX-License-Identifier: MIT
 *
 * Activations on the GPU; activation.cuh has the kernels.  Matrices without gaps are taken as one row, so that F does not matter;
 * the at most N - 1 elements behind its last whole vector are a launch of their own.
 */
#include "kernels/activation.cuh"

/* Rows with N elements a vector: chunks, rows at once, and the blocks to launch, about four times what runs at once. */
static unsigned split(struct activation_shape *s, int N) {
  s->chunks = divide_up(s->F, (int64_t)N * ACTIVATION_THREADS * ACTIVATION_AHEAD);
  int64_t most = divide_up(64 * (int64_t)cuda_device()->processors, s->chunks);
  s->at_once = s->rows < most ? s->rows : most;
  return (unsigned)(s->chunks * s->at_once);
}

/* Vectors of N elements of all rows, when pointers allow it, and how many elements of the one row they leave. */
static bool vectors(struct activation_shape *s, int N, bool aligned, int64_t *rest) {
  if (s->ld == s->F || s->rows == 1) s->F *= s->rows, s->ld = s->F, s->rows = 1;
  *rest = s->rows == 1 ? s->F % N : 0;
  return aligned && s->F >= N && (s->rows == 1 || (s->F % N == 0 && s->ld % N == 0));
}

template <class T>
static int activation_forward(enum activation f, stored *y, const stored *gate, const stored *up, int64_t ld, int64_t rows, int64_t F,
                              struct kernel_error *e) {
  enum { N = 16 / sizeof(T) };
  if (activation_check(f, e) != 0) return -1;
  if (rows == 0 || F == 0) return 0;
  T *to = elements<T>(y);
  const T *g = elements<T>(gate), *u = elements<T>(up);
  struct activation_shape s = {ld, rows, F, 0, 0, f};
  int64_t rest;
  if (vectors(&s, N, aligned_16({y, gate, up}), &rest)) {
    s.F -= rest;
    unsigned blocks = split(&s, N);
    switch (f) {
#define CASE(NAME, name, names)                                                                                              \
  case ACTIVATION_##NAME:                                                                                                    \
    CUDA_LAUNCH((activation_forward_kernel<T, N, ACTIVATION_##NAME>), blocks, ACTIVATION_THREADS, 0, cuda_stream(), to, g, u, s); \
    break;
      ACTIVATIONS(CASE)
#undef CASE
    }
    if (rest == 0) return launched("activation_forward", e);
    to += s.F, g += s.F, u = u ? u + s.F : nullptr;
    s.F = rest;
  }
  unsigned blocks = split(&s, 1);
  CUDA_LAUNCH((activation_forward_kernel<T, 1, -1>), blocks, ACTIVATION_THREADS, 0, cuda_stream(), to, g, u, s);
  return launched("activation_forward", e);
}

template <class T>
static int activation_backward(enum activation f, stored *d_gate, stored *d_up, const stored *dy, const stored *gate, const stored *up,
                               int64_t ld, int64_t rows, int64_t F, struct kernel_error *e) {
  enum { N = 16 / sizeof(T) };
  if (activation_check(f, e) != 0) return -1;
  if (rows == 0 || F == 0) return 0;
  T *dg = elements<T>(d_gate), *du = up ? elements<T>(d_up) : nullptr;
  const T *d = elements<T>(dy), *g = elements<T>(gate), *u = elements<T>(up);
  struct activation_shape s = {ld, rows, F, 0, 0, f};
  int64_t rest;
  if (vectors(&s, N, aligned_16({dg, du, d, g, u}), &rest)) {
    s.F -= rest;
    unsigned blocks = split(&s, N);
    switch (f) {
#define CASE(NAME, name, names)                                                                                              \
  case ACTIVATION_##NAME:                                                                                                    \
    CUDA_LAUNCH((activation_backward_kernel<T, N, ACTIVATION_##NAME>), blocks, ACTIVATION_THREADS, 0, cuda_stream(), dg, du, d, g, u, s); \
    break;
      ACTIVATIONS(CASE)
#undef CASE
    }
    if (rest == 0) return launched("activation_backward", e);
    dg += s.F, d += s.F, g += s.F;
    if (u) du += s.F, u += s.F;
    s.F = rest;
  }
  unsigned blocks = split(&s, 1);
  CUDA_LAUNCH((activation_backward_kernel<T, 1, -1>), blocks, ACTIVATION_THREADS, 0, cuda_stream(), dg, du, d, g, u, s);
  return launched("activation_backward", e);
}

template <class T> static void fill(struct backend *b) {
  b->activation_forward = activation_forward<T>;
  b->activation_backward = activation_backward<T>;
}

extern "C" void activation_cuda(struct backend *b, bool half) { half ? fill<bf16>(b) : fill<float>(b); }
