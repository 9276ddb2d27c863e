#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What is done, failed, running: `key<TAB>value` lines from $OUT, without the lock and while a run goes on.
set -euo pipefail
cd "$OUT" 2> /dev/null || { echo "crawl: nothing in $OUT yet" >&2; exit 1; }
line() { printf '%s\t%s\n' "$@"; }
count() { find "$1" -mindepth 1 -maxdepth 1 -name "${2:-*}" 2> /dev/null | wc -l; }
bytes() { du -sb "$1" 2> /dev/null | cut -f 1; }

line out "$OUT"
[ ! -e made-with ] || line crawl "$(sed -n 's/^crawl //p' made-with)"
[ ! -e paths ] || line listed "$(wc -l < paths)"
if [ -e picked.tsv ]; then
  line picked "$(wc -l < picked.tsv)"
  line 'done' "$(ls -U documents |
    awk -F '\t' -v suffix=".tsv$SUFFIX" 'NR == FNR { there[$0]; next } ($1 suffix) in there { n++ } END { print n + 0 }' - picked.tsv)"
fi
if [ -e lock ] && ! flock -n lock true; then
  line run 'going on'
  for folder in unfinished/*/; do
    [ ! -p "$folder/kept" ] || line running "$(basename "$folder")"
  done
fi
for file in failed/*; do
  [ ! -f "$file" ] || line failed "$(basename "$file"): $(head -n 1 "$file")"
done
for folder in documents rejects dedup tokens; do
  [ ! -d "$folder" ] || line "bytes_$folder" "$(bytes "$folder")"
done
line bytes_free "$(df --output=avail -B1 . | tail -n 1)"
