# SPDX-License-Identifier: MIT
# Documents to train on (stdout) and to validate on (file `validation`): `share` of them, chosen by a hash of the text's
# beginning, so that neither the order of the pages nor the crawl's record ids matter.
function hash(s,   i, h) {
  h = 0
  for (i = 1; i <= length(s); i++) h = (h * 8191 + code[substr(s, i, 1)]) % 2147483647
  return h
}

BEGIN {
  FS = "\t"
  for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i
  printf "" > validation
}

{ if (hash(substr($NF, 1, 256)) / 2147483647 < share) print > validation; else print }

END { if (close(validation)) exit 1 }
