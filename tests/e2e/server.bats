#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The web server of the demo's crawl.

bats_require_minimum_version 1.5.0

setup_file() {
  cc -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined -pthread \
    -o "$BATS_FILE_TMPDIR/server" "$BATS_TEST_DIRNAME/../../pipelines/demo/server.c"
  cd "$BATS_FILE_TMPDIR"
  mkdir -p sites/a.test/folder/empty sites/b.test outside
  echo '<p>top</p>' > sites/a.test/index.html
  echo '<p>seite</p>' > sites/a.test/folder/page.html.de
  printf '\244\242' > sites/a.test/folder/page.html.ja.euc-jp
  echo text > 'sites/a.test/folder/a & b.txt'
  echo '<p>other host</p>' > sites/b.test/index.html
  echo secret > outside/secret.txt
  ln -s ../../outside/secret.txt sites/a.test/leak.txt
  ln -s folder/page.html.de sites/a.test/inner.html
  ln -s ../outside sites/c.test
}

# ask REQUEST-LINE [HEADER...]: the reply to a raw request
ask() {
  export REQUEST
  REQUEST=$(printf '%s\r\n' "$@" 'Connection: close' '')
  "$BATS_FILE_TMPDIR/server" "$BATS_FILE_TMPDIR/sites" bash -c '
    port=${http_proxy##*:}
    exec 3<> /dev/tcp/127.0.0.1/${port%/}
    printf "%s\r\n\r\n" "${REQUEST%$'"'\r'"'}" >&3
    cat <&3' | tr -d '\r'
}

@test "a proxy request names the host in its URL" {
  run ask 'GET http://a.test/ HTTP/1.1' 'Host: a.test'
  [ "${lines[0]}" = 'HTTP/1.1 200 OK' ]
  [[ $output == *'<p>top</p>'* ]]
  [[ $output == *$'\nContent-Type: text/html\n'* ]]
}

@test "an origin request names it in Host, which differs by host" {
  run ask 'GET / HTTP/1.1' 'Host: b.test:80'
  [[ $output == *'<p>other host</p>'* ]]
}

@test "charsets come from the name alone, text is UTF-8" {
  run ask 'HEAD http://a.test/folder/page.html.ja.euc-jp HTTP/1.1'
  [[ $output == *'Content-Type: text/html; charset=euc-jp'* ]]
  run ask 'HEAD http://a.test/folder/page.html.de HTTP/1.1'
  [[ $output == *$'Content-Type: text/html\n'* ]]
  run ask 'HEAD http://a.test/folder/a%20%26%20b.txt HTTP/1.1'
  [[ $output == *'Content-Type: text/plain; charset=utf-8'* ]]
}

@test "HEAD sends the length and no body" {
  run ask 'HEAD http://a.test/index.html HTTP/1.1'
  [[ $output == *'Content-Length: 11'* ]]
  [[ $output != *top* ]]
}

@test "a folder without its slash is a redirect, with it a listing whose links are escaped" {
  run ask 'GET http://a.test/folder HTTP/1.1'
  [ "${lines[0]}" = 'HTTP/1.1 301 Moved Permanently' ]
  [[ $output == *'Location: http://a.test/folder/'* ]]
  run ask 'GET http://a.test/folder/ HTTP/1.1'
  [[ $output == *'<a href="a%20%26%20b.txt">a &#38; b.txt</a>'* ]]
  [[ $output == *'<a href="empty/">empty/</a>'* ]]
}

@test "no path leaves its host" {
  for path in /../b.test/index.html /%2e%2e/%2e%2e/outside/secret.txt /folder/../../../outside/secret.txt /leak.txt /%00 /%zz; do
    run ask "GET http://a.test$path HTTP/1.1"
    [[ ${lines[0]} == 'HTTP/1.1 40'[04]* ]]
    [[ $output != *secret* && $output != *other* ]]
  done
  run ask 'GET http://c.test/secret.txt HTTP/1.1'
  [ "${lines[0]}" = 'HTTP/1.1 404 Not Found' ]
  run ask 'GET http://../outside/secret.txt HTTP/1.1'
  [ "${lines[0]}" = 'HTTP/1.1 400 Bad Request' ]
  run ask 'GET http://a.test/inner.html HTTP/1.1'
  [[ $output == *seite* ]]
}

@test "other methods, broken and oversized requests are refused" {
  run ask 'POST http://a.test/ HTTP/1.1'
  [ "${lines[0]}" = 'HTTP/1.1 405 Method Not Allowed' ]
  run ask 'nonsense'
  [ "${lines[0]}" = 'HTTP/1.1 400 Bad Request' ]
  run ask 'GET http://a.test/ HTTP/1.1' "X: $(head -c 20000 /dev/zero | tr '\0' x)"
  [ "${lines[0]}" = 'HTTP/1.1 431 Request Header Fields Too Large' ]
}

@test "wget crawls two hosts over connections that stay open" {
  cd "$BATS_TEST_TMPDIR"
  run "$BATS_FILE_TMPDIR/server" "$BATS_FILE_TMPDIR/sites" wget --no-config -d -r -np http://a.test/folder/ http://b.test/
  echo "$output" | tail -5
  [ "$status" = 0 ]
  [[ $output == *'Reusing existing connection'* ]]
  cmp b.test/index.html "$BATS_FILE_TMPDIR/sites/b.test/index.html"
  cmp a.test/folder/page.html.de "$BATS_FILE_TMPDIR/sites/a.test/folder/page.html.de"
}

@test "its status is the command's, and it does not outlive its parent, nor the command it" {
  run "$BATS_FILE_TMPDIR/server" "$BATS_FILE_TMPDIR/sites" sh -c 'exit 7'
  [ "$status" = 7 ]
  run -127 "$BATS_FILE_TMPDIR/server" "$BATS_FILE_TMPDIR/sites" /nonexistent
  [ "$status" = 127 ]
  cd "$BATS_TEST_TMPDIR"
  sh -c 'echo $$ > parent; "$0" "$1" sh -c "echo \$\$ > command; exec sleep 60"; true' \
    "$BATS_FILE_TMPDIR/server" "$BATS_FILE_TMPDIR/sites" 3>&- &
  for _ in {1..100}; do [ -s command ] && break; sleep .05; done
  kill -9 "$(cat parent)"
  for _ in {1..100}; do kill -0 "$(cat command)" 2> /dev/null || break; sleep .05; done
  ! kill -0 "$(cat command)" 2> /dev/null
}
