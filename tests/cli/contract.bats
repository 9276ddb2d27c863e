#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What every program promises (crawl2lm(7)), for all that are built: the table of samples.bash says how each is called.
# A test goes through all tools and names those that break the promise.

load samples

setup_file() {
  export SAMPLES=$BATS_FILE_TMPDIR/samples
  make_samples || { echo 'the samples cannot be made' >&2; return 1; }
}

setup() {
  SAMPLES=$BATS_FILE_TMPDIR/samples
  cd "$BATS_TEST_TMPDIR" || return 1
  broken=()
}

# wrong TOOL WHAT...: notes a broken promise; finish fails when there was one.
wrong() {
  broken+=("$1")
  echo "$*"
  [ ! -s out.err ] || { echo "  stderr:"; head -c 600 out.err | sed 's/^/  | /'; }
}
finish() { [ ${#broken[@]} -eq 0 ]; }

has_sample() { [ "$1" != unknown ] && { [ "$tool" != lm-train ] && [ "$tool" != lm-sample ] || [ -e "$SAMPLES/model" ]; }; }

@test "--help goes to stdout and exits 0; it lists --help and --version" {
  check() {
    local tool=$1
    run_tool out "$tool" none --help || wrong "$tool" "exit $?"
    grep -q -- '--help' out && grep -q -- '--version' out && grep -q "^usage: $tool" out || wrong "$tool" 'help lacks something'
    [ ! -s out.err ] || wrong "$tool" 'writes to stderr'
  }
  each_tool check; finish
}

@test "--version names the tool and exits 0" {
  check() {
    local tool=$1
    run_tool out "$tool" none --version || wrong "$tool" "exit $?"
    grep -Eq "^$tool \(crawl2lm\) [0-9]+\.[0-9]+\.[0-9]+$" out && [ "$(wc -l < out)" = 1 ] || wrong "$tool" "says $(cat out)"
  }
  each_tool check; finish
}

@test "--completion is a bash script that completes the options of --help" {
  check() {
    local tool=$1 option
    run_tool out "$tool" none --completion && bash -n out && grep -q '^complete ' out || wrong "$tool" 'is no bash script'
    for option in $("$BIN/$tool" --help | grep -oE '^ +(-., )?--[a-z][a-z0-9-]*' | grep -oE -- '--[a-z0-9-]+'); do
      grep -q -- "$option " out || wrong "$tool" "does not complete $option"
    done
  }
  each_tool check; finish
}

@test "an unknown option exits 2 with a message on stderr that names it" {
  check() {
    local tool=$1 option status
    for option in --no-such-option -Z; do
      status=0
      run_tool out "$tool" none "$option" || status=$?
      [ $status -eq 2 ] && [ ! -s out ] && grep -q -e "^$tool: .*$option" out.err || wrong "$tool" "exit $status for $option"
    done
    status=0
    run_tool out "$tool" none --version=3 || status=$?
    [ $status -eq 2 ] || wrong "$tool" 'takes an argument for a flag'
  }
  each_tool check; finish
}

@test "long options are not abbreviated" {
  check() {
    local tool=$1 option status
    for option in --hel --versio --verb --quie; do
      status=0
      run_tool out "$tool" none "$option" || status=$?
      [ $status -eq 2 ] || wrong "$tool" "exit $status for $option"
    done
  }
  each_tool check; finish
}

@test "a missing file exits 1 with TOOL: FILE: why" {
  check() {
    local tool=$1 reads=$2 status=0
    shift 3
    case $tool in
      lm-train) run_tool out "$tool" none -c "$SAMPLES/config.json" -d /no/such/file -o model --steps 1 || status=$? ;;
      lm-sample) run_tool out "$tool" none -m /no/such/file -p x || status=$? ;;
      *)
        [ "$reads" != unknown ] || return 0
        run_tool out "$tool" none "$@" -o result /no/such/file || status=$?
        ;;
    esac
    [ $status -eq 1 ] || wrong "$tool" "exit $status"
    grep -q "^$tool: .*/no/such/file.*: No such file or directory" out.err || wrong "$tool" 'the message names no file'
    [ ! -e result ] || wrong "$tool" 'leaves a result'
  }
  each_tool check; finish
}

@test "empty input: nothing in, nothing out; what needs data says so" {
  check() {
    local tool=$1 reads=$2 want=0 status=0
    has_sample "$reads" || return 0
    case $tool in qfilter-train | fit-scaling) want=1 ;; lm-train) return 0 ;; esac # lm-train: no shard is empty of its header
    shift 3
    "$BIN/$tool" -q "$@" < /dev/null > out 2> out.err || status=$?
    [ $status -eq $want ] || wrong "$tool" "exit $status, not $want"
    case $tool in
      warc2txt | qfilter | minhash-dedup | bloom-dedup | lm-sample) [ ! -s out ] || wrong "$tool" 'writes something' ;;
      bpe-encode) [ "$(stat -c %s out)" = 1024 ] || wrong "$tool" 'is not just a header' ;;
      qfilter-train | fit-scaling) [ -s out.err ] && [ ! -s out ] || wrong "$tool" 'does not say what is missing' ;;
    esac
  }
  each_tool check; finish
}

@test "the sample works, quietly with -q, and -o gives the same bytes as stdout" {
  check() {
    local tool=$1 reads=$2 writes=$3
    has_sample "$reads" || return 0
    shift 3
    if [ "$writes" = folder ]; then
      run_tool out "$tool" "$reads" -q "$@" -o result || wrong "$tool" "exit $?"
    else
      run_tool out "$tool" "$reads" -q "$@" || wrong "$tool" "exit $?"
      [ -s out ] || wrong "$tool" 'writes nothing'
      [ ! -s out.err ] || wrong "$tool" '-q is not quiet'
      "$BIN/$tool" -q "$@" -o result < "$SAMPLES/$reads" > stdout || wrong "$tool" "exit $? with -o"
      [ ! -s stdout ] || wrong "$tool" 'writes to stdout with -o'
      if [ "$writes" = text ]; then cmp out result || wrong "$tool" '-o differs'; fi
      if [ "$writes" = binary ]; then cmp -i 1024 out result || wrong "$tool" '-o differs'; fi
    fi
    rm -rf result
    [ "$(find . -mindepth 1 ! -name 'out*' ! -name stdout | wc -l)" = 0 ] || wrong "$tool" "leaves $(ls -A)"
  }
  each_tool check; finish
}

@test "stdin, - and a file name are the same; gzip and zstd are recognised" {
  check() {
    local tool=$1 reads=$2 writes=$3 way
    [ "$writes" != folder ] && [ "$tool" != lm-sample ] && has_sample "$reads" || return 0
    shift 3
    run_tool want "$tool" "$reads" -q "$@" || wrong "$tool" "exit $?"
    cp "$SAMPLES/$reads" input; gzip -nkf input; zstd -qf input
    run_tool out "$tool" "$reads" -q "$@" - && cmp want out || wrong "$tool" '-'
    for way in input input.gz input.zst; do
      run_tool out "$tool" none -q "$@" "$way" && cmp want out || wrong "$tool" "$way"
    done
  }
  each_tool check; finish
}

@test "a full disk exits 1" {
  [ -e /dev/full ] || skip 'no /dev/full'
  check() {
    local tool=$1 reads=$2 writes=$3 status=0
    [ "$writes" != folder ] && has_sample "$reads" || return 0
    shift 3
    "$BIN/$tool" -q "$@" < "$SAMPLES/$reads" > /dev/full 2> out.err || status=$?
    [ $status -eq 1 ] && grep -q "^$tool: .*No space left on device" out.err || wrong "$tool" "exit $status at stdout"
    status=0
    "$BIN/$tool" -q "$@" -o /dev/full < "$SAMPLES/$reads" 2> out.err || status=$?
    [ $status -eq 1 ] && grep -q "^$tool: .*No space left on device" out.err || wrong "$tool" "exit $status with -o"
    status=0
    "$BIN/$tool" -q "$@" --stats /dev/full < "$SAMPLES/$reads" > out 2> out.err || status=$?
    [ $status -eq 1 ] || wrong "$tool" "exit $status with --stats"
  }
  each_tool check; finish
}

@test "a pipe closed early: silent, dead of SIGPIPE, nothing left behind" {
  check() {
    local tool=$1 reads=$2 writes=$3
    [ "$writes" != folder ] && has_sample "$reads" || return 0
    shift 3
    rm -f status out.err
    # the reader is gone before the input comes
    (sleep .3; cat "$SAMPLES/$reads") | (status=0; TMPDIR=$PWD "$BIN/$tool" -q "$@" 2> out.err || status=$?; echo $status > status) | true
    while [ ! -s status ]; do sleep .05; done
    [ "$(cat status)" = 141 ] || wrong "$tool" "exit $(cat status)"
    [ ! -s out.err ] || wrong "$tool" 'is not silent'
    [ "$(find . -mindepth 1 ! -name 'out*' ! -name status | wc -l)" = 0 ] || wrong "$tool" "leaves $(ls -A)"
  }
  each_tool check; finish
}

@test "a kill in the middle of -o leaves nothing, whatever the signal" {
  check() {
    local tool=$1 reads=$2 writes=$3 signal number pid status
    [ "$writes" != folder ] && [ "$tool" != lm-sample ] && has_sample "$reads" || return 0
    shift 3
    for signal in TERM INT KILL; do
      rm -rf result fifo
      mkfifo fifo
      # an input that goes on after the sample; background jobs of a script ignore SIGINT, env restores it
      (cat "$SAMPLES/$reads"; exec sleep 20) > fifo &
      feeder=$!
      TMPDIR=$PWD env --default-signal=INT "$BIN/$tool" -q "$@" -o result < fifo 2> out.err &
      pid=$!
      sleep .4
      kill -s $signal $pid
      status=0
      wait $pid || status=$?
      kill $feeder 2> /dev/null; wait $feeder 2> /dev/null || true
      rm -f fifo
      number=$(kill -l $signal)
      [ $status -eq $((128 + number)) ] || wrong "$tool" "exit $status after SIG$signal"
      [ "$(find . -mindepth 1 ! -name 'out*' | wc -l)" = 0 ] || wrong "$tool" "leaves $(ls -A) after SIG$signal"
    done
  }
  each_tool check; finish
}

@test "-j 1 and -j 4 give the same bytes" {
  check() {
    local tool=$1 reads=$2 writes=$3
    [ "$writes" != folder ] && [ "$tool" != qfilter-train ] && has_sample "$reads" || return 0 # training: same bits for the same -j
    "$BIN/$tool" --help | grep -q -- '-j, --jobs' || return 0
    shift 3
    for i in $(seq 1 40); do cat "$SAMPLES/$reads"; done > many
    "$BIN/$tool" -q "$@" -j 1 < many > one && "$BIN/$tool" -q "$@" -j 4 < many > four && cmp one four || wrong "$tool" 'differ'
    "$BIN/$tool" -q "$@" -j 4 < many > again && cmp four again || wrong "$tool" 'differ between two runs'
  }
  each_tool check; finish
}

@test "the same training command gives the same bits" {
  check() {
    local tool=$1 reads=$2 writes=$3
    case $tool in
      qfilter-train)
        run_tool one "$tool" "$reads" -q -j 2 && run_tool two "$tool" "$reads" -q -j 2 && cmp one two || wrong "$tool" 'differ'
        ;;
      lm-train)
        has_sample "$reads" || return 0
        shift 3
        "$BIN/$tool" -q "$@" -j 2 -o first && "$BIN/$tool" -q "$@" -j 2 -o second && cmp first/model.safetensors second/model.safetensors && cmp first/run.tsv second/run.tsv || wrong "$tool" 'differ'
        ;;
    esac
  }
  each_tool check; finish
}

@test "truncated gzip: documents exit 1 without committing -o, warc2txt counts one bad record" {
  check() {
    local tool=$1 reads=$2 writes=$3 status=0 size
    [ "$writes" != folder ] && [ "$tool" != lm-sample ] && has_sample "$reads" || return 0
    shift 3
    gzip -nc "$SAMPLES/$reads" > whole.gz
    size=$(stat -c %s whole.gz)
    head -c $((size - size / 4)) whole.gz > cut.gz
    rm -f result
    run_tool out "$tool" none "$@" -o result --stats stats.json cut.gz || status=$?
    grep -q "cut.gz.*truncated gzip" out.err || wrong "$tool" 'does not say what is wrong'
    if [ "$tool" = warc2txt ]; then
      [ $status -eq 0 ] && [ -s result ] && grep -Eq '"bad": 1\b' stats.json || wrong "$tool" "exit $status, $(grep '"bad"' stats.json)"
    else
      [ $status -eq 1 ] && [ ! -e result ] || wrong "$tool" "exit $status, $(ls -A)"
    fi
    rm -f result
  }
  each_tool check; finish
}

@test "--stats: sorted keys, in = out + rejected + bad" {
  check() {
    local tool=$1 reads=$2 writes=$3 in out rejected bad
    case $tool in warc2txt | qfilter | minhash-dedup | bloom-dedup) ;; *) return 0 ;; esac
    shift 3
    run_tool out "$tool" "$reads" -q "$@" --stats stats.json --rejects rejects || wrong "$tool" "exit $?"
    for key in in out rejected bad; do
      declare "$key=$(sed -nE "s/^  \"$key\": ([0-9]+),?$/\1/p" stats.json)"
    done
    [ -n "$in" ] && [ "$in" -gt 0 ] && [ "$in" = $((out + rejected + bad)) ] || wrong "$tool" "$in in, $out out, $rejected rejected, $bad bad"
    [ "$out" = "$(wc -l < out)" ] && [ "$rejected" = "$(wc -l < rejects)" ] || wrong "$tool" 'counts are not those of the lines'
    grep -E '^  "' stats.json | sed 's/:.*//' > keys
    LC_ALL=C sort -c keys || wrong "$tool" 'keys are not sorted'
    for key in tool version command time; do grep -q "^  \"$key\":" stats.json || wrong "$tool" "no key $key"; done
    rm -f rejects
  }
  each_tool check; finish
}

@test "a line of 100 MB" {
  awk 'BEGIN { printf "big\tu\td\t"; for (i = 0; i < 1600000; i++) printf "the quick brown fox %07d jumps over the lazy dog, then rests. ", i; printf "\nsmall\tu\td\tthe end\n" }' > documents
  [ "$(stat -c %s documents)" -gt 100000000 ]
  check() {
    local tool=$1 reads=$2 writes=$3
    shift 3
    case $tool in
      qfilter) run_tool out "$tool" none -q documents || wrong "$tool" "exit $?"; cmp documents out || wrong "$tool" 'changes it' ;;
      minhash-dedup) run_tool out "$tool" none -q documents || wrong "$tool" "exit $?"; cmp documents out || wrong "$tool" 'changes it' ;;
      bloom-dedup)
        local way
        for way in '' '--unit line --exact' '--unit paragraph --keep none' '--ngram 13'; do
          # shellcheck disable=SC2086
          run_tool out "$tool" none -q $way documents || wrong "$tool" "exit $? $way"
          cmp documents out || wrong "$tool" "changes it $way"
        done
        ;;
      bpe-encode)
        run_tool out "$tool" none -q "$@" documents || wrong "$tool" "exit $?"
        [ "$(stat -c %s out)" = $((1024 + 2 * (2 + $(cut -f 4 documents | tr -d '\n' | wc -c)))) ] || wrong "$tool" 'wrong number of tokens'
        ;;
      bpe-train) run_tool out "$tool" none -q "$@" documents || wrong "$tool" "exit $?" ;;
      qfilter-train) (cat "$SAMPLES/labels"; cut -f 4 documents | sed 's/^/en\t/') > labels; run_tool out "$tool" none -q --epoch 1 labels || wrong "$tool" "exit $?" ;;
    esac
    rm -f out labels
  }
  each_tool check; finish
}

@test "the locale changes nothing" {
  check() {
    local tool=$1 reads=$2 writes=$3 locale
    [ "$writes" != folder ] && has_sample "$reads" || return 0
    shift 3
    LC_ALL=C run_tool want "$tool" "$reads" -q "$@" || wrong "$tool" "exit $?"
    for locale in tr_TR.UTF-8 de_DE.UTF-8 ja_JP.SJIS; do
      LC_ALL=$locale LANG=$locale run_tool out "$tool" "$reads" -q "$@" && cmp want out || wrong "$tool" "$locale"
    done
  }
  each_tool check; finish
}

@test "a folder where nothing can be written exits 1, and says so before the work" {
  check() {
    local tool=$1 reads=$2 writes=$3 place status
    has_sample "$reads" || return 0
    shift 3
    for place in /proc/crawl2lm-contract /no/such/folder/result; do
      [ "$writes" = folder ] && [ "$place" = /no/such/folder/result ] && continue # folders are made
      status=0
      if [ "$writes" = folder ]; then run_tool out "$tool" none -q "$@" -o $place || status=$?
      else run_tool out "$tool" "$reads" -q "$@" -o $place || status=$?; fi
      [ $status -eq 1 ] && grep -q "^$tool: .*$place" out.err || wrong "$tool" "exit $status for $place"
      [ ! -s out ] || wrong "$tool" "writes to stdout instead of $place"
    done
  }
  each_tool check; finish
  [ ! -e /no ]
}

@test "stdin at a terminal prints a usage line and exits 2" {
  command -v script > /dev/null || skip 'no script(1)'
  check() {
    local tool=$1 reads=$2 writes=$3 status=0
    case $reads in none | unknown) return 0 ;; esac
    has_sample "$reads" || return 0
    shift 3
    script -qec "$BIN/$tool $* -o result" typescript > out 2> out.err < /dev/null || status=$?
    [ $status -eq 2 ] && grep -q "usage: $tool" out || wrong "$tool" "exit $status: $(head -c 200 out)"
    rm -f typescript result
  }
  each_tool check; finish
}

@test "binary is not written to a terminal without -f" {
  command -v script > /dev/null || skip 'no script(1)'
  check() {
    local tool=$1 reads=$2 writes=$3 status=0
    [ "$writes" = binary ] || return 0
    shift 3
    script -qec "$BIN/$tool $* $SAMPLES/$reads" typescript > out 2> out.err < /dev/null || status=$?
    [ $status -eq 2 ] && grep -q "$tool: .*terminal" out || wrong "$tool" "exit $status: $(head -c 200 out | tr -d '\0')"
    rm -f typescript
  }
  each_tool check; finish
}

@test "-- ends options: a file may be named like one" {
  check() {
    local tool=$1 reads=$2 writes=$3
    [ "$writes" != folder ] && [ "$tool" != lm-sample ] && has_sample "$reads" || return 0
    shift 3
    cp "$SAMPLES/$reads" ./--file
    run_tool want "$tool" "$reads" -q "$@" || wrong "$tool" "exit $?"
    run_tool out "$tool" none -q "$@" -- --file && cmp want out || wrong "$tool" 'does not read ./--file'
  }
  each_tool check; finish
}

@test "two outputs in one file are refused" {
  printf 'a\tone two three four five\nb\tone two three four five\n' > in.tsv
  for options in "qfilter --rejects" "minhash-dedup --rejects" "minhash-dedup --clusters" "minhash-dedup --report" "minhash-dedup --stats" "bpe-encode -t bytes --rejects"; do
    set -- $options
    [ -x "$BIN/$1" ] || continue
    status=0
    "$BIN/$@" both -o both in.tsv 2> err || status=$?
    [ $status -eq 2 ] && [ ! -e both ] || wrong "$1" "$*: exit $status"
  done
  finish
}

@test "the warning about a bad line names the input and the line" {
  printf '{"text":"a b"}\n{"x":1}\n' > in.jsonl
  for command in "qfilter" "minhash-dedup" "bpe-encode -t bytes" "bpe-train -n 300"; do
    set -- $command
    [ -x "$BIN/$1" ] || continue
    "$BIN/$@" in.jsonl > out 2> err || wrong "$1" "exit $?"
    grep -q "^$1: warning: in.jsonl:2: " err || wrong "$1" "$(head -1 err)"
  done
  finish
}
