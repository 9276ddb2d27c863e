/* SPDX-License-Identifier: MIT
 *
 * Patterns: OpenAI's tiktoken, tiktoken_ext/openai_public.py; Hugging Face tokenizers, pre_tokenizers/byte_level.rs.
 * gpt2:     '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * cl100k:   '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+$|\s*[\r\n]|\s+(?!\S)|\s
 * The older cl100k lacks `\s+$`: "a\n  " at the end of a text is three pieces there and two in the newer one.
 */
#include "common/token/pattern.h"

#include <string.h>

#define O200K_WORD "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define O200K_CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CL100K_HEAD "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define CL100K_MIDDLE "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define CL100K_END "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* The first spelling of a name is the one that Hugging Face's library accepts and that is written. */
static const struct pattern patterns[] = {
  {"gpt2", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", PATTERN_GPT2, 0, false},
  {"gpt2", "'s|'t|'re|'ve|'m|'ll|'d| ?[\\p{L}]+| ?[\\p{N}]+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", PATTERN_GPT2, 0, false},
  {"gpt2", "'(?:[sdmt]|ll|ve|re)| ?\\p{L}++| ?\\p{N}++| ?[^\\s\\p{L}\\p{N}]++|\\s++$|\\s+(?!\\S)|\\s", PATTERN_GPT2, 0, false},
  {"gpt2", "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", PATTERN_GPT2, 0, false},
  {"cl100k", CL100K_HEAD "\\p{N}{1,3}" CL100K_MIDDLE "|\\s+\\z" CL100K_END, PATTERN_CL100K, 3, true},
  {"cl100k", "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s", PATTERN_CL100K, 3, true},
  {"o200k", O200K_WORD "*" LOWER "+" O200K_CONTRACTION "|" O200K_WORD "+" LOWER "*" O200K_CONTRACTION "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", PATTERN_O200K, 0, false},
  {"none", "", PATTERN_NONE, 0, false},
  {NULL, PATTERN_WORDS, PATTERN_REGEX, 0, false},
  /* Llama 3; tiktoken before `\s++$`, rustbpe; Qwen 2; nanochat */
  {NULL, CL100K_HEAD "\\p{N}{1,3}" CL100K_MIDDLE CL100K_END, PATTERN_CL100K, 3, false},
  {NULL, "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+", PATTERN_CL100K, 3, false},
  {NULL, CL100K_HEAD "\\p{N}" CL100K_MIDDLE CL100K_END, PATTERN_CL100K, 1, false},
  {NULL, "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,2}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+", PATTERN_CL100K, 2, false},
};
#define PATTERNS (sizeof patterns / sizeof patterns[0])

const struct pattern *pattern_known(const char *s, size_t n) {
  for (size_t i = 0; i < PATTERNS; i++) {
    const struct pattern *k = &patterns[i];
    if (strlen(k->spelling) == n && memcmp(k->spelling, s, n) == 0) return k;
    if (k->name && strlen(k->name) == n && memcmp(k->name, s, n) == 0) return k;
  }
  return NULL;
}

const char *pattern_regex(const char *name) {
  for (size_t i = 0; i < PATTERNS; i++)
    if (patterns[i].name && strcmp(patterns[i].name, name) == 0) return patterns[i].spelling;
  return NULL;
}

static void canonical_stage(struct buffer *out, const char *s, size_t n) {
  struct buffer text = {0};
  for (size_t i = 0; i < n; i++) {
    const char *escape = s[i] == '\n' ? "\\n" : s[i] == '\r' ? "\\r" : s[i] == '\t' ? "\\t" : NULL;
    if (!escape) buffer_put(&text, s[i]);
    else {
      /* A backslash before the literal character already escapes it. */
      if (text.len && text.data[text.len - 1] == '\\') {
        size_t run = 0;
        while (run < text.len && text.data[text.len - 1 - run] == '\\') run++;
        if (run % 2) text.len--;
      }
      buffer_append_string(&text, escape);
    }
  }
  const struct pattern *k = pattern_known(text.len ? text.data : "", text.len);
  if (k && k->name) buffer_append_string(out, k->name);
  else buffer_append_slice(out, buffer_slice(&text));
  buffer_release(&text);
}

void pattern_canonical(struct buffer *out, const char *pattern, bool stages) {
  if (!stages) {
    canonical_stage(out, pattern, strlen(pattern));
    return;
  }
  for (;;) {
    size_t n = strcspn(pattern, "\n");
    canonical_stage(out, pattern, n);
    if (!pattern[n]) return;
    buffer_put(out, '\n');
    pattern += n + 1;
  }
}
