/* SPDX-License-Identifier: MIT
 *
 * Body of filter.c, compiled for plain, AVX2 and AVX-512 lanes.
 */

/* `count` rows of affine(), LANES outputs (`lanes` of them exist). */
INLINE void V(affine_rows)(int count, bool whole, real *y, const real *x, const real *w, vec bias, int64_t in, int64_t out, int64_t lanes) {
  vec s0 = bias, s1 = bias, s2 = bias, s3 = bias;
  for (int64_t i = 0; i < in; i++) {
    vec v = whole ? vload(w + i * out) : vload_n(w + i * out, lanes);
    s0 = vfma(v, vset(x[i]), s0);
    if (count == 1) continue;
    s1 = vfma(v, vset(x[in + i]), s1), s2 = vfma(v, vset(x[2 * in + i]), s2), s3 = vfma(v, vset(x[3 * in + i]), s3);
  }
  vstore_n(y, s0, lanes);
  if (count == 1) return;
  vstore_n(y + out, s1, lanes), vstore_n(y + 2 * out, s2, lanes), vstore_n(y + 3 * out, s3, lanes);
}

/* y [rows][out] = bias + x [rows][in] w [in][out]; bias may be NULL. */
static void V(affine)(real *y, const real *x, const real *w, const real *bias, int64_t rows, int64_t in, int64_t out) {
  for (int64_t o = 0; o < out; o += LANES) {
    int64_t lanes = out - o < LANES ? out - o : LANES, t = 0;
    vec b = bias ? vload_n(bias + o, lanes) : vset(0);
    for (; t + 4 <= rows; t += 4) {
      if (lanes == LANES) V(affine_rows)(4, true, y + t * out + o, x + t * in, w + o, b, in, out, lanes);
      else V(affine_rows)(4, false, y + t * out + o, x + t * in, w + o, b, in, out, lanes);
    }
    for (; t < rows; t++) V(affine_rows)(1, false, y + t * out + o, x + t * in, w + o, b, in, out, lanes);
  }
}

/* `count` rows of outer(), LANES columns. */
INLINE void V(outer_rows)(int count, bool whole, real *dw, const real *dy, const real *x, int64_t rows, int64_t out, int64_t in, int64_t lanes) {
  vec s0 = vset(0), s1 = vset(0), s2 = vset(0), s3 = vset(0);
  for (int64_t t = 0; t < rows; t++) {
    vec v = whole ? vload(x + t * in) : vload_n(x + t * in, lanes);
    const real *d = dy + t * out;
    s0 = vfma(v, vset(d[0]), s0);
    if (count == 1) continue;
    s1 = vfma(v, vset(d[1]), s1), s2 = vfma(v, vset(d[2]), s2), s3 = vfma(v, vset(d[3]), s3);
  }
  vstore_n(dw, vadd(vload_n(dw, lanes), s0), lanes);
  if (count == 1) return;
  vstore_n(dw + in, vadd(vload_n(dw + in, lanes), s1), lanes);
  vstore_n(dw + 2 * in, vadd(vload_n(dw + 2 * in, lanes), s2), lanes);
  vstore_n(dw + 3 * in, vadd(vload_n(dw + 3 * in, lanes), s3), lanes);
}

/* dw [out][in] += transpose of dy [rows][out] times x [rows][in]. */
static void V(outer)(real *dw, const real *dy, const real *x, int64_t rows, int64_t out, int64_t in) {
  for (int64_t i = 0; i < in; i += LANES) {
    int64_t lanes = in - i < LANES ? in - i : LANES, o = 0;
    for (; o + 4 <= out; o += 4) {
      if (lanes == LANES) V(outer_rows)(4, true, dw + o * in + i, dy + o, x + i, rows, out, in, lanes);
      else V(outer_rows)(4, false, dw + o * in + i, dy + o, x + i, rows, out, in, lanes);
    }
    for (; o < out; o++) V(outer_rows)(1, false, dw + o * in + i, dy + o, x + i, rows, out, in, lanes);
  }
}

/* y[t] = x[t] * (exp(-rate u) + shift), u = (first + t) / L; y may be x. */
static void V(decay)(real *y, const real *x, const real *rate, int64_t first, int64_t rows, int64_t C, int64_t L) {
  for (int64_t t = 0; t < rows; t++) {
    vec u = vset(-(real)((double)(first + t) / (double)L));
    for (int64_t c = 0; c < C; c += LANES) {
      int64_t lanes = C - c < LANES ? C - c : LANES, at = t * C + c;
      vec window = vadd(vexp(vmul(u, vload_n(rate + c, lanes))), vset(FILTER_SHIFT));
      vstore_n(y + at, vmul(window, vload_n(x + at, lanes)), lanes);
    }
  }
}

/* sin(x), or cos(x).  In float lanes: x = (m + half) pi + r with |r| <= pi/2, pi in two parts, and a polynomial fitted to sin(r)/r
 * on that interval (relative error 6e-9); sin(m pi + r) = (-1)^m sin(r), cos((m + 1/2) pi + r) = -(-1)^m sin(r).  Error below
 * 2e-7 up to `far`, from where on the C library takes over. */
INLINE vec V(sine)(vec x, bool cosine) {
#ifdef VECTOR_BITS
  const float far = 1e5f, magic = 12582912; /* 1.5 * 2^23: adding it rounds to whole numbers */
  if (vmost(vmax(x, vsub(vset(0), x))) <= far) {
    vec half = vset(cosine ? 0.5f : 0), m = vsub(vadd(vsub(vmul(x, vset(0.318309886f)), half), vset(magic)), vset(magic));
    vec turns = vadd(m, half), r = vfnma(turns, vset(-8.742277657e-8f), vfnma(turns, vset(3.14159274101f), x));
    vec k = vsub(vadd(vmul(m, vset(0.5f)), vset(magic)), vset(magic)), odd = vfnma(k, vset(2), m); /* m is even: 0; odd: 1 or -1 */
    vec sign = cosine ? vfma(vmul(odd, odd), vset(2), vset(-1)) : vfnma(vmul(odd, odd), vset(2), vset(1));
    vec s = vmul(r, r), p = vset(2.605784189e-6f);
    p = vfma(p, s, vset(-1.980960464e-4f));
    p = vfma(p, s, vset(8.333066272e-3f));
    p = vfma(p, s, vset(-1.666665955e-1f));
    return vmul(sign, vfma(vmul(p, s), r, r));
  }
#endif
  real each[LANES];
  vstore(each, x);
  for (int i = 0; i < LANES; i++) each[i] = (real)(cosine ? cos((double)each[i]) : sin((double)each[i]));
  return vload(each);
}

/* y = sin(frequency * x), rows of W. */
static void V(sine_rows)(real *y, const real *x, const real *frequency, int64_t rows, int64_t W) {
  for (int64_t t = 0; t < rows; t++)
    for (int64_t c = 0; c < W; c += LANES) {
      int64_t lanes = W - c < LANES ? W - c : LANES, at = t * W + c;
      vstore_n(y + at, V(sine)(vmul(vload_n(frequency + c, lanes), vload_n(x + at, lanes)), false), lanes);
    }
}

/* d: the gradient of sine_rows' y becomes that of x; d_frequency and d_bias (the sum of d over the rows) are added to. */
static void V(sine_backward)(real *d, real *d_frequency, real *d_bias, const real *x, const real *frequency, int64_t rows, int64_t W) {
  for (int64_t c = 0; c < W; c += LANES) {
    int64_t lanes = W - c < LANES ? W - c : LANES;
    vec f = vload_n(frequency + c, lanes), df = vset(0), db = vset(0);
    for (int64_t t = 0; t < rows; t++) {
      vec a = vload_n(x + t * W + c, lanes), g = vmul(vload_n(d + t * W + c, lanes), V(sine)(vmul(f, a), true));
      df = vfma(g, a, df);
      g = vmul(g, f), db = vadd(db, g);
      vstore_n(d + t * W + c, g, lanes);
    }
    vstore_n(d_frequency + c, vadd(vload_n(d_frequency + c, lanes), df), lanes);
    vstore_n(d_bias + c, vadd(vload_n(d_bias + c, lanes), db), lanes);
  }
}
