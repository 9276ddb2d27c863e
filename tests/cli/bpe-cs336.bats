#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What Stanford CS336's first assignment asks of a tokenizer (test_train_bpe.py, test_tokenizer.py), through the programs.
# Its fixtures lie in ../shared; the ids expected here are GPT-2's, made with tiktoken 0.14.

setup() {
  ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
  FIXTURES=$ROOT/../shared/data/cs336/a1/tests/fixtures
  R50K=$ROOT/../shared/data/vocab/tiktoken/r50k_base.tiktoken
  [ -r "$FIXTURES/corpus.en" ] && [ -r "$R50K" ] || skip '../shared is not there'
  [ -x "$BIN/bpe-train" ] && [ -x "$BIN/bpe-encode" ] || skip 'not built'
  PATH=$BIN:$PATH
  cd "$BATS_TEST_TMPDIR" || return 1
}

@test "training: the merge list of corpus.en at 500 and its vocabulary" {
  bpe-train -q -n 500 --tie lexical --raw --format gpt2 -o gpt2 "$FIXTURES/corpus.en"
  grep -v '^#version' gpt2/merges.txt | cmp - "$FIXTURES/train-bpe-reference-merges.txt"
  bpe-train -q -n 500 --tie lexical --raw -o tok.tsv "$FIXTURES/corpus.en"
  [ "$(grep -c '^[0-9]' tok.tsv)" = 500 ]
}

@test "training: specials are never merged into tokens" {
  for _ in $(seq 400); do cat "$FIXTURES/tinystories_sample.txt"; printf '<|endoftext|>\n<|endoftext|>'; done > stories
  bpe-train -q -n 1000 --tie lexical --raw -o tok.tsv stories
  [ "$(grep '^[0-9]' tok.tsv | cut -f 2 | grep -cF '<|')" = 1 ]
}

@test "encoding: what is encoded decodes to itself, with GPT-2's ids" {
  local name
  for name in address.txt german.txt tinystories_sample.txt corpus.en special_token_trailing_newlines.txt special_token_double_newlines_non_whitespace.txt; do
    bpe-encode -q -t "$R50K" --raw --allow-special -o x.bin "$FIXTURES/$name"
    # the folder holds gpt2_vocab.json and gpt2_merges.txt: the same tokenizer
    bpe-encode -q -t "$FIXTURES" --raw --allow-special -o y.bin "$FIXTURES/$name"
    cmp x.bin y.bin
    bpe-encode -q -t "$R50K" --raw --ids "$FIXTURES/$name" > ids
    [ -s ids ]
  done
  bpe-encode -q -t "$R50K" --raw -o x.bin "$FIXTURES/german.txt"
  bpe-encode -q -t "$R50K" -d --raw x.bin | cmp - "$FIXTURES/german.txt"
}

encoded() { printf '%s' "$1" | bpe-encode -q -t "$R50K" --raw --ids "${@:2}" | sed 's/^50256//; s/^ //'; }

@test "encoding: empty, one character, characters of several bytes" {
  [ "$(encoded '')" = '' ]
  [ "$(encoded s)" = 82 ]
  [ "$(encoded 'Hello, how are you?')" = '15496 11 703 389 345 30' ]
  [ "$(encoded "$(printf '\360\237\231\203')")" = '8582 247 225' ]
  [ "$(encoded 'Héllò hôw are ü? 🙃')" = '39 2634 297 127 110 289 27083 86 389 6184 120 30 12520 247 225' ]
}

@test "encoding: specials whole, also side by side; the longest of overlapping ones wins" {
  local text='Hello, how <|endoftext|><|endoftext|> are you?<|endoftext|>'
  [ "$(encoded "$text" --allow-special | tr ' ' '\n' | grep -c '^50256$')" = 3 ]
  [ "$(encoded "$text" --allow-special -s '<|endoftext|>' -s '<|endoftext|><|endoftext|>' | tr ' ' '\n' | grep -c '^50257$')" = 1 ]
  [ "$(encoded "$text" --allow-special -s '<|endoftext|>' -s '<|endoftext|><|endoftext|>' | tr ' ' '\n' | grep -c '^50256$')" = 1 ]
  # without them, text
  [ "$(encoded "$text" | tr ' ' '\n' | grep -c '^50256$')" = 0 ]
}

@test "encoding: newlines after a special stay what they are" {
  [ "$(bpe-encode -q -t "$R50K" --raw --ids --allow-special "$FIXTURES/special_token_trailing_newlines.txt")" = '50256 50256 628' ]
  [ "$(bpe-encode -q -t "$R50K" --raw --ids --allow-special "$FIXTURES/special_token_double_newlines_non_whitespace.txt")" = '50256 50256 198 198 33407 0' ]
}

peak() { sed -n 's/.*"peak_rss": *\([0-9]*\).*/\1/p' "$1"; }

@test "encoding: a stream of 5 MB takes less than 1 MB above the loaded tables" {
  for _ in $(seq 1320); do cat "$FIXTURES/tinystories_sample.txt"; done > stories
  [ "$(wc -c < stories)" -gt 5000000 ]
  local name best=999999999 idle working
  for _ in 1 2 3; do
    : | bpe-encode -q -j 1 -S 1M -t "$R50K" --raw --stats idle.json -o x.bin
    bpe-encode -q -j 1 -S 1M -t "$R50K" --raw --stats working.json -o x.bin < stories
    idle=$(peak idle.json) working=$(peak working.json)
    [ "$idle" -gt 0 ] && [ "$working" -gt 0 ]
    [ $((working - idle)) -gt "$best" ] || best=$((working - idle))
  done
  echo "$best bytes above"
  [ "$best" -lt 1048576 ]
}
