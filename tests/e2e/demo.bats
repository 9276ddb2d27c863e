#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The demo's Makefile over two small sites whose pages have a known fate (pages.pl), with models that train in a second.

bats_require_minimum_version 1.5.0

demo() { # OUT [argument of make...]
  make --no-print-directory -C "$HERE/../../pipelines/demo" CONFIG="$HERE/demo.mk" OUT="$1" BIN="$BIN" JOBS=2 "${@:2}" 3>&-
}

# What must not depend on kills.
digest() { # OUT
  (cd "$1" && find documents language tokens samples runs law -type f ! -name '*.log.tsv' ! -name '*.part' -print0 | sort -z | xargs -0 sha256sum)
}

setup_file() {
  export BIN=${BIN:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/build/bin} LC_ALL=C
  export HERE=$BATS_TEST_DIRNAME PAGES=$BATS_FILE_TMPDIR/pages WHOLE=$BATS_FILE_TMPDIR/whole
  mkdir "$PAGES"
  perl "$BATS_TEST_DIRNAME/pages.pl" "$PAGES"
  demo "$WHOLE" > "$BATS_FILE_TMPDIR/log" 2>&1 || { cat "$BATS_FILE_TMPDIR/log" >&2; return 1; }
  digest "$WHOLE" > "$BATS_FILE_TMPDIR/digest"
}

# The finished crawl under a new folder, nothing built on it yet.
crawled() { # OUT
  mkdir "$1"
  cp -a "$WHOLE"/{packages,sites,crawl,server} "$1/"
  mkdir "$1/options"
  cp -a "$WHOLE"/options/{site,packages,crawl}-* "$1/options/"
}

# A run in a process group of its own, and its end by kill -9 of all of it; false when it had ended before.
start() { # OUT
  setsid bash -c "$(declare -f demo); demo $1" > "$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
  running=$!
}
stop() {
  kill -9 -- "-$running" 2> /dev/null || return 1
  wait "$running" 2> /dev/null || true
}

@test "each page meets its fate, and the report's funnel says so" {
  cut -f 1-4 "$WHOLE/report/funnel.tsv" > "$BATS_TEST_TMPDIR/funnel"
  diff - "$BATS_TEST_TMPDIR/funnel" << END
$(printf '%s\t%s\t%s\t%s\n' \
  stage set reason documents \
  extract kept '' 105   extract warc2txt status 7   extract warc2txt type 1 \
  language kept '' 79   language langid language 26 \
  quality kept '' 70    quality gopher-quality gopher_short_doc 8   quality gopher-quality gopher_above_avg_threshold 1 \
  dedup kept '' 60      dedup minhash-dedup duplicate 10)
END
  [ "$(cat "$WHOLE"/documents/{train,validation}.tsv | wc -l)" = 60 ]
}

@test "nothing is lost between the stages" {
  for stage in extract language quality dedup; do
    awk -f "$BATS_TEST_DIRNAME/../../pipelines/json.awk" "$WHOLE/stats/$stage.json" > "$BATS_TEST_TMPDIR/stats"
    [ "$(awk -F '\t' '$1 == "in" { n += $2 } $1 == "out" || $1 == "rejected" || $1 == "bad" { n -= $2 } END { print n + 0 }' "$BATS_TEST_TMPDIR/stats")" = 0 ]
    [ "$(awk -F '\t' '$1 == "rejected" { print $2 }' "$BATS_TEST_TMPDIR/stats")" = "$(wc -l < "$WHOLE/rejects/$stage.tsv")" ]
  done
}

@test "pages teach the classifier the language they say" {
  [ "$(cut -f 2 "$WHOLE/language/attributes.tsv" | sort | uniq -c | tr -s ' ')" = ' 12 de' ]
  [ "$(cat "$WHOLE"/language/t{rain,est}.tsv | cut -f 1 | sort | uniq -c | tr -s ' ' | paste -sd,)" = ' 26 de, 71 en' ]
  awk -F '\t' 'NR > 1 && $1 != $2 { exit 1 }' "$WHOLE/language/confusion.tsv"
}

@test "the crawl's manifest holds" {
  cd "$WHOLE/crawl/web"
  [ "$(ls | grep -c 'warc.gz$')" = "$(awk 'NR > 1' MANIFEST.tsv | wc -l)" ]
  while read -r name size hash; do
    [ "$name" = file ] || { [ "$(stat -c %s "$name")" = "$size" ] && [ "$(sha256sum < "$name")" = "$hash  -" ]; }
  done < MANIFEST.tsv
}

@test "the report loads nothing, escapes what it quotes, and shows prediction and outcome" {
  page=$WHOLE/report/index.html
  ! grep -E '<(script|link|img|iframe)|@import|url\(' "$page"
  [ "$(grep -c '<svg' "$page")" = 2 ]
  grep -q '&lt;\|&amp;' "$page"
  [ "$(grep -o '<polyline' "$page" | wc -l)" -ge 10 ]
  loss=$(awk -F '\t' 'NR == 2 { printf "%.4f", $4 }' "$WHOLE/runs/c/run.tsv")
  predicted=$(awk -F '\t' '$2 ~ /^loss@/ { printf "%.4f", $3 }' "$WHOLE/law/law.tsv")
  grep -q "Predicted $predicted, measured <b>$loss</b>" "$page"
  ! grep -n 'nan\|inf\b' <(sed '/<style>/,/<\/style>/d; /<pre>/,/<\/pre>/d' "$page" | grep -o '<svg.*\|points="[^"]*"\|<td[^>]*>[^<]*')
}

@test "what the law was asked about is what was trained" {
  awk -F '\t' 'NR == FNR { if ($2 ~ /^loss@/) split(substr($2, 6), asked, ","); next }
    FNR == 2 { exit !($1 == asked[1] && $2 <= asked[2] && $2 > asked[2] - 128) }' "$WHOLE/law/law.tsv" "$WHOLE/runs/c/run.tsv"
}

@test "a second run does nothing" {
  touch "$BATS_TEST_TMPDIR/now"
  run demo "$WHOLE"
  [ "$status" = 0 ]
  [ "$output" = "demo: $WHOLE/report/index.html" ]
  [ -z "$(find "$WHOLE" -type f -newer "$BATS_TEST_TMPDIR/now")" ]
}

@test "a changed option rebuilds what depends on it and nothing else" {
  cp -a "$WHOLE" "$BATS_TEST_TMPDIR/out"
  run demo "$BATS_TEST_TMPDIR/out" SAMPLE='-n 3'
  [ "$status" = 0 ]
  [[ $output == *sample* && $output == *report* && $output != *train* && $output != *dedup* ]]
}

@test "killed again and again it ends with the same bytes" {
  out=$BATS_TEST_TMPDIR/out
  crawled "$out"
  kills=0
  for seconds in 0.1 0.3 0.5 0.7 0.4 0.9 1.1 0.6 0.8 0.2; do
    start "$out"
    sleep "$seconds"
    ! stop || kills=$((kills + 1))
  done
  [ "$kills" -ge 3 ]
  run demo "$out"
  echo "$output"
  [ "$status" = 0 ]
  [[ $output != *crawl*web* ]]
  digest "$out" | diff "$BATS_FILE_TMPDIR/digest" -
  [ -z "$(find "$out" -name '*.part')" ]
}

@test "a run killed in the middle of its steps goes on from its checkpoint" {
  out=$BATS_TEST_TMPDIR/out
  cp -a "$WHOLE" "$out"
  rm -r "$out"/runs/c "$out"/runs/c.*
  start "$out"
  for _ in {1..200}; do [ -e "$out/runs/c/latest" ] && break; sleep 0.02; done
  stop || skip 'it was faster than the kill'
  started=$(stat -c %i "$out/runs/c.key")
  demo "$out"
  [ "$(stat -c %i "$out/runs/c.key")" = "$started" ]
  digest "$out" | diff "$BATS_FILE_TMPDIR/digest" -
}

@test "a crawl that was killed is not taken for a crawl" {
  out=$BATS_TEST_TMPDIR/out
  start "$out"
  for _ in {1..500}; do [ -e "$out/crawl/web.part/web-00000.warc.gz" ] && break; sleep 0.01; done
  stop || skip 'it was faster than the kill'
  [ ! -e "$out/crawl/web/MANIFEST.tsv" ]
  run demo "$out"
  [ "$status" = 0 ]
  [[ $output == *'106 pages, done'* ]]
  cmp "$out/report/funnel.tsv" "$WHOLE/report/funnel.tsv"
}

@test "a crawl that is not what its manifest says is refused" {
  out=$BATS_TEST_TMPDIR/out
  crawled "$out"
  truncate -s -1 "$out/crawl/web/web-00000.warc.gz"
  run demo "$out"
  [ "$status" != 0 ]
  [[ $output == *'web-00000.warc.gz: FAILED'* ]]
  [ ! -e "$out/documents/extracted.tsv" ]
}

@test "tables count what is there when a stage removes nothing or everything" {
  cd "$BATS_TEST_TMPDIR"
  : > nothing
  printf 'set:why\ta\tb\nset:why\tc\tde\n' > rejects
  [ "$(awk -f "$HERE/../../pipelines/demo/report/count.awk" -v stage=s nothing rejects | paste -sd,)" = "$(printf 's\tkept\t\t0\t0,s\tset\twhy\t2\t3')" ]
  [ "$(awk -f "$HERE/../../pipelines/demo/report/count.awk" -v stage=s rejects nothing)" = "$(printf 's\tkept\t\t2\t3')" ]
  printf 'id\thttp://a.test/x.html\t\t%0300d\n' 0 > documents
  [ "$(for part in train test; do awk -f "$HERE/../../pipelines/demo/language.awk" -v languages=en -v english=a -v cut=5 -v part=$part nothing documents; done)" = "$(printf 'en\t00000')" ]
}

@test "two runs at once wait for each other" {
  out=$BATS_TEST_TMPDIR/out
  crawled "$out"
  demo "$out" > "$BATS_TEST_TMPDIR/first" 2>&1 &
  for _ in {1..100}; do [ -e "$out/options/extract" ] && break; sleep 0.02; done
  run demo "$out"
  [ "$status" = 0 ]
  [[ $output == *waiting* ]]
  wait $!
  digest "$out" | diff "$BATS_FILE_TMPDIR/digest" -
}
