/* SPDX-License-Identifier: MIT
 *
 * A checkpoint that lm-train wrote gives the logits that transformers computes from it (tests/oracle/trained_llama.py
 * made both).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/io/safetensors.h"
#include "common/model/checkpoint.h"
#include "common/model/execute.h"
#include "common/model/generate.h"
#include "tests/tap.h"

enum { B = 2, T = 48, V = 97 };

#define FOLDER "tests/data/model/trained-llama"

static struct err e;

static bool load(const struct safetensors *s, const char *name, float *out, int64_t count) {
  const struct tensor_info *t = safetensors_find(s, name);
  return t && t->count == count && safetensors_read_f32(s, t, 0, count, out, &e) == 0;
}

int main(void) {
  static float ids_float[B * T], want[B * T * V], greedy[32], loss_want;
  static real logits[B * T * V];
  int32_t ids[B * T], targets[B * T];
  struct model_config c;
  struct parameters p;
  struct safetensors *s;
  if (!ok(checkpoint_config(&c, FOLDER, &e) == 0 && parameters_init(&p, &c, backend_cpu(), false, &e) == 0 && checkpoint_weights(&p, FOLDER, &e) == 0, "the checkpoint loads")) {
    note("%s", e.message);
    return tap_done();
  }
  ok(safetensors_open(&s, FOLDER "/expected.safetensors", &e) == 0 && load(s, "input_ids", ids_float, B * T) && load(s, "logits", want, B * T * V) && load(s, "loss", &loss_want, 1) && load(s, "greedy", greedy, 32),
     "the expected values load");
  for (int i = 0; i < B * T; i++) ids[i] = (int32_t)ids_float[i], targets[i] = i % T == T - 1 ? -1 : (int32_t)ids_float[i + 1];

  struct plan plan;
  struct execution *x;
  plan_init(&plan, &c, &p.layout, &(struct plan_settings){.B = B, .T = T});
  ok(execution_new(&x, &plan, &p, T, &e) == 0 && execute_logits(x, B, T, ids, false, logits, &e) == 0, "it runs");
  double worst = 0, losses[B] = {0}, loss = 0;
  for (int i = 0; i < B * T * V; i++) worst = fmax(worst, fabs((double)logits[i] - want[i]));
  ok(worst <= 1e-5, "its logits are those of transformers, within 1e-5");
  note("largest difference %.2g", worst);
  ok(execute_evaluate(x, B, T, ids, targets, losses, &e) == 0, "it evaluates");
  for (int b = 0; b < B; b++) loss += losses[b];
  ok_near(loss / (B * (T - 1)), loss_want, 1e-5, "its loss is that of transformers");

  uint32_t prompt[8];
  for (int i = 0; i < 8; i++) prompt[i] = (uint32_t)greedy[i];
  struct generation g[2] = {{.prompt = prompt, .prompt_count = 8}, {.prompt = prompt, .prompt_count = 8}};
  struct generator *generator = generator_new(&p, 2, V);
  struct generator_settings settings = {.sampler = {.top_p = 1, .repeat_penalty = 1}, .limit = 24};
  ok(generator_run(generator, g, 2, &settings, &e) == 0 && g[0].count == 24 && g[1].count == 24, "it continues a prompt twice in one batch");
  bool same = true;
  for (int i = 0; i < 24; i++) same &= g[0].ids[i] == (uint32_t)greedy[8 + i] && g[1].ids[i] == g[0].ids[i];
  ok(same, "both continuations are the greedy one of transformers");

  generation_release(&g[0]), generation_release(&g[1]);
  generator_free(generator);
  execution_free(x);
  plan_release(&plan);
  safetensors_close(s);
  parameters_release(&p);
  return tap_done();
}
