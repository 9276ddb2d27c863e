# SPDX-License-Identifier: MIT
# The cells of a grid, first axis slowest: NAME <TAB> lm-train's options, quoted for a shell <TAB> AXIS=VALUE <TAB> ...
#
#     awk -f cells.awk -v grid='lr=1e-3,2e-3 set:hidden_size=128,256 seed=0,1'
#     MODELS=$'small\t--preset llama-1m\twide\t--preset llama-3m' awk -f cells.awk -v grid='flops=1e12 model=small + flops=4e12 model=small,wide'
#
# Grids joined by + have the same axes.  NAME is a folder's: lr_1e-3+hidden_size_128+seed_0.  It holds the values, not their
# numbers, so a grid that grows keeps the cells it had.

function fail(text) { print "sweep: GRID: " text > "/dev/stderr"; failed = 1; exit 1 }

function quoted(s) { gsub(/'/, "'\\''", s); return "'" s "'" }

# One word of the grid: an axis and its values.
function read_axis(word, a,   at, list, v, i) {
  at = index(word, "=")
  key[a] = substr(word, 1, at - 1)
  if (at < 2 || key[a] !~ /^(set:)?[A-Za-z0-9_.-]+$/) fail("'" word "' is not AXIS=VALUE,...")
  if (key[a] in there) fail("the axis " key[a] " comes twice")
  there[key[a]] = 1
  list = substr(word, at + 1)
  count[a] = split(list, v, index(list, ";") ? ";" : ",")
  if (!count[a]) fail("the axis " key[a] " has no value")
  for (i = 1; i <= count[a]; i++) {
    if (v[i] == "") fail("the axis " key[a] " has an empty value")
    if (key[a] == "model" && !(v[i] in model)) fail("there is no model." v[i] ": it holds the options of lm-train that are this model")
    value[a, i] = v[i]
  }
}

function options_of(key, x) {
  if (key == "model") return model[x]
  if (key ~ /^set:/) return "--set " quoted(substr(key, 5) "=" x)
  return "--" key " " quoted(x)
}

function grid_cells(   cells, cell, left, a, pick, name, options, values, x, part) {
  cells = 1
  for (a = 1; a <= axes; a++) cells *= count[a]
  for (cell = 0; cell < cells; cell++) {
    left = cell
    for (a = axes; a >= 1; a--) {
      pick[a] = left % count[a] + 1
      left = (left - left % count[a]) / count[a]
    }
    name = options = values = ""
    for (a = 1; a <= axes; a++) {
      x = value[a, pick[a]]
      part = key[a] "_" x
      sub(/^set:/, "", part)
      gsub(/[^A-Za-z0-9_.+-]/, "_", part)
      name = name (a > 1 ? "+" : "") part
      options = options " " options_of(key[a], x)
      values = values "\t" key[a] "=" x
    }
    if (name in names) fail("two cells would share the folder " name)
    names[name] = 1
    line[lines++] = name "\t" substr(options, 2) values
  }
}

BEGIN {
  n = split(ENVIRON["MODELS"], m, / *\t */)
  for (i = 1; i < n; i += 2) model[m[i]] = m[i + 1]

  words = split(grid " +", word, /[ \t\n]+/)
  for (w = 1; w <= words; w++) {
    if (word[w] == "") continue
    if (word[w] != "+") { read_axis(word[w], ++axes); continue }
    if (!axes) fail(words > 2 && grid ~ /[+]/ ? "nothing stands beside a +" : "is empty")
    head = ""
    for (a = 1; a <= axes; a++) head = head " " key[a]
    if (lines && head != first) fail("grids joined by + have the same axes in the same order, not" first " and" head)
    first = head
    grid_cells()
    axes = 0
    split("", there)
  }
  for (i = 0; i < lines; i++) print line[i] # all or none
}
