#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Faults from outside: a disk that fills up, pipes that give a few bytes at a time, interrupted system calls, kill -9 at
# any moment, closed descriptors, too little memory.  The result is either whole or not there.

load ../cli/samples

setup_file() {
  export SAMPLES=$BATS_FILE_TMPDIR/samples
  make_samples || { echo 'the samples cannot be made' >&2; return 1; }
  local kind
  for kind in documents warc labels; do # large enough that work takes a while and fills a small disk
    for _ in $(seq 1 60); do cat "$SAMPLES/$kind"; done > "$SAMPLES/many-$kind"
  done
}

setup() {
  SAMPLES=$BATS_FILE_TMPDIR/samples
  cd "$BATS_TEST_TMPDIR" || return 1
  broken=()
}

teardown() {
  if [ -n "$mounted" ]; then umount "$mounted"; fi
}

wrong() {
  broken+=("$1")
  echo "$*"
  [ ! -s out.err ] || { echo '  stderr:'; head -c 600 out.err | sed 's/^/  | /'; }
}
finish() { [ ${#broken[@]} -eq 0 ]; }

@test "a disk that fills up: exit 1, the message says so, nothing is left" {
  [ "$(id -u)" = 0 ] || skip 'mounting a small disk needs root'
  mkdir small
  mount -t tmpfs -o size=256k none small 2> /dev/null || skip 'mounting is not permitted here'
  mounted=$PWD/small
  check() {
    local tool=$1 reads=$2 writes=$3 status=0 input
    shift 3
    input=$SAMPLES/many-$reads
    case $tool in
      warc2txt | qfilter | bpe-encode) "$BIN/$tool" -q "$@" -o small/result "$input" 2> out.err || status=$? ;;
      minhash-dedup) return 0 ;; # copies of copies: its output is small
      qfilter-train) "$BIN/$tool" -q --dim 100 --bucket 100000 --epoch 1 -o small/result "$input" 2> out.err || status=$? ;;
      lm-train) [ -e "$SAMPLES/model" ] || return 0
        dd if=/dev/zero of=small/fill bs=1k count=200 2> /dev/null
        "$BIN/$tool" -q "$@" -o small/result 2> out.err || status=$?
        rm -f small/fill ;;
      *) return 0 ;;
    esac
    [ $status -eq 1 ] && grep -q "^$tool: .*No space left on device" out.err || wrong "$tool" "exit $status"
    if [ "$writes" = folder ]; then
      [ ! -e small/result/latest ] && [ ! -e small/result/model.safetensors ] || wrong "$tool" "a checkpoint on a full disk: $(ls -A small/result)"
    else
      [ -z "$(ls -A small)" ] || wrong "$tool" "leaves $(ls -A small)"
    fi
    rm -rf small/*
  }
  each_tool check; finish
}

@test "short reads: a slow writer in odd pieces changes nothing" {
  check() {
    local tool=$1 reads=$2 writes=$3 form
    [ "$writes" != folder ] && [ "$tool" != lm-sample ] && [ "$reads" != unknown ] || return 0
    shift 3
    run_tool want "$tool" "$reads" -q "$@" || wrong "$tool" "exit $?"
    for form in cat 'gzip -c'; do
      $form < "$SAMPLES/$reads" | perl -e '
        binmode STDIN; binmode STDOUT; $/ = undef; my $data = <STDIN>; my ($at, $n, $pieces) = (0, 1, 0);
        while ($at < length $data) {
          syswrite STDOUT, substr($data, $at, $n);
          $at += $n; $n = $pieces++ < 300 ? 1 + ($n * 7 + 3) % 97 : 50021;
          select undef, undef, undef, .0005 if $pieces < 300;
        }' | "$BIN/$tool" -q "$@" > out 2> out.err || wrong "$tool" "exit $?"
      cmp want out || wrong "$tool" "differs ($form)"
    done
  }
  each_tool check; finish
}

@test "a process that is stopped and continued, again and again, gives the same" {
  check() {
    local tool=$1 reads=$2 writes=$3 pid
    [ "$writes" != folder ] && [ "$tool" != lm-sample ] && [ "$tool" != qfilter-train ] && [ "$reads" != unknown ] || return 0
    shift 3
    run_tool want "$tool" "$reads" -q "$@" || wrong "$tool" "exit $?"
    (sleep .1; cat "$SAMPLES/$reads"; sleep .2) | "$BIN/$tool" -q "$@" > out 2> out.err &
    pid=$!
    for _ in 1 2 3 4 5 6; do
      kill -STOP $pid 2> /dev/null || true; sleep .02
      kill -CONT $pid 2> /dev/null || true; sleep .03
    done
    wait $pid || wrong "$tool" "exit $?"
    cmp want out || wrong "$tool" differs
  }
  each_tool check; finish
}

@test "kill -9 at any moment: the result is whole or not there, and a restart gives it" {
  check() {
    local tool=$1 reads=$2 writes=$3 input pid delay i
    [ "$writes" != folder ] && [ -e "$SAMPLES/many-$reads" ] || return 0
    case $tool in qfilter-train) set -- "$@" -j 2 --dim 16 --bucket 10000 --epoch 1 ;; esac
    shift 3
    input=$SAMPLES/many-$reads
    "$BIN/$tool" -q "$@" -o want "$input" || wrong "$tool" "exit $?"
    for i in 0 1 2 3 4 5 6 7; do
      rm -rf work; mkdir work
      TMPDIR=$PWD/work "$BIN/$tool" -q "$@" -o work/result "$input" &
      pid=$!
      sleep .0$((i * i % 9))$i
      kill -KILL $pid 2> /dev/null || true
      wait $pid 2> /dev/null || true
      if [ -e work/result ]; then cmp want work/result || wrong "$tool" 'half a result'; fi
      [ -z "$(ls -A work | grep -v '^result$')" ] || wrong "$tool" "leaves $(ls -A work)"
    done
    "$BIN/$tool" -q "$@" -o work/result "$input" && cmp want work/result || wrong "$tool" 'the restart differs'
  }
  each_tool check; finish
}

@test "kill -9 at any moment of a training run: --resume ends with the same bits" {
  [ -e "$SAMPLES/model" ] || skip 'lm-train is not built'
  train=("$BIN/lm-train" -q -j 2 -c "$SAMPLES/config.json" -d "$SAMPLES/train.bin" -t "$SAMPLES/tokenizer.tsv" --steps 600 --batch 4 --seq 32 --save-every 50)
  "${train[@]}" -o want
  local kills=0
  for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    resume=
    [ ! -e model ] || resume=--resume
    "${train[@]}" $resume -o model 2> out.err &
    pid=$!
    sleep .$((i * 37 % 7 + 2))
    if kill -KILL $pid 2> /dev/null; then kills=$((kills + 1)); fi
    wait $pid 2> /dev/null && break
    [ ! -e model ] || [ -n "$(ls -A model)" ] || rmdir model
  done
  resume=
  [ ! -e model ] || resume=--resume
  "${train[@]}" $resume -o model 2> out.err || { cat out.err; false; }
  echo "$kills kills"
  [ $kills -gt 0 ]
  cmp want/model.safetensors model/model.safetensors
  cmp want/run.tsv model/run.tsv
  [ -z "$(find model -name '*.tmp')" ]
}

@test "closed descriptors: no document goes where it should not" {
  check() {
    local tool=$1 reads=$2 writes=$3 status=0
    [ "$writes" != folder ] && [ "$tool" != lm-sample ] && [ "$reads" != unknown ] || return 0
    shift 3
    cp "$SAMPLES/$reads" input
    "$BIN/$tool" -q "$@" input >&- 2> out.err || status=$?
    [ $status -eq 1 ] && grep -q "^$tool: " out.err || wrong "$tool" "exit $status with stdout closed"
    cmp "$SAMPLES/$reads" input || wrong "$tool" 'its input has changed'
    status=0
    "$BIN/$tool" -q "$@" - <&- > out 2> out.err || status=$?
    [ $status -eq 1 ] || wrong "$tool" "exit $status with stdin closed"
    "$BIN/$tool" -v "$@" -o result input 2>&- > out || wrong "$tool" "exit $? with stderr closed"
    run_tool want "$tool" none -q "$@" -o want.result input || wrong "$tool" "exit $?"
    cmp want.result result || wrong "$tool" 'messages in the result'
    rm -f result want.result
  }
  each_tool check; finish
}

@test "too little memory: a message with file and line, and no result" {
  awk 'BEGIN { printf "big\t"; for (i = 0; i < 3000000; i++) printf "all work and no play makes a dull boy. "; print "" }' > documents
  check() {
    local tool=$1 reads=$2 writes=$3 status=0
    [ "$reads" = documents ] || return 0
    shift 3
    (ulimit -v 150000; exec "$BIN/$tool" -q -j 1 "$@" -o result documents) 2> out.err || status=$?
    [ $status -ne 0 ] && [ ! -e result ] || wrong "$tool" "exit $status"
    grep -qE 'out of memory|no memory for|cannot allocate|Cannot allocate|failed to map|error while loading shared' out.err || wrong "$tool" 'does not say why'
  }
  each_tool check; finish
}
