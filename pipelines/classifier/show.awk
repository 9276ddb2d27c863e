# SPDX-License-Identifier: MIT
# judge.sh's table for people.
NR > 1 {
  printf "%s: of %d texts %d are %s; %d are taken: precision %s (%s to %s), recall %s (%s to %s); area under ROC %s, calibration error %s\n", $1, $2, $3, wanted, $4, $5, $6, $7, $8, $9, $10, $11, $13
}
