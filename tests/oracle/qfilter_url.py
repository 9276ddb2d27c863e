#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# What datatrove's URLFilter decides on URLs, with small lists of our own and tldextract over a small list of public
# suffixes: writes tests/data/qfilter/url.tsv (`reason url` rows) and the lists beside it.
#
#     pip install datatrove==0.10.1 pyahocorasick tldextract==5.3.0
#     tests/oracle/qfilter_url.py tests/data/qfilter
import os
import random
import sys
import warnings

import ahocorasick
import tldextract
from datatrove.data import Document
from datatrove.pipeline.filters import url_filter

warnings.filterwarnings('ignore')
folder = sys.argv[1]
lists = {
    'domains': '# blocked\nbad.example\nEvil.Example\nbad.co.uk\nsub.good.example\nwww.ck\na.b.ck\nx.y.kawasaki.jp\ncity.kawasaki.jp\nxn--e1afmkfd.xn--p1ai\nпример.рф\nblog.example\nlisted.公司.cn\n192.0.2.7\nlocalhost\nco.uk\n',
    'urls': 'http://fine.example/page\nfine.example/other\nhttps://fine.example/a?b=c#d\n',
    'banned_words': '#no\nsmut\nDirty-Word\nporno\n',
    'soft_banned_words': 'casino\nadult\nsex\n#x\n',
    'banned_subwords': 'poker\nhot-babes\nxxx\nkerry\n',
    'suffixes': '// ===BEGIN ICANN DOMAINS===\nexample\ncom\n\n// a comment\nuk\nco.uk\n*.ck\n!www.ck\njp\n*.kawasaki.jp\n!city.kawasaki.jp\nрф\ncn\n公司.cn\norg\n// ===BEGIN PRIVATE DOMAINS===\nblog.example\n',
}
for name, text in lists.items():
    with open(os.path.join(folder, f'url-{name}.txt'), 'w', encoding='utf-8') as f:
        f.write(text)


def read(name, normalize):
    return {(url_filter.normalize(line) if normalize else line.strip().lower() if name == 'domains' else line.strip()) for line in lists[name].splitlines() if line and line[0] != '#'}


filter = object.__new__(url_filter.URLFilter)
filter.soft_word_threshold = 2
filter.block_listed_domains, filter.block_listed_url = read('domains', False), read('urls', False)
filter.banned_words, filter.soft_banned_words, filter.banned_subwords = (read(n, True) for n in ('banned_words', 'soft_banned_words', 'banned_subwords'))
filter.banned_subwords_automaton = ahocorasick.Automaton(ahocorasick.STORE_INTS)
for i, word in enumerate(sorted(filter.banned_subwords)):
    filter.banned_subwords_automaton.add_word(word, i)
filter.banned_subwords_automaton.make_automaton()
filter.use_integrated_lists, filter._downloaded = False, True
filter.tldextractor = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=('file://' + os.path.abspath(os.path.join(folder, 'url-suffixes.txt')),))

hosts = '''bad.example www.bad.example a.b.bad.example notbad.example bad.example.com evil.example bad.co.uk x.bad.co.uk worse.co.uk co.uk uk sub.good.example a.sub.good.example
good.example www.ck ck b.ck a.b.ck c.a.b.ck x.y.kawasaki.jp y.kawasaki.jp z.x.y.kawasaki.jp city.kawasaki.jp a.city.kawasaki.jp kawasaki.jp пример.рф xn--e1afmkfd.xn--p1ai www.xn--e1afmkfd.xn--p1ai
blog.example me.blog.example listed.公司.cn listed.xn--55qx5d.cn a.listed.公司.cn 192.0.2.7 192.0.2.8 localhost foo.unknown [::1] fine.example bad。example a..bad.example .bad.example ..example example'''.split()
paths = ['', '/', '/page', '/other', '/a?b=c#d', '/smut', '/Smut', '/x-dirtyword', '/dirty-word/', '/casino/sex/adult', '/casino-casino', '/casino_adult', '/hot/babes.html', '/po/ke/r', '/PoKer', '/kerry', '/pokerry', '/xx/x', '/é/porno', '?q=porno', '#porno']
rng = random.Random(1)
urls = [f'http://{h}/' for h in hosts] + [f'http://fine.example{p}' for p in paths] + [f'https://fine.example{p}' for p in paths]
urls += [f'{s}{rng.choice(hosts)}{e}{p}' for s in ('http://', 'https://', '//', '', 'ftp://', 'http://user:pw@', 'HTTP://', 'x y://', 'mailto:') for e in ('', ':80', '.', '.:8') for p in rng.sample(paths, 3)]
urls += ['x', '/', '//', 'http://', 'http:///smut', '?', 'http://bad.example@fine.example/', 'http://bad.example\u3000/', ' http://bad.example/', 'casino', 'http://[bad.example]/', 'http://[bad.example']
with open(os.path.join(folder, 'url.tsv'), 'w', encoding='utf-8') as f:
    f.write('# Made by qfilter_url.py with datatrove 0.10.1 and tldextract 5.3.0; do not edit.\n')
    for url in dict.fromkeys(urls):
        verdict = filter.filter(Document(text='', id='', metadata={'url': url}))
        f.write(f'{"keep" if verdict is True else verdict[1]}\t{url}\n')
