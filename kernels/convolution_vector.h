/* SPDX-License-Identifier: MIT
 *
 * Body of convolution.c, compiled for plain, AVX2 and AVX-512 lanes.  A transform's points: z [n][2][LANES], real parts and
 * imaginary parts of LANES channels.  `lanes` <= LANES: the channels that exist.  Spectra stand in the order that the passes
 * leave them in, and are only ever multiplied with one another.
 */

/* ---- transforms of a few points in registers, exp(-2 pi i / n); the inverse is the same with re and im exchanged */

INLINE void V(dft3)(vec *re, vec *im) {
  vec tr = vadd(re[1], re[2]), ti = vadd(im[1], im[2]), s = vset(0.86602540378443864676);
  vec mr = vfnma(tr, vset(0.5), re[0]), mi = vfnma(ti, vset(0.5), im[0]);
  vec sr = vmul(s, vsub(re[1], re[2])), si = vmul(s, vsub(im[1], im[2]));
  re[0] = vadd(re[0], tr), im[0] = vadd(im[0], ti);
  re[1] = vadd(mr, si), im[1] = vsub(mi, sr);
  re[2] = vsub(mr, si), im[2] = vadd(mi, sr);
}

/* On four values anywhere: a, b, c, d in order of input and of output. */
#define DFT4(re, im, a, b, c, d)                                                                                       \
  do {                                                                                                                 \
    vec s0r_ = vadd(re[a], re[c]), s0i_ = vadd(im[a], im[c]), s1r_ = vsub(re[a], re[c]), s1i_ = vsub(im[a], im[c]);     \
    vec s2r_ = vadd(re[b], re[d]), s2i_ = vadd(im[b], im[d]), s3r_ = vsub(re[b], re[d]), s3i_ = vsub(im[b], im[d]);     \
    re[a] = vadd(s0r_, s2r_), im[a] = vadd(s0i_, s2i_), re[c] = vsub(s0r_, s2r_), im[c] = vsub(s0i_, s2i_);             \
    re[b] = vadd(s1r_, s3i_), im[b] = vsub(s1i_, s3r_), re[d] = vsub(s1r_, s3i_), im[d] = vadd(s1i_, s3r_);             \
  } while (0)

/* out[p] = even[p] + w^p odd[p], out[p+4] = even[p] - w^p odd[p], w = exp(-pi i / 4) */
INLINE void V(dft8)(vec *re, vec *im) {
  DFT4(re, im, 0, 2, 4, 6);
  DFT4(re, im, 1, 3, 5, 7);
  vec half = vset(0.70710678118654752440);
  vec er[4] = {re[0], re[2], re[4], re[6]}, ei[4] = {im[0], im[2], im[4], im[6]};
  vec tr[4] = {re[1], vmul(half, vadd(re[3], im[3])), im[5], vmul(half, vsub(im[7], re[7]))};
  vec ti[4] = {im[1], vmul(half, vsub(im[3], re[3])), vsub(vset(0), re[5]), vsub(vset(0), vmul(half, vadd(re[7], im[7])))};
#pragma GCC unroll 4
  for (int p = 0; p < 4; p++) {
    re[p] = vadd(er[p], tr[p]), im[p] = vadd(ei[p], ti[p]);
    re[p + 4] = vsub(er[p], tr[p]), im[p + 4] = vsub(ei[p], ti[p]);
  }
}

INLINE void V(dft)(int radix, vec *re, vec *im) {
  if (radix == 3) V(dft3)(re, im);
  if (radix == 4) DFT4(re, im, 0, 1, 2, 3);
  if (radix == 8) V(dft8)(re, im);
}
#undef DFT4

/* ---- one pass.  Outside are rows of a sequence (level 0), inside z. */

struct V(rows) { /* read: rows 0..last-1, the others are 0; written: rows first..last-1, `write` is where row `first` stands */
  const real *read;
  real *write;
  int64_t C, first, last, lanes;
};

/* Decimation in frequency: child p of `radix`, n/radix points each, gets the frequencies that are p modulo radix.
 * rows: the points come from there, times w^n, instead of from z. */
INLINE void V(down)(int radix, bool whole, real *z, int64_t n, const real *twiddle, const struct V(rows) *rows, const real *twist) {
  int64_t q = n / radix;
  for (int64_t j = 0; j < q; j++) {
    vec re[8], im[8];
#pragma GCC unroll 8
    for (int r = 0; r < radix; r++) {
      int64_t i = j + r * q;
      if (rows) {
        vec x = i >= rows->last ? vset(0)
                : whole         ? vload(rows->read + i * rows->C)
                                : vload_n(rows->read + i * rows->C, rows->lanes);
        re[r] = vmul(x, vset(twist[2 * i])), im[r] = vmul(x, vset(twist[2 * i + 1]));
      } else {
        re[r] = vload(z + 2 * i * LANES), im[r] = vload(z + (2 * i + 1) * LANES);
      }
    }
    V(dft)(radix, re, im);
    vstore(z + 2 * j * LANES, re[0]), vstore(z + (2 * j + 1) * LANES, im[0]);
#pragma GCC unroll 8
    for (int p = 1; p < radix; p++) {
      const real *w = twiddle + 2 * (j * (radix - 1) + p - 1);
      vec c = vset(w[0]), s = vset(w[1]);
      real *to = z + 2 * (j + p * q) * LANES;
      vstore(to, vfnma(im[p], s, vmul(re[p], c)));
      vstore(to + LANES, vfma(im[p], c, vmul(re[p], s)));
    }
  }
}

/* Decimation in time, the inverse of down but for the factor 1/n; rows: the real parts of the points times w^-n / n go there. */
INLINE void V(up)(int radix, bool whole, real *z, int64_t n, const real *twiddle, const struct V(rows) *rows, const real *twist) {
  int64_t q = n / radix;
  vec factor = vset((real)1 / (real)n);
  for (int64_t j = 0; j < q; j++) {
    vec re[8], im[8];
    re[0] = vload(z + 2 * j * LANES), im[0] = vload(z + (2 * j + 1) * LANES);
#pragma GCC unroll 8
    for (int p = 1; p < radix; p++) {
      const real *w = twiddle + 2 * (j * (radix - 1) + p - 1), *from = z + 2 * (j + p * q) * LANES;
      vec c = vset(w[0]), s = vset(w[1]), a = vload(from), b = vload(from + LANES);
      re[p] = vfma(b, s, vmul(a, c)), im[p] = vfnma(a, s, vmul(b, c));
    }
    V(dft)(radix, im, re);
#pragma GCC unroll 8
    for (int r = 0; r < radix; r++) {
      int64_t i = j + r * q;
      if (rows) {
        if (i < rows->first || i >= rows->last) continue;
        vec y = vmul(factor, vfma(im[r], vset(twist[2 * i + 1]), vmul(re[r], vset(twist[2 * i]))));
        real *to = rows->write + (i - rows->first) * rows->C;
        if (whole) vstore(to, y);
        else vstore_n(to, y, rows->lanes);
      } else {
        vstore(z + 2 * i * LANES, re[r]), vstore(z + (2 * i + 1) * LANES, im[r]);
      }
    }
  }
}

static void V(pass_down)(const struct fourier *f, int level, real *z) {
  int64_t n = f->n[level];
  switch (f->radix[level]) {
    case 3: V(down)(3, true, z, n, f->twiddle[level], NULL, NULL); break;
    case 4: V(down)(4, true, z, n, f->twiddle[level], NULL, NULL); break;
    default: V(down)(8, true, z, n, f->twiddle[level], NULL, NULL); break;
  }
}

static void V(pass_up)(const struct fourier *f, int level, real *z) {
  int64_t n = f->n[level];
  switch (f->radix[level]) {
    case 3: V(up)(3, true, z, n, f->twiddle[level], NULL, NULL); break;
    case 4: V(up)(4, true, z, n, f->twiddle[level], NULL, NULL); break;
    default: V(up)(8, true, z, n, f->twiddle[level], NULL, NULL); break;
  }
}

static void V(enter)(const struct fourier *f, real *z, const struct V(rows) *rows) {
  int64_t n = f->n[0];
  bool whole = rows->lanes == LANES;
  switch (f->radix[0] + (whole ? 16 : 0)) {
    case 3: V(down)(3, false, z, n, f->twiddle[0], rows, f->twist); break;
    case 4: V(down)(4, false, z, n, f->twiddle[0], rows, f->twist); break;
    case 8: V(down)(8, false, z, n, f->twiddle[0], rows, f->twist); break;
    case 16 + 3: V(down)(3, true, z, n, f->twiddle[0], rows, f->twist); break;
    case 16 + 4: V(down)(4, true, z, n, f->twiddle[0], rows, f->twist); break;
    default: V(down)(8, true, z, n, f->twiddle[0], rows, f->twist); break;
  }
}

static void V(leave)(const struct fourier *f, real *z, const struct V(rows) *rows) {
  int64_t n = f->n[0];
  bool whole = rows->lanes == LANES;
  switch (f->radix[0] + (whole ? 16 : 0)) {
    case 3: V(up)(3, false, z, n, f->twiddle[0], rows, f->twist); break;
    case 4: V(up)(4, false, z, n, f->twiddle[0], rows, f->twist); break;
    case 8: V(up)(8, false, z, n, f->twiddle[0], rows, f->twist); break;
    case 16 + 3: V(up)(3, true, z, n, f->twiddle[0], rows, f->twist); break;
    case 16 + 4: V(up)(4, true, z, n, f->twiddle[0], rows, f->twist); break;
    default: V(up)(8, true, z, n, f->twiddle[0], rows, f->twist); break;
  }
}

/* ---- the last 4 or 8 points */

INLINE void V(leaf)(int n, enum fourier_mode mode, real *z, const real *h, real *x, real *sum) {
  vec re[8], im[8];
#pragma GCC unroll 8
  for (int p = 0; p < n; p++) re[p] = vload(z + 2 * p * LANES), im[p] = vload(z + (2 * p + 1) * LANES);
  if (mode != FOURIER_INVERSE) V(dft)(n, re, im);
#pragma GCC unroll 8
  for (int p = 0; p < n; p++) {
    if (mode != FOURIER_PRODUCT && mode != FOURIER_CORRELATION) break;
    int64_t at = 2 * p * LANES;
    vec a = re[p], b = im[p], hr = vload(h + at), hi = vload(h + at + LANES);
    if (mode == FOURIER_PRODUCT) {
      re[p] = vfnma(b, hi, vmul(a, hr)), im[p] = vfma(b, hr, vmul(a, hi));
    } else {
      vec xr = vload(x + at), xi = vload(x + at + LANES);
      vstore(sum + at, vfma(b, xi, vfma(a, xr, vload(sum + at))));
      vstore(sum + at + LANES, vfnma(a, xi, vfma(b, xr, vload(sum + at + LANES))));
      re[p] = vfma(b, hi, vmul(a, hr)), im[p] = vfnma(a, hi, vmul(b, hr));
    }
  }
  if (mode != FOURIER_FORWARD) V(dft)(n, im, re);
#pragma GCC unroll 8
  for (int p = 0; p < n; p++) vstore(z + 2 * p * LANES, re[p]), vstore(z + (2 * p + 1) * LANES, im[p]);
}

static void V(leaf_any)(int n, enum fourier_mode mode, real *z, const real *h, real *x, real *sum) {
  if (mode == FOURIER_CORRELATION) V(leaf_any)(n, FOURIER_FORWARD, x, x, x, x);
  switch ((int)mode + (n == 4 ? 0 : 4)) {
    case FOURIER_FORWARD: V(leaf)(4, FOURIER_FORWARD, z, h, x, sum); break;
    case FOURIER_INVERSE: V(leaf)(4, FOURIER_INVERSE, z, h, x, sum); break;
    case FOURIER_PRODUCT: V(leaf)(4, FOURIER_PRODUCT, z, h, x, sum); break;
    case FOURIER_CORRELATION: V(leaf)(4, FOURIER_CORRELATION, z, h, x, sum); break;
    case 4 + FOURIER_FORWARD: V(leaf)(8, FOURIER_FORWARD, z, h, x, sum); break;
    case 4 + FOURIER_INVERSE: V(leaf)(8, FOURIER_INVERSE, z, h, x, sum); break;
    case 4 + FOURIER_PRODUCT: V(leaf)(8, FOURIER_PRODUCT, z, h, x, sum); break;
    default: V(leaf)(8, FOURIER_CORRELATION, z, h, x, sum); break;
  }
}

/* One block of `level`: its pass down, its children, its pass up, as the mode needs them.  Arguments a mode does not use: z. */
static void V(descend)(const struct fourier *f, int level, enum fourier_mode mode, real *z, const real *h, real *x, real *sum) {
  if (level == f->levels) {
    V(leaf_any)((int)f->n[level], mode, z, h, x, sum);
    return;
  }
  if (mode != FOURIER_INVERSE) V(pass_down)(f, level, z);
  if (mode == FOURIER_CORRELATION) V(pass_down)(f, level, x);
  int64_t size = 2 * LANES * f->n[level + 1];
  for (int p = 0; p < f->radix[level]; p++) V(descend)(f, level + 1, mode, z + p * size, h + p * size, x + p * size, sum + p * size);
  if (mode != FOURIER_FORWARD) V(pass_up)(f, level, z);
}

/* ---- long convolution of one block of channels */

/* The first pass of a filter to its spectrum [M][2][LANES].  Skip is one more impulse at position 0, where every root of unity
 * is 1: so it costs no pass of its own, and its gradient is that of h[0]. */
static void V(begin_spectrum)(real *spectrum, const real *h, const real *skip, const struct fourier *f, int64_t T, int64_t C, int64_t lanes) {
  struct V(rows) rows = {.read = h, .C = C, .last = T, .lanes = lanes};
  V(enter)(f, spectrum, &rows);
  for (int p = 0; p < f->radix[0]; p++) {
    real *first = spectrum + 2 * LANES * f->n[1] * p;
    vstore(first, vadd(vload(first), vload_n(skip, lanes)));
  }
}

/* Behind the first pass down and before the last pass up.  fresh: the spectrum h has had its first pass only, and gets the
 * others here, each part just before it is needed. */
static void V(middle)(const struct fourier *f, enum fourier_mode mode, bool fresh, real *z, real *h, real *x, real *sum) {
  int64_t size = 2 * LANES * f->n[1];
  for (int p = 0; p < f->radix[0]; p++, z += size, h += size, x += size, sum += size) {
    if (fresh) V(descend)(f, 1, FOURIER_FORWARD, h, h, h, h);
    V(descend)(f, 1, mode, z, h, x, sum);
  }
}

/* Rows first..T-1 of the product to y.  z: scratch, as a spectrum. */
static void V(convolve)(real *y, const real *x, real *spectrum, bool fresh, real *z, const struct fourier *f, int64_t first, int64_t T,
                        int64_t C, int64_t lanes) {
  struct V(rows) rows = {.read = x, .write = y, .C = C, .first = first, .last = T, .lanes = lanes};
  V(enter)(f, z, &rows);
  V(middle)(f, FOURIER_PRODUCT, fresh, z, spectrum, z, z);
  V(leave)(f, z, &rows);
}

/* dx of one sequence; adds to sum, a spectrum.  z, zx: scratch. */
static void V(correlate)(real *dx, real *sum, const real *dy, const real *x, real *spectrum, bool fresh, real *z, real *zx,
                         const struct fourier *f, int64_t T, int64_t C, int64_t lanes) {
  struct V(rows) rows = {.read = dy, .write = dx, .C = C, .last = T, .lanes = lanes};
  struct V(rows) other = {.read = x, .C = C, .last = T, .lanes = lanes};
  V(enter)(f, z, &rows);
  V(enter)(f, zx, &other);
  V(middle)(f, FOURIER_CORRELATION, fresh, z, spectrum, zx, sum);
  V(leave)(f, z, &rows);
}

/* Rows 0..T-1 from a spectrum, which is used up. */
static void V(restore)(real *h, real *spectrum, const struct fourier *f, int64_t T, int64_t C, int64_t lanes) {
  struct V(rows) rows = {.write = h, .C = C, .last = T, .lanes = lanes};
  V(middle)(f, FOURIER_INVERSE, false, spectrum, spectrum, spectrum, spectrum);
  V(leave)(f, spectrum, &rows);
}

static void V(add_spectrum)(real *sum, const real *other, int64_t M) {
  for (int64_t i = 0; i < 2 * M * LANES; i += LANES) vstore(sum + i, vadd(vload(sum + i), vload(other + i)));
}

/* ---- the same product, summed directly */

/* Into y: `count` <= DIRECT_ROWS outputs of `lanes` channels, from rows begin..end-1, which all of them see; h: the row that
 * the first output meets row `begin` with. */
INLINE void V(direct_sum)(int count, bool whole, real *y, const real *x, const real *h, int64_t n, int64_t C, int64_t lanes) {
  vec s0 = vset(0), s1 = vset(0), s2 = vset(0), s3 = vset(0);
  for (int64_t i = 0; i < n; i++, x += C, h -= C) {
    vec a = whole ? vload(x) : vload_n(x, lanes);
    s0 = vfma(a, whole ? vload(h) : vload_n(h, lanes), s0);
    if (count == 1) continue;
    s1 = vfma(a, whole ? vload(h + C) : vload_n(h + C, lanes), s1);
    s2 = vfma(a, whole ? vload(h + 2 * C) : vload_n(h + 2 * C, lanes), s2);
    s3 = vfma(a, whole ? vload(h + 3 * C) : vload_n(h + 3 * C, lanes), s3);
  }
  vstore_n(y, vadd(vload_n(y, lanes), s0), lanes);
  if (count == 1) return;
  vstore_n(y + C, vadd(vload_n(y + C, lanes), s1), lanes);
  vstore_n(y + 2 * C, vadd(vload_n(y + 2 * C, lanes), s2), lanes);
  vstore_n(y + 3 * C, vadd(vload_n(y + 3 * C, lanes), s3), lanes);
}

/* `count` outputs, the first behind `before` rows, `width` channels.  Pieces of rows keep float sums short, and a piece of x
 * and h in the second cache. */
static void V(direct)(real *y, const real *x, const real *h, const real *skip, int64_t before, int64_t count, int64_t C, int64_t width) {
  enum { PIECE = 128 };
  for (int64_t t = 0; t < count; t++)
    for (int64_t c = 0; c < width; c++) y[t * C + c] = skip[c] * x[(before + t) * C + c];
  for (int64_t begin = 0; begin <= before; begin += PIECE) {
    int64_t n = begin + PIECE <= before ? PIECE : before + 1 - begin;
    for (int64_t c = 0; c < width; c += LANES) {
      int64_t lanes = width - c < LANES ? width - c : LANES;
      const real *xs = x + begin * C + c, *hs = h + (before - begin) * C + c;
      if (count == DIRECT_ROWS && lanes == LANES) V(direct_sum)(DIRECT_ROWS, true, y + c, xs, hs, n, C, lanes);
      else if (count == DIRECT_ROWS) V(direct_sum)(DIRECT_ROWS, false, y + c, xs, hs, n, C, lanes);
      else
        for (int64_t t = 0; t < count; t++) {
          if (lanes == LANES) V(direct_sum)(1, true, y + t * C + c, xs, hs + t * C, n, C, lanes);
          else V(direct_sum)(1, false, y + t * C + c, xs, hs + t * C, n, C, lanes);
        }
    }
  }
  for (int64_t t = 1; t < count; t++) /* the new rows but the first, which not all outputs see */
    for (int64_t s = 1; s <= t; s++)
      for (int64_t c = 0; c < width; c++) y[t * C + c] += x[(before + s) * C + c] * h[(t - s) * C + c];
}

/* ---- short convolution.  taps: [K][C], the transposed weight. */

/* Rows begin..end-1 of one sequence of T.  direction -1: y[t] = bias + sum_k taps[k] x[t-(K-1)+k];  +1, the gradient:
 * y[t] = sum_k taps[k] x[t+(K-1)-k].  accumulate: added to y. */
INLINE void V(taps)(int direction, real *y, const real *x, const real *taps, const real *bias, int64_t begin, int64_t end, int64_t T,
                    int64_t C, int64_t K, bool accumulate) {
  for (int64_t t = begin; t < end; t++) {
    int64_t k0 = direction < 0 ? K - 1 - t : t + K - T; /* the first tap that meets a row of the sequence */
    if (k0 < 0) k0 = 0;
    const real *from = x + (direction < 0 ? t - (K - 1) : t + (K - 1)) * C;
    for (int64_t c = 0; c < C; c += LANES) {
      int64_t lanes = C - c < LANES ? C - c : LANES;
      vec sum = bias ? vload_n(bias + c, lanes) : vset(0);
      if (lanes == LANES && K == 3 && k0 == 0) {
        sum = vfma(vload(taps + c), vload(from + c), sum);
        sum = vfma(vload(taps + C + c), vload(from - direction * C + c), sum);
        sum = vfma(vload(taps + 2 * C + c), vload(from - 2 * direction * C + c), sum);
        vstore(y + t * C + c, accumulate ? vadd(vload(y + t * C + c), sum) : sum);
      } else if (lanes == LANES) {
        for (int64_t k = k0; k < K; k++) sum = vfma(vload(taps + k * C + c), vload(from - direction * k * C + c), sum);
        vstore(y + t * C + c, accumulate ? vadd(vload(y + t * C + c), sum) : sum);
      } else {
        for (int64_t k = k0; k < K; k++) sum = vfma(vload_n(taps + k * C + c, lanes), vload_n(from - direction * k * C + c, lanes), sum);
        vstore_n(y + t * C + c, accumulate ? vadd(vload_n(y + t * C + c, lanes), sum) : sum, lanes);
      }
    }
  }
}

static void V(short_forward)(real *y, const real *x, const real *taps, const real *bias, int64_t begin, int64_t end, int64_t T, int64_t C,
                             int64_t K) {
  if (K == 3) V(taps)(-1, y, x, taps, bias, begin, end, T, C, 3, false);
  else V(taps)(-1, y, x, taps, bias, begin, end, T, C, K, false);
}

static void V(short_input)(real *dx, const real *dy, const real *taps, int64_t begin, int64_t end, int64_t T, int64_t C, int64_t K,
                           bool accumulate) {
  if (K == 3) V(taps)(1, dx, dy, taps, NULL, begin, end, T, C, 3, accumulate);
  else V(taps)(1, dx, dy, taps, NULL, begin, end, T, C, K, accumulate);
}

/* d_taps [K+1][C], the last row for the bias: added to, from rows begin..end-1 of one sequence.  `count` taps from tap k on. */
INLINE void V(tap_sums)(int count, bool whole, real *d_taps, const real *dy, const real *x, int64_t begin, int64_t end, int64_t C, int64_t K,
                        int64_t k, int64_t lanes) {
  vec s0 = vset(0), s1 = vset(0), s2 = vset(0), bias = vset(0);
  for (int64_t t = begin; t < end; t++) {
    const real *from = x + (t - (K - 1) + k) * C;
    vec d = whole ? vload(dy + t * C) : vload_n(dy + t * C, lanes);
    s0 = vfma(d, whole ? vload(from) : vload_n(from, lanes), s0);
    if (count < 3) continue;
    s1 = vfma(d, whole ? vload(from + C) : vload_n(from + C, lanes), s1);
    s2 = vfma(d, whole ? vload(from + 2 * C) : vload_n(from + 2 * C, lanes), s2);
    bias = vadd(d, bias);
  }
  real *to = d_taps + k * C;
  vstore_n(to, vadd(vload_n(to, lanes), s0), lanes);
  if (count < 3) return;
  vstore_n(to + C, vadd(vload_n(to + C, lanes), s1), lanes);
  vstore_n(to + 2 * C, vadd(vload_n(to + 2 * C, lanes), s2), lanes);
  to = d_taps + K * C;
  vstore_n(to, vadd(vload_n(to, lanes), bias), lanes);
}

static void V(short_weight)(real *d_taps, const real *dy, const real *x, int64_t begin, int64_t end, int64_t C, int64_t K) {
  int64_t inside = begin > K - 1 ? begin : K - 1 < end ? K - 1 : end; /* from here on every tap meets a row */
  for (int64_t t = begin; t < inside; t++)
    for (int64_t c = 0; c < C; c++) {
      for (int64_t k = K - 1 - t; k < K; k++) d_taps[k * C + c] += dy[t * C + c] * x[(t - (K - 1) + k) * C + c];
      d_taps[K * C + c] += dy[t * C + c];
    }
  for (int64_t c = 0; c < C; c += LANES) {
    int64_t lanes = C - c < LANES ? C - c : LANES;
    int64_t k = 0;
    if (K >= 3) {
      if (lanes == LANES) V(tap_sums)(3, true, d_taps + c, dy + c, x + c, inside, end, C, K, 0, lanes);
      else V(tap_sums)(3, false, d_taps + c, dy + c, x + c, inside, end, C, K, 0, lanes);
      k = 3;
    } else {
      vec bias = vset(0);
      for (int64_t t = inside; t < end; t++) bias = vadd(bias, vload_n(dy + t * C + c, lanes));
      vstore_n(d_taps + K * C + c, vadd(vload_n(d_taps + K * C + c, lanes), bias), lanes);
    }
    for (; k < K; k++) {
      if (lanes == LANES) V(tap_sums)(1, true, d_taps + c, dy + c, x + c, inside, end, C, K, k, lanes);
      else V(tap_sums)(1, false, d_taps + c, dy + c, x + c, inside, end, C, K, k, lanes);
    }
  }
}

/* Both gradients for 3 taps, rows begin..end-1, which are at least 2 from the sequence's start and from its end: each row of x and
 * dy is read from memory once.  FUSED_ROWS rows at a time, so that a column's sums pay for being kept in memory. */
INLINE void V(fused_rows)(bool whole, real *dx, real *d_taps, const real *dy, const real *x, const real *taps, int64_t C, int64_t lanes,
                          bool accumulate) {
#define LOAD(p) (whole ? vload(p) : vload_n((p), lanes))
  vec w0 = LOAD(taps), w1 = LOAD(taps + C), w2 = LOAD(taps + 2 * C);
  vec s0 = LOAD(d_taps), s1 = LOAD(d_taps + C), s2 = LOAD(d_taps + 2 * C), bias = LOAD(d_taps + 3 * C);
  vec d[FUSED_ROWS + 2], v[FUSED_ROWS + 2];
#pragma GCC unroll 8
  for (int i = 0; i < FUSED_ROWS + 2; i++) {
    d[i] = LOAD(dy + i * C), v[i] = LOAD(x + (i - 2) * C);
    if (i < 2) continue; /* the rows of the next call */
    vfetch(dy + (i + FUSED_ROWS) * C), vfetch(x + (i - 2 + FUSED_ROWS) * C);
  }
#pragma GCC unroll 8
  for (int i = 0; i < FUSED_ROWS; i++) {
    vec sum = vfma(w0, d[i + 2], vfma(w1, d[i + 1], vmul(w2, d[i])));
    if (accumulate) sum = vadd(LOAD(dx + i * C), sum);
    if (whole) vstore(dx + i * C, sum);
    else vstore_n(dx + i * C, sum, lanes);
    s0 = vfma(d[i], v[i], s0), s1 = vfma(d[i], v[i + 1], s1), s2 = vfma(d[i], v[i + 2], s2), bias = vadd(bias, d[i]);
  }
  vstore_n(d_taps, s0, lanes), vstore_n(d_taps + C, s1, lanes), vstore_n(d_taps + 2 * C, s2, lanes), vstore_n(d_taps + 3 * C, bias, lanes);
#undef LOAD
}

static void V(short_fused)(real *dx, real *d_taps, const real *dy, const real *x, const real *taps, int64_t begin, int64_t end, int64_t C,
                           bool accumulate) {
  for (int64_t t = begin; t + FUSED_ROWS <= end; t += FUSED_ROWS) {
    int64_t at = t * C, c = 0;
    if (accumulate)
      for (; c + LANES <= C; c += LANES) V(fused_rows)(true, dx + at + c, d_taps + c, dy + at + c, x + at + c, taps + c, C, LANES, true);
    else
      for (; c + LANES <= C; c += LANES) V(fused_rows)(true, dx + at + c, d_taps + c, dy + at + c, x + at + c, taps + c, C, LANES, false);
    if (c < C) V(fused_rows)(false, dx + at + c, d_taps + c, dy + at + c, x + at + c, taps + c, C, C - c, accumulate);
  }
}
