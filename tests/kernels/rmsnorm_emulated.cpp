/* SPDX-License-Identifier: MIT
 *
 * RMSNorm's CUDA kernels in the emulator.
 */
#include <cstdlib>

static void *device_alloc(size_t bytes) { return aligned_alloc(64, (bytes + 63) / 64 * 64); }
static void device_free(void *p) { free(p); }
static bool device_wait() { return true; }

#include "kernels/rmsnorm.cu"
#include "tests/kernels/rmsnorm_cuda_cases.h"

#include <sys/wait.h>

/* Runs a case with a barrier left out, in a child: false when results are wrong or the emulator ends it. */
static bool passes_without_barrier(int line, unsigned long seed) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr)) _exit(2);
    cuda_cpu::ignored_barrier = line;
    cuda_cpu::seed = seed;
    _exit(rmsnorm_cases::run_case<float>(600, 200, false, 1e-12, nullptr) ? 0 : 1);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main() {
  using namespace rmsnorm_cases;
  for (int i = 0; i < SIZES; i++)
    for (int accumulate = 0; accumulate < 2; accumulate++) {
      bits f[4], h[4];
      bool good = true, same = true;
      for (unsigned long seed = 0; seed < 4; seed++) {
        cuda_cpu::seed = seed;
        good = run_case<float>(sizes[i][0], sizes[i][1], accumulate, 1e-12, &f[seed]) && good;
        good = run_case<uint16_t>(sizes[i][0], sizes[i][1], accumulate, 1e-5, &h[seed]) && good;
        same = same && f[seed].bytes == f[0].bytes && h[seed].bytes == h[0].bytes;
      }
      ok(good, "%lld rows of %lld match the double reference and the CPU op, float and bf16%s", (long long)sizes[i][0],
         (long long)sizes[i][1], accumulate ? ", accumulating" : "");
      ok(same, "and give the same bits in four orders of execution");
    }
  std::set<int> lines = cuda_cpu::barrier_lines();
  ok(lines.size() == 3, "the kernels have three barriers");
  for (int line : lines) {
    bool caught = false;
    for (unsigned long seed = 0; seed < 8 && !caught; seed++) caught = !passes_without_barrier(line, seed);
    ok(caught, "forgetting the barrier of line %d is noticed", line);
  }
  ok(passes_without_barrier(0, 5), "with all barriers the same case passes");
  cuda_cpu::seed = 0;
  kernel_error e;
  float x[16] = {0};
  ok(rmsnorm_cuda_forward_f32(x, x, x, x, 1, 20000, 1e-5f, nullptr, &e) == -1 && strstr(e.message, "20000"), "too many columns are an error");
  ok(rmsnorm_cuda_forward_f32(x, x, x, x, 0, 16, 1e-5f, nullptr, &e) == 0, "no rows are no work");
  return tap_done();
}
