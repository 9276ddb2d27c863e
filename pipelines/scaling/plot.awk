# SPDX-License-Identifier: MIT
# A gnuplot script from the table of settings (ranking.awk with mean=1): loss against the axis `x`, one line for each
# combination of the other axes, bars from the lowest to the highest seed.
#
#     awk -f plot.awk -v x=lr settings.tsv | gnuplot > plot.svg
#
# The axis is logarithmic when its values span more than a factor of 4; values that are not numbers stand side by side.

BEGIN { FS = "\t" }

function label(s) { gsub(/["\\]/, "\\\\&", s); return "\"" s "\"" }

NR == 1 {
  for (i = 2; i <= NF && $i != "loss"; i++) if ($i == x || $i == "set:" x) at = i
  last = i - 1
  if (!at) { print "sweep: PLOT: " x " is no axis of the grid" > "/dev/stderr"; failed = 1; exit 1 }
  for (i = 2; i <= last; i++) axis[i] = $i
  next
}

$(last + 1) != "" {
  line = ""
  for (i = 2; i <= last; i++) if (i != at) { short = axis[i]; sub(/^set:/, "", short); line = line (line == "" ? "" : ", ") short " " $i }
  if (!(line in number)) { number[line] = ++lines; title[lines] = line }
  l = number[line]
  points[l]++
  value[l, points[l]] = $at; loss[l, points[l]] = $(last + 1); low[l, points[l]] = $(last + 2); high[l, points[l]] = $(last + 3)
  if ($at !~ /^[-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?$/) words = 1
  if (!($at in place)) { place[$at] = ++places; name[places] = $at }
  if (!rows++ || $at + 0 < least) least = $at + 0
  if (rows == 1 || $at + 0 > most) most = $at + 0
}

END {
  if (failed) exit 1
  if (!rows) { print "sweep: no cell is done" > "/dev/stderr"; exit 1 }
  short = x
  sub(/^set:/, "", short)
  print "set terminal svg size 800,500 font 'sans-serif,13' background rgb 'white'"
  print "set xlabel " label(short) " noenhanced\nset ylabel 'loss, nats a token'\nset grid\nset key outside right noenhanced\nset offsets graph 0.05, graph 0.05, graph 0.05, graph 0.05"
  if (words) {
    for (i = 1; i <= places; i++) tics = tics (i > 1 ? ", " : "") label(name[i]) " " i
    print "set xtics noenhanced (" tics ")"
  } else print "set format x '%g'"
  if (!words && least > 0 && most > 4 * least) print "set logscale x\nset xrange [" least * 0.8 ":" most * 1.25 "]"
  if (rows == 1) print "set yrange [" 0.9 * loss[1, 1] ":" 1.1 * loss[1, 1] "]" # gnuplot warns of an empty range
  if (least == most && !words) print "set xrange [" least - 0.1 * (least < 0 ? -least : least) - 1 ":" most + 0.1 * (most < 0 ? -most : most) + 1 "]"
  if (words && places == 1) print "set xrange [0:2]"
  for (l = 1; l <= lines; l++) {
    print "$line" l " << END"
    for (i = 1; i <= points[l]; i++) at_x[i] = words ? place[value[l, i]] : value[l, i] + 0
    for (i = 1; i <= points[l]; i++) order[i] = i
    for (i = 2; i <= points[l]; i++)
      for (j = i; j > 1 && at_x[order[j - 1]] > at_x[order[j]]; j--) {
        t = order[j]
        order[j] = order[j - 1]
        order[j - 1] = t
      }
    for (i = 1; i <= points[l]; i++) {
      j = order[i]
      print at_x[j] " " loss[l, j] " " low[l, j] " " high[l, j]
    }
    print "END"
  }
  printf "plot "
  for (l = 1; l <= lines; l++) {
    printf("%s$line%d using 1:2 with lines lc %d title %s", (l > 1 ? ", " : ""), l, l, (title[l] == "" ? "''" : label(title[l])))
    printf ", $line%d using 1:2:3:4 with yerrorbars lc %d pt 7 ps 0.6 notitle", l, l
  }
  print ""
}
