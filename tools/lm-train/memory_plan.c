/* SPDX-License-Identifier: MIT */
#include "tools/lm-train/memory_plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/options.h"

#define SHORTEST_SEQ 16
enum { POLICIES = RECOMPUTE_BLOCK + 1 };

static const char *policy_name(int policy, char text[OPTION_WORD]) { return option_word(RECOMPUTE_CHOICES, policy, text); }

static double memory_of_machine(void) {
  double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE), limit;
  struct rlimit space;
  if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY && (double)space.rlim_cur < memory) memory = (double)space.rlim_cur;
  FILE *f = fopen("/sys/fs/cgroup/memory.max", "re"); /* "max" or a number */
  if (f && fscanf(f, "%lf", &limit) == 1 && limit < memory) memory = limit;
  if (f) fclose(f);
  return memory;
}

double memory_of_device(const struct backend *b) {
  const double libraries = 0.5 * 0x1p30; /* cuBLAS, workspaces, graphs */
  size_t free_bytes, total;
  struct kernel_error unheard;
  if (b == backend_cpu()) return memory_of_machine();
  return b->memory(&free_bytes, &total, &unheard) < 0 ? 0 : fmax(0, (double)free_bytes - libraries);
}

void memory_need(struct memory_need *need, const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice) {
  struct parameter_layout layout;
  struct plan plan;
  struct memory_report report;
  parameter_layout_init(&layout, c);
  plan_init(&plan, c, &layout, &(struct plan_settings){.B = choice->micro_batch, .T = choice->seq, .training = true, .recompute = choice->recompute, .backend = choice->backend});
  memory_report(&plan, &layout, choice->offload ? 0 : optimizer_bytes(&layout, s), &report);
  *need = (struct memory_need){.bytes = report.total, .more_flops = plan_recompute_share(&plan)};
  plan_release(&plan);
  parameter_layout_release(&layout);
}

static bool fits(const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, double memory) {
  struct memory_need need;
  memory_need(&need, c, s, choice);
  return (double)need.bytes <= memory;
}

int64_t memory_micro_batch(const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, int64_t batch, double memory) {
  struct memory_choice other = *choice;
  int64_t best = 0;
  for (int64_t low = 1, high = batch; low <= high;) { /* memory grows with the micro-batch: bisect, then down to a divisor */
    other.micro_batch = low + (high - low) / 2;
    if (fits(c, s, &other, memory)) best = other.micro_batch, low = best + 1;
    else high = other.micro_batch - 1;
  }
  while (best > 0 && batch % best) best--;
  return best;
}

int64_t memory_seq(const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, double memory) {
  struct memory_choice other = *choice;
  other.micro_batch = 1;
  for (; other.seq >= SHORTEST_SEQ; other.seq /= 2)
    if (fits(c, s, &other, memory)) return other.seq;
  return 0;
}

static void add(struct buffer *out, const char *text) {
  if (out->len) buffer_append_string(out, ", ");
  buffer_append_string(out, text);
}

void memory_advice(struct buffer *out, const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, int64_t batch, double memory) {
  char text[160], number[NUMBER_TEXT], word[OPTION_WORD];
  struct buffer list = {0};
  struct memory_need need;
  int64_t micro_batch = memory_micro_batch(c, s, choice, batch, memory), seq = memory_seq(c, s, choice, memory);
  if (micro_batch > 0) snprintf(text, sizeof text, "--micro-batch %" PRId64, micro_batch), add(&list, text);
  struct memory_choice other = *choice;
  for (int policy = (int)choice->recompute + 1; policy < POLICIES; policy++) {
    other.recompute = (enum recompute)policy;
    memory_need(&need, c, s, &other);
    if ((double)need.bytes > memory) continue;
    snprintf(text, sizeof text, "--recompute %s (%.0f %% more arithmetic)", policy_name(policy, word), 100 * need.more_flops), add(&list, text);
    break; /* the next ones cost more */
  }
  other = *choice;
  other.offload = true;
  if (!choice->offload && fits(c, s, &other, memory)) add(&list, "--offload DIR");
  if (micro_batch == 0 && seq > 0) snprintf(text, sizeof text, "--seq %" PRId64 " --micro-batch 1", seq), add(&list, text);
  if (list.len) {
    buffer_append_string(out, "would fit: ");
    buffer_append(out, list.data, list.len);
    buffer_release(&list);
    return;
  }
  other = (struct memory_choice){.micro_batch = 1, .seq = choice->seq, .recompute = (enum recompute)(POLICIES - 1), .offload = true, .backend = choice->backend};
  memory_need(&need, c, s, &other);
  bool enough = (double)need.bytes <= memory;
  buffer_append_string(out, enough ? "would fit: --micro-batch 1 --offload DIR" : "nothing helps but a smaller model: --micro-batch 1 --offload DIR");
  if (other.recompute != RECOMPUTE_NONE) buffer_printf(out, " --recompute %s", policy_name((int)other.recompute, word));
  if (!enough) buffer_printf(out, " still needs %s", number_bytes((double)need.bytes, number));
}

void memory_rows(struct buffer *out, const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, int64_t batch, double memory) {
  struct memory_need need;
  char word[OPTION_WORD];
  memory_need(&need, c, s, choice);
  buffer_printf(out, "bytes_machine\t%.0f\nfits\t%s\n", memory, (double)need.bytes <= memory ? "yes" : "no");
  if (choice->recompute != RECOMPUTE_NONE) buffer_printf(out, "recompute_flops\t%.4f\n", need.more_flops);
  buffer_printf(out, "largest_micro_batch\t%" PRId64 "\n", memory_micro_batch(c, s, choice, batch, memory));
  buffer_printf(out, "longest_seq\t%" PRId64 "\n", memory_seq(c, s, choice, memory));
  for (int policy = 0; policy < POLICIES; policy++) {
    struct memory_choice other = *choice;
    other.recompute = (enum recompute)policy;
    if (other.recompute == choice->recompute) continue;
    memory_need(&need, c, s, &other);
    buffer_printf(out, "bytes_total_recompute_%s\t%" PRId64 "\nrecompute_flops_%s\t%.4f\n", policy_name(policy, word), need.bytes, word, need.more_flops);
  }
  struct memory_choice other = *choice;
  other.offload = !choice->offload;
  memory_need(&need, c, s, &other);
  buffer_printf(out, "bytes_total_%s\t%" PRId64 "\n", other.offload ? "offload" : "no_offload", need.bytes);
}
