/* SPDX-License-Identifier: MIT
 *
 * The CUDA backend: memory, copies, streams, time and graphs of the first GPU (CUDA_VISIBLE_DEVICES says which that is), and
 * two tables of ops, for stored elements of float and of bfloat16.
 *
 * Ops are queued on one stream.  Host memory that is not pinned goes through two pinned buffers in turn, so that to_device()
 * returns as soon as the last piece is in one of them.  copy_out() and copy_in() have a stream each; events order them.
 *
 * Graphs and these copies: the ops wait for copies under way before a recording, before each run of a graph, and, inside the
 * graph, for those recorded in it before it ends.  So no edge joins what is in a graph with what is not, which CUDA refuses.
 * to_device() and its kin cannot be recorded: a run would send what the staging buffer holds then.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/cuda.h"

#ifdef __CUDACC__
#include <nvtx3/nvToolsExt.h>
#endif

enum { COPY_SLOTS = 256, LEAST_CAPABILITY = 80 };
static const size_t STAGING = 8 << 20;

static struct {
  struct cuda_device device;
  cudaStream_t ops, out, in; /* in: to the device */
  unsigned char *staging[2];
  cudaEvent_t staged[2];     /* the buffer may be written again */
  int turn;
  void *workspace;
  size_t workspace_bytes;
  cudaEvent_t before, copied[COPY_SLOTS];
  bool under_way[COPY_SLOTS]; /* copied, and the ops have not waited for it */
  cudaEvent_t *marks;
  int mark_count;
  bool recording;
} gpu;

/* ---- errors */

static const char *remedy(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation: return "take a smaller --micro-batch, --recompute block or --offload, see --plan";
    case cudaErrorInsufficientDriver: return "there is no NVIDIA driver, or one older than this program's CUDA: install a newer one, or use --device cpu";
    case cudaErrorNoDevice: return "no GPU answers: look at nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu";
    case cudaErrorNoKernelImageForDevice: return "the program was built for other GPUs: build it with CUDA_ARCHITECTURES for this one, or use --device cpu";
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure: return "an op before this one went wrong: CUDA_LAUNCH_BLOCKING=1 shows which; please report it";
    default: return "nvidia-smi and the system's log may tell more";
  }
}

int cuda_failed(struct kernel_error *e, const char *op, cudaError_t error) {
  return kernel_fail(e, "%s: %s (%s): %s", op, cudaGetErrorName(error), cudaGetErrorString(error), remedy(error));
}

static int failed_at(struct kernel_error *e, const char *call, int line, cudaError_t error) {
  cudaGetLastError(); /* the next op has an error of its own or none */
  char where[160];
  snprintf(where, sizeof where, "%.*s at " __FILE__ ":%d", (int)strcspn(call, "("), call, line);
  return cuda_failed(e, where, error);
}

#define TRY(call)                                                                                                      \
  do {                                                                                                                 \
    cudaError_t try_error = (call);                                                                                    \
    if (try_error != cudaSuccess) return failed_at(e, #call, __LINE__, try_error);                                     \
  } while (0)

/* ---- what ops share */

const struct cuda_device *cuda_device() { return &gpu.device; }
cudaStream_t cuda_stream() { return gpu.ops; }

static int grow_workspace(size_t bytes, struct kernel_error *e) {
  if (gpu.recording) return kernel_fail(e, "a workspace of %zu bytes is wanted while a graph is recorded, and there are %zu", bytes, gpu.workspace_bytes);
  if (bytes < 2 * gpu.workspace_bytes) bytes = 2 * gpu.workspace_bytes;
  /* the old one stays: graphs have its address */
  void *larger;
  TRY(cudaMalloc(&larger, bytes));
  gpu.workspace = larger, gpu.workspace_bytes = bytes;
  return 0;
}

void *cuda_workspace(size_t bytes, struct kernel_error *e) {
  if (bytes > gpu.workspace_bytes && grow_workspace(bytes, e) < 0) return NULL;
  return gpu.workspace;
}

/* ---- memory */

static void *gpu_alloc(size_t bytes, struct kernel_error *e) {
  void *p = NULL;
  size_t free = 0, total = 0, asked = bytes > 0 ? bytes : 256;
  cudaError_t error = cudaMalloc(&p, asked);
  if (error == cudaErrorMemoryAllocation && cudaGetLastError() == error && cudaMemGetInfo(&free, &total) == cudaSuccess) {
    kernel_fail(e, "the GPU has %.2f of %.2f GiB free, %.2f GiB more are wanted: %s", (double)free / 0x1p30, (double)total / 0x1p30, (double)bytes / 0x1p30, remedy(error));
    return NULL;
  }
  if (error == cudaSuccess) error = cudaMemsetAsync(p, 0, asked, gpu.ops);
  if (error == cudaSuccess) return p;
  failed_at(e, "alloc", __LINE__, error);
  return NULL;
}

static void gpu_release(void *p) {
  cudaStreamSynchronize(gpu.ops); /* ops that use it are done */
  cudaFree(p);
}

static void *gpu_alloc_host(size_t bytes, struct kernel_error *e) {
  void *p;
  cudaError_t error = cudaMallocHost(&p, bytes > 0 ? bytes : 256);
  if (error == cudaSuccess) return p;
  cudaGetLastError();
  kernel_fail(e, "cannot pin %zu bytes of host memory (%s)", bytes, cudaGetErrorString(error));
  return NULL;
}

static void gpu_release_host(void *p) { cudaFreeHost(p); }

static int gpu_synchronize(struct kernel_error *e) {
  TRY(cudaStreamSynchronize(gpu.ops));
  return 0;
}

/* The next staging buffer, once the GPU has read what was in it. */
static int next_buffer(struct kernel_error *e) {
  if (gpu.recording) return kernel_fail(e, "a copy between device and pageable memory cannot be recorded in a graph");
  gpu.turn = !gpu.turn;
  TRY(cudaEventSynchronize(gpu.staged[gpu.turn]));
  return 0;
}

static int send_buffer(void *device, size_t bytes, struct kernel_error *e) {
  TRY(cudaMemcpyAsync(device, gpu.staging[gpu.turn], bytes, cudaMemcpyHostToDevice, gpu.ops));
  TRY(cudaEventRecord(gpu.staged[gpu.turn], gpu.ops));
  return 0;
}

static int gpu_to_device(void *device, const void *host, size_t bytes, struct kernel_error *e) {
  for (size_t at = 0, n; at < bytes; at += n) {
    n = bytes - at < STAGING ? bytes - at : STAGING;
    if (next_buffer(e) < 0) return -1;
    memcpy(gpu.staging[gpu.turn], (const char *)host + at, n);
    if (send_buffer((char *)device + at, n, e) < 0) return -1;
  }
  return 0;
}

/* A piece to a staging buffer, and wait for it. */
static int fetch_buffer(const void *device, size_t bytes, struct kernel_error *e) {
  if (next_buffer(e) < 0) return -1;
  TRY(cudaMemcpyAsync(gpu.staging[gpu.turn], device, bytes, cudaMemcpyDeviceToHost, gpu.ops));
  TRY(cudaStreamSynchronize(gpu.ops));
  return 0;
}

static int gpu_to_host(void *host, const void *device, size_t bytes, struct kernel_error *e) {
  for (size_t at = 0, n; at < bytes; at += n) {
    n = bytes - at < STAGING ? bytes - at : STAGING;
    if (fetch_buffer((const char *)device + at, n, e) < 0) return -1;
    memcpy((char *)host + at, gpu.staging[gpu.turn], n);
  }
  return 0;
}

static int gpu_copy(void *to, const void *from, size_t bytes, struct kernel_error *e) {
  if (bytes > 0) TRY(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, gpu.ops));
  return 0;
}

static int gpu_zero(void *p, size_t bytes, struct kernel_error *e) {
  if (bytes > 0) TRY(cudaMemsetAsync(p, 0, bytes, gpu.ops));
  return 0;
}

static int gpu_memory(size_t *free, size_t *total, struct kernel_error *e) {
  TRY(cudaMemGetInfo(free, total));
  return 0;
}

static void gpu_set_threads(int threads) { (void)threads; }

/* ---- between real and stored: rounded in the staging buffer, to nearest even, as the kernels do */

static uint16_t to_bf16_bits(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  if ((u & 0x7fffffff) > 0x7f800000) return 0x7fff;
  return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static int upload_bf16(stored *to, const real *from, int64_t n, struct kernel_error *e) {
  const int64_t most = (int64_t)STAGING / 2;
  for (int64_t at = 0, count; at < n; at += count) {
    count = n - at < most ? n - at : most;
    if (next_buffer(e) < 0) return -1;
    uint16_t *bits = reinterpret_cast<uint16_t *>(gpu.staging[gpu.turn]);
    for (int64_t i = 0; i < count; i++) bits[i] = to_bf16_bits(from[at + i]);
    if (send_buffer((char *)to + 2 * at, 2 * (size_t)count, e) < 0) return -1;
  }
  return 0;
}

static int download_bf16(real *to, const stored *from, int64_t n, struct kernel_error *e) {
  const int64_t most = (int64_t)STAGING / 2;
  for (int64_t at = 0, count; at < n; at += count) {
    count = n - at < most ? n - at : most;
    if (fetch_buffer((const char *)from + 2 * at, 2 * (size_t)count, e) < 0) return -1;
    const uint16_t *bits = reinterpret_cast<const uint16_t *>(gpu.staging[gpu.turn]);
    for (int64_t i = 0; i < count; i++) {
      uint32_t u = (uint32_t)bits[i] << 16;
      memcpy(to + at + i, &u, sizeof u);
    }
  }
  return 0;
}

static int upload_float(stored *to, const real *from, int64_t n, struct kernel_error *e) { return gpu_to_device(to, from, (size_t)n * sizeof(float), e); }
static int download_float(real *to, const stored *from, int64_t n, struct kernel_error *e) { return gpu_to_host(to, from, (size_t)n * sizeof(float), e); }

/* ---- copies beside the ops */

static int beside(cudaStream_t stream, void *to, const void *from, size_t bytes, cudaMemcpyKind kind, int slot, struct kernel_error *e) {
  if (slot < 0 || slot >= COPY_SLOTS) return kernel_fail(e, "copy slot %d: there are %d", slot, COPY_SLOTS);
  if (!gpu.copied[slot]) TRY(cudaEventCreateWithFlags(&gpu.copied[slot], cudaEventDisableTiming));
  TRY(cudaEventRecord(gpu.before, gpu.ops));
  TRY(cudaStreamWaitEvent(stream, gpu.before, 0));
  if (bytes > 0) TRY(cudaMemcpyAsync(to, from, bytes, kind, stream));
  TRY(cudaEventRecord(gpu.copied[slot], stream));
  gpu.under_way[slot] = true;
  return 0;
}

static int gpu_copy_out(void *host, const void *device, size_t bytes, int slot, struct kernel_error *e) { return beside(gpu.out, host, device, bytes, cudaMemcpyDeviceToHost, slot, e); }
static int gpu_copy_in(void *device, const void *host, size_t bytes, int slot, struct kernel_error *e) { return beside(gpu.in, device, host, bytes, cudaMemcpyHostToDevice, slot, e); }

static int gpu_wait_copy(int slot, struct kernel_error *e) {
  if (slot < 0 || slot >= COPY_SLOTS || !gpu.under_way[slot]) return 0; /* nothing was copied, or it was waited for */
  gpu.under_way[slot] = false;
  TRY(cudaStreamWaitEvent(gpu.ops, gpu.copied[slot], 0));
  return 0;
}

static int wait_copies(struct kernel_error *e) {
  int result = 0;
  for (int slot = 0; slot < COPY_SLOTS; slot++) result |= gpu_wait_copy(slot, e);
  return result;
}

/* ---- time */

static int gpu_mark(int mark, struct kernel_error *e) {
  if (mark < 0) return kernel_fail(e, "mark %d", mark);
  if (mark >= gpu.mark_count) {
    int count = 2 * mark + 64;
    cudaEvent_t *marks = (cudaEvent_t *)realloc(gpu.marks, (size_t)count * sizeof *marks);
    if (!marks) return kernel_fail(e, "cannot allocate %d marks", count);
    gpu.marks = marks;
    for (; gpu.mark_count < count; gpu.mark_count++) TRY(cudaEventCreateWithFlags(&gpu.marks[gpu.mark_count], cudaEventDefault));
  }
  TRY(cudaEventRecord(gpu.marks[mark], gpu.ops));
  return 0;
}

static int gpu_elapsed(double *seconds, int from, int to, struct kernel_error *e) {
  if (from < 0 || to < 0 || from >= gpu.mark_count || to >= gpu.mark_count) return kernel_fail(e, "marks %d and %d are not set", from, to);
  float milliseconds = 0;
  TRY(cudaEventSynchronize(gpu.marks[from]));
  TRY(cudaEventSynchronize(gpu.marks[to]));
  TRY(cudaEventElapsedTime(&milliseconds, gpu.marks[from], gpu.marks[to]));
  *seconds = 1e-3 * (double)milliseconds;
  return 0;
}

/* NVTX: nothing but a call through a pointer where no profiler has been attached. */
static void gpu_range(const char *name) {
#ifdef __CUDACC__
  if (name) nvtxRangePushA(name);
  else nvtxRangePop();
#else
  (void)name;
#endif
}

/* ---- graphs */

static int gpu_record_begin(struct kernel_error *e) {
  if (wait_copies(e) < 0) return -1;
  TRY(cudaStreamBeginCapture(gpu.ops, cudaStreamCaptureModeThreadLocal));
  gpu.recording = true;
  return 0;
}

static int gpu_record_end(void **graph, struct kernel_error *e) {
  cudaGraph_t recorded = NULL;
  cudaGraphExec_t runnable = NULL;
  *graph = NULL;
  wait_copies(e); /* where it fails, the capture is spoilt and says so */
  gpu.recording = false;
  TRY(cudaStreamEndCapture(gpu.ops, &recorded));
  cudaError_t error = cudaGraphInstantiate(&runnable, recorded, 0);
  cudaGraphDestroy(recorded);
  TRY(error);
  *graph = runnable;
  return 0;
}

static int gpu_graph_run(void *graph, struct kernel_error *e) {
  if (wait_copies(e) < 0) return -1;
  TRY(cudaGraphLaunch((cudaGraphExec_t)graph, gpu.ops));
  return 0;
}

static void gpu_graph_release(void *graph) {
  cudaStreamSynchronize(gpu.ops);
  cudaGraphExecDestroy((cudaGraphExec_t)graph);
}

/* ---- what it is */

static const char *gpu_describe(const char **warning) {
  static char text[256];
  size_t free = 0, total = 0;
  int driver = 0;
  cudaMemGetInfo(&free, &total), cudaDriverGetVersion(&driver);
  snprintf(text, sizeof text, "cuda %s, sm_%d, %d multiprocessors, %.1f of %.1f GiB free, CUDA driver %d.%d", gpu.device.name, gpu.device.capability, gpu.device.processors, (double)free / 0x1p30,
           (double)total / 0x1p30, driver / 1000, driver % 1000 / 10);
  *warning = NULL;
  return text;
}

/* TFLOP/s without sparsity, from NVIDIA's data sheets and architecture papers of each; fp32 sums. */
static const struct {
  const char *name;
  double fp32, tf32, bf16, fp8;
} known[] = {
    {"H100 PCIe", 51.2, 378, 756, 1513},    {"H100 NVL", 60, 417.5, 835.5, 1671}, {"H100", 66.9, 494.7, 989.4, 1978.9}, {"H200 NVL", 60, 417.5, 835.5, 1671}, {"H200", 66.9, 494.7, 989.4, 1978.9},
    {"GH200", 66.9, 494.7, 989.4, 1978.9},  {"B200", 75, 1100, 2250, 4500},       {"A100", 19.5, 156, 312, 0},          {"A800", 19.5, 156, 312, 0},          {"A40", 37.4, 74.8, 149.7, 0},
    {"A10", 31.2, 62.5, 125, 0},            {"L40S", 91.6, 183, 362, 733},        {"L40", 90.5, 90.5, 181, 362},        {"L4", 30.3, 60, 121, 242},           {"RTX 3090", 35.6, 35.6, 71, 0},
    {"RTX 4090", 82.6, 82.6, 165.2, 330.3},
#ifndef __CUDACC__
    {"emulated GPU", 0.001, 0.001, 0.001, 0.001}, /* so that no program measures it, which takes half a minute */
#endif
};

static double gpu_stated_peak(enum matmul_type type) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const char *found = strstr(gpu.device.name, known[i].name);
    if (!found || (found > gpu.device.name && found[-1] != ' ') || (found[strlen(known[i].name)] != '\0' && found[strlen(known[i].name)] != ' ' && found[strlen(known[i].name)] != '-'))
      continue; /* not a whole word: "RTX A4000" is no A40 */
    double tera = type == MATMUL_FP32 ? known[i].fp32 : type == MATMUL_TF32 ? known[i].tf32 : type == MATMUL_BF16 ? known[i].bf16 : known[i].fp8;
    return tera * 1e12;
  }
  return 0;
}

/* ---- the tables */

static int open_device(struct kernel_error *e) {
  int count = 0;
  cudaDeviceProp p;
  cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count < 1) error = cudaErrorNoDevice;
  if (error != cudaSuccess) return cudaGetLastError(), kernel_fail(e, "%s (%s)", remedy(error), cudaGetErrorString(error));
  TRY(cudaSetDevice(0));
  TRY(cudaGetDeviceProperties(&p, 0));
  int capability = 10 * p.major + p.minor;
  if (capability < LEAST_CAPABILITY)
    return kernel_fail(e, "%s has compute capability %d.%d, at least %d.%d is needed (A100, RTX 30 or newer): use --device cpu", p.name, p.major, p.minor, LEAST_CAPABILITY / 10, LEAST_CAPABILITY % 10);
  TRY(cudaStreamCreateWithFlags(&gpu.ops, cudaStreamNonBlocking));
  TRY(cudaStreamCreateWithFlags(&gpu.out, cudaStreamNonBlocking));
  TRY(cudaStreamCreateWithFlags(&gpu.in, cudaStreamNonBlocking));
  TRY(cudaEventCreateWithFlags(&gpu.before, cudaEventDisableTiming));
  for (int i = 0; i < 2; i++) {
    TRY(cudaEventCreateWithFlags(&gpu.staged[i], cudaEventDisableTiming));
    TRY(cudaMallocHost(&gpu.staging[i], STAGING));
  }
  gpu.device.processors = p.multiProcessorCount, gpu.device.shared_bytes = p.sharedMemPerBlockOptin;
  snprintf(gpu.device.name, sizeof gpu.device.name, "%.127s", p.name);
  gpu.device.capability = capability; /* last: the device is open */
  return 0;
}

static void fill(struct backend *b, bool half) {
  b->name = "cuda";
  b->stored_size = half ? 2 : 4;
  b->logits_bytes = (size_t)512 << 20;
  b->alloc = gpu_alloc, b->release = gpu_release, b->alloc_host = gpu_alloc_host, b->release_host = gpu_release_host;
  b->to_device = gpu_to_device, b->to_host = gpu_to_host, b->copy = gpu_copy, b->zero = gpu_zero;
  b->synchronize = gpu_synchronize, b->set_threads = gpu_set_threads, b->memory = gpu_memory;
  b->describe = gpu_describe, b->stated_peak = gpu_stated_peak;
  b->copy_out = gpu_copy_out, b->copy_in = gpu_copy_in, b->wait_copy = gpu_wait_copy;
  b->mark = gpu_mark, b->elapsed = gpu_elapsed, b->range = gpu_range;
  b->record_begin = gpu_record_begin, b->record_end = gpu_record_end, b->graph_run = gpu_graph_run, b->graph_release = gpu_graph_release;
  b->upload = half ? upload_bf16 : upload_float, b->download = half ? download_bf16 : download_float;
#define CUDA_OP_CALL(stem) stem##_cuda(b, half);
  CUDA_OPS(CUDA_OP_CALL)
#undef CUDA_OP_CALL
}

/* The first hole of a table, counted from alloc; -1: none.  All members from there on are pointers to functions. */
static int hole(const struct backend *b) {
  const size_t first = offsetof(struct backend, alloc);
  for (size_t at = first; at < sizeof *b; at += sizeof(void *)) {
    void *p;
    memcpy(&p, (const char *)b + at, sizeof p);
    if (!p) return (int)((at - first) / sizeof p);
  }
  return -1;
}

extern "C" const struct backend *backend_cuda(enum matmul_type type, struct kernel_error *e) {
  static struct backend tables[2];
  bool half = type == MATMUL_BF16 || type == MATMUL_FP8;
  struct backend *b = &tables[half];
  if (gpu.device.capability == 0 && open_device(e) < 0) return NULL;
  if (!b->name) fill(b, half);
  int missing = hole(b);
  if (missing >= 0) {
    kernel_fail(e, "op %d of the CUDA backend is missing: use --device cpu", missing);
    return NULL;
  }
  return b;
}
