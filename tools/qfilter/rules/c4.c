/* SPDX-License-Identifier: MIT
 *
 * C4: https://jmlr.org/papers/volume21/20-074/20-074.pdf, section 2.2; order and edge cases of
 * datatrove/pipeline/filters/c4_filters.py (0.10): words are counted before citations go; what remains of a line is
 * not stripped again, so a citation at the end leaves a space there; the phrases are looked for in the lower-cased
 * line, of which only ASCII and U+212A (Kelvin sign, lower-cased to k) can matter.
 */
#include "tools/qfilter/rules/c4.h"

#include "common/text/unicode.h"

static const char *const policy_phrases[] = {"terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"};

/* Number of white-space words; *longest is the length of the longest, in code points. */
static size_t line_words(struct slice line, size_t *longest) {
  const uint8_t *flags = unicode_table();
  size_t words = 0, length = 0;
  *longest = 0;
  for (size_t i = 0; i < line.len;) {
    uint8_t b = (uint8_t)line.data[i];
    bool space;
    if (b < 0x80) {
      space = flags[b] & UNICODE_SPACE;
      i++;
    } else {
      int n;
      uint32_t c = unicode_decode(line.data + i, &n);
      space = unicode_flags(flags, c) & UNICODE_SPACE;
      i += (size_t)n;
    }
    if (space) {
      length = 0;
      continue;
    }
    words += length == 0;
    if (++length > *longest) *longest = length;
  }
  return words;
}

/* Length of a match of \[\d*]|\[edit]|\[citation needed] at the bracket, or 0. */
static size_t citation_length(struct slice s) {
  if (slice_starts(s, SLICE("[edit]"))) return 6;
  if (slice_starts(s, SLICE("[citation needed]"))) return 17;
  const uint8_t *flags = unicode_table();
  size_t i = 1;
  while (i < s.len) {
    int length;
    uint32_t c = unicode_decode(s.data + i, &length);
    if (c == ']') return i + 1;
    if (!(unicode_flags(flags, c) & UNICODE_DIGIT)) return 0;
    i += (size_t)length;
  }
  return 0;
}

/* The line without citations, in `out` when there were any. */
static struct slice without_citations(struct slice line, struct buffer *out, size_t *citations) {
  const char *p = line.data, *end = line.data + line.len, *copied = line.data;
  buffer_clear(out);
  bool any = false;
  while (p < end && (p = memchr(p, '[', (size_t)(end - p))) != NULL) {
    size_t n = citation_length((struct slice){p, (size_t)(end - p)});
    if (n == 0) {
      p++;
      continue;
    }
    any = true;
    (*citations)++;
    buffer_append(out, copied, (size_t)(p - copied));
    p += n;
    copied = p;
  }
  if (!any) return line;
  buffer_append(out, copied, (size_t)(end - copied));
  return buffer_slice(out);
}

static struct slice fold(struct slice line, struct buffer *out) {
  buffer_clear(out);
  buffer_reserve(out, line.len);
  for (size_t i = 0; i < line.len; i++) {
    uint8_t b = (uint8_t)line.data[i];
    if (b == 0xE2 && line.len - i >= 3 && memcmp(line.data + i, "\u212A", 3) == 0) {
      out->data[out->len++] = 'k';
      i += 2;
      continue;
    }
    out->data[out->len++] = (char)((uint8_t)(b - 'A') < 26 ? b | 0x20 : b);
  }
  return buffer_slice(out);
}

static bool contains(struct slice s, const char *phrase) { return s.len && memmem(s.data, s.len, phrase, strlen(phrase)) != NULL; }

static bool ends_well(struct slice line) {
  if (line.len == 0 || !memchr(".?!\"'", line.data[line.len - 1], 5)) return false;
  return !(line.len >= 3 && memcmp(line.data + line.len - 3, "...", 3) == 0);
}

struct run {
  const struct c4_settings *settings;
  struct c4_scratch *scratch;
  struct c4_values *values;
};

/* Takes one line; a reason when the document falls. */
static const char *take_line(struct run *r, struct slice line) {
  const struct c4_settings *s = r->settings;
  struct c4_values *v = r->values;
  struct c4_scratch *scratch = r->scratch;
  line = unicode_strip(line);
  size_t longest, words = line_words(line, &longest);
  v->lines++;
  if (s->max_word_length != -1 && (double)longest > s->max_word_length) {
    v->long_word++;
    return NULL;
  }
  if (s->remove_citations) line = without_citations(line, &scratch->line, &v->citations);
  if (s->filter_no_terminal_punct && !ends_well(line)) {
    v->no_terminal_punct++;
    return NULL;
  }
  if ((double)words < s->min_words_per_line) {
    v->few_words++;
    return NULL;
  }
  struct slice folded = fold(line, &scratch->folded);
  if (s->filter_lorem_ipsum && contains(folded, "lorem ipsum")) return "lorem_ipsum";
  if (s->filter_javascript && contains(folded, "javascript")) {
    v->javascript++;
    return NULL;
  }
  if (s->filter_curly_bracket && line.len && memchr(line.data, '{', line.len)) return "curly_bracket";
  if (s->filter_policy) {
    for (size_t i = 0; i < sizeof policy_phrases / sizeof *policy_phrases; i++) {
      if (contains(folded, policy_phrases[i])) {
        v->policy++;
        return NULL;
      }
    }
  }
  if (s->min_num_sentences != -1) {
    if (s->split_paragraph) {
      sentences_split(&scratch->sentences, line);
      v->sentences += scratch->sentences.count ? scratch->sentences.count : 1; /* datatrove finds one in an empty line */
    } else {
      v->sentences++;
    }
  }
  if (v->kept_lines++) buffer_put(&scratch->out, s->split_paragraph ? '\n' : ' ');
  buffer_append_slice(&scratch->out, line);
  return NULL;
}

const char *c4_apply(const struct c4_settings *settings, struct c4_scratch *scratch, struct slice text, struct slice *edited, struct c4_values *values) {
  *values = (struct c4_values){0};
  buffer_clear(&scratch->out);
  struct run r = {settings, scratch, values};
  const char *reason = NULL;
  if (settings->split_paragraph) {
    struct slice line;
    for (size_t at = 0; !reason && unicode_next_line(text, &at, &line);) reason = take_line(&r, line);
  } else {
    sentences_split(&scratch->parts, text);
    size_t start = 0;
    if (scratch->parts.count == 0) reason = take_line(&r, text);
    for (size_t i = 0; !reason && i < scratch->parts.count; i++) {
      reason = take_line(&r, (struct slice){text.data + start, scratch->parts.ends[i] - start});
      start = scratch->parts.ends[i];
    }
  }
  if (!reason && (double)values->sentences < settings->min_num_sentences) reason = "too_few_sentences";
  *edited = unicode_strip(buffer_slice(&scratch->out));
  return reason;
}

void c4_scratch_release(struct c4_scratch *s) {
  buffer_release(&s->out);
  buffer_release(&s->line);
  buffer_release(&s->folded);
  sentence_list_release(&s->sentences);
  sentence_list_release(&s->parts);
}
