#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Gives cells the learning rate and the warm-up that follow from their compute:
#
#     schedule.sh PLAN.tsv < cells > cells          both in the form of cells.awk
#
# with BIN DATA SHARED RATE RATE_POWER WARMUP in the environment.
#
#   --lr     RATE (flops / 1e12) ^ RATE_POWER: the best rate falls as runs grow (DeepSeek LLM, 2024, fits such a power)
#   --warmup WARMUP of the steps
#
# A cell that names --lr or --warmup itself keeps its own.  What a run costs is lm-train's answer (--plan), whatever the
# architecture; PLAN.tsv keeps it: cell, params, tokens, flops, epochs.
set -euo pipefail
printf 'cell\tparams\ttokens\tflops\tepochs\n' > "$1"
while IFS=$'\t' read -r name options axes; do
  words=()
  eval "words=($SHARED $DATA $options)"
  "$BIN/lm-train" -q "${words[@]}" -o . --plan | NAME=$name OPTIONS=$options AXES=$axes TABLE=$1 awk -F '\t' -v OFS='\t' '
    { value[$1] = $2 }
    END {
      options = ENVIRON["OPTIONS"]
      if (options !~ /--lr /) options = options sprintf(" --lr %.4g", ENVIRON["RATE"] * (value["flops"] / 1e12) ^ ENVIRON["RATE_POWER"])
      if (options !~ /--warmup /) options = options sprintf(" --warmup %d", ENVIRON["WARMUP"] * value["steps"] + .5)
      print ENVIRON["NAME"], options, ENVIRON["AXES"]
      print ENVIRON["NAME"], value["matmul_parameters"], value["tokens"], value["flops"], sprintf("%.3g", value["tokens"] / value["training_tokens"]) >> ENVIRON["TABLE"]
    }'
done
