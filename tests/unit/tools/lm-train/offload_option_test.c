/* SPDX-License-Identifier: MIT */
#include "tools/lm-train/offload_option.h"

#include <string.h>

#include "tests/tap.h"

static struct err e;

static bool is(const char *text, bool optimizer, bool activations, bool folder) {
  struct offload_option o;
  if (offload_option_parse(&o, text, &e) < 0) return note("%s", e.message), false;
  return o.optimizer == optimizer && o.activations == activations && (folder ? o.folder == text : o.folder == NULL);
}

static bool refused(const char *text, const char *says) {
  struct offload_option o;
  return offload_option_parse(&o, text, &e) < 0 && strstr(e.message, says) != NULL;
}

int main(void) {
  ok(is(NULL, false, false, false), "nothing leaves unless it is said");
  ok(is("optimizer", true, false, false) && is("activations", false, true, false), "one word");
  ok(is("optimizer,activations", true, true, false) && is("activations,optimizer", true, true, false), "both, in either order");
  ok(is("disk", false, false, true) && is("/fast/disk", false, false, true) && is("optimizers", false, false, true) && is("a,b", false, false, true), "another word is a folder");
  ok(is("./optimizer", false, false, true) && is("optimizer,activations/", false, false, true), "so is whatever has a slash");
  ok(refused("optimizer,activation", "'activation' is neither") && refused("gradients,optimizer", "'gradients' is neither") && refused("optimizer,", "'' is neither"), "a list with another word is refused");
  return tap_done();
}
