#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# lm-sample: quantised weights, and draws from the largest logits.

bats_require_minimum_version 1.5.0

load ../tiny

setup_file() {
  export T=$BATS_FILE_TMPDIR LC_ALL=C OMP_WAIT_POLICY=passive
  cd "$T" || return 1
  tiny_corpus 90
  "$BIN/bpe-encode" -q -t tok.tsv -o train.bin corpus.txt
  tiny_config 64 96 2 64
  "$BIN/lm-train" -q -c c.json -d train.bin -t tok.tsv -o m --steps 80 --batch 4 --seq 24 --lr 5e-3
  printf '%s\n' $'1\tthe cat number' $'2\tthe dog' $'3\tthe mat; the dog 3 ran' > prompts
}

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

sample() { "$BIN/lm-sample" -q -m "$T/m" "$@"; }

# The tokens of one text, or their log-probabilities, under weights as stored and in blocks
logprobs() { sample -p 'the cat number' -n 30 --logprobs "$@"; }

# apart A B: the mean difference of the log-probabilities, as far as the tokens are the same; as many of those as there are
apart() { paste "$1" "$2" | awk -F '\t' '$1 != $4 { exit } { d = $2 - $5; s += d < 0 ? -d : d; n++ } END { print n + 0, s / (n ? n : 1) }'; }

@test "--quant: q8_0 costs next to nothing, q4_0 little, and both something" {
  logprobs > plain
  logprobs --quant none > none
  cmp plain none
  [ "$(wc -l < plain)" -ge 10 ]
  for kind in q8_0 q4_0; do
    logprobs --quant $kind > $kind
    apart plain $kind > $kind.apart
  done
  awk '{ exit !($1 >= 10 && $2 > 0 && $2 < 0.005) }' q8_0.apart || { cat q8_0.apart; false; }
  awk '{ exit !($1 >= 3 && $2 > 0.0005 && $2 < 0.1) }' q4_0.apart || { cat q4_0.apart; false; }
}

@test "--quant: streams, batches, samples and -p agree" {
  for kind in q8_0 q4_0; do
    sample --quant $kind --samples 2 -n 20 "$T/prompts" > all
    sample --quant $kind --samples 2 -n 20 --batch 1 < "$T/prompts" > single
    cmp all single
    [ "$(wc -l < all)" -eq 6 ]
    [ "$(sample --quant $kind -n 20 -p 'the dog')" = "$(sed -n 3p all | cut -f 3)" ]
    sample --quant $kind --samples 2 -n 8 --temperature 0.8 --top-p 0.9 --seed 4 "$T/prompts" > x
    sample --quant $kind --samples 2 -n 8 --temperature 0.8 --top-p 0.9 --seed 4 -j 1 "$T/prompts" > y
    [ "$(wc -l < x)" -eq 6 ]
    cut -f 1,2 x > x.ids && cut -f 1,2 y | cmp - x.ids
    sample --quant $kind -n 4 --logprobs "$T/prompts" | awk -F '\t' 'NF != 4 || split($3, l, " ") < 1 || l[1] > 0 { exit 1 }'
  done
}

@test "--quant: another word is a usage error, and names those there are" {
  status=0
  sample --quant q5_1 -p the 2> err || status=$?
  [ $status -eq 2 ] && grep -q 'none|q8_0|q4_0' err
  status=0
  sample -p the --quant 2> err || status=$?
  [ $status -eq 2 ]
}

@test "--quant: -v says what is in blocks and what stays; nothing to do is warned of" {
  "$BIN/lm-sample" -v -m "$T/m" --quant q8_0 -p the -n 1 > out 2> err
  grep -q '15 matrices of 0.1 M weights in q8_0' err || { cat err; false; }
  ! grep -q 'multiple of 32' err
  "$BIN/lm-train" -q -c "$T/c.json" --set hidden_size=48 --set head_dim=12 -d "$T/train.bin" -t "$T/tok.tsv" -o half --steps 1 --batch 2 --seq 8
  "$BIN/lm-sample" -v -m half --quant q4_0 -p the -n 1 > out 2> err
  grep -q '2 matrices of' err && grep -q 'rows are not a multiple of 32: 13 matrices of .* the first is model.embed_tokens.weight' err || { cat err; false; }
  "$BIN/lm-train" -q -c "$T/c.json" --set hidden_size=40 --set intermediate_size=40 --set head_dim=10 -d "$T/train.bin" -t "$T/tok.tsv" -o none --steps 1 --batch 2 --seq 8
  "$BIN/lm-sample" -m none --quant q4_0 -p the -n 1 > out 2> err
  grep -q 'warning: --quant changes nothing' err
  "$BIN/lm-sample" -q -m none -p the -n 1 | cmp - out
}

@test "--quant: weights that are no numbers are refused by name" {
  mkdir odd && cp "$T/m/config.json" "$T/m/tokenizer.json" odd
  python=$(command -v python3) || skip "no python3 to change a file with"
  "$python" - "$T/m/model.safetensors" odd/model.safetensors << 'PY'
import json, struct, sys
data = bytearray(open(sys.argv[1], 'rb').read())
n = struct.unpack('<Q', data[:8])[0]
at = json.loads(data[8:8 + n])['model.layers.1.mlp.down_proj.weight']['data_offsets'][0]
data[8 + n + at:8 + n + at + 4] = struct.pack('<f', float('nan'))
open(sys.argv[2], 'wb').write(data)
PY
  status=0
  "$BIN/lm-sample" -q -m odd --quant q8_0 -p the 2> err || status=$?
  [ $status -eq 1 ] && grep -q 'model.layers.1.mlp.down_proj.weight' err
}

@test "-n 0 writes empty continuations" {
  sample -n 0 "$T/prompts" > out
  [ "$(wc -l < out)" -eq 3 ] && [ "$(cut -f 3 out | tr -d '\n')" = '' ]
}
