# SPDX-License-Identifier: MIT
# A line of judge.sh's table from the report of qfilter-train, the labels of all texts and those of the kept ones.
# Intervals are Wilson's, 95%.
function wilson(hits, n, sign,   z, p) {
  if (!n) return ""
  z = 1.959963984540054
  p = hits / n
  p = (p + z * z / (2 * n) + sign * z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n)
  return sprintf("%.4f", p < 0 ? 0 : p > 1 ? 1 : p)
}
function share(hits, n) { return n ? sprintf("%.4f", hits / n) : "" }
function short(x) { return x == "" ? "" : sprintf("%.4f", x) }
FNR == 1 { file++ }
file == 1 && $1 == "roc_auc" && $2 == label { roc = $4 }
file == 1 && $1 == "pr_auc" && wanted != "unsafe" && $2 == label { area = $4 }
file == 1 && $1 == "pr_auc" && wanted == "unsafe" && $2 != label { areas++; area = $4 }
file == 1 && $1 == "calibration_error" { calibration = $4 }
file == 2 { all[$1 == label]++ }
file == 3 { kept[$1 == label]++ }
END {
  texts = all[0] + all[1]
  if (wanted == "unsafe") {
    positives = all[0] + 0
    hits = all[0] - kept[0]
    taken = hits + all[1] - kept[1]
    if (areas > 1) area = ""
  } else {
    positives = all[1] + 0
    hits = kept[1] + 0
    taken = kept[0] + kept[1]
  }
  printf "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", set, texts, positives, taken, share(hits, taken), wilson(hits, taken, -1), wilson(hits, taken, 1), share(hits, positives), wilson(hits, positives, -1), wilson(hits, positives, 1), short(roc), short(area), short(calibration)
}
