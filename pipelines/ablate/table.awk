# SPDX-License-Identifier: MIT
# The answer as a table.  Input: `recipe NAME STAGES`, `stats KEY VALUE` of its tokens, `run SEED BPB TOKENS LOSS`; the first
# recipe is what the others are compared with.
#
# The interval of a recipe is that of its mean over seeds, mean +- t s / sqrt(n) with Student's t of n - 1 degrees of freedom at
# 95 %; that of the difference is over the differences seed by seed (the same seed starts from the same weights).

BEGIN {
  FS = OFS = "\t"
  split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262 2.228 2.201 2.179 2.160 2.145 2.131 2.120 2.110 2.101 2.093 2.086", student, " ")
}

$1 == "recipe" { name[++recipes] = $2; stages[recipes] = $3 == "" ? "-" : $3; next }
$1 == "stats" { stat[recipes, $2] = $3; next }
$1 == "run" && $3 != "" { runs[recipes]++; seed[recipes, runs[recipes]] = $2; bpb[recipes, $2] = $3; trained[recipes] = $4; next }
{ print "ablate: " FILENAME ":" FNR ": a run without bits per byte" > "/dev/stderr"; failed = 1; exit 1 }

# mean, low and high of x[1..n] -> mean, low, high
function interval(x, n,   i, sum, squares, half) {
  for (i = 1; i <= n; i++) sum += x[i]
  mean = sum / n
  for (i = 1; i <= n; i++) squares += (x[i] - mean) ^ 2
  half = n < 2 ? 0 : (n - 1 > 20 ? 1.96 : student[n - 1]) * sqrt(squares / (n - 1) / n)
  known = n > 1
  low = mean - half
  high = mean + half
}

function shown(x) { return known ? sprintf("%.4f", x) : "" }

END {
  if (failed) exit 1
  print "recipe", "stages", "documents", "bytes", "tokens", "epochs", "seeds", "bpb", "bpb_low", "bpb_high", "difference", "difference_low", "difference_high"
  printf "%-12s %-24s %9s %11s %7s %7s  %-17s  %s\n", "recipe", "stages", "documents", "tokens", "epochs", "bits/B", "95 % interval", "against " name[1] > readable
  for (r = 1; r <= recipes; r++) {
    if (!runs[r]) { print "ablate: recipe " name[r] " has no finished run" > "/dev/stderr"; exit 1 }
    split("", x)
    for (i = 1; i <= runs[r]; i++) x[i] = bpb[r, seed[r, i]]
    interval(x, runs[r])
    own = sprintf("%.4f", mean) OFS shown(low) OFS shown(high)
    read_mean = sprintf("%.4f", mean)
    read_interval = known ? sprintf("[%.4f, %.4f]", low, high) : "one seed"
    split("", x)
    n = 0
    for (i = 1; i <= runs[r]; i++) if ((1, seed[r, i]) in bpb) x[++n] = bpb[r, seed[r, i]] - bpb[1, seed[r, i]]
    difference = OFS OFS
    read_difference = ""
    if (r > 1 && n) {
      interval(x, n)
      difference = sprintf("%.4f", mean) OFS shown(low) OFS shown(high)
      read_difference = sprintf("%+.4f", mean) (known ? sprintf(" [%+.4f, %+.4f]%s", low, high, high < 0 ? " better" : low > 0 ? " worse" : "") : "")
    }
    tokens = stat[r, "tokens"]
    epochs = sprintf("%.2f", trained[r] / tokens)
    print name[r], stages[r], stat[r, "out"], stat[r, "bytes"], tokens, epochs, runs[r], own, difference
    printf "%-12s %-24s %9d %11d %7s %7s  %-17s  %s\n", name[r], stages[r], stat[r, "out"], tokens, epochs, read_mean, read_interval, read_difference > readable
  }
}
