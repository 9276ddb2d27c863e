# SPDX-License-Identifier: MIT
# law.tsv, the small runs, the larger run -> the law with its intervals, its isoFLOP curves, prediction and outcome.
BEGIN { FS = "\t" }
FNR == 1 {
  file++
  delete column
  for (i = 1; i <= NF; i++) column[$i] = i
  next
}
file == 1 {
  k = $column["name"]
  if (k ~ /^(loss|run)@/) k = "prediction" # the interval of the second, in which one run falls
  value[k] = $column["value"]; low[k] = $column["low"]; high[k] = $column["high"]
  next
}
$1 == "params" { next } # the headers of concatenated tables
{
  r = ++runs
  params[r] = $column["params"]; tokens[r] = $column["tokens"]; flops[r] = $column["flops"]; loss[r] = $column["loss"]
  big = r
}

function law(n, d) { return value["E"] + value["A"] / n ^ value["alpha"] + value["B"] / d ^ value["beta"] }
function budget(flops,   i) {
  for (i = 1; i <= budgets; i++) if (flops / of_budget[i] > 0.8 && flops / of_budget[i] < 1.25) return i
  of_budget[++budgets] = flops
  return budgets
}
function style(r) { return r == big ? "big" : "s" (budget(flops[r]) - 1) % 4 }
function row(name, what) {
  printf "<tr><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td>%s</td></tr>\n", name, digits(value[what]), low[what] == "" ? "" : digits(low[what]) " to " digits(high[what]), meaning[what]
}

END {
  p = value["prediction"]; l = low["prediction"]; h = high["prediction"]
  inside = l != "" && loss[big] >= l && loss[big] <= h
  if (l == "") place = "with too few runs for an interval"
  else place = (inside ? "inside" : "<b>outside</b>") sprintf(" the 95 %% interval %.4f to %.4f", l, h)
  off = 100 * (loss[big] - p) / p
  printf "<div class=\"verdict%s\">Predicted %.4f, measured <b>%.4f</b> nats per token: %.2f %% %s than predicted, %s.</div>\n", inside ? "" : " outside", p, loss[big], off < 0 ? -off : off, off < 0 ? "lower" : "higher", place
  printf "<p>The law <i>L</i>(<i>N</i>, <i>D</i>) = <i>E</i> + <i>A</i>/<i>N</i><sup>\316\261</sup> + <i>B</i>/<i>D</i><sup>\316\262</sup> was fitted to the %d small runs (Huber loss on log residuals, intervals by resampling) and asked for %s parameters and %s tokens before that model was trained, with %.3g times the compute of the largest run it had seen.</p>\n", runs - 1, thousands(params[big]), thousands(tokens[big]), flops[big] / flops[big - 1]
  meaning["E"] = "loss that no size and no data removes"
  meaning["A"] = meaning["alpha"] = "what more parameters are worth"
  meaning["B"] = meaning["beta"] = "what more tokens are worth"
  print "<div class=\"scroll\"><table><tr><th>law</th><th class=\"n\">value</th><th class=\"n\">95 % interval</th><th></th></tr>"
  row("<i>E</i>", "E"); row("<i>A</i>", "A"); row("\316\261", "alpha"); row("<i>B</i>", "B"); row("\316\262", "beta")
  row("<b>loss of the larger run</b>", "prediction")
  print "</table></div>"
  if (low["A"] > 0 && high["A"] / low["A"] > 100) print "<p class=\"note\">So few runs over so small a range hardly tell the five constants apart, as their intervals show. What they say together about a loss nearby is firmer.</p>"

  x0 = y0 = 1e18; x1 = y1 = 0
  for (r = 1; r <= runs; r++) {
    budget(flops[r])
    if (params[r] < x0) x0 = params[r]
    if (params[r] > x1) x1 = params[r]
    if (loss[r] < y0) y0 = loss[r]
    if (loss[r] > y1) y1 = loss[r]
    more[budget(flops[r])] += flops[r] / (6 * params[r] * tokens[r])
    of[budget(flops[r])]++
  }
  if (l != "" && l < y0 && l > y0 - 1) y0 = l
  x0 /= 1.6; x1 *= 2.2
  margin = (y1 - y0) * 0.12 + 0.02
  y0 -= margin; y1 += margin
  print "<figure><div class=\"scroll\">"
  plot(960, 440, x0, x1, y0, y1, 1, "parameters", "validation loss, nats per token")
  for (b = 1; b <= budgets; b++) {
    printf "<polyline class=\"law\" style=\"stroke:var(--%s)\" points=\"", b == budgets ? "big" : "s" (b - 1) % 4
    for (i = 0; i <= 120; i++) {
      n = x0 * (x1 / x0) ^ (i / 120)
      y = law(n, of_budget[b] / (6 * n * more[b] / of[b]))
      if (y <= y1 && y >= y0) printf "%.1f,%.1f ", px(n), py(y)
    }
    printf "\"/>\n"
  }
  if (l != "") {
    lo = l < y0 ? y0 : l; hi = h > y1 ? y1 : h
    printf "<path class=\"interval\" d=\"M%.1f %.1fV%.1fM%.1f %.1fh12M%.1f %.1fh12\"/>\n", px(params[big]), py(lo), py(hi), px(params[big]) - 6, py(lo), px(params[big]) - 6, py(hi)
  }
  printf "<circle class=\"predicted\" cx=\"%.1f\" cy=\"%.1f\" r=\"6\"><title>predicted %.4f</title></circle>\n", px(params[big]), py(p), p
  for (r = 1; r <= runs; r++) printf "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"><title>%s parameters, %s tokens: %.4f</title></circle>\n", style(r), px(params[r]), py(loss[r]), r == big ? "4.5" : "4", thousands(params[r]), thousands(tokens[r]), loss[r]
  print "</svg></div><figcaption>Runs (dots) and the law at each budget (dashes); the ring with its bar is the prediction, the dot of its colour the outcome."
  for (b = 1; b <= budgets; b++) printf " <span class=\"entry\"><i class=\"key\" style=\"background:var(--%s)\"></i>%s FLOPs</span>", b == budgets ? "big" : "s" (b - 1) % 4, power(of_budget[b])
  print "</figcaption></figure>"
}
