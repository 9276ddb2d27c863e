# SPDX-License-Identifier: MIT
# run = "FLOPS LAYERS WIDTH FEED-FORWARD HEADS RATE" -> the model's config.json, a Llama; with shape=1 its parameters and
# the tokens its FLOPs are worth, `PARAMS,TOKENS`: matmul parameters, 6 FLOPs each and 6 * layers * width * context a token.
BEGIN {
  split(run, r, " ")
  layers = r[2]; width = r[3]; inner = r[4]; heads = r[5]
  if (shape) {
    params = vocabulary * width + layers * (4 * width * width + 3 * width * inner)
    printf "%d,%d\n", params, r[1] / (6 * params + 6 * layers * width * context)
    exit
  }
  print "{"
  print "  \"architectures\": [\"LlamaForCausalLM\"],"
  print "  \"model_type\": \"llama\","
  print "  \"hidden_act\": \"silu\","
  print "  \"hidden_size\": " width ","
  print "  \"intermediate_size\": " inner ","
  print "  \"max_position_embeddings\": " context ","
  print "  \"num_attention_heads\": " heads ","
  print "  \"num_hidden_layers\": " layers ","
  print "  \"num_key_value_heads\": " heads ","
  print "  \"rms_norm_eps\": 1e-05,"
  print "  \"rope_theta\": 10000.0,"
  print "  \"tie_word_embeddings\": true,"
  print "  \"vocab_size\": " vocabulary
  print "}"
}
