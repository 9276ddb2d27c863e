# SPDX-License-Identifier: MIT
#
# What the bats files of fit-scaling share: `load fit-scaling`.

setup() {
  bin=${BIN:-$BATS_TEST_DIRNAME/../../build/bin}
  cd "$BATS_TEST_TMPDIR" || return 1
}

# fit STATUS ARGUMENT...: must end with that status; stdout in the file out and in $output, stderr in err and $errors
fit() {
  local want=$1 status=0
  shift
  "$bin/fit-scaling" "$@" > out 2> err < /dev/null || status=$?
  output=$(< out) errors=$(< err)
  echo "exit $status: $errors"
  [ $status -eq "$want" ]
}

# value NAME [COLUMN [FILE]]: of the row of that name; its value (column 3) in the file out; fails where there is none
value() { awk -F '\t' -v name="$1" -v column="${2:-3}" '$2 == name { print $column; found = 1 } END { exit !found }' "${3:-out}"; }

# near GOT WANT TOLERANCE: relative
near() { awk -v got="$1" -v want="$2" -v tolerance="$3" 'BEGIN { r = got / want - 1; if (r < 0) r = -r; print got, want; exit !(got != "" && r <= tolerance) }'; }

# Runs of the law 1.8 + 400/N^.34 + 410/D^.28 at five budgets with six sizes each, scattered by $1 (a fraction).
table() {
  awk -v noise="${1:-0}" 'BEGIN {
    srand(7)
    print "params\ttokens\tflops\tloss"
    for (b = 0; b < 5; b++) for (i = 0; i < 6; i++) {
      c = 1e17 * 10 ^ b; n = sqrt(c / 120) * 2 ^ (i - 2.5); d = c / 6 / n
      z = 0; for (k = 0; k < 12; k++) z += rand()
      printf "%.9g\t%.9g\t%.9g\t%.12g\n", n, d, c, (1.8 + 400 / n ^ .34 + 410 / d ^ .28) * exp(noise * (z - 6))
    }
  }'
}
