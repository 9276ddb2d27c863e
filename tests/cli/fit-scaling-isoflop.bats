#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# fit-scaling: the forms that are procedures (isoflop, step-law, critical-batch), and the best of searched runs.

load fit-scaling

# Runs of 1.8 + 480/N^.34 + 2000/D^.36 at $1 budgets from 1e18, nine sizes around $2 times the best.
budgets() {
  awk -v budgets="$1" -v center="${2:-1}" 'BEGIN {
    print "params\ttokens\tflops\tloss"
    for (b = 0; b < budgets; b++) for (i = 0; i < 9; i++) {
      c = 1e18 * 4 ^ b; n = (.34 * 480 / (.36 * 2000)) ^ (1 / .7) * (c / 6) ^ (.36 / .7) * center * 1.8 ^ (i - 4); d = c / 6 / n
      printf "%.12g\t%.12g\t%.12g\t%.12g\n", n, d, c, 1.8 + 480 / n ^ .34 + 2000 / d ^ .36
    }
  }'
}

# A search of 3 x 3 (N, D): 2 N^-.6 D^.3 and .5 D^.55 are best.
search() {
  awk 'BEGIN {
    print "params\ttokens\tlr\tbatch\tloss"
    for (n = 1e8; n < 5e8; n *= 2) for (d = 2e9; d < 2e10; d *= 3) for (i = -3; i <= 3; i++) for (k = -2; k <= 2; k++)
      printf "%.12g\t%.12g\t%.12g\t%.12g\t%.12g\n", n, d, 2 * n ^ -.6 * d ^ .3 * exp(.35 * i), .5 * d ^ .55 * exp(.5 * k), 3 * (n * d) ^ -.02 * exp(.0015 * i * i + .002 * k * k)
  }'
}

@test "isoflop: exponents, the best model, a run's loss" {
  budgets 6 > runs.tsv
  "$bin/fit-scaling" -q --form isoflop --bootstrap 40 --predict 1e22 --at 1G,20G runs.tsv > out
  [ "$(cut -f 2 out | tr '\n' ' ')" = "name a b kN kD E kL c gamma objective N_exponent D_exponent N_opt@1e22 D_opt@1e22 loss@1e22 tokens_per_param@1e22 run@1e22 loss@1G,20G run@1G,20G " ]
  near "$(value a)" .5142857 .001
  near "$(value b)" .4857143 .001
  near "$(value N_opt@1e22)" 9.84346e9 .01
  near "$(value loss@1G,20G)" 2.61124 .005
}

@test "isoflop: a parabola and a spline; any number of jobs" {
  budgets 5 > runs.tsv
  "$bin/fit-scaling" -q --form isoflop --bootstrap 100 -j 1 runs.tsv > one
  "$bin/fit-scaling" -q --form isoflop --bootstrap 100 -j 4 --minima parabola runs.tsv > four
  cmp one four
  "$bin/fit-scaling" -q --form isoflop --bootstrap 100 --minima spline runs.tsv > spline
  ! cmp -s one spline
  near "$(value a 3 spline)" .5142857 .003
}

@test "isoflop: budgets without a minimum are left out and named" {
  budgets 5 > runs.tsv
  budgets 1 30 | sed 's/1e+18/5e+16/' | awk 'NR > 1 { $3 = 5e16; $2 = $3 / 6 / $1 } 1' OFS='\t' >> runs.tsv
  "$bin/fit-scaling" --form isoflop --bootstrap 0 runs.tsv > out 2> err
  near "$(value a)" .5142857 .001
  grep -F "1 of 6 budgets left out; 5e+16 FLOPs (9 runs): the loss is lowest at the smallest size" err
}

@test "isoflop: tables that do not determine it say what would" {
  budgets 1 > one.tsv
  run "$bin/fit-scaling" --form isoflop one.tsv
  [ "$status" -eq 1 ]
  [[ $output == *"needed are two budgets"* ]]
  budgets 4 30 > large.tsv
  run "$bin/fit-scaling" --form isoflop large.tsv
  [ "$status" -eq 1 ]
  [[ $output == *"two budgets whose loss has a minimum"* ]]
  budgets 3 > three.tsv
  "$bin/fit-scaling" --form isoflop --bootstrap 0 three.tsv > out 2> err
  [ "$(value E)" = 0 ]
  grep -F "3 budgets do not tell an irreducible loss" err
  run "$bin/fit-scaling" --minima cubic three.tsv
  [ "$status" -eq 2 ]
}

@test "step-law: both laws, and what they say of a model" {
  search > runs.tsv
  "$bin/fit-scaling" -q --form step-law --bootstrap 40 --at 1G,100G runs.tsv > out
  near "$(value lr_c)" 2 1e-6
  near "$(value lr_N)" -.6 1e-8
  near "$(value lr_D)" .3 1e-8
  near "$(value batch_c)" .5 1e-6
  near "$(value batch_D)" .55 1e-8
  near "$(value lr@1G,100G)" .0158866 1e-5
  near "$(value batch@1G,100G)" 561009 1e-5
}

@test "step-law: residuals are those of the best run of each size and length" {
  search > runs.tsv
  "$bin/fit-scaling" -q --form step-law --bootstrap 0 --residuals best.tsv runs.tsv > out
  [ "$(wc -l < best.tsv)" -eq 10 ]
  awk -F '\t' 'NR > 1 && ($6 > 1e-6 || $6 < -1e-6) { print; bad = 1 } END { exit bad }' best.tsv
}

@test "step-law: runs that were not searched over say what is needed" {
  search | awk 'NR == 1 || ($1 == 1e8 && $2 == 2e9)' > one.tsv
  run "$bin/fit-scaling" --form step-law one.tsv
  [ "$status" -eq 1 ]
  [[ $output == *"three (params, tokens) with several learning rates"* ]]
}

@test "--lowest-per keeps the best of a search" {
  search > runs.tsv
  "$bin/fit-scaling" -q --bootstrap 0 --lowest-per params,tokens --residuals best.tsv --fix E=1 --fix alpha=.3 --fix beta=.3 runs.tsv > out
  [ "$(wc -l < best.tsv)" -eq 10 ]
  run "$bin/fit-scaling" --lowest-per size runs.tsv
  [ "$status" -eq 2 ]
  [[ $output == *"--lowest-per takes columns such as params,tokens, not 'size'"* ]]
}

@test "critical-batch: one target, from tokens or steps" {
  awk 'BEGIN { print "batch\ttokens"; for (b = 16384; b < 4e6; b *= 2) printf "%d\t%.12g\n", b, 3e9 * (1 + b / 4e5) }' > tokens.tsv
  awk 'BEGIN { print "batch\tsteps"; for (b = 16384; b < 4e6; b *= 2) printf "%d\t%.12g\n", b, 3e9 * (1 + b / 4e5) / b }' > steps.tsv
  for table in tokens steps; do
    "$bin/fit-scaling" -q --form critical-batch --bootstrap 40 $table.tsv > out
    near "$(value tokens_min)" 3e9 1e-6
    near "$(value steps_min)" 7500 1e-6
    near "$(value batch_critical)" 4e5 1e-6
  done
}

@test "critical-batch: it grows with the tokens, and with a lower loss" {
  awk 'BEGIN {
    print "batch\ttokens\tloss"
    for (l = 3.6; l > 2.9; l -= .2) for (b = 16384; b < 4e6; b *= 4) { c = 2e8 / l ^ (1 / .21); d = (c / 20) ^ (1 / .47); printf "%d\t%.12g\t%g\n", b, d * (1 + b / c), l }
  }' > runs.tsv
  "$bin/fit-scaling" -q --form critical-batch --bootstrap 0 --at 1G,100G runs.tsv > out
  near "$(value batch_D)" .47 1e-6
  near "$(value alpha_B)" .21 1e-6
  near "$(value 'batch_critical[3.2]')" 786750 1e-3
  near "$(value batch@1G,100G)" 2957980 1e-3
  awk 'NR == 1 || !seen[$3]++' runs.tsv > alone.tsv
  run "$bin/fit-scaling" --form critical-batch alone.tsv
  [ "$status" -eq 1 ]
  [[ $output == *"two batch sizes or more"* ]]
}
