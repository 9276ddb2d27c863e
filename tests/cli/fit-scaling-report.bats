#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What fit-scaling writes: rows, JSON, the summary, plots.

bats_require_minimum_version 1.5.0

load fit-scaling

setup() {
  bin=$BIN
  cd "$BATS_TEST_TMPDIR" || return 1
  awk 'BEGIN {
    print "params\ttokens\tloss" > "runs.tsv"
    for (n = 1e7; n < 1e9; n *= 3) for (d = 1e9; d < 1e11; d *= 4)
      print n "\t" d "\t" (1.7 + 400 / n^.34 + 400 / d^.28) * (1 + .003 * sin(++k * 12.9898)) > "runs.tsv"
  }'
}

@test "rows: form name value low high stderr, six fields each, with exponents and tokens per parameter" {
  "$bin/fit-scaling" -q --bootstrap 50 --predict 1e21 --at 1G,20G runs.tsv > out
  [ "$(head -1 out)" = $'form\tname\tvalue\tlow\thigh\tstderr' ]
  [ "$(awk -F '\t' 'NF != 6' out | wc -l)" = 0 ]
  [ "$(cut -f 2 out | tr '\n' ' ' | sed 's/run@[^ ]* //g')" = 'name E A B alpha beta objective N_exponent D_exponent N_opt@1e21 D_opt@1e21 loss@1e21 tokens_per_param@1e21 loss@1G,20G ' ]
  awk -v a="$(value N_exponent)" -v b="$(value D_exponent)" 'BEGIN { exit !(a + b > .999999 && a + b < 1.000001) }'
  awk -v n="$(value N_opt@1e21)" -v d="$(value D_opt@1e21)" -v r="$(value tokens_per_param@1e21)" 'BEGIN { exit !(d / n / r > .9999999 && d / n / r < 1.0000001) }'
}

@test "JSON holds the numbers of the rows" {
  "$bin/fit-scaling" -q --bootstrap 50 --predict 1e21 runs.tsv > out
  "$bin/fit-scaling" -q --bootstrap 50 --predict 1e21 --format json runs.tsv > out.json
  [ "$(wc -l < out.json)" = 1 ]
  for name in E A B alpha beta N_exponent; do
    grep -qF "\"$name\": {\"value\": $(value $name), \"low\": " out.json
  done
  grep -qF "\"N_opt\": {\"value\": $(value N_opt@1e21), \"low\": " out.json
  grep -qF '"warnings": [' out.json
  "$bin/fit-scaling" -q --bootstrap 0 --format json runs.tsv | grep -qF '"low": null, "high": null, "stderr": null}'
  "$bin/fit-scaling" -q --format json --compare chinchilla runs.tsv | grep -qE '^\{"forms": \[\{"rank": 1, "form": "chinchilla", .*\}\]\}$'
  run -2 "$bin/fit-scaling" --format xml runs.tsv
}

@test "the summary goes to stderr: 80 columns, no control bytes, nothing with -q" {
  "$bin/fit-scaling" --predict 1e21 --predict $'1e22' --at 1G,20G runs.tsv 2> err > out
  [ "$(awk 'length > 80 && !/warning/' err | wc -l)" = 0 ]
  grep -qE '^  alpha +0\.3[0-9]* ' err
  grep -qE '^  FLOPs +N_opt +D_opt +loss +tokens/param$' err
  grep -qE '^  1e22 ' err
  [ "$(LC_ALL=C tr -d '\n\40-\176' < err | wc -c)" = 0 ]
  "$bin/fit-scaling" -q --predict 1e21 runs.tsv 2> err > out
  [ ! -s err ]
}

@test "a plot is drawn, of the panels that are asked for" {
  "$bin/fit-scaling" -q --bootstrap 50 --predict 1e21 --plot law.svg runs.tsv > out
  [ "$(head -c 38 law.svg)" = '<svg xmlns="http://www.w3.org/2000/svg' ]
  [ "$(tail -1 law.svg)" = '</svg>' ]
  [ "$(grep -c '<clipPath' law.svg)" = 7 ]
  "$bin/fit-scaling" -q -j 1 --bootstrap 50 --predict 1e21 --plot again.svg runs.tsv > out
  cmp law.svg again.svg
  "$bin/fit-scaling" -q --bootstrap 0 --plot law.svg --panels residuals,loss-N runs.tsv > out
  [ "$(grep -c '<clipPath' law.svg)" = 2 ]
  run ! grep -qiE '[ "]-?(nan|inf)[ "]' law.svg
}

@test "panels that there are not, and that cannot be drawn, are errors" {
  run -2 "$bin/fit-scaling" --plot law.svg --panels loss-N,colour runs.tsv
  [[ $output == *"'colour'"*'loss-C'* ]]
  run -2 "$bin/fit-scaling" --panels loss-N runs.tsv
  run -1 "$bin/fit-scaling" --bootstrap 0 --plot law.svg --panels cloud runs.tsv
  [[ $output == *'bootstrap'* ]]
  [ ! -e law.svg ]
}

@test "the man page has every panel" {
  local name names
  run -2 "$bin/fit-scaling" --plot law.svg --panels none runs.tsv
  names=${output##*there are }
  names=${names%%$'\n'*}
  [ "$(tr -cd ',' <<< "$names" | wc -c)" -ge 9 ]
  for name in ${names//,/ }; do
    grep -qE "^\.It Cm (.* )?$name( |\$)" "$BATS_TEST_DIRNAME/../../man/fit-scaling.1" || { echo "$name"; return 1; }
  done
}
