# SPDX-License-Identifier: MIT
# The language of every document, one thread, with fastText's lid.176.ftz (https://fasttext.cc/docs/en/language-identification.html).
model=${CRAWL2LM_LID:-$SHARED/models/fasttext/lid.176.ftz}
[ -e "$model" ] || { echo "no lid.176.ftz: CRAWL2LM_LID names none" >&2; exit 1; }
"$BIN/qfilter" -q -j 1 --langid "$model" --min-lang -1 --annotate -o "$OUT/documents.tsv" "$IN/documents.tsv"
