/* SPDX-License-Identifier: MIT
 *
 * config.json that means harm: each key of each class's corpus (tests/data/fuzz/config) with every value of a list, then several
 * keys at a time.  What is accepted must add up: sizes without overflow, a layout in order, its own JSON read back as itself,
 * nothing a kernel would refuse.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/rng.h"
#include "common/model/parameters.h"
#include "tests/tap.h"

#define FOLDER "tests/data/fuzz/config"

enum { ROUNDS = 1500 };

static const char *const values[] = {
    "0", "1", "2", "3", "7", "8", "-1", "64", "65", "1024", "1025", "65535", "65536", "1048576", "4194304", "268435456", "2147483647", "2147483648", "4611686018427387904", "9223372036854775807",
    "-9223372036854775808", "0.5", "-0.5", "1e-320", "1e18", "1e308", "-1e308", "24.0", "true", "false", "null", "\"\"", "\",\"", "\"full,,\"", "\"full\"", "\"sliding,hyena\"", "\"gelu\"", "\"reglu\"", "\"post\"", "\"layernorm\"",
    "\"bias\"", "\"noaux_tc\"", "\"group_limited_greedy\"", "\"sigmoid\"", "\"yarn\"", "\"learned\"", "\"none\"", "[]", "{}", "[[[[[[[[]]]]]]]]", "[\"hyena\",\"sliding_attention\"]", "[1,2]", "[null]", "{\"rope_type\":\"yarn\"}",
    "{\"rope_type\":\"yarn\",\"factor\":1e308,\"beta_fast\":1e308,\"beta_slow\":1e-320}", "{\"rope_type\":\"llama3\",\"original_max_position_embeddings\":9223372036854775807}", "{\"rope_theta\":1e-300}", "{\"rope_theta\":{}}",
};
enum { VALUES = sizeof values / sizeof *values };

/* Keys that some class has and the corpus need not. */
static const char *const more[] = {"layer_types", "sliding_window", "qk_norm", "placement", "position", "norm", "activation", "balance", "kv_lora_rank", "q_lora_rank", "num_experts", "n_shared_experts", "n_group", "topk_group", "topk_method",
                                   "moe_intermediate_size", "first_k_dense_replace", "hyena_short_kernel", "hyena_filter_width", "hyena_filter_bands", "dropout", "partial_rotary_factor", "use_sliding_window", "rope_scaling", "mlp_gated"};
enum { MORE = sizeof more / sizeof *more };

static struct err e;
static json_t *parsed[VALUES];
static int64_t accepted, refused;

static bool adds_up(const struct model_config *c) {
  struct parameter_layout l;
  int64_t end = 0, sum = 0;
  bool fine = true;
  parameter_layout_init(&l, c);
  for (int i = 0; i < l.count; i++) {
    const struct parameter_tensor *t = &l.tensors[i];
    fine &= t->offset >= end && t->count > 0 && t->count < INT64_C(1) << 52;
    end = t->offset + t->count, sum += t->count;
  }
  fine = fine && l.total >= end && l.total < INT64_C(1) << 53 && sum == config_parameters(c) && config_matmul_parameters(c) > 0 && config_flops_per_token(c, 8) > 0;
  parameter_layout_release(&l);
  if (c->moe.groups && (c->moe.groups > ROUTE_MOST_GROUPS || c->moe.count % c->moe.groups || (c->moe.correction && c->moe.count == c->moe.groups))) fine = false;
  return fine;
}

/* 1: accepted and sound, 0: refused with a message, -1. */
static int judge(const json_t *object) {
  struct model_config c, again;
  e.message[0] = 0;
  if (config_parse(&c, object, "hostile", &e) < 0) return refused++, e.message[0] ? 0 : -1;
  accepted++;
  json_t *own = config_to_json(&c);
  bool fine = adds_up(&c) && config_parse(&again, own, "own", &e) == 0 && config_hash(&again) == config_hash(&c);
  json_decref(own);
  return fine ? 1 : -1;
}

static bool sound(const json_t *object) {
  if (judge(object) >= 0) return true;
  char *text = json_dumps(object, JSON_COMPACT);
  note("%s: %s", e.message, text);
  free(text);
  return false;
}

static void check(const char *name, json_t *object, struct rng *rng) {
  const char *keys[128], *key;
  json_t *value;
  int count = 0;
  json_object_foreach(object, key, value) keys[count++] = key;
  for (int i = 0; i < MORE; i++) keys[count++] = more[i];
  if (!ok(judge(object) == 1, "%s: as it stands it is accepted", name)) note("%s", e.message);
  bool fine = true;
  for (int k = 0; k < count; k++)
    for (int v = 0; v < VALUES; v++) {
      json_t *changed = json_copy(object);
      json_object_set(changed, keys[k], parsed[v]);
      fine &= sound(changed);
      json_decref(changed);
    }
  ok(fine, "%s: every key with every value is refused or adds up", name);
  fine = true;
  for (int round = 0; round < ROUNDS; round++) {
    json_t *changed = json_copy(object);
    for (int n = 2 + (int)rng_below(rng, 4); n; n--) json_object_set(changed, keys[rng_below(rng, (uint64_t)count)], parsed[rng_below(rng, VALUES)]);
    fine &= sound(changed);
    json_decref(changed);
  }
  ok(fine, "%s: so are several keys at once", name);
}

static int visible(const struct dirent *d) { return d->d_name[0] != '.'; }

int main(void) {
  struct dirent **entries;
  struct rng rng;
  rng_init(&rng, 1);
  for (int v = 0; v < VALUES; v++) {
    parsed[v] = json_loads(values[v], JSON_DECODE_ANY, NULL);
    if (!parsed[v]) ok(false, "%s is JSON", values[v]);
  }
  int n = scandir(FOLDER, &entries, visible, alphasort);
  ok(n > 0, "there is a corpus");
  for (int i = 0; i < n; i++) {
    struct buffer path = {0};
    buffer_printf(&path, FOLDER "/%s", entries[i]->d_name);
    json_t *object = json_load_file(buffer_string(&path), 0, NULL);
    if (object) check(entries[i]->d_name, object, &rng);
    json_decref(object);
    buffer_release(&path);
    free(entries[i]);
  }
  if (n >= 0) free(entries);
  for (int v = 0; v < VALUES; v++) json_decref(parsed[v]);
  note("%lld accepted, %lld refused", (long long)accepted, (long long)refused);
  return tap_done();
}
