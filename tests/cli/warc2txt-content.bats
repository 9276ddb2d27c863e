#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# warc2txt: what a body is and what becomes of it: types, XML, PDF, limits, boilerplate of sites.

setup() { cd "$BATS_TEST_TMPDIR" || return 1; }

# record TYPE URL BODY: a response record on stdout
number=0
record() {
  local message
  message=$(printf 'HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n%s' "$1" "$3"; printf x)
  message=${message%x}
  number=$((number + 1))
  printf 'WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:uuid:%s>\r\nWARC-Target-URI: %s\r\nWARC-Date: 2026-01-02T03:04:05Z\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n' \
    "$number" "$2" "$(LC_ALL=C; printf %s "$message" | wc -c)" "$message"
}
texts() { cut -f 4; }

@test "types are those of --types; others are rejected as type" {
  {
    record text/html http://a.example/1 '<p>page</p>'
    record text/plain http://a.example/2 'plain'
    record application/json http://a.example/3 '{"a": "json"}'
    record application/rss+xml http://a.example/4 '<rss><channel><item><title>news</title><description>&lt;p&gt;one&lt;/p&gt;&lt;p&gt;two</description></item><item><title>more</title></item></channel></rss>'
    record application/xml http://a.example/5 '<urlset><url><loc>http://a.example/x</loc></url><url><loc>http://a.example/y</loc></url></urlset>'
    record application/xhtml+xml http://a.example/6 '<html xmlns="http://www.w3.org/1999/xhtml"><body><script/><p>xhtml &eacute;</p></body></html>'
    record application/xhtml+xml http://a.example/7 '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>broken<br>xhtml</body>'
    record image/png http://a.example/8 'PNG'
  } > a.warc
  "$BIN/warc2txt" --mode all --rejects r a.warc > out
  [ "$(texts < out)" = $'page\nplain\nxhtml é\nbroken\\nxhtml' ]
  [ "$(cut -f 1,3 r | sort | uniq -c | tr -s ' ')" = "$(printf ' 1 warc2txt:type\thttp://a.example/3\n 1 warc2txt:type\thttp://a.example/4\n 1 warc2txt:type\thttp://a.example/5\n 1 warc2txt:type\thttp://a.example/8')" ]
  [ "$("$BIN/warc2txt" --types feed a.warc | texts)" = 'news\none\ntwo\nmore' ]
  [ "$("$BIN/warc2txt" --types sitemap a.warc | texts)" = 'http://a.example/x\nhttp://a.example/y' ]
  [ "$("$BIN/warc2txt" --types html,feed,sitemap,text a.warc | wc -l)" = 6 ]
  run "$BIN/warc2txt" --types html,word a.warc
  [ "$status" = 2 ]
}

@test "PDFs go through the command of --pdf" {
  {
    record application/pdf http://a.example/1 '%PDF-1 one'
    record text/html http://a.example/2 '<p>page</p>'
    record application/octet-stream http://a.example/3 '%PDF-1 two'
  } > a.warc
  [ "$("$BIN/warc2txt" -j 3 --types html,pdf --pdf "tr -d '%'" a.warc | texts)" = $'PDF-1 one\npage\nPDF-1 two' ]
  "$BIN/warc2txt" --pdf 'tr -d %' --rejects r a.warc > out
  [ "$(wc -l < out)" = 1 ]
  [ "$(grep -c 'warc2txt:type' r)" = 2 ]
  "$BIN/warc2txt" --types pdf --pdf 'grep -a one' --rejects r --stats s a.warc > out
  [ "$(texts < out)" = '%PDF-1 one' ]
  [ "$(grep -c 'warc2txt:pdf' r)" = 1 ]
  grep -q '"pdf": 1' s
  "$BIN/warc2txt" --types pdf --pdf 'sleep 1000' --time-limit .2 --rejects r a.warc > out
  [ ! -s out ]
  [ "$(grep -c 'warc2txt:time_limit' r)" = 2 ]
  env --ignore-signal=CHLD "$BIN/warc2txt" --types pdf --pdf 'cat; exit 1' --rejects r a.warc > out
  [ ! -s out ]
  [ "$(grep -c 'warc2txt:pdf' r)" = 2 ]
}

@test "a command for PDF that is not there is warned of once, and PDFs are rejected" {
  { record application/pdf http://a.example/1 '%PDF-1 one'; record application/pdf http://a.example/2 '%PDF-1 two'; record text/html http://a.example/3 '<p>page</p>'; } > a.warc
  "$BIN/warc2txt" --types html,pdf --pdf 'no-such-program - -' --rejects r a.warc > out 2> err
  [ "$(wc -l < err)" = 1 ]
  grep -q 'no-such-program' err
  [ "$(grep -c 'warc2txt:pdf' r)" = 2 ]
  [ "$(texts < out)" = page ]
}

@test "pdftotext reads a PDF file" {
  command -v pdftotext > /dev/null || skip 'pdftotext is not installed'
  printf '%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n4 0 obj<</Length 44>>stream\nBT /F1 24 Tf 100 700 Td (Hello, world.) Tj ET \nendstream endobj\ntrailer<</Root 1 0 R>>\n' > a.pdf
  [ "$("$BIN/warc2txt" --html --types html,pdf a.pdf)" = "$(printf 'a.pdf\t\t\tHello, world.')" ]
}

@test "a page that needs more memory than -S is rejected, and the others go on" {
  { printf '<table>'; yes '<tr><td>cell' | head -n 300000; } > big.html
  printf '<p>small</p>' > small.html
  "$BIN/warc2txt" -S 16M --html --mode all --rejects r big.html small.html > out
  [ "$(texts < out)" = small ]
  [ "$(cut -f 1,2 r)" = "$(printf 'warc2txt:memory_limit\tbig.html')" ]
  "$BIN/warc2txt" -S 1G --html --mode all big.html | texts | grep -q 'cell\\ncell'
}

@test "pages nested a million deep, long attributes and long texts are read or rejected in bounded time and memory" {
  awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "<div>"; print "deep" }' > deep.html
  { printf '<p title="'; head -c 10000000 /dev/zero | tr '\0' a; printf '">attribute</p>'; } > attribute.html
  head -c 30000000 /dev/zero | tr '\0' 'b' > text.html
  (ulimit -v 3000000; timeout 60 "$BIN/warc2txt" -j 2 -S 256M --html --mode all deep.html attribute.html text.html > out)
  [ "$(texts < out | cut -c 1-20)" = $'deep\nattribute\nbbbbbbbbbbbbbbbbbbbb' ]
}

@test "--site-boilerplate drops lines that many pages of a host share, the same at any -j" {
  local i
  for i in $(seq 30); do
    record text/html "http://a.example/$i" "<div>Home of the example company, since 1970</div><p>Page $i has this text, which no other page of the site has.</p><h2>Notes</h2><p>And so on with words about number $i.</p><div>All rights reserved by the example company</div>"
    record text/html "http://b.example/$i" "<p>All rights reserved by the example company, page $i</p>"
  done > a.warc
  "$BIN/warc2txt" --mode all --site-boilerplate --stats s -j 1 a.warc > one
  "$BIN/warc2txt" --mode all --site-boilerplate -j 4 -S 8M < a.warc > four
  cmp one four
  [ "$(wc -l < one)" = 60 ]
  [ "$(head -n 1 one | texts)" = 'Page 1 has this text, which no other page of the site has.\nNotes\nAnd so on with words about number 1.' ]
  grep -q '"lines": 60' s
  [ "$("$BIN/warc2txt" --mode all a.warc | grep -c 'Home of')" = 30 ]
  for i in $(seq 6); do record text/html "http://c.example/$i" "<p>Please log in to see this page of the site.</p>"; done > b.warc
  "$BIN/warc2txt" --mode all --site-boilerplate --rejects r --stats s b.warc > out
  [ ! -s out ]
  [ "$(grep -c 'warc2txt:empty' r)" = 6 ]
  grep -q '"in": 6' s && grep -q '"rejected": 6' s
  run "$BIN/warc2txt" --site-boilerplate --features a.warc
  [ "$status" = 2 ]
}
