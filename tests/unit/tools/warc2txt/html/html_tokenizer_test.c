/* SPDX-License-Identifier: MIT
 *
 * html5lib's tests of tokenizers (https://github.com/html5lib/html5lib-tests, tokenizer/), at each width of vectors: the
 * tokens are compared, not the parse errors, which are not reported.
 *
 * Left out, counted and listed at the end: inputs with U+0000 (decoders remove it before the tokenizer) and with surrogates
 * that have no partner, also as output (UTF-8 holds none).  xmlViolation.test is of no concern: it asks for names that XML can
 * hold.
 */
#include "tools/warc2txt/html/html_tokenizer.h"

#include <stdio.h>

#include "common/base/json.h"
#include "common/base/simd.h"
#include "common/base/utf8.h"
#include "tests/read_file.h"
#include "tests/tap.h"
#include "tools/warc2txt/html/html_entities.h"

static const char *const files[] = {"contentModelFlags", "domjs", "entities", "escapeFlag", "namedEntities", "numericEntities", "pendingSpecChanges", "test1", "test2", "test3", "test4", "unicodeChars", "unicodeCharsProblematic"};

/* JSON texts as the files have them; jansson refuses U+0000 and lone surrogates, so these escapes become marks first. */
enum { MARK_NUL = 0xFDD0, MARK_SURROGATE = 0xFDD1 };

static int hex4(const char *s) {
  int value = 0;
  for (int i = 0; i < 4; i++) {
    char c = (char)(s[i] | 32);
    if (c >= '0' && c <= '9') value = value * 16 + c - '0';
    else if (c >= 'a' && c <= 'f') value = value * 16 + c - 'a' + 10;
    else return -1;
  }
  return value;
}

/* The text of a doubly escaped string, and marks for what our strings cannot hold. */
static void unescape(struct buffer *out, struct slice s) {
  for (size_t i = 0; i < s.len;) {
    int unit = s.len - i >= 6 && s.data[i] == '\\' && s.data[i + 1] == 'u' ? hex4(s.data + i + 2) : -1;
    if (unit < 0) {
      buffer_put(out, s.data[i++]);
      continue;
    }
    i += 6;
    uint32_t c = (uint32_t)unit;
    int low = c >= 0xD800 && c < 0xDC00 && s.len - i >= 6 && s.data[i] == '\\' && s.data[i + 1] == 'u' ? hex4(s.data + i + 2) : -1;
    if (low >= 0xDC00 && low < 0xE000) {
      c = 0x10000 + ((c - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
      i += 6;
    }
    utf8_append(out, c == 0 ? MARK_NUL : c >= 0xD800 && c < 0xE000 ? MARK_SURROGATE : c);
  }
}

/* Escapes that no string of jansson's can hold, as escapes of the marks. */
static void mark(struct buffer *json) {
  for (size_t i = 0; i + 6 <= json->len; i++) {
    if (json->data[i] != '\\') continue;
    int unit = json->data[i + 1] == 'u' ? hex4(json->data + i + 2) : -1;
    if (unit < 0) {
      i++; /* another escape */
      continue;
    }
    bool pair = unit >= 0xD800 && unit < 0xDC00 && i + 12 <= json->len && json->data[i + 6] == '\\' && json->data[i + 7] == 'u' && hex4(json->data + i + 8) >= 0xDC00 && hex4(json->data + i + 8) < 0xE000;
    if (pair) {
      i += 11;
      continue;
    }
    if (unit == 0) memcpy(json->data + i, "\\uFDD0", 6);
    else if (unit >= 0xD800 && unit < 0xE000) memcpy(json->data + i, "\\uFDD1", 6);
    i += 5;
  }
}

static bool has(struct slice s, const char *mark_bytes) { return slice_find(s, slice_of(mark_bytes)) != NULL; }

/* Tokens as one line of JSON, as the tests write them; text that stands side by side is one token. */
static void put_string(struct buffer *out, struct slice s) { json_append_string(out, s); }

static void flush_text(struct buffer *out, struct buffer *text) {
  if (!text->len) return;
  buffer_append_string(out, "[\"Character\",");
  put_string(out, buffer_slice(text));
  buffer_append_string(out, "]");
  buffer_clear(text);
}

static void expected(struct buffer *out, json_t *tokens, bool doubly) {
  static struct buffer text, part;
  buffer_clear(&text);
  size_t i;
  json_t *token;
  json_array_foreach(tokens, i, token) {
    const char *kind = json_string_value(json_array_get(token, 0));
    if (strcmp(kind, "Character") == 0) {
      struct slice s = {json_string_value(json_array_get(token, 1)), json_string_length(json_array_get(token, 1))};
      if (doubly) unescape(&text, s);
      else buffer_append_slice(&text, s);
      continue;
    }
    flush_text(out, &text);
    buffer_printf(out, "[\"%s\"", kind);
    for (size_t k = 1; k < json_array_size(token); k++) {
      json_t *value = json_array_get(token, k);
      buffer_append_string(out, ",");
      if (json_is_string(value)) {
        struct slice s = {json_string_value(value), json_string_length(value)};
        buffer_clear(&part);
        if (doubly) unescape(&part, s);
        else buffer_append_slice(&part, s);
        put_string(out, buffer_slice(&part));
      } else if (json_is_object(value)) {
        const char *name;
        json_t *v;
        buffer_append_string(out, "{");
        bool first = true;
        json_object_foreach(value, name, v) {
          if (!first) buffer_append_string(out, ",");
          first = false;
          buffer_clear(&part);
          if (doubly) unescape(&part, slice_of(name));
          else buffer_append_string(&part, name);
          put_string(out, buffer_slice(&part));
          buffer_append_string(out, ":");
          buffer_clear(&part);
          if (doubly) unescape(&part, (struct slice){json_string_value(v), json_string_length(v)});
          else buffer_append(&part, json_string_value(v), json_string_length(v));
          put_string(out, buffer_slice(&part));
        }
        buffer_append_string(out, "}");
      } else {
        buffer_append_string(out, json_is_true(value) ? "true" : json_is_false(value) ? "false" : "null");
      }
    }
    buffer_append_string(out, "]");
  }
  flush_text(out, &text);
}

static int by_name(const void *a, const void *b) {
  struct slice x = ((const struct html_whole_attribute *)a)->name, y = ((const struct html_whole_attribute *)b)->name;
  int order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);
  return order ? order : (x.len > y.len) - (x.len < y.len);
}

static void put_or_null(struct buffer *out, bool there, struct slice s) {
  if (there) put_string(out, s);
  else buffer_append_string(out, "null");
}

static void actual(struct buffer *out, struct slice input, enum html_state state, const char *raw, bool whole) {
  static struct html_tree tree;
  static struct html_tokenizer t;
  static struct buffer text;
  struct buffer html = {0};
  buffer_append_slice(&html, input);
  html_tree_clear(&tree);
  html_tokenizer_start(&t, &html, &tree, state);
  t.raw = slice_of(raw);
  t.whole = whole;
  buffer_clear(&text);
  for (enum html_token token; (token = html_tokenizer_next(&t)) != TOKEN_END;) {
    if (token == TOKEN_TEXT) {
      buffer_append_slice(&text, t.text);
      continue;
    }
    flush_text(out, &text);
    switch (token) {
      case TOKEN_COMMENT:
        buffer_append_string(out, "[\"Comment\",");
        put_string(out, t.text);
        break;
      case TOKEN_END_TAG:
        buffer_append_string(out, "[\"EndTag\",");
        put_string(out, t.text);
        break;
      case TOKEN_DOCTYPE:
        buffer_append_string(out, "[\"DOCTYPE\",");
        put_or_null(out, t.has_name, t.text);
        buffer_append_string(out, ",");
        put_or_null(out, t.has_public, t.public_id);
        buffer_append_string(out, ",");
        put_or_null(out, t.has_system, t.system_id);
        buffer_append_string(out, t.force_quirks ? ",false" : ",true");
        break;
      default:
        buffer_append_string(out, "[\"StartTag\",");
        put_string(out, t.text);
        buffer_append_string(out, ",{");
        for (size_t i = 1; i < t.whole_count; i++) /* the first of a name counts */
          for (size_t k = 0; k < i; k++)
            if (slice_equal(t.attributes[k].name, t.attributes[i].name)) {
              memmove(t.attributes + i, t.attributes + i + 1, (--t.whole_count - i) * sizeof *t.attributes);
              i--;
              break;
            }
        if (t.whole_count) qsort(t.attributes, t.whole_count, sizeof *t.attributes, by_name);
        for (size_t i = 0; i < t.whole_count; i++) {
          if (i) buffer_append_string(out, ",");
          put_string(out, t.attributes[i].name);
          buffer_append_string(out, ":");
          put_string(out, t.attributes[i].value);
        }
        buffer_append_string(out, t.self_closing ? "},true" : "}");
        break;
    }
    buffer_append_string(out, "]");
  }
  flush_text(out, &text);
  buffer_release(&html);
}

static enum html_state state_of(const char *name) {
  static const char *const names[] = {"Data state", "RCDATA state", "RAWTEXT state", "Script data state", "PLAINTEXT state", "CDATA section state"};
  for (int i = 0; i < 6; i++)
    if (strcmp(name, names[i]) == 0) return (enum html_state)i;
  return STATE_DATA;
}

static unsigned tests, left_nul, left_surrogate, wrong;

/* Attributes are compared in the order of their names. */
static json_t *sorted(json_t *tokens) {
  char *text = json_dumps(tokens, JSON_SORT_KEYS);
  json_t *copy = json_loads(text, 0, NULL);
  free(text);
  return copy;
}

static void run_test(const char *file, json_t *test) {
  bool doubly = json_is_true(json_object_get(test, "doubleEscaped"));
  struct buffer input = {0}, want = {0}, got = {0};
  json_t *in = json_object_get(test, "input");
  struct slice s = {json_string_value(in), json_string_length(in)};
  if (doubly) unescape(&input, s);
  else buffer_append_slice(&input, s);
  json_t *tokens = sorted(json_object_get(test, "output"));
  expected(&want, tokens, doubly);
  json_decref(tokens);
  const char *raw = json_string_value(json_object_get(test, "lastStartTag"));
  if (has(buffer_slice(&input), "\xEF\xB7\x90")) {
    left_nul++;
  } else if (has(buffer_slice(&input), "\xEF\xB7\x91") || has(buffer_slice(&want), "\xEF\xB7\x91")) {
    left_surrogate++;
  } else {
    json_t *states = json_object_get(test, "initialStates");
    size_t count = states ? json_array_size(states) : 1;
    for (size_t i = 0; i < count; i++) {
      const char *name = states ? json_string_value(json_array_get(states, i)) : "Data state";
      buffer_clear(&got);
      actual(&got, buffer_slice(&input), state_of(name), raw ? raw : "", true);
      tests++;
      if (slice_equal(buffer_slice(&got), buffer_slice(&want))) continue;
      if (wrong++ < 20) note("%s.test: %s (%s): got %s, want %s", file, json_string_value(json_object_get(test, "description")), name, buffer_string(&got), buffer_string(&want));
    }
  }
  buffer_release(&input);
  buffer_release(&want);
  buffer_release(&got);
}

static void html5lib(enum simd level) {
  char name[100];
  snprintf(name, sizeof name, "html5lib's tokenizer tests, %s", simd_name(level));
  tests = left_nul = left_surrogate = wrong = 0;
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char relative[100];
    snprintf(relative, sizeof relative, "html/html5lib-tests/tokenizer/%s.test", files[i]);
    const char *path = tap_shared(relative);
    if (!path) {
      skip("../shared is absent", name);
      return;
    }
    struct buffer json = read_file(path);
    mark(&json);
    json_error_t error;
    json_t *root = json_loadb(json.data, json.len, 0, &error);
    if (!root) note("%s: %s", path, error.text);
    wrong += !root;
    size_t k;
    json_t *test;
    json_array_foreach(json_object_get(root, "tests"), k, test) run_test(files[i], test);
    json_decref(root);
    buffer_release(&json);
  }
  note("%u run, left out: %u with U+0000, %u with lone surrogates", tests, left_nul, left_surrogate);
  ok(wrong == 0 && tests > 6500, "%s", name);
}

int main(void) {
  for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++)
    if (simd_force(level) == level) html5lib(level);
    else skip("this CPU has it not", simd_name(level));
  return tap_done();
}
