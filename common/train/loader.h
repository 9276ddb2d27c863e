/* SPDX-License-Identifier: MIT
 *
 * Batches of windows of T+1 tokens from token shards, shuffled without an index in memory.
 *
 * A source is the stream of its shards joined in order; its window i is tokens i T .. i T + T, so that every token is
 * predicted once an epoch.  In epoch k, draw j of a source is window permute(j): a Feistel network over the next even
 * power of two, walked until it lands inside (Black and Rogaway 2002), keyed by seed, source and epoch.  Several sources
 * take turns so that after any number of draws each has had its share, weight / sum of weights, to within one draw.
 * The whole position is the number of draws per source.
 */
#ifndef TRAIN_LOADER_H
#define TRAIN_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/io/shards.h"

struct loader;

struct loader_info {          /* what all shards agree on */
  bool ours;                  /* at least one shard carries our words */
  int64_t vocabulary_size;    /* 0: not said */
  int64_t end_of_text;        /* -1: none or not said */
  uint64_t tokenizer_hash;    /* when ours */
  int64_t tokens;             /* in all shards together, validation included */
};

struct loader *loader_new(void);
void loader_free(struct loader *l);

/* "[WEIGHT:]GLOB": a new source; weight 1 unless given.  A name without * ? [ is a file.  No match is an error. */
int loader_add_source(struct loader *l, const char *spec, struct err *e);
/* A further shard of the last source. */
int loader_add_shard(struct loader *l, const char *path, struct err *e);
/* "GLOB": shards of a further validation set. */
int loader_add_validation(struct loader *l, const char *spec, struct err *e);

void loader_info(const struct loader *l, struct loader_info *info);

/* After all sources: fixes T and the seed.  Without a validation set the last tenth of every source, tokens from
 * floor(.9 n), is held back as one.  eval_tokens: the predictions of all sets together, shared in equal parts between sets
 * that were added, by weight between those held back.  Ids must be below `vocab_size`. */
int loader_start(struct loader *l, int64_t T, int64_t vocab_size, uint64_t seed, int64_t eval_tokens, struct err *e);

int64_t loader_training_tokens(const struct loader *l); /* one epoch of all sources */
int loader_sources(const struct loader *l);
/* From the path: "web_*.bin" is web as are all files in a folder web, "code.bin" is code; letters, digits, - and _ only, no two alike. */
const char *loader_source_name(const struct loader *l, int source);
double loader_share(const struct loader *l, int source); /* weight / sum of weights */
int64_t loader_windows(const struct loader *l, int source);
int64_t loader_draws(const struct loader *l, int source); /* the position: save these ... */
void loader_seek(struct loader *l, int source, int64_t draws); /* ... and put them back */

/* The next `count` windows, each of T+1 tokens, and the source of each (NULL: not wanted). */
int loader_next(struct loader *l, int64_t count, uint32_t *windows, int32_t *sources, struct err *e);

/* Validation: at most eval_tokens predictions, of each set windows of T and a shorter last one.  The i-th window of all
 * sets: its number of predictions (<= T), that many + 1 tokens, and its set (NULL: not wanted); 0 at the end. */
int64_t loader_validation_tokens(const struct loader *l);
int loader_validation_sets(const struct loader *l);
const char *loader_validation_name(const struct loader *l, int set);
int64_t loader_validation(struct loader *l, int64_t i, uint32_t *window, int *set, struct err *e);

/* A permutation of 0..n-1: the image of i. */
uint64_t loader_permute(uint64_t i, uint64_t n, uint64_t key);

#endif
