# SPDX-License-Identifier: MIT
# 16,384 ids from one text, GPT-2's pattern, all threads.
"$BIN/bpe-train" -q -n 16384 --raw -j "$JOBS" -o "$OUT/tokenizer.tsv" "$IN/text.txt"
