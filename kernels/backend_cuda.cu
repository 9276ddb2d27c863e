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
 * to_device() and its kin cannot be recorded: a run would send what the staging buffer holds then.  Nor can memory be taken, or
 * the host wait.  Memory given back meanwhile, and a workspace that became too small, live on while there are graphs, which may
 * have their addresses.  A mark that is recorded is set by each run.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/cuda_libraries.h"

#ifdef __CUDACC__
#include <nvtx3/nvToolsExt.h>
#endif

enum { COPY_SLOTS = 256, LEAST_CAPABILITY = 80 };
static const size_t STAGING = 8 << 20, DOUBLED = (size_t)256 << 20; /* a workspace doubles up to there */

struct kept {
  void *p;
  bool host;
};

static struct {
  struct cuda_device device;
  cudaStream_t ops, out, in; /* in: to the device */
  unsigned char *staging[2];
  cudaEvent_t staged[2];     /* the buffer may be written again */
  int turn;
  void *workspace, *wide;    /* wide: floats on their way to bfloat16, STAGING bytes */
  size_t workspace_bytes;
  cudaEvent_t before, copied[COPY_SLOTS];
  bool under_way[COPY_SLOTS]; /* copied, and the ops have not waited for it */
  cudaEvent_t *marks;
  int mark_count;
  bool recording;
  int graphs;                /* that exist */
  struct kept *kept;         /* given back, but graphs may have them */
  int kept_count, kept_capacity;
} gpu;
static struct backend tables[2]; /* stored = float, bf16 */

/* ---- errors */

static const char *remedy(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation: return "take a smaller --micro-batch, --recompute block or --offload, see --plan";
    case cudaErrorInsufficientDriver: return "the driver is older than this program's CUDA: install a newer one, or use --device cpu";
    case cudaErrorNoDevice: return "no GPU answers: look at nvidia-smi and CUDA_VISIBLE_DEVICES, or use --device cpu";
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

/* Device memory, not cleared; NULL with the reason in *e. */
static void *take(size_t bytes, struct kernel_error *e) {
  void *p = NULL;
  size_t free = 0, total = 0;
  cudaError_t error = cudaMalloc(&p, bytes);
  if (error == cudaSuccess) return p;
  if (error == cudaErrorMemoryAllocation && cudaGetLastError() == error && cudaMemGetInfo(&free, &total) == cudaSuccess)
    kernel_fail(e, "the GPU has %.2f of %.2f GiB free, %.2f GiB more are wanted: %s", (double)free / 0x1p30, (double)total / 0x1p30, (double)bytes / 0x1p30, remedy(error));
  else failed_at(e, "alloc", __LINE__, error);
  return NULL;
}

/* Now, or when no graph is there that may have its address. */
static void give_back(void *p, bool host) {
  if (!p) return;
  if (!gpu.recording && gpu.graphs == 0) {
    cudaStreamSynchronize(gpu.ops); /* ops that use it are done */
    host ? cudaFreeHost(p) : cudaFree(p);
    return;
  }
  if (gpu.kept_count == gpu.kept_capacity) {
    int capacity = 2 * gpu.kept_capacity + 16;
    struct kept *larger = (struct kept *)realloc(gpu.kept, (size_t)capacity * sizeof *larger);
    if (!larger) return; /* it is never given back */
    gpu.kept = larger, gpu.kept_capacity = capacity;
  }
  gpu.kept[gpu.kept_count++] = {p, host};
}

static void give_back_kept() {
  if (gpu.recording || gpu.graphs > 0) return;
  while (gpu.kept_count > 0) gpu.kept_count--, give_back(gpu.kept[gpu.kept_count].p, gpu.kept[gpu.kept_count].host);
}

static int grow_workspace(size_t bytes, struct kernel_error *e) {
  if (gpu.recording) return kernel_fail(e, "a workspace of %zu bytes is wanted while a graph is recorded, and there are %zu: the same ops must run once before", bytes, gpu.workspace_bytes);
  size_t larger = 2 * gpu.workspace_bytes < DOUBLED ? 2 * gpu.workspace_bytes : DOUBLED;
  give_back(gpu.workspace, false);
  gpu.workspace = NULL, gpu.workspace_bytes = 0;
  if (larger > bytes && (gpu.workspace = take(larger, e))) bytes = larger;
  if (!gpu.workspace && !(gpu.workspace = take(bytes, e))) return -1;
  gpu.workspace_bytes = bytes;
  return 0;
}

void *cuda_workspace(size_t bytes, struct kernel_error *e) {
  if (bytes > gpu.workspace_bytes && grow_workspace(bytes, e) < 0) return NULL;
  return gpu.workspace;
}

/* ---- memory */

static void *gpu_alloc(size_t bytes, struct kernel_error *e) {
  size_t asked = bytes > 0 ? bytes : 256;
  if (gpu.recording) return kernel_fail(e, "%zu bytes of the GPU are wanted while a graph is recorded", bytes), nullptr;
  void *p = take(asked, e);
  if (!p) return NULL;
  cudaError_t error = cudaMemsetAsync(p, 0, asked, gpu.ops);
  if (error == cudaSuccess) return p;
  cudaFree(p);
  failed_at(e, "alloc", __LINE__, error);
  return NULL;
}

static void gpu_release(void *p) { give_back(p, false); }

static void *gpu_alloc_host(size_t bytes, struct kernel_error *e) {
  void *p;
  if (gpu.recording) return kernel_fail(e, "%zu bytes of pinned memory are wanted while a graph is recorded", bytes), nullptr;
  cudaError_t error = cudaMallocHost(&p, bytes > 0 ? bytes : 256);
  if (error == cudaSuccess) return p;
  cudaGetLastError();
  kernel_fail(e, "cannot pin %zu bytes of host memory (%s)", bytes, cudaGetErrorString(error));
  return NULL;
}

static void gpu_release_host(void *p) { give_back(p, true); }

static int gpu_synchronize(struct kernel_error *e) {
  if (gpu.recording) return kernel_fail(e, "the host cannot wait while a graph is recorded");
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

/* ---- between real and stored */

/* Floats go to the device and are rounded there, to nearest even, which saves the host what it is slowest at. */
static int upload_bf16(stored *to, const real *from, int64_t n, struct kernel_error *e) {
  const int64_t most = (int64_t)(STAGING / sizeof(float));
  if (n > 0 && !gpu.wide && !(gpu.wide = gpu_alloc(STAGING, e))) return -1;
  for (int64_t at = 0, count; at < n; at += count) {
    count = n - at < most ? n - at : most;
    if (gpu_to_device(gpu.wide, from + at, (size_t)count * sizeof(float), e) < 0) return -1;
    if (tables[1].narrow(stored_at(&tables[1], to, at), (const real *)gpu.wide, count, e) < 0) return -1;
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

/* Recorded in a graph, a mark is an event of its runs, not of the recording: cudaEventRecordExternal, which is for that alone. */
static int gpu_mark(int mark, struct kernel_error *e) {
  if (mark < 0) return kernel_fail(e, "mark %d", mark);
  if (mark >= gpu.mark_count) {
    int count = 2 * mark + 64;
    cudaEvent_t *marks = (cudaEvent_t *)realloc(gpu.marks, (size_t)count * sizeof *marks);
    if (!marks) return kernel_fail(e, "cannot allocate %d marks", count);
    gpu.marks = marks;
    for (; gpu.mark_count < count; gpu.mark_count++) TRY(cudaEventCreateWithFlags(&gpu.marks[gpu.mark_count], cudaEventDefault));
  }
  TRY(cudaEventRecordWithFlags(gpu.marks[mark], gpu.ops, gpu.recording ? cudaEventRecordExternal : cudaEventRecordDefault));
  return 0;
}

static int gpu_elapsed(double *seconds, int from, int to, struct kernel_error *e) {
  if (from < 0 || to < 0 || from >= gpu.mark_count || to >= gpu.mark_count) return kernel_fail(e, "marks %d and %d are not set", from, to);
  if (gpu.recording) return kernel_fail(e, "the host cannot wait for marks while a graph is recorded");
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
  cudaError_t error = cudaStreamEndCapture(gpu.ops, &recorded);
  gpu.recording = false;
  if (error == cudaSuccess) error = cudaGraphInstantiate(&runnable, recorded, 0);
  if (recorded) cudaGraphDestroy(recorded);
  if (error == cudaSuccess) *graph = runnable, gpu.graphs++;
  else give_back_kept();
  return error == cudaSuccess ? 0 : failed_at(e, "record_end", __LINE__, error);
}

static int gpu_graph_run(void *graph, struct kernel_error *e) {
  if (wait_copies(e) < 0) return -1;
  TRY(cudaGraphLaunch((cudaGraphExec_t)graph, gpu.ops));
  return 0;
}

static void gpu_graph_release(void *graph) {
  cudaStreamSynchronize(gpu.ops);
  cudaGraphExecDestroy((cudaGraphExec_t)graph);
  gpu.graphs--;
  give_back_kept();
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

/* TFLOP/s without sparsity, sums in float.  A name is one word or more of the device's; one that ends with a blank must end the
 * device's, where others begin alike and are slower.  Laptops, parts of a GPU (MIG) and GPUs that are not here are not known: what
 * they reach must be measured. */
static const struct {
  const char *name;
  double fp32, tf32, bf16, fp8;
} known[] = {
    /* "NVIDIA H100 Tensor Core GPU Architecture" 1.04, tables 1 and 2; data sheet "H100 NVL" */
    {"H100 PCIe", 51.2, 378, 756, 1513}, {"H100 NVL", 60, 417.5, 835.5, 1671}, {"H100", 66.9, 494.7, 989.4, 1978.9},
    /* data sheets "H200" and "GH200"; "HGX B200" */
    {"H200 NVL", 60, 417.5, 835.5, 1671}, {"H200", 66.9, 494.7, 989.4, 1978.9}, {"GH200", 66.9, 494.7, 989.4, 1978.9}, {"B200", 75, 1100, 2250, 4500},
    /* "NVIDIA A100 Tensor Core GPU Architecture" 1.0, table 1; the A800 has slower links only; data sheets "A40", "A10" */
    {"A100", 19.5, 156, 312, 0}, {"A800", 19.5, 156, 312, 0}, {"A40", 37.4, 74.8, 149.7, 0}, {"A10", 31.2, 62.5, 125, 0},
    /* data sheets "L40S", "L40", "L4" */
    {"L40S", 91.6, 183, 362, 733}, {"L40", 90.5, 90.5, 181, 362}, {"L4", 30.3, 60, 121, 242},
    /* "NVIDIA Ampere GA102 GPU Architecture" 2.1, table 2; "NVIDIA Ada GPU Architecture" 2.02, appendix A */
    {"RTX 3090 ", 35.6, 35.6, 71, 0}, {"RTX 4090 ", 82.6, 82.6, 165.2, 330.3},
#ifndef __CUDACC__
    {"emulated GPU", 0.001, 0.001, 0.001, 0.001}, /* so that no program measures it, which takes half a minute */
#endif
};

static bool named(const char *device, const char *name) {
  size_t length = strlen(name);
  bool last = name[length - 1] == ' ';
  length -= last;
  for (const char *at = device; *at; at++) {
    char end = strncmp(at, name, length) == 0 ? at[length] : 'x';
    if ((at == device || at[-1] == ' ') && (end == '\0' || (!last && (end == ' ' || end == '-')))) return true; /* "RTX A4000" is no A40 */
  }
  return false;
}

static double gpu_stated_peak(enum matmul_type type) {
  if (strstr(gpu.device.name, " MIG ")) return 0;
  for (const auto &k : known)
    if (named(gpu.device.name, k.name)) return 1e12 * (type == MATMUL_FP32 ? k.fp32 : type == MATMUL_TF32 ? k.tf32 : type == MATMUL_BF16 ? k.bf16 : k.fp8);
  return 0;
}

/* ---- the tables */

static __global__ void compiled_for_this() {} /* as all other kernels are */

/* Why there is no GPU; NVIDIA's text and our line are for a report. */
static int no_device(struct kernel_error *e, cudaError_t error, int line) {
  int driver = 0, runtime = 0;
  char why[200];
  cudaGetLastError(), cudaDriverGetVersion(&driver), cudaRuntimeGetVersion(&runtime);
  if (error == cudaErrorInsufficientDriver && driver == 0)
    snprintf(why, sizeof why, "there is no NVIDIA driver: install one for CUDA %d or newer, or use --device cpu", runtime / 1000);
  else if (error == cudaErrorInsufficientDriver)
    snprintf(why, sizeof why, "the NVIDIA driver is for CUDA %d.%d, this program needs %d.%d: install a newer one, or use --device cpu", driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
  else snprintf(why, sizeof why, "%s", remedy(error));
  return kernel_fail(e, "%s (%s at " __FILE__ ":%d)", why, cudaGetErrorName(error), line);
}

static int open_device(struct kernel_error *e) {
  int count = 0;
  cudaDeviceProp p;
  cudaFuncAttributes attributes;
  cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaSuccess && count < 1) error = cudaErrorNoDevice;
  if (error != cudaSuccess) return no_device(e, error, __LINE__);
  TRY(cudaSetDevice(0));
  TRY(cudaGetDeviceProperties(&p, 0));
  int capability = 10 * p.major + p.minor;
  if (capability < LEAST_CAPABILITY)
    return kernel_fail(e, "%s has compute capability %d.%d, at least %d.%d is needed (A100, RTX 30 or newer): use --device cpu (" __FILE__ ":%d)", p.name, p.major, p.minor, LEAST_CAPABILITY / 10,
                       LEAST_CAPABILITY % 10, __LINE__);
  error = cudaFuncGetAttributes(&attributes, compiled_for_this);
  if (error == cudaErrorNoKernelImageForDevice || error == cudaErrorInvalidDeviceFunction)
    return cudaGetLastError(), kernel_fail(e, "this program was not built for %s: build it with CUDA_ARCHITECTURES=%d, or use --device cpu (%s at " __FILE__ ":%d)", p.name, capability,
                                           cudaGetErrorName(error), __LINE__);
  TRY(error);
  if (!cublaslt_library(e)) return -1; /* no model does without it: better now than in the first step */
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
