# SPDX-License-Identifier: MIT
# A classifier of DCLM's shape (bigrams, 100 columns, 2 million buckets, 5 epochs); CASE ends in the number of threads.  The
# time is that of reading, first weights and training, as the peer's; writing 900 MB of model is not in it.
"$BIN/qfilter-train" -q -j "${CASE##*-}" --maxn 0 --word-ngrams 2 --bucket 2000000 --dim 100 --lr 0.5 --epoch 5 --piece 0 --test "$IN/labelled-test.tsv" \
  --stats "$OUT/stats.json" -o /dev/null "$IN/labelled.tsv"
awk -F '[:,]' '{ gsub(/[ "]/, "") } $1 == "tokens" { tokens = $2 } $1 == "read" || $1 == "first_weights" || $1 == "train" { seconds += $2 }
  $1 == "precision_at_1" { p = $2 } END { print "bench", 5 * tokens, seconds; print "with P@1", p }' "$OUT/stats.json"
