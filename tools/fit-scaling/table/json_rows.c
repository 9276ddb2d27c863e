/* SPDX-License-Identifier: MIT
 *
 * Rows from JSON: objects one after another, or the elements of an array.  A row is parsed where it lies in the window; when it
 * is cut there, once more with twice as many bytes.  Objects within a row give columns "outer.inner", arrays give none.
 * Brackets within a value are kept on a stack of bits, so that depth costs nothing.
 */
#include <string.h>

#include "common/base/json.h"
#include "common/base/memory.h"
#include "tools/fit-scaling/table/layout.h"

enum { NAMED_DEPTH = 8, DEPTH_MOST = 4096 };

enum outcome { COMPLETE, CUT, WRONG, FRAME };

static const char *skip_space(const char *p, const char *end) {
  while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
  return p;
}

/* At the opening quote.  A line end within means that the closing one is missing. */
static enum outcome skip_string(const char **at, const char *end, bool *escaped) {
  for (const char *p = *at + 1; p < end; p++) {
    if (*p == '"') return *at = p + 1, COMPLETE;
    if (*p == '\n') return WRONG;
    if (*p != '\\') continue;
    *escaped = true;
    if (++p == end) return CUT;
  }
  return CUT;
}

/* At a bracket: to behind the one that closes it. */
static enum outcome skip_brackets(const char **at, const char *end) {
  unsigned char square[DEPTH_MOST / 8];
  int depth = 0;
  bool escaped;
  for (const char *p = *at; p < end; p++) {
    switch (*p) {
    case '[': case '{':
      if (depth == DEPTH_MOST) return WRONG;
      if (depth % 8 == 0) square[depth / 8] = 0;
      square[depth / 8] = (unsigned char)((square[depth / 8] & ~(1 << depth % 8)) | (*p == '[') << depth % 8);
      depth++;
      break;
    case ']': case '}':
      depth--;
      if ((square[depth / 8] >> depth % 8 & 1) != (*p == ']')) return WRONG;
      if (depth == 0) return *at = p + 1, COMPLETE;
      break;
    case '"': {
      enum outcome o = skip_string(&p, end, &escaped);
      if (o != COMPLETE) return o;
      p--;
    }
    }
  }
  return CUT;
}

/* A number or a word; also NaN and Infinity, as Python writes them. */
static enum outcome skip_word(const char **at, const char *end) {
  const char *p = *at;
  while (p < end && ((*p >= '0' && *p <= '9') || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z') || *p == '-' || *p == '+' || *p == '.')) p++;
  if (p == *at) return WRONG;
  *at = p;
  return p == end ? CUT : COMPLETE;
}

static enum outcome skip_value(const char **at, const char *end, bool *escaped) {
  if (**at == '"') return skip_string(at, end, escaped);
  return **at == '[' || **at == '{' ? skip_brackets(at, end) : skip_word(at, end);
}

/* What stands between the quotes, its escapes undone and appended to `to`. */
static bool unescape(struct slice raw, struct buffer *to) {
  struct json_cursor c = {raw.data - 1, raw.data - 1, raw.data + raw.len + 1};
  struct buffer own = {0};
  struct slice text;
  struct err e;
  bool fine = json_take_string(&c, &own, &text, &e) == 0;
  if (fine) buffer_append_slice(to, text);
  buffer_release(&own);
  return fine;
}

static bool store(struct table *t, struct slice key, bool key_escaped, struct slice value, bool value_escaped, int *known) {
  size_t index, outer = t->path.len;
  t->stored++;
  if (outer || key_escaped) {
    if (!key_escaped) buffer_append_slice(&t->path, key);
    else if (!unescape(key, &t->path)) return false;
    key = buffer_slice(&t->path);
  }
  if (t->guess < t->columns && slice_equal(t->column[t->guess], key)) {
    index = t->guess;
  } else {
    uint64_t *at = hashmap_find(t->index, key);
    if (at) index = *at;
    else if (!layout_add_column(t, key, &index)) return false;
  }
  if (known) *known += t->known(t->context, key);
  t->path.len = outer;
  t->guess = index + 1;
  for (size_t k = index < t->wanted_columns ? t->first_want[index] : 0; k > 0 && k <= t->wants && t->want[k - 1].column == index; k++) {
    struct slice *cell = &t->cell[t->want[k - 1].slot];
    if (cell->data) continue; /* the first of equal keys */
    if (value_escaped) {
      size_t start = t->scratch.len;
      if (!unescape(value, &t->scratch)) return false;
      value = (struct slice){t->scratch.data + start, t->scratch.len - start};
      value_escaped = false;
    }
    *cell = slice_trim(value);
  }
  return true;
}

/* At "[" as the value of a key at the top: an array of objects? */
static enum outcome array_of_objects(const char *p, const char *end) {
  p = skip_space(p + 1, end);
  return p == end ? CUT : *p == '{' ? COMPLETE : WRONG;
}

/* The object at *at; FRAME: an object that holds rows; *at is then behind the "[" before them. */
static enum outcome parse_row(struct table *t, const char **at, const char *end, bool may_frame) {
  size_t outer[NAMED_DEPTH + 1] = {0};
  int depth = 1, known = 0;
  bool first = true;
  enum outcome o;
  t->path.len = t->scratch.len = t->guess = t->stored = 0;
  buffer_reserve(&t->scratch, (size_t)(end - *at));
  if (t->wants) memset(t->cell, 0, t->wants * sizeof *t->cell);
  for (const char *p = *at + 1;;) {
    struct slice key, value;
    bool key_escaped = false, value_escaped = false;
    if ((p = skip_space(p, end)) == end) return CUT;
    if (*p == '}') {
      p++;
      first = false;
      t->path.len = outer[--depth];
      if (depth == 0) return *at = p, COMPLETE;
      continue;
    }
    if (!first) {
      if (*p != ',') return WRONG;
      if ((p = skip_space(p + 1, end)) == end) return CUT;
    }
    first = false;
    if (*p != '"') return WRONG;
    key.data = p + 1;
    if ((o = skip_string(&p, end, &key_escaped)) != COMPLETE) return o;
    key.len = (size_t)(p - 1 - key.data);
    if ((p = skip_space(p, end)) == end) return CUT;
    if (*p != ':') return WRONG;
    if ((p = skip_space(p + 1, end)) == end) return CUT;
    if (*p == '{' && depth < NAMED_DEPTH) {
      outer[depth++] = t->path.len;
      if (!key_escaped) buffer_append_slice(&t->path, key);
      else if (!unescape(key, &t->path)) return WRONG;
      buffer_put(&t->path, '.');
      first = true;
      p++;
      continue;
    }
    if (*p == '[' && may_frame && depth == 1 && known < 2) {
      if ((o = array_of_objects(p, end)) == CUT) return CUT;
      if (o == COMPLETE) return *at = p + 1, FRAME;
    }
    const char *from = p;
    if ((o = skip_value(&p, end, &value_escaped)) != COMPLETE) return o;
    if (*from == '[' || *from == '{') continue;
    value = *from == '"' ? (struct slice){from + 1, (size_t)(p - from) - 2} : (struct slice){from, (size_t)(p - from)};
    if (!store(t, key, key_escaped, value, value_escaped, may_frame ? &known : NULL)) return WRONG;
  }
}

/* Behind the array of rows: the other members of the object around it. */
static enum outcome parse_frame_end(struct table *t, const char **at, const char *end, bool may_frame) {
  enum outcome o;
  (void)t, (void)may_frame;
  for (const char *p = *at;;) {
    bool escaped;
    if ((p = skip_space(p, end)) == end) return CUT;
    if (*p == '}') return *at = p + 1, COMPLETE;
    if (*p != ',') return WRONG;
    if ((p = skip_space(p + 1, end)) == end) return CUT;
    if (*p != '"') return WRONG;
    if ((o = skip_string(&p, end, &escaped)) != COMPLETE) return o;
    if ((p = skip_space(p, end)) == end) return CUT;
    if (*p != ':') return WRONG;
    if ((p = skip_space(p + 1, end)) == end) return CUT;
    if (*p == '[' && (o = array_of_objects(p, end)) != WRONG) return o == CUT ? CUT : FRAME;
    if ((o = skip_value(&p, end, &escaped)) != COMPLETE) return o;
  }
}

/* An element that is no row. */
static enum outcome parse_other(struct table *t, const char **at, const char *end, bool may_frame) {
  bool escaped;
  (void)t, (void)may_frame;
  return skip_value(at, end, &escaped);
}

void json_cut(struct table *t) {
  const char *p = t->row;
  parse_row(t, &p, t->row + t->row_len, false);
}

/* ---- the stream around rows */

static int failed(struct table *t, const char *what, struct err *e) {
  return err_set(e, "%s:%llu: %s", input_name(t->in), (unsigned long long)t->next_line, what);
}

static void count_lines(struct table *t, const char *p, size_t n) {
  for (const char *end = p + n; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++) t->next_line++;
}

/* Consumes bytes that are white space, or up to a line end when a damaged line is left.  *c is the next byte, -1: the end. */
static int next_byte(struct table *t, int *c, struct err *e) {
  for (;;) {
    const char *data;
    size_t n, skip;
    if (input_peek(t->in, 1, &data, &n, e)) return err_prefix(e, "%s:%llu", input_name(t->in), (unsigned long long)t->next_line);
    if (n == 0) return *c = -1, 0;
    if (t->skip_line) {
      const char *newline = memchr(data, '\n', n);
      skip = newline ? (size_t)(newline - data) : n;
      t->skip_line = !newline;
    } else {
      skip = (size_t)(skip_space(data, data + n) - data);
      if (skip == 0 && n >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0 && t->place == JSON_TOP) skip = 3; /* of a file that was appended */
      if (skip == 0) return *c = (unsigned char)*data, 0;
    }
    count_lines(t, data, skip);
    input_consume(t->in, skip);
  }
}

/* Parses what comes next, with as many bytes as it takes: its length in *used, and the window in *data. */
static int parse(struct table *t, enum outcome (*parser)(struct table *, const char **, const char *, bool), bool may_frame, enum outcome *o, const char **data, size_t *used,
                 struct err *e) {
  size_t available;
  for (size_t want = ROW_FIRST;; want = 2 * available) {
    if (input_peek(t->in, want, data, &available, e)) return err_prefix(e, "%s:%llu", input_name(t->in), (unsigned long long)t->next_line);
    const char *at = *data;
    *o = available ? parser(t, &at, *data + available, may_frame) : CUT;
    *used = (size_t)(at - *data);
    if (*o != CUT || available < want) return 0;
    if (available > ROW_MOST) return failed(t, "a value of more than 256 MB", e);
  }
}

static int bad_row(struct table *t, const char *why) {
  t->fault = why;
  if (t->lines) t->skip_line = true;
  return 1;
}

static int take_object(struct table *t, struct err *e) {
  const char *data;
  size_t used;
  enum outcome o;
  bool top = t->place == JSON_TOP;
  t->line = t->next_line;
  if (parse(t, parse_row, top && !t->lines, &o, &data, &used, e)) return -1;
  if (o == FRAME) {
    count_lines(t, data, used);
    input_consume(t->in, used);
    if (!t->begun) layout_forget_columns(t);
    t->framed = true;
    t->place = JSON_FIRST_ELEMENT;
    return 0;
  }
  if (top) t->lines = true;
  if (o != COMPLETE) {
    if (t->columns == COLUMNS_MOST) return failed(t, "more than 131,072 different keys", e);
    if (!top) return failed(t, o == CUT ? "the text ends within an object" : "this object is not JSON", e);
    return bad_row(t, o == CUT ? "the text ends within an object" : "not JSON");
  }
  t->begun = true;
  t->row = data;
  t->row_len = t->held = used;
  count_lines(t, data, used);
  if (!top) t->place = JSON_AFTER_ELEMENT;
  if (t->stored == 0) t->fault = "an object without values of its own, such as arrays of them: each run must be an object";
  return 1;
}

static int take_other(struct table *t, struct err *e) {
  const char *data;
  size_t used;
  enum outcome o;
  t->line = t->next_line;
  if (parse(t, parse_other, false, &o, &data, &used, e)) return -1;
  if (o != COMPLETE) return failed(t, "the array is not JSON", e);
  count_lines(t, data, used);
  t->held = used;
  t->place = JSON_AFTER_ELEMENT;
  return bad_row(t, "an element that is not an object");
}

static int end_array(struct table *t, struct err *e) {
  const char *data;
  size_t used;
  enum outcome o = COMPLETE;
  input_consume(t->in, 1);
  t->place = JSON_TOP;
  if (!t->framed) return 0;
  t->framed = false;
  if (parse(t, parse_frame_end, false, &o, &data, &used, e)) return -1;
  if (o == FRAME) return failed(t, "the object holds several arrays of objects: jq '.NAME[]' writes the rows of one", e);
  if (o != COMPLETE) return failed(t, "the object around the rows is not JSON to its end", e);
  count_lines(t, data, used);
  input_consume(t->in, used);
  return 0;
}

/* Rows have t->row or t->fault; 0 is returned too for steps in between, without either. */
static int step(struct table *t, int c, struct err *e) {
  switch (t->place) {
  case JSON_TOP:
    if (c == '{') return take_object(t, e);
    if (c == '[' && !t->lines) {
      t->place = JSON_FIRST_ELEMENT;
      input_consume(t->in, 1);
      return 0;
    }
    if (!t->lines) return failed(t, "neither an object nor an array of objects", e);
    t->line = t->next_line;
    return bad_row(t, "not a JSON object");
  case JSON_FIRST_ELEMENT:
    if (c == ']') return end_array(t, e);
    return c == '{' ? take_object(t, e) : take_other(t, e);
  case JSON_ELEMENT:
    return c == '{' ? take_object(t, e) : take_other(t, e);
  case JSON_AFTER_ELEMENT:
    if (c == ']') return end_array(t, e);
    if (c != ',') return failed(t, "expected ',' or ']' in the array of rows", e);
    input_consume(t->in, 1);
    t->place = JSON_ELEMENT;
    return 0;
  }
  return 0;
}

int json_next(struct table *t, struct err *e) {
  int status, c = -1;
  do {
    if (next_byte(t, &c, e)) return -1;
    if (c < 0) return t->place == JSON_TOP ? 0 : failed(t, "the array of rows is not closed", e);
    status = step(t, c, e);
  } while (status == 0);
  return status;
}
