#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# bpe-train: its options, formats and errors; what must not change the result.

setup() {
  ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
  [ -x "$BIN/bpe-train" ] && [ -x "$BIN/bpe-encode" ] || skip 'not built'
  PATH=$BIN:$PATH
  cd "$BATS_TEST_TMPDIR" || return 1
  cp "$ROOT/tests/data/token/corpus.txt" .
  bpe-train -q -n 500 --raw -o tok.tsv corpus.txt
}

fails() { # STATUS TEXT COMMAND...
  local want=$1 text=$2
  shift 2
  run "$@"
  [ "$status" = "$want" ] && [[ $output == *"$text"* ]] && return 0
  echo "$*: exit $status: $output"
  return 1
}

# Pieces of many lengths, numbers among them.
large() { awk 'BEGIN { srand(1); for (i = 0; i < 60000; i++) printf "w%d%s", int(rand() * rand() * 9000), i % 11 ? " " : "aaaaaaaaaaa\n" }'; }

@test "neither threads nor memory nor the order of the documents change the tokenizer" {
  large > large.txt
  local tie
  for tie in hf raw lexical; do
    bpe-train -q -j 1 -n 1500 --tie $tie --raw -o one.tsv large.txt
    bpe-train -q -j 3 -n 1500 --tie $tie --raw -o three.tsv large.txt
    bpe-train -q -n 1500 --tie $tie -S 1M --raw -o small.tsv large.txt
    bpe-train -q -n 1500 --tie $tie -o lines.tsv < large.txt
    sort -r large.txt | bpe-train -q -n 1500 --tie $tie -o back.tsv
    cmp one.tsv three.tsv
    cmp one.tsv small.tsv
    cmp lines.tsv back.tsv
  done
}

@test "little memory is enough for many pairs: -S bounds what the process takes" {
  awk 'BEGIN { srand(1); for (i = 0; i < 300000; i++) { w = ""; for (k = int(rand() * 10) + 3; k; k--) w = w sprintf("%c", 97 + rand() * 26); print w } }' > words.txt
  bpe-train -q -n 3000 --raw -o all.tsv words.txt
  bpe-train -q -n 3000 --raw -S 4M --stats stats.json -o small.tsv words.txt
  cmp all.tsv small.tsv
  # the program itself and the vocabulary come on top
  [ "$(sed -n 's/.*"peak_rss": \([0-9]*\).*/\1/p' stats.json)" -lt $((20 << 20)) ]
}

@test "a tokenizer that is continued is the one trained at once" {
  large > large.txt
  local tie
  for tie in hf raw lexical; do
    bpe-train -q -n 1200 -s '' --tie $tie --raw -o all.tsv large.txt
    bpe-train -q -n 600 -s '' --tie $tie --raw -o half.tsv large.txt
    bpe-train -q --from half.tsv -n 1200 -s '' --tie $tie --raw -o rest.tsv large.txt
    cmp all.tsv rest.tsv
    bpe-train -q --from half.tsv -n 1200 --tie $tie -S 1M --raw -o rest.tsv large.txt
    cmp all.tsv rest.tsv
  done
}

@test "a continued tokenizer keeps its ids, its specials and its pattern; new specials come last" {
  bpe-train -q -n 400 -p cl100k -s '<|a|>' --raw -o small.tsv corpus.txt
  bpe-train -q --from small.tsv -n 450 -s '<|b|>' -s '<|a|>' --raw -o more.tsv corpus.txt
  grep -qx '#pattern	cl100k' more.tsv
  grep -qx '#special	399	<|a|>' more.tsv
  grep -qx '#special	449	<|b|>' more.tsv
  grep -qx '#eot	399' more.tsv
  grep -v '^#' small.tsv | cmp - <(grep -v '^#' more.tsv | head -400)
  [ "$(grep -vc '^#' more.tsv)" = 450 ]
  # text is cut at the old special too
  printf 'xy<|a|>xy<|a|>' > cut.txt
  bpe-train -q --from small.tsv -n 420 --raw -o cut.tsv cut.txt
  [ "$(tail -n +401 <(grep -v '^#' cut.tsv) | cut -f 2)" = xy ]
  # its own pattern may be named, another one not
  bpe-train -q --from small.tsv -n 450 -p cl100k --raw -o /dev/null corpus.txt
  fails 2 'training goes on with that one' bpe-train --from small.tsv -n 450 -p gpt2 --raw corpus.txt
}

@test "every format is continued and converted; the ids stay" {
  bpe-train -q -n 480 -s '' --raw -o t.tsv corpus.txt
  bpe-train -q -n 520 -s '' --raw -o want.tsv corpus.txt
  bpe-train -q --from t.tsv --format hf -o hf
  bpe-train -q --from t.tsv --format gpt2 -o gpt2
  bpe-train -q --from t.tsv --format tiktoken -o t.tiktoken
  bpe-train -q --from t.tsv -o again.tsv
  cmp t.tsv again.tsv
  local from
  for from in hf gpt2; do
    bpe-train -q --from $from -o back.tsv
    cmp t.tsv back.tsv
    bpe-train -q --from $from -n 520 --raw -o more.tsv corpus.txt
    cmp want.tsv more.tsv
  done
  fails 2 '' bpe-train --from t.tiktoken
  bpe-encode -q -t t.tsv --raw --ids corpus.txt > ids
  bpe-encode -q -t t.tiktoken -p gpt2 --raw --ids corpus.txt | cmp - ids
  bpe-encode -q -t gpt2 --raw --ids corpus.txt | cmp - ids
  bpe-train -q --from t.tiktoken -p gpt2 -n 520 --raw -o more.tsv corpus.txt
}

@test "what the native form cannot hold is refused" {
  bpe-train -q --from tok.tsv --format hf -o strict
  sed -i 's/"lstrip": *false/"lstrip": true/' strict/tokenizer.json
  grep -q '"lstrip": true' strict/tokenizer.json
  fails 1 'only tokenizer.json can say' bpe-train --from strict -o strict.tsv
  [ ! -e strict.tsv ]
  bpe-train -q --from strict --format hf -o again
}

@test "training writes each format whole or not at all" {
  bpe-train -q -n 500 --raw --format gpt2 -o gpt2 corpus.txt
  [ -s gpt2/vocab.json ] && [ -s gpt2/merges.txt ]
  bpe-train -q --from gpt2 -o back.tsv
  cmp tok.tsv back.tsv
  fails 1 '-f replaces' bpe-train -n 500 --raw --format gpt2 -o gpt2 corpus.txt
  bpe-train -q -n 500 --raw --format gpt2 -f -o gpt2 corpus.txt
  fails 2 'name it with -o' bpe-train -n 500 --raw --format gpt2 corpus.txt
  fails 2 'name it with -o' bpe-train -n 500 --raw --format hf -o - corpus.txt
  fails 2 'name it with -o' bpe-train -n 500 --raw --format tiktoken corpus.txt
  # what a format cannot hold leaves nothing
  fails 1 '' bpe-train -q -n 500 -p cl100k --raw --format gpt2 -o wrong corpus.txt
  [ ! -e wrong ]
  fails 1 '' bpe-train -q -n 500 --raw --format hf -o new missing.txt
  [ ! -e new ]
  # a file that grows too large stands for a full disk
  local format
  for format in hf gpt2; do
    fails 1 'cannot write' bash -c "trap '' XFSZ; ulimit -f 1; bpe-train -q -n 500 --raw --format $format -o new corpus.txt"
    [ ! -e new ]
  done
}

@test "--min-frequency stops at the first pair below it" {
  printf 'ab ab ab ab cd cd cd ef ef gh' > few.txt
  bpe-train -q -n 1000 -s '' --raw -o all.tsv few.txt
  bpe-train -q -n 1000 -s '' --min-frequency 1 --raw -o one.tsv few.txt
  cmp all.tsv one.tsv
  bpe-train -n 1000 -s '' --min-frequency 3 --raw -o three.tsv few.txt 2> warning
  grep -q 'no pair is left after 4 merges that is frequent enough, vocabulary is 260' warning
  [ "$(grep -v '^#' three.tsv | tail -n +257 | cut -f 2 | tr '\n' ,)" = 'ab,cd, ab, cd,' ]
  grep -v '^#' all.tsv | head -260 | cmp - <(grep -v '^#' three.tsv)
  fails 2 '' bpe-train -n 300 --min-frequency 0 --raw few.txt
  fails 2 '--min-frequency' bpe-train --words --min-frequency 2 --raw few.txt
}

@test "no pair crosses a special; a piece of one letter merges with itself" {
  printf 'a<|x|>b<|x|>a<|x|>b' > cut.txt
  bpe-train -q -n 300 -s '<|x|>' --raw -o cut.tsv cut.txt
  [ "$(grep -vc '^#' cut.tsv)" = 257 ]
  head -c 100000 /dev/zero | tr '\0' a > a.txt
  bpe-train -q -n 300 -s '' --raw -o a.tsv a.txt
  bpe-train -q -n 300 -s '' -S 1M --raw -o b.tsv a.txt
  cmp a.tsv b.tsv
  [ "$(tail -1 a.tsv | cut -f 2 | awk '{ print length($1) }')" = 100000 ]
  : > empty.txt
  bpe-train -q -n 300 --raw -o empty.tsv empty.txt
  [ "$(grep -vc '^#' empty.tsv)" = 257 ]
}

@test "counts in --stats, phases under time; progress tells pieces and merges" {
  bpe-train -q -n 500 --raw --stats s.json -o t.tsv corpus.txt
  grep -q '"merges": *243' s.json
  grep -q '"vocabulary": *500' s.json
  grep -q '"distinct": *[1-9]' s.json
  sed -n '/"time"/,$p' s.json > time
  grep -q '"count"' time && grep -q '"merges"' time && grep -q '"wall"' time
}

@test "wrong usage is refused before anything is read" {
  fails 2 'give the size' bpe-train --raw missing.txt
  fails 2 'from 500 to' bpe-train --from tok.tsv -n 400 --raw missing.txt
  fails 2 'from 501 to' bpe-train --from tok.tsv -n 500 -s '<|new|>' --raw missing.txt
  fails 2 'only converts' bpe-train --from tok.tsv corpus.txt
  fails 2 'neither -p nor --from' bpe-train --words --from tok.tsv corpus.txt
  fails 2 'twice' bpe-train -n 500 -s '<|a|>' -s '<|a|>' missing.txt
  fails 2 'empty special' bpe-train -n 500 -s '<|a|>' -s '' missing.txt
  fails 1 'missing.tsv' bpe-train --from missing.tsv -n 600 --raw corpus.txt
  fails 1 'not a tokenizer' bpe-train --from corpus.txt -n 600 --raw corpus.txt
  fails 1 '/nowhere' bpe-train -n 500 -S 1M -T /nowhere/at/all --raw corpus.txt
}
