# SPDX-License-Identifier: MIT
# Rows of counts.awk, of many archives -> `stage set reason documents bytes share`: sums.  The share is that of the
# records that could have become documents (warc2txt's `in`); bytes are empty where no row had any.
BEGIN { FS = OFS = "\t"; stages = split("archive extract filter dedup tokens", order, " "); for (i in order) place[order[i]] = i }
{
  key = $2 OFS $3 OFS $4
  n[key] += $5
  if ($6 != "") { bytes[key] += $6; sized[key] = 1 }
  if ($2 == "extract") input += $5
}
END {
  print "stage", "set", "reason", "documents", "bytes", "share"
  for (key in n) {
    split(key, field, OFS)
    if (!(field[1] in place)) place[field[1]] = ++stages
    first = field[2] == "" || field[2] == "kept" ? 0 : field[2] == "skipped" ? 1 : 2
    print place[field[1]], first, n[key], key, sprintf("%.0f", n[key]), sized[key] ? sprintf("%.0f", bytes[key]) : "",
      field[1] == "archive" || field[1] == "tokens" || !input ? "" : sprintf("%.6f", n[key] / input) | "sort -t '\t' -k1,1n -k2,2n -k3,3nr -k5,6 | cut -f 4-"
  }
}
