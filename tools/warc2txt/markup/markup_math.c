/* SPDX-License-Identifier: MIT
 *
 * Formulas as LaTeX: the source where the page carries it, else made from MathML.
 *
 * Where pages carry it: <annotation encoding="application/x-tex"> in MathML (KaTeX, Wikipedia, pandoc), alttext of math
 * (LaTeXML), data-latex (MathJax 4), <script type="math/tex; mode=display"> (MathJax 2), spans and divs of class math
 * (Sphinx, pandoc, arithmatex), text between \( \) or \[ \], alternative text of images of class math, tex or latex.
 * MathML becomes LaTeX by a stack of tasks, each a node or a string, so that base, index and exponent come in LaTeX's
 * order without recursion and without copies.
 */
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/utf8.h"
#include "tools/warc2txt/markup/markup_writer.h"

/* ---- MathML */

struct symbol {
  uint32_t code;
  const char *tex;
};

/* By code point. */
static const struct symbol symbols[] = {
  {0x23, "\\#"}, {0x24, "\\$"}, {0x25, "\\%"}, {0x26, "\\&"}, {0x5F, "\\_"}, {0x7B, "\\{"}, {0x7D, "\\}"}, {0xA0, "\\ "}, {0xAC, "\\neg"}, {0xB1, "\\pm"},
  {0xB7, "\\cdot"}, {0xD7, "\\times"}, {0xF7, "\\div"}, {0x131, "\\imath"}, {0x237, "\\jmath"}, {0x393, "\\Gamma"}, {0x394, "\\Delta"}, {0x398, "\\Theta"},
  {0x39B, "\\Lambda"}, {0x39E, "\\Xi"}, {0x3A0, "\\Pi"}, {0x3A3, "\\Sigma"}, {0x3A5, "\\Upsilon"}, {0x3A6, "\\Phi"}, {0x3A8, "\\Psi"}, {0x3A9, "\\Omega"},
  {0x3B1, "\\alpha"}, {0x3B2, "\\beta"}, {0x3B3, "\\gamma"}, {0x3B4, "\\delta"}, {0x3B5, "\\varepsilon"}, {0x3B6, "\\zeta"}, {0x3B7, "\\eta"}, {0x3B8, "\\theta"},
  {0x3B9, "\\iota"}, {0x3BA, "\\kappa"}, {0x3BB, "\\lambda"}, {0x3BC, "\\mu"}, {0x3BD, "\\nu"}, {0x3BE, "\\xi"}, {0x3BF, "o"}, {0x3C0, "\\pi"}, {0x3C1, "\\rho"},
  {0x3C2, "\\varsigma"}, {0x3C3, "\\sigma"}, {0x3C4, "\\tau"}, {0x3C5, "\\upsilon"}, {0x3C6, "\\varphi"}, {0x3C7, "\\chi"}, {0x3C8, "\\psi"}, {0x3C9, "\\omega"},
  {0x3D1, "\\vartheta"}, {0x3D5, "\\phi"}, {0x3D6, "\\varpi"}, {0x3F1, "\\varrho"}, {0x3F5, "\\epsilon"}, {0x2016, "\\|"}, {0x2020, "\\dagger"}, {0x2021, "\\ddagger"},
  {0x2022, "\\bullet"}, {0x2026, "\\ldots"}, {0x2032, "'"}, {0x2033, "''"}, {0x2061, ""}, {0x2062, ""}, {0x2063, ""}, {0x2064, ""}, {0x2102, "\\mathbb{C}"},
  {0x210B, "\\mathcal{H}"}, {0x210F, "\\hbar"}, {0x2111, "\\Im"}, {0x2112, "\\mathcal{L}"}, {0x2113, "\\ell"}, {0x2115, "\\mathbb{N}"}, {0x2118, "\\wp"},
  {0x2119, "\\mathbb{P}"}, {0x211A, "\\mathbb{Q}"}, {0x211C, "\\Re"}, {0x211D, "\\mathbb{R}"}, {0x2124, "\\mathbb{Z}"}, {0x2130, "\\mathcal{E}"}, {0x2131, "\\mathcal{F}"},
  {0x2135, "\\aleph"}, {0x2190, "\\leftarrow"}, {0x2191, "\\uparrow"}, {0x2192, "\\to"}, {0x2193, "\\downarrow"}, {0x2194, "\\leftrightarrow"}, {0x21A6, "\\mapsto"},
  {0x21AA, "\\hookrightarrow"}, {0x21CC, "\\rightleftharpoons"}, {0x21D0, "\\Leftarrow"}, {0x21D2, "\\Rightarrow"}, {0x21D4, "\\Leftrightarrow"}, {0x2200, "\\forall"},
  {0x2202, "\\partial"}, {0x2203, "\\exists"}, {0x2204, "\\nexists"}, {0x2205, "\\emptyset"}, {0x2206, "\\Delta"}, {0x2207, "\\nabla"}, {0x2208, "\\in"}, {0x2209, "\\notin"},
  {0x220B, "\\ni"}, {0x220F, "\\prod"}, {0x2210, "\\coprod"}, {0x2211, "\\sum"}, {0x2212, "-"}, {0x2213, "\\mp"}, {0x2216, "\\setminus"}, {0x2217, "*"}, {0x2218, "\\circ"},
  {0x2219, "\\bullet"}, {0x221A, "\\surd"}, {0x221D, "\\propto"}, {0x221E, "\\infty"}, {0x2220, "\\angle"}, {0x2223, "\\mid"}, {0x2225, "\\parallel"}, {0x2227, "\\land"},
  {0x2228, "\\lor"}, {0x2229, "\\cap"}, {0x222A, "\\cup"}, {0x222B, "\\int"}, {0x222C, "\\iint"}, {0x222D, "\\iiint"}, {0x222E, "\\oint"}, {0x2234, "\\therefore"},
  {0x2235, "\\because"}, {0x223C, "\\sim"}, {0x2243, "\\simeq"}, {0x2245, "\\cong"}, {0x2248, "\\approx"}, {0x2254, ":="}, {0x2260, "\\neq"}, {0x2261, "\\equiv"},
  {0x2264, "\\leq"}, {0x2265, "\\geq"}, {0x226A, "\\ll"}, {0x226B, "\\gg"}, {0x227A, "\\prec"}, {0x227B, "\\succ"}, {0x2282, "\\subset"}, {0x2283, "\\supset"},
  {0x2286, "\\subseteq"}, {0x2287, "\\supseteq"}, {0x2295, "\\oplus"}, {0x2297, "\\otimes"}, {0x2299, "\\odot"}, {0x22A2, "\\vdash"}, {0x22A4, "\\top"}, {0x22A5, "\\perp"},
  {0x22A8, "\\models"}, {0x22C0, "\\bigwedge"}, {0x22C1, "\\bigvee"}, {0x22C2, "\\bigcap"}, {0x22C3, "\\bigcup"}, {0x22C5, "\\cdot"}, {0x22C6, "\\star"}, {0x22EE, "\\vdots"},
  {0x22EF, "\\cdots"}, {0x22F1, "\\ddots"}, {0x2308, "\\lceil"}, {0x2309, "\\rceil"}, {0x230A, "\\lfloor"}, {0x230B, "\\rfloor"}, {0x25A1, "\\square"}, {0x27E8, "\\langle"},
  {0x27E9, "\\rangle"}, {0x27F6, "\\longrightarrow"}, {0x27F9, "\\implies"}, {0x27FA, "\\iff"}, {0x2A7D, "\\leqslant"}, {0x2A7E, "\\geqslant"},
};

static const char *find_symbol(uint32_t code) {
  size_t low = 0, high = sizeof symbols / sizeof *symbols;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (symbols[middle].code < code) low = middle + 1;
    else high = middle;
  }
  return low < sizeof symbols / sizeof *symbols && symbols[low].code == code ? symbols[low].tex : NULL;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

enum { COMMAND_MAX = 24 }; /* letters of the longest command, about */

/* A space after a command that a letter would lengthen. */
static void put(struct buffer *tex, const char *s, size_t n) {
  if (n && is_letter(s[0]) && tex->len) {
    size_t i = tex->len, least = i > COMMAND_MAX ? i - COMMAND_MAX : 0; /* rows of letters are not read again for each */
    while (i > least && is_letter(tex->data[i - 1])) i--;
    if (i > 0 && i < tex->len && tex->data[i - 1] == '\\') buffer_put(tex, ' ');
  }
  buffer_append(tex, s, n);
}

static void put_string(struct buffer *tex, const char *s) { put(tex, s, strlen(s)); }

/* Letters and digits of the mathematical alphabets (U+1D400-1D7FF) -> command and base character. */
static bool alphabet(uint32_t c, const char **command, uint32_t *base) {
  static const char *const latin[] = {"\\mathbf", "", "\\boldsymbol", "\\mathcal", "\\mathcal", "\\mathfrak", "\\mathbb", "\\mathfrak", "\\mathsf", "\\mathsf",
                                      "\\mathsf", "\\mathsf", "\\mathtt"};
  static const char *const digits[] = {"\\mathbf", "\\mathbb", "\\mathsf", "\\mathsf", "\\mathtt"};
  if (c >= 0x1D400 && c <= 0x1D6A3) {
    uint32_t k = (c - 0x1D400) % 52;
    *command = latin[(c - 0x1D400) / 52];
    *base = k < 26 ? 'A' + k : 'a' + k - 26;
  } else if (c >= 0x1D6A8 && c <= 0x1D7C9) {
    uint32_t k = (c - 0x1D6A8) % 58;
    *command = (c - 0x1D6A8) / 58 == 1 ? "" : "\\boldsymbol";
    *base = k < 25 ? 0x391 + k : k == 25 ? 0x2207 : k < 51 ? 0x3B1 + k - 26 : k == 51 ? 0x2202 : 0x3F5;
  } else if (c >= 0x1D7CE && c <= 0x1D7FF) {
    *command = digits[(c - 0x1D7CE) / 10];
    *base = '0' + (c - 0x1D7CE) % 10;
  } else {
    return false;
  }
  return true;
}

static void put_code_point(struct buffer *tex, uint32_t c) {
  const char *command = "";
  uint32_t base = c;
  char bytes[4];
  bool styled = alphabet(c, &command, &base) && *command;
  if (styled) {
    put_string(tex, command);
    buffer_put(tex, '{');
  }
  const char *symbol = find_symbol(base);
  if (symbol) put_string(tex, symbol);
  else put(tex, bytes, (size_t)utf8_encode(base, bytes));
  if (styled) buffer_put(tex, '}');
}

static struct slice element_text(const struct html_tree *tree, uint32_t node) {
  for (uint32_t i = node + 1; i < tree->nodes[node].end; i++)
    if (tree->nodes[i].tag == TAG_text) return slice_trim(tree->nodes[i].text);
  return (struct slice){"", 0};
}

static bool is_function(struct slice s) {
  static const char *const names[] = {"arccos", "arcsin", "arctan", "arg", "cos", "cosh", "cot", "coth", "csc", "deg", "det", "dim", "exp", "gcd", "hom",
                                      "inf", "ker", "lg", "lim",
                                      "liminf", "limsup", "ln", "log", "max", "min", "Pr", "sec", "sin", "sinh", "sup", "tan", "tanh"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (slice_equal(s, slice_of(names[i]))) return true;
  return false;
}

static void put_leaf(const struct html_tree *tree, uint32_t node, struct buffer *tex) {
  struct slice s = element_text(tree, node);
  unsigned tag = tree->nodes[node].tag;
  if (tag == TAG_mtext || tag == TAG_ms) {
    if (s.len == 0) return;
    put_string(tex, "\\text{");
    buffer_append_slice(tex, s);
    buffer_put(tex, '}');
    return;
  }
  size_t characters = utf8_count(s.data, s.len);
  bool name = tag != TAG_mn && characters > 1 && is_letter(s.data[0]);
  for (size_t i = 0; i < s.len && name; i++) name = is_letter(s.data[i]);
  const char *style = NULL;
  const struct slice *variant = tree->nodes[node].attribute_count ? html_tree_value(tree, node, ATTRIBUTE_mathvariant) : NULL;
  if (variant) {
    if (slice_equal_nocase(*variant, SLICE("bold"))) style = "\\mathbf{";
    else if (slice_equal_nocase(*variant, SLICE("double-struck"))) style = "\\mathbb{";
    else if (slice_equal_nocase(*variant, SLICE("script"))) style = "\\mathcal{";
    else if (slice_equal_nocase(*variant, SLICE("fraktur"))) style = "\\mathfrak{";
    else if (slice_equal_nocase(*variant, SLICE("bold-italic"))) style = "\\boldsymbol{";
    else if (slice_equal_nocase(*variant, SLICE("normal")) && tag == TAG_mi && s.len && is_letter(s.data[0])) style = "\\mathrm{";
  }
  if (name && is_function(s)) {
    put_string(tex, "\\");
    buffer_append_slice(tex, s);
    return;
  }
  if (name && !style) style = "\\mathrm{";
  if (style) put_string(tex, style);
  for (size_t i = 0; i < s.len;) {
    uint32_t c;
    int invalid, n = utf8_decode(s.data + i, s.len - i, &c, &invalid);
    if (n <= 0) break;
    put_code_point(tex, c);
    i += (size_t)n;
  }
  if (style) buffer_put(tex, '}');
}

struct task {
  uint32_t node;
  const char *string; /* instead of a node */
};

struct tasks {
  struct task *data;
  size_t count, capacity;
};

static void push_node(struct tasks *t, uint32_t node) {
  GROW(t->data, t->capacity, t->count + 1);
  t->data[t->count++] = (struct task){node, NULL};
}

static void push_string(struct tasks *t, const char *s) {
  GROW(t->data, t->capacity, t->count + 1);
  t->data[t->count++] = (struct task){0, s};
}

/* The k-th element below a node, or 0. */
static uint32_t child(const struct html_tree *tree, uint32_t node, unsigned k) {
  for (uint32_t i = node + 1; i < tree->nodes[node].end; i = tree->nodes[i].end)
    if (tree->nodes[i].tag != TAG_text && k-- == 0) return i;
  return 0;
}

static void push_children(const struct html_tree *tree, uint32_t node, struct tasks *t) {
  size_t first = t->count;
  for (uint32_t i = node + 1; i < tree->nodes[node].end; i = tree->nodes[i].end)
    if (tree->nodes[i].tag != TAG_text || slice_trim(tree->nodes[i].text).len) push_node(t, i);
  for (size_t a = first, b = t->count; a + 1 < b; a++) { /* the first one is done first */
    struct task swap = t->data[a];
    t->data[a] = t->data[--b];
    t->data[b] = swap;
  }
}

/* A node in braces; pushed last, done first. */
static void push_group(struct tasks *t, uint32_t node) {
  push_string(t, "}");
  if (node) push_node(t, node);
  push_string(t, "{");
}

static bool is_leaf(unsigned tag) { return tag == TAG_mi || tag == TAG_mn || tag == TAG_mo; }

/* The base of a script: braces unless it is one token. */
static void push_base(const struct html_tree *tree, struct tasks *t, uint32_t node) {
  if (node && is_leaf(tree->nodes[node].tag)) push_node(t, node);
  else push_group(t, node);
}

/* Accents: what stands over or under says which. */
static const char *accent(struct slice s, bool over) {
  static const struct {
    const char *mark, *over, *under;
  } accents[] = {{"\xC2\xAF", "\\overline", "\\underline"}, {"_", "\\overline", "\\underline"}, {"\xE2\x80\xBE", "\\overline", "\\underline"}, {"\xE2\x88\x92",
                  "\\bar", "\\underline"},
                 {"^", "\\hat", NULL}, {"\xCB\x86", "\\hat", NULL}, {"~", "\\tilde", NULL}, {"\xCB\x9C", "\\tilde", NULL}, {"\xE2\x86\x92", "\\vec",
                  NULL}, {"\xE2\x83\x97", "\\vec", NULL},
                 {"\xCB\x99", "\\dot", NULL}, {".", "\\dot", NULL}, {"\xC2\xA8", "\\ddot", NULL}, {"\xCB\x87", "\\check", NULL}, {"\xCB\x98", "\\breve", NULL},
                 {"\xE2\x8F\x9E", "\\overbrace", NULL}, {"\xE2\x8F\x9F", NULL, "\\underbrace"}, {"-", "\\bar", "\\underline"}};
  for (size_t i = 0; i < sizeof accents / sizeof *accents; i++)
    if (slice_equal(s, slice_of(accents[i].mark))) return over ? accents[i].over : accents[i].under;
  return NULL;
}

/* Operators whose limits LaTeX writes as index and exponent. */
static bool takes_limits(const struct html_tree *tree, uint32_t node) {
  if (!node || !is_leaf(tree->nodes[node].tag)) return false;
  struct slice s = element_text(tree, node);
  if (is_function(s)) return true;
  uint32_t c = 0;
  int invalid;
  if (s.len == 0 || utf8_decode(s.data, s.len, &c, &invalid) <= 0) return false;
  return (c >= 0x220F && c <= 0x2211) || (c >= 0x222B && c <= 0x2233) || (c >= 0x22C0 && c <= 0x22C3);
}

static void push_element(const struct html_tree *tree, uint32_t node, struct tasks *t) {
  uint32_t a = child(tree, node, 0), b = child(tree, node, 1), c = child(tree, node, 2);
  switch (tree->nodes[node].tag) {
    case TAG_annotation:
    case TAG_mphantom:
    case TAG_mprescripts: break;
    case TAG_semantics:
    case TAG_maction: if (a) push_node(t, a); break;
    case TAG_msup:
      push_group(t, b);
      push_string(t, "^");
      push_base(tree, t, a);
      break;
    case TAG_msub:
      push_group(t, b);
      push_string(t, "_");
      push_base(tree, t, a);
      break;
    case TAG_msubsup:
    case TAG_munderover:
      push_group(t, c);
      push_string(t, "^");
      push_group(t, b);
      push_string(t, "_");
      push_base(tree, t, a);
      break;
    case TAG_munder:
    case TAG_mover: {
      bool over = tree->nodes[node].tag == TAG_mover;
      const char *command = b && is_leaf(tree->nodes[b].tag) ? accent(element_text(tree, b), over) : NULL;
      if (command) {
        push_group(t, a);
        push_string(t, command);
      } else if (takes_limits(tree, a)) {
        push_group(t, b);
        push_string(t, over ? "^" : "_");
        push_node(t, a);
      } else {
        push_group(t, a);
        push_group(t, b);
        push_string(t, over ? "\\overset" : "\\underset");
      }
      break;
    }
    case TAG_mfrac: {
      const struct slice *line = html_tree_value(tree, node, ATTRIBUTE_linethickness);
      push_group(t, b);
      push_group(t, a);
      push_string(t, line && line->len && line->data[0] == '0' ? "\\binom" : "\\frac");
      break;
    }
    case TAG_msqrt:
      push_string(t, "}");
      push_children(tree, node, t);
      push_string(t, "\\sqrt{");
      break;
    case TAG_mroot:
      push_group(t, a);
      push_string(t, "]");
      if (b) push_node(t, b);
      push_string(t, "\\sqrt[");
      break;
    case TAG_mfenced: {
      const struct slice *open = html_tree_value(tree, node, ATTRIBUTE_open), *close = html_tree_value(tree, node, ATTRIBUTE_close);
      static const char *const fences[][2] = {{"{", "\\{"}, {"}", "\\}"}, {"[", "["}, {"]", "]"}, {"|", "|"}, {"(", "("}, {")", ")"}, {"", ""}};
      const char *left = "(", *right = ")";
      for (size_t i = 0; i < sizeof fences / sizeof *fences; i++) {
        if (open && slice_equal(*open, slice_of(fences[i][0]))) left = fences[i][1];
        if (close && slice_equal(*close, slice_of(fences[i][0]))) right = fences[i][1];
      }
      push_string(t, right);
      size_t first = t->count;
      push_children(tree, node, t);
      size_t n = t->count - first;
      for (size_t i = 1; i < n; i++) push_string(t, ","); /* commas between: c , b , a from the top of the stack down */
      for (size_t i = n; n > 1 && i-- > 0;) {
        t->data[first + 2 * i] = t->data[first + i];
        if (i) t->data[first + 2 * i - 1] = (struct task){0, ","};
      }
      push_string(t, left);
      break;
    }
    case TAG_mtable:
      push_string(t, "\\end{matrix}");
      push_children(tree, node, t);
      push_string(t, "\\begin{matrix} ");
      break;
    case TAG_mtr:
    case TAG_mlabeledtr:
      if (tree->nodes[node].end < tree->nodes[tree->nodes[node].parent].end) push_string(t, " \\\\ ");
      else push_string(t, " ");
      push_children(tree, node, t);
      break;
    case TAG_mtd:
      if (tree->nodes[node].end < tree->nodes[tree->nodes[node].parent].end) push_string(t, " & ");
      push_children(tree, node, t);
      break;
    case TAG_mspace: push_string(t, " "); break;
    default: push_children(tree, node, t); break;
  }
}

void markup_mathml(const struct html_tree *tree, uint32_t math, struct buffer *tex) {
  struct tasks t = {0};
  push_node(&t, math);
  while (t.count) {
    struct task task = t.data[--t.count];
    const struct html_node *n = &tree->nodes[task.node];
    if (task.string) put_string(tex, task.string);
    else if (n->tag == TAG_text) buffer_append_slice(tex, slice_trim(n->text));
    else if (is_leaf(n->tag) || n->tag == TAG_mtext || n->tag == TAG_ms) put_leaf(tree, task.node, tex);
    else push_element(tree, task.node, &t);
  }
  free(t.data);
}

/* ---- where pages carry LaTeX */

/* Takes one pair of delimiters or wrappers off. */
static bool unwrap(struct slice *s, const char *open, const char *close) {
  size_t a = strlen(open), b = strlen(close);
  if (s->len < a + b || !slice_starts(*s, slice_of(open)) || memcmp(s->data + s->len - b, close, b) != 0) return false;
  *s = slice_trim((struct slice){s->data + a, s->len - a - b});
  return true;
}

/* LaTeX as pages have it -> without delimiters, XML's CDATA comments, MediaWiki's style and blank lines. */
static void put_source(struct slice s, struct buffer *tex, bool *display) {
  s = slice_trim(s);
  unwrap(&s, "% <![CDATA[", "%]]>");
  if (unwrap(&s, "$$", "$$") || unwrap(&s, "\\[", "\\]")) *display = true;
  else if (!unwrap(&s, "\\(", "\\)")) (void)(s.len > 2 && unwrap(&s, "$", "$"));
  static const char *const styles[] = {"{\\displaystyle ", "{\\textstyle ", "{\\displaystyle\n"};
  for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
    if (!slice_starts(s, slice_of(styles[i])) || s.data[s.len - 1] != '}') continue;
    int depth = 0;
    size_t k = 0;
    for (; k < s.len; k++) {
      if (s.data[k] == '\\' && k + 1 < s.len) k++;
      else if (s.data[k] == '{') depth++;
      else if (s.data[k] == '}' && --depth == 0) break;
    }
    if (k + 1 == s.len) s = slice_trim((struct slice){s.data + strlen(styles[i]), s.len - strlen(styles[i]) - 1});
    break;
  }
  size_t start = tex->len;
  for (size_t i = 0; i < s.len; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (c == '\r' || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F) continue;
    if (c == '\n') {
      while (tex->len > start && (tex->data[tex->len - 1] == ' ' || tex->data[tex->len - 1] == '\t')) tex->len--;
      if (tex->len == start || tex->data[tex->len - 1] == '\n') continue; /* no blank lines */
    }
    if (c == 0xC2 && i + 1 < s.len && (unsigned char)s.data[i + 1] == 0xA0) {
      c = ' ';
      i++;
    }
    if (c == '`' && tex->len > start + 1 && tex->data[tex->len - 1] == '`' && tex->data[tex->len - 2] == '`') continue; /* no fences */
    buffer_put(tex, (char)c);
  }
}

static bool is_tex(struct slice encoding) { return slice_find_nocase(encoding, SLICE("tex")) != NULL; }

static void math_element(const struct html_tree *tree, uint32_t node, struct buffer *tex, bool *display) {
  const struct slice *mode = html_tree_value(tree, node, ATTRIBUTE_display);
  if (mode && slice_equal_nocase(*mode, SLICE("block"))) *display = true;
  bool ignored = false;
  for (uint32_t i = node + 1; i < tree->nodes[node].end; i++) {
    if (tree->nodes[i].tag != TAG_annotation) continue;
    const struct slice *encoding = html_tree_value(tree, i, ATTRIBUTE_encoding);
    if (!encoding || !is_tex(*encoding) || tree->nodes[i].end != i + 2 || tree->nodes[i + 1].tag != TAG_text) continue;
    put_source(tree->nodes[i + 1].text, tex, &ignored);
    if (tex->len) return;
  }
  const struct slice *alternative = html_tree_value(tree, node, ATTRIBUTE_alttext);
  if (!alternative) alternative = html_tree_value(tree, node, ATTRIBUTE_data_latex);
  if (alternative && alternative->len) put_source(*alternative, tex, &ignored);
  if (tex->len) return;
  struct buffer made = {0};
  markup_mathml(tree, node, &made);
  put_source(buffer_slice(&made), tex, &ignored);
  buffer_release(&made);
}

static bool is_wikipedia_image(struct slice class) { return slice_find(class, SLICE("mwe-math-fallback")) != NULL; }

/* A span or div of class math whose text is LaTeX: with delimiters, or of pandoc's for KaTeX, without. */
static bool math_class(struct slice class, bool *bare, bool *display) {
  *bare = false;
  struct slice word;
  bool math = false;
  while (markup_class_word(&class, &word)) {
    if (slice_equal(word, SLICE("math")) || slice_equal(word, SLICE("arithmatex")) || slice_equal(word, SLICE("math-tex"))) math = true;
    else if (math && slice_equal(word, SLICE("inline"))) *bare = true;
    else if (math && slice_equal(word, SLICE("display"))) *bare = *display = true;
  }
  return math;
}

static bool delimited(struct slice s, bool *display) {
  s = slice_trim(s);
  if (s.len < 5 || s.data[0] != '\\') return false;
  char open = s.data[1], close = open == '(' ? ')' : open == '[' ? ']' : '\0';
  if (!close || s.data[s.len - 1] != close || s.data[s.len - 2] != '\\') return false;
  for (size_t i = 2; i + 2 < s.len; i++) { /* one formula, not several */
    if (s.data[i] != '\\') continue;
    if (s.data[i + 1] == close && i + 2 != s.len) return false;
    i++;
  }
  *display = open == '[';
  return true;
}

uint32_t markup_formula(struct markup *m, uint32_t node, struct buffer *tex, bool *display) {
  const struct html_tree *tree = m->tree;
  const struct html_node *nodes = tree->nodes, *n = &nodes[node];
  buffer_clear(tex);
  *display = false;
  switch (n->tag) {
    case TAG_text:
      if (!delimited(n->text, display)) return 0;
      put_source(n->text, tex, display);
      return n->end;
    case TAG_math: {
      math_element(tree, node, tex, display);
      /* KaTeX and MediaWiki say in a class around it that it is displayed */
      for (uint32_t up = n->parent, k = 0; k < 3 && up && !*display; up = nodes[up].parent, k++) {
        struct slice class = markup_class(tree, up);
        *display = markup_class_has(class, "katex-display") || markup_class_has(class, "mwe-math-mathml-display");
      }
      m->formula_end = n->end;
      return n->end;
    }
    case TAG_mjx: {
      const struct slice *mode = html_tree_value(tree, node, ATTRIBUTE_display);
      if (node < m->glyphs_end) return 0;
      for (uint32_t i = node + 1; i < n->end; i++) {
        if (nodes[i].tag != TAG_math) continue;
        math_element(tree, i, tex, display);
        if (mode && slice_equal_nocase(*mode, SLICE("true"))) *display = true;
        return n->end;
      }
      m->glyphs_end = n->end;
      return 0;
    }
    case TAG_script:
    case TAG_img: {
      struct slice source;
      if (!page_formula(tree, node, &source)) return 0;
      if (n->tag == TAG_script) {
        const struct slice *type = html_tree_value(tree, node, ATTRIBUTE_type);
        *display = type && slice_find_nocase(*type, SLICE("mode=display"));
      } else {
        struct slice class = markup_class(tree, node);
        if (is_wikipedia_image(class)) {
          *display = slice_find(class, SLICE("display")) != NULL;
          if (m->formula_end && node - m->formula_end <= 3) return n->end; /* MathML stood before it */
        }
        struct slice up = markup_class(tree, n->parent), above = markup_class(tree, nodes[n->parent].parent);
        bool block = (nodes[n->parent].tag == TAG_div && markup_class_has(up, "math")) || (nodes[n->parent].tag == TAG_p && markup_class_has(above, "math"));
        *display = *display || block;
      }
      put_source(source, tex, display);
      return n->end;
    }
    default: break;
  }
  /* span, div */
  struct slice class = markup_class(tree, node);
  if (class.len == 0) return 0;
  if (slice_starts(class, SLICE("MathJax"))) { /* MathJax 2's glyphs: the source follows in a script */
    uint32_t next = n->end;
    for (int k = 0; k < 3 && next < tree->node_count && nodes[next].parent == n->parent; k++) {
      struct slice source;
      if (nodes[next].tag == TAG_script) return page_formula(tree, next, &source) ? n->end : 0;
      next = nodes[next].end;
    }
    return 0;
  }
  bool bare;
  if (n->end != node + 2 || nodes[node + 1].tag != TAG_text || !math_class(class, &bare, display)) return 0;
  if (!bare && !delimited(nodes[node + 1].text, display)) return 0;
  put_source(nodes[node + 1].text, tex, display);
  return n->end;
}
