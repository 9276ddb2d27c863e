/* SPDX-License-Identifier: MIT */
#include "common/io/safetensors.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"

static struct err e;

static const char *path_of(const char *name) {
  static char path[256];
  snprintf(path, sizeof path, "%s/%s", tap_folder(), name);
  return path;
}

static const char *file_with(const char *header, size_t data_bytes) {
  const char *path = path_of("made.safetensors");
  FILE *f = fopen(path, "wb");
  uint64_t n = strlen(header);
  fwrite(&n, 8, 1, f);
  fwrite(header, 1, n, f);
  for (size_t i = 0; i < data_bytes; i++) fputc((int)i, f);
  fclose(f);
  return path;
}

static void refuses(const char *header, size_t bytes, const char *why, const char *name) {
  struct safetensors *s;
  bool refused = safetensors_open(&s, file_with(header, bytes), &e) < 0;
  ok(refused && strstr(e.message, why), "%s", name);
  if (!refused) safetensors_close(s);
  else if (!strstr(e.message, why)) note("%s", e.message);
}

static void check_round_trip(void) {
  float matrix[6] = {1, -2, 3.5f, 0, 1e-30f, -1e30f};
  uint16_t halves[4] = {0x3C00, 0xC000, 0x0001, 0x7C00}, brains[2] = {0x3F80, 0xC040};
  int64_t shape[2] = {2, 3}, four = 4, two = 2;
  struct safetensors_writer *w = safetensors_writer_new();
  safetensors_writer_declare(w, "a \"quoted\" name", TENSOR_F32, 2, shape);
  safetensors_writer_declare(w, "half", TENSOR_F16, 1, &four);
  safetensors_writer_declare(w, "brain", TENSOR_BF16, 1, &two);
  safetensors_writer_declare(w, "scalar", TENSOR_F64, 0, NULL);
  double scalar = 2.5;
  ok(safetensors_writer_open(w, path_of("w.safetensors"), &e) == 0 && safetensors_writer_data(w, matrix, sizeof matrix, &e) == 0 && safetensors_writer_data(w, halves, sizeof halves, &e) == 0 &&
         safetensors_writer_data(w, brains, sizeof brains, &e) == 0 && safetensors_writer_data(w, &scalar, 8, &e) == 0 && safetensors_writer_commit(w, &e) == 0,
     "tensors are written");
  struct safetensors *s;
  if (!ok(safetensors_open(&s, path_of("w.safetensors"), &e) == 0, "and open")) return;
  ok_int(safetensors_count(s), 4, "all of them, __metadata__ not counted");
  const struct tensor_info *t = safetensors_find(s, "a \"quoted\" name");
  ok(t && t->rank == 2 && t->shape[0] == 2 && t->shape[1] == 3 && t->count == 6, "with name and shape");
  float part[3], half[4], brain[2];
  double one;
  ok(safetensors_read_f32(s, t, 2, 3, part, &e) == 0 && part[0] == 3.5f && part[1] == 0 && part[2] == 1e-30f, "a part of a tensor can be read");
  ok(safetensors_read_f32(s, safetensors_find(s, "half"), 0, 4, half, &e) == 0 && half[0] == 1 && half[1] == -2 && half[2] == 0x1p-24f && isinf(half[3]), "half precision becomes float, subnormal and infinite too");
  ok(safetensors_read_f32(s, safetensors_find(s, "brain"), 0, 2, brain, &e) == 0 && brain[0] == 1 && brain[1] == -3, "bfloat16 becomes float");
  ok(safetensors_read_f64(s, safetensors_find(s, "scalar"), 0, 1, &one, &e) == 0 && one == 2.5, "a scalar has one element");
  ok(safetensors_read_f32(s, t, 4, 3, part, &e) < 0, "reading past the end is refused");
  ok(!safetensors_find(s, "none"), "an absent name is not found");
  safetensors_close(s);
}

int main(void) {
  check_round_trip();
  refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, "outside the file", "data cut short are refused");
  refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9, "no tensor", "bytes of no tensor are refused");
  refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "size of its shape", "a shape of another size is refused");
  refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}", 8, "impossible shape", "a shape that overflows is refused");
  refuses("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,8]}}", 8, "impossible shape", "a negative shape is refused");
  refuses("{\"a\":{\"dtype\":\"Q4\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "Q4", "an unknown type is named");
  refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[2,6]}}", 6, "overlap", "overlapping tensors are refused");
  refuses("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}", 4, "", "a name twice is refused");
  refuses("[1]", 0, "not a JSON object", "a header that is no object is refused");
  refuses("{\"a\":3}", 0, "lacks", "a tensor without fields is refused");
  FILE *f = fopen(path_of("long.safetensors"), "wb");
  uint64_t n = UINT64_MAX;
  fwrite(&n, 8, 1, f);
  fclose(f);
  struct safetensors *s;
  ok(safetensors_open(&s, path_of("long.safetensors"), &e) < 0 && strstr(e.message, "not a safetensors file"), "a header longer than the file is refused");
  return tap_done();
}
