#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# bloom-dedup: what stays and what goes, in every mode, at any -j, in memory and spilled, from either format.

setup() {
  [ -x "$BIN/bloom-dedup" ] || skip 'not built'
  PATH=$BIN:$PATH
  export LC_ALL=C
  cd "$BATS_TEST_TMPDIR" || return 1
}

# 130,000 documents of one line, 90,000 different; lines of many, with blank ones; one of 300,000 lines
make_mixture() {
  awk 'BEGIN {
    srand(7)
    for (i = 0; i < 130000; i++) {
      printf "line %d of the text\n", int(rand() * 90000)
      if (i % 40 == 0) {
        printf "id%d\thttp://a.example/\t2026\tk=v\t", i
        for (k = int(rand() * 12); k >= 0; k--) printf "%s\\n", rand() < .2 ? "" : rand() < .2 ? " \\t" : "common " int(rand() * 2000)
        printf "end \\\\n %d\n", i % 700
      }
      if (i == 60000) {
        printf "huge\t"
        for (k = 0; k < 300000; k++) printf "%s\\n", k % 50 == 3 ? "" : "line " int(rand() * 200000) " of the text"
        printf "tail\n"
      }
    }
  }' > mixture
}

# By unit line, first or none, without blank lines: id TAB line TAB line ...
lines_by_awk() {
  awk -v keep="$1" -F '\t' '
    { text = $NF; head = NF > 1 ? $1 : "-"; gsub(/\\\\/, "\001", text); n = split(text, part, /\\n/)
      for (i = 1; i <= n; i++) if (part[i] !~ /^( |\\t|\\r)*$/) { doc[++m] = NR; unit[m] = part[i]; count[part[i]]++ }
      id[NR] = head }
    END {
      for (i = 1; i <= m; i++) {
        if (keep == "none" ? count[unit[i]] > 1 : seen[unit[i]]++) continue
        if (doc[i] != last) printf "%s%s", last ? "\n" : "", id[doc[i]]
        last = doc[i]
        printf "\t%s", unit[i]
      }
      printf "\n"
    }' mixture
}
lines_of() { # of documents on stdin, in the same form
  awk -F '\t' '{ text = $NF; gsub(/\\\\/, "\001", text); n = split(text, part, /\\n/); printf "%s", (NF > 1 ? $1 : "-")
    for (i = 1; i <= n; i++) if (part[i] !~ /^( |\\t|\\r)*$/) printf "\t%s", part[i]
    printf "\n" }'
}

@test "the first of equal documents stays, in input order" {
  printf 'a\tone\nb\ttwo\nc\tone\nd\tone \ne\ttwo\\n\n' > in
  bloom-dedup --rejects gone --stats stats in > out
  printf 'a\tone\nb\ttwo\nd\tone \n' | cmp - out
  printf 'bloom-dedup:duplicate\tc\tone\nbloom-dedup:duplicate\te\ttwo\\n\n' | cmp - gone
  grep -q '"duplicate": 2' stats && grep -q '"units": 5' stats && grep -q '"units_removed": 2' stats
}

@test "lines: as awk does it, with a filter and exactly, in memory and spilled, from a file and a pipe, at any -j" {
  local keep way
  make_mixture
  for keep in first none; do
    lines_by_awk $keep > want
    for way in '-j1 --fp 1e-9' '-j4 --fp 1e-9' '-j1 --exact' '-j4 --exact' '-j1 --exact -S 1M' '-j4 --exact -S 1M'; do
      # shellcheck disable=SC2086
      bloom-dedup -q --unit line --keep $keep $way --stats stats mixture > out 2> err || { echo "$way"; cat err; return 1; }
      lines_of < out | cmp - want || { echo "$keep $way"; return 1; }
      # shellcheck disable=SC2086
      bloom-dedup -q --unit line --keep $keep $way < mixture | cmp - out || { echo "$keep $way from a pipe"; return 1; }
      if [[ $way == *1M* ]]; then grep -Eq '"sorted_bytes": [1-9]' stats || { echo 'nothing was sorted'; return 1; }; fi
    done
  done
}

@test "every vector level gives the same bytes" {
  local level
  make_mixture
  bloom-dedup -q --unit line --fp .1 --capacity 100k mixture > want 2> /dev/null
  for level in scalar avx2; do CRAWL2LM_CPU=$level bloom-dedup -q --unit line --fp .1 --capacity 100k mixture 2> /dev/null | cmp - want; done
}

@test "paragraphs, and what becomes of the blank lines" {
  printf 'a\tmenu\\n \\nfirst\\nsecond\\n\\n\\nthird\nb\tnew\\n\\nfirst\\nsecond\\n\\n\\nlast\nc\tmenu\\n\\nthird\\n\n' > in
  bloom-dedup --unit paragraph in > out
  printf 'a\tmenu\\n \\nfirst\\nsecond\\n\\n\\nthird\nb\tnew\\n\\n\\nlast\n' | cmp - out
}

@test "JSON Lines give the same as TSV" {
  local unit
  printf 'a\tu\td\tone\\n\\ntwo\\t\\\\\nb\tu\td\tk=v\ttwo\\t\\\\\\nthree\nc\tu\td\tone\nd\tu\td\t\ne\tu\td\t\n' > in
  printf '%s\n' '{"id":"a","url":"u","date":"d","text":"one\n\ntwo\t\\"}' '{"id":"b","url":"u","date":"d","text":"two\t\\\nthree","metadata":{"k":"v"}}' \
    '{"id":"c","url":"u","date":"d","text":"one"}' '{"id":"d","url":"u","date":"d","text":""}' '{"id":"e","url":"u","date":"d","text":"\n"}' > in.jsonl
  for unit in document paragraph line; do
    bloom-dedup --unit $unit in > want
    bloom-dedup --unit $unit in.jsonl | cmp - want
    bloom-dedup --unit $unit --jsonl in > want.jsonl
    bloom-dedup --unit $unit --jsonl in.jsonl | cmp - want.jsonl
  done
  [ "$(wc -l < want)" = 3 ]
}

@test "a document of 20 MB: all formats, in parts of its lines" {
  awk 'BEGIN { printf "x\tu\td\t"; for (i = 0; i < 1100000; i++) printf "the line %d\\n", i % 700000; printf "\ny\tu\td\tthe line 3\nz\tu\td\tanother\n" }' > in
  [ "$(head -n 1 in | wc -c)" -gt 17000000 ]
  bloom-dedup --unit line --exact -S 4M in > want
  [ "$(head -n 1 want | tr '\\' '\n' | wc -l)" = 700000 ] && [ "$(wc -l < want)" = 2 ]
  bloom-dedup --unit line --jsonl in > want.jsonl
  bloom-dedup --unit line want.jsonl | cmp - want
  bloom-dedup --jsonl in > in.jsonl
  bloom-dedup --unit line in.jsonl | cmp - want
  bloom-dedup --unit line --jsonl -j 4 in.jsonl | cmp - want.jsonl
}

@test "what is not clean is cleaned before it is compared" {
  printf 'a\tx\377y\nb\tx\357\277\275y\nc\tp\\q\nd\tp\\\\q\ne\tz\0z\nf\tzz\ng\tx\\ry\nh\tx\ry\n' > in
  bloom-dedup --stats stats in > out
  printf 'a\tx\357\277\275y\nc\tp\\q\ne\tzz\ng\tx\\ry\n' | cmp - out
  grep -q '"invalid_utf8": 1' stats && grep -q '"nul": 1' stats && grep -q '"unknown_escape": 1' stats
}

@test "CS336's lines: what occurs more than once goes everywhere" {
  local fixtures=$BATS_TEST_DIRNAME/../../../shared/data/cs336/a4/tests/fixtures file
  [ -d "$fixtures" ] || skip 'no shared data'
  for file in "$fixtures"/documents_with_line_duplicates/*; do
    printf '%s\t%s\n' "${file##*/}" "$(sed 's/\\/\\\\/g; s/\t/\\t/g' "$file" | awk '{ printf "%s\\n", $0 }')"
  done > in
  bloom-dedup --unit line --keep none --min-length 0 in > out
  for file in "$fixtures"/documents_line_deduplicated/*; do
    awk -F '\t' -v id="${file##*/}" '$1 == id { gsub(/\\n/, "\n", $2); sub(/\n$/, "", $2); print $2 }' out > got
    cmp "$file" got || { echo "$file"; return 1; }
  done
}

@test "--normalize compares without case, punctuation and white space" {
  printf 'a\tHello,   World!\nb\thello world\nc\thello-world\nd\t\303\211t\303\251\ne\t\303\251T\303\211.\nf\t---\ng\t***\n' > in
  bloom-dedup --normalize in > out
  printf 'a\tHello,   World!\nc\thello-world\nd\t\303\211t\303\251\nf\t---\ng\t***\n' | cmp - out
}

@test "--min-length: short units stay" {
  printf 'a\t}\\nlong line\\n}\nb\t}\\nlong line\n' | bloom-dedup --unit line --min-length 4 > out
  printf 'a\t}\\nlong line\\n}\nb\t}\n' | cmp - out
}

@test "a filter goes on where it ended; filters of shards are joined; --frozen adds nothing" {
  seq 1 6000 > one; seq 4001 9000 > two
  bloom-dedup --capacity 20k --save one.bloom one > /dev/null
  bloom-dedup --capacity 20k --save two.bloom two > /dev/null
  bloom-dedup --load one.bloom --save both.bloom two > out
  seq 6001 9000 | cmp - out
  bloom-dedup --merge --save joined.bloom one.bloom two.bloom
  cmp <(tail -c +4097 both.bloom) <(tail -c +4097 joined.bloom)
  seq 8000 9500 > three
  bloom-dedup --load joined.bloom three > out
  seq 9001 9500 | cmp - out
  bloom-dedup --load one.bloom --load two.bloom three | cmp - out
  printf '9001\n9001\n5\n' | bloom-dedup --load one.bloom --frozen > out
  printf '9001\n9001\n' | cmp - out
  cat three three | bloom-dedup --load joined.bloom --frozen -j 4 --stats stats > out
  (seq 9001 9500; seq 9001 9500) | cmp - out
}

@test "filters that do not fit are refused by name, and nothing is written" {
  local file
  seq 1 100 > in
  bloom-dedup --unit line --capacity 1000 --save line.bloom in > /dev/null
  bloom-dedup --unit line --capacity 2000 --save large.bloom in > /dev/null
  bloom-dedup --unit line --capacity 1000 --seed 1 --save seed.bloom in > /dev/null
  bloom-dedup --unit line --capacity 1000 --normalize --save normal.bloom in > /dev/null
  bloom-dedup --unit line --capacity 1000 --ngram 3 --save ngram.bloom in > /dev/null
  head -c 5000 line.bloom > cut.bloom
  (cat line.bloom; echo) > more.bloom
  (head -c 4200 line.bloom; printf x; tail -c +4202 line.bloom) > damaged.bloom
  : > empty.bloom
  for file in large seed normal ngram cut more damaged empty missing; do
    run bloom-dedup -q --merge --save out.bloom line.bloom $file.bloom
    [ "$status" -eq 1 ] && [[ $output == *"$file.bloom: "* ]] && [ ! -e out.bloom ] || { echo "$file: $status $output"; return 1; }
    [ $file = large ] && continue
    run bloom-dedup -q --unit line --load $file.bloom -o out in
    [ "$status" -eq 1 ] && [[ $output == *"$file.bloom: "* ]] && [ ! -e out ] || { echo "$file: $status $output"; return 1; }
  done
  run bloom-dedup --load line.bloom -o out in
  [ "$status" -eq 1 ] && [[ $output == *"line.bloom: a filter of units 'line', not 'document'"* ]]
  run bloom-dedup --save out.bloom -o out missing
  [ "$status" -eq 1 ] && [ ! -e out.bloom ]
}

@test "a full filter says so, with its rate by then" {
  seq 1 30000 > in
  bloom-dedup --capacity 10k --fp .001 --stats stats in > out 2> err
  grep -q 'the filter is full: it holds .* units, its capacity is 10,000; of new units 0.[0-9]* are now taken for known ones, not 0.001' err
  grep -q '"capacity": 10000' stats
  # what is missing is about what it expects
  awk -v missing=$((30000 - $(wc -l < out))) -F '[:,]' '/"expected_false"/ { exit !(missing > $2 * .8 && missing < $2 * 1.2 && missing > 100) }' stats
  bloom-dedup --capacity 30k --fp .001 in > out 2> err
  [ ! -s err ]
}

@test "the rate of false positives is the one that was asked for" {
  local lost
  seq 1 400000 > in; seq 400001 1400000 > new
  bloom-dedup --capacity 400k --fp .01 --save f.bloom in > /dev/null
  lost=$((1000000 - $(bloom-dedup --load f.bloom --frozen new | wc -l)))
  echo "$lost of 1000000"
  [ $lost -gt 9000 ] && [ $lost -lt 11000 ]
}

@test "--ngram: a unit goes when at least the threshold of its n-grams was seen, and adds nothing then" {
  printf '%s\n' 'a b c d e f g h' 'a b c d e f g x' 'f g x y z' 'one two three' 'One, two, three!' 'one' 'one' 'a b c d e q r s' > in
  # 3-grams: line 2 has 5 of 6 known (.83): goes, so line 3 has none known
  bloom-dedup --ngram 3 --min-words 2 in > out
  printf '%s\n' 'a b c d e f g h' 'f g x y z' 'one two three' 'one' 'one' 'a b c d e q r s' | cmp - out
  bloom-dedup --ngram 3 --threshold .9 --min-words 2 in | grep -c . > count
  [ "$(cat count)" = 7 ]
  # too short to be compared, however many n-grams it has
  printf '%s\n' 'a b c d' 'a b c d' 'a b c d e' 'a b c d e' | bloom-dedup --ngram 2 > out
  printf '%s\n' 'a b c d' 'a b c d' 'a b c d e' | cmp - out
  # at the threshold it goes: 3 of 6
  bloom-dedup --ngram 3 --threshold .5 --min-words 2 in > out
  ! grep -q 'q r s' out
  printf 'x\ta b c d e f\\n\\nnew words of this one\ny\tother things to say\\n\\na b c d e f\n' | bloom-dedup --ngram 3 --unit paragraph > out
  printf 'x\ta b c d e f\\n\\nnew words of this one\ny\tother things to say\n' | cmp - out
}

@test "--ngram: a document of more n-grams than a batch holds is decided as any other" {
  awk 'BEGIN { srand(3); for (d = 0; d < 5; d++) { printf "d%d\t", d; for (i = 0; i < (d == 1 || d == 3 ? 700000 : 1000); i++) printf("w%d ", (d == 3 && i > 100000) ? i : i * 7); printf "\n" } }' > in
  bloom-dedup -q -S 256M --ngram 5 -j1 in | cut -f 1 | tr '\n' ' ' > one
  bloom-dedup -q -S 256M --ngram 5 -j4 in | cut -f 1 | tr '\n' ' ' > four
  cmp one four
  [ "$(cat one)" = 'd0 d1 d3 ' ]
}

@test "--against: documents that share n-grams with an evaluation set go, or are reported" {
  {
    printf 'a\tIt is said that Natalia sold clips to 48 of her friends in April, and then she sold half as many.\n'
    printf 'b\tnothing of the kind\nc\tyes: what is the capital of France? Paris.\n'
    printf 'd\tNatalia sold clips to 48\n'
  } > in
  printf '%s\n' '{"question":"Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May.","answer":"72"}' \
    '{"q":{"text":["What is the capital of France"]}}' > eval.jsonl
  bloom-dedup --against eval.jsonl --rejects gone --stats stats in > out
  printf 'b\tnothing of the kind\nd\tNatalia sold clips to 48\n' | cmp - out
  [ "$(cut -f 1,2 gone | tr '\t\n' '  ')" = 'bloom-dedup:contaminated a bloom-dedup:contaminated c ' ]
  grep -q '"short_texts": 1' stats && grep -q '"items": 2' stats && grep -q '"contaminated": 2' stats
  bloom-dedup --against eval.jsonl --report report in | cmp - in
  printf 'id\titem\tngrams\tshare\na\teval.jsonl:1\t5\t0.625\nc\teval.jsonl:2\t1\t1\n' | cmp - report
  bloom-dedup --against eval.jsonl --threshold .9 in | cut -f 1 | tr '\n' ' ' | grep -qx 'a b d '
  bloom-dedup --against eval.jsonl --min-words 7 in | cut -f 1 | tr '\n' ' ' | grep -qx 'b c d '
  bloom-dedup --against /dev/null in 2> err | cmp - in
  grep -q 'no text of 5 words' err
  run bloom-dedup --against missing.jsonl -o out2 in
  [ "$status" -eq 1 ] && [[ $output == *missing.jsonl* ]] && [ ! -e out2 ]
}

@test "bad lines, long ones, and --strict" {
  printf '{"id":"a","text":"x"}\nnot json\n{"id":"b","text":"x"}\n{"id":"c","text":"a long one"}\n' > in
  bloom-dedup --max-document 24 --rejects gone --stats stats in > out 2> err
  printf 'a\tx\n' | cmp - out
  [ "$(cut -f 1 gone | tr '\n' ' ')" = 'bloom-dedup:duplicate bloom-dedup:max_document ' ]
  grep -q 'in:2: not JSON' err
  grep -q '"bad": 1' stats && grep -q '"in": 4' stats && grep -q '"rejected": 2' stats
  run bloom-dedup -q --strict -o out2 in
  [ "$status" -eq 1 ] && [ ! -e out2 ]
}

@test "options that do not go together exit 2" {
  local options
  seq 3 > in
  for options in '--exact --fp .1' '--exact --ngram 3' '--exact --save x' '--against in --save x' '--report x' '--frozen' '--keep none --ngram 3' '--normalize --ngram 3' '--threshold .5' \
    '--merge' '--merge --save x --exact' '--fp 0' '--fp 1' '--capacity 1e12' '--save x -o x' '--min-words 3' '--unit word'; do
    # shellcheck disable=SC2086
    run bloom-dedup -q $options in
    [ "$status" -eq 2 ] || { echo "$options: $status $output"; return 1; }
  done
  run bloom-dedup -q --merge --save x
  [ "$status" -eq 2 ] && [[ $output == *operands* ]]
  [ ! -e x ]
}
