#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# fit-scaling: kinds of intervals, their level, further runs, large tables.

load fit-scaling

# $1 sizes by $2 lengths of the law 1.8 + 400/N^.34 + 410/D^.28, scattered by 1%
grid() {
  awk -v sizes="$1" -v lengths="$2" 'BEGIN {
    srand(6)
    print "params\ttokens\tloss"
    for (i = 0; i < sizes; i++) for (j = 0; j < lengths; j++) {
      n = 1e7 * 10 ^ (3 * i / (sizes - 1)); d = 1e9 * 10 ^ (3 * j / (lengths - 1))
      z = 0; for (k = 0; k < 12; k++) z += rand()
      printf "%.9g\t%.9g\t%.12g\n", n, d, (1.8 + 400 / n ^ .34 + 410 / d ^ .28) * exp(.01 * (z - 6))
    }
  }'
}

width() { awk -F '\t' -v name="$1" '$2 == name { print $5 - $4 }' "$2"; }
below() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'; }

@test "every kind gives an interval around every number, the same at any -j" {
  grid 6 5 > runs.tsv
  for kind in auto pairs residual budget profile normal; do
    "$bin/fit-scaling" -q -j 1 --bootstrap 200 --intervals $kind --predict 1e24 --at 1e9,1e11 runs.tsv > $kind.1
    "$bin/fit-scaling" -q -j 3 --bootstrap 200 --intervals $kind --predict 1e24 --at 1e9,1e11 runs.tsv > $kind.3
    cmp $kind.1 $kind.3
    awk -F '\t' -v kind=$kind 'NR > 1 && $2 != "objective" { n++; if (!($4 <= $3 && $3 <= $5 && $4 < $5 && $6 > 0)) print kind, $0 } END { if (n < 14) print kind, "rows", n }' $kind.1 > wrong
    cat wrong
    [ ! -s wrong ]
  done
  cmp auto.1 residual.1
  ! cmp -s pairs.1 residual.1
}

@test "a table of 100 runs has the pairs bootstrap" {
  grid 10 10 > runs.tsv
  "$bin/fit-scaling" -q --bootstrap 100 runs.tsv > auto
  "$bin/fit-scaling" -q --bootstrap 100 --intervals pairs runs.tsv > pairs
  cmp auto pairs
}

@test "a lower level is narrower, and the summary says it" {
  grid 6 5 > runs.tsv
  "$bin/fit-scaling" --bootstrap 300 --predict 1e24 runs.tsv > wide 2> wide.err
  "$bin/fit-scaling" --bootstrap 300 --level .5 --predict 1e24 runs.tsv > narrow 2> narrow.err
  for name in alpha N_opt@1e24 loss@1e24 run@1e24; do
    below "$(width $name narrow)" "$(width $name wide)"
    [ "$(value $name 6 narrow)" = "$(value $name 6 wide)" ]
  done
  grep -q '95% interval' wide.err
  grep -q '50% interval' narrow.err
  for level in 0 1 95 -1 x; do
    run "$bin/fit-scaling" --level $level runs.tsv
    [ "$status" -eq 2 ]
  done
  run "$bin/fit-scaling" --intervals exact runs.tsv
  [ "$status" -eq 2 ]
}

@test "one further run scatters more than the law is uncertain" {
  grid 12 12 > runs.tsv
  "$bin/fit-scaling" -q --at 1e9,1e11 --predict 1e22 runs.tsv > out
  [ "$(value run@1e9,1e11 3 out)" = "$(value loss@1e9,1e11 3 out)" ]
  below "$(width loss@1e9,1e11 out)" "$(width run@1e9,1e11 out)"
  # the scatter is 1%: 95% of further runs lie within 3.9% of the law's loss
  awk -F '\t' '$2 == "run@1e9,1e11" { w = ($5 - $4) / $3; print w; exit !(w > .034 && w < .048) }' out
  "$bin/fit-scaling" -q --bootstrap 0 --at 1e9,1e11 runs.tsv > none
  [ -z "$(value loss@1e9,1e11 4 none)" ]
  ! grep -q '^chinchilla	run@' none
}

@test "budgets too few to draw from: pairs, with a warning" {
  awk 'BEGIN {
    print "params\ttokens\tflops\tloss"
    for (b = 0; b < 2; b++) for (i = 0; i < 6; i++) {
      c = 1e18 * 10 ^ b; n = sqrt(c / 120) * 2 ^ (i - 2.5); d = c / 6 / n
      printf "%.9g\t%.9g\t%.9g\t%.12g\n", n, d, c, (1.8 + 400 / n ^ .34 + 410 / d ^ .28) * (1 + .002 * (i % 2))
    }
  }' > runs.tsv
  "$bin/fit-scaling" --bootstrap 100 --intervals budget runs.tsv > budget 2> err
  grep -q 'fewer than three budgets' err
  "$bin/fit-scaling" -q --bootstrap 100 --intervals pairs runs.tsv > pairs
  cmp budget pairs
}

@test "60,000 runs: searched on a sample, polished on all, intervals of the normal limit" {
  grid 300 200 > runs.tsv
  "$bin/fit-scaling" -j 1 --bootstrap 300 --intervals pairs runs.tsv > one 2> err
  grep -q 'above 50,000 runs' err
  "$bin/fit-scaling" -q -j 3 --bootstrap 300 runs.tsv > auto
  cmp one auto
  awk -F '\t' '$2 == "alpha" { z = ($3 - .34) / $6; exit !(z * z < 25 && $4 < $3 && $5 > $3 && $6 > 0 && $6 < .001) }' auto
  # the optimum of all, which no start on the sample alone would be
  "$bin/fit-scaling" -q --bootstrap 0 runs.tsv > all
  head -20001 runs.tsv | "$bin/fit-scaling" -q --bootstrap 0 > part
  [ "$(value alpha 3 all)" = "$(value alpha 3 auto)" ]
  [ "$(value alpha 3 all)" != "$(value alpha 3 part)" ]
}
