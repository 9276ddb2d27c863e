/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/extract/extract_forest.h"

#include <math.h>

#include "common/base/simd.h"
#include "tests/tap.h"
#include "tools/warc2txt/extract/extract.h"

static uint64_t state = 88172645463325252u;
static uint32_t random32(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 16);
}

/* ---- a forest and the slow way through it: the leaf whose path agrees with the row is found by asking every node about
 * every leaf */

static int32_t slowly(const struct forest *f, const float *row) {
  int32_t sum = f->bias;
  for (uint32_t t = 0; t < f->tree_count; t++) {
    const struct forest_tree *tree = &f->trees[t];
    for (uint32_t leaf = 0; leaf < FOREST_LEAVES; leaf++) {
      bool open = true;
      for (uint32_t k = 0; k < tree->node_count; k++) {
        const struct forest_node *node = &f->nodes[tree->first_node + k];
        if (row[node->input] > node->threshold && !(node->mask >> leaf & 1)) open = false;
      }
      if (!open) continue;
      sum += f->leaves[tree->first_leaf + leaf];
      break;
    }
  }
  return sum;
}

/* A tree over leaves [low, high), written from the left: returns nothing, appends nodes. */
struct grower {
  struct forest_node nodes[4096];
  uint32_t count;
  int inputs;
};
static void grow(struct grower *g, int low, int high) {
  if (high - low < 2) return;
  int middle = low + 1 + (int)(random32() % (unsigned)(high - low - 1));
  uint32_t left = 0;
  for (int i = low; i < middle; i++) left |= (uint32_t)1 << i;
  g->nodes[g->count++] = (struct forest_node){.threshold = (float)(random32() % 16) / 8 - 1, .mask = ~left, .input = (uint16_t)(random32() % (unsigned)g->inputs)};
  grow(g, low, middle);
  grow(g, middle, high);
}

/* The tree that `grow` wrote, walked from its root: nodes come in preorder. */
static int walk(const struct forest_node *nodes, uint32_t *at, int low, int high, const float *row, bool here) {
  if (high - low < 2) return here ? low : -1;
  const struct forest_node *node = &nodes[(*at)++];
  int middle = low;
  while (middle < high && !(node->mask >> middle & 1)) middle++;
  bool right = row[node->input] > node->threshold;
  int a = walk(nodes, at, low, middle, row, here && !right), b = walk(nodes, at, middle, high, row, here && right);
  return a >= 0 ? a : b;
}

static void random_forests(enum simd level) {
  static struct grower g;
  static float columns[INPUT_COUNT][FOREST_LANES];
  bool same = true, slow = true;
  for (int round = 0; round < 60; round++) {
    struct forest_tree trees[20];
    int16_t leaves[20 * FOREST_LEAVES];
    uint32_t leaf_count = 0;
    int sizes[20];
    g.count = 0;
    g.inputs = 1 + (int)(random32() % 50);
    for (int t = 0; t < 20; t++) {
      sizes[t] = 2 + (int)(random32() % (FOREST_LEAVES - 1));
      trees[t] = (struct forest_tree){g.count, leaf_count, (uint32_t)sizes[t] - 1};
      grow(&g, 0, sizes[t]);
      for (int i = 0; i < sizes[t]; i++) leaves[leaf_count++] = (int16_t)random32();
    }
    struct forest f = {trees, g.nodes, leaves, 20, (int32_t)(random32() % 1000)};
    for (int k = 0; k < g.inputs; k++)
      for (int i = 0; i < FOREST_LANES; i++) columns[k][i] = (float)(random32() % 32) / 16 - 1;
    int32_t sums[FOREST_LANES];
    simd_force(level);
    forest_evaluate(&f, (const float (*)[FOREST_LANES])columns, sums);
    for (int i = 0; i < FOREST_LANES; i++) {
      float row[64];
      int32_t want = f.bias;
      for (int k = 0; k < g.inputs; k++) row[k] = columns[k][i];
      for (int t = 0; t < 20; t++) {
        uint32_t at = trees[t].first_node;
        want += leaves[trees[t].first_leaf + (uint32_t)walk(g.nodes, &at, 0, sizes[t], row, true)];
      }
      if (sums[i] != want) same = false;
      if (slowly(&f, row) != want) slow = false;
    }
  }
  ok(same, "%s: 60 random forests give what walking their trees gives", simd_name(level));
  ok(slow, "%s: and what asking every node about every leaf gives", simd_name(level));
}

/* ---- the fitted forest */

static void fitted(enum simd level, const struct forest *f, const char *name) {
  static float columns[INPUT_COUNT][FOREST_LANES];
  bool same = true, sound = f->tree_count > 0;
  for (uint32_t t = 0; t < f->tree_count; t++) {
    if (f->trees[t].node_count == 0 || f->trees[t].node_count >= FOREST_LEAVES) sound = false;
    for (uint32_t k = 0; k < f->trees[t].node_count; k++) {
      const struct forest_node *node = &f->nodes[f->trees[t].first_node + k];
      if (!isfinite(node->threshold) || node->input >= INPUT_COUNT) sound = false;
    }
  }
  for (int k = 0; k < INPUT_COUNT; k++)
    for (int i = 0; i < FOREST_LANES; i++) columns[k][i] = (float)(random32() % 4000) / (float)(1 + random32() % 2000) - (random32() % 4 == 0);
  int32_t sums[FOREST_LANES];
  simd_force(level);
  forest_evaluate(f, (const float (*)[FOREST_LANES])columns, sums);
  for (int i = 0; i < FOREST_LANES; i++) {
    float row[INPUT_COUNT];
    for (int k = 0; k < INPUT_COUNT; k++) row[k] = columns[k][i];
    if (sums[i] != slowly(f, row)) same = false;
  }
  ok(sound, "%s: nodes are finite and ask for inputs it has (%s)", name, simd_name(level));
  ok(same, "%s: %s gives the slow sums", name, simd_name(level));
}

/* ---- the cut */

/* The mean over u ~ N(0, 1), by the rectangle rule. */
static double f1_of(const int32_t *log_odds, const struct block *blocks, int n, unsigned kept) {
  double sum = 0, weights = 0;
  for (double u = -5; u <= 5; u += 0.05) {
    double total = 0, both = 0, words = 0, weight = exp(-u * u / 2);
    for (int i = 0; i < n; i++) {
      double p = 1 / (1 + exp(-(3.0 * log_odds[i] / FOREST_UNIT + 5 * u)));
      total += p * blocks[i].words;
      if (kept >> i & 1) both += p * blocks[i].words, words += blocks[i].words;
    }
    sum += words + total > 0 ? weight * 2 * both / (words + total) : 0;
    weights += weight;
  }
  return sum / weights;
}

static void cuts(void) {
  bool best = true, said = true;
  for (int round = 0; round < 300; round++) {
    enum { N = 9 };
    int32_t log_odds[N];
    struct block blocks[N] = {0};
    bool keep[N];
    for (int i = 0; i < N; i++) {
      log_odds[i] = (int32_t)(random32() % (8 * FOREST_UNIT)) - 4 * FOREST_UNIT;
      blocks[i].words = 1 + random32() % 60;
    }
    double got = extract_cut(log_odds, blocks, N, keep), most = 0;
    unsigned kept = 0;
    for (int i = 0; i < N; i++) kept |= (unsigned)keep[i] << i;
    for (unsigned set = 0; set < 1u << N; set++) {
      double f1 = f1_of(log_odds, blocks, N, set);
      if (f1 > most) most = f1;
    }
    if (f1_of(log_odds, blocks, N, kept) < most - 0.003) best = false; /* probabilities come from a table of steps of 1/128 */
    if (fabs(got - most) > 0.005) said = false;
  }
  ok(best, "300 random pages: no other choice of blocks has a greater expected F1");
  ok(said, "and the expected F1 is the one that is returned");

  struct block code[4] = {{.words = 5, .pre = true}, {.words = 0, .pre = true}, {.words = 6, .pre = true}, {.words = 0}};
  bool keep[4];
  extract_cut((int32_t[]){4 * FOREST_UNIT, -4 * FOREST_UNIT, 4 * FOREST_UNIT, 4 * FOREST_UNIT}, code, 4, keep);
  ok(keep[0] && keep[1] && keep[2] && !keep[3], "a line of code without words stays between kept ones, other lines without words go");
  ok(extract_cut((int32_t[]){0}, &(struct block){.words = 0}, 1, keep) == 0 && !keep[0], "a page without words keeps nothing");
}

int main(void) {
  static const enum simd levels[] = {SIMD_SCALAR, SIMD_AVX2, SIMD_AVX512};
  for (int i = 0; i < 3; i++) {
    if (simd_force(levels[i]) != levels[i]) continue;
    random_forests(levels[i]);
    fitted(levels[i], &extract_forest, "the fitted forest");
  }
  cuts();
  return tap_done();
}
