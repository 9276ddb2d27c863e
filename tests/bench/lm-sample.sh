# SPDX-License-Identifier: MIT
# 128 tokens after a short prompt, greedy, one sequence, all threads; the time of generation alone.
"$BIN/lm-sample" -q -j "$JOBS" -m "$IN/model" -p 'The first' -n 128 --stats "$OUT/stats.json" > "$OUT/text"
sed -nE 's/^ *"(tokens|generation)": ([0-9.]+),?$/\1 \2/p' "$OUT/stats.json" | awk '{ v[$1] = $2 } END { print "bench", v["tokens"], v["generation"] }'
