/* SPDX-License-Identifier: MIT
 *
 * Whole models on a device: training steps and the decoding of text, in tokens a second.
 *
 *   throughput train|decode [--size tiny|124M|1B] [--type bf16|fp8|tf32|fp32|q8_0|q4_0] [--sequences B] [--steps N]
 *
 * Standard output is TSV: what, shape, type, ms, ours, unit, limit, as of bench.c.
 * 124M is GPT-2's small model, 1B has the sizes of Llama 3.2 1B, both with random weights and tokens.
 *
 * train: steps of the trainer (forward, backward, norm, clipping, AdamW) on B sequences, in micro-batches as large as fit; ms is
 *   the median of N (8) steps after 3 others, which choose algorithms and record.  The limit is the rate at which the FLOPs of
 *   config_flops_per_token(), 6 N_mm + 6 L d_attn T a token, come at the speed that the device's maker states for the type
 *   (bf16's for fp32), so that the share of it is the MFU.
 * decode: greedy continuation of B equal prompts of 512 tokens by 8 and by 8 + N (64) tokens; ms is the difference, for one
 *   token of each sequence.  The limit is the rate at which weights and cache, each byte of them read once, come at the measured
 *   speed of a copy of 1 GiB, bytes read and bytes written counted.  q8_0 and q4_0: weights in blocks of 8 and 4 bits, the rest bf16.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/progress.h"
#include "common/base/rng.h"
#include "common/model/generate.h"
#include "common/model/quantized.h"
#include "common/train/trainer.h"

enum { WARM = 3, MOST_STEPS = 1000 };

struct size {
  const char *name, *preset;
  const char *keys[8]; /* NULL ends */
  int64_t T, sequences, micro_batch, prompt;
};
static const struct size sizes[] = {
    {"tiny", "stories260k", {"num_hidden_layers=1", "vocab_size=300"}, 16, 2, 2, 9},
    {"124M", "gpt2-124m", {"vocab_size=50304"}, 1024, 128, 64, 512},
    {"1B", "tinyllama-1.1b", {"vocab_size=128256", "intermediate_size=8192", "num_hidden_layers=16", "num_key_value_heads=8", "tie_word_embeddings=true"}, 2048, 32, 16, 512},
};

static const struct backend *b;
static struct err e;
static enum matmul_type type = MATMUL_BF16;
static const char *type_name = "bf16";
static int blocks = -1; /* enum quantization, of decoding; -1: none */

static void must(int result) {
  if (result >= 0) return;
  fprintf(stderr, "throughput: %s\n", e.message);
  exit(1);
}

static void must_kernel(int result, const struct kernel_error *k) {
  if (result != 0) must(kernel_failed(&e, k));
}

static int by_value(const void *x, const void *y) {
  double a = *(const double *)x, c = *(const double *)y;
  return (a > c) - (a < c);
}

static struct model_config config_of(const struct size *z) {
  struct model_config c;
  json_t *object = config_preset(z->preset, &e);
  must(object ? 0 : -1);
  for (int i = 0; z->keys[i]; i++) must(config_set(object, z->keys[i], &e));
  must(config_parse(&c, object, z->preset, &e));
  json_decref(object);
  return c;
}

static void report(const char *what, const struct size *z, const struct model_config *c, int64_t sequences, double seconds, double tokens, double limit) {
  printf("%s\tmodel=%s params=%" PRId64 " sequences=%" PRId64 " T=%" PRId64 "\t%s\t%.5g\t%.5g\ttokens/s\t", what, z->name, config_parameters(c), sequences, what[0] == 't' ? z->T : z->prompt, type_name, 1e3 * seconds, tokens / seconds);
  if (limit > 0) printf("%.5g", limit);
  printf("\n");
  fflush(stdout);
}

/* ---- training */

static int begin(struct trainer **t, struct optimizer **o, struct plan *plan, struct parameters *p, const struct recipe *r) {
  *t = NULL, *o = NULL;
  plan_init(plan, &p->config, &p->layout, &(struct plan_settings){.B = r->micro_batch, .T = r->seq, .training = true, .backend = b});
  if (optimizer_new(o, p, &r->optimizer, NULL, &e) == 0 && trainer_new(t, p, *o, plan, NULL, comm_self(), r, &e) == 0) return 0;
  optimizer_free(*o);
  plan_release(plan);
  return -1;
}

static void train(const struct size *z, int64_t sequences, int steps) {
  struct model_config c = config_of(z);
  struct parameters p;
  struct plan plan;
  struct optimizer *o;
  struct trainer *t;
  struct recipe r = {.batch = sequences, .micro_batch = z->micro_batch < sequences ? z->micro_batch : sequences, .seq = z->T, .dtype = type, .optimizer = optimizer_defaults(OPTIMIZER_ADAMW), .clip = 1, .max_skips = 5,
                     .schedule = {.shape = SCHEDULE_CONSTANT, .lr = 1e-4, .steps = WARM + steps}};
  must(parameters_init(&p, &c, b, true, &e));
  must(parameters_randomize(&p, 1, 1, &e));
  while (begin(&t, &o, &plan, &p, &r) < 0) { /* more than fits: half as many at a time */
    if (r.micro_batch == 1 || !strstr(e.message, "memory")) must(-1);
    r.micro_batch /= 2;
  }
  int64_t count = sequences * (z->T + 1);
  uint32_t *windows = NEW_ARRAY(uint32_t, (size_t)count);
  struct rng rng;
  rng_init(&rng, 1);
  double *seconds = NEW_ARRAY(double, (size_t)steps), first = NAN, last = NAN;
  for (int i = 0; i < WARM + steps; i++) {
    struct trainer_report report;
    for (int64_t k = 0; k < count; k++) windows[k] = (uint32_t)rng_below(&rng, (uint64_t)c.vocab_size);
    must(trainer_step(t, windows, NULL, &report, &e));
    struct kernel_error k;
    double began = progress_clock();
    must_kernel(b->synchronize(&k), &k); /* the optimiser's step is queued still */
    if (i >= WARM) seconds[i - WARM] = report.seconds + progress_clock() - began;
    if (i == 0) first = report.loss;
    last = report.loss;
  }
  qsort(seconds, (size_t)steps, sizeof *seconds, by_value);
  if (!(fabs(first - log((double)c.vocab_size)) < 2) || !(last < first + 1)) { /* random tokens: nothing to learn but their frequency */
    fprintf(stderr, "throughput: the loss goes from %g to %g\n", first, last);
    exit(1);
  }
  double peak = b->stated_peak(type == MATMUL_FP32 ? MATMUL_BF16 : type);
  report("training", z, &c, sequences, seconds[steps / 2], (double)(sequences * z->T), peak / config_flops_per_token(&c, z->T));
  free(seconds), free(windows);
  trainer_free(t), optimizer_free(o), plan_release(&plan), parameters_release(&p);
}

/* ---- decoding */

static double copy_rate(int64_t bytes) { /* bytes/s, read and written */
  struct kernel_error k;
  double best = INFINITY, seconds;
  void *from = b->alloc((size_t)bytes, &k), *to = from ? b->alloc((size_t)bytes, &k) : NULL;
  must_kernel(to ? 0 : -1, &k);
  for (int i = 0; i < 8; i++) {
    must_kernel(b->mark(0, &k), &k);
    must_kernel(b->copy(to, from, (size_t)bytes, &k), &k);
    must_kernel(b->mark(1, &k), &k);
    must_kernel(b->elapsed(&seconds, 0, 1, &k), &k);
    if (i > 0 && seconds < best) best = seconds;
  }
  b->release(from), b->release(to);
  return 2 * (double)bytes / best;
}

static double generate(struct generator *g, const uint32_t *prompt, const struct size *z, int64_t sequences, int64_t limit) {
  struct generation *items = NEW_ARRAY(struct generation, (size_t)sequences);
  struct generator_settings settings = {.sampler = {.top_p = 1, .repeat_penalty = 1}, .limit = limit};
  for (int64_t i = 0; i < sequences; i++) {
    items[i] = (struct generation){.prompt = prompt, .prompt_count = z->prompt};
    rng_init(&items[i].rng, (uint64_t)i);
  }
  double began = progress_clock();
  must(generator_run(g, items, sequences, &settings, &e));
  double seconds = progress_clock() - began;
  for (int64_t i = 0; i < sequences; i++) {
    must(items[i].count == limit ? 0 : err_set(&e, "%" PRId64 " tokens instead of %" PRId64, items[i].count, limit));
    generation_release(&items[i]);
  }
  free(items);
  return seconds;
}

static void decode(const struct size *z, int64_t sequences, int steps) {
  struct model_config c = config_of(z);
  struct parameters p;
  must(blocks < 0 ? parameters_init(&p, &c, b, false, &e) : parameters_init_quantized(&p, &c, b, (enum quantization)blocks, &e));
  must(parameters_randomize(&p, 1, 1, &e));
  struct generator *g = generator_new(&p, sequences, c.vocab_size);
  uint32_t *prompt = NEW_ARRAY(uint32_t, (size_t)z->prompt);
  struct rng rng;
  rng_init(&rng, 1);
  for (int64_t i = 0; i < z->prompt; i++) prompt[i] = (uint32_t)rng_below(&rng, (uint64_t)c.vocab_size);
  int64_t few = z->prompt < 64 ? 2 : 8, most = few + steps;
  generate(g, prompt, z, sequences, few); /* workspaces, algorithms */
  double times[3];
  for (int i = 0; i < 3; i++) times[i] = generate(g, prompt, z, sequences, most) - generate(g, prompt, z, sequences, few);
  qsort(times, 3, sizeof *times, by_value);
  double seconds = times[1] / steps, row = 2.0 * (double)(c.layers * c.kv_heads * c.head_dim) * (double)b->stored_size, past = (double)z->prompt + (double)few + steps / 2.0;
  double weights = p.quantized ? (double)p.quantized->bytes : (double)config_matmul_parameters(&c) * (double)b->stored_size, bytes = weights + (double)sequences * past * row;
  report("decoding", z, &c, sequences, seconds, (double)sequences, (double)sequences * copy_rate(z->prompt < 64 ? 1 << 16 : 1 << 30) / bytes);
  free(prompt);
  generator_free(g), parameters_release(&p);
}

/* ---- */

static int usage(void) {
  fprintf(stderr, "usage: throughput train|decode [--size tiny|124M|1B] [--type bf16|fp8|tf32|fp32|q8_0|q4_0] [--sequences B] [--steps N]\n");
  return 2;
}

int main(int argc, char **argv) {
  static const char *const types[] = {[MATMUL_FP32] = "fp32", [MATMUL_BF16] = "bf16", [MATMUL_TF32] = "tf32", [MATMUL_FP8] = "fp8"}, *const quantized[] = {[QUANTIZED_Q8_0] = "q8_0", [QUANTIZED_Q4_0] = "q4_0"};
  const struct size *z = &sizes[1];
  int64_t sequences = 0;
  int steps = 0;
  bool training = argc > 1 && strcmp(argv[1], "train") == 0;
  if (!training && !(argc > 1 && strcmp(argv[1], "decode") == 0)) return usage();
  for (int i = 2; i < argc; i += 2) {
    const char *value = argv[i + 1];
    if (!value) return usage();
    if (strcmp(argv[i], "--size") == 0) {
      for (z = sizes; z < sizes + sizeof sizes / sizeof *sizes && strcmp(z->name, value) != 0; z++) {}
      if (z == sizes + sizeof sizes / sizeof *sizes) return usage();
    } else if (strcmp(argv[i], "--type") == 0) type_name = value;
    else if (strcmp(argv[i], "--sequences") == 0) sequences = atoll(value);
    else if (strcmp(argv[i], "--steps") == 0) steps = atoi(value);
    else return usage();
  }
  int t = 0;
  while (t < 4 && strcmp(types[t], type_name) != 0) t++;
  for (int q = 0; q < 2 && !training; q++)
    if (strcmp(quantized[q], type_name) == 0) blocks = q, t = MATMUL_BF16;
  if (t == 4 || sequences < 0 || sequences > 4096 || steps < 0 || steps > MOST_STEPS) return usage();
  type = (enum matmul_type)t;
  struct kernel_error k;
  b = backend_cuda(type, &k);
  if (!b) {
    fprintf(stderr, "throughput: %s\n", k.message);
    return 77;
  }
  printf("what\tshape\ttype\tms\tours\tunit\tlimit\n");
  if (training) train(z, sequences ? sequences : z->sequences, steps ? steps : 8);
  else decode(z, sequences ? sequences : 1, steps ? steps : 64);
  return 0;
}
