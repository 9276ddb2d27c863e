/* SPDX-License-Identifier: MIT
 *
 * The losses: each step is the loss's derivative, by differences; the ways of the Huffman tree; who is drawn against.
 */
#include "tools/qfilter-train/loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "tests/tap.h"

enum { LABELS = 5, DIM = 7 };

static char names[LABELS][16] = {"__label__a", "__label__b", "__label__c", "__label__d", "__label__e"};

static struct fasttext *make_model(enum fasttext_loss loss, int32_t labels) {
  struct fasttext *m = NEW(struct fasttext);
  m->args = (struct fasttext_args){.dim = DIM, .loss = (int32_t)loss, .model = FASTTEXT_SUPERVISED, .neg = 4};
  m->labels = labels;
  m->entries = NEW_ARRAY(struct fasttext_entry, (size_t)labels);
  for (int32_t l = 0; l < labels; l++) m->entries[l] = (struct fasttext_entry){{names[l], strlen(names[l])}, 1000 >> (2 * l), fasttext_hash(names[l], strlen(names[l]))};
  m->input = NEW_ARRAY(float, DIM);
  m->output = NEW_ARRAY(float, (size_t)labels * DIM);
  struct rng rng;
  rng_init(&rng, 3);
  for (int32_t i = 0; i < labels * DIM; i++) m->output[i] = (float)rng_normal(&rng);
  fasttext_index(m);
  return m;
}

/* Steps with rate 1 are -d loss / d (O_row h): moving row r by e along h / |h|^2 changes O_r h by e. */
static void check_steps(const char *name, enum fasttext_loss kind, const uint32_t *labels, size_t label_count) {
  struct fasttext *m = make_model(kind, LABELS);
  struct loss *loss = loss_new(m);
  struct target to[LABELS], moved[LABELS];
  float hidden[DIM], value, up, down;
  double square = 0;
  for (int d = 0; d < DIM; d++) {
    hidden[d] = (float)(d + 1) / 5 - 0.8f;
    square += (double)hidden[d] * (double)hidden[d];
  }
  size_t n = loss_targets(loss, m->output, hidden, labels, label_count, 1, 42, to, &value);
  bool good = n > 0 && n <= loss_most_targets(loss) && value > 0;
  for (int32_t r = 0; r < LABELS; r++) {
    double step = 0, e = 1e-2;
    for (size_t i = 0; i < n; i++) step += to[i].row == r ? (double)to[i].step : 0;
    float row[DIM];
    memcpy(row, m->output + r * DIM, sizeof row);
    for (int d = 0; d < DIM; d++) m->output[r * DIM + d] = row[d] + (float)(e * (double)hidden[d] / square);
    loss_targets(loss, m->output, hidden, labels, label_count, 1, 42, moved, &up);
    for (int d = 0; d < DIM; d++) m->output[r * DIM + d] = row[d] - (float)(e * (double)hidden[d] / square);
    loss_targets(loss, m->output, hidden, labels, label_count, 1, 42, moved, &down);
    memcpy(m->output + r * DIM, row, sizeof row);
    double slope = ((double)up - (double)down) / (2 * e);
    if (fabs(slope + step) > 2e-3) {
      note("row %d: step %g, slope %g", r, step, slope);
      good = false;
    }
  }
  ok(good, "%s: steps are the loss's derivative", name);
  loss_free(loss);
  fasttext_free(m);
}

static void check_ways(void) {
  struct fasttext *m = make_model(FASTTEXT_HIERARCHICAL, LABELS);
  struct loss *loss = loss_new(m);
  float hidden[DIM] = {0.1f, 0.2f}, value;
  double sum = 0;
  size_t lengths[LABELS];
  for (uint32_t l = 0; l < LABELS; l++) {
    struct target to[LABELS];
    lengths[l] = loss_targets(loss, m->output, hidden, &l, 1, 1, 0, to, &value);
    double p = 1;
    for (size_t i = 0; i < lengths[l]; i++) p *= to[i].step > 0 ? 1 - (double)to[i].step : 1 + (double)to[i].step; /* |step| = 1 - probability of the turn taken */
    sum += p;
  }
  ok(lengths[0] == 1 && lengths[1] == 2 && lengths[4] == 4, "hs: frequent labels have short ways (%zu, %zu, ..., %zu)", lengths[0], lengths[1], lengths[4]);
  ok_near(sum, 1, 1e-5, "hs: the probabilities of all ways are 1 together");
  loss_free(loss);
  fasttext_free(m);
}

static void check_draws(void) {
  struct fasttext *m = make_model(FASTTEXT_NEGATIVE, LABELS);
  struct loss *loss = loss_new(m);
  float hidden[DIM] = {0}, value;
  double drawn[LABELS] = {0}, roots = 0;
  enum { TIMES = 20000 };
  bool never = true;
  for (uint64_t i = 0; i < TIMES; i++) {
    struct target to[LABELS];
    uint32_t label = 4;
    size_t n = loss_targets(loss, m->output, hidden, &label, 1, 1, splitmix64(i), to, &value);
    never &= n == 5 && to[0].row == 4;
    for (size_t k = 1; k < n; k++) {
      drawn[to[k].row]++;
      never &= to[k].row != 4;
    }
  }
  bool good = true;
  for (int l = 0; l < 4; l++) roots += sqrt((double)(1000 >> 2 * l));
  for (int l = 0; l < 4; l++) good &= fabs(drawn[l] / (4 * TIMES) - sqrt((double)(1000 >> 2 * l)) / roots) < 0.01;
  ok(never, "ns: the label itself is never drawn against it");
  ok(good, "ns: labels are drawn by the root of their texts");
  loss_free(loss);
  fasttext_free(m);

  m = make_model(FASTTEXT_NEGATIVE, 1);
  loss = loss_new(m);
  uint32_t only = 0;
  struct target to[LABELS];
  ok(loss_targets(loss, m->output, hidden, &only, 1, 1, 0, to, &value) == 1, "ns: of one label none is drawn");
  loss_free(loss);
  fasttext_free(m);
}

static void check_several(void) {
  uint32_t labels[] = {1, 3};
  struct fasttext *m = make_model(FASTTEXT_ONE_VS_ALL, LABELS);
  struct loss *loss = loss_new(m);
  float hidden[DIM] = {0}, value;
  struct target to[LABELS];
  loss_targets(loss, m->output, hidden, labels, 2, 1, 0, to, &value);
  ok(to[1].step == 0.5f && to[3].step == 0.5f && to[0].step == -0.5f, "ova: all labels of a text are right");
  loss_free(loss);
  fasttext_free(m);
  m = make_model(FASTTEXT_SOFTMAX, LABELS);
  loss = loss_new(m);
  int seen[LABELS] = {0};
  for (uint64_t i = 0; i < 200; i++) {
    loss_targets(loss, m->output, hidden, labels, 2, 1, i, to, &value);
    for (int l = 0; l < LABELS; l++) seen[l] += to[l].step > 0;
  }
  ok(seen[0] == 0 && seen[1] > 60 && seen[3] > 60 && seen[1] + seen[3] == 200, "softmax: one of them, by turns (%d and %d of 200)", seen[1], seen[3]);
  loss_free(loss);
  fasttext_free(m);
}

int main(void) {
  uint32_t one[] = {2}, two[] = {1, 3};
  check_steps("softmax", FASTTEXT_SOFTMAX, one, 1);
  check_steps("ova", FASTTEXT_ONE_VS_ALL, two, 2);
  check_steps("ns", FASTTEXT_NEGATIVE, one, 1);
  check_steps("hs", FASTTEXT_HIERARCHICAL, one, 1);
  check_ways();
  check_draws();
  check_several();
  return tap_done();
}
