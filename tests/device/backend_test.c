/* SPDX-License-Identifier: MIT
 *
 * Memory, copies, time and graphs of a device.
 */
#include <stdio.h>
#include <unistd.h>

#include "kernels/cuda_loader.h"
#include "tests/device/device_test.h"

static void copies(void) {
  enum { N = 3 * (8 << 20) + 12345 }; /* more than the staging buffers */
  unsigned char *from = (unsigned char *)malloc(N), *back = (unsigned char *)malloc(N);
  for (size_t i = 0; i < N; i++) from[i] = (unsigned char)(i * 2654435761u >> 13);
  void *a = device->alloc(N, &device_error), *b = device->alloc(N, &device_error);
  device_must(a && b ? 0 : -1);
  device_must(device->to_host(back, a, N, &device_error));
  bool zero = true;
  for (size_t i = 0; i < N; i++) zero &= back[i] == 0;
  ok(zero, "memory begins as zeros");
  device_must(device->to_device(a, from, N, &device_error));
  from[0]++, from[N - 1]++; /* may be used again at once */
  device_must(device->copy(b, a, N, &device_error));
  device_must(device->zero(a, N, &device_error));
  device_must(device->to_host(back, b, N, &device_error));
  from[0]--, from[N - 1]--;
  ok(memcmp(from, back, N) == 0, "what goes to the device and is copied there comes back");
  device_must(device->to_host(back, a, N, &device_error));
  ok(back[0] == 0 && back[N / 2] == 0 && back[N - 1] == 0, "and zero() clears");
  size_t free_bytes = 0, total = 0;
  ok(device->memory(&free_bytes, &total, &device_error) == 0 && total > 0 && free_bytes <= total, "the device tells its memory");
  ok(device->alloc((size_t)1 << 60, &device_error) == NULL && strstr(device_error.message, "wanted") && strstr(device_error.message, "--micro-batch"), "too much memory is an error that says what to do");
  const char *warning;
  ok(strncmp(device->describe(&warning), "cuda ", 5) == 0, "it describes itself: %s", device->describe(&warning));
  device->release(a), device->release(b);
  free(from), free(back);
}

static void storing(void) {
  enum { N = (2 << 20) + 5000 }; /* more floats than a staging buffer has */
  struct device_array a = device_array(N, true, 7, 3);
  real *x = (real *)malloc(N * sizeof *x), *y = (real *)malloc(N * sizeof *y);
  uint64_t state = 3;
  for (int i = 0; i < N; i++) x[i] = (real)(3 * device_number(&state));
  x[0] = NAN, x[1] = -INFINITY, x[2] = 0, x[3] = -0.0f;
  device_must(device->upload(a.device, x, N, &device_error));
  device_must(device->download(y, a.device, N, &device_error));
  bool near = isnan(y[0]) && y[1] == -INFINITY && y[2] == 0 && signbit(y[3]), narrower = device->stored_size < sizeof(real);
  for (int i = 4; i < N; i++) near &= fabs((double)(x[i] - y[i])) <= (narrower ? 0x1p-8 : 0) * fabs((double)x[i]);
  ok(near, "reals are stored to nearest");
  device_array_free(&a), free(x), free(y);
}

/* Sums go on while copies run beside them. */
static void beside(void) {
  enum { N = 100000 };
  struct device_array x = device_array(N, true, 1, 1), y = device_array(N, true, 2, 1);
  size_t bytes = N * device->stored_size;
  char *host = (char *)device->alloc_host(bytes, &device_error), *want = (char *)malloc(bytes);
  device_must(host ? 0 : -1);
  device_must(device->add(x.device, x.device, y.device, N, &device_error));
  device_must(device->copy_out(host, x.device, bytes, 3, &device_error)); /* after the sum */
  device_must(device->wait_copy(3, &device_error));
  device_must(device->zero(x.device, bytes, &device_error)); /* after the copy */
  device_must(device->copy_in(y.device, host, bytes, 4, &device_error));
  device_must(device->wait_copy(4, &device_error));
  device_must(device->add(x.device, x.device, y.device, N, &device_error));
  device_must(device->to_host(want, x.device, bytes, &device_error));
  ok(memcmp(want, host, bytes) == 0, "copies beside the ops wait for those before them, and later ops for the copies");
  ok(device->wait_copy(200, &device_error) == 0 && device->copy_out(host, x.device, 1, 1000, &device_error) == -1, "a slot that was not used is not waited for, one too many is refused");
  device->release_host(host), free(want);
  device_array_free(&x), device_array_free(&y);
}

static void time_and_graphs(void) {
  enum { N = 4096 };
  struct device_array x = device_array(N, true, 1, 1), y = device_array(N, true, 2, 0);
  double seconds = -1;
  device_must(device->mark(5, &device_error));
  device_must(device->add(y.device, x.device, y.device, N, &device_error));
  device_must(device->mark(500, &device_error));
  ok(device->elapsed(&seconds, 5, 500, &device_error) == 0 && seconds >= 0 && seconds < 10, "marks measure the time between them");
  ok(device->elapsed(&seconds, 0, 100000, &device_error) == -1, "marks that were never set are refused");
  void *graph = NULL;
  device_must(device->record_begin(&device_error));
  device_must(device->add(y.device, x.device, y.device, N, &device_error));
  device_must(device->add(y.device, x.device, y.device, N, &device_error));
  device_must(device->record_end(&graph, &device_error));
  ok(graph != NULL, "two sums are recorded");
  for (int i = 0; i < 3; i++) device_must(device->graph_run(graph, &device_error));
  for (int i = 0; i < 7; i++)
    for (int k = 0; k < N; k++) {
      struct device_array *a = &y;
      a->host[k] += x.host[k];
    }
  ok(device_close(&y, device->stored_size == 2 ? 1e-4 : 1e-12, "sum"), "and run three times, not when they were recorded");
  device->graph_release(graph);
  device_array_free(&x), device_array_free(&y);
}

/* A recording may hold copies beside the ops, waits for copies made before it, and nothing that goes through staging. */
static void copies_in_graphs(void) {
  enum { N = 5000 };
  struct device_array x = device_array(N, true, 1, 1), y = device_array(N, true, 2, 0);
  size_t bytes = N * device->stored_size;
  char *from = (char *)device->alloc_host(bytes, &device_error), *to = (char *)device->alloc_host(bytes, &device_error), *want = (char *)malloc(bytes);
  device_must(from && to ? 0 : -1);
  device_must(device->to_host(from, x.device, bytes, &device_error));
  memset(to, 0, bytes);
  void *graph = NULL;
  device_must(device->copy_in(x.device, from, bytes, 7, &device_error));
  device_must(device->record_begin(&device_error));
  ok(device->to_device(x.device, want, 16, &device_error) == -1 && strstr(device_error.message, "recorded"), "a copy through staging is refused while a graph is recorded");
  ok(device->wait_copy(7, &device_error) == 0, "a copy made before the recording may be waited for in it");
  device_must(device->add(y.device, x.device, y.device, N, &device_error));
  ok(device->copy_out(to, y.device, bytes, 8, &device_error) == 0, "a copy beside the ops is recorded");
  ok(device->record_end(&graph, &device_error) == 0 && graph, "and needs no wait before the end");
  device_must(device->zero(x.device, bytes, &device_error));
  device_must(device->copy_in(x.device, from, bytes, 7, &device_error)); /* the recorded wait is for this one now */
  device_must(device->graph_run(graph, &device_error));
  device_must(device->graph_run(graph, &device_error));
  ok(device->wait_copy(8, &device_error) == 0 && device->synchronize(&device_error) == 0, "what was copied in a graph may be waited for behind it");
  device_must(device->to_host(want, y.device, bytes, &device_error));
  ok(memcmp(want, to, bytes) == 0, "the copy out of the last run has its sum");
  for (int k = 0; k < N; k++) y.host[k] = 2 * x.host[k];
  ok(device_close(&y, 0, "sum"), "and each run saw what was copied in before it");
  ok(device->copy_out(to, x.device, bytes, 8, &device_error) == 0 && device->wait_copy(8, &device_error) == 0, "the slot serves copies outside graphs again");
  device->graph_release(graph);
  device->release_host(from), device->release_host(to), free(want);
  device_array_free(&x), device_array_free(&y);
}

static size_t free_bytes(void) {
  size_t free_now = 0, total;
  device_must(device->memory(&free_now, &total, &device_error));
  return free_now;
}
/* Only the emulator's memory is counted to the byte: a GPU's is shared with others, taken for graphs and code, and in blocks of 2 MiB. */
static bool counted(void) {
  const char *warning;
  return strstr(device->describe(&warning), "emulated") != NULL;
}

/* An op that asks for a workspace of some 16 bytes a row. */
static int with_workspace(int64_t rows) {
  enum { V = 8, C = 4 };
  static struct device_array gradient, dy;
  static int32_t *ids;
  static int64_t made;
  if (rows > made) {
    if (made) device_array_free(&gradient), device_array_free(&dy), device->release(ids);
    int32_t *zeros = (int32_t *)calloc((size_t)rows, sizeof *zeros);
    gradient = device_array(V * C, false, 1, 0), dy = device_array(rows * C, true, 2, 1), ids = device_integers(zeros, rows);
    made = rows;
    free(zeros);
  }
  if (rows > 0) return device->embedding_backward((real *)gradient.device, dy.device, ids, rows, V, C, &device_error);
  if (made) device_array_free(&gradient), device_array_free(&dy), device->release(ids);
  made = 0;
  return 0;
}

/* What cannot be recorded is refused in words, and does no harm; what is given back meanwhile lives as long as the graph. */
static void while_recording(void) {
  enum { N = 4096, FEW = 1000, MANY = 20000 };
  struct device_array x = device_array(N, true, 1, 1), y = device_array(N, true, 2, 0);
  size_t bytes = N * device->stored_size;
  stored *lent = (stored *)device->alloc(bytes, &device_error);
  double seconds = -1;
  void *graph = NULL;
  device_must(lent ? 0 : -1);
  device_must(device->copy(lent, x.device, bytes, &device_error));
  device_must(with_workspace(MANY)); /* its arrays */
  device_must(device->mark(1, &device_error));
  size_t free_before = free_bytes();
  device_must(device->record_begin(&device_error));
  ok(device->alloc(64, &device_error) == NULL && strstr(device_error.message, "recorded") && device->alloc_host(64, &device_error) == NULL && strstr(device_error.message, "recorded"),
     "no memory is taken while a graph is recorded");
  ok(device->synchronize(&device_error) == -1 && strstr(device_error.message, "recorded") && device->elapsed(&seconds, 1, 1, &device_error) == -1 && strstr(device_error.message, "recorded"),
     "and the host does not wait");
  device_must(device->mark(7, &device_error));
  device_must(device->add(y.device, lent, y.device, N, &device_error));
  device_must(device->mark(8, &device_error));
  device->release(lent);
  ok(with_workspace(FEW) == 0, "an op with the workspace of one before is recorded");
  device_must(device->record_end(&graph, &device_error));
  ok(!counted() || free_bytes() == free_before, "memory given back in a recording is kept");
  for (int i = 0; i < 2; i++) device_must(device->graph_run(graph, &device_error));
  device_must(device->synchronize(&device_error));
  seconds = -1;
  ok(device->elapsed(&seconds, 7, 8, &device_error) == 0 && seconds >= 0 && seconds < 10, "marks in a graph are set by its runs");
  for (int k = 0; k < N; k++) y.host[k] = 2 * x.host[k];
  ok(device_close(&y, 0, "sum"), "and its runs read what was given back");
  device->graph_release(graph);
  ok(!counted() || free_bytes() > free_before, "which goes with the graph");
  with_workspace(0);
  device_array_free(&x), device_array_free(&y);
}

/* A workspace cannot grow in a recording.  Where graphs have the old one, it stays until they go. */
static void workspace(void) {
  enum { MORE = 60000, MOST = 200000 };
  void *graph = NULL, *other = NULL;
  struct device_array x = device_array(64, true, 1, 1);
  device_must(with_workspace(MORE) == 0 ? 0 : -1);
  device_must(device->record_begin(&device_error));
  ok(with_workspace(MORE) == 0, "an op with a workspace is recorded");
  device_must(device->record_end(&graph, &device_error));
  device_must(device->graph_run(graph, &device_error));
  with_workspace(0);
  int64_t rows = device->stored_size == sizeof(real) ? MOST : 2 * MOST; /* more than the pass before asked for */
  int32_t *ids = (int32_t *)device->alloc((size_t)rows * sizeof *ids, &device_error);
  stored *dy = (stored *)device->alloc((size_t)rows * device->stored_size, &device_error);
  real *gradient = (real *)device->alloc(sizeof(real), &device_error);
  device_must(ids && dy && gradient ? 0 : -1);
  device_must(device->record_begin(&device_error));
  device_must(device->add(x.device, x.device, x.device, 1, &device_error));
  ok(device->embedding_backward(gradient, dy, ids, rows, 1, 1, &device_error) == -1 && strstr(device_error.message, "workspace") && strstr(device_error.message, "recorded"),
     "a larger workspace is refused while a graph is recorded: %s", device_error.message);
  ok(device->record_end(&other, &device_error) == 0, "and the recording can end");
  device->graph_release(other);
  device_must(device->embedding_backward(gradient, dy, ids, rows, 1, 1, &device_error));
  size_t free_before = free_bytes();
  device_must(device->graph_run(graph, &device_error));
  ok(device->synchronize(&device_error) == 0, "a graph runs on with the workspace that it was recorded with");
  device->graph_release(graph);
  ok(!counted() || free_bytes() > free_before, "which is given back behind it");
  device->release(ids), device->release(dy), device->release(gradient);
  device_array_free(&x);
}

/* GPUs by name, in programs of their own: the emulator takes its name from the environment. */
static void peaks(void) {
  static const struct {
    const char *name;
    double bf16;
  } gpus[] = {{"NVIDIA H100 80GB HBM3", 989.4}, {"NVIDIA H100 PCIe", 756}, {"NVIDIA A100-SXM4-80GB", 312}, {"NVIDIA L4", 121}, {"NVIDIA L40S", 362}, {"NVIDIA GeForce RTX 4090", 165.2},
              {"NVIDIA GeForce RTX 4090 Laptop GPU", 0}, {"NVIDIA RTX A4000", 0}, {"NVIDIA A10G", 0}, {"NVIDIA H100 80GB HBM3 MIG 1g.10gb", 0}};
  const char *warning;
  char program[500], command[800];
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  if (length < 0 || strncmp(device->describe(&warning), "cuda emulated GPU", 17) != 0) return;
  program[length] = '\0';
  bool good = true;
  for (size_t i = 0; i < sizeof gpus / sizeof *gpus; i++) {
    double tera = -1;
    snprintf(command, sizeof command, "CUDA_CPU_NAME='%s' '%s' peak", gpus[i].name, program);
    FILE *f = popen(command, "r");
    if (!f || fscanf(f, "%lf", &tera) != 1 || fabs(tera - gpus[i].bf16) > 1e-6) good = false, note("%s: %g TFLOP/s", gpus[i].name, tera);
    if (f) pclose(f);
  }
  ok(good, "GPUs are known by whole words of their names");
}

/* Libraries made for it: one is not there, one is no library, one lacks a function or a library that it needs. */
static void libraries(void) {
  char folder[] = "/tmp/libraries-XXXXXX", command[600], good[80], bad[80], needy[80];
  if (system("command -v cc > /dev/null 2>&1") != 0 || !mkdtemp(folder)) {
    skip("no C compiler", "libraries made for the test");
    return;
  }
  snprintf(good, sizeof good, "%s/libgood.so.13", folder), snprintf(bad, sizeof bad, "%s/libbad.so.13", folder), snprintf(needy, sizeof needy, "%s/libneedy.so.13", folder);
  snprintf(command, sizeof command,
           "cd %s && echo 'int libraryCreate(void) { return 7; }' | cc -shared -fPIC -o libgood.so.13 -x c - && echo 'not one' > libbad.so.13 && "
           "echo 'int libraryAbsent(void); int libraryCreate(void) { return libraryAbsent(); }' | cc -shared -fPIC -o libneedy.so.13 -x c -",
           folder);
  device_must(system(command) == 0 ? 0 : kernel_fail(&device_error, "cannot make libraries"));
  void *library = NULL, *function = NULL;
  const char *missing[] = {"libmissing.so.13", "/nowhere/libmissing.so.13"}, *broken[] = {bad}, *without[] = {needy}, *second[] = {"libmissing.so.13", good};
  ok(loader_open(&library, missing, 2, "libmissing-13-0", &device_error) == -1 && !library && strstr(device_error.message, "libmissing.so.13 cannot be opened") &&
         strstr(device_error.message, "No such file") && strstr(device_error.message, "install the package libmissing-13-0") && strstr(device_error.message, "LD_LIBRARY_PATH"),
     "a library that is missing: its file, its package, the way to it: %s", device_error.message);
  ok(loader_open(&library, broken, 1, "libbad-13-0", &device_error) == -1 && strstr(device_error.message, "too short"), "a file that is no library is named, with the reason");
  ok(loader_open(&library, without, 1, "libneedy-13-0", &device_error) == -1 && strstr(device_error.message, "libraryAbsent"), "so is a library that itself lacks something");
  ok(loader_open(&library, second, 2, "libgood-13-0", &device_error) == 0 && library, "the second place is tried after the first");
  ok(loader_find(library, &function, "libraryCreate", "libgood.so.13", 13, &device_error) == 0 && function, "a function is found");
  ok(loader_find(library, &function, "libraryNewer", "libgood.so.13", 13, &device_error) == -1 && strstr(device_error.message, "libgood.so.13 has no libraryNewer") &&
         strstr(device_error.message, "CUDA 13"),
     "one that an older version lacks is named, with the version that has it");
  dlclose(library);
  remove(good), remove(bad), remove(needy), rmdir(folder);
}

static void test(double stored_bound, double real_bound) {
  (void)stored_bound, (void)real_bound;
  copies(), storing(), beside(), time_and_graphs(), copies_in_graphs(), while_recording(), workspace(), peaks();
  if (device->stored_size == sizeof(real)) libraries();
}

int main(int count, char **arguments) {
  if (count < 2 || strcmp(arguments[1], "peak") != 0) return device_test_run(test);
  const struct backend *b = backend_cuda(MATMUL_BF16, &device_error);
  if (b) printf("%.9g\n", b->stated_peak(MATMUL_BF16) / 1e12);
  return b ? 0 : 1;
}
