# SPDX-License-Identifier: MIT
# Rows of counts.awk, archive after archive -> the same with a header and each archive's shares, as in funnel.awk.
BEGIN { FS = OFS = "\t"; print "archive", "stage", "set", "reason", "documents", "bytes", "share" }
function flush(   i, field) {
  for (i = 1; i <= n; i++) {
    split(row[i], field, FS)
    print row[i], field[2] == "archive" || !input ? "" : sprintf("%.6f", field[5] / input)
  }
  n = input = 0
}
$1 != last { flush(); last = $1 }
{ row[++n] = $0 }
$2 == "extract" { input += $5 }
END { flush() }
