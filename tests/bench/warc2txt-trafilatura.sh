# SPDX-License-Identifier: MIT
# The main text of each page, one thread.
"$BIN/warc2txt" -q -j 1 -o "$OUT/documents.tsv" "$IN/crawl.warc.gz"
