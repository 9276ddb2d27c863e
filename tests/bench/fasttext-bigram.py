# SPDX-License-Identifier: MIT
"""As fasttext-lid.py, with the bigram model."""
import os
import runpy

runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "fasttext-lid.py"))
