/* SPDX-License-Identifier: MIT
 *
 * fastText supervised models (Joulin et al. 2016, https://arxiv.org/abs/1607.01759): the `.bin` file and prediction,
 * with the scores of the reference library (https://github.com/facebookresearch/fastText, version 0.9.2).
 *
 * A text is a line: tokens between white space (space, \n \t \v \f \r and NUL), then the token </s>.  Each token gives
 * the row of its word, if it is in the dictionary, and rows of its character n-grams (minn..maxn code points of
 * <token>); runs of 2..word_ngrams tokens give rows too.  N-grams are hashed into `bucket` rows behind those of the
 * words.  hidden = mean of the rows; p = softmax(output x hidden).
 *
 * File, little-endian: i32 magic 793712314, i32 version; twelve i32: dim ws epoch minCount neg wordNgrams loss model
 * bucket minn maxn lrUpdateRate; f64 t; i32 size, nwords, nlabels; i64 ntokens, pruneidx_size; per entry a NUL-ended
 * string, i64 count, i8 type (0 word, 1 label; words first); u8 quantised; i64 m, n and m x n f32 (input matrix);
 * u8 quantised; i64 m, n and m x n f32 (output matrix).
 */
#ifndef TEXT_FASTTEXT_H
#define TEXT_FASTTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buffer.h"
#include "common/base/err.h"

enum { FASTTEXT_MAGIC = 793712314, FASTTEXT_VERSION = 12 };
enum fasttext_loss { FASTTEXT_HIERARCHICAL = 1, FASTTEXT_NEGATIVE, FASTTEXT_SOFTMAX, FASTTEXT_ONE_VS_ALL };
enum { FASTTEXT_SUPERVISED = 3 };
enum { FASTTEXT_MAXN = 64 }; /* longer character n-grams are refused */

struct fasttext_args { /* in file order */
  int32_t dim, ws, epoch, min_count, neg, word_ngrams, loss, model, bucket, minn, maxn, lr_update_rate;
  double t;
};

struct fasttext_entry {
  struct slice text; /* labels with __label__ */
  int64_t count;
  uint32_t hash;
};

struct fasttext {
  struct fasttext_args args;
  int32_t words, labels;
  int64_t tokens;
  bool no_subwords;               /* pruneidx_size 0: n-gram rows were all pruned */
  struct fasttext_entry *entries; /* words, then labels */
  char *strings;                  /* what their texts point to; may be NULL when somebody else owns them */
  float *input;                   /* [words + bucket][dim] */
  float *output;                  /* [labels][dim] */
  /* made by fasttext_index() */
  uint32_t *slots, slot_mask;     /* hash table of entries, index + 1 */
  uint32_t *subwords;             /* of word w: [subword_start[w], subword_start[w + 1]); none: computed when needed */
  size_t *subword_start;
  uint64_t bucket_inverse;
};

/* Reads a dense softmax model.  Quantised models (.ftz), other losses, unsupervised models and files that are cut or
 * contradict themselves are errors.  NULL on error. */
struct fasttext *fasttext_load(const char *path, struct err *e);
struct fasttext *fasttext_parse(const void *data, size_t size, struct err *e);
void fasttext_free(struct fasttext *m);

/* For trainers, once args, entries, words and labels are set: hash table and cache of character n-grams. */
void fasttext_index(struct fasttext *m);

uint32_t fasttext_hash(const char *text, size_t n);
/* Index of the entry, or -1. */
int64_t fasttext_find(const struct fasttext *m, const char *text, size_t n, uint32_t hash);
struct slice fasttext_label(const struct fasttext *m, int32_t label); /* without __label__ */
int32_t fasttext_label_index(const struct fasttext *m, struct slice name); /* -1 when absent; with or without __label__ */

struct fasttext_line { /* zero to start; may be used again */
  uint32_t *ids; /* rows of the input matrix, in the reference's order */
  size_t count, capacity;
  int32_t *hashes;
  size_t hash_count, hash_capacity;
  /* Not NULL: called with a part of the ids whenever there are many, and once at the end, after which count is 0. */
  void (*flush)(struct fasttext_line *line, void *context);
  void *context;
};

/* The rows of one text; what `line` held is replaced. */
void fasttext_line_read(const struct fasttext *m, struct slice text, struct fasttext_line *line);
void fasttext_line_release(struct fasttext_line *line);

/* Sums rows into sum[dim], one after the other, as the reference does (float addition is not associative). */
void fasttext_add_rows(const struct fasttext *m, const uint32_t *ids, size_t count, float *sum);
/* p[labels] = softmax(output x hidden). */
void fasttext_softmax(const struct fasttext *m, const float *hidden, float *p);

struct fasttext_scores { /* zero to start; one per thread and model */
  struct fasttext_line line;
  float *hidden, *probability; /* probability[labels]: what the reference reports, p + 1e-5 */
  size_t rows;
  int32_t best;
};

/* False when the text has no row at all (then there is no prediction: all 0, best -1). */
bool fasttext_predict(const struct fasttext *m, struct slice text, struct fasttext_scores *scores);
void fasttext_scores_release(struct fasttext_scores *scores);

#endif
