# SPDX-License-Identifier: MIT
# Every document scored by a bigram model of 850 MB, one thread.
"$BIN/qfilter" -q -j 1 --langid "$IN/bigram.bin" --min-lang -1 --annotate -o "$OUT/documents.tsv" "$IN/documents.tsv"
