/* SPDX-License-Identifier: MIT
 *
 * fastText supervised models (Joulin et al. 2016, https://arxiv.org/abs/1607.01759): the `.bin` file and prediction,
 * with the scores of the reference library (https://github.com/facebookresearch/fastText, version 0.9.2).
 *
 * A text is a line: tokens between white space (space, \n \t \v \f \r and NUL), then the token </s>.  Each token gives
 * the row of its word, if it is in the dictionary, and rows of its character n-grams (minn..maxn code points of
 * <token>); runs of 2..word_ngrams tokens give rows too.  N-grams are hashed into `bucket` rows behind those of the
 * words; a pruned model kept some of these rows.  hidden = mean of the rows; x = output x hidden.  p by the loss:
 * softmax(x); one-vs-all and negative sampling: sigmoid(x), from a table of 512 values; hierarchical softmax: the
 * product of sigmoids on the way to the label in the Huffman tree of the labels' counts.
 *
 * File, little-endian: i32 magic 793712314, i32 version; twelve i32: dim ws epoch minCount neg wordNgrams loss model
 * bucket minn maxn lrUpdateRate; f64 t; i32 size, nwords, nlabels; i64 ntokens, pruned (-1: not); per entry a NUL-ended
 * string, i64 count, i8 type (0 word, 1 label; words first); `pruned` pairs i32 bucket, i32 row behind the words;
 * u8 quantised, input matrix; u8 quantised, output matrix (believed when the input is quantised too).  A matrix is i64 m,
 * n and m x n f32, or, quantised (Jegou, Douze, Schmid 2011; Joulin et al. 2016, https://arxiv.org/abs/1612.03651),
 * u8 with norms, i64 m, n, i32 m x parts, codes u8 [m][parts], quantiser; with norms: u8 [m] and a quantiser of dim 1.
 * A quantiser is i32 dim, parts, dsub, last, then centroids f32: parts - 1 times [256][dsub], then [256][last].
 *
 * Memory: a dense input matrix of more than FASTTEXT_COPIED bytes stays in the mapped file, which processes share and the
 * system may take back; a smaller one, the dictionary and the output matrix take their size; a quantised model its file's
 * size and, when that is at most FASTTEXT_DECODED bytes, its input matrix in f32; the n-grams of its words 4 bytes each,
 * at most 256 MiB; about 1 MiB per thread and model.
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
enum { FASTTEXT_MAXN = 64 };              /* longer character n-grams are refused */
enum { FASTTEXT_PRUNED_BUCKETS = 1 << 28 }; /* more buckets are refused in a pruned model: it keeps 1.5 bits for each */

struct fasttext_args { /* in file order */
  int32_t dim, ws, epoch, min_count, neg, word_ngrams, loss, model, bucket, minn, maxn, lr_update_rate;
  double t;
};

struct fasttext_entry {
  struct slice text; /* labels with __label__ */
  int64_t count;
  uint32_t hash;
};

struct fasttext_codes { /* row r is norms[norm_codes[r]] x (centroid codes[r][0] of part 0, ...) */
  int64_t rows;
  int32_t dim, parts, dsub, last; /* parts have dsub columns, the last one `last` */
  uint8_t *codes;                 /* [rows][parts] */
  float *centroids;               /* [256 x dim], as in the file */
  uint8_t *norm_codes;            /* [rows]; NULL: no norms */
  float norms[256];
};

struct fasttext_pair { /* a bucket that pruning left and its row behind the words */
  int32_t bucket, row;
};

struct fasttext_node { /* of the Huffman tree: labels, then labels - 1 inner nodes, the root last */
  int32_t parent, left, right; /* -1: none */
};

struct fasttext {
  struct fasttext_args args;
  int32_t words, labels;
  int64_t tokens;
  bool pruned;                    /* only the rows of `pairs` are left of the buckets */
  int64_t pair_count;
  struct fasttext_pair *pairs;
  struct fasttext_entry *entries; /* words, then labels */
  char *strings;                  /* what their texts point to; may be NULL when somebody else owns them */
  float *input;                   /* [rows][dim]; NULL: mapped, or quantised and too large to be decoded */
  const char *mapped_input;       /* the same in the file, at any address; NULL: not mapped */
  void *mapping;                  /* the whole file, and its size */
  size_t mapping_size;
  float *output;                  /* [labels][dim]; of a quantised one without the norms; NULL as above */
  struct fasttext_codes *input_codes, *output_codes; /* NULL: dense */
  /* made by fasttext_index() */
  int64_t rows;                   /* of the input matrix: words + bucket, or words + pair_count */
  uint64_t *slots;                /* hash table of entries: hash << 32 | index + 1 */
  uint32_t slot_mask;
  uint32_t *subwords;             /* of word w: [subword_start[w], subword_start[w + 1]); none: computed when needed */
  size_t *subword_start;
  uint64_t *pair_bits;            /* of each bucket: is it in pairs? */
  uint32_t *pair_ranks;           /* of pair_bits[i]: bits before it */
  uint32_t *pair_rows;            /* by rank */
  uint64_t bucket_inverse;
  struct fasttext_node *tree;     /* hierarchical softmax only */
};

enum { FASTTEXT_CENTROIDS = 256 };
enum { FASTTEXT_DECODED = 256 << 20, FASTTEXT_COPIED = 16 << 20 };

/* Reads a supervised model, `.bin` or `.ftz`.  Word vectors and files that are cut or contradict themselves are errors.
 * NULL on error. */
struct fasttext *fasttext_load(const char *path, struct err *e);
struct fasttext *fasttext_parse(const void *data, size_t size, struct err *e);
void fasttext_free(struct fasttext *m);
void fasttext_codes_free(struct fasttext_codes *c);

/* For trainers, once args, entries, words, labels (and pruned, pair_count and pairs) are set: the tables above. */
void fasttext_index(struct fasttext *m);
/* Input and output from their codes, where they fit FASTTEXT_DECODED. */
void fasttext_decode(struct fasttext *m);
/* Row r without its norm into row[dim]; the norm (1 when there are none). */
float fasttext_codes_row(const struct fasttext_codes *c, int64_t r, float *row);

uint32_t fasttext_hash(const char *text, size_t n);
/* Index of the entry, or -1. */
int64_t fasttext_find(const struct fasttext *m, const char *text, size_t n, uint32_t hash);
struct slice fasttext_label(const struct fasttext *m, int32_t label); /* without __label__ */
int32_t fasttext_label_index(const struct fasttext *m, struct slice name); /* -1 when absent; with or without __label__ */

struct fasttext_line { /* zero to start; may be used again, with the same model */
  uint32_t *ids; /* rows of the input matrix, in the reference's order */
  size_t count, capacity;
  int32_t *hashes;
  size_t hash_count, hash_capacity;
  struct fasttext_cache *cache; /* of tokens seen, with their rows */
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
  float *hidden, *probability; /* probability[labels]: what the reference reports, p + 1e-5 (hierarchical: see below) */
  float *score;                /* [labels]: logarithms of probability */
  struct fasttext_visit *stack;
  float *row;                  /* [dim] */
  size_t rows;
  int32_t best; /* what the reference predicts: of equal scores the last one */
  float best_probability;
};

/* False when the text has no row at all, or rows that are not finite (then there is no prediction: all 0, best -1).  Hierarchical softmax: what the
 * reference does not list, because its probability is below 1e-5, is 0. */
bool fasttext_predict(const struct fasttext *m, struct slice text, struct fasttext_scores *scores);
/* Only best, best_probability and probability[] of the given labels (count may be 0): the same values, sooner. */
bool fasttext_predict_labels(const struct fasttext *m, struct slice text, const int32_t *labels, size_t count, struct fasttext_scores *scores);
/* After fasttext_predict: the `k` most probable labels into labels[k], best first, in the reference's order where scores
 * are equal (its heap's); returns how many there are. */
size_t fasttext_best_labels(const struct fasttext *m, struct fasttext_scores *scores, size_t k, int32_t *labels);
void fasttext_scores_release(struct fasttext_scores *scores);

#endif
