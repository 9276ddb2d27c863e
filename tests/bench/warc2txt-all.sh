# SPDX-License-Identifier: MIT
# All visible text, one thread.
"$BIN/warc2txt" -q -j 1 --mode all -o "$OUT/documents.tsv" "$IN/crawl.warc.gz"
