# SPDX-License-Identifier: MIT
# What lm-train-gpt2-fp32 measures, beside llm.c.
export CASE=lm-train-gpt2-fp32
source "$(dirname "$0")/lm-train.sh"
