/* SPDX-License-Identifier: MIT
 *
 * libcurl, loaded when the first URL is opened: it brings thirty libraries, whose 4 MB and 5 ms a program that reads files
 * need not pay.
 */
#ifndef IO_CURL_LIBRARY_H
#define IO_CURL_LIBRARY_H

#include <curl/curl.h>

#include "common/base/err.h"

#define CURL_FUNCTIONS(X)                                                                                                             \
  X(easy_cleanup) X(easy_getinfo) X(easy_init) X(easy_pause) X(easy_reset) X(easy_setopt) X(easy_strerror) X(free) X(global_init)     \
  X(multi_add_handle) X(multi_cleanup) X(multi_info_read) X(multi_init) X(multi_perform) X(multi_poll) X(multi_remove_handle)         \
  X(multi_setopt) X(multi_strerror) X(slist_append) X(slist_free_all) X(url) X(url_cleanup) X(url_get) X(url_set) X(url_strerror)

#define CURL_MEMBER(name) __typeof__(&curl_##name) name;
struct curl_library {
  CURL_FUNCTIONS(CURL_MEMBER)
};
#undef CURL_MEMBER

/* curl.easy_init() is curl_easy_init(), once curl_library_open() has returned 0. */
extern struct curl_library curl;

/* Any thread, any number of times.  -1 when libcurl is not there or lacks a function. */
int curl_library_open(struct err *e);

#endif
