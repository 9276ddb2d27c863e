/* SPDX-License-Identifier: MIT
 *
 * Suggestions keep what they promise.
 */
#include "tools/minhash-dedup/lsh/suggest.h"

#include "tests/tap.h"
#include "tools/minhash-dedup/lsh/signature.h"

int main(void) {
  bool found = true, steep = true;
  for (int percent = 30; percent <= 95; percent += 5) {
    int bands = 0, rows = 0;
    suggest_bands(percent / 100.0, &bands, &rows);
    found &= signature_recall(percent / 100.0, bands, rows) >= .99;
    steep &= signature_recall(percent / 100.0 - .2, bands, rows) <= 1 / 3.;
    note("%d%%: %d x %d, %.3f at -0.2", percent, bands, rows, signature_recall(percent / 100.0 - .2, bands, rows));
  }
  ok(found, "every suggestion finds 99%% of the pairs it is for");
  ok(steep, "and at most a third of those 0.2 below");
  struct buffer b = {0};
  suggest_table(&b, .8);
  ok(slice_starts(buffer_slice(&b), SLICE("bands\trows\tjaccard\tfound\n")), "the table has its header");
  buffer_release(&b);
  return tap_done();
}
