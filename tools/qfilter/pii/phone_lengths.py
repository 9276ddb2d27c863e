#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes phone_lengths.c: for each country calling code of ITU-T E.164 how many digits a national number may have.

    python3 tools/qfilter/pii/phone_lengths.py > tools/qfilter/pii/phone_lengths.c

Source: the possible lengths in the metadata of libphonenumber (https://github.com/google/libphonenumber, Apache-2.0),
through the PyPI package phonenumbers."""
import phonenumbers
from phonenumbers.data import _COUNTRY_CODE_TO_REGION_CODE
from phonenumbers.phonemetadata import PhoneMetadata

print(f"""/* SPDX-License-Identifier: MIT
 *
 * Made by phone_lengths.py from the metadata of phonenumbers {phonenumbers.__version__}; do not edit.
 */
#include "tools/qfilter/pii/phone.h"

const struct phone_code phone_codes[] = {{""")
row = ""
for code in sorted(_COUNTRY_CODE_TO_REGION_CODE):
    lengths = set()
    for region in _COUNTRY_CODE_TO_REGION_CODE[code]:
        metadata = PhoneMetadata.metadata_for_nongeo_region(code) if region == "001" else PhoneMetadata.metadata_for_region(region)
        lengths |= set(metadata.general_desc.possible_length) - set(metadata.general_desc.possible_length_local_only)
    if code == 1:
        lengths = {10}
    cell = f"{{{code}, 0x{sum(1 << n for n in lengths):x}}}, "
    if len(row) + len(cell) > 150:
        print("   ", row.rstrip())
        row = ""
    row += cell
print("   ", row.rstrip())
print("};\nconst int phone_code_count = sizeof phone_codes / sizeof *phone_codes;")
