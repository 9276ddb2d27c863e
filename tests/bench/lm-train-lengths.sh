#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Cost of a token as sequences grow: attention's products grow with their length, a sliding window's and Hyena's convolutions
# (by FFT) hardly.  Every run trains on 16,384 random tokens a step, so only the length differs; a table on stdout:
#
#     length  full  sliding  hyena          microseconds a token of training
#
# Usage: tests/bench/lm-train-lengths.sh BUILD [LENGTH...]      (default 256 1024 4096 16384)
# In the environment: JOBS (all CPUs), STEPS (3).
set -euo pipefail
build=$(realpath "${1:?usage: lm-train-lengths.sh BUILD [LENGTH...]}")
shift
[ $# -gt 0 ] || set -- 256 1024 4096 16384
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export LC_ALL=C
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
head -c 400000 /dev/urandom | "$build/bin/bpe-encode" -q --raw -t bytes -o "$scratch/bytes.bin" /dev/stdin

microseconds() { # MIXER LENGTH
  "$build/bin/lm-train" --progress never -j "${JOBS:-$(nproc)}" --preset llama-16m --set layer_types="$1" --set sliding_window=256 --set max_position_embeddings="$2" -d "$scratch/bytes.bin" \
    --seq "$2" --batch $((16384 / $2)) --steps "${STEPS:-3}" --eval-tokens 16 --lr 1e-4 --save-every 0 -o "$scratch/model" -f --stats "$scratch/stats.json" 2> "$scratch/messages" || { cat "$scratch/messages" >&2; return 1; }
  sed -nE 's/^ *"tokens_per_second": ([0-9.e+]+),?$/\1/p' "$scratch/stats.json" | awk '{ printf "%.1f", 1e6 / $1 }'
}

printf 'length\tfull\tsliding\thyena\n'
for length; do
  full=$(microseconds full "$length") sliding=$(microseconds sliding "$length") hyena=$(microseconds hyena "$length")
  printf '%s\t%s\t%s\t%s\n' "$length" "$full" "$sliding" "$hyena"
done
