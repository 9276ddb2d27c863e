# SPDX-License-Identifier: MIT
# Four rule sets with the reference's words in FineWeb's order, one thread, every document through all of them as far as it
# gets; eight times over the pages; CPU seconds, start included.
pages=$IN/pages.tsv
TIMEFORMAT='%3U %3S'
took=$({ time "$BIN/qfilter" -q -j 1 --words reference --rules gopher-repetition,gopher-quality,c4,fineweb -o "$OUT/kept.tsv" --rejects "$OUT/rejects.tsv" \
  "$pages" "$pages" "$pages" "$pages" "$pages" "$pages" "$pages" "$pages"; } 2>&1)
echo "bench $((8 * $(stat -Lc %s "$pages"))) $(awk '{ print $1 + $2 }' <<< "$took")"
