/* SPDX-License-Identifier: MIT
 *
 * RMSNorm's CUDA kernels against a double reference and the CPU op, in the emulator and on a GPU alike.  The including file
 * defines device_alloc(bytes) (memory both sides can touch, 16-byte aligned), device_free and device_wait().
 */
#ifndef RMSNORM_CUDA_CASES_H
#define RMSNORM_CUDA_CASES_H

#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/rmsnorm.cuh"
extern "C" {
#include "kernels/rmsnorm.h"
#include "kernels/rmsnorm_cuda.h"
}
#include "tests/tap.h"

namespace rmsnorm_cases {

template <class T> struct device_array {
  T *p;
  size_t n;
  explicit device_array(size_t count) : p((T *)device_alloc(count * sizeof(T))), n(count) {}
  device_array(const device_array &) = delete;
  ~device_array() { device_free(p); }
};

static double number(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (double)(int64_t)*state / 9223372036854775808.0;
}

static float rounded(float x, const float *) { return x; }
static float rounded(float x, const uint16_t *) { /* to bfloat16 and back, nearest even */
  uint32_t u;
  memcpy(&u, &x, 4);
  u = (u + 0x7fff + (u >> 16 & 1)) & 0xffff0000u;
  memcpy(&x, &u, 4);
  return x;
}
static void put(float *to, float x) { *to = x; }
static void put(uint16_t *to, float x) {
  uint32_t u;
  memcpy(&u, &x, 4);
  *to = (uint16_t)(u >> 16);
}
static float get(const float *p) { return *p; }
static float get(const uint16_t *p) {
  uint32_t u = (uint32_t)*p << 16;
  float x;
  memcpy(&x, &u, 4);
  return x;
}

static int forward(float *y, float *rstd, const float *x, const float *w, int64_t rows, int64_t C, kernel_error *e) {
  return rmsnorm_cuda_forward_f32(y, rstd, x, w, rows, C, 1e-5f, nullptr, e);
}
static int forward(uint16_t *y, float *rstd, const uint16_t *x, const uint16_t *w, int64_t rows, int64_t C, kernel_error *e) {
  return rmsnorm_cuda_forward_bf16(y, rstd, x, w, rows, C, 1e-5f, nullptr, e);
}
static int backward(float *dx, float *dw, const float *dy, const float *x, const float *w, const float *rstd, int64_t rows,
                    int64_t C, bool accumulate, void *workspace, kernel_error *e) {
  return rmsnorm_cuda_backward_f32(dx, dw, dy, x, w, rstd, rows, C, accumulate, workspace, nullptr, e);
}
static int backward(uint16_t *dx, float *dw, const uint16_t *dy, const uint16_t *x, const uint16_t *w, const float *rstd,
                    int64_t rows, int64_t C, bool accumulate, void *workspace, kernel_error *e) {
  return rmsnorm_cuda_backward_bf16(dx, dw, dy, x, w, rstd, rows, C, accumulate, workspace, nullptr, e);
}

static double nmse(const std::vector<double> &got, const std::vector<double> &want) {
  double error = 0, size = 0;
  for (size_t i = 0; i < want.size(); i++) error += (got[i] - want[i]) * (got[i] - want[i]), size += want[i] * want[i];
  return size > 0 ? error / size : error;
}

template <class T> static std::vector<double> values(const device_array<T> &a) {
  std::vector<double> v(a.n);
  for (size_t i = 0; i < a.n; i++) v[i] = get(a.p + i);
  return v;
}

/* What a run leaves, to compare runs bit for bit. */
struct bits {
  std::vector<unsigned char> bytes;
  template <class T> void add(const device_array<T> &a) {
    const unsigned char *p = (const unsigned char *)a.p;
    bytes.insert(bytes.end(), p, p + a.n * sizeof(T));
  }
};

/* One size; returns whether all matched.  bound: of nmse, for results in T; float results have 1e-11. */
template <class T> static bool run_case(int64_t rows, int64_t C, bool accumulate, double bound, bits *out) {
  size_t n = (size_t)(rows * C);
  device_array<T> x(n), w((size_t)C), dy(n), y(n), dx(n);
  device_array<float> rstd((size_t)rows), dw((size_t)C);
  device_array<unsigned char> workspace(rmsnorm_cuda_workspace(rows, C));
  std::vector<double> want_y(n), want_dx(n), want_dw((size_t)C);
  std::vector<float> cpu_x(n), cpu_w((size_t)C), cpu_dy(n), cpu_y(n), cpu_dx(n), cpu_dw((size_t)C), cpu_rstd((size_t)rows);
  uint64_t state = 1;
  for (size_t i = 0; i < n; i++) put(x.p + i, cpu_x[i] = rounded((float)(2 * number(&state)), x.p));
  for (size_t i = 0; i < (size_t)C; i++) put(w.p + i, cpu_w[i] = rounded((float)(1 + number(&state) / 2), w.p));
  for (size_t i = 0; i < n; i++) put(dy.p + i, cpu_dy[i] = rounded((float)number(&state), dy.p));
  for (size_t i = 0; i < n; i++) put(dx.p + i, cpu_dx[i] = rounded((float)number(&state), dx.p));
  for (size_t i = 0; i < (size_t)C; i++) dw.p[i] = cpu_dw[i] = (float)number(&state), want_dw[i] = dw.p[i];
  for (int64_t r = 0; r < rows; r++) {
    const float *in = cpu_x.data() + r * C, *d = cpu_dy.data() + r * C;
    double squares = 0, mean = 0;
    for (int64_t c = 0; c < C; c++) squares += (double)in[c] * in[c];
    double s = 1 / sqrt(squares / (double)C + 1e-5);
    for (int64_t c = 0; c < C; c++) mean += (double)d[c] * cpu_w[(size_t)c] * in[c] * s / (double)C;
    for (int64_t c = 0; c < C; c++) {
      size_t i = (size_t)(r * C + c);
      want_y[i] = in[c] * s * cpu_w[(size_t)c];
      want_dx[i] = (accumulate ? (double)cpu_dx[i] : 0) + s * ((double)d[c] * cpu_w[(size_t)c] - in[c] * s * mean);
      want_dw[(size_t)c] += d[c] * in[c] * s;
    }
  }
  kernel_error e;
  bool good = forward(y.p, rstd.p, x.p, w.p, rows, C, &e) == 0 &&
              backward(dx.p, dw.p, dy.p, x.p, w.p, rstd.p, rows, C, accumulate, workspace.p, &e) == 0;
  good = good && device_wait();
  double ey = nmse(values(y), want_y), edx = nmse(values(dx), want_dx), edw = nmse(values(dw), want_dw);
  if (!(ey <= bound && edx <= bound && edw <= 1e-11)) {
    note("nmse: y %.2g, dx %.2g (bound %.2g), d_weight %.2g (bound 1e-11)", ey, edx, bound, edw);
    good = false;
  }
  const norm_shape shape = {rows, 1, C, C, C, 1e-5f};
  rmsnorm_forward(cpu_y.data(), cpu_rstd.data(), cpu_x.data(), cpu_w.data(), &shape, &e);
  rmsnorm_backward(cpu_dx.data(), cpu_dw.data(), cpu_dy.data(), cpu_x.data(), cpu_w.data(), cpu_rstd.data(), &shape, accumulate, &e);
  double cpu = nmse(values(y), std::vector<double>(cpu_y.begin(), cpu_y.end())) +
               nmse(values(dx), std::vector<double>(cpu_dx.begin(), cpu_dx.end()));
  double cpu_weight = nmse(values(dw), std::vector<double>(cpu_dw.begin(), cpu_dw.end()));
  if (!(cpu <= 2 * bound && cpu_weight <= 2e-11)) {
    note("nmse against the CPU op: %.2g, d_weight %.2g", cpu, cpu_weight);
    good = false;
  }
  if (out) out->bytes.clear(), out->add(y), out->add(rstd), out->add(dx), out->add(dw);
  return good;
}

static const int64_t sizes[][2] = {{1, 8}, {3, 7}, {5, 32}, {17, 100}, {40, 384}, {2, 1000}, {600, 24}};
enum { SIZES = sizeof sizes / sizeof *sizes };

} // namespace rmsnorm_cases

#endif
