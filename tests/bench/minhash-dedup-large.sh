# SPDX-License-Identifier: MIT
# Word 5-grams, 14 bands of 8 rows, candidates compared exactly; one thread.
"$BIN/minhash-dedup" -q -j 1 -o "$OUT/unique.tsv" "$IN/documents-large.tsv"
