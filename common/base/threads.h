/* SPDX-License-Identifier: MIT
 *
 * Plain worker threads over C11-style callbacks (pthreads below).
 */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stddef.h>

int threads_online(void); /* CPUs this process may run on (affinity and cgroup quota), at least 1 */

/* Calls work(context, index) for index 0..jobs-1, each on a thread of its own (the caller runs index 0), and waits. */
void threads_run(int jobs, void (*work)(void *context, int index), void *context);

/* Splits 0..n into `jobs` contiguous ranges and calls work(context, index, begin, end) for each, in parallel. */
void threads_ranges(int jobs, size_t n, void (*work)(void *context, int index, size_t begin, size_t end), void *context);

#endif
