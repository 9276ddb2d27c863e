#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# pipelines/scaling/Makefile over a made text and tiny models: sweep, law, prediction, the run that was predicted, the report; and
# that a killed run goes on where it stood.

setup_file() {
  export T=$BATS_FILE_TMPDIR HERE=$BATS_TEST_DIRNAME LC_ALL=C
  cd "$T" || return 1
  # sentences of few frequent and many rare names
  perl -e '
    srand 1;
    my @s = qw(ba de fi go ku la me ni po ru sa te vi wo zu); my @n = map { join "", map { $s[rand @s] } 1 .. 3 } 1 .. 400; my @v = qw(finds keeps sells mends makes brings wants sees);
    for (1 .. 300) { print "d$_\t", join(" ", map { my $k = int(rand 20) ** 2; "The $n[$k] of $n[rand @n] $v[rand @v] the $n[$k] that $n[rand 50] had with $n[rand @n]." } 1 .. 20), "\n" }' > documents.tsv
  cat > tiny.mk << END
include $HERE/../../pipelines/scaling/law-config.mk
WIDTHS := 8 16 24
SWEEP := tokens=6k,12k,24k model=w8,w16,w24
CHECK := tokens=96k model=w24
ARGS := --batch 4 --seq 16 --optimizer muon --eval-tokens 4k
SEEDS := 0,1
VOCABULARY := 300
QUALITY := --rules gopher-repetition
VALIDATION_SHARE := 0.1
FIT := --form chinchilla --bootstrap 50
FORMS := kaplan,power
END
  law > log 2>&1 || { cat log >&2; return 1; }
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

law() {
  make --no-print-directory -C "$HERE/../../pipelines/scaling" -j2 BIN="$BIN" CONFIG="$T/tiny.mk" DOCUMENTS="$T/documents.tsv" OUT="${OUT:-$T/out}" "$@" 3>&-
}

# The column NAME of a table.
column() { awk -F '\t' -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) at = i; next } { print $at }' "$2"; }

@test "the law of the sweep predicts the larger run, which it has not seen" {
  column seed "$T/out/report.tsv" > seeds
  [ "$(xargs < seeds)" = '0 1' ]
  for seed in 0 1; do
    [ "$(grep -c '^[0-9]' "$T/out/seed_$seed/runs.tsv")" = 9 ]
    [ "$(column seed "$T/out/seed_$seed/runs.tsv" | grep -v seed | sort -u)" = $seed ]
    run=$(echo "$T"/out/seed_$seed/check/*/run.tsv)
    [ "$T/out/seed_$seed/law.tsv" -ot "$run" ] # predicted before it was trained
    key=run@$(column params "$run"),$(column tokens "$run")
    grep -q "$key" "$T/out/seed_$seed/law.tsv"
    [ "$(awk -F '\t' -v key="$key" '$2 == key { print $3, $4, $5 }' "$T/out/seed_$seed/law.tsv") $(column loss "$run")" = \
      "$(awk -F '\t' -v seed=$seed '$1 == seed { print $6, $7, $8, $10 }' "$T/out/report.tsv")" ]
    grep -q '</svg>' "$T/out/seed_$seed/law.svg"
    [ "$(column form "$T/out/seed_$seed/forms.tsv" | sort | xargs)" = 'kaplan power' ]
    ! grep -q "$(column tokens "$run")" <(column tokens "$T/out/seed_$seed/runs.tsv")
  done
  awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
    { inside = $at["low"] <= $at["loss"] && $at["loss"] <= $at["high"]; half = 50 * ($at["high"] - $at["low"]) / $at["predicted"]
      error = 100 * ($at["loss"] / $at["predicted"] - 1) - $at["error_percent"]
      if ($at["inside"] != inside || (half - $at["half_width_percent"]) ^ 2 > 1e-4 || error ^ 2 > 1e-4 || $at["times_largest"] < 3.9) exit 1 }' "$T/out/report.tsv"
  grep -q "^$(column inside "$T/out/report.tsv" | grep -c 1) of 2 runs lie inside" "$T/out/report.txt"
}

@test "rates and warm-up follow from a run's compute; seeds share all but their seed" {
  awk -F '\t' 'NR == FNR { if (FNR > 1) flops[$1] = $4; next }
    { match($2, /--lr [0-9.e-]+/); rate = substr($2, RSTART + 5, RLENGTH - 5); expected = 9e-3 * (flops[$1] / 1e12) ^ -.3333
      if (!flops[$1] || (rate / expected - 1) ^ 2 > 1e-6 || $2 !~ /--warmup [1-9]/) exit 1 }' "$T/out/seed_1/sweep.plan.tsv" "$T/out/seed_1/sweep.cells"
  [ "$(column config_hash <(cat "$T"/out/seed_*/check/*/run.tsv) | grep -v config_hash | sort -u | wc -l)" = 1 ]
}

@test "a second run does nothing; another run to predict leaves the sweep alone" {
  touch now
  law > log 2>&1
  [ -z "$(find "$T/out" -type f -newer now)" ]
  cp "$T/out/report.tsv" first
  law 'CHECK=tokens=48k model=w24' SEEDS=0 > log 2>&1
  [ "$(column tokens "$T/out/report.tsv")" = 48000 ]
  law > log 2>&1
  cmp first "$T/out/report.tsv"
  [ -z "$(find "$T"/out/seed_*/sweep "$T"/out/seed_*/check/tokens_96k* -name run.tsv -newer now)" ]
}

@test "killed in the middle, it ends with the same report" {
  for seconds in 0.5 1.5 3; do
    OUT=$PWD/out setsid bash -c "$(declare -f law); law" > log 2>&1 3>&- & pid=$!
    sleep $seconds
    kill -9 -- -$pid 2> /dev/null || true
    wait $pid || true
  done
  OUT=$PWD/out law > log 2>&1 || { cat log; false; }
  cmp "$T/out/report.tsv" out/report.tsv
  cmp "$T/out/seed_1/law.tsv" out/seed_1/law.tsv
}

@test "runs go by number, as an array of tasks trains them" {
  [ "$(law -s count SEEDS=1)" = 9 ] && [ "$(law -s check-count)" = 2 ]
  OUT=$PWD/out law -s count SEEDS=1 > count 2> /dev/null
  [ "$(cat count)" = 9 ]
  for i in $(seq 0 8); do OUT=$PWD/out law cell I=$i SEEDS=1 2> /dev/null; done
  OUT=$PWD/out law law SEEDS=1 > log 2>&1
  cmp "$T/out/seed_1/law.tsv" out/seed_1/law.tsv
  OUT=$PWD/out law check I=0 SEEDS=1
  OUT=$PWD/out law SEEDS=1 > log 2>&1
  diff <(grep -v '^0' "$T/out/report.tsv") out/report.tsv
}

@test "text that comes twice is warned of; a model without options and no documents are errors" {
  OUT=$PWD/out law cells 'CHECK=tokens=9M model=w24' SEEDS=0 check-count > log 2>&1
  grep -q 'its tokens come [0-9.]* times' log
  run law OUT="$PWD/out2" 'CHECK=tokens=96k model=none'
  [ "$status" != 0 ] && [[ $output == *'there is no model.none'* ]]
  run law OUT="$PWD/out3" DOCUMENTS="$PWD/nothing.tsv"
  [ "$status" != 0 ] && [[ $output == *'nothing.tsv'* ]]
}
