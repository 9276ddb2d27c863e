# SPDX-License-Identifier: MIT
# What is compared, and on what.  Every value can be changed here, in a file of yours (CONFIG=mine.mk, which may include this
# one) or on make's command line; a change makes again what depends on it and nothing else.

# ---- documents (TSV, gzip or zstd of it) -----------------------------------------------------------------------------
# RAW: the crawl, as warc2txt writes it.  TARGET: what the model shall be good at; half of it is the validation text, the other
# half teaches the classifier what good means.  Nothing that shares 13 words with the validation text stays in the crawl.
# Without files of yours: the crawl of `make demo`, and an English handbook that it has not seen.
RAW ?= $(HERE)/../../build/demo/documents/extracted.tsv
TARGET ?=
TARGET_PACKAGES := debian-handbook debian-reference-en debian-policy
TARGET_PAGES := usr/share/doc/debian-handbook/html/en-US usr/share/debian-reference usr/share/doc/debian-policy/policy.html

# ---- recipes: the stages that a crawl goes through, in order ------------------------------------------------------------
RECIPES := raw rules classifier dedup all
recipe-raw :=
recipe-rules := rules
recipe-classifier := rules quality
recipe-dedup := rules unique
recipe-all := rules quality unique

# ---- stages: a program that reads documents at stdin and writes those it keeps.  A stage that needs a file of this pipeline
# names it under $(OUT): the classifier is made when one does.
stage-rules := qfilter --rules gopher-quality,gopher-repetition,fineweb --set gopher-quality.max_non_alpha_words_ratio=0.6 --set fineweb.char_duplicates_ratio=0.1
stage-quality := qfilter --model quality=$(OUT)/classifier/model.bin --top 0.3:quality.target
stage-unique := minhash-dedup

CLASSIFIER := --lr 0.1 --dim 100 --epoch 5 --word-ngrams 2 --bucket 200k
DECONTAMINATE := --ngram 13

# ---- tokens and models: one tokenizer, one budget, one model for all recipes ----------------------------------------------
VOCABULARY := 4096
TOKENIZER := -p gpt2
SEEDS := 0,1,2
MODEL := --preset llama-1m
TRAINING := --tokens 1M --batch 16 --seq 128 --lr 3e-3 --warmup 50 --schedule cosine --weight-decay 0.1 --eval-tokens 1M
# Threads of a run.  Runs go side by side (make -j): small matrices do not feed many threads.
RUN_JOBS := 1
