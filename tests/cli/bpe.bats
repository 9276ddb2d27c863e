#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# bpe-train and bpe-encode together: what goes in comes out, in every form.

setup() {
  ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
  [ -x "$BIN/bpe-train" ] && [ -x "$BIN/bpe-encode" ] || skip 'not built'
  PATH=$BIN:$PATH
  cd "$BATS_TEST_TMPDIR" || return 1
  cp "$ROOT/tests/data/token/corpus.txt" .
  printf 'a\tThe lowest tower, <|endoftext|>\\n  we'\''ve 12345.\nb\t\nc\tu\td\tspaces  \\\\ \\t end \302\275\n' > documents.tsv
  cut -f 2- documents.tsv | sed 's/^u\td\t//' > texts
  bpe-train -q -n 500 --raw -o tok.tsv corpus.txt
}

@test "documents come back as their texts" {
  bpe-encode -q -t tok.tsv -o s.bin documents.tsv
  bpe-encode -t tok.tsv -d s.bin | cmp - texts
}

@test "any bytes come back with --raw, in each scheme that keeps them" {
  { head -c 100000 "$BIN/bpe-encode"; cat corpus.txt; printf '\r\n\0\377 \n'; } > bytes
  local t
  bpe-train -q -n 400 -p none --raw -o none.tsv documents.tsv
  bpe-train -q -n 500 -p cl100k --raw --format hf -o folder corpus.txt
  bpe-train -q -n 400 -p '\p{N}{1,2}|\w+' --raw -o own.tsv corpus.txt
  for t in tok.tsv none.tsv folder own.tsv bytes chars; do
    [ "$t" = bytes ] || [ -e "$t" ] || [ "$t" = chars ] || return 1
    bpe-encode -q -t "$t" --raw -o s.bin bytes
    bpe-encode -q -t "$t" -d --raw s.bin | cmp - bytes
  done
}

@test "a Hugging Face folder and the native table are one tokenizer" {
  bpe-train -q -n 500 --raw --format hf -o folder corpus.txt
  bpe-encode -q -t tok.tsv -o a.bin documents.tsv
  bpe-encode -q -t folder -o b.bin documents.tsv
  cmp a.bin b.bin
  run bpe-train -q -n 500 --raw --format hf -o folder corpus.txt
  [ "$status" = 1 ]
  bpe-train -q -n 500 --raw --format hf -f -o folder corpus.txt
}

@test "the number of threads changes nothing" {
  local i
  for i in $(seq 300); do sed "s/end/end $i/" corpus.txt; done > large.txt
  bpe-train -q -j 1 -n 600 --raw -o one.tsv large.txt
  bpe-train -q -j 4 -n 600 --raw -o four.tsv large.txt
  cmp one.tsv four.tsv
  bpe-encode -q -j 1 -t one.tsv --raw -o one.bin large.txt
  bpe-encode -q -j 4 -t one.tsv --raw -o four.bin large.txt
  cmp one.bin four.bin
  # A document in chunks has the ids of the document in one piece.
  sed 's/\\/\\\\/g; s/\t/\\t/g; s/\r/\\r/g' large.txt | awk '{ printf "%s\\n", $0 } END { print "" }' > line.tsv
  bpe-encode -q -t one.tsv --ids line.tsv | cmp - <(bpe-encode -q -t one.tsv --raw --ids large.txt)
}

@test "shards are cut at exactly N tokens and decode as one stream" {
  bpe-encode -q -t tok.tsv -o whole.bin documents.tsv
  bpe-encode -q -t tok.tsv --shard-tokens 7 -o part.bin documents.tsv
  [ ! -e part.bin ]
  local tokens=$((($(wc -c < whole.bin) - 1024) / 2)) shards
  shards=(part_0*.bin)
  [ ${#shards[@]} = $(((tokens + 6) / 7)) ]
  [ "$(wc -c < part_000000.bin)" = $((1024 + 14)) ]
  [ "$(wc -l < part_manifest.tsv)" = $((${#shards[@]} + 1)) ]
  bpe-encode -t tok.tsv -d "${shards[@]}" | cmp - texts
  run bpe-encode -q -t tok.tsv --shard-tokens 7 -o part documents.tsv
  [ "$status" = 2 ]
}

@test "--ids lists what the shard holds; --stats counts it" {
  bpe-encode -q -t tok.tsv --ids documents.tsv > ids
  bpe-encode -q -t tok.tsv --stats stats.json -o s.bin documents.tsv
  od -An -v -tu2 -j 1024 -w2 s.bin | tr -d ' ' > shard
  tr ' ' '\n' < ids | cmp - shard
  [ "$(wc -l < ids)" = 3 ]
  grep -q '"in": *3' stats.json
  grep -q "\"tokens\": *$(($(wc -l < shard) - 3))" stats.json
}

@test "specials are text unless they are allowed" {
  [ "$(printf '<|endoftext|>\n' | bpe-encode -t tok.tsv --allow-special --ids)" = '499 499' ]
  [ "$(printf '<|endoftext|>\n' | bpe-encode -t tok.tsv --ids | tr ' ' '\n' | grep -c 499)" = 1 ]
}

@test "--ratio is a table, first of all documents" {
  bpe-encode -t bytes --ratio documents.tsv > table
  [ "$(head -n 1 table)" = "$(printf 'tokenizer\tdocuments\tbytes\ttokens\tbytes_per_token\tchars_per_token\tscript')" ]
  [ "$(sed -n 2p table | cut -f 1,2,5,7)" = "$(printf 'bytes\t3\t1\tall')" ]
}

@test "words: a list, its ids, and a table of its compression" {
  bpe-train -q --words -n 20 --raw -o words.txt corpus.txt
  [ "$(wc -l < words.txt)" = 19 ]
  [ "$(tail -n 1 words.txt)" = '<|endoftext|>' ]
  [ "$(head -n 1 words.txt | bpe-encode -t words:words.txt --ids)" = '19 1' ]
}

@test "training stops when no pair is left, with a warning and exit 0" {
  printf 'ab ab\n' > few
  bpe-train -n 1000 --raw -o few.tsv few 2> warning
  grep -q 'no pair is left' warning
  [ "$(grep -c '^[0-9]' few.tsv)" -lt 270 ]
}

@test "what is wrong says so" {
  run bpe-encode --ids documents.tsv
  [ "$status" = 2 ]
  printf 'IQ== 0\n' > x.tiktoken
  run bpe-encode -t x.tiktoken --ids documents.tsv
  [ "$status" = 2 ]
  run bpe-encode -t documents.tsv --ids documents.tsv
  [ "$status" = 1 ]
  [[ $output == *'documents.tsv: not a tokenizer'* ]]
  run bpe-encode -t tok.tsv -p gpt2 --ids documents.tsv
  [ "$status" = 2 ]
  run bpe-train -n 100 --raw corpus.txt
  [ "$status" = 2 ]
  run bpe-train -n 300 -p '(' --raw corpus.txt
  [ "$status" = 2 ]
  bpe-encode -q -t bytes -o b.bin documents.tsv
  run bpe-encode -t tok.tsv -d b.bin
  [ "$status" = 1 ]
  [[ $output == *'another tokenizer'* ]]
  run bpe-encode -q -t chars --dtype u16 -o c.bin documents.tsv
  [ "$status" = 2 ]
}

@test "raw input that is cut short is an error" {
  gzip -c corpus.txt | head -c 100 > cut.gz
  for command in 'bpe-train -n 300 --raw' 'bpe-encode -t bytes --raw --ids'; do
    run $command cut.gz
    [ "$status" = 1 ]
    [[ $output == *'cut.gz: truncated gzip member'* ]]
  done
}
