#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# fit-scaling plan: budgets, limits, files that lm-train takes, what contradicts itself.

load fit-scaling

plan() { fit "$1" plan "${@:2}"; }
holds() { awk "BEGIN { exit !($1) }" || { echo "not so: $1"; return 1; }; }

@test "a budget of FLOPs: the best N and D, a shape near them, intervals" {
  table .003 > runs.tsv
  plan 0 --flops 1e22 runs.tsv
  [ "$(head -1 out)" = $'form\tname\tvalue\tlow\thigh\tstderr' ]
  "$bin/fit-scaling" -q --predict 1e22 runs.tsv > law.tsv
  for pair in N:N_opt@1e22 D:D_opt@1e22; do
    for column in 3 4 5; do
      holds "$(value "${pair%%:*}" $column) / $(value "${pair##*:}" $column law.tsv) - 1 < 1e-6"
      holds "$(value "${pair%%:*}" $column) / $(value "${pair##*:}" $column law.tsv) - 1 > -1e-6"
    done
  done
  holds "$(value params) / $(value N) > .9 && $(value params) / $(value N) < 1.1"
  holds "$(value flops) <= 1e22 && $(value flops) > .99e22"
  holds "$(value loss 4) < $(value loss) && $(value loss) < $(value loss 5)"
  holds "$(value run_loss) == $(value loss) && $(value run_loss 4) < $(value loss 4) && $(value run_loss 5) > $(value loss 5)"
  holds "$(value loss_half_params) > $(value loss) - .01 && $(value loss_double_params) > $(value loss) - .01"
  [ "$(value batch_tokens)" -eq $(($(value batch) * $(value seq))) ]
  [ "$(value tokens)" -eq $(($(value steps) * $(value batch_tokens))) ]
  [ "$(value hidden_size)" -eq $(($(value heads) * $(value head_dim))) ]
  [[ $errors == *"by the law chinchilla, fitted to 30 runs"* ]]
}

@test "the same at any number of threads; stdin, holdout, other forms" {
  table .003 > runs.tsv
  plan 0 --flops 1e22 -j1 runs.tsv
  cp out one.tsv
  plan 0 --flops 1e22 -j4 runs.tsv
  cmp one.tsv out
  "$bin/fit-scaling" plan -q --flops 1e22 < runs.tsv | cmp - one.tsv
  plan 0 --flops 1e22 --holdout above=2e20 runs.tsv
  [[ $errors == *", fitted to 24 runs"* ]]
  for form in kaplan isoflop; do
    plan 0 --flops 1e22 --form $form --bootstrap 0 runs.tsv
    grep -q "^$form"$'\tN\t' out
  done
  plan 2 --flops 1e22 --form power --bootstrap 0 runs.tsv
  [[ $errors == *"the form power says nothing about the best use of a budget"* ]]
}

@test "published laws need no runs" {
  plan 0 --flops 5.76e23 --law besiroglu
  holds "$(value N) / 7.22487025e10 - 1 < 1e-6 && $(value D) / 1.32874359e12 - 1 < 1e-6"
  [ "$(value loss 4)" = '' ]
  plan 0 --flops 5.76e23 --law chinchilla
  holds "$(value N) > 3.1e10 && $(value N) < 3.3e10"
  cp out chinchilla.tsv
  plan 0 --flops 5.76e23 --fix E=1.69 --fix A=406.4 --fix B=410.7 --fix alpha=.34 --fix beta=.28
  cmp out chinchilla.tsv
  plan 1 --flops 1e20 --law nobody
  [[ $errors == *"chinchilla, besiroglu, muennighoff"* ]]
  plan 2 --flops 1e20 --law besiroglu runs.tsv
  plan 2 --flops 1e20 --law besiroglu --fix E=1
  plan 2 --flops 1e20 --law besiroglu --form kaplan
}

@test "a law from rows that fit-scaling wrote gives the plan of its runs" {
  table > runs.tsv
  "$bin/fit-scaling" -q --bootstrap 0 -o law.tsv runs.tsv
  plan 0 --flops 1e22 --bootstrap 0 runs.tsv
  cp out fitted.tsv
  plan 0 --flops 1e22 --law law.tsv
  holds "$(value N) / $(value N 3 fitted.tsv) - 1 < 1e-5 && $(value N) / $(value N 3 fitted.tsv) - 1 > -1e-5"
  [ "$(value hidden_size)" = "$(value hidden_size 3 fitted.tsv)" ]
  grep -v alpha law.tsv > short.tsv
  plan 1 --flops 1e22 --law short.tsv
  [[ $errors == *"no row 'chinchilla alpha'"* ]]
}

@test "machines and hours are a budget; the plan takes the hours" {
  plan 0 --gpus 8 --tflops 400 --hours 24 --law besiroglu
  holds "$(value plan_flops) == 2.7648e20"
  holds "$(value hours) <= 24 && $(value hours) > 23.7"
  [ "$(value gpu_memory_bytes_zero3)" -lt "$(value gpu_memory_bytes_zero0)" ]
  plan 0 --gpus 8 --tflops 1000 --mfu .4 --hours 24 --law besiroglu
  holds "$(value plan_flops) == 2.7648e20"
  plan 0 --gpus 8 --tflops 989 --hours 24 --law besiroglu
  [[ $errors == *"989 TFLOP/s is the peak of H100"*"--mfu 0.4"* ]]
  plan 0 --flops 1e20 --gpus 8 --tflops 400 --hours 24 --law besiroglu
  holds "$(value plan_flops) == 1e20 && $(value hours) < 9"
}

@test "memory: what fits, and what does not" {
  plan 0 --flops 1e22 --gpus 64 --tflops 400 --memory-per-gpu 80G --law besiroglu
  [ "$(value gpu_memory_bytes)" -le $((80 * 1024 * 1024 * 1024)) ]
  [ "$(value zero_stage)" -ge 1 ]
  plan 0 --flops 1e23 --gpus 2 --tflops 400 --memory-per-gpu 24G --law besiroglu
  [[ $errors == *"take more GPUs"* ]]
  [ "$(value recompute)" = 1 ]
  [ "$(value zero_stage)" = 3 ]
}

@test "data: passes over it, and no more than allowed" {
  plan 0 --tokens 300B --law besiroglu
  holds "$(value D) == 3e11 && $(value tokens) <= 3e11 && $(value epochs) <= 1"
  plan 0 --flops 1e22 --tokens 100B --law besiroglu
  holds "$(value D) / 2.00078643e11 - 1 < 1e-5 && $(value D) / 2.00078643e11 - 1 > -1e-5"
  [[ $errors == *"the data is the limit"* ]]
  plan 0 --flops 1e22 --tokens 10B --law besiroglu
  holds "$(value tokens) <= 4e10 && $(value epochs) <= 4 && $(value flops) < .6e22"
  [[ $errors == *"what is left of the budget"* ]]
  plan 0 --flops 1e22 --tokens 10B --repeats 16 --law besiroglu
  holds "$(value epochs) > 4 && $(value epochs) <= 16"
  [[ $errors == *"beyond 4 a repeated token is worth much less"* ]]
  plan 0 --flops 1e22 --tokens 10T --law besiroglu
  [[ $errors != *"the data is the limit"* ]]
}

@test "the budgets of Chinchilla and Llama 3 by their own runs" {
  local shared=$BATS_TEST_DIRNAME/../../../shared/data
  [ -d "$shared/scaling" ] || skip 'no shared data'
  (printf 'params\ttokens\tloss\n' && cat "$shared/oracle/scaling/besiroglu240.tsv") > chinchilla.tsv
  plan 0 --flops 5.76e23 --bootstrap 200 chinchilla.tsv # trained: 70B on 1.4T
  holds "$(value N) > 6.5e10 && $(value N) < 7.8e10 && $(value tokens_per_param) > 15 && $(value tokens_per_param) < 25"
  holds "$(value next_run_1_flops) > 1e21"
  plan 0 --form isoflop --flops 3.8e25 --bootstrap 200 "$shared/scaling/llama3_isoflops_points.csv" # predicted: 402B on 16.55T
  holds "$(value N) / 402e9 > .9 && $(value N) / 402e9 < 1.1 && $(value N 4) < 402e9 && $(value N 5) > 402e9"
  holds "$(value loss_after_next_runs 5) < $(value loss 5)"
}

@test "serving: smaller and longer for the same loss (Sardana et al. 2023: 13B for 2T tokens had better be 7B, 17% less)" {
  printf 'chinchilla\t%s\t%s\n' E 1.69 A 406.4 B 410.7 alpha .336 beta .283 > law.tsv
  plan 0 --flops 4.55e22 --inference-tokens 2T --law law.tsv
  holds "$(value N) > 6.9e9 && $(value N) < 7.1e9"
  [[ $errors == *"6 N D + 2 N I = 8.082e+22 FLOPs"*"9.778e+22 for the loss"*"13.1B parameters and 580B tokens"* ]]
  plan 0 --gpus 8 --tflops 400 --hours 24 --inference-tokens 100B --law law.tsv
  [[ $errors == *"of the 1d00h there are: --serving budget"* ]]
  plan 0 --gpus 8 --tflops 400 --hours 24 --inference-tokens 100B --serving budget --law law.tsv
  [[ $errors != *"there are"* ]]
  holds "$(value hours) < 24"
  plan 0 --flops 4.55e22 --inference-tokens 2T --serving budget --law law.tsv
  holds "$(value total_flops) <= 4.55e22 * 1.001 && $(value inference_flops) > 0"
}

@test "next runs: affordable, within the data, and the interval they promise" {
  table .003 > runs.tsv
  plan 0 --flops 1e22 --next 4 --spend .2 runs.tsv
  for k in 1 2 3 4; do holds "$(value next_run_${k}_flops) <= .05e22 * 1.001"; done
  holds "$(value loss_after_next_runs 5) - $(value loss_after_next_runs 4) < $(value loss 5) - $(value loss 4)"
  holds "$(value loss_after_next_runs) == $(value loss)"
  plan 0 --flops 1e22 --next 0 runs.tsv
  [[ $output != *next_run* ]]
}

@test "learning rate and batch: the published step law, or a table of a search" {
  plan 0 --flops 1e21 --law besiroglu
  holds "$(value lr) > 5e-4 && $(value lr) < 8e-4"
  awk 'BEGIN { # lr = .5 N^-.5 D^.1, batch = 2 D^.5, a bowl around each
    print "params\ttokens\tlr\tbatch\tloss"
    for (n = 1e8; n < 2e9; n *= 3) for (d = 2e9; d < 2e11; d *= 5) for (i = -3; i <= 3; i++) for (k = -3; k <= 3; k++)
      print n "\t" d "\t" .5 * n ^ -.5 * d ^ .1 * 2 ^ i "\t" 2 * d ^ .5 * 2 ^ k "\t" 2 + .001 * (i * i + k * k)
  }' > search.tsv
  plan 0 --flops 1e21 --law besiroglu --hyper search.tsv
  holds "$(value lr) / (.5 * $(value params) ^ -.5 * $(value tokens) ^ .1) - 1 < .01"
  holds "$(value lr) / (.5 * $(value params) ^ -.5 * $(value tokens) ^ .1) - 1 > -.01"
  holds "$(value batch_tokens) / (2 * $(value tokens) ^ .5) < 1.5 && $(value batch_tokens) / (2 * $(value tokens) ^ .5) > .66"
  table > runs.tsv
  plan 1 --flops 1e21 --law besiroglu --hyper runs.tsv
  [[ $errors == *runs.tsv*lr* ]]
  plan 1 --flops 1e21 --law besiroglu --hyper absent.tsv
}

@test "config.json and recipe load in lm-train, which counts the same" {
  [ -x "$bin/lm-train" ] && [ -x "$bin/bpe-encode" ] || skip "lm-train is not built"
  yes 'a text of some words to make shards of, again and again' | head -c 200000 > text
  "$bin/bpe-encode" -q -t bytes --raw -o text.bin text
  for flops in 2e15 1e18 3e20; do # up to about 1e9 parameters
    plan 0 --flops $flops --law besiroglu --vocab 512 --seq 128 --config c.json --recipe r.json
    "$bin/lm-train" -c c.json --recipe r.json -d text.bin -o run --plan > plan.tsv
    of() { awk -F '\t' -v name="$1" '$1 == name { print $2 }' plan.tsv; }
    [ "$(of parameters)" = "$(value params_total)" ]
    [ "$(of matmul_parameters)" = "$(value params)" ]
    [ "$(of steps)" = "$(value steps)" ]
    [ "$(of tokens)" = "$(value tokens)" ]
    [ "$(of batch)" = "$(value batch)" ]
    [ "$(of flops)" = "$(value flops)" ]
    holds "$(of lr) / $(value lr) - 1 < 1e-4 && $(of lr) / $(value lr) - 1 > -1e-4"
  done
}

@test "a 124M-class budget and a CPU overnight give models of their class" {
  plan 0 --flops 2e18 --law besiroglu --vocab 50257 --config c.json
  holds "$(value params) > 8e7 && $(value params) < 1.8e8 && $(value hidden_size) >= 576 && $(value hidden_size) <= 960"
  plan 0 --tflops 0.1 --gpus 1 --hours 8 --law besiroglu
  holds "$(value params) > 1e6 && $(value params) < 1e7 && $(value seq) == 256 && $(value lr) <= .0079"
  [[ $errors == *"far from the step law's runs"* ]]
}

@test "what contradicts itself is refused, with the remedy" {
  local arguments
  while read -r want arguments; do
    # shellcheck disable=SC2086
    plan 2 --law besiroglu $arguments
    [[ $errors == *"$want"* ]] || { echo "wanted: $want"; false; }
  done <<'END'
--flops
--hours --flops 1e20 --tflops 1 --hours 0
--tflops --hours 24
--tflops --flops 1e20 --mfu .4
--mfu --flops 1e20 --tflops 400 --mfu 40
--tokens --flops 1e20 --repeats 4
--repeats --flops 1e20 --tokens 1B --repeats .5
--inference-tokens --flops 1e20 --serving budget
--spend --flops 1e20 --spend 2
--gpus --gpus 0 --tflops 1 --hours 1
plan --flops 1e20 --predict 1e21
plan --flops 1e20 --compare all
another --flops 1e20 --config same --recipe same
END
  local status=0
  "$bin/fit-scaling" --flops 1e20 < /dev/null 2> err || status=$?
  [ $status = 2 ]
  grep -q 'belongs to the step plan' err
  plan 1 --flops 1e10 --law besiroglu
  [[ $errors == *"raise the budget, or lower --vocab"* ]]
  plan 1 --flops 1e20
  plan 1 --flops 1e20 absent.tsv
  printf 'params\ttokens\tloss\n1e6\t1e8\t4\n' > two.tsv
  plan 1 --flops 1e20 two.tsv
  [[ $errors == *"do not determine the law"* ]]
}

@test "rows as JSON; nothing is left of a plan that fails" {
  plan 0 --flops 1e21 --law besiroglu --format json
  [[ $output == '[{"form": "chinchilla", "name": "plan_flops", "value": 1e+21,'* ]]
  plan 1 --flops 1e10 --law besiroglu -o plan.tsv --config c.json
  [ ! -e plan.tsv ]
  [ ! -e c.json ]
  plan 1 --flops 1e21 --law besiroglu -o plan.tsv --config absent/c.json
  [ ! -e plan.tsv ]
}
