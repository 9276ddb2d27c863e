/* SPDX-License-Identifier: MIT
 *
 * The CUDA backend is not there yet: a table with holes would fail in the middle of a run, so none is given.
 */
#include "kernels/backend.h"

const struct backend *backend_cuda(enum matmul_type type, struct kernel_error *e) {
  (void)type;
#if HAVE_CUDA
  kernel_fail(e, "no CUDA kernels for a whole model yet (only rmsnorm); use --device cpu");
#else
  kernel_fail(e, "this program was built without CUDA; use --device cpu");
#endif
  return NULL;
}
