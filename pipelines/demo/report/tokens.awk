# SPDX-License-Identifier: MIT
# facts, ratio.tsv -> bytes per token of the four schemes.
BEGIN { FS = "\t" }
FNR == 1 { file++ }
file == 1 { fact[$1] = $2; next }
FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
$1 == "tokenizer" || $column["script"] != "all" { next } # headers of the tables put together, and parts by script
{
  n++
  scheme = $column["tokenizer"]
  name[n] = scheme ~ /^words:/ ? "most frequent words, all others unknown" : scheme == "bytes" ? "bytes" : scheme == "chars" ? "characters" : "BPE"
  ratio[n] = $column["bytes_per_token"]; tokens[n] = $column["tokens"]; size[n] = $column["bytes"]
  if (ratio[n] > most) most = ratio[n]
}
END {
  printf "<p>%s tokens to train on, %s to validate on. Bytes per token on the validation documents, for BPE learned from the training documents and three simpler schemes:</p>\n", thousands(fact["tokens.train"]), thousands(fact["tokens.validation"])
  print "<div class=\"scroll\"><table><tr><th>scheme</th><th style=\"width:44%\"></th><th class=\"n\">bytes per token</th><th class=\"n\">bytes</th><th class=\"n\">tokens</th></tr>"
  for (i = 1; i <= n; i++)
    printf "<tr><td>%s</td><td><span class=\"bar\"><i style=\"width:%.2f%%\"></i></span></td><td class=\"n\">%.3f</td><td class=\"n\">%s</td><td class=\"n\">%s</td></tr>\n", html(name[i]), 100 * ratio[i] / most, ratio[i], thousands(size[i]), thousands(tokens[i])
  print "</table></div>"
}
