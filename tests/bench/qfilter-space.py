# SPDX-License-Identifier: MIT
"""The ceiling: the text, already in memory and unescaped, is split at white space, each word hashed, each run of five words
hashed (qfilter-space.c, compiled for this machine)."""
import os, subprocess, sys

here, out = os.path.dirname(os.path.abspath(__file__)), os.environ["OUT"]
program = os.path.join(out, "ceiling")
subprocess.run([os.environ.get("CC", "cc"), "-O3", "-march=native", "-o", program, os.path.join(here, "qfilter-space.c")], check=True)
print(subprocess.run([program, os.path.join(os.environ["IN"], "documents.tsv")], capture_output=True, text=True, check=True).stdout, end="")
sys.exit(0)
