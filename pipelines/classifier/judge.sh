#!/bin/bash
# SPDX-License-Identifier: MIT
# judge.sh LABEL THRESHOLD WANTED MODEL TEST... : what `qfilter --model MODEL --label LABEL --min THRESHOLD` keeps of each
# TEST (.tsv or .jsonl), as a table.  WANTED hq: the kept texts of that label are the hits; WANTED unsafe: the dropped
# texts of other labels than LABEL are.
set -euo pipefail
label=$1 threshold=$2 wanted=$3 model=$4
shift 4
here=$(dirname "$0")
printf 'set\ttexts\twanted\ttaken\tprecision\tlow\thigh\trecall\tlow\thigh\troc_auc\tpr_auc\tcalibration_error\n'
for test; do
  file=$test.tsv
  [ -e "$file" ] || file=$test.jsonl
  "$BIN/qfilter-train" -q -j "$JOBS" --load "$model" --test "$file" --report "$test-report.part"
  "$BIN/qfilter" -q -j "$JOBS" "$file" | awk -F '\t' '{ print $1 }' > "$test-all.part" # JSON Lines become TSV
  "$BIN/qfilter" -q -j "$JOBS" --model "$model" --label "$label" --min "$threshold" "$file" | awk -F '\t' '{ print $1 }' > "$test-kept.part"
  awk -F '\t' -v set="${test##*/}" -v label="$label" -v wanted="$wanted" -f "$here/judge.awk" "$test-report.part" "$test-all.part" "$test-kept.part"
  mv "$test-report.part" "${test%/*}/report-${test##*/}.tsv"
  rm "$test-all.part" "$test-kept.part"
done
