#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# fit-scaling: accuracy of tasks in one and two steps, and laws of data mixtures.

load fit-scaling

# row_near NAME VALUE TOLERANCE: of a row
row_near() { awk -v got="$(value "$1")" -v want="$2" -v most="$3" 'BEGIN { d = got - want; print "got", got; exit !(got != "" && d < most && -d < most) }'; }

# Four sizes at three lengths; loss .5 + 80/N^.3 + 200/D^.3, accuracy b - .7 / (1 + exp(-4 (loss - 1.1))); $1: b.
ladder() {
  awk -v b="$1" 'BEGIN {
    print "params\ttokens\tloss\taccuracy"
    for (n = 1e8; n < 5e9; n *= 3) for (d = 2e9; d < 1e11; d *= 5) {
      l = .5 + 80 / n ^ .3 + 200 / d ^ .3
      printf "%.9g\t%.9g\t%.15g\t%.15g\n", n, d, l, b - .7 / (1 + exp(-4 * (l - 1.1)))
    }
  }'
}

# Sixteen mixtures of three sources, losses on two domains.
mixtures() {
  awk 'BEGIN {
    print "share:web\tshare:code\tshare:books\tloss:prose\tloss:code"
    for (i = 0; i < 16; i++) {
      a = 1 + i % 5; b = 1 + (i * 7) % 6; c = 1 + (i * 3) % 4; s = a + b + c
      printf "%.15g\t%.15g\t%.15g\t%.15g\t%.15g\n", a / s, b / s, c / s, 2.2 + exp(.3 * a / s + .2 * b / s - 2 * c / s), 1.1 + exp(.5 * a / s - 3 * b / s + .4 * c / s)
    }
  }'
}

@test "accuracy from loss: the sigmoid is found, and asked at a loss" {
  ladder .95 > runs.tsv
  fit 0 --form sigmoid --bootstrap 50 --at-loss 1.1 --at-loss .7 runs.tsv
  row_near a -.7 1e-6
  row_near L0 1.1 1e-6
  row_near k 4 1e-5
  row_near b .95 1e-6
  row_near accuracy@1.1 .6 1e-7
  cut -f 3,4 runs.tsv > loss.tsv
  fit 0 --form sigmoid --bootstrap 50 --at-loss 1.1 loss.tsv
  row_near accuracy@1.1 .6 1e-7
}

@test "accuracy may come as an error, and params and tokens are no part of one step" {
  awk 'BEGIN { print "loss\terror"; for (l = 2; l < 4; l += .1) printf "%.15g\t%.15g\n", l, .85 - 8 * exp(-1.3 * l) }' > errors.tsv
  fit 0 --form task-error --bootstrap 0 --at-loss 3 errors.tsv
  row_near eps .85 1e-7
  row_near k 8 1e-5
  row_near gamma 1.3 1e-6
  row_near accuracy@3 "$(awk 'BEGIN { printf "%.9g", .15 + 8 * exp(-3.9) }')" 1e-7
}

@test "two steps predict accuracy from a budget and from params and tokens" {
  ladder 1 > runs.tsv
  fit 0 --form ladder --bootstrap 0 --fix b=1 --predict 1e22 --at 7e9,4e12 runs.tsv
  row_near E .5 1e-6
  row_near alpha .3 1e-7
  row_near a -.7 1e-6
  row_near k 4 1e-5
  row_near accuracy@7e9,4e12 "$(awk 'BEGIN { l = .5 + 80 / 7e9 ^ .3 + 200 / 4e12 ^ .3; printf "%.9g", 1 - .7 / (1 + exp(-4 * (l - 1.1))) }')" 1e-7
  [ -n "$(value N_opt@1e22)" ]
  [ -n "$(value accuracy@1e22)" ]
  [ -z "$(value loss@1e22)" ]
  fit 0 -q --form chinchilla --bootstrap 0 --predict 1e22 runs.tsv
  chinchilla=$(value N_opt@1e22)
  fit 0 -q --form ladder-log --bootstrap 0 --predict 1e22 runs.tsv
  [ "$(value N_opt@1e22)" = "$chinchilla" ]
}

@test "checkpoints without params and tokens take part in the second step only" {
  ladder .95 > runs.tsv
  awk -F '\t' -v OFS='\t' 'NR == 1 || NR % 2 { print; next } { $1 = $2 = ""; print }' runs.tsv > some.tsv
  fit 0 --form ladder --bootstrap 0 some.tsv
  row_near E .5 1e-6
  row_near beta .3 1e-7
  fit 0 -q --form ladder --bootstrap 0 runs.tsv
  whole=$(value L0)
  fit 0 -q --form ladder --bootstrap 0 some.tsv
  [ "$(value L0)" = "$whole" ]
}

@test "held-out runs of two steps are scored by their accuracy" {
  ladder 1 > runs.tsv
  fit 0 --form ladder --bootstrap 0 --fix b=1 --holdout top=.2 runs.tsv
  row_near holdout_mape 0 1e-4
}

@test "errors of accuracies are differences: a task at 0 has no relative one" {
  awk 'BEGIN { print "params\ttokens\tflops\tloss\taccuracy"; for (i = 0; i < 20; i++) { l = 3 - i / 10; a = 1 - 1 / (1 + exp(-6 * (l - 1.6))); printf "1e8\t1e9\t%d\t%.15g\t%.15g\n", 10 + i, l, i < 8 ? 0 : a } }' > runs.tsv
  fit 0 --form sigmoid --bootstrap 0 --holdout top=.2 --residuals residuals.tsv runs.tsv
  row_near holdout_mape 0 3
  [[ $errors != *inf* ]]
  ! grep -w inf residuals.tsv
  fit 0 --compare sigmoid,log-sigmoid,task-error --bootstrap 0 runs.tsv
  awk -F '\t' 'NR > 1 && ($9 == "" || $10 == "") { wrong = 1 } END { exit wrong }' out # aicc and bic
}

@test "residuals of several numbers of a run are not drawn apart" {
  mixtures > mix.tsv
  fit 0 --form mixture --intervals residual --bootstrap 30 mix.tsv
  [[ $errors == *'pairs'* ]]
}

@test "what a task at chance, a percentage or a wrong question is told" {
  awk 'BEGIN { print "loss\taccuracy"; for (i = 0; i < 9; i++) print 2 + i / 10 "\t.25" }' > chance.tsv
  fit 1 --form sigmoid chance.tsv
  [[ $errors == *'the task is at chance'* ]]
  awk 'BEGIN { print "loss\taccuracy"; for (i = 0; i < 9; i++) print 2 + i / 10 "\t" 45 - i }' > percent.tsv
  fit 1 --form sigmoid percent.tsv
  [[ $errors == *percent.tsv:2*accuracy*'0 to 1'* || $errors == *percent.tsv:2*accuracy*'0 and 1'* ]]
  ladder .95 > runs.tsv
  fit 2 --form sigmoid --at 1e9,1e10 runs.tsv
  fit 2 --form sigmoid --predict 1e20 runs.tsv
  fit 2 --at-loss 2 runs.tsv
  fit 2 --form sigmoid --at-loss -1 runs.tsv
  fit 2 --form sigmoid --fix b=2 runs.tsv
  cut -f 3,4 runs.tsv > loss.tsv
  fit 1 --form ladder loss.tsv
  [[ $errors == *'params and tokens'*'sigmoid'* ]]
}

@test "a law of mixtures for each domain, and the mixture of lowest loss" {
  mixtures > mix.tsv
  fit 0 --form mixture --bootstrap 50 --at-shares web=.5,books=.5 mix.tsv
  row_near c:prose 2.2 1e-6
  row_near t:prose:books -2 1e-6
  row_near t:code:code -3 1e-6
  row_near share:web 0 1e-9
  # at the optimum between code and books both slopes agree
  row_near share:code "$(awk 'BEGIN { low = 0; high = 1
    while (high - low > 1e-12) { r = (low + high) / 2; p = exp(.2 * r - 2 * (1 - r)); c = exp(-3 * r + .4 * (1 - r)); if (.2 * p - 3 * c < -2 * p + .4 * c) low = r; else high = r }
    printf "%.9f", r }')" 1e-6
  row_near loss@web=.5,books=.5 "$(awk 'BEGIN { printf "%.9f", (3.3 + exp(-.85) + exp(.45)) / 2 }')" 1e-7
  awk -F '\t' '$2 ~ /^share:/ { sum += $3 } END { exit !(sum > 1 - 1e-8 && sum < 1 + 1e-8) }' out
}

@test "weights of domains and limits of sources move the best mixture" {
  mixtures > mix.tsv
  fit 0 --form mixture --bootstrap 0 --weight prose=0 mix.tsv
  row_near share:code 1 1e-9
  row_near loss@best "$(awk 'BEGIN { printf "%.9f", 1.1 + exp(-3) }')" 1e-7
  fit 0 --form mixture --bootstrap 0 --weight prose=0 --limit code=.3 mix.tsv
  row_near share:code .3 1e-9
  row_near share:books .7 1e-7
  fit 0 --form mixture --bootstrap 0 --limit code=.2 --limit books=.3 --limit web=.5 mix.tsv
  row_near share:web .5 1e-9
}

@test "what wrong tables and questions of mixtures are told" {
  mixtures > mix.tsv
  head -n 4 mix.tsv > few.tsv
  fit 1 --form mixture few.tsv
  [[ $errors == *'as many different mixtures as there are sources, and one more'* ]]
  cut -f 4,5 mix.tsv > bare.tsv
  fit 1 --form mixture bare.tsv
  [[ $errors == *share:SOURCE* ]]
  awk -F '\t' -v OFS='\t' 'NR > 1 { rest = .8 / ($1 + $3); $1 *= rest; $2 = .2; $3 *= rest } { print }' mix.tsv > tied.tsv
  fit 1 --form mixture tied.tsv
  [[ $errors == *tied* ]]
  fit 2 --form mixture --limit wbe=.5 mix.tsv
  fit 2 --form mixture --limit web=.1 --limit code=.1 --limit books=.1 mix.tsv
  [[ $errors == *'only 0.3'* ]]
  fit 2 --form mixture --weight prose=0 --weight code=0 mix.tsv
  fit 2 --form mixture --at-shares web=.5 mix.tsv
  [[ $errors == *'sum to 0.5'* ]]
  fit 2 --form mixture --at-shares web=.5,cod=.5 mix.tsv
  fit 2 --limit web=.5 mix.tsv
}

@test "the forms give the same bytes with one thread and four" {
  ladder .95 > runs.tsv
  mixtures > mix.tsv
  for form in sigmoid log-sigmoid task-error ladder ladder-log ladder-error; do
    "$bin/fit-scaling" -q -j 1 --form $form --bootstrap 40 runs.tsv > one.tsv
    "$bin/fit-scaling" -q -j 4 --form $form --bootstrap 40 runs.tsv > four.tsv
    cmp one.tsv four.tsv
  done
  "$bin/fit-scaling" -q -j 1 --form mixture --bootstrap 40 mix.tsv > one.tsv
  "$bin/fit-scaling" -q -j 4 --form mixture --bootstrap 40 mix.tsv > four.tsv
  cmp one.tsv four.tsv
}
