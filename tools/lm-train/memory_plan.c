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

double memory_to_pin(void) { return 0.9 * memory_of_machine(); }

static bool has_folder(const struct memory_choice *choice) { return choice->backend == backend_cpu(); }

int64_t memory_optimizer(const struct parameter_layout *l, const struct optimizer_settings *s, const struct memory_choice *choice) {
  if (!choice->offload) return optimizer_bytes(l, s);
  return has_folder(choice) ? 0 : optimizer_visiting_bytes(l, s);
}

int64_t memory_optimizer_host(const struct parameter_layout *l, const struct optimizer_settings *s, const struct memory_choice *choice) {
  return choice->offload && !has_folder(choice) ? optimizer_bytes(l, s) : 0;
}

/* Of the largest layer's backward pass: dy and its transpose, those of x and w, and a float for each 128 (kernels/fp8.cuh) */
static double eight_bit_copies(const struct plan *p) {
  double most = 0, rows = (double)(p->B * p->T);
  for (int i = 0; i < p->count; i++) {
    const struct plan_node *n = &p->nodes[i];
    if (n->op != PLAN_MATMUL) continue;
    double in = (double)p->values[n->inputs[0]].columns, out = (double)p->values[n->output].columns;
    most = fmax(most, rows * (2 * out + in) + out * in);
  }
  return most * (1 + sizeof(float) / 128.0);
}

static void report_need(struct memory_need *need, struct memory_report *report, const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice) {
  struct parameter_layout layout;
  struct plan plan;
  parameter_layout_init(&layout, c);
  plan_init(&plan, c, &layout, &(struct plan_settings){.B = choice->micro_batch, .T = choice->seq, .training = true, .recompute = choice->recompute, .offload = choice->leave, .backend = choice->backend});
  memory_report(&plan, &layout, memory_optimizer(&layout, s, choice), report);
  if (choice->fp8) report->total += (int64_t)eight_bit_copies(&plan);
  *need = (struct memory_need){.bytes = report->total, .host = report->host + memory_optimizer_host(&layout, s, choice), .more_flops = plan_recompute_share(&plan)};
  plan_release(&plan);
  parameter_layout_release(&layout);
}

void memory_need(struct memory_need *need, const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice) {
  struct memory_report unread;
  report_need(need, &unread, c, s, choice);
}

/* What is needed, by class, and what a GPU has. */
static void add_classes(struct buffer *out, const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice) {
  struct memory_need need;
  struct memory_report r;
  struct kernel_error unheard;
  size_t free_bytes, total;
  char number[NUMBER_TEXT], of[NUMBER_TEXT];
  report_need(&need, &r, c, s, choice);
  const struct {
    const char *name;
    int64_t bytes;
  } classes[] = {{"parameters", r.parameters}, {"gradients", r.gradients}, {"optimizer", r.optimizer}, {"activations", r.classes[BUFFER_ACTIVATION]}, {"their gradients", r.classes[BUFFER_GRADIENT]},
                 {"statistics", r.classes[BUFFER_STATISTICS]}, {"logits", r.classes[BUFFER_LOGITS]},
                 {"8-bit copies", r.total - r.parameters - r.gradients - r.optimizer - r.arena}};
  buffer_append_string(out, "; needed are");
  for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
    if (classes[i].bytes > 0) buffer_printf(out, "%s %s %s", i > 0 ? "," : "", classes[i].name, number_bytes((double)classes[i].bytes, number));
  if (choice->backend != backend_cpu() && choice->backend->memory(&free_bytes, &total, &unheard) == 0)
    buffer_printf(out, "; %s of the GPU's %s are free, of which libraries get 512 MiB", number_bytes((double)free_bytes, number), number_bytes((double)total, of));
}

static bool holds(double memory, const struct memory_need *need) { return (double)need->bytes <= memory && (double)need->host <= memory_to_pin(); }

static bool fits(const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, double memory) {
  struct memory_need need;
  memory_need(&need, c, s, choice);
  return holds(memory, &need);
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

/* What is given to --offload for a choice. */
static const char *offload_words(const struct memory_choice *choice) {
  if (has_folder(choice)) return choice->offload ? "DIR" : "";
  return choice->offload && choice->leave ? "optimizer,activations" : choice->offload ? "optimizer" : choice->leave ? "activations" : "";
}

/* The first of the ways to offload more than is chosen that fits. */
static bool offload_fits(struct memory_choice *other, const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, double memory) {
  for (int k = 1; k < 4; k++) { /* the optimiser, whose copies are fewer; activations; both */
    *other = *choice;
    other->offload |= k & 1, other->leave |= (k & 2) && !has_folder(choice);
    if ((other->offload != choice->offload || other->leave != choice->leave) && fits(c, s, other, memory)) return true;
  }
  return false;
}

static void add(struct buffer *out, const char *text) {
  if (out->len) buffer_append_string(out, ", ");
  buffer_append_string(out, text);
}

static void advise(struct buffer *out, const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, int64_t batch, double memory) {
  char text[160], number[NUMBER_TEXT], word[OPTION_WORD];
  struct buffer list = {0};
  struct memory_need need;
  int64_t micro_batch = memory_micro_batch(c, s, choice, batch, memory), seq = memory_seq(c, s, choice, memory);
  if (micro_batch > 0) snprintf(text, sizeof text, "--micro-batch %" PRId64, micro_batch), add(&list, text);
  struct memory_choice other = *choice;
  for (int policy = (int)choice->recompute + 1; policy < POLICIES; policy++) {
    other.recompute = (enum recompute)policy;
    memory_need(&need, c, s, &other);
    if (!holds(memory, &need)) continue;
    snprintf(text, sizeof text, "--recompute %s (%.0f %% more arithmetic)", policy_name(policy, word), 100 * need.more_flops), add(&list, text);
    break; /* the next ones cost more */
  }
  if (offload_fits(&other, c, s, choice, memory)) snprintf(text, sizeof text, "--offload %s", offload_words(&other)), add(&list, text);
  if (micro_batch == 0 && seq > 0) snprintf(text, sizeof text, "--seq %" PRId64 " --micro-batch 1", seq), add(&list, text);
  if (list.len) {
    buffer_append_string(out, "would fit: ");
    buffer_append(out, list.data, list.len);
    buffer_release(&list);
    return;
  }
  other = (struct memory_choice){.micro_batch = 1, .seq = choice->seq, .recompute = (enum recompute)(POLICIES - 1), .offload = true, .leave = !has_folder(choice), .fp8 = choice->fp8, .backend = choice->backend};
  memory_need(&need, c, s, &other);
  bool enough = holds(memory, &need);
  buffer_printf(out, "%s: --micro-batch 1 --offload %s", enough ? "would fit" : "nothing helps but a smaller model", offload_words(&other));
  if (other.recompute != RECOMPUTE_NONE) buffer_printf(out, " --recompute %s", policy_name((int)other.recompute, word));
  if (!enough) buffer_printf(out, " still needs %s", number_bytes((double)need.bytes, number));
}

void memory_advice(struct buffer *out, const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, int64_t batch, double memory) {
  advise(out, c, s, choice, batch, memory);
  add_classes(out, c, s, choice);
}

void memory_rows(struct buffer *out, const struct model_config *c, const struct optimizer_settings *s, const struct memory_choice *choice, int64_t batch, double memory) {
  struct memory_need need;
  char word[OPTION_WORD];
  memory_need(&need, c, s, choice);
  buffer_printf(out, "bytes_machine\t%.0f\nfits\t%s\n", memory, holds(memory, &need) ? "yes" : "no");
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
  if (has_folder(choice)) {
    other.offload = !choice->offload;
    memory_need(&need, c, s, &other);
    buffer_printf(out, "bytes_total_%s\t%" PRId64 "\n", other.offload ? "offload" : "no_offload", need.bytes);
    return;
  }
  static const char *const names[] = {"no_offload", "offload_optimizer", "offload_activations", "offload_both"};
  for (int k = 0; k < 4; k++) {
    other.offload = k & 1, other.leave = k & 2;
    if (other.offload == choice->offload && other.leave == choice->leave) continue;
    memory_need(&need, c, s, &other);
    buffer_printf(out, "bytes_total_%s\t%" PRId64 "\nbytes_host_%s\t%" PRId64 "\n", names[k], need.bytes, names[k], need.host);
  }
}
