# SPDX-License-Identifier: MIT
#
# What tests that train a tiny Llama share: `load ../tiny`.  Both write into the current folder.

# tiny_corpus LINES: corpus.txt, and tok.tsv of 300 tokens
tiny_corpus() {
  for i in $(seq 1 "$1"); do printf 'the cat number %d sat on the mat; the dog %d ran after it.\n' "$i" $((i * 7 % 13)); done > corpus.txt
  "$BIN/bpe-train" -q -n 300 -p gpt2 --raw -o tok.tsv corpus.txt
}

# tiny_config HIDDEN INTERMEDIATE KEY_HEADS POSITIONS: c.json, two layers of four heads
tiny_config() {
  cat > c.json <<JSON
{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 300, "hidden_size": $1, "intermediate_size": $2, "num_hidden_layers": 2,
 "num_attention_heads": 4, "num_key_value_heads": $3, "hidden_act": "silu", "max_position_embeddings": $4, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true}
JSON
}
