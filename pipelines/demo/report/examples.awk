# SPDX-License-Identifier: MIT
# funnel, clusters, kept documents, rejects of `stage` -> for the commonest reasons two examples each, the pages at one
# and two thirds of the way.  Of a duplicate the page that was kept is named.
BEGIN {
  FS = "\t"
  title["extract"] = "Not extracted"; title["language"] = "Other languages"
  title["quality"] = "Below the quality rules"; title["dedup"] = "Near-duplicates"
}
{ f = FILENAME }
f ~ /funnel\.tsv$/ { if ($1 == stage && $2 != "kept") { total[$2 ":" $3] = $4; order[++reasons] = $2 ":" $3 }; next }
f ~ /clusters\.tsv$/ { kept[$3] = $2; jaccard[$3] = $4; next }
f ~ /unique\.tsv$/ { url[$1] = $2; next }
{
  n = ++seen[$1]
  if (n != int(total[$1] / 3) + 1 && n != int(2 * total[$1] / 3) + 1) next
  k = ++examples[$1]
  if (k > 2) next
  id[$1, k] = $2
  address[$1, k] = NF > 3 ? $3 : ""
  text = cut(unescape(substr($NF, 1, 2000)), 420)
  gsub(/\n[ \t\n]*\n/, "\n", text)
  lines = split(text, line, "\n")
  if (lines > 6) {
    text = line[1]
    for (i = 2; i <= 6; i++) text = text "\n" line[i]
    text = text "\n\342\200\246"
  }
  example[$1, k] = text
}
END {
  printf "<h3>%s</h3>\n", title[stage]
  if (!reasons) print "<p class=\"note\">Nothing was removed.</p>"
  for (i = 1; i <= reasons && i <= 9; i++) {
    r = order[i]
    printf "<details%s><summary><b><code>%s</code></b> \302\267 %s</summary>\n", i == 1 ? " open" : "", html(r), thousands(total[r])
    for (k = 1; k <= 2 && k <= examples[r]; k++) {
      printf "<div class=\"note\">%s%s</div>\n", html(address[r, k]), (id[r, k] in kept) ? sprintf(" \302\267 %.0f %% the same as %s, which is kept", 100 * jaccard[id[r, k]], html(url[kept[id[r, k]]])) : ""
      if (example[r, k] != "") printf "<pre>%s</pre>\n", html(example[r, k])
    }
    print "</details>"
  }
}
