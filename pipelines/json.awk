# SPDX-License-Identifier: MIT
# JSON objects -> `path<TAB>value` lines, nested keys joined by dots, elements of arrays numbered from 0.  Reads what
# --stats writes; strings lose their quotes, \uXXXX stays as it is.
BEGIN { RS = "\001" }

function fail(what) { print "json: " what " at " substr($0, at, 20) > "/dev/stderr"; exit 1 }
function blank() { while (substr($0, at, 1) ~ /[ \t\r\n]/) at++ }

function string(   start, c, s) {
  start = ++at
  while ((c = substr($0, at, 1)) != "\"") {
    if (c == "") fail("unfinished string")
    at += c == "\\" ? 2 : 1
  }
  s = substr($0, start, at++ - start)
  gsub(/\\"/, "\"", s)
  gsub(/\\\\/, "\\", s)
  return s
}

function value(path,   c, key, n, start) {
  blank()
  c = substr($0, at, 1)
  if (c == "\"") { print path "\t" string(); return }
  if (c != "{" && c != "[") {
    start = at
    while (substr($0, at, 1) ~ /[-+.0-9A-Za-z]/) at++
    if (at == start) fail("no value")
    print path "\t" substr($0, start, at - start)
    return
  }
  at++
  blank()
  for (n = 0; substr($0, at, 1) !~ /[\]}]/; n++) {
    key = n
    if (c == "{") {
      key = string()
      blank()
      at++ # colon
    }
    value(path == "" ? key : path "." key)
    blank()
    if (substr($0, at, 1) == ",") at++
    blank()
    if (at > length($0)) fail("unfinished object")
  }
  at++
}

{ at = 1; value("") }
