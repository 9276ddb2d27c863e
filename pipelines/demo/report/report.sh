#!/bin/bash
# SPDX-License-Identifier: MIT
# The demo's results as one HTML page on stdout, with nothing loaded from elsewhere: tables by awk, plots as SVG.
#
#     report.sh OUT "CRAWLS" "RUNS" LARGER PROMPTS
set -o pipefail -eu
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
out=$1 crawls=$2 runs=$3 larger=$4 prompts=$5
first=${runs%% *}

show() { # PROGRAM [awk arguments]
  awk -f "$here/html.awk" -f "$here/$1.awk" "${@:2}"
}

# NAME VALUE lines that several sections read
facts=$(mktemp)
trap 'rm -f "$facts"' EXIT
{
  for stage in extract language quality dedup; do
    awk -f "$here/../../json.awk" "$out/stats/$stage.json" | sed "s/^/$stage./"
  done
  for stage in tokenizer train validation; do
    [ ! -e "$out/stats/$stage.json" ] || awk -f "$here/../../json.awk" "$out/stats/$stage.json" | sed "s/^/$stage./"
  done
  for crawl in $crawls; do
    awk -v crawl="$crawl" '/ URL:/ { n++; size += substr($4, 2) } END { printf "crawl.%s.pages\t%d\ncrawl.%s.bytes\t%.0f\n", crawl, n, crawl, size }' "$out/crawl/$crawl/wget.log"
    awk -v crawl="$crawl" 'NR > 1 { n += $2 } END { printf "crawl.%s.stored\t%.0f\n", crawl, n }' "$out/crawl/$crawl/MANIFEST.tsv"
  done
  for part in train validation; do
    awk -F '\t' -v part=$part 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next } { n += $column["tokens"] } END { printf "tokens.%s\t%.0f\n", part, n }' "$out/tokens/${part}_manifest.tsv"
    awk -F '\t' -v part=$part '{ n += length($NF) } END { printf "documents.%s\t%d\nbytes.%s\t%.0f\n", part, NR, part, n }' "$out/documents/$part.tsv"
  done
} > "$facts"

cat << END
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>crawl2lm: from a crawl to a measured language model</title>
<style>
$(cat "$here/style.css")
</style>
</head>
<body>
<main>
<h1>From a crawl to a measured language model</h1>
END
show summary "$facts" "$out/report/funnel.tsv" "$out/law/law.tsv" "$out/runs/$larger/run.tsv"

echo '<h2>What was crawled, what was kept</h2>'
show funnel -v crawls="$crawls" "$facts" "$out/report/funnel.tsv"

echo '<h2>What each stage removed</h2>'
echo '<p>For the commonest reasons two pages each, cut to their first lines.</p>'
for stage in extract language quality dedup; do
  show examples -v stage=$stage "$out/report/funnel.tsv" \
    "$([ $stage = dedup ] && echo "$out/documents/clusters.tsv" || echo /dev/null)" \
    "$([ $stage = dedup ] && echo "$out/documents/unique.tsv" || echo /dev/null)" "$out/rejects/$stage.tsv"
done

echo '<h2>Languages</h2>'
show languages "$out/language/confusion.tsv"

echo '<h2>Tokens</h2>'
show tokens "$facts" "$out/tokens/ratio.tsv"

echo '<h2>Training</h2>'
tables=()
for run in $runs "$larger"; do tables+=("$out/runs/$run/run.tsv" "$out/runs/$run.log.tsv"); done
show training -v larger="$larger" "${tables[@]}"

echo '<h2>The law, and the run it predicts</h2>'
show law -v larger="$larger" "$out/law/law.tsv" "$out/law/runs.tsv" "$out/runs/$larger/run.tsv"

echo '<h2>Samples</h2>'
echo '<p>The same prompts and the same seed, the smallest model beside the last.</p>'
show samples -v first="$first" -v last="$larger" "$prompts" "$out/samples/$first.tsv" "$out/samples/$larger.tsv"

echo '<h2>How it was made</h2>'
show commands "$facts"
cat << 'END'
</main>
</body>
</html>
END
