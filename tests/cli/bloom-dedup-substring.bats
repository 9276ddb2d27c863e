#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# bloom-dedup --unit substring: rows of words that occurred before go, compared with a plain program that keeps all of them.

setup() {
  [ -x "$BIN/bloom-dedup" ] || skip 'not built'
  PATH=$BIN:$PATH
  export LC_ALL=C
  cd "$BATS_TEST_TMPDIR" || return 1
}

# What has to be left of FILE: id and words; n words a window, all copies gone with `none`.
plain() { # FILE N [none]
  awk -F '\t' -v n="$2" -v none="${3:-}" '
    { id[NR] = $1; text = $NF; gsub(/\\n/, " ", text); count[NR] = split(text, w, / +/)
      for (i = 1; i <= count[NR]; i++) word[NR, i] = w[i]
      for (i = 1; i + n - 1 <= count[NR]; i++) {
        key = ""
        for (k = 0; k < n; k++) key = key " " w[i + k]
        if (!(key in first)) { first[key] = NR SUBSEP i; continue }
        for (k = 0; k < n; k++) gone[NR, i + k] = 1
        if (none) { split(first[key], at, SUBSEP); for (k = 0; k < n; k++) gone[at[1], at[2] + k] = 1 }
      } }
    END { for (d = 1; d <= NR; d++) {
        line = ""; any = 0
        for (i = 1; i <= count[d]; i++) if ((d, i) in gone) any = 1; else line = line " " word[d, i]
        if (line != "" || !any) print id[d] "\t" substr(line, 2)
      } }' "$1"
}

words() { awk -F '\t' '{ gsub(/\\n/, " ", $NF); gsub(/ +/, " ", $NF); sub(/^ /, "", $NF); sub(/ $/, "", $NF); print $1 "\t" $NF }'; }

# 400 documents of sentences of 12 words, many of which come again, in rows of one to nine
mixture() {
  awk 'BEGIN { srand(5)
    for (s = 0; s < 300; s++) { t = ""; for (k = 0; k < 12; k++) t = t (k ? " " : "") "w" int(rand() * 500); sentence[s] = t }
    for (d = 0; d < 400; d++) {
      printf "d%d\t", d
      for (r = int(rand() * 5); r >= 0; r--) {
        for (k = int(rand() * 6); k >= 0; k--) printf "u%d_%d%s", d, int(rand() * 100000), rand() < .2 ? "\\n" : " "
        from = int(rand() * 290)
        for (k = int(rand() * 9); k >= 0; k--) printf "%s%s", sentence[from + k], rand() < .3 ? "\\n" : " "
      }
      printf "end%d\n", d
    } }' > mixture
}

@test "what goes is what a program that keeps all rows of words takes out" {
  mixture
  for n in 3 20 50; do
    bloom-dedup -q --unit substring --ngram $n mixture | words > got
    plain mixture $n > want
    cmp want got
    bloom-dedup -q --unit substring --ngram $n --keep none mixture | words > got
    plain mixture $n none > want
    cmp want got
  done
  [ "$(words < mixture | wc -w)" -gt "$(wc -w < got)" ]
}

@test "the same at any -j, with little memory, from a pipe, from JSON Lines" {
  mixture
  bloom-dedup -q --unit substring --ngram 20 -j 1 --rejects r1 mixture > one
  [ "$(wc -l < one)" -lt "$(wc -l < mixture)" ] || ! cmp -s one mixture
  for options in '-j 4' '-S 1M' '-S 2M -j 2'; do
    bloom-dedup -q --unit substring --ngram 20 $options --rejects r mixture > other
    cmp one other
    cmp r1 r
  done
  bloom-dedup -q --unit substring --ngram 20 < mixture | cmp one -
  gzip -c mixture | bloom-dedup -q --unit substring --ngram 20 | cmp one -
  qfilter -q --jsonl mixture > mixture.jsonl
  bloom-dedup -q --unit substring --ngram 20 --jsonl mixture.jsonl > one.jsonl
  qfilter -q --jsonl one | cmp - one.jsonl
}

@test "by default fifty words; of what repeats itself one period stays; a document of known words goes" {
  row() { for i in $(seq "$1"); do printf '%s%d ' "$2" "$i"; done; }
  printf 'a\t%s\nb\tnew %sold\nc\t%s\nd\t%s\n' "$(row 50 x)" "$(row 50 x)" "$(row 50 x)" "$(row 49 x)" > in
  bloom-dedup -q --unit substring --rejects r --stats s.json in > out
  [ "$(cat out)" = "$(sed -n 1p in; printf 'b\tnew old\n'; sed -n 4p in)" ]
  [ "$(cut -f 1,2 r)" = "$(printf 'bloom-dedup:duplicate\tc')" ]
  grep -q '"words_removed": 100,' s.json && grep -q '"edited": 1,' s.json
  printf 'p\t%s tail\n' "$(for i in $(seq 30); do printf 'one two three '; done)" | sed 's/  / /g' > in
  [ "$(bloom-dedup -q --unit substring --ngram 6 in)" = "$(printf 'p\tone two three tail')" ]
}

@test "options that belong to other units are refused" {
  for options in '--exact' '--normalize' '--save x' '--against x' '--threshold 0.5' '--capacity 5'; do
    run bloom-dedup --unit substring $options /dev/null
    [ "$status" = 2 ]
    [[ $output == *'--unit substring takes --ngram and --keep only'* ]]
  done
}

@test "a text of two million words without memory for it, and one word of 20 MB" {
  awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "w%d ", i % 3 ? i : i % 1000; print "" }' > long
  cat long long > twice
  bloom-dedup -q --unit substring -S 1M -j 2 twice > out
  cmp out long
  head -c 20000000 /dev/zero | tr '\0' x > word
  bloom-dedup -q --unit substring word | cmp -n 20000000 - word
}
