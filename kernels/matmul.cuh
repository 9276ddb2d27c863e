/* SPDX-License-Identifier: MIT
 *
 * Products on the GPU, by cuBLASLt (matmul.cu), which is column-major: it is asked for the transpose of c, whose memory is that of c
 * in rows, so its first factor is op(b) and its second op(a), and a bias along the columns of c is one along its rows: the epilogue
 * BIAS adds it for nothing.
 *
 * A plan is made once for a shape, its leading dimensions, types, transposes, and alignments (to 16 bytes, which is what the
 * library's fast kernels ask for: cuBLAS documentation, "Tensor Core Usage"): descriptors, layouts, and the first algorithm of the
 * library's heuristics, which do not run anything, so the choice is the same every time.  Where k is split, parts are summed
 * from the workspace in a step of its own (CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE): deterministic and in float.
 * INPLACE and OUTPUT_TYPE, which round parts to the type of c, are not allowed.  The workspace an op asks for is what its algorithm
 * needs, at most what NVIDIA advises (32 MiB on Hopper and data centre Blackwell, else 4: cuBLAS documentation, cublasSetWorkspace()).
 *
 * 1024 plans are kept, in sets of 4 by the hash of all this, of a set the 4 used last; what the library refuses is kept as well.
 *
 * Few rows (MATVEC_MOST_ROWS) against a transposed b run in matvec.cuh.  FP8: fp8.cuh; linear_backward shares the 8-bit copies of dy.
 * Gradients of biases: column_sum.cuh, which reads dy once more: with 768 features 14 KB a token and layer, 5 ns at 3 TB/s beside
 * 106 ns of products (12 x 768^2 weights, 400 TFLOP/s).  The library's BGRADB would sum dy within dw's product; it writes over what ours
 * adds to, and whether its kernels are as fast nobody has measured here.  Its GELU_AUX_BIAS and DGELU would save 2 of the 6 bytes an
 * element that activations of models without gates move; they ask for an op that is a product and an activation.
 *
 * Expected on an H100: what the library gives, 600-750 TFLOP/s of bfloat16 where all sizes are 2048 and more (its maker states 989;
 * about 800 were measured at 8192), a third of that at 768 and 16,384 rows; TF32 half of bfloat16; float 50 of 67.
 */
#ifndef KERNELS_MATMUL_CUH
#define KERNELS_MATMUL_CUH

#include "kernels/cuda.h"

/* For ops that are made of products (Muon, SOAP):
 *   c = alpha op(a) op(b) + beta addend      row-major; sizes, ld and beta 0 as in matmul.h
 * of floats, or of bfloat16 where the names say half: a and b are of the same kind, and c is float where they are.  addend is of c's
 * kind with c's ld and may be c; with beta 0 it may be NULL.  type counts for
 * floats only: MATMUL_FP32 exact, MATMUL_TF32, others may round to bfloat16.  Queued on cuda_stream().  workspace: cuda_gemm_workspace()
 * bytes, 256-byte aligned, in the caller's one request, or NULL with 0 bytes (then k is never split: slower where c is small).  Same
 * sizes, alignments and workspace bytes, same bits. */
size_t cuda_gemm_workspace();
int cuda_gemm(enum matmul_type type, bool transpose_a, bool transpose_b, int64_t M, int64_t N, int64_t K, float alpha, const void *a, bool a_half,
              int64_t ld_a, const void *b, bool b_half, int64_t ld_b, float beta, const void *addend, void *c, bool c_half, int64_t ld_c,
              void *workspace, size_t workspace_bytes, struct kernel_error *e);

#endif
