# SPDX-License-Identifier: MIT
# The law and 200 bootstrap fits, Huber objective, one thread.
start=$(date +%s.%N)
"$BIN/fit-scaling" -q -j 1 --bootstrap 200 -o "$OUT/law.tsv" "$IN/runs.tsv"
echo "bench 201 $(echo "$(date +%s.%N) $start" | awk '{ print $1 - $2 }')"
