# SPDX-License-Identifier: MIT
# `NAME BYTES` lines, then sha256sum's: the manifest of a folder.
BEGIN { OFS = "\t"; print "file", "bytes", "sha256" }
NR == FNR { bytes[$1] = $2; next }
{ print $2, bytes[$2], $1 }
