/* SPDX-License-Identifier: MIT
 *
 * Any bytes, every known pattern: PCRE2 on the same expression, the scalar code and the wide code of each level find the
 * same pieces, in calls of any size; the text cut where it may be has the same pieces and, normalised, the same text; the
 * specials found are those that a search at every place finds.
 */
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "common/base/memory.h"
#include "common/base/simd.h"
#include "common/token/pattern.h"
#include "common/token/pretokenize.h"
#include "common/token/scan.h"
#include "common/token/specials.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT = 8192, ENDS = 1024 };

/* Stages are wrapped in groups to make an expression that is not known. */
static struct target {
  const char *pattern;
  bool bytes; /* invalid bytes are the same to both */
  struct pretokenizer *ours, *reference;
  struct pretokenizer_scratch *ours_scratch, *reference_scratch;
} targets[] = {
  {"gpt2"}, {"cl100k"}, {"o200k"}, {"llama3"}, {"qwen2"}, {"deepseek", true}, {PATTERN_WORDS, true}, {"\\p{N}"}, {"\\p{N}\ngpt2"}, {"\\p{N}{1,3}\no200k"},
  {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,2}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"},
  {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s"},
  {"[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
};
#define TARGETS (sizeof targets / sizeof targets[0])

static pcre2_code *unassigned; /* in PCRE2's Unicode, older than ours */
static pcre2_match_data *match;

static void require(bool fine) {
  if (!fine) abort();
}

static void open_targets(void) {
  struct err e;
  for (size_t k = 0; k < TARGETS; k++) {
    struct target *t = &targets[k];
    struct buffer canonical = {0}, wrapped = {0};
    require(pretokenizer_new(&t->ours, t->pattern, &e) == 0);
    pattern_canonical(&canonical, t->pattern, true);
    for (const char *s = buffer_string(&canonical); *s;) {
      size_t n = strcspn(s, "\n");
      char *stage = COPY(s, n + 1);
      stage[n] = 0;
      const char *regex = pattern_regex(stage);
      buffer_printf(&wrapped, "%s(?:%s)", wrapped.len ? "\n" : "", regex ? regex : stage);
      free(stage);
      s += n + (s[n] == '\n');
    }
    require(pretokenizer_new(&t->reference, buffer_string(&wrapped), &e) == 0);
    t->ours_scratch = pretokenizer_scratch_new(t->ours);
    t->reference_scratch = pretokenizer_scratch_new(t->reference);
    buffer_release(&canonical);
    buffer_release(&wrapped);
  }
  int code;
  PCRE2_SIZE offset;
  unassigned = pcre2_compile((PCRE2_SPTR) "\\p{Cn}", 6, PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF, &code, &offset, NULL);
  match = pcre2_match_data_create(1, NULL);
}

/* Ends of the pieces in calls of at most `max`; how many. */
static int split(const struct pretokenizer *p, struct pretokenizer_scratch *s, struct slice text, int max, uint32_t *out) {
  static uint32_t ends[ENDS];
  struct err e;
  size_t cursor = 0, from = 0;
  int count = 0, n;
  while ((n = pretokenize(p, s, text, &cursor, ends, max, &e)) > 0) {
    require(n <= max);
    for (int i = 0; i < n; i++) {
      out[count] = (uint32_t)(from + ends[i]);
      require(out[count] > (count ? out[count - 1] : 0) && out[count] <= text.len);
      count++;
    }
    from = cursor;
    require(cursor == out[count - 1]);
  }
  require(n == 0 && cursor == text.len);
  return count;
}

static bool same(const uint32_t *a, int n, const uint32_t *b, int m) { return n == m && memcmp(a, b, sizeof a[0] * (size_t)n) == 0; }

static bool valid_utf8(struct slice text) {
  for (size_t i = 0; i < text.len;) {
    utf8proc_int32_t u;
    utf8proc_ssize_t n = utf8proc_iterate((const uint8_t *)text.data + i, (utf8proc_ssize_t)(text.len - i), &u);
    if (n <= 0) return false;
    i += (size_t)n;
  }
  return true;
}

static void normalised(struct buffer *out, struct slice text) {
  utf8proc_uint8_t *s = NULL;
  utf8proc_ssize_t n = utf8proc_map((const uint8_t *)text.data, (utf8proc_ssize_t)text.len, &s, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  require(n >= 0);
  buffer_append(out, s, (size_t)n);
  free(s);
}

static void check_cut(const struct target *t, struct slice text, size_t seen, const uint32_t *whole, int count, bool valid) {
  static uint32_t part[TEXT];
  size_t at = pretokenizer_cut(t->ours, NULL, (struct slice){text.data, seen});
  if (at == 0) return;
  require(at < seen);
  int n = split(t->ours, t->ours_scratch, (struct slice){text.data, at}, ENDS, part);
  require(n <= count && same(part, n, whole, n));
  int m = split(t->ours, t->ours_scratch, (struct slice){text.data + at, text.len - at}, ENDS, part);
  require(n + m == count);
  for (int i = 0; i < m; i++) require(part[i] + at == whole[n + i]);
  if (!valid || text.len > 512) return;
  struct buffer a = {0}, b = {0};
  normalised(&a, text);
  normalised(&b, (struct slice){text.data, at});
  normalised(&b, (struct slice){text.data + at, text.len - at});
  require(slice_equal(buffer_slice(&a), buffer_slice(&b)));
  buffer_release(&a);
  buffer_release(&b);
}

static void check_specials(struct slice text, size_t seen) {
  static const char *const words[] = {"<|a|>", "<|a|><|b|>", "<|", "|>x", "aaa", "a <|a|>", "\xE2\x80\x9C<"};
  static struct specials *sets[8];
  for (int only = 0; only < 2; only++) {
    if (!sets[only]) {
      sets[only] = specials_new();
      for (size_t i = 0; i < (only ? 3 : 7); i++) specials_add(sets[only], slice_of(words[i]), (uint32_t)i);
    }
    size_t from = 0, inside = 0, at = pretokenizer_cut(targets[0].ours, sets[only], (struct slice){text.data, seen});
    for (size_t i = 0; i <= text.len; i++) {
      size_t best = 0, id = 0;
      for (size_t k = 0; k < (only ? 3 : 7) && i < text.len; k++) {
        size_t n = strlen(words[k]);
        if (n > best && n <= text.len - i && memcmp(words[k], text.data + i, n) == 0) best = n, id = k;
      }
      inside += at > i && at < i + best;
      if (i < from || (best == 0 && i < text.len)) continue;
      size_t length = 0;
      uint32_t got = 0;
      require(specials_find(sets[only], text, from, &length, &got) == i);
      if (i == text.len) break;
      require(length == best && got == id);
      from = i + best;
    }
    require(inside == 0);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint32_t reference[TEXT], scalar[TEXT], wide[TEXT];
  static const int sizes[] = {1, 2, 7, 64, SCAN_WIDE, SCAN_WIDE + 1, 256, ENDS};
  if (!targets[0].ours) open_targets();
  if (size == 0) return 0;
  struct slice text = {(const char *)data, size < TEXT ? size : TEXT};
  bool valid = valid_utf8(text);
  bool known = pcre2_match(unassigned, (PCRE2_SPTR)text.data, text.len, 0, 0, match, NULL) == PCRE2_ERROR_NOMATCH;
  unsigned mix = (unsigned)size;
  for (size_t i = 0; i < text.len && i < 16; i++) mix = mix * 31 + data[i];
  for (size_t k = 0; k < TARGETS; k++) {
    const struct target *t = &targets[k];
    simd_force(SIMD_SCALAR);
    int n = split(t->ours, t->ours_scratch, text, sizes[(mix + k) % 4], scalar);
    if (known && (valid || t->bytes)) require(same(reference, split(t->reference, t->reference_scratch, text, ENDS, reference), scalar, n));
    for (enum simd level = SIMD_SCALAR; level <= SIMD_AVX512; level++) {
      if (simd_force(level) != level) break;
      require(same(scalar, n, wide, split(t->ours, t->ours_scratch, text, sizes[(mix >> 3) % 8], wide)));
      require(same(scalar, n, wide, split(t->ours, t->ours_scratch, text, ENDS, wide)));
    }
    check_cut(t, text, 1 + mix % text.len, scalar, n, valid);
    check_cut(t, text, 1 + (mix >> 7) % text.len, scalar, n, valid);
  }
  check_specials(text, 1 + mix % text.len);
  return 0;
}
