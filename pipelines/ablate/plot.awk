# SPDX-License-Identifier: MIT
# A gnuplot script from ablation.tsv: bits per byte of each recipe, the mean and its 95 % interval.
#
#     awk -f plot.awk ablation.tsv | gnuplot > ablation.svg

BEGIN { FS = "\t" }
function label(s) { gsub(/["\\]/, "\\\\&", s); return "\"" s "\"" }
NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
{
  rows++
  tics = tics (rows > 1 ? ", " : "") label($at["recipe"]) " " rows
  low = $at["bpb_low"] == "" ? $at["bpb"] : $at["bpb_low"]
  high = $at["bpb_high"] == "" ? $at["bpb"] : $at["bpb_high"]
  data = data rows " " $at["bpb"] " " low " " high "\n"
  if (rows == 1) first = $at["bpb"]
}
END {
  if (!rows) { print "ablate: no recipe is done" > "/dev/stderr"; exit 1 }
  print "set terminal svg size 800,450 font 'sans-serif,13' background rgb 'white'"
  print "set ylabel 'validation, bits a byte'\nset grid ytics\nset xrange [0.5:" rows + 0.5 "]\nset offsets 0, 0, graph 0.05, graph 0.05\nunset key"
  print "set xtics noenhanced (" tics ")"
  print "$recipes << END\n" data "END"
  print "plot " first " with lines lc rgb '#999999' dt 2, $recipes using 1:2:3:4 with yerrorbars lc rgb '#0072b2' lw 2 pt 7 ps 0.8"
}
