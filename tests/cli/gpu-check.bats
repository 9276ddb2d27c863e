#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# tests/gpu-check from start to end on the emulator, where there is no GPU; and its benchmark's list of ops.

bats_require_minimum_version 1.5.0

setup_file() {
  export LC_ALL=C OMP_WAIT_POLICY=passive
  build=$(dirname "$BIN") root=$(realpath "$BATS_TEST_DIRNAME/../..")
  export build root
}

@test "gpu-check exits 77 where no GPU answers, also where its driver's tool says so" {
  mkdir "$BATS_TEST_TMPDIR/bin"
  for says in 'No devices found.' 'NVIDIA-SMI has failed'; do
    printf '#!/bin/sh\necho "%s"\n' "$says" > "$BATS_TEST_TMPDIR/bin/nvidia-smi"
    chmod +x "$BATS_TEST_TMPDIR/bin/nvidia-smi"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH run -77 "$root/tests/gpu-check" "$build"
    [[ $output == *'no GPU'* ]]
  done
}

@test "gpu-check runs every stage, counts, and makes one table" {
  mkdir "$BATS_TEST_TMPDIR/bin" # a compute-sanitizer that only runs the program behind its options
  printf '%s\n' '#!/bin/sh' 'while [ "${1#-}" != "$1" ]; do' 'case $1 in --error-exitcode | --tool | --print-limit) shift 2 ;; *) exit 9 ;; esac' done 'exec "$@"' > "$BATS_TEST_TMPDIR/bin/compute-sanitizer"
  chmod +x "$BATS_TEST_TMPDIR/bin/compute-sanitizer"
  # and a python whose torch needs 2 ms for each of two shapes of bench's list
  printf '%s\n' '#!/bin/sh' '[ "$1" = -c ] && exit' 'for list; do :; done' 'grep -E "^(add|zero)	" "$list" | sed "s/$/	torch	2/"' > "$BATS_TEST_TMPDIR/bin/python"
  chmod +x "$BATS_TEST_TMPDIR/bin/python"
  out=$BATS_TEST_TMPDIR/out
  CRAWL2LM_PYTHON=$BATS_TEST_TMPDIR/bin/python PATH=$BATS_TEST_TMPDIR/bin:$PATH "$root/tests/gpu-check" --emulated --output "$out" "$build" > "$BATS_TEST_TMPDIR/log" || { cat "$BATS_TEST_TMPDIR/log" && false; }
  for check in sort_test fragments curve-fp32 curve-bf16 text memcheck-sort racecheck-sort synccheck-sort bench-tiny train-tiny decode-tiny decode-tiny-q4_0 peers; do
    grep -qx "ok - $check" "$BATS_TEST_TMPDIR/log" || { cat "$BATS_TEST_TMPDIR/log" && false; }
  done
  tail -n 1 "$BATS_TEST_TMPDIR/log" | grep -Eqx '[1-9][0-9]+ passed, 0 failed, [0-9]+ skipped, [0-9]+ s'
  head -n 1 "$out/figures.tsv" | grep -q '^# the emulator'
  grep -v '^#' "$out/figures.tsv" > "$out/table"
  [ "$(head -n 1 "$out/table")" = $'what\tshape\ttype\tours\tpeer\tpeer_value\tratio\tunit\tshare_of_limit\tlimit' ]
  awk -F '\t' 'NF != 10 || (NR > 1 && $4 == "") { print; bad = 1 } END { exit bad || NR < 85 }' "$out/table"
  grep -q $'^training\tmodel=tiny' "$out/table"
  grep -q $'^decoding\tmodel=tiny' "$out/table"
  awk -F '\t' 'NR == FNR { if ($1 == "add") { ms = $4; ours = $5 } next } $5 == "torch" { rows++; if ($1 == "add" && ($6 / (ours * ms / 2) - 1)^2 < 1e-4 && ($7 / (2 / ms) - 1)^2 < 1e-4) good = 1 } END { exit rows != 2 || !good }' "$out/bench-tiny.tsv" "$out/table"
  # each op of struct backend, by its name
  for op in $(sed -n '/---- between real/,/^};/s/^ *int (\*\([a-z_]*\)).*/\1/p' "$root/kernels/backend.h" | grep -Ev '^(upload|download)$'); do
    grep -Pq "^$op[ ,\t]" "$out/table" || { echo "no figure of $op" && false; }
  done
}

@test "gpu-check fails when a check fails, and when its time is up it says what it left out" {
  programs=$BATS_TEST_TMPDIR/build
  mkdir -p "$programs/emulated-bin"
  ln -s "$build/gpu" "$programs/gpu"
  ln -s "$build"/emulated-bin/{lm-train,lm-sample,fragments_test} "$programs/emulated-bin/"
  printf '#!/bin/sh\n[ $# = 0 ] && { echo sort_test; echo rope_test; exit; }\n[ "$1" = rope_test ] && { echo "not ok 1 - rotates"; exit 1; }\nexec "%s" "$@"\n' "$build/emulated-bin/all" > "$programs/emulated-bin/all"
  chmod +x "$programs/emulated-bin/all"
  CRAWL2LM_GPU_SECONDS=2 run -1 "$root/tests/gpu-check" --emulated --output "$BATS_TEST_TMPDIR/out" "$programs"
  [[ $output == *'not ok - rope_test: status 1'*'not ok 1 - rotates'* ]]
  [[ $output == *'skipped - bench-tiny: the time of the stage is up'* ]]
  [[ $output =~ [0-9]+\ passed,\ [1-9]\ failed,\ [0-9]+\ skipped ]]
}

@test "the fragments of another device are compared register by register" {
  cd "$BATS_TEST_TMPDIR"
  awk -F '\t' -v OFS='\t' '$1 == "mma_bf16 whole" && $2 == 5 && $3 == 1 { $4 = "3f800000" } { print }' "$build/gpu/fragments.tsv" > other.tsv
  run -1 "$build/emulated-bin/fragments_test" --compare other.tsv
  [[ $output == *'not ok'*'mma_bf16 whole'* ]]
  head -n 2000 "$build/gpu/fragments.tsv" > short.tsv
  run -1 "$build/emulated-bin/fragments_test" --compare short.tsv
}

@test "the device's benchmarks refuse what they do not know" {
  all=$build/emulated-bin/all
  run -2 "$all" bench --size huge
  run -2 "$all" bench --type int8
  run -2 "$all" bench --size
  run -2 "$all" throughput walk
  run -2 "$all" throughput train --size huge
  run -2 "$all" none
}
