# SPDX-License-Identifier: MIT
# `label answer pages` -> how well the classifier knows the languages of pages it was not trained on.
BEGIN { FS = "\t" }
FNR == 1 { next }
{
  n[$1] += $3; all += $3
  if ($1 == $2) { right[$1] += $3; good += $3 }
  else if ($3 > worst[$1]) { worst[$1] = $3; taken[$1] = $2 }
  answers[$2] += $3
}
END {
  printf "<p>The classifier was trained on the first lines of pages that say their language, in <code>&lt;html lang&gt;</code> or in their URL (<code>/de/</code>, <code>.html.ja</code>), and tested on one in ten of them, which it had not seen: <b>%.1f %%</b> of %s right. ", all ? 100 * good / all : 0, thousands(all)
  print "Not all of its errors are its own: a page under <code>/ja/</code> may hold text that nobody has translated yet.</p>"
  print "<div class=\"scroll\"><table><tr><th>language</th><th class=\"n\">test pages</th><th class=\"n\">recall</th><th class=\"n\">precision</th><th>most often taken for</th></tr>"
  for (l in n) printf "<!-- %09d --><tr><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td>%s</td></tr>\n", 1e9 - 1 - n[l], html(l), thousands(n[l]), percent(right[l], n[l]), percent(right[l], answers[l]), worst[l] ? html(taken[l]) " (" worst[l] ")" : "" | "sort"
  close("sort")
  print "</table></div>"
}
