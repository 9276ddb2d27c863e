# SPDX-License-Identifier: MIT
# Of each label (field 1) every tenth text is for the test, the next for choosing the threshold, eight are for training.
BEGIN { printf "" > "train.tsv.part"; printf "" > "choose.tsv.part"; printf "" > "test.tsv.part" }
{ n = count[$1]++ % 10; print > (n == 0 ? "test.tsv.part" : n == 1 ? "choose.tsv.part" : "train.tsv.part") }
