/* SPDX-License-Identifier: MIT
 *
 * bpe-train: documents or raw text -> a tokenizer, or a list of words.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/number.h"
#include "common/io/output.h"
#include "common/io/program.h"
#include "common/token/pattern.h"
#include "common/token/tokenizer.h"
#include "tools/bpe-train/base.h"
#include "tools/bpe-train/corpus.h"
#include "tools/bpe-train/merges.h"
#include "tools/bpe-train/words_list.h"

enum format { FORMAT_TSV, FORMAT_HF, FORMAT_GPT2, FORMAT_TIKTOKEN };
static const char FORMATS[] = "tsv|hf|gpt2|tiktoken";

struct settings {
  int64_t size, min_frequency;
  const char *pattern, *from;
  struct option_list specials;
  bool raw, words;
  int tie, format;
};

static bool writes_folder(const struct settings *s) { return s->format == FORMAT_HF || s->format == FORMAT_GPT2; }

/* ---- a list of words ------------------------------------------------------------------------------------------------- */

/* Most frequent first, then the specials; ids are line numbers, 0 is the unknown word.  Frees `words`. */
static int write_words(struct program *p, const struct settings *s, struct words *words, int specials, struct output *out, struct err *e) {
  uint64_t written, wanted = s->size ? (uint64_t)(s->size - 1 - specials) : UINT64_MAX;
  if (words_list(out, words, wanted, (size_t)p->memory, p->tmpdir, &written, e)) return -1;
  if (s->size && wanted > written) program_warn(p, "only %" PRIu64 " words, vocabulary is %" PRIu64, written, written + 1 + (uint64_t)specials);
  int status = 0;
  for (int i = 0; i < specials && status == 0; i++) status = output_printf(out, e, "%s\n", s->specials.items[i]);
  return status;
}

/* ---- a tokenizer ----------------------------------------------------------------------------------------------------- */

struct watch { /* of the merges' progress */
  struct program *p;
  uint64_t pieces;
  uint32_t wanted;
  double started;
};

static void show_progress(void *context, uint32_t done) {
  const struct watch *w = context;
  char pieces[NUMBER_TEXT], merges[NUMBER_TEXT], wanted[NUMBER_TEXT], left[NUMBER_TEXT];
  double seconds = progress_clock() - w->started;
  progress_text(w->p->progress, "%s pieces, %s of %s merges, %s left", number_thousands(w->pieces, pieces), number_thousands(done, merges), number_thousands(w->wanted, wanted),
                number_duration(seconds * (w->wanted - done) / done, left));
}

static int write_tokenizer(const struct program *p, const struct settings *s, const struct tokenizer *t, struct output *out, struct err *e) {
  switch (s->format) {
  case FORMAT_HF: return tokenizer_write_hf(t, p->output, e);
  case FORMAT_GPT2: return tokenizer_write_gpt2(t, p->output, e);
  case FORMAT_TIKTOKEN: return tokenizer_write_tiktoken(t, p->output, e);
  default: break;
  }
  struct buffer text = {0};
  int status = tokenizer_tsv(t, &text, e);
  if (status == 0) status = output_write(out, text.data, text.len, e);
  buffer_release(&text);
  return status;
}

static bool is_special_of(const struct tokenizer *t, const char *name) {
  int64_t id = t ? tokenizer_find(t, slice_of(name)) : -1;
  return id >= 0 && tokenizer_is_special(t, (uint32_t)id);
}

/* Specials that the base lacks. */
static int count_new(const struct settings *s, const struct tokenizer *base) {
  int n = 0;
  for (int i = 0; i < s->specials.count; i++) n += !is_special_of(base, s->specials.items[i]);
  return n;
}

static int add_specials(struct vocab *v, const struct settings *s, const struct tokenizer *base, struct err *e) {
  int64_t first = -1;
  for (int i = 0; i < s->specials.count; i++) {
    const char *name = s->specials.items[i];
    if (is_special_of(base, name)) continue;
    uint32_t id = v->size;
    if (vocab_add_special(v, id, slice_of(name), e)) return -1;
    if (first < 0) first = id;
    if (v->eot < 0 && strcmp(name, "<|endoftext|>") == 0) v->eot = id;
  }
  if (v->eot < 0) v->eot = first;
  return 0;
}

/* Makes the merges and writes the tokenizer; takes over `words`, which is NULL when a base is only converted. */
static int train(struct program *p, const struct settings *s, const struct tokenizer *base, const char *pattern, struct words *words, struct output *out, struct err *e) {
  struct vocab v;
  vocab_init(&v);
  uint32_t start = base ? tokenizer_size(base) : 256, made = 0;
  int added = count_new(s, base), status = 0;
  if (base && added == 0 && !words) return write_tokenizer(p, s, base, out, e); /* with what only its own format holds */
  if (base && base_vocab(&v, base, e)) {
    words_free(words);
    return err_prefix(e, "%s", s->from);
  }
  if (words) {
    double began = progress_clock();
    struct watch watch = {p, words_distinct(words), (uint32_t)(s->size - start - added), began};
    struct merges_options options = {.tie = (enum tie)s->tie, .wanted = watch.wanted, .min_frequency = (uint64_t)s->min_frequency,
                                     .memory = (size_t)p->memory, .tmpdir = p->tmpdir, .progress = show_progress, .context = &watch};
    status = merges_train(&v, words, &options, &made, e);
    progress_clear(p->progress);
    stats_time(p->stats, "merges", progress_clock() - began);
    if (status == 0 && made < watch.wanted)
      program_warn(p, "no pair is left after %" PRIu32 " merges%s, vocabulary is %" PRIu32, made, s->min_frequency > 1 ? " that is frequent enough" : "", start + made + (uint32_t)added);
  }
  if (status == 0) status = add_specials(&v, s, base, e);
  if (status) {
    vocab_release(&v);
    return -1;
  }
  if (!v.pattern) v.pattern = STRDUP(pattern);
  stats_int(p->stats, "merges", made);
  stats_int(p->stats, "vocabulary", v.size);
  struct tokenizer *t;
  if (tokenizer_from_vocab(&t, &v, e)) return -1;
  double began = progress_clock();
  status = write_tokenizer(p, s, t, out, e);
  stats_time(p->stats, "write", progress_clock() - began);
  tokenizer_free(t);
  return status;
}

/* ---- the command line ------------------------------------------------------------------------------------------------ */

static int check_output(const struct program *p, const struct settings *s, struct err *e) {
  char word[OPTION_WORD];
  struct stat folder;
  bool named = p->output && strcmp(p->output, "-") != 0;
  option_word(FORMATS, s->format, word);
  if (writes_folder(s) && !named) return err_usage(e, "--format %s writes a folder: name it with -o", word);
  if (writes_folder(s) && stat(p->output, &folder) == 0 && !p->force) return err_set(e, "%s exists: -f replaces its tokenizer files", p->output);
  if (s->format == FORMAT_TIKTOKEN && !named) return err_usage(e, "--format tiktoken writes a file: name it with -o");
  return 0;
}

static int check(const struct program *p, const struct settings *s, const struct tokenizer *base, struct err *e) {
  int specials = s->specials.count;
  for (int i = 0; i < specials; i++) {
    if (!s->specials.items[i][0]) return err_usage(e, "an empty special token");
    for (int k = 0; k < i; k++)
      if (strcmp(s->specials.items[i], s->specials.items[k]) == 0) return err_usage(e, "special %s is given twice", s->specials.items[i]);
  }
  if (s->words) {
    if (s->pattern || s->from || s->format != FORMAT_TSV) return err_usage(e, "--words takes neither -p nor --from nor --format");
    if (s->min_frequency) return err_usage(e, "--words takes no --min-frequency");
    if (s->size && s->size < 2 + specials) return err_usage(e, "-n counts the unknown word and the specials: at least %d", 2 + specials);
    return 0;
  }
  if (s->from && !s->size) {
    if (p->operand_count) return err_usage(e, "--from without -n only converts, and reads nothing: give the size of the vocabulary with -n to train on %s", p->operand[0]);
    return check_output(p, s, e);
  }
  if (!s->size) return err_usage(e, "give the size of the vocabulary with -n");
  int64_t least = base ? (int64_t)tokenizer_size(base) + count_new(s, base) : 256 + specials;
  if (base && (s->size < least || s->size > VOCAB_LIMIT)) return err_usage(e, "-n counts the ids of %s and new special tokens: from %" PRId64 " to %u", s->from, least, VOCAB_LIMIT);
  if (s->size < least || s->size > VOCAB_LIMIT) return err_usage(e, "-n counts 256 bytes and %d special tokens: from %" PRId64 " to %u", specials, least, VOCAB_LIMIT);
  if (p->operand_count == 0 && isatty(0)) return err_usage(e, "stdin is a terminal: name files, or pipe something in");
  return check_output(p, s, e);
}

static int make_pattern(struct pretokenizer **pattern, const struct settings *s, const struct tokenizer *base, struct err *e) {
  struct buffer canonical = {0};
  if (base) buffer_append_string(&canonical, tokenizer_vocab(base)->pattern);
  else pattern_canonical(&canonical, s->words ? PATTERN_WORDS : s->pattern ? s->pattern : "gpt2", false);
  int status = pretokenizer_new(pattern, buffer_string(&canonical), e);
  if (status) e->kind = ERR_USAGE;
  buffer_release(&canonical);
  return status;
}

static struct specials *cut_at(const struct settings *s, const struct tokenizer *base) {
  struct specials *specials = specials_new();
  for (int i = 0; i < s->specials.count; i++) specials_add(specials, slice_of(s->specials.items[i]), (uint32_t)i);
  for (uint32_t id = 0; base && id < tokenizer_size(base); id++)
    if (tokenizer_is_special(base, id)) specials_add(specials, tokenizer_bytes(base, id), id);
  return specials;
}

static int count_and_write(struct program *p, const struct settings *s, const struct tokenizer *base, struct output *out, struct err *e) {
  if (s->from && !s->size) return train(p, s, base, NULL, NULL, out, e);
  struct pretokenizer *pattern;
  struct words *words = NULL;
  if (make_pattern(&pattern, s, base, e)) return -1;
  struct specials *specials = cut_at(s, base);
  struct corpus_options options = {.raw = s->raw, .words = s->words};
  int status = corpus_count(&words, p, pattern, specials, &options, e);
  if (status == 0) {
    stats_time(p->stats, "count", progress_clock() - p->started);
    /* Both free the words. */
    status = s->words ? write_words(p, s, words, s->specials.count, out, e) : train(p, s, base, pretokenizer_pattern(pattern), words, out, e);
  }
  pretokenizer_free(pattern);
  specials_free(specials);
  return status;
}

static int run(struct program *p, struct settings *s, struct err *e) {
  struct tokenizer *base = NULL;
  if (s->from && base_load(&base, s->from, s->pattern, e)) return -1;
  struct pretokenizer *pattern;
  struct output *out = NULL;
  bool made = false;
  int status = check(p, s, base, e);
  if (status == 0 && (status = make_pattern(&pattern, s, base, e)) == 0) pretokenizer_free(pattern);
  /* What cannot be written fails now, not after the work. */
  if (status == 0 && writes_folder(s)) {
    struct stat folder;
    made = stat(p->output, &folder) != 0;
    status = output_folder(p->output, e);
  } else if (status == 0 && (status = output_open(&out, p->output, 0, e))) out = NULL;
  if (status == 0) status = count_and_write(p, s, base, out, e);
  if (status == 0 && out && s->format != FORMAT_TIKTOKEN) status = output_commit(out, e);
  else output_abort(out);
  if (status && made) rmdir(p->output); /* only when nothing is in it */
  tokenizer_free(base);
  return status;
}

/* -s '' alone: none.  No -s: the end of text, but with --from what that has. */
static void default_specials(struct settings *s) {
  if (s->specials.count == 1 && !s->specials.items[0][0]) s->specials.count = 0;
  else if (s->specials.count == 0 && !s->from) {
    s->specials.items = MALLOC(sizeof *s->specials.items);
    s->specials.items[s->specials.count++] = "<|endoftext|>";
  }
}

int main(int argc, char **argv) {
  struct settings s = {0};
  const struct option options[] = {
    {OPTION_COUNT, 'n', "vocab-size", &s.size, "V", "ids in all: 256 bytes, merges and specials", .min = 1, .max = 9e18},
    {OPTION_STRING, 'p', "pattern", &s.pattern, "PATTERN", "gpt2, cl100k, o200k, none, llama3, qwen2, deepseek or a regular expression (default gpt2)"},
    {OPTION_LIST, 's', "special", &s.specials, "SPECIAL", "a special token, may repeat; '' for none (default <|endoftext|>)"},
    {OPTION_FLAG, 0, "raw", &s.raw, NULL, "each operand is one document of any bytes"},
    {OPTION_CHOICE, 0, "tie", &s.tie, "RULE", "which of equally frequent pairs goes first (default hf)", .choices = "hf|raw|lexical"},
    {OPTION_COUNT, 0, "min-frequency", &s.min_frequency, "N", "do not merge pairs that occur less often (default 1)", .min = 1, .max = 9e18},
    {OPTION_STRING, 0, "from", &s.from, "TOKENIZER", "go on from this one; without -n only convert it"},
    {OPTION_CHOICE, 0, "format", &s.format, "FORMAT", "what to write: hf and gpt2 are folders (default tsv)", .choices = FORMATS},
    {OPTION_FLAG, 0, "words", &s.words, NULL, "write the most frequent words, one a line, for bpe-encode -t words:FILE"},
    {OPTION_END},
  };
  static const char *const examples[] = {
    "bpe-train -n 32000 -o tok.tsv documents.tsv.gz",
    "bpe-train -n 50257 --format hf -o tokenizer documents.tsv",
    "bpe-train -n 500 --raw --tie lexical -o tok.tsv corpus.txt",
    "bpe-train --from tok.tsv -n 40000 -s '<|user|>' -o larger.tsv more.tsv",
    "bpe-train --from tok.tsv --format tiktoken -o tok.tiktoken",
    NULL,
  };
  struct program p = {
    .name = "bpe-train", .summary = "Train a byte-pair tokenizer.", .operands = "[FILE...]", .options = options, .examples = examples,
    .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_MEMORY | SHARED_FORCE | SHARED_STRICT | SHARED_REJECTS | SHARED_MAX_DOCUMENT,
  };
  if (!program_start(&p, argc, argv)) return p.status;
  default_specials(&s);
  /* What is freed goes back to the system: without this glibc keeps larger and larger blocks (mallopt(3)), beyond -S. */
  mallopt(M_MMAP_THRESHOLD, 64 << 10);
  struct err e;
  int status = program_end(&p, run(&p, &s, &e), &e);
  option_list_release(&s.specials);
  return status;
}
