/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/html/xml.h"


#include "common/base/progress.h"
#include "tests/hostile.h"
#include "tests/tap.h"

static struct html_tree tree;
static struct feed feed;
static struct buffer shown;

/* "html(head(title(#T))body(p(#a,b(#c))))" */
static const char *show(void) {
  buffer_clear(&shown);
  for (size_t i = 0; i < tree.node_count; i++) {
    const struct html_node *node = &tree.nodes[i];
    if (node->tag == TAG_text) buffer_printf(&shown, "#%.*s", (int)node->text.len, node->text.data);
    else buffer_append_string(&shown, html_tag_name[node->tag]);
    if (node->end > i + 1) buffer_put(&shown, '(');
    for (uint32_t at = (uint32_t)i; node->end == i + 1 || at == i;) { /* closes all that end here */
      if (tree.nodes[at].end != i + 1) break;
      if (at != i) buffer_put(&shown, ')');
      if (at == 0) break;
      at = tree.nodes[at].parent;
    }
  }
  return buffer_string(&shown);
}

static bool parse(const char *xml) {
  struct buffer b = {0};
  buffer_append_string(&b, xml);
  bool good = xml_parse(&b, &tree, 0);
  show();
  buffer_release(&b);
  return good;
}

static const char *entries(const char *xml) {
  struct buffer b = {0};
  buffer_append_string(&b, xml);
  buffer_clear(&shown);
  if (feed_parse(&b, &feed, 0)) {
    for (size_t i = 0; i < feed.count; i++)
      buffer_printf(&shown, "[%.*s|%.*s]", (int)feed.entries[i].title_len, feed.bytes.data + feed.entries[i].title, (int)feed.entries[i].content_len, feed.bytes.data + feed.entries[i].content);
  } else {
    buffer_append_string(&shown, "no feed");
  }
  buffer_release(&b);
  return buffer_string(&shown);
}

static const char *locations(const char *xml) {
  struct buffer b = {0};
  bool timed_out;
  buffer_append_string(&b, xml);
  buffer_clear(&shown);
  if (!sitemap_parse(&b, &shown, 0, &timed_out)) buffer_append_string(&shown, "no sitemap");
  buffer_release(&b);
  return buffer_string(&shown);
}

int main(void) {
  ok(parse("<?xml version='1.0' encoding='iso-8859-1'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title>T</title></head><body><p>a<br/>\xC3\xA9<b>c</b></p></body></html>"), "XHTML is parsed");
  ok_string(shown.data, "html(head(title(#T))body(p(#abr#\xC3\xA9" "b(#c))))", "as a tree; the declared encoding is that of before");
  ok(parse("<html><head/><body><p title='x&eacute;&amp;y'>a&nbsp;b&mdash;c&#x41;&lt;</p><script><![CDATA[1<2]]></script></body></html>"), "names of HTML's entities are known without a document type");
  const struct slice *title = NULL;
  for (uint32_t i = 0; i < tree.node_count; i++)
    if (tree.nodes[i].tag == TAG_p) title = html_tree_value(&tree, i, ATTRIBUTE_title);
  ok(title && slice_equal(*title, SLICE("x\xC3\xA9&y")), "in attributes too, and references are undone there");
  ok(strstr(shown.data, "\xC2\xA0" "b\xE2\x80\x94" "c") && strstr(shown.data, "1<2"), "in text, and CDATA is text");
  ok(parse("<x:html xmlns:x='http://www.w3.org/1999/xhtml'><x:body><x:p>a</x:p><svg xmlns='http://www.w3.org/2000/svg'/><p xmlns='urn:other'/></x:body></x:html>"), "prefixes are names of the same elements");
  ok_string(shown.data, "html(body(p(#a)svg))", "elements of other vocabularies are unknown ones");
  ok(!parse("<html><body><p>a<p>b</body></html>"), "what is not well formed is for the HTML parser");
  ok(!parse("<html><body>&undefined;</body></html>"), "as are entities that nobody knows");
  ok(!parse("<html><head/></html>") && !parse("<p>a</p>") && !parse(""), "no body, no html, nothing: not ours");
  ok(!parse("<!DOCTYPE html [<!ATTLIST p a CDATA 'x'>]><html><body/></html>"), "declared attributes are not for libxml2");
  ok(!parse("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><html><body>&x;</body></html>"), "no file is read for an entity");

  struct buffer b = {0};
  buffer_append_string(&b, "<?xml version='1.0'?><!DOCTYPE html [<!ENTITY a0 'ha'>");
  for (int i = 1; i < 30; i++) buffer_printf(&b, "<!ENTITY a%d '&a%d;&a%d;&a%d;&a%d;'>", i, i - 1, i - 1, i - 1, i - 1);
  buffer_append_string(&b, "]><html><body><p>&a29;</p></body></html>");
  double start = progress_clock();
  ok(!xml_parse(&b, &tree, start + 30) && !tree.timed_out, "a billion laughs are not well formed, at once");
  buffer_clear(&b);
  buffer_append_string(&b, "<html><body><p ");
  for (int i = 0; i < 200000; i++) buffer_printf(&b, "a%d='' ", i);
  buffer_append_string(&b, "/></body></html>");
  ok(!xml_parse(&b, &tree, 0), "200,000 attributes are not compared pair by pair");
  buffer_clear(&b);
  buffer_append_string(&b, "<html><body>");
  repeat(&b, "<div>", 100000);
  ok(!xml_parse(&b, &tree, 0), "100,000 open elements are over libxml2's depth");
  buffer_clear(&b);
  buffer_append_string(&b, "<html><body>");
  repeat(&b, "<p>x</p>", 200000);
  buffer_append_string(&b, "</body></html>");
  ok(xml_parse(&b, &tree, progress_clock() - 1) && tree.timed_out && tree.node_count < 2000, "a deadline ends the parse");
  buffer_clear(&b);
  buffer_append_string(&b, "<html><body>");
  repeat(&b, "<p>x</p>", 20000);
  buffer_append_string(&b, "</body></html>");
  ok(xml_parse(&b, &tree, 0) && tree.node_count == 2 + 40000, "a long page is whole");
  buffer_release(&b);

  ok_string(entries("<rss version='2.0'><channel><title>Site</title><item><title>A &amp;amp; B</title><description>short</description>"
                    "<content:encoded xmlns:content='http://purl.org/rss/1.0/modules/content/'><![CDATA[<p>long</p>]]></content:encoded></item>"
                    "<item><description>&lt;b&gt;two&lt;/b&gt;</description><media:title xmlns:media='m'>no</media:title></item><item/></channel></rss>"),
            "[A &amp; B|<p>long</p>][|<b>two</b>]", "RSS: content:encoded before description, both HTML; the channel's title is none of an entry");
  ok_string(entries("<feed xmlns='http://www.w3.org/2005/Atom'><entry><title>1 &lt; 2</title><summary>s</summary><content type='html'>&lt;p&gt;x</content></entry>"
                    "<entry><title type='html'>&lt;i&gt;t</title><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>a &amp; <b>b</b><br/></div></content></entry>"
                    "<entry><content type='image/png'>aGVsbG8=</content></entry></feed>"),
            "[1 &lt; 2|<p>x][<i>t|<div>a &amp; <b>b</b><br></div>]", "Atom: text, html and xhtml content; others are nothing");
  ok_string(entries("<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'><channel/><item><title>t</title><description>d</description></item></rdf:RDF>"),
            "[t|d]", "RSS 1.0");
  ok_string(entries("<rss><channel><item><title>AT&T &nbsp; news</title></item><item><title>b</title>"), "[AT \xC2\xA0 news|][b|]", "of a broken feed what is there is taken");
  ok_string(entries("<html><body>no</body></html>"), "no feed", "a page is no feed");
  ok_string(locations("<urlset xmlns='s' xmlns:image='i'><url><loc> http://a.example/1?a=1&amp;b=2\n</loc><image:image><image:loc>http://a.example/i</image:loc></image:image></url>"
                      "<url><loc>http://a.example/2</loc><lastmod>2026</lastmod></url></urlset>"),
            "http://a.example/1?a=1&b=2\nhttp://a.example/2\n", "a sitemap: one URL a line, no images");
  ok_string(locations("<sitemapindex><sitemap><loc>http://a.example/s.xml</loc></sitemap></sitemapindex>"), "http://a.example/s.xml\n", "an index of sitemaps");
  ok_string(locations("<rss/>"), "no sitemap", "a feed is no sitemap");
  html_tree_release(&tree);
  feed_release(&feed);
  buffer_release(&shown);
  return tap_done();
}
