/* SPDX-License-Identifier: MIT
 *
 * Attention of new positions against a cache in scattered pages, against the CPU's with one page a sequence.
 */
#include "tests/device/device_test.h"

struct shape {
  int64_t B, T, H, H_kv, D, D_v, window, page; /* page 0: the backend's */
  int64_t past[3];
  int64_t pad;  /* of rows, in elements */
  bool same;    /* values are the first columns of the keys */
};

/* The cache of sequence b at position u, of the pool's rows of ld. */
static int64_t pool_row(const int32_t *table, int64_t pages, int64_t page, int64_t b, int64_t u) { return table[b * pages + u / page] * page + u % page; }

/* Rows that hold no position are NaN on the device: they must not be read, or not count. */
static struct device_array pool_of(int64_t rows, int64_t ld, uint64_t seed, const int32_t *table, int64_t pages, int64_t page, const struct shape *c) {
  struct device_array pool = device_array(rows * ld, true, seed, 1);
  bool *used = (bool *)calloc((size_t)rows, sizeof *used);
  for (int64_t b = 0; b < c->B; b++)
    for (int64_t u = 0; u < c->past[b] + c->T; u++) used[pool_row(table, pages, page, b, u)] = true;
  for (int64_t r = 0; r < rows; r++)
    for (int64_t i = 0; i < ld && !used[r]; i++) pool.host[r * ld + i] = (real)NAN;
  device_must(device_put(&pool, pool.device, pool.host, pool.n));
  free(used);
  return pool;
}

/* [B][capacity][ld] as the CPU wants it. */
static real *gathered(const struct device_array *pool, int64_t ld, const int32_t *table, int64_t pages, int64_t page, const struct shape *c, int64_t capacity) {
  real *to = (real *)calloc((size_t)(c->B * capacity * ld), sizeof *to);
  for (int64_t b = 0; b < c->B; b++)
    for (int64_t u = 0; u < c->past[b] + c->T; u++) memcpy(to + (b * capacity + u) * ld, pool->host + pool_row(table, pages, page, b, u) * ld, (size_t)ld * sizeof *to);
  return to;
}

static void matches(const struct shape *c, double bound) {
  int64_t longest = 0, page = c->page ? c->page : device->cache_page;
  for (int64_t b = 0; b < c->B; b++) longest = c->past[b] + c->T > longest ? c->past[b] + c->T : longest;
  int64_t capacity = longest + 3, pages = (capacity + page - 1) / page, all = c->B * pages + 2;
  int32_t *table = (int32_t *)malloc((size_t)(c->B * pages) * sizeof *table), whole[3] = {0, 1, 2};
  for (int64_t i = 0; i < c->B * pages; i++) table[i] = (int32_t)((i * 7 + 3) % all); /* every page once, as 7 does not divide `all` */
  if (all % 7 == 0)
    for (int64_t i = 0; i < c->B * pages; i++) table[i] = (int32_t)(all - 1 - i);

  struct attention_shape s = {.B = c->B, .T = c->T, .H = c->H, .H_kv = c->H_kv, .D = c->D, .D_v = c->D_v, .ld_q = c->H * c->D + c->pad, .ld_k = c->H_kv * c->D + c->pad,
                              .ld_v = c->same ? c->H_kv * c->D + c->pad : c->H_kv * c->D_v + c->pad, .ld_out = c->H * c->D_v + c->pad, .head_v = c->same ? c->D : c->D_v,
                              .window = c->window, .scale = (real)(1.7 / sqrt((double)c->D))};
  struct device_array q = device_array(c->B * c->T * s.ld_q, true, 1, 2), out = device_array(c->B * c->T * s.ld_out, true, 2, 1);
  struct device_array k = pool_of(all * page, s.ld_k, 3, table, pages, page, c), v = c->same ? k : pool_of(all * page, s.ld_v, 4, table, pages, page, c);
  real *host_k = gathered(&k, s.ld_k, table, pages, page, c, capacity), *host_v = c->same ? host_k : gathered(&v, s.ld_v, table, pages, page, c, capacity);
  int32_t *device_table = device_integers(table, c->B * pages);
  int64_t *past = (int64_t *)device->alloc((size_t)c->B * sizeof *past, &device_error);
  device_must(past ? 0 : -1);
  device_must(device->to_device(past, c->past, (size_t)c->B * sizeof *past, &device_error));
  const struct cache_pages there = {device_table, pages, page}, here = {whole, 1, capacity};

  device_must(backend_cpu()->attention_cached(out.host, q.host, host_k, host_v, &here, c->past, longest, &s, &device_error));
  device_must(device->attention_cached(out.device, q.device, k.device, v.device, &there, past, longest, &s, &device_error));
  bool good = device_close(&out, bound, "out");
  size_t bytes = (size_t)device_bytes(&out, out.n);
  char *first = (char *)malloc(bytes), *second = (char *)malloc(bytes);
  device_must(device->to_host(first, out.device, bytes, &device_error));
  device_must(device->attention_cached(out.device, q.device, k.device, v.device, &there, past, longest, &s, &device_error));
  device_must(device->to_host(second, out.device, bytes, &device_error));
  good = memcmp(first, second, bytes) == 0 && good;
  /* a bound on the positions that is too high only makes other splits */
  device_must(device->attention_cached(out.device, q.device, k.device, v.device, &there, past, longest + 3, &s, &device_error));
  good = device_close(&out, bound, "out with a looser bound") && good;
  ok(good, "%lld x %lld new positions, %lld heads of %lld and %lld on %lld, %lld positions in pages of %lld, window %lld%s match, twice the same bits", (long long)c->B,
     (long long)c->T, (long long)c->H, (long long)c->D, (long long)c->D_v, (long long)c->H_kv, (long long)longest, (long long)page, (long long)c->window, c->same ? ", values in keys" : "");
  free(first), free(second), free(table), free(host_k);
  if (!c->same) free(host_v), device_array_free(&v);
  device_array_free(&q), device_array_free(&out), device_array_free(&k);
  device->release(device_table), device->release(past);
}

static void test(double stored_bound, double real_bound) {
  (void)real_bound;
  static const struct shape shapes[] = {
      {.B = 2, .T = 1, .H = 4, .H_kv = 4, .D = 64, .D_v = 64, .past = {70, 0}},
      {.B = 1, .T = 1, .H = 8, .H_kv = 2, .D = 128, .D_v = 128, .past = {600}},
      {.B = 3, .T = 1, .H = 20, .H_kv = 1, .D = 32, .D_v = 32, .past = {63, 64, 200}, .pad = 8},
      {.B = 2, .T = 5, .H = 6, .H_kv = 3, .D = 80, .D_v = 72, .window = 40, .past = {150, 17}, .pad = 3},
      {.B = 1, .T = 2, .H = 3, .H_kv = 1, .D = 7, .D_v = 5, .past = {33}, .pad = 1},
      {.B = 2, .T = 70, .H = 4, .H_kv = 2, .D = 48, .D_v = 48, .past = {0, 41}},
      {.B = 1, .T = 37, .H = 2, .H_kv = 1, .D = 64, .D_v = 64, .window = 16, .past = {100}, .page = 10},
      {.B = 1, .T = 1, .H = 40, .H_kv = 1, .D = 576, .D_v = 512, .past = {80}, .same = true},
      {.B = 1, .T = 1, .H = 12, .H_kv = 2, .D = 24, .D_v = 16, .past = {90}, .same = true},
      {.B = 1, .T = 2, .H = 2, .H_kv = 1, .D = 16, .D_v = 600, .past = {40}},
      {.B = 1, .T = 1, .H = 2, .H_kv = 2, .D = 4000, .D_v = 16, .past = {9}},
      {.B = 1, .T = 1, .H = 2, .H_kv = 1, .D = 160, .D_v = 192, .window = 100, .past = {700}},
  };
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) matches(&shapes[i], stored_bound);
  struct attention_shape none = {.B = 0, .T = 1, .H = 2, .H_kv = 1, .D = 8, .D_v = 8, .head_v = 8}, bad = none;
  const struct cache_pages pages = {NULL, 1, 64};
  bad.B = 1, bad.H = 3, bad.H_kv = 2;
  ok(device->attention_cached(NULL, NULL, NULL, NULL, &pages, NULL, 1, &none, &device_error) == 0 &&
         device->attention_cached(NULL, NULL, NULL, NULL, &pages, NULL, 1, &bad, &device_error) == -1 && strstr(device_error.message, "3 query heads"),
     "no sequences are no work, heads that do not divide are an error");
}

int main(void) { return device_test_run(test); }
