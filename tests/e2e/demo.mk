# SPDX-License-Identifier: MIT
# The demo's configuration for its test: pages made by pages.pl, models that train in a second.  PAGES is in the environment.
CRAWLS := web
web.sites := english german
english.folder := $(PAGES)/english
german.folder := $(PAGES)/german
german.start := de/
SKIP := \.png$$
WARC_SIZE := 64K

EXTRACT := --mode all
LANGUAGES := de en
ENGLISH := english
LABEL_BYTES := 400
CLASSIFIER := --epoch 50 --bucket 1000
LANGUAGE := --lang en --min-lang 0.5
QUALITY := --rules gopher-quality,gopher-repetition,fineweb --set gopher-repetition.duplicated_5_n_grams=none
DEDUP := --verify 0.7
VALIDATION_SHARE := 0.2

VOCABULARY := 320
TOKENIZER := -p gpt2
SHARD_TOKENS := 8k

CONTEXT := 32
TRAINING := --batch 4 --warmup 5 --save-every 10 --keep 1 --eval-tokens 2048
RUNS := a1 a2 a3 b1 b2 b3
a1 := 2e8 1 8 16 1 1e-2
a2 := 2e8 1 12 32 1 1e-2
a3 := 2e8 1 16 48 1 1e-2
b1 := 6e8 1 12 32 1 1e-2
b2 := 6e8 1 16 48 1 1e-2
b3 := 6e8 2 24 64 1 1e-2
LARGER := c
c := 2e9 2 24 64 1 1e-2
FIT := --form chinchilla --objective huber --bootstrap 20
LARGER_JOBS := 1
SAMPLE := -n 24 --temperature 0.7 --seed 1
