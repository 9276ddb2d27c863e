# SPDX-License-Identifier: MIT
# Steps of CASE (lm-train-gpt2-fp32, lm-train-llama-bf16, ...) on random tokens, all threads; the time of all steps, the first
# (which meets cold memory) too.
case $CASE in
*-gpt2-*) shape=(--preset gpt2-124m -d "$IN/gpt2.bin" --batch 4 --seq 64 --steps 12) ;;
*) shape=(-c "$IN/config.json" -d "$IN/llama.bin" --batch 32 --seq 256 --steps 5) ;;
esac
"$BIN/lm-train" -v -j "$JOBS" "${shape[@]}" --eval-tokens 256 --lr 1e-3 --dtype "${CASE##*-}" -o "$OUT/model" --stats "$OUT/stats.json" 2> "$OUT/messages" || { grep '^lm-train: ' "$OUT/messages" | tail -1 >&2; exit 1; }
sed -nE 's/^lm-train: (cpu .*)$/with \1/p' "$OUT/messages"
sed -nE 's/^ *"steps": ([0-9.]+),?$/\1/p; s/^ *"tokens": ([0-9]+),?$/tokens \1/p' "$OUT/stats.json" |
  awk '$1 == "tokens" { tokens = $2; next } { steps = $1; if (steps != int(steps) || n++) seconds = steps } END { print "bench", tokens, seconds }'
