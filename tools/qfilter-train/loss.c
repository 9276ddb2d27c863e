/* SPDX-License-Identifier: MIT */
#include "tools/qfilter-train/loss.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tools/qfilter-train/rows.h"

struct loss {
  const struct fasttext *m;
  double *cumulative; /* ns: [labels] sums of the roots of the labels' counts */
};

struct loss *loss_new(const struct fasttext *m) {
  struct loss *loss = NEW(struct loss);
  loss->m = m;
  if (m->args.loss == FASTTEXT_NEGATIVE) {
    loss->cumulative = NEW_ARRAY(double, (size_t)m->labels);
    double sum = 0;
    for (int32_t l = 0; l < m->labels; l++) loss->cumulative[l] = sum += sqrt((double)m->entries[m->words + l].count);
  }
  return loss;
}

void loss_free(struct loss *loss) {
  if (!loss) return;
  free(loss->cumulative);
  free(loss);
}

size_t loss_most_targets(const struct loss *loss) {
  const struct fasttext *m = loss->m;
  return m->args.loss == FASTTEXT_NEGATIVE ? (size_t)m->args.neg + 1 : (size_t)m->labels; /* a way has fewer nodes than there are labels */
}

static float softmax(const struct fasttext *m, const float *output, const float *hidden, int32_t label, float rate, struct target *to) {
  size_t dim = (size_t)m->args.dim;
  float most = -INFINITY, sum = 0;
  for (int32_t l = 0; l < m->labels; l++) {
    float x = rows_dot(output + (size_t)l * dim, hidden, dim);
    to[l] = (struct target){l, x};
    if (x > most) most = x;
  }
  for (int32_t l = 0; l < m->labels; l++) sum += to[l].step = expf(to[l].step - most);
  float p = to[label].step / sum;
  for (int32_t l = 0; l < m->labels; l++) to[l].step = rate * ((float)(l == label) - to[l].step / sum);
  return -logf(p + 1e-5f);
}

static float logistic(const struct fasttext *m, const float *output, const float *hidden, int32_t row, bool positive, float rate, struct target *to) {
  size_t dim = (size_t)m->args.dim;
  float s = 1 / (1 + expf(-rows_dot(output + (size_t)row * dim, hidden, dim)));
  *to = (struct target){row, rate * ((float)positive - s)};
  return -logf((positive ? s : 1 - s) + 1e-5f);
}

static bool contains(const uint32_t *labels, size_t count, uint32_t label) {
  for (size_t i = 0; i < count; i++)
    if (labels[i] == label) return true;
  return false;
}

static int32_t draw(const struct loss *loss, uint64_t random) {
  int32_t low = 0, high = loss->m->labels - 1;
  double x = (double)(random >> 11) * 0x1p-53 * loss->cumulative[high];
  while (low < high) {
    int32_t middle = low + (high - low) / 2;
    if (loss->cumulative[middle] > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

size_t loss_targets(const struct loss *loss, const float *output, const float *hidden, const uint32_t *labels, size_t label_count, float rate, uint64_t random, struct target *to, float *value) {
  const struct fasttext *m = loss->m;
  int32_t label = (int32_t)labels[label_count > 1 ? splitmix64(random) % label_count : 0];
  size_t n = 0;
  *value = 0;
  switch (m->args.loss) {
    case FASTTEXT_ONE_VS_ALL:
      for (int32_t l = 0; l < m->labels; l++, n++) *value += logistic(m, output, hidden, l, contains(labels, label_count, (uint32_t)l), rate, &to[n]);
      break;
    case FASTTEXT_NEGATIVE:
      *value = logistic(m, output, hidden, label, true, rate, &to[n++]);
      for (int32_t i = 1; m->labels > 1 && i <= m->args.neg; i++) {
        int32_t other;
        do other = draw(loss, random = splitmix64(random)); while (other == label);
        *value += logistic(m, output, hidden, other, false, rate, &to[n++]);
      }
      break;
    case FASTTEXT_HIERARCHICAL:
      for (int32_t node = label, above; (above = m->tree[node].parent) >= 0; node = above)
        *value += logistic(m, output, hidden, above - m->labels, m->tree[above].right == node, rate, &to[n++]);
      break;
    default:
      *value = softmax(m, output, hidden, label, rate, to);
      n = (size_t)m->labels;
  }
  return n;
}
