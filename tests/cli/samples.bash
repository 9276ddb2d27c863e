# SPDX-License-Identifier: MIT
#
# What the contract test needs to know of each tool: a small input and the least command line that works on it.
# Sourced by bats files; $BIN is the folder of the programs, $SAMPLES the folder that make_samples fills.
#
# The table: tool, what it reads, what it writes, its arguments.  Reads: `documents`, `labels`, `warc`, `runs` or
# `prompts` come from the file of that name in $SAMPLES on stdin or as operand; `none` takes its input by options only.
# Writes: `text` or `binary` to stdout or -o FILE, `folder` to -o DIR.  In the arguments @ stands for $SAMPLES.

samples_table() {
  cat <<'TABLE'
warc2txt       warc       text    --mode all
qfilter        documents  text    --rules gopher-quality,fineweb
qfilter-train  labels     binary
minhash-dedup  documents  text
bloom-dedup    documents  text
bpe-train      documents  text    -n 300
bpe-encode     documents  binary  -t bytes
lm-train       none       folder  -c @/config.json -d @/train.bin --steps 2 --batch 2 --seq 16
lm-sample      prompts    text    -m @/model -n 4
fit-scaling    runs       text
TABLE
}

# Calls `$1 TOOL READS WRITES ARGUMENT...` for each tool that is built.  A tool that the table lacks is called with
# READS `unknown`, so that the checks that need no input reach it.
each_tool() {
  local check=$1 tool reads writes arguments path known=' '
  while read -r tool reads writes arguments; do
    known+="$tool "
    [ -x "$BIN/$tool" ] || continue
    # shellcheck disable=SC2086
    "$check" "$tool" "$reads" "$writes" ${arguments//@/$SAMPLES}
  done < <(samples_table)
  for path in "$BIN"/*; do
    tool=${path##*/}
    [ -x "$path" ] && [[ $known != *" $tool "* ]] && "$check" "$tool" unknown unknown
  done
  return 0
}

# One WARC response record (the length of the HTTP message is computed).
warc_record() { # NUMBER URL HTML
  local message
  message=$(printf 'HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n%s' "$3"; printf x)
  message=${message%x}
  printf 'WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-%012d>\r\nWARC-Target-URI: %s\r\nWARC-Date: 2026-01-02T03:04:05Z\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n' \
    "$1" "$2" "$(printf %s "$message" | wc -c)" "$message"
}

make_samples() {
  mkdir -p "$SAMPLES"
  local i sentence='The quality of a page is what we measure here, and that is why it has words to read with care.'
  {
    for i in $(seq 1 400); do
      printf 'id%d\thttp://a.example/%d\t2026-01-01T00:00:00Z\t' "$i" "$i"
      awk -v seed="$i" -v s="$sentence" 'BEGIN { srand(seed); n = split("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon", w, " ");
        for (k = 0; k < 12; k++) { printf "%s", s; for (j = 0; j < 8; j++) printf " %s%d", w[int(rand() * n) + 1], int(rand() * 1000); printf ".\\n" } printf "end.\n" }'
    done
    printf 'short\t\t\ttoo short\n'
    printf 'caf\303\251\tu\td\tk=v\tcaf\303\251 \\t \\\\ \320\237\321\200\320\270\320\262\320\265\321\202\n\n'
  } > "$SAMPLES/documents"
  for i in $(seq 1 200); do
    printf 'en\tthe house and the garden number %d of the old town with the river\n' "$i"
    printf 'de\tdas haus und der garten nummer %d der alten stadt mit dem fluss\n' "$i"
  done > "$SAMPLES/labels"
  for i in $(seq 1 60); do
    warc_record "$i" "http://a.example/$i" "<!doctype html><html><head><title>T</title></head><body><article><h1>Head $i</h1><p>$sentence $sentence</p><pre>a	b
  c</pre><p>$sentence</p></article></body></html>"
  done > "$SAMPLES/warc"
  {
    printf 'params\ttokens\tflops\tloss\tbpb\tseed\tconfig_hash\n'
    awk 'BEGIN { for (n = 1e7; n < 2e9; n *= 3) for (d = 1e8; d < 2e10; d *= 3) printf "%.0f\t%.0f\t%.9g\t%.9g\t\t0\tx\n", n, d, 6 * n * d, 1.7 + 400 / n ^ .34 + 400 / d ^ .28 }'
  } > "$SAMPLES/runs"
  printf 'p1\tthe quality\np2\tof a page\n' > "$SAMPLES/prompts"
  printf '%s\n' '{"architectures":["LlamaForCausalLM"],"model_type":"llama","vocab_size":257,"hidden_size":32,"intermediate_size":64,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":8,"hidden_act":"silu","max_position_embeddings":64,"rms_norm_eps":1e-5,"rope_theta":10000.0,"tie_word_embeddings":true}' > "$SAMPLES/config.json"
  if [ -x "$BIN/bpe-encode" ] && [ -x "$BIN/bpe-train" ]; then
    head -20 "$SAMPLES/documents" > "$SAMPLES/few"
    "$BIN/bpe-train" -q -n 300 -o "$SAMPLES/tokenizer.tsv" "$SAMPLES/few" &&
      "$BIN/bpe-encode" -q -t "$SAMPLES/tokenizer.tsv" -o "$SAMPLES/train.bin" "$SAMPLES/few" || return 1
    sed -i 's/"vocab_size":257/"vocab_size":300/' "$SAMPLES/config.json"
    if [ -x "$BIN/lm-train" ]; then
      "$BIN/lm-train" -q -c "$SAMPLES/config.json" -d "$SAMPLES/train.bin" -t "$SAMPLES/tokenizer.tsv" -o "$SAMPLES/model" --steps 2 --batch 2 --seq 16 || return 1
    fi
  fi
}

# run_tool OUT TOOL READS ARGUMENT...: the sample on stdin, stdout to the file OUT; its exit status, stderr in $OUT.err
run_tool() {
  local out=$1 tool=$2 reads=$3 input=/dev/null
  shift 3
  case $reads in none | unknown) ;; *) input=$SAMPLES/$reads ;; esac
  "$BIN/$tool" "$@" < "$input" > "$out" 2> "$out.err"
}
