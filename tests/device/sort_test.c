/* SPDX-License-Identifier: MIT */
#include "kernels/sort.h"

#include "tests/device/device_test.h"

/* Of equal keys a third, of the others more of the low ones. */
static void compare(int64_t n, int64_t bound, int32_t group) {
  int32_t *from = (int32_t *)malloc((size_t)(n + 1) * sizeof *from), *starts = (int32_t *)calloc((size_t)bound + 1, sizeof *starts), *next = (int32_t *)malloc((size_t)(bound + 1) * sizeof *next);
  uint64_t state = (uint64_t)(n + bound);
  for (int64_t i = 0; i < n; i++) {
    double u = (device_number(&state) + 1) / 2;
    from[i] = state % 65536 < 20000 ? (int32_t)(bound / 2) : (int32_t)(u * u * (double)bound);
    starts[from[i] + 1]++;
  }
  for (int64_t k = 0; k < bound; k++) starts[k + 1] += starts[k];
  from[n] = 0;
  memcpy(next, starts, (size_t)(bound + 1) * sizeof *next);
  int32_t *keys = (int32_t *)malloc((size_t)(n + 1) * sizeof *keys), *order = (int32_t *)malloc((size_t)(n + 1) * sizeof *order), *places = (int32_t *)malloc((size_t)(n + 1) * sizeof *places);
  for (int64_t i = 0; i < n; i++) {
    int32_t s = next[from[i]]++;
    keys[s] = from[i], order[s] = (int32_t)(i / group), places[i] = s;
  }
  keys[n] = order[n] = places[n] = -9; /* behind the end: must stay */
  int32_t *got = (int32_t *)malloc((size_t)(n + bound + 2) * sizeof *got);
  for (int64_t i = 0; i < n + bound + 2; i++) got[i] = -9;
  int32_t *device_from = device_integers(from, n + 1), *device_keys = device_integers(got, n + 1), *device_order = device_integers(got, n + 1), *device_places = device_integers(got, n + 1);
  int32_t *device_starts = device_integers(got, bound + 1);
  void *workspace = device->alloc(sort_workspace(n, bound), &device_error);
  device_must(workspace ? 0 : -1);
  bool good = true, with_starts = bound < 1000000; /* else its search is all that the emulator does */
  for (int all = 0; all < 2; all++) { /* the second time with what the first leaves out; what there is must be there again */
    struct sorted_keys to = {.keys = all ? device_keys : NULL, .order = device_order, .places = all ? device_places : NULL, .starts = with_starts ? device_starts : NULL, .group = group};
    device_must(sort_keys(&to, device_from, n, bound, workspace, &device_error));
    device_must(device->to_host(got, device_order, (size_t)(n + 1) * sizeof *got, &device_error));
    if (memcmp(got, order, (size_t)(n + 1) * sizeof *got) != 0) note("order"), good = false;
    if (!with_starts) continue;
    device_must(device->to_host(got, device_starts, (size_t)(bound + 1) * sizeof *got, &device_error));
    if (memcmp(got, starts, (size_t)(bound + 1) * sizeof *got) != 0) note("starts"), good = false;
  }
  device_must(device->to_host(got, device_keys, (size_t)(n + 1) * sizeof *got, &device_error));
  if (memcmp(got, keys, (size_t)(n + 1) * sizeof *got) != 0) note("keys"), good = false;
  device_must(device->to_host(got, device_places, (size_t)(n + 1) * sizeof *got, &device_error));
  if (memcmp(got, places, (size_t)(n + 1) * sizeof *got) != 0) note("places"), good = false;
  ok(good, "%lld keys below %lld, %d of a group", (long long)n, (long long)bound, group);
  device->release(device_from), device->release(device_keys), device->release(device_order), device->release(device_places), device->release(device_starts), device->release(workspace);
  free(from), free(starts), free(next), free(keys), free(order), free(places), free(got);
}

static void test(double stored_bound, double real_bound) {
  (void)stored_bound, (void)real_bound;
  if (device->stored_size != sizeof(real)) return; /* stored elements have no part in this */
  compare(0, 5, 1), compare(1, 1, 1), compare(33, 2, 1), compare(1000, 8, 2);
  compare(2048, 256, 8), compare(2049, 255, 3);  /* the most that one block sorts; and one key more */
  compare(5000, 257, 1), compare(40000, 64, 4);  /* two passes; many pieces */
  compare(300, 65537, 1), compare(7000, 300000, 1);
  compare(600, 20000000, 1);                     /* four passes */
  struct sorted_keys none = {.group = 1};
  ok(sort_keys(&none, NULL, 0, 0, NULL, &device_error) == -1 && sort_keys(&none, NULL, (int64_t)1 << 31, 5, NULL, &device_error) == -1, "no keys possible, or too many, is an error");
}

int main(void) { return device_test_run(test); }
