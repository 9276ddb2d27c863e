/* SPDX-License-Identifier: MIT */
#include "tools/warc2txt/boilerplate.h"

#include <stdio.h>
#include <string.h>

#include "tests/tap.h"

static struct buffer page, batch;

static void put(const char *url, const char *format, int i) {
  buffer_clear(&page);
  for (const char *p = format; *p; p++) {
    if (*p == '%') buffer_printf(&page, "%d", i);
    else buffer_put(&page, *p);
  }
  char address[64];
  snprintf(address, sizeof address, *url ? "%s%d" : "%s", url, i);
  boilerplate_put(&batch, SLICE("id"), slice_of(address), SLICE("date"), buffer_slice(&page));
}

static void flush(struct boilerplate *b) {
  struct err e;
  if (boilerplate_add(b, buffer_slice(&batch), &e)) ok(false, "%s", e.message);
  buffer_clear(&batch);
}

static const char *next(struct boilerplate *b) {
  struct boilerplate_document d;
  static struct err e;
  int got = boilerplate_next(b, &d, &e);
  buffer_clear(&page);
  if (got <= 0) return got ? e.message : "the end";
  buffer_append_slice(&page, d.text);
  return buffer_string(&page);
}

/* Pages of two hosts with lines of their own; returns all that comes back. */
static struct buffer many(int64_t memory, int pages) {
  struct boilerplate *b = boilerplate_new(NULL, memory);
  struct buffer all = {0};
  char url[64];
  for (int i = 0; i < pages; i++) {
    snprintf(url, sizeof url, "http://%s.example/%d", i % 3 ? "a" : "b", i);
    buffer_clear(&page);
    buffer_printf(&page, "Welcome to the pages of this site, which has many pages\nA line of page %d that no other page has at all\n", i);
    for (int k = 0; k < 20; k++) buffer_printf(&page, "Line %d of page %d\n", k, i);
    buffer_append_string(&page, "Copyright by somebody, all rights reserved, as ever\nImprint");
    boilerplate_put(&batch, SLICE("id"), slice_of(url), SLICE("date"), buffer_slice(&page));
    if (i % 7 == 0) flush(b);
  }
  flush(b);
  for (const char *text; strcmp(text = next(b), "the end") != 0;) {
    buffer_append_string(&all, text);
    buffer_put(&all, '\f');
  }
  boilerplate_free(b);
  return all;
}

int main(void) {
  ok(slice_equal(boilerplate_host(SLICE("https://u:p@WWW.a.example:8080/x?y@z")), SLICE("a.example")), "the host without user, port and www.");
  ok(boilerplate_host(SLICE("file.html")).len == 0 && boilerplate_host(SLICE("http:///x")).len == 0, "no host in what is no URL");
  ok(slice_equal(boilerplate_host(SLICE("http://[::1]:80/")), SLICE("[::1]:80")), "an address in brackets is left as it is");

  struct boilerplate *b = boilerplate_new(NULL, 1 << 20);
  for (int i = 0; i < 6; i++) {
    put("http://a.example/", "Home\nNews\nText of page %\nExamples\nMore text of page %\nParameters:\nthe %\nHome\nNews\nShop\nEnd % of it\n}\n    return 0; /* the same on every page */\nThis line is long and stands on every page\nSee also:", i);
    put("http://b.example/", "Home\nNews\nText of page %", i);
    if (i < 4) put("http://c.example/", "This line is long and stands on every page", i);
    put("", "This line is long and stands on every page", i);
  }
  flush(b);
  ok_string(next(b), "Text of page 0\nExamples\nMore text of page 0\nParameters:\nthe 0\nEnd 0 of it\n}\n    return 0; /* the same on every page */",
            "menus, footers and long lines go; headings among own lines, code and lines without letters stay");
  ok_string(next(b), "Text of page 0", "each host has its own");
  ok_string(next(b), "This line is long and stands on every page", "a host of four pages is left alone");
  ok_string(next(b), "This line is long and stands on every page", "so are pages without a host");
  int rest = 0;
  while (strcmp(next(b), "the end") != 0 && rest < 1000) rest++;
  ok_int(rest, 4 + 4 * 4 - 2 , "all documents come back");
  boilerplate_free(b);

  b = boilerplate_new(NULL, 1 << 20);
  for (int i = 0; i < 30; i++) put("http://a.example/", i < 5 ? "Stands on five pages of thirty, no more than that\nown %" : i < 12 ? "Stands on seven pages of thirty, which is more\nown %" : "own %", i);
  flush(b);
  ok_string(next(b), "Stands on five pages of thirty, no more than that\nown 0", "fewer than a fifth of the pages: it stays");
  for (int i = 1; i < 5; i++) next(b);
  ok_string(next(b), "own 5", "a fifth and more: it goes");
  boilerplate_free(b);

  b = boilerplate_new(NULL, 1 << 20);
  for (int i = 0; i < 30; i++) put("http://a.example/", "One page that was captured again and again", 7);
  flush(b);
  ok_string(next(b), "One page that was captured again and again", "captures of one URL are one page");
  boilerplate_free(b);

  struct buffer large = many(1 << 26, 3000), small = many(1 << 14, 3000);
  ok(large.len == small.len && memcmp(large.data, small.data, large.len) == 0, "counts are the same when they do not fit into memory");
  ok(!slice_find(buffer_slice(&small), SLICE("Copyright")) && !slice_find(buffer_slice(&small), SLICE("Imprint")) && slice_find(buffer_slice(&small), SLICE("A line of page 2999")), "and right");
  buffer_release(&large);
  buffer_release(&small);
  b = boilerplate_new(NULL, 1 << 20);
  ok_string(next(b), "the end", "nothing gives nothing");
  boilerplate_free(b);
  b = boilerplate_new("/no/such/folder", 1 << 20);
  put("http://a.example/", "x", 0);
  flush(b);
  ok(strstr(next(b), "/no/such/folder") != NULL, "a scratch folder that is not there is an error");
  boilerplate_free(b);
  buffer_release(&page);
  buffer_release(&batch);
  return tap_done();
}
