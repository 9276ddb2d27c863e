/* SPDX-License-Identifier: MIT
 *
 * Vector body of route.c: scores of one row.
 */
static void V(softmax)(float *scores, const float *logits, int64_t n) {
  float highest = -INFINITY, sum = 0;
  vec most = vset(-INFINITY), total = vset(0);
  int64_t whole = n / LANES * LANES, i = 0;
  for (; i < whole; i += LANES) most = vmax(vload(logits + i), most);
  highest = vmost(most);
  for (; i < n; i++) highest = logits[i] > highest ? logits[i] : highest;
  if (!(highest > -INFINITY)) highest = 0; /* all -inf, or NaN met */
  vec shift = vset(highest);
  for (i = 0; i < whole; i += LANES) {
    vec y = vexp(vsub(vload(logits + i), shift));
    vstore(scores + i, y);
    total = vadd(total, y);
  }
  if (i < n) {
    vstore_n(scores + i, vexp(vsub(vload_n(logits + i, n - i), shift)), n - i);
    total = vadd(total, vload_n(scores + i, n - i));
  }
  sum = vsum(total);
  vec divisor = vset(sum);
  for (i = 0; i < whole; i += LANES) vstore(scores + i, vdiv(vload(scores + i), divisor));
  if (i < n) vstore_n(scores + i, vdiv(vload_n(scores + i, n - i), divisor), n - i);
}

static void V(sigmoid)(float *scores, const float *logits, int64_t n) {
  vec one = vset(1);
  for (int64_t i = 0; i < n; i += LANES) {
    int64_t count = n - i < LANES ? n - i : LANES;
    vec y = vexp(vsub(vset(0), vload_n(logits + i, count)));
    vstore_n(scores + i, vdiv(one, vadd(one, y)), count);
  }
}
