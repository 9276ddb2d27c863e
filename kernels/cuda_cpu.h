/* SPDX-License-Identifier: MIT
 *
 * One source for the GPU and for the CPU.  Kernels (.cuh) and the host code that launches them (.cu) include this header and
 * nothing of CUDA's toolkit; nvcc compiles them for the GPU, g++ for the emulator (cuda_emulator.h) with a runtime of its own
 * (cuda_runtime_cpu.h), so that they are tested, and their races found, where there is no GPU.
 *
 *   CUDA_LAUNCH(kernel, grid, block, shared_bytes, stream, arguments...)   sees to it that 48 KB of shared memory are not the limit
 *   CUDA_DYNAMIC_SHARED(type, name)         the block's dynamic shared memory
 *
 *   bf16, fp8_e4m3, fp8_e5m2                to_float(x), from_float<T>(f): to nearest even; fp8 saturates
 *   half_to_float(bits), float_to_half(f)   IEEE binary16
 *   pack_bf16(low, high), unpack_bf16(pair, &low, &high)
 *   pack_fp8<Q>(low, high)                  from_float<Q> of both: 8 bits each, high's shifted by 8
 *   pack<T, N>, load_pack<T, N>(p), store_pack<T, N>(p, x)   N elements at once, up to 16 bytes; p aligned to them
 *
 *   warp_sum(x), warp_max(x)                over 32 lanes, in all of them
 *   block_sum<THREADS>(x), block_max<THREADS>(x)   over a one-dimensional block, in all its threads; has barriers
 *
 *   ldmatrix_x4(r, row), _x4_trans, _x2, _x2_trans           8 x 8 matrices of 16-bit elements; `row`: 16 bytes of shared memory
 *   mma_bf16(d, a, b)   m16n8k16: d += a b                   mma_tf32(d, a, b)   m16n8k8, operands by to_tf32(f)
 *   cp_async_16(shared, global, inside)     16 bytes, or zeros without reading `global`; cp_async_commit(), cp_async_wait<N>()
 *   exp2_approx(x)      ex2.approx.ftz      fast_exp(x)   __expf
 *   load_acquire(p), store_release(p, x)    32 bits between blocks: who reads what was stored reads all that was written before it
 *
 * Fragments: the PTX ISA, "Matrix Fragments for mma.m16n8k16" and "... m16n8k8"; with group = lane / 4, t = lane % 4:
 *   bf16  a[0] row group, columns 2t 2t+1; a[1] row group+8; a[2], a[3] the same 8 columns on; b[0] rows 2t 2t+1 of column group;
 *         b[1] 8 rows on
 *   tf32  a[0] row group, column t; a[1] row group+8; a[2], a[3] 4 columns on; b[0] row t of column group; b[1] 4 rows on
 *   d     d[0] d[1] row group, columns 2t 2t+1; d[2] d[3] row group+8
 */
#ifndef KERNELS_CUDA_CPU_H
#define KERNELS_CUDA_CPU_H

#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__ /* ---------------------------------------------------------------------------------------- the GPU */

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include <initializer_list>

/* Lets the kernel ask for what the device has for a block, less what it has of its own: without this both together are 48 KB. */
template <class F> static cudaError_t cuda_allow_shared(F *kernel) {
  cudaFuncAttributes of_kernel;
  int device = 0, most = 0;
  cudaError_t error = cudaFuncGetAttributes(&of_kernel, kernel);
  if (error == cudaSuccess) error = cudaGetDevice(&device);
  if (error == cudaSuccess) error = cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  return error == cudaSuccess ? cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most - (int)of_kernel.sharedSizeBytes) : error;
}

#define CUDA_LAUNCH(kernel, grid, block, shared_bytes, stream, ...)                                                    \
  do {                                                                                                                 \
    size_t cuda_launch_shared = (shared_bytes);                                                                        \
    static bool cuda_launch_allowed = false; /* where it fails the launch does, and launched() tells */                \
    if (cuda_launch_shared > 0 && !cuda_launch_allowed) cuda_launch_allowed = cuda_allow_shared(kernel) == cudaSuccess; \
    kernel<<<(grid), (block), cuda_launch_shared, (stream)>>>(__VA_ARGS__);                                            \
  } while (0)
#define CUDA_DYNAMIC_SHARED(type, name)                                                                                \
  extern __shared__ __align__(128) unsigned char cuda_dynamic_shared[];                                                \
  type *name = reinterpret_cast<type *>(cuda_dynamic_shared)

typedef __nv_bfloat16 bf16;
struct fp8_e4m3 {
  __nv_fp8_storage_t bits;
};
struct fp8_e5m2 {
  __nv_fp8_storage_t bits;
};
static __device__ __forceinline__ float half_to_float(uint16_t bits) { return __half2float(__ushort_as_half(bits)); }
static __device__ __forceinline__ uint16_t float_to_half(float x) { return __half_as_ushort(__float2half_rn(x)); }
static __device__ __forceinline__ float to_float(float x) { return x; }
static __device__ __forceinline__ float to_float(bf16 x) { return __bfloat162float(x); }
static __device__ __forceinline__ float to_float(fp8_e4m3 x) { return __half2float(__half(__nv_cvt_fp8_to_halfraw(x.bits, __NV_E4M3))); }
static __device__ __forceinline__ float to_float(fp8_e5m2 x) { return __half2float(__half(__nv_cvt_fp8_to_halfraw(x.bits, __NV_E5M2))); }
template <class T> static __device__ __forceinline__ T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }
template <> __device__ __forceinline__ bf16 from_float<bf16>(float x) { return __float2bfloat16_rn(x); }
template <> __device__ __forceinline__ fp8_e4m3 from_float<fp8_e4m3>(float x) { return fp8_e4m3{__nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3)}; }
template <> __device__ __forceinline__ fp8_e5m2 from_float<fp8_e5m2>(float x) { return fp8_e5m2{__nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E5M2)}; }
template <class Q> static __device__ __forceinline__ uint32_t pack_fp8(float low, float high);
template <> __device__ __forceinline__ uint32_t pack_fp8<fp8_e4m3>(float low, float high) { return __nv_cvt_float2_to_fp8x2(make_float2(low, high), __NV_SATFINITE, __NV_E4M3); }
template <> __device__ __forceinline__ uint32_t pack_fp8<fp8_e5m2>(float low, float high) { return __nv_cvt_float2_to_fp8x2(make_float2(low, high), __NV_SATFINITE, __NV_E5M2); }

static __device__ __forceinline__ uint32_t pack_bf16(float low, float high) {
  __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<uint32_t *>(&pair);
}
static __device__ __forceinline__ void unpack_bf16(uint32_t pair, float *low, float *high) {
  *low = __uint_as_float(pair << 16), *high = __uint_as_float(pair & 0xffff0000u);
}
static __device__ __forceinline__ uint32_t to_tf32(float x) {
  uint32_t r;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
  return r;
}
static __device__ __forceinline__ float exp2_approx(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/* PTX.  The waits and copies are barriers for the compiler too; ldmatrix and mma are ordered by __syncthreads and __syncwarp. */
static __device__ __forceinline__ uint32_t shared_address(const void *p) { return (uint32_t)__cvta_generic_to_shared(p); }
#define CUDA_LDMATRIX_4(name, kind)                                                                                    \
  static __device__ __forceinline__ void name(uint32_t r[4], const void *shared_row) {                                 \
    asm volatile("ldmatrix.sync.aligned.m8n8.x4" kind ".shared.b16 {%0, %1, %2, %3}, [%4];"                           \
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])                                                      \
                 : "r"(shared_address(shared_row)));                                                                   \
  }
#define CUDA_LDMATRIX_2(name, kind)                                                                                    \
  static __device__ __forceinline__ void name(uint32_t r[2], const void *shared_row) {                                 \
    asm volatile("ldmatrix.sync.aligned.m8n8.x2" kind ".shared.b16 {%0, %1}, [%2];"                                   \
                 : "=r"(r[0]), "=r"(r[1])                                                                              \
                 : "r"(shared_address(shared_row)));                                                                   \
  }
CUDA_LDMATRIX_4(ldmatrix_x4, "")
CUDA_LDMATRIX_4(ldmatrix_x4_trans, ".trans")
CUDA_LDMATRIX_2(ldmatrix_x2, "")
CUDA_LDMATRIX_2(ldmatrix_x2_trans, ".trans")
#undef CUDA_LDMATRIX_4
#undef CUDA_LDMATRIX_2
static __device__ __forceinline__ void mma_bf16(float d[4], const uint32_t a[4], const uint32_t b[2]) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
static __device__ __forceinline__ void mma_tf32(float d[4], const uint32_t a[4], const uint32_t b[2]) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
static __device__ __forceinline__ void cp_async_16(void *shared, const void *global, bool inside) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global), "r"(inside ? 16 : 0) : "memory");
}
static __device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <int N> static __device__ __forceinline__ void cp_async_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory"); }
static __device__ __forceinline__ int32_t load_acquire(const int32_t *p) {
  int32_t x;
  asm volatile("ld.acquire.gpu.global.s32 %0, [%1];" : "=r"(x) : "l"(p) : "memory");
  return x;
}
static __device__ __forceinline__ void store_release(int32_t *p, int32_t x) { asm volatile("st.release.gpu.global.s32 [%0], %1;" ::"l"(p), "r"(x) : "memory"); }

#else /* ------------------------------------------------------------------------------------------------ the emulator */

#include "kernels/cuda_emulator.h"
#include "kernels/cuda_runtime_cpu.h"

#define CUDA_LAUNCH(kernel, grid, block, shared_bytes, stream, ...)                                                    \
  cuda_cpu::launch_with(#kernel, (kernel), (grid), (block), (shared_bytes), (stream), [](auto... values) { kernel(values...); }, ##__VA_ARGS__)
#define CUDA_DYNAMIC_SHARED(type, name) type *name = reinterpret_cast<type *>(cuda_cpu::block.dynamic.data())

#endif /* ------------------------------------------------------------------------------------------------------- both */

static __device__ __forceinline__ float fast_exp(float x) { return __expf(x); }

template <class T, int N> struct __align__(sizeof(T) * N > 16 ? 16 : sizeof(T) * N) pack {
  T at[N];
};
template <class T, int N> static __device__ __forceinline__ pack<T, N> load_pack(const T *p) {
#ifndef __CUDACC__
  cuda_cpu::must_be_aligned(p, alignof(pack<T, N>), "load_pack");
#endif
  return *reinterpret_cast<const pack<T, N> *>(p);
}
template <class T, int N> static __device__ __forceinline__ void store_pack(T *p, pack<T, N> x) {
#ifndef __CUDACC__
  cuda_cpu::must_be_aligned(p, alignof(pack<T, N>), "store_pack");
#endif
  *reinterpret_cast<pack<T, N> *>(p) = x;
}

static __device__ __forceinline__ float warp_sum(float x) {
  for (int distance = 16; distance > 0; distance /= 2) x += __shfl_xor_sync(0xffffffffu, x, distance);
  return x;
}
static __device__ __forceinline__ float warp_max(float x) {
  for (int distance = 16; distance > 0; distance /= 2) x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, distance));
  return x;
}

/* Every thread adds the warps' sums in the same order. */
template <int THREADS> static __device__ __forceinline__ float block_sum(float x) {
  static_assert(THREADS % 32 == 0 && THREADS <= 1024, "whole warps");
  __shared__ float sums[THREADS / 32];
  x = warp_sum(x);
  if (THREADS == 32) return x;
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = x;
  __syncthreads();
  if (THREADS <= 256) {
    x = sums[0];
    for (int i = 1; i < THREADS / 32; i++) x += sums[i];
  } else {
    x = warp_sum(threadIdx.x % 32 < THREADS / 32 ? sums[threadIdx.x % 32] : 0);
  }
  __syncthreads(); /* before the next call writes them */
  return x;
}
template <int THREADS> static __device__ __forceinline__ float block_max(float x) {
  static_assert(THREADS % 32 == 0 && THREADS <= 1024, "whole warps");
  __shared__ float most[THREADS / 32];
  x = warp_max(x);
  if (THREADS == 32) return x;
  if (threadIdx.x % 32 == 0) most[threadIdx.x / 32] = x;
  __syncthreads();
  x = warp_max(most[threadIdx.x % 32 % (THREADS / 32)]);
  __syncthreads();
  return x;
}

#endif
