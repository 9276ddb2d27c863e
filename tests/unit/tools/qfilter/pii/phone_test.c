/* SPDX-License-Identifier: MIT
 *
 * Telephone numbers: E.164 with the ways people write them, and the North American forms.
 */
#include "tools/qfilter/pii/phone.h"

#include "tests/unit/tools/qfilter/pii/found.h"

int main(void) {
  ok(finds(phone_find, "call [+49 30 901820] or [+44 20 7946 0958]."), "groups set apart by blanks");
  ok(finds(phone_find, "[+1-202-555-0123], [+1 (202) 555-0123], [+12025550123]"), "North America with its code");
  ok(finds(phone_find, "[+44 (0)20 7946 0958] [+33 (0) 1 70 18 99 00]"), "a trunk prefix between parentheses");
  ok(finds(phone_find, "[+91\u00A098\u2011765\u201143210]"), "Unicode's blanks and hyphens");
  ok(finds(phone_find, "[+(65) 3158 0269] [+ 33 176420228]"), "a blank or parenthesis behind the plus sign");
  ok(finds(phone_find, "[0049 30 901820] 0049309018201234567"), "00, where groups show that it is a number");
  ok(finds(phone_find, "[+44 20 7946 0958] 2023"), "the longest whole groups that are a number: a year behind it is left out");
  ok(finds(phone_find, "+999 123456789 +44 1 +49 +1 202 555 01"), "unknown codes and numbers too short for their country are none");
  ok(finds(phone_find, "c++14 a+1 1+123456789012 ++12025550123"), "sums are none");
  ok(finds(phone_find, "[2831823829] [(283)-182-3829] [(283) 182 3829] [283-182-3829]"), "CS336's four forms");
  ok(finds(phone_find, "[212.555.0123] 112.555.0123 1.283.182.3829"), "full stops where area code and exchange can be");
  ok(finds(phone_find, "0.2549496316 id2831823829 2831823829_1 2831823829.5 12831823829"), "fractions, identifiers, longer numbers are none");
  ok(finds(phone_find, "1-[800-555-0199] tel:[202-555-0147]"), "what stands before");
  ok(phone_code_count > 200, "calling codes: %d", phone_code_count);
  bool ascending = true, prefixed = false;
  for (int i = 0; i < phone_code_count; i++) {
    ascending &= i == 0 || phone_codes[i].code > phone_codes[i - 1].code;
    for (int k = 0; k < phone_code_count; k++)
      prefixed |= (phone_codes[k].code >= 10 && phone_codes[k].code / 10 == phone_codes[i].code) || (phone_codes[k].code >= 100 && phone_codes[k].code / 100 == phone_codes[i].code);
  }
  ok(ascending && !prefixed, "ascend, and none begins with another");
  return tap_done();
}
