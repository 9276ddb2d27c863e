# SPDX-License-Identifier: MIT
# Steps of 8 x 256 tokens of the 16.9M Llama of config.json, fp32 (ours has no other yet), all threads; the time of the steps alone.
"$BIN/lm-train" -q -j "$JOBS" -c "$IN/config.json" -d "$IN/train.bin" -o "$OUT/model" --steps 6 --batch 8 --seq 256 --eval-tokens 2048 --dtype fp32 --stats "$OUT/stats.json"
sed -nE 's/^ *"steps": ([0-9.]+),?$/\1/p; s/^ *"tokens": ([0-9]+),?$/tokens \1/p' "$OUT/stats.json" |
  awk '$1 == "tokens" { tokens = $2; next } { steps = $1; if (steps != int(steps) || n++) seconds = steps } END { print "bench", tokens, seconds }'
