#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# One archive, called by the Makefile:  warc.sh NAME, with its input in OUT/picked.tsv and in the environment
# BIN OUT BASE CDX EXTRACT FILTERS THREADS COMPRESS DECOMPRESS SUFFIX REJECTS TIME_LIMIT MIN_FREE FAILURES QUIET, and
# UNTIL, the second of the epoch after which nothing is begun, or empty.
# With CDX the input is a part of the index.
#
#     input -> warc2txt -> qfilter -> compressor     each a process of its own, joined by FIFOs, so that the status of each is known
#                 \           \-> rejects
#                  \-> rejects
#
# All of it is written to OUT/unfinished/NAME/ and moved when every program ended well and their counts agree: rejects and
# statistics first, OUT/documents/NAME last, which therefore stands for all of them.
#
# A failure leaves its reason in OUT/failed/NAME.  One that others would meet too (a full disk, wrong options, a missing
# program, too many failures) leaves OUT/unfinished/stop, and no further archive is begun.
set -f -uo pipefail
name=$1
here=${BASH_SOURCE[0]%/*}
work=$OUT/unfinished/$name
documents=$OUT/documents/$name.tsv$SUFFIX
pids=() programs=()

if [ -e "$documents" ] || [ -e "$OUT/unfinished/stop" ]; then exit 0; fi
if [ -n "$UNTIL" ] && [ "$EPOCHSECONDS" -ge "$UNTIL" ]; then
  touch "$OUT/unfinished/late"
  exit 0
fi

say() { [ -n "$QUIET" ] || printf 'crawl: %s\n' "$*" >&2; }
note() { printf '%s\t%s\t%s\n' "$(date -u +%FT%TZ)" "$name" "$*" >> "$OUT/log"; }
stop() { (set -o noclobber; printf '%s\n' "$*" > "$OUT/unfinished/stop") 2> /dev/null; }
end() { # STATUS: nothing of this try stays
  ((${#pids[@]} == 0)) || kill "${pids[@]}" 2> /dev/null
  exec 4>&- 5>&-
  wait
  rm -rf "$work"
  exit "$1"
}
fail() { # REASON
  note "failed: $*"
  printf 'crawl: %s: %s\n' "$name" "$*" >&2
  printf '%s\n' "$*" > "$OUT/failed/$name"
  printf '%s\n' "$name" >> "$OUT/unfinished/failures"
  [ "$(wc -l < "$OUT/unfinished/failures")" -lt "$FAILURES" ] || stop "$FAILURES archives failed"
  end 1
}
trap 'end 130' INT
trap 'end 143' TERM HUP

free=$(df --output=avail -B1 "$OUT" | tail -n 1)
if [ "$free" -lt "$(numfmt --from=iec "$MIN_FREE")" ]; then
  stop "less than $MIN_FREE is free on the disk of $OUT"
  exit 0
fi
input=$(awk -F '\t' -v name="$name" '$1 == name { print $2; exit }' "$OUT/picked.tsv")
operands=("$input")
[ -z "$CDX" ] || operands=(--cdx "$input" "$BASE/")
rm -rf "$work"
mkdir "$work" && cd "$work" && mkfifo extracted kept refused dropped && : > messages || fail 'cannot work in OUT/unfinished'
SECONDS=0

# The shell's own ends of the rejects' FIFOs (4, 5) let their compressors end also when no other program opened them.
start() { programs+=("$1"); "$2" "${@:3}" 2>> messages & pids+=($!); }
compress() { exec $COMPRESS < "$1" > "$2"; }
discard() { : > "$2"; exec cat < "$1" > /dev/null; }
filter() { exec "$BIN/qfilter" -q -j "$THREADS" -T "$work" $FILTERS --stats filter.json --rejects dropped < extracted > kept; }
extract() {
  exec timeout --foreground -k 10 "$TIME_LIMIT" "$BIN/warc2txt" -q -j "$THREADS" -T "$work" $EXTRACT \
    --stats extract.json --rejects refused "${operands[@]}" > extracted
}
[ "$REJECTS" = yes ] && rejects=compress || rejects=discard
start "$COMPRESS (rejects)" $rejects refused refused.out
start "$COMPRESS (rejects)" $rejects dropped dropped.out
start "$COMPRESS" compress kept kept.out
exec 4> refused 5> dropped
start qfilter filter
start warc2txt extract
exec 4>&- 5>&-

# 128 + SIGPIPE: its reader went away, so that another one is to blame.
blame='' worst=0
for i in "${!pids[@]}"; do
  wait "${pids[i]}"
  status=$?
  if [ $status != 0 ] && { [ $worst = 0 ] || [ $worst = 141 ]; }; then blame=${programs[i]} worst=$status; fi
done
pids=()

if [ $worst != 0 ]; then
  why=$(grep -v '^$' messages | tail -n 1)
  case $blame:$worst in
    warc2txt:124 | warc2txt:137) why="takes longer than TIME_LIMIT=$TIME_LIMIT" ;;
    *:2 | *:127 | *:126) stop "${why:-$blame: exit status $worst}" ;;
  esac
  if grep -Eq 'No space left on device|Disk quota exceeded' messages; then stop 'the disk is full'; fi
  fail "${why:-$blame: exit status $worst}"
fi

# ---- counted, synced, moved -----------------------------------------------------------------------------------------
finish() {
  local size=
  [ -n "$CDX" ] || [ ! -f "$input" ] || size=$(stat -L -c %s "$input")
  awk -f "$here/../json.awk" extract.json > extract.counts &&
    awk -f "$here/../json.awk" filter.json > filter.counts || return 1
  sizes=()
  if [ "$REJECTS" = yes ]; then
    cat refused.out dropped.out > rejects && $DECOMPRESS < rejects |
      awk '{ i = index($0, "\t"); if (!i) i = length($0) + 1; r = substr($0, 1, i - 1); n[r]++; b[r] += length($0) - i + 1 }
        END { for (r in n) printf "%s\t%.0f\t%.0f\n", r, n[r], b[r] }' > sizes || return 1
    sizes=(sizes)
  fi
  awk -f "$here/counts.awk" -v warc="$name" -v size="$size" extract.counts filter.counts "${sizes[@]}" > counts &&
    sync kept.out extract.json filter.json counts ${sizes:+rejects} || return 1
  [ "$REJECTS" != yes ] || mv rejects "$OUT/rejects/$name.tsv$SUFFIX" || return 1
  mv extract.json "$OUT/stats/$name.warc2txt.json" && mv filter.json "$OUT/stats/$name.qfilter.json" &&
    mv counts "$OUT/stats/$name.tsv" && sync "$OUT/rejects" "$OUT/stats" && mv kept.out "$documents" && sync "$OUT/documents"
}
if ! finish 2>> messages; then
  if grep -Eq 'No space left on device|Disk quota exceeded' messages; then stop 'the disk is full'; fi
  fail "$(tail -n 1 messages)"
fi
rm -f "$OUT/failed/$name"
[ ! -s messages ] || sed "s/^/$(date -u +%FT%TZ)	$name	/" messages >> "$OUT/log"
kept=$(awk -F '\t' '$2 == "filter" && $3 == "kept" { print $5 }' "$OUT/stats/$name.tsv")
of=$(awk -F '\t' '$2 == "extract" { n += $5 } END { print n + 0 }' "$OUT/stats/$name.tsv")
note "$kept of $of records, $SECONDS s"
say "$name: $kept of $of records, $SECONDS s"
cd "$OUT" && rm -rf "$work"
