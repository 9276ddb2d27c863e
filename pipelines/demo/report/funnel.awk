# SPDX-License-Identifier: MIT
# facts, funnel.tsv -> the table of stages: documents and bytes left, reasons of removal.
BEGIN {
  FS = "\t"
  name["extract"] = "main text of HTML pages"; tool["extract"] = "warc2txt"
  name["language"] = "wanted language"; tool["language"] = "qfilter"
  name["quality"] = "quality rules"; tool["quality"] = "qfilter"
  name["dedup"] = "no near-duplicates"; tool["dedup"] = "minhash-dedup"
}
FNR == 1 { file++ }
file == 1 { fact[$1] = $2; next }
FNR == 1 { next }
{
  if (!($1 in seen)) { seen[$1] = 1; stage[++stages] = $1 }
  if ($2 == "kept") { kept[$1] = $4; size[$1] = $5 }
  else { n = ++reasons[$1]; reason[$1, n] = $2 ($3 == "" ? "" : ": " $3); gone[$1, n] = $4; lost[$1] += $4; gone_bytes[$1, n] = $5; if ($1 == "extract" && $3 == "status") unanswered += $4 }
}

function bar(part, whole) { return sprintf("<span class=\"bar\"><i style=\"width:%.2f%%\"></i><i class=\"gone\" style=\"width:%.2f%%\"></i></span>", 100 * part / widest, 100 * (whole - part) / widest) }

function row(stage, what, n, size) {
  printf "<tr><td>%s</td><td>%s</td><td><span class=\"bar\"><i class=\"gone\" style=\"width:%.2f%%\"></i></span></td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n", stage, what, 100 * n / most, thousands(n), percent(n, kept[s] + lost[s]), (size > 0 ? bytes(size) : "")
}

END {
  n = split(crawls, crawl, " ")
  print "<div class=\"scroll\"><table><tr><th>crawl</th><th class=\"n\">pages</th><th class=\"n\">HTML</th><th class=\"n\">stored as .warc.gz</th></tr>"
  for (i = 1; i <= n; i++) {
    c = "crawl." crawl[i]
    printf "<tr><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n", html(crawl[i]), thousands(fact[c ".pages"]), bytes(fact[c ".bytes"]), bytes(fact[c ".stored"])
  }
  print "</table></div>"

  if (unanswered) printf "<p class=\"note\">The crawler also stored %s answers without a page (dead links, redirects), the first to be removed.</p>\n", thousands(unanswered)

  widest = kept[stage[1]] + lost[stage[1]]
  if (widest == 0) widest = 1
  print "<div class=\"scroll\"><table><tr><th>stage</th><th style=\"width:34%\">documents</th><th class=\"n\">kept</th><th class=\"n\">removed</th><th class=\"n\">text kept</th></tr>"
  for (i = 1; i <= stages; i++) {
    s = stage[i]
    printf "<tr><td><b>%s</b><br><code>%s</code></td><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s<br><span class=\"note\">%s</span></td><td class=\"n\">%s</td></tr>\n", name[s], tool[s], bar(kept[s], kept[s] + lost[s]), thousands(kept[s]), thousands(lost[s]), percent(lost[s], kept[s] + lost[s]), bytes(size[s])
  }
  printf "<tr><td><b>to train on</b></td><td>%s</td><td class=\"n\">%s</td><td></td><td class=\"n\">%s</td></tr>\n", bar(fact["documents.train"], fact["documents.train"] + fact["documents.validation"]), thousands(fact["documents.train"]), bytes(fact["bytes.train"])
  printf "<tr><td><b>to validate on</b></td><td>%s</td><td class=\"n\">%s</td><td></td><td class=\"n\">%s</td></tr>\n", bar(fact["documents.validation"], fact["documents.validation"]), thousands(fact["documents.validation"]), bytes(fact["bytes.validation"])
  print "</table></div>"

  print "<h3>Reasons of removal</h3><div class=\"scroll\"><table><tr><th>stage</th><th>reason</th><th style=\"width:24%\"></th><th class=\"n\">documents</th><th class=\"n\">of the stage's input</th><th class=\"n\">text</th></tr>"
  for (i = 1; i <= stages; i++) {
    s = stage[i]
    for (k = 1; k <= reasons[s]; k++) {
      if (k == 1 || gone[s, k] > most) most = gone[s, k]
    }
    rest = rest_bytes = 0
    for (k = 1; k <= reasons[s]; k++) {
      if (k <= 9) row(k == 1 ? name[s] : "", "<code>" html(reason[s, k]) "</code>", gone[s, k], gone_bytes[s, k])
      else { rest += gone[s, k]; rest_bytes += gone_bytes[s, k] }
    }
    if (rest) row("", "<span class=\"note\">" reasons[s] - 9 " other reasons</span>", rest, rest_bytes)
  }
  print "</table></div>"
}
