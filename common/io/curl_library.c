/* SPDX-License-Identifier: MIT
 *
 * The library stays loaded until the program ends.
 */
#include "common/io/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct curl_library curl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[512];

/* A data pointer that dlsym() gives becomes a function pointer, as POSIX has it. */
static void *function(void *library, const char *name) {
  void *found = dlsym(library, name);
  if (!found && !failure[0]) snprintf(failure, sizeof failure, "libcurl has no %s", name);
  return found;
}

static void load(void) {
  static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.so"};
  void *library = NULL;
  for (size_t i = 0; !library && i < sizeof names / sizeof *names; i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    snprintf(failure, sizeof failure, "URLs need libcurl: %s", dlerror());
    return;
  }
#define LOAD(name)                                         \
  {                                                        \
    void *found = function(library, "curl_" #name);        \
    memcpy(&curl.name, &found, sizeof found);              \
  }
  CURL_FUNCTIONS(LOAD)
#undef LOAD
  if (!failure[0]) curl.global_init(CURL_GLOBAL_DEFAULT);
}

int curl_library_open(struct err *e) {
  pthread_once(&once, load);
  return failure[0] ? err_set(e, "%s", failure) : 0;
}
