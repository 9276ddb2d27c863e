/* SPDX-License-Identifier: MIT
 *
 * bpe-encode: documents <-> token shards.
 */
#include "tools/bpe-encode/bpe-encode.h"

#include <string.h>

static int set_dtype(void *value, const char *argument, struct err *e) {
  int *dtype = value;
  if (strcmp(argument, "u16") == 0) *dtype = DTYPE_U16;
  else if (strcmp(argument, "u32") == 0) *dtype = DTYPE_U32;
  else return err_usage(e, "--dtype is u16 or u32, not %s", argument);
  return 0;
}

static int check(const struct program *p, const struct settings *s, struct err *e) {
  if (!s->tokenizer) return err_usage(e, "name a tokenizer with -t: a file, a folder, bytes, chars or words:FILE");
  if (s->decode && (s->ids || s->inspect || s->ratio || s->shard_tokens || s->allow_special || s->dtype)) return err_usage(e, "-d takes none of --ids --inspect --ratio --shard-tokens --allow-special --dtype");
  if (s->decode && (s->validation > 0 || s->resume)) return err_usage(e, "-d takes neither --validation nor --resume");
  if ((s->ids || s->inspect || s->ratio) && s->validation > 0) return err_usage(e, "--validation splits shards: it excludes --ids, --inspect and --ratio");
  if (s->raw && s->validation > 0) return err_usage(e, "--validation splits by document: it excludes --raw");
  if (s->resume && !s->shard_tokens) return err_usage(e, "--resume goes on after the finished shards of --shard-tokens");
  if (s->ids + s->inspect + s->ratio + (s->shard_tokens > 0) > 1) return err_usage(e, "--ids, --inspect, --ratio and --shard-tokens exclude each other");
  if (s->dtype && (s->ids || s->inspect || s->ratio)) return err_usage(e, "--dtype is of shards: it excludes --ids, --inspect and --ratio");
  if ((s->raw || s->decode) && (p->max_document || p->rejects_path)) return err_usage(e, "--max-document and --rejects are of lines: they exclude --raw and -d");
  return 0;
}

static int run(struct program *p, struct settings *s, struct err *e) {
  if (check(p, s, e)) return -1;
  /* -s '' says that there are none. */
  bool none = s->specials.count == 1 && s->specials.items[0][0] == 0;
  struct tokenizer_options options = {s->pattern, s->specials.items, s->specials.count == 0 ? -1 : none ? 0 : s->specials.count};
  struct scheme *scheme;
  if (scheme_open(&scheme, s->tokenizer, &options, e)) return -1;
  stats_time(p->stats, "load", progress_clock() - p->started);
  int status = s->decode ? decode_run(p, s, scheme, e) : encode_run(p, s, scheme, e);
  scheme_free(scheme);
  return status;
}

int main(int argc, char **argv) {
  struct settings s = {0};
  const struct option options[] = {
    {OPTION_STRING, 't', "tokenizer", &s.tokenizer, "TOKENIZER", "tokenizer file or folder, bytes, chars, or words:FILE"},
    {OPTION_STRING, 'p', "pattern", &s.pattern, "PATTERN", "for .tiktoken: gpt2, cl100k, o200k, none, llama3, qwen2, deepseek or a regular expression (default: by the file's name)"},
    {OPTION_LIST, 's', "special", &s.specials, "SPECIAL", "for .tiktoken: a special token, may repeat; '' for none (default: by the file's name)"},
    {OPTION_FLAG, 'd', "decode", &s.decode, NULL, "shards to text"},
    {OPTION_FLAG, 0, "raw", &s.raw, NULL, "each operand is one document of any bytes; with -d: bytes, without end-of-text"},
    {OPTION_FLAG, 0, "ids", &s.ids, NULL, "write a line of decimal ids per document"},
    {OPTION_COUNT, 0, "shard-tokens", &s.shard_tokens, "N", "write shards of N tokens: -o P.bin gives P_000000.bin, ... and P_manifest.tsv", .min = 1, .max = 9e18},
    {OPTION_DOUBLE, 0, "validation", &s.validation, "FRACTION", "documents to keep apart, chosen by the hash of their text: -o P.bin gives P_train.bin and P_val.bin", .min = 0, .max = 0.999999},
    {OPTION_FLAG, 0, "resume", &s.resume, NULL, "go on after the shards that an earlier run finished"},
    {OPTION_CALL, 0, "dtype", &s.dtype, "u16|u32", "width of a token (default: u16 when the vocabulary has at most 65,536 ids)", .call = set_dtype},
    {OPTION_FLAG, 0, "allow-special", &s.allow_special, NULL, "special tokens in the text become their ids (default: plain text)"},
    {OPTION_FLAG, 0, "inspect", &s.inspect, NULL, "show the tokens: colours on a terminal, else a table of id, bytes and text"},
    {OPTION_FLAG, 0, "ratio", &s.ratio, NULL, "write a table of bytes and characters per token, of all and by script, instead of tokens"},
    {OPTION_END},
  };
  static const char *const examples[] = {
    "bpe-encode -t tok.tsv -o train.bin documents.tsv",
    "bpe-encode -t tok.tsv --shard-tokens 100M -o train.bin documents.tsv.gz",
    "bpe-encode -t tok.tsv --validation 0.01 -o corpus.bin documents.tsv",
    "bpe-encode -t tok.tsv -d train.bin",
    "bpe-encode -t cl100k_base.tiktoken --raw --ids notes.txt",
    NULL,
  };
  struct program p = {
    .name = "bpe-encode", .summary = "Encode documents as token shards, and decode them.", .operands = "[FILE...]", .options = options, .examples = examples,
    .shared = SHARED_OUTPUT | SHARED_JOBS | SHARED_MEMORY | SHARED_FORCE | SHARED_STRICT | SHARED_REJECTS | SHARED_MAX_DOCUMENT | SHARED_SEED | SHARED_STDIN,
  };
  if (!program_start(&p, argc, argv)) return p.status;
  struct err e;
  int status = program_end(&p, run(&p, &s, &e), &e);
  option_list_release(&s.specials);
  return status;
}
