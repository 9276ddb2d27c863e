/* SPDX-License-Identifier: MIT
 *
 * Hugging Face's tokenizer.json for byte-level BPE (github.com/huggingface/tokenizers, tokenizers/src/tokenizer/
 * serialization.rs, models/bpe/serialization.rs, pre_tokenizers/).  What cannot be expressed is refused by name: other
 * models, normalizers, pre-tokenizers that change the text.  Every added token becomes a special.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hashmap.h"
#include "common/base/json.h"
#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "common/token/formats.h"
#include "common/token/pattern.h"

static const char *type_of(const json_t *node) {
  const char *s = json_string_value(json_object_get(node, "type"));
  return s ? s : "?";
}

static bool is_true(const json_t *node, const char *key, bool missing) {
  const json_t *v = json_object_get(node, key);
  return v && !json_is_null(v) ? json_is_true(v) : missing;
}

/* ---- pre-tokenizer -------------------------------------------------------------------------------------------------- */

struct stages {
  struct buffer text; /* newline between */
  bool bytes;         /* ByteLevel was there */
};

static void add_stage(struct stages *s, const char *pattern) {
  if (s->text.len) buffer_put(&s->text, '\n');
  pattern_canonical(&s->text, pattern, false);
}

static int read_split(struct stages *s, const json_t *node, struct err *e) {
  const json_t *pattern = json_object_get(node, "pattern");
  const char *regex = json_string_value(json_object_get(pattern, "Regex")), *string = json_string_value(json_object_get(pattern, "String"));
  const char *behavior = json_string_value(json_object_get(node, "behavior"));
  if (!behavior || strcmp(behavior, "Isolated") || is_true(node, "invert", false)) return err_set(e, "pre-tokenizer Split with behavior %s%s is not supported", behavior ? behavior : "?", is_true(node, "invert", false) ? ", inverted" : "");
  if (regex && *regex) {
    if (strstr(regex, "&&")) return err_set(e, "the pattern intersects character classes (&&), which is not supported");
    add_stage(s, regex);
  } else if (string && *string) {
    struct buffer quoted = {0};
    for (const char *c = string; *c; c++) {
      if (strchr("\\^$.|?*+()[]{}-#/", *c)) buffer_put(&quoted, '\\');
      buffer_put(&quoted, *c);
    }
    add_stage(s, buffer_string(&quoted));
    buffer_release(&quoted);
  } else return err_set(e, "pre-tokenizer Split has no pattern");
  return 0;
}

static int read_stages(struct stages *s, const json_t *node, int depth, struct err *e) {
  const char *type = type_of(node);
  if (!node || json_is_null(node)) return 0;
  if (strcmp(type, "Sequence") == 0 && depth < 8) {
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(node, "pretokenizers"), i, item)
      if (read_stages(s, item, depth + 1, e)) return -1;
    return 0;
  }
  if (s->bytes) return err_set(e, "pre-tokenizer %s after ByteLevel is not supported", type);
  if (strcmp(type, "ByteLevel") == 0) {
    if (is_true(node, "add_prefix_space", true)) return err_set(e, "ByteLevel with add_prefix_space is not supported");
    if (is_true(node, "use_regex", true)) add_stage(s, "gpt2");
    s->bytes = true;
    return 0;
  }
  if (strcmp(type, "Split") == 0) return read_split(s, node, e);
  if (strcmp(type, "Digits") == 0) {
    add_stage(s, is_true(node, "individual_digits", false) ? "\\p{N}" : "\\p{N}+");
    return 0;
  }
  return err_set(e, "pre-tokenizer %s is not supported", type);
}

static int check_normalizer(const json_t *node, struct err *e) {
  if (!node || json_is_null(node)) return 0;
  if (strcmp(type_of(node), "Sequence") == 0) {
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(node, "normalizers"), i, item)
      if (check_normalizer(item, e)) return -1;
    return 0;
  }
  return err_set(e, "normalizer %s is not supported: ids would not stand for the text's bytes", type_of(node));
}

/* ---- post-processor ------------------------------------------------------------------------------------------------- */

static void put_around(struct vocab *v, bool before, int64_t id) {
  if (id < 0 || id >= v->size) return;
  uint32_t **list = before ? &v->prefix : &v->suffix;
  int *count = before ? &v->prefix_count : &v->suffix_count;
  *list = RESIZE(*list, (size_t)*count + 1);
  (*list)[(*count)++] = (uint32_t)id;
}

static void read_post_processor(struct vocab *v, const json_t *node, int depth) {
  const char *type = type_of(node);
  size_t i, k;
  json_t *item, *id;
  if (!node || json_is_null(node) || depth > 8) return;
  if (strcmp(type, "Sequence") == 0) {
    json_array_foreach(json_object_get(node, "processors"), i, item) read_post_processor(v, item, depth + 1);
  } else if (strcmp(type, "TemplateProcessing") == 0) {
    bool before = true;
    json_array_foreach(json_object_get(node, "single"), i, item) {
      const char *name = json_string_value(json_object_get(json_object_get(item, "SpecialToken"), "id"));
      if (json_object_get(item, "Sequence")) before = false;
      if (!name) continue;
      json_array_foreach(json_object_get(json_object_get(json_object_get(node, "special_tokens"), name), "ids"), k, id)
        if (json_is_integer(id)) put_around(v, before, json_integer_value(id));
    }
  } else if (strcmp(type, "RobertaProcessing") == 0 || strcmp(type, "BertProcessing") == 0) {
    const json_t *cls = json_array_get(json_object_get(node, "cls"), 1), *sep = json_array_get(json_object_get(node, "sep"), 1);
    if (json_is_integer(cls)) put_around(v, true, json_integer_value(cls));
    if (json_is_integer(sep)) put_around(v, false, json_integer_value(sep));
  }
}

static int64_t find_special(const struct vocab *v, struct slice name) {
  for (uint32_t id = 0; id < v->size; id++)
    if (v->entries[id].special && slice_equal(vocab_bytes(v, id), name)) return id;
  return -1;
}

static int64_t config_token(const struct vocab *v, const json_t *config, const char *key) {
  const json_t *token = json_object_get(config, key);
  const char *name = json_is_object(token) ? json_string_value(json_object_get(token, "content")) : json_string_value(token);
  return name ? find_special(v, slice_of(name)) : -1;
}

/* ---- model ---------------------------------------------------------------------------------------------------------- */

static bool empty(const json_t *model, const char *key) {
  const json_t *v = json_object_get(model, key);
  return !v || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) || (json_is_number(v) && json_number_value(v) == 0);
}

static int check_model(const json_t *model, struct err *e) {
  static const char *const must_be_empty[] = {"dropout", "continuing_subword_prefix", "end_of_word_suffix"};
  if (!json_is_object(model)) return err_set(e, "no model: not a tokenizer.json");
  const json_t *type = json_object_get(model, "type");
  if (type && strcmp(type_of(model), "BPE")) return err_set(e, "model %s is not supported, only byte-level BPE", type_of(model));
  for (size_t i = 0; i < sizeof must_be_empty / sizeof must_be_empty[0]; i++)
    if (!empty(model, must_be_empty[i])) return err_set(e, "BPE with %s is not supported", must_be_empty[i]);
  if (is_true(model, "byte_fallback", false)) return err_set(e, "BPE with byte_fallback (SentencePiece) is not supported, only byte-level BPE");
  if (!json_is_object(json_object_get(model, "vocab"))) return err_set(e, "model.vocab is not an object");
  if (!json_is_array(json_object_get(model, "merges"))) return err_set(e, "model.merges is not an array");
  return 0;
}

/* Ids of left, right and their join, three words a merge. */
static int read_merges(struct ids *found, const json_t *merges, const struct hashmap *by_name, struct err *e) {
  struct buffer joined = {0};
  size_t i;
  json_t *item;
  int status = 0;
  json_array_foreach(merges, i, item) {
    struct slice left = {0}, right = {0};
    const char *s = json_string_value(item), *space = s ? strchr(s, ' ') : NULL;
    const char *l = json_string_value(json_array_get(item, 0)), *r = json_string_value(json_array_get(item, 1));
    if (space) {
      left = (struct slice){s, (size_t)(space - s)};
      right = slice_of(space + 1);
    } else if (l && r) {
      left = slice_of(l);
      right = slice_of(r);
    } else status = err_set(e, "model.merges[%zu] is not a pair", i);
    if (status) break;
    buffer_clear(&joined);
    buffer_append_slice(&joined, left);
    buffer_append_slice(&joined, right);
    const uint64_t *a = hashmap_find(by_name, left), *b = hashmap_find(by_name, right), *t = hashmap_find(by_name, buffer_slice(&joined));
    if (!a || !b || !t) {
      status = err_set(e, "model.merges[%zu]: a part or their join is not in the vocabulary", i);
      break;
    }
    ids_reserve(found, 3);
    found->data[found->len++] = (uint32_t)*a;
    found->data[found->len++] = (uint32_t)*b;
    found->data[found->len++] = (uint32_t)*t;
  }
  buffer_release(&joined);
  return status;
}

static int read_tokens(struct vocab *v, const json_t *root, const json_t *model, struct err *e) {
  struct hashmap *by_name = hashmap_new(), *made = hashmap_new(), *added = hashmap_new();
  struct ids merges = {0};
  struct buffer bytes = {0};
  const char *key;
  json_t *value;
  size_t i;
  int status = 0;
  json_object_foreach(json_object_get(model, "vocab"), key, value) {
    json_int_t id = json_integer_value(value);
    if (!json_is_integer(value) || id < 0 || id > INT32_MAX) {
      status = err_set(e, "model.vocab: token %.80s has no id", key);
      break;
    }
    *hashmap_put(by_name, slice_of(key), NULL) = (uint64_t)id;
  }
  if (status == 0) status = read_merges(&merges, json_object_get(model, "merges"), by_name, e);
  for (size_t k = 0; k < merges.len; k += 3) hashmap_put(made, (struct slice){(char *)&merges.data[k + 2], 4}, NULL);
  json_array_foreach(json_object_get(root, "added_tokens"), i, value) {
    const json_t *id = json_object_get(value, "id");
    const char *content = json_string_value(json_object_get(value, "content"));
    if (status) break;
    if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > INT32_MAX || !content || !*content) {
      status = err_set(e, "added_tokens[%zu] lacks id or content", i);
      break;
    }
    uint32_t number = (uint32_t)json_integer_value(id);
    const uint64_t *in_model = hashmap_find(by_name, slice_of(content));
    if (in_model && *in_model != number) status = err_set(e, "added token %.80s has two ids", content);
    /* A token that merges make, or a byte, stays ordinary. */
    else if (!(in_model && (hashmap_find(made, (struct slice){(char *)&number, 4}) || strlen(content) == 1))) {
      *hashmap_put(added, (struct slice){(char *)&number, 4}, NULL) = 1;
      status = vocab_add_special(v, number, slice_of(content), e);
    }
  }
  for (size_t k = 0; k < hashmap_count(by_name) && status == 0; k++) {
    const struct hashmap_entry *entry = &hashmap_entries(by_name)[k];
    uint32_t id = (uint32_t)entry->value;
    if (hashmap_find(added, (struct slice){(char *)&id, 4})) continue;
    buffer_clear(&bytes);
    if (format_characters(&bytes, entry->key.data, entry->key.len) == 0) status = vocab_add(v, id, buffer_slice(&bytes), e);
    else status = vocab_add_special(v, id, entry->key, e);
  }
  for (size_t k = 0; k < merges.len && status == 0; k++)
    if (vocab_bytes(v, merges.data[k]).len == 0 || v->entries[merges.data[k]].special) status = err_set(e, "model.merges[%zu] is of an added token", k / 3);
  if (status == 0) status = format_apply_merges(v, merges.data, merges.len / 3, is_true(model, "ignore_merges", false), e);
  hashmap_free(by_name);
  hashmap_free(made);
  hashmap_free(added);
  ids_release(&merges);
  buffer_release(&bytes);
  return status;
}

int format_read_hf(struct vocab *v, const json_t *root, const json_t *config, struct err *e) {
  const json_t *model = json_object_get(root, "model");
  if (check_model(model, e) || check_normalizer(json_object_get(root, "normalizer"), e)) return -1;
  struct stages stages = {0};
  if (read_stages(&stages, json_object_get(root, "pre_tokenizer"), 0, e)) {
    buffer_release(&stages.text);
    return -1;
  }
  v->pattern = STRDUP(stages.text.len ? buffer_string(&stages.text) : "none");
  buffer_release(&stages.text);
  if (!stages.bytes) return err_set(e, "no ByteLevel pre-tokenizer: not byte-level BPE");
  if (read_tokens(v, root, model, e)) return -1;
  v->eot = config_token(v, config, "eos_token");
  static const char *const usual[] = {"<|endoftext|>", "<|end_of_text|>", "<\xEF\xBD\x9C" "end\xE2\x96\x81of\xE2\x96\x81sentence\xEF\xBD\x9C>", "</s>"};
  for (size_t i = 0; i < sizeof usual / sizeof usual[0] && v->eot < 0; i++) v->eot = find_special(v, slice_of(usual[i]));
  read_post_processor(v, json_object_get(root, "post_processor"), 0);
  if (v->prefix_count == 0 && is_true(config, "add_bos_token", false)) put_around(v, true, config_token(v, config, "bos_token"));
  return 0;
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static void characters(struct buffer *out, struct slice bytes) {
  for (size_t i = 0; i < bytes.len; i++) utf8_append(out, byte_to_unicode((unsigned char)bytes.data[i]));
}

static void write_pre_tokenizer(struct buffer *out, const char *pattern) {
  static const char *const byte_level = "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":%s}";
  if (strcmp(pattern, "gpt2") == 0) {
    buffer_printf(out, byte_level, "true");
    return;
  }
  buffer_append_string(out, "{\"type\":\"Sequence\",\"pretokenizers\":[");
  while (*pattern) {
    size_t n = strcspn(pattern, "\n");
    char *stage = COPY(pattern, n);
    const char *regex = pattern_regex(stage);
    if (!regex) regex = stage;
    if (*regex) {
      buffer_append_string(out, "{\"type\":\"Split\",\"pattern\":{\"Regex\":");
      json_append_string(out, slice_of(regex));
      buffer_append_string(out, "},\"behavior\":\"Isolated\",\"invert\":false},");
    }
    free(stage);
    pattern += n + (pattern[n] != 0);
  }
  buffer_printf(out, byte_level, "false");
  buffer_append_string(out, "]}");
}

static void write_template(struct buffer *out, const struct vocab *v) {
  if (v->prefix_count == 0 && v->suffix_count == 0) {
    buffer_append_string(out, "{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":false,\"use_regex\":true}");
    return;
  }
  for (int pair = 0; pair < 2; pair++) {
    buffer_append_string(out, pair ? "],\"pair\":[" : "{\"type\":\"TemplateProcessing\",\"single\":[");
    const char *comma = "";
    for (int part = 0; part <= pair; part++) {
      for (int i = 0; i < v->prefix_count; i++, comma = ",") {
        buffer_printf(out, "%s{\"SpecialToken\":{\"id\":", comma);
        json_append_string(out, vocab_bytes(v, v->prefix[i]));
        buffer_printf(out, ",\"type_id\":%d}}", part);
      }
      buffer_printf(out, "%s{\"Sequence\":{\"id\":\"%c\",\"type_id\":%d}}", comma, 'A' + part, part);
      comma = ",";
      for (int i = 0; i < v->suffix_count; i++) {
        buffer_append_string(out, ",{\"SpecialToken\":{\"id\":");
        json_append_string(out, vocab_bytes(v, v->suffix[i]));
        buffer_printf(out, ",\"type_id\":%d}}", part);
      }
    }
  }
  buffer_append_string(out, "],\"special_tokens\":{");
  const char *comma = "";
  for (int i = 0; i < v->prefix_count + v->suffix_count; i++) {
    uint32_t id = i < v->prefix_count ? v->prefix[i] : v->suffix[i - v->prefix_count];
    bool repeated = false;
    for (int k = 0; k < i; k++) repeated = repeated || (k < v->prefix_count ? v->prefix[k] : v->suffix[k - v->prefix_count]) == id;
    if (repeated) continue;
    buffer_append_string(out, comma);
    comma = ",";
    json_append_string(out, vocab_bytes(v, id));
    buffer_append_string(out, ":{\"id\":");
    json_append_string(out, vocab_bytes(v, id));
    buffer_printf(out, ",\"ids\":[%" PRIu32 "],\"tokens\":[", id);
    json_append_string(out, vocab_bytes(v, id));
    buffer_append_string(out, "]}");
  }
  buffer_append_string(out, "}}");
}

struct ranked {
  uint32_t rank, id;
};

static int by_rank(const void *x, const void *y) {
  const struct ranked *a = x, *b = y;
  return a->rank < b->rank ? -1 : a->rank > b->rank;
}

static void write_model(struct buffer *out, const struct vocab *v) {
  struct ranked *merges = NEW_ARRAY(struct ranked, (size_t)v->size + 1);
  size_t count = 0;
  bool whole = false;
  struct buffer text = {0};
  const char *comma = "";
  for (uint32_t id = 0; id < v->size; id++) {
    const struct vocab_entry *t = &v->entries[id];
    if (t->rank != VOCAB_NONE) merges[count++] = (struct ranked){t->rank, id};
    if (t->length > 1 && !t->special && t->left == VOCAB_NONE) whole = true;
  }
  buffer_append_string(out, "{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,\"fuse_unk\":false,\"byte_fallback\":false,");
  buffer_printf(out, "\"ignore_merges\":%s,\"vocab\":{", whole ? "true" : "false");
  for (uint32_t id = 0; id < v->size; id++) {
    if (v->entries[id].length == 0) continue;
    buffer_clear(&text);
    if (v->entries[id].special) buffer_append_slice(&text, vocab_bytes(v, id));
    else characters(&text, vocab_bytes(v, id));
    buffer_append_string(out, comma);
    comma = ",";
    json_append_string(out, buffer_slice(&text));
    buffer_printf(out, ":%" PRIu32, id);
  }
  buffer_append_string(out, "},\"merges\":[");
  qsort(merges, count, sizeof merges[0], by_rank);
  for (size_t i = 0; i < count; i++) {
    const struct vocab_entry *t = &v->entries[merges[i].id];
    buffer_clear(&text);
    characters(&text, vocab_bytes(v, t->left));
    buffer_put(&text, ' ');
    characters(&text, vocab_bytes(v, t->right));
    if (i) buffer_put(out, ',');
    json_append_string(out, buffer_slice(&text));
  }
  buffer_append_string(out, "]}");
  buffer_release(&text);
  free(merges);
}

int format_write_hf(struct buffer *out, struct buffer *config, const struct vocab *v, struct err *e) {
  buffer_append_string(out, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[");
  const char *comma = "";
  for (uint32_t id = 0; id < v->size; id++) {
    struct slice bytes = vocab_bytes(v, id);
    if (!v->entries[id].special) continue;
    if (utf8_valid_prefix(bytes.data, bytes.len) != bytes.len || memchr(bytes.data, 0, bytes.len)) return err_set(e, "special token %" PRIu32 " is not UTF-8 text: tokenizer.json cannot hold it", id);
    buffer_printf(out, "%s{\"id\":%" PRIu32 ",\"content\":", comma, id);
    comma = ",";
    json_append_string(out, bytes);
    buffer_append_string(out, ",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true}");
  }
  buffer_append_string(out, "],\"normalizer\":null,\"pre_tokenizer\":");
  write_pre_tokenizer(out, v->pattern);
  buffer_append_string(out, ",\"post_processor\":");
  write_template(out, v);
  buffer_append_string(out, ",\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true},\"model\":");
  write_model(out, v);
  buffer_append_string(out, "}\n");

  buffer_append_string(config, "{\n  \"add_prefix_space\": false,\n");
  if (v->prefix_count || v->eot >= 0) {
    buffer_append_string(config, "  \"bos_token\": ");
    json_append_string(config, vocab_bytes(v, v->prefix_count ? v->prefix[0] : (uint32_t)v->eot));
    buffer_append_string(config, ",\n");
  }
  buffer_append_string(config, "  \"clean_up_tokenization_spaces\": false,\n");
  if (v->eot >= 0) {
    buffer_append_string(config, "  \"eos_token\": ");
    json_append_string(config, vocab_bytes(v, (uint32_t)v->eot));
    buffer_append_string(config, ",\n");
  }
  buffer_append_string(config, "  \"model_max_length\": 1000000000000000019884624838656,\n  \"tokenizer_class\": \"PreTrainedTokenizerFast\"\n}\n");
  return 0;
}
