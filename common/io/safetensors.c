/* SPDX-License-Identifier: MIT
 *
 * safetensors, read with pread (memory does not grow with the file) and written through an atomic output.
 * A header is foreign bytes: it must be one JSON object whose tensors have a known dtype, a shape whose size is that of
 * its data, and data that tile the rest of the file without holes or overlaps, as the reference implementation demands.
 */
#include "common/io/safetensors.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buffer.h"
#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/io/output.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "little-endian only"
#endif

#define HEADER_LIMIT (100u << 20) /* the reference implementation's */

static const struct {
  const char *name;
  size_t size;
} types[] = {
    [TENSOR_F64] = {"F64", 8}, [TENSOR_F32] = {"F32", 4}, [TENSOR_F16] = {"F16", 2}, [TENSOR_BF16] = {"BF16", 2},
    [TENSOR_I64] = {"I64", 8}, [TENSOR_I32] = {"I32", 4}, [TENSOR_I16] = {"I16", 2}, [TENSOR_I8] = {"I8", 1},
    [TENSOR_U8] = {"U8", 1},   [TENSOR_BOOL] = {"BOOL", 1},
};
enum { TYPES = sizeof types / sizeof *types };

size_t tensor_type_size(enum tensor_type t) { return types[t].size; }

/* ---- reading */

struct safetensors {
  int fd;
  char *path;
  uint64_t data; /* where the data part starts in the file */
  struct tensor_info *tensors;
  int count;
};

static int read_at(const struct safetensors *s, void *out, size_t n, uint64_t offset, struct err *e) {
  char *to = out;
  while (n) {
    ssize_t got = pread(s->fd, to, n, (off_t)offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return err_errno(e, "%s", s->path);
    if (got == 0) return err_set(e, "%s: truncated while being read", s->path);
    to += got, n -= (size_t)got, offset += (uint64_t)got;
  }
  return 0;
}

static int parse_tensor(const struct safetensors *s, const char *name, json_t *value, uint64_t data_bytes, struct tensor_info *t, struct err *e) {
  const char *type = json_string_value(json_object_get(value, "dtype"));
  json_t *shape = json_object_get(value, "shape"), *offsets = json_object_get(value, "data_offsets");
  if (!type || !json_is_array(shape) || !json_is_array(offsets) || json_array_size(offsets) != 2)
    return err_set(e, "%s: tensor %s lacks dtype, shape or data_offsets", s->path, name);
  int known = 0;
  while (known < TYPES && strcmp(types[known].name, type) != 0) known++;
  if (known == TYPES) return err_set(e, "%s: tensor %s has dtype %s, which is not supported", s->path, name, type);
  t->type = (enum tensor_type)known;
  if (json_array_size(shape) > 8) return err_set(e, "%s: tensor %s has more than 8 dimensions", s->path, name);
  t->rank = (int)json_array_size(shape);
  t->count = 1;
  for (int i = 0; i < t->rank; i++) {
    json_t *dimension = json_array_get(shape, (size_t)i);
    if (!json_is_integer(dimension) || json_integer_value(dimension) < 0 ||
        __builtin_mul_overflow(t->count, (int64_t)json_integer_value(dimension), &t->count))
      return err_set(e, "%s: tensor %s has an impossible shape", s->path, name);
    t->shape[i] = json_integer_value(dimension);
  }
  json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
  if (!json_is_integer(begin) || !json_is_integer(end) || json_integer_value(begin) < 0 ||
      json_integer_value(end) < json_integer_value(begin) || (uint64_t)json_integer_value(end) > data_bytes)
    return err_set(e, "%s: the data of tensor %s lie outside the file", s->path, name);
  t->begin = (uint64_t)json_integer_value(begin), t->end = (uint64_t)json_integer_value(end);
  int64_t bytes;
  if (__builtin_mul_overflow(t->count, (int64_t)types[t->type].size, &bytes) || (uint64_t)bytes != t->end - t->begin)
    return err_set(e, "%s: the data of tensor %s do not have the size of its shape", s->path, name);
  t->name = STRDUP(name);
  return 0;
}

static int by_data(const void *a, const void *b) {
  const struct tensor_info *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  if (x->end != y->end) return x->end < y->end ? -1 : 1;
  return strcmp(x->name, y->name);
}

static int parse_header(struct safetensors *s, json_t *header, uint64_t data_bytes, struct err *e) {
  if (!json_is_object(header)) return err_set(e, "%s: the header is not a JSON object", s->path);
  s->tensors = NEW_ARRAY(struct tensor_info, json_object_size(header) + 1);
  const char *name;
  json_t *value;
  json_object_foreach(header, name, value) {
    if (strcmp(name, "__metadata__") == 0) continue;
    if (parse_tensor(s, name, value, data_bytes, &s->tensors[s->count], e) < 0) return -1;
    s->count++;
  }
  qsort(s->tensors, (size_t)s->count, sizeof *s->tensors, by_data);
  uint64_t at = 0;
  for (int i = 0; i < s->count; i++) {
    if (s->tensors[i].begin != at) return err_set(e, "%s: the data of tensor %s overlap or leave a hole", s->path, s->tensors[i].name);
    at = s->tensors[i].end;
  }
  if (at != data_bytes) return err_set(e, "%s: %llu bytes of data belong to no tensor", s->path, (unsigned long long)(data_bytes - at));
  return 0;
}

static int open_file(struct safetensors *s, struct err *e) {
  struct stat st;
  s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
  if (s->fd < 0 || fstat(s->fd, &st) < 0) return err_errno(e, "%s", s->path);
  uint64_t length = 0, size = (uint64_t)st.st_size;
  if (size < 8) return err_set(e, "%s: not a safetensors file: too short", s->path);
  if (read_at(s, &length, 8, 0, e) < 0) return -1;
  if (length > HEADER_LIMIT || length > size - 8) return err_set(e, "%s: not a safetensors file: its header would be %llu bytes long", s->path, (unsigned long long)length);
  char *text = MALLOC(length + 1);
  int result = read_at(s, text, length, 8, e);
  if (result == 0) {
    json_error_t error;
    json_t *header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    s->data = 8 + length;
    result = header ? parse_header(s, header, size - s->data, e) : err_set(e, "%s: header: %s", s->path, error.text);
    json_decref(header);
  }
  free(text);
  return result;
}

int safetensors_open(struct safetensors **out, const char *path, struct err *e) {
  struct safetensors *s = NEW(struct safetensors);
  s->path = STRDUP(path);
  s->fd = -1;
  if (open_file(s, e) < 0) {
    safetensors_close(s);
    return -1;
  }
  *out = s;
  return 0;
}

void safetensors_close(struct safetensors *s) {
  if (!s) return;
  for (int i = 0; i < s->count; i++) free((char *)s->tensors[i].name);
  free(s->tensors);
  free(s->path);
  if (s->fd >= 0) close(s->fd);
  free(s);
}

int safetensors_count(const struct safetensors *s) { return s->count; }
const struct tensor_info *safetensors_at(const struct safetensors *s, int i) { return &s->tensors[i]; }

const struct tensor_info *safetensors_find(const struct safetensors *s, const char *name) {
  for (int i = 0; i < s->count; i++)
    if (strcmp(s->tensors[i].name, name) == 0) return &s->tensors[i];
  return NULL;
}

static double half_to_double(uint16_t h) {
  uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = (h >> 10) & 31, fraction = h & 1023, bits;
  if (exponent == 0) return (sign ? -1.0 : 1.0) * (double)fraction * 0x1p-24; /* zero and subnormal */
  bits = sign | (exponent == 31 ? 0xFFu : exponent + 112) << 23 | fraction << 13;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

static double element(const char *at, enum tensor_type type) {
  union {
    double f64;
    float f32;
    uint16_t u16;
    int64_t i64;
    int32_t i32;
    int16_t i16;
    int8_t i8;
    uint8_t u8;
    uint32_t u32;
  } u;
  memcpy(&u, at, types[type].size);
  switch (type) {
    case TENSOR_F64: return u.f64;
    case TENSOR_F32: return u.f32;
    case TENSOR_F16: return half_to_double(u.u16);
    case TENSOR_BF16: u.u32 = (uint32_t)u.u16 << 16; return u.f32;
    case TENSOR_I64: return (double)u.i64;
    case TENSOR_I32: return u.i32;
    case TENSOR_I16: return u.i16;
    case TENSOR_I8: return u.i8;
    default: return u.u8;
  }
}

/* Converts through a block of 64 KiB; exactly one of f32 and f64 is not NULL. */
static int read_converted(const struct safetensors *s, const struct tensor_info *t, int64_t from, int64_t count, float *f32, double *f64, struct err *e) {
  if (from < 0 || count < 0 || from > t->count || count > t->count - from)
    return err_set(e, "%s: tensor %s has %lld elements, asked for %lld from %lld", s->path, t->name, (long long)t->count, (long long)count, (long long)from);
  size_t size = types[t->type].size;
  uint64_t at = s->data + t->begin + (uint64_t)from * size;
  if ((f32 && t->type == TENSOR_F32) || (f64 && t->type == TENSOR_F64))
    return read_at(s, f32 ? (void *)f32 : (void *)f64, (size_t)count * size, at, e);
  char block[1 << 16];
  int64_t per_block = (int64_t)(sizeof block / size);
  for (int64_t done = 0; done < count;) {
    int64_t n = count - done < per_block ? count - done : per_block;
    if (read_at(s, block, (size_t)n * size, at + (uint64_t)done * size, e) < 0) return -1;
    for (int64_t i = 0; i < n; i++) {
      double value = element(block + (size_t)i * size, t->type);
      if (f32) f32[done + i] = (float)value;
      else f64[done + i] = value;
    }
    done += n;
  }
  return 0;
}

int safetensors_read_f32(const struct safetensors *s, const struct tensor_info *t, int64_t from, int64_t count, float *out, struct err *e) {
  return read_converted(s, t, from, count, out, NULL, e);
}

int safetensors_read_f64(const struct safetensors *s, const struct tensor_info *t, int64_t from, int64_t count, double *out, struct err *e) {
  return read_converted(s, t, from, count, NULL, out, e);
}

int safetensors_read_raw(const struct safetensors *s, const struct tensor_info *t, void *out, struct err *e) {
  return read_at(s, out, t->end - t->begin, s->data + t->begin, e);
}

/* ---- writing */

struct safetensors_writer {
  struct buffer header;
  uint64_t declared, written;
  struct output *out;
};

struct safetensors_writer *safetensors_writer_new(void) {
  struct safetensors_writer *w = NEW(struct safetensors_writer);
  buffer_append_string(&w->header, "{\"__metadata__\":{\"format\":\"pt\"}");
  return w;
}

void safetensors_writer_declare(struct safetensors_writer *w, const char *name, enum tensor_type type, int rank, const int64_t *shape) {
  buffer_put(&w->header, ',');
  json_append_string(&w->header, slice_of(name));
  buffer_printf(&w->header, ":{\"dtype\":\"%s\",\"shape\":[", types[type].name);
  uint64_t bytes = types[type].size;
  for (int i = 0; i < rank; i++) {
    buffer_printf(&w->header, "%s%lld", i ? "," : "", (long long)shape[i]);
    bytes *= (uint64_t)shape[i];
  }
  buffer_printf(&w->header, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)w->declared, (unsigned long long)(w->declared + bytes));
  w->declared += bytes;
}

int safetensors_writer_open(struct safetensors_writer *w, const char *path, struct err *e) {
  if (output_open(&w->out, path, OUTPUT_BINARY, e) < 0) return -1;
  buffer_put(&w->header, '}');
  while (w->header.len % 8) buffer_put(&w->header, ' '); /* so that the data are aligned */
  uint64_t length = w->header.len;
  if (output_write(w->out, &length, 8, e) < 0) return -1;
  return output_write(w->out, w->header.data, w->header.len, e);
}

int safetensors_writer_data(struct safetensors_writer *w, const void *data, size_t bytes, struct err *e) {
  w->written += bytes;
  return output_write(w->out, data, bytes, e);
}

int safetensors_writer_commit(struct safetensors_writer *w, struct err *e) {
  if (w->written != w->declared) {
    err_set(e, "%s: %llu bytes of tensors were declared and %llu written", output_name(w->out), (unsigned long long)w->declared, (unsigned long long)w->written);
    safetensors_writer_abort(w);
    return -1;
  }
  int result = output_commit(w->out, e);
  w->out = NULL;
  safetensors_writer_abort(w);
  return result;
}

void safetensors_writer_abort(struct safetensors_writer *w) {
  if (!w) return;
  output_abort(w->out);
  buffer_release(&w->header);
  free(w);
}
