# SPDX-License-Identifier: MIT
# What the demo crawls, keeps and trains.  Every value can be changed here or on make's command line; a change rebuilds
# what depends on it and nothing else.

# ---- what is crawled ------------------------------------------------------------------------------------------------
# A crawl is one run of wget over some sites into crawl/NAME/*.warc.gz.  A site is a folder served as http://SITE.test/:
#   SITE.packages  Debian packages it is unpacked from (downloaded, not installed), or
#   SITE.folder    a folder of yours that is copied
#   SITE.root      the part of them that is served
#   SITE.start     folders the crawler starts in, staying below each (default: the top)
CRAWLS := manuals api guides

# English manuals: prose with code in it.
manuals.sites := postgresql sqlite git django vim postfix exim abs
postgresql.packages := postgresql-doc-15
postgresql.root := usr/share/doc/postgresql-doc-15/html
sqlite.packages := sqlite3-doc
sqlite.root := usr/share/doc/sqlite3
git.packages := git-doc
git.root := usr/share/doc/git-doc
django.packages := python-django-doc
django.root := usr/share/doc/python-django-doc/html
vim.packages := vim-doc
vim.root := usr/share/doc/vim/html
postfix.packages := postfix-doc
postfix.root := usr/share/doc/postfix/html
exim.packages := exim4-doc-html
exim.root := usr/share/doc/exim4-doc-html/spec_html
abs.packages := abs-guide
abs.root := usr/share/doc/abs-guide/html

# API pages: boilerplate, tables of members, near-copies of each other.
api.sites := java cpp gtk
java.packages := openjdk-17-doc
java.root := usr/share/doc/openjdk-17-jre-headless/api
java.start := java.base/java/
cpp.packages := cppreference-doc-en-html
cpp.root := usr/share/cppreference/doc/html
cpp.start := en/cpp/
gtk.packages := libgtk-3-doc
gtk.root := usr/share/gtk-doc/html

# Translated guides: the same book in many languages, some of it not translated yet.
guides.sites := apache securing aptitude faq developers libreoffice
apache.packages := apache2-doc
apache.root := usr/share/doc/apache2-doc/manual
securing.packages := harden-doc
securing.root := usr/share/doc/harden-doc/html
aptitude.packages := $(addprefix aptitude-doc-,en cs es fi fr it ja nl ru)
aptitude.root := usr/share/doc/aptitude/html
faq.packages := $(addprefix debian-faq,-de -fr -it -ja -nl -pt -ru -zh-cn) debian-faq
faq.root := usr/share/doc/debian/FAQ
faq.start := / de/ fr/ it/ ja/ nl/ pt/ ru/ zh-cn/
developers.packages := $(addprefix developers-reference,-de -fr -it -ja -ru) developers-reference
developers.root := usr/share/developers-reference
developers.start := / de/ fr/ it/ ja/ ru/
libreoffice.packages := $(addprefix libreoffice-help-,en-us de)
libreoffice.root := usr/share/libreoffice/help
libreoffice.start := $(addsuffix /text/shared/,en-US de)

# Pictures and archives are not worth the crawl; style sheets, scripts and plain text are left to warc2txt to refuse.
SKIP := \.(png|gif|jpe?g|svg|ico|pdf|gz|zip|woff2?|ttf|eot|epub|devhelp2?)$$
WARC_SIZE := 16M

# ---- documents ------------------------------------------------------------------------------------------------------
EXTRACT := --mode main

# Pages that say their language, in <html lang> or in their URL, teach the classifier; pages of ENGLISH sites that say
# nothing are English.
LANGUAGES := cs da de en es fi fr it ja ko nl pt ru tr zh
ENGLISH := $(manuals.sites) $(api.sites)
LABEL_BYTES := 1000
CLASSIFIER := --epoch 25
LANGUAGE := --lang en --min-lang 0.5

# The rules are made for prose.  Manuals quote code, whose punctuation counts as words: three words in five must have a
# letter instead of four.  Their headings ("Returns:", "See also") repeat on every page: a tenth of the characters may
# stand in lines that occur twice instead of a hundredth.
QUALITY := --rules gopher-quality,gopher-repetition,fineweb \
  --set gopher-quality.max_non_alpha_words_ratio=0.6 --set fineweb.char_duplicates_ratio=0.1
DEDUP := --verify 0.7
VALIDATION_SHARE := 0.04

# ---- tokens ---------------------------------------------------------------------------------------------------------
VOCABULARY := 4096
TOKENIZER := -p gpt2
SHARD_TOKENS := 2M

# ---- training -------------------------------------------------------------------------------------------------------
CONTEXT := 128
TRAINING := --batch 8 --warmup 50 --schedule cosine --weight-decay 0.1 --clip 1 --save-every 200 --keep 1
# FLOPS LAYERS WIDTH FEED-FORWARD HEADS RATE: two or three widths for each of three budgets, then the run to predict.
# All have one depth, one head size and one rate, so that parameters and tokens are all that the law has to explain.
RUNS := a1 a2 a3 b1 b2 b3 c1 c2
a1 := 1e12 4 16 48 2 5e-3
a2 := 1e12 4 24 72 3 5e-3
a3 := 1e12 4 32 96 4 5e-3
b1 := 2.5e12 4 24 72 3 5e-3
b2 := 2.5e12 4 32 96 4 5e-3
b3 := 2.5e12 4 48 144 6 5e-3
c1 := 6e12 4 32 96 4 5e-3
c2 := 6e12 4 48 144 6 5e-3
LARGER := d
d := 2e13 4 64 192 8 5e-3

FIT := --form chinchilla --objective huber --bootstrap 500
SAMPLE := -n 96 --temperature 0.7 --top-k 40 --seed 1
