#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# pipelines/scaling: a grid of tiny runs, killed and gone on with, its tables and its plot.

load ../tiny

setup_file() {
  export T=$BATS_FILE_TMPDIR HERE=$BATS_TEST_DIRNAME
  cd "$T" || return 1
  tiny_corpus 60
  "$BIN/bpe-encode" -q -t tok.tsv --raw -o train.bin corpus.txt
  tiny_config 32 64 4 32
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

sweep() {
  $LAUNCH make -f "$HERE/../../pipelines/scaling/sweep.mk" BIN="$BIN" TRAIN="$T/train.bin" TOKENIZER="$T/tok.tsv" MODEL="-c $T/c.json" \
    ARGS='--steps 30 --batch 4 --seq 16' OUT=sweep "$@" 3>&-
}

@test "a grid becomes one folder and run.tsv a cell, a ranking, a mean over seeds and a plot" {
  sweep -j2 GRID='lr=1e-3,1e-2 set:hidden_size=32,64 seed=0,1'
  [ "$(ls -d sweep/*/ | wc -l)" = 8 ] && [ "$(cat sweep/*/run.tsv | grep -c '^params')" = 8 ]
  [ "$(cut -f 3,6 sweep/lr_1e-3+hidden_size_64+seed_1/run.tsv | tail -1)" = "$(awk -F '\t' '$13 == "lr_1e-3+hidden_size_64+seed_1" { print $11 "\t1" }' sweep/ranking.tsv)" ]
  [ "$(head -1 sweep/ranking.tsv)" = "$(printf 'rank\tlr\tset:hidden_size\tseed\tloss\tbpb\ttokens_s\tpeak_mib\tparams\ttokens\tflops\tstate\tfolder')" ]
  [ "$(tail -n +2 sweep/ranking.tsv | cut -f 5)" = "$(tail -n +2 sweep/ranking.tsv | cut -f 5 | sort -g)" ]
  awk -F '\t' 'NR > 1 && !($5 > 0 && $6 > 0 && $7 > 0 && $8 > 0 && $12 == "done") { exit 1 }' sweep/ranking.tsv
  # the table of settings is the mean of the two seeds
  awk -F '\t' 'FILENAME ~ /ranking/ && FNR > 1 { sum[$2, $3] += $5 / 2 } FILENAME ~ /settings/ && FNR > 1 { n++; d = $4 - sum[$2, $3]; if (d * d > 1e-8 || $5 > $4 || $6 < $4 || $9 != 2) exit 1 } END { exit n != 4 }' sweep/ranking.tsv sweep/settings.tsv
  if command -v gnuplot > /dev/null; then grep -q '</svg>' sweep/plot.svg && grep -q 'hidden_size 64' sweep/plot.svg; fi
}

@test "what is done stays; a grid that grows trains what is new; other options begin anew" {
  sweep GRID='lr=1e-3,1e-2'
  cp -a sweep first
  sweep GRID='lr=1e-3,1e-2,2e-2'
  cmp first/lr_1e-3/stats.json sweep/lr_1e-3/stats.json # the times in it are those of the first
  [ "$(readlink sweep/lr_2e-2/latest)" = step-30 ] && [ "$(tail -n +2 sweep/ranking.tsv | wc -l)" = 3 ]
  sweep GRID='lr=1e-3,1e-2' ARGS='--steps 20 --batch 4 --seq 16' 2> messages
  grep -q 'lr_1e-3: .*begins anew' messages
  [ "$(readlink sweep/lr_1e-3/latest)" = step-20 ] && [ "$(readlink sweep/lr_2e-2/latest)" = step-30 ]
}

@test "a cell that was killed goes on, and ends with the same bits" {
  sweep GRID='lr=1e-3' ARGS='--steps 400 --save-every 50 --batch 4 --seq 16'
  mv sweep whole
  for signal in KILL TERM; do
    # a group of its own, so that all of make, the shell and the program get the signal
    LAUNCH=setsid sweep GRID='lr=1e-3' ARGS='--steps 400 --save-every 50 --batch 4 --seq 16' > out 2>&1 & pid=$!
    at=$(readlink sweep/lr_1e-3/latest || true)
    for i in $(seq 500); do [ "$(readlink sweep/lr_1e-3/latest || true)" != "$at" ] && break; sleep 0.01; done
    group=$(ps -o pgid= --ppid $pid | tr -d ' ' | head -1)
    [ -z "$group" ] || kill -$signal -- -"$group" 2> /dev/null || true
    wait $pid || true
  done
  [ -e sweep/lr_1e-3/latest ]
  sweep GRID='lr=1e-3' ARGS='--steps 400 --save-every 50 --batch 4 --seq 16'
  cmp whole/lr_1e-3/model.safetensors sweep/lr_1e-3/model.safetensors
  cmp whole/lr_1e-3/log.tsv sweep/lr_1e-3/log.tsv
}

@test "cells run by number, as a Slurm array runs them, and a command can be printed" {
  grid='set:num_key_value_heads=1,2 lr=1e-2 seed=0;3'
  [ "$(sweep -s GRID="$grid" count)" = 4 ]
  [ "$(sweep -s GRID="$grid" list | sed -n 2p)" = "$(printf "1\tnum_key_value_heads_1+lr_1e-2+seed_3\t--set 'num_key_value_heads=1' --lr '1e-2' --seed '3'")" ]
  sweep GRID="$grid" cell I=1
  [ -e sweep/num_key_value_heads_1+lr_1e-2+seed_3/run.tsv ] && [ "$(ls sweep | wc -l)" = 1 ]
  command=$(sweep -s GRID="$grid" command I=2)
  eval "$command" 3>&-
  [ "$(tail -1 sweep/num_key_value_heads_2+lr_1e-2+seed_0/run.tsv | cut -f 6)" = 0 ]
  sweep GRID="$grid" report # of what is there
  [ "$(cut -f 12 sweep/ranking.tsv | sort | uniq -c | xargs)" = '2 done 2 missing 1 state' ]
  ! sweep GRID="$grid" cell I=4 2> err
  grep -q '0 to 3' err
}

@test "shapes have names, and each budget its own; cells may come from a file" {
  shapes=(model.narrow='--set hidden_size=16 --set num_attention_heads=2' model.wide="--set hidden_size=64 --set 'intermediate_size=96'")
  grid='flops=2e8 model=narrow + flops=8e8 model=narrow,wide'
  sweep -s "${shapes[@]}" GRID="$grid" list | cut -f 2 > names
  [ "$(xargs < names)" = 'flops_2e8+model_narrow flops_8e8+model_narrow flops_8e8+model_wide' ]
  sweep -j2 "${shapes[@]}" GRID="$grid" ARGS='--batch 4 --seq 16'
  cat sweep/*/run.tsv | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } $1 != "params" { print $at["hidden_size"], $at["flops"] }' | sort -n > runs
  awk '{ budget = NR == 1 ? 2e8 : 8e8; if ($1 != (NR == 3 ? 64 : 16) || $2 > budget || $2 < 0.95 * budget) exit 1 } END { exit NR != 3 }' runs
  [ "$(head -1 sweep/ranking.tsv | cut -f 2,3)" = "$(printf 'flops\tmodel')" ]
  if command -v gnuplot > /dev/null; then grep -q 'model wide' sweep/plot.svg; fi
  touch now
  MODELS=$(for m in "${shapes[@]}"; do printf '%s\t%s\t' "$(sed 's/^model.//; s/=.*//' <<< "$m")" "${m#*=}"; done) awk -f "$HERE/../../pipelines/scaling/cells.awk" -v grid="$grid" > cells
  sweep CELLS="$PWD/cells" ARGS='--batch 4 --seq 16' # the same cells: they are done
  [ -z "$(find sweep -name run.tsv -newer now)" ] && [ "$(tail -n +2 sweep/ranking.tsv | wc -l)" = 3 ]
  sweep "${shapes[@]}" GRID='flops=8e8 model=wide' ARGS='--batch 4 --seq 16' # one cell
  if command -v gnuplot > /dev/null; then grep -q '</svg>' sweep/plot.svg; fi
  for wrong in 'model=none' 'flops=2e8 model=wide + lr=1' 'flops=2e8 + ' '+ flops=2e8' 'flops=1 + flops=1'; do
    ! sweep list "${shapes[@]}" GRID="$wrong" > out 2> err
    [ ! -s out ] && grep -q '^sweep: GRID' err
  done
}

@test "a rate that diverges is ranked last; another failure is an error" {
  sweep GRID='lr=1e6,1e-2' ARGS='--steps 30 --batch 4 --seq 16 --clip 0' 2> err
  [ "$(cut -f 2,10 sweep/ranking.tsv | tail -1)" = "$(printf '1e6\tdiverged')" ]
  [ "$(cut -f 2 sweep/ranking.tsv | sed -n 2p)" = 1e-2 ]
  ! sweep GRID='lr=1e-2 set:hidden_act=nonsense' 2> err
  grep -q 'hidden_act' err
  for wrong in 'lr' 'lr=1,,2' 'lr=1 lr=2' 'a=1/2,1:2' '=1' ''; do
    ! sweep list GRID="$wrong" > out 2> err
    [ ! -s out ] && grep -q '^sweep: GRID' err
  done
}
