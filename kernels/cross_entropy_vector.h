/* SPDX-License-Identifier: MIT
 *
 * Vector body of cross_entropy.c; arguments as of its scalar function.
 */
static float V(row)(float *logits, int64_t ld, int32_t target, int64_t classes, float gradient_scale, float z, bool with_gradient) {
  int64_t whole = classes / LANES * LANES, rest = classes - whole, v;
  vec a = vset(-INFINITY), sum = vset(0);
  for (v = 0; v < whole; v += LANES) a = vmax(a, vload(logits + v));
  float most = vmost(a);
  for (v = whole; v < classes; v++) most = logits[v] > most ? logits[v] : most;
  a = vset(most);
  float wanted = logits[target];
  for (v = 0; v < whole; v += LANES) {
    vfetch(logits + ld + v); /* the next row, while this one computes */
    vec p = vexp(vsub(vload(logits + v), a));
    sum = vadd(sum, p);
    if (with_gradient) vstore(logits + v, p);
  }
  float total = vsum(sum);
  if (rest > 0) {
    vec p = vexp(vsub(vload_n(logits + v, rest), a));
    float last[LANES];
    vstore(last, p);
    for (int64_t i = 0; i < rest; i++) total += last[i];
    if (with_gradient) vstore_n(logits + v, p, rest);
  }
  float log_sum = logf(total);
  if (with_gradient) {
    vec factor = vset(gradient_scale * (1 + 2 * z * (log_sum + most)) / total);
    for (v = 0; v < whole; v += LANES) vstore(logits + v, vmul(vload(logits + v), factor));
    if (rest > 0) vstore_n(logits + v, vmul(vload_n(logits + v, rest), factor), rest);
    logits[target] -= gradient_scale;
  }
  return log_sum + (most - wanted);
}
