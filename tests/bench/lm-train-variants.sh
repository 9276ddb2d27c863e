#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Which architecture, which optimiser?  Every variant trains for the same FLOPs (counted by the formula of lm-train --plan, about
# a minute each) on the same text; a table on stdout:
#
#     variant  optimizer  seed  flops  params  tokens  tokens_s  peak_mib  loss  bpb
#
# 1. each architecture below with AdamW, one seed     2. the first one with each optimiser, three seeds
# 3. the best optimiser at shares of the FLOPs; the last line, on stderr, is the share at which it reaches AdamW's loss
#
# Usage: tests/bench/lm-train-variants.sh BUILD TEXT[.zst] [NAME...]     NAMEs: only those variants; none: everything
#
# In the environment: FLOPS (default 1e13), JOBS (all CPUs), SEEDS ("0 1 2"), SHARES ("0.3 0.4 0.5 0.6 0.7"), VOCABULARY (4096).
# Runs stay in BUILD/bench/variants: what is done is not run again, what was killed goes on (pipelines/scaling/cell.sh).
# A variant that lm-train refuses is a row with the reason, and the exit status is 1.
set -euo pipefail
build=$(realpath "${1:?usage: lm-train-variants.sh BUILD TEXT [NAME...]}") text=$(realpath "${2:?the text to train on}")
shift 2
cd "$(dirname "$0")/../.."
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export LC_ALL=C BIN=$build/bin OUT=$build/bench/variants JOBS=${JOBS:-$(nproc)}
FLOPS=${FLOPS:-1e13} SEEDS=${SEEDS:-0 1 2} SHARES=${SHARES:-0.3 0.4 0.5 0.6 0.7} VOCABULARY=${VOCABULARY:-4096}
mkdir -p "$OUT"

# ---- the base: 1.9M parameters in matrix products at a vocabulary of 4,096
cat > "$OUT/base.json" <<JSON
{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": $VOCABULARY, "hidden_size": 160, "intermediate_size": 432, "num_hidden_layers": 4,
 "num_attention_heads": 5, "num_key_value_heads": 5, "head_dim": 32, "hidden_act": "silu", "max_position_embeddings": 256, "rms_norm_eps": 1e-5,
 "rope_theta": 10000.0, "tie_word_embeddings": true}
JSON
common="--batch 8 --seq 256 --schedule wsd --warmup 20 --save-every 0"

# ---- the variants: NAME, then options of lm-train
variants() {
  cat <<'TABLE'
base
reglu             --set activation=reglu
geglu             --set activation=geglu
silu              --set activation=silu --set intermediate_size=648
relu              --set activation=relu --set intermediate_size=648
gelu              --set activation=gelu --set intermediate_size=648
relu2             --set activation=relu2 --set intermediate_size=648
no-position       --set position=none
sinusoidal        --set position=sinusoidal
learned-position  --set position=learned
layernorm         --set norm=layernorm
post-norm         --set placement=post
qk-norm           --set qk_norm=true
multi-query       --set num_key_value_heads=1
sliding           --set layer_types=sliding --set sliding_window=64
sliding-full      --set layer_types=sliding,full --set sliding_window=64
latent            --set kv_lora_rank=64 --set qk_nope_head_dim=32 --set qk_rope_head_dim=16 --set v_head_dim=32
untied            --set tie_word_embeddings=false
dropout           --set dropout=0.1
experts           --set num_local_experts=8 --set num_experts_per_tok=2 --set moe_intermediate_size=216
experts-bias      --set num_local_experts=8 --set num_experts_per_tok=2 --set moe_intermediate_size=216 --set balance=bias
experts-shared    --set num_local_experts=8 --set num_experts_per_tok=1 --set n_shared_experts=1 --set moe_intermediate_size=216
hyena             --set layer_types=hyena
hyena-full        --set layer_types=hyena,full
TABLE
}

# ---- the optimisers: NAME, then options; rates: the best for the base among factors of two, by pipelines/scaling at 3e12 FLOPs
optimizers() {
  cat <<'TABLE'
adamw    --optimizer adamw --lr 2e-3
muon     --optimizer muon --lr 8e-3
soap     --optimizer soap --lr 4e-3
TABLE
}
options_of() { "$1" | awk -v name="$2" '$1 == name { $1 = ""; print }'; }

# ---- data: nine tenths train, the last tenth is validation
prepare() {
  local key
  key=$(stat -c '%n %s %Y' "$text"; echo "$VOCABULARY")
  if [ "$key" != "$(cat "$OUT/data.key" 2> /dev/null)" ]; then
    echo "variants: a tokenizer of $VOCABULARY from $text" >&2
    case $text in *.zst) zstd -qdf "$text" -o "$OUT/text" ;; *) cp "$text" "$OUT/text" ;; esac
    "$BIN/bpe-train" -q -j "$JOBS" -n "$VOCABULARY" --raw -o "$OUT/tokenizer.tsv" "$OUT/text"
    "$BIN/bpe-encode" -q -j "$JOBS" -t "$OUT/tokenizer.tsv" --raw -o "$OUT/train.bin" "$OUT/text"
    rm "$OUT/text"
    printf '%s\n' "$key" > "$OUT/data.key"
  fi
}

tab=$'\t' failed=0
value() { awk -F '\t' -v key="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == key) at = i } NR == 2 { print $at }' "$OUT/$1/run.tsv"; }

# row NAME OPTIMIZER SEED FLOPS OPTIONS: runs it where that is not done, prints its row
row() {
  local name=$1+$2+$3+$4 reason
  if ! "$PWD/pipelines/scaling/cell.sh" run "$name" "--flops $4 --seed $3 $5" 2> "$OUT/.messages" || [ ! -e "$OUT/$name/done" ]; then
    reason=$(cat "$OUT/$name/diverged" "$OUT/.messages" 2> /dev/null | grep '^lm-train: ' | tail -1 | tr '\t' ' ' || true)
    printf '%s\t%s\t%s\t%s\t\t\t\t\t\t%s\n' "$1" "$2" "$3" "$4" "$reason"
    failed=1
    return
  fi
  local ranked
  ranked=$(printf '%s\t\tx=1\n' "$name" | awk -f pipelines/scaling/ranking.awk -v out="$OUT" | tail -1)
  # rank x loss bpb tokens_s peak_mib params tokens flops
  awk -F '\t' -v v="$1" -v o="$2" -v s="$3" 'BEGIN { OFS = "\t" } { print v, o, s, $9, $7, $8, $5, $6, $3, $4 }' <<< "$ranked"
}

mean_loss() { # OPTIMIZER FLOPS: over the seeds, nothing when one is missing
  local seed sum=
  for seed in $SEEDS; do
    [ -e "$OUT/base+$1+$seed+$2/done" ] || return 0
    sum+="$(value "base+$1+$seed+$2" loss) "
  done
  awk '{ for (i = 1; i <= NF; i++) s += $i; printf "%.6f\n", s / NF }' <<< "$sum"
}

prepare
export DATA="-d '$OUT/train.bin' -t '$OUT/tokenizer.tsv'" SHARED="-c '$OUT/base.json' $common"
echo "variant${tab}optimizer${tab}seed${tab}flops${tab}params${tab}tokens${tab}tokens_s${tab}peak_mib${tab}loss${tab}bpb"
first_seed=${SEEDS%% *}
adamw=$(options_of optimizers adamw)
names=$(variants | awk '{ print $1 }')
chosen=("$@")
[ $# -gt 0 ] || mapfile -t chosen <<< "$names"
for name in "${chosen[@]}"; do
  grep -qxF "$name" <<< "$names" || { echo "variants: no variant $name; there are $(paste -sd ' ' <<< "$names")" >&2; exit 2; }
  row "$name" adamw "$first_seed" "$FLOPS" "$adamw $(options_of variants "$name")"
done
[ $# -eq 0 ] || exit $failed

best='' least=''
for optimizer in $(optimizers | awk '{ print $1 }'); do
  for seed in $SEEDS; do
    [ "$optimizer $seed" = "adamw $first_seed" ] || row base "$optimizer" "$seed" "$FLOPS" "$(options_of optimizers "$optimizer")"
  done
  loss=$(mean_loss "$optimizer" "$FLOPS")
  [ -n "$loss" ] || continue
  echo "variants: $optimizer: mean loss $loss" >&2
  if [ "$optimizer" = adamw ]; then target=$loss
  elif [ -z "$least" ] || awk -v a="$loss" -v b="$least" 'BEGIN { exit !(a < b) }'; then best=$optimizer least=$loss; fi
done

# The share: linear in the logarithm of FLOPs between the two runs around AdamW's loss.
if [ -n "$best" ] && [ -n "${target:-}" ]; then
  points=
  for share in $SHARES; do
    flops=$(awk -v f="$FLOPS" -v s="$share" 'BEGIN { printf "%.6g", f * s }')
    for seed in $SEEDS; do row base "$best" "$seed" "$flops" "$(options_of optimizers "$best")"; done
    points+="$share $(mean_loss "$best" "$flops")"$'\n'
  done
  printf '%s1 %s\n' "$points" "$least" | awk -v target="$target" -v best="$best" '
    NF == 2 { n++; x[n] = log($1); y[n] = $2 }
    END {
      for (i = 1; i <= n && y[i] > target; i++) ;
      if (i > n) print "variants: " best " does not reach the loss of adamw"
      else if (i == 1) printf("variants: %s reaches the loss of adamw with less than %.2f of the FLOPs\n", best, exp(x[1]))
      else printf("variants: %s reaches the loss of adamw with %.2f of the FLOPs\n", best, exp(x[i - 1] + (x[i] - x[i - 1]) * (y[i - 1] - target) / (y[i - 1] - y[i])))
    }' >&2
fi
exit $failed
