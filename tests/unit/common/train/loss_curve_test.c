/* SPDX-License-Identifier: MIT
 *
 * The trainer follows the loss curve of a reference in torch: 4 layers x 256 on the bytes of tinyshakespeare, 150 steps,
 * with that reference's initial values and batches (splitmix64 counters, ../shared/prototypes/oracle/model.py).
 *
 * Usage: loss_curve_test [cuda [STEPS]]      on the CPU, or on a GPU in fp32
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/model/execute.h"
#include "common/train/trainer.h"
#include "tests/llama.h"
#include "tests/tap.h"

enum { B = 16, T = 128, STEPS = 150, VALIDATION_WINDOWS = 64 };
#if defined(__SANITIZE_ADDRESS__)
static int run = 4; /* the sanitizers look at memory, not at the curve, and take minutes for all of it */
#else
static int run = STEPS;
#endif

static struct err e;
static const struct backend *backend;

/* Uniform with standard deviation `std` from a 24-bit fraction; tensors are numbered in the reference's order. */
static void reference_values(struct parameters *p, int layers) {
  int64_t number = 0;
  real *values = NEW_ARRAY(real, (size_t)p->layout.total);
  for (int i = 0; i < p->layout.count; i++) {
    const struct parameter_tensor *t = &p->layout.tensors[i];
    for (int64_t k = 0; k < t->count; k++) {
      if (t->rank == 1) {
        values[t->offset + k] = 1;
        continue;
      }
      uint64_t h = splitmix64((1ull << 40 ^ (uint64_t)number << 32) + (uint64_t)k);
      float u = (float)(h >> 40) / (float)(1 << 23) - 1;
      double std = strstr(t->name, "o_proj") || strstr(t->name, "down_proj") ? 0.02 / sqrt(2.0 * layers) : 0.02;
      values[t->offset + k] = (real)(u * (float)(std * sqrt(3.0)));
    }
    number += t->rank == 2;
    if (parameters_put(p, i, 0, values + t->offset, t->count, &e) < 0) note("%s", e.message);
  }
  free(values);
}

static double validation_loss(struct parameters *p, const unsigned char *text) {
  struct plan plan;
  struct execution *x;
  int32_t ids[B * T], targets[B * T];
  double losses[B] = {0}, loss = 0;
  plan_init(&plan, &p->config, &p->layout, &(struct plan_settings){.B = B, .T = T, .backend = backend});
  bool fine = execution_new(&x, &plan, p, T, &e) == 0;
  for (int w = 0; fine && w < VALIDATION_WINDOWS; w += B) {
    for (int i = 0; i < B * T; i++) ids[i] = text[w * T + i], targets[i] = text[w * T + i + 1];
    fine = execute_evaluate(x, B, T, ids, targets, losses, &e) == 0;
  }
  for (int b = 0; b < B; b++) loss += losses[b];
  execution_free(x);
  plan_release(&plan);
  return fine ? loss / (VALIDATION_WINDOWS * T) : NAN;
}

static unsigned char *read_text(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  unsigned char *text = MALLOC(1 << 21);
  *size = f ? fread(text, 1, 1 << 21, f) : 0;
  if (f) fclose(f);
  return text;
}

int main(int argc, char **argv) {
  struct kernel_error k;
  bool gpu = argc > 1 && strcmp(argv[1], "cuda") == 0;
  if (gpu && argc > 2) run = atoi(argv[2]);
  backend = gpu ? backend_cuda(MATMUL_FP32, &k) : backend_cpu();
  if (!ok(backend != NULL && run >= 0 && run <= STEPS, "a backend")) {
    note("%s", k.message);
    return tap_done();
  }
  const char *curve_path = tap_shared("oracle/lm/loss_byte4x256.tsv"), *text_path = tap_shared("text/tinyshakespeare/input.txt");
  FILE *curve = curve_path ? fopen(curve_path, "r") : NULL;
  if (!curve || !text_path) {
    skip("no ../shared/data", "the loss curve of the reference");
    return tap_done();
  }
  size_t size;
  unsigned char *text = read_text(text_path, &size);
  uint64_t train = (uint64_t)((double)size * 0.9);

  struct model_config c = llama(256, 256, 704, 4, 4, 4, 256);
  struct recipe r = {.batch = B, .micro_batch = B, .seq = T, .optimizer = optimizer_defaults(OPTIMIZER_ADAMW), .clip = 1,
                     .schedule = {.shape = SCHEDULE_COSINE, .lr = 2e-3, .min_lr = 2e-4, .warmup = 20, .steps = STEPS}};
  struct parameters p;
  struct plan plan;
  struct optimizer *o;
  struct trainer *t;
  ok(parameters_init(&p, &c, backend, true, &e) == 0, "parameters are there");
  reference_values(&p, 4);
  plan_init(&plan, &c, &p.layout, &(struct plan_settings){.B = B, .T = T, .training = true, .backend = backend});
  ok(optimizer_new(&o, &p, &r.optimizer, NULL, &e) == 0 && trainer_new(&t, &p, o, &plan, NULL, comm_self(), &r, &e) == 0, "a trainer is there");

  char line[256];
  double early = 0, late = 0, validation = 0, norm = 0;
  if (!fgets(line, sizeof line, curve)) return 1;
  uint32_t windows[B * (T + 1)];
  for (int step = 0; step < run; step++) {
    for (int b = 0; b < B; b++) {
      uint64_t at = splitmix64((7ull << 40) + (uint64_t)(step * B + b)) % (train - T - 1);
      for (int i = 0; i <= T; i++) windows[b * (T + 1) + i] = text[at + (uint64_t)i];
    }
    double before = step % 50 == 49 || step == 0 ? 0 : NAN;
    struct trainer_report report;
    if (trainer_step(t, windows, NULL, &report, &e) < 0) {
      ok(false, "step %d: %s", step, e.message);
      break;
    }
    if (!isnan(before)) before = validation_loss(&p, text + train);
    int number;
    double lr, loss, grad_norm, val;
    if (!fgets(line, sizeof line, curve) || sscanf(line, "%d\t%lf\t%lf\t%lf", &number, &lr, &loss, &grad_norm) != 4 || number != step) {
      ok(false, "row %d of the reference", step);
      break;
    }
    if (fabs(lr - report.lr) > 1e-6 * lr) ok(false, "step %d: learning rate %g, reference %g", step, report.lr, lr);
    double difference = fabs(report.loss - loss);
    if (step < 50) early = fmax(early, difference), norm = fmax(norm, fabs(report.grad_norm / grad_norm - 1));
    late = fmax(late, difference);
    if (!isnan(before) && sscanf(strrchr(line, '\t'), "%lf", &val) == 1) validation = fmax(validation, fabs(before - val));
  }
  ok(early <= 1e-3, "the loss stays within 0.001 of the reference for 50 steps");
  ok(late <= 0.01, "and within 0.01 to step 150");
  ok(norm <= 0.01, "the norm of the gradient stays within 1 %% for 50 steps");
  ok(validation <= 0.01, "the validation loss stays within 0.01");
  note("largest differences over %d steps: %.2g in the first 50, %.2g in all, validation %.2g, norm of the gradient %.2g relative", run, early, late, validation, norm);
  trainer_free(t);
  optimizer_free(o);
  plan_release(&plan);
  parameters_release(&p);
  fclose(curve);
  free(text);
  return tap_done();
}
