/* SPDX-License-Identifier: MIT
 *
 * Opens a shared library and finds its functions, with words for a user where it is missing or another version; no part of
 * CUDA is needed, so that tests can hand it libraries of their own.
 */
#ifndef KERNELS_CUDA_LOADER_H
#define KERNELS_CUDA_LOADER_H

#include <dlfcn.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif
#include "kernels/backend.h"
#ifdef __cplusplus
}
#endif

/* The first of `names` that can be opened, in *library, unless one is there already.  0 or -1: names[0] and `package`, which has
 * it, are in the message, with the linker's reason, which names what else was missing. */
static inline int loader_open(void **library, const char *const *names, int count, const char *package, struct kernel_error *e) {
  char reason[120] = "";
  for (int i = 0; i < count && !*library; i++) {
    *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!*library && i == 0) snprintf(reason, sizeof reason, "%s", dlerror());
  }
  if (*library) return 0;
  return kernel_fail(e, "%s cannot be opened (%s): install the package %s, or put its folder into LD_LIBRARY_PATH", names[0], reason, package);
}

/* version: of CUDA, whose library has the function */
static inline int loader_find(void *library, void **function, const char *name, const char *file, int version, struct kernel_error *e) {
  *function = dlsym(library, name);
  return *function ? 0 : kernel_fail(e, "%s has no %s, so it is another version: install the one of CUDA %d, or put its folder first into LD_LIBRARY_PATH", file, name, version);
}

#endif
