/* SPDX-License-Identifier: MIT
 *
 * C4: https://jmlr.org/papers/volume21/20-074/20-074.pdf, section 2.2; order and edge cases of
 * datatrove/pipeline/filters/c4_filters.py (0.10): words are counted before citations go; what remains of a line is
 * not stripped again, so a citation at the end leaves a space there; the phrases are looked for in the lower-cased
 * line, of which only ASCII and U+212A (Kelvin sign, lower-cased to k) can matter.  c4_long_lines() is what
 * C4ParagraphFilter looks at there (mC4, https://arxiv.org/abs/2010.11934, section 3.1).
 */
#include "tools/qfilter/rules/c4.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/base/simd.h"
#include "common/text/unicode.h"

static const char *const policy_phrases[] = {"terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"};

/* Length of the longest white-space word, in code points. */
static size_t longest_word(struct slice line) {
  const uint8_t *flags = unicode_table();
  size_t length = 0, longest = 0;
  for (size_t i = 0; i < line.len;) {
    int n;
    uint32_t c = unicode_decode(line.data + i, &n);
    length = unicode_flags(flags, c) & UNICODE_SPACE ? 0 : length + 1;
    if (length > longest) longest = length;
    i += (size_t)n;
  }
  return longest;
}

/* ---- phrases: four letters of each, looked for at every byte, tell nearly all lines without one */

#define ANCHORS(EACH) EACH('o', 'k', 'i', 'e') EACH('v', 'a', 's', 'c') EACH('v', 'a', 'c', 'y') EACH('f', ' ', 'u', 's') EACH('i', 'p', 's', 'u')

static bool anchor_scalar(const char *p, size_t n) {
  for (size_t i = 0; i + 3 < n; i++) {
    char a = p[i] | 0x20, b = p[i + 1] | 0x20, c = p[i + 2] | 0x20, d = p[i + 3] | 0x20;
#define EACH(w, x, y, z) \
  if (a == w && b == x && c == y && d == z) return true;
    ANCHORS(EACH)
#undef EACH
  }
  return false;
}

#ifdef __x86_64__
static SIMD_TARGET_AVX2 bool anchor_avx2(const char *p, size_t n) {
  const __m256i lower = _mm256_set1_epi8(0x20);
  size_t i = 0;
  for (; i + 35 <= n; i += 32) {
    __m256i v[4], found = _mm256_setzero_si256();
    for (int k = 0; k < 4; k++) v[k] = _mm256_or_si256(_mm256_loadu_si256((const __m256i *)(p + i + k)), lower);
#define EQUAL(k, x) _mm256_cmpeq_epi8(v[k], _mm256_set1_epi8(x))
#define EACH(w, x, y, z) found = _mm256_or_si256(found, _mm256_and_si256(_mm256_and_si256(EQUAL(0, w), EQUAL(1, x)), _mm256_and_si256(EQUAL(2, y), EQUAL(3, z))));
    ANCHORS(EACH)
#undef EACH
#undef EQUAL
    if (_mm256_movemask_epi8(found)) return true;
  }
  return anchor_scalar(p + i, n - i);
}

static SIMD_TARGET_AVX512 bool anchor_avx512(const char *p, size_t n) {
  const __m512i lower = _mm512_set1_epi8(0x20);
  for (size_t i = 0; i + 3 < n; i += 64) {
    __mmask64 here = n - i - 3 >= 64 ? ~0ull : (1ull << (n - i - 3)) - 1, found = 0;
    __m512i v[4];
    for (int k = 0; k < 4; k++) v[k] = _mm512_or_si512(_mm512_maskz_loadu_epi8(here, p + i + k), lower);
#define NARROW(m, k, x) _mm512_mask_cmpeq_epi8_mask(m, v[k], _mm512_set1_epi8(x))
#define EACH(w, x, y, z) found |= NARROW(NARROW(NARROW(NARROW(here, 0, w), 1, x), 2, y), 3, z);
    ANCHORS(EACH)
#undef EACH
#undef NARROW
    if (found) return true;
  }
  return false;
}
#endif

static bool phrase_possible(struct slice line) {
#ifdef __x86_64__
  if (simd_level() >= SIMD_AVX512) return anchor_avx512(line.data, line.len);
  if (simd_level() >= SIMD_AVX2) return anchor_avx2(line.data, line.len);
#endif
  return anchor_scalar(line.data, line.len);
}

/* ---- citations */

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
  const struct scan *scan;
  struct c4_scratch *scratch;
  struct c4_values *values;
  size_t uncounted; /* lines kept whose sentences need not be counted */
};

/* Takes the line in [start, end) of the text; a reason when the document falls. */
static const char *take_line(struct run *r, size_t start, size_t end) {
  const struct c4_settings *s = r->settings;
  const struct scan *scan = r->scan;
  struct c4_values *v = r->values;
  struct c4_scratch *scratch = r->scratch;
  scan_strip(scan, &start, &end);
  struct slice line = {scan->text.data + start, end - start};
  v->lines++;
  if (s->max_word_length != -1 && (double)scan->longest_run > s->max_word_length && (double)longest_word(line) > s->max_word_length) {
    v->long_word++;
    return NULL;
  }
  bool marked = scan_any(scan->mark, start, end); /* with [ or { */
  if (s->remove_citations && marked) line = without_citations(line, &scratch->line, &v->citations);
  if (s->filter_no_terminal_punct && !ends_well(line)) {
    v->no_terminal_punct++;
    return NULL;
  }
  if ((double)scan_words_in(scan, start, end) < s->min_words_per_line) {
    v->few_words++;
    return NULL;
  }
  bool phrases = scan->kelvin || phrase_possible(line);
  struct slice folded = phrases ? fold(line, &scratch->folded) : (struct slice){0};
  if (s->filter_lorem_ipsum && contains(folded, "lorem ipsum")) return "lorem_ipsum";
  if (s->filter_javascript && contains(folded, "javascript")) {
    v->javascript++;
    return NULL;
  }
  if (s->filter_curly_bracket && marked && line.len && memchr(line.data, '{', line.len)) return "curly_bracket";
  if (s->filter_policy && phrases) {
    for (size_t i = 0; i < sizeof policy_phrases / sizeof *policy_phrases; i++) {
      if (contains(folded, policy_phrases[i])) {
        v->policy++;
        return NULL;
      }
    }
  }
  if (v->kept_lines++) buffer_put(&scratch->out, s->split_paragraph ? '\n' : ' ');
  buffer_append_slice(&scratch->out, line);
  return NULL;
}

/* Sentences in the lines kept.  Each line has one at least, so that often nothing needs to be split to know that there are enough. */
static void count_sentences(struct run *r, bool complete) {
  size_t left = r->values->kept_lines;
  if (r->settings->min_num_sentences == -1) return;
  if (!r->settings->split_paragraph) {
    r->values->sentences = left;
    return;
  }
  struct slice rest = buffer_slice(&r->scratch->out);
  while (left) {
    r->uncounted = complete ? 0 : left;
    if (!complete && (double)(r->values->sentences + left) >= r->settings->min_num_sentences) return;
    const char *end = rest.len ? memchr(rest.data, '\n', rest.len) : NULL; /* a line of splitlines() has none inside */
    size_t n = end ? (size_t)(end - rest.data) : rest.len;
    sentences_split(&r->scratch->sentences, (struct slice){rest.data, n});
    r->values->sentences += r->scratch->sentences.count ? r->scratch->sentences.count : 1; /* datatrove finds one in an empty line */
    r->uncounted = 0;
    if (--left == 0) return;
    rest.data += n + 1;
    rest.len -= n + 1;
  }
}

const char *c4_apply(const struct c4_settings *settings, struct c4_scratch *scratch, const struct scan *scan, bool complete, struct slice *edited,
                     struct c4_values *values) {
  *values = (struct c4_values){0};
  buffer_clear(&scratch->out);
  struct run r = {.settings = settings, .scan = scan, .scratch = scratch, .values = values};
  struct slice text = scan->text, line;
  const char *reason = NULL;
  if (!settings->split_paragraph) {
    sentences_split(&scratch->parts, text);
    size_t start = 0;
    if (scratch->parts.count == 0) reason = take_line(&r, 0, text.len);
    for (size_t i = 0; !reason && i < scratch->parts.count; i++) {
      reason = take_line(&r, start, scratch->parts.ends[i]);
      start = scratch->parts.ends[i];
    }
  } else if (scan->other_breaks) {
    for (size_t at = 0; !reason && unicode_next_line(text, &at, &line);) {
      size_t start = (size_t)(line.data - text.data);
      reason = take_line(&r, start, start + line.len);
    }
  } else {
    for (size_t start = 0; !reason && start < text.len;) {
      size_t end = scan_next(scan->newline, start, text.len);
      reason = take_line(&r, start, end);
      start = end + 1;
    }
  }
  if (!reason || complete) count_sentences(&r, complete);
  if (!reason && (double)(values->sentences + r.uncounted) < settings->min_num_sentences) reason = "too_few_sentences";
  *edited = unicode_strip(buffer_slice(&scratch->out));
  return reason;
}

size_t c4_long_lines(const struct scan *scan, double least) {
  size_t count = 0;
  for (size_t start = 0;; start++) { /* behind the last newline there is a line, though it be empty */
    size_t end = scan_next(scan->newline, start, scan->text.len);
    count += (double)(end - start) >= least && (double)scan_characters(scan, start, end) >= least;
    start = end;
    if (end == scan->text.len) return count;
  }
}

void c4_scratch_release(struct c4_scratch *s) {
  buffer_release(&s->out);
  buffer_release(&s->line);
  buffer_release(&s->folded);
  sentence_list_release(&s->sentences);
  sentence_list_release(&s->parts);
}
