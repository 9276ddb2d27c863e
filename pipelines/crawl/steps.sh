#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A step under the lock, called by the Makefile:  steps.sh STEP MAKEFILE JOBS.  Make knows what is missing; this says in
# which order it is asked, and what is still done when archives failed.
set -euo pipefail
step=$1 makefile=$2 jobs=$3
here=${BASH_SOURCE[0]%/*} from=$PWD
cd "$OUT"
make() { (cd "$from" && exec "$MAKER" -f "$makefile" LOCKED=1 "$@"); } # names on its command line are relative to there

case $step in
  clean)
    rm -rf dedup tokens funnel.tsv funnel-archives.tsv inputs unfinished failed options/{dedup,tokenizer,shards}
    exit ;;
  purge)
    [ "${SURE:-}" = yes ] || { echo "crawl: purge removes every download in $OUT: say SURE=yes" >&2; exit 2; }
    rm -rf dedup tokens funnel.tsv funnel-archives.tsv inputs unfinished failed options documents rejects stats index paths picked.tsv made-with log
    exit ;;
esac

rm -rf unfinished
mkdir -p unfinished documents rejects stats failed options

# ---- what the documents were made with: others do not belong beside them ----------------------------------------------
{
  printf '%s\n' "crawl $CRAWL $KIND" "extract $EXTRACT" "filter $FILTERS" "compress $SUFFIX"
  [ -z "$CDX" ] || printf 'cdx %s %s\n' "$CDX_LINES" "$(sha256sum < "$CDX")"
  [ -z "$LANGID" ] || printf 'langid %s\n' "$(sha256sum < "$LANGID")"
} > unfinished/made-with
if [ -n "$(find documents -mindepth 1 -print -quit)" ] && ! cmp -s unfinished/made-with made-with; then
  echo "crawl: the documents in $OUT were made with other options; say OUT=ANOTHER-FOLDER, or the same options (< then, > now):" >&2
  diff -N made-with unfinished/made-with >&2 || true
  exit 2
fi
mv unfinished/made-with made-with

# ---- archives: what warc.sh says goes to 8; make's own line about each failure adds nothing -----------------------------
make list
exec 8>&2
export UNTIL=''
if [ -n "$RUN_TIME" ]; then
  [[ $RUN_TIME =~ ^([0-9]{1,9})([smhd]?)$ ]] || { echo "crawl: RUN_TIME=$RUN_TIME: a number of s, m, h or d" >&2; exit 2; }
  declare -A seconds=([s]=1 [m]=60 [h]=3600 [d]=86400)
  UNTIL=$((EPOCHSECONDS + BASH_REMATCH[1] * ${seconds[${BASH_REMATCH[2]:-s}]}))
fi
make -k -j "$jobs" archives > unfinished/make.messages 2>&1 || true
ls -U documents | awk -F '\t' -v suffix=".tsv$SUFFIX" 'NR == FNR { there[$0]; next } ($1 suffix) in there { print $1 }' - picked.tsv > unfinished/done
picked=$(wc -l < picked.tsv)
done=$(wc -l < unfinished/done)
failed=0
[ ! -e unfinished/failures ] || failed=$(wc -l < unfinished/failures)
status=0
complete=yes
[ "$done" = "$picked" ] || complete=no
if [ $complete = no ] && [ -e unfinished/late ] && [ "$failed" = 0 ] && [ ! -e unfinished/stop ]; then
  [ -n "$QUIET" ] || echo "crawl: $done of $picked archives are there, the time is over: run again to go on" >&2
elif [ $complete = no ]; then
  status=1
  echo "crawl: $done of $picked archives are there, $failed failed (why: $OUT/failed/), $((picked - done - failed)) were not tried: run again to go on" >&2
  [ ! -e unfinished/stop ] || echo "crawl: stopped: $(cat unfinished/stop)" >&2
  [ "$failed" != 0 ] || [ -e unfinished/stop ] || cat unfinished/make.messages >&2
fi

# ---- duplicates, tokens -------------------------------------------------------------------------------------------------
if [ $complete = yes ] || { [ "$PARTIAL" = 1 ] && [ "$done" != 0 ]; }; then
  case $step in dedup | tokens) make -j "$jobs" "$step" || status=1 ;; esac
fi

# ---- tables -------------------------------------------------------------------------------------------------------------
cd stats
sed 's/$/.tsv/' ../unfinished/done | xargs -r cat > ../unfinished/rows
cd ..
awk -f "$here/shares.awk" unfinished/rows > unfinished/funnel-archives.tsv
{
  cat unfinished/rows
  if [ -e dedup/stats.json ] && cmp -s inputs unfinished/done; then
    awk -f "$here/../json.awk" dedup/stats.json | awk -F '\t' -v OFS='\t' -v bytes="$(cat dedup/bytes)" '
      $1 == "out" { print "", "dedup", "kept", "", $2, bytes }
      $1 == "reasons.duplicate" { print "", "dedup", "minhash-dedup", "duplicate", $2, "" }'
    [ ! -e tokens/stats.json ] || awk -f "$here/../json.awk" tokens/stats.json | awk -F '\t' -v OFS='\t' '
      { n[$1] = $2 } END { print "", "tokens", "kept", "", n["out"], n["bytes"]; print "", "tokens", "count", "tokens", n["tokens"], "" }'
  fi
} | awk -f "$here/funnel.awk" > unfinished/funnel.tsv
mv unfinished/funnel-archives.tsv unfinished/funnel.tsv .
rm -rf unfinished
exit $status
