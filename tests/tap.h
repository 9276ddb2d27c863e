/* SPDX-License-Identifier: MIT
 *
 * TAP for unit tests: call ok() and friends, end main with `return tap_done();`.  Names are sentences.  With TAP_FIRST in the
 * environment the first that fails is the last.
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

bool ok(bool condition, const char *name, ...) __attribute__((format(printf, 2, 3)));
bool ok_string(const char *got, const char *want, const char *name);
bool ok_bytes(const void *got, size_t got_len, const void *want, size_t want_len, const char *name);
bool ok_int(int64_t got, int64_t want, const char *name);
bool ok_near(double got, double want, double tolerance, const char *name); /* absolute, or relative when |want| > 1 */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));  /* a comment line */
void skip(const char *why, const char *name);                              /* counted as passed, visible */
int tap_done(void); /* prints the plan; exit status */

/* A folder for this test's files, removed by tap_done(). */
const char *tap_folder(void);
/* Path of a file in the development data (../shared/data from the project's root), or NULL where it is absent. */
const char *tap_shared(const char *relative);

#ifdef __cplusplus
}
#endif
#endif
