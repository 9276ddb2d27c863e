# SPDX-License-Identifier: MIT
# run.tsv and log of each run in turn, the larger one last -> the table of runs and the loss curves.
BEGIN { FS = "\t" }
FNR == 1 {
  file++
  delete column
  for (i = 1; i <= NF; i++) column[$i] = i
  if (file % 2) {
    name[++runs] = FILENAME
    sub(/\/run\.tsv$/, "", name[runs])
    sub(/.*\//, "", name[runs])
  }
  next
}
file % 2 {
  params[runs] = $column["params"]; tokens[runs] = $column["tokens"]; flops[runs] = $column["flops"]
  loss[runs] = $column["loss"]; bpb[runs] = $column["bpb"]
  next
}
$column["loss"] != "" {
  n = ++points[runs]
  step[runs, n] = $column["step"]
  value[runs, n] = $column["loss"]
}

# Budgets differ by far more than the rounding of a run's last step.
function budget(flops,   i) {
  for (i = 1; i <= budgets; i++) if (flops / of_budget[i] > 0.8 && flops / of_budget[i] < 1.25) return i
  of_budget[++budgets] = flops
  return budgets
}

function style(r) { return name[r] == larger ? "big" : "s" (budget(flops[r]) - 1) % 4 }

# A point is the mean over the 2 % of the run before it, so that curves lie apart.
function curve(r,   n, i, last, window, sum, have, every) {
  n = points[r]
  last = step[r, n]
  window = int(n / 50) + 1
  every = int(n / 240) + 1
  sum = 0
  printf "<polyline class=\"%s\" points=\"", style(r)
  for (i = 1; i <= n; i++) {
    sum += value[r, i]
    if (i > window) sum -= value[r, i - window]
    have = i < window ? i : window
    if ((i % every == 0 || i == n) && step[r, i] / last * tokens[r] >= x0) printf "%.1f,%.1f ", px(step[r, i] / last * tokens[r]), py(sum / have > y1 ? y1 : sum / have)
  }
  printf "\"/>\n"
}

END {
  print "<div class=\"scroll\"><table><tr><th>run</th><th class=\"n\">FLOPs</th><th class=\"n\">parameters</th><th class=\"n\">tokens</th><th class=\"n\">tokens per parameter</th><th class=\"n\">loss, nats per token</th><th class=\"n\">bits per byte</th></tr>"
  y0 = 1e9; y1 = 0; x1 = 0; x0 = 1e18
  for (r = 1; r <= runs; r++) {
    budget(flops[r])
    printf "<tr%s><td><i class=\"key\" style=\"background:var(--%s)\"></i>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"n\">%.1f</td><td class=\"n\">%.4f</td><td class=\"n\">%s</td></tr>\n", name[r] == larger ? " class=\"big\"" : "", style(r), html(name[r]), power(flops[r]), thousands(params[r]), thousands(tokens[r]), tokens[r] / params[r], loss[r], bpb[r] == "" ? "" : sprintf("%.4f", bpb[r])
    if (loss[r] < y0) y0 = loss[r]
    if (tokens[r] > x1) x1 = tokens[r]
    if (tokens[r] < x0) x0 = tokens[r]
    for (i = 1; i <= points[r]; i++) if (value[r, i] > y1) y1 = value[r, i]
  }
  print "</table></div>"
  x0 /= 30
  y0 = floor(y0 * 4 - 0.4) / 4
  print "<figure><div class=\"scroll\">"
  plot(960, 420, x0, x1 * 1.05, y0, y1, 1, "tokens seen", "training loss, nats per token")
  for (r = 1; r <= runs; r++) curve(r)
  print "</svg></div><figcaption>Loss on the batches of training, averaged over 2 % of the run."
  for (i = 1; i <= budgets; i++) printf " <span class=\"entry\"><i class=\"key\" style=\"background:var(--%s)\"></i>%s FLOPs</span>", (i == budgets ? "big" : "s" (i - 1) % 4), power(of_budget[i])
  print "</figcaption></figure>"
}
