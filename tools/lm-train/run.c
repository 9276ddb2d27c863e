/* SPDX-License-Identifier: MIT */
#include "tools/lm-train/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/comm/comm.h"
#include "common/io/output.h"
#include "common/model/checkpoint.h"
#include "common/model/memory.h"
#include "common/token/tokenizer.h"
#include "common/train/loader.h"
#include "common/train/trainer.h"
#include "tools/lm-train/memory_plan.h"
#include "tools/lm-train/offload_option.h"
#include "tools/lm-train/record.h"

/* Of a timeline: about 15 MB of JSON at most. */
#define TRACE_STEPS 5
#define TRACE_EVENTS 65536

enum { GPU_TOKENS = 65536 };     /* of a micro-batch: more keep a GPU no busier */

struct training {
  struct program *program;
  struct run_settings *settings;
  struct buffer folder;          /* the checkpoint that --resume or --branch goes on with; empty: none */
  json_t *state;                 /* its trainer/state.json */
  bool branched;                 /* it is another run's */
  char init[17];                 /* hash of the weights of --init; "": none */
  struct loader *loader;
  struct tokenizer *tokenizer;
  struct model_config config;
  struct recipe recipe;
  bool own_micro_batch;          /* the user's, or that of the run that goes on */
  uint64_t seed;
  const struct backend *backend;
  struct offload_option offload;
  struct parameters parameters;
  struct optimizer *optimizer;
  struct plan plan;
  struct trainer *trainer;
  struct profile *profile;
  FILE *log;
  int lock;                      /* descriptor of the output folder; -1: not open */
  double peak;                   /* GFLOP/s of a large matmul here */
  double seconds;                /* of all steps of this process */
  int64_t saved;                 /* step of the newest checkpoint */
  double *source_losses;         /* of each source, the last that was known */
  int64_t first;                 /* steps done before it */
};

/* ---- the output folder */

/* A run that failed before its first checkpoint leaves such a one. */
static bool is_empty(const char *folder) {
  DIR *d = opendir(folder);
  bool empty = d != NULL;
  for (struct dirent *entry; empty && (entry = readdir(d));) empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
  if (d) closedir(d);
  return empty;
}

static int check_folder(struct training *t, struct err *e) {
  struct program *p = t->program;
  struct run_settings *s = t->settings;
  struct stat st;
  if (s->resume && p->force) return err_usage(e, "give --resume or --force, not both");
  if (!p->output) return s->plan ? 0 : err_usage(e, "where to?  Give -o DIR");
  if (stat(p->output, &st) < 0) return errno == ENOENT ? 0 : err_errno(e, "%s", p->output);
  if (!S_ISDIR(st.st_mode)) return err_set(e, "%s: is there and is no folder", p->output);
  if (!s->resume && !p->force && !s->plan && !is_empty(p->output)) return err_set(e, "%s: is there: --resume goes on with it, --force replaces it", p->output);
  if (!s->resume) return 0;
  int found = checkpoint_latest(p->output, &t->folder, e);
  if (found > 0) t->state = checkpoint_state(t->folder.data, e);
  return found < 0 || (found && !t->state) ? -1 : 0;
}

static bool lies_in(const char *path, const char *dir) {
  char *inner = realpath(path, NULL), *outer = realpath(dir, NULL);
  size_t n = outer ? strlen(outer) : 0;
  bool inside = inner && outer && strncmp(inner, outer, n) == 0 && (inner[n] == '/' || inner[n] == 0);
  free(inner);
  free(outer);
  return inside;
}

/* Where a run begins that --resume found no checkpoint for. */
static int find_beginning(struct training *t, struct err *e) {
  struct run_settings *s = t->settings;
  const char *folder = s->branch ? s->branch : s->init;
  if (s->init && s->branch) return err_usage(e, "give --init or --branch, not both");
  if (t->state || !folder) return 0;
  if (t->program->force && t->program->output && lies_in(folder, t->program->output))
    return err_usage(e, "%s lies in %s, which --force would clear: give another -o", folder, t->program->output);
  if (!s->branch) return 0;
  struct buffer path = {0};
  buffer_printf(&path, "%s/trainer/state.json", folder);
  int found = 1;
  if (access(buffer_string(&path), F_OK) == 0) buffer_append_string(&t->folder, folder), buffer_string(&t->folder);
  else found = checkpoint_latest(folder, &t->folder, e); /* the folder of a run */
  buffer_release(&path);
  if (found == 0) return err_set(e, "%s: no checkpoint with trainer/state.json is there; --init begins with weights alone", folder);
  if (found > 0) t->state = checkpoint_state(t->folder.data, e);
  t->branched = t->state != NULL;
  return t->state ? 0 : -1;
}

/* Two runs in one folder would take each other's files for leftovers. */
static int lock_folder(struct training *t, struct err *e) {
  const char *dir = t->program->output;
  t->lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (t->lock < 0) return err_errno(e, "%s", dir);
  if (flock(t->lock, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) return err_set(e, "%s: another lm-train is writing there", dir);
  return 0; /* file systems without locks: trusted */
}

/* The row of the earlier run would pass for this one's until this one is done. */
static int clear_folder(const char *dir, struct err *e) {
  struct buffer row = {0};
  buffer_printf(&row, "%s/run.tsv", dir);
  int result = unlink(buffer_string(&row)) < 0 && errno != ENOENT ? err_errno(e, "%s", row.data) : checkpoint_clear(dir, e);
  buffer_release(&row);
  return result;
}

/* ---- data */

static int open_data(struct training *t, struct err *e) {
  struct run_settings *s = t->settings;
  struct program *p = t->program;
  if (s->data.count == 0) return err_usage(e, "what to train on?  Give -d SHARDS");
  t->loader = loader_new();
  for (int i = 0; i < s->data.count; i++)
    if (loader_add_source(t->loader, s->data.items[i], e) < 0) return -1;
  for (int i = 0; i < p->operand_count; i++)
    if (loader_add_shard(t->loader, p->operand[i], e) < 0) return -1;
  for (int i = 0; i < s->validation.count; i++)
    if (loader_add_validation(t->loader, s->validation.items[i], e) < 0) return -1;
  if (!s->tokenizer) return 0;
  if (tokenizer_load(&t->tokenizer, s->tokenizer, NULL, e) < 0) return -1;
  struct loader_info info;
  loader_info(t->loader, &info);
  if (info.ours && info.tokenizer_hash != tokenizer_hash(t->tokenizer))
    return err_set(e, "%s: the shards were made with another tokenizer (hash %016" PRIx64 ", theirs %016" PRIx64 ")", s->tokenizer, tokenizer_hash(t->tokenizer), info.tokenizer_hash);
  if (!info.ours) program_warn(p, "the shards do not say which tokenizer made them: %s is trusted", s->tokenizer);
  return 0;
}

/* ---- the model */

static bool is_assigned(const struct option_list *set, const char *key) {
  size_t n = strlen(key);
  for (int i = 0; i < set->count; i++)
    if (strncmp(set->items[i], key, n) == 0 && set->items[i][n] == '=') return true;
  return false;
}

/* A preset's vocabulary is that of the data; the end-of-text of any model is that of the data. */
static int adapt_to_data(struct training *t, json_t *object, struct err *e) {
  struct run_settings *s = t->settings;
  struct loader_info info;
  loader_info(t->loader, &info);
  if (s->preset && !is_assigned(&s->set, "vocab_size")) {
    int64_t V = t->tokenizer ? tokenizer_size(t->tokenizer) : info.vocabulary_size;
    if (V < 1) return err_usage(e, "the shards do not say their vocabulary: give -t or --set vocab_size=N");
    json_object_set_new(object, "vocab_size", json_integer(V));
  }
  int64_t end = t->tokenizer ? tokenizer_eot(t->tokenizer) : info.ours ? info.end_of_text : -1;
  static const char *const keys[] = {"bos_token_id", "eos_token_id"};
  for (int i = 0; i < 2 && (info.ours || t->tokenizer); i++)
    if (!is_assigned(&s->set, keys[i])) json_object_set_new(object, keys[i], end < 0 ? json_null() : json_integer(end));
  return 0;
}

static int build_config(struct training *t, struct err *e) {
  struct run_settings *s = t->settings;
  bool given = s->config || s->preset || s->set.count;
  if (s->config && s->preset) return err_usage(e, "give --config or --preset, not both");
  if (t->state && !given) return checkpoint_config(&t->config, t->folder.data, e);
  if (!s->config && !s->preset && !s->init && !t->state) return err_usage(e, "which model?  Give -c CONFIG.json or --preset NAME");
  struct buffer path = {0};
  if (s->config) buffer_append_string(&path, s->config);
  else buffer_printf(&path, "%s/config.json", t->state ? t->folder.data : s->init);
  json_t *object = s->preset ? config_preset(s->preset, e) : config_load(buffer_string(&path), e);
  int result = object ? 0 : -1;
  if (result == 0) result = adapt_to_data(t, object, e);
  for (int i = 0; i < s->set.count && result == 0; i++) result = config_set(object, s->set.items[i], e);
  if (result == 0) result = config_parse(&t->config, object, s->preset ? s->preset : path.data, e);
  json_decref(object);
  buffer_release(&path);
  struct model_config before;
  if (result == 0 && t->state) {
    result = checkpoint_config(&before, t->folder.data, e);
    if (result == 0 && config_hash(&before) != config_hash(&t->config)) result = err_set(e, "%s: --%s with another config than the run began with", t->folder.data, t->branched ? "branch" : "resume");
  }
  return result;
}

/* A branch goes on from a learning rate that has not begun to fall, and falls from where it stands unless --decay says
 * from where. */
static int check_branch(struct training *t, bool own_decay, struct err *e) {
  struct recipe_options options;
  struct recipe before;
  int64_t step = -1;
  recipe_options_init(&options);
  if (recipe_options_fill(&options, json_object_get(t->state, "recipe"), t->folder.data, e) < 0 || recipe_options_resolve(&options, &t->config, &before, e) < 0 ||
      json_get_int(t->state, "step", &step, e) < 0)
    return -1;
  struct schedule *s = &t->recipe.schedule;
  int64_t begin = schedule_decay_begin(&before.schedule);
  if (step > begin)
    return err_set(e, "%s: after %" PRId64 " steps; its learning rate falls from step %" PRId64 " on: branch from an earlier checkpoint, or from a run with --schedule wsd or constant",
                   t->folder.data, step, begin);
  if (step >= s->steps) return err_usage(e, "%s: %" PRId64 " steps are done, so nothing is left of %" PRId64 ": give more --steps, --tokens or --flops", t->folder.data, step, s->steps);
  if (s->shape == SCHEDULE_WSD && !own_decay) t->settings->recipe.decay = s->decay = schedule_decay_from(s, step);
  if (schedule_decay_begin(s) < step)
    return s->shape == SCHEDULE_WSD ? err_usage(e, "--decay %g of %" PRId64 " steps begins at step %" PRId64 ", before the branch at %" PRId64 ": give less, or leave it out", s->decay, s->steps,
                                                schedule_decay_begin(s), step)
                                    : err_usage(e, "--schedule: the learning rate would have fallen before the branch at step %" PRId64 ": give wsd, or constant", step);
  return 0;
}

/* The state of one optimiser means nothing to another, also where their tensors have the same names. */
static int check_optimizer(const struct training *t, int asked, struct err *e) {
  const json_t *recipe = json_object_get(t->state, "recipe");
  struct recipe_options before;
  recipe_options_init(&before);
  if (recipe_options_fill(&before, recipe, t->folder.data, e) < 0) return -1;
  if (asked < 0 || asked == (before.optimizer < 0 ? OPTIMIZER_ADAMW : before.optimizer)) return 0;
  const char *name = json_string_value(json_object_get(recipe, "optimizer"));
  return err_usage(e, "the run has --optimizer %s, which cannot change; --init %s and another -o begin with its weights and a new optimiser", name ? name : "adamw", t->folder.data);
}

static int build_recipe(struct training *t, struct err *e) {
  struct run_settings *s = t->settings;
  if (s->recipe_path) {
    json_t *object = json_load_path(s->recipe_path, e);
    int result = object ? recipe_options_fill(&s->recipe, object, s->recipe_path, e) : -1;
    json_decref(object);
    if (result < 0) return -1;
  }
  int64_t seed = -1;
  bool own_decay = !isnan(s->recipe.decay);
  if (t->state) {
    if (check_optimizer(t, s->recipe.optimizer, e) < 0) return -1;
    if (recipe_options_fill(&s->recipe, json_object_get(t->state, "recipe"), t->folder.data, e) < 0 || json_get_int(t->state, "seed", &seed, e) < 0) return -1;
    if (t->program->seed >= 0 && t->program->seed != seed) return err_usage(e, "the run has --seed %" PRId64 ", which cannot change", seed);
    int64_t batch = s->recipe.batch, seq = s->recipe.seq;
    if (json_get_int(t->state, "batch", &batch, e) < 0 || json_get_int(t->state, "seq", &seq, e) < 0) return -1;
    if (s->recipe.batch != batch) return err_usage(e, "the run has --batch %" PRId64 ", which cannot change", batch);
    if (s->recipe.seq != seq) return err_usage(e, "the run has --seq %" PRId64 ", which cannot change", seq);
  }
  t->seed = (uint64_t)(t->program->seed >= 0 ? t->program->seed : seed >= 0 ? seed : 0);
  t->own_micro_batch = s->recipe.micro_batch > 0;
  if (recipe_options_resolve(&s->recipe, &t->config, &t->recipe, e) < 0) return -1;
  t->recipe.seed = t->seed;
  if (t->branched && check_branch(t, own_decay, e) < 0) return -1;
  return loader_start(t->loader, t->recipe.seq, t->config.vocab_size, t->seed, s->recipe.eval_tokens, e);
}

static struct memory_choice memory_chosen(const struct training *t) {
  const struct recipe *r = &t->recipe;
  return (struct memory_choice){.micro_batch = r->micro_batch, .seq = r->seq, .recompute = r->recompute, .offload = t->offload.optimizer || t->offload.folder, .leave = t->offload.activations,
                                .fp8 = r->dtype == MATMUL_FP8, .backend = t->backend};
}

static int check_memory(const struct training *t, int64_t needed, int64_t host, struct err *e) {
  const struct recipe *r = &t->recipe;
  double memory = memory_of_device(t->backend), ids = t->backend == backend_cpu() ? (double)r->batch * ((double)(r->seq + 1) * sizeof(uint32_t) + sizeof(int32_t) + sizeof(double)) : 0; /* of a step */
  char need[NUMBER_TEXT], have[NUMBER_TEXT];
  if ((double)host > memory_to_pin())
    return err_set(e, "--offload %s: %s of host memory are needed and %s can be pinned; see --plan", t->settings->offload, number_bytes((double)host, need), number_bytes(memory_to_pin(), have));
  if ((double)needed + ids <= memory) return 0;
  if ((double)needed <= memory || ids > memory)
    return err_set(e, "%s are there, %s less than are needed with the token ids of --batch %" PRId64 ": lower it", number_bytes(memory, have), number_bytes((double)needed + ids - memory, need), r->batch);
  struct buffer advice = {0};
  const struct memory_choice choice = memory_chosen(t);
  memory_advice(&advice, &t->config, &t->recipe.optimizer, &choice, t->recipe.batch, memory);
  err_set(e, "%s are needed and %s are there; %s (see --plan)", number_bytes((double)needed, need), number_bytes(memory, have), buffer_string(&advice));
  buffer_release(&advice);
  return -1;
}

static int print_plan(const struct training *t, const struct memory_report *m, int64_t host, struct err *e) {
  const struct recipe *r = &t->recipe;
  double per_token = config_flops_per_token(&t->config, r->seq), tokens = (double)(r->schedule.steps * r->batch * r->seq);
  printf("quantity\tvalue\n");
  printf("parameters\t%" PRId64 "\nmatmul_parameters\t%" PRId64 "\n", config_parameters(&t->config), config_matmul_parameters(&t->config));
  printf("flops_per_token\t%.0f\nsteps\t%" PRId64 "\ntokens\t%.0f\nflops\t%.9g\n", per_token, r->schedule.steps, tokens, per_token * tokens);
  printf("batch\t%" PRId64 "\nmicro_batch\t%" PRId64 "\nseq\t%" PRId64 "\nlr\t%.9g\n", r->batch, r->micro_batch, r->seq, r->schedule.lr);
  printf("training_tokens\t%" PRId64 "\nvalidation_tokens\t%" PRId64 "\n", loader_training_tokens(t->loader), loader_validation_tokens(t->loader));
  printf("bytes_parameters\t%" PRId64 "\nbytes_gradients\t%" PRId64 "\nbytes_optimizer\t%" PRId64 "\n", m->parameters, m->gradients, m->optimizer);
  printf("bytes_activations\t%" PRId64 "\nbytes_activation_gradients\t%" PRId64 "\nbytes_statistics\t%" PRId64 "\nbytes_logits\t%" PRId64 "\n",
         m->classes[BUFFER_ACTIVATION], m->classes[BUFFER_GRADIENT], m->classes[BUFFER_STATISTICS], m->classes[BUFFER_LOGITS]);
  printf("bytes_arena\t%" PRId64 "\nbytes_total\t%" PRId64 "\nbytes_host\t%" PRId64 "\n", m->arena, m->total, host);
  struct buffer rows = {0};
  const struct memory_choice choice = memory_chosen(t);
  memory_rows(&rows, &t->config, &r->optimizer, &choice, r->batch, memory_of_device(t->backend));
  fwrite(rows.data, 1, rows.len, stdout);
  buffer_release(&rows);
  return ferror(stdout) ? err_errno(e, "stdout: cannot write") : 0;
}

/* auto: a GPU where one answers. */
static int choose_device(struct training *t, struct err *e) {
  struct kernel_error k;
  const char *warning;
  t->backend = t->settings->device == DEVICE_CPU ? NULL : backend_cuda(t->recipe.dtype, &k);
  if (t->settings->device == DEVICE_CUDA && !t->backend) return err_set(e, "--device cuda: %s", k.message);
  if (!t->backend) t->backend = backend_cpu();
  if (t->backend == backend_cpu() && t->recipe.dtype == MATMUL_FP8) return err_usage(e, "--dtype fp8 needs a GPU: take bf16");
  t->backend->set_threads((int)t->program->jobs);
  program_verbose(t->program, "%s", t->backend->describe(&warning));
  if (warning) program_warn(t->program, "%s", warning);
  return 0;
}

/* Nothing leaves the memory of a CPU but to a folder. */
static int choose_offload(struct training *t, struct err *e) {
  struct offload_option *o = &t->offload;
  if (offload_option_parse(o, t->settings->offload, e) < 0) return -1;
  if (t->backend != backend_cpu()) return o->folder ? err_usage(e, "--offload %s: a folder takes the optimiser from the memory of a CPU; a GPU's leaves with --offload optimizer", o->folder) : 0;
  if (!o->optimizer && !o->activations) return 0;
  program_warn(t->program, "--offload %s is for GPUs: on the CPU all lies in host memory already%s", t->settings->offload, o->optimizer ? ", and --offload DIR takes the optimiser out of it" : "");
  *o = (struct offload_option){0};
  return 0;
}

/* A CPU's micro-batch suits its caches; a GPU's is as large as fits, up to what keeps it busy. */
static void widen_micro_batch(struct training *t) {
  const struct memory_choice choice = memory_chosen(t);
  struct recipe *r = &t->recipe;
  if (t->backend == backend_cpu() || t->own_micro_batch) return;
  int64_t most = memory_micro_batch(&t->config, &r->optimizer, &choice, r->batch, memory_of_device(t->backend));
  while (most > 1 && (most * r->seq > GPU_TOKENS || r->batch % most)) most--;
  if (most > 0) r->micro_batch = most;
}

/* --init: the weights of another model, whose hash stands for them. */
static int take_weights(struct training *t, struct err *e) {
  const struct parameters *p = &t->parameters;
  const char *folder = t->settings->init;
  struct model_config theirs;
  struct kernel_error k;
  if (checkpoint_weights(&t->parameters, folder, e) < 0) return -1;
  if (checkpoint_config(&theirs, folder, e) == 0 && config_hash(&theirs) != config_hash(&t->config))
    program_warn(t->program, "%s: its config.json differs from this run's where the shapes do not show it", folder);
  size_t bytes = (size_t)p->layout.total * sizeof(real);
  real *values = MALLOC(bytes);
  int result = p->backend->to_host(values, p->values, bytes, &k) < 0 ? kernel_failed(e, &k) : 0;
  if (result == 0) snprintf(t->init, sizeof t->init, "%016" PRIx64, (uint64_t)XXH3_64bits(values, bytes));
  free(values);
  return result;
}

static struct checkpoint_array optimizer_array(const struct training *t) {
  return (struct checkpoint_array){"", optimizer_layout(t->optimizer), optimizer_state(t->optimizer), optimizer_in_host(t->optimizer)};
}

static int build_model(struct training *t, struct err *e) {
  struct memory_report m;
  struct parameter_layout layout;
  if (choose_device(t, e) < 0 || choose_offload(t, e) < 0) return -1;
  widen_micro_batch(t);
  parameter_layout_init(&layout, &t->config);
  plan_init(&t->plan, &t->config, &layout, &(struct plan_settings){.B = t->recipe.micro_batch, .T = t->recipe.seq, .training = true, .recompute = t->recipe.recompute, .offload = t->offload.activations, .backend = t->backend});
  const struct memory_choice choice = memory_chosen(t);
  memory_report(&t->plan, &layout, memory_optimizer(&layout, &t->recipe.optimizer, &choice), &m);
  int64_t host = m.host + memory_optimizer_host(&layout, &t->recipe.optimizer, &choice);
  parameter_layout_release(&layout);
  if (t->settings->plan) return print_plan(t, &m, host, e);
  if (check_memory(t, m.total, host, e) < 0) return -1;
  char pinned[NUMBER_TEXT];
  if (host > 0) program_verbose(t->program, "%s of host memory are pinned for --offload %s", number_bytes((double)host, pinned), t->settings->offload);
  if (t->offload.activations && t->plan.host == 0) program_warn(t->program, "--offload activations: those of the last two layers stay, and there are %" PRId64, t->config.layers);
  if (parameters_init(&t->parameters, &t->config, t->backend, true, e) < 0) return -1;
  const struct optimizer_place place = {.home = t->offload.folder ? OPTIMIZER_IN_FOLDER : t->offload.optimizer ? OPTIMIZER_IN_HOST : OPTIMIZER_WITH_PARAMETERS, .folder = t->offload.folder};
  if (optimizer_new(&t->optimizer, &t->parameters, &t->recipe.optimizer, &place, e) < 0) return -1;
  if (trainer_new(&t->trainer, &t->parameters, t->optimizer, &t->plan, t->loader, comm_self(), &t->recipe, e) < 0) return -1;
  if (!t->state && t->settings->init) return take_weights(t, e);
  if (!t->state) {
    int64_t base = t->recipe.optimizer.width_base;
    return parameters_randomize(&t->parameters, t->seed, base > 0 ? (double)t->config.hidden_size / (double)base : 1, e);
  }
  const char *init = "";
  const struct checkpoint_array state = optimizer_array(t);
  if (checkpoint_weights(&t->parameters, t->folder.data, e) < 0 || checkpoint_arrays(&state, 1, t->backend, t->folder.data, e) < 0) return -1;
  if (trainer_restore(t->trainer, t->state, e) < 0 || json_get_string(t->state, "init", &init, e) < 0) return err_prefix(e, "%s", t->folder.data);
  snprintf(t->init, sizeof t->init, "%.16s", init);
  if (t->branched) trainer_forget_best(t->trainer);
  return 0;
}

/* ---- while it trains */

static bool on_stop(void *context) {
  (void)context;
  return program_stop_requested();
}

static void warn_skipped(struct training *t, const struct trainer_report *r) {
  char why[96];
  if (r->skipped == TRAINER_SKIP_LOSS) snprintf(why, sizeof why, "the loss is %g", r->loss);
  else if (r->skipped == TRAINER_SKIP_NORM) snprintf(why, sizeof why, "the gradient's norm is %g", r->grad_norm);
  else snprintf(why, sizeof why, "the gradient's norm is %.4g, its average %.4g", r->grad_norm, r->norm_average);
  program_warn(t->program, "step %" PRId64 ": skipped, %s (%" PRId64 " in a row of at most %" PRId64 ")", r->step, why, r->skips, t->recipe.max_skips);
}

static int on_report(void *context, const struct trainer_report *r, struct err *e) {
  struct training *t = context;
  int64_t per_step = t->recipe.batch * t->recipe.seq;
  t->seconds += r->seconds;
  double steps = (double)(r->step - t->first), speed = steps * (double)per_step / t->seconds;
  double mfu = speed * config_flops_per_token(&t->config, t->recipe.seq) / (t->peak * 1e9);
  char rate[NUMBER_TEXT], left[NUMBER_TEXT];
  progress_text(t->program->progress, "step %" PRId64 "/%" PRId64 "  loss %.4f  lr %.3g  %s tok/s  MFU %.0f%% of %.0f GFLOP/s  %s left", r->step, t->recipe.schedule.steps,
                r->loss, r->lr, number_short(speed, rate), 100 * mfu, t->peak, number_duration((double)(t->recipe.schedule.steps - r->step) * t->seconds / steps, left));
  if (!isnan(r->val_loss)) program_verbose(t->program, "step %" PRId64 ": validation loss %.4f", r->step, r->val_loss);
  if (r->skipped != TRAINER_TAKEN) warn_skipped(t, r);
  for (int i = 0; r->losses && i < loader_sources(t->loader); i++)
    if (!isnan(r->losses[i])) t->source_losses[i] = r->losses[i];
  return t->log ? record_log_step(t->log, r, t->loader, per_step, e) : 0;
}

static int write_tokenizer(void *context, const char *folder, struct err *e) {
  struct training *t = context;
  return tokenizer_write_hf(t->tokenizer, folder, e);
}

static int on_save(void *context, int64_t step, struct err *e) {
  struct training *t = context;
  struct checkpoint_extra extra = {t->tokenizer ? write_tokenizer : NULL, t};
  json_t *state = trainer_state(t->trainer);
  json_object_set_new(state, "seed", json_integer((json_int_t)t->seed));
  json_object_set_new(state, "recipe", recipe_options_to_json(&t->settings->recipe));
  if (*t->init) json_object_set_new(state, "init", json_string(t->init));
  const struct checkpoint_array array = optimizer_array(t);
  struct kernel_error k;
  int result = t->backend->synchronize(&k) < 0 ? kernel_failed(e, &k) : 0; /* a state in host memory is whole */
  if (result == 0) result = checkpoint_save(t->program->output, step, &t->parameters, &array, 1, state, &extra, e);
  json_decref(state);
  if (result == 0) t->saved = step;
  if (result == 0 && trainer_best_step(t->trainer) == step) result = checkpoint_mark_best(t->program->output, step, e);
  if (result == 0) result = checkpoint_prune(t->program->output, t->settings->recipe.keep, e);
  if (result == 0) program_verbose(t->program, "step %" PRId64 ": saved", step);
  return result;
}

/* Bits per byte: bytes are those that the predicted tokens decode to; specials have none. */
static int bits_per_byte(struct training *t, double loss, double *bpb, struct err *e) {
  *bpb = NAN;
  if (!t->tokenizer) return 0;
  uint32_t *window = NEW_ARRAY(uint32_t, (size_t)t->recipe.seq + 1);
  int64_t tokens = 0, bytes = 0, n;
  for (int64_t i = 0; (n = loader_validation(t->loader, i, window, NULL, e)) > 0; i++)
    for (int64_t k = 1; k <= n; k++) {
      tokens++;
      if (window[k] < tokenizer_size(t->tokenizer) && !tokenizer_is_special(t->tokenizer, window[k])) bytes += (int64_t)tokenizer_bytes(t->tokenizer, window[k]).len;
    }
  free(window);
  if (n == 0 && bytes > 0) *bpb = loss * (double)tokens / (double)bytes / M_LN2;
  return n < 0 ? -1 : 0;
}

/* A save can be cut short before its links.  The best checkpoint is never older than the one that says so. */
static int mend_links(struct training *t, struct err *e) {
  const char *dir = t->program->output;
  int64_t best = trainer_best_step(t->trainer);
  if (checkpoint_prune(dir, 0, e) < 0 || checkpoint_publish(dir, t->folder.data, e) < 0) return -1;
  struct buffer path = {0};
  buffer_printf(&path, "%s/step-%" PRId64, dir, best);
  int result = best >= 0 && access(buffer_string(&path), F_OK) == 0 ? checkpoint_mark_best(dir, best, e) : 0;
  buffer_release(&path);
  return result == 0 ? checkpoint_prune(dir, t->settings->recipe.keep, e) : result; /* killed behind a save, it had not come to that */
}

static void source_stats(struct training *t, const double *val_losses) {
  struct buffer name = {0};
  for (int i = 0; i < loader_sources(t->loader) && loader_sources(t->loader) > 1; i++) {
    const char *source = loader_source_name(t->loader, i);
    buffer_clear(&name), buffer_printf(&name, "sources.%s.tokens", source);
    stats_int(t->program->stats, buffer_string(&name), loader_draws(t->loader, i) * t->recipe.seq);
    buffer_clear(&name), buffer_printf(&name, "sources.%s.epochs", source);
    stats_double(t->program->stats, buffer_string(&name), (double)loader_draws(t->loader, i) / (double)loader_windows(t->loader, i));
    buffer_clear(&name), buffer_printf(&name, "sources.%s.loss", source);
    if (!isnan(t->source_losses[i])) stats_double(t->program->stats, buffer_string(&name), t->source_losses[i]);
  }
  for (int i = 0; i < loader_validation_sets(t->loader) && loader_validation_sets(t->loader) > 1; i++) {
    buffer_clear(&name), buffer_printf(&name, "validation.%s.loss", loader_validation_name(t->loader, i));
    if (!isnan(val_losses[i])) stats_double(t->program->stats, buffer_string(&name), val_losses[i]);
  }
  buffer_release(&name);
}

static void summary(struct training *t, double loss, double bpb) {
  struct program *p = t->program;
  int64_t steps = trainer_steps_done(t->trainer), per_step = t->recipe.batch * t->recipe.seq;
  double flops = config_flops_per_token(&t->config, t->recipe.seq), speed = t->seconds > 0 ? (double)((steps - t->first) * per_step) / t->seconds : 0;
  char tokens[NUMBER_TEXT], rate[NUMBER_TEXT], bits[48] = "", pace[160] = "";
  if (!isnan(bpb)) snprintf(bits, sizeof bits, ", %.4f bits per byte", bpb);
  if (speed > 0)
    snprintf(pace, sizeof pace, ", %s tok/s, MFU %.1f%% of the %.0f GFLOP/s that a large matmul reaches here", number_short(speed, rate), 100 * speed * flops / (t->peak * 1e9), t->peak);
  program_message(p, "%" PRId64 " steps, %s tokens, loss %.4f%s%s", steps, number_short((double)(steps * per_step), tokens), loss, bits, pace);
  stats_flow(p->stats, (uint64_t)(steps * t->recipe.batch), (uint64_t)(steps * t->recipe.batch), 0, 0);
  stats_int(p->stats, "steps", steps), stats_int(p->stats, "tokens", steps * per_step);
  stats_int(p->stats, "parameters", config_parameters(&t->config));
  stats_double(p->stats, "flops", flops * (double)(steps * per_step));
  stats_double(p->stats, "loss", loss);
  if (!isnan(bpb)) stats_double(p->stats, "bpb", bpb);
  stats_int(p->stats, "skipped", trainer_steps_skipped(t->trainer));
  if (!isnan(trainer_noise_scale(t->trainer))) stats_double(p->stats, "noise_scale", trainer_noise_scale(t->trainer));
  stats_time(p->stats, "steps", t->seconds);
  stats_time(p->stats, "tokens_per_second", speed);
  stats_time(p->stats, "peak_gflop_s", t->peak);
  stats_time(p->stats, "mfu", speed * flops / (t->peak * 1e9));
}

static bool is_trace(const char *path) {
  size_t n = strlen(path);
  return n >= 5 && strcmp(path + n - 5, ".json") == 0;
}

static int write_profile(const struct training *t, struct err *e) {
  const char *path = t->settings->profile;
  if (!t->profile) return 0;
  if (is_trace(path)) return profile_write_trace(t->profile, path, e);
  const struct machine_peak peak = {.gflop_s = t->peak, .gb_s = profile_memory_peak(t->parameters.backend)};
  return profile_write(t->profile, path, &peak, e);
}

/* status: 1 when a signal stopped the run. */
static int finish(struct training *t, int status, double loss, const double *val_losses, struct err *e) {
  struct program *p = t->program;
  int64_t steps = t->recipe.schedule.steps, done = trainer_steps_done(t->trainer);
  double bpb;
  FILE *log = t->log;
  t->log = NULL;
  if (record_log_close(log, e) < 0) return -1;
  if (status == 1) {
    if (t->saved == done) program_message(p, "stopped after step %" PRId64 " of %" PRId64 "; --resume goes on", done, steps);
    else program_warn(p, "stopped after step %" PRId64 " of %" PRId64 ", whose loss or gradient was not finite: it is not saved, --resume goes on with the last checkpoint", done, steps);
    return write_profile(t, e);
  }
  if (bits_per_byte(t, loss, &bpb, e) < 0) return -1;
  struct record_totals totals = {.tokens = steps * t->recipe.batch * t->recipe.seq, .steps = steps, .loss = loss, .bpb = bpb, .seed = t->seed, .loader = t->loader,
                                 .skipped = trainer_steps_skipped(t->trainer), .noise_scale = trainer_noise_scale(t->trainer), .val_losses = val_losses};
  memcpy(totals.init, t->init, sizeof totals.init);
  if (record_run(p->output, &t->config, &t->recipe, &totals, e) < 0) return -1;
  summary(t, loss, bpb);
  source_stats(t, val_losses);
  return write_profile(t, e);
}

static int train(struct training *t, struct err *e) {
  struct program *p = t->program;
  struct run_settings *s = t->settings;
  int64_t steps = t->recipe.schedule.steps;
  t->first = trainer_steps_done(t->trainer);
  if (t->first > steps) return err_set(e, "%s: %" PRId64 " steps are done, more than the %" PRId64 " asked for", t->folder.data, t->first, steps);
  if (output_folder(p->output, e) < 0 || lock_folder(t, e) < 0 || (s->log && record_log_open(&t->log, s->log, t->loader, t->first, e) < 0) ||
      (p->force && clear_folder(p->output, e) < 0) || (t->state && !t->branched ? mend_links(t, e) : s->resume ? checkpoint_prune(p->output, 0, e) : 0) < 0)
    return -1;
  t->saved = t->state && !t->branched ? t->first : -1;
  t->source_losses = NEW_ARRAY(double, (size_t)loader_sources(t->loader));
  for (int i = 0; i < loader_sources(t->loader); i++) t->source_losses[i] = NAN;
  if (t->state) program_message(p, "going on with %s", t->folder.data);
  else if (s->init) program_message(p, "beginning with the weights of %s", s->init);
  double epochs = (double)((steps - t->first) * t->recipe.batch * t->recipe.seq) / (double)loader_training_tokens(t->loader);
  if (epochs > 4) program_warn(p, "the data will be read %.1f times over", epochs);
  if (t->recipe.recompute != RECOMPUTE_NONE) program_message(p, "activations are computed again: %.1f %% more arithmetic", 100 * plan_recompute_share(&t->plan));
  if (t->recipe.optimizer.width_base > 0 && t->config.tied) program_warn(p, "--mup-base: a tied head keeps the embedding's rate; --set tie_word_embeddings=false lets it follow the width");
  if (t->recipe.schedule.warmup > steps) program_warn(p, "--warmup %" PRId64 " outlasts the %" PRId64 " steps: --lr is never reached", t->recipe.schedule.warmup, steps);
  if (t->config.hidden_size % t->config.heads && strcmp(t->config.model_type, "llama") == 0)
    program_warn(p, "hidden_size %" PRId64 " is not a multiple of num_attention_heads %" PRId64 ": transformers refuses such a Llama (and takes such a Mistral)", t->config.hidden_size, t->config.heads);
  t->peak = t->backend->stated_peak(t->recipe.dtype) / 1e9;
  if (t->peak == 0) t->peak = profile_matmul_peak(t->backend, t->recipe.dtype);
  if (s->profile) {
    trainer_profile(t->trainer, t->profile = profile_new());
    if (is_trace(s->profile)) profile_trace(t->profile, TRACE_STEPS, TRACE_EVENTS);
  }

  const struct trainer_observer observer = {.stop = on_stop, .report = on_report, .save = on_save, .context = t};
  double loss, *val_losses = NEW_ARRAY(double, (size_t)loader_validation_sets(t->loader));
  int status = trainer_run(t->trainer, &observer, &loss, val_losses, e);
  if (status >= 0) status = finish(t, status, loss, val_losses, e);
  free(val_losses);
  return status;
}

int run(struct program *p, struct run_settings *s, struct err *e) {
  struct training t = {.program = p, .settings = s, .lock = -1};
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) { /* every shard stays open */
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  int result = check_folder(&t, e);
  if (result == 0) result = find_beginning(&t, e);
  if (result == 0) result = open_data(&t, e);
  if (result == 0) result = build_config(&t, e);
  if (result == 0) result = build_recipe(&t, e);
  if (result == 0) result = build_model(&t, e);
  if (result == 0 && !s->plan) result = train(&t, e);
  if (t.log) fclose(t.log);
  if (t.lock >= 0) close(t.lock);
  profile_free(t.profile);
  trainer_free(t.trainer);
  optimizer_free(t.optimizer);
  parameters_release(&t.parameters);
  plan_release(&t.plan);
  tokenizer_free(t.tokenizer);
  loader_free(t.loader);
  json_decref(t.state);
  buffer_release(&t.folder);
  free(t.source_losses);
  return result;
}
