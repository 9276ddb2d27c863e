#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# One cell of a sweep, called by sweep.mk:  cell.sh run|print NAME OPTIONS, with BIN OUT DATA SHARED JOBS in the environment.
#
#   OUT/NAME/run.tsv       when the run is done; the cell is then done as long as command, data and tokenizer are the same
#   OUT/NAME/diverged      instead, when the loss or a gradient was not finite: such a rate is an answer, not an error
#   OUT/NAME/command       what was run and on which files; a run with another one begins anew, the same one goes on
#   OUT/NAME/log.tsv, stats.json, messages (of lm-train -v)
#
# OPTIONS, DATA and SHARED are words quoted for a shell.
set -euo pipefail
action=$1 name=$2 options=$3
cell=$OUT/$name
eval "words=($SHARED $DATA $options)"
command=("$BIN/lm-train" -v --progress never -j "$JOBS" "${words[@]}" --log "$cell/log.tsv" --stats "$cell/stats.json" -o "$cell" --resume)

if [ "$action" = print ]; then
  printf '%q ' "${command[@]}"
  echo
  exit
fi

# The command, and the size and time of every file it reads: the words of it that are files or patterns of files.
identity() {
  printf '%s\n' "${words[@]}"
  for word in "${words[@]}"; do
    # shellcheck disable=SC2086
    (IFS=; for file in ${word#[0-9]*:}; do [ ! -f "$file" ] || stat -L -c '%n %s %Y' -- "$file"; done)
  done
}

mkdir -p "$cell"
identity=$(identity)
if [ "$identity" != "$(cat "$cell/command" 2> /dev/null)" ]; then
  [ ! -e "$cell/command" ] || echo "sweep: $name: the options or the data are not those it was started with: it begins anew" >&2
  rm -rf "$cell"
  mkdir "$cell"
  printf '%s\n' "$identity" > "$cell/command.part"
  mv "$cell/command.part" "$cell/command"
fi
if [ -e "$cell/run.tsv" ] && [ -e "$cell/done" ] || [ -e "$cell/diverged" ]; then exit 0; fi

# Signals go on to the program, which saves a checkpoint and ends by them.
"${command[@]}" 2> "$cell/messages" & pid=$!
trap 'kill -TERM $pid 2> /dev/null || true' TERM INT HUP
status=0
wait $pid || status=$?
while kill -0 $pid 2> /dev/null; do status=0; wait $pid || status=$?; done # a signal ends `wait` first
if [ $status -eq 1 ] && grep -Eq 'is -?(nan|inf)|not finite|diverge' "$cell/messages"; then
  mv "$cell/messages" "$cell/diverged"
  exit 0
fi
if [ $status -eq 0 ]; then touch "$cell/done"; else tail -n 3 "$cell/messages" >&2; fi
exit $status
