#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# lm-train: folders, budgets, resuming after every kind of end, and what lm-sample makes of the result.

load ../tiny

setup_file() {
  export T=$BATS_FILE_TMPDIR
  cd "$T" || return 1
  tiny_corpus 60
  "$BIN/bpe-encode" -q -t tok.tsv --raw -o train.bin corpus.txt
  "$BIN/bpe-encode" -q -t tok.tsv --raw --shard-tokens 200 -o part.bin corpus.txt
  tiny_config 32 64 2 32
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

export OMP_WAIT_POLICY=passive
train() { "$BIN/lm-train" -q -c "$T/c.json" -d "$T/train.bin" -t "$T/tok.tsv" --batch 4 --seq 16 "$@"; }

@test "a run can be cut anywhere: killed, stopped, out of disk; --resume gives the bits of an undisturbed run" {
  train -o whole --steps 400 --save-every 50 --log whole.tsv
  command=("$BIN/lm-train" -q -c "$T/c.json" -d "$T/train.bin" -t "$T/tok.tsv" --batch 4 --seq 16 -o cut --steps 400 --save-every 50 --log cut.tsv)
  "${command[@]}" & pid=$!
  for i in $(seq 500); do [ -e cut/latest ] && break; sleep 0.01; done # older steps are soon removed
  kill -9 $pid 2> /dev/null || true; wait $pid || true
  mkdir -p cut/step-999.tmp && echo half > cut/step-999.tmp/model.safetensors # as a kill while saving leaves it
  "${command[@]}" --resume & pid=$!
  for i in $(seq 500); do [ "$(readlink cut/latest | tr -dc 0-9)" -ge 150 ] && break; sleep 0.01; done
  kill -TERM $pid 2> /dev/null || true; status=0; wait $pid || status=$?
  [ $status -eq 143 ] || [ -e cut/step-400 ]
  train -o cut --steps 400 --log cut.tsv --resume
  cmp whole/model.safetensors cut/model.safetensors
  cmp whole/run.tsv cut/run.tsv
  cmp whole.tsv cut.tsv
  [ ! -e cut/step-999.tmp ]
}

@test "a budget can be raised with --resume, and cannot be lowered below what is done" {
  train -o m --steps 5 --schedule constant
  train -o m --tokens 640 --resume
  [ "$(cut -f 2 m/run.tsv | tail -1)" = 640 ]
  [ "$(readlink m/latest)" = step-10 ]
  ! train -o m --steps 5 --resume 2> err
  grep -q '10 steps are done' err
}

@test "--flops and --tokens are turned into whole steps" {
  train -o m --tokens 200
  [ "$(cut -f 2 m/run.tsv | tail -1)" = 192 ]
  per_token=$("$BIN/lm-train" -c "$T/c.json" -d "$T/train.bin" --seq 16 --batch 4 --steps 1 --plan | awk '$1 == "flops_per_token" { print $2 }')
  train -o n --flops $((per_token * 64 * 3 + 10))
  [ "$(cut -f 2 n/run.tsv | tail -1)" = 192 ]
  [ "$(cut -f 3 n/run.tsv | tail -1)" = $((per_token * 192)) ]
}

@test "an existing folder needs --force or --resume; --force begins anew" {
  train -o m --steps 3
  ! train -o m --steps 3 2> err
  grep -q -- '--resume' err
  train -o m --steps 2 --force
  [ "$(readlink m/latest)" = step-2 ] && [ ! -e m/step-3 ]
  mkdir mine && echo keep > mine/notes
  train -o mine --steps 1 --force
  [ "$(cat mine/notes)" = keep ] && [ -e mine/model.safetensors ]
  mkdir new # nothing in it that could be lost
  train -o new --steps 1
  [ -e new/model.safetensors ]
}

@test "--resume into nothing begins" {
  train -o fresh --steps 2 --resume
  [ -e fresh/model.safetensors ]
}

@test "two runs do not share a folder" {
  command=("$BIN/lm-train" -q -c "$T/c.json" -d "$T/train.bin" --batch 4 --seq 16 -o m --steps 100000 --save-every 10)
  "${command[@]}" & pid=$!
  for i in $(seq 100); do [ -e m/latest ] && break; sleep 0.05; done
  status=0
  train -o m --steps 200000 --resume 2> err || status=$?
  kill $pid; wait $pid || true
  [ $status -eq 1 ] && grep -q 'another lm-train' err
}

@test "--keep leaves the newest checkpoints" {
  train -o m --steps 6 --save-every 1 --keep 3
  [ "$(cd m && echo step-*)" = 'step-4 step-5 step-6' ]
  cp -R m/step-4 m/step-1 # what a run that was killed behind a save had not come to remove
  train -o m --steps 6 --save-every 1 --keep 3 --resume
  [ ! -e m/step-1 ] && [ -e m/step-4 ] && [ -e m/step-6 ]
}

@test "what cannot change with --resume is refused by name" {
  train -o m --steps 2 --seed 5
  ! train -o m --steps 3 --resume --seed 6 2> err && grep -q -- '--seed 5' err
  ! train -o m --steps 3 --resume --seq 8 2> err && grep -q -- '--seq 16' err
  ! train -o m --steps 3 --resume --batch 2 2> err && grep -q -- '--batch 4' err
  ! train -o m --steps 3 --resume --set hidden_size=64 2> err && grep -q 'another config' err
  "$BIN/lm-train" -q -d "$T/train.bin" -o m --steps 3 --resume # all of it from the checkpoint
  [ "$(cut -f 6 m/run.tsv | tail -1)" = 5 ]
}

@test "shards cut at any place are one stream" {
  train -o one --steps 3
  "$BIN/lm-train" -q -c "$T/c.json" -d "$T"'/part_*.bin' -t "$T/tok.tsv" --batch 4 --seq 16 -o two --steps 3
  "$BIN/lm-train" -q -c "$T/c.json" -t "$T/tok.tsv" --batch 4 --seq 16 -o three --steps 3 -d "$T"/part_*.bin
  cmp one/model.safetensors two/model.safetensors
  cmp one/model.safetensors three/model.safetensors
}

@test "a micro-batch changes the memory, not the result" {
  train -o one --steps 3 --micro-batch 4
  train -o two --steps 3 --micro-batch 1
  a=$(cut -f 4 one/run.tsv | tail -1) b=$(cut -f 4 two/run.tsv | tail -1)
  awk -v a="$a" -v b="$b" 'BEGIN { d = a - b; exit !(d < 1e-4 && d > -1e-4) }'
}

@test "unsuitable data are refused with the remedy" {
  head -c 1024 "$T/train.bin" > empty.bin
  ! "$BIN/lm-train" -c "$T/c.json" -d empty.bin -o m --steps 1 2> err
  ! "$BIN/lm-train" -c "$T/c.json" -d "$T/part_000000.bin" -o m --steps 1 --seq 32 --set max_position_embeddings=4096 --seq 1000 2> err && grep -q 'lower --seq' err
  ! "$BIN/lm-train" -c "$T/c.json" -d "$T/train.bin" -o m --steps 1 --set vocab_size=299 2> err && grep -q 'vocab_size is 299' err
  ! "$BIN/lm-train" -c "$T/c.json" -d "$T/train.bin" -o m --steps 1 --seq 64 2> err && grep -q 'max_position_embeddings' err
  ! "$BIN/lm-train" -c "$T/c.json" -d "$T/none-*.bin" -o m --steps 1 2> err && grep -q 'no such file' err
  [ ! -e m ]
}

@test "an unsupported config is refused by key and value" {
  for set in hidden_act=swash model_type=bert 'rope_parameters={"rope_type":"longrope","rope_theta":500000}' num_key_value_heads=3 head_dim=7; do
    status=0
    train -o m --steps 1 --set "$set" 2> err || status=$?
    [ $status -eq 1 ] && grep -q "${set%%=*}" err || { echo "$set: $status $(cat err)"; return 1; }
  done
  ! train -o m --steps 1 --set hiden_size=3 2> err && grep -q 'no key hiden_size' err
}

@test "a checkpoint that cannot be written fails and leaves the earlier one" {
  train -o m --steps 2
  cp -r m before
  (ulimit -f 40; trap '' XFSZ; ! train -o m --steps 4 --resume 2> err)
  cmp before/model.safetensors m/model.safetensors
  [ ! -e m/step-4 ] && [ ! -e m/step-4.tmp ]
}

@test "--recipe gives options, the command line wins" {
  echo '{"steps": 3, "lr": 0.01, "schedule": "linear"}' > recipe.json
  train -o m --recipe recipe.json --lr 0.02
  [ "$(cut -f 8 m/run.tsv | tail -1)" = 3 ] && [ "$(cut -f 11 m/run.tsv | tail -1)" = 0.02 ] && [ "$(cut -f 14 m/run.tsv | tail -1)" = linear ]
  echo '{"stepz": 3}' > recipe.json
  ! train -o n --recipe recipe.json 2> err && grep -q stepz err
}

@test "a preset takes its vocabulary from the shards" {
  "$BIN/lm-train" -q --preset stories260k -d "$T/train.bin" -t "$T/tok.tsv" -o m --steps 1 --batch 2 --seq 16
  grep -q '"vocab_size": 300' m/config.json && grep -q '"eos_token_id": 299' m/config.json
}

@test "bits per byte are the loss over the bytes of the validation text" {
  train -o m --steps 2 -V "$T/train.bin"
  ids=$(($(stat -c %s "$T/train.bin") / 2 - 512 - 1)) bytes=$(stat -c %s "$T/corpus.txt")
  awk -F '\t' -v n=$ids -v b="$bytes" 'NR == 2 { d = $5 / ($4 * n / b / log(2)) - 1; exit !(d < 1e-6 && d > -1e-6) }' m/run.tsv
}

@test "sampling: what was learnt by heart comes back; streams, batches and -p agree" {
  for i in $(seq 1 80); do echo 'one two three four five six.'; done > count.txt
  "$BIN/bpe-encode" -q -t "$T/tok.tsv" -o count.bin count.txt
  "$BIN/lm-train" -q -c "$T/c.json" -d count.bin -t "$T/tok.tsv" -o m --steps 200 --batch 4 --seq 31 --lr 1e-2
  [ "$("$BIN/lm-sample" -q -m m -p 'one two three four' -n 100)" = ' five six.' ]
  [ "$("$BIN/lm-sample" -q -m m -p '')" = 'one two three four five six.' ]
  printf 'a\tone two three four\nb\tfive six\nc\t\n' > prompts
  "$BIN/lm-sample" -q -m m --samples 2 < prompts > all
  "$BIN/lm-sample" -q -m m --samples 2 --batch 1 < prompts > single
  cmp all single
  [ "$(sed -n 5p all)" = "$(printf 'c\t0\tone two three four five six.')" ]
  "$BIN/lm-sample" -q -m m --samples 3 --temperature 1 --seed 3 < prompts > x
  "$BIN/lm-sample" -q -m m --samples 3 --temperature 1 --seed 3 < prompts > y
  cmp x y
  "$BIN/lm-sample" -q -m m -p 'one two' --logprobs -n 3 > table
  [ "$(wc -l < table)" = 3 ] && awk -F '\t' 'NF != 3 || $2 > 0 { exit 1 }' table
}

@test "sampling: the last position ends a text with a message; a prompt that is too long is left out and counted" {
  train -o m --steps 1
  "$BIN/lm-sample" -m m -p 'the cat' -n 1000 --repeat-penalty 1.5 > out 2> err
  long=$(printf 'the cat number %d sat. ' $(seq 40))
  status=0
  "$BIN/lm-sample" -m m -p "$long" > out 2> err || status=$?
  [ $status -eq 1 ] && grep -q max_position_embeddings err
  printf 'a\t%s\nb\tthe cat\n' "$long" | "$BIN/lm-sample" -m m -n 2 --stats s.json > out 2> err
  [ "$(cut -f 1 out)" = b ] && grep -q max_position_embeddings err && grep -q '"bad": 1' s.json
}

@test "a budget that is no step, or more than can be counted, is refused; so is --min-lr above --lr" {
  for options in '--tokens 63' '--flops 1000' '--steps 9e18' '--flops 1e40' '--steps 2 --lr 1e-4 --min-lr 1e-2'; do
    status=0
    # shellcheck disable=SC2086
    train -o m $options 2> err || status=$?
    [ $status -eq 2 ] && [ ! -e m ] || { echo "$options: $status $(cat err)"; return 1; }
  done
  train -o m --tokens 64
  [ "$(cut -f 2 m/run.tsv | tail -1)" = 64 ]
}

@test "a warm-up that outlasts the run is warned of" {
  "$BIN/lm-train" -c "$T/c.json" -d "$T/train.bin" --batch 4 --seq 16 -o m --steps 2 --warmup 3 2> err
  grep -q 'warning: --warmup 3' err
}

@test "a shape that transformers does not load is warned of" {
  "$BIN/lm-train" -c "$T/c.json" -d "$T/train.bin" --batch 4 --seq 16 -o m --steps 1 --set hidden_size=33 --set head_dim=8 2> err
  grep -q 'warning: hidden_size 33' err
}

@test "--force takes the row of the earlier run away at once" {
  train -o m --steps 2
  ! train -o m --steps 9 --force --lr 1e6 --clip 0 2> err # diverges
  [ ! -e m/run.tsv ]
}

@test "--force leaves the model in place when the log cannot be written; an empty -o is refused" {
  train -o m --steps 2
  status=0
  train -o m --steps 3 --force --log nowhere/log.tsv 2> err || status=$?
  [ $status -eq 1 ] && [ -e m/model.safetensors ] && [ -e m/run.tsv ]
  status=0
  train -o '' --steps 1 2> err || status=$?
  [ $status -eq 1 ] && grep -q 'empty name' err
}

@test "--resume makes the links of a save that was cut short before them" {
  train -o m --steps 4 --save-every 2
  ln -sfn step-2 m/latest
  rm m/model.safetensors
  train -o m --steps 4 --resume
  [ "$(readlink m/latest)" = step-4 ]
  cmp m/model.safetensors m/step-4/model.safetensors
}

@test "sampling: end-of-text ids outside the vocabulary count for nothing; weights that are not numbers are an error" {
  train -o m --steps 1
  mkdir odd && cp m/model.safetensors odd
  sed 's/"eos_token_id": 299/"eos_token_id": 123456789/' m/config.json > odd/config.json
  grep -v -e eot -e special "$T/tok.tsv" > odd/bare.tsv
  status=0
  "$BIN/lm-sample" -q -m odd -t odd/bare.tsv -p '' 2> err || status=$?
  [ $status -eq 1 ] && grep -q 'the tokenizer has none' err
  cp m/config.json m/tokenizer.json odd
  size=$(stat -c %s odd/model.safetensors)
  head -c $((size - 128)) m/model.safetensors > odd/model.safetensors
  head -c 128 /dev/zero | tr '\0' '\377' >> odd/model.safetensors # the last norm, as nan
  status=0
  "$BIN/lm-sample" -q -m odd -p the 2> err || status=$?
  [ $status -eq 1 ] && grep -q 'not finite' err
}

# The column of a table by its name, without the header: column FILE NAME
column() { awk -F '\t' -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) k = i; if (!k) exit 1; next } { print $k }' "$1"; }

# refused PATTERN ARGUMENT...: fails, and the message says so
refused() {
  local pattern=$1 status=0
  shift
  train "$@" 2> err || status=$?
  if [ $status -ne 1 ] && [ $status -ne 2 ]; then echo "exit $status: $*"; return 1; fi
  grep -q -e "$pattern" err || { cat err; return 1; }
}

@test "a branch gives the bits of an undisturbed run with its schedule, and leaves the other run alone" {
  train -o stable --schedule constant --steps 30 --save-every 10 --keep 0 --log stable.tsv
  cp -r stable before
  train -o branch --branch stable/step-20 --schedule wsd --steps 30 --log branch.tsv
  train -o whole --schedule wsd --decay 0.33333333333333333 --steps 30 --log whole.tsv
  cmp branch/model.safetensors whole/model.safetensors
  cmp branch/run.tsv whole/run.tsv
  sed -n '22,$p' whole.tsv > end
  sed 1d branch.tsv | cmp - end
  diff -r stable before
  train -o newest --branch stable --schedule wsd --steps 40 # the folder of a run: its newest checkpoint
  [ "$(readlink newest/latest)" = step-40 ]
  train -o later --branch stable/step-10 --schedule wsd --steps 40 --decay 0.25 --log later.tsv
  awk -F '\t' 'NR > 1 && $1 <= 30 && $3 != lr && lr { exit 1 } NR == 2 { lr = $3 }' later.tsv
  train -o branch --branch stable/step-20 --schedule wsd --steps 35 --resume # goes on with its own
  [ "$(cut -f 8 branch/run.tsv | tail -1)" = 35 ]
}

@test "a branch is refused where the learning rate falls, with what to do" {
  train -o cosine --steps 10 --save-every 5 --warmup 2
  refused 'falls from step 2 on' -o b --branch cosine/step-5 --steps 20
  train -o wsd --schedule wsd --decay 0.5 --steps 10 --save-every 4 --keep 0
  refused 'falls from step 5 on' -o b --branch wsd/step-8 --steps 20
  refused 'leave it out' -o b --branch wsd/step-4 --steps 20 --decay 0.9
  refused 'give wsd' -o b --branch wsd/step-4 --steps 20 --schedule cosine
  refused 'nothing is left' -o b --branch wsd/step-4 --steps 4
  refused '--seed 0' -o b --branch wsd/step-4 --steps 20 --seed 3
  refused 'not both' -o b --branch wsd/step-4 --init wsd/step-4 --steps 20
  refused 'another -o' -o wsd --branch wsd/step-4 --steps 20 --force
  [ -e wsd/step-4 ]
  [ ! -e b ]
  mkdir weights && cp wsd/model.safetensors wsd/config.json weights
  refused '--init' -o b --branch weights --steps 20
  refused '' -o b --branch nowhere --steps 20
}

@test "--init begins with the weights of another model and nothing else of it" {
  train -o first --steps 5 --seed 1
  train -o second --init first --steps 1 --lr 0 --weight-decay 0 --seed 2
  cmp first/model.safetensors second/model.safetensors
  "$BIN/lm-train" -q -d "$T/train.bin" --init first -o third --steps 1 --batch 4 --seq 16 --seed 2 # its config too
  if cmp -s first/model.safetensors third/model.safetensors; then false; fi
  [ -n "$(column third/run.tsv init)" ]
  [ "$(column first/run.tsv init)" = '' ]
  [ "$(column third/run.tsv init)" = "$(column second/run.tsv init)" ]
  train -o fourth --init first --steps 2 --save-every 1
  rm -r fourth/step-2 && train -o fourth --init nowhere --steps 2 --resume # the checkpoint remembers
  [ "$(column fourth/run.tsv init)" = "$(column third/run.tsv init)" ]
  refused 'does not have the shape' -o x --init first --steps 1 --set intermediate_size=48
  "$BIN/lm-train" -c "$T/c.json" -d "$T/train.bin" --init first -o y --steps 1 --batch 4 --seq 16 --set rope_theta=500000 2> err
  grep -q 'warning: first: its config.json differs' err
}

@test "several sources: the loss of each in the log, run.tsv and --stats" {
  cp "$T/train.bin" web_1.bin && cp "$T/train.bin" code.bin
  "$BIN/lm-train" -q -c "$T/c.json" -d '3:web_*.bin' -d code.bin -t "$T/tok.tsv" --batch 4 --seq 16 -o m --steps 4 --eval-every 2 --log log.tsv --stats stats.json
  [ "$(head -1 log.tsv | tr '\t' '\n' | grep : | tr '\n' ' ')" = 'loss:web loss:code val_loss:web val_loss:code ' ]
  paste <(column log.tsv loss) <(column log.tsv loss:web) <(column log.tsv loss:code) | awk '{ d = $1 - (3 * $2 + $3) / 4; if (d > 1e-6 || d < -1e-6) exit 1; n++ } END { exit n != 4 }'
  [ "$(column log.tsv val_loss:code | grep -c .)" = 2 ]
  [ "$(column m/run.tsv sources)" = web:0.75,code:0.25 ]
  column m/run.tsv val_losses | grep -qE '^web:[0-9.]+,code:[0-9.]+$'
  grep -q '"web"' stats.json
  grep -q '"epochs"' stats.json
  "$BIN/lm-train" -q -c "$T/c.json" -d code.bin -V web_1.bin -V "$T/train.bin" --batch 4 --seq 16 -o n --steps 2 --log log.tsv
  [ "$(head -1 log.tsv | tr '\t' '\n' | grep : | tr '\n' ' ')" = 'val_loss:web_1 val_loss:train ' ]
  "$BIN/lm-train" -q -d code.bin -V web_1.bin -o n --steps 3 --resume --log log.tsv # rows keep their columns
  awk -F '\t' 'NF != 10 { exit 1 }' log.tsv
  [ "$(column log.tsv step | tr '\n' ' ')" = '1 2 3 ' ]
}

@test "--spike skips steps, says so, counts them; --max-skips ends the run with what to do" {
  "$BIN/lm-train" -c "$T/c.json" -d "$T/train.bin" --batch 4 --seq 16 -o m --steps 60 --spike 1.05 --max-skips 1000 --log log.tsv --lr 1e-5 2> err
  n=$(column log.tsv skipped | grep -c 1)
  [ "$n" -gt 0 ]
  [ "$(column m/run.tsv skipped)" = "$n" ]
  [ "$(grep -c 'skipped, the gradient' err)" = "$n" ]
  [ "$(column log.tsv skipped | head -20 | grep -c 1)" = 0 ]
  status=0
  train -o n --steps 60 --spike 1.05 --max-skips 1 --lr 1e-5 2> err || status=$?
  [ $status -eq 1 ]
  grep -q 'raise --spike' err
  status=0
  train -o n --steps 60 --spike 0.9 --force 2> err || status=$?
  [ $status -eq 2 ]
}

@test "a run that diverges skips, stops and leaves no checkpoint of weights that are not numbers" {
  status=0
  train -o m --steps 50 --lr 1e6 --clip 0 --save-every 1 --keep 0 --max-skips 3 --log log.tsv 2> err || status=$?
  [ $status -eq 1 ]
  grep -q '3 steps in a row were skipped: go on from a checkpoint' err
  [ "$(column log.tsv skipped | tail -3 | tr '\n' ' ')" = '1 1 1 ' ]
  last=$(column log.tsv step | tail -1)
  [ ! -e m/step-$last ]
  [ ! -e m/step-$((last - 2)) ]
}

@test "--keep-best: DIR/best stays beyond --keep, also over --resume" {
  refused '--eval-every' -o m --steps 2 --keep-best
  command=(train -o m --save-every 5 --eval-every 2 --keep 1 --keep-best --lr 3e-2 --schedule constant --seed 3 -V "$T/part_000001.bin" --log log.tsv)
  "${command[@]}" --steps 11
  train -o m --resume --steps 60 --lr 1 -V "$T/part_000001.bin" --log log.tsv # remembered; this one only gets worse
  best=$(paste <(column log.tsv step) <(column log.tsv val_loss) | awk '$2 != "" && (!n || $2 < v) { v = $2; n = $1 } END { print n }')
  [ "$(readlink m/best)" = "step-$best" ]
  [ -e m/best/model.safetensors ]
  [ "$best" -lt 60 ]
  [ "$(cd m
  echo step-*)" = "step-60 step-$best" -o "$(cd m
  echo step-*)" = "step-$best step-60" ]
  rm m/best # a kill between the save and the link: the checkpoint says it
  train -o m --resume --steps 60 -V "$T/part_000001.bin"
  [ "$(readlink m/best)" = "step-$best" ]
  train -o m --force --steps 1
  [ ! -L m/best ]
}

@test "the noise of the gradient is in the log where there are micro-batches" {
  train -o m --steps 40 --micro-batch 1 --log log.tsv --stats s.json
  [ "$(column log.tsv noise_trace | grep -c .)" = 40 ]
  awk -F '\t' 'NR > 1 && $10 != "" { d = $8 / $9 / $10 - 1; if (d > 1e-6 || d < -1e-6) exit 1; n++ } END { exit !n }' log.tsv
  [ "$(column m/run.tsv noise_scale)" = "$(column log.tsv noise_scale | tail -1)" ]
  grep -q noise_scale s.json
  train -o n --steps 2 --micro-batch 4 --log log.tsv
  [ "$(column log.tsv noise_trace | grep -c .)" = 0 ]
}

@test "--recipe takes flags as true and false" {
  echo '{"steps": 3, "keep-best": true, "eval-every": 1, "spike": 20}' > recipe.json
  train -o m --recipe recipe.json
  [ -L m/best ]
  echo '{"steps": 3, "keep-best": 1}' > recipe.json
  refused 'expected true or false' -o n --recipe recipe.json
}

@test "a run that does not fit is refused with what would; --plan tells it too" {
  big=(--preset llama-16m -d "$T/train.bin" -t "$T/tok.tsv" --batch 1024 --seq 64 --steps 1)
  (
    ulimit -v 3000000 # kB
    "$BIN/lm-train" "${big[@]}" --micro-batch 1024 --plan > plan
    status=0
    "$BIN/lm-train" -q "${big[@]}" --micro-batch 1024 -o m 2> err || status=$?
    [ "$status" -eq 1 ]
  )
  grep -q 'GiB are there; would fit: --micro-batch' err
  grep -q '^fits	no$' plan
  fitting=$(sed -n 's/^largest_micro_batch\t//p' plan)
  grep -q -e "--micro-batch $fitting" err
  (
    ulimit -v 3000000
    "$BIN/lm-train" "${big[@]}" --micro-batch "$fitting" --plan
  ) | grep -q '^fits	yes$'
  [ ! -e m ]
}

@test "--offload keeps the optimiser in a file and changes no bit; it can come and go with --resume" {
  train -o a --steps 6 --save-every 3
  mkdir disk
  train -o b --steps 3 --offload disk
  train -o b --steps 6 --resume
  train -o c --steps 6 --offload disk --schedule cosine
  cmp a/model.safetensors c/model.safetensors
  cmp a/latest/trainer/optimizer.safetensors c/latest/trainer/optimizer.safetensors
  [ -z "$(ls -A disk)" ]
  refused nowhere -o d --steps 1 --offload nowhere
  train -o e --steps 6 --save-every 3 && rm -r e/step-6 && train -o e --steps 6 --resume --offload disk
  cmp a/model.safetensors e/model.safetensors
}

@test "words of --offload are for GPUs: a CPU warns and goes on, a folder of that name is written with a slash, other lists are refused" {
  mkdir optimizer
  train -o a --steps 2
  train -o b --steps 2 --offload ./optimizer
  "$BIN/lm-train" -c "$T/c.json" -d "$T/train.bin" -t "$T/tok.tsv" --batch 4 --seq 16 -o c --steps 2 --device cpu --offload optimizer,activations 2> warning
  grep -q 'is for GPUs' warning
  cmp a/model.safetensors b/model.safetensors
  cmp a/model.safetensors c/model.safetensors
  refused "'gradients' is neither" -o d --steps 2 --offload optimizer,gradients
  [ ! -e d ]
  train -o d --steps 2 --plan --offload activations > plan
  [ "$(awk '$1 == "bytes_host" { print $2 }' plan)" = 0 ]
}

@test "Muon and SOAP train, differ, and go on with --resume" {
  for optimizer in muon soap; do
    train -o $optimizer --optimizer $optimizer --steps 12 --save-every 6
    rm -r $optimizer/step-12
    train -o again-$optimizer --optimizer $optimizer --steps 12
    train -o $optimizer --steps 12 --resume
    cmp $optimizer/model.safetensors again-$optimizer/model.safetensors
    [ "$(column $optimizer/run.tsv optimizer)" = $optimizer ]
  done
  if cmp -s muon/model.safetensors soap/model.safetensors; then false; fi
  [ "$(column muon/run.tsv config_hash)" != "$(column soap/run.tsv config_hash)" ]
}

@test "recomputing changes the memory and no bit of the result; z-loss, bf16, muP and the decay of embeddings change the model and the hash" {
  train -o none --steps 3
  for policy in norm attention block; do
    train -o $policy --steps 3 --recompute $policy
    cmp none/model.safetensors $policy/model.safetensors
    cmp none/run.tsv $policy/run.tsv
  done
  for options in '--z-loss 1e-2' '--dtype bf16' '--mup-base 16' '--decay-embeddings no'; do
    # shellcheck disable=SC2086
    train -o other --force --steps 3 $options
    if cmp -s none/model.safetensors other/model.safetensors; then echo "$options does nothing"; return 1; fi
    [ "$(column none/run.tsv config_hash)" != "$(column other/run.tsv config_hash)" ]
  done
}

@test "--resume with another optimizer is refused by name, with what to do, also from SOAP to AdamW, whose tensors have the same names" {
  for pair in 'adamw muon' 'muon adamw' 'soap adamw'; do
    train -o "m-${pair% *}" --force --steps 2 --optimizer "${pair% *}"
    status=0
    train -o "m-${pair% *}" --resume --steps 3 --optimizer "${pair#* }" 2> err || status=$?
    [ $status -eq 2 ] && grep -q -- "--optimizer ${pair% *}, which cannot change; --init" err || { echo "$pair: $status $(cat err)"; return 1; }
  done
}

@test "--set with --resume is held against the config of the run, without -c" {
  train -o m --steps 2
  resume=("$BIN/lm-train" -q -d "$T/train.bin" -o m --resume --steps 3)
  ! "${resume[@]}" --set num_hidden_layers=3 2> err && grep -q 'another config' err
  "${resume[@]}" --set num_hidden_layers=2
}

@test "--log into a pipe with --resume writes the rows of the new steps and waits for no earlier ones" {
  train -o m --steps 2
  mkfifo pipe
  timeout -s KILL 60 cat pipe > rows 3>&- & reader=$!
  timeout -s KILL 60 "$BIN/lm-train" -q -d "$T/train.bin" -o m --resume --steps 4 --log pipe
  wait $reader
  [ "$(cut -f 1 rows | paste -sd ' ')" = 'step 3 4' ]
}

@test "a --batch whose token ids alone do not fit is refused; so are steps of more tokens than can be counted" {
  for options in '--batch 1e9' '--batch 1e9 --micro-batch 1e9 --seq 1e9 --set max_position_embeddings=1000000000'; do
    status=0
    # shellcheck disable=SC2086
    train -o m --steps 1 --micro-batch 1 $options 2> err || status=$?
    [ $status -gt 0 ] && [ $status -le 2 ] && grep -q -- '--batch 1000000000' err || { echo "$options: $status $(cat err)"; return 1; }
  done
}

@test "values of another type in a recipe, weights that no number can add up, and a pipe as a shard are refused by name" {
  for value in null true '[3]' '{}'; do
    echo "{\"steps\": $value}" > recipe.json
    ! train -o m --recipe recipe.json 2> err && grep -q 'steps: expected a number' err
  done
  ! train -d 1e308:"$T/train.bin" -d 1e308:"$T/part_000000.bin" -o m --steps 1 2> err && grep -q 'weights of the sources' err
  mkfifo pipe
  ! timeout -s KILL 20 "$BIN/lm-train" -q -c "$T/c.json" -d pipe -o m --steps 1 2> err && grep -q 'not a regular file' err
  ! train -o m --steps 2 --flops 1e300 2> err && grep -q 'give one of' err
}
