/* SPDX-License-Identifier: MIT
 *
 * URLs: the decisions of datatrove's URLFilter (tests/oracle/qfilter_url.py), what goes beyond it, hosts, registered
 * domains, sets of names.
 */
#include "tools/qfilter/rules/url.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/io/output.h"
#include "tests/read_file.h"
#include "tests/tap.h"
#include "tools/qfilter/rules/hosts.h"
#include "tools/qfilter/rules/names.h"

static struct err err;

static struct url_rules *rules_of(const char *const *keys) {
  struct url_rules *u = NULL;
  for (; *keys; keys += 2)
    if (url_rules_set(&u, keys[0], keys[1], &err) != 0) note("%s", err.message);
  if (url_rules_load(u, &err) != 0) note("%s", err.message);
  return u;
}

#define LIST(name) "tests/data/qfilter/url-" name ".txt"

static void check_reference(void) {
  static const char *const keys[] = {"domains", LIST("domains"), "urls", LIST("urls"), "banned_words", LIST("banned_words"), "soft_banned_words", LIST("soft_banned_words"), "banned_subwords", LIST("banned_subwords"), "public_suffixes", LIST("suffixes"), NULL};
  struct url_rules *u = rules_of(keys);
  struct buffer rows = read_file("tests/data/qfilter/url.tsv");
  size_t count = 0, wrong = 0;
  for (char *line = rows.data; line && *line;) {
    char *end = strchr(line, '\n');
    *end = 0;
    char *tab = strchr(line, '\t');
    if (line[0] != '#' && tab) {
      struct slice url = slice_of(tab + 1);
      const char *reason = url_decide(u, url);
      *tab = 0;
      count++;
      if (strcmp(reason ? reason : "keep", line) != 0) {
        wrong++;
        note("%s: %s, not %s", tab + 1, reason ? reason : "keep", line);
      }
    }
    line = end + 1;
  }
  ok(count > 150 && wrong == 0, "%zu URLs are decided as datatrove decides them", count);
  ok(!url_decide(u, (struct slice){0}), "a document without URL passes");
  buffer_release(&rows);
  url_rules_free(u);
}

static const char *decide(const struct url_rules *u, const char *url) {
  const char *reason = url_decide(u, slice_of(url));
  return reason ? reason : "keep";
}

static void check_walk(void) {
  static const char *const keys[] = {"domains", LIST("domains"), "urls", LIST("urls"), "ignore_scheme", "true", NULL};
  struct url_rules *u = rules_of(keys);
  ok_string(decide(u, "http://www.Bad.Example/"), "domain", "without public suffixes a listed parent blocks");
  ok_string(decide(u, "http://a.sub.good.example/"), "domain", "of any length");
  ok_string(decide(u, "http://sub.good.example/"), "subdomain", "a listed host of three labels is a subdomain");
  ok_string(decide(u, "http://192.0.2.7:80/x"), "domain", "a listed address blocks");
  ok_string(decide(u, "http://localhost/"), "keep", "a host without full stop does not");
  ok_string(decide(u, "http://notbad.example/"), "keep", "a longer name is another");
  ok_string(decide(u, "http://fine.example/other"), "url", "ignore_scheme: an entry without scheme fits");
  ok_string(decide(u, "fine.example/page"), "keep", "one with a scheme fits that scheme only");
  url_rules_free(u);
}

static void check_settings(void) {
  struct url_rules *u = NULL;
  ok(url_rules_set(&u, "no_such", "x", &err) == -1 && err.kind == ERR_USAGE && strstr(err.message, "no_such"), "an unknown key is a usage error");
  ok(url_rules_set(&u, "soft_word_threshold", "x", &err) == -1 && url_rules_set(&u, "ignore_scheme", "x", &err) == -1, "so are values of the wrong kind");
  ok(url_rules_set(&u, "domains", "/no/such/file", &err) == 0 && url_rules_load(u, &err) == -1 && err.kind == ERR_FAILED && strstr(err.message, "/no/such/file"), "a list that is not there is named");
  url_rules_free(u);
  static const char *const keys[] = {"soft_banned_words", LIST("soft_banned_words"), "soft_word_threshold", "1", NULL};
  u = rules_of(keys);
  ok_string(decide(u, "http://a.example/adult"), "soft_blacklisted", "soft_word_threshold counts");
  url_rules_set(&u, "soft_word_threshold", "none", &err);
  ok_string(decide(u, "http://a.example/adult/casino/sex"), "keep", "none turns it off");
  url_rules_free(u);
  ok(!url_decide(NULL, SLICE("http://a.example/")), "without keys nothing is dropped");
}

static void check_hosts(void) {
  static const struct {
    const char *url, *host;
  } hosts[] = {{"http://User@Www.Example.COM.:80/x?y#z", "www.example.com"}, {"example.com/x//y", "example.com"}, {"//a.b", "a.b"}, {"http://[::1]:8/", "[::1]"}, {"http://a\uFF0Eb\uFF61/", "a.b"}, {"mailto:x@y.z", "y.z"}, {"", ""}, {"http://?", ""}};
  for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
    struct buffer out = {0};
    host_append(&out, slice_of(hosts[i].url));
    ok_string(buffer_string(&out), hosts[i].host, hosts[i].url);
    buffer_release(&out);
  }
  ok(host_is_address(SLICE("1.2.3.255")) && !host_is_address(SLICE("1.2.3.256")) && !host_is_address(SLICE("1.2.3")) && !host_is_address(SLICE("01.2.3.4")) && !host_is_address(SLICE("1.2.3.4.5")) && host_is_address(SLICE("[::1]")) && !host_is_address(SLICE("")), "addresses");
  static const struct {
    const char *label, *ascii;
  } labels[] = {{"plain", "plain"}, {"b\u00FCcher", "xn--bcher-kva"}, {"\u043F\u0440\u0438\u043C\u0435\u0440", "xn--e1afmkfd"}, {"\u516C\u53F8", "xn--55qx5d"}, {"", ""}}; /* RFC 3492's algorithm */
  for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
    struct buffer out = {0};
    host_append_label_ascii(&out, slice_of(labels[i].label));
    ok_string(buffer_string(&out), labels[i].ascii, "Punycode");
    buffer_release(&out);
  }
  ok(!public_suffixes_load("/dev/null", &err) && strstr(err.message, "no public suffix"), "an empty list of suffixes is refused");
}

static void check_names(void) {
  struct name_set set = {0};
  char name[32];
  for (int i = 0; i < 100000; i++) {
    snprintf(name, sizeof name, "name %d", i % 70000);
    names_add(&set, slice_of(name));
  }
  names_finish(&set);
  size_t found = 0, strange = 0;
  for (int i = 0; i < 140000; i++) {
    snprintf(name, sizeof name, "name %d", i);
    bool there = names_find(&set, slice_of(name)) >= 0;
    found += there && i < 70000;
    strange += there && i >= 70000;
  }
  ok(set.count == 70000 && found == 70000 && strange == 0, "a set has what was added, once, and nothing else");
  names_release(&set);
  names_finish(&set);
  ok(names_find(&set, SLICE("x")) == -1 && names_find(&set, SLICE("")) == -1, "an empty set has nothing");
  names_release(&set);
}

/* Subwords against a search for each. */
static void check_subwords(void) {
  static const char *const words[] = {"a", "ab", "bab", "bc", "bca", "c9", "caa", "x0x0"};
  for (int first = 0; first < 8; first++) {
    char path[600];
    struct buffer list = {0};
    for (int w = first; w < 8; w++) buffer_printf(&list, "%s\n", words[w]);
    snprintf(path, sizeof path, "%s/subwords", tap_folder());
    output_file(path, list.data, list.len, &err);
    const char *keys[] = {"banned_subwords", path, NULL};
    struct url_rules *u = rules_of(keys);
    size_t wrong = 0;
    for (unsigned seed = 0; seed < 4000; seed++) {
      char url[16];
      unsigned r = seed * 2654435761u;
      int n = 1 + (int)(seed % 12);
      for (int i = 0; i < n; i++, r = r * 1103515245u + 12345u) url[i] = "abcx09"[r >> 24 & 7 ? (r >> 24) % 6 : 1];
      url[n] = 0;
      bool want = false;
      for (int w = first; w < 8; w++) want |= strstr(url, words[w]) != NULL;
      wrong += want != (strcmp(decide(u, url), "keep") != 0);
    }
    ok(wrong == 0, "subwords from %s on are found where they are", words[first]);
    buffer_release(&list);
    url_rules_free(u);
  }
}

int main(void) {
  check_reference();
  check_walk();
  check_settings();
  check_hosts();
  check_names();
  check_subwords();
  return tap_done();
}
