#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# qfilter from the command line: rule files, conditions on scores, the top fraction, URLs, values shown, statistics.

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  qfilter=$BIN/qfilter
}

# documents N: id i has i words, url http://hI.example/, meta n=i
documents() {
  awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++) { printf "%d\thttp://www.h%d.example/p\t2026-01-01\tn=%d\t", i, i % 3, i; for (w = 1; w <= i; w++) printf "w%d ", w; print "" } }'
}

classifier() { # model.bin with the labels good and bad
  for i in $(seq 1 100); do
    printf 'good\tthe careful work number %d explains what it measures\nbad\tbuy cheap pills now %d casino click here\n' "$i" "$i"
  done > labels.tsv
  "$BIN/qfilter-train" -q -j 1 --dim 8 --bucket 1000 --epoch 10 -o model.bin labels.tsv
  cut -f 2 labels.tsv | awk '{ print NR "\tu\td\t" $0 }' > scored.tsv
}

# fails COMMAND...: the status in $status, stderr in the file err
fails() {
  status=0
  "$@" > out 2> err || status=$?
  [ "$status" -ne 0 ]
}

@test "a rule file drops with SET:REASON, names the place of a mistake and exits 2" {
  documents 10 > d.tsv
  printf 'let n = number(meta.n)\ndrop small if n < 4\nkeep if n == 9\ndrop host if host under hosts\n' > mine.rules
  fails "$qfilter" --rules-file mine.rules d.tsv
  [ "$status" = 2 ] && grep -q '^qfilter: mine.rules:4:27: expected the name of a list' err && [ ! -s out ]
  { echo 'list hosts = file "hosts.txt"'; cat mine.rules; } > new && mv new mine.rules
  fails "$qfilter" --rules-file mine.rules d.tsv
  [ "$status" = 1 ] && grep -q 'mine.rules:1:19: .*hosts.txt: No such file or directory' err
  echo h0.example > hosts.txt
  "$qfilter" --rules-file mine.rules --rejects r.tsv --stats s.json d.tsv | cut -f 1 | paste -s -d ' ' > ids
  [ "$(cat ids)" = '4 5 7 8 9 10' ]
  [ "$(cut -f 1,2 r.tsv | paste -s -d ' ')" = "$(printf 'mine:small\t1 mine:small\t2 mine:small\t3 mine:host\t6')" ]
  grep -q '"small": 3' s.json && grep -q '"host": 1' s.json && grep -q '"pattern_limits": 0' s.json
}

@test "rule files in gzip, from another folder; several in their order" {
  documents 5 > d.tsv
  mkdir rules
  echo h1.example > rules/hosts.txt
  printf 'list hosts = file "hosts.txt"\ndrop host if host under hosts\n' | gzip > rules/a.rules.gz
  echo 'drop all if 1' > rules/b.rules
  printf 'use url\nset url.domains = hosts.txt # beside this file\n' > rules/c.rules
  [ "$("$qfilter" --rules-file rules/c.rules d.tsv | cut -f 1 | paste -s -d ' ')" = '2 3 5' ]
  "$qfilter" --rules-file rules/a.rules.gz --rules-file rules/b.rules --rejects r.tsv d.tsv > out
  [ ! -s out ] && [ "$(cut -f 1 r.tsv | sort | uniq -c | awk '{ print $2 $1 }' | paste -s -d ' ')" = 'a.rules:host2 b:all3' ]
}

@test "metadata of JSON Lines decides, nested keys too" {
  printf '{"id":"a","text":"x y","metadata":{"license":"cc-by","q":{"score":0.7}}}\n{"id":"b","text":"x y","license":"none","score":2}\n' > d.jsonl
  "$qfilter" --keep 'meta.license == "cc-by" and number(meta.q.score) > 0.5' d.jsonl > out
  [ "$(cut -f 1 out)" = a ]
  "$qfilter" --jsonl --annotate --value words --value 's=number(meta.score) * 2' d.jsonl > out
  sed -n 2p out | grep -q '"words":"2"' && sed -n 2p out | grep -q '"s":"4"'
}

@test "several models, expressions on their scores, --label and --min as ever" {
  classifier
  "$qfilter" --model model.bin --label good --min 0.5 scored.tsv > labelled
  "$qfilter" --model m=model.bin --keep 'm.good >= 0.5' scored.tsv > kept
  [ "$(wc -l < kept)" = 100 ] && cmp labelled kept
  cp model.bin other.bin
  "$qfilter" --model m=model.bin --model other.bin --keep 'both: min(m.good, other.good) > .5' --keep 'other.bad < m.good' --annotate scored.tsv > both
  [ "$(cut -f 4,5,6 both | grep -cE '^m\.good=[0-9.e-]+	other\.good=[0-9.e-]+	other\.bad=[0-9.e-]+$')" = 100 ]
  fails "$qfilter" --model m=model.bin scored.tsv
  [ "$status" = 2 ] && grep -q 'no expression names m.LABEL' err
  fails "$qfilter" --model m=model.bin --keep 'm.best > 1' scored.tsv
  [ "$status" = 2 ] && grep -q -e "--keep: column 1: expected .* not 'm.best'" err
}

@test "--top keeps the fraction with the highest values, at any -j, within memory or not" {
  documents 2000 > d.tsv
  seq 1801 2000 > want
  for options in '-j 1' '-j 4' '-j 2 -S 1M'; do
    # shellcheck disable=SC2086
    "$qfilter" $options --top 0.1:words --rejects "r $options" --stats s.json d.tsv > out
    cut -f 1 out | cmp - want
    cmp "r $options" 'r -j 1'
    grep -q '"threshold": 1801.0' s.json && grep -q '"error": 0.0' s.json
  done
  cut -f 5 out > texts && [ "$(head -1 texts | wc -w)" = 1801 ]
  [ "$(cut -f 1 'r -j 1' | sort -u)" = top:1 ] && [ "$(wc -l < 'r -j 1')" = 1800 ]
  "$qfilter" --keep 'rank(words) >= 0.9' d.tsv | cut -f 1 | cmp - want
  "$qfilter" --keep 'words >= 1801' d.tsv | cut -f 1 | cmp - want
  "$qfilter" --top 0.5:words --keep 'words > 1000' d.tsv | cut -f 1 | cmp - <(seq 1501 2000)
  [ -z "$(ls -A | grep -vE '^(d.tsv|want|out|texts|s.json|r -j.*)$')" ]
}

@test "--top of 200,000 documents is as near as it says, and the same with any number of threads" {
  awk 'BEGIN { x = 1; for (i = 0; i < 200000; i++) { x = x * 69069 % 4294967296; printf "%d\tu\td\tn=%.0f\tt\n", i, x } }' > d.tsv
  "$qfilter" -j 1 --top '0.1:number(meta.n)' --stats s.json d.tsv > one
  "$qfilter" -j 4 -S 1M --top '0.1:number(meta.n)' d.tsv > four
  cmp one four
  error=$(sed -n 's/.*"error": \([0-9.e-]*\),*/\1/p' s.json)
  awk -v e="$error" -v n="$(wc -l < one)" 'BEGIN { d = n - 20000; exit !(e > 0 && e < 0.0001 && (d < 0 ? -d : d) <= e * 200000 + 1) }'
  # the documents kept are those with the highest values
  [ "$(cut -f 4 one | tr -d n= | sort -n | head -1)" -gt "$(join -v 1 <(cut -f 1 d.tsv | sort) <(cut -f 1 one | sort) | join - <(sort d.tsv | awk -F '\t' '{ print $1, $4 }') | cut -d = -f 2 | sort -n | tail -1)" ]
}

@test "what waits for --top leaves nothing behind when the disk is full or the input is cut" {
  [ -e /dev/full ] || skip 'no /dev/full'
  documents 300 > d.tsv
  fails "$qfilter" --top 0.5:words -o /dev/full d.tsv
  [ "$status" = 1 ] && grep -q 'No space left on device' err
  gzip -c d.tsv | head -c 2000 > cut.gz
  fails "$qfilter" --top 0.5:words -o result cut.gz
  [ "$status" = 1 ] && grep -q 'truncated gzip' err && [ ! -e result ]
}

@test "--explain shows rules, scores and values; nothing is dropped from the table" {
  classifier
  printf 'drop odd if count(/casino/) > 0\nkeep if words > 100\n' > r.rules
  "$qfilter" --words space --model m=model.bin --rules-file r.rules --keep 'm.good > 0.5' --value words --explain scored.tsv > table
  [ "$(head -1 table)" = "$(printf 'id\tr.odd\tr.keep\tm.good\twords\tkeep.1\tdecision')" ] && [ "$(wc -l < table)" = 201 ]
  [ "$(cut -f 2,3,5,6,7 table | sed -n '2p;3p' | paste -s -d ' ')" = "$(printf '0\t0\t9\t1\tkeep 1\t0\t8\t0\tr:odd')" ]
}

@test "--explain waits for ranks, and has none for what is dropped before" {
  documents 10 > d.tsv
  "$qfilter" --keep 'big: words > 2' --top 0.5:words --explain d.tsv > table
  [ "$(head -1 table)" = "$(printf 'id\tkeep.big\ttop.1\tdecision')" ]
  [ "$(sed -n '2p;4p;11p' table | paste -s -d ' ')" = "$(printf '1\t0\t\tkeep:big 3\t1\t0\ttop:1 10\t1\t1\tkeep')" ]
}

@test "block lists of URLs: reasons in their order, gzip, a missing list exits 1" {
  printf '%s\t%s\td\ttext\n' 1 http://a.bad.example/ 2 http://good.example/smut/ 3 http://good.example/casino-adult 4 http://good.example/POK/er 5 http://good.example/ 6 '' > d.tsv
  echo bad.example | gzip > domains.gz
  echo smut > words && printf 'casino\nadult\n' > soft && echo poker > subwords
  "$qfilter" --rules url --set url.domains=domains.gz --set url.banned_words=words --set url.soft_banned_words=soft --set url.banned_subwords=subwords --rejects r.tsv d.tsv > out
  [ "$(cut -f 1 out | paste -s -d ' ')" = '5 6' ]
  [ "$(cut -f 1 r.tsv | paste -s -d ' ')" = 'url:domain url:hard_blacklisted url:soft_blacklisted url:blacklisted_subword' ]
  fails "$qfilter" --rules url --set url.domains=/no/such d.tsv
  [ "$status" = 1 ] && grep -q '/no/such: No such file or directory' err
  fails "$qfilter" --rules url --set url.nothing=x d.tsv
  [ "$status" = 2 ]
}

@test "a pattern that would never end has no count, and --stats says so" {
  awk 'BEGIN { printf "1\tu\td\t"; for (i = 0; i < 200000; i++) printf "a"; print "" }' > d.tsv
  timeout 60 "$qfilter" --keep 'not count(/(a+)+$b/) > 0' --stats s.json d.tsv > out 2> err
  cmp d.tsv out && grep -q '"pattern_limits": 1' s.json && grep -q 'too many steps' err
}

@test "options that need others say so" {
  documents 1 > d.tsv
  for options in '--value words' '--lang en' '--label x' '--min 3' '--top words' '--top 2:words' '--keep x' '--keep name:' '--value words*2 --explain' '--rules nothing' '--words letters'; do
    # shellcheck disable=SC2086
    fails "$qfilter" $options d.tsv
    [ "$status" = 2 ] || { echo "$options: exit $status"; return 1; }
  done
}
