/* SPDX-License-Identifier: MIT
 *
 * SVG written straight into a buffer.
 */
#include "tools/fit-scaling/plot/svg.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/utf8.h"

void svg_escape(struct buffer *out, const char *s) {
  struct buffer text = {0};
  uint64_t invalid = 0, nul = 0;
  utf8_sanitize(&text, s, strlen(s), &invalid, &nul);
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.data[i];
    /* U+FFFE and U+FFFF: the only characters of well-formed UTF-8 above the controls that XML 1.0 forbids */
    bool forbidden = c == 0xef && i + 2 < text.len && (unsigned char)text.data[i + 1] == 0xbf && (unsigned char)text.data[i + 2] >= 0xbe;
    if (c == '&') buffer_append_string(out, "&amp;");
    else if (c == '<') buffer_append_string(out, "&lt;");
    else if (c == '>') buffer_append_string(out, "&gt;");
    else if (c == '"') buffer_append_string(out, "&quot;");
    else if (c == '\'') buffer_append_string(out, "&#39;");
    else if (forbidden) utf8_append(out, 0xfffd), i += 2;
    else if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') utf8_append(out, 0xfffd);
    else buffer_put(out, (char)c);
  }
  buffer_release(&text);
}

void svg_number(struct buffer *out, double value) {
  double tenths = round(fmin(fmax(value, -1e5), 1e5) * 10);
  if (tenths == 0) tenths = 0; /* no -0 */
  if (fmod(tenths, 10) == 0) buffer_printf(out, "%.0f", tenths / 10);
  else buffer_printf(out, "%.1f", tenths / 10);
}

static bool drawable(double x, double y) { return isfinite(x) && isfinite(y); }

void svg_begin(struct buffer *out, double width, double height, const char *title, const char *description, const char *style) {
  buffer_printf(out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-labelledby=\"title desc\" "
                "font-family=\"Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif\" font-size=\"%d\">\n<title id=\"title\">",
                width, height, width, height, SVG_FONT);
  svg_escape(out, title);
  buffer_append_string(out, "</title>\n<desc id=\"desc\">");
  svg_escape(out, description);
  buffer_printf(out, "</desc>\n<style>%s</style>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", style);
}

void svg_end(struct buffer *out) { buffer_append_string(out, "</svg>\n"); }

/* ---- text */

static void open_text(struct buffer *out, double x, double y, enum anchor anchor, const char *class) {
  static const char *const name[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
  buffer_append_string(out, "<text x=\"");
  svg_number(out, x);
  buffer_append_string(out, "\" y=\"");
  svg_number(out, y);
  buffer_printf(out, "\"%s", name[anchor]);
  if (class) buffer_printf(out, " class=\"%s\"", class);
  buffer_put(out, '>');
}

void svg_text(struct buffer *out, double x, double y, enum anchor anchor, const char *class, const char *s) {
  if (!drawable(x, y)) return;
  open_text(out, x, y, anchor, class);
  svg_escape(out, s);
  buffer_append_string(out, "</text>\n");
}

static const struct {
  const char *name, *letter;
} greek[] = {{"alpha", "\u03b1"}, {"beta", "\u03b2"},    {"gamma", "\u03b3"}, {"delta", "\u03b4"}, {"epsilon", "\u03b5"},
             {"eta", "\u03b7"},   {"lambda", "\u03bb"},  {"mu", "\u03bc"},    {"nu", "\u03bd"},    {"rho", "\u03c1"},
             {"sigma", "\u03c3"}, {"tau", "\u03c4"},     {"phi", "\u03c6"},   {"kappa", "\u03ba"}, {"theta", "\u03b8"}};

static bool is_word(char c) { return isalnum((unsigned char)c) || (unsigned char)c >= 0x80; }

/* One character or name at *s, moved on; `out` NULL: only its width in ems.  script: raised or lowered, where no - is a hyphen. */
static double glyph(struct buffer *out, const char **s, bool word_begins, bool script) {
  const char *at = *s;
  size_t n = 0;
  while (isalpha((unsigned char)at[n])) n++;
  for (size_t i = 0; word_begins && i < sizeof greek / sizeof *greek; i++)
    if (n > 0 && strlen(greek[i].name) == n && strncmp(at, greek[i].name, n) == 0) {
      *s += n;
      if (out) buffer_append_string(out, greek[i].letter);
      return .6;
    }
  if (*at == '-' && (script || isdigit((unsigned char)at[1]) || at[1] == ' ' || at[1] == '.')) {
    *s += 1;
    if (out) buffer_append_string(out, "\u2212");
    return .6;
  }
  char bytes[5] = {*at};
  size_t length = 1;
  while (length < 4 && ((unsigned char)at[length] & 0xc0) == 0x80) bytes[length] = at[length], length++;
  *s += length;
  if (out) svg_escape(out, bytes);
  return strchr(" .,:;'|()/Iijlt", *at) ? .34 : strchr("MW%mw@", *at) ? .92 : .6;
}

/* The end of what a ^ or _ right before s raises or lowers. */
static const char *script_end(const char *s) {
  int depth = 0;
  if (*s == '(')
    for (const char *c = s; *c; c++) {
      depth += (*c == '(') - (*c == ')');
      if (depth == 0) return c + 1;
    }
  if (*s == '-' || *s == '+') s++;
  while (is_word(*s) || (*s == '.' && isdigit((unsigned char)s[1])) || (*s == '_' && is_word(s[1]))) s++;
  return s;
}

/* Writes s when there is `out`; returns its width in pixels either way. */
static double formula(struct buffer *out, const char *s) {
  double width = 0;
  int raised = 0; /* pixels above the line where the last piece stood */
  for (const char *begin = s, *end; *s; s = end) {
    bool script = s > begin && (*s == '^' || *s == '_') && script_end(s + 1) > s + 1;
    int raise = !script ? 0 : *s == '^' ? 5 : -4;
    const char *last;
    if (script) {
      s++;
      end = last = script_end(s);
      if (*s == '(' && !memchr(s, '^', (size_t)(end - s))) s++, last--; /* the place says what the parentheses said */
    } else {
      for (end = s + 1; *end && !((*end == '^' || *end == '_') && script_end(end + 1) > end + 1); end++) continue;
      last = end;
    }
    if (out && raise != raised) buffer_printf(out, "<tspan dy=\"%d\"", raised - raise);
    if (out && script) buffer_printf(out, " font-size=\"%d\"", SVG_SMALL);
    if (out && raise != raised) buffer_put(out, '>');
    for (const char *first = s; s < last;) width += (script ? .85 : 1) * glyph(out, &s, s == first || !is_word(s[-1]), script);
    if (out && raise != raised) buffer_append_string(out, "</tspan>");
    raised = raise;
  }
  return width * SVG_FONT;
}

double svg_formula_width(const char *s) { return formula(NULL, s); }

void svg_formula(struct buffer *out, double x, double y, enum anchor anchor, const char *class, const char *s) {
  if (!drawable(x, y)) return;
  open_text(out, x, y, anchor, class);
  formula(out, s);
  buffer_append_string(out, "</text>\n");
}

void svg_formula_upright(struct buffer *out, double x, double y, const char *s) {
  buffer_append_string(out, "<text transform=\"translate(");
  svg_number(out, x);
  buffer_put(out, ' ');
  svg_number(out, y);
  buffer_append_string(out, ") rotate(-90)\" text-anchor=\"middle\">");
  formula(out, s);
  buffer_append_string(out, "</text>\n");
}

/* ---- paths */

struct svg_path svg_path_begin(struct buffer *out, const char *class) {
  buffer_printf(out, "<path class=\"%s\" d=\"", class);
  return (struct svg_path){out, false};
}

static void put_point(struct buffer *out, char command, double x, double y) {
  buffer_put(out, command);
  svg_number(out, x);
  buffer_put(out, ' ');
  svg_number(out, y);
}

void svg_path_to(struct svg_path *path, double x, double y) {
  if (!drawable(x, y)) return;
  put_point(path->out, path->begun ? 'L' : 'M', x, y);
  path->begun = true;
}

void svg_path_lift(struct svg_path *path) { path->begun = false; }

void svg_path_end(struct svg_path *path, bool close) { buffer_append_string(path->out, close && path->begun ? "Z\"/>\n" : "\"/>\n"); }

void svg_line(struct buffer *out, const char *class, double x1, double y1, double x2, double y2) {
  if (!drawable(x1, y1) || !drawable(x2, y2)) return;
  struct svg_path path = svg_path_begin(out, class);
  svg_path_to(&path, x1, y1);
  svg_path_to(&path, x2, y2);
  svg_path_end(&path, false);
}

/* ---- marks, of about the same area */

static void polygon(struct buffer *out, double x, double y, const double (*corner)[2], int corners, double radius) {
  for (int i = 0; i < corners; i++) put_point(out, i ? 'L' : 'M', x + radius * corner[i][0], y + radius * corner[i][1]);
  buffer_put(out, 'Z');
}

void svg_mark(struct buffer *out, int shape, double x, double y, double radius, const char *class, const char *tooltip) {
  static const double square[][2] = {{-.9, -.9}, {.9, -.9}, {.9, .9}, {-.9, .9}}, triangle[][2] = {{0, -1.25}, {1.2, .85}, {-1.2, .85}},
                      diamond[][2] = {{0, -1.35}, {1.35, 0}, {0, 1.35}, {-1.35, 0}}, fallen[][2] = {{0, 1.25}, {1.2, -.85}, {-1.2, -.85}},
                      plus[][2] = {{-.42, -1.2}, {.42, -1.2}, {.42, -.42}, {1.2, -.42}, {1.2, .42}, {.42, .42},
                                   {.42, 1.2}, {-.42, 1.2}, {-.42, .42}, {-1.2, .42}, {-1.2, -.42}, {-.42, -.42}},
                      star[][2] = {{0, -1.45}, {.36, -.49}, {1.38, -.45}, {.58, .19}, {.85, 1.17}, {0, .61}, {-.85, 1.17}, {-.58, .19}, {-1.38, -.45}, {-.36, -.49}},
                      hourglass[][2] = {{-1.05, -1.1}, {1.05, -1.1}, {.25, 0}, {1.05, 1.1}, {-1.05, 1.1}, {-.25, 0}};
  if (!drawable(x, y)) return;
  buffer_printf(out, "<path class=\"%s\" d=\"", class);
  switch (shape % SVG_SHAPES) {
    case 1: polygon(out, x, y, square, 4, radius); break;
    case 2: polygon(out, x, y, triangle, 3, radius); break;
    case 3: polygon(out, x, y, diamond, 4, radius); break;
    case 4: polygon(out, x, y, fallen, 3, radius); break;
    case 5: polygon(out, x, y, plus, 12, radius); break;
    case 6: polygon(out, x, y, star, 10, radius); break;
    case 7: polygon(out, x, y, hourglass, 6, radius); break;
    default:
      put_point(out, 'M', x - radius, y);
      buffer_printf(out, "a%g %g 0 1 0 %g 0a%g %g 0 1 0 %g 0Z", radius, radius, 2 * radius, radius, radius, -2 * radius);
  }
  if (tooltip) {
    buffer_append_string(out, "\"><title>");
    svg_escape(out, tooltip);
    buffer_append_string(out, "</title></path>\n");
  } else {
    buffer_append_string(out, "\"/>\n");
  }
}

void svg_color(struct buffer *out, double fraction) {
  static const unsigned char stops[5][3] = {{68, 1, 84}, {62, 74, 137}, {38, 130, 142}, {53, 183, 121}, {122, 196, 70}};
  double at = fmin(fmax(fraction, 0), 1) * 4;
  int k = at >= 4 ? 3 : (int)at;
  double t = at - k;
  buffer_append_string(out, "#");
  for (int c = 0; c < 3; c++) buffer_printf(out, "%02x", (int)lround(stops[k][c] + t * (stops[k + 1][c] - stops[k][c])));
}
