/* SPDX-License-Identifier: MIT
 *
 * Each kind in turn reads the text that the last one left; what is found and kept is consumed as re.sub() consumes it.
 */
#include "tools/qfilter/pii/mask.h"

#include <xxhash.h>

#include "common/base/utf8.h"
#include "tools/qfilter/pii/address.h"
#include "tools/qfilter/pii/card.h"
#include "tools/qfilter/pii/email.h"
#include "tools/qfilter/pii/phone.h"
#include "tools/qfilter/pii/secret.h"

const char *const mask_names[MASK_KINDS] = {"secret", "email", "card", "ipv4", "ipv6", "phone"};
static finder *const finders[MASK_KINDS] = {secret_find, email_find, card_find, ipv4_find, ipv6_find, phone_find};

/* What may take the place of a kind: `text`, in which %h is eight hexadecimal digits, then at most `digits` digits. */
struct shape {
  enum mask_kind kind;
  const char *text;
  size_t digits;
};

static const struct shape shapes[] = {
    {MASK_SECRET, "SECRET_%h", 0},    {MASK_EMAIL, "email@example.com", 0}, {MASK_EMAIL, "firstname.lastname@example.org", 0}, {MASK_CARD, "0000-0000-0000-", 4},
    {MASK_IPV4, "192.0.2.", 3},       {MASK_IPV6, "2001:db8::", 4},         {MASK_PHONE, "202-555-01", 2},
};

static bool is_hex(char c) { return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

/* Length of the shape at p, 0 when it is not there. */
static size_t shape_length(const struct shape *shape, const char *p, size_t n) {
  const char *percent = strstr(shape->text, "%h");
  size_t before = percent ? (size_t)(percent - shape->text) : strlen(shape->text), after = percent ? strlen(percent + 2) : 0, length = before;
  if (n < before || memcmp(p, shape->text, before) != 0) return 0;
  if (percent) {
    for (int i = 0; i < 8; i++, length++)
      if (length == n || !is_hex(p[length])) return 0;
    if (n - length < after || memcmp(p + length, percent + 2, after) != 0) return 0;
    length += after;
  }
  for (size_t i = 0; i < shape->digits && length < n && is_hex(p[length]); i++) length++;
  return length;
}

/* Whether a stand-in begins in the match or reaches into it: then the match was made by an earlier replacement. */
static bool touches_stand_in(const struct mask *mask, struct slice text, struct match m) {
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    struct shape shape = shapes[i];
    if (mask->as[shape.kind]) shape = (struct shape){shape.kind, mask->as[shape.kind], 0};
    const char *percent = strstr(shape.text, "%h");
    size_t reach = strlen(shape.text) + 8, before = percent ? (size_t)(percent - shape.text) : strlen(shape.text);
    if (before == 0) continue; /* cannot be told from other text */
    size_t from = m.start > reach ? m.start - reach : 0, to = m.end + before < text.len ? m.end + before : text.len;
    for (const char *p; (p = memmem(text.data + from, to - from, shape.text, before)) != NULL; from = (size_t)(p - text.data) + 1) {
      size_t at = (size_t)(p - text.data), length = shape_length(&shape, p, text.len - at);
      if (length && at < m.end && at + length > m.start) return true;
    }
  }
  return false;
}

/* Appends what takes the place of the match; false: it stays as it is. */
static bool stand_in(const struct mask *mask, enum mask_kind kind, struct slice text, struct match m, struct buffer *out) {
  struct slice found = {text.data + m.start, m.end - m.start};
  unsigned hash = (unsigned)(XXH3_64bits(found.data, found.len) & 0xFFFFFFFFu);
  if (kind == MASK_IPV4 && !mask->any_address && !ipv4_is_global(found.data, found.len)) return false;
  if (touches_stand_in(mask, text, m)) return false;
  if (mask->as[kind]) {
    const char *as = mask->as[kind], *percent = strstr(as, "%h");
    buffer_append(out, as, percent ? (size_t)(percent - as) : strlen(as));
    if (percent) buffer_printf(out, "%08x%s", hash, percent + 2);
    return true;
  }
  switch (kind) {
    case MASK_SECRET: buffer_printf(out, "SECRET_%08x", hash); return true;
    case MASK_EMAIL: buffer_append_string(out, hash % 2 ? "firstname.lastname@example.org" : "email@example.com"); return true;
    case MASK_CARD: buffer_printf(out, "0000-0000-0000-%04u", hash % 10000); return true;
    case MASK_IPV4: buffer_printf(out, "192.0.2.%u", hash % 254 + 1); return true;
    case MASK_IPV6: buffer_printf(out, "2001:db8::%x", hash % 65534 + 1); return true;
    case MASK_PHONE: buffer_printf(out, "202-555-01%02u", hash % 100); return true;
    default: return false;
  }
}

static struct slice replace(const struct mask *mask, enum mask_kind kind, struct slice text, struct buffer *out, uint64_t *count) {
  size_t from = 0, searched = 0, copied = 0;
  struct match m;
  finder *find = kind == MASK_IPV6 && mask->any_address ? ipv6_find_any : finders[kind];
  buffer_clear(out);
  while (find(text, from, &searched, &m)) {
    size_t length = out->len;
    buffer_append(out, text.data + copied, m.start - copied);
    if (stand_in(mask, kind, text, m, out)) {
      copied = m.end;
      (*count)++;
    } else {
      out->len = length;
    }
    from = m.end;
  }
  if (copied == 0) return text;
  buffer_append(out, text.data + copied, text.len - copied);
  return buffer_slice(out);
}

/* The kinds of one name, 0 when it is unknown. */
static unsigned kinds_of(struct slice name) {
  for (int k = 0; k < MASK_KINDS; k++)
    if (slice_equal(name, slice_of(mask_names[k]))) return 1u << k;
  if (slice_equal(name, SLICE("ip")) || slice_equal(name, SLICE("any-ip"))) return 1u << MASK_IPV4 | 1u << MASK_IPV6;
  return slice_equal(name, SLICE("all")) ? (1u << MASK_KINDS) - 1 : 0;
}

int mask_parse(const char *names, struct mask *mask, struct err *e) {
  while (*names) {
    size_t n = strcspn(names, ",");
    unsigned kinds = kinds_of((struct slice){names, n});
    if (!kinds) return err_usage(e, "'%.*s' is none of email, phone, ip, any-ip, ipv4, ipv6, card, secret, all", (int)n, names);
    mask->kinds |= kinds;
    mask->any_address |= slice_equal((struct slice){names, n}, SLICE("any-ip"));
    names += n + (names[n] == ',');
  }
  return 0;
}

int mask_parse_as(const char *assignment, struct mask *mask, struct err *e) {
  size_t n = strcspn(assignment, "=");
  unsigned kinds = kinds_of((struct slice){assignment, n});
  if (!assignment[n] || !kinds) return err_usage(e, "%s: KIND=TEXT is wanted, with a kind that --mask takes", assignment);
  size_t length = strlen(assignment + n + 1);
  if (utf8_valid_prefix(assignment + n + 1, length) != length) return err_usage(e, "the text for %.*s is not UTF-8", (int)n, assignment);
  for (int k = 0; k < MASK_KINDS; k++)
    if (kinds >> k & 1) mask->as[k] = assignment + n + 1;
  return 0;
}

struct slice mask_apply(const struct mask *mask, struct slice text, struct buffer scratch[2], struct mask_counts *counts) {
  int next = 0;
  for (int k = 0; k < MASK_KINDS; k++) {
    if (!(mask->kinds >> k & 1)) continue;
    struct slice masked = replace(mask, (enum mask_kind)k, text, &scratch[next], &counts->of[k]);
    if (masked.data != text.data) next = !next;
    text = masked;
  }
  return text;
}
