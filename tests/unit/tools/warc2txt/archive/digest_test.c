/* SPDX-License-Identifier: MIT
 *
 * The values are those of sha1sum, sha256sum, sha512sum and md5sum, in each form that crawlers write.
 */
#include "tools/warc2txt/archive/digest.h"

#include "tests/tap.h"

static struct digest *digest;

static void gives(const char *label, enum digest_result want, const char *name) { ok_int(digest_check(digest, slice_of(label), SLICE("hello\n")), want, name); }

int main(void) {
  digest = digest_new();
  gives("sha1:f572d396fae9206628714fb2ce00f72e94f2258f", DIGEST_RIGHT, "sha1 in hex");
  gives("sha1:6VZNHFX25EQGMKDRJ6ZM4AHXF2KPEJMP", DIGEST_RIGHT, "sha1 in base 32, as most crawlers write it");
  gives("SHA-1:6vznhfx25eqgmkdrj6zm4ahxf2kpejmp", DIGEST_RIGHT, "letters of either case, a hyphen in the name");
  gives("sha1:9XLTlvrpIGYocU+yzgD3LpTyJY8=", DIGEST_RIGHT, "sha1 in base 64");
  gives(" sha1 : 6VZNHFX25EQGMKDRJ6ZM4AHXF2KPEJMP ", DIGEST_RIGHT, "spaces around the parts");
  gives("md5:b1946ac92492d2347c6235b4d2611184", DIGEST_RIGHT, "md5 in hex");
  gives("md5:WGKGVSJESLJDI7DCGW2NEYIRQQ======", DIGEST_RIGHT, "md5 in base 32 with padding");
  gives("md5:WGKGVSJESLJDI7DCGW2NEYIRQQ", DIGEST_RIGHT, "and without");
  gives("md5:sZRqySSS0jR8YjW00mERhA==", DIGEST_RIGHT, "md5 in base 64");
  gives("sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", DIGEST_RIGHT, "sha256 in hex");
  gives("sha-256:5891B5B522D5DF086D0FF0B110FBD9D21BB4FC7163AF34D08286A2E846F6BE03", DIGEST_RIGHT, "in capitals");
  gives("sha512:e7c22b994c59d9cf2b48e549b1e24666636045930d3da7c1acb299d1c3b7f931f94aae41edda2c2b207a36e10f8bcb8d45223e54878f5b316e7ce3b6bc019629", DIGEST_RIGHT, "sha512");
  gives("sha1:f572d396fae9206628714fb2ce00f72e94f2258e", DIGEST_WRONG, "one bit off is wrong");
  gives("sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ", DIGEST_WRONG, "the digest of nothing is wrong");
  gives("sha1:f572d396fae9206628714fb2ce00f72e94f225", DIGEST_UNKNOWN, "a value of another length is no value");
  gives("sha1:g572d396fae9206628714fb2ce00f72e94f2258f", DIGEST_UNKNOWN, "nor is one with other letters");
  gives("xyz:f572d396fae9206628714fb2ce00f72e94f2258f", DIGEST_UNKNOWN, "an algorithm that is not known");
  gives("sha1", DIGEST_UNKNOWN, "a label without value");
  gives("sha1:", DIGEST_UNKNOWN, "an empty value");
  gives("", DIGEST_UNKNOWN, "an empty label");
  ok_int(digest_check(digest, SLICE("sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"), (struct slice){0}), DIGEST_RIGHT, "nothing has a digest too");
  digest_free(digest);
  digest_free(NULL);
  return tap_done();
}
