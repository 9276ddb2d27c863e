/* SPDX-License-Identifier: MIT
 *
 * The formula against a simulation of blocks and against measured rates; the variants against each other.
 */
#include "tools/bloom-dedup/filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/base/simd.h"
#include "tests/tap.h"

static struct hash128 hash(uint64_t i) { return (struct hash128){splitmix64(2 * i), splitmix64(2 * i + 1)}; }

/* Adds units from..to; returns how many were taken for known. */
static uint64_t add(struct filter *f, uint64_t from, uint64_t to, bool only_find) {
  enum { PART = 4096 };
  struct hash128 hashes[PART];
  unsigned char known[PART];
  uint64_t found = 0;
  for (uint64_t at = from; at < to; at += PART) {
    size_t n = to - at < PART ? (size_t)(to - at) : PART;
    for (size_t i = 0; i < n; i++) hashes[i] = hash(at + i);
    if (only_find) filter_find_all(f, hashes, n, known);
    else filter_add_all(f, hashes, n, known);
    for (size_t i = 0; i < n; i++) found += known[i];
  }
  return found;
}

static void measured(uint64_t capacity, double rate, uint64_t probes) {
  struct filter_plan plan;
  struct filter f;
  struct err e;
  filter_plan(capacity, rate, &plan);
  ok(fabs(filter_rate((double)capacity, plan.blocks, plan.bits) / rate - 1) < .002, "a filter for %llu units at %g has that rate by the formula", (unsigned long long)capacity, rate);
  ok(filter_rate((double)capacity, plan.blocks, plan.bits) <= rate && filter_rate((double)capacity, plan.blocks - 1 - plan.blocks / 100, plan.bits) > rate, "and one of fewer blocks is above it");
  if (filter_init(&f, &plan, &e) != 0) {
    ok(false, "%s", e.message);
    return;
  }
  double wrong = (double)add(&f, 0, capacity, false), told = filter_units(f.inserted, plan.blocks, plan.bits), expected = told - (double)f.inserted;
  note("%.0f taken for known while it filled, %.1f expected", wrong, expected);
  ok_near(told / (double)capacity, 1, .002, "the number of units is told from those that changed it");
  ok(fabs(wrong - expected) < 6 * sqrt(expected) + 2, "as many units are wrongly known while it fills as expected");
  ok_int((int64_t)f.inserted, (int64_t)(capacity - (uint64_t)wrong), "those inserted are counted");
  ok_int((int64_t)add(&f, 0, capacity, true), (int64_t)capacity, "all of them are known afterwards");
  double full = filter_rate(told, plan.blocks, plan.bits), share = (double)add(&f, 1u << 30, (1u << 30) + probes, true) / (double)probes;
  note("rate %g: measured %g, formula %g (%.2f bits a unit)", rate, share, full, (double)filter_bytes(&plan) * 8 / (double)capacity);
  ok(fabs(share / full - 1) < .1, "the measured rate is within 10%% of the formula's at %g", rate);
  filter_release(&f);
}

/* rate(n) by drawing: blocks with Poisson loads are simulated bit by bit. */
static void simulated(void) {
  enum { BLOCKS = 2000, TRIES = 400 };
  static uint64_t words[BLOCKS][FILTER_WORDS];
  for (int bits = 1; bits <= FILTER_MOST_BITS; bits++) {
    struct rng rng;
    int units = BLOCKS;
    uint64_t hits = 0;
    while (filter_rate(units, BLOCKS, bits) < .05) units += BLOCKS / 8;
    rng_init(&rng, (uint64_t)bits);
    memset(words, 0, sizeof words);
    for (int i = 0; i < units; i++) {
      uint64_t *block = words[rng_below(&rng, BLOCKS)];
      for (int w = 0; w < FILTER_WORDS; w++)
        for (int z = 0; z < bits; z++) block[w] |= (uint64_t)1 << rng_below(&rng, 64);
    }
    for (int i = 0; i < BLOCKS * TRIES; i++) {
      const uint64_t *block = words[i % BLOCKS];
      bool all = true;
      for (int w = 0; w < FILTER_WORDS; w++)
        for (int z = 0; z < bits; z++) all &= block[w] >> rng_below(&rng, 64) & 1;
      hits += all;
    }
    double share = (double)hits / (BLOCKS * TRIES), formula = filter_rate(units, BLOCKS, bits);
    note("%d bits a word: drawn %g, formula %g", bits, share, formula);
    ok(fabs(share / formula - 1) < .03, "blocks drawn at random have the formula's rate, %d bits a word", bits);
  }
}

static void variants(void) {
  enum { COUNT = 20000 };
  struct filter_plan plan;
  struct filter f;
  struct err e;
  struct hash128 *hashes = MALLOC(COUNT * sizeof *hashes);
  unsigned char *known[3];
  uint64_t *words[3];
  for (size_t i = 0; i < COUNT; i++) hashes[i] = hash(splitmix64(i) % (COUNT * 2 / 3));
  for (int z = 1; z <= FILTER_MOST_BITS; z++) {
    for (int level = 0; level < 3; level++) {
      simd_force((enum simd)level);
      filter_plan(COUNT / 2, .05, &plan);
      plan.bits = z;
      if (filter_init(&f, &plan, &e) != 0) exit(1);
      known[level] = MALLOC(2 * COUNT);
      filter_add_all(&f, hashes, COUNT, known[level]);
      filter_find_all(&f, hashes, COUNT, known[level] + COUNT);
      words[level] = COPY(f.words, filter_bytes(&plan));
      filter_release(&f);
    }
    for (int level = 1; level < 3; level++) {
      ok(!memcmp(known[0], known[level], 2 * COUNT), "%s decides as scalar code does, %d bits a word", simd_name((enum simd)level), z);
      ok(!memcmp(words[0], words[level], filter_bytes(&plan)), "and sets the same bits");
    }
    for (int level = 0; level < 3; level++) {
      free(known[level]);
      free(words[level]);
    }
  }
  simd_force(SIMD_AVX512);
  free(hashes);
}

static void plans(void) {
  struct filter_plan plan, by_memory;
  ok_int(filter_plan(1, .5, &plan), 0, "one unit can be planned for");
  ok_int((int64_t)plan.blocks, 1, "in one block");
  ok_int(filter_plan(UINT64_MAX, 1e-15, &plan), -1, "what no memory holds is refused");
  filter_plan_memory(64 << 20, .01, &by_memory);
  ok(filter_bytes(&by_memory) == 64 << 20, "a plan by memory takes all of it");
  filter_plan(by_memory.capacity, .01, &plan);
  ok(by_memory.blocks - plan.blocks < 2 && plan.bits == by_memory.bits, "and is the plan for its capacity");
  filter_plan(1000000, .01, &plan);
  ok_near((double)filter_bytes(&plan) * 8 / 1e6, 10.10, .01, ".01 takes 10.1 bits a unit");
  ok(filter_rate(0, 10, 1) == 0, "an empty filter knows nothing");
  ok(filter_rate(1e9, 10, 1) > .999, "an overfull one everything");
}

static void repeated(void) {
  struct filter_plan plan;
  struct filter f;
  struct err e;
  struct hash128 same[5] = {hash(1), hash(2), hash(1), hash(1), hash(2)};
  unsigned char known[5];
  filter_plan(10, .001, &plan);
  if (filter_init(&f, &plan, &e) != 0) exit(1);
  filter_add_all(&f, same, 5, known);
  ok_bytes(known, 5, "\0\0\1\1\1", 5, "the second of two equal hashes in one call is known");
  filter_release(&f);
}

int main(void) {
  plans();
  simulated();
  repeated();
  variants();
  measured(500000, .2, 1000000);
  measured(500000, .01, 2000000);
  measured(500000, .001, 4000000);
  measured(300000, .0001, 16000000);
  return tap_done();
}
