/* SPDX-License-Identifier: MIT
 *
 * safetensors: u64 length, a JSON header {name: {dtype, shape, data_offsets}}, then the data, little-endian.
 * https://github.com/huggingface/safetensors (format description in its README)
 */
#ifndef IO_SAFETENSORS_H
#define IO_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum tensor_type { TENSOR_F64, TENSOR_F32, TENSOR_F16, TENSOR_BF16, TENSOR_I64, TENSOR_I32, TENSOR_I16, TENSOR_I8, TENSOR_U8, TENSOR_BOOL };
size_t tensor_type_size(enum tensor_type t);

struct tensor_info {
  const char *name;
  enum tensor_type type;
  int rank;
  int64_t shape[8];
  int64_t count;        /* product of shape */
  uint64_t begin, end;  /* bytes in the data part */
};

/* ---- reading */
struct safetensors;

int safetensors_open(struct safetensors **s, const char *path, struct err *e);
void safetensors_close(struct safetensors *s);
int safetensors_count(const struct safetensors *s);
const struct tensor_info *safetensors_at(const struct safetensors *s, int i); /* in order of their data */
const struct tensor_info *safetensors_find(const struct safetensors *s, const char *name); /* NULL */
/* Reads `count` elements from element `from`, converted to float or double (from F64, F32, F16, BF16, I32, I64). */
int safetensors_read_f32(const struct safetensors *s, const struct tensor_info *t, int64_t from, int64_t count, float *out, struct err *e);
int safetensors_read_f64(const struct safetensors *s, const struct tensor_info *t, int64_t from, int64_t count, double *out, struct err *e);
int safetensors_read_raw(const struct safetensors *s, const struct tensor_info *t, void *out, struct err *e);

/* ---- writing: declare all tensors, then write their data in the same order */
struct safetensors_writer;

struct safetensors_writer *safetensors_writer_new(void);
void safetensors_writer_declare(struct safetensors_writer *w, const char *name, enum tensor_type type, int rank, const int64_t *shape);
int safetensors_writer_open(struct safetensors_writer *w, const char *path, struct err *e); /* writes the header; __metadata__ {"format":"pt"} */
int safetensors_writer_data(struct safetensors_writer *w, const void *data, size_t bytes, struct err *e);
int safetensors_writer_commit(struct safetensors_writer *w, struct err *e); /* frees; error when the data declared is not complete */
void safetensors_writer_abort(struct safetensors_writer *w);

#endif
