/* SPDX-License-Identifier: MIT */
#include "tools/lm-train/record.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/buffer.h"
#include "common/base/number.h"
#include "common/io/output.h"

#define HEADER "step\ttokens\tlr\tloss\tgrad_norm\tval_loss\n"

/* The rows of an earlier log up to step `done`. */
static int earlier_rows(struct buffer *rows, const char *path, int64_t done, struct err *e) {
  FILE *f = fopen(path, "re");
  if (!f) return errno == ENOENT ? 0 : err_errno(e, "%s", path);
  char *line = NULL;
  size_t capacity = 0;
  for (ssize_t n; (n = getline(&line, &capacity, f)) > 0;) {
    char *end;
    long long step = strtoll(line, &end, 10);
    if (end != line && *end == '\t' && step <= done && line[n - 1] == '\n') buffer_append(rows, line, (size_t)n);
  }
  free(line);
  int result = ferror(f) ? err_errno(e, "%s", path) : 0;
  fclose(f);
  return result;
}

int record_log_open(FILE **log, const char *path, int64_t done, struct err *e) {
  struct buffer rows = {0};
  int result = done > 0 ? earlier_rows(&rows, path, done, e) : 0;
  *log = result == 0 ? fopen(path, "we") : NULL;
  if (result == 0 && !*log) result = err_errno(e, "%s", path);
  if (result == 0 && (fputs(HEADER, *log) < 0 || (rows.len && fwrite(rows.data, 1, rows.len, *log) != rows.len) || fflush(*log) != 0)) result = err_errno(e, "%s", path);
  buffer_release(&rows);
  return result;
}

int record_log_step(FILE *log, const struct trainer_report *r, int64_t tokens_a_step, struct err *e) {
  fprintf(log, "%lld\t%lld\t%.9g\t%.9g\t%.9g\t", (long long)r->step, (long long)(r->step * tokens_a_step), r->lr, r->loss, r->grad_norm);
  if (!isnan(r->val_loss)) fprintf(log, "%.9g", r->val_loss);
  fputc('\n', log);
  return fflush(log) != 0 || ferror(log) ? err_errno(e, "the log cannot be written") : 0;
}

int record_log_close(FILE *log, struct err *e) { return log && fclose(log) != 0 ? err_errno(e, "the log cannot be written") : 0; }

/* Of architecture and recipe in canonical JSON: runs with the same hash differ by their seed only. */
static uint64_t recipe_hash(const struct model_config *c, const struct recipe *r) {
  json_t *o = config_to_json(c);
  json_t *recipe = json_pack("{s:I,s:I,s:I,s:I,s:i,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "batch", (json_int_t)r->batch, "seq", (json_int_t)r->seq, "steps", (json_int_t)r->schedule.steps,
                             "warmup", (json_int_t)r->schedule.warmup, "schedule", (int)r->schedule.shape, "lr", r->schedule.lr, "min_lr", r->schedule.min_lr,
                             "decay", r->schedule.decay, "beta1", r->beta1, "beta2", r->beta2, "eps", r->eps, "weight_decay", r->weight_decay, "clip", r->clip);
  json_object_set_new(o, "recipe", recipe);
  char *text = json_dumps(o, JSON_SORT_KEYS | JSON_COMPACT);
  uint64_t hash = XXH3_64bits(text, strlen(text));
  free(text);
  json_decref(o);
  return hash;
}

int record_run(const char *dir, const struct model_config *c, const struct recipe *r, const struct record_totals *t, struct err *e) {
  static const char *const shapes[] = {"cosine", "wsd", "linear", "constant"};
  struct buffer out = {0}, path = {0};
  char number[NUMBER_TEXT];
  buffer_append_string(&out, "params\ttokens\tflops\tloss\tbpb\tseed\tconfig_hash\tsteps\tbatch\tseq\tlr\tmin_lr\twarmup\tschedule\tweight_decay\tlayers\thidden_size\tvocab_size\tparams_all\n");
  buffer_printf(&out, "%lld\t%lld\t%.0f\t", (long long)config_matmul_parameters(c), (long long)t->tokens, config_flops_per_token(c, r->seq) * (double)t->tokens);
  buffer_printf(&out, "%s\t", number_format(t->loss, number));
  if (!isnan(t->bpb)) buffer_append_string(&out, number_format(t->bpb, number));
  buffer_printf(&out, "\t%" PRIu64 "\t%016" PRIx64 "\t%lld\t%lld\t%lld\t", t->seed, recipe_hash(c, r), (long long)t->steps, (long long)r->batch, (long long)r->seq);
  buffer_printf(&out, "%s\t", number_format(r->schedule.lr, number));
  buffer_printf(&out, "%s\t%lld\t%s\t", number_format(r->schedule.min_lr, number), (long long)r->schedule.warmup, shapes[r->schedule.shape]);
  buffer_printf(&out, "%s\t%lld\t%lld\t%lld\t%lld\n", number_format(r->weight_decay, number), (long long)c->layers, (long long)c->hidden_size, (long long)c->vocab_size, (long long)config_parameters(c));
  buffer_printf(&path, "%s/run.tsv", dir);
  int result = output_file(buffer_string(&path), out.data, out.len, e);
  buffer_release(&out);
  buffer_release(&path);
  return result;
}
