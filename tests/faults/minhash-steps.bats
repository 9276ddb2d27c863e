#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# minhash-dedup's steps killed in the middle and short of disk.
# `BIN=... tests/faults/kill-minhash-steps 5000000 20 256M 1024` is the same at full size.

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }
teardown() { if [ -n "$mounted" ]; then umount "$mounted"; fi; }

@test "kill -9 in the middle of every step: a restart makes the same bytes, in bounded memory, and one process leaves the same" {
  run "$BATS_TEST_DIRNAME/kill-minhash-steps" "${DOCUMENTS:-20000}" 5 16M 64
  [ "$status" -ne 77 ] || skip 'not built'
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *'documents stay, as in one process'* ]]
}

@test "a disk that fills up: every step exits 1 and says so, and leaves no file that is not whole" {
  [ "$(id -u)" = 0 ] || skip 'mounting a small disk needs root'
  local step arguments status
  cc -std=c11 -O2 -o near_duplicates "$BATS_TEST_DIRNAME/near_duplicates.c"
  mkdir shards whole small && ./near_duplicates 6000 2 shards
  "$BIN/minhash-dedup" sketch -q -o whole/sketches shards/*
  "$BIN/minhash-dedup" match -q -o whole/matches whole/sketches
  "$BIN/minhash-dedup" cluster -q -o whole/list whole/matches
  "$BIN/minhash-dedup" drop -q --clusters whole/list -o whole/documents shards/*
  mount -t tmpfs -o size=1500k none small 2> /dev/null || skip 'mounting is not permitted here'
  mounted=$PWD/small
  for step in sketch match cluster drop; do
    case $step in
      sketch) arguments=$(echo -o small/sketches shards/*) ;;
      match) arguments='-o small/matches --index small/index whole/sketches' ;;
      cluster) arguments='-o small/list whole/matches'; dd if=/dev/zero of=small/fill bs=1k count=1490 2> /dev/null ;;
      drop) arguments=$(echo --clusters whole/list -o small/documents shards/*) ;;
    esac
    status=0
    # shellcheck disable=SC2086
    "$BIN/minhash-dedup" $step -q $arguments 2> err || status=$?
    cat err
    [ $status -eq 1 ] && grep -q '^minhash-dedup: .*No space left on device' err
    for f in $(cd small && find . -type f ! -name inputs.tsv ! -name fill ! -path './index/*'); do cmp "small/$f" "whole/$f"; done
    rm -rf small/*
  done
  mkdir small/scratch # and where only scratch files go
  dd if=/dev/zero of=small/fill bs=1k count=1400 2> /dev/null
  status=0
  "$BIN/minhash-dedup" sketch -q -S 1M -T small/scratch -o sketches shards/* 2> err || status=$?
  [ $status -eq 1 ] && grep -q 'scratch file.*-T names a folder.*No space left on device' err
  [ -z "$(ls -A sketches)" ]
}
