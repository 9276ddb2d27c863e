# SPDX-License-Identifier: MIT
# fit: the law from all starts, the process with reading and writing, 50 times.  bootstrap: 4,000 resamples from the optimum, pairs.
# Huber objective, one thread.
start=$(date +%s.%N)
case $CASE in
  *-fit)
    count=50
    for _ in $(seq $count); do "$BIN/fit-scaling" -q -j 1 --bootstrap 0 -o "$OUT/law.tsv" "$IN/runs.tsv"; done
    ;;
  *)
    count=4000
    "$BIN/fit-scaling" -q -j 1 --bootstrap $count --intervals pairs -o "$OUT/law.tsv" "$IN/runs.tsv"
    ;;
esac
echo "bench $count $(echo "$(date +%s.%N) $start" | awk '{ print $1 - $2 }')"
