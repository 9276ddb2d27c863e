#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# warc2txt and what archives hold in the field: records that are no pages, damage of every kind, giants; indexes of them and
# reading by an index, from folders and from servers; digests.

bats_require_minimum_version 1.5.0
load samples

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }
teardown() { [ -z "${server:-}" ] || kill "$server" 2> /dev/null || true; }

page() { printf '<!doctype html><p>Page %s is here.' "$1"; }
response() { warc_record "$1" "http://a.example/$1" "$(page "$1")"; }

# a record of another kind: TYPE FIELDS BODY; FIELDS with \r\n behind each
other() {
  printf 'WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:uuid:%s>\r\nWARC-Target-URI: http://a.example/\r\n%bContent-Length: %d\r\n\r\n%b\r\n\r\n' "$1" "$1" "$2" "$(printf %b "$3" | wc -c)" "$3"
}

# text of all pages of the operands; counts in `stats`
texts() { "$BIN/warc2txt" --mode all -q --stats stats "$@" | cut -f 4; }
count() { sed -nE "s/^ *\"$1\": ([0-9]+),?$/\1/p" stats; } # KEY, anywhere

pages() { local i; for i in "$@"; do echo "Page $i is here."; done; }

@test "revisits, requests and metadata are skipped and counted by type" {
  { response 1; other revisit 'WARC-Refers-To: <urn:uuid:1>\r\n' ''; other request '' 'GET / HTTP/1.1\r\n\r\n'; other metadata '' 'x: y'; other warcinfo '' 'a: b'; other strange '' ''; response 2; } > a.warc
  [ "$(texts a.warc)" = "$(pages 1 2)" ]
  [ "$(count revisit) $(count request) $(count metadata) $(count warcinfo) $(count strange) $(count records) $(count in) $(count bad)" = '1 1 1 1 1 7 2 0' ]
}

@test "a record that the crawler truncated is kept and counted" {
  response 1 | sed 's/^WARC-Date/WARC-Truncated: length\r\n&/' > a.warc
  [ "$(texts a.warc)" = "$(pages 1)" ]
  [ "$(count truncated) $(count bad)" = '1 0' ]
}

@test "what was skipped last is not taken back by what is bad in the next file" {
  other warcinfo '' 'a: b' > a.warc
  echo rubbish > b.warc
  [ -z "$(texts a.warc b.warc)" ]
  [ "$(count warcinfo) $(count records) $(count in) $(count bad)" = '1 2 1 1' ]
}

@test "a record that is longer than its compressed file is read" {
  warc_record 1 http://a.example/ "$(printf '<p>%s' "$(yes 'the same words' | head -n 30000)")" | zstd -q > a.warc.zst
  [ "$(texts a.warc.zst | wc -c)" -gt 400000 ]
  [ "$(count bad)" = 0 ]
}

@test "segments of a record are joined, in one file and across two" {
  response 1 | sed 's/^WARC-Date/WARC-Segment-Number: 1\r\n&/' > a.warc
  other metadata '' 'x: y' >> a.warc
  local origin='WARC-Segment-Origin-ID: <urn:uuid:00000000-0000-0000-0000-000000000001>\r\n'
  other continuation "WARC-Segment-Number: 2\r\n$origin" '<p>More of it.' >> a.warc
  other continuation "WARC-Segment-Number: 3\r\n$origin" '<p>The end' > b.warc
  other continuation "WARC-Segment-Number: 3\r\nWARC-Segment-Origin-ID: <urn:uuid:else>\r\n" '<p>not mine' >> b.warc
  response 2 >> b.warc
  [ "$(texts a.warc b.warc)" = 'Page 1 is here.\nMore of it.\nThe end'$'\n'"$(pages 2)" ]
  [ "$(count segments) $(count continuation) $(count in) $(count records)" = '2 1 2 6' ]
}

@test "lengths that are wrong cost one record" {
  { response 1; response 2 | sed -E 's/^Content-Length: .*/Content-Length: 300\r/'; response 3; } > long.warc
  [ "$(texts long.warc)" = "$(pages 1 3)" ]
  [ "$(count bad)" = 1 ]
  { response 1; response 2 | sed -E 's/^Content-Length: .*/Content-Length: 80\r/'; response 3; } > short.warc
  [ "$(texts short.warc | sed -n '1p;$p')" = "$(pages 1 3)" ]
  [ "$(count bad)" = 1 ]
  { response 1; response 2 | sed -E 's/^Content-Length: .*/Content-Length: 99999999999999\r/'; response 3; } > giant.warc
  [ "$(texts giant.warc)" = "$(pages 1 3)" ]
}

@test "line ends may be missing, bare or folded, names in any case, fields twice" {
  response 2 | tr -d '\r' > 2
  local length; length=$(sed '1,/^$/d' 2 | head -c -2 | wc -c)
  { response 1 | head -c -4; sed "s/^Content-Length: .*/content-LENGTH:\n  $length\nContent-Length: 1/" 2; response 3; printf '\r\n\r\n\n\0\0\0'; response 4; } > a.warc
  [ "$(texts a.warc)" = "$(pages 1 2 3 4)" ]
  [ "$(count bad)" = 0 ]
}

@test "versions 0.17, 0.18, 1.1 and ones to come, ARC in between" {
  { response 1 | sed 's,^WARC/1.0,WARC/0.17,'; response 2 | sed 's,^WARC/1.0,WARC/0.18,'; response 3 | sed 's,^WARC/1.0,WARC/1.1,'; response 4 | sed 's,^WARC/1.0,WARC/2.0,'; } > a.warc
  [ "$(texts a.warc)" = "$(pages 1 2 3 4)" ]
  local body; body=$(printf 'HTTP/1.0 200\r\nContent-Type: text/html\r\n\r\n'; page 5)
  printf 'filedesc://a.arc 0.0.0.0 20200101000000 text/plain 5\n2 0 x\nhttp://a.example/5 1.2.3.4 20200101000000 text/html 200 - - 0 a.arc %d\n%s\n' "${#body}" "$body" > a.arc
  [ "$(texts a.arc)" = "$(pages 5)" ]
}

@test "HTTP as servers and crawlers leave it: 0.9, 2, no reason, wrong chunks, gzip that nobody names" {
  message() { printf 'WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/\r\nContent-Length: %d\r\n\r\n' "$(wc -c < "$1")"; cat "$1"; printf '\r\n\r\n'; }
  page 1 > 1
  { printf 'HTTP/2 200\r\ncontent-type: text/html\r\n\r\n'; page 2; } > 2
  { printf 'HTTP/1.1 200\nContent-Type: text/html\n\n'; page 3; } > 3
  { printf 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\nContent-Encoding: br\r\n\r\n'; page 4; } > 4
  { printf 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip, gzip\r\n\r\n'; page 5 | gzip | gzip; } > 5
  { printf 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n'; page 6 | gzip; } > 6
  { printf 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: zstd\r\n\r\n'; page 7 | zstd -q; } > 7
  { printf 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<!doc\r\n400\r\n'; page 8 | tail -c +6; } > 8
  for i in 1 2 3 4 5 6 7 8; do message $i; done > a.warc
  [ "$(texts a.warc)" = "$(pages 1 2 3 4 5 6 7 8)" ]
}

@test "gzip: padding and rubbish between members, members that are cut or damaged, members anywhere" {
  for i in 1 2 3 4 5; do response $i | gzip > $i.gz; done
  { cat 1.gz; head -c 700 /dev/zero; cat 2.gz 3.gz; head -c 9 /dev/zero; } > padded.warc.gz
  [ "$(texts padded.warc.gz)" = "$(pages 1 2 3)" ]
  [ "$(count bad)" = 0 ]
  { cat 1.gz; echo rubbish; cat 2.gz; head -c 150 3.gz; cat 4.gz 5.gz; } > damaged.warc.gz
  [ "$(texts damaged.warc.gz)" = "$(pages 1 2 4 5)" ]
  [ "$(count bad)" = 2 ]
  head -c -20 5.gz | cat 1.gz - > cut.warc.gz
  [ "$(texts cut.warc.gz)" = "$(pages 1)" ]
  [ "$(count bad)" = 1 ]
  for i in 1 2 3 4 5; do response $i; done > all.warc
  split -b 99 all.warc part.
  for f in part.*; do gzip -c "$f"; done > anywhere.warc.gz
  [ "$(texts anywhere.warc.gz)" = "$(pages 1 2 3 4 5)" ]
  [ "$(count bad)" = 0 ]
  gzip -c all.warc > one.warc.gz
  [ "$(texts one.warc.gz)" = "$(pages 1 2 3 4 5)" ]
  : > empty.warc
  gzip -c empty.warc > empty.warc.gz
  [ -z "$(texts empty.warc empty.warc.gz)" ]
  [ "$(count records) $(count bad)" = '0 0' ]
}

@test "a record of more than 2 GB is rejected or skipped in bounded memory" {
  response 1 > a.warc
  printf 'WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/big\r\nContent-Length: 2300000000\r\n\r\n' >> a.warc
  truncate -s +2300000000 a.warc
  printf '\r\n\r\n' >> a.warc
  { other metadata '' x; response 2; } >> a.warc
  [ "$(texts --write-index index a.warc)" = "$(pages 1 2)" ]
  [ "$(count max_record) $(count in) $(count bad)" = '1 3 0' ]
  [ "$(count peak_rss)" -lt 100000000 ]
  [ "$(cut -f 3 index | sed -n 4p)" -gt 2300000000 ]
  [ "$(texts --cdx index)" = "$(pages 1 2)" ]
}

archives() {
  for i in $(seq 1 30); do response "$i"; other request '' 'GET / HTTP/1.1\r\n\r\n'; done > plain.warc
  for i in $(seq 31 60); do response "$i" | gzip; other metadata '' 'x: y' | gzip; done > members.warc.gz
}

@test "an index gives each record's place, and --cdx reads them: the same output, the same index, at any -j" {
  archives
  "$BIN/warc2txt" -q --mode all -j 1 --write-index one.tsv -o one plain.warc members.warc.gz
  "$BIN/warc2txt" -q --mode all -j 4 --write-index four.tsv -o four plain.warc members.warc.gz
  cmp one four
  cmp one.tsv four.tsv
  [ "$(head -1 one.tsv)" = "$(printf 'id\turl\toffset\tlength\tdigest\tfilename\tstatus\tmime\tdate')" ]
  [ "$(wc -l < one.tsv)" = 61 ]
  tail -n +2 one.tsv | while IFS=$'\t' read -r id url offset length rest; do
    file=plain.warc; decode=cat
    [ "${url##*/}" -le 30 ] || { file=members.warc.gz; decode='gzip -dc'; }
    tail -c +$((offset + 1)) $file | head -c "$length" | $decode | cmp - <(response "${url##*/}") || { echo "$id"; exit 1; }
  done
  for j in 1 4; do
    "$BIN/warc2txt" -q --mode all -j $j --cdx one.tsv --write-index again.tsv -o again
    cmp one again
    cmp one.tsv again.tsv
  done
  mkdir store && mv plain.warc members.warc.gz store
  "$BIN/warc2txt" -q --mode all --cdx one.tsv -o again store
  cmp one again
  { head -1 one.tsv; tail -n +2 one.tsv | shuf -n 7 --random-source=one; } > some.tsv
  [ "$(texts --cdx some.tsv store/)" = "$(tail -n +2 some.tsv | cut -f 2 | while read -r url; do pages "${url##*/}"; done)" ]
}

@test "rubbish between the records of a plain file takes no places from an index" {
  { response 1; echo rubbish; response 2; } > a.warc
  "$BIN/warc2txt" -q --mode all --write-index index a.warc > all
  [ "$(wc -l < all)" = 2 ]
  "$BIN/warc2txt" -q --mode all --cdx index | cmp - all
}

@test "what cannot be read alone has no place in an index" {
  { response 1; response 2; } | gzip > one.warc.gz
  "$BIN/warc2txt" -q --write-index index -o out one.warc.gz
  [ "$(tail -n +2 index | cut -f 3,4)" = "$(printf '\t\n\t')" ]
  [ "$(cut -f 2 index | tail -n 1)" = http://a.example/2 ]
}

@test "CDX, CDXJ and Common Crawl's tables name ranges; bad lines are counted with their number" {
  archives
  "$BIN/warc2txt" -q --write-index index -o /dev/null members.warc.gz
  read -r offset length < <(sed -n 3p index | cut -f 3,4 | tr '\t' ' ')
  printf ' CDX N b a m s k r M S V g\nk d http://a.example/ text/html 200 X - - %d %d members.warc.gz\n' "$length" "$offset" > a.cdx
  printf ' CDX N b a m s k r V g\nk d http://a.example/ text/html 200 X - %d members.warc.gz\n' "$offset" > b.cdx
  printf 'k d {"url": "u", "filename": "members.warc.gz", "offset": "%d", "length": "%d"}\n' "$offset" "$length" > c.cdxj
  printf 'url,warc_filename,warc_record_offset,warc_record_length\n"a,b",members.warc.gz,%d,%d\n' "$offset" "$length" > d.csv
  for index in a.cdx b.cdx c.cdxj d.csv; do [ "$(texts --cdx $index .)" = "$(pages 32)" ]; done
  [ "$(texts --cdx - . < a.cdx)" = "$(pages 32)" ]
  {
    echo 'filename,offset,length'
    echo "members.warc.gz,$offset,$length"
    echo 'no.warc.gz,0,10'
    echo 'members.warc.gz,some,10'
    echo '../members.warc.gz,0,100'
    echo "members.warc.gz,$((offset + 1)),$length"
    echo 'members.warc.gz,99999999,10'
    echo "members.warc.gz,$offset,$((length / 2))"
    echo "/members.warc.gz,$offset,$length"
  } > bad.csv
  [ "$(texts --cdx bad.csv ./)" = "$(pages 32 32)" ]
  [ "$(count bad) $(count in) $(count out)" = '6 8 2' ]
  "$BIN/warc2txt" --cdx bad.csv -o /dev/null ./ 2> messages
  for line in 3 4 5 6 7 8; do grep -q "bad.csv:$line: " messages || { cat messages; return 1; }; done
  run ! "$BIN/warc2txt" -q --strict --cdx bad.csv -o out ./
  [ ! -e out ]
}

@test "the filename - of an index is a file, not stdin" {
  response 1 > ./-
  echo '{"filename": "-", "offset": 0}' > index
  response 2 > b.warc
  [ "$(texts --cdx index < b.warc)" = "$(pages 1)" ]
}

@test "digests: right ones pass, a wrong one makes a bad record, unknown ones are counted" {
  local body; body=$(printf 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<p>ab\r\n0\r\n\r\n'; printf x); body=${body%x}
  sha() { printf 'sha1:%s' "$(printf %s "$1" | sha1sum | cut -d ' ' -f 1)"; }
  record() { printf 'WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:%s>\r\nWARC-Target-URI: http://a.example/\r\n%bContent-Length: %d\r\n\r\n%s\r\n\r\n' "$1" "$2" "${#body}" "$body"; }
  {
    record 1 "WARC-Block-Digest: $(sha "$body")\r\nWARC-Payload-Digest: $(sha '<p>ab')\r\n"
    record 2 "WARC-Payload-Digest: $(sha $'5\r\n<p>ab\r\n0\r\n\r\n')\r\n"
    record 3 "WARC-Block-Digest: $(sha other)\r\n"
    record 4 "WARC-Payload-Digest: $(sha other)\r\n"
    record 5 'WARC-Block-Digest: crc32:12345678\r\n'
    record 6 ''
  } > a.warc
  "$BIN/warc2txt" --mode all --check-digests --stats stats -o out a.warc 2> messages
  [ "$(cut -f 1 out | tr '\n' ' ')" = '1 2 5 6 ' ]
  [ "$(count checked) $(count wrong) $(count unknown) $(count bad) $(count in)" = '5 2 1 2 6' ]
  grep -q 'a.warc:[0-9]*: WARC-Block-Digest does not fit the record' messages
  grep -q 'a.warc:[0-9]*: WARC-Payload-Digest does not fit the record' messages
  "$BIN/warc2txt" --mode all -q --stats stats -o out a.warc
  [ "$(wc -l < out)" = 6 ]
}

@test "an index has a file of its own" {
  response 1 > a.warc
  run -2 "$BIN/warc2txt" a.warc -o out.tsv --write-index out.tsv
  [ ! -e out.tsv ]
  run -2 "$BIN/warc2txt" a.warc --write-index -
  run -2 "$BIN/warc2txt" a.warc --rejects x --write-index x
}

@test "an index appears whole or not at all; a full disk and a missing input are errors" {
  archives
  run -1 "$BIN/warc2txt" -q --write-index index -o out plain.warc no.warc
  [ ! -e index ] && [ ! -e out ]
  if [ -w /dev/full ]; then
    run -1 "$BIN/warc2txt" -q --write-index /dev/full -o out plain.warc
    [ ! -e out ]
  fi
  run -2 "$BIN/warc2txt" --cdx index --html page
  run -2 "$BIN/warc2txt" --cdx index one two
  run -1 "$BIN/warc2txt" --cdx index
  [[ $output == *index* ]]
}

# serve FOLDER: sets base
serve() {
  local source=$BATS_TEST_DIRNAME/../e2e/crawl_server.c
  cc -std=c11 -D_GNU_SOURCE -O1 -pthread -o server "$source"
  ./server "$1" log > port &
  server=$!
  for _ in $(seq 100); do [ ! -s port ] || break; sleep 0.05; done
  base=http://127.0.0.1:$(cat port)
  unset http_proxy https_proxy all_proxy ALL_PROXY
  export CRAWL2LM_URL_BACKOFF=0.02 CRAWL2LM_URL_RETRIES=3
}

@test "archives from a server: dropped connections resume, 503 waits, file: is refused" {
  archives
  mkdir root && cp plain.warc members.warc.gz root
  "$BIN/warc2txt" -q --mode all -o want plain.warc members.warc.gz
  serve root
  "$BIN/warc2txt" -q --mode all -o out "$base/plain.warc" "$base/@drop:3000/members.warc.gz"
  cmp want out
  "$BIN/warc2txt" -q --mode all -o out "$base/@busy:1/plain.warc" "$base/@moved:302/members.warc.gz"
  cmp want out
  run -1 "$BIN/warc2txt" -q -o refused "$base/@away:302/plain.warc"
  [[ $output == *'neither http nor https'* ]]
  [ ! -e refused ]
}

@test "a full disk ends a run that waits for a silent server" {
  perl -MIO::Socket::INET -e '$| = 1; $s = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1") or die; print $s->sockport, "\n"; while ($c = $s->accept) { push @c, $c }' > port 3>&- &
  server=$!
  while [ ! -s port ]; do sleep .05; done
  for i in $(seq 1 18); do warc_record "$i" http://a.example/ "$(page "$i")$(head -c 60000 /dev/zero | tr '\0' a)"; done > a.warc
  CRAWL2LM_URL_TIMEOUT=86400 run -1 timeout 60 "$BIN/warc2txt" -q -j 2 --mode all -o /dev/full a.warc "http://127.0.0.1:$(cat port)/silent"
  [[ "$output" == *"No space left"* ]]
}

@test "ranges from a server: only their bytes, resumed, or cut out where the server knows none" {
  archives
  mkdir root && cp plain.warc members.warc.gz root
  "$BIN/warc2txt" -q --mode all --write-index index -o want plain.warc members.warc.gz
  serve root
  "$BIN/warc2txt" -q --mode all --cdx index -o out "$base/"
  cmp want out
  { sed -n '1p;40p' index; printf 'x\tx\t0\t10\tx\tnowhere.warc.gz\n'; } > some
  : > log
  [ "$(texts --cdx some "$base/@drop:100")" = "$(pages 39)" ]
  [ "$(count bad)" = 1 ]
  [ "$(awk '{ n += $5 } END { print n }' log)" -lt 2000 ]
  [ "$(texts --cdx some "$base/@whole:0/")" = "$(pages 39)" ]
}
