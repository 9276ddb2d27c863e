#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# fit-scaling: tables of every layout through every way in, rows chosen, and what bad tables are told.

load fit-scaling

setup() {
  bin=${BIN:-$BATS_TEST_DIRNAME/../../build/bin}
  cd "$BATS_TEST_TMPDIR" || return 1
  awk 'BEGIN {
    print "params\ttokens\tloss\trecipe"
    for (n = 1e7; n < 1e9; n *= 3) for (d = 1e9; d < 1e11; d *= 4) printf "%.9g\t%.9g\t%.12g\t%s\n", n, d, 1.7 + 400 / n ^ .34 + 400 / d ^ .28, ++i % 3 ? "base" : "other"
  }' > runs.tsv
}

law() { "$bin/fit-scaling" -q --bootstrap 0 "$@"; }

# fails STATUS TEXT ARGUMENT...: ends with that status, says this text, writes nothing
fails() {
  local want=$1 text=$2 status=0
  shift 2
  "$bin/fit-scaling" "$@" > out 2> err || status=$?
  cat err
  [ $status -eq "$want" ] && grep -qF -- "$text" err && [ ! -s out ]
}

@test "one law from TSV, CSV, JSON Lines and JSON, from stdin, gzip and zstd" {
  law runs.tsv > want
  [ "$(awk -F '\t' '$2 == "E" && $3 > 1.69 && $3 < 1.71' want | wc -l)" = 1 ]
  tr '\t' ',' < runs.tsv > runs.csv
  sed 's/[^,]*/"&"/g; s/$/\r/' runs.csv > quoted.csv
  awk -F '\t' 'NR > 1 { printf "{\"recipe\": \"%s\", \"loss\": %s, \"D\": %s, \"N\": %s}\n", $4, $3, $2, $1 }' runs.tsv > runs.jsonl
  { printf '{"by": "hand", "runs": [\n'; sed '$!s/$/,/' runs.jsonl; printf ']}\n'; } > runs.json
  for file in runs.csv quoted.csv runs.jsonl runs.json; do
    law "$file" > got
    cmp got want
  done
  gzip -k runs.csv
  zstd -q runs.jsonl
  law runs.csv.gz | cmp - want
  law runs.jsonl.zst | cmp - want
  cat runs.csv.gz | law | cmp - want
  law - < runs.json | cmp - want
}

@test "concatenated tables of other columns, and several operands, are one" {
  law runs.tsv > want
  head -8 runs.tsv > one
  { head -1 runs.tsv; tail -n +9 runs.tsv; } | awk -F '\t' -v OFS='\t' '{ print $3, $1, "x", $2 }' > two
  cat one two | law | cmp - want
  law one two | cmp - want
}

@test "names and units of one's own" {
  law runs.tsv > want
  awk -F '\t' -v OFS=, 'NR == 1 { print "Model Size (M)", "data", "final result"; next } { printf "%.12g,%.12g,%s\n", $1 / 1e6, $2 / 1e9, $3 }' runs.tsv > own.csv
  law --column 'tokens=data*1e9' --column 'loss=final result' own.csv > got
  awk -F '\t' 'NR == FNR { want[FNR] = $3; next } FNR > 1 && ($3 / want[FNR] - 1) ^ 2 > 1e-10 && $2 != "objective" { exit 1 }' want got
  fails 1 "own.csv:1: the header lacks 'tokens'" own.csv
  fails 1 'it has: Model Size (M), data, final result; say --column tokens=NAME' own.csv
  fails 1 "lacks the column 'result'" --column loss=result runs.tsv
  fails 2 'NAME=COLUMN' --column loss runs.tsv
}

@test "--where chooses rows, and --stats counts them" {
  awk -F '\t' 'NR == 1 || ($4 == "base" && $2 >= 4e9)' runs.tsv > some.tsv
  law some.tsv > want
  law --where recipe=base --where 'tokens>=4G' --stats stats.json runs.tsv | cmp - want
  grep -q '"in": 20\b' stats.json && grep -q '"rejected": 10\b' stats.json || { cat stats.json; false; }
  fails 1 "leaves none of 20 rows" --where recipe=unknown runs.tsv
  fails 1 "lacks the column 'colour' of --where; it has: params, tokens, loss, recipe" --where colour=red runs.tsv
  fails 2 'COLUMN=VALUE' --where recipe runs.tsv
}

@test "--by gives each group the law of its rows" {
  for recipe in base other; do law --where recipe=$recipe runs.tsv > "$recipe.law" || true; done
  law --by recipe runs.tsv | awk -F '\t' -v OFS='\t' '$7 == "base" { print $1, $2, $3, $4, $5, $6 }' > got
  diff <(tail -n +2 base.law) got
  fails 1 "of --by; it has: params" --by colour runs.tsv
}

@test "bad rows are counted, the first is named, --strict makes them an error" {
  { cat runs.tsv; printf '1e9\t1e9\tnan\tx\n0\t1\t2\tx\n1\t2\tinf\tx\n1\t2\ttext\tx\n'; } > bad.tsv
  "$bin/fit-scaling" --bootstrap 0 bad.tsv > got 2> err
  law runs.tsv | cmp - got
  grep -qF "4 of 24 rows left out; the first: bad.tsv:22: loss is missing: 'nan'" err
  fails 1 "bad.tsv:22: loss is missing" --strict bad.tsv
  printf 'params\ttokens\tloss\n1\t2\tnan\n' > none.tsv
  fails 1 'none of 1 rows can be used' none.tsv
}

@test "repeated rows, doubtful flops and names in doubt give a warning each" {
  awk -F '\t' -v OFS='\t' 'NR == 1 { print $0, "flops", "params" } NR > 1 { print $0, 60 * $1 * $2, 1 }' runs.tsv > odd.tsv
  "$bin/fit-scaling" --bootstrap 0 odd.tsv odd.tsv > got 2> err
  cat err
  grep -q 'warning: 20 of 40 rows repeat an earlier one' err
  grep -q "flops (column 'flops') differ from 6 params tokens .* in 40 of 40 rows" err
  grep -q "the header has 'params' twice" err
}

@test "what is no table says what it is" {
  printf 'PK\003\004....' > book.xlsx
  fails 1 'save the sheet as CSV' book.xlsx
  printf '\377\376p\000' > wide.csv
  fails 1 'iconv' wide.csv
  : > empty
  fails 1 'nothing in it' empty
  head -1 runs.tsv > header
  fails 1 'a table without rows' header
  printf '1\t2\t3\n' > numbers
  fails 1 'no header' numbers
  printf 'a,"never closed,' | fails 1 'stdin:1: a quote that is never closed'
}

@test "a line of 100 MB, NUL bytes and 100,000 columns" {
  { cat runs.tsv; head -c 100000000 /dev/zero | tr '\0' 'x'; printf '\n1e7\t1e9\t3\0\tx\n'; } > long.tsv
  "$bin/fit-scaling" --bootstrap 0 long.tsv > got 2> err
  law runs.tsv | cmp - got
  grep -q '2 of 22 rows left out' err
  { head -1 runs.tsv | tr -d '\n'; awk 'BEGIN { for (i = 0; i < 100000; i++) printf "\tc%d", i; print "" }'; tail -n +2 runs.tsv; } > wide.tsv
  law wide.tsv | cmp - <(law runs.tsv)
}
