/* SPDX-License-Identifier: MIT
 *
 * RMSNorm's CUDA kernels on a GPU: the cases of the emulator and larger ones, then speeds.  Built and run by
 * tests/gpu-check.
 */
#include <stdio.h>
#include <stdlib.h>

#include <cuda_runtime.h>

static void *device_alloc(size_t bytes) {
  void *p = nullptr;
  if (cudaMallocManaged(&p, bytes ? bytes : 1) != cudaSuccess) {
    fprintf(stderr, "cannot allocate %zu bytes on the GPU\n", bytes);
    exit(1);
  }
  return p;
}
static void device_free(void *p) { cudaFree(p); }
static bool device_wait() { return cudaDeviceSynchronize() == cudaSuccess; }

#include "tests/kernels/rmsnorm_cuda_cases.h"

using namespace rmsnorm_cases;

/* GB/s of forward and backward, the least bytes that must move over the fastest of 20 runs. */
template <class T> static void speed(const char *type, int64_t rows, int64_t C) {
  size_t n = (size_t)(rows * C);
  T *buffers[4], *w;
  float *rstd, *dw;
  void *workspace;
  bool good = true;
  for (T *&b : buffers) good = good && cudaMalloc(&b, n * sizeof(T)) == cudaSuccess && cudaMemset(b, 0x11, n * sizeof(T)) == cudaSuccess;
  good = good && cudaMalloc(&w, C * sizeof(T)) == cudaSuccess && cudaMemset(w, 0x11, C * sizeof(T)) == cudaSuccess &&
         cudaMalloc(&rstd, rows * sizeof(float)) == cudaSuccess && cudaMalloc(&dw, C * sizeof(float)) == cudaSuccess &&
         cudaMalloc(&workspace, rmsnorm_cuda_workspace(rows, C)) == cudaSuccess;
  kernel_error e;
  cudaEvent_t start, middle, end;
  cudaEventCreate(&start), cudaEventCreate(&middle), cudaEventCreate(&end);
  float best_forward = 1e9f, best_backward = 1e9f;
  for (int i = 0; i < 20 && good; i++) {
    float ms = 0;
    cudaEventRecord(start);
    good = forward(buffers[0], rstd, buffers[1], w, rows, C, &e) == 0;
    cudaEventRecord(middle);
    good = good && backward(buffers[2], dw, buffers[3], buffers[1], w, rstd, rows, C, false, workspace, &e) == 0;
    cudaEventRecord(end);
    good = good && device_wait();
    cudaEventElapsedTime(&ms, start, middle);
    best_forward = ms < best_forward ? ms : best_forward;
    cudaEventElapsedTime(&ms, middle, end);
    best_backward = ms < best_backward ? ms : best_backward;
  }
  ok(good, "%s, %lld rows of %lld run", type, (long long)rows, (long long)C);
  note("%s, %lld rows of %lld: forward %.0f GB/s, backward %.0f GB/s", type, (long long)rows, (long long)C,
       2e-6 * (double)(n * sizeof(T)) / best_forward, 3e-6 * (double)(n * sizeof(T)) / best_backward);
  for (T *b : buffers) cudaFree(b);
  cudaFree(w), cudaFree(rstd), cudaFree(dw), cudaFree(workspace);
}

int main() {
  static const int64_t large[][2] = {{8192, 384}, {2048, 4096}, {1000, 12288}};
  for (int i = 0; i < SIZES + 3; i++) {
    const int64_t *size = i < SIZES ? sizes[i] : large[i - SIZES];
    for (int accumulate = 0; accumulate < 2; accumulate++) {
      bits f[2], h[2];
      bool good = true;
      for (int run = 0; run < 2; run++) {
        good = run_case<float>(size[0], size[1], accumulate, 1e-12, &f[run]) && good;
        good = run_case<uint16_t>(size[0], size[1], accumulate, 1e-5, &h[run]) && good;
      }
      ok(good, "%lld rows of %lld match the double reference and the CPU op, float and bf16%s", (long long)size[0],
         (long long)size[1], accumulate ? ", accumulating" : "");
      ok(f[0].bytes == f[1].bytes && h[0].bytes == h[1].bytes, "and give the same bits twice");
    }
  }
  speed<float>("float", 65536, 1024);
  speed<uint16_t>("bf16", 65536, 1024);
  speed<uint16_t>("bf16", 16384, 4096);
  return tap_done();
}
