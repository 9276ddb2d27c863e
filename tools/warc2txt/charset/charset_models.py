#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# charset_models.py >charset_models.c
#
# Letter statistics of languages for charset_guess.c.  Texts: the word frequencies of the Python package wordfreq 3.1 (R. Speer;
# from Wikipedia, subtitles, news, books and the web; data CC BY-SA 4.0) and, for punctuation and for languages that it lacks, the
# translations in /usr/share/locale/*/LC_MESSAGES/*.mo of the Debian packages at hand.
import collections, functools, gettext, glob, gzip, math, os, re, sys, unicodedata

import msgpack
import wordfreq

LATIN = 'en fr de es pt it nl sv da nb fi is ca et pl cs sk hu hr sl ro sq lt lv tr vi'.split()
OTHER = 'ru bg uk be sr mk el he ar fa th'.split()
WORDS = {'hr': 'sh'}                      # wordfreq's name
NO_WORDS = {'et', 'be', 'sr', 'th', 'sq'} # not in wordfreq
CATALOGUES = {'en': ['en@quot', 'en_GB'], 'pt': ['pt', 'pt_BR'], 'hant': ['zh_TW', 'zh_HK'], 'hans': ['zh_CN']}
VIETNAMESE = {'\u0300', '\u0301', '\u0303', '\u0309', '\u0323'} # windows-1258 writes tones apart


@functools.lru_cache(None)
def catalogue_text(language):
    texts = []
    for folder in CATALOGUES.get(language, [language]):
        for path in sorted(glob.glob(f'/usr/share/locale/{folder}/LC_MESSAGES/*.mo')):
            try:
                catalogue = gettext.GNUTranslations(open(path, 'rb'))._catalog
            except (OSError, UnicodeDecodeError, ValueError, KeyError, IndexError):
                continue
            texts += [value for key, value in catalogue.items() if key and isinstance(value, str) and value != key]
    text = '\n'.join(sorted(set(texts)))
    return re.sub(r'<[^>]*>|%[-#0 +]*\d*\$?\.?\d*[a-z]+|[_&](?=\w)|\{[^}]*\}', ' ', text)


@functools.lru_cache(None)
def words(language):
    if language in NO_WORDS:
        return {}
    return wordfreq.get_frequency_dict(WORDS.get(language, language), 'best')


def spelled(language, text):
    """As the single-byte encodings of the language have it."""
    text = unicodedata.normalize('NFC', text)
    if language == 'ro':
        text = text.translate(str.maketrans('șțȘȚ', 'şţŞŢ'))
    if language == 'fa':
        text = text.translate(str.maketrans('یکۀ\u200c', 'يكه\u200c'))
    if language == 'vi':
        out = ''
        for c in text:
            parts = unicodedata.normalize('NFD', c)
            tone = ''.join(p for p in parts if p in VIETNAMESE)
            out += unicodedata.normalize('NFC', ''.join(p for p in parts if p not in VIETNAMESE)) + tone if tone else c
        text = out
    return text.lower().replace('i̇', 'i')


PUNCTUATION = '\u00a0«»„“”‘’‚‹›–—…•·°§©®™№€£¡¿´`¨½×ªº‎‏،؛؟־'.replace('`', '')
SCRIPTS = {'ru': 'CYRILLIC', 'bg': 'CYRILLIC', 'uk': 'CYRILLIC', 'be': 'CYRILLIC', 'sr': 'CYRILLIC', 'mk': 'CYRILLIC', 'el': 'GREEK', 'he': 'HEBREW', 'ar': 'ARABIC', 'fa': 'ARABIC', 'th': 'THAI'}


def encodable(c):
    for e in 'cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp874'.split():
        try:
            c.encode(e)
            return True
        except UnicodeEncodeError:
            pass
    return False


def units(language):
    """(text, weight): words between spaces, then running text."""
    vocabulary, text = words(language), spelled(language, catalogue_text(language))
    total = sum(f * (len(w) + 1) for w, f in vocabulary.items())
    for w, f in vocabulary.items():
        yield ' ' + spelled(language, w) + ' ', f * 1e6 / total
    if text:
        yield text, (2e5 if vocabulary else 1e6) / max(len(text), 1e4)


def letters_of(language):
    script, count = SCRIPTS.get(language, 'LATIN'), collections.Counter()
    for text, weight in units(language):
        for c in text:
            if c > '\x7f':
                count[c] += weight
    keep = []
    for c, n in count.most_common():
        if c in PUNCTUATION or not encodable(c):
            continue
        of_script = unicodedata.name(c, '').startswith(script) or (language == 'vi' and c in VIETNAMESE)
        if of_script and n > (60 if script == 'LATIN' else 10) and (unicodedata.category(c)[0] in 'LM'):
            keep.append(c)
    return ''.join(keep[:70])


def model(language):
    latin, letters = language in LATIN, letters_of(language)
    first = 29 if latin else 4
    classes = first + len(letters)

    def class_of(c):
        if c in letters:
            return first + letters.index(c)
        if 'a' <= c <= 'z':
            return 3 + ord(c) - 97 if latin else 3
        return 0 if c < '\x80' else 1 if c in PUNCTUATION else 2

    cache = functools.lru_cache(None)(class_of)
    pairs = [[0.0] * classes for _ in range(classes)]
    for text, weight in units(language):
        before = 0
        for c in text:
            now = cache(c)
            pairs[before][now] += weight
            before = now
    single = [sum(row[c] for row in pairs) + 1 for c in range(classes)]
    total = sum(single)
    bits = ''
    for row in pairs:
        n = sum(row)
        for c in range(classes):
            p = (row[c] + 30 * single[c] / total) / (n + 30)
            bits += chr(min(51, max(0, round(-4 * math.log2(p)))) + 65 + (6 if -4 * math.log2(p) >= 25.5 else 0))
    return letters, latin, classes, bits


def literal(text, indent='   ', width=140):
    pieces = [text[i:i + width] for i in range(0, len(text), width)] or ['']
    return ('\n' + indent).join('"' + p + '"' for p in pieces)


def characters(language):
    count = collections.Counter()
    source = {'hans': 'zh', 'hant': 'zh'}.get(language, language)
    back = collections.defaultdict(list)
    if language == 'hant':
        path = os.path.join(os.path.dirname(wordfreq.__file__), 'data', '_chinese_mapping.msgpack.gz')
        for t, s in msgpack.load(gzip.open(path), strict_map_key=False).items():
            s = s if isinstance(s, str) else chr(s)
            try:
                chr(t).encode('big5')
                back[s].append(chr(t))
            except UnicodeEncodeError:
                pass
    for w, f in words(source).items():
        for c in w:
            for t in back.get(c, [c]):
                count[t] += f * 1e6 / len(back.get(c, [c]))
    words_total = sum(n for c, n in count.items() if c > '\x7f')
    text = collections.Counter(catalogue_text(language))
    text_total = sum(n for c, n in text.items() if c > '\x7f')
    for c, n in text.items():
        count[c] += n / text_total * words_total * .25
    total = sum(n for c, n in count.items() if c > '\x7f')
    levels = collections.defaultdict(str)
    for c, n in sorted(count.items(), key=lambda item: (-item[1], item[0])):
        if '\x7f' < c < '\U00010000' and c != '\ufffd' and n / total > 2 ** -14.5 and unicodedata.category(c)[0] in 'LPNZ':
            levels[max(3, round(-math.log2(n / total)))] += c
    return levels


print('/* SPDX-License-Identifier: MIT\n *\n * Written by charset_models.py, which says from what; do not edit.\n */')
print('#include "tools/warc2txt/charset/charset_models.h"\n')
punctuation = collections.Counter()
for language in LATIN + OTHER:
    here = collections.Counter(c for c in catalogue_text(language) if c in PUNCTUATION)
    for c, n in here.items():
        punctuation[c] += n / max(1, sum(here.values()))
total = sum(punctuation.values()) + .2 * len(PUNCTUATION)
print('const struct charset_punctuation charset_punctuation[] = {\n ', ' '.join(f'{{0x{ord(c):04X}, {round(-4 * math.log2((punctuation[c] + .2) / total))}}},' for c in PUNCTUATION))
print('  {0, 0},\n};\n\nconst struct charset_language charset_languages[] = {')
for language in LATIN + OTHER:
    letters, latin, classes, bits = model(language)
    print(f'  {{"{language}", "{letters}", {"true" if latin else "false"}, {classes},\n   {literal(bits)}}},')
    print(language, letters, classes, file=sys.stderr)
print('  {0},\n};\n')
for language in ('ja', 'hans', 'hant', 'ko'):
    print(f'const struct charset_level charset_characters_{language}[] = {{')
    for level, text in sorted(characters(language).items()):
        print(f'  {{{level}, {literal(text, "    ", 60)}}},')
    print('  {0},\n};')
