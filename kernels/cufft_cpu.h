/* SPDX-License-Identifier: MIT
 *
 * The part of cuFFT that the ops use, for the emulator: one-dimensional batched plans, in double inside.  The factors of n are
 * taken one after another, so a prime p costs n*p.
 * Strict where the library is: a plan without its work area does not run, the work area and the input of an out-of-place C2R
 * are overwritten (with NaN here), and a plan made or an area allocated while a graph is recorded fails.
 */
#ifndef KERNELS_CUFFT_CPU_H
#define KERNELS_CUFFT_CPU_H

#include <complex>
#include <map>

#include "kernels/cuda_runtime_cpu.h"

typedef enum cufftResult_t {
  CUFFT_SUCCESS = 0, CUFFT_INVALID_PLAN = 1, CUFFT_ALLOC_FAILED = 2, CUFFT_INVALID_TYPE = 3, CUFFT_INVALID_VALUE = 4, CUFFT_INTERNAL_ERROR = 5,
  CUFFT_EXEC_FAILED = 6, CUFFT_SETUP_FAILED = 7, CUFFT_INVALID_SIZE = 8, CUFFT_UNALIGNED_DATA = 9, CUFFT_NO_WORKSPACE = 13, CUFFT_NOT_IMPLEMENTED = 14,
  CUFFT_NOT_SUPPORTED = 16
} cufftResult;
typedef enum cufftType_t { CUFFT_R2C = 0x2a, CUFFT_C2R = 0x2c, CUFFT_C2C = 0x29 } cufftType;
enum { CUFFT_FORWARD = -1, CUFFT_INVERSE = 1 };
typedef float cufftReal;
typedef float2 cufftComplex;
typedef int cufftHandle;

namespace cuda_cpu {

struct fft_plan {
  cufftType type;
  int n, batch;
  int64_t in_stride, in_distance, out_stride, out_distance;
  size_t work_bytes;
  void *work;
  bool made, automatic, own_work;
  cudaStream_t stream;
};
inline std::map<int, fft_plan> &fft_plans() {
  static std::map<int, fft_plan> plans;
  return plans;
}
inline fft_plan *fft_find(cufftHandle h) {
  auto found = fft_plans().find(h);
  return found == fft_plans().end() ? nullptr : &found->second;
}

/* x[0 .. n-1], `step` apart, to its transform y; sign as in exp(sign 2 pi i j k / n) */
inline void fft_transform(std::complex<double> *y, const std::complex<double> *x, int n, int64_t step, int sign) {
  if (n == 1) {
    y[0] = x[0];
    return;
  }
  int p = 2;
  while (p * p <= n && n % p != 0) p++;
  if (n % p != 0) p = n;
  int m = n / p;
  std::vector<std::complex<double>> part((size_t)n);
  for (int q = 0; q < p; q++) fft_transform(part.data() + (size_t)q * m, x + q * step, m, step * p, sign);
  for (int k = 0; k < n; k++) {
    std::complex<double> sum = 0;
    for (int q = 0; q < p; q++) sum += part[(size_t)q * m + k % m] * std::polar(1.0, sign * 2 * M_PI * (double)((int64_t)q * k % n) / n);
    y[k] = sum;
  }
}

inline void fft_run(const fft_plan &p, const float *in, float *out, int sign) {
  size_t half = (size_t)p.n / 2 + 1;
  if (p.work_bytes) memset(p.work, 0xff, p.work_bytes);
  std::vector<std::complex<double>> x((size_t)p.n), y((size_t)p.n);
  std::vector<float> results; /* of all batches, before the input may be overwritten in place */
  size_t out_n = p.type == CUFFT_R2C ? half : (size_t)p.n, out_width = p.type == CUFFT_C2R ? 1 : 2;
  results.resize((size_t)p.batch * out_n * out_width);
  for (int b = 0; b < p.batch; b++) {
    const float *from = in + b * p.in_distance * (p.type == CUFFT_R2C ? 1 : 2);
    for (int i = 0; i < p.n; i++) {
      if (p.type == CUFFT_R2C) x[(size_t)i] = from[i * p.in_stride];
      else if (p.type == CUFFT_C2C || (size_t)i < half) x[(size_t)i] = {from[2 * i * p.in_stride], from[2 * i * p.in_stride + 1]};
      else x[(size_t)i] = std::conj(x[(size_t)(p.n - i)]);
    }
    if (p.type == CUFFT_C2R) { /* imaginary parts that a real signal cannot have are ignored */
      x[0] = x[0].real();
      if (p.n % 2 == 0) x[(size_t)p.n / 2] = x[(size_t)p.n / 2].real();
    }
    fft_transform(y.data(), x.data(), p.n, 1, sign);
    for (size_t i = 0; i < out_n; i++) {
      float *to = &results[((size_t)b * out_n + i) * out_width];
      to[0] = (float)y[i].real();
      if (out_width == 2) to[1] = (float)y[i].imag();
    }
  }
  if (p.type == CUFFT_C2R && (const void *)in != (const void *)out)
    for (int b = 0; b < p.batch; b++)
      for (size_t i = 0; i < half; i++)
        for (int part = 0; part < 2; part++) const_cast<float *>(in)[2 * (b * p.in_distance + (int64_t)i * p.in_stride) + part] = NAN;
  for (int b = 0; b < p.batch; b++)
    for (size_t i = 0; i < out_n; i++)
      for (size_t part = 0; part < out_width; part++)
        out[out_width * (size_t)(b * p.out_distance + (int64_t)i * p.out_stride) + part] = results[((size_t)b * out_n + i) * out_width + part];
}

inline cufftResult fft_execute(cufftHandle h, cufftType type, const void *in, void *out, int sign) {
  fft_plan *p = fft_find(h);
  if (!p || !p->made) return CUFFT_INVALID_PLAN;
  if (p->type != type) return CUFFT_INVALID_TYPE;
  if (!in || !out || (sign != CUFFT_FORWARD && sign != CUFFT_INVERSE)) return CUFFT_INVALID_VALUE;
  if (p->work_bytes && !p->work) return CUFFT_NO_WORKSPACE;
  if ((type != CUFFT_R2C && (uintptr_t)in % sizeof(cufftComplex)) || (type != CUFFT_C2R && (uintptr_t)out % sizeof(cufftComplex))) return CUFFT_UNALIGNED_DATA;
  fft_plan now = *p;
  enqueue(p->stream, [=] { fft_run(now, static_cast<const float *>(in), static_cast<float *>(out), sign); });
  return CUFFT_SUCCESS;
}

} // namespace cuda_cpu

inline cufftResult cufftCreate(cufftHandle *h) {
  static int next = 1;
  *h = next++;
  cuda_cpu::fft_plans()[*h] = {};
  cuda_cpu::fft_find(*h)->automatic = true;
  return CUFFT_SUCCESS;
}
inline cufftResult cufftSetAutoAllocation(cufftHandle h, int automatic) {
  cuda_cpu::fft_plan *p = cuda_cpu::fft_find(h);
  if (!p || p->made) return CUFFT_INVALID_PLAN;
  p->automatic = automatic != 0;
  return CUFFT_SUCCESS;
}
inline cufftResult cufftSetWorkArea(cufftHandle h, void *work) {
  cuda_cpu::fft_plan *p = cuda_cpu::fft_find(h);
  if (!p || !p->made) return CUFFT_INVALID_PLAN;
  if (p->own_work) cudaFree(p->work), p->own_work = false;
  if ((uintptr_t)work % 256) return CUFFT_UNALIGNED_DATA;
  p->work = work;
  return CUFFT_SUCCESS;
}
inline cufftResult cufftSetStream(cufftHandle h, cudaStream_t stream) {
  cuda_cpu::fft_plan *p = cuda_cpu::fft_find(h);
  if (!p) return CUFFT_INVALID_PLAN;
  p->stream = stream;
  return CUFFT_SUCCESS;
}
/* As the library does: without inembed (onembed) the data lies side by side, whatever the strides say. */
inline cufftResult cufftMakePlanMany(cufftHandle h, int rank, int *n, int *inembed, int istride, int idist, int *onembed, int ostride, int odist,
                                     cufftType type, int batch, size_t *work_bytes) {
  cuda_cpu::fft_plan *p = cuda_cpu::fft_find(h);
  if (!p || p->made) return CUFFT_INVALID_PLAN;
  if (cuda_cpu::capturing()) return CUFFT_SETUP_FAILED;
  if (rank != 1) return CUFFT_NOT_IMPLEMENTED;
  if (type != CUFFT_R2C && type != CUFFT_C2R && type != CUFFT_C2C) return CUFFT_INVALID_TYPE;
  if (!n || n[0] < 1 || batch < 1) return CUFFT_INVALID_SIZE;
  if (!work_bytes || (inembed && (istride < 1 || idist < 0)) || (onembed && (ostride < 1 || odist < 0)) || !inembed != !onembed) return CUFFT_INVALID_VALUE;
  int half = n[0] / 2 + 1;
  p->type = type;
  p->n = n[0], p->batch = batch;
  p->in_stride = inembed ? istride : 1, p->in_distance = inembed ? idist : type == CUFFT_C2R ? half : n[0];
  p->out_stride = onembed ? ostride : 1, p->out_distance = onembed ? odist : type == CUFFT_R2C ? half : n[0];
  p->work_bytes = *work_bytes = (size_t)batch * (size_t)half * 8;
  if (p->automatic) {
    if (cudaMalloc(&p->work, p->work_bytes) != cudaSuccess) return CUFFT_ALLOC_FAILED;
    p->own_work = true;
  }
  p->made = true;
  return CUFFT_SUCCESS;
}
inline cufftResult cufftPlanMany(cufftHandle *h, int rank, int *n, int *inembed, int istride, int idist, int *onembed, int ostride, int odist,
                                 cufftType type, int batch) {
  size_t bytes;
  cufftResult r = cufftCreate(h);
  return r != CUFFT_SUCCESS ? r : cufftMakePlanMany(*h, rank, n, inembed, istride, idist, onembed, ostride, odist, type, batch, &bytes);
}
inline cufftResult cufftDestroy(cufftHandle h) {
  cuda_cpu::fft_plan *p = cuda_cpu::fft_find(h);
  if (!p) return CUFFT_INVALID_PLAN;
  if (p->own_work) cudaFree(p->work);
  cuda_cpu::fft_plans().erase(h);
  return CUFFT_SUCCESS;
}
inline cufftResult cufftExecR2C(cufftHandle h, cufftReal *in, cufftComplex *out) { return cuda_cpu::fft_execute(h, CUFFT_R2C, in, out, CUFFT_FORWARD); }
inline cufftResult cufftExecC2R(cufftHandle h, cufftComplex *in, cufftReal *out) { return cuda_cpu::fft_execute(h, CUFFT_C2R, in, out, CUFFT_INVERSE); }
inline cufftResult cufftExecC2C(cufftHandle h, cufftComplex *in, cufftComplex *out, int direction) {
  return cuda_cpu::fft_execute(h, CUFFT_C2C, in, out, direction);
}

#endif
