/* SPDX-License-Identifier: MIT
 *
 * Shapes for parameters of all sizes, counted exactly as the model engine counts them; memory near the engine's plan.
 */
#include "tools/fit-scaling/plan/shape.h"

#include <math.h>
#include <string.h>

#include "common/base/json.h"
#include "common/model/memory.h"
#include "tests/tap.h"
#include "tools/fit-scaling/plan/config.h"

static bool engine_reads(struct model_config *c, const struct shape *s) {
  struct buffer text = {0};
  struct err e = {0};
  json_error_t why;
  config_json(&text, s);
  json_t *object = json_parse(text.data, text.len, 0, &why);
  bool good = object && config_parse(c, object, "config.json", &e) == 0;
  if (!good) note("%s", e.message);
  json_decref(object);
  buffer_release(&text);
  return good;
}

static void sizes(void) {
  static const double params[] = {5e5, 2e6, 1e7, 4e7, 1.24e8, 3.5e8, 1e9, 1.5e9, 3e9, 8e9, 1.3e10, 3e10, 7e10, 4e11, 2e12};
  for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
    struct shape s = {0};
    struct err e = {0};
    struct model_config c;
    bool made = shape_for(&s, params[i], 0, 0, &e) == 0;
    ok(made && fabs(log(shape_matmul_params(&s) / params[i])) < .12, "%.3g parameters: %lld layers of %lld, %.4g", params[i], (long long)s.layers, (long long)s.width, shape_matmul_params(&s));
    double ratio = (double)s.width / (double)s.layers;
    ok(ratio > 15 && ratio < 200 && s.width % 64 == 0 && s.heads * s.head_dim == s.width && s.heads % s.kv_heads == 0 && s.intermediate % 64 == 0, "  widths that run well, %.0f wide a layer", ratio);
    if (!engine_reads(&c, &s)) {
      ok(false, "  the engine reads the config");
      continue;
    }
    ok((double)config_matmul_parameters(&c) == shape_matmul_params(&s) && (double)config_parameters(&c) == shape_params(&s) &&
           config_flops_per_token(&c, s.seq) == shape_flops_per_token(&s), "  and counts the same parameters and FLOPs");
  }
}

static void choices(void) {
  struct shape s = {0};
  struct err e = {0};
  ok(shape_for(&s, 1.24e8, 50257, 1024, &e) == 0 && s.vocab == 50257 && s.seq == 1024 && s.tied && s.width >= 640 && s.width <= 896, "a 124M model is about as wide as GPT-2: %lld", (long long)s.width);
  ok(shape_for(&s, 7e9, 32000, 4096, &e) == 0 && s.width == 4096 && s.head_dim == 128 && s.kv_heads == 8 && !s.tied && s.layers >= 30 && s.layers <= 40, "a 7B model is about a Llama: %lld layers", (long long)s.layers);
  ok(shape_for(&s, 1e5, 50257, 0, &e) == -1 && strstr(e.message, "--vocab"), "fewer parameters than the vocabulary takes are refused, with the remedy");
  ok(shape_for(&s, 1e5, 256, 0, &e) == 0, "and are there with a smaller one");
  ok(shape_for(&s, 1e15, 0, 0, &e) == -1 && strstr(e.message, "largest"), "so are more than the largest shape has");
  ok(shape_for(&s, NAN, 0, 0, &e) == -1 && shape_for(&s, 0, 0, 0, &e) == -1 && shape_for(&s, INFINITY, 0, 0, &e) == -1, "and what is no number of parameters");
}

static void memory(void) {
  static const double params[] = {8e5, 1e7, 7.5e7};
  for (size_t i = 0; i < 3; i++)
    for (int recompute = 0; recompute < 2; recompute++) {
      struct shape s;
      struct err e;
      struct model_config c;
      struct parameter_layout layout;
      struct plan plan;
      struct memory_report report;
      struct arrangement a = {.recompute = recompute, .micro_batch = 2};
      if (shape_for(&s, params[i], 1024, 512, &e) != 0 || !engine_reads(&c, &s)) {
        ok(false, "a shape for the engine");
        continue;
      }
      parameter_layout_init(&layout, &c);
      plan_init(&plan, &c, &layout, &(struct plan_settings){.B = a.micro_batch, .T = s.seq, .training = true, .recompute = recompute ? RECOMPUTE_BLOCK : RECOMPUTE_NONE});
      memory_report(&plan, &layout, 8 * config_parameters(&c), &report);
      double ours = cost_bytes(&s, PRECISION_SINGLE, 1, &a), ratio = ours / (double)report.total;
      ok(ratio > .9 && ratio < 1.15, "%.3g parameters%s: %.4g bytes, the engine's plan has %.4g", params[i], recompute ? ", blocks again" : "", ours, (double)report.total);
      plan_release(&plan);
      parameter_layout_release(&layout);
    }
}

int main(void) {
  sizes();
  choices();
  memory();
  return tap_done();
}
