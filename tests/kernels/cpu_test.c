/* SPDX-License-Identifier: MIT */
#include "kernels/cpu.h"

#include <sys/wait.h>
#include <unistd.h>

#include "tests/kernels/kernel_test.h"

/* The variant a fresh process takes with CRAWL2LM_CPU so, or unset for NULL. */
static int variant_with(const char *value) {
  pid_t child = fork();
  if (child == 0) {
    if (value) setenv("CRAWL2LM_CPU", value, 1);
    else unsetenv("CRAWL2LM_CPU");
    _exit(cpu_variant());
  }
  int status = -1;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(void) { /* children first: the variant is chosen once a process */
  int best = variant_with(NULL);
  ok_int(variant_with("scalar"), CPU_SCALAR, "CRAWL2LM_CPU=scalar holds the kernels to plain code");
  ok_int(variant_with("avx2"), best < CPU_AVX2 ? best : CPU_AVX2, "CRAWL2LM_CPU=avx2 takes AVX2 where it is there");
  ok_int(variant_with("avx512"), best, "CRAWL2LM_CPU=avx512 never exceeds the CPU");
  ok_int(variant_with("mmx"), best, "an unknown word is ignored");
  ok(!cpu_has_avx512() || best == CPU_AVX512 || sizeof(real) == 8, "AVX-512 is taken where it is there");

  char *p = cpu_scratch(0, 100), *q = cpu_scratch(1, 100);
  ok(p && q && p != q && (uintptr_t)p % 64 == 0, "scratch is aligned, slots are apart");
  memset(p, 1, 100);
  ok(cpu_scratch(0, 50) == p, "scratch is kept");
  p = cpu_scratch(0, 1 << 20);
  memset(p, 1, 1 << 20);
  ok(p != NULL, "scratch grows");

  struct kernel_error e;
  const struct backend *cpu = backend_cpu();
  for (size_t bytes = 0; bytes <= 8 << 20; bytes += 4 << 20) {
    char *a = cpu->alloc(bytes, &e);
    bool zero = a != NULL && (uintptr_t)a % 64 == 0;
    for (size_t i = 0; zero && i < bytes; i++) zero = a[i] == 0;
    ok(zero, "%zu bytes are aligned and zero", bytes);
    cpu->release(a);
  }
  ok(cpu->alloc(SIZE_MAX - 10, &e) == NULL && strstr(e.message, "cannot allocate"), "impossible sizes fail with a message");
  ok(kernel_fail(&e, "%s", "why") == -1 && strcmp(e.message, "why") == 0, "errors carry their reason");
  ok(backend_cuda(MATMUL_BF16, &e) == NULL && strstr(e.message, "--device cpu"), "there is no CUDA backend, and it says what to do");
  const char *warning = "unset";
  ok(strncmp(cpu->describe(&warning), "cpu ", 4) == 0 && (!warning || strstr(warning, "OPENBLAS_CORETYPE")), "the CPU backend describes itself");
  return tap_done();
}
