#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# pipelines/crawl over a small crawl on a server that misbehaves on demand (crawl_server.c).  Whatever happens on the way, the
# documents are those of the same archives read as local files.

bats_require_minimum_version 1.5.0

setup_file() {
  export BIN=${BIN:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/build/bin} LC_ALL=C CRAWL2LM_URL_BACKOFF=0 CRAWL2LM_URL_RETRIES=6 no_proxy=127.0.0.1
  export HERE=$BATS_TEST_DIRNAME ROOT=$BATS_FILE_TMPDIR/root JOURNAL=$BATS_FILE_TMPDIR/journal LOCAL=$BATS_FILE_TMPDIR/local
  cd "$BATS_FILE_TMPDIR"
  cc -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined -pthread -o crawl_server "$HERE/crawl_server.c"
  mkdir pages
  perl "$HERE/pages.pl" pages
  perl "$HERE/crawl.pl" "$ROOT" pages
  ./crawl_server "$ROOT" "$JOURNAL" > port 3>&- &
  echo $! > server.pid
  for _ in {1..200}; do [ -s port ] && break; sleep .02; done
  export SERVER=http://127.0.0.1:$(cat port)
  crawl "$LOCAL" BASE="$ROOT" > log 2>&1 || { cat log >&2; return 1; }
}

teardown_file() { kill "$(cat "$BATS_FILE_TMPDIR/server.pid")" 2> /dev/null || true; }

setup() {
  cd "$BATS_TEST_TMPDIR"
  OUT=$BATS_TEST_TMPDIR/out
  : > "$JOURNAL"
}

teardown() { ! mountpoint -q "$BATS_TEST_TMPDIR/small" || umount "$BATS_TEST_TMPDIR/small"; }

crawl() { # OUT [argument of make...]
  make -f "$HERE/../../pipelines/crawl/Makefile" CRAWL=CC-MAIN-TEST SEGMENTS=all FILTER='--rules gopher-quality,fineweb' MIN_FREE=1M \
    BIN="$BIN" OUT="$1" -j2 "${@:2}" 3>&-
}
archive() { printf 'CC-MAIN-20260714000000-%05d' "$1"; }
same() { # [FOLDER...]: documents, rejects and the table of the archives are those of local files
  local folder
  for folder in "${@:-documents rejects}"; do
    for folder in $folder; do diff -r "$LOCAL/$folder" "$OUT/$folder" || return 1; done
  done
  cmp "$LOCAL/picked.names" <(cut -f 1 "$OUT/picked.tsv") 2> /dev/null || cut -f 1 "$LOCAL/picked.tsv" | diff - <(cut -f 1 "$OUT/picked.tsv")
}
asked() { awk -F '\t' -v p="$1" 'index($2, p) { n++ } END { print n + 0 }' "$JOURNAL"; } # answers for paths that hold $1
working() { # until the first archive is being read
  for _ in {1..500}; do
    if [ -p "$OUT/unfinished/$(archive 0)/kept" ]; then return; fi
    sleep .01
  done
}
whole() { # nothing of a half-done archive is left
  [ ! -e "$OUT/unfinished" ] && [ -z "$(find "$OUT" -name '*.part' -o -name '.*.tmp*')" ]
}

@test "the archives of a server are the archives of a folder, and each is asked for once" {
  crawl "$OUT" BASE="$SERVER/"
  same && whole
  [ "$(find "$OUT/documents" -type f | wc -l)" = 6 ]
  [ "$(wc -l < "$JOURNAL")" = 7 ]
  [ "$(asked warc.paths.gz)" = 1 ]
  for i in 0 1 2 3 4 5; do [ "$(asked "$(archive $i).warc.gz")" = 1 ]; done
}

@test "the documents are what the programs give by themselves" {
  for i in 1 4; do
    file=$(grep -F "$(archive $i)" "$LOCAL/picked.tsv" | cut -f 2)
    "$BIN/warc2txt" -q --rejects r1 "$file" | "$BIN/qfilter" -q --rules gopher-quality,fineweb --rejects r2 > want
    zstd -qdc "$LOCAL/documents/$(archive $i).tsv.zst" | cmp want -
    cat r1 r2 > rejects
    zstd -qdc "$LOCAL/rejects/$(archive $i).tsv.zst" | cmp rejects -
    [ -s want ] && [ -s r1 ] && [ -s r2 ]
  done
}

@test "as many connections as -j says, at most CONNECTIONS" {
  for jobs in -j3:8:3 -j8:2:2 -j:3:3; do
    IFS=: read -r flag limit most <<< "$jobs"
    rm -rf "$OUT"
    : > "$JOURNAL"
    crawl "$OUT" BASE="$SERVER/@slow:2000" SEGMENTS=4 CONNECTIONS=$limit "$flag"
    # a connection that ends where another begins is not beside it
    awk -F '\t' '{ print $6 + 1 "\t1"; print $1 "\t-1" }' "$JOURNAL" | sort -n -k 1,1 -k 2,2 |
      awk -v most="$most" '{ n += $2; if (n > high) high = n } END { print high; exit high > most || high < 2 }'
  done
}

@test "make -n does nothing" {
  run -0 crawl "$OUT" BASE="$SERVER" -n
  [ ! -e "$OUT" ] && [ ! -s "$JOURNAL" ]
}

@test "a second run asks for nothing and says nothing" {
  cp -a "$LOCAL" "$OUT"
  before=$(find "$OUT/documents" "$OUT/rejects" "$OUT/stats" -type f -printf '%p %i %T@\n' | sort)
  run crawl "$OUT" BASE="$ROOT"
  [ "$status" = 0 ] && [ -z "$output" ]
  [ "$before" = "$(find "$OUT/documents" "$OUT/rejects" "$OUT/stats" -type f -printf '%p %i %T@\n' | sort)" ]
}

@test "connections that break in the middle, once or every time, go on where they broke" {
  for fault in drop:7000 drops:6000; do
    rm -rf "$OUT"
    : > "$JOURNAL"
    crawl "$OUT" BASE="$SERVER/@$fault"
    same && whole
    awk -F '\t' '$3 > 0 && $4 == 206 { n++ } END { exit n < 6 }' "$JOURNAL"
    # no byte is sent twice
    awk -F '\t' '{ got[$2] += $5; end[$2] = $3 + $5 > end[$2] ? $3 + $5 : end[$2] } END { for (p in got) if (got[p] != end[p]) exit 1 }' "$JOURNAL"
  done
}

@test "a server that knows no ranges sends the whole again, which is read past" {
  crawl "$OUT" BASE="$SERVER/@whole:0/@drop:7000"
  same && whole
  ! cut -f 4 "$JOURNAL" | grep 206
}

@test "503 with Retry-After is waited for as long as it says" {
  crawl "$OUT" BASE="$SERVER/@busy:1" SEGMENTS=2
  cmp "$OUT/documents/$(archive 1).tsv.zst" "$LOCAL/documents/$(archive 1).tsv.zst"
  [ "$(cut -f 4 "$JOURNAL" | sort | uniq -c | tr -s ' ' | paste -sd,)" = ' 3 200, 3 503' ]
  awk -F '\t' '$4 == 503 { from[$2] = $1 } $4 == 200 && $1 - from[$2] < 990 { exit 1 }' "$JOURNAL"
}

@test "redirects are followed, over http only" {
  crawl "$OUT" BASE="$SERVER/@moved:301/@moved:302/@moved:307"
  same && whole
  [ "$(asked @moved)" = 21 ]
  zcat "$ROOT/crawl-data/CC-MAIN-TEST/warc.paths.gz" | head -n 2 > list
  run -2 crawl "$BATS_TEST_TMPDIR/away" PATHS=list BASE="$SERVER/@away:302"
  [[ $output == *"neither http nor https"* ]]
  [ "$(find "$BATS_TEST_TMPDIR/away"/{documents,rejects} -type f | wc -l)" = 0 ]
  run -1 "$BIN/warc2txt" "$SERVER/@away:302/x.warc.gz"
}

@test "a Content-Length that says too much changes nothing; what is cut short is a bad record of the table" {
  crawl "$OUT" BASE="$SERVER/@more:100" PATHS="$ROOT/crawl-data/CC-MAIN-TEST/warc.paths.gz"
  same && whole
  rm -rf "$OUT"
  crawl "$OUT" BASE="$SERVER/@less:100" PATHS="$ROOT/crawl-data/CC-MAIN-TEST/warc.paths.gz"
  [ "$(awk -F '\t' '$1 == "extract" && $2 == "bad" { print $4 }' "$OUT/funnel.tsv")" = 6 ]
}

@test "an archive that is not there is reported, the others are finished, and the next run goes on" {
  { zcat "$ROOT/crawl-data/CC-MAIN-TEST/warc.paths.gz" | head -n 3; echo crawl-data/CC-MAIN-TEST/lost.warc.gz; } > list
  run -2 crawl "$OUT" PATHS=list BASE="$SERVER"
  [[ $output == *"crawl: lost: warc2txt: $SERVER/crawl-data/CC-MAIN-TEST/lost.warc.gz: HTTP status 404"* ]]
  [[ $output == *'3 of 4 archives are there, 1 failed'* ]]
  [ "$(find "$OUT/documents" -type f | wc -l)" = 3 ]
  grep -q 404 "$OUT/failed/lost"
  ! compgen -G "$OUT/*/lost.*"
  whole
  [ "$(asked lost)" = 1 ]
  # dedup waits for all, PARTIAL=1 does not
  run -2 crawl "$OUT" PATHS=list BASE="$SERVER" dedup
  [ ! -e "$OUT/dedup/documents.tsv.zst" ]
  run -2 crawl "$OUT" PATHS=list BASE="$SERVER" dedup PARTIAL=1
  [ -s "$OUT/dedup/documents.tsv.zst" ]
  # the server finds it again
  cp "$ROOT"/crawl-data/CC-MAIN-TEST/segments/1700000000.1/warc/"$(archive 4)".warc.gz "$ROOT/crawl-data/CC-MAIN-TEST/lost.warc.gz"
  crawl "$OUT" PATHS=list BASE="$SERVER"
  rm "$ROOT/crawl-data/CC-MAIN-TEST/lost.warc.gz"
  [ ! -e "$OUT/failed/lost" ]
  cmp "$OUT/documents/lost.tsv.zst" "$LOCAL/documents/$(archive 4).tsv.zst"
  for i in 0 1 2; do [ "$(asked "$(archive $i).warc.gz")" = 1 ]; done
}

@test "what is no archive has failed: a page in its place, or nothing" {
  echo '<html><title>Log in</title></html>' > page.warc.gz
  : > empty.warc.gz
  printf '%s\n' page.warc.gz empty.warc.gz > list
  run -2 crawl "$OUT" PATHS=list BASE=.
  [[ $output == *'page: no record in it could be read'* && $output == *'empty: no record in it could be read'* ]]
  [ "$(find "$OUT"/{documents,rejects,stats} -type f | wc -l)" = 0 ]
}

@test "after FAILURES failures no further archive is begun" {
  for i in 1 2 3 4 5 6 7 8 9; do echo "gone/$i.warc.gz"; done > list
  run -2 crawl "$OUT" PATHS=list BASE="$SERVER" FAILURES=2 -j1
  [[ $output == *'0 of 9 archives are there, 2 failed'*'7 were not tried'*'stopped: 2 archives failed'* ]]
  [ "$(asked gone)" = 2 ]
}

@test "wrong options, a missing program, a full disk stop the run at once" {
  run -2 crawl "$OUT" BASE="$SERVER" FILTER=--nonsense -j1
  [[ $output == *'qfilter: unknown option --nonsense'*'5 were not tried'* ]]
  run -2 crawl "$OUT" BASE="$SERVER" MIN_FREE=900P
  [[ $output == *'6 were not tried'*'stopped: less than 900P is free'* ]]
  mkdir programs
  ln -s "$BIN/qfilter" programs/
  run -2 crawl "$OUT" BASE="$SERVER" BIN=programs -j1
  [[ $output == *'programs/warc2txt'*'5 were not tried'* ]]
  [ "$(find "$OUT"/{documents,rejects,stats} -type f | wc -l)" = 0 ]
  whole
}

@test "a disk that fills up leaves whole archives only, and more room lets the run go on" {
  [ "$(id -u)" = 0 ] || skip 'mounting a small disk needs root'
  mkdir small
  mount -t tmpfs -o size=160k none small 2> /dev/null || skip 'mounting is not permitted here'
  OUT=$PWD/small/out
  run crawl "$OUT" BASE="$SERVER" MIN_FREE=1 -j1
  echo "$output"
  done=$(find "$OUT/documents" -type f | wc -l)
  for file in "$OUT"/documents/*; do cmp "$file" "$LOCAL/documents/${file##*/}" || done=half; done
  mount -o remount,size=10m small
  run -0 crawl "$OUT" BASE="$SERVER" MIN_FREE=1
  state=$(same && whole && echo same)
  asked=$(asked .warc.gz)
  echo "$done were there, $asked asked for"
  [ "$done" != half ] && [ "$done" -lt 6 ] && [ "$state" = same ]
}

@test "a file size limit fails every writer, and nothing half is there" {
  run -2 bash -c "$(declare -f crawl); ulimit -f 1; crawl '$OUT' BASE='$ROOT'"
  echo "$output"
  [ "$(find "$OUT"/{documents,rejects} -type f | wc -l)" = 0 ]
  crawl "$OUT" BASE="$ROOT"
  same && whole
}

@test "an archive that stalls is given up after TIME_LIMIT" {
  run -2 crawl "$OUT" BASE="$SERVER/@stall:9000" PATHS="$ROOT/crawl-data/CC-MAIN-TEST/warc.paths.gz" SEGMENTS=2 TIME_LIMIT=1s
  [[ $output == *'takes longer than TIME_LIMIT=1s'*'0 of 2 archives are there, 2 failed'* ]]
  whole
}

@test "after RUN_TIME no further archive is begun, and a later run goes on; a configuration of one's own" {
  printf '%s\n' 'include $(HERE)/config.mk' 'RUN_TIME := 1s' "BASE := $SERVER/@slow:400" > mine.mk
  run -0 crawl "$OUT" CONFIG=mine.mk SEGMENTS=4 PATHS="$ROOT/crawl-data/CC-MAIN-TEST/warc.paths.gz" -j1
  [[ $output == *'of 4 archives are there, the time is over'* ]]
  [ "$(find "$OUT/documents" -type f | wc -l)" -lt 4 ]
  crawl "$OUT" BASE="$ROOT"
  same && whole
}

@test "killed with -9 in the middle of archives, again and again, it ends with the same bytes" {
  slow=$SERVER/@slow:1000
  kills=0
  : > finished
  for k in 1 2 4; do
    setsid bash -c "$(declare -f crawl); crawl '$OUT' BASE='$slow'" > log 2>&1 3>&- &
    running=$!
    for _ in {1..2000}; do # until k archives are there and others are being read
      [ "$(find "$OUT/documents" -type f 2> /dev/null | wc -l)" -lt $k ] || break
      sleep .01
    done
    sleep .1
    ! kill -9 -- "-$running" 2> /dev/null || kills=$((kills + 1))
    wait "$running" 2> /dev/null || true
    sleep .1
    for file in "$OUT"/documents/*; do
      [ -e "$file" ] || continue
      cmp "$file" "$LOCAL/documents/${file##*/}"
      file=${file##*/}
      file=${file%.tsv.zst}
      grep -q "^$file" finished || echo "$file $(asked "$file.warc.gz")" >> finished
    done
  done
  [ "$kills" -ge 2 ]
  run -0 crawl "$OUT" BASE="$slow"
  same && whole
  # what was finished is never asked for again; what was not, is
  while read -r name times; do [ "$(asked "$name.warc.gz")" = "$times" ]; done < finished
  [ -s finished ] && [ "$(asked .warc.gz)" -gt 6 ]
  [ "$(asked paths.gz)" -le 2 ]
}

@test "when make alone is killed, what it started ends its archives, and the next run waits for it" {
  crawl "$OUT" BASE="$SERVER/@slow:1000" > log 2>&1 &
  working
  make=$(< /proc/$!/task/$!/children)
  kill -9 $make
  run -0 crawl "$OUT" BASE="$SERVER/@slow:1000"
  [[ $output == *waiting* ]]
  same && whole
  [ "$(cut -f 2 "$JOURNAL" | sort | uniq -d)" = '' ]
}

@test "SIGTERM ends all programs and leaves nothing of the archives they were at" {
  setsid bash -c "$(declare -f crawl); crawl '$OUT' BASE='$SERVER/@slow:20' PATHS='$ROOT/crawl-data/CC-MAIN-TEST/warc.paths.gz'" > log 2>&1 3>&- &
  working
  kill -TERM -- "-$!"
  wait $! || true
  flock -w 5 "$OUT/lock" true # all that inherited it is gone, though the archives would take 20 seconds
  [ "$(find "$OUT/documents" "$OUT/failed" -type f | wc -l)" = 0 ]
  [ ! -e "$OUT/unfinished/$(archive 0)" ]
}

@test "two runs at once: the second waits, and nothing is asked for twice" {
  crawl "$OUT" BASE="$SERVER/@slow:1000" > first 2>&1 &
  first=$!
  for _ in {1..300}; do [ -e "$OUT/unfinished" ] && break; sleep .01; done
  run -0 crawl "$OUT" BASE="$SERVER/@slow:1000"
  [[ $output == *'waiting for the run that holds'* ]]
  wait $first
  same && whole
  [ "$(cut -f 2 "$JOURNAL" | sort | uniq -d)" = '' ]
}

@test "the table accounts for every record, and agrees with the statistics of the programs" {
  for table in "$LOCAL/funnel.tsv" "$LOCAL/funnel-archives.tsv"; do
    awk -F '\t' -v each="$([[ $table != *archives* ]] || echo 1)" '
      NR == 1 { next }
      { name = each ? $1 : "all"; if (each) { sub(/^[^\t]*\t/, "") } }
      $1 == "extract" { n[name] += $4; share[name] += $6; if ($2 == "kept") { kept[name] = $4; bytes[name] = $5 } }
      $1 == "filter" { filtered[name] += $4; size[name] += $5 }
      $1 == "archive" && $2 == "" { records[name] = $4 }
      $1 == "archive" && $2 == "skipped" { skipped[name] += $4 }
      END {
        for (name in n) {
          count++
          if (kept[name] != filtered[name] || bytes[name] != size[name] || records[name] != n[name] + skipped[name]) exit 1
          if (share[name] < .99999 || share[name] > 1.00001) exit 1
        }
        exit count != (each ? 6 : 1)
      }' "$table"
  done
  for pair in extract:warc2txt filter:qfilter; do
    for key in out rejected; do
      want=$(cat "$LOCAL"/stats/*."${pair#*:}".json | awk -v key="\"$key\":" '$1 == key { n += $2 } END { print n + 0 }')
      got=$(awk -F '\t' -v stage="${pair%:*}" -v key=$key '$1 == stage && ($2 == "kept") == (key == "out") { n += $4 } END { print n + 0 }' "$LOCAL/funnel.tsv")
      [ "$want" = "$got" ] && [ "$got" -gt 0 ]
    done
  done
  zstd -qdc "$LOCAL"/rejects/* | cut -f 1 | sort | uniq -c | awk '{ print $2, $1 }' > want
  awk -F '\t' 'NR > 1 && $3 != "" && $1 != "archive" { print $2 ":" $3, $4 }' "$LOCAL/funnel.tsv" | sort | diff want -
}

@test "duplicates and tokens" {
  cp -a "$LOCAL" "$OUT"
  crawl "$OUT" BASE="$ROOT" tokens VOCABULARY=400 SAMPLE=0.5 SHARD_TOKENS=2k
  zstd -qdc "$LOCAL"/documents/* | "$BIN/minhash-dedup" -q --clusters clusters.tsv > unique
  zstd -qdc "$OUT/dedup/documents.tsv.zst" | cmp unique -
  cmp clusters.tsv "$OUT/dedup/clusters.tsv"
  awk 'NR % 2 == 0' unique | "$BIN/bpe-train" -q -n 400 -p cl100k -o tokenizer.tsv
  cmp tokenizer.tsv "$OUT/tokens/tokenizer.tsv"
  "$BIN/bpe-encode" -q -t tokenizer.tsv -o all.bin unique
  [ "$(cat "$OUT"/tokens/shards/crawl_0*.bin | wc -c)" -gt "$(stat -c %s all.bin)" ]
  "$BIN/bpe-encode" -q -d -t tokenizer.tsv "$OUT"/tokens/shards/crawl_0*.bin | cmp <(awk -F '\t' '{ print $NF }' unique) -
  awk -F '\t' -v n="$(wc -l < unique)" '$1 == "dedup" && $2 == "kept" { found = $4 == n } END { exit !found }' "$OUT/funnel.tsv"
  # as one stream, where names do not fit a command line
  cp -a "$LOCAL" stream
  crawl stream BASE="$ROOT" dedup ARGUMENTS=0
  cmp "$OUT/dedup/documents.tsv.zst" stream/dedup/documents.tsv.zst
  cmp clusters.tsv stream/dedup/clusters.tsv
  # nothing is made twice; another option makes what depends on it
  before=$(stat -c %i "$OUT/dedup/documents.tsv.zst" "$OUT/tokens/tokenizer.tsv")
  run -0 crawl "$OUT" BASE="$ROOT" tokens VOCABULARY=400 SAMPLE=0.5 SHARD_TOKENS=2k
  [ -z "$output" ]
  run -0 crawl "$OUT" BASE="$ROOT" tokens VOCABULARY=400 SAMPLE=0.5 SHARD_TOKENS=3k
  [ "$output" = 'crawl: bpe-encode' ]
  [ "$before" = "$(stat -c %i "$OUT/dedup/documents.tsv.zst" "$OUT/tokens/tokenizer.tsv")" ]
}

@test "other options do not come beside documents that were made without them" {
  cp -a "$LOCAL" "$OUT"
  run -2 crawl "$OUT" BASE="$SERVER" FILTER='--rules c4'
  [[ $output == *'were made with other options'*'> filter --rules c4'* ]]
  [ ! -s "$JOURNAL" ]
}

@test "clean and purge" {
  cp -a "$LOCAL" "$OUT"
  crawl "$OUT" BASE="$ROOT" dedup 2> /dev/null
  crawl "$OUT" clean
  [ ! -e "$OUT/dedup" ] && [ ! -e "$OUT/funnel.tsv" ]
  same
  run -2 crawl "$OUT" purge
  same
  crawl "$OUT" purge SURE=yes
  [ "$(ls "$OUT")" = lock ]
}

@test "which archives: the first, evenly spread, at random, a share of several machines" {
  picked() { # nothing is read: no disk has so much space
    crawl "$OUT" BASE="$ROOT" MIN_FREE=900P "$@" > /dev/null 2>&1 || true
    cut -f 1 "$OUT/picked.tsv" | sed 's/.*-0000//' | paste -sd ' '
  }
  [ "$(picked SEGMENTS=2)" = '0 1' ]
  [ "$(picked SEGMENTS=3 PICK=spread)" = '1 3 5' ]
  two=$(picked SEGMENTS=2 PICK=random SEED=3)
  four=$(picked SEGMENTS=4 PICK=random SEED=3)
  for i in $two; do [[ " $four " == *" $i "* ]]; done
  [ "$(for seed in 1 2 3 4 5 6; do picked SEGMENTS=2 PICK=random SEED=$seed; done | sort -u | wc -l)" -gt 2 ]
  [ "$(for part in 1 2 3 4; do picked PART=$part/4 SEGMENTS=all; done | tr ' ' '\n' | sort | paste -sd ' ')" = '0 1 2 3 4 5' ]
  for wrong in SEGMENTS=0 SEGMENTS=x PICK=best PART=5/4 PART=0/4; do run -2 crawl "$OUT" BASE="$ROOT" $wrong; done
  printf 'a/x.warc.gz\nb/x.warc.gz\n' > list
  run -2 crawl "$BATS_TEST_TMPDIR/twice" BASE="$ROOT" PATHS=list
  [[ $output == *'several archives have the name x'* ]]
  echo '<html><title>Log in</title></html>' > list
  run -2 crawl "$BATS_TEST_TMPDIR/page" BASE="$ROOT" PATHS=list
  [[ $output == *'is not a list of archives'* ]]
}

@test "WET=1 takes the texts of the crawl" {
  crawl "$OUT" BASE="$SERVER" WET=1 COMPRESS='gzip -n'
  [ "$(find "$OUT/documents" -name '*.tsv.gz' | wc -l)" = 6 ]
  "$BIN/warc2txt" -q "$ROOT"/crawl-data/CC-MAIN-TEST/segments/*/wet/"$(archive 2)".warc.wet.gz | "$BIN/qfilter" -q --rules gopher-quality,fineweb > want
  zcat "$OUT/documents/$(archive 2).tsv.gz" | cmp want -
  [ "$(asked wet.paths.gz)" = 1 ] && [ "$(asked /warc/)" = 0 ]
}

@test "a language model is asked first, and -s says nothing but errors" {
  awk 'BEGIN { for (i = 0; i < 40; i++) {
    print "en\tthe house of the " i " gardens and that is all"
    print "de\tder Garten und das Haus mit " i " von der Stadt" } }' > labels
  "$BIN/qfilter-train" -q --dim 8 --bucket 1000 --epoch 20 -o lang.bin labels
  run -0 crawl "$OUT" BASE="$ROOT" LANGID=lang.bin LANGUAGE='--lang en --min-lang 0.5' -s
  [ -z "$output" ]
  awk -F '\t' '$2 == "langid" && $4 >= 20 { found = 1 } END { exit !found }' "$OUT/funnel.tsv"
  [ "$(wc -l < "$OUT/log")" = 6 ]
}

@test "CDX= takes the records that an index names, by their bytes" {
  zcat "$ROOT/crawl-data/CC-MAIN-TEST/warc.paths.gz" > list
  (cd "$ROOT" && "$BIN/warc2txt" -q --write-index "$BATS_TEST_TMPDIR/index.tsv" --list "$BATS_TEST_TMPDIR/list" > /dev/null)
  awk 'NR % 3 == 1' index.tsv |
    awk -F '\t' -v OFS='\t' 'NR == FNR { n = split($1, p, "/"); path[p[n]] = $1; next }
      FNR == 1 { for (i = 1; i <= NF; i++) if ($i == "filename") f = i } FNR > 1 { n = split($f, p, "/"); $f = path[p[n]] } 1' list - | gzip > some.tsv.gz
  crawl "$OUT" BASE="$SERVER" CDX=some.tsv.gz CDX_LINES=10
  n=$(($(zcat some.tsv.gz | wc -l) - 1))
  [ "$(awk -F '\t' '$1 == "extract" { n += $4 } END { print n }' "$OUT/funnel.tsv")" = $n ]
  [ "$(find "$OUT/documents" -type f | wc -l)" = $(((n + 9) / 10)) ]
  zstd -qdc "$LOCAL"/documents/* | grep -F -f <(zcat some.tsv.gz | tail -n +2 | cut -f 1) | sort > want
  zstd -qdc "$OUT"/documents/* | sort | cmp want -
  [ -s want ] && [ "$(awk -F '\t' '{ n += $5 } END { print n }' "$JOURNAL")" -lt 60000 ]
}

@test "status counts while a run goes on and afterwards" {
  crawl "$OUT" BASE="$SERVER/@slow:500" SEGMENTS=2 > /dev/null 2>&1 &
  working
  run -0 crawl "$OUT" status
  [[ $output == *$'picked\t2'*$'run\tgoing on'*$'running\tCC-MAIN-2026'* ]]
  wait $!
  run -0 crawl "$OUT" status
  [[ $output == *$'done\t2'* && $output != *'going on'* ]]
}

@test "real archives: what a server sends is what lies there" {
  data=$HERE/../../../shared/data/warc
  [ -d "$data" ] || skip 'no ../shared/data'
  find "$data" -name '*.warc.gz' -size -30k | sort > files
  ln -s "$data" "$ROOT/real"
  while read -r file; do echo "real${file#"$data"}"; done < files | awk -F / '!n[$NF]++ && NR % 2' > list
  crawl "$BATS_TEST_TMPDIR/lying" PATHS=list BASE="$ROOT" REJECTS=no || true
  crawl "$OUT" PATHS=list BASE="$SERVER/@drop:3000" REJECTS=no || true
  rm "$ROOT/real"
  diff -r "$BATS_TEST_TMPDIR/lying/documents" "$OUT/documents"
  [ "$(find "$OUT/documents" -type f | wc -l)" -ge 5 ]
  diff <(cut -f 1-4 "$BATS_TEST_TMPDIR/lying/funnel.tsv" | sort) <(cut -f 1-4 "$OUT/funnel.tsv" | sort)
}
