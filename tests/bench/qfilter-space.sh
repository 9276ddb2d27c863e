# SPDX-License-Identifier: MIT
# Four rule sets over words between white space, one thread, eight times over the documents; CPU seconds, start included.
input=$IN/documents.tsv
TIMEFORMAT='%3U %3S'
took=$({ time "$BIN/qfilter" -q -j 1 --words space --rules gopher-repetition,gopher-quality,c4,fineweb -o "$OUT/kept.tsv" \
  "$input" "$input" "$input" "$input" "$input" "$input" "$input" "$input"; } 2>&1)
echo "bench $((8 * $(stat -Lc %s "$input"))) $(awk '{ print $1 + $2 }' <<< "$took")"
