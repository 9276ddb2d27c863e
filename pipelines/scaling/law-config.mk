# SPDX-License-Identifier: MIT
# What the law is made from, and what it has to predict.  Every value can be changed here, in a file of yours (CONFIG=mine.mk,
# which may include this one) or on make's command line; a change makes again what depends on it and nothing else.

# ---- text -----------------------------------------------------------------------------------------------------------
# Shards of your own, as lm-train's -d, -V and -t take them; or else documents, as warc2txt writes them; or else packages.
TRAIN ?=
VALIDATION ?=
TOKENIZER ?=
DOCUMENTS ?=
# Debian packages, downloaded but not installed: 33 MB, English manuals.  Every HTML page in them becomes a document.
PACKAGES := abs-guide exim4-doc-html git-doc postfix-doc postgresql-doc-15 python-django-doc python3.11-doc sqlite3-doc vim-doc
# Lists of names, tables and listings go: three words in five must have a letter.
QUALITY := --rules gopher-quality,gopher-repetition --set gopher-quality.max_non_alpha_words_ratio=0.6
VALIDATION_SHARE := 0.05
# A small vocabulary: the head must not be most of a small model.
VOCABULARY := 512

# ---- models: one depth, one head size, one ratio of widths, so that parameters and tokens are all that a law has to explain
WIDTHS := 16 24 32 40 48 56 64 80 96
MODEL := --preset llama-1m --set num_hidden_layers=2
# Each width W is a model wW with these options; further ones are model.NAME := options.
shape = --set hidden_size=$(1) --set intermediate_size=$(shell expr 3 '*' $(1)) --set num_attention_heads=$(shell expr $(1) / 8)

# ---- the sweep: isoFLOP, sizes on both sides of each budget's best; largest first, so that no core waits at the end ----------
# The grammar of sweep.mk's GRID (README.md); `tokens=1M,2M` in place of `flops` makes a grid of sizes and tokens.
SWEEP := flops=2e12 model=w40,w48,w56 + flops=1.4e12 model=w32,w40,w48 + flops=1e12 model=w32,w40 + flops=7e11 model=w24,w32,w40 + \
  flops=5e11 model=w24,w32 + flops=3.5e11 model=w24,w32 + flops=2.5e11 model=w24
# The run that the law predicts before it is trained.
CHECK := flops=6e12 model=w64
# Each seed is a whole experiment: other initial values, another order of the data.
SEEDS := 0,1,2,3,4

# ---- one recipe for all -----------------------------------------------------------------------------------------------
ARGS := --batch 8 --seq 128 --optimizer muon --schedule cosine --weight-decay 0 --eval-tokens 256k --save-every 1000 --keep 1
# The rate at 1e12 FLOPs, and the power of the FLOPs with which it changes; the share of the steps that warm up.
RATE := 9e-3
RATE_POWER := -0.3333
WARMUP := 0.05

# ---- the law ------------------------------------------------------------------------------------------------------------
# The form, and those that seed_N/forms.tsv compares by how well they predict the sweep's own largest runs from the others.
FIT := --form kaplan --objective squares --bootstrap 1000
FORMS := kaplan,chinchilla,over-training,power
# Threads of a run.  Runs go side by side (make -j): small matrices do not feed many threads.
RUN_JOBS := 1
