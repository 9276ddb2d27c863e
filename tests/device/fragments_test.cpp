/* SPDX-License-Identifier: MIT
 *
 * What cuda_cpu.h names (matrix fragments, copies, conversions, sums) against its definition in plain loops.  g++ compiles this
 * file for the emulator, and nvcc the same file for the GPU (tests/gpu-check): what holds for both makes the emulator's model
 * that of the hardware.
 *
 * Usage: fragments_test [--dump | --compare FILE]
 *   --dump     also writes what each lane holds, as TSV: what, lane, register, bits (hexadecimal).  Of the emulator it is the model,
 *              of a GPU the hardware.
 *   --compare  also compares that with a dump of the other: layouts, whole numbers and roundings bit for bit; sums of fractions,
 *              whose order the hardware does not tell, to 2e-5, for both are within 1e-5 of the exact one; exponentials to 4 units
 *              in the last place.
 * Layouts: PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type", "... m16n8k8", "ldmatrix".
 */
#include "kernels/cuda_cpu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "tests/tap.h"

static void must(cudaError_t e) {
  if (e == cudaSuccess) return;
  note("%s: %s", cudaGetErrorName(e), cudaGetErrorString(e));
  exit(1);
}

/* An array on the device that begins as `from` and is read back by get(). */
template <class T> struct on_device {
  T *p;
  size_t n;
  on_device(const std::vector<T> &from) : p(nullptr), n(from.size()) {
    must(cudaMalloc(&p, n * sizeof(T)));
    must(cudaMemcpy(p, from.data(), n * sizeof(T), cudaMemcpyHostToDevice));
  }
  ~on_device() { cudaFree(p); }
  std::vector<T> get() {
    std::vector<T> to(n);
    must(cudaGetLastError());
    must(cudaMemcpy(to.data(), p, n * sizeof(T), cudaMemcpyDeviceToHost));
    return to;
  }
};

static uint64_t state = 1;
static unsigned random_bits() {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33);
}
static float of_bits(uint32_t u) {
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}
static uint32_t bits_of(float f) {
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  return u;
}

/* ---- dumps */

static bool dumping;
struct held {
  std::string what;
  int lane, index;
  uint32_t bits;
};
static std::vector<held> dump;
/* n registers of each of `lanes` lanes, one lane behind the other. */
template <class T> static void keep(const std::string &what, const std::vector<T> &registers, int lanes) {
  int n = (int)registers.size() / lanes;
  for (int lane = 0; dumping && lane < lanes; lane++)
    for (int i = 0; i < n; i++) {
      uint32_t bits = 0;
      memcpy(&bits, &registers[(size_t)(n * lane + i)], sizeof(T));
      dump.push_back({what, lane, i, bits});
    }
}

/* ---- ldmatrix */

enum { STRIDE = 40 }; /* elements between rows */
__global__ void read_matrices(uint32_t *out, const uint16_t *in) {
  __shared__ __align__(16) uint16_t rows[32 * STRIDE];
  for (int i = threadIdx.x; i < 32 * STRIDE; i += 32) rows[i] = in[i];
  __syncthreads();
  int lane = threadIdx.x;
  uint32_t *r = out + 12 * lane;
  ldmatrix_x4(r, rows + STRIDE * lane);
  ldmatrix_x4_trans(r + 4, rows + STRIDE * lane);
  ldmatrix_x2(r + 8, rows + STRIDE * (lane % 16));
  ldmatrix_x2_trans(r + 10, rows + STRIDE * (lane % 16));
}

static void matrices() {
  std::vector<uint16_t> in(32 * STRIDE);
  for (size_t i = 0; i < in.size(); i++) in[i] = (uint16_t)i;
  on_device<uint16_t> rows(in);
  on_device<uint32_t> out(std::vector<uint32_t>(12 * 32, 0xdeadbeef));
  CUDA_LAUNCH(read_matrices, 1, 32, 0, nullptr, out.p, rows.p);
  std::vector<uint32_t> got = out.get();
  keep("ldmatrix", got, 32);
  static const struct {
    const char *name;
    int at, matrices;
    bool transposed;
  } kinds[] = {{"ldmatrix_x4", 0, 4, false}, {"ldmatrix_x4_trans", 4, 4, true}, {"ldmatrix_x2", 8, 2, false}, {"ldmatrix_x2_trans", 10, 2, true}};
  for (auto &k : kinds) {
    bool good = true;
    for (int m = 0; m < k.matrices; m++)
      for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++) {
          int row = k.transposed ? j : i, column = k.transposed ? i : j, lane = row * 4 + column / 2;
          good &= (got[(size_t)(12 * lane + k.at + m)] >> 16 * (column % 2) & 0xffff) == in[(size_t)((8 * m + i) * STRIDE + j)];
        }
    ok(good, "%s gives every lane its elements", k.name);
  }
}

/* ---- mma */

__global__ void multiply_bf16_fragments(float *d, const uint32_t *a, const uint32_t *b) { mma_bf16(d + 4 * threadIdx.x, a + 4 * threadIdx.x, b + 2 * threadIdx.x); }
__global__ void multiply_tf32_fragments(float *d, const uint32_t *a, const uint32_t *b) { mma_tf32(d + 4 * threadIdx.x, a + 4 * threadIdx.x, b + 2 * threadIdx.x); }

/* exact: small whole numbers, whose sums no order of adding changes */
static void products(bool tf32, bool exact) {
  int K = tf32 ? 8 : 16;
  std::vector<float> a((size_t)(16 * K)), b((size_t)(K * 8)), c(16 * 8);
  for (auto *v : {&a, &b, &c})
    for (float &x : *v) {
      x = exact ? (float)(int)(random_bits() % 17) - 8 : (float)random_bits() / 1073741824.0f - 1;
      if (!exact && v != &c) x = of_bits(bits_of(x) & (tf32 ? 0xffffe000u : 0xffff0000u));
    }
  std::vector<uint32_t> ra(32 * 4), rb(32 * 2);
  std::vector<float> rd(32 * 4);
  for (int lane = 0; lane < 32; lane++) {
    int group = lane / 4, t = lane % 4;
    auto A = [&](int row, int column) { return bits_of(a[(size_t)(row * K + column)]); };
    auto B = [&](int row, int column) { return bits_of(b[(size_t)(row * 8 + column)]); };
    for (int i = 0; i < 4; i++) {
      int row = i == 0 || i == 2 ? group : group + 8;
      uint32_t &r = ra[(size_t)(4 * lane + i)];
      if (tf32) r = A(row, i < 2 ? t : t + 4);
      else r = A(row, 2 * t + (i < 2 ? 0 : 8)) >> 16 | (A(row, 2 * t + 1 + (i < 2 ? 0 : 8)) & 0xffff0000u);
      rd[(size_t)(4 * lane + i)] = c[(size_t)((i < 2 ? group : group + 8) * 8 + 2 * t + (i & 1))];
    }
    for (int i = 0; i < 2; i++) rb[(size_t)(2 * lane + i)] = tf32 ? B(t + 4 * i, group) : B(2 * t + 8 * i, group) >> 16 | (B(2 * t + 8 * i + 1, group) & 0xffff0000u);
  }
  on_device<uint32_t> da(ra), db(rb);
  on_device<float> dd(rd);
  if (tf32) CUDA_LAUNCH(multiply_tf32_fragments, 1, 32, 0, nullptr, dd.p, da.p, db.p);
  else CUDA_LAUNCH(multiply_bf16_fragments, 1, 32, 0, nullptr, dd.p, da.p, db.p);
  std::vector<float> got = dd.get();
  keep(std::string(tf32 ? "mma_tf32" : "mma_bf16") + (exact ? " whole" : " fractions"), got, 32);
  double most = 0;
  for (int row = 0; row < 16; row++)
    for (int column = 0; column < 8; column++) {
      double want = c[(size_t)(row * 8 + column)];
      for (int k = 0; k < K; k++) want += (double)a[(size_t)(row * K + k)] * b[(size_t)(k * 8 + column)];
      most = fmax(most, fabs(want - got[(size_t)(4 * (row % 8 * 4 + column / 2) + row / 8 * 2 + column % 2)]));
    }
  if (!ok(most <= (exact ? 0 : 1e-5), "%s multiplies %s", tf32 ? "mma_tf32" : "mma_bf16", exact ? "whole numbers exactly" : "fractions closely")) note("off by %g", most);
}

/* ---- cp.async */

__global__ void copies(float *out, const float *in) {
  __shared__ __align__(16) float to[3 * 128];
  int i = threadIdx.x;
  for (int k = i; k < 3 * 128; k += 32) to[k] = -1;
  __syncthreads();
  for (int group = 0; group < 3; group++) {
    cp_async_16(to + 128 * group + 4 * i, in + 128 * group + 4 * i, (i + group) % 3 != 0);
    cp_async_commit();
  }
  cp_async_wait<2>();
  __syncthreads();
  for (int k = i; k < 128; k += 32) out[k] = to[k];
  cp_async_wait<1>();
  __syncthreads();
  for (int k = i; k < 128; k += 32) out[128 + k] = to[128 + k];
  cp_async_wait<0>();
  __syncthreads();
  for (int k = i; k < 128; k += 32) out[256 + k] = to[256 + k];
}

static void copied() {
  std::vector<float> in(3 * 128);
  for (size_t i = 0; i < in.size(); i++) in[i] = (float)(i + 1);
  on_device<float> from(in), to(std::vector<float>(3 * 128, -2));
  CUDA_LAUNCH(copies, 1, 32, 0, nullptr, to.p, from.p);
  std::vector<float> got = to.get();
  keep("cp_async", got, 32);
  bool good = true;
  for (size_t i = 0; i < in.size(); i++) good &= got[i] == ((i % 128 / 4 + i / 128) % 3 != 0 ? in[i] : 0);
  ok(good, "cp.async has copied, or written zeros, behind the wait for its group");
}

/* ---- conversions */

enum format { BF16, HALF, E4M3, E5M2, FORMATS };
static const struct {
  const char *name;
  int exponent, fraction;
  unsigned largest; /* finite code */
  bool saturates;
} formats[FORMATS] = {{"bf16", 8, 7, 0x7f7f, false}, {"half", 5, 10, 0x7bff, false}, {"fp8 E4M3", 4, 3, 0x7e, true}, {"fp8 E5M2", 5, 2, 0x7b, true}};

__global__ void decode(float *out, int n, int format) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  if (format == BF16) {
    float unused;
    unpack_bf16((uint32_t)i, out + i, &unused);
  }
  if (format == HALF) out[i] = half_to_float((uint16_t)i);
  fp8_e4m3 a;
  fp8_e5m2 b;
  a.bits = b.bits = (unsigned char)i;
  if (format == E4M3) out[i] = to_float(a);
  if (format == E5M2) out[i] = to_float(b);
}
__global__ void encode(uint32_t *out, const float *in, int n, int format) {
  int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  float x = in[i];
  out[i] = format == BF16 ? pack_bf16(x, 0) : format == HALF ? float_to_half(x) : format == E4M3 ? from_float<fp8_e4m3>(x).bits : from_float<fp8_e5m2>(x).bits;
}

static double value_of(int f, unsigned code) { /* of a finite code without its sign */
  int bias = (1 << (formats[f].exponent - 1)) - 1, e = (int)(code >> formats[f].fraction);
  double fraction = ldexp((double)(code & ((1u << formats[f].fraction) - 1)), -formats[f].fraction);
  return e == 0 ? ldexp(fraction, 1 - bias) : ldexp(1 + fraction, e - bias);
}

static void conversions(int f) {
  unsigned largest = formats[f].largest, sign = 1u << (formats[f].exponent + formats[f].fraction);
  int n = (int)(2 * sign);
  on_device<float> values(std::vector<float>((size_t)n, 0));
  CUDA_LAUNCH(decode, (n + 255) / 256, 256, 0, nullptr, values.p, n, f);
  std::vector<float> got = values.get();
  bool good = true;
  for (unsigned code = 0; code <= largest; code++) {
    float want = (float)value_of(f, code);
    good &= bits_of(got[code]) == bits_of(want) && bits_of(got[code | sign]) == (bits_of(want) | 0x80000000u);
  }
  if (f != E4M3) good &= got[largest + 1] == INFINITY && got[(largest + 1) | sign] == -INFINITY;
  for (unsigned code = largest + (f == E4M3 ? 1 : 2); code < sign; code++) good &= isnan(got[code]) && isnan(got[code | sign]);
  ok(good, "%s: every code has its value", formats[f].name);

  /* every value; the middle between it and the next, which goes to the even code; and the floats beside the middle */
  std::vector<float> in;
  std::vector<uint32_t> want;
  auto add = [&](float x, uint32_t code) { in.push_back(x), want.push_back(code), in.push_back(-x), want.push_back(code | sign); };
  for (unsigned code = 0; code <= largest; code++) {
    double here = value_of(f, code), next = code < largest ? value_of(f, code + 1) : 2 * here - value_of(f, code - 1);
    float middle = (float)((here + next) / 2);
    unsigned above = code == largest && formats[f].saturates ? largest : code + 1;
    add((float)here, code);
    if (isinf(middle)) continue;
    add(middle, code % 2 ? above : code), add(nextafterf(middle, 0), code);
    if (!isinf(nextafterf(middle, INFINITY))) add(nextafterf(middle, INFINITY), above);
  }
  add(INFINITY, formats[f].saturates ? largest : largest + 1);
  if (f != BF16) add(1e30f, formats[f].saturates ? largest : largest + 1);
  size_t numbers = in.size();
  in.push_back(NAN);
  on_device<float> from(in);
  on_device<uint32_t> codes(std::vector<uint32_t>(in.size(), 0));
  CUDA_LAUNCH(encode, (unsigned)(in.size() + 255) / 256, 256, 0, nullptr, codes.p, from.p, (int)in.size(), f);
  std::vector<uint32_t> coded = codes.get();
  if (formats[f].saturates) keep(std::string("rounded to ") + formats[f].name, std::vector<uint32_t>(coded.begin(), coded.end() - 1), 1); /* without the NaN, of which there are many */
  good = true;
  for (size_t i = 0; i < numbers && good; i++)
    if (coded[i] != want[i]) good = false, note("%g becomes %x, want %x", (double)in[i], (unsigned)coded[i], (unsigned)want[i]);
  good &= (coded[numbers] & (sign - 1)) > largest + (f == E4M3 ? 0 : 1);
  ok(good, "%s: rounds to nearest, ties to even, %s; NaN stays one", formats[f].name, formats[f].saturates ? "too large saturates" : "too large is infinite");
}

__global__ void round_tf32(uint32_t *out, const float *in) { out[threadIdx.x] = to_tf32(in[threadIdx.x]); }
__global__ void exponentials(float *out, const float *in) { out[threadIdx.x] = exp2_approx(in[threadIdx.x]), out[32 + threadIdx.x] = fast_exp(in[threadIdx.x]); }
static void single() {
  std::vector<float> in(32);
  for (int i = 0; i < 32; i++) in[(size_t)i] = of_bits((uint32_t)(0x3f800000 + 0x400 * i * 3 + 0x2000 * i) | (i % 2 ? 0x80000000u : 0));
  in[0] = of_bits(0x3f801000), in[1] = of_bits(0x3f800fff), in[2] = of_bits(0xbf803000); /* ties go away from zero */
  on_device<float> from(in);
  on_device<uint32_t> to(std::vector<uint32_t>(32, 1));
  CUDA_LAUNCH(round_tf32, 1, 32, 0, nullptr, to.p, from.p);
  std::vector<uint32_t> got = to.get();
  keep("to_tf32", got, 32);
  bool good = got[0] == 0x3f802000u && got[1] == 0x3f800000u && got[2] == 0xbf804000u;
  for (size_t i = 0; i < 32; i++) {
    double unit = ldexp(1, ilogb(in[i]) - 10), steps = fabs((double)in[i]) / unit, want = copysign(floor(steps + 0.5) * unit, (double)in[i]);
    good &= (double)of_bits(got[i]) == want;
  }
  ok(good, "to_tf32 rounds to 10 bits of fraction, ties away from zero");
  for (int i = 0; i < 32; i++) in[(size_t)i] = (float)(i - 20) * 0.73f;
  on_device<float> x(in), y(std::vector<float>(64, 0));
  CUDA_LAUNCH(exponentials, 1, 32, 0, nullptr, y.p, x.p);
  std::vector<float> e = y.get();
  keep("exponentials", e, 32);
  good = true;
  for (size_t i = 0; i < 32; i++) good &= fabs(e[i] / exp2((double)in[i]) - 1) < 1e-6 && fabs(e[32 + i] / exp((double)in[i]) - 1) < 1e-5;
  ok(good, "exp2_approx and fast_exp are near");
}

/* ---- sums over blocks, packs */

template <int THREADS> __global__ void over_block(float *out) {
  float *o = out + 4 * threadIdx.x, x = (float)threadIdx.x;
  o[0] = block_sum<THREADS>(x);
  o[1] = block_sum<THREADS>(2 * x); /* again, at once */
  o[2] = block_max<THREADS>(-x - 1);
  o[3] = block_max<THREADS>(x);
}
template <int THREADS> static void block_of() {
  on_device<float> out(std::vector<float>(4 * THREADS, 0));
  CUDA_LAUNCH(over_block<THREADS>, 1, THREADS, 0, nullptr, out.p);
  std::vector<float> got = out.get();
  keep("a block of " + std::to_string(THREADS), got, THREADS);
  bool good = true;
  float sum = (float)(THREADS * (THREADS - 1) / 2);
  for (int i = 0; i < THREADS; i++) good &= got[(size_t)(4 * i)] == sum && got[(size_t)(4 * i + 1)] == 2 * sum && got[(size_t)(4 * i + 2)] == -1 && got[(size_t)(4 * i + 3)] == THREADS - 1;
  ok(good, "sums and maxima over %d threads are in all of them", THREADS);
}

template <class T, int N> __global__ void carry(T *to, const T *from) { store_pack<T, N>(to + N * threadIdx.x, load_pack<T, N>(from + N * threadIdx.x)); }
static void packs() {
  std::vector<float> in(32 * 4);
  for (size_t i = 0; i < in.size(); i++) in[i] = (float)i;
  on_device<float> from(in), to(std::vector<float>(in.size(), -1));
  CUDA_LAUNCH((carry<float, 4>), 1, 32, 0, nullptr, to.p, from.p);
  ok(to.get() == in, "packs carry 16 bytes");
}

/* Whether two dumps of the same register agree; kinds of names are those above. */
static bool agree(const std::string &what, uint32_t a, uint32_t b) {
  if (a == b) return true;
  double x = (double)of_bits(a), y = (double)of_bits(b);
  if (what.find("fractions") != std::string::npos) return fabs(x - y) <= 2e-5;
  if (what == "exponentials") return llabs((long long)a - (long long)b) <= 4 && x > 0 && y > 0;
  return false;
}

static void compare(const char *path) {
  FILE *f = fopen(path, "r");
  if (!ok(f != NULL, "%s can be read", path)) return;
  std::map<std::tuple<std::string, int, int>, uint32_t> theirs;
  char line[256], what[64];
  int lane, index;
  unsigned bits;
  while (fgets(line, sizeof line, f))
    if (sscanf(line, "%63[^\t]\t%d\t%d\t%x", what, &lane, &index, &bits) == 4) theirs[std::make_tuple(std::string(what), lane, index)] = bits;
  fclose(f);
  ok(theirs.size() == dump.size() && dump.size() > 1000, "both dumps hold the same registers");
  std::string last;
  bool good = true;
  size_t same = 0;
  auto said = [&]() {
    if (!last.empty()) ok(good, "%s: every lane holds what the other's does", last.c_str());
    good = true;
  };
  for (const held &h : dump) {
    if (h.what != last) said(), last = h.what;
    auto other = theirs.find(std::make_tuple(h.what, h.lane, h.index));
    bool match = other != theirs.end() && agree(h.what, h.bits, other->second);
    if (!match && good) note("%s, lane %d, register %d: %08x, the other's %08x", h.what.c_str(), h.lane, h.index, (unsigned)h.bits, other == theirs.end() ? 0u : (unsigned)other->second);
    good &= match;
    same += other != theirs.end() && h.bits == other->second;
  }
  said();
  note("%zu of %zu registers have the same bits", same, dump.size());
}

static void write(const char *path) {
  FILE *f = fopen(path, "w");
  if (f) fprintf(f, "what\tlane\tregister\tbits\n");
  for (const held &h : dump)
    if (f) fprintf(f, "%s\t%d\t%d\t%08x\n", h.what.c_str(), h.lane, h.index, (unsigned)h.bits);
  ok(f && fclose(f) == 0, "%s is written", path);
}

int main(int argc, char **argv) {
  bool to = argc == 3 && strcmp(argv[1], "--dump") == 0, with = argc == 3 && strcmp(argv[1], "--compare") == 0;
  dumping = to || with;
  if (argc > 1 && !dumping) {
    fprintf(stderr, "usage: fragments_test [--dump | --compare FILE]\n");
    return 2;
  }
  matrices();
  products(false, true), products(false, false), products(true, true), products(true, false);
  copied();
  for (int f = 0; f < FORMATS; f++) conversions(f);
  single();
  block_of<32>(), block_of<64>(), block_of<256>(), block_of<512>(), block_of<1024>();
  packs();
  if (to) write(argv[2]);
  if (with) compare(argv[2]);
  return tap_done();
}
