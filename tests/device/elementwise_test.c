/* SPDX-License-Identifier: MIT */
#include "kernels/elementwise.h"

#include "tests/device/device_test.h"

static const struct backend *cpu;

/* Flat ops on n elements, the arrays begun `shift` elements behind an aligned address. */
static void flat(int64_t n, int64_t shift, double bound) {
  struct device_array a = device_array(n + shift, true, 1, 2), b = device_array(n + shift, true, 2, 2), y = device_array(n + shift, true, 3, 2), x = device_array(n + shift, false, 4, 2);
#define AT(array) stored_at(device, array.device, shift)
  device_must(device->add(AT(y), AT(a), AT(b), n, &device_error));
  device_must(cpu->add(y.host + shift, a.host + shift, b.host + shift, n, &device_error));
  bool good = device_close(&y, bound, "add");
  device_must(device->add(AT(a), AT(a), AT(b), n, &device_error));
  device_must(cpu->add(a.host + shift, a.host + shift, b.host + shift, n, &device_error));
  good = device_close(&a, bound, "add to itself") && good;
  device_must(device->scale(AT(b), (real)1.37, n, &device_error));
  device_must(cpu->scale(b.host + shift, (real)1.37, n, &device_error));
  good = device_close(&b, bound, "scale") && good;
  real *from = (real *)x.device + shift;
  device_must(device->narrow(AT(y), from, n, &device_error));
  device_must(cpu->narrow(y.host + shift, x.host + shift, n, &device_error));
  good = device_close(&y, bound, "narrow") && good;
  ok(good, "%lld elements, %lld behind an aligned address: add, scale, narrow", (long long)n, (long long)shift);
  device_array_free(&a), device_array_free(&b), device_array_free(&y), device_array_free(&x);
}

/* To the nearest, of two equally near to the even one: from above and below, at 2^-9 of the last bit, and what must survive. */
static void nearest_even(void) {
  enum { N = 12 };
  real from[N] = {1, 1 + 0x1p-8f, 1 + 0x1p-8f + 0x1p-20f, 1 + 3 * 0x1p-8f, 1 + 3 * 0x1p-8f - 0x1p-20f, -1 - 0x1p-8f, 0x1p-133f, 3.3961775e38f, INFINITY, -INFINITY, NAN, -0.0f};
  real want[N] = {1, 1, 1 + 0x1p-7f, 1 + 0x1p-6f, 1 + 0x1p-7f, -1, 0x1p-133f, INFINITY, INFINITY, -INFINITY, NAN, -0.0f}, got[N];
  if (device->stored_size == sizeof(real)) memcpy(want, from, sizeof want);
  real *x = (real *)device->alloc(sizeof from, &device_error);
  stored *y = (stored *)device->alloc(sizeof from, &device_error);
  device_must(x && y ? 0 : -1);
  device_must(device->to_device(x, from, sizeof from, &device_error));
  device_must(device->narrow(y, x, N, &device_error));
  device_must(device->download(got, y, N, &device_error));
  bool good = true;
  for (int i = 0; i < N; i++)
    if (memcmp(&got[i], &want[i], sizeof *got) != 0 && !(isnan(got[i]) && isnan(want[i]))) note("%.9g becomes %.9g, not %.9g", (double)from[i], (double)got[i], (double)want[i]), good = false;
  ok(good, "narrow rounds to the nearest, ties to even");
  device->release(x), device->release(y);
}

/* Rows of C elements, ld's of C + pad and some more. */
static void products(int64_t rows, int64_t C, int64_t pad, double bound) {
  int64_t ld_y = C + pad, ld_a = C + 2 * pad, ld_b = C + 3 * pad;
  struct device_array a = device_array(rows * ld_a, true, 1, 1), b = device_array(rows * ld_b, true, 2, 1), y = device_array(rows * ld_y, true, 3, 1);
  struct device_array da = device_array(rows * ld_a, true, 4, 1), db = device_array(rows * ld_b, true, 5, 1), dy = device_array(rows * ld_y, true, 6, 1);
  device_must(device->multiply(y.device, ld_y, a.device, ld_a, b.device, ld_b, rows, C, &device_error));
  device_must(cpu->multiply(y.host, ld_y, a.host, ld_a, b.host, ld_b, rows, C, &device_error));
  device_must(device->multiply_backward(da.device, ld_a, db.device, ld_b, dy.device, ld_y, a.device, b.device, rows, C, &device_error));
  device_must(cpu->multiply_backward(da.host, ld_a, db.host, ld_b, dy.host, ld_y, a.host, b.host, rows, C, &device_error));
  bool good = device_close(&y, bound, "y");
  good = device_close(&da, bound, "da") && device_close(&db, bound, "db") && good;
  device_must(device->multiply_backward(a.device, ld_a, b.device, ld_b, dy.device, ld_y, a.device, b.device, rows, C, &device_error));
  device_must(cpu->multiply_backward(a.host, ld_a, b.host, ld_b, dy.host, ld_y, a.host, b.host, rows, C, &device_error));
  good = device_close(&a, bound, "da in a") && device_close(&b, bound, "db in b") && good;
  device_must(device->copy_rows(db.device, ld_b, dy.device, ld_y, rows, C, &device_error));
  device_must(cpu->copy_rows(db.host, ld_b, dy.host, ld_y, rows, C, &device_error));
  good = device_close(&db, 0, "copy") && good;
  ok(good, "%lld rows of %lld, %lld and more apart: multiply, multiply_backward, copy_rows", (long long)rows, (long long)C, (long long)ld_y);
  device_array_free(&a), device_array_free(&b), device_array_free(&y), device_array_free(&da), device_array_free(&db), device_array_free(&dy);
}

static void drops(int64_t n, int64_t shift, double p, double bound) {
  const uint64_t key = 0x123456789abcdef;
  struct device_array x = device_array(n + shift, true, 1, 1), again = device_array(n + shift, true, 1, 1);
  for (int64_t i = 0; i < n + shift; i++) x.host[i] = again.host[i] = (real)0.25 + (real)(i % 7); /* never 0: the mask shows */
  device_must(device_put(&x, x.device, x.host, n + shift));
  device_must(device_put(&again, again.device, again.host, n + shift));
  device_must(device->dropout(AT(x), n, p, key, &device_error));
  device_must(cpu->dropout(x.host + shift, n, p, key, &device_error));
  bool good = device_close(&x, bound, "dropout");
  real *got = (real *)malloc((size_t)(n + shift) * sizeof *got), *second = (real *)malloc((size_t)(n + shift) * sizeof *got);
  device_must(device_get(&x, got, x.device, n + shift));
  for (int64_t i = 0; i < n; i++)
    if ((got[shift + i] == 0) != (x.host[shift + i] == 0)) note("element %lld: another mask", (long long)i), good = false, i = n;
  device_must(device->dropout(AT(again), n, p, key, &device_error));
  device_must(device_get(&again, second, again.device, n + shift));
  good = memcmp(got, second, (size_t)(n + shift) * sizeof *got) == 0 && good;
  ok(good, "dropout of %lld elements with p = %g, %lld behind an aligned address, has the CPU's mask", (long long)n, p, (long long)shift);
  free(got), free(second), device_array_free(&x), device_array_free(&again);
}

/* B sequences of T new rows; sequence b has 3 b + 2 rows already.  The device has pages of `page` rows in a mixed order, the CPU one
 * page a sequence. */
static void pages(int64_t B, int64_t T, int64_t C, int64_t page, int64_t ld_cache, int64_t ld_x) {
  int64_t longest = 3 * B + 2 + T, count = (longest + page - 1) / page;
  struct device_array x = device_array(B * T * ld_x, true, 1, 1), cache = device_array(B * count * page * ld_cache, true, 2, 1);
  int32_t *table = (int32_t *)malloc((size_t)(B * count) * sizeof *table), *first = (int32_t *)malloc((size_t)B * sizeof *first);
  int64_t *past = (int64_t *)malloc((size_t)B * sizeof *past);
  for (int64_t i = 0; i < B * count; i++) table[i] = (int32_t)(B * count - 1 - i);
  for (int64_t b = 0; b < B; b++) past[b] = 3 * b + 2, first[b] = (int32_t)b;
  real *flat_cache = (real *)calloc((size_t)(B * count * page * ld_cache), sizeof *flat_cache);
  for (int64_t b = 0; b < B; b++)
    for (int64_t t = 0; t < count * page; t++)
      memcpy(flat_cache + (b * count * page + t) * ld_cache, cache.host + (table[b * count + t / page] * page + t % page) * ld_cache, (size_t)ld_cache * sizeof(real));
  struct cache_pages of_cpu = {.table = first, .pages = 1, .page = count * page};
  device_must(cpu->cache_append(flat_cache, ld_cache, &of_cpu, past, x.host, ld_x, B, T, C, &device_error));
  for (int64_t b = 0; b < B; b++)
    for (int64_t t = 0; t < count * page; t++)
      memcpy(cache.host + (table[b * count + t / page] * page + t % page) * ld_cache, flat_cache + (b * count * page + t) * ld_cache, (size_t)ld_cache * sizeof(real));
  int32_t *device_table = device_integers(table, B * count);
  int64_t *device_past = (int64_t *)device->alloc((size_t)B * sizeof *past, &device_error);
  device_must(device->to_device(device_past, past, (size_t)B * sizeof *past, &device_error));
  struct cache_pages of_device = {.table = device_table, .pages = count, .page = page};
  device_must(device->cache_append(cache.device, ld_cache, &of_device, device_past, x.device, ld_x, B, T, C, &device_error));
  ok(device_close(&cache, 0, "cache"), "%lld new rows of %lld for each of %lld sequences, pages of %lld", (long long)T, (long long)C, (long long)B, (long long)page);
  device_array_free(&x), device_array_free(&cache), device->release(device_table), device->release(device_past);
  free(table), free(first), free(past), free(flat_cache);
}

static void test(double stored_bound, double real_bound) {
  (void)real_bound;
  cpu = backend_cpu();
  flat(1, 0, stored_bound), flat(0, 0, stored_bound), flat(4099, 0, stored_bound), flat(8192, 0, stored_bound), flat(1037, 3, stored_bound);
  nearest_even();
  products(0, 8, 0, stored_bound), products(1, 1, 0, stored_bound), products(5, 24, 8, stored_bound), products(3, 2064, 16, stored_bound), products(33, 7, 1, stored_bound);
  products(2, 300, 4, stored_bound); /* whole packs of floats, not of bfloat16 */
  drops(1, 0, 0.5, stored_bound), drops(64 * 130, 0, 0.1, stored_bound), drops(64 * 9 + 37, 0, 0.25, stored_bound), drops(64 * 5 + 17, 1, 0.9, stored_bound);
  pages(1, 1, 8, 4, 8, 8), pages(3, 5, 40, 4, 48, 56), pages(2, 9, 7, 16, 9, 8), pages(5, 1, 512, 2, 512, 512);
  struct device_array x = device_array(4, true, 1, 1);
  ok(device->dropout(x.device, 4, 1, 1, &device_error) == -1 && device->dropout(x.device, 4, -0.5, 1, &device_error) == -1 && device_close(&x, 0, "x"),
     "dropout of 1, and of less than 0, is an error");
  ok(device->dropout(x.device, 4, 0, 1, &device_error) == 0 && device_close(&x, 0, "x"), "dropout of 0 changes nothing");
  device_array_free(&x);
}

int main(void) { return device_test_run(test); }
