/* SPDX-License-Identifier: MIT
 *
 * A pair of similarity s is found with probability 1 - (1 - s^rows)^bands.  More rows make the curve steeper and need
 * more bands, hence hashes; fewer rows make more pairs to compare that are not alike.
 */
#include "tools/minhash-dedup/lsh/suggest.h"

#include <math.h>

#include "tools/minhash-dedup/lsh/signature.h"

static const double wanted = .99, tolerated = 1 / 3.;

void suggest_bands(double jaccard, int *bands, int *rows) {
  double least = INFINITY;
  for (int r = 1; r <= 64; r++) {
    double needed = fmax(1, ceil(log1p(-wanted) / log1p(-pow(jaccard, r))));
    if (!(needed * r < least) || needed > 4096) continue;
    if (signature_recall(fmax(jaccard - .2, 0), (int)needed, r) > tolerated) continue;
    least = needed * r;
    *bands = (int)needed;
    *rows = r;
  }
}

void suggest_table(struct buffer *out, double jaccard) {
  int bands = 1, rows = 1;
  suggest_bands(jaccard, &bands, &rows);
  buffer_append_string(out, "bands\trows\tjaccard\tfound\n");
  for (int percent = 5; percent <= 100; percent += 5) buffer_printf(out, "%d\t%d\t%.2f\t%.6f\n", bands, rows, percent / 100.0, signature_recall(percent / 100.0, bands, rows));
}
