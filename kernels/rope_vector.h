/* SPDX-License-Identifier: MIT
 *
 * Vector body of rope.c; arguments as of its scalar function.
 */
static void V(rotate)(float *restrict x, int64_t ld, const float *restrict cosine, const float *restrict sine, int64_t heads,
                      int64_t D, float sign) {
  int64_t half = D / 2;
  vec flip = vset(sign);
  for (int64_t h = 0; h < heads; h++, x += D) {
    for (int64_t i = 0; i < D; i += 16) vfetch_write(x + 2 * ld + i);
    for (int64_t i = 0; i < half; i += LANES) {
      int64_t n = half - i < LANES ? half - i : LANES;
      vec a = vload_n(x + i, n), b = vload_n(x + i + half, n), c = vload_n(cosine + i, n), s = vmul(flip, vload_n(sine + i, n));
      vstore_n(x + i, vfnma(b, s, vmul(a, c)), n);
      vstore_n(x + i + half, vfma(a, s, vmul(b, c)), n);
    }
  }
}
