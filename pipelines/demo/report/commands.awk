# SPDX-License-Identifier: MIT
# facts -> the commands of the data stages as --stats recorded them.
BEGIN { FS = "\t"; n = split("extract language quality dedup tokenizer train", order, " ") }
{ fact[$1] = $2 }
END {
  print "<div class=\"scroll\"><table><tr><th>stage</th><th>command</th><th class=\"n\">in</th><th class=\"n\">out</th><th class=\"n\">rejected</th><th class=\"n\">bad</th></tr>"
  for (i = 1; i <= n; i++) {
    s = order[i]
    if (!((s ".command") in fact)) continue
    command = fact[s ".command"]
    gsub(/\/[^ ]*\//, "", command)
    printf "<tr><td>%s</td><td><code>%s</code></td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n", s, html(cut(command, 260)), thousands(fact[s ".in"]), thousands(fact[s ".out"]), thousands(fact[s ".rejected"]), thousands(fact[s ".bad"])
  }
  print "</table></div>"
}
