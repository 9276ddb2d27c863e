/* SPDX-License-Identifier: MIT
 *
 * What bpe-encode was asked to do, and its two directions.
 */
#ifndef BPE_ENCODE_H
#define BPE_ENCODE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/options.h"
#include "common/io/program.h"
#include "tools/bpe-encode/scheme.h"

struct settings {
  const char *tokenizer, *pattern;
  struct option_list specials;
  bool decode, raw, ids, allow_special, ratio, inspect, resume;
  int64_t shard_tokens;
  double validation; /* fraction of documents */
  int dtype; /* DTYPE_ */
};

enum { DTYPE_AUTO, DTYPE_U16, DTYPE_U32 };

/* Text -> shards, lines of ids, tokens to look at, or a table of ratios. */
int encode_run(struct program *p, const struct settings *s, const struct scheme *scheme, struct err *e);
/* Shards -> lines of escaped text, or bytes. */
int decode_run(struct program *p, const struct settings *s, const struct scheme *scheme, struct err *e);

#endif
