/* SPDX-License-Identifier: MIT */
#include "tools/lm-train/record.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/options.h"
#include "common/io/output.h"

#define COLUMNS "step\ttokens\tlr\tloss\tgrad_norm\tval_loss\tskipped\tnoise_trace\tnoise_signal\tnoise_scale"

static void log_header(struct buffer *out, const struct loader *l) {
  buffer_append_string(out, COLUMNS);
  for (int i = 0; i < loader_sources(l) && loader_sources(l) > 1; i++) buffer_printf(out, "\tloss:%s", loader_source_name(l, i));
  for (int i = 0; i < loader_validation_sets(l) && loader_validation_sets(l) > 1; i++) buffer_printf(out, "\tval_loss:%s", loader_validation_name(l, i));
  buffer_put(out, '\n');
}

/* Field `column` of a line; empty where the line is shorter. */
static struct slice field(const char *line, int column) {
  for (; column > 0; column--) {
    line += strcspn(line, "\t\n");
    if (*line == '\t') line++;
  }
  return (struct slice){line, strcspn(line, "\t\n")};
}

static int field_named(const char *header, struct slice name) { /* -1: none */
  int columns = 1;
  for (const char *c = header; *c; c++) columns += *c == '\t';
  for (int i = 0; i < columns; i++) {
    struct slice f = field(header, i);
    if (f.len == name.len && memcmp(f.data, name.data, f.len) == 0) return i;
  }
  return -1;
}

/* A row under `from`, the header of an earlier run, as one under `to`. */
static void append_row(struct buffer *rows, const char *line, const char *from, const char *to) {
  for (int i = 0;; i++) {
    struct slice name = field(to, i);
    int column = name.len ? field_named(from, name) : -1;
    struct slice value = column < 0 ? (struct slice){"", 0} : field(line, column);
    if (i > 0) buffer_put(rows, '\t');
    buffer_append(rows, value.data, value.len);
    if (name.data[name.len] != '\t') break;
  }
  buffer_put(rows, '\n');
}

/* The rows of an earlier log up to step `done`.  A pipe holds none, and reading it would wait for its other end. */
static int earlier_rows(struct buffer *rows, const char *path, const char *header, int64_t done, struct err *e) {
  struct stat st;
  if (stat(path, &st) < 0) return errno == ENOENT ? 0 : err_errno(e, "%s", path);
  FILE *f = S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
  if (!f) return S_ISREG(st.st_mode) ? err_errno(e, "%s", path) : 0;
  char *line = NULL, *theirs = STRDUP(header);
  size_t capacity = 0;
  for (ssize_t n; (n = getline(&line, &capacity, f)) > 0;) {
    char *end;
    long long step = strtoll(line, &end, 10);
    bool row = end != line && *end == '\t' && line[n - 1] == '\n';
    if (!row && strncmp(line, "step\t", 5) == 0) {
      free(theirs);
      theirs = STRDUP(line);
    }
    if (row && step <= done) append_row(rows, line, theirs, header);
  }
  free(line);
  free(theirs);
  int result = ferror(f) ? err_errno(e, "%s", path) : 0;
  fclose(f);
  return result;
}

int record_log_open(FILE **log, const char *path, const struct loader *l, int64_t done, struct err *e) {
  struct buffer rows = {0}, header = {0};
  log_header(&header, l);
  int result = done > 0 ? earlier_rows(&rows, path, buffer_string(&header), done, e) : 0;
  *log = result == 0 ? fopen(path, "we") : NULL;
  if (result == 0 && !*log) result = err_errno(e, "%s", path);
  if (result == 0 && (fwrite(header.data, 1, header.len, *log) != header.len || (rows.len && fwrite(rows.data, 1, rows.len, *log) != rows.len) || fflush(*log) != 0)) result = err_errno(e, "%s", path);
  buffer_release(&rows);
  buffer_release(&header);
  return result;
}

static void log_double(FILE *log, double value) { /* unknown: empty */
  fputc('\t', log);
  if (!isnan(value)) fprintf(log, "%.9g", value);
}

static void log_always(FILE *log, double value) { /* "nan" where it is none */
  if (isnan(value)) fputs("\tnan", log);
  else log_double(log, value);
}

int record_log_step(FILE *log, const struct trainer_report *r, const struct loader *l, int64_t tokens_a_step, struct err *e) {
  fprintf(log, "%lld\t%lld", (long long)r->step, (long long)(r->step * tokens_a_step));
  log_double(log, r->lr);
  log_always(log, r->loss);
  log_always(log, r->grad_norm);
  log_double(log, r->val_loss);
  fprintf(log, "\t%d", r->skipped != TRAINER_TAKEN);
  log_double(log, r->noise_trace);
  log_double(log, r->noise_signal);
  log_double(log, r->noise_scale);
  for (int i = 0; i < loader_sources(l) && loader_sources(l) > 1; i++) log_double(log, r->losses ? r->losses[i] : NAN);
  for (int i = 0; i < loader_validation_sets(l) && loader_validation_sets(l) > 1; i++) log_double(log, r->val_losses ? r->val_losses[i] : NAN);
  fputc('\n', log);
  return fflush(log) != 0 || ferror(log) ? err_errno(e, "the log cannot be written") : 0;
}

int record_log_close(FILE *log, struct err *e) { return log && fclose(log) != 0 ? err_errno(e, "the log cannot be written") : 0; }

/* Of architecture, recipe and the weights a run began with, in canonical JSON: runs with the same hash differ by their
 * seed only.  What does not change the result but for rounding (micro-batches, recomputing) is not in it. */
static uint64_t recipe_hash(const struct model_config *c, const struct recipe *r, const char *init) {
  const struct optimizer_settings *s = &r->optimizer;
  char optimizer[OPTION_WORD], dtype[OPTION_WORD];
  json_t *o = config_to_json(c);
  json_t *recipe = json_pack("{s:I,s:I,s:I,s:I,s:i,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f}", "batch", (json_int_t)r->batch, "seq", (json_int_t)r->seq, "steps", (json_int_t)r->schedule.steps,
                             "warmup", (json_int_t)r->schedule.warmup, "schedule", (int)r->schedule.shape, "lr", r->schedule.lr, "min_lr", r->schedule.min_lr,
                             "decay", r->schedule.decay, "beta1", s->beta1, "beta2", s->beta2, "eps", s->eps, "weight_decay", s->weight_decay, "clip", r->clip);
  json_t *more = json_pack("{s:s,s:f,s:I,s:f,s:b,s:I,s:f,s:I,s:f,s:s,s:s}", "optimizer", option_word(OPTIMIZER_CHOICES, (int)s->kind, optimizer), "momentum", s->momentum,
                           "soap_frequency", (json_int_t)s->frequency, "matrix_lr", s->matrix_lr, "decay_embeddings", (int)s->decay_embeddings, "mup_base", (json_int_t)s->width_base,
                           "spike", r->spike, "max_skips", (json_int_t)r->max_skips, "z_loss", r->z_loss, "dtype", option_word(DTYPE_CHOICES, (int)r->dtype, dtype), "init", init);
  json_object_update(recipe, more);
  json_decref(more);
  json_object_set_new(o, "recipe", recipe);
  char *text = json_dumps(o, JSON_SORT_KEYS | JSON_COMPACT);
  uint64_t hash = XXH3_64bits(text, strlen(text));
  free(text);
  json_decref(o);
  return hash;
}

int record_run(const char *dir, const struct model_config *c, const struct recipe *r, const struct record_totals *t, struct err *e) {
  struct buffer out = {0}, path = {0};
  char number[NUMBER_TEXT], text[OPTION_WORD];
  buffer_append_string(&out, "params\ttokens\tflops\tloss\tbpb\tseed\tconfig_hash\tsteps\tbatch\tseq\tlr\tmin_lr\twarmup\tschedule\tweight_decay\tlayers\thidden_size\tvocab_size\tparams_all\t"
                             "optimizer\tdtype\tz_loss\tmup_base\tskipped\tnoise_scale\tinit\tsources\tval_losses\n");
  buffer_printf(&out, "%lld\t%lld\t%.0f\t", (long long)config_matmul_parameters(c), (long long)t->tokens, config_flops_per_token(c, r->seq) * (double)t->tokens);
  buffer_printf(&out, "%s\t", number_format(t->loss, number));
  if (!isnan(t->bpb)) buffer_append_string(&out, number_format(t->bpb, number));
  buffer_printf(&out, "\t%" PRIu64 "\t%016" PRIx64 "\t%lld\t%lld\t%lld\t", t->seed, recipe_hash(c, r, t->init), (long long)t->steps, (long long)r->batch, (long long)r->seq);
  buffer_printf(&out, "%s\t", number_format(r->schedule.lr, number));
  buffer_printf(&out, "%s\t%lld\t%s\t", number_format(r->schedule.min_lr, number), (long long)r->schedule.warmup, option_word(SCHEDULE_CHOICES, (int)r->schedule.shape, text));
  buffer_printf(&out, "%s\t%lld\t%lld\t%lld\t%lld\t", number_format(r->optimizer.weight_decay, number), (long long)c->layers, (long long)c->hidden_size, (long long)c->vocab_size, (long long)config_parameters(c));
  buffer_printf(&out, "%s\t", option_word(OPTIMIZER_CHOICES, (int)r->optimizer.kind, text));
  buffer_printf(&out, "%s\t", option_word(DTYPE_CHOICES, (int)r->dtype, text));
  buffer_printf(&out, "%s\t%lld\t%lld\t", number_format(r->z_loss, number), (long long)r->optimizer.width_base, (long long)t->skipped);
  if (!isnan(t->noise_scale)) buffer_append_string(&out, number_format(t->noise_scale, number));
  buffer_printf(&out, "\t%s\t", t->init);
  for (int i = 0; i < loader_sources(t->loader); i++) buffer_printf(&out, "%s%s:%s", i ? "," : "", loader_source_name(t->loader, i), number_format(loader_share(t->loader, i), number));
  buffer_put(&out, '\t');
  for (int i = 0; i < loader_validation_sets(t->loader); i++) {
    buffer_printf(&out, "%s%s:", i ? "," : "", loader_validation_name(t->loader, i));
    if (!isnan(t->val_losses[i])) buffer_append_string(&out, number_format(t->val_losses[i], number));
  }
  buffer_put(&out, '\n');
  buffer_printf(&path, "%s/run.tsv", dir);
  int result = output_file(buffer_string(&path), out.data, out.len, e);
  buffer_release(&out);
  buffer_release(&path);
  return result;
}
