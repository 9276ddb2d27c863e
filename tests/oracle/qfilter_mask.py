#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/data/qfilter/mask.tsv: texts, and what datatrove 0.10's PIIFormatter replaces in them, with <E> and <I>
as replacements.  python tests/oracle/qfilter_mask.py > tests/data/qfilter/mask.tsv"""
import random

from datatrove.pipeline.formatters.pii import PIIFormatter

formatter = PIIFormatter(email_replacement="<E>", ip_replacement="<I>")
rnd = random.Random(5)
fixed = ["mail jo.doe@mail.example.net now", "a@b", "a@b.c", "a@b.c.", "a@b..c", "a..b@c.de", ".a@b.de", "a.@b.de", "x@y.z@w.v", "a@b.de@c.fg", "\u00e9a@b.de", "\u00e9-a@b.de", "-a@b.de", "'o'neil@b.ie'",
         "a@[1.2.3.4]", "a@[1.2.3.abc:]", "a@[1.2.3.-:]", "a@[300.1.1.1]", "a@-b.de", "a@b-.de", "a@b.d-e-", "a@b.de-", "_a_@b.de", "!!a@b.de", "a+tag@b.co.uk,c@d.ef;g", "<a@b.de>", "mailto:a@b.de?x=1", "@b.de", "a@", "@@", "a@b@c.d",
         "8.8.8.8", "1234.5.6.7", "256.1.1.1", "1.2.3.456", "1.2.3.300", "1.2.3.4.5", "01.2.3.4", "1.02.3.4", "10.1.1.1", "127.0.0.1", "192.168.1.1 8.8.4.4", "172.16.0.1", "172.32.0.1", "169.254.1.1", "100.64.0.1", "100.128.0.1",
         "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255", "0.0.0.1", "192.0.0.1", "192.0.2.1", "192.1.2.1", "v1.2.3.4-rc", "8.8.8.8a", "1.1.1.1.1.1.1.1", "10.0.0.1.8.8.8", "999.999.999.999", "..8.8.8.8.."]
tokens = ["a", "b.", ".", "..", "@", "@b.cd", "x@y.zz", "-", "_", " ", "\u00e9", "+", "]", "[1.2.3.4]", "@[9.9.9.9]", "co.uk", "8.8.4.4", "1.", "25", "'"]
alphabet, digits = "ab1..@@--[]:_ \u00e9+", "0123456789....... 25"
made = ["".join(rnd.choice((alphabet, digits, tokens)[i % 3]) for _ in range(rnd.choice((8, 12, 30)))) for i in range(2000)]
for i, text in enumerate(fixed + made):
    masked = formatter.format(text)
    # a digit right behind an address, and a stand-in in the text, cannot be told from our own stand-ins
    if any("<I>" + d in masked for d in "0123456789") or "192.0.2." in text:
        continue
    if i < len(fixed) or "<" in masked or i % 20 == 0:
        print(text + "\t" + masked)
