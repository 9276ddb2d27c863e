# SPDX-License-Identifier: MIT
# What occurred before goes, the first stays where it is; one thread.
case $CASE in
  bloom-lines) "$BIN/bloom-dedup" -q -j 1 --unit line "$IN/lines.txt" > "$OUT/unique" ;;
  bloom-lines-exact) "$BIN/bloom-dedup" -q -j 1 --unit line --exact "$IN/lines.txt" > "$OUT/unique" ;;
  bloom-documents) "$BIN/bloom-dedup" -q -j 1 "$IN/copies.tsv" > "$OUT/unique" ;;
  bloom-ngrams) "$BIN/bloom-dedup" -q -j 1 --ngram 13 "$IN/documents.tsv" > "$OUT/unique" ;;
esac
