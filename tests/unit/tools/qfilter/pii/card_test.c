/* SPDX-License-Identifier: MIT
 *
 * Card numbers: the test numbers that issuers publish, and what is none.
 */
#include "tools/qfilter/pii/card.h"

#include "tests/unit/tools/qfilter/pii/found.h"

int main(void) {
  ok(finds(card_find, "[4111111111111111] [4012888888881881] [4222222222222]"), "Visa of 16 and 13 digits");
  ok(finds(card_find, "[5555 5555 5555 4444] [2223-0031-2200-3222]"), "Mastercard, grouped");
  ok(finds(card_find, "[3782 822463 10005] [378282246310005]"), "American Express, in its own groups");
  ok(finds(card_find, "[6011111111111117] [3530111333300000] [30569309025904] [6200000000000005]"), "Discover, JCB, Diners Club, UnionPay");
  ok(finds(card_find, "[5555 5555 5555 4444] 12/27 [4111 1111 1111 1111] 123"), "date and code behind the number are left out");
  ok(finds(card_find, "No. 1 [4111 1111 1111 1111]."), "a number before it is left out");
  ok(finds(card_find, "4111111111111112 1111111111111117 9999999999999995"), "a wrong check digit or issuer is none");
  ok(finds(card_find, "41111111111111110 x4111111111111111 4111111111111111x 0.4111111111111111 4111111111111111.5"), "parts of longer things are none");
  ok(finds(card_find, "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 4111 1111-1111 1111"), "single digits and mixed marks are none");
  ok(finds(card_find, "51 50 49 48 47 46 45 44 55555 55555 554444 [4222 2222 2222 2]"), "lists of numbers are none, though their check digit is right");
  ok(finds(card_find, "0000-0000-0000-1234"), "our stand-in is none");
  return tap_done();
}
