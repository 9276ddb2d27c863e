/* SPDX-License-Identifier: MIT */
#include "kernels/join_keys.h"

#include "tests/device/device_test.h"

static void compare(int64_t rows, int64_t H, int64_t Dn, int64_t Dv, int64_t Dr, int64_t pad_kv, int64_t pad_rope, int64_t shift, double bound) {
  const struct backend *cpu = backend_cpu();
  int64_t ld_kv = H * (Dn + Dv) + pad_kv, ld_rope = Dr + pad_rope;
  struct device_array kv = device_array(rows * ld_kv + shift, true, 1, 1), k_rope = device_array(rows * ld_rope + shift, true, 2, 1);
  struct device_array k = device_array(rows * H * (Dn + Dr) + shift, true, 3, 1), dk = device_array(k.n, true, 4, 1);
  struct device_array d_kv = device_array(kv.n, true, 5, 1), d_k_rope = device_array(k_rope.n, true, 6, 1), again = device_array(k_rope.n, true, 6, 1);
#define AT(array) stored_at(device, array.device, shift)
  device_must(device->join_keys(AT(k), AT(kv), ld_kv, AT(k_rope), ld_rope, rows, H, Dn, Dv, Dr, &device_error));
  device_must(cpu->join_keys(k.host + shift, kv.host + shift, ld_kv, k_rope.host + shift, ld_rope, rows, H, Dn, Dv, Dr, &device_error));
  bool good = device_close(&k, 0, "k");
  device_must(device->join_keys_backward(AT(d_kv), ld_kv, AT(d_k_rope), ld_rope, AT(dk), rows, H, Dn, Dv, Dr, &device_error));
  device_must(device->join_keys_backward(AT(d_kv), ld_kv, AT(again), ld_rope, AT(dk), rows, H, Dn, Dv, Dr, &device_error));
  device_must(cpu->join_keys_backward(d_kv.host + shift, ld_kv, d_k_rope.host + shift, ld_rope, dk.host + shift, rows, H, Dn, Dv, Dr, &device_error));
  good = device_close(&d_kv, 0, "d_kv") && good;
  good = device_close(&d_k_rope, bound, "d_k_rope") && device_same(&d_k_rope, &again, "d_k_rope again") && good;
  ok(good, "join_keys: %lld rows of %lld heads of %lld + %lld, %lld shared, %lld and %lld columns more, shift %lld", (long long)rows, (long long)H, (long long)Dn,
     (long long)Dv, (long long)Dr, (long long)pad_kv, (long long)pad_rope, (long long)shift);
  device_array_free(&kv), device_array_free(&k_rope), device_array_free(&k), device_array_free(&dk), device_array_free(&d_kv), device_array_free(&d_k_rope), device_array_free(&again);
}

static void test(double bound, double real_bound) {
  (void)real_bound;
  compare(0, 4, 128, 128, 64, 0, 0, 0, bound);
  compare(9, 16, 128, 128, 64, 0, 512, 0, bound); /* DeepSeek-V2-Lite; k_rope behind the latent vector */
  compare(3, 40, 64, 32, 32, 8, 0, 0, bound);
  compare(9000, 3, 8, 0, 16, 0, 0, 0, bound);     /* more rows than blocks */
  compare(33, 1, 8, 8, 8, 0, 0, 0, bound);
  compare(5, 3, 16, 0, 8, 0, 0, 0, bound);
  compare(5, 3, 0, 8, 16, 0, 0, 0, bound);        /* nothing of the head's own, nothing shared */
  compare(5, 3, 16, 8, 0, 0, 8, 0, bound);
  compare(3, 5, 8, 8, 1600, 0, 0, 0, bound);      /* more that is shared than a block has threads for */
  compare(7, 5, 9, 7, 3, 2, 1, 0, bound);         /* not aligned: sizes, distances, address */
  compare(4, 8, 16, 5, 8, 0, 0, 0, bound);
  compare(4, 3, 16, 16, 160, 1, 3, 0, bound);
  compare(4, 3, 16, 16, 8, 0, 0, 1, bound);
  real x[8] = {0};
  ok(device->join_keys(x, x, 3, x, 1, 1, 2, 1, 1, 1, &device_error) != 0 && device->join_keys_backward(x, 4, x, 0, x, 1, 2, 1, 1, 1, &device_error) != 0,
     "rows that do not fit their distance are refused");
  ok(device->join_keys(x, x, INT64_C(1) << 33, x, 1, 1, 3, INT64_C(1) << 29, 1, 1, &device_error) != 0 && strstr(device_error.message, "less than"), "so are rows whose places need more than 32 bits");
}

int main(void) { return device_test_run(test); }
