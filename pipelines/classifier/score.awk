# SPDX-License-Identifier: MIT
# The score that qfilter --annotate put before the text: LABEL=0.123 or MODEL.LABEL=0.123.
{ value = $(NF - 1); name = value; sub(/=.*/, "", name); sub(/.*\./, "", name); if (name == label) { sub(/.*=/, "", value); print value } }
