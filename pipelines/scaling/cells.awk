# SPDX-License-Identifier: MIT
# The cells of a grid, first axis slowest: NAME <TAB> lm-train's options, quoted for a shell <TAB> AXIS=VALUE <TAB> ...
#
#     awk -f cells.awk -v grid='lr=1e-3,2e-3 set:hidden_size=128,256 seed=0,1'
#
# NAME is a folder's: lr_1e-3+hidden_size_128+seed_0.  It holds the values, not their numbers, so a grid that grows keeps the
# cells it had.

function fail(text) { print "sweep: GRID: " text > "/dev/stderr"; failed = 1; exit 1 }

function quoted(s) { gsub(/'/, "'\\''", s); return "'" s "'" }

BEGIN {
  axes = split(grid, axis, /[ \t\n]+/)
  for (a = 1; a <= axes; a++) if (axis[a] == "") { for (b = a--; b < axes; b++) axis[b] = axis[b + 1]; axes-- }
  if (!axes) fail("is empty")
  cells = 1
  for (a = 1; a <= axes; a++) {
    at = index(axis[a], "=")
    key[a] = substr(axis[a], 1, at - 1)
    if (at < 2 || key[a] !~ /^(set:)?[A-Za-z0-9_.-]+$/) fail("'" axis[a] "' is not AXIS=VALUE,...")
    if (key[a] in there) fail("the axis " key[a] " comes twice")
    there[key[a]] = 1
    list = substr(axis[a], at + 1)
    count[a] = split(list, v, index(list, ";") ? ";" : ",")
    if (!count[a]) fail("the axis " key[a] " has no value")
    for (i = 1; i <= count[a]; i++) {
      if (v[i] == "") fail("the axis " key[a] " has an empty value")
      value[a, i] = v[i]
    }
    cells *= count[a]
  }
  for (cell = 0; cell < cells; cell++) {
    left = cell
    for (a = axes; a >= 1; a--) {
      pick[a] = left % count[a] + 1
      left = (left - left % count[a]) / count[a]
    }
    name = options = values = ""
    for (a = 1; a <= axes; a++) {
      x = value[a, pick[a]]
      short = key[a]
      sub(/^set:/, "", short)
      part = short "_" x
      gsub(/[^A-Za-z0-9_.+-]/, "_", part)
      name = name (a > 1 ? "+" : "") part
      options = options " " (key[a] ~ /^set:/ ? "--set " quoted(short "=" x) : "--" key[a] " " quoted(x))
      values = values "\t" key[a] "=" x
    }
    if (name in names) fail("two cells would share the folder " name)
    names[name] = 1
    line[cell] = name "\t" substr(options, 2) values
  }
  for (cell = 0; cell < cells; cell++) print line[cell] # all or none
}
