/* SPDX-License-Identifier: MIT */
#include "tools/lm-sample/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/utf8.h"
#include "common/io/documents.h"
#include "common/io/output.h"
#include "common/model/checkpoint.h"
#include "common/model/generate.h"
#include "common/model/quantized.h"
#include "common/token/tokenizer.h"

enum { STOPS = 16 };

struct prompt {
  struct buffer id;
  struct ids ids;
  uint64_t ordinal;
};

struct sampling {
  struct program *program;
  const struct sample_settings *settings;
  struct tokenizer *tokenizer;
  struct encoder *encoder;
  struct parameters parameters;
  struct generator *generator;
  struct generator_settings generation;
  uint32_t stops[STOPS];
  struct output *out;
  bool terminal;         /* tokens are shown as they come */
  struct buffer pending; /* bytes that do not yet make a character */
  struct profile *profile;
  int64_t new_tokens;
  double seconds;
};

/* ---- opening */

static void add_stop(struct sampling *s, int64_t id) {
  if (id < 0 || id >= s->parameters.config.vocab_size || s->generation.stop_count == STOPS) return;
  for (int i = 0; i < s->generation.stop_count; i++)
    if (s->stops[i] == (uint32_t)id) return;
  s->stops[s->generation.stop_count++] = (uint32_t)id;
}

/* What ends a text: config.json, the tokenizer, and generation_config.json, where one id or a list may stand. */
static int find_stops(struct sampling *s, struct err *e) {
  add_stop(s, s->parameters.config.eos);
  add_stop(s, tokenizer_eot(s->tokenizer));
  struct buffer path = {0};
  buffer_printf(&path, "%s/generation_config.json", s->settings->model);
  json_t *object = access(buffer_string(&path), F_OK) == 0 ? json_load_path(path.data, e) : json_object();
  const json_t *end = json_object_get(object, "eos_token_id");
  if (json_is_integer(end)) add_stop(s, json_integer_value(end));
  for (size_t i = 0; i < json_array_size(end); i++)
    if (json_is_integer(json_array_get(end, i))) add_stop(s, json_integer_value(json_array_get(end, i)));
  int result = object ? 0 : -1;
  json_decref(object);
  buffer_release(&path);
  return result;
}

static int open_tokenizer(struct sampling *s, struct err *e) {
  struct buffer path = {0};
  if (s->settings->tokenizer) buffer_append_string(&path, s->settings->tokenizer);
  else buffer_printf(&path, "%s/tokenizer.json", s->settings->model);
  int result = 0;
  if (!s->settings->tokenizer && access(buffer_string(&path), F_OK) < 0) result = err_errno(e, "%s: the checkpoint holds no tokenizer, give -t", path.data);
  if (result == 0) result = tokenizer_load(&s->tokenizer, buffer_string(&path), NULL, e);
  if (result == 0 && tokenizer_size(s->tokenizer) > s->parameters.config.vocab_size)
    result = err_set(e, "%s: %u ids, but the model's vocab_size is %lld", path.data, tokenizer_size(s->tokenizer), (long long)s->parameters.config.vocab_size);
  if (result == 0) s->encoder = encoder_new(s->tokenizer, 0);
  buffer_release(&path);
  return result;
}

/* auto: a GPU where one answers.  NULL: what was asked for is not there. */
static const struct backend *choose_device(struct sampling *s, struct err *e) {
  const struct sample_settings *settings = s->settings;
  struct kernel_error k;
  const char *warning;
  const struct backend *b = settings->device == DEVICE_CPU ? NULL : backend_cuda(settings->dtype == SAMPLE_FP32 ? MATMUL_FP32 : MATMUL_BF16, &k);
  if (settings->device == DEVICE_CUDA && !b) {
    err_set(e, "--device cuda: %s", k.message);
    return NULL;
  }
  if (!b) b = backend_cpu();
  b->set_threads((int)s->program->jobs);
  program_verbose(s->program, "%s", b->describe(&warning));
  if (warning) program_warn(s->program, "%s", warning);
  return b;
}

static void report_quantization(struct sampling *s) {
  static const char *const why[] = {[QUANTIZED_WIDTH] = "rows are not a multiple of 32", [QUANTIZED_EXPERTS] = "experts and their routers", [QUANTIZED_LATENT] = "latent keys and values"};
  struct quantized_report r;
  quantized_report(&s->parameters, &r);
  char word[OPTION_WORD];
  program_verbose(s->program, "%lld matrices of %.1f M weights in %s, %.1f MB; what stays as stored, %.1f MB", (long long)r.tensors[QUANTIZED_BLOCKS], (double)r.elements[QUANTIZED_BLOCKS] / 1e6,
                  option_word(QUANT_CHOICES, s->settings->quant, word), (double)r.block_bytes / 1e6, (double)r.stored_bytes / 1e6);
  for (int i = QUANTIZED_WIDTH; i < QUANTIZED_USES; i++)
    if (r.tensors[i])
      program_verbose(s->program, "%s: %lld matrices of %.1f M weights stay as stored, the first is %s", why[i], (long long)r.tensors[i], (double)r.elements[i] / 1e6, r.first[i]);
  if (!r.tensors[QUANTIZED_BLOCKS]) program_warn(s->program, "--quant changes nothing: no matrix of this model can be quantised");
}

static int open_model(struct sampling *s, struct err *e) {
  struct model_config c;
  if (!s->settings->model) return err_usage(e, "which model?  Give -m DIR");
  if (checkpoint_config(&c, s->settings->model, e) < 0) return -1;
  const struct backend *backend = choose_device(s, e);
  if (!backend) return -1;
  int quant = s->settings->quant;
  int result = quant == QUANT_NONE ? parameters_init(&s->parameters, &c, backend, false, e) : parameters_init_quantized(&s->parameters, &c, backend, quant == QUANT_Q8_0 ? QUANTIZED_Q8_0 : QUANTIZED_Q4_0, e);
  if (result < 0 || checkpoint_weights(&s->parameters, s->settings->model, e) < 0) return -1;
  if (quant != QUANT_NONE) report_quantization(s);
  return open_tokenizer(s, e) < 0 || find_stops(s, e) < 0 ? -1 : 0;
}

/* ---- prompts */

static void append_ids(struct ids *ids, const uint32_t *more, int count) {
  ids_reserve(ids, (size_t)count);
  for (int i = 0; i < count; i++) ids->data[ids->len++] = more[i];
}

static int encode_prompt(struct sampling *s, struct prompt *p, struct slice text, struct err *e) {
  int count;
  const uint32_t *around = tokenizer_prefix(s->tokenizer, &count);
  p->ids.len = 0;
  append_ids(&p->ids, around, count);
  if (text.len && encoder_encode(s->encoder, text, false, &p->ids, e) < 0) return -1;
  around = tokenizer_suffix(s->tokenizer, &count);
  append_ids(&p->ids, around, count);
  if (p->ids.len) return 0;
  int64_t end = tokenizer_eot(s->tokenizer) >= 0 ? tokenizer_eot(s->tokenizer) : s->parameters.config.eos;
  if (end < 0) return err_set(e, "an empty prompt starts at the end-of-text token, and the tokenizer has none");
  append_ids(&p->ids, &(uint32_t){(uint32_t)end}, 1);
  return 0;
}

static void start_generation(const struct sampling *s, struct generation *g, const struct prompt *p, int64_t sample) {
  *g = (struct generation){.prompt = p->ids.data, .prompt_count = (int64_t)p->ids.len};
  rng_init(&g->rng, splitmix64((uint64_t)s->program->seed) ^ splitmix64(p->ordinal << 24 ^ (uint64_t)sample));
}

/* ---- one prompt */

/* On a terminal: whole characters only, and no control bytes but tab and newline. */
static int show(struct sampling *s, bool last, struct err *e) {
  struct buffer *b = &s->pending, clean = {0};
  size_t n = utf8_valid_prefix(b->data, b->len);
  uint64_t invalid = 0, nul = 0;
  if (n < b->len && (last || b->len - n >= 4)) n = b->len; /* no character will come of the rest */
  utf8_sanitize(&clean, b->data, n, &invalid, &nul);
  size_t kept = 0;
  for (size_t i = 0; i < clean.len; i++) {
    unsigned char c = (unsigned char)clean.data[i];
    if ((c >= 32 && c != 127) || c == '\n' || c == '\t') clean.data[kept++] = (char)c;
  }
  int result = kept ? output_write(s->out, clean.data, kept, e) : 0;
  if (result == 0) result = output_flush(s->out, e);
  memmove(b->data, b->data + n, b->len - n);
  b->len -= n;
  buffer_release(&clean);
  return result;
}

static int on_token(void *context, const struct generation *g, struct err *e) {
  struct sampling *s = context;
  buffer_append_slice(&s->pending, tokenizer_bytes(s->tokenizer, g->ids[g->count - 1]));
  return show(s, false, e);
}

static void decode(const struct sampling *s, const struct generation *g, struct buffer *text) {
  for (int64_t i = 0; i < g->count; i++) buffer_append_slice(text, tokenizer_bytes(s->tokenizer, g->ids[i])); /* a hole: nothing */
}

/* --logprobs: a row a token. */
static int write_logprobs(struct sampling *s, const struct generation *g, struct err *e) {
  struct buffer row = {0};
  int result = 0;
  for (int64_t i = 0; i < g->count && result == 0; i++) {
    char number[NUMBER_TEXT];
    struct buffer bytes = {0};
    uint64_t invalid = 0, nul = 0;
    struct slice token = tokenizer_bytes(s->tokenizer, g->ids[i]);
    utf8_sanitize(&bytes, token.data, token.len, &invalid, &nul);
    buffer_clear(&row);
    buffer_printf(&row, "%u\t%s\t", g->ids[i], number_format(g->logprobs[i], number));
    document_escape(&row, buffer_slice(&bytes));
    buffer_put(&row, '\n');
    buffer_release(&bytes);
    result = output_write(s->out, row.data, row.len, e);
  }
  buffer_release(&row);
  return result;
}

static void positions_used_up(struct sampling *s) {
  program_warn(s->program, "stopped at the model's last position (max_position_embeddings %lld)", (long long)s->parameters.config.max_positions);
}

static int write_plain(struct sampling *s, const struct generation *g, struct err *e) {
  if (s->settings->logprobs) return write_logprobs(s, g, e);
  struct buffer text = {0};
  int result = s->terminal ? show(s, true, e) : 0;
  if (!s->terminal) decode(s, g, &text);
  buffer_put(&text, '\n');
  if (result == 0) result = output_write(s->out, text.data, text.len, e);
  buffer_release(&text);
  return result;
}

static int one_prompt(struct sampling *s, struct err *e) {
  struct prompt p = {0};
  int64_t batch = s->terminal ? 1 : s->settings->batch < s->settings->samples ? s->settings->batch : s->settings->samples;
  struct generation *items = NEW_ARRAY(struct generation, (size_t)batch);
  int result = encode_prompt(s, &p, slice_of(s->settings->prompt), e);
  s->generator = generator_new(&s->parameters, batch, tokenizer_size(s->tokenizer));
  generator_profile(s->generator, s->profile);
  for (int64_t done = 0; done < s->settings->samples && result == 0; done += batch) {
    int64_t n = s->settings->samples - done < batch ? s->settings->samples - done : batch;
    for (int64_t i = 0; i < n; i++) start_generation(s, &items[i], &p, done + i);
    double began = progress_clock();
    result = generator_run(s->generator, items, n, &s->generation, e);
    s->seconds += progress_clock() - began;
    for (int64_t i = 0; i < n; i++) {
      if (result == 0) result = write_plain(s, &items[i], e);
      if (result == 0 && items[i].end == GENERATION_POSITIONS) positions_used_up(s);
      s->new_tokens += items[i].count;
      generation_release(&items[i]);
    }
  }
  stats_flow(s->program->stats, 1, result == 0, 0, result != 0);
  free(items);
  ids_release(&p.ids);
  return result;
}

/* ---- a stream of prompts */

struct group { /* what is continued together: `count` sequences of `prompt_count` prompts */
  struct prompt *prompts;
  struct generation *items;
  const struct prompt **prompt_of;
  int64_t *sample_of;
  int64_t prompt_count, count;
};

static int write_row(struct sampling *s, const struct generation *g, const struct prompt *p, int64_t sample, struct err *e) {
  struct buffer row = {0}, text = {0}, clean = {0};
  uint64_t invalid = 0, nul = 0;
  document_escape(&row, buffer_slice(&p->id));
  buffer_printf(&row, "\t%lld\t", (long long)sample);
  if (s->settings->logprobs) {
    char number[NUMBER_TEXT];
    for (int64_t i = 0; i < g->count; i++) buffer_printf(&row, "%s%s", i ? " " : "", number_format(g->logprobs[i], number));
    buffer_put(&row, '\t');
  }
  decode(s, g, &text);
  utf8_sanitize(&clean, text.data, text.len, &invalid, &nul);
  document_escape(&row, buffer_slice(&clean));
  buffer_put(&row, '\n');
  int result = output_write(s->out, row.data, row.len, e);
  buffer_release(&row), buffer_release(&text), buffer_release(&clean);
  return result;
}

static int run_group(struct sampling *s, struct group *g, struct err *e) {
  for (int64_t i = 0; i < g->count; i++) start_generation(s, &g->items[i], g->prompt_of[i], g->sample_of[i]);
  double began = progress_clock();
  int result = g->count ? generator_run(s->generator, g->items, g->count, &s->generation, e) : 0;
  s->seconds += progress_clock() - began;
  bool cut = false;
  for (int64_t i = 0; i < g->count; i++) {
    if (result == 0) result = write_row(s, &g->items[i], g->prompt_of[i], g->sample_of[i], e);
    cut |= g->items[i].end == GENERATION_POSITIONS;
    s->new_tokens += g->items[i].count;
    generation_release(&g->items[i]);
  }
  if (result == 0 && cut) positions_used_up(s);
  progress_add(s->program->progress, 0, (uint64_t)g->prompt_count);
  g->count = 0;
  return result;
}

/* Keeps the prompt whose samples go on in the next group as its first. */
static void next_group(struct group *g, bool keep_last) {
  if (keep_last && g->prompt_count > 1) {
    struct prompt last = g->prompts[g->prompt_count - 1];
    g->prompts[g->prompt_count - 1] = g->prompts[0];
    g->prompts[0] = last;
  }
  g->prompt_count = keep_last;
}

static int add_prompt(struct sampling *s, struct group *g, const char *input, const struct document *d, struct err *e) {
  struct prompt *p = &g->prompts[g->prompt_count++];
  buffer_clear(&p->id);
  buffer_append_slice(&p->id, d->id);
  p->ordinal = d->ordinal;
  if (encode_prompt(s, p, d->text, e) < 0) return -1;
  if ((int64_t)p->ids.len > s->parameters.config.max_positions) {
    program_warn(s->program, "%s:%llu: the prompt has %zu tokens, the model takes %lld (max_position_embeddings); left out", input, (unsigned long long)d->number, p->ids.len, (long long)s->parameters.config.max_positions);
    stats_add(s->program->stats, "bad", 1);
    g->prompt_count--;
    return 0;
  }
  stats_add(s->program->stats, "out", 1);
  for (int64_t k = 0; k < s->settings->samples; k++) {
    if (g->count == s->settings->batch) {
      if (run_group(s, g, e) < 0) return -1;
      next_group(g, true);
      p = &g->prompts[0];
    }
    g->prompt_of[g->count] = p, g->sample_of[g->count++] = k;
  }
  if (g->count == s->settings->batch) {
    if (run_group(s, g, e) < 0) return -1;
    next_group(g, false);
  }
  return 0;
}

static int stream(struct sampling *s, struct err *e) {
  struct program *p = s->program;
  size_t batch = (size_t)s->settings->batch;
  struct group g = {.prompts = NEW_ARRAY(struct prompt, batch + 1), .items = NEW_ARRAY(struct generation, batch), .prompt_of = NEW_ARRAY(const struct prompt *, batch), .sample_of = NEW_ARRAY(int64_t, batch)};
  struct document_reader *reader = document_reader_new(p->operand, p->operand_count, NULL);
  struct document_batch lines = {0};
  struct document_parser parser = {0};
  struct document d;
  s->generator = generator_new(&s->parameters, s->settings->batch, tokenizer_size(s->tokenizer));
  generator_profile(s->generator, s->profile);
  int result = 0, got;
  while (result == 0 && (got = document_reader_next(reader, &lines, e)) != 0) {
    if (got < 0) result = -1;
    size_t cursor = 0;
    for (int one; result == 0 && (one = document_next(&parser, &lines, &cursor, &d, e)) != 0;) {
      stats_add(p->stats, "in", 1);
      if (one < 0) {
        program_warn(p, "%s:%llu: %s", lines.input, (unsigned long long)d.number, e->message);
        stats_add(p->stats, "bad", 1);
      } else result = add_prompt(s, &g, lines.input, &d, e);
    }
  }
  if (result == 0) result = run_group(s, &g, e);
  if (result == 0 && p->strict && stats_get(p->stats, "bad")) result = err_set(e, "%lld bad prompts", (long long)stats_get(p->stats, "bad"));
  stats_add(p->stats, "in", 0), stats_add(p->stats, "out", 0), stats_add(p->stats, "bad", 0), stats_int(p->stats, "rejected", 0);
  document_counts_report(&parser.counts, p->stats);
  for (size_t i = 0; i <= batch; i++) buffer_release(&g.prompts[i].id), ids_release(&g.prompts[i].ids);
  free(g.prompts), free(g.items), free(g.prompt_of), free(g.sample_of);
  document_parser_release(&parser);
  document_batch_release(&lines);
  document_reader_free(reader);
  return result;
}

/* ---- */

int sample(struct program *p, const struct sample_settings *settings, struct err *e) {
  struct sampling s = {.program = p, .settings = settings, .generation = {.sampler = settings->sampler, .limit = settings->tokens, .logprobs = settings->logprobs}};
  s.generation.stops = s.stops;
  if (settings->prompt && p->operand_count) return err_usage(e, "give --prompt or files, not both");
  if (!settings->prompt && p->operand_count == 0 && isatty(0)) return err_usage(e, "stdin is a terminal: give --prompt, or `id prompt` lines; usage: lm-sample -m DIR [OPTION]... [FILE...]");
  int result = open_model(&s, e);
  if (result == 0) result = output_open(&s.out, p->output, 0, e);
  if (result == 0) {
    if (settings->profile) s.profile = profile_new();
    s.terminal = settings->prompt && !settings->logprobs && (!p->output || strcmp(p->output, "-") == 0) && isatty(1);
    if (s.terminal) s.generation.token = on_token, s.generation.context = &s;
    result = settings->prompt ? one_prompt(&s, e) : stream(&s, e);
    if (result == 0) result = output_commit(s.out, e);
    else output_abort(s.out);
  }
  if (result == 0 && s.profile) result = profile_write(s.profile, settings->profile, 0, e);
  stats_int(p->stats, "tokens", s.new_tokens);
  stats_time(p->stats, "generation", s.seconds);
  if (result == 0) program_verbose(p, "%lld tokens, %.1f tok/s", (long long)s.new_tokens, s.seconds > 0 ? (double)s.new_tokens / s.seconds : 0);
  generator_free(s.generator);
  profile_free(s.profile);
  encoder_free(s.encoder);
  tokenizer_free(s.tokenizer);
  parameters_release(&s.parameters);
  buffer_release(&s.pending);
  return result;
}
