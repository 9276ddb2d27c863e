# SPDX-License-Identifier: MIT
# What is taken from Common Crawl and what is kept of it.  Every value can be changed here, in a file of yours
# (CONFIG=mine.mk, which may include this one), in the environment or on make's command line.

# ---- what is fetched ------------------------------------------------------------------------------------------------
# The crawl's name, as in https://data.commoncrawl.org/crawl-data/index.html; its list of archives is BASE/crawl-data/CRAWL/warc.paths.gz.
CRAWL ?=
# 1: the texts that Common Crawl extracted itself (wet.paths.gz) instead of its pages
WET ?=
# A list of your own instead (file or URL, plain or compressed): a path below BASE, a URL or an absolute file name a line
PATHS ?=
# An index instead (CDX, CDXJ or a table, plain or compressed): only the records that it names, by their bytes; CDX_LINES of
# them take the place of an archive
CDX ?=
CDX_LINES ?= 100000
# A mirror, an S3 gateway, or a folder that holds crawl-data/
BASE ?= https://data.commoncrawl.org/
# How many archives (or all), which: first of the list | spread evenly over it | random (by SEED; more of them include
# those that fewer had).  PART=2/10 is the second of ten machines.
SEGMENTS ?= $(if $(CDX),all,8)
PICK ?= first
SEED ?= 0
PART ?= 1/1

# ---- how much at once -----------------------------------------------------------------------------------------------
# make -j N takes N archives at a time, a connection and little more than a CPU each, at most CONNECTIONS; without -j one a CPU.
CONNECTIONS ?= 8
THREADS ?= 1
# An archive that takes longer failed.
TIME_LIMIT ?= 6h
# After so long (90m, 6h) a run begins no further archive and ends as if all was well; empty: it goes on
RUN_TIME ?=
# No further archive is begun with less space, nor after so many have failed in a run.
MIN_FREE ?= 4G
FAILURES ?= 10

# ---- what is kept ---------------------------------------------------------------------------------------------------
# The sets and their order are those of FineWeb; so is c4 without its rule of terminal punctuation.
EXTRACT ?= --mode main
FILTER ?= --rules gopher-repetition,gopher-quality,c4,fineweb --set c4.filter_no_terminal_punct=false
# A fastText model, such as qfilter-train writes; empty: all languages
LANGID ?=
LANGUAGE ?= --lang en --min-lang 0.65
# yes | no: everything that was rejected, with its reason; it is most of the text
REJECTS ?= yes
# zstd, gzip, pigz or cat, with options
COMPRESS ?= zstd -q -6

# ---- after all archives ---------------------------------------------------------------------------------------------
# 1: dedup, tokens and the funnel go on with what is there when some archives failed
PARTIAL ?=
# empty: `make tokens` takes the documents as they are
DEDUP ?= --verify 0.8
MEMORY ?= 1G
# Bytes of file names that a command line may hold; more archives reach minhash-dedup as one stream, which it copies
ARGUMENTS ?= 500000
# A tokenizer that exists already; otherwise one is trained on a share of the documents
TOKENIZER ?=
SAMPLE ?= 0.1
VOCABULARY ?= 32768
TRAIN ?= -p cl100k
SHARD_TOKENS ?= 100M
