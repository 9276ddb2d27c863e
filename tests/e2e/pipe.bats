#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The programs as one shell line, and what happens when its reader goes away.

bats_require_minimum_version 1.5.0

setup_file() {
  export BIN=${BIN:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/build/bin} LC_ALL=C
  PATH=$BIN:$PATH
  cd "$BATS_FILE_TMPDIR"
  mkdir pages
  perl "$BATS_TEST_DIRNAME/pages.pl" pages
  perl "$BATS_TEST_DIRNAME/warc.pl" pages | gzip > x.warc.gz
  warc2txt -q x.warc.gz | bpe-train -q -n 400 -o tok.tsv
  echo '{"model_type": "llama", "hidden_size": 16, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 1, "max_position_embeddings": 64, "vocab_size": 400, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}' > config.json
}

setup() {
  PATH=$BIN:$PATH
  cd "$BATS_TEST_TMPDIR"
  cp "$BATS_FILE_TMPDIR"/{x.warc.gz,tok.tsv,config.json} .
  export TMPDIR=$BATS_TEST_TMPDIR/tmp
  mkdir tmp
}

@test "from a crawl to a sample in one line" {
  set -o pipefail
  warc2txt -q x.warc.gz | qfilter -q --rules gopher-quality,fineweb | minhash-dedup -q | bpe-encode -q -t tok.tsv -o train.bin &&
    lm-train -q -j 1 -c config.json -d train.bin -t tok.tsv --steps 20 --batch 4 --seq 32 --lr 1e-2 -o model &&
    lm-sample -q -j 1 -m model -p 'The server' -n 16 > sample
  [ "$(wc -l < sample)" -ge 1 ]
  [ "$(head -c 4 train.bin | od -An -td4 | tr -d ' ')" = 20240520 ]
  [ "$(wc -l < model/run.tsv)" = 2 ]
  [ -z "$(ls tmp)" ]
}

# The reader takes one line or one byte and leaves: every program dies of SIGPIPE, without a word, with nothing left behind.
@test "head at any place is silent and leaves nothing behind" {
  perl -e 'srand(1); for my $i (1 .. 3000) { print "$i\t", join(" ", map { join "", map { chr(97 + rand 26) } 1 .. 6 } 1 .. 80), "\n" }' > many.tsv
  for _ in $(seq 40); do cat x.warc.gz; done > many.warc.gz
  ls > before
  for command in 'warc2txt many.warc.gz' 'qfilter many.tsv' 'minhash-dedup many.tsv' 'bpe-encode -t tok.tsv many.tsv' 'bpe-encode -t bytes --ids many.tsv'; do
    { $command || echo "$?" > tmp/status; } 2> tmp/errors | head -c 1 > /dev/null
    [ "$(cat tmp/status)" = 141 ]
    [ ! -s tmp/errors ]
    rm tmp/*
  done
  warc2txt many.warc.gz 2> tmp/errors | qfilter 2>> tmp/errors | minhash-dedup 2>> tmp/errors | bpe-encode -t tok.tsv --ids 2>> tmp/errors | head -1 > /dev/null
  [ ! -s tmp/errors ]
  rm tmp/errors
  ls > tmp/after
  sed -i '/^before$/d' before
  diff before <(sed '/^before$/d' tmp/after)
  rm tmp/after
  [ -z "$(ls tmp)" ]
}
