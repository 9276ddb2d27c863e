#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# bpe-encode as a filter: memory, statistics, threads, pipes and odd inputs.  What ids it gives: bpe.bats and the oracles.

setup() {
  ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
  [ -x "$BIN/bpe-train" ] && [ -x "$BIN/bpe-encode" ] || skip 'not built'
  PATH=$BIN:$PATH
  cd "$BATS_TEST_TMPDIR" || return 1
  cp "$ROOT/tests/data/token/corpus.txt" .
  bpe-train -q -n 400 --raw -o tok.tsv corpus.txt
}

# About $1 MB of text, no two lines alike.
text() { awk -v bytes="$(($1 * 1000000))" '{ line[NR] = $0 } END { for (i = 0; n < bytes; i++) { s = i " " line[i % NR + 1] " " i * i % 997; n += length(s) + 1; print s } }' corpus.txt; }

# About $1 MB of documents; in every third one a line break, a tab and a backslash are escaped.
documents() { text "$1" | awk '{ gsub(/\\/, "\\\\"); gsub(/\t/, " "); print "id" NR "\t" $0 (NR % 3 ? "" : "\\n\\tback\\\\slash") }'; }

# KiB that a run needed at most
peak() { bpe-encode -q --stats peak.json "$@" && sed -nE 's/.*"peak_rss": *([0-9]+).*/\1/p' peak.json | awk '{ print int($1 / 1024) }'; }

@test "memory does not grow with the input, and -S bounds it" {
  local scheme input jobs idle
  text 5 > five
  documents 5 > five.tsv
  : > empty
  for scheme in tok.tsv bytes; do
    for jobs in 1 3; do
      idle=$(peak -t "$scheme" -S 1M -j "$jobs" --raw -o o.bin empty)
      [ "$idle" -gt 1000 ]
      # 1 MiB, and as much again for the pages of programs and stacks that an empty input does not touch
      [ "$(peak -t "$scheme" -S 1M -j "$jobs" --raw -o o.bin five)" -lt $((idle + 2048)) ]
      [ "$(peak -t "$scheme" -S 1M -j "$jobs" -o o.bin five.tsv)" -lt $((idle + 2048)) ]
      [ "$(peak -t "$scheme" -S 1M -j "$jobs" --ids -o o.ids five.tsv)" -lt $((idle + 2048)) ]
    done
  done
  idle=$(peak -t tok.tsv -S 16M -j 2 --raw -o o.bin empty)
  [ "$(cat five five five five five five five five | peak -t tok.tsv -S 16M -j 2 --raw -o o.bin)" -lt $((idle + 18000)) ]
}

@test "an -S beyond what the machine has is no more than a bound" {
  bpe-encode -q -t tok.tsv --raw --ids corpus.txt > ids
  for memory in 64G 16384G; do
    [ "$(peak -t tok.tsv -S $memory -j 2 --raw --ids -o o.ids corpus.txt)" -lt 200000 ]
    cmp ids o.ids
  done
}

@test "a line of 20 MB takes three times its length at most, in every scheme, and gives the ids of the raw text" {
  local scheme jobs plain
  text 20 > twenty
  sed 's/\\/\\\\/g; s/\t/\\t/g; s/\r/\\r/g' twenty | awk '{ printf "%s\\n", $0 } END { print "" }' > line.tsv
  plain=$(peak -t tok.tsv -S 1M --raw -o o.bin corpus.txt)
  for scheme in tok.tsv bytes chars; do
    for jobs in 1 2; do
      [ "$(peak -t "$scheme" -S 1M -j "$jobs" -o line.bin line.tsv)" -lt $((plain + 4000 + 3 * 20 * 1024)) ]
      bpe-encode -q -t "$scheme" --raw -o raw.bin twenty
      cmp line.bin raw.bin
    done
  done
  # Lines behind and before the giant one stay where they are.
  { echo before; cat line.tsv; echo behind; } > three.tsv
  bpe-encode -q -t tok.tsv -S 1M -j 3 -o three.bin three.tsv
  bpe-encode -t tok.tsv -d three.bin | cmp - three.tsv
}

@test "raw text without a place to cut takes three times its length at most" {
  local plain
  head -c 20000000 /dev/zero | tr '\0' a > letter
  plain=$(peak -t tok.tsv -S 1M --raw -o o.bin corpus.txt)
  [ "$(peak -t tok.tsv -S 1M --raw -o letter.bin letter)" -lt $((plain + 4000 + 3 * 20 * 1024)) ]
  bpe-encode -q -t tok.tsv -d --raw letter.bin | cmp - letter
}

@test "chars: text without ASCII streams, cut between characters and bytes that are none" {
  perl -e 'print "\xE6\xBC\xA2\xF0\x9F\x98\x80" x 1000000' > han
  perl -e 'print "\xC3\xA9\xE6\xBC\xF0\x9F\x98\xFF\x80\xE6\xBC\xA2" x 100000' > broken
  [ "$(peak -t chars -S 1M -j 1 --raw -o han.bin han)" -lt $(($(peak -t chars -S 1M -j 1 --raw -o o.bin corpus.txt) + 2048)) ]
  for file in han broken; do
    bpe-encode -q -t chars -S 1M --raw -o small.bin $file
    bpe-encode -q -t chars -S 4G -j 1 --raw -o large.bin $file
    cmp small.bin large.bin
    bpe-encode -q -t chars -d --raw small.bin | cmp - $file
  done
}

@test "the number of threads and the memory change nothing, in any mode" {
  local jobs memory mode
  documents 3 > d.tsv
  text 3 > t
  awk -F '\t' '{ gsub(/\\/, "\\\\", $2); gsub(/"/, "\\\"", $2); printf "{\"id\":\"%s\",\"text\":\"%s\"}\n", $1, $2 }' d.tsv > d.jsonl
  for mode in 'd.tsv' 'd.jsonl' '--raw t' '--ids d.tsv' '--ids --raw t d.tsv' '--ratio d.tsv' '--validation 0.3 d.tsv' '--shard-tokens 100000 d.tsv t' 'd.tsv d.jsonl t'; do
    rm -rf one other
    mkdir one other
    # shellcheck disable=SC2086
    bpe-encode -q -t tok.tsv -j 1 -o one/o.bin $mode
    for jobs in 2 5; do
      for memory in 1M 256M; do
        # shellcheck disable=SC2086
        bpe-encode -q -t tok.tsv -j $jobs -S $memory -o other/o.bin $mode
        diff -r one other
      done
    done
  done
}

@test "--stats: load, peak memory and a row an operand lie under time; the rest is the same in every run" {
  text 1 > t
  documents 1 > d.tsv
  bpe-encode -q -t tok.tsv --raw -j 1 -o o.bin --stats s.json t corpus.txt t
  grep -q '"load": *[0-9.e-]*,' s.json
  grep -q '"peak_rss": *[0-9]*,' s.json
  [ "$(grep -c '"cpu"' s.json)" = 4 ] # of the three operands and the whole
  [ "$(grep -c '"name": "t"' s.json)" = 2 ]
  [ "$(grep -c '"name": "corpus.txt"' s.json)" = 1 ]
  [ "$(grep -c "\"bytes\": $(wc -c < t)," s.json)" = 2 ]
  [ "$(grep -c "\"bytes\": $(wc -c < corpus.txt)," s.json)" = 1 ]
  bpe-encode -q -t tok.tsv -j 2 -o o.bin --stats s.json d.tsv /dev/null d.tsv
  [ "$(grep -c '"name": "d.tsv"' s.json)" = 2 ]
  grep -A 6 '"cpu": 0' s.json | grep -q '"name": "/dev/null"'
  bpe-encode -q -t tok.tsv -o o.bin --stats s.json < d.tsv
  grep -q '"name": "-"' s.json
  bpe-encode -q -t tok.tsv -o o.bin --stats other.json < d.tsv
  strip() { awk '/^  "time": \{/ { skip = 1 } !skip && !/"command"/; /^  \}/ { skip = 0 }' "$1"; }
  diff <(strip s.json) <(strip other.json)
  strip s.json | grep -q '"tokens"'
}

@test "pipes: standard input and output, FIFOs, and a reader that goes away" {
  documents 2 > d.tsv
  bpe-encode -q -t tok.tsv -o file.bin d.tsv
  bpe-encode -q -t tok.tsv < d.tsv | bpe-encode -t tok.tsv -d > back
  cut -f 2 d.tsv | cmp - back
  mkfifo in out
  cat d.tsv > in &
  cat out > piped.bin &
  bpe-encode -q -t tok.tsv -o out in
  wait
  cmp <(tail -c +1025 file.bin) <(tail -c +1025 piped.bin)
  local jobs status
  for jobs in 1 2 4; do
    # The input never ends: only the closed pipe can end it.
    status=0
    yes 'a line of text' | timeout 60 bpe-encode -q -j "$jobs" -t tok.tsv --ids 2> errors | head -c 100000 > part || true
    [ "$(wc -c < part)" = 100000 ]
    [ ! -s errors ]
    { { yes 'a line of text' | { timeout 60 bpe-encode -q -j "$jobs" -t tok.tsv --raw || echo $? > status; }; } | head -c 100000 > part; } || true
    [ "$(cat status)" = 141 ]
  done
  # One that says nothing more does not keep it when the output has gone.
  { sleep 1; echo text; sleep 30; } | { timeout 20 bpe-encode -q -j 2 -t nothing.tsv --ids; echo $? > status; } || true
  [ "$(cat status)" = 1 ]
}

@test "empty inputs, empty documents, NUL bytes and a last line without its end" {
  local eot
  eot=$(printf x | bpe-encode -q -t bytes --ids | cut -d ' ' -f 1)
  [ "$eot" = 256 ]
  : > empty
  bpe-encode -q -t bytes -o e.bin empty
  [ "$(wc -c < e.bin)" = 1024 ]
  bpe-encode -q -t bytes -d e.bin | cmp - empty
  [ "$(bpe-encode -q -t bytes --raw --ids empty empty)" = $'256\n256' ]
  [ "$(printf '\n\nx\n\ny' | bpe-encode -q -t bytes --ids)" = $'256\n256\n256 120\n256\n256 121' ]
  printf 'a\0b' > nul
  [ "$(bpe-encode -q -t bytes --raw --ids nul)" = '256 97 0 98' ]
  [ "$(bpe-encode -q -t bytes --ids --stats s.json nul)" = '256 97 98' ]
  grep -q '"nul": *1' s.json
  bpe-encode -q -t tok.tsv --raw -o n.bin nul
  bpe-encode -q -t tok.tsv -d --raw n.bin | cmp - nul
}

@test "decoding gives every byte back at each instruction set, escaped and raw" {
  local level scheme
  { head -c 300000 "$BIN/bpe-encode"; printf '\\\t\r\n%050d\n' 1; cat corpus.txt; } > bytes
  documents 1 > d.tsv
  for scheme in tok.tsv bytes chars; do
    for level in scalar avx2 avx512; do
      export CRAWL2LM_CPU=$level
      bpe-encode -q -t "$scheme" --raw -o o.bin bytes
      bpe-encode -q -t "$scheme" -d --raw o.bin | cmp - bytes
      [ "$scheme" = chars ] && continue # documents have no end in it
      bpe-encode -q -t "$scheme" -o o.bin d.tsv
      bpe-encode -q -t "$scheme" -d o.bin | cmp - <(cut -f 2 d.tsv)
    done
  done
}

@test "options that would change nothing are wrong usage" {
  local options status
  for options in '--raw --max-document 9' '--raw --rejects r' '-d --max-document 9' '-d --rejects r' '--ids --dtype u32' '--inspect --dtype u32' '--ratio --dtype u16'; do
    status=0
    bpe-encode -q -t bytes $options corpus.txt > out 2> err || status=$?
    [ $status -eq 2 ] && [ ! -s out ] && [ ! -e r ] && grep -q 'exclude' err
  done
}

@test "decoding tokens of 64 KiB streams" {
  head -c 65537 /dev/zero | tr '\0' a > letters
  bpe-train -q -n 290 -p none --raw -o long.tsv letters
  head -c $((65536 * 1600)) /dev/zero | tr '\0' a > long
  bpe-encode -q -t long.tsv --raw -o long.bin long
  [ "$(wc -c < long.bin)" -lt 10000 ]
  bpe-encode -q -t long.tsv -d --raw long.bin | cmp - long
  bpe-encode -q -t long.tsv -d long.bin | cmp - <(cat long; echo)
  [ "$(peak -t long.tsv -d --raw -o back long.bin)" -lt 40000 ]
}
