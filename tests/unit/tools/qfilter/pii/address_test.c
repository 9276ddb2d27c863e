/* SPDX-License-Identifier: MIT
 *
 * IPv6 in RFC 4291's forms; IPv4 is compared with datatrove in mask_test.c.
 */
#include "tools/qfilter/pii/address.h"

#include "tests/unit/tools/qfilter/pii/found.h"

int main(void) {
  ok(finds(ipv6_find, "at [2607:f8b0:4005:805::200e] and [2A00:1450:4001:82A:0:0:0:200E]."), "whole and shortened");
  ok(finds(ipv6_find, "[2606:4700::]/32 ([2606:4700::1111])"), "as a network, between parentheses");
  ok(finds(ipv6_find, "from [2400:cb00:2048:1::c629:d7a2]: hello"), "a colon behind is punctuation");
  ok(finds(ipv6_find, "[2a00:1450::8.8.8.8] [2a00:1450:1:2:3:4:8.8.4.4]"), "the last groups as IPv4");
  ok(finds(ipv6_find, "2001:db8::1 fe80::1 fd00::1 ::1 :: 2002:808:808::1 2001:10::1 3fff::1 ff02::1"), "special purposes stay");
  ok(finds(ipv6_find, "12:34:56 std::vector a::b 2024:11:23 10:20:30:40 2607:f8b0:4005"), "times and scopes are none");
  ok(finds(ipv6_find, "2607::f8b0::1 2607:f8b0:4005:805:1:2:3:4:5 12607:f8b0::1 x2607:f8b0::1 2607:f8b0::1z 2607:f8b0::fffff"), "what breaks the grammar is none");
  ok(finds(ipv4_find, "[8.8.8.8] 8.8.8 [192.168.0.1]"), "every dotted quad is found");
  ok(ipv4_is_global("8.8.8.8", 7) && !ipv4_is_global("192.168.0.1", 11) && !ipv4_is_global("08.8.8.8", 8), "and judged");
  return tap_done();
}
