#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# minhash-dedup sketch, match, cluster, drop: the decisions of one process whatever the shards, parts and threads; files that
# are refused; earlier indexes.

setup_file() {
  cd "$BATS_FILE_TMPDIR" || return 1
  cc -std=c11 -O2 -o near_duplicates "$BATS_TEST_DIRNAME/../faults/near_duplicates.c" && mkdir made && ./near_duplicates 3000 1 made || return 1
}

setup() {
  cd "$BATS_TEST_TMPDIR" || return 1
  ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
  made=$BATS_FILE_TMPDIR/made/shard-0000.tsv
  shared=$ROOT/../shared/data/dedup/sub3k.tsv
}

dedup() { "$BIN/minhash-dedup" "$@"; }

# steps FOLDER SHARD...: all four with the options in $options, survivors to stdout
steps() {
  local folder=$1
  shift
  # shellcheck disable=SC2086
  dedup sketch -q $options -o "$folder/sketches" "$@" && dedup match -q -o "$folder/matches" "$folder/sketches" &&
    dedup cluster -q $decide -o "$folder/list" "$folder/matches" && dedup drop -q --clusters "$folder/list" "$@"
}

# refused STATUS TEXT ARGUMENT...
refused() {
  local status=0 want=$1 text=$2
  shift 2
  dedup "$@" > refused.out 2> refused.err || status=$?
  echo "exit $status: $(cat refused.err)"
  [ $status -eq "$want" ] && [ ! -s refused.out ] && grep -q -- "$text" refused.err
}

@test "exactly what one process keeps, in 1, 3 and 8 shards, with --verify 0, --keep longest, other bands, seeds and n-grams" {
  local input shards options decide
  for input in "$made" "$shared"; do
    [ -e "$input" ] || continue
    for shards in 1 3 8; do
      rm -f part-*
      split -n "l/$shards" -d "$input" part-
      while IFS='|' read -r options decide; do
        # shellcheck disable=SC2086
        dedup -q $options $decide -o want "$input"
        rm -rf run
        steps run part-* > got
        cmp want got || { echo "$input, $shards shards, $options $decide"; return 1; }
      done <<< '|
|--verify 0
|--keep longest
|--connect earlier
--ngram 3 --bands 9 --rows 13 --seed 5|--verify 0.6
--bands 20 --rows 5|--verify 0.7 --keep longest
--signature datatrove|'
    done
  done
  [ -e "$shared" ] || skip 'the generated documents only: the development data is not here'
}

@test "the order of operands, threads, memory and parts change no byte" {
  split -n l/5 -d "$made" part-
  steps one part-0[0-4] > one.tsv
  dedup sketch -q -j3 -S 1M -o two/a part-04 part-01
  dedup sketch -q -j1 -o two/b part-03
  dedup sketch -q -o two/c part-02 part-00
  local k
  for k in 2 1 3; do dedup match -q -j2 -S 1M --part $k/3 -o two/m$k two/c two/b/part-03.sketch two/a; done
  refused 1 'm1/band-0000-range-01.match: is not there' cluster -o list two/m1 two/m3
  dedup cluster -q -j3 -S 1M -o two/list two/m3 two/m1 two/m2
  sed 's,\(one\|two\)/[a-z/]*/,,' one/list | grep -v '^#end' > a
  sed 's,\(one\|two\)/[a-z/]*/,,' two/list | grep -v '^#end' > b
  cmp a b
  for k in 0 1 2 3 4; do cmp one/sketches/part-0$k.sketch two/[abc]/part-0$k.sketch; done
  dedup drop -q -j3 --clusters two/list part-0[0-4] | cmp - one.tsv
  dedup drop -q --clusters two/list -o out part-03 part-00
  dedup drop -q --clusters two/list -o out part-04 part-01 part-02
  cat out/part-0[0-4] | cmp - one.tsv
}

@test "JSON Lines, compressed shards, rejects, long documents: as in one process, and counts add up" {
  awk -F '\t' '{ printf "{\"id\":\"%s\",\"url\":\"u\",\"text\":\"%s\"}\n", $1, $2 } NR == 50 { print "[no document" }' "$made" > all.jsonl
  split -n l/2 -d all.jsonl part-
  gzip part-00
  zstd -q --rm part-01
  dedup -q --jsonl --max-document 600 --rejects want.rejects --stats want.json -o want part-00.gz part-01.zst
  dedup sketch -q --max-document 600 --stats sketch.json -o s part-00.gz part-01.zst
  dedup match -q -o m s
  dedup cluster -q -o list m
  dedup drop -q --jsonl --rejects got.rejects --stats drop.json --clusters list part-00.gz part-01.zst > got
  cmp want got
  cmp want.rejects got.rejects
  [ -s want.rejects ] && grep -q max_document want.rejects && grep -q duplicate want.rejects
  local key
  for key in in out rejected bad; do
    [ "$(grep -o "\"$key\": *[0-9]*" want.json)" = "$(grep -o "\"$key\": *[0-9]*" drop.json)" ]
  done
  dedup drop -q --jsonl --clusters list -o out part-00.gz part-01.zst
  cat out/part-00 out/part-01 | cmp - want
  dedup drop -q --jsonl --stats again.json --clusters list -o out part-00.gz part-01.zst
  grep -q '"shards_found": *2' again.json
  [ "$(grep -o '"out": *[0-9]*' want.json)" = "$(grep -o '"out": *[0-9]*' again.json)" ]
}

@test "a signature's estimate instead of reading the shards again: nearly the same, and the shards may be gone" {
  split -n l/3 -d "$made" part-
  steps run part-* > /dev/null
  mkdir away && mv part-* away
  dedup cluster -q --compare signature -o estimate run/matches
  refused 1 'part-00' cluster -o exact run/matches
  awk -F '\t' '!/^#/ && NR > 1 { print $5, $6 }' run/list | sort > exact
  awk -F '\t' '!/^#/ && NR > 1 { print $5, $6 }' estimate | sort > estimated
  local both all
  both=$(comm -12 exact estimated | wc -l)
  all=$(sort -u exact estimated | wc -l)
  echo "$both of $all"
  [ "$all" -gt 100 ] && [ $((both * 100)) -ge $((all * 75)) ]
}

@test "what an earlier index has goes; several indexes, added one after the other" {
  split -n l/4 -d "$made" part-
  local k earlier=()
  : > kept
  for k in 0 1 2 3; do
    dedup sketch -q -o s$k part-0$k
    dedup match -q "${earlier[@]}" --index i$k -o m$k s$k
    dedup cluster -q -o list$k m$k
    dedup drop -q --clusters list$k part-0$k >> kept
    earlier+=(--earlier i$k)
  done
  dedup -q -o want "$made"
  # against an index similarity is an estimate: nearly all of what one process removes is removed
  local want got
  want=$(($(wc -l < "$made") - $(wc -l < want))) got=$(($(wc -l < "$made") - $(wc -l < kept)))
  echo "$got removed, one process: $want"
  [ $((got * 100)) -ge $((want * 80)) ] && [ $((got * 100)) -le $((want * 130)) ]
  grep -q "^i0:[0-9]*	i0:[0-9]*	d[0-9]*		part-01	" list1
  # without verification a shared key is enough, which is exact: nothing that the index has stays
  dedup sketch -q -o s part-00
  dedup match -q --verify 0 --earlier i0 -o m s
  dedup cluster -q --verify 0 -o list m
  [ "$(dedup drop -q --clusters list part-00 | wc -l)" = 0 ]
  refused 2 'was matched with --verify 0' cluster -o list m
  dedup sketch -q --seed 3 -o other part-00
  refused 1 'i0: an index of other parameters' match --earlier i0 -o m5 other
  rm i0/band-0003-range-07.keys
  refused 1 'i0/band-0003-range-07.keys: cannot open' match --earlier i0 -o m6 s
}

@test "what is like a document that an earlier index has goes with it; with --connect earlier it stays" {
  page() { awk -v a="$1" -v b="$2" 'BEGIN { for (i = 1; i <= 200; i++) printf("%s%d ", (i <= 12 ? a : i > 188 ? b : "w"), i); print "" }'; }
  page w w > old       # changed is .85 like it, twice .72, and the two .85 like each other
  page x y > 1-twice
  page x w > 2-changed
  dedup sketch -q -o before old
  dedup match -q --index index -o m0 before
  dedup sketch -q -o s 1-twice 2-changed
  dedup match -q --earlier index -o m s
  dedup cluster -q -o any m
  dedup cluster -q --connect earlier -o earlier m
  [ "$(grep -v '^#' any | tail -n +2 | cut -f 1,3)" = $'index:1\t1-twice:1\nindex:1\t2-changed:1' ]
  [ "$(grep -v '^#' earlier | tail -n +2 | cut -f 1,3)" = $'index:1\t2-changed:1' ]
}

@test "a truncated, damaged or mixed file is refused by name" {
  split -n l/2 -d "$made" part-
  steps run part-* > /dev/null
  cp -r run good
  local f=run/sketches/part-00.sketch size
  restore() { rm -rf run && cp -r good run; }
  flip() { # FILE OFFSET
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "\\x$(printf %02x $((byte ^ 64)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2> /dev/null
  }
  size=$(stat -c %s $f)
  truncate -s $((size - 1)) $f
  refused 1 "$f: .*truncated" match -f -o m run/sketches
  truncate -s 20 $f
  refused 1 "$f: .*truncated" match -f -o m run/sketches
  : > $f
  refused 1 "$f: " match -f -o m run/sketches
  restore
  flip $f $((size / 2)) # a section
  refused 1 "$f: .*damaged" match -f -o m run/sketches
  restore
  flip $f $((size - 40)) # the table
  refused 1 "$f: .*damaged" match -f -o m run/sketches
  restore
  flip $f 30 # the header
  refused 1 "$f: " match -f -o m run/sketches
  restore
  cp run/sketches/part-00.sketch run/sketches/copy.sketch
  refused 1 'both are of the shard part-00' match -o m2 run/sketches
  restore
  dedup sketch -q --rows 4 -o other part-01
  refused 1 'its parameters .* are not those of' match -o m2 run/sketches/part-00.sketch other
  f=run/matches/band-0002-range-03.match
  truncate -s -9 $f
  refused 1 "$f: .*truncated" cluster -o list run/matches
  restore
  flip $f 160
  refused 1 "$f: " cluster -o list run/matches
  restore
  cp run/matches/band-0002-range-04.match $f
  refused 1 "$f: is not of the sketches" cluster -o list run/matches
  restore
  cp run/sketches/part-00.sketch $f
  refused 1 "$f: is a sketch, not a match" cluster -o list run/matches
  restore
  f=run/list
  truncate -s -1 $f
  refused 1 "$f: .*truncated" drop --clusters $f part-00
  restore
  sed -i '3s/part-00/part-01/' $f
  refused 1 "$f: the rows of shard part-00 .*damaged" drop --clusters $f part-00
  restore
  sed -i 's/^#shard	part-00	\(.\)/#shard	part-00	9/' $f
  refused 1 "$f: .*damaged" drop --clusters $f part-00
  restore
  refused 1 'part-02: is no shard of' drop --clusters $f part-00 part-02
  printf 'x\n' >> part-01
  refused 1 'part-01: changed since it was sketched' drop --clusters $f -o out part-01
  [ -z "$(ls -A out)" ]
  refused 1 'part-01: changed since it was sketched' cluster -o list run/matches
}

@test "what is there is kept, also after a restart; other parameters or inputs are refused; -f replaces" {
  split -n l/3 -d "$made" part-
  dedup sketch -q -o s part-00 part-01
  touch -d '2 hours ago' s/*
  local before
  before=$(stat -c %y s/*)
  dedup sketch -q --stats stats.json -o s part-00 part-01
  [ "$(stat -c %y s/*)" = "$before" ]
  grep -q '"shards_found": *2' stats.json
  refused 1 's/part-00.sketch: was made with other parameters' sketch --seed 1 -o s part-00
  dedup sketch -q -f --seed 1 -o s part-00
  refused 1 'its parameters' match -o m s
  dedup sketch -q -f -o s part-00
  dedup match -q -o m s
  before=$(stat -c %y m/*)
  dedup match -q --stats stats.json -o m s
  [ "$(stat -c %y m/*)" = "$before" ]
  grep -q '"units_found": *224' stats.json
  truncate -s 30 m/band-0001-range-01.match
  dedup match -o m s 2> err
  grep -q 'band-0001-range-01.match: .*truncated.*which is done' err
  sed -i 1,3d part-01 # another shard of that name
  dedup sketch -q -o s part-01 part-02
  refused 1 'm: the folder is of other sketches' match -o m s
  dedup match -q -f -o m s
  dedup cluster -q -o list m
  dedup drop -q --clusters list -o out part-0*
  dedup cluster -q --verify 0 -o list2 m
  refused 1 'out/part-00: was made with another cluster list' drop --clusters list2 -o out part-00
  dedup drop -q -f --clusters list2 -o out part-00
  dedup drop -q --clusters list2 part-00 | cmp - out/part-00
}

@test "wrong usage" {
  refused 2 'sketch: -o names' sketch "$made"
  refused 2 'no shards are named' sketch -o s
  refused 2 'cannot be standard input' sketch -o s -
  refused 2 'match: -o names' match s
  refused 2 'no sketches are named' match -o m
  refused 1 's: ' match -o m s
  refused 2 'no matches are named' cluster -o list
  refused 2 '--clusters names the list' drop "$made"
  refused 2 '--clusters is an option of drop' cluster --clusters x -o list m
  refused 2 '--earlier, --index and --part are options of match' sketch --index i -o s "$made"
  refused 2 '--rejects is an option of drop' cluster --rejects r -o list m
  refused 2 'belong to steps' --earlier i "$made"
  dedup sketch -q -o s "$made"
  refused 2 '--part 4/3: not K/N' match --part 4/3 -o m s
  refused 2 '--part 0/3: not K/N' match --part 0/3 -o m s
  refused 2 '--part 1: not K/N' match --part 1 -o m s
  mkdir a b && cp "$made" a/x.tsv && gzip -c "$made" > b/x.tsv.gz
  dedup sketch -q -o s2 a/x.tsv b/x.tsv.gz
  dedup match -q -o m2 s2
  dedup cluster -q -o list m2
  refused 2 'two shards would go there' drop --clusters list -o out a/x.tsv b/x.tsv.gz
  [ "$(dedup drop -q --clusters list b/x.tsv.gz | wc -l)" = 0 ]
  refused 2 'a/x.tsv: the shard itself would be replaced' drop --clusters list -o a a/x.tsv
  ln -s a c && cmp "$made" a/x.tsv
  refused 2 'the shard itself would be replaced' drop --clusters list -o c a/x.tsv
}

@test "three hundred shards with twenty descriptors" {
  split -n l/300 -d -a 3 "$made" part-
  options='' decide=''
  (ulimit -n 20 && steps run part-* > got)
  dedup -q -o want part-*
  cmp want got
}

@test "empty shards, empty documents, shards without an end of line" {
  : > a
  printf 'x\ta b c d e f\n\n\ny\t' > b
  printf 'z\tA, b c d. e f' > c
  dedup -q -o want a b c
  options='' decide=''
  steps run a b c > got
  cmp want got
  steps alone a > got
  [ ! -s got ]
}
