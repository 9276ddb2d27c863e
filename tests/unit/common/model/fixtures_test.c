/* SPDX-License-Identifier: MIT
 *
 * Every architecture against transformers: logits, loss, all gradients and greedy continuation of the checkpoints in
 * tests/data/model (tests/oracle/checkpoints.py) and ../shared/data/oracle/lm, all computed there in double precision; and
 * a checkpoint saved again holds the tensors of the original byte for byte.
 *
 * Gradients are compared as checkpoint_save() writes them, in place of the weights, so that names and layouts on disk
 * (Conv1D, fused q k v, one tensor per expert) are compared too, however the parameters lie in memory.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/io/safetensors.h"
#include "common/model/checkpoint.h"
#include "common/model/execute.h"
#include "common/model/generate.h"
#include "tests/tap.h"

static const char *const fixtures[] = {
    "llama3-rope", "mistral-window", "qwen2", "qwen3", "gpt2", "mixtral", "deepseek-v2-lite", "deepseek-v2", "deepseek-v2-yarn", "deepseek-v3",
};
static const char *const shared[] = {"llama-tied", "llama-untied", "qwen3-tied", "gpt2"}; /* of ../shared/data/oracle/lm */

static struct err e;

/* A whole tensor as floats; NULL when it is missing. */
static float *tensor(const struct safetensors *s, const char *name, int64_t *count) {
  const struct tensor_info *t = safetensors_find(s, name);
  if (!t) return NULL;
  float *out = MALLOC((size_t)t->count * sizeof *out);
  if (safetensors_read_f32(s, t, 0, t->count, out, &e) < 0) {
    free(out);
    return NULL;
  }
  *count = t->count;
  return out;
}

static double relative(const float *got, const float *want, int64_t n) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < n; i++) difference += ((double)got[i] - want[i]) * ((double)got[i] - want[i]), norm += (double)want[i] * want[i];
  return sqrt(difference) / sqrt(norm);
}

/* Saves p (with values for its values) as a step of `title` and opens its weights. */
static struct safetensors *save(const struct parameters *p, real *values, const char *title, int64_t step) {
  struct parameters shown = *p;
  shown.values = values;
  char dir[400], path[500];
  snprintf(dir, sizeof dir, "%s/%s", tap_folder(), title);
  snprintf(path, sizeof path, "%s/step-%lld/model.safetensors", dir, (long long)step);
  struct safetensors *s = NULL;
  if (checkpoint_save(dir, step, &shown, NULL, 0, NULL, NULL, &e) < 0 || safetensors_open(&s, path, &e) < 0) note("%s: %s", title, e.message);
  return s;
}

static bool same_bytes(const struct safetensors *a, const struct tensor_info *ta, const struct safetensors *b, const struct tensor_info *tb) {
  if (ta->type != tb->type || ta->rank != tb->rank || memcmp(ta->shape, tb->shape, (size_t)ta->rank * sizeof *ta->shape) != 0) return false;
  size_t bytes = (size_t)(ta->end - ta->begin);
  char *x = MALLOC(bytes), *y = MALLOC(bytes);
  bool same = safetensors_read_raw(a, ta, x, &e) == 0 && safetensors_read_raw(b, tb, y, &e) == 0 && memcmp(x, y, bytes) == 0;
  free(x), free(y);
  return same;
}

static void check_saved(const struct parameters *p, const char *folder, const char *title) {
  char path[1100];
  struct safetensors *original = NULL, *again = save(p, p->values, title, 1);
  snprintf(path, sizeof path, "%s/model.safetensors", folder);
  if (!ok(again && safetensors_open(&original, path, &e) == 0, "%s: it is saved again", title)) return;
  bool same = safetensors_count(again) == safetensors_count(original);
  if (!same) note("%d tensors were read, %d written", safetensors_count(original), safetensors_count(again));
  for (int i = 0; i < safetensors_count(original); i++) {
    const struct tensor_info *t = safetensors_at(original, i), *u = safetensors_find(again, t->name);
    if (u && same_bytes(original, t, again, u)) continue;
    same = false;
    note("%s is %s", t->name, u ? "not the same" : "missing");
  }
  ok(same, "%s: what was saved has the names, shapes and bytes of the original", title);
  safetensors_close(original), safetensors_close(again);

  struct model_config c;
  snprintf(path, sizeof path, "%s/%s/step-1", tap_folder(), title);
  ok(checkpoint_config(&c, path, &e) == 0 && config_hash(&c) == config_hash(&p->config), "%s: the config that was saved is the one that was read", title);
}

static void check_gradients(const struct parameters *p, const struct safetensors *reference, const char *title) {
  struct safetensors *s = save(p, p->gradients, title, 2);
  if (!ok(s != NULL, "%s: its gradients can be written", title)) return;
  double worst = 0;
  int compared = 0, expected = 0;
  const char *worst_name = "";
  for (int i = 0; i < safetensors_count(reference); i++) {
    const char *name = safetensors_at(reference, i)->name;
    if (strncmp(name, "grad.", 5) != 0) continue;
    expected++;
    int64_t n, m;
    float *want = tensor(reference, name, &n), *got = tensor(s, name + 5, &m);
    if (want && got && n == m) {
      double r = relative(got, want, n);
      compared++;
      if (!(r <= worst)) worst = r, worst_name = name + 5;
    } else {
      note("no gradient of %s", name + 5);
    }
    free(want), free(got);
  }
  ok(compared == expected && expected > 0, "%s: each of %d tensors has a gradient", title, expected);
  ok(worst <= 1e-4, "%s: every gradient is within 1e-4 of its norm", title);
  note("largest relative difference %.2g (%s)", worst, worst_name);
  safetensors_close(s);
}

static void check_greedy(struct parameters *p, const struct safetensors *reference, const char *title) {
  int64_t n;
  float *want = tensor(reference, "greedy", &n);
  if (!ok(want && n > 8, "%s: the reference holds greedy ids", title)) return;
  uint32_t *ids = MALLOC((size_t)n * sizeof *ids), *longer = MALLOC((size_t)n * sizeof *longer);
  for (int64_t i = 0; i < n; i++) ids[i] = longer[i] = (uint32_t)want[i];
  /* the slots of the cache are filled differently */
  struct generation g[2] = {{.prompt = ids, .prompt_count = 8}, {.prompt = longer, .prompt_count = 11}};
  struct generator *generator = generator_new(p, 2, p->config.vocab_size);
  struct generator_settings settings = {.sampler = {.top_p = 1, .repeat_penalty = 1}, .limit = n - 8};
  bool fine = ok(generator_run(generator, g, 2, &settings, &e) == 0, "%s: it continues prompts", title);
  if (!fine) note("%s", e.message);
  ok(fine && g[0].count == n - 8 && memcmp(g[0].ids, ids + 8, (size_t)(n - 8) * sizeof *ids) == 0, "%s: greedy continuation through the cache gives the reference's ids", title);
  ok(fine && g[1].count >= n - 11 && memcmp(g[1].ids, ids + 11, (size_t)(n - 11) * sizeof *ids) == 0, "%s: so it does from a longer prompt beside it", title);
  generation_release(&g[0]), generation_release(&g[1]);
  generator_free(generator);
  free(ids), free(longer), free(want);
}

static void check_passes(struct parameters *p, const struct safetensors *reference, const char *title) {
  const struct tensor_info *shape = safetensors_find(reference, "input_ids");
  if (!ok(shape && shape->rank == 2, "%s: the reference holds ids", title)) return;
  int64_t B = shape->shape[0], T = shape->shape[1], V = p->config.vocab_size, n, logits_count = 0, loss_count = 0, norm_count = 0;
  float *ids_float = tensor(reference, "input_ids", &n), *logits_want = tensor(reference, "logits", &logits_count), *loss_want = tensor(reference, "loss", &loss_count), *norm_want = tensor(reference, "grad_norm", &norm_count);
  if (!ok(ids_float && logits_want && logits_count == B * T * V && loss_count == 1 && norm_count == 1, "%s: the reference is whole", title)) return;
  int32_t *ids = MALLOC((size_t)n * sizeof *ids), *targets = MALLOC((size_t)n * sizeof *targets);
  for (int64_t i = 0; i < n; i++) ids[i] = (int32_t)ids_float[i], targets[i] = i % T == T - 1 ? -1 : (int32_t)ids_float[i + 1];

  struct plan plan;
  struct execution *x = NULL;
  real *logits = MALLOC((size_t)logits_count * sizeof *logits);
  plan_init(&plan, &p->config, &p->layout, &(struct plan_settings){.B = B, .T = T, .training = true});
  if (ok(execution_new(&x, &plan, p, T, &e) == 0 && execute_logits(x, B, T, ids, false, logits, &e) == 0, "%s: it runs forward", title)) {
    double worst = 0;
    for (int64_t i = 0; i < logits_count; i++) worst = fmax(worst, fabs((double)logits[i] - logits_want[i]));
    ok(worst <= 1e-5, "%s: logits are within 1e-5", title);
    note("largest difference of a logit %.2g", worst);

    double losses[8] = {0}, loss = 0, count = (double)(B * (T - 1));
    struct kernel_error k;
    if (ok(B <= 8 && execute_train(x, ids, targets, 1 / count, true, losses, &e) == 0, "%s: it runs backward", title)) {
      for (int64_t b = 0; b < B; b++) loss += losses[b];
      char name[100];
      snprintf(name, sizeof name, "%s: the loss is the reference's", title);
      ok_near(loss / count, *loss_want, 1e-6, name);
      double squares = 0;
      p->backend->sum_squares(&squares, p->gradients, p->layout.total, &k);
      snprintf(name, sizeof name, "%s: the norm of the gradient is the reference's", title);
      ok_near(sqrt(squares), *norm_want, 1e-5, name);
      check_gradients(p, reference, title);
    }
  } else {
    note("%s", e.message);
  }
  execution_free(x);
  plan_release(&plan);
  free(ids), free(targets), free(logits), free(ids_float), free(logits_want), free(loss_want), free(norm_want);
}

static void check_folder(const char *folder, const char *title) {
  char path[1100];
  struct model_config c;
  struct parameters p;
  struct safetensors *reference;
  snprintf(path, sizeof path, "%s/reference.safetensors", folder);
  if (!ok(safetensors_open(&reference, path, &e) == 0, "%s: the reference opens", title)) {
    note("%s", e.message);
    return;
  }
  if (!ok(checkpoint_config(&c, folder, &e) == 0, "%s: config.json is understood", title)) {
    note("%s", e.message);
  } else if (!ok(parameters_init(&p, &c, backend_cpu(), true, &e) == 0 && checkpoint_weights(&p, folder, &e) == 0, "%s: weights load", title)) {
    note("%s", e.message);
  } else {
    p.config.moe.balance = BALANCE_NONE; /* the reference has the plain loss */
    check_saved(&p, folder, title);
    check_greedy(&p, reference, title);
    check_passes(&p, reference, title);
    parameters_release(&p);
  }
  safetensors_close(reference);
}

int main(void) {
  char path[200], title[100];
  for (size_t i = 0; i < sizeof fixtures / sizeof *fixtures; i++) {
    snprintf(path, sizeof path, "tests/data/model/%s", fixtures[i]);
    check_folder(path, fixtures[i]);
  }
  for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) {
    snprintf(path, sizeof path, "oracle/lm/%s", shared[i]);
    snprintf(title, sizeof title, "larger-%s", shared[i]);
    const char *folder = tap_shared(path);
    if (folder) {
      char copy[1000];
      snprintf(copy, sizeof copy, "%s", folder);
      check_folder(copy, title);
    } else {
      skip("no ../shared/data", title);
    }
  }
  return tap_done();
}
