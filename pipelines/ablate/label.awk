# SPDX-License-Identifier: MIT
# Lines of `label<TAB>text` for qfilter-train: pieces of about 1,000 bytes of the teaching documents (label target) and of a
# spread of the crawl's (label crawl), as many of the one as of the other.  Newlines become spaces: a line is a text.
#
#     awk -f label.awk teaching.tsv raw.tsv

BEGIN { FS = "\t" }

function text_of(line) {
  gsub(/\\[tnr]/, " ", line)
  gsub(/\\\\/, "\\", line)
  return line
}

# Cuts at a space after 1,000 bytes; what is shorter than 200 at the end is left out.
function pieces(label, text,   at) {
  while (length(text) > 200) {
    at = match(substr(text, 1000), / /)
    if (!at) at = length(text)
    print label "\t" substr(text, 1, 999 + at - 1)
    n[label]++
    text = substr(text, 1000 + at)
  }
}

FNR == 1 { file++ }
file == 1 { pieces("target", text_of($NF)); next }
{ crawl[++documents] = $NF }

# One document in `step`, then those beside them, until there are as many pieces as of the target.
END {
  step = int(documents / 97) + 1
  for (from = 1; from <= step && n["crawl"] < n["target"]; from++)
    for (d = from; d <= documents && n["crawl"] < n["target"]; d += step) pieces("crawl", substr(text_of(crawl[d]), 1, 20000))
}
