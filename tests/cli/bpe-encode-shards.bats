#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# bpe-encode's sets of shards (--shard-tokens, --validation, --resume), and what it shows of tokens (--inspect, --ratio).

setup_file() {
  cd "$BATS_FILE_TMPDIR" || return 1
  perl -e 'srand 3; my @w = map { my $n = 1 + rand 8; join "", map { chr 97 + rand 26 } 1 .. $n } 1 .. 500;
    for my $d (1 .. 3000) { print join(" ", map { $w[rand @w] } 0 .. rand 40), "\n" }' > documents
  "$BIN/bpe-train" -q -n 400 -p gpt2 -o tok.tsv documents
}

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  TOK=$BATS_FILE_TMPDIR/tok.tsv
  DOCUMENTS=$BATS_FILE_TMPDIR/documents
}

encode() { "$BIN/bpe-encode" -q -t "$TOK" "$@"; }

# Both sides as text, sorted.
sides() { encode -d "$1_train.bin" | sort > train; encode -d "$1_val.bin" | sort > val; }

@test "train and validation are all documents, none twice" {
  encode --validation 0.3 -o p.bin "$DOCUMENTS"
  sides p
  sort -m train val | cmp - <(sort "$DOCUMENTS")
  [ "$(wc -l < val)" -gt 800 ] && [ "$(wc -l < val)" -lt 1000 ]
  [ "$(ls)" = $'p_train.bin\np_val.bin\ntrain\nval' ]
}

@test "a document's side depends on its text and the seed alone" {
  encode --validation 0.3 -o p.bin "$DOCUMENTS"
  sides p
  mv train train1; mv val val1
  (head -n 1234 "$DOCUMENTS" | tac; tail -n +1235 "$DOCUMENTS") > other
  encode --validation 0.3 -j 1 -S 1M -o q.bin other
  sides q
  cmp train train1 && cmp val val1
  # among others, and twice: on the same side
  (echo 'one more document'; head -n 100 "$DOCUMENTS"; head -n 100 "$DOCUMENTS") > some
  encode --validation 0.3 -o r.bin some
  sides r
  comm -23 <(grep -v 'one more' val | sort -u) val1 | cmp - /dev/null
  comm -23 <(grep -v 'one more' train | sort -u) train1 | cmp - /dev/null
  encode --validation 0.3 --seed 2 -o s.bin "$DOCUMENTS"
  sides s
  ! cmp -s val val1 || false
}

@test "shards of a split hold the tokens of the two files, whatever -j" {
  encode --validation 0.3 -o p.bin "$DOCUMENTS"
  for j in 1 2 5; do
    encode --validation 0.3 --shard-tokens 3000 -j $j -o q.bin "$DOCUMENTS"
    for side in train val; do
      cmp <(encode -d p_$side.bin) <(encode -d q_${side}_0*.bin)
      [ "$(ls q_${side}_0*.bin | wc -l)" -gt 2 ]
    done
    awk -F '\t' 'NR > 1 { if ($2 != 3000) n++ } END { exit n > 2 }' q_manifest.tsv
    [ "$(tail -n +2 q_manifest.tsv | cut -f 1)" = "$(ls q_train_0*.bin q_val_0*.bin)" ]
    [ $j = 1 ] || cmp q_manifest.tsv first
    cp q_manifest.tsv first
  done
}


@test "--resume after any number of shards gives the same bytes" {
  mkdir whole cut
  local n count
  encode --shard-tokens 5000 -o whole/p.bin "$DOCUMENTS"
  count=$(ls whole/*.bin | wc -l)
  [ "$count" -gt 5 ]
  # A validation of all settings comes with a real progress file: a run whose input fails at the end keeps its own.
  for n in $(seq 0 $((count - 1))); do
    rm -f cut/*
    ! encode --shard-tokens 5000 -o cut/p.bin "$DOCUMENTS" missing 2> err || false
    grep -q missing err
    [ "$(ls cut/*.bin | wc -l)" -ge $((count - 1)) ] && [ -e cut/p_progress.tsv ] && [ ! -e cut/p_manifest.tsv ]
    # as if it had died after n shards, while it wrote a row
    sed -i '/^operand\t.*missing/d' cut/p_progress.tsv
    head -n $(($(grep -n '^file' cut/p_progress.tsv | cut -d : -f 1) + n)) cut/p_progress.tsv > rows
    (cat rows; printf 'p_0000') > cut/p_progress.tsv
    for f in $(ls cut/*.bin | tail -n +$((n + 1))); do rm "$f"; done
    "$BIN/bpe-encode" -q -t "$TOK" --resume --shard-tokens 5000 -j 2 -o cut/p.bin --stats stats "$DOCUMENTS"
    diff -r whole cut
    [ $n -lt 3 ] || grep -q '"done_before": [1-9]' stats
  done
}

@test "--resume: nothing there starts afresh, a whole set is left alone" {
  encode --resume --shard-tokens 5000 -o p.bin "$DOCUMENTS"
  encode --shard-tokens 5000 -o q.bin "$DOCUMENTS"
  cmp p_000001.bin q_000001.bin
  touch -d '2001-01-01' p_*
  "$BIN/bpe-encode" -t "$TOK" --resume --shard-tokens 5000 -o p.bin "$DOCUMENTS" 2> err
  grep -q 'nothing to do' err
  [ "$(find . -name 'p_*' -newermt 2002-01-01)" = '' ]
  ! encode --resume --shard-tokens 4000 -o p.bin "$DOCUMENTS" 2> err || false
  grep -q 'finished run with other shards' err
}

@test "a second run into the same set is refused while the first one lives, and its shards stay" {
  mkfifo pipe
  encode --shard-tokens 5000 -o p.bin < pipe & first=$!
  exec 4> pipe
  cat "$DOCUMENTS" >&4
  for _ in $(seq 500); do [ ! -e p_progress.tsv ] || [ ! -e p_000000.bin ] || break; sleep 0.01; done
  for resume in '' --resume; do
    status=0
    encode --shard-tokens 700 $resume -o p.bin "$DOCUMENTS" 2> err || status=$?
    [ $status -eq 1 ] && grep -q 'p_progress.tsv: another run is writing these shards' err
  done
  exec 4>&-
  wait $first
  encode -d p_0*.bin | cmp - "$DOCUMENTS"
  encode --shard-tokens 5000 -o again.bin "$DOCUMENTS"
  diff <(sed 's/^again/p/' again_manifest.tsv) p_manifest.tsv
}

@test "--resume of a finished set with a shard that changed or is gone says to begin anew" {
  encode --shard-tokens 5000 -o p.bin "$DOCUMENTS"
  printf '\3\0' | dd of=p_000001.bin bs=1 seek=3000 conv=notrunc 2> err
  ! encode --shard-tokens 5000 --resume -o p.bin "$DOCUMENTS" 2> err || false
  grep -q 'p_000001.bin: damaged.*: begin anew without --resume$' err
  rm p_000001.bin
  ! encode --shard-tokens 5000 --resume -o p.bin "$DOCUMENTS" 2> err || false
  grep -q 'p_000001.bin: missing.*: begin anew without --resume$' err
}

@test "--resume names the setting that differs" {
  ! encode --shard-tokens 5000 -o p.bin "$DOCUMENTS" missing 2> err || false
  before=$(cat p_*)
  check() {
    local want=$1
    shift
    ! encode --resume "$@" 2> err || { echo "$want: no error"; return 1; }
    grep -q "$want" err || { cat err; return 1; }
    [ "$(cat p_*)" = "$before" ]
  }
  check 'shard_tokens 5000' --shard-tokens 6000 -o p.bin "$DOCUMENTS" missing
  check 'token_bytes 2' --dtype u32 --shard-tokens 5000 -o p.bin "$DOCUMENTS" missing
  check 'validation 0' --validation 0.5 --shard-tokens 5000 -o p.bin "$DOCUMENTS" missing
  check 'operand missing' --shard-tokens 5000 -o p.bin "$DOCUMENTS"
  check 'allow-special 0' --allow-special --shard-tokens 5000 -o p.bin "$DOCUMENTS" missing
  check 'max-document 0' --max-document 9k --shard-tokens 5000 -o p.bin "$DOCUMENTS" missing
  check 'tokenizer' -t bytes --shard-tokens 5000 -o p.bin "$DOCUMENTS" missing
  check 'goes on after\|--shard-tokens' -o p.bin "$DOCUMENTS" missing
  printf 'x' | dd of=p_000001.bin bs=1 seek=2000 conv=notrunc 2> /dev/null
  before=$(cat p_*)
  check 'p_000001.bin: .*damaged' --shard-tokens 5000 -o p.bin "$DOCUMENTS" missing
}

@test "an operand that grew is named" {
  cp "$DOCUMENTS" mine
  ! encode --shard-tokens 5000 -o p.bin mine missing 2> err || false
  echo more >> mine
  ! encode --resume --shard-tokens 5000 -o p.bin mine missing 2> err || false
  grep -q 'operand mine [0-9]* bytes' err
}

@test "a run without --resume removes the shards of an older one, and no other file" {
  encode --shard-tokens 500 -o p.bin "$DOCUMENTS"
  touch p_000999.txt p_other_000001.bin
  encode --shard-tokens 5000 --validation 0.2 -o p.bin "$DOCUMENTS"
  ! compgen -G 'p_0*.bin' || false
  [ -e p_000999.txt ] && [ -e p_other_000001.bin ]
  ! encode --shard-tokens 1000 -o p.bin "$DOCUMENTS" missing 2> err || false
  ! compgen -G 'p_train*' || false
  [ -e p_progress.tsv ]
  encode --shard-tokens 9000 -o p.bin "$DOCUMENTS"
  [ "$(tail -n +2 p_manifest.tsv | cut -f 1)" = "$(ls p_0*.bin)" ]
  [ ! -e p_progress.tsv ]
}

@test "a full disk: whole shards and the progress stay, and --resume ends it elsewhere" {
  [ "$(id -u)" = 0 ] || skip 'mounting a small disk needs root'
  mkdir small
  mount -t tmpfs -o size=64k none small 2> /dev/null || skip 'mounting is not permitted here'
  status=0
  encode --shard-tokens 5000 -o small/p.bin "$DOCUMENTS" 2> err || status=$?
  cp -r small rest
  umount small
  [ $status -eq 1 ] && grep -q 'No space left on device' err
  [ -e rest/p_progress.tsv ] && [ -e rest/p_000002.bin ] && [ ! -e rest/p_manifest.tsv ]
  encode --resume --shard-tokens 5000 -o rest/p.bin "$DOCUMENTS"
  mkdir whole
  encode --shard-tokens 5000 -o whole/p.bin "$DOCUMENTS"
  diff -r whole rest
}

@test "--resume takes up raw documents within one" {
  cp "$DOCUMENTS" a
  cp "$BATS_FILE_TMPDIR/tok.tsv" b
  mkdir whole cut
  encode --raw --shard-tokens 7000 -o whole/p.bin a b
  ! encode --raw --shard-tokens 7000 -o cut/p.bin a b missing 2> err || false
  sed -i '/^operand\tmissing/d' cut/p_progress.tsv
  rm cut/p_000003.bin
  encode --raw --resume --shard-tokens 7000 -o cut/p.bin a b
  diff -r whole cut
}

@test "--validation and --resume need names of files" {
  for options in '--validation 0.1' '--shard-tokens 9'; do
    status=0
    encode $options "$DOCUMENTS" > out 2> err || status=$?
    [ $status -eq 2 ] && grep -q 'NAME.bin' err && [ ! -s out ]
  done
}

@test "--inspect: rows give the ids and the text, documents have an empty line between" {
  head -n 50 "$DOCUMENTS" > some
  encode --inspect some > table
  [ "$(head -n 1 table)" = $'id\tbytes\ttext' ]
  encode --ids some | sed -E 's/^[0-9]+ ?//' > ids # without end-of-text
  tail -n +2 table | cut -f 1 | awk -v RS= '{ gsub("\n", " "); print }' | cmp - ids
  tail -n +2 table | awk -F '\t' 'NF { printf "%s", $3; n += $2 } !NF { print "" } END { print "" }' | cmp - some
  for j in 1 3; do encode --inspect -j $j "$DOCUMENTS" | md5sum; done | uniq | wc -l | grep -qx 1
}

@test "--inspect: control bytes, parts of characters and specials" {
  printf 'a\tb\n\033[31m\342\202<|endoftext|>\\' > raw
  encode -t bytes --raw --inspect raw | tail -n +2 | cut -f 3 | tr -d '\n' | cmp - <(printf '%s' 'a\tb\n\x1B[31m\xE2\x82<|endoftext|>\\')
  encode --raw --inspect --allow-special raw | grep -q $'\t13\t<|endoftext|>$'
  printf 'x\xc3\xa9' | encode -t chars --raw --inspect | cmp - <(printf 'id\tbytes\ttext\n120\t1\tx\n233\t2\t\xc3\xa9\n')
  printf 'some words\n' > words
  encode -t words:words --inspect <<< 'words some' | cmp - <(printf 'id\tbytes\ttext\n0\t5\t<unk>\n0\t5\t<unk>\n')
}

@test "--inspect: control characters of two bytes, which terminals obey too, are shown as bytes" {
  printf 'a\302\2332J\302\302\237\302\240\303\233' > raw
  encode -t chars --raw --inspect raw | tail -n +2 | cut -f 3 | tr -d '\n' | cmp - <(printf '%s\302\240\303\233' 'a\xC2\x9B2J\xC2\xC2\x9F')
}

@test "--inspect on a terminal: colours without raw control bytes; NO_COLOR: a table" {
  script -qec true /dev/null > /dev/null 2>&1 || skip 'no script(1)'
  printf 'a b\n\033]0;title\007' > raw
  TERM=xterm script -qec "$BIN/bpe-encode -q -t bytes --raw --inspect raw" /dev/null > shown
  grep -q 'x1B' shown && grep -q '14 bytes, 14 characters, 14 tokens, 1.00 bytes a token' shown
  # what is left without colours has no escape
  sed 's/\x1B\[[0-9;]*m//g' shown > bare
  ! grep -q $'[\033\007]' bare || false
  NO_COLOR=1 TERM=xterm script -qec "$BIN/bpe-encode -q -t bytes --raw --inspect raw" /dev/null | head -n 1 | grep -q '^id'
}

@test "--ratio: the scripts add up to all, most bytes first" {
  printf 'Hello, world 123\nПривет мир, hello\n你好 hello\n123 ...\n' > texts
  for t in "$TOK" bytes chars "words:$DOCUMENTS.words"; do
    [ "$t" != "words:$DOCUMENTS.words" ] || "$BIN/bpe-train" -q --words -n 50 -o "$DOCUMENTS.words" "$DOCUMENTS"
    encode -t "$t" --ratio texts > table
    head -n 1 table | grep -qx $'tokenizer\tdocuments\tbytes\ttokens\tbytes_per_token\tchars_per_token\tscript'
    sed -n 2p table | grep -q $'\tall$'
    awk -F '\t' 'NR == 2 { d = $2; b = $3; t = $4 } NR > 2 { d -= $2; b -= $3; t -= $4; if (NR > 3 && $3 > last) bad = 1; last = $3; n++ } END { exit bad || d || b || t || n != 4 }' table
    [ "$(tail -n +3 table | cut -f 7 | sort | paste -sd ' ')" = 'Common Cyrillic Han Latin' ]
  done
  encode -t chars --ratio texts | grep -q $'\t1\t6\t2\t3\t1\tHan$'
  encode -t bytes --ratio --raw -j 3 texts | grep -q $'\t0\t6\t6\t1\t0.333333333\tHan$'
}

@test "--ratio: white space where raw text is cut still counts with the word behind it" {
  perl -e 'print "\xE6\xBC\xA2 \t ab\xC2\xA0 \n\xE3\x80\x80 c\x20" x 20000' > spaces
  perl -e 'print "ab\n"' > list
  for memory in 1M 64M 1G; do encode -t words:list --ratio --raw -S $memory spaces; done | sort | uniq -c | awk '$1 != 3 { exit 1 }'
}

@test "--ratio: with a tokenizer that normalizes, the normal form is counted, wherever raw text is cut" {
  "$BIN/bpe-train" -q --from "$TOK" --format hf -o hf
  sed -i 's/"normalizer": *null/"normalizer": {"type": "NFC"}/' hf/tokenizer.json
  grep -q NFC hf/tokenizer.json
  perl -e 'print "cafe\xCC\x81 \xE6\xBC\xA2 \xE0\xA5\x98\xE0\xA5\x98 \xE2\x84\xAB\xD0\x9F " x 20000' > accents
  for memory in 1M 64M 1G; do encode -t hf --ratio --raw -S $memory accents; done > tables
  sort tables | uniq -c | awk '$1 != 3 { exit 1 }'
  grep -q $'\t240000\t240000\t1\t0.333333333\tDevanagari$' tables
  awk -F '\t' 'NR == 2 { b = $3; t = $4 } NR > 2 && NR < 8 { b -= $3; t -= $4 } END { exit b || t }' tables
}
