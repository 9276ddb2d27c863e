# SPDX-License-Identifier: MIT
# The documents a stage kept and its rejects -> rows `stage set reason documents bytes`; kept ones have set `kept`.
# Bytes are those of the text, escapes included.
BEGIN { FS = OFS = "\t" }
FILENAME == ARGV[1] { kept++; kept_bytes += length($NF); next }
{ n[$1]++; size[$1] += NF > 1 ? length($NF) : 0 }
END {
  print stage, "kept", "", kept + 0, sprintf("%.0f", kept_bytes)
  for (k in n) {
    split(k, name, ":")
    print stage, name[1], name[2], n[k], sprintf("%.0f", size[k]) | "sort -t '\t' -k 4,4nr -k 3,3"
  }
}
