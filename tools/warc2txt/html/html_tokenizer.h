/* SPDX-License-Identifier: MIT
 *
 * The tokenizer of https://html.spec.whatwg.org/#tokenization, driven token by token by html_parser.h, which also sets the
 * content model (state) after tags such as <script>.
 *
 * It works in the page's own bytes: text and values are slices of them, character references are decoded in place (into
 * html_tree_bytes() where the decoded value is the longer one), line ends are made LF before.  The page is all there, so a
 * tag or comment is read to its end in one go and states inside of them are places in the code.
 *
 * The parser needs no comments, no doctype but for its quirks and only the attributes of HTML_ATTRIBUTES: they land behind
 * tree->attributes[tree->attribute_count], for the parser to take or to leave.  `whole` gives everything instead, for tests
 * against the standard; both ways go through the same states.
 *
 * Parse errors are not reported.  NUL is an ordinary character here, because decoders remove it before.
 */
#ifndef WARC2TXT_HTML_TOKENIZER_H
#define WARC2TXT_HTML_TOKENIZER_H

#include "tools/warc2txt/html/html_tree.h"

enum html_token { TOKEN_END, TOKEN_TEXT, TOKEN_START_TAG, TOKEN_END_TAG, TOKEN_COMMENT, TOKEN_DOCTYPE };

enum html_state { STATE_DATA, STATE_RCDATA, STATE_RAWTEXT, STATE_SCRIPT, STATE_PLAINTEXT, STATE_CDATA };

struct html_whole_attribute {
  struct slice name, value;
};

struct html_tokenizer {   /* html_tokenizer_start() sets it up */
  char *at, *end;
  struct html_tree *tree;
  enum html_token (*step)(struct html_tokenizer *t);
  enum html_state state;  /* RCDATA, RAWTEXT and SCRIPT end with the end tag of `raw`, CDATA with its brackets */
  struct slice raw;       /* a name, any case */
  struct slice around;    /* another name whose end tag ends them; empty: none */
  bool cdata;             /* <![CDATA[ is what it says: the parser is in foreign content */
  bool whole;

  /* the last token */
  struct slice text;      /* of TEXT and COMMENT; the name of a tag or DOCTYPE, in lower case only with `whole` */
  uint16_t tag;
  bool self_closing;
  uint32_t name;          /* hash of a tag's name */
  uint32_t attribute_count; /* kept ones */
  bool force_quirks, has_name, has_public, has_system; /* of DOCTYPE */
  struct slice public_id, system_id;
  struct html_whole_attribute *attributes; /* with `whole`; the caller frees them */
  size_t whole_count, whole_capacity;
};

/* `html` is given room behind its end, and line ends are made LF. */
void html_tokenizer_start(struct html_tokenizer *t, struct buffer *html, struct html_tree *tree, enum html_state state);

static inline enum html_token html_tokenizer_next(struct html_tokenizer *t) { return t->step(t); }

#endif
