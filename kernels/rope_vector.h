/* SPDX-License-Identifier: MIT
 *
 * Vector body of rope.c; arguments as of its scalar function.  Whole vectors and the rest of a head are apart: masked stores
 * are slow with 8 lanes.
 */
static void V(rotate)(float *restrict x, int64_t ld, int64_t step, const float *restrict cosine, const float *restrict sine,
                      int64_t heads, int64_t D, float sign) {
  int64_t half = D / 2;
  vec flip = vset(sign);
  for (int64_t h = 0; h < heads; h++, x += step) {
    for (int64_t i = 0; i < D; i += 16) vfetch_write(x + 2 * ld + i);
    int64_t i = 0;
    for (; i + LANES <= half; i += LANES) {
      vec a = vload(x + i), b = vload(x + i + half), c = vload(cosine + i), s = vmul(flip, vload(sine + i));
      vstore(x + i, vfnma(b, s, vmul(a, c)));
      vstore(x + i + half, vfma(a, s, vmul(b, c)));
    }
    if (i < half) {
      int64_t n = half - i;
      vec a = vload_n(x + i, n), b = vload_n(x + i + half, n), c = vload_n(cosine + i, n), s = vmul(flip, vload_n(sine + i, n));
      vstore_n(x + i, vfnma(b, s, vmul(a, c)), n);
      vstore_n(x + i + half, vfma(a, s, vmul(b, c)), n);
    }
  }
}
