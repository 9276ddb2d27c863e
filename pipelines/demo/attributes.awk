# SPDX-License-Identifier: MIT
# An uncompressed WARC -> `URL<TAB>LANGUAGE` of the responses whose <html> has a lang attribute.
function emit(   tag) {
  tag = tolower(substr(open, 1, index(open ">", ">")))
  if (match(tag, /[ \t\n:]lang *= *["']?[a-z][a-z]/)) print url "\t" substr(tag, RSTART + RLENGTH - 2, 2)
  open = ""
  done = 1
}

{ sub(/\r$/, "") }
$0 == "WARC/1.0" || $0 == "WARC/1.1" { type = url = open = ""; done = 0 }
done { next }
type == "" && /^WARC-Type: / { type = $2; next }
url == "" && /^WARC-Target-URI: / { url = $2; gsub(/[<>]/, "", url); next }
type != "response" { next }
open != "" { open = open "\n" substr($0, 1, 500); if (index($0, ">") || length(open) > 2000) emit(); next }
match($0, /<[hH][tT][mM][lL][ \t]|<[hH][tT][mM][lL]$/) { open = substr($0, RSTART, 1000); if (index(open, ">")) emit() }
