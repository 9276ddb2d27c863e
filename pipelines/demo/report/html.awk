# SPDX-License-Identifier: MIT
# What the report's other awk programs share: escaping, numbers for people, and plots as SVG.

function html(s) {
  gsub(/&/, "\\&amp;", s)
  gsub(/</, "\\&lt;", s)
  gsub(/>/, "\\&gt;", s)
  gsub(/"/, "\\&quot;", s)
  gsub(/[\001-\010\013\014\016-\037\177]/, "", s)
  return s
}

# One field of a document, undone of its escapes.
function unescape(s) {
  gsub(/\\\\/, "\001", s)
  gsub(/\\n/, "\n", s)
  gsub(/\\t/, "\t", s)
  gsub(/\\r/, "", s)
  gsub(/\001/, "\\", s)
  return s
}

# The first `n` bytes of s, not ending inside a character.
function cut(s, n) {
  if (length(s) <= n) return s
  s = substr(s, 1, n)
  sub(/[\200-\277]+$/, "", s)
  sub(/[\300-\377]$/, "", s)
  return s " \342\200\246"
}

function thousands(n,   s, out) {
  s = sprintf("%.0f", n)
  out = ""
  while (length(s) > 3 && s !~ /^-...$/) {
    out = "," substr(s, length(s) - 2) out
    s = substr(s, 1, length(s) - 3)
  }
  return s out
}

function bytes(n) {
  if (n >= 1e9) return sprintf("%.2f GB", n / 1e9)
  if (n >= 1e6) return sprintf("%.1f MB", n / 1e6)
  if (n >= 1e3) return sprintf("%.1f kB", n / 1e3)
  return sprintf("%d B", n)
}

function percent(part, whole) { return whole > 0 ? sprintf("%.1f %%", 100 * part / whole) : "" }

# 3.1 M, 250 k
function count(n) {
  if (n >= 1e9) return sprintf("%.3g B", n / 1e9)
  if (n >= 1e6) return sprintf("%.3g M", n / 1e6)
  if (n >= 1e4) return sprintf("%.3g k", n / 1e3)
  return sprintf("%.0f", n)
}

# 2.5 x 10^12 with a superscript, two digits
function power(n,   e, m) {
  if (n <= 0) return "0"
  e = floor(lg(n) + 0.003) # 9.95 rounds to 10
  m = sprintf("%.2g", n / 10 ^ e)
  return (m == 1 ? "" : m "\302\267") "10<sup>" e "</sup>"
}

# Four digits, with a power of ten where zeros would stand
function digits(x,   e) {
  if (x == 0) return "0"
  e = floor(lg(x < 0 ? -x : x))
  if (e < -3) return x > 0 && e < -6 ? "0" : sprintf("%.2g\302\26710<sup>%d</sup>", x / 10 ^ e, e)
  return e < 5 ? sprintf("%.4g", x) : sprintf("%.2g\302\26710<sup>%d</sup>", x / 10 ^ e, e)
}

# ---- plots: plot(width, height, x from, x to, y from, y to, is x a logarithm), then the points through px() and py()

function lg(x) { return log(x) / log(10) }
function floor(x) { return int(x) > x ? int(x) - 1 : int(x) }
function nice(x,   p) { # 1, 2 or 5 times a power of ten, near x
  p = 10 ^ floor(lg(x))
  return p * (x / p < 1.5 ? 1 : x / p < 3.5 ? 2 : x / p < 7.5 ? 5 : 10)
}
function px(x) { return plot_left + (plot_log ? (lg(x) - lg(plot_x0)) / (lg(plot_x1) - lg(plot_x0)) : (x - plot_x0) / (plot_x1 - plot_x0)) * (plot_width - plot_left - 16) }
function py(y) { return plot_height - 44 - (y - plot_y0) / (plot_y1 - plot_y0) * (plot_height - 60) }

function plot(width, height, x0, x1, y0, y1, logarithmic, x_name, y_name,   step, y, e, m, x) {
  plot_width = width; plot_height = height; plot_left = 56
  plot_x0 = x0; plot_x1 = x1; plot_y0 = y0; plot_y1 = y1; plot_log = logarithmic
  printf "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s against %s\">\n", width, height, html(y_name), html(x_name)
  step = nice((y1 - y0) / 6)
  for (y = int(y0 / step + 0.999) * step; y <= y1 + step / 1e6; y += step) {
    printf "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", plot_left, width - 16, py(y), py(y)
    printf "<text class=\"tick\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">%.4g</text>\n", plot_left - 8, py(y) + 4, y
  }
  if (logarithmic) {
    for (e = floor(lg(x0)); e <= lg(x1); e++)
      for (m = 1; m < 10; m++) {
        x = m * 10 ^ e
        if (x < x0 * 0.9999 || x > x1 * 1.0001) continue
        printf "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"16\" y2=\"%d\"/>", m == 1 ? "grid" : "grid minor", px(x), px(x), height - 44
        if (m == 1 || (lg(x1 / x0) < 2.2 && (m == 3 || (m == 2 || m == 5) && lg(x1 / x0) < 1.2)))
          printf "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">%s</text>\n", px(x), height - 26, exponent(m, e)
      }
  }
  printf "<text class=\"name\" text-anchor=\"middle\" x=\"%d\" y=\"%d\">%s</text>", (plot_left + width) / 2, height - 6, html(x_name)
  printf "<text class=\"name\" text-anchor=\"middle\" transform=\"translate(14 %d) rotate(-90)\">%s</text>\n", (height - 28) / 2, html(y_name)
}

function exponent(m, e) {
  if (e >= 3 && e < 9) return count(m * 10 ^ e)
  return (m == 1 ? "" : m "\302\267") "10<tspan dy=\"-5\" font-size=\"9\">" e "</tspan>"
}
