# SPDX-License-Identifier: MIT
# The language a page says it is in: `LABEL<TAB>text` for the classifier, from attributes.awk's table and documents (id,
# url, date, text).  The first of these that holds counts:
#     <html lang="de">
#     /page.html.de  /page.de.html   a suffix of the URL
#     /de/page.html  /pt-BR/...      a folder in it
#     the host is one of `english`   (space-separated names)
# Short pages are left out, long ones are cut.  `part` is train or test: one page in ten, by a hash of its URL.
function hash(s,   i, h) {
  h = 0
  for (i = 1; i <= length(s); i++) h = (h * 31 + code[substr(s, i, 1)]) % 1000003
  return h
}

BEGIN {
  FS = OFS = "\t"
  for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i
  n = split(languages, list, " ")
  for (i = 1; i <= n; i++) known[list[i]] = 1
  n = split(english, list, " ")
  for (i = 1; i <= n; i++) is_english[list[i] ".test"] = 1
}

FILENAME == ARGV[1] { said[$1] = $2; next } # which may be empty

length($NF) >= 200 {
  url = $2
  own = said[url]
  sub(/^https?:\/\//, "", url)
  sub(/[?#].*/, "", url)
  label = own in known ? own : ""
  steps = split(url, step, "/")
  pieces = split(step[steps], piece, ".")
  for (i = 2; i <= pieces && label == ""; i++)
    if (piece[i] ~ /^[a-z][a-z](-[a-zA-Z]+)?$/ && substr(piece[i], 1, 2) in known) label = substr(piece[i], 1, 2)
  for (i = 2; i < steps && label == ""; i++)
    if (step[i] ~ /^[a-z][a-z]([-_][a-zA-Z]+)?$/ && substr(step[i], 1, 2) in known) label = substr(step[i], 1, 2)
  if (label == "" && step[1] in is_english) label = "en"
  if (label == "" || (hash(url) % 10 == 0) != (part == "test")) next
  text = substr($NF, 1, cut)
  if (length($NF) > cut) {            # not in the middle of a character or of an escape
    sub(/[\200-\277]+$/, "", text)
    sub(/[\300-\377]$/, "", text)
    sub(/\\+$/, "", text)
  }
  print label, text
}
