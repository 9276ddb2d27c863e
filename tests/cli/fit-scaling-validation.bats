#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# fit-scaling: held-out runs, forms compared, residuals, and what bad tables are told.

load fit-scaling

@test "held-out runs are scored: by FLOPs or as a fraction" {
  table .003 > runs.tsv
  "$bin/fit-scaling" -q --bootstrap 0 --holdout above=2e20 runs.tsv > above.tsv
  "$bin/fit-scaling" -q --bootstrap 0 --holdout top=.2 runs.tsv > top.tsv
  cmp above.tsv top.tsv
  awk -v e="$(value holdout_mape 3 top.tsv)" 'BEGIN { exit !(e > 0 && e < 1) }'
  "$bin/fit-scaling" -q --bootstrap 0 --holdout top=.2 --stats s.json runs.tsv > /dev/null
  grep -q '"in": *30' s.json
  grep -q '"out": *24' s.json
  grep -q '"rejected": *6' s.json
  for wrong in top=0 top=1 top=x above=0 below=1e20 1e20; do
    fit 2 --holdout "$wrong" runs.tsv
    [[ $errors == *"--holdout takes above=FLOPS or top=FRACTION"* ]]
  done
}

@test "forms are ranked by how well they predict larger runs" {
  table .002 > runs.tsv
  fit 0 --bootstrap 100 --compare chinchilla,power runs.tsv
  [ "$(cut -f 2 <<< "$output")" = $'form\nchinchilla\npower' ]
  [ "$(awk -F '\t' 'NR == 2 { print $4 }' <<< "$output")" = 6 ]
  [[ $errors == *"chinchilla predicts the 6 runs of most compute best"* ]]
  fit 0 -q --bootstrap 0 --compare all runs.tsv
  [ "$(awk -F '\t' 'NR > 1 && $2 == "chinchilla"' <<< "$output" | wc -l)" = 1 ]
  fit 2 --compare chinchilla,nonsense runs.tsv
  [[ $errors == *"no form 'nonsense'"* ]]
  fit 2 --compare all --plot x.svg runs.tsv
  [ ! -e x.svg ]
}

@test "a law that extrapolates worse than a straight power law says so" {
  awk 'BEGIN { # a product of powers, which no sum of powers is
    print "params\ttokens\tloss"
    for (b = 0; b < 6; b++) for (i = 0; i < 4; i++) {
      c = 1e17 * 10 ^ b; n = sqrt(c / 120) * 2 ^ (i - 1.5); d = c / 6 / n
      printf "%.9g\t%.9g\t%.9g\n", n, d, 40 * n ^ -.06 * d ^ -.05
    }
  }' > runs.tsv
  fit 0 --bootstrap 0 --holdout top=.3 runs.tsv
  [[ $errors == *"extrapolates worse than the straight power law"* ]]
}

@test "residuals: every run, outliers marked" {
  table .002 > runs.tsv
  awk -F '\t' -v OFS='\t' 'NR == 9 { $4 *= 1.05 } 1' runs.tsv > wild.tsv
  fit 0 --bootstrap 0 --holdout top=.2 --residuals r.tsv wild.tsv
  [[ $errors == *"robust standard deviations"* ]]
  [ "$(wc -l < r.tsv)" = 31 ]
  [ "$(awk -F '\t' '$8 == 1' r.tsv | wc -l)" -ge 1 ]
  [ "$(awk -F '\t' '$9 == 1' r.tsv | wc -l)" = 6 ]
  awk -F '\t' 'NR > 1 && $8 == 1 && $6 > 3 && $6 < 6 { found = 1 } END { exit !found }' r.tsv
  fit 1 -q --residuals /dev/full wild.tsv
}

@test "groups: a law each, and whether they differ" {
  { table .003 | awk -F '\t' -v OFS='\t' '{ print $0, NR == 1 ? "recipe" : "raw" }'
    table .003 | awk -F '\t' -v OFS='\t' 'NR > 1 { $4 *= .95; print $0, "clean" }'; } > runs.tsv
  fit 0 --bootstrap 200 --by recipe --predict 1e22 --plot law.svg runs.tsv
  [ "$(head -n 1 <<< "$output")" = "form	name	value	low	high	stderr	group" ]
  [ "$(awk -F '\t' '$2 == "E" { print $7 }' <<< "$output")" = $'raw\nclean' ]
  awk -F '\t' '$2 == "loss_difference_percent@1e22" && $7 == "clean - raw" && $3 > -6 && $3 < -4 && $5 < 0 { found = 1 } END { exit !found }' <<< "$output"
  [[ $errors == *"they differ"* ]]
  [ -s law-raw.svg ]
  [ -s law-clean.svg ]
  fit 1 --by nowhere runs.tsv
  [[ $errors == *nowhere* ]]
}

@test "bad tables: an error that says what is missing, or what can still be said" {
  table > good.tsv
  cut -f 1,2 good.tsv > columns.tsv
  fit 1 columns.tsv
  [[ $errors == *loss* && $errors == *columns.tsv* ]]
  head -n 3 good.tsv > two.tsv
  fit 1 two.tsv
  [[ $errors == *"2 runs do not determine the law"* ]]
  head -n 7 good.tsv > budget.tsv
  fit 0 budget.tsv
  [[ $errors == *"tell the parameters apart"* ]]
  head -n 1 good.tsv > header.tsv
  fit 1 header.tsv
  : > empty.tsv
  fit 1 empty.tsv
  { cat good.tsv; printf '1e8\t1e9\t6e17\tnan\n0\t1e9\t6e17\t3\n1e8\t-1\t6e17\t3\n1e8\t1e9\t6e17\n'; } > rows.tsv
  fit 0 --bootstrap 0 rows.tsv
  [[ $errors == *"4 of 34 rows left out"* && $errors == *"rows.tsv:32"* ]]
  awk -v e="$(value E)" 'BEGIN { exit !(e > 1.7999 && e < 1.8001) }'
  fit 1 --strict rows.tsv
  { cat good.tsv; tail -n +2 good.tsv; } > twice.tsv
  fit 0 --bootstrap 50 twice.tsv
  [[ $errors == *"repeat an earlier one"* ]]
}

@test "groups whose names look alike in a path have plots of their own; control bytes reach no terminal" {
  local name rows long
  long=$(printf 'n%.0s' {1..400})
  rows=$(table .003)
  for name in recipe a/b a_b $'\x01\x1b[31mred' "$long"; do
    awk -F '\t' -v OFS='\t' -v name="$name" 'name == "recipe" ? NR == 1 : NR > 1 { print $0, name }' <<< "$rows"
  done > runs.tsv
  fit 0 --bootstrap 20 --by recipe --plot law.svg runs.tsv
  [ "$(printf '%s\n' law-*.svg | wc -l)" = 4 ]
  [ -s law-a_b.svg ] && [ -s law-a_b-2.svg ] && [ -s law-__\[31mred.svg ]
  [ "$(LC_ALL=C tr -d '\n\40-\176' < err | wc -c)" = 0 ]
  [[ $errors == *"??[31mred: chinchilla"* ]]
}

@test "an interval that does not hold its own number is told" {
  awk 'BEGIN { # a logistic curve, which bends more than the form does: resamples put the bend between other runs
    print "loss\taccuracy"
    for (n = 1e7; n < 1e9; n *= 3) for (d = 1e9; d < 1e11; d *= 4) {
      l = (1.7 + 400 / n ^ .34 + 400 / d ^ .28) * (1 + .003 * sin(++k * 12.9898))
      for (q = -1; q < 2; q++) for (w = -1; w < 2; w++) print l + .01 * q ^ 2 + .02 * w ^ 2 "\t" 1 - .75 / (1 + exp(-3 * (l - 2.8)))
    }
  }' > runs.tsv
  fit 0 --form log-sigmoid --objective squares runs.tsv
  awk -F '\t' 'NR > 1 && $4 != "" && ($3 < $4 || $3 > $5) { n++ } END { exit !n }' <<< "$output"
  [[ $errors == *"lies outside its own interval"* ]]
  table .003 > runs.tsv
  fit 0 --bootstrap 100 runs.tsv
  [[ $errors != *"outside its own interval"* ]]
}

@test "two outputs do not go to one file" {
  table .003 > runs.tsv
  fit 2 --plot x.svg -o x.svg runs.tsv
  [[ $errors == *"--plot x.svg: another output goes there"* ]]
  fit 2 --residuals x.tsv --stats x.tsv runs.tsv
  fit 2 --residuals x.tsv --plot x.tsv runs.tsv
  [ ! -e x.svg ] && [ ! -e x.tsv ]
  fit 0 --bootstrap 0 --plot /dev/null -o /dev/null runs.tsv
}

@test "a holdout that holds out nothing is told" {
  table .003 > runs.tsv
  fit 0 --bootstrap 0 --holdout above=1e300 runs.tsv
  [[ $errors == *"--holdout above=1e300 holds out no run"* ]]
  fit 0 --bootstrap 0 --holdout top=.2 runs.tsv
  [[ $errors != *"holds out no run"* ]]
}
