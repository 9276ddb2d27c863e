#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# lm-train killed at random moments, also while it saves: what goes on ends with the bits of an undisturbed run.
# `BIN=... tests/faults/kill-lm-train 20` kills twenty times, and takes another seed and options of lm-train.

@test "kill -9 at random moments, also while a checkpoint is written: --resume ends with the same bits" {
  run "$BATS_TEST_DIRNAME/kill-lm-train" "${KILLS:-4}" "${SEED:-1}"
  [ "$status" -ne 77 ] || skip 'not built'
  echo "$output"
  [ "$status" -eq 0 ]
}
