# SPDX-License-Identifier: MIT
# What the classifiers learn from.  Every value can be changed here or on make's command line; a change rebuilds what
# depends on it.

# ---- quality: documents as good as these, against documents of a crawl ----------------------------------------------
# Your own: document files (TSV or JSON Lines, .gz too).  DCLM took instructions (OpenHermes 2.5) and explanations (ELI5)
# against pages of RefinedWeb, 200,000 of each.  POOL is what the classifier will filter: the threshold is that which
# keeps KEEP of it; empty takes held-out documents of NEGATIVES.
POSITIVES :=
NEGATIVES :=
POOL :=
KEEP := 0.1

# Without POSITIVES and NEGATIVES, pages of Debian packages stand in for them (downloaded, not installed): explaining
# prose against reference pages.  NAME.pages is the folder of the package's English pages (find's -path pattern).
QUALITY_POSITIVES := debian-faq developers-reference debian-reference-en harden-doc git-doc
QUALITY_NEGATIVES := libgtk-3-doc libglib2.0-doc libpango1.0-doc libjson-glib-doc
# Sources that the model never saw; a classifier that has only learnt its sources shows here.
QUALITY_UNSEEN_POSITIVES := abs-guide
QUALITY_UNSEEN_NEGATIVES := libharfbuzz-doc libcairo2-doc
debian-faq.pages := *.html ! -name *.*.html
debian-reference-en.pages := *.en.html
harden-doc.pages := */en-US/*.html

# DCLM's settings but for --bucket (2M there) and --piece (0: whole documents), which suit small data.
QUALITY_TRAIN := --maxn 0 --word-ngrams 2 --dim 100 --lr 0.1 --epoch 5 --bucket 200k --piece 1K

# Further labelled texts to judge by: a file of lines {"text": ..., "label": 0 or 1}, as in dclm-quality.
EVAL :=

# ---- safety: texts that people have labelled ------------------------------------------------------------------------
# Your own: files of label, tab, text (Linear TSV).  SAFE is the label of what may stay; all others are to go.
SAFETY_DATA :=
SAFE := inoffensive
# The threshold lets through at most the rest of the unsafe texts held out for it.
CATCH := 0.8

# Without SAFETY_DATA, sayings that Debian's maintainers have sorted: Spanish and Italian fortune cookies, and those that
# stand in packages of their own, or folders named off, because they offend.
SAFETY_PACKAGES := fortunes-es fortunes-it
SAFETY_OFFENSIVE_PACKAGES := fortunes-es-off fortunes-it-off

SAFETY_TRAIN := --minn 2 --maxn 5 --dim 32 --lr 0.3 --epoch 10 --bucket 200k --min-count 2 --piece 0 --balance --quantize --qnorm
