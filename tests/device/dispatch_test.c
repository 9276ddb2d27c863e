/* SPDX-License-Identifier: MIT */
#include "kernels/dispatch.h"

#include "tests/device/device_test.h"

#define AT(array) stored_at(device, array.device, shift)
#define HOST(array) (array.host + shift)

/* `rows` rows of C go to `top` slots each, in an order that takes all slots once.  shift: elements that arrays start behind what
 * 16 bytes align. */
static void compare(int64_t rows, int64_t top, int64_t C, int64_t shift, bool accumulate, double bound) {
  const struct backend *cpu = backend_cpu();
  int64_t choices = rows * top;
  int32_t *slots = (int32_t *)calloc((size_t)choices + 1, sizeof *slots), *sources = (int32_t *)calloc((size_t)choices + 1, sizeof *sources);
  for (int64_t i = 0; i < choices; i++) slots[i] = (int32_t)i;
  uint64_t seed = 9;
  for (int64_t i = choices - 1; i > 0; i--) {
    int64_t k = (int64_t)((device_number(&seed) + 1) / 2 * (double)(i + 1));
    int32_t swap = slots[i];
    slots[i] = slots[k], slots[k] = swap;
  }
  for (int64_t i = 0; i < choices; i++) sources[slots[i]] = (int32_t)(i / top);
  int32_t *slots_there = device_integers(slots, choices + 1), *sources_there = device_integers(sources, choices + 1);

  struct device_array narrow = device_array(rows * C + shift, true, 1, 1), wide = device_array(choices * C + shift, true, 2, 1);
  struct device_array weights = device_array(choices + shift, true, 3, 1), d_weights = device_array(choices + shift, true, 4, 1);
  struct device_array to_narrow = device_array(rows * C + shift, true, 5, 1), to_wide = device_array(choices * C + shift, true, 6, 1);
  struct device_array again = device_array(choices + shift, true, 4, 1), wide_again = device_array(choices * C + shift, true, 6, 1);

  device_must(device->gather_rows(AT(to_wide), AT(narrow), sources_there, choices, C, &device_error));
  device_must(cpu->gather_rows(HOST(to_wide), HOST(narrow), sources, choices, C, &device_error));
  bool good = device_close(&to_wide, 0, "gathered");

  device_must(device->gather_rows_backward(AT(to_narrow), AT(wide), slots_there, rows, top, C, accumulate, &device_error));
  device_must(cpu->gather_rows_backward(HOST(to_narrow), HOST(wide), slots, rows, top, C, accumulate, &device_error));
  good = device_close(&to_narrow, bound, "gradient of gathered") && good;

  device_must(device->combine_forward(AT(to_narrow), AT(wide), AT(weights), slots_there, rows, top, C, &device_error));
  device_must(cpu->combine_forward(HOST(to_narrow), HOST(wide), HOST(weights), slots, rows, top, C, &device_error));
  good = device_close(&to_narrow, bound, "combined") && good;

  device_must(device->combine_backward(AT(to_wide), AT(d_weights), AT(narrow), AT(wide), AT(weights), slots_there, rows, top, C, &device_error));
  device_must(device->combine_backward(AT(wide_again), AT(again), AT(narrow), AT(wide), AT(weights), slots_there, rows, top, C, &device_error));
  device_must(cpu->combine_backward(HOST(to_wide), HOST(d_weights), HOST(narrow), HOST(wide), HOST(weights), slots, rows, top, C, &device_error));
  good = device_close(&to_wide, bound, "gradient of combined") && device_close(&d_weights, bound, "gradient of weights") && device_same(&d_weights, &again, "weights again") && good;
  device_must(device->combine_backward(AT(wide), AT(d_weights), AT(narrow), AT(wide), AT(weights), slots_there, rows, top, C, &device_error));
  good = device_same(&d_weights, &again, "weights in place") && good;
  for (int64_t i = 0; i < wide.n; i++) wide.host[i] = i < shift ? wide.host[i] : to_wide.host[i];
  good = device_close(&wide, bound, "gradient in place") && good;

  ok(good, "%lld rows of %lld to %lld slots each, shift %lld%s", (long long)rows, (long long)C, (long long)top, (long long)shift, accumulate ? ", accumulated" : "");
  struct device_array *all[] = {&narrow, &wide, &weights, &d_weights, &to_narrow, &to_wide, &again, &wide_again};
  for (int i = 0; i < 8; i++) device_array_free(all[i]);
  device->release(slots_there), device->release(sources_there);
  free(slots), free(sources);
}

static void test(double bound, double real_bound) {
  (void)real_bound;
  compare(0, 2, 16, 0, false, bound);
  compare(1, 1, 1, 0, true, bound);
  compare(37, 2, 64, 0, false, bound);
  compare(37, 2, 64, 1, true, bound);
  compare(9, 6, 77, 0, true, bound);
  compare(5, 3, 1040, 0, true, bound);
}

int main(void) { return device_test_run(test); }
