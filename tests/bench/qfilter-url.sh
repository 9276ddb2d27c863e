# SPDX-License-Identifier: MIT
# The rule set url with a million blocked domains, one thread; CPU seconds, start and the reading of the lists included.
lists=$IN/urls
TIMEFORMAT='%3U %3S'
took=$({ time "$BIN/qfilter" -q -j 1 --rules url --set url.domains="$lists/domains.txt" --set url.banned_words="$lists/words.txt" --set url.soft_banned_words="$lists/soft.txt" \
  --set url.banned_subwords="$lists/subwords.txt" --set url.public_suffixes="$lists/suffixes.txt" -o "$OUT/kept.tsv" "$lists/documents.tsv"; } 2>&1)
echo "bench $(stat -Lc %s "$lists/documents.tsv") $(awk '{ print $1 + $2 }' <<< "$took")"
