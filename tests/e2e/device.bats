#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Whole runs with --device cuda on the emulator, beside the same runs on the CPU: training, resuming on the other device, text.

bats_require_minimum_version 1.5.0

load ../tiny

setup_file() {
  export T=$BATS_FILE_TMPDIR LC_ALL=C OMP_WAIT_POLICY=passive
  cd "$T" || return 1
  tiny_corpus 60
  "$BIN/bpe-encode" -q -t tok.tsv --raw -o train.bin corpus.txt
  tiny_config 32 64 2 32
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# train DEVICE OPTION...
train() {
  local device=$1 bin=$BIN
  shift
  [ "$device" = cpu ] || bin=$EMULATED_BIN
  "$bin/lm-train" -q -c "$T/c.json" -d "$T/train.bin" -t "$T/tok.tsv" --batch 4 --seq 16 --device "$device" "$@"
}

# Column NAME of two logs differs by at most BOUND, in as many rows, and is not always the same.
near() {
  awk -F '\t' -v name="$1" -v bound="$2" '
    FNR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c[FILENAME] = i; next }
    FILENAME == ARGV[1] { a[FNR] = $c[FILENAME]; rows++; next }
    { d = $c[FILENAME] - a[FNR]; if (d < 0) d = -d; if (!(d <= bound)) { print FNR, a[FNR], $c[FILENAME]; bad = 1 } seen++; different += $c[FILENAME] != first; first = $c[FILENAME] }
    END { exit bad || rows != seen || rows < 5 || different < 5 }' "$3" "$4"
}

@test "training on a GPU follows training on the CPU, in fp32 and in bf16" {
  train cpu -o cpu --steps 12 --log cpu.tsv
  train cuda -o cuda --steps 12 --log cuda.tsv
  near loss 1e-4 cpu.tsv cuda.tsv
  train cuda -o half --steps 12 --dtype bf16 --log half.tsv
  near loss 0.02 cpu.tsv half.tsv
}

@test "the same run on a GPU has the same bits twice" {
  train cuda -o one --steps 4 --dtype bf16
  CUDA_CPU_SEED=7 train cuda -o two --steps 4 --dtype bf16
  cmp one/model.safetensors two/model.safetensors
}

@test "a checkpoint of one device goes on on the other" {
  train cuda -o whole --steps 8 --schedule constant --log whole.tsv
  train cpu -o moved --steps 4 --schedule constant --log moved.tsv
  train cuda -o moved --steps 8 --schedule constant --log moved.tsv --resume
  near loss 1e-4 whole.tsv moved.tsv
}

@test "--offload changes no bit, comes and goes with --resume, and takes memory from the GPU to the host" {
  for optimizer in adamw muon soap; do
    local options=(--set num_hidden_layers=4 --schedule constant --optimizer $optimizer --soap-frequency 2 --recompute norm --dtype bf16)
    train cuda -o $optimizer "${options[@]}" --steps 4
    train cuda -o off-$optimizer "${options[@]}" --steps 2 --offload activations,optimizer
    train cuda -o off-$optimizer "${options[@]}" --steps 3 --resume
    train cuda -o off-$optimizer "${options[@]}" --steps 4 --resume --offload optimizer
    cmp $optimizer/model.safetensors off-$optimizer/model.safetensors
    cmp $optimizer/latest/trainer/optimizer.safetensors off-$optimizer/latest/trainer/optimizer.safetensors
    train cuda "${options[@]}" --steps 4 --plan > plan.tsv
    train cuda "${options[@]}" --steps 4 --plan --offload optimizer,activations > offload.tsv
    awk -F '\t' 'FNR == 1 { n++ } { v[n, $1] = $2 }
      END { exit !(v[1, "bytes_host"] == 0 && v[2, "bytes_host"] > v[1, "bytes_optimizer"] && v[2, "bytes_arena"] < v[1, "bytes_arena"] && v[1, "bytes_total_offload_both"] == v[2, "bytes_total"]) }' plan.tsv offload.tsv
  done
  train cuda -o traced --set num_hidden_layers=4 --steps 1 --offload activations --profile ops.tsv
  [ "$(awk -F '\t' '$1 == "offload" { print $2, $3, $4 }' ops.tsv | sort | tr '\n' ,)" = "leave forward 17,return backward 17," ] || { cat ops.tsv; false; }
  run -2 train cuda -o folder --steps 1 --offload folder
  [[ "$output" == *"--offload optimizer"* ]]
  run -2 train cuda -o typo --steps 1 --offload optimizer,activation
  [[ "$output" == *"'activation' is neither"* ]]
}

@test "text from a GPU is the CPU's: the likeliest tokens, and drawn ones" {
  train cpu -o m --steps 60
  printf '%s\n' $'1\tthe cat number' $'2\tthe dog' $'3\tthe mat; the dog 3 ran' > prompts
  for options in "" "--temperature 0.9 --top-k 5 --samples 2" "--temperature 1 --top-p 0.9"; do
    # shellcheck disable=SC2086
    "$BIN/lm-sample" -q -m m --tokens 12 --device cpu $options prompts > cpu.tsv
    # shellcheck disable=SC2086
    "$EMULATED_BIN/lm-sample" -q -m m --tokens 12 --device cuda --dtype fp32 $options prompts > cuda.tsv
    [ "$(wc -l < cpu.tsv)" -ge 3 ]
    cmp cpu.tsv cuda.tsv
  done
  cut -f 3 cuda.tsv | tr ' ' '\n' | sort -u | wc -l | awk '{ exit !($1 > 5) }'
}

@test "quantised weights give the CPU's text on a GPU" {
  train cpu -o m --steps 60
  printf '%s\n' $'1\tthe cat number' $'2\tthe dog' $'3\tthe mat; the dog 3 ran' > prompts
  "$BIN/lm-sample" -q -m m --tokens 12 --device cpu prompts > plain.tsv
  for kind in q8_0 q4_0; do
    "$BIN/lm-sample" -q -m m --tokens 12 --device cpu --quant $kind --logprobs prompts > cpu.tsv
    "$EMULATED_BIN/lm-sample" -q -m m --tokens 12 --device cuda --dtype fp32 --quant $kind --logprobs prompts > cuda.tsv
    "$EMULATED_BIN/lm-sample" -q -m m --tokens 12 --device cuda --quant $kind prompts > half.tsv
    cut -f 1,2,4 cpu.tsv > cpu.text && cut -f 1,2,4 cuda.tsv | cmp - cpu.text
    # what is computed is not what it would be from the weights as stored, but nearly the same on both devices
    paste cpu.tsv cuda.tsv | awk -F '\t' '{ n = split($3, a, " "); if (split($7, b, " ") != n || n < 1) exit 1; for (i = 1; i <= n; i++) { d = a[i] - b[i]; if (d > 1e-4 || d < -1e-4) exit 1 } }'
    [ "$(wc -l < half.tsv)" -eq 3 ]
  done
  "$BIN/lm-sample" -q -m m --tokens 12 --device cpu --logprobs prompts > stored.tsv
  ! cmp -s stored.tsv cpu.tsv
}

@test "--profile on a GPU has the rows of the CPU's, in the GPU's time" {
  train cpu -o cpu --steps 2 --profile cpu.tsv
  train cuda -o cuda --steps 2 --profile cuda.tsv
  train cuda -o again --steps 2 --profile cuda.json
  for device in cpu cuda; do tail -n +2 $device.tsv | grep -v '	step	' | cut -f 1-4 | LC_ALL=C sort > $device.rows; done
  [ "$(wc -l < cpu.rows)" -gt 15 ]
  diff cpu.rows cuda.rows
  awk -F '\t' 'NR > 1 && !($5 > 0) { print; bad = 1 } END { exit bad }' cuda.tsv
  grep -q '"ph":"X".*"name":"qkv".*"direction":"backward"' cuda.json
}
