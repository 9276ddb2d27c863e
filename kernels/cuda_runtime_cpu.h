/* SPDX-License-Identifier: MIT
 *
 * The part of CUDA's runtime that the .cu files call, for the emulator.
 *
 * Device memory is an arena of its own (CUDA_CPU_MEMORY bytes, 8 GiB if not said), given out filled with 0xff, which is NaN,
 * and open only while queued work runs: a host that reads or writes it ends with a report.
 * Streams keep what is queued and run it as late as they may: when the host waits, or another stream waits for an event in
 * them; with a seed, sometimes at once.  So a missing wait shows.  The null stream runs at once, after all others.
 * A copy from pageable host memory takes the bytes when it is queued, as CUDA does, one from pinned memory when it runs.
 * While streams are captured their work goes into a graph, in the order of the calls; what CUDA refuses then is refused.
 * CUDA_CPU_DEVICE_ERROR=NUMBER is what cudaGetDeviceCount answers (35: the driver is too old; 100: no device).
 * CUDA_CPU_DRIVER=NUMBER is the driver's version (12040; 0: there is none).  CUDA_CPU_NAME is the device's name.
 * CUDA_CPU_CAPABILITY=80|86|90|100 is the device's; for 11, 12, ... there are no kernels.  Launches that ask for more shared memory
 * than it has end with a report.
 * CUDA_CPU_PROCESSORS=N is the number of its multiprocessors, 6 if not said.
 * CUDA_CPU_FAULT=N: the N-th kernel that runs reads what it may not.  From then on nothing runs, and what waits or launches says so.
 */
#ifndef KERNELS_CUDA_RUNTIME_CPU_H
#define KERNELS_CUDA_RUNTIME_CPU_H

#include <signal.h>
#include <time.h>

#include <deque>
#include <map>
#include <memory>

#include "kernels/cuda_emulator.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#define CUDA_CPU_ERRORS(ERROR)                                                                                         \
  ERROR(cudaSuccess, 0, "no error")                                                                                    \
  ERROR(cudaErrorInvalidValue, 1, "invalid argument")                                                                  \
  ERROR(cudaErrorMemoryAllocation, 2, "out of memory")                                                                 \
  ERROR(cudaErrorInitializationError, 3, "initialization error")                                                       \
  ERROR(cudaErrorInvalidConfiguration, 9, "invalid configuration argument")                                            \
  ERROR(cudaErrorInvalidMemcpyDirection, 21, "invalid copy direction for memcpy")                                      \
  ERROR(cudaErrorInsufficientDriver, 35, "CUDA driver version is insufficient for CUDA runtime version")               \
  ERROR(cudaErrorInvalidDeviceFunction, 98, "invalid device function")                                                 \
  ERROR(cudaErrorNoDevice, 100, "no CUDA-capable device is detected")                                                  \
  ERROR(cudaErrorInvalidDevice, 101, "invalid device ordinal")                                                         \
  ERROR(cudaErrorNoKernelImageForDevice, 209, "no kernel image is available for execution on the device")              \
  ERROR(cudaErrorInvalidResourceHandle, 400, "invalid resource handle")                                                \
  ERROR(cudaErrorNotReady, 600, "device not ready")                                                                    \
  ERROR(cudaErrorIllegalAddress, 700, "an illegal memory access was encountered")                                      \
  ERROR(cudaErrorLaunchOutOfResources, 701, "too many resources requested for launch")                                 \
  ERROR(cudaErrorLaunchFailure, 719, "unspecified launch failure")                                                     \
  ERROR(cudaErrorNotSupported, 801, "operation not supported")                                                         \
  ERROR(cudaErrorStreamCaptureUnsupported, 900, "operation not permitted when stream is capturing")                    \
  ERROR(cudaErrorStreamCaptureInvalidated, 901, "operation failed due to a previous error during capture")             \
  ERROR(cudaErrorStreamCaptureUnmatched, 903, "capture was not initiated in this stream")                              \
  ERROR(cudaErrorStreamCaptureUnjoined, 904, "capturing stream has unjoined work")                                     \
  ERROR(cudaErrorStreamCaptureIsolation, 905, "dependency created on uncaptured work in another stream")               \
  ERROR(cudaErrorUnknown, 999, "unknown error")

#define CUDA_CPU_ERROR(name, number, text) name = number,
enum cudaError_t { CUDA_CPU_ERRORS(CUDA_CPU_ERROR) };
#undef CUDA_CPU_ERROR
enum cudaMemcpyKind { cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice, cudaMemcpyDefault };
enum cudaStreamCaptureMode { cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed };
enum cudaStreamCaptureStatus { cudaStreamCaptureStatusNone, cudaStreamCaptureStatusActive, cudaStreamCaptureStatusInvalidated };
enum cudaDeviceAttr { /* the numbers of driver_types.h */
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrL2CacheSize = 38,
  cudaDevAttrMaxThreadsPerMultiProcessor = 39,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};
enum { cudaStreamDefault = 0, cudaStreamNonBlocking = 1, cudaEventDefault = 0, cudaEventBlockingSync = 1, cudaEventDisableTiming = 2, cudaHostAllocDefault = 0, cudaEventRecordDefault = 0, cudaEventRecordExternal = 1 };

struct cudaDeviceProp {
  char name[256];
  size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin, sharedMemPerMultiprocessor;
  int major, minor, multiProcessorCount, l2CacheSize, warpSize, maxThreadsPerBlock, maxThreadsPerMultiProcessor, memoryBusWidth;
};

namespace cuda_cpu {

typedef std::function<void()> work;
struct graph {
  std::vector<work> nodes;
  struct stream *origin;
  bool invalid;
};
struct stream {
  std::deque<work> queue;
  uint64_t queued, done; /* items ever */
  graph *captured;       /* what is queued goes there */
  uint64_t kept, joined; /* items captured from here, and those the origin has waited for */
};
struct event {
  stream *in;
  uint64_t after;       /* this many items of the stream */
  graph *captured;
  uint64_t kept;
  std::shared_ptr<double> time; /* seconds, once passed; below 0 before */
};

inline cudaError_t last_error;
inline bool faulted; /* an error of a kernel stays until the program ends */
inline long launches;
inline cudaError_t error(cudaError_t e) {
  if (faulted) e = cudaErrorIllegalAddress;
  if (e != cudaSuccess) last_error = e;
  return e;
}

/* ---- device memory */

struct arena_state {
  char *start;
  size_t size, used;
  std::map<size_t, size_t> taken; /* offset -> bytes, with the gap behind */
  int open;
};
inline arena_state arena;
enum { ARENA_GAP = 256, ARENA_PAGE = 2 << 20 }; /* huge pages, where the system has them: opening and closing is a matter of their number */

inline bool on_device(const void *p) { return arena.start && (const char *)p >= arena.start && (const char *)p < arena.start + arena.size; }

inline void arena_fault(int signal, siginfo_t *info, void *) {
  if (on_device(info->si_addr)) {
    static const char text[] = "cuda_cpu: the host touches device memory (or a kernel ran while it was closed)\n";
    if (write(2, text, sizeof text - 1) < 0) _exit(1);
    abort();
  }
  struct sigaction plain = {};
  plain.sa_handler = SIG_DFL;
  sigaction(signal, &plain, nullptr); /* happens again, and ends the program */
}

inline void arena_protect(int protection) {
  if (arena.start && mprotect(arena.start, arena.used, protection) != 0) perror("cuda_cpu: mprotect"), abort();
}
inline void arena_open() {
  if (arena.open++ == 0 && arena.used) arena_protect(PROT_READ | PROT_WRITE);
}
inline void arena_close() {
  if (--arena.open == 0 && arena.used) arena_protect(PROT_NONE);
}

inline void *arena_take(size_t bytes) {
  if (!arena.start) {
    const char *size = getenv("CUDA_CPU_MEMORY");
    arena.size = size ? strtoull(size, nullptr, 10) : (size_t)8 << 30;
    arena.size = (arena.size + 4095) / 4096 * 4096;
    size_t all = (arena.size + 2 * ARENA_PAGE - 1) / ARENA_PAGE * ARENA_PAGE;
    void *p = mmap(nullptr, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return nullptr;
    arena.start = reinterpret_cast<char *>(((uintptr_t)p + ARENA_PAGE - 1) / ARENA_PAGE * ARENA_PAGE);
    madvise(arena.start, all - ARENA_PAGE, MADV_HUGEPAGE); /* a hint: refused is as good */
#if !defined(__SANITIZE_ADDRESS__) /* which tells more by itself */
    struct sigaction handler = {};
    handler.sa_sigaction = arena_fault;
    handler.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &handler, nullptr);
#endif
  }
  size_t need = (std::max<size_t>(bytes, 1) + 255) / 256 * 256 + ARENA_GAP, at = 0;
  for (const auto &t : arena.taken) { /* first fit */
    if (t.first - at >= need) break;
    at = t.first + t.second;
  }
  if (need > arena.size || at > arena.size - need) return nullptr;
  arena.taken[at] = need;
  arena_open();
  if (at + need > arena.used) {
    arena.used = (at + need + ARENA_PAGE - 1) / ARENA_PAGE * ARENA_PAGE;
    arena_protect(PROT_READ | PROT_WRITE);
  }
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(arena.start + at, need);
#endif
  memset(arena.start + at, 0xff, need);
#if defined(__SANITIZE_ADDRESS__)
  ASAN_POISON_MEMORY_REGION(arena.start + at + bytes, need - bytes);
#endif
  arena_close();
  return arena.start + at;
}

inline bool arena_give_back(void *p) {
  auto t = arena.taken.find((size_t)((char *)p - arena.start));
  if (!on_device(p) || t == arena.taken.end()) return false;
#if defined(__SANITIZE_ADDRESS__)
  ASAN_POISON_MEMORY_REGION(p, t->second);
#endif
  arena.taken.erase(t);
  return true;
}

inline std::map<const char *, size_t> pinned; /* start -> bytes */
inline bool is_pinned(const void *p) {
  auto after = pinned.upper_bound((const char *)p);
  if (after == pinned.begin()) return false;
  --after;
  return (const char *)p < after->first + after->second;
}

/* ---- streams */

inline std::set<stream *> streams;
inline uint64_t lateness = 88172645463325252u; /* random, apart from that of the kernels */

inline bool capturing() {
  for (stream *s : streams)
    if (s->captured) return true;
  return false;
}
/* For calls that CUDA refuses while a stream is captured; they end the capture. */
inline bool refused_while_capturing() {
  if (!capturing()) return false;
  for (stream *s : streams)
    if (s->captured) s->captured->invalid = true;
  return true;
}

inline void drain(stream *s, uint64_t until) {
  if (s->done >= until) return;
  arena_open();
  while (s->done < until) {
    work w = std::move(s->queue.front());
    s->queue.pop_front();
    s->done++;
    if (!faulted) w();
  }
  arena_close();
}
inline void drain_all() {
  for (stream *s : streams) drain(s, s->queued);
}

inline cudaError_t enqueue(stream *s, work w) {
  if (faulted) return error(cudaErrorIllegalAddress);
  if (!s) {
    if (refused_while_capturing()) return error(cudaErrorStreamCaptureUnsupported);
    drain_all();
    arena_open();
    w();
    arena_close();
    return cudaSuccess;
  }
  if (s->captured) {
    s->captured->nodes.push_back(std::move(w));
    s->kept++;
    return cudaSuccess;
  }
  s->queue.push_back(std::move(w));
  s->queued++;
  lateness ^= lateness << 13, lateness ^= lateness >> 7, lateness ^= lateness << 17;
  if (seed && (lateness + seed) % 4 == 0) drain(s, s->queued);
  return cudaSuccess;
}

template <class K, class F, class... A>
static void launch_with(const char *kernel, K *function, dim3 grid, dim3 threads, size_t shared_bytes, stream *s, F call, A... arguments) {
  enqueue(s, [=] {
    static const char *fault = getenv("CUDA_CPU_FAULT");
    if (fault && ++launches >= atol(fault)) faulted = true;
    else launch(kernel, reinterpret_cast<const void *>(function), grid, threads, shared_bytes, [&] { call(arguments...); });
  });
}

inline double seconds() {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* rows of `width` bytes */
inline cudaError_t copy_rows(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t rows, cudaMemcpyKind kind, stream *s) {
  if (width == 0 || rows == 0) return cudaSuccess;
  if (rows > 1 && (width > to_pitch || width > from_pitch)) return error(cudaErrorInvalidValue);
  bool to_device = on_device(to), from_device = on_device(from);
  if (kind != cudaMemcpyDefault && (to_device != (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) ||
                                    from_device != (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice)))
    return error(cudaErrorInvalidMemcpyDirection);
  if (!from_device && !is_pinned(from)) {
    if (s && s->captured) return error(cudaErrorStreamCaptureUnsupported); /* it may be gone when the graph runs */
    auto bytes = std::make_shared<std::vector<char>>(width * rows);
    for (size_t r = 0; r < rows; r++) memcpy(bytes->data() + r * width, (const char *)from + r * from_pitch, width);
    return enqueue(s, [=] {
      for (size_t r = 0; r < rows; r++) memcpy((char *)to + r * to_pitch, bytes->data() + r * width, width);
    });
  }
  return enqueue(s, [=] {
    for (size_t r = 0; r < rows; r++) memmove((char *)to + r * to_pitch, (const char *)from + r * from_pitch, width);
  });
}

} // namespace cuda_cpu

typedef cuda_cpu::stream *cudaStream_t;
typedef cuda_cpu::event *cudaEvent_t;
typedef cuda_cpu::graph *cudaGraph_t;
typedef cuda_cpu::graph *cudaGraphExec_t;

static inline cudaError_t cudaGetLastError() {
  cudaError_t e = cuda_cpu::faulted ? cudaErrorIllegalAddress : cuda_cpu::last_error;
  cuda_cpu::last_error = cudaSuccess;
  return e;
}
static inline cudaError_t cudaPeekAtLastError() { return cuda_cpu::last_error; }
#define CUDA_CPU_NAME(name, number, text) \
  case name: return #name;
#define CUDA_CPU_TEXT(name, number, text) \
  case name: return text;
static inline const char *cudaGetErrorName(cudaError_t e) {
  switch (e) { CUDA_CPU_ERRORS(CUDA_CPU_NAME) }
  return "unrecognized error code";
}
static inline const char *cudaGetErrorString(cudaError_t e) {
  switch (e) { CUDA_CPU_ERRORS(CUDA_CPU_TEXT) }
  return "unrecognized error code";
}
#undef CUDA_CPU_NAME
#undef CUDA_CPU_TEXT

/* ---- the device */

static inline cudaError_t cudaGetDeviceCount(int *count) {
  const char *e = getenv("CUDA_CPU_DEVICE_ERROR");
  *count = e ? 0 : 1;
  return cuda_cpu::error(e ? (cudaError_t)atoi(e) : cudaSuccess);
}
static inline cudaError_t cudaSetDevice(int device) { return cuda_cpu::error(device == 0 ? cudaSuccess : cudaErrorInvalidDevice); }
static inline cudaError_t cudaGetDevice(int *device) {
  *device = 0;
  return cudaSuccess;
}
static inline cudaError_t cudaDriverGetVersion(int *version) {
  const char *v = getenv("CUDA_CPU_DRIVER");
  *version = v ? atoi(v) : 13000;
  return cudaSuccess;
}
static inline cudaError_t cudaRuntimeGetVersion(int *version) {
  *version = 13000;
  return cudaSuccess;
}
static inline size_t cuda_cpu_memory() {
  if (!cuda_cpu::arena.start) cuda_cpu::arena_give_back(cuda_cpu::arena_take(1));
  return cuda_cpu::arena.size;
}
static inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int device) {
  if (device != 0) return cuda_cpu::error(cudaErrorInvalidDevice);
  int c = cuda_cpu::capability();
  *p = cudaDeviceProp();
  const char *name = getenv("CUDA_CPU_NAME");
  snprintf(p->name, sizeof p->name, "%s", name ? name : "emulated GPU");
  p->totalGlobalMem = cuda_cpu_memory();
  p->sharedMemPerBlock = 48 << 10;
  p->sharedMemPerBlockOptin = cuda_cpu::most_shared();
  p->sharedMemPerMultiprocessor = p->sharedMemPerBlockOptin + 1024;
  p->major = c / 10, p->minor = c % 10;
  const char *processors = getenv("CUDA_CPU_PROCESSORS");
  p->multiProcessorCount = processors ? atoi(processors) : 6; /* few: kernels that share the work out by it go round their loops more than once */
  p->l2CacheSize = 50 << 20;
  p->warpSize = 32;
  p->maxThreadsPerBlock = 1024;
  p->maxThreadsPerMultiProcessor = 2048;
  return cudaSuccess;
}
static inline cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp p;
  cudaError_t e = cudaGetDeviceProperties(&p, device);
  if (e != cudaSuccess) return e;
  switch (attribute) {
  case cudaDevAttrMultiProcessorCount: *value = p.multiProcessorCount; break;
  case cudaDevAttrL2CacheSize: *value = p.l2CacheSize; break;
  case cudaDevAttrMaxThreadsPerMultiProcessor: *value = p.maxThreadsPerMultiProcessor; break;
  case cudaDevAttrComputeCapabilityMajor: *value = p.major; break;
  case cudaDevAttrComputeCapabilityMinor: *value = p.minor; break;
  case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = (int)p.sharedMemPerMultiprocessor; break;
  case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = (int)p.sharedMemPerBlockOptin; break;
  default: return cuda_cpu::error(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}
struct cudaFuncAttributes {
  int numRegs;
};
template <class F> static inline cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes, F) {
  cudaDeviceProp p;
  *attributes = cudaFuncAttributes();
  cudaGetDeviceProperties(&p, 0);
  return cuda_cpu::error(p.major > 10 ? cudaErrorNoKernelImageForDevice : cudaSuccess);
}

/* ---- memory */

static inline cudaError_t cudaMalloc(void **p, size_t bytes) {
  *p = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (cuda_cpu::refused_while_capturing()) return cuda_cpu::error(cudaErrorStreamCaptureUnsupported);
  *p = cuda_cpu::arena_take(bytes);
  return cuda_cpu::error(*p ? cudaSuccess : cudaErrorMemoryAllocation);
}
template <class T> static inline cudaError_t cudaMalloc(T **p, size_t bytes) { return cudaMalloc(reinterpret_cast<void **>(p), bytes); }
static inline cudaError_t cudaFree(void *p) {
  if (!p) return cudaSuccess;
  if (cuda_cpu::refused_while_capturing()) return cuda_cpu::error(cudaErrorStreamCaptureUnsupported);
  cuda_cpu::drain_all();
  return cuda_cpu::error(cuda_cpu::arena_give_back(p) ? cudaSuccess : cudaErrorInvalidValue);
}
static inline cudaError_t cudaMallocHost(void **p, size_t bytes) {
  *p = malloc(std::max<size_t>(bytes, 1));
  if (!*p) return cuda_cpu::error(cudaErrorMemoryAllocation);
  cuda_cpu::pinned[(const char *)*p] = std::max<size_t>(bytes, 1);
  return cudaSuccess;
}
template <class T> static inline cudaError_t cudaMallocHost(T **p, size_t bytes) { return cudaMallocHost(reinterpret_cast<void **>(p), bytes); }
static inline cudaError_t cudaHostAlloc(void **p, size_t bytes, unsigned) { return cudaMallocHost(p, bytes); }
static inline cudaError_t cudaFreeHost(void *p) {
  if (!p) return cudaSuccess;
  cuda_cpu::drain_all();
  if (cuda_cpu::pinned.erase((const char *)p) == 0) return cuda_cpu::error(cudaErrorInvalidValue);
  free(p);
  return cudaSuccess;
}
static inline cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
  *total = cuda_cpu_memory();
  size_t used = 0;
  for (const auto &t : cuda_cpu::arena.taken) used += t.second;
  *free = *total - used;
  return cudaSuccess;
}

static inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream = nullptr) {
  return cuda_cpu::copy_rows(to, bytes, from, bytes, bytes, 1, kind, stream);
}
static inline cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t rows, cudaMemcpyKind kind, cudaStream_t stream = nullptr) {
  return cuda_cpu::copy_rows(to, to_pitch, from, from_pitch, width, rows, kind, stream);
}
static inline cudaError_t cudaMemsetAsync(void *p, int value, size_t bytes, cudaStream_t stream = nullptr) {
  if (bytes == 0) return cudaSuccess;
  if (!cuda_cpu::on_device(p) && !cuda_cpu::is_pinned(p)) return cuda_cpu::error(cudaErrorInvalidValue);
  return cuda_cpu::enqueue(stream, [=] { memset(p, value, bytes); });
}
static inline cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind) { return cudaMemcpyAsync(to, from, bytes, kind, nullptr); }
static inline cudaError_t cudaMemset(void *p, int value, size_t bytes) { return cudaMemsetAsync(p, value, bytes, nullptr); }

/* ---- streams and events */

static inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned) {
  *stream = new cuda_cpu::stream();
  cuda_cpu::streams.insert(*stream);
  return cudaSuccess;
}
static inline cudaError_t cudaStreamCreate(cudaStream_t *stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }
static inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  cuda_cpu::drain(stream, stream->queued);
  cuda_cpu::streams.erase(stream);
  delete stream;
  return cudaSuccess;
}
static inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (!stream || stream->captured) {
    if (cuda_cpu::refused_while_capturing()) return cuda_cpu::error(cudaErrorStreamCaptureUnsupported);
    cuda_cpu::drain_all();
    return cudaSuccess;
  }
  cuda_cpu::drain(stream, stream->queued);
  return cuda_cpu::error(cudaSuccess);
}
static inline cudaError_t cudaDeviceSynchronize() {
  if (cuda_cpu::refused_while_capturing()) return cuda_cpu::error(cudaErrorStreamCaptureUnsupported);
  cuda_cpu::drain_all();
  return cuda_cpu::error(cudaSuccess);
}

static inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) {
  *event = new cuda_cpu::event();
  return cudaSuccess;
}
static inline cudaError_t cudaEventCreate(cudaEvent_t *event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }
static inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
static inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream = nullptr) {
  auto time = event->time = std::make_shared<double>(-1);
  cudaError_t e = cuda_cpu::enqueue(stream, [time] { *time = cuda_cpu::seconds(); });
  event->in = stream;
  event->after = stream ? stream->queued : 0;
  event->captured = stream ? stream->captured : nullptr;
  event->kept = stream ? stream->kept : 0;
  return e;
}
/* External: an event that each run of the graph records.  Waiting for it before the first run is waiting for nothing. */
static inline cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
  if (flags == cudaEventRecordDefault) return cudaEventRecord(event, stream);
  if (flags != cudaEventRecordExternal || !stream || !stream->captured) return cuda_cpu::error(cudaErrorInvalidValue);
  event->time = std::make_shared<double>(-1);
  *event = cuda_cpu::event{nullptr, 0, nullptr, 0, event->time};
  cuda_cpu::stream *in = stream;
  return cuda_cpu::enqueue(stream, [=, time = event->time] {
    *time = cuda_cpu::seconds();
    event->in = in, event->after = in->done;
  });
}
static inline cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->captured) return cuda_cpu::error(cudaErrorStreamCaptureUnsupported);
  if (event->in) cuda_cpu::drain(event->in, event->after);
  return cuda_cpu::error(cudaSuccess);
}
static inline cudaError_t cudaEventQuery(cudaEvent_t event) { return event->in && event->in->done < event->after ? cudaErrorNotReady : cudaSuccess; }
static inline cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to) {
  if (!from->time || !to->time || from->captured || to->captured) return cuda_cpu::error(cudaErrorInvalidResourceHandle);
  if (*from->time < 0 || *to->time < 0) return cuda_cpu::error(cudaErrorNotReady);
  *milliseconds = (float)(1e3 * (*to->time - *from->time));
  return cudaSuccess;
}
static inline cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned = 0) {
  if (!event->in) return cudaSuccess; /* not recorded yet, or in the null stream, which has passed */
  if (event->captured) { /* the stream joins the capture, or its origin waits for a stream that has joined */
    if (stream->captured && stream->captured != event->captured) return cuda_cpu::error(cudaErrorStreamCaptureIsolation);
    if (!stream->captured) stream->kept = stream->joined = 0;
    stream->captured = event->captured;
    if (event->in != stream) event->in->joined = std::max(event->in->joined, event->kept);
    return cudaSuccess;
  }
  if (stream->captured) { /* by work from before the capture, which a graph cannot wait for */
    stream->captured->invalid = true;
    return cuda_cpu::error(cudaErrorStreamCaptureIsolation);
  }
  cuda_cpu::stream *in = event->in;
  uint64_t after = event->after;
  return cuda_cpu::enqueue(stream, [=] { cuda_cpu::drain(in, after); });
}

/* ---- graphs */

static inline cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (!stream || stream->captured) return cuda_cpu::error(cudaErrorStreamCaptureUnsupported);
  stream->captured = new cuda_cpu::graph();
  stream->captured->origin = stream;
  return cudaSuccess;
}
static inline cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status) {
  *status = !stream || !stream->captured ? cudaStreamCaptureStatusNone : stream->captured->invalid ? cudaStreamCaptureStatusInvalidated : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}
static inline cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
  *graph = nullptr;
  cuda_cpu::graph *g = stream ? stream->captured : nullptr;
  if (!g || g->origin != stream) return cuda_cpu::error(cudaErrorStreamCaptureUnmatched);
  bool unjoined = false;
  for (cuda_cpu::stream *s : cuda_cpu::streams)
    if (s->captured == g) {
      unjoined |= s != stream && s->kept > s->joined;
      s->captured = nullptr;
    }
  if (g->invalid || unjoined) {
    cudaError_t e = g->invalid ? cudaErrorStreamCaptureInvalidated : cudaErrorStreamCaptureUnjoined;
    delete g;
    return cuda_cpu::error(e);
  }
  *graph = g;
  return cudaSuccess;
}
static inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t *runnable, cudaGraph_t graph, unsigned long long = 0) {
  *runnable = new cuda_cpu::graph(*graph);
  return cudaSuccess;
}
static inline cudaError_t cudaGraphLaunch(cudaGraphExec_t runnable, cudaStream_t stream) {
  auto nodes = std::make_shared<std::vector<cuda_cpu::work>>(runnable->nodes);
  return cuda_cpu::enqueue(stream, [nodes] {
    for (const cuda_cpu::work &node : *nodes) node();
  });
}
static inline cudaError_t cudaGraphGetNodes(cudaGraph_t graph, void *, size_t *count) {
  *count = graph->nodes.size();
  return cudaSuccess;
}
static inline cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }
static inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
static inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t runnable) {
  delete runnable;
  return cudaSuccess;
}

#endif
