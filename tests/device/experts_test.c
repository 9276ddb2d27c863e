/* SPDX-License-Identifier: MIT */
#include "kernels/experts.h"

#include "tests/device/device_test.h"

#define AT(array) stored_at(device, array.device, shift)
#define HOST(array) (array.host + shift)

/* counts: slots of each expert.  gap: elements between the weights of experts.  shift: elements that arrays start behind what 16
 * bytes align. */
static void compare(enum matmul_type type, const int32_t *counts, int64_t experts, int64_t out, int64_t in, int64_t gap, int64_t shift, double bound, double real_bound) {
  const struct backend *cpu = backend_cpu();
  int64_t stride = out * in + gap, slots = 0;
  int32_t starts[100] = {0};
  for (int64_t i = 0; i < experts; i++) slots += counts[i], starts[i + 1] = (int32_t)slots;
  int32_t *there = device_integers(starts, experts + 1);
  struct device_array x = device_array(slots * in + shift, true, 1, 1), w = device_array(experts * stride + shift, true, 2, 1), y = device_array(slots * out + shift, true, 3, 1);
  struct device_array dy = device_array(slots * out + shift, true, 4, 1), dx = device_array(slots * in + shift, true, 5, 1), y_again = device_array(slots * out + shift, true, 3, 1);
  struct device_array dw = device_array(experts * stride + shift, false, 6, 1), dw_again = device_array(experts * stride + shift, false, 6, 1);
  real *to = (real *)dw.device + shift, *again = (real *)dw_again.device + shift;

  device_must(device->experts_forward(type, AT(y), AT(x), AT(w), stride, there, experts, slots, out, in, &device_error));
  device_must(device->experts_forward(type, AT(y_again), AT(x), AT(w), stride, there, experts, slots, out, in, &device_error));
  device_must(cpu->experts_forward(type, HOST(y), HOST(x), HOST(w), stride, starts, experts, slots, out, in, &device_error));
  bool good = device_close(&y, bound, "y") && device_same(&y, &y_again, "y again");

  device_must(device->experts_backward(type, AT(dx), to, AT(dy), AT(x), AT(w), stride, there, experts, slots, out, in, &device_error));
  device_must(cpu->experts_backward(type, HOST(dx), HOST(dw), HOST(dy), HOST(x), HOST(w), stride, starts, experts, slots, out, in, &device_error));
  good = device_close(&dx, bound, "dx") && device_close(&dw, real_bound, "dw") && good;
  device_must(device->experts_backward(type, NULL, again, AT(dy), AT(x), AT(w), stride, there, experts, slots, out, in, &device_error));
  good = device_same(&dw, &dw_again, "dw alone") && good;
  device_must(device->experts_backward(type, AT(dx), NULL, AT(dy), AT(x), AT(w), stride, there, experts, slots, out, in, &device_error));
  good = device_close(&dx, bound, "dx alone") && good;

  ok(good, "%s: %lld experts of %lld x %lld, %lld apart, %lld slots, shift %lld", type == MATMUL_FP32 ? "fp32" : type == MATMUL_TF32 ? "tf32" : "bf16", (long long)experts, (long long)out,
     (long long)in, (long long)stride, (long long)slots, (long long)shift);
  struct device_array *all[] = {&x, &w, &y, &dy, &dx, &y_again, &dw, &dw_again};
  for (int i = 0; i < 8; i++) device_array_free(all[i]);
  device->release(there);
}

/* Heads side by side in rows of a and c, `gap` elements between; those of b one below the other. */
static void compare_batched(enum matmul_type type, bool transpose_b, int64_t count, int64_t M, int64_t N, int64_t K, int64_t gap, int64_t shift, double bound) {
  const struct backend *cpu = backend_cpu();
  struct batch_shape s = {.count = count, .M = M, .N = N, .K = K, .stride_a = K + gap, .stride_c = N + gap, .ld_a = count * (K + gap), .ld_c = count * (N + gap), .transpose_b = transpose_b};
  s.ld_b = (transpose_b ? K : N) + gap, s.stride_b = (transpose_b ? N : K) * s.ld_b + gap;
  struct device_array a = device_array(M * s.ld_a + shift, true, 1, 1), b = device_array(count * s.stride_b + shift, true, 2, 1);
  struct device_array c = device_array(M * s.ld_c + shift, true, 3, 1), again = device_array(M * s.ld_c + shift, true, 3, 1);
  device_must(device->matmul_batched(type, AT(c), AT(a), AT(b), &s, &device_error));
  device_must(device->matmul_batched(type, AT(again), AT(a), AT(b), &s, &device_error));
  device_must(cpu->matmul_batched(type, HOST(c), HOST(a), HOST(b), &s, &device_error));
  bool good = device_close(&c, bound, "c") && device_same(&c, &again, "c again");
  ok(good, "%lld products %lld x %lld x %lld, b %s, %lld between, shift %lld", (long long)count, (long long)M, (long long)N, (long long)K, transpose_b ? "transposed" : "as it is", (long long)gap, (long long)shift);
  device_array_free(&a), device_array_free(&b), device_array_free(&c), device_array_free(&again);
}

static void batches(double bound) {
  for (int transpose_b = 0; transpose_b < 2; transpose_b++) {
    compare_batched(MATMUL_FP32, transpose_b, 5, 3, 136, 40, 8, 0, bound);
    compare_batched(MATMUL_FP32, transpose_b, 2, 70, 24, 72, 0, 0, bound);
    compare_batched(MATMUL_FP32, transpose_b, 3, 130, 17, 9, 3, 1, bound);
    compare_batched(MATMUL_FP32, transpose_b, 1, 1, 1, 1, 0, 0, bound);
    compare_batched(MATMUL_FP32, transpose_b, 40, 2, 8, 16, 0, 0, bound);
    compare_batched(MATMUL_FP32, transpose_b, 2, 3, 16, 0, 8, 0, bound); /* zeros */
    compare_batched(MATMUL_FP32, transpose_b, 2, 0, 16, 8, 8, 0, bound);
  }
  struct batch_shape wrong = {.count = 1, .M = 2, .N = 8, .K = 8, .ld_a = 7, .ld_b = 8, .ld_c = 8};
  ok(device->matmul_batched(MATMUL_FP32, NULL, NULL, NULL, &wrong, &device_error) == -1 && strstr(device_error.message, "matmul_batched"), "rows that overlap are refused");
}

static void test(double bound, double real_bound) {
  bool half = device->stored_size == 2;
  const int32_t none[3] = {0, 0, 0}, some[5] = {0, 3, 0, 130, 5}, even[2] = {40, 24}, few[1] = {70}, one[1] = {1};
  const int32_t lopsided[12] = {3, 0, 600, 1, 65, 0, 0, 0, 64, 0, 1, 0}, large[3] = {200, 0, 130};
  int32_t many[70], most[1] = {1300};
  for (int i = 0; i < 70; i++) many[i] = i * 7 % 5;
  for (int i = 0; i < (half ? 1 : 3); i++) {
    enum matmul_type type = half || i == 2 ? MATMUL_BF16 : i == 1 ? MATMUL_TF32 : MATMUL_FP32;
    double b = type == MATMUL_TF32 ? 1e-6 : bound, r = type == MATMUL_TF32 ? 1e-6 : half ? 1e-10 : real_bound;
    compare(type, none, 3, 8, 16, 0, 0, b, r);
    compare(type, some, 5, 200, 72, 8, 0, b, r); /* tiles of 64 rows */
    compare(type, large, 3, 136, 72, 0, 0, b, r); /* of 128 */
    compare(type, even, 2, 19, 45, 3, 1, b, r); /* nothing a multiple of 8 */
    if (i == 1 || (i == 2 && device_small())) continue;
    compare(type, few, 1, 136, 264, 0, 0, b, r);
    compare(type, many, 70, 24, 40, 0, 0, b, r);
    compare(type, most, 1, 16, 264, 0, 0, b, r); /* more than EXPERTS_ROW_TILES tiles of rows, 3 of columns in the backward pass */
    compare(type, lopsided, 12, 16, 136, 0, 0, b, r); /* one expert has more than EXPERTS_ROW_TILES tiles of 64 */
    compare(type, one, 1, 1100, 136, 0, 0, b, r); /* so for dw */
  }
  batches(bound);
}

int main(void) { return device_test_run(test); }
