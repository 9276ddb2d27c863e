/* SPDX-License-Identifier: MIT
 *
 * The states of the tokenizer, included by html_tokenizer.c once for each width of vectors: STATES(name) is a name with the
 * width behind it, STATES_TARGET the attribute of its functions, STATES_WIDTH the bytes of a vector; vector, mask, load(),
 * equal(), up_to_space() and first() exist with these names.  No include guard.
 */

#define VECTOR STATES(vector)
#define MASK STATES(mask)
#define EQUAL(v, c) STATES(equal)(v, c)
#define FIND(p, matches)                                                          \
  for (;; (p) += STATES_WIDTH) {                                                  \
    VECTOR v = STATES(load)(p);                                                   \
    MASK m = (matches);                                                           \
    if (m) return (p) + STATES(first)(m);                                         \
  }

/* Each finds its byte in the page or in the guard behind it. */
STATES_TARGET static inline char *STATES(find_markup)(char *p) { FIND(p, EQUAL(v, '<') | EQUAL(v, '&')) }
STATES_TARGET static inline char *STATES(find_byte)(char *p, char c) { FIND(p, EQUAL(v, c)) }
STATES_TARGET static inline char *STATES(find_quote)(char *p, char quote) { FIND(p, EQUAL(v, quote) | EQUAL(v, '&')) }

STATES_TARGET static inline char *STATES(find_pair)(char *p, char a, char b) {
  for (;; p += STATES_WIDTH) {
    MASK m = EQUAL(STATES(load)(p), a) & EQUAL(STATES(load)(p + 1), b);
    if (m) return p + STATES(first)(m);
  }
}

/* The end of a tag's name and of an attribute's. */
STATES_TARGET static inline char *STATES(find_name_end)(char *p) {
  for (;; p++) { /* again behind a control character that is no blank */
    for (;; p += STATES_WIDTH) {
      VECTOR v = STATES(load)(p);
      MASK m = STATES(up_to_space)(v) | EQUAL(v, '/') | EQUAL(v, '>');
      if (!m) continue;
      p += STATES(first)(m);
      break;
    }
    if (is(*p, NAME_ENDS)) return p;
  }
}

STATES_TARGET static inline char *STATES(find_key_end)(char *p) {
  for (;; p++) {
    for (;; p += STATES_WIDTH) {
      VECTOR v = STATES(load)(p);
      MASK m = STATES(up_to_space)(v) | EQUAL(v, '/') | EQUAL(v, '>') | EQUAL(v, '=');
      if (!m) continue;
      p += STATES(first)(m);
      break;
    }
    if (is(*p, KEY_ENDS)) return p;
  }
}

STATES_TARGET static inline char *STATES(find_bare_end)(char *p) {
  for (;; p++) {
    for (;; p += STATES_WIDTH) {
      VECTOR v = STATES(load)(p);
      MASK m = STATES(up_to_space)(v) | EQUAL(v, '>');
      if (!m) continue;
      p += STATES(first)(m);
      break;
    }
    if (*p == '>' || is(*p, BLANK)) return p;
  }
}

/* ---- tags */

/* p stands on the first letter of the name. */
STATES_TARGET static inline enum html_token STATES(read_tag)(struct html_tokenizer *t, char *p, bool end_tag) {
  char *const end = t->end, *const name = p;
  struct html_tree *tree = t->tree;
  p = STATES(find_name_end)(p + 1);
  if (p >= end) goto cut;
  size_t n = (size_t)(p - name);
  struct name_key k = key_of(name, n);
  t->tag = n <= HTML_NAME_LONGEST ? (uint16_t)html_name_find(&html_tags, k.low, k.high) : TAG_unknown;
  if (t->tag == TAG_unknown && (*name | 32) >= 'a' && (*name | 32) <= 'm') t->tag = (uint16_t)html_tag_family(name, n);
  t->text = (struct slice){name, n};
  t->name = t->tag ? t->tag : hash_name(name, n);
  t->self_closing = false;
  t->attribute_count = 0;
  t->whole_count = 0;
  if (t->whole) lower_all(name, n);
  if (*p == '>') {
    t->at = p + 1;
    return end_tag ? TOKEN_END_TAG : TOKEN_START_TAG;
  }
  GROW(tree->attributes, tree->attribute_capacity, tree->attribute_count + ATTRIBUTE_COUNT); /* each name once at most */
  struct html_attribute *kept = tree->attributes + tree->attribute_count;
  uint64_t seen = end_tag ? ~UINT64_C(0) : 1; /* the unknown one is never kept */
  for (;;) {
    while (is(*p, BLANK)) p++;
    if (*p == '>') break; /* the guard begins with '<', so the page is not over */
    if (*p == '/') {
      if (p[1] == '>' && p + 1 < end) {
        t->self_closing = true;
        p++;
        break;
      }
      p++;
      continue;
    }
    if (p >= end) goto cut;
    char *key = p;
    p = STATES(find_key_end)(p + 1);
    if (p >= end) goto cut;
    size_t key_len = (size_t)(p - key);
    unsigned attribute = 0;
    if (key_len <= HTML_NAME_LONGEST) {
      struct name_key a = key_of(key, key_len);
      attribute = html_name_find(&html_attributes, a.low, a.high);
    }
    bool keep = !(seen >> attribute & 1);
    seen |= UINT64_C(1) << attribute;
    struct slice value = {"", 0};
    while (is(*p, BLANK)) p++;
    if (*p == '=') {
      p++;
      while (is(*p, BLANK)) p++;
      if (p >= end) goto cut;
      if (*p == '"' || *p == '\'') {
        char quote = *p, *start = ++p;
        if (keep || t->whole) {
          p = STATES(find_quote)(p, quote);
          bool references = *p == '&';
          if (references) p = STATES(find_byte)(p, quote);
          if (p >= end) goto cut;
          value = references ? decode_value(tree, start, (size_t)(p - start)) : (struct slice){start, (size_t)(p - start)};
        } else {
          p = STATES(find_byte)(p, quote);
          if (p >= end) goto cut;
        }
        p++;
      } else if (*p != '>') {
        char *start = p;
        p = STATES(find_bare_end)(p);
        if (p >= end) goto cut;
        value = (struct slice){start, (size_t)(p - start)};
        if ((keep || t->whole) && memchr(start, '&', value.len)) value = decode_value(tree, start, value.len);
      }
    }
    if (keep) kept[t->attribute_count++] = (struct html_attribute){value, (uint16_t)attribute};
    if (t->whole) {
      lower_all(key, key_len);
      GROW(t->attributes, t->whole_capacity, t->whole_count + 1);
      t->attributes[t->whole_count++] = (struct html_whole_attribute){{key, key_len}, value};
    }
  }
  t->at = p + 1;
  return end_tag ? TOKEN_END_TAG : TOKEN_START_TAG;
cut: /* the page ends inside of the tag */
  t->at = end;
  t->attribute_count = 0;
  return TOKEN_END;
}

/* ---- text with references */

/* p, a '<', begins what ends a text in this state. */
static inline bool STATES(ends_text)(const struct html_tokenizer *t, const char *p) {
  const char *end = t->end;
  if (t->state == STATE_DATA) {
    if (!is(p[1], OPENS)) return false;
    return p[1] != '/' || p + 2 < end;
  }
  return p[1] == '/' && (ends_with_tag(p + 2, end, t->raw) || ends_with_tag(p + 2, end, t->around)); /* of RCDATA and so on: the end tag */
}

/* Text from start on, with the first reference at p, up to markup. */
STATES_TARGET static enum html_token STATES(read_references)(struct html_tokenizer *t, char *start, char *p) {
  char *const end = t->end, *to = p;
  for (;;) {
    if (p >= end) {
      p = end;
      break;
    }
    if (*p == '<') {
      if (STATES(ends_text)(t, p)) break;
      *to++ = *p++;
    } else {
      char text[8];
      size_t len, taken = reference(p, end, false, text, &len);
      if (!taken) {
        text[0] = '&';
        taken = len = 1;
      }
      if (to + len > p + taken) { /* it does not fit: what is before is a token, and so is the reference */
        if (to > start) break;
        char *bytes = html_tree_bytes(t->tree, len);
        memcpy(bytes, text, len);
        t->text = (struct slice){bytes, len};
        t->at = p + taken;
        return TOKEN_TEXT;
      }
      memcpy(to, text, len);
      to += len;
      p += taken;
    }
    char *next = STATES(find_markup)(p);
    if (next > end) next = end;
    if (to != p) memmove(to, p, (size_t)(next - p));
    to += next - p;
    p = next;
  }
  t->text = (struct slice){start, (size_t)(to - start)};
  t->at = p;
  return TOKEN_TEXT;
}

/* ---- script */

/* The '<' of the end tag of a script whose text begins at p, or the end of the page.  Inside <!-- --> a <script> has its
 * own </script>. */
STATES_TARGET static char *STATES(script_end)(struct html_tokenizer *t, char *p) {
  char *const end = t->end;
  enum { PLAIN, ESCAPED, DOUBLY } depth = PLAIN;
  for (;;) {
    if (depth == PLAIN) {
      p = STATES(find_byte)(p, '<');
      if (p >= end) return end;
      if (p[1] == '/' && STATES(ends_text)(t, p)) return p;
      if (end - p >= 4 && p[1] == '!' && p[2] == '-' && p[3] == '-') {
        depth = ESCAPED;
        p += 2; /* its dashes may belong to --> */
      } else {
        p++;
      }
      continue;
    }
    while (p < end && *p != '<' && *p != '-') p++;
    if (p >= end) return end;
    if (*p == '-') {
      if (end - p >= 3 && p[1] == '-' && p[2] == '>') {
        depth = PLAIN;
        p += 2;
      }
      p++;
      continue;
    }
    if (depth == ESCAPED && p[1] == '/' && STATES(ends_text)(t, p)) return p;
    bool closing = p[1] == '/';
    const char *word = p + 1 + closing;
    if (closing == (depth == DOUBLY) && end - word > 6 && slice_starts_nocase((struct slice){word, 6}, SLICE("script")) && is(word[6], NAME_ENDS))
      depth = closing ? ESCAPED : DOUBLY;
    p++;
  }
}

/* ---- content models other than data */

STATES_TARGET static enum html_token STATES(read_raw)(struct html_tokenizer *t) {
  char *start = t->at, *p = start, *const end = t->end;
  switch (t->state) {
    case STATE_CDATA:
      p = end - p >= 3 ? memmem(p, (size_t)(end - p), "]]>", 3) : NULL;
      t->state = STATE_DATA;
      t->text = (struct slice){start, (size_t)((p ? p : end) - start)};
      t->at = p ? p + 3 : end;
      return TOKEN_TEXT; /* of no bytes perhaps */
    case STATE_PLAINTEXT: p = end; break;
    case STATE_SCRIPT: p = STATES(script_end)(t, p); break;
    case STATE_RCDATA:
      for (p = STATES(find_markup)(p); p < end && *p != '&' && !STATES(ends_text)(t, p);) p = STATES(find_markup)(p + 1);
      if (p < end && *p == '&') return STATES(read_references)(t, start, p);
      break;
    default:
      for (p = STATES(find_pair)(p, '<', '/'); p < end && !STATES(ends_text)(t, p);) p = STATES(find_pair)(p + 1, '<', '/');
      break;
  }
  if (p > end) p = end;
  if (p > start) {
    t->text = (struct slice){start, (size_t)(p - start)};
    t->at = p;
    return TOKEN_TEXT;
  }
  if (p == end) return TOKEN_END;
  t->state = STATE_DATA;
  return STATES(read_tag)(t, p + 2, true);
}

/* ---- <! and <? */

STATES_TARGET static char *STATES(comment)(struct html_tokenizer *t, char *start) {
  char *const end = t->end, *p = start;
  t->text = (struct slice){start, 0};
  if (p < end && *p == '>') return p + 1;
  if (end - p >= 2 && p[0] == '-' && p[1] == '>') return p + 2;
  for (;; p++) {
    p = STATES(find_pair)(p, '-', '-');
    if (p + 2 >= end) break;
    if (p[2] == '>') {
      t->text.len = (size_t)(p - start);
      return p + 3;
    }
    if (p[2] == '!' && p + 3 < end && p[3] == '>') {
      t->text.len = (size_t)(p - start);
      return p + 4;
    }
  }
  size_t n = (size_t)(end - start); /* dashes that could have been its end are not its text */
  if (n >= 3 && memcmp(end - 3, "--!", 3) == 0) n -= 3;
  else if (n >= 2 && memcmp(end - 2, "--", 2) == 0) n -= 2;
  else if (n >= 1 && end[-1] == '-') n--;
  t->text.len = n;
  return end;
}

STATES_TARGET static enum html_token STATES(bogus_comment)(struct html_tokenizer *t, char *p) {
  char *close = STATES(find_byte)(p, '>');
  if (close > t->end) close = t->end;
  t->text = (struct slice){p, (size_t)(close - p)};
  t->at = close < t->end ? close + 1 : t->end;
  return TOKEN_COMMENT;
}

STATES_TARGET static enum html_token STATES(declaration)(struct html_tokenizer *t, char *p) { /* p stands behind "<!" */
  const char *const end = t->end;
  if (end - p >= 2 && p[0] == '-' && p[1] == '-') {
    t->at = STATES(comment)(t, p + 2);
    return TOKEN_COMMENT;
  }
  if (word_at(p, end, "doctype")) {
    t->at = doctype(t, p + 7);
    return TOKEN_DOCTYPE;
  }
  if (t->cdata && end - p >= 7 && memcmp(p, "[CDATA[", 7) == 0) {
    t->at = p + 7;
    t->state = STATE_CDATA;
    return STATES(read_raw)(t);
  }
  return STATES(bogus_comment)(t, p);
}

/* ---- data */

STATES_TARGET static enum html_token STATES(step)(struct html_tokenizer *t) {
  if (t->state != STATE_DATA) return STATES(read_raw)(t);
  for (;;) {
    char *const start = t->at, *const end = t->end, *p = start;
    if (p >= end) return TOKEN_END;
    for (;; p++) { /* '<' that begin nothing are text */
      if (*p != '<') p = STATES(find_markup)(p);
      if (p >= end) {
        p = end;
        break;
      }
      if (*p == '&') return STATES(read_references)(t, start, p);
      if (is(p[1], OPENS) && (p[1] != '/' || p + 2 < end)) break;
    }
    if (p > start) {
      t->text = (struct slice){start, (size_t)(p - start)};
      t->at = p;
      return TOKEN_TEXT;
    }
    char c = p[1];
    if (is(c, LETTER)) return STATES(read_tag)(t, p + 1, false);
    if (c == '/') {
      if (is(p[2], LETTER)) return STATES(read_tag)(t, p + 2, true);
      if (p[2] == '>') {
        t->at = p + 3;
        continue;
      }
    }
    enum html_token token = c == '!' ? STATES(declaration)(t, p + 2) : STATES(bogus_comment)(t, c == '/' ? p + 2 : p + 1);
    if (token != TOKEN_COMMENT || t->whole) return token;
  }
}

#undef VECTOR
#undef MASK
#undef EQUAL
#undef FIND
