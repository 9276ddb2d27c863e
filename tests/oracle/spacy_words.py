#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/data/text/words_reference.tsv: texts, their words and their number of sentences as datatrove 0.10's
split_into_words and split_into_sentences(text) give them (spaCy 3.8's English tokenizer).

    python tests/oracle/spacy_words.py [RANDOM_LINES [SEED]] > tests/data/text/words_reference.tsv

Fields: text (escaped as document fields are), words between blanks, sentences.  The first texts show a rule each; the
rest are thrown together from exceptions, affixes, parts of URLs and characters of many scripts, and every exception
stands alone, in brackets and before a full stop."""
import random
import sys

import spacy
from datatrove.utils.text import split_into_sentences, split_into_words
from spacy.lang import char_classes as c

lines = int(sys.argv[1]) if len(sys.argv) > 1 else 600
R = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 7)
rules = [s for s in spacy.blank("en").tokenizer.rules if not s.isspace()]
units = c.LIST_UNITS + [s.replace("\\", "") for s in c.LIST_CURRENCY]
marks = [s.replace("\\", "") for s in c.LIST_PUNCT + c.LIST_QUOTES if s] + list("-—–~+*^/@.=%§|\\$#")
marks += ["..", "...", "……", "--", "---", "——", "'s", "’s", "'S", "’S", "°C", "°", "US$", "C$", "A$"]
words = (
    "a b I He is A AB Abc word dog don't U.S. e.g 1 22 10 127 3.5 0 9 ß É é Ж ж я Я 日本 文 한국 あ ア ー क ا ب م λ Λ ǅ ª º ² ³ ① Ⅳ ñ 中 Ā ā Ƃ ƃ 𠀀 𐐀 😀 ☃ ٣ ３ ｆ Ｆ _ ́ "
    "\u200d \u200b \ufeff © ® ™ → \U0001f1e9 \U0001f468\u200d\U0001f469 ÷ × \u00ad ǆ ƻ ʰ ˈ ͅ"
).split(" ")
urls = (
    "http:// https:// ftp:// a+b:// mailto:x@ user@ x:y@ www. example.com foo.bar .co.uk a.b .com .Com localhost 192.168.1.1 8.8.8.8 10.0.0.1 172.16.3.4 172.15.3.4 "
    "127.0.0.1 223.255.255.254 224.0.0.1 1.2.3.4 :80 :8080 :8 :123456 /path ?q=1 #frag /a.B,c -a.com a-.com a_b.org xn--abc.de"
).split(" ")
words += ["abcdefgh" * 8, "wxyz" * 15, "9" * 61, "ж" * 31]
spaces = [" "] * 20 + ["  ", "\n", "\t", "\u00a0", "\u3000", "\u2028", " \n", "\x85", "\x1c", "\n\n "]
chars = [chr(R.randrange(0x21, 0x7F)) for _ in range(300)] + [chr(R.randrange(0xA0, 0x3100)) for _ in range(300)]
chars += [chr(R.choice([R.randrange(0x3100, 0xD800), R.randrange(0xE000, 0x11000), R.randrange(0x1D000, 0x1FB00)])) for _ in range(150)]
pools = [rules, [s for s in rules if not s.isalnum()], units, marks, marks, words, words, urls, chars, [x for s in rules for x in (s[:-1], s[1:]) if x]]


def thrown_together():
    out = []
    pause = R.choice([0, 0.1, 0.3, 0.5])
    some = pools if R.random() < 0.6 else R.sample(pools, R.choice([1, 2, 3]))
    for _ in range(R.choice([1, 2, 3, 5, 10, 40])):
        piece = R.choice(R.choice(some))
        out.append(piece.upper() if R.random() < 0.05 else piece)
        if R.random() < pause:
            out.append(R.choice(spaces))
    return "".join(out)


TRICKY = [
    "The quick (brown) fox can't jump 32.3 feet, right?",
    "I'm he's We'll they've don't DON'T cannot gonna Gotta lemme y'all ma'am o'clock 'Cause ’em dont im Im its ill well",
    "He said: \"Go!\" — and went... away…… home.",
    "John's James' the '90s rock'n'roll O'Neil l’été dogs’ it’s",
    "well-known e-mail 1-2 1--2 a--b a---b a----b 10-year x-1 mother-in-law –a a–b a — b pre—post ~a a~b",
    "and/or w/o http/https 1/2 a/1 1/a <b>bold</b> a<b a=b a:b 1:b a:1 x>=y",
    "end.Start end.start END.START e.g.this Mr.Smith U.S.A. U.S. N.Y. a.m. 9a.m. 10am 12p.m. 13am Ph.D. (Mr.) foo/Mr. im.",
    "1,000 a,b a, b A,1 1.5 .5 5. 5.. 1+1 2*3 2^8 2-3 -5 +5 +a a+ 5+ 5++",
    "5km 5km² 10kg 7% 7°C 7°C. 9°F 5°c. 20€ $5 US$5 5US$ C$ 3m/s 60km/h 5’s 5m. £5m 5تم 3كم",
    ":) :-) :)) :)))) ;-) (: 8) 8-D <3 </3 ^_^ (^_^) (ಠ_ಠ) ¯\\(ツ)/¯ (╯°□°）╯︵┻━┻ : ) :P x:) (:)) >:( ><(((*>",
    "see http://www.example.com/a,b?c=d#e, www.example.com. example.com) x@y.zz x@y.ZZ a.b.Cd 1.2.3.4 10.1.2.3 foo://bar.baz:8080/ a@@b.cd bcd.fg..hj",
    "日本語。次の文。 終わり。 次の。 文 한국어. हिन्दी। عربي؟ 中文，标点！ 全角．",
    "One. Two! Three? \"Four.\" (Five.) Six.\nSeven.\n\n Eight .  Nine.\tTen",
    "  leading and  double\tspaces\u00a0here\u2028there \n",
    "@user #tag a_b __init__ _x_ *bold* **b** `code` ``q'' --flag -x a\\b C++ C# .NET node.js 3D",
    "😀 a😀b 👍🏽 ©2019 ™ a™ №5 §5 5§ °° ½ x² ①",
    "f.Kr. Inc. Inc.) \"Inc.\" i.e., (e.g., vs. etc. A. B. AB. aB. Ä. É.",
    "…a a…b ..a a..b a... ...",
    "'' ' ''a'' 'tis '80s ‘a’ “a” „a“ «a» 'S ’s ‘S",
    ". .. , ,, ; : ! ? - -- — – _ / \\ | + = ~ ^ @",
]
texts = TRICKY + [" ".join(f"{r} ({r}) {r}. x{r}" for r in rules[i : i + 12]) for i in range(0, len(rules), 12)]
texts += [t for t in (thrown_together() for _ in range(lines)) if t and "\0" not in t]


def escape(s):
    return s.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


for t in texts:
    print(escape(t), escape(" ".join(split_into_words(t))), len(split_into_sentences(t)), sep="\t")
