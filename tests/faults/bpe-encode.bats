#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# bpe-encode --shard-tokens killed at random moments: what goes on ends with the bytes of an undisturbed run.
# `BIN=... tests/faults/kill-bpe-encode 20` kills twenty times, and takes another seed and options of bpe-encode.

killed() {
  run "$BATS_TEST_DIRNAME/kill-bpe-encode" "${KILLS:-4}" "${SEED:-1}" "$@"
  [ "$status" -ne 77 ] || skip 'not built'
  echo "$output"
  [ "$status" -eq 0 ]
}

@test "kill -9 at random moments, also right after a shard: --resume ends with the same bytes" { killed; }
@test "kill -9 of a split into train and validation: --resume ends with the same bytes" { killed --validation 0.2; }
@test "kill -9 in a raw document that goes over many shards: --resume ends with the same bytes" { killed --raw; }
