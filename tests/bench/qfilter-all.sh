# SPDX-License-Identifier: MIT
# Every value of all rule sets of every document with the reference's words, written as a table, and then all documents with
# their masks: more than one pass with --rules and --mask does, where a document that falls is not looked at further.
# Eight times over the pages; CPU seconds, start included.
pages=$IN/pages.tsv
eight=("$pages" "$pages" "$pages" "$pages" "$pages" "$pages" "$pages" "$pages")
TIMEFORMAT='%3U %3S'
took=$({ time { "$BIN/qfilter" -q -j 1 --words reference --rules gopher-repetition,gopher-quality,fineweb,c4-paragraph,c4 --explain -o "$OUT/values.tsv" "${eight[@]}"
  "$BIN/qfilter" -q -j 1 --mask email,ip -o "$OUT/masked.tsv" "${eight[@]}"; }; } 2>&1)
echo "bench $((8 * $(stat -Lc %s "$pages"))) $(awk '{ print $1 + $2 }' <<< "$took")"
