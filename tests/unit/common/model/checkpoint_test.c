/* SPDX-License-Identifier: MIT
 *
 * Checkpoints as others write them (several files, bfloat16, extra copies) and as they must not be.
 */
#include "common/model/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/io/output.h"
#include "common/io/safetensors.h"
#include "tests/llama.h"
#include "tests/tap.h"

static struct err e;
static struct parameters p;

static char *path_of(const char *folder, const char *name) {
  static char paths[4][512];
  static int turn;
  char *path = paths[turn++ & 3];
  snprintf(path, 512, "%s/%s%s%s", tap_folder(), folder, name ? "/" : "", name ? name : "");
  return path;
}

/* Tensors first..last-1 of the layout as bfloat16 (bits) or float. */
static void write_part(const char *folder, const char *name, int first, int last, bool bf16, const char *extra, int64_t extra_count) {
  struct safetensors_writer *w = safetensors_writer_new();
  for (int i = first; i < last; i++) safetensors_writer_declare(w, p.layout.tensors[i].name, bf16 ? TENSOR_BF16 : TENSOR_F32, p.layout.tensors[i].rank, p.layout.tensors[i].shape);
  if (extra) safetensors_writer_declare(w, extra, TENSOR_F32, 1, &extra_count);
  if (safetensors_writer_open(w, path_of(folder, name), &e) < 0) exit(1);
  for (int i = first; i < last; i++) {
    const struct parameter_tensor *t = &p.layout.tensors[i];
    for (int64_t k = 0; k < t->count; k++) {
      float x = (float)p.values[t->offset + k];
      uint16_t high;
      memcpy(&high, (char *)&x + 2, 2);
      if (safetensors_writer_data(w, bf16 ? (void *)&high : (void *)&x, bf16 ? 2 : 4, &e) < 0) exit(1);
    }
  }
  float zero = 0;
  for (int64_t k = 0; extra && k < extra_count; k++)
    if (safetensors_writer_data(w, &zero, 4, &e) < 0) exit(1);
  if (safetensors_writer_commit(w, &e) < 0) exit(1);
}

static void folder_with_config(const char *folder) {
  struct buffer text = {0};
  config_write(&p.config, &text);
  if (output_folder(path_of(folder, NULL), &e) < 0 || output_file(path_of(folder, "config.json"), text.data, text.len, &e) < 0) exit(1);
  buffer_release(&text);
}

static void check_load(const char *folder, const char *says, double tolerance, const char *name) {
  struct model_config c;
  struct parameters got;
  if (checkpoint_config(&c, path_of(folder, NULL), &e) < 0 || parameters_init(&got, &c, backend_cpu(), false, &e) < 0) {
    ok(false, "%s: %s", name, e.message);
    return;
  }
  int result = checkpoint_weights(&got, path_of(folder, NULL), &e);
  double worst = 0;
  for (int64_t i = 0; i < got.layout.total && result == 0; i++) worst = fmax(worst, fabs((double)got.values[i] - p.values[i]) / (1e-3 + fabs((double)p.values[i])));
  ok(says ? result < 0 && strstr(e.message, says) : result == 0 && worst <= tolerance, "%s", name);
  if ((result < 0) != (says != NULL)) note("%s", result < 0 ? e.message : "loads");
  parameters_release(&got);
}

int main(void) {
  struct model_config c = llama(30, 16, 24, 2, 2, 1, 16);
  if (parameters_init(&p, &c, backend_cpu(), true, &e) < 0 || parameters_randomize(&p, 3, 1, &e) < 0) return 1;
  int n = p.layout.count;

  double sum = 0, squares = 0;
  const struct parameter_tensor *t = &p.layout.tensors[0];
  for (int64_t i = 0; i < t->count; i++) sum += p.values[t->offset + i], squares += (double)p.values[t->offset + i] * p.values[t->offset + i];
  ok(fabs(sum / (double)t->count) < 0.004 && fabs(sqrt(squares / (double)t->count) - 0.02) < 0.003, "initial matrices have mean 0 and the config's deviation");
  ok(p.values[p.layout.final_norm] == 1, "norms begin at one");

  folder_with_config("two");
  write_part("two", "model-00001-of-00002.safetensors", 0, 5, false, NULL, 0);
  write_part("two", "model-00002-of-00002.safetensors", 5, n, false, "lm_head.weight", 30 * 16);
  struct buffer index = {0};
  buffer_append_string(&index, "{\"metadata\":{\"total_size\":1},\"weight_map\":{\"lm_head.weight\":\"model-00002-of-00002.safetensors\"");
  for (int i = 0; i < n; i++) buffer_printf(&index, ",\"%s\":\"model-0000%d-of-00002.safetensors\"", p.layout.tensors[i].name, i < 5 ? 1 : 2);
  buffer_append_string(&index, "}}");
  if (output_file(path_of("two", "model.safetensors.index.json"), index.data, index.len, &e) < 0) return 1;
  buffer_release(&index);
  check_load("two", NULL, 0, "several files with an index load; the copy of a tied head is passed over");

  folder_with_config("bf16");
  write_part("bf16", "model.safetensors", 0, n, true, "model.layers.0.self_attn.rotary_emb.inv_freq", 4);
  check_load("bf16", NULL, 0.01, "bfloat16 loads; frequencies that old exports hold are passed over");
  folder_with_config("missing");
  write_part("missing", "model.safetensors", 0, n - 1, false, NULL, 0);
  check_load("missing", "is missing", 0, "a missing tensor is an error");
  folder_with_config("twice"); /* one tensor in two files does not make up for another that is in none */
  write_part("twice", "a.safetensors", 0, n - 1, false, NULL, 0);
  write_part("twice", "b.safetensors", 0, 1, false, NULL, 0);
  static const char map[] = "{\"weight_map\":{\"x\":\"a.safetensors\",\"y\":\"b.safetensors\"}}";
  if (output_file(path_of("twice", "model.safetensors.index.json"), map, sizeof map - 1, &e) < 0) return 1;
  check_load("twice", "in an earlier file", 0, "a tensor that comes twice is an error");
  folder_with_config("integers");
  struct safetensors_writer *w = safetensors_writer_new();
  int8_t *zeros = NEW_ARRAY(int8_t, (size_t)t->count);
  safetensors_writer_declare(w, t->name, TENSOR_I8, t->rank, t->shape);
  if (safetensors_writer_open(w, path_of("integers", "model.safetensors"), &e) < 0 || safetensors_writer_data(w, zeros, (size_t)t->count, &e) < 0 || safetensors_writer_commit(w, &e) < 0) return 1;
  free(zeros);
  check_load("integers", "holds integers", 0, "integers are not taken for weights");
  folder_with_config("unknown");
  write_part("unknown", "model.safetensors", 0, n, false, "model.layers.0.self_attn.q_proj.bias", 16);
  check_load("unknown", "q_proj.bias has no place", 0, "a tensor without a place is an error that names it");
  folder_with_config("shape");
  write_part("shape", "model.safetensors", 0, n, false, NULL, 0);
  struct buffer text = {0};
  struct model_config other = c;
  other.intermediate_size = 32;
  config_write(&other, &text);
  if (output_file(path_of("shape", "config.json"), text.data, text.len, &e) < 0) return 1;
  check_load("shape", "does not have the shape", 0, "another shape than the config's is an error");

  /* our own folder */
  json_t *state = json_pack("{s:i}", "step", 7);
  real *m = NEW_ARRAY(real, (size_t)p.layout.total), *v = NEW_ARRAY(real, (size_t)p.layout.total);
  const struct checkpoint_array arrays[] = {{"m.", &p.layout, m}, {"v.", &p.layout, v}}, unknown = {"w.", &p.layout, v};
  for (int64_t i = 0; i < p.layout.total; i++) m[i] = (real)i, v[i] = (real)(2 * i);
  ok(checkpoint_save(path_of("own", NULL), 7, &p, arrays, 2, state, NULL, &e) == 0 && checkpoint_save(path_of("own", NULL), 30, &p, arrays, 2, state, NULL, &e) == 0 && checkpoint_save(path_of("own", NULL), 100, &p, arrays, 2, state, NULL, &e) == 0, "three steps are saved");
  check_load("own", NULL, 0, "the folder itself is the newest");
  struct buffer folder = {0};
  ok(checkpoint_latest(path_of("own", NULL), &folder, &e) == 1 && strstr(folder.data, "step-100"), "steps are ordered by number");
  memset(m, 0, (size_t)p.layout.total * sizeof(real)), memset(v, 0, (size_t)p.layout.total * sizeof(real));
  int64_t at = p.layout.layers[1].down + 5;
  ok(checkpoint_arrays(arrays, 2, p.backend, folder.data, &e) == 0 && m[at] == (real)at && v[at] == (real)(2 * at), "the optimiser's arrays come back");
  ok(checkpoint_arrays(&unknown, 1, p.backend, folder.data, &e) < 0 && strstr(e.message, "tensor w.model.embed_tokens.weight is missing"), "an array that is not there is an error that names a tensor");
  json_t *read = checkpoint_state(folder.data, &e);
  ok(read && json_equal(read, state), "the state comes back");
  json_decref(read);
  mkdir(path_of("own", "step-200.tmp"), 0777);
  ok(checkpoint_prune(path_of("own", NULL), 2, &e) == 0 && access(path_of("own", "step-7"), F_OK) < 0 && access(path_of("own", "step-30"), F_OK) == 0 && access(path_of("own", "step-200.tmp"), F_OK) < 0, "the oldest goes, and what was left half-written");
  ok(checkpoint_save(path_of("own", NULL), 40, &p, arrays, 2, state, NULL, &e) == 0 && checkpoint_mark_best(path_of("own", NULL), 30, &e) == 0 && checkpoint_prune(path_of("own", NULL), 1, &e) == 0, "the best is marked");
  ok(access(path_of("own", "best/model.safetensors"), F_OK) == 0 && access(path_of("own", "step-30"), F_OK) == 0 && access(path_of("own", "step-40"), F_OK) < 0, "and stays, whatever its number");
  ok(checkpoint_save(path_of("own", NULL), 110, &p, arrays, 2, state, NULL, &e) == 0 && checkpoint_mark_best(path_of("own", NULL), 110, &e) == 0 && checkpoint_prune(path_of("own", NULL), 2, &e) == 0 && access(path_of("own", "step-30"), F_OK) < 0, "until a better one comes");
  ok(checkpoint_save(path_of("own", NULL), 100, &p, arrays, 2, state, NULL, &e) == 0 && access(path_of("own", "step-100.old"), F_OK) < 0, "a step may be saved again");
  ok(checkpoint_clear(path_of("own", NULL), &e) == 0 && checkpoint_latest(path_of("own", NULL), &folder, &e) == 0 && access(path_of("own", "config.json"), F_OK) < 0, "clearing leaves no step and no link");
  json_decref(state);
  buffer_release(&folder), buffer_release(&text);
  free(m), free(v);
  parameters_release(&p);
  return tap_done();
}
