/* SPDX-License-Identifier: MIT
 *
 * HTML as browsers read it: https://html.spec.whatwg.org/#tree-construction over html_tokenizer.h, with scripting off.
 *
 * Where it departs from the standard:
 * - Nothing is foster-parented: text and elements that stand in a table outside of cells stay there, because nodes lie in
 *   the order of the source (preorder), and a reader of text wants that order.
 * - Elements at HTML_DEPTH_MAX and below hang in the last one that is not so deep, without children of their own; behind
 *   HTML_NODES_MAX nodes there are no more.
 * - <noscript> behind a <head> tag is raw text, as with scripting on: otherwise a tracking pixel in it would end the head.
 * - An <iframe> or other raw text that nobody closes in a <noscript> ends with that: with scripting on, as pages are made for,
 *   it is text.
 * - Attributes are compared by the bytes of their tag where the standard allows three equal formatting elements, and of
 *   each list between two markers the last FORMATTING_MAX are opened again: pages that never close <font> stay small.
 * - The first newline in <pre>, <listing> and <textarea> is there: page.h leaves it out.
 * - Comments and doctypes leave no node; quirks mode is only told from a doctype that is missing or broken (it decides
 *   whether a table ends a paragraph); <annotation-xml> is no integration point; <font> never breaks out of a drawing.
 */
#ifndef WARC2TXT_HTML_PARSER_H
#define WARC2TXT_HTML_PARSER_H

#include "tools/warc2txt/html/html_tree.h"

struct html_parser; /* one per worker */

struct html_parser *html_parser_new(void);
void html_parser_free(struct html_parser *p);

/* The root is TAG_html; its children are head and body (or frameset, then an empty body).  `html`: valid UTF-8 without NUL;
 * may be written to (references are decoded in place) and must live and stay as long as the tree's content.  `deadline`:
 * progress_clock() value at which to give up (tree->timed_out), 0: none. */
void html_parse(struct html_parser *p, struct buffer *html, struct html_tree *tree, double deadline);

#endif
