#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The recipes of pipelines/classifier on texts made here: what they train, choose, measure and rebuild.  The packages that
# they take without data of one's own want the network and are left out.

setup_file() {
  export HERE=$BATS_TEST_DIRNAME WHOLE=$BATS_FILE_TMPDIR/out DATA=$BATS_FILE_TMPDIR/data
  export BIN=${BIN:-$BATS_TEST_DIRNAME/../../build/bin}
  mkdir "$DATA"
  awk -v data="$DATA" 'BEGIN {
    split("because therefore explain theorem measure result method reason example study", good, " ")
    split("buy cheap click login price offer share cookie menu subscribe", bad, " ")
    split("the of a and to in is that it for on with", both, " ")
    srand(7)
    for (i = 0; i < 400; i++) {
      kind = i % 2
      text = "d" i
      for (w = 0; w < 60; w++) {
        x = rand()
        text = text " " (x < .6 ? both[1 + int(rand() * 12)] : (x < .9) == kind ? good[1 + int(rand() * 10)] : bad[1 + int(rand() * 10)]) (rand() < .1 ? i : "")
      }
      if (kind) print "http://good.test/" i "\t" text > (data "/good.tsv")
      else printf "{\"id\": \"c%d\", \"text\": \"%s\"}\n", i, text > (data "/crawl.jsonl")
      print (i % 4 == 3 ? "nsfw" : i % 4 == 1 ? "toxic" : "safe") "\t" text (i % 4 == 3 ? " nude nude" : i % 4 == 1 ? " fool fool" : "") > (data "/labelled.tsv")
    }
  }' < /dev/null
  sed -n 1,40p "$DATA/good.tsv" | sed 's/^[^\t]*\t\(.*\)$/{"text": "\1", "label": 1}/' > "$DATA/eval.jsonl"
  sed -n 1,40p "$DATA/crawl.jsonl" | sed 's/^{"id": "[^"]*", \("text": .*\)}$/{\1, "label": 0}/' >> "$DATA/eval.jsonl"
  classify "$WHOLE" > "$BATS_FILE_TMPDIR/printed" 2>&1 || { cat "$BATS_FILE_TMPDIR/printed"; return 1; }
}

classify() {
  local out=$1
  shift
  "${MAKE:-make}" --no-print-directory -C "$HERE/../../pipelines/classifier" OUT="$out" JOBS=2 POSITIVES="$DATA/good.tsv" NEGATIVES="$DATA/crawl.jsonl" \
    EVAL="$DATA/eval.jsonl" SAFETY_DATA="$DATA/labelled.tsv" SAFE=safe QUALITY_TRAIN='--maxn 0 --word-ngrams 2 --dim 10 --lr 0.5 --epoch 20 --bucket 5k --piece 0' \
    SAFETY_TRAIN='--maxn 0 --dim 10 --lr 0.5 --epoch 20 --bucket 5k --piece 0 --balance --quantize' "$@"
}

cell() { awk -F '\t' -v set="$2" -v column="$3" '$1 == set { print $column }' "$1"; }

@test "the recipes measure what their last command keeps" {
  for recipe in quality/quality.bin:hq safety/safety.ftz:safe; do
    folder=$WHOLE/${recipe%/*}
    "$BIN/qfilter" -q --model "$WHOLE/${recipe%:*}" --label "${recipe#*:}" --min "$(cat "$folder/threshold")" "$folder/test.tsv" | cut -f 1 > "$BATS_TEST_TMPDIR/kept"
    if [ "${recipe#*:}" = hq ]; then
      taken=$(wc -l < "$BATS_TEST_TMPDIR/kept") hits=$(grep -cx hq "$BATS_TEST_TMPDIR/kept")
    else
      taken=$(($(wc -l < "$folder/test.tsv") - $(wc -l < "$BATS_TEST_TMPDIR/kept"))) hits=$(($(cut -f 1 "$folder/test.tsv" | grep -vcx safe) - $(grep -vcx safe "$BATS_TEST_TMPDIR/kept" || true)))
    fi
    [ "$(cell "$folder/results.tsv" test 4)" = "$taken" ]
    [ "$(cell "$folder/results.tsv" test 5)" = "$(awk -v a="$hits" -v b="$taken" 'BEGIN { printf "%.4f", a / b }')" ]
  done
  grep "^qfilter --model .*/quality.bin --label hq --min $(cat "$WHOLE/quality/threshold") documents.tsv$" "$BATS_FILE_TMPDIR/printed"
  grep "^qfilter --model .*/safety.ftz --label safe --min $(cat "$WHOLE/safety/threshold") " "$BATS_FILE_TMPDIR/printed"
  ! grep -i 'debian\|sayings' "$BATS_FILE_TMPDIR/printed"
}

@test "what can be told apart is" {
  awk -v p="$(cell "$WHOLE/quality/results.tsv" test 11)" -v q="$(cell "$WHOLE/quality/results.tsv" eval 11)" -v r="$(cell "$WHOLE/safety/results.tsv" test 8)" 'BEGIN { exit !(p > .95 && q > .95 && r > .6) }'
}

@test "the threshold keeps its part of the crawl and catches its part of the unsafe" {
  n=$(awk -F '\t' '$1 == "cc"' "$WHOLE/quality/choose.tsv" | wc -l)
  kept=$(awk -F '\t' '$1 == "cc"' "$WHOLE/quality/choose.tsv" | "$BIN/qfilter" -q --model "$WHOLE/quality/quality.bin" --label hq --min "$(cat "$WHOLE/quality/threshold")" | wc -l)
  [ "$n" -ge 15 ] && [ "$kept" = $((n / 10)) ]
  n=$(awk -F '\t' '$1 != "safe"' "$WHOLE/safety/choose.tsv" | wc -l)
  passed=$(awk -F '\t' '$1 != "safe"' "$WHOLE/safety/choose.tsv" | "$BIN/qfilter" -q --model "$WHOLE/safety/safety.ftz" --label safe --min "$(cat "$WHOLE/safety/threshold")" | wc -l)
  [ "$n" -ge 15 ] && [ "$passed" -le $((n / 5)) ]
}

@test "no text is in two parts" {
  for recipe in quality safety; do
    cat "$WHOLE/$recipe"/{train,choose,test}.tsv | sort > "$BATS_TEST_TMPDIR/all"
    cmp "$BATS_TEST_TMPDIR/all" <(sort "$WHOLE/$recipe/unique.tsv")
    [ -z "$(uniq -d "$BATS_TEST_TMPDIR/all")" ]
  done
}

@test "a second run does nothing, another threshold trains nothing" {
  touch "$BATS_TEST_TMPDIR/now"
  sleep 0.01
  cp -a "$WHOLE" "$BATS_TEST_TMPDIR/out"
  classify "$BATS_TEST_TMPDIR/out"
  [ -z "$(find "$BATS_TEST_TMPDIR/out" -type f -newer "$BATS_TEST_TMPDIR/now")" ]
  run classify "$BATS_TEST_TMPDIR/out" KEEP=0.3
  [ "$status" = 0 ]
  [[ $output != *training* ]]
  [ "$(cat "$BATS_TEST_TMPDIR/out/quality/threshold")" != "$(cat "$WHOLE/quality/threshold")" ]
  [ -z "$(find "$BATS_TEST_TMPDIR/out" -name '*.bin' -newer "$BATS_TEST_TMPDIR/now")" ]
}

@test "positives without negatives are refused" {
  run classify "$BATS_TEST_TMPDIR/out" NEGATIVES=
  [ "$status" != 0 ]
  [[ $output == *'belong together'* ]]
}

@test "fortune cookies become labelled texts" {
  printf 'one\n\ttwo \\\n%%\n%%\n- -\n%%\nthree' > "$BATS_TEST_TMPDIR/a"
  printf 'four\n%%\n' > "$BATS_TEST_TMPDIR/b"
  run awk -v label=x -f "$HERE/../../pipelines/classifier/fortunes.awk" "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
  [ "$output" = "$(printf '%s\n' 'x	one\n\ttwo \\' 'x	three' 'x	four')" ]
}

@test "dclm-quality's labels are read" {
  eval=$HERE/../../../shared/data/eval/dclm-quality/data/agreement_data.jsonl
  [ -e "$eval" ] || skip 'no ../shared'
  classify "$BATS_TEST_TMPDIR/out" EVAL="$(realpath "$eval")" "$BATS_TEST_TMPDIR/out/quality/eval.jsonl"
  [ "$(wc -l < "$BATS_TEST_TMPDIR/out/quality/eval.jsonl")" = "$(wc -l < "$eval")" ]
  [ "$(grep -c '"id": "hq"' "$BATS_TEST_TMPDIR/out/quality/eval.jsonl")" = "$(grep -c '"label": 1' "$eval")" ]
}
