# SPDX-License-Identifier: MIT
# One archive's statistics -> rows `warc stage set reason documents bytes`:
#     counts.awk -v warc=NAME [-v size=BYTES] EXTRACT FILTER [SIZES]
# EXTRACT, FILTER: --stats of warc2txt and qfilter through json.awk; SIZES: `set:reason documents bytes` of what was
# rejected.  Exits 1 when anything was lost: in = out + rejected + bad, and what one tool wrote is what the next one read; or
# when there was no record, as in a page that some proxy sent in the archive's place.
BEGIN { FS = OFS = "\t" }
FILENAME == ARGV[1] { extract[$1] = $2; next }
FILENAME == ARGV[2] { filter[$1] = $2; next }
{ found[$1] = $2; bytes[$1] = $3; sized = 1 }

function row(stage, set, reason, documents, size) { print warc, stage, set, reason, documents, size }
function rejects(stage, stats,   key, name, short, n) {
  for (key in stats)
    if (key ~ /^reasons\./) {
      if (split(substr(key, 9), name, ".") == 1) { name[2] = name[1]; name[1] = stats["tool"] }
      short = name[1] ":" name[2]
      row(stage, name[1], name[2], stats[key], bytes[short])
      n += stats[key]
      if (sized && found[short] != stats[key]) lost("rejects of " short)
    }
  if (n + 0 != stats["rejected"] + 0) lost(stage ": reasons")
  if (stats["in"] != stats["out"] + stats["rejected"] + stats["bad"]) lost(stage ": in = out + rejected + bad")
}
function lost(what) { print "counts do not agree: " what > "/dev/stderr"; status = 1 }
function records(   key, n) {
  for (key in extract) if (key ~ /^skipped\./) n += extract[key]
  return n + extract["out"] + extract["rejected"]
}

END {
  if (!records()) { print "no record in it could be read" > "/dev/stderr"; exit 1 }
  row("archive", "", "", extract["records"], size == "" ? extract["in_bytes"] : size)
  for (key in extract) if (key ~ /^skipped\./) row("archive", "skipped", substr(key, 9), extract[key], "")
  row("extract", "kept", "", extract["out"], filter["in_bytes"])
  if (extract["bad"]) row("extract", "bad", "", extract["bad"], "")
  rejects("extract", extract)
  row("filter", "kept", "", filter["out"], filter["out_bytes"])
  if (filter["bad"]) row("filter", "bad", "", filter["bad"], "")
  rejects("filter", filter)
  if (extract["out"] != filter["in"]) lost("between warc2txt and qfilter")
  exit status
}
