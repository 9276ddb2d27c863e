/* SPDX-License-Identifier: MIT
 *
 * The emulator itself: collectives against their definition, and faults it must report.
 */
#include "kernels/cuda_cpu.h"

#include <string>
#include <sys/wait.h>

#include "tests/tap.h"

__global__ void collectives(int *out) {
  int i = threadIdx.x, lane = i % 32, *o = out + 10 * (blockIdx.x * blockDim.x + i);
  o[0] = __shfl_xor_sync(0xffffffffu, i, 5);
  o[1] = __shfl_down_sync(0xffffffffu, i, 3);
  o[2] = __shfl_up_sync(0xffffffffu, i, 3);
  o[3] = __shfl_sync(0xffffffffu, i, 9);
  o[4] = __shfl_down_sync(0xffffffffu, i, 1, 8);
  o[5] = lane < 16 ? __shfl_xor_sync(0x0000ffffu, i, 1) : __shfl_xor_sync(0xffff0000u, i, 2);
  o[6] = (int)__ballot_sync(0xffffffffu, i % 3 == 0);
  o[7] = __any_sync(0xffffffffu, i == 40) * 2 + __all_sync(0xffffffffu, i < 40);
  o[8] = __syncthreads_count(i % 2);
  o[9] = __syncthreads_or(i == 7) * 2 + __syncthreads_and(i == 7);
  __syncwarp();
}

static bool collectives_match(int blocks, int threads) {
  std::vector<int> out((size_t)(10 * blocks * threads), -1);
  CUDA_LAUNCH(collectives, blocks, threads, 0, nullptr, out.data());
  bool good = true;
  for (int b = 0; b < blocks; b++)
    for (int i = 0; i < threads; i++) {
      const int *o = out.data() + 10 * (b * threads + i);
      int lane = i % 32, warp = i - lane;
      unsigned ballot = 0;
      for (int j = 0; j < 32; j++) ballot |= (unsigned)((warp + j) % 3 == 0) << j;
      const int want[10] = {warp + (lane ^ 5), lane + 3 < 32 ? i + 3 : i, lane >= 3 ? i - 3 : i, warp + 9, lane % 8 == 7 ? i : i + 1,
                            lane < 16 ? i ^ 1 : i ^ 2, (int)ballot, (warp == 32) * 2 + (warp == 0), threads / 2, 2};
      for (int k = 0; k < 10; k++)
        if (o[k] != want[k]) {
          note("thread %d, collective %d: %d, want %d", i, k, o[k], want[k]);
          good = false;
        }
    }
  return good;
}

__global__ void memory(int *count, float *seen) {
  CUDA_DYNAMIC_SHARED(float, values);
  __shared__ int total;
  if (threadIdx.x + threadIdx.y + threadIdx.z == 0) total = 0;
  int i = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  seen[i] = values[i];
  __syncthreads();
  atomicAdd(&total, 1);
  atomicMax(count + 1, i);
  values[i] = (float)i;
  __syncthreads();
  seen[i] = std::isnan(seen[i]) ? values[blockDim.x * blockDim.y * blockDim.z - 1 - i] : -1;
  if (i == 0) atomicAdd(count, total);
}

__global__ void exits_early(int *out) {
  if (threadIdx.x >= 40) return;
  __syncthreads();
  if (threadIdx.x == 0) *out = 1;
}

/* Faults. */
__global__ void waits_alone(float *x) {
  if (threadIdx.x < 16) x[threadIdx.x] = __shfl_xor_sync(0xffffffffu, x[threadIdx.x], 1);
  else __syncthreads();
}
__global__ void two_barriers() {
  if (threadIdx.x < 32)
    __syncthreads();
  else
    __syncthreads();
}
__global__ void wrong_mask() { (void)__shfl_xor_sync(0x0000ffffu, 1, 1); }
__global__ void reads_outside() {
  if (threadIdx.x < 16) (void)__shfl_xor_sync(0x0000ffffu, 1, 16);
}
__global__ void two_collectives() {
  if (threadIdx.x < 16) (void)__ballot_sync(0xffffffffu, 1);
  else __syncwarp();
}

/* What the emulator says before it ends a child that runs `kernel`; empty when the child came through. */
template <class F> static std::string report(F kernel) {
  int ends[2];
  if (pipe(ends) != 0) return "";
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 2);
    close(ends[0]), close(ends[1]);
    kernel();
    _exit(0);
  }
  close(ends[1]);
  std::string text;
  char buffer[512];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) text.append(buffer, (size_t)n);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? text : "";
}

static void reports(const std::string &text, const char *what, const char *name) {
  if (!ok(text.find(what) != std::string::npos, "%s", name)) note("%s", text.c_str());
}

int main() {
  float x[64] = {0};
  for (unsigned long seed = 0; seed < 4; seed++) {
    cuda_cpu::seed = seed;
    ok(collectives_match(2, 96), "votes and shuffles follow their definition, seed %lu", seed);
    int count[2] = {0, 0};
    std::vector<float> seen(1024);
    CUDA_LAUNCH(memory, 3, dim3(8, 16, 8), 1024 * sizeof(float), nullptr, count, seen.data());
    bool good = count[0] == 3 * 1024 && count[1] == 1023;
    for (int i = 0; i < 1024; i++) good = good && seen[(size_t)i] == (float)(1023 - i);
    ok(good, "shared memory starts as NaN and is shared, atomics count, seed %lu", seed);
    int reached = 0;
    CUDA_LAUNCH(exits_early, 1, 64, 0, nullptr, &reached);
    ok(reached == 1, "threads that have ended are not waited for, seed %lu", seed);
    reports(report([&] { CUDA_LAUNCH(waits_alone, 1, 32, 0, nullptr, x); }), "deadlock", "half a warp at a barrier is a deadlock");
    reports(report([&] { CUDA_LAUNCH(two_barriers, 1, 64, 0, nullptr); }), "different barriers", "two barriers are not one");
  }
  cuda_cpu::seed = 0;
  std::string text = report([&] { CUDA_LAUNCH(waits_alone, 1, 32, 0, nullptr, x); });
  reports(text, "thread 3 waits in __shfl_xor_sync, line ", "the report names thread, operation and line");
  reports(report([] { CUDA_LAUNCH(wrong_mask, 1, 32, 0, nullptr); }), "whose mask it is not in", "a lane outside its own mask is an error");
  reports(report([] { CUDA_LAUNCH(reads_outside, 1, 32, 0, nullptr); }), "outside its mask", "reading a lane outside the mask is an error");
  reports(report([] { CUDA_LAUNCH(two_collectives, 1, 32, 0, nullptr); }), "different collectives", "two collectives are not one");
  reports(report([] { CUDA_LAUNCH(two_barriers, 1, 2048, 0, nullptr); }), "not possible", "2048 threads a block are refused");
  return tap_done();
}
