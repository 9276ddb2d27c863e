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
WARC_SIZE := 64M
