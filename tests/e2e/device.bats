#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Whole runs with --device cuda on the emulator, beside the same runs on the CPU: training, resuming on the other device, text.

bats_require_minimum_version 1.5.0

setup_file() {
  export T=$BATS_FILE_TMPDIR LC_ALL=C OMP_WAIT_POLICY=passive
  cd "$T" || return 1
  for i in $(seq 1 60); do printf 'the cat number %d sat on the mat; the dog %d ran after it.\n' "$i" $((i * 7 % 13)); done > corpus.txt
  "$BIN/bpe-train" -q -n 300 -p gpt2 --raw -o tok.tsv corpus.txt
  "$BIN/bpe-encode" -q -t tok.tsv --raw -o train.bin corpus.txt
  cat > c.json << 'JSON'
{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
 "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu", "max_position_embeddings": 32, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true}
JSON
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
