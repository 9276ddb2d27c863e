#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# pipelines/ablate over a small made crawl: what each recipe keeps, the table of answers, and that a run goes on where it stood.

setup_file() {
  export T=$BATS_FILE_TMPDIR HERE=$BATS_TEST_DIRNAME LC_ALL=C
  cd "$T" || return 1
  # target: sentences of one kind; crawl: such documents, shopping lists, copies, and one document of the validation half
  perl -e '
    srand 1;
    my @s = qw(ba de fi go ku la me ni po ru sa te vi wo zu); my @n = map { join "", map { $s[rand @s] } 1 .. 3 } 1 .. 2000; my @v = qw(finds keeps sells mends makes brings wants sees);
    my @o = qw(letter lamp boat wheel loaf basket window table ladder kettle);
    sub prose { join " ", map { "The $n[rand @n] of $n[rand @n] $v[rand @v] the old $o[rand @o] that $n[rand @n] had left to be with $o[rand @o] and $n[rand @n]." } 1 .. $_[0] }
    open my $t, ">", "target.tsv"; my @t = map { prose(12) } 1 .. 20; print $t "t$_\t$t[$_ - 1]\n" for 1 .. 20;
    open my $r, ">", "raw.tsv";
    for (1 .. 60) { my $p = prose(12); print $r "good$_\t$p\n"; print $r "copy$_\t$p\n" if $_ <= 10 }
    print $r "list$_\t" . join("\\n", map { "- $o[rand @o] " . int(rand 90) . " EUR" } 1 .. 40) . "\n" for 1 .. 30;
    print $r "other$_\t" . join(" ", map { "Cookies and shipping terms of the store apply to $o[rand @o] order " . int(rand 900) . " with that payment." } 1 .. 20) . "\n" for 1 .. 30;
    print $r "answer\tBefore it. $t[0] Behind it.\n";'
  ablate > log 2>&1 || { cat log >&2; return 1; }
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

ablate() {
  make --no-print-directory -C "$HERE/../../pipelines/ablate" -j2 BIN="$BIN" RAW="$T/raw.tsv" TARGET="$T/target.tsv" OUT="${OUT:-$T/out}" VOCABULARY=320 MODEL='--preset stories260k' \
    TRAINING='--steps 4 --batch 2 --seq 32' SEEDS=0,1 CLASSIFIER='--epoch 20 --dim 8 --bucket 1000 --min-count 1' 'stage-rules=qfilter --rules gopher-quality' \
    'stage-quality=qfilter --model quality=$(OUT)/classifier/model.bin --top 0.5:quality.target' "$@" 3>&-
}

ids() { cut -f 1 "$T/out/documents/$1.tsv" | sed 's/[0-9]*$//' | sort | uniq -c | awk '{ printf "%s%s %d", (NR > 1 ? ", " : ""), $2, $1 } END { print "" }'; }

@test "each recipe keeps what its stages keep; the validation text is taken out of all" {
  echo "$(ids raw); $(ids raw+rules); $(ids raw+rules+unique)"
  [ "$(ids raw)" = 'copy 10, good 60, list 30, other 30' ]
  [ "$(cut -f 1,2 "$T/out/rejects/raw.tsv")" = "$(printf 'bloom-dedup:contaminated\tanswer')" ]
  [ "$(ids raw+rules)" = 'copy 10, good 60, other 30' ]
  [[ $(ids raw+rules+unique) == 'good 60, other '* ]]
  [[ $(ids raw+rules+quality) == 'copy '*', good '* ]] # the best half is of the target's kind
}

@test "the table has a row a recipe, with intervals, and compares with the first" {
  cut -f 1,2,7 "$T/out/ablation.tsv" > rows
  diff rows - << END
$(printf '%s\t%s\t%s\n' recipe stages seeds raw - 2 rules rules 2 classifier 'rules quality' 2 dedup 'rules unique' 2 all 'rules quality unique' 2)
END
  awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { if (!($at["bpb_low"] <= $at["bpb"] && $at["bpb"] <= $at["bpb_high"] && $at["bpb"] > 0 && $at["documents"] > 0 && $at["tokens"] > 0)) exit 1
      if (NR > 2 && !($at["difference_low"] <= $at["difference"] && $at["difference"] <= $at["difference_high"])) exit 1
      if (NR == 2) raw = $at["bpb"]; else if (($at["bpb"] - raw - $at["difference"]) ^ 2 > 1e-7) exit 1 }' "$T/out/ablation.tsv"
  # the mean of the runs
  mean=$(cat "$T"/out/runs/rules/seed_*/run.tsv | awk -F '\t' '$1 == "params" { for (i = 1; i <= NF; i++) at[$i] = i; next } { s += $at["bpb"]; n++ } END { printf "%.4f", s / n }')
  [ "$(awk -F '\t' '$1 == "rules" { print $8 }' "$T/out/ablation.tsv")" = "$mean" ]
  ! command -v gnuplot || grep -q '</svg>' "$T/out/ablation.svg"
  grep -q '^classifier .*against\|^recipe .*against raw' "$T/out/ablation.txt"
}

@test "a second run does nothing; a changed stage makes again what depends on it" {
  touch now
  ablate > log 2>&1
  [ -z "$(find "$T/out" -type f -newer now)" ]
  cp -a "$T/out" out
  OUT=$PWD/out ablate 'stage-unique=minhash-dedup --verify 0.9' > log 2>&1
  grep -q 'raw+rules + unique' log
  ! grep -q 'raw + rules\|bpe-train\|classifier: [0-9]' log
}

@test "killed in the middle, it ends with the same table" {
  for seconds in 0.3 0.8 1.5; do
    OUT=$PWD/out setsid bash -c "$(declare -f ablate); ablate" > log 2>&1 3>&- & pid=$!
    sleep $seconds
    kill -9 -- -$pid 2> /dev/null || true
    wait $pid || true
  done
  OUT=$PWD/out ablate > log 2>&1
  cmp "$T/out/ablation.tsv" out/ablation.tsv
}

@test "no documents and no crawl are errors that say so" {
  run ablate OUT="$PWD/out" RAW="$PWD/nothing.tsv"
  [ "$status" != 0 ] && [[ $output == *'there is no '*'nothing.tsv: RAW=FILE'* ]]
  run ablate OUT="$PWD/out2" 'stage-rules=grep -v .'
  [ "$status" != 0 ]
}
