/* SPDX-License-Identifier: MIT
 *
 * The emulator itself: collectives against their definition, waits that are left out, and faults it must report.
 * fragments_test.cpp has what a GPU must do too.
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

__global__ void no_shared_matrix(uint16_t *p) {
  uint32_t r[4];
  ldmatrix_x4(r, p);
}
__global__ void crooked_matrix() {
  __shared__ __align__(16) uint16_t rows[8 * 64];
  uint32_t r[2];
  ldmatrix_x2(r, rows + 1);
}
__global__ void matrices_of_half_a_warp() {
  __shared__ __align__(16) uint16_t rows[8 * 64];
  uint32_t r[2];
  ldmatrix_x2(r, rows);
}
__global__ void copies_to_device_memory(float *p) { cp_async_16(p, p, true); }
__global__ void copies_crookedly(const float *p) {
  CUDA_DYNAMIC_SHARED(float, to);
  cp_async_16(to, p + 1, true);
}
__global__ void copies_to_crooked_place(const float *p) {
  CUDA_DYNAMIC_SHARED(float, to);
  cp_async_16(to + 1, p, true);
}
__global__ void loads_crookedly(const float *p, float *sum) {
  pack<float, 4> x = load_pack<float, 4>(p + 2);
  *sum = x.at[0];
}
__global__ void stores_crookedly(float *p) { store_pack<float, 2>(p + 1, pack<float, 2>{{1, 2}}); }
__global__ void different_products(uint32_t *p) {
  float d[4] = {0};
  if (threadIdx.x % 2) mma_bf16(d, p, p);
  else mma_tf32(d, p, p);
}

/* The reading threads take their values before anything makes sure that they are there. */
__global__ void reads_before_wait(float *out, const float *in, bool inside) {
  CUDA_DYNAMIC_SHARED(float, to);
  int i = threadIdx.x;
  cp_async_16(to + 4 * i, in + 4 * i, inside);
  cp_async_commit();
  out[i] = to[4 * i];
  cp_async_wait<0>();
  out[32 + i] = to[4 * i + 3];
}
__global__ void waits_for_others(float *out, const float *in) {
  CUDA_DYNAMIC_SHARED(float, to);
  int i = threadIdx.x, n = blockDim.x;
  cp_async_16(to + 4 * i, in + 4 * i, true);
  cp_async_commit();
  cp_async_wait<0>();
  __syncthreads();
  out[i] = to[4 * (n - 1 - i)];
  __syncwarp();
}

__global__ void shares(float *out) {
  __shared__ float own[1024];
  CUDA_DYNAMIC_SHARED(float, more);
  own[threadIdx.x] = more[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = own[31 - threadIdx.x] + more[31 - threadIdx.x];
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

/* How many of 64 values of waits_for_others are right with one of its waits left out. */
static int right_without(const std::string &operation) {
  float out[64] = {0}, in[256];
  for (int i = 0; i < 256; i++) in[i] = (float)i;
  cuda_cpu::sites.used = true;
  cuda_cpu::sites.file = "/dev/null";
  cuda_cpu::sites.met.clear();
  CUDA_LAUNCH(waits_for_others, 1, 64, 1024, nullptr, out, in);
  cuda_cpu::sites.left_out = "nothing";
  for (const std::string &site : cuda_cpu::sites.met)
    if (site.find(operation) != std::string::npos) cuda_cpu::sites.left_out = site;
  CUDA_LAUNCH(waits_for_others, 1, 64, 1024, nullptr, out, in);
  cuda_cpu::sites.used = false;
  cuda_cpu::sites.left_out = "";
  cuda_cpu::sites.file = nullptr;
  int right = 0;
  for (int i = 0; i < 64; i++) right += out[i] == in[4 * (63 - i)];
  return right;
}

/* The runtime: work that nobody waited for has not happened, and host and device keep to their own memory. */
static void runtime() {
  cuda_cpu::seed = 0;
  cudaStream_t stream, other;
  cudaEvent_t event;
  cudaStreamCreate(&stream), cudaStreamCreate(&other), cudaEventCreate(&event);
  float *device = nullptr, *pinned = nullptr, pageable[4] = {1, 2, 3, 4};
  cudaMalloc(&device, sizeof pageable);
  cudaMallocHost(&pinned, sizeof pageable);
  pinned[0] = -1;
  cudaMemcpyAsync(device, pageable, sizeof pageable, cudaMemcpyHostToDevice, stream);
  pageable[0] = 9; /* taken already */
  cudaMemcpyAsync(pinned, device, sizeof pageable, cudaMemcpyDeviceToHost, stream);
  ok(pinned[0] == -1, "a copy has not run before anybody waits for it");
  cudaEventRecord(event, stream);
  ok(cudaEventQuery(event) == cudaErrorNotReady, "nor has the event behind it passed");
  cudaStreamWaitEvent(other, event);
  cudaStreamSynchronize(other);
  ok(pinned[0] == 1 && pinned[3] == 4, "a stream that waits for its event has it run");
  cudaMemcpyAsync(device, pinned, sizeof pageable, cudaMemcpyHostToDevice, stream);
  pinned[0] = 7; /* too early */
  cudaStreamSynchronize(stream);
  cudaMemcpy(pageable, device, sizeof pageable, cudaMemcpyDeviceToHost);
  ok(pageable[0] == 7, "pinned memory that changes before its copy has run changes what is copied");
  ok(cudaMemcpy(pageable, pinned, sizeof pageable, cudaMemcpyDeviceToHost) == cudaErrorInvalidMemcpyDirection, "a copy in a wrong direction is refused");

  cudaGraph_t graph = nullptr;
  cudaGraphExec_t runnable = nullptr;
  float *more = nullptr;
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed);
  ok(cudaMalloc(&more, 4) == cudaErrorStreamCaptureUnsupported && cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated, "memory cannot be asked for while a stream is captured");
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed);
  cudaEventRecord(event, stream);
  cudaStreamWaitEvent(other, event);
  cudaMemsetAsync(device, 0, 4, other);
  ok(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureUnjoined, "a stream that joined a capture and is not waited for is an error");
  cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed);
  cudaMemsetAsync(device, 0, 4, stream);
  ok(cudaStreamEndCapture(stream, &graph) == cudaSuccess && cudaGraphInstantiate(&runnable, graph) == cudaSuccess, "work is captured");
  cudaMemcpy(pageable, device, sizeof pageable, cudaMemcpyDeviceToHost);
  bool waited = pageable[0] == 7;
  cudaGraphLaunch(runnable, stream);
  cudaStreamSynchronize(stream);
  cudaMemcpy(pageable, device, sizeof pageable, cudaMemcpyDeviceToHost);
  ok(waited && pageable[0] == 0 && pageable[1] == 2, "and runs when the graph does");
  cudaGraphExecDestroy(runnable), cudaGraphDestroy(graph);
#if !defined(__SANITIZE_ADDRESS__) /* which reports it in its own words */
  reports(report([&] { device[0] = 1; }), "the host touches device memory", "a host that writes device memory is stopped");
#endif
  cudaEventDestroy(event), cudaStreamDestroy(stream), cudaStreamDestroy(other);
  cudaFree(device), cudaFreeHost(pinned);
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
  reports(text, "thread 3 waits in __shfl_xor_sync, tests/device/cuda_cpu_test.cpp, line ", "the report names thread, operation and place");
  reports(report([] { CUDA_LAUNCH(wrong_mask, 1, 32, 0, nullptr); }), "whose mask it is not in", "a lane outside its own mask is an error");
  reports(report([] { CUDA_LAUNCH(reads_outside, 1, 32, 0, nullptr); }), "outside its mask", "reading a lane outside the mask is an error");
  reports(report([] { CUDA_LAUNCH(two_collectives, 1, 32, 0, nullptr); }), "different collectives", "two collectives are not one");
  reports(report([] { CUDA_LAUNCH(two_barriers, 1, 2048, 0, nullptr); }), "not possible", "2048 threads a block are refused");

  static const struct {
    const char *capability;
    int kilobytes;
  } devices[] = {{"80", 163}, {"86", 99}, {"89", 99}, {"90", 227}, {"100", 227}};
  for (auto &device : devices) {
    setenv("CUDA_CPU_CAPABILITY", device.capability, 1);
    size_t most = (size_t)device.kilobytes << 10, own = 1024 * sizeof(float);
    CUDA_LAUNCH(shares, 1, 32, most - own, nullptr, x);
    reports(report([&] { CUDA_LAUNCH(shares, 1, 32, most - own + 4, nullptr, x); }), "4096 bytes of shared memory is not possible", "a kernel's own shared memory counts too");
  }
  unsetenv("CUDA_CPU_CAPABILITY");
  ok(x[0] == 2 && x[31] == 2, "a block may have all that its device has");

  std::vector<uint16_t> heap(64);
  alignas(16) float from[256] = {0};
  for (int i = 0; i < 256; i++) from[i] = (float)i + 1;
  uint16_t *matrix = reinterpret_cast<uint16_t *>(reinterpret_cast<uintptr_t>(heap.data() + 8) / 16 * 16);
  uint32_t fragment[4] = {0};
  reports(report([&] { CUDA_LAUNCH(no_shared_matrix, 1, 32, 0, nullptr, matrix); }), "not in the block's shared memory", "ldmatrix from elsewhere is an error");
  reports(report([] { CUDA_LAUNCH(crooked_matrix, 1, 32, 0, nullptr); }), "not aligned to 16", "ldmatrix from a crooked address is an error");
  reports(report([] { CUDA_LAUNCH(matrices_of_half_a_warp, 1, 16, 0, nullptr); }), "last warp is not full", "ldmatrix by half a warp is an error");
  reports(report([&] { CUDA_LAUNCH(copies_to_device_memory, 1, 1, 0, nullptr, from); }), "not in the block's shared memory", "cp.async to elsewhere is an error");
  reports(report([&] { CUDA_LAUNCH(copies_crookedly, 1, 1, 64, nullptr, from); }), "not aligned to 16", "cp.async from a crooked address is an error");
  reports(report([&] { CUDA_LAUNCH(copies_to_crooked_place, 1, 1, 64, nullptr, from); }), "not aligned to 16", "cp.async to a crooked address is an error");
  reports(report([&] { CUDA_LAUNCH(loads_crookedly, 1, 1, 0, nullptr, from, from); }), "load_pack: the address is not aligned to 16", "a crooked load of a pack is an error");
  reports(report([&] { CUDA_LAUNCH(stores_crookedly, 1, 1, 0, nullptr, from); }), "store_pack: the address is not aligned to 8", "a crooked store of a pack is an error");
  reports(report([&] { CUDA_LAUNCH(different_products, 1, 32, 0, nullptr, fragment); }), "different collectives", "lanes that multiply differently are an error");

  float out[64];
  bool late = true, early = false, landed = true, zeros = true;
  for (unsigned long seed = 0; seed < 4; seed++) {
    cuda_cpu::seed = seed;
    CUDA_LAUNCH(reads_before_wait, 1, 32, 512, nullptr, out, from, true);
    for (int i = 0; i < 32; i++) {
      late &= seed > 0 || std::isnan(out[i]);
      early |= seed > 0 && out[i] == from[4 * i];
      landed &= out[32 + i] == from[4 * i + 3];
    }
    CUDA_LAUNCH(reads_before_wait, 1, 32, 512, nullptr, out, from, false);
    for (int i = 0; i < 32; i++) zeros &= out[32 + i] == 0;
  }
  ok(late, "cp.async lands at the wait");
  ok(early, "with a seed some copies land at once");
  ok(landed && zeros, "behind the wait all have, or zeros");
  cuda_cpu::seed = 0;
  ok(right_without("nothing") == 64, "with all its waits a kernel is right");
  ok(right_without("__syncthreads") < 64, "without its barrier it is not");
  ok(right_without("cp_async_wait") < 64, "without its wait for copies it is not");
  ok(right_without("__syncwarp") == 64, "and a wait that orders nothing may go");
  runtime();
  return tap_done();
}
