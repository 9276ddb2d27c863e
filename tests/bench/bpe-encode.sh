# SPDX-License-Identifier: MIT
# cl100k over documents of about 4 KB, one thread.
[ -r "$SHARED/vocab/tiktoken/cl100k_base.tiktoken" ] || { echo 'cl100k_base.tiktoken is not there' >&2; exit 1; }
"$BIN/bpe-encode" -q -j 1 -t "$SHARED/vocab/tiktoken/cl100k_base.tiktoken" -o "$OUT/text.bin" "$IN/text.tsv"
