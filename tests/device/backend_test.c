/* SPDX-License-Identifier: MIT
 *
 * Memory, copies, time and graphs of a device.
 */
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
  enum { N = 5000 };
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

static void test(double stored_bound, double real_bound) {
  (void)stored_bound, (void)real_bound;
  copies(), storing(), beside(), time_and_graphs(), copies_in_graphs();
}

int main(void) { return device_test_run(test); }
