# SPDX-License-Identifier: MIT
# Annotated test pages (label, lang=ANSWER, ..., text) -> `label answer pages`.
BEGIN { FS = OFS = "\t"; print "label", "answer", "pages" }
{
  answer = ""
  for (i = 2; i < NF; i++) if ($i ~ /^lang=/) answer = substr($i, 6)
  n[$1 OFS answer]++
}
END { for (k in n) print k, n[k] | "sort"; close("sort") }
