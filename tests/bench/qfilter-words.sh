# SPDX-License-Identifier: MIT
# The cheapest set over the reference's words, one thread: splitting is most of it.
"$BIN/qfilter" -q -j 1 --words reference --rules gopher-quality -o "$OUT/kept.tsv" --rejects "$OUT/rejects.tsv" "$IN/pages.tsv"
