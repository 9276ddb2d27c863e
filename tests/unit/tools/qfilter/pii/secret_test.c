/* SPDX-License-Identifier: MIT
 *
 * Keys and tokens.  Those below are made up; they are joined at run time, so that scanners of this repository find none.
 */
#include "tools/qfilter/pii/secret.h"

#include <stdio.h>

#include "tests/hostile.h"
#include "tests/unit/tools/qfilter/pii/found.h"

static bool issued(const char *prefix, const char *rest) {
  char marked[512];
  snprintf(marked, sizeof marked, "key [%s%s], end", prefix, rest);
  return finds(secret_find, marked);
}

/* How many are found in a megabyte and more of one thing over and over, which is read in linear time or meets the limit of
 * tests/run. */
static size_t repeated(const char *unit) {
  struct buffer text = {0};
  repeat(&text, unit, 1000000);
  double start = cpu_seconds();
  size_t from = 0, searched = 0, count = 0;
  struct match m;
  for (; secret_find(buffer_slice(&text), from, &searched, &m); count++) from = m.end;
  note("%zu MB of %s: %.2f s", text.len >> 20, unit, cpu_seconds() - start);
  buffer_release(&text);
  return count;
}

int main(void) {
  ok(issued("AKIA", "IOSFODNN7EXAMPLQ") && issued("ghp_", "a1B2c3D4e5F6g7H8i9J0a1B2c3D4e5F6g7H8") && issued("AIza", "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q"), "Amazon, GitHub, Google");
  ok(issued("xoxb-", "123456789012-abcdefghijkl") && issued("sk_live_", "4eC39HqLyjWDarjtT1zdp7dc") && issued("glpat-", "aBcD1234eFgH5678iJkL") && issued("hf_", "abcdefghijABCDEFGHIJabcdefghijABCD"), "Slack, Stripe, GitLab, Hugging Face");
  ok(finds(secret_find, "AKIAIOSFODNN7 ghp_short xAKIAIOSFODNN7EXAMPLQ AKIAIOSFODNN7EXAMPLQZ sk-ip-this-one"), "too short, too long, inside a word: none");
  ok(issued("eyJ", "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"), "a JSON Web Token");
  ok(finds(secret_find, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi and eyJ.eyJ.x"), "half of one is none");
  ok(finds(secret_find, "x\n[-----BEGIN RSA PRIVATE KEY-----\nMIIBOgIBAAJBAK\nj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu\n-----END RSA PRIVATE KEY-----]\ny"), "a PEM block, whole");
  ok(finds(secret_find, "-----BEGIN PUBLIC KEY-----\nMIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p\n-----END PUBLIC KEY-----\n"), "of a public key: none");
  ok(finds(secret_find, "postgres://admin:[s3cr3t!pw]@db.test/x http://user@host/ http://host:80/@x redis://u:${PW}@h"), "the password in a URL");
  ok(finds(secret_find, "password = \"[hunter2Abc9]\"; 'api_key': '[k9F3jd82LqPz]', API-KEY=[a8f5f167f44f4964e6c998dee827110c]\n"), "assigned values");
  ok(finds(secret_find, "password = \"password1\" token = \"your_token_1\" secret: \"${SECRET1}\" passwd='aaaaaaaa1' token = next_token(1) key = \"abcdefg123\""), "placeholders, calls, words that carry little: none");
  const char *hostile[] = {"token=", "-----BEGIN A PRIVATE KEY-----", "eyJaaaaaaaaaaaa.", "://a:", "password=\"", "=:", "ghp_", "________=", "----------"};
  size_t count = 0;
  for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) count += repeated(hostile[i]);
  ok(count == 0, "starts of secrets, a million times, are none");
  return tap_done();
}
