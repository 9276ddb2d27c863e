# SPDX-License-Identifier: MIT
# cold: the whole process, reading the tokenizer and writing the shard included.  warm: the second of two identical operands, CPU
# seconds.  hostile: CPU seconds of the operand, as the peer's do not count loading either.  One thread.
case $CASE in *r50k*) name=r50k_base ;; *) name=cl100k_base ;; esac
tokenizer=$SHARED/vocab/tiktoken/$name.tiktoken
[ -r "$tokenizer" ] || { echo "$name.tiktoken is not there" >&2; exit 1; }
file=$IN/${CASE##*-}.txt
case $CASE in *-hostile-*) file=$IN/hostile-${CASE##*-}.txt ;; esac
encode() { "$BIN/bpe-encode" -q -j 1 -t "$tokenizer" -o "$OUT/text.bin" "$@"; }
case $CASE in
  *-documents) encode "$IN/text.tsv" ;;
  *-cold-*) encode --raw "$file" ;;
  *)
    operands=("$file")
    case $CASE in *-warm-*) operands+=("$file") ;; esac
    encode --raw --stats "$OUT/stats.json" "${operands[@]}"
    python3 -c 'import json, sys; o = json.load(open(sys.argv[1]))["time"]["operands"][-1]; print("bench", o["bytes"], o["cpu"])' "$OUT/stats.json"
    ;;
esac
