# SPDX-License-Identifier: MIT
# 32,000 ids from one text, GPT-2's pattern; bpe-train-N: on N threads.
case $CASE in *-[0-9]) JOBS=${CASE##*-} ;; esac
"$BIN/bpe-train" -q -n 32000 --raw -j "$JOBS" -o "$OUT/tokenizer.tsv" "$IN/english.txt"
