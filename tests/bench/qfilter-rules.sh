# SPDX-License-Identifier: MIT
# Three rule sets, one thread, every document through all of them as far as it gets.
"$BIN/qfilter" -q -j 1 --rules gopher-quality,gopher-repetition,fineweb -o "$OUT/kept.tsv" --rejects "$OUT/rejects.tsv" "$IN/pages.tsv"
