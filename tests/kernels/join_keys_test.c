/* SPDX-License-Identifier: MIT */
#include "kernels/join_keys.h"

#include "tests/kernels/kernel_test.h"

static struct kernel_error e;

static void compare(int64_t rows, int64_t H, int64_t Dn, int64_t Dv, int64_t Dr, int64_t pad) {
  int64_t ld_kv = H * (Dn + Dv) + pad, ld_rope = Dr + 2 * pad, n_kv = rows * ld_kv, n_rope = rows * ld_rope, n = rows * H * (Dn + Dr);
  real *kv = array(n_kv, 1, 1), *rope = array(n_rope, 2, 1), *k = array(n, 3, 1), *dk = array(n, 4, 1);
  real *d_kv = array(n_kv, 5, 1), *d_rope = array(n_rope, 6, 1), *before_kv = array_copy(d_kv, n_kv), *before_rope = array_copy(d_rope, n_rope);
  bool good = join_keys(k, kv, ld_kv, rope, ld_rope, rows, H, Dn, Dv, Dr, &e) == 0 && guards_intact(k, n);
  for (int64_t i = 0; i < n; i++) {
    int64_t r = i / (H * (Dn + Dr)), h = i / (Dn + Dr) % H, d = i % (Dn + Dr);
    good = good && k[i] == (d < Dn ? kv[r * ld_kv + h * (Dn + Dv) + d] : rope[r * ld_rope + d - Dn]);
  }
  ok(good, "rows %lld H %lld sizes %lld %lld %lld: each key is its own part and the shared one", (long long)rows, (long long)H, (long long)Dn,
     (long long)Dv, (long long)Dr);

  good = join_keys_backward(d_kv, ld_kv, d_rope, ld_rope, dk, rows, H, Dn, Dv, Dr, &e) == 0 && guards_intact(d_kv, n_kv) && guards_intact(d_rope, n_rope);
  for (int64_t i = 0; i < n_kv; i++) {
    int64_t r = i / ld_kv, c = i % ld_kv, h = c / (Dn + Dv), d = c % (Dn + Dv);
    good = good && d_kv[i] == (h < H && d < Dn ? dk[(r * H + h) * (Dn + Dr) + d] : before_kv[i]);
  }
  for (int64_t i = 0; i < n_rope; i++) {
    int64_t r = i / ld_rope, d = i % ld_rope;
    double sum = 0;
    for (int64_t h = 0; h < H; h++) sum += d < Dr ? (double)dk[(r * H + h) * (Dn + Dr) + Dn + d] : 0;
    good = good && (d < Dr ? fabs(d_rope[i] - sum) < 1e-5 : d_rope[i] == before_rope[i]);
  }
  ok(good, "and backward: gradients of the parts, of the shared one summed over heads, all else as it was");

  real *d_kv2 = array_copy(before_kv, n_kv), *d_rope2 = array_copy(before_rope, n_rope);
  backend_cpu()->set_threads(1);
  join_keys_backward(d_kv2, ld_kv, d_rope2, ld_rope, dk, rows, H, Dn, Dv, Dr, &e);
  backend_cpu()->set_threads(2);
  ok(memcmp(d_kv, d_kv2, (size_t)n_kv * sizeof *d_kv) == 0 && memcmp(d_rope, d_rope2, (size_t)n_rope * sizeof *d_rope) == 0, "the same bits on one thread");
  array_free(kv), array_free(rope), array_free(k), array_free(dk), array_free(d_kv), array_free(d_rope), array_free(before_kv), array_free(before_rope);
  array_free(d_kv2), array_free(d_rope2);
}

static void speed(int64_t rows, int64_t H, int64_t Dn, int64_t Dv, int64_t Dr) {
  int64_t ld_kv = H * (Dn + Dv), n = rows * H * (Dn + Dr);
  real *kv = array(rows * ld_kv, 1, 1), *rope = array(rows * Dr, 2, 1), *k = array(n, 3, 1);
  double forward, backward, bytes = sizeof(real) * (double)rows * (double)(H * (2 * Dn + Dr) + Dr);
  TIME(forward, join_keys(k, kv, ld_kv, rope, Dr, rows, H, Dn, Dv, Dr, &e));
  TIME(backward, join_keys_backward(kv, ld_kv, rope, Dr, k, rows, H, Dn, Dv, Dr, &e));
  printf("join_keys rows %lld H %lld sizes %lld %lld %lld: forward %.1f GB/s, backward %.1f\n", (long long)rows, (long long)H, (long long)Dn,
         (long long)Dv, (long long)Dr, 1e-9 * bytes / forward, 1e-9 * bytes / backward);
  array_free(kv), array_free(rope), array_free(k);
}

int main(int argc, char **argv) {
  backend_cpu()->set_threads(2);
  if (wants_times(argc, argv)) {
    speed(2048, 16, 128, 128, 64);
    return 0;
  }
  compare(0, 2, 4, 4, 4, 0);
  compare(1, 1, 1, 1, 1, 0);
  compare(7, 3, 5, 6, 3, 2);
  compare(3, 2, 4, 0, 0, 1);
  compare(300, 4, 32, 32, 16, 0);
  real x[8] = {0};
  ok(join_keys(x, x, 1, x, 1, 1, 1, 1, 1, 1, &e) == -1, "rows shorter than their heads are refused");
  return tap_done();
}
