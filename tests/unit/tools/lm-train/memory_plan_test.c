/* SPDX-License-Identifier: MIT */
#include "tools/lm-train/memory_plan.h"

#include <math.h>
#include <string.h>

#include "tests/llama.h"
#include "tests/tap.h"

static struct model_config c;
static struct optimizer_settings s;

static int64_t bytes(int64_t micro_batch, int64_t seq, bool offload) {
  struct memory_need need;
  memory_need(&need, &c, &s, &(struct memory_choice){.backend = backend_cpu(), .micro_batch = micro_batch, .seq = seq, .offload = offload});
  return need.bytes;
}

static void advises(const struct memory_choice *choice, double memory, const char *says, const char *name) {
  struct buffer out = {0};
  memory_advice(&out, &c, &s, choice, 24, memory);
  if (!ok(strstr(buffer_string(&out), says) != NULL, "%s", name)) note("%s", buffer_string(&out));
  buffer_release(&out);
}

int main(void) {
  s = optimizer_defaults(OPTIMIZER_ADAMW);
  c = llama(5000, 256, 704, 8, 4, 4, 4096);
  const struct memory_choice choice = {.backend = backend_cpu(), .micro_batch = 24, .seq = 1024};
  ok(memory_of_device(backend_cpu()) > 1e7, "a machine has memory");
  int64_t state = bytes(1, 1024, false) - bytes(1, 1024, true), parameters = config_parameters(&c) * (int64_t)sizeof(real);
  ok(state >= 2 * parameters && state < 2 * parameters + parameters / 50, "offload frees the two moments of AdamW");
  bool right = true;
  static const int64_t divisors[] = {1, 2, 3, 4, 6, 8, 12, 24};
  for (int i = 0; i < 8; i++) { /* exactly enough, and one byte less */
    double memory = (double)bytes(divisors[i], 1024, false);
    right &= memory_micro_batch(&c, &s, &choice, 24, memory) == divisors[i];
    right &= memory_micro_batch(&c, &s, &choice, 24, memory - 1) == (i ? divisors[i - 1] : 0);
  }
  ok(right, "the largest micro-batch is the largest divisor that fits to the byte");
  ok_int(memory_seq(&c, &s, &choice, (double)bytes(1, 256, false)), 256, "a shorter sequence is found by halving");
  ok_int(memory_seq(&c, &s, &choice, (double)parameters), 0, "and none where the parameters alone do not fit");
  advises(&choice, (double)bytes(6, 1024, false), "--micro-batch 6", "it says which micro-batch fits");
  advises(&(struct memory_choice){.backend = backend_cpu(), .micro_batch = 24, .seq = 1024}, (double)bytes(24, 1024, true), "--offload DIR", "that offload alone would do");
  advises(&choice, (double)bytes(1, 512, false), "--seq 512 --micro-batch 1", "that the sequence must be shorter");
  advises(&(struct memory_choice){.backend = backend_cpu(), .micro_batch = 1, .seq = 16}, (double)config_parameters(&c) * sizeof(real), "a smaller model", "and when nothing helps");
  struct memory_need need, before;
  bool less = true;
  memory_need(&before, &c, &s, &choice);
  for (int policy = RECOMPUTE_NORM; policy <= RECOMPUTE_BLOCK; policy++, before = need) {
    memory_need(&need, &c, &s, &(struct memory_choice){.backend = backend_cpu(), .micro_batch = 24, .seq = 1024, .recompute = (enum recompute)policy});
    less &= need.bytes < before.bytes && need.more_flops > before.more_flops;
  }
  ok(less && need.more_flops < 0.5, "each policy of recomputing takes less memory and more arithmetic than the one before, blocks %.0f %% more", 100 * need.more_flops);
  advises(&choice, (double)need.bytes, "--recompute block (", "and it says which one would do, and what it costs");
  memory_need(&before, &c, &s, &choice);
  memory_need(&need, &c, &s, &(struct memory_choice){.backend = backend_cpu(), .micro_batch = 24, .seq = 1024, .fp8 = true});
  double copies = (24.0 * 1024 * (2 * 1408 + 256) + 1408 * 256) * 33 / 32; /* of gate and up */
  ok(fabs((double)(need.bytes - before.bytes) - copies) < 1, "8-bit copies of the largest layer's factors count");
  struct backend gpu = *backend_cpu(); /* another one: with memory of its own */
  struct memory_choice there = {.backend = &gpu, .micro_batch = 24, .seq = 1024}, elsewhere = there;
  int64_t all[4];
  for (int k = 0; k < 4; k++) {
    elsewhere.offload = k & 1, elsewhere.leave = k & 2;
    memory_need(&need, &c, &s, &elsewhere);
    all[k] = need.bytes;
    if (k == 0) before = need, ok(need.host == 0, "nothing leaves a GPU unless it is said");
    if (k == 1) ok(need.host >= 2 * parameters && before.bytes - need.bytes > 0 && before.bytes - need.bytes < need.host, "the optimiser leaves a GPU but for what visits");
    if (k == 2) ok(need.host > 0 && before.bytes - need.bytes > need.host / 2, "activations leave, but for those of two layers");
    if (k == 3) ok(all[0] - all[3] == all[0] - all[1] + all[0] - all[2], "both leave");
  }
  advises(&there, (double)all[1], "--offload optimizer", "it says whether the optimiser is enough to offload");
  advises(&there, (double)all[2], "--offload activations", "or the activations");
  advises(&there, (double)all[3], "--offload optimizer,activations", "or both");
  there.offload = true;
  advises(&there, (double)all[3], "--offload optimizer,activations", "both too where one is chosen");
  there.offload = false, there.leave = true;
  there.micro_batch = memory_micro_batch(&c, &s, &there, 1 << 20, 1e18);
  memory_need(&before, &c, &s, &there);
  there.micro_batch *= 2;
  memory_need(&need, &c, &s, &there);
  ok((double)before.host <= memory_to_pin() && (double)need.host > memory_to_pin(), "a micro-batch whose activations cannot be pinned does not fit");
  there.micro_batch = 24, there.leave = false;
  struct buffer rows = {0};
  memory_rows(&rows, &c, &s, &there, 24, (double)all[0]);
  ok(strstr(buffer_string(&rows), "\nbytes_total_offload_both\t") && strstr(rows.data, "\nbytes_host_offload_optimizer\t") && !strstr(rows.data, "no_offload"), "--plan has the rows of what is not chosen");
  buffer_clear(&rows);
  memory_rows(&rows, &c, &s, &choice, 24, (double)bytes(6, 1024, false));
  ok(strstr(buffer_string(&rows), "fits\tno\n") && strstr(rows.data, "largest_micro_batch\t6\n") && strstr(rows.data, "bytes_total_offload\t"), "the rows of --plan say the same");
  buffer_release(&rows);
  return tap_done();
}
