/* SPDX-License-Identifier: MIT */
#include "kernels/optimizer.cuh"

static int adamw(float *parameter, const float *gradient, float *m, float *v, int64_t n, const struct adamw_settings *s, struct kernel_error *e) {
  if (s->step < 1) return kernel_fail(e, "adamw: step %lld, the first is 1", (long long)s->step);
  if (n <= 0) return 0;
  adamw_coefficients c;
  c.beta1 = (float)s->beta1, c.rest1 = (float)(1 - s->beta1);
  c.beta2 = (float)s->beta2, c.rest2 = (float)(1 - s->beta2);
  c.keep = (float)(1 - s->lr * s->weight_decay);
  c.rate = (float)(s->lr / (1 - pow(s->beta1, (double)s->step)));
  c.correction2 = (float)(1 / sqrt(1 - pow(s->beta2, (double)s->step)));
  c.eps = (float)s->eps;
  c.gradient_scale = (float)s->gradient_scale;
  bool aligned = aligned_16({parameter, gradient, m, v});
  unsigned blocks = (unsigned)divide_up(aligned ? n / 4 + n % 4 : n, ADAMW_THREADS);
  if (aligned) CUDA_LAUNCH(adamw_kernel<true>, blocks, ADAMW_THREADS, 0, cuda_stream(), parameter, gradient, m, v, n, c);
  else CUDA_LAUNCH(adamw_kernel<false>, blocks, ADAMW_THREADS, 0, cuda_stream(), parameter, gradient, m, v, n, c);
  return launched("adamw", e);
}

static int sum_squares(double *sum, const float *x, int64_t n, struct kernel_error *e) {
  if (n <= 0) return 0;
  int pieces = squares_pieces(n);
  double *partial = (double *)cuda_workspace((size_t)(pieces + 1) * sizeof *partial, e), *on_device = partial + pieces, total = 0;
  if (!partial || squares_partial(partial, x, n, "sum of squares", e) < 0) return -1;
  CUDA_LAUNCH(squares_total_kernel<SQUARES_THREADS>, 1, SQUARES_THREADS, 0, cuda_stream(), on_device, (const double *)partial, pieces);
  if (launched("sum of squares", e) < 0) return -1;
  cudaError_t error = cudaMemcpyAsync(&total, on_device, sizeof total, cudaMemcpyDeviceToHost, cuda_stream());
  if (error == cudaSuccess) error = cudaStreamSynchronize(cuda_stream());
  if (error != cudaSuccess) return cuda_failed(e, "sum of squares", error);
  *sum += total;
  return 0;
}

extern "C" void optimizer_cuda(struct backend *b, bool) {
  b->adamw = adamw;
  b->sum_squares = sum_squares;
}
