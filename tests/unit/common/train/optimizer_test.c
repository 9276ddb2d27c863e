/* SPDX-License-Identifier: MIT
 *
 * What the optimiser does with a model's tensors: which rule takes which, the layout of its state, learning rates and decay by
 * kind, transfer across widths, a router's bias, state elsewhere.  The rules themselves are tested in tests/kernels.
 */
#include "common/train/optimizer.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/model/checkpoint.h"
#include "kernels/soap.h"
#include "tests/llama.h"
#include "tests/tap.h"

static struct err e;

static void begin(struct parameters *p) {
  struct model_config config = llama(37, 24, 40, 2, 3, 1, 16);
  config.tied = false;
  if (parameters_init(p, &config, backend_cpu(), true, &e) < 0 || parameters_randomize(p, 7, 1, &e) < 0) exit(1);
}

/* Gaps between tensors stay zero. */
static void fill_gradients(struct parameters *p, int step) {
  for (int i = 0; i < p->layout.count; i++)
    for (int64_t k = 0; k < p->layout.tensors[i].count; k++) p->gradients[p->layout.tensors[i].offset + k] = (real)sin(0.37 * (double)(k * (i + 3)) + step);
}

static const struct parameter_tensor *find(const struct parameter_layout *l, const char *name) {
  for (int i = 0; i < l->count; i++)
    if (strcmp(l->tensors[i].name, name) == 0) return &l->tensors[i];
  return NULL;
}

/* `steps` steps, and the same tensor by tensor with the kernels; true when the parameters have the same bits. */
static bool same_as_kernels(const struct optimizer_settings *s, const struct optimizer_place *place, int steps) {
  struct parameters p, q;
  struct optimizer *o;
  struct kernel_error k;
  begin(&p), begin(&q);
  if (optimizer_new(&o, &p, s, place, &e) < 0) return note("%s", e.message), false;
  const struct parameter_layout *l = &q.layout;
  real **arrays = NEW_ARRAY(real *, (size_t)l->count * 6);
  for (int i = 0; i < l->count; i++)
    for (int j = 0; j < 6; j++) {
      const int64_t *shape = l->tensors[i].shape;
      arrays[6 * i + j] = NEW_ARRAY(real, (size_t)(j < 2 ? l->tensors[i].count : j < 4 ? shape[0] * shape[0] : shape[1] * shape[1]));
    }
  bool good = true;
  for (int step = 1; step <= steps; step++) {
    fill_gradients(&p, step), fill_gradients(&q, step);
    good = optimizer_step(o, step, 0.01, 0.5, &e) == 0 && good;
    for (int i = 0; i < l->count; i++) {
      const struct parameter_tensor *t = &l->tensors[i];
      real **a = arrays + 6 * i, *value = q.values + t->offset, *gradient = q.gradients + t->offset;
      bool matrix = t->kind == PARAMETER_MATRIX;
      double decay = t->rank == 2 ? s->weight_decay : 0;
      struct adamw_settings adam = {0.01, s->beta1, s->beta2, s->eps, decay, step, 0.5};
      struct muon_settings muons = {.lr = 0.01 * s->matrix_lr, .momentum = s->momentum, .weight_decay = decay, .adjust = muon_adjust(s->adjust, t->shape[0], t->shape[1]),
                                    .gradient_scale = 0.5, .steps = 5, .nesterov = s->nesterov, .type = s->type};
      struct soap_settings soaps = {.lr = 0.01 * s->matrix_lr, .beta1 = s->beta1, .beta2 = s->beta2, .shampoo_beta = s->shampoo_beta, .eps = s->eps, .weight_decay = decay,
                                    .step = step, .frequency = s->frequency, .gradient_scale = 0.5};
      if (matrix && s->kind == OPTIMIZER_MUON) good = muon(value, gradient, a[0], t->shape[0], t->shape[1], &muons, &k) == 0 && good;
      else if (matrix && s->kind == OPTIMIZER_SOAP) {
        bool left = t->shape[0] <= s->longest, right = t->shape[1] <= s->longest;
        good = soap(value, gradient, a[0], a[1], left ? a[2] : NULL, right ? a[4] : NULL, left ? a[3] : NULL, right ? a[5] : NULL, t->shape[0], t->shape[1], &soaps, &k) == 0 && good;
      } else good = q.backend->adamw(value, gradient, a[0], a[1], t->count, &adam, &k) == 0 && good;
    }
  }
  good = memcmp(p.values, q.values, (size_t)l->total * sizeof(real)) == 0 && good;
  for (int i = 0; i < 6 * l->count; i++) free(arrays[i]);
  free(arrays);
  optimizer_free(o);
  parameters_release(&p), parameters_release(&q);
  return good;
}

static void check_layout(void) {
  struct parameters p;
  struct optimizer *o;
  begin(&p);
  static const char *const names[] = {"AdamW", "Muon", "SOAP"};
  for (int kind = 0; kind < 3; kind++) {
    struct optimizer_settings s = optimizer_defaults((enum optimizer_kind)kind);
    if (optimizer_new(&o, &p, &s, NULL, &e) < 0) exit(1);
    const struct parameter_layout *l = optimizer_layout(o);
    bool good = l->total * (int64_t)sizeof(real) == optimizer_bytes(&p.layout, &s);
    for (int i = 0; i < l->count; i++)
      good = good && l->tensors[i].offset + l->tensors[i].count <= (i + 1 < l->count ? l->tensors[i + 1].offset : l->total) &&
             l->tensors[i].count == l->tensors[i].shape[0] * l->tensors[i].shape[1] && find(l, l->tensors[i].name) == &l->tensors[i];
    ok(good, "%s: the state's tensors have names of their own and do not overlap, and its size is known before", names[kind]);
    const struct parameter_tensor *t = find(l, kind == OPTIMIZER_MUON ? "momentum.model.layers.1.mlp.up_proj.weight" : "v.model.layers.1.mlp.up_proj.weight");
    ok(t && t->rank == 2 && t->shape[0] == 40 && t->shape[1] == 24, "%s: a matrix has its own", names[kind]);
    t = find(l, "m.model.layers.1.input_layernorm.weight");
    ok(t && t->rank == 1 && t->count == 24 && find(l, "v.lm_head.weight") && find(l, "m.model.embed_tokens.weight"), "%s: norms, head and embedding have AdamW's moments", names[kind]);
    t = find(l, "q_left.model.layers.0.self_attn.k_proj.weight");
    const struct parameter_tensor *r = find(l, "right.model.layers.0.self_attn.k_proj.weight");
    if (kind == OPTIMIZER_SOAP) ok(t && t->shape[0] == 8 && t->shape[1] == 8 && r && r->count == 24 * 24, "SOAP: a matrix has covariances and bases of its two sides");
    else ok(!t && !r, "%s: no bases", names[kind]);
    optimizer_free(o);
  }
  parameters_release(&p);
}

static real value_of(const struct parameters *p, const char *name) { return p->values[find(&p->layout, name)->offset]; }

/* The first step of AdamW without decay moves every parameter by lr in size; decay alone shrinks it. */
static void check_rates(void) {
  struct parameters p, before;
  struct optimizer *o;
  struct optimizer_settings s = optimizer_defaults(OPTIMIZER_ADAMW);
  static const char *const up = "model.layers.0.mlp.up_proj.weight", *const norm = "model.norm.weight", *const embedding = "model.embed_tokens.weight", *const head = "lm_head.weight";
  begin(&p), begin(&before);
  s.weight_decay = 0, s.width_base = 6;
  for (int64_t i = 0; i < p.layout.total; i++) p.gradients[i] = 1;
  if (optimizer_new(&o, &p, &s, NULL, &e) < 0) exit(1);
  ok(optimizer_step(o, 1, 0.01, 1, &e) == 0, "a step with a base width");
  ok_near(value_of(&before, up) - value_of(&p, up), 0.0025, 1e-6, "hidden matrices move by lr base / width");
  ok_near(value_of(&before, head) - value_of(&p, head), 0.0025, 1e-6, "and the head");
  ok_near(value_of(&before, embedding) - value_of(&p, embedding), 0.01, 1e-6, "embeddings by lr");
  ok_near(value_of(&before, norm) - value_of(&p, norm), 0.01, 1e-6, "norms by lr");
  optimizer_free(o);

  s.weight_decay = 0.5, s.decay_embeddings = false;
  memset(p.gradients, 0, (size_t)p.layout.total * sizeof(real));
  memcpy(p.values, before.values, (size_t)p.layout.total * sizeof(real));
  if (optimizer_new(&o, &p, &s, NULL, &e) < 0) exit(1);
  ok(optimizer_step(o, 1, 0.01, 1, &e) == 0, "a step without a gradient");
  ok_near(value_of(&p, up) / value_of(&before, up), 0.995, 1e-6, "hidden matrices decay by lr weight_decay at any width");
  ok_near(value_of(&p, head) / value_of(&before, head), 0.995, 1e-6, "and the head");
  ok(value_of(&p, embedding) == value_of(&before, embedding), "embeddings do not where the settings say so");
  ok(value_of(&p, norm) == 1, "norms never do");
  optimizer_free(o);
  parameters_release(&p), parameters_release(&before);
}

/* A vector of 8 elements that plays a router's bias: k_proj's first norm has 24; the final norm is turned into one. */
static void check_balance(void) {
  struct parameters p;
  struct optimizer *o;
  struct optimizer_settings s = optimizer_defaults(OPTIMIZER_MUON);
  begin(&p);
  struct parameter_tensor *t = &p.layout.tensors[p.layout.count - 2];
  t->kind = PARAMETER_BALANCE;
  if (optimizer_new(&o, &p, &s, NULL, &e) < 0) exit(1);
  memset(p.gradients, 0, (size_t)p.layout.total * sizeof(real));
  real *counts = p.gradients + t->offset, *bias = p.values + t->offset;
  for (int64_t i = 0; i < t->count; i++) counts[i] = 10, bias[i] = (real)0.25;
  counts[0] = 13, counts[1] = 7;
  p.gradients[0] = 2, p.gradients[p.layout.total - 40] = 3;
  double squares = 0;
  ok(optimizer_gradient_squares(o, &squares, &e) == 0 && squares == 13, "counts are no gradient");
  ok(optimizer_step(o, 1, 0.1, 0.01, &e) == 0, "a step with a router's bias");
  ok_near(bias[0], 0.249, 1e-7, "an expert with more than its share is chosen less");
  ok_near(bias[1], 0.251, 1e-7, "one with less is chosen more");
  ok(bias[2] == (real)0.25, "an even share changes nothing");
  ok(!find(optimizer_layout(o), "m.model.norm.weight"), "there are no moments of it");
  optimizer_free(o);
  parameters_release(&p);
}

static void check_resume(enum optimizer_kind kind, const struct optimizer_place *place, const char *title) {
  struct parameters p, q;
  struct optimizer *o, *r;
  struct optimizer_settings s = optimizer_defaults(kind);
  json_t *state = json_object();
  char dir[600], step[640];
  s.frequency = 2;
  begin(&p), begin(&q);
  snprintf(dir, sizeof dir, "%s/resume-%d-%d", tap_folder(), kind, place->home), mkdir(dir, 0777);
  snprintf(step, sizeof step, "%s/step-3", dir);
  if (optimizer_new(&o, &p, &s, NULL, &e) < 0 || optimizer_new(&r, &q, &s, place, &e) < 0) exit(1);
  const struct checkpoint_array saved = {"", optimizer_layout(o), optimizer_state(o), optimizer_in_host(o)}, loaded = {"", optimizer_layout(r), optimizer_state(r), optimizer_in_host(r)};
  bool good = true;
  for (int k = 1; k <= 6; k++) {
    fill_gradients(&p, k);
    good = optimizer_step(o, k, 0.01, 1, &e) == 0 && good;
    if (k == 3) good = checkpoint_save(dir, 3, &p, &saved, 1, state, NULL, &e) == 0 && checkpoint_weights(&q, step, &e) == 0 && checkpoint_arrays(&loaded, 1, q.backend, step, &e) == 0 && good;
  }
  for (int k = 4; k <= 6; k++) {
    fill_gradients(&q, k);
    good = optimizer_step(r, k, 0.01, 1, &e) == 0 && good;
  }
  ok(good && memcmp(p.values, q.values, (size_t)p.layout.total * sizeof(real)) == 0, "%s: a run that goes on from a checkpoint comes to the same bits, its state %s", title, optimizer_in_host(r) ? "in host memory" : "in a file");
  json_decref(state);
  optimizer_free(o), optimizer_free(r);
  parameters_release(&p), parameters_release(&q);
}

int main(void) {
  struct optimizer_settings adamw = optimizer_defaults(OPTIMIZER_ADAMW), muon = optimizer_defaults(OPTIMIZER_MUON), soap = optimizer_defaults(OPTIMIZER_SOAP);
  ok(same_as_kernels(&adamw, NULL, 4), "AdamW takes every tensor");
  ok(same_as_kernels(&muon, NULL, 4), "Muon takes the hidden matrices one by one, AdamW the rest");
  muon.adjust = MUON_ORIGINAL, muon.matrix_lr = 10, muon.type = MATMUL_BF16;
  ok(same_as_kernels(&muon, NULL, 4), "... with another factor by shape, a learning rate of its own, in bf16");
  soap.frequency = 2;
  ok(same_as_kernels(&soap, NULL, 6), "SOAP takes the hidden matrices one by one");
  soap.longest = 30, soap.matrix_lr = 3;
  ok(same_as_kernels(&soap, NULL, 6), "... without a basis for sides that are too long");
  const struct optimizer_place file = {.home = OPTIMIZER_IN_FOLDER, .folder = tap_folder()}, nowhere = {.home = OPTIMIZER_IN_FOLDER, .folder = "no/such/folder"};
  const struct optimizer_place host = {.home = OPTIMIZER_IN_HOST}, pieces = {.home = OPTIMIZER_IN_HOST, .piece = 100};
  ok(same_as_kernels(&soap, &file, 6) && same_as_kernels(&adamw, &file, 4), "state in a file gives the same bits");
  ok(same_as_kernels(&soap, &host, 6) && same_as_kernels(&muon, &host, 4) && same_as_kernels(&adamw, &host, 4), "so does state in host memory that visits the device");
  ok(same_as_kernels(&soap, &pieces, 6) && same_as_kernels(&muon, &pieces, 4) && same_as_kernels(&adamw, &pieces, 4), "... in small pieces");
  struct parameters p;
  struct optimizer *o;
  begin(&p);
  ok(optimizer_new(&o, &p, &adamw, &nowhere, &e) < 0 && strstr(e.message, "no/such/folder"), "a folder that is not there is an error that names it");
  struct rlimit limit, small;
  getrlimit(RLIMIT_FSIZE, &limit);
  small = limit, small.rlim_cur = 4096;
  signal(SIGXFSZ, SIG_IGN), setrlimit(RLIMIT_FSIZE, &small);
  ok(optimizer_new(&o, &p, &adamw, &file, &e) < 0 && strstr(e.message, "no room for the optimiser's state"), "so is a disk without room for the state, before the first step");
  setrlimit(RLIMIT_FSIZE, &limit);
  parameters_release(&p);
  check_layout();
  check_rates();
  check_balance();
  for (int i = 0; i < 2; i++) {
    check_resume(OPTIMIZER_ADAMW, i ? &pieces : &file, "AdamW");
    check_resume(OPTIMIZER_MUON, i ? &pieces : &file, "Muon");
    check_resume(OPTIMIZER_SOAP, i ? &pieces : &file, "SOAP");
  }
  return tap_done();
}
