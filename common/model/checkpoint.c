/* SPDX-License-Identifier: MIT */
#include "common/model/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/io/output.h"
#include "common/io/safetensors.h"

#define BLOCK (1 << 20) /* elements converted at a time */

static const char *join(struct buffer *path, const char *folder, const char *name) {
  buffer_clear(path);
  buffer_printf(path, "%s/%s", folder, name);
  return buffer_string(path);
}

/* ---- reading */

int checkpoint_config(struct model_config *c, const char *folder, struct err *e) {
  struct buffer path = {0};
  json_t *object = config_load(join(&path, folder, "config.json"), e);
  int result = object ? config_parse(c, object, path.data, e) : -1;
  json_decref(object);
  buffer_release(&path);
  return result;
}

static int read_real(const struct safetensors *s, const struct tensor_info *t, int64_t from, int64_t count, real *out, struct err *e) {
#ifdef KERNELS_DOUBLE
  return safetensors_read_f64(s, t, from, count, out, e);
#else
  return safetensors_read_f32(s, t, from, count, out, e);
#endif
}

/* Where element i of a tensor, as it lies in memory, stands on disk. */
static int64_t disk_index(const struct parameter_tensor *t, int64_t i) {
  int64_t row = i / t->shape[1], column = i % t->shape[1];
  if (t->transposed) return column * t->shape[0] + row;
  int64_t k = row % t->head - (t->head - t->pairs), half = t->pairs / 2; /* among the rotated rows */
  if (k >= 0) row += (k < half ? 2 * k : 2 * (k - half) + 1) - k;
  return row * t->shape[1] + column;
}

static bool reordered(const struct parameter_tensor *t) { return t->transposed || t->pairs > 0; }

static bool same_shape(const struct tensor_info *t, const struct parameter_tensor *to) {
  if (t->rank != to->rank) return false;
  for (int i = 0; i < to->rank; i++)
    if (t->shape[i] != to->shape[to->transposed ? to->rank - 1 - i : i]) return false;
  return true;
}

/* Where a tensor goes: tensor `index` of the parameters, or, NULL, of an array on the device. */
struct destination {
  struct parameters *parameters;
  int index;
  real *values;
  const struct backend *backend;
};

static int place(const struct destination *d, const struct parameter_tensor *to, int64_t at, const real *from, int64_t n, struct err *e) {
  struct kernel_error k;
  if (d->parameters) return parameters_put(d->parameters, d->index, at, from, n, e);
  return d->backend->to_device(d->values + to->offset + at, from, (size_t)n * sizeof(real), &k) < 0 ? kernel_failed(e, &k) : 0;
}

static int load_tensor(const struct safetensors *s, const struct tensor_info *t, const struct parameter_tensor *to, const struct destination *d, const char *path, struct err *e) {
  if (!same_shape(t, to)) return err_set(e, "%s: tensor %s does not have the shape that config.json says", path, t->name);
  if (t->type > TENSOR_BF16) return err_set(e, "%s: tensor %s holds integers: quantised weights are not supported", path, t->name);
  int64_t most = reordered(to) || to->count < BLOCK ? to->count : BLOCK;
  real *block = NEW_ARRAY(real, (size_t)most), *ordered = reordered(to) ? NEW_ARRAY(real, (size_t)most) : NULL;
  int result = 0;
  for (int64_t at = 0; at < to->count && result == 0; at += most) {
    int64_t n = to->count - at < most ? to->count - at : most;
    result = read_real(s, t, at, n, block, e);
    for (int64_t i = 0; i < n && ordered && result == 0; i++) ordered[i] = block[disk_index(to, i)];
    if (result == 0) result = place(d, to, at, ordered ? ordered : block, n, e);
  }
  free(block);
  free(ordered);
  return result;
}

/* GPT-2's first files name tensors without their leading "transformer.". */
static const struct parameter_tensor *layout_find(const struct parameter_layout *l, const char *name) {
  static const char prefix[] = "transformer.";
  for (int i = 0; i < l->count; i++) {
    const char *own = l->tensors[i].name;
    if (strcmp(own, name) == 0 || (strncmp(own, prefix, sizeof prefix - 1) == 0 && strcmp(own + sizeof prefix - 1, name) == 0)) return &l->tensors[i];
  }
  return NULL;
}

static bool ends_in(const char *name, const char *end) {
  size_t n = strlen(name), m = strlen(end);
  return n >= m && strcmp(name + n - m, end) == 0;
}

/* Copies of a tied head, and the frequencies and masks that old exports hold, carry nothing of their own. */
static bool redundant(const struct parameters *p, const char *name) {
  return (p->config.tied && strcmp(name, "lm_head.weight") == 0) || ends_in(name, "rotary_emb.inv_freq") ||
         (strcmp(p->config.model_type, "gpt2") == 0 && (ends_in(name, ".attn.bias") || ends_in(name, ".attn.masked_bias")));
}

/* Loads the tensors of one file of weights; there[i] tells that tensor i of the layout has come. */
static int load_file(struct parameters *p, const char *path, bool *there, struct err *e) {
  struct safetensors *s;
  if (safetensors_open(&s, path, e) < 0) return -1;
  int result = 0;
  for (int i = 0; i < safetensors_count(s) && result == 0; i++) {
    const struct tensor_info *t = safetensors_at(s, i);
    const struct parameter_tensor *to = layout_find(&p->layout, t->name);
    if (!to && redundant(p, t->name)) continue;
    if (!to) result = err_set(e, "%s: tensor %s has no place in a %s", path, t->name, p->config.architecture);
    else if (there[to - p->layout.tensors]) result = err_set(e, "%s: tensor %s was in an earlier file already", path, t->name);
    else if ((result = load_tensor(s, t, to, &(struct destination){.parameters = p, .index = (int)(to - p->layout.tensors)}, path, e)) == 0) there[to - p->layout.tensors] = true;
  }
  safetensors_close(s);
  return result;
}

static int check_all(const struct parameters *p, const bool *there, const char *path, struct err *e) {
  for (int i = 0; i < p->layout.count; i++)
    if (!there[i]) return err_set(e, "%s: tensor %s is missing", path, p->layout.tensors[i].name);
  return 0;
}

/* model.safetensors.index.json: {"weight_map": {tensor: file}} */
static int load_index(struct parameters *p, const char *folder, const char *index, bool *there, struct err *e) {
  json_t *root = json_load_path(index, e), *files = json_object();
  struct buffer path = {0};
  int result = root ? 0 : -1;
  const char *tensor, *file;
  json_t *value, *map = json_object_get(root, "weight_map");
  if (root && !json_is_object(map)) result = err_set(e, "%s: no weight_map", index);
  json_object_foreach(map, tensor, value) {
    if (!json_is_string(value) || strchr(json_string_value(value), '/')) result = err_set(e, "%s: tensor %s: expected a file name", index, tensor);
    else json_object_set_new(files, json_string_value(value), json_true());
  }
  json_object_foreach(files, file, value) if (result == 0) result = load_file(p, join(&path, folder, file), there, e);
  json_decref(files);
  json_decref(root);
  buffer_release(&path);
  return result;
}

int checkpoint_weights(struct parameters *p, const char *folder, struct err *e) {
  struct buffer path = {0};
  bool *there = NEW_ARRAY(bool, (size_t)p->layout.count);
  int result;
  if (access(join(&path, folder, "model.safetensors.index.json"), F_OK) == 0) result = load_index(p, folder, path.data, there, e);
  else result = load_file(p, join(&path, folder, "model.safetensors"), there, e);
  if (result == 0) result = check_all(p, there, path.data, e);
  free(there);
  buffer_release(&path);
  return result;
}

int checkpoint_arrays(const struct checkpoint_array *arrays, int count, const struct backend *backend, const char *folder, struct err *e) {
  struct buffer path = {0}, name = {0};
  struct safetensors *s = NULL;
  int result = safetensors_open(&s, join(&path, folder, "trainer/optimizer.safetensors"), e);
  for (int a = 0; a < count; a++)
    for (int i = 0; i < arrays[a].layout->count && result == 0; i++) {
      const struct parameter_tensor *to = &arrays[a].layout->tensors[i];
      buffer_clear(&name);
      buffer_printf(&name, "%s%s", arrays[a].prefix, to->name);
      const struct tensor_info *t = safetensors_find(s, buffer_string(&name));
      result = t ? load_tensor(s, t, to, &(struct destination){.values = arrays[a].values, .backend = arrays[a].in_host ? backend_cpu() : backend}, path.data, e) : err_set(e, "%s: tensor %s is missing", path.data, name.data);
    }
  if (s) safetensors_close(s);
  buffer_release(&path), buffer_release(&name);
  return result;
}

json_t *checkpoint_state(const char *folder, struct err *e) {
  struct buffer path = {0};
  json_t *state = json_load_path(join(&path, folder, "trainer/state.json"), e);
  buffer_release(&path);
  return state;
}

/* ---- the steps of a folder */

static int64_t step_number(const char *name) { /* "step-12" -> 12, else -1 */
  char *end;
  if (strncmp(name, "step-", 5) != 0 || name[5] < '0' || name[5] > '9') return -1;
  errno = 0;
  long long n = strtoll(name + 5, &end, 10);
  return *end || errno ? -1 : n;
}

static int descending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return x < y ? 1 : x > y ? -1 : 0;
}

/* Numbers of the whole steps, highest first; NULL when the folder cannot be read. */
static int64_t *list_steps(const char *dir, int *count, struct err *e) {
  DIR *d = opendir(dir);
  if (!d) return err_errno(e, "%s", dir), NULL;
  int64_t *steps = NEW_ARRAY(int64_t, 1);
  *count = 0;
  for (struct dirent *entry; (entry = readdir(d));) {
    int64_t n = step_number(entry->d_name);
    if (n < 0) continue;
    steps = RESIZE(steps, (size_t)*count + 1);
    steps[(*count)++] = n;
  }
  closedir(d);
  qsort(steps, (size_t)*count, sizeof *steps, descending);
  return steps;
}

int checkpoint_latest(const char *dir, struct buffer *folder, struct err *e) {
  int count;
  int64_t *steps = list_steps(dir, &count, e);
  if (!steps) return -1;
  if (count) {
    buffer_clear(folder);
    buffer_printf(folder, "%s/step-%lld", dir, (long long)steps[0]);
    buffer_string(folder);
  }
  free(steps);
  return count > 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
  (void)st, (void)flag, (void)ftw;
  return remove(path);
}

static int remove_tree(const char *path, struct err *e) {
  if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT) return err_errno(e, "%s", path);
  return 0;
}

static bool is_leftover(const char *name) { /* step-N.tmp, step-N.old */
  size_t n = strlen(name);
  return strncmp(name, "step-", 5) == 0 && n > 9 && (strcmp(name + n - 4, ".tmp") == 0 || strcmp(name + n - 4, ".old") == 0);
}

static int remove_leftovers(const char *dir, struct err *e) {
  DIR *d = opendir(dir);
  if (!d) return err_errno(e, "%s", dir);
  struct buffer path = {0};
  int result = 0;
  for (struct dirent *entry; result == 0 && (entry = readdir(d));)
    if (is_leftover(entry->d_name)) result = remove_tree(join(&path, dir, entry->d_name), e);
  closedir(d);
  buffer_release(&path);
  return result;
}

/* A step gives up its name first: what is called step-N is whole, also when removing is cut short. */
static int remove_step(const char *dir, int64_t step, struct err *e) {
  struct buffer path = {0}, old = {0};
  buffer_printf(&path, "%s/step-%lld", dir, (long long)step);
  buffer_printf(&old, "%s.old", buffer_string(&path));
  int result = remove_tree(buffer_string(&old), e);
  if (result == 0 && rename(path.data, old.data) < 0 && errno != ENOENT) result = err_errno(e, "%s", path.data);
  if (result == 0) result = remove_tree(old.data, e);
  buffer_release(&path), buffer_release(&old);
  return result;
}

static int64_t best_step(const char *dir) { /* -1: none */
  struct buffer path = {0};
  char target[64];
  ssize_t n = readlink(join(&path, dir, "best"), target, sizeof target - 1);
  buffer_release(&path);
  if (n < 0) return -1;
  target[n] = 0;
  return step_number(target);
}

int checkpoint_prune(const char *dir, int64_t keep, struct err *e) {
  int count, result = remove_leftovers(dir, e);
  int64_t best = best_step(dir);
  int64_t *steps = result == 0 && keep > 0 ? list_steps(dir, &count, e) : NULL;
  if (!steps) return keep > 0 ? -1 : result;
  for (int64_t i = keep; i < count && result == 0; i++)
    if (steps[i] != best) result = remove_step(dir, steps[i], e);
  free(steps);
  return result;
}

int checkpoint_clear(const char *dir, struct err *e) {
  DIR *d = opendir(dir);
  if (!d) return err_errno(e, "%s", dir);
  struct buffer path = {0};
  int result = 0;
  for (struct dirent *entry; result == 0 && (entry = readdir(d));) {
    char target[256];
    ssize_t n = readlink(join(&path, dir, entry->d_name), target, sizeof target - 1);
    if (n >= 0) target[n] = 0;
    bool link = n >= 0 && (strncmp(target, "latest/", 7) == 0 || strcmp(entry->d_name, "latest") == 0 || strcmp(entry->d_name, "best") == 0);
    if (link && unlink(path.data) < 0) result = err_errno(e, "%s", path.data);
    else if (step_number(entry->d_name) >= 0) result = remove_step(dir, step_number(entry->d_name), e);
    else if (is_leftover(entry->d_name)) result = remove_tree(path.data, e);
  }
  closedir(d);
  buffer_release(&path);
  return result;
}

/* ---- writing */

static int write_tensor(struct safetensors_writer *w, const struct backend *b, const real *values, const struct parameter_tensor *t, struct err *e) {
  int64_t most = reordered(t) || t->count < BLOCK ? t->count : BLOCK;
  real *block = NEW_ARRAY(real, (size_t)most);
  float *floats = NEW_ARRAY(float, (size_t)most);
  int result = 0;
  for (int64_t at = 0; at < t->count && result == 0; at += most) {
    int64_t n = t->count - at < most ? t->count - at : most;
    struct kernel_error k;
    if (b->to_host(block, values + t->offset + at, (size_t)n * sizeof(real), &k) < 0) result = kernel_failed(e, &k);
    for (int64_t i = 0; i < n; i++) floats[reordered(t) ? disk_index(t, i) : i] = (float)block[i];
    if (result == 0) result = safetensors_writer_data(w, floats, (size_t)n * sizeof(float), e);
  }
  free(block);
  free(floats);
  return result;
}

static int write_arrays(const char *path, const struct checkpoint_array *arrays, int count, const struct backend *backend, struct err *e) {
  struct safetensors_writer *w = safetensors_writer_new();
  struct buffer name = {0};
  for (int a = 0; a < count; a++)
    for (int i = 0; i < arrays[a].layout->count; i++) {
      const struct parameter_tensor *t = &arrays[a].layout->tensors[i];
      buffer_clear(&name);
      buffer_printf(&name, "%s%s", arrays[a].prefix, t->name);
      int64_t disk[3];
      for (int k = 0; k < t->rank; k++) disk[k] = t->shape[t->transposed ? t->rank - 1 - k : k];
      safetensors_writer_declare(w, buffer_string(&name), TENSOR_F32, t->rank, disk);
    }
  buffer_release(&name);
  int result = safetensors_writer_open(w, path, e);
  for (int a = 0; a < count && result == 0; a++)
    for (int i = 0; i < arrays[a].layout->count && result == 0; i++) result = write_tensor(w, arrays[a].in_host ? backend_cpu() : backend, arrays[a].values, &arrays[a].layout->tensors[i], e);
  if (result == 0) return safetensors_writer_commit(w, e);
  safetensors_writer_abort(w);
  return -1;
}

static int sync_folder(const char *path, struct err *e) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return err_errno(e, "%s", path);
  int result = fsync(fd) < 0 && errno != EINVAL ? err_errno(e, "%s", path) : 0; /* EINVAL: file systems without it */
  close(fd);
  return result;
}

static int write_text(const char *folder, const char *name, const struct buffer *text, struct err *e) {
  struct buffer path = {0};
  int result = output_file(join(&path, folder, name), text->data, text->len, e);
  buffer_release(&path);
  return result;
}

static int fill_folder(const char *folder, const struct parameters *p, const struct checkpoint_array *arrays, int array_count, const json_t *state, const struct checkpoint_extra *extra, struct err *e) {
  struct buffer text = {0}, path = {0};
  config_write(&p->config, &text);
  int result = write_text(folder, "config.json", &text, e);
  buffer_clear(&text);
  config_generation(&p->config, &text);
  if (result == 0) result = write_text(folder, "generation_config.json", &text, e);
  const struct checkpoint_array weights = {"", &p->layout, p->values};
  if (result == 0) result = write_arrays(join(&path, folder, "model.safetensors"), &weights, 1, p->backend, e);
  if (result == 0 && extra && extra->write) result = extra->write(extra->context, folder, e);
  if (result == 0 && state) {
    char *json = json_dumps(state, JSON_INDENT(2) | JSON_SORT_KEYS);
    buffer_clear(&text);
    buffer_append_string(&text, json);
    buffer_put(&text, '\n');
    free(json);
    result = output_folder(join(&path, folder, "trainer"), e);
    if (result == 0 && array_count > 0) result = write_arrays(join(&path, folder, "trainer/optimizer.safetensors"), arrays, array_count, p->backend, e);
    if (result == 0) result = write_text(folder, "trainer/state.json", &text, e);
    if (result == 0) result = sync_folder(join(&path, folder, "trainer"), e);
  }
  if (result == 0) result = sync_folder(folder, e);
  buffer_release(&text);
  buffer_release(&path);
  return result;
}

/* A link is made beside its place and renamed into it, so that the name always leads somewhere. */
static int replace_link(const char *target, const char *path, struct err *e) {
  struct buffer beside = {0};
  buffer_printf(&beside, "%s.tmp", path);
  buffer_string(&beside);
  int result = 0;
  if (unlink(beside.data) < 0 && errno != ENOENT) result = err_errno(e, "%s", beside.data);
  if (result == 0 && symlink(target, beside.data) < 0) result = err_errno(e, "%s", beside.data);
  if (result == 0 && rename(beside.data, path) < 0) {
    result = err_errno(e, "%s", path);
    unlink(beside.data);
  }
  buffer_release(&beside);
  return result;
}

static int link_files(const char *dir, const char *folder, struct err *e) {
  DIR *d = opendir(folder);
  if (!d) return err_errno(e, "%s", folder);
  struct buffer path = {0}, target = {0};
  int result = 0;
  for (struct dirent *entry; result == 0 && (entry = readdir(d));) {
    char there[256];
    if (entry->d_name[0] == '.' || strcmp(entry->d_name, "trainer") == 0) continue;
    buffer_clear(&target);
    buffer_printf(&target, "latest/%s", entry->d_name);
    ssize_t n = readlink(join(&path, dir, entry->d_name), there, sizeof there);
    if (n == (ssize_t)target.len && memcmp(there, target.data, target.len) == 0) continue;
    result = replace_link(buffer_string(&target), path.data, e);
  }
  closedir(d);
  buffer_release(&path);
  buffer_release(&target);
  return result;
}

int checkpoint_publish(const char *dir, const char *folder, struct err *e) {
  struct buffer latest = {0};
  const char *name = strrchr(folder, '/') + 1;
  int result = replace_link(name, join(&latest, dir, "latest"), e);
  if (result == 0) result = link_files(dir, folder, e);
  if (result == 0) result = sync_folder(dir, e);
  buffer_release(&latest);
  return result;
}

int checkpoint_mark_best(const char *dir, int64_t step, struct err *e) {
  struct buffer best = {0}, target = {0};
  buffer_printf(&target, "step-%lld", (long long)step);
  int result = replace_link(buffer_string(&target), join(&best, dir, "best"), e);
  if (result == 0) result = sync_folder(dir, e);
  buffer_release(&best);
  buffer_release(&target);
  return result;
}

int checkpoint_save(const char *dir, int64_t step, const struct parameters *p, const struct checkpoint_array *arrays, int array_count, const json_t *state, const struct checkpoint_extra *extra, struct err *e) {
  struct buffer tmp = {0}, final = {0}, old = {0};
  buffer_printf(&final, "%s/step-%lld", dir, (long long)step);
  buffer_string(&final);
  buffer_printf(&tmp, "%s.tmp", final.data);
  buffer_printf(&old, "%s.old", final.data);
  buffer_string(&tmp), buffer_string(&old);
  int result = remove_tree(tmp.data, e);
  if (result == 0) result = remove_tree(old.data, e);
  if (result == 0) result = output_folder(tmp.data, e);
  if (result == 0) result = fill_folder(tmp.data, p, arrays, array_count, state, extra, e);
  /* a step that is there already (written again after --resume) steps aside */
  if (result == 0 && rename(final.data, old.data) < 0 && errno != ENOENT) result = err_errno(e, "%s", final.data);
  if (result == 0 && rename(tmp.data, final.data) < 0) result = err_errno(e, "%s", final.data);
  if (result == 0) result = checkpoint_publish(dir, final.data, e);
  struct err ignored;
  if (result < 0) remove_tree(tmp.data, &ignored);
  else result = remove_tree(old.data, e);
  buffer_release(&tmp), buffer_release(&final), buffer_release(&old);
  return result;
}
