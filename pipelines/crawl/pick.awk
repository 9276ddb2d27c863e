# SPDX-License-Identifier: MIT
# The list of a crawl's archives -> `rank<TAB>number<TAB>name<TAB>input`: those of the lowest ranks are picked.
#     -v base=PREFIX -v segments=N|all -v pick=first|spread|random -v seed=N -v part=I/N
# A name is the base name without its suffixes.  Ranks of `random` depend on seed and path only, so that a larger sample
# holds a smaller one.
BEGIN {
  if (!match(part, /^[0-9]+\/[0-9]+$/)) fail("PART=" part ": say I/N")
  split(part, share, "/")
  if (share[1] < 1 || share[1] + 0 > share[2] + 0) fail("PART=" part ": 1 to " share[2])
  if (segments != "all" && segments !~ /^[1-9][0-9]*$/) fail("SEGMENTS=" segments ": a number, or all")
  if (pick != "first" && pick != "spread" && pick != "random") fail("PICK=" pick ": first, spread or random")
  for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i
}
function fail(what) { print "crawl: " what > "/dev/stderr"; failed = 1; exit 2 }

# Products stay below 2^53, where doubles are exact; squares scatter paths that differ in one digit.
function hash(text,   h, i) {
  h = 17
  for (i = 1; i <= length(text); i++) h = (h * 8191 + code[substr(text, i, 1)]) % 67108859
  for (i = 1; i <= 3; i++) h = (h * h + 104729 * i) % 67108859
  return h
}

{ sub(/\r$/, "") }
/^#/ || !NF { next }
/[<>"\t]/ { fail("the list is not a list of archives: " substr($0, 1, 80)) }
lines++ % share[2] == share[1] - 1 { path[++n] = $0 }

END {
  if (failed) exit 2
  if (!n) fail("the list of archives is empty")
  k = segments == "all" || segments > n ? n : segments
  for (i = 1; i <= n; i++) {
    name = path[i]
    sub(/.*\//, "", name)
    sub(/(\.warc|\.arc)?(\.wet)?(\.gz|\.zst)?$/, "", name)
    gsub(/[^A-Za-z0-9._+-]/, "_", name)
    sub(/^[.+-]/, "_", name)
    if (name == "") fail("no name in " path[i])
    rank = pick == "first" ? i : pick == "random" ? hash(seed " " path[i]) : int(i * k / n) == int((i - 1) * k / n)
    print rank "\t" i "\t" name "\t" (path[i] ~ /^([Hh][Tt][Tt][Pp][Ss]?:\/)?\// ? "" : base) path[i]
  }
}
