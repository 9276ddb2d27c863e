# SPDX-License-Identifier: MIT
# The cells with their results, as a table:
#
#     cells.awk ... | awk -f ranking.awk -v out=OUT        cells: every cell, best loss first, diverged and missing ones last
#     cells.awk ... | awk -f ranking.awk -v out=OUT -v mean=1   settings: the mean over seeds, best first
#
# Values come from OUT/NAME/run.tsv (crawl2lm-tables(5)) and, for the speed and the peak memory, from OUT/NAME/stats.json and
# messages.

BEGIN { FS = OFS = "\t" }

function exists(file,   line) { if ((getline line < file) < 0) return 0; close(file); return 1 }

function read_run(name,   file, line, n, i, head, cell) {
  file = out "/" name "/run.tsv"
  if ((getline line < file) <= 0) return 0
  n = split(line, head, "\t")
  if ((getline line < file) <= 0) { close(file); return 0 }
  close(file)
  split(line, cell, "\t")
  for (i = 1; i <= n; i++) run[head[i]] = cell[i]
  return 1
}

function read_speed(name,   file, line, speed) {
  file = out "/" name "/stats.json"
  while ((getline line < file) > 0)
    if (match(line, /"tokens_per_second": *[0-9.e+]+/)) {
      speed = substr(line, RSTART, RLENGTH)
      sub(/.*: */, "", speed)
    }
  close(file)
  return speed
}

function read_peak(name,   file, line, peak, unit) {
  file = out "/" name "/messages"
  while ((getline line < file) > 0)
    if (match(line, /[0-9.]+ [KMGT]?i?B peak memory/)) {
      peak = substr(line, RSTART, RLENGTH)
      unit = index("BKMGT", substr(peak, index(peak, " ") + 1, 1)) - 3
    }
  close(file)
  return peak == "" ? "" : sprintf("%.0f", peak * 1024 ^ unit)
}

NR == 1 {
  for (i = 3; i <= NF; i++) {
    axis[++axes] = substr($i, 1, index($i, "=") - 1)
    if (!(mean && axis[axes] == "seed")) head = head axis[axes] "\t"
  }
}

{
  values = setting = ""
  for (i = 3; i <= NF; i++) {
    x = substr($i, index($i, "=") + 1)
    values = values x "\t"
    if (axis[i - 2] != "seed") setting = setting x "\t"
  }
  split("", run)
  state = read_run($1) ? "done" : exists(out "/" $1 "/diverged") ? "diverged" : "missing"
  speed = state == "done" ? read_speed($1) : ""
  if (!mean) {
    key[NR] = state == "done" ? run["loss"] + 0 : state == "diverged" ? 1e300 : 1e301
    row[NR] = values run["loss"] OFS run["bpb"] OFS (speed == "" ? "" : sprintf("%.0f", speed)) OFS (state == "done" ? read_peak($1) : "") OFS run["params"] OFS run["tokens"] OFS run["flops"] OFS state OFS $1
    n = NR
    next
  }
  if (!(setting in at)) { at[setting] = ++n; row[n] = setting }
  g = at[setting]
  if (state == "done") {
    runs[g]++
    sum[g] += run["loss"]; squares[g] += run["loss"] ^ 2
    if (runs[g] == 1 || run["loss"] < least[g]) least[g] = run["loss"]
    if (runs[g] == 1 || run["loss"] > most[g]) most[g] = run["loss"]
    bits[g] += run["bpb"]; speeds[g] += speed; known[g] += run["bpb"] != ""
  }
}

function order(   i, j, t) { # insertion: few rows, and equal ones keep their order
  for (i = 1; i <= n; i++) place[i] = i
  for (i = 2; i <= n; i++)
    for (j = i; j > 1 && key[place[j - 1]] > key[place[j]]; j--) { t = place[j]; place[j] = place[j - 1]; place[j - 1] = t }
}

END {
  if (mean)
    for (g = 1; g <= n; g++) {
      key[g] = runs[g] ? sum[g] / runs[g] : 1e300
      row[g] = row[g] (runs[g] ? sprintf("%.6g", key[g]) OFS sprintf("%.6g", least[g]) OFS sprintf("%.6g", most[g]) OFS (known[g] == runs[g] ? sprintf("%.6g", bits[g] / runs[g]) : "") OFS sprintf("%.0f", speeds[g] / runs[g]) : OFS OFS OFS OFS) OFS runs[g] + 0
    }
  order()
  print "rank", head (mean ? "loss\tlowest\thighest\tbpb\ttokens_s\truns" : "loss\tbpb\ttokens_s\tpeak_mib\tparams\ttokens\tflops\tstate\tfolder")
  for (i = 1; i <= n; i++) print i, row[place[i]]
}
