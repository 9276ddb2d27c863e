# SPDX-License-Identifier: MIT
# Predicted and measured: the table at stdout, the same to read in the file `readable`.
#
#     awk -f report.awk -v readable=report.txt what=law seed=0 law/seed_0.tsv what=sweep law/seed_0.runs.tsv what=check check/CELL/run.tsv ...
#
# For each seed the rows of its law (crawl2lm-tables(5)), the runs it was fitted to, and the runs it predicted.  `run@PARAMS,TOKENS`
# of the law is the interval in which one further run falls.  Files of what=time are lm-train's statistics, with its CPU seconds.

BEGIN { FS = OFS = "\t" }

function fail(text) { print "scaling: " text > "/dev/stderr"; failed = 1; exit 1 }

what == "time" {
  if ($1 ~ /^ *"cpu":/) {
    sub(/^[^:]*: */, "", $1)
    cpu += $1
    if (FILENAME ~ /\/check\//) cpu_check += $1
  }
  next
}

FNR == 1 { split("", at); for (i = 1; i <= NF; i++) at[$i] = i }

what == "law" && $at["name"] ~ /^run@/ { name = seed " " $at["name"]; value[name] = $at["value"]; low[name] = $at["low"]; high[name] = $at["high"] }

what == "sweep" && $1 != "params" {
  runs[seed]++
  flops = $at["flops"] + 0
  if (flops > largest[seed]) largest[seed] = flops
  if (!smallest || flops < smallest) smallest = flops
}

what == "check" && $1 != "params" {
  key = sprintf("%s run@%.0f,%.0f", seed, $at["params"], $at["tokens"])
  if (!(key in value)) fail("the law of seed " seed " predicts no run of " $at["params"] " parameters and " $at["tokens"] " tokens")
  if (low[key] == "") fail("the law of seed " seed " has no interval: its bootstrap needs more resamples")
  n++
  row_seed[n] = seed; params[n] = $at["params"]; tokens[n] = $at["tokens"]; spent[n] = $at["flops"]; loss[n] = $at["loss"]
  predicted[n] = value[key]; from[n] = low[key]; to[n] = high[key]
}

function median(v, n,   i, j, t) {
  for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j - 1] > v[j]; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
  return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

END {
  if (failed) exit 1
  if (!n) fail("no run to predict has ended")
  print "seed", "params", "tokens", "flops", "times_largest", "predicted", "low", "high", "half_width_percent", "loss", "error_percent", "inside"
  print "seed  predicted  95 % interval     half-width  measured  error    inside" > readable
  for (i = 1; i <= n; i++) {
    half[i] = 100 * (to[i] - from[i]) / 2 / predicted[i]
    error = 100 * (loss[i] / predicted[i] - 1)
    inside = from[i] <= loss[i] && loss[i] <= to[i]
    hits += inside
    print row_seed[i], params[i], tokens[i], spent[i], sprintf("%.3g", spent[i] / largest[row_seed[i]]), predicted[i], from[i], to[i], sprintf("%.2f", half[i]), loss[i], sprintf("%.2f", error), inside
    printf "%-4s  %-9.4f  %.4f to %.4f  %5.2f %%     %-8.4f  %+.2f %%  %s\n", row_seed[i], predicted[i], from[i], to[i], half[i], loss[i], error, inside ? "yes" : "NO" > readable
  }
  printf "\n%d of %d runs lie inside their 95 %% interval; its half-width is %.2f %% of the loss (median).\n", hits, n, median(half, n) > readable
  for (s in runs) { seeds++; fitted += runs[s]; if (largest[s] > most) most = largest[s] }
  printf "Each law is fitted to %d runs of %.3g to %.3g FLOPs; the last run predicted has %.3g parameters, %.3g tokens and %.3g FLOPs.\n", fitted / seeds, smallest, most, params[n], tokens[n], spent[n] > readable
  if (cpu) printf "CPU: %.0f s a seed, %.0f s of it for what was predicted.\n", cpu / seeds, cpu_check / seeds > readable
}
