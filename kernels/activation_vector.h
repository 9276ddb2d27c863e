/* SPDX-License-Identifier: MIT
 *
 * Vector body of activation.c; arguments as of its scalar functions.
 */
INLINE vec V(sigmoid)(vec x) { return vdiv(vset(1), vadd(vset(1), vexp(vsub(vset(0), x)))); }

static void V(forward)(float *y, const float *gate, const float *up, int64_t ld, int64_t F) {
  int64_t i = 0;
  for (; i + LANES <= F; i += LANES) { /* and the next row comes nearer */
    vfetch(gate + ld + i), vfetch(up + ld + i), vfetch_write(y + F + i);
    vec g = vload(gate + i);
    vstore(y + i, vmul(vmul(g, V(sigmoid)(g)), vload(up + i)));
  }
  if (i < F) {
    vec g = vload_n(gate + i, F - i);
    vstore_n(y + i, vmul(vmul(g, V(sigmoid)(g)), vload_n(up + i, F - i)), F - i);
  }
}

static void V(backward)(float *d_gate, float *d_up, const float *dy, const float *gate, const float *up, int64_t ld,
                        int64_t F) {
  for (int64_t i = 0; i < F; i += LANES) {
    int64_t n = F - i < LANES ? F - i : LANES;
    vfetch(gate + ld + i), vfetch(up + ld + i), vfetch(dy + F + i), vfetch_write(d_gate + ld + i), vfetch_write(d_up + ld + i);
    vec g = vload_n(gate + i, n), u = vload_n(up + i, n), d = vload_n(dy + i, n), s = V(sigmoid)(g);
    vec ds = vmul(d, s);
    vstore_n(d_up + i, vmul(ds, g), n);
    vstore_n(d_gate + i, vmul(vmul(ds, u), vfma(g, vsub(vset(1), s), vset(1))), n);
  }
}
