# SPDX-License-Identifier: MIT
# facts, funnel, law, the larger run's row -> the opening paragraph and figures.
BEGIN { FS = "\t" }
FNR == 1 { file++ }
file == 1 { fact[$1] = $2; if ($1 ~ /^crawl\..*\.pages$/) pages += $2; next }
file == 2 && $2 == "kept" { kept[$1] = $4 }
file == 3 && $2 ~ /^(loss|run)@/ { predicted = $3; low = $4; high = $5 }
file == 4 && FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
file == 4 { loss = $column["loss"]; params = $column["params"] }

function figure(value, name) { printf "<div><b>%s</b><span>%s</span></div>\n", value, name }

END {
  print "<p class=\"lead\">Documentation in many languages was served on the loopback interface, crawled into WARC files, extracted, filtered,"
  print "deduplicated and tokenised; small models trained on it gave a scaling law, and the law was asked for the loss of a larger model before that model was trained.</p>"
  print "<div class=\"facts\">"
  figure(thousands(pages), "pages crawled")
  figure(thousands(kept["dedup"]), "documents kept")
  figure(count(fact["tokens.train"]), "tokens to train on")
  figure(count(params), "parameters of the last model")
  figure(sprintf("%.3f", predicted), "loss predicted, nats per token")
  figure(sprintf("%.3f", loss), "loss measured, nats per token")
  print "</div>"
}
