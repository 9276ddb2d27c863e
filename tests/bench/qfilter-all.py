# SPDX-License-Identifier: MIT
"""The filters of qfilter-rules.py, which looks at CASE."""
import os, runpy
runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "qfilter-rules.py"))
