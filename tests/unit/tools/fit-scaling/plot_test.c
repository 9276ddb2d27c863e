/* SPDX-License-Identifier: MIT
 *
 * The SVG is well-formed whatever the texts and numbers are (read back with libxml2).
 */
#include "tools/fit-scaling/plot.h"

#include <libxml/parser.h>
#include <math.h>
#include <string.h>

#include "tests/tap.h"

static int count_of(const struct buffer *b, const char *needle) {
  int n = 0;
  struct slice rest = buffer_slice(b);
  for (const char *at; (at = slice_find(rest, slice_of(needle))) != NULL; n++) {
    rest.len -= (size_t)(at + 1 - rest.data);
    rest.data = at + 1;
  }
  return n;
}

static bool well_formed(const struct buffer *b) {
  xmlDoc *d = xmlReadMemory(b->data, (int)b->len, "plot.svg", NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  xmlFreeDoc(d);
  return d != NULL;
}

int main(void) {
  struct buffer b = {0};
  plot_escape(&b, "a<b> & \"c\" 'd' \x01 \xff");
  ok_string(buffer_string(&b), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39; \xef\xbf\xbd \xef\xbf\xbd", "text is escaped, what XML forbids replaced");
  buffer_clear(&b);

  struct law law = {1.7, 400, 400, .34, .28};
  struct run runs[12];
  for (int i = 0; i < 12; i++) {
    double budget = 1e18 * pow(10, i / 4), params = 1e8 * pow(3, i % 4);
    runs[i] = (struct run){params, budget / 6 / params, budget, 0};
    runs[i].loss = law_loss(&law, runs[i].params, runs[i].tokens);
  }
  struct plot_prediction predictions[] = {{"<script>&", 1e10, 1e12, 6e22, law_loss(&law, 1e10, 1e12), {2.2, 2.5, .1}}, {"nothing", NAN, NAN, 1e25, NAN, {NAN, NAN, NAN}}};
  struct plot plot = {"<title> & \"more\"", &law, runs, runs + 10, 10, 2, predictions, 2};
  plot_svg(&b, &plot);
  ok(well_formed(&b), "the plot is well-formed XML");
  ok_int(count_of(&b, "<circle"), 24, "every run stands in both panels");
  ok_int(count_of(&b, "class=\"curve\""), 3, "each budget has its curve");
  ok_int(count_of(&b, "(held out)"), 4, "held-out runs are marked");
  ok_int(count_of(&b, "class=\"whisker\""), 2, "an interval is drawn in both panels");
  ok_int(count_of(&b, "nan") + count_of(&b, "inf"), 0, "nothing that is not a number gets in");
  ok(!slice_find(buffer_slice(&b), SLICE("<script")), "labels cannot become markup");
  buffer_clear(&b);

  struct run one = {1e6, 1e8, 6e14, 3};
  struct law poor = {1e-11, 1e40, 1e-20, 4.9, 1e-3};
  plot_svg(&b, &(struct plot){"", &poor, &one, NULL, 1, 0, NULL, 0});
  ok(well_formed(&b) && count_of(&b, "nan") + count_of(&b, "inf") == 0, "a single run and a wild law still draw");
  buffer_release(&b);
  xmlCleanupParser();
  return tap_done();
}
