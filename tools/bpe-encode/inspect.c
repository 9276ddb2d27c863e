/* SPDX-License-Identifier: MIT
 *
 * What of a token's bytes is a character is for utf8_decode() to say; what a terminal would obey or not show, for Unicode's
 * general category as utf8proc has it.
 */
#include "tools/bpe-encode/inspect.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utf8proc.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/base/utf8.h"

enum { FLUSH = 1 << 16 };

/* SGR parameters (ECMA-48): black on six light colours of the 256-colour palette. */
static const char *const backgrounds[] = {"153", "157", "223", "219", "229", "189"};
enum { BACKGROUNDS = sizeof backgrounds / sizeof backgrounds[0] };

struct inspect {
  const struct scheme *scheme;
  struct output *out;
  bool colours;
  bool begun, open;   /* anything was put; the line has something on it */
  uint64_t document;
  uint64_t token;     /* in the document */
  struct buffer text, bytes;
};

bool inspect_colours(const char *output_path) {
  const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
  bool to_stdout = !output_path || strcmp(output_path, "-") == 0;
  return to_stdout && isatty(STDOUT_FILENO) && !(none && *none) && term && strcmp(term, "dumb") != 0;
}

struct inspect *inspect_new(const struct scheme *scheme, struct output *out, bool colours) {
  struct inspect *i = NEW(struct inspect);
  i->scheme = scheme;
  i->out = out;
  i->colours = colours;
  if (!colours) buffer_append_string(&i->text, "id\tbytes\ttext\n");
  return i;
}

void inspect_free(struct inspect *i) {
  if (!i) return;
  buffer_release(&i->text);
  buffer_release(&i->bytes);
  free(i);
}

static int flush(struct inspect *i, struct err *e) {
  size_t n = i->text.len;
  i->text.len = 0;
  return output_write(i->out, i->text.data, n, e);
}

/* ---- colours -------------------------------------------------------------------------------------------------------- */

/* Characters that a terminal obeys or does not show. */
static bool is_hidden(uint32_t u) {
  switch (utf8proc_category((utf8proc_int32_t)u)) {
  case UTF8PROC_CATEGORY_CC: case UTF8PROC_CATEGORY_CF: case UTF8PROC_CATEGORY_CS: case UTF8PROC_CATEGORY_CO: case UTF8PROC_CATEGORY_CN:
  case UTF8PROC_CATEGORY_ZS: case UTF8PROC_CATEGORY_ZL: case UTF8PROC_CATEGORY_ZP:
    return true;
  default:
    return false;
  }
}

static bool is_mark(uint32_t u) {
  utf8proc_category_t c = utf8proc_category((utf8proc_int32_t)u);
  return c == UTF8PROC_CATEGORY_MN || c == UTF8PROC_CATEGORY_ME || c == UTF8PROC_CATEGORY_MC;
}

static void begin_colour(struct inspect *i, bool special) {
  if (special) buffer_append_string(&i->text, "\x1B[1;97;41m");
  else buffer_printf(&i->text, "\x1B[38;5;16;48;5;%sm", backgrounds[i->token % BACKGROUNDS]);
}

static void put_colours(struct inspect *i, struct slice s, bool special) {
  struct buffer *out = &i->text;
  bool coloured = false, underlined = false;
  for (size_t at = 0; at < s.len;) {
    uint32_t u = 0;
    int invalid, n = utf8_decode(s.data + at, s.len - at, &u, &invalid);
    unsigned char byte = (unsigned char)s.data[at];
    bool bytes = n == 0 || (u != ' ' && u != '\t' && u != '\n' && is_hidden(u));
    if (!coloured) begin_colour(i, special), coloured = true;
    if (bytes != underlined) buffer_append_string(out, bytes ? "\x1B[4m" : "\x1B[24m"), underlined = bytes;
    if (n == 0) n = 1;
    i->open = true;
    if (bytes)
      for (int k = 0; k < n; k++) buffer_printf(out, "\\x%02X", (unsigned char)s.data[at + (size_t)k]);
    else if (u == ' ') buffer_append_string(out, "\u00B7");
    else if (u == '\t') buffer_append_string(out, "\u2192");
    else if (u == '\n') {
      /* The background must not run on to the end of the line. */
      buffer_append_string(out, "\u21B5\x1B[0m\n");
      coloured = i->open = false;
    } else {
      if (at == 0 && byte >= 0x80 && is_mark(u)) buffer_append_string(out, "\u25CC");
      buffer_append(out, s.data + at, (size_t)n);
    }
    at += (size_t)n;
  }
  if (coloured) buffer_append_string(out, "\x1B[0m");
}

/* ---- the table ------------------------------------------------------------------------------------------------------ */

/* As vocab_escape(), and U+0080 to U+009F, which terminals obey, as bytes too: the table may come to one. */
static void put_text(struct inspect *i, struct slice s) {
  size_t from = 0;
  for (size_t at = 0; at + 1 < s.len; at++) {
    unsigned char next = (unsigned char)s.data[at + 1];
    if (s.data[at] != '\xC2' || next < 0x80 || next >= 0xA0) continue;
    vocab_escape(&i->text, (struct slice){s.data + from, at - from});
    buffer_printf(&i->text, "\\xC2\\x%02X", next);
    from = at + 2;
    at++;
  }
  vocab_escape(&i->text, (struct slice){s.data + from, s.len - from});
}

/* ---- both ----------------------------------------------------------------------------------------------------------- */

static int put_token(struct inspect *i, uint32_t id, struct err *e) {
  uint64_t words = 0; /* of words, no space before any */
  i->bytes.len = 0;
  if (scheme_decode(i->scheme, id, &words, &i->bytes, e)) return -1;
  if (i->colours) {
    if (scheme_spaced(i->scheme) && i->token) buffer_put(&i->text, ' ');
    put_colours(i, buffer_slice(&i->bytes), scheme_is_special(i->scheme, id));
  } else {
    buffer_printf(&i->text, "%" PRIu32 "\t%zu\t", id, i->bytes.len);
    put_text(i, buffer_slice(&i->bytes));
    buffer_put(&i->text, '\n');
  }
  i->token++;
  return i->text.len < FLUSH ? 0 : flush(i, e);
}

int inspect_put(struct inspect *i, const uint32_t *ids, const struct shard_run *runs, size_t count, struct err *e) {
  for (size_t k = 0; k < count; ids += runs[k++].tokens) {
    if (i->begun && runs[k].document != i->document) {
      if (i->open) buffer_put(&i->text, '\n');
      buffer_put(&i->text, '\n');
      i->open = false;
    }
    if (!i->begun || runs[k].document != i->document) i->token = 0;
    i->begun = true;
    i->document = runs[k].document;
    for (uint32_t t = 0; t < runs[k].tokens; t++)
      if (put_token(i, ids[t], e)) return -1;
  }
  return flush(i, e);
}

int inspect_end(struct inspect *i, uint64_t documents, uint64_t bytes, uint64_t characters, uint64_t tokens, struct err *e) {
  char a[NUMBER_TEXT], b[NUMBER_TEXT], c[NUMBER_TEXT], d[NUMBER_TEXT];
  if (i->colours) {
    if (i->open) buffer_put(&i->text, '\n');
    buffer_printf(&i->text, "%s bytes, %s characters, %s tokens", number_thousands(bytes, a), number_thousands(characters, b), number_thousands(tokens, c));
    if (tokens) buffer_printf(&i->text, ", %.2f bytes a token", (double)bytes / (double)tokens);
    if (documents != 1) buffer_printf(&i->text, ", %s documents", number_thousands(documents, d));
    buffer_put(&i->text, '\n');
  }
  return flush(i, e);
}
