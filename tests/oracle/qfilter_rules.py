#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/data/qfilter/rules.tsv: what datatrove 0.10 decides on documents made here, for every rule on both
sides of its threshold.  Run it in a virtual environment with datatrove[processing] and regex:

    python tests/oracle/qfilter_rules.py > tests/data/qfilter/rules.tsv

Fields: word mode, rule set, settings (KEY=VALUE between blanks), decision (keep or the reason), text, text that c4
leaves.  datatrove's word splitter is replaced by that of the mode, but for `reference`; its sentence splitter (spaCy)
never is."""
import random
import unicodedata

import regex
from datatrove.data import Document
from datatrove.pipeline.filters import c4_filters, fineweb_quality_filter, gopher_quality_filter, gopher_repetition_filter
from datatrove.utils.text import split_into_words

BOUNDARY = regex.compile(r"(?w)\b")  # UAX 29; regex tailors apostrophes before vowels, so no text here has one


def unicode_words(text):
    pieces, last = [], 0
    for m in BOUNDARY.finditer(text):
        pieces.append(text[last : m.start()])
        last = m.start()
    pieces.append(text[last:])
    words = []
    for p in pieces:  # a run of the same mark is one word
        run = words and p and words[-1] and len(set(words[-1])) == 1 and not (words[-1][0].isalnum() or words[-1][0] == "_")
        if run and p[0] == words[-1][0] and all(unicodedata.category(c)[0] == "M" for c in p[1:]):
            words[-1] += p
        else:
            words.append(p)
    return [w for p in words for w in p.split()]


SPLIT = {"space": str.split, "unicode": unicode_words, "reference": split_into_words}
FILTERS = {
    "gopher-quality": gopher_quality_filter.GopherQualityFilter,
    "gopher-repetition": gopher_repetition_filter.GopherRepetitionFilter,
    "c4": c4_filters.C4QualityFilter,
    "c4-paragraph": c4_filters.C4ParagraphFilter,
    "fineweb": fineweb_quality_filter.FineWebQualityFilter,
}


def escape(s):
    return s.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def decide(mode, name, settings, text):
    for module in (gopher_quality_filter, gopher_repetition_filter, fineweb_quality_filter):
        module.split_into_words = lambda t, language=None: SPLIT[mode](t)
    doc = Document(text=text, id="d")
    try:
        result = FILTERS[name](**settings).filter(doc)
    except ZeroDivisionError:
        result = (False, "empty")
    if result is True and not doc.text.split():  # a document without a word is dropped
        result = (False, "empty")
    return ("keep" if result is True else result[1]), doc.text


seen = set()


def show(value):
    return {True: "true", False: "false", None: "none"}.get(value, value) if not isinstance(value, (int, float)) or isinstance(value, bool) else value


def row(mode, name, settings, text):
    decision, left = decide(mode, name, settings, text)
    said = " ".join(f"{k}={','.join(v) if isinstance(v, list) else show(v)}" for k, v in settings.items())
    line = "\t".join((mode, name, said, decision, escape(text), escape(left) if name == "c4" and decision == "keep" else ""))
    if line not in seen:
        seen.add(line)
        print(line)
    return decision


def family(name, make, ks, modes=("space", "unicode"), **settings):
    """Writes the texts make(k) on both sides of every change of the decision."""
    for mode in modes:
        last = None
        for k in ks:
            decision, _ = decide(mode, name, settings, make(k))
            if last is not None and decision != last:
                row(mode, name, settings, make(k - 1))
                row(mode, name, settings, make(k))
            last = decision


rnd = random.Random(20)
LETTERS = "bcdfghjklmnpqrstvwxyz"  # no vowels: nothing that regex tailors


def word(n):
    return "".join(rnd.choice(LETTERS) for _ in range(n))


POOL = [word(5) for _ in range(600)]
STOP = "the of and "


def words(n, start=0):
    return " ".join(POOL[start : start + n])


def main():
    q, r, f = "gopher-quality", "gopher-repetition", "fineweb"
    # ---- gopher-quality
    family(q, lambda k: STOP + words(k), range(40, 56))
    family(q, lambda k: STOP + words(k), range(90, 130), max_doc_words=110)
    family(q, lambda k: STOP + " ".join(["bc"] * k + ["bcdf"] * 60), range(20, 120))
    family(q, lambda k: STOP + " ".join(["bcdfghjklmnpq"] * k + ["bcdf"] * 40), range(20, 160))
    family(q, lambda k: STOP + words(60) + " " + "#x " * k, range(1, 20))
    family(q, lambda k: STOP + words(60) + " x..." * (k // 2) + " y\u2026" * (k - k // 2), range(1, 24), max_ellipsis_lines_ratio=None)
    family(q, lambda k: STOP + words(60) + "x......y ...." * k, range(1, 10), max_ellipsis_lines_ratio=None)
    family(q, lambda k: "\n".join((" - " if i % 2 else "\u2022 ") * (i < k) + STOP + words(6, i) for i in range(20)), range(12, 21))
    family(q, lambda k: "\r\n".join(STOP + words(6, i) + (".... " if i % 2 else "\u2026\x1c")[: 5 if i < k else 0] for i in range(20)), range(1, 12), max_symbol_word_ratio=None)
    family(q, lambda k: STOP + words(60) + " 123" * k, range(5, 30))
    family(q, lambda k: words(60) + " " + " ".join("the be to of and that have with The THE".split()[8 - k :]), range(0, 9))
    family(q, lambda k: words(60) + " xx yy zz"[: 3 * k], range(0, 4), stop_words=["xx", "zz"])
    for settings in ({"min_doc_words": None}, {"min_doc_words": 0, "min_avg_word_length": 0}, {"min_stop_words": None, "min_doc_words": None}):
        for text in ("", " ", "\n\n", "...", "!!! ???", "bcd", "1 2 3", "the of bcdfg", "#", "- bcd the of", "\u65e5\u672c\u8a9e the of", "\x1c\x85\u2028"):
            for mode in SPLIT:
                row(mode, q, settings, text)
    # ---- gopher-repetition
    para = lambda i: words(6, 6 * i)
    family(r, lambda k: "\n\n".join(para(0 if i < k else i) for i in range(20)), range(0, 12))
    family(r, lambda k: "\n\n\n".join(words(k, 0) if i < 3 else para(i + 10) for i in range(20)), range(1, 40))
    family(r, lambda k: "\n".join(para(0 if i < k else i) for i in range(20)) + "\n", range(0, 12))
    family(r, lambda k: "\n".join(words(k, 0) if i < 3 else para(i + 10) for i in range(20)), range(1, 40))
    off = dict(dup_line_frac=None, dup_para_frac=None, dup_line_char_frac=None, dup_para_char_frac=None)
    for n in range(2, 5):
        family(r, lambda k: words(80, 30) + "".join(f" {words(n)} {POOL[200 + i]}" for i in range(k)), range(1, 40), **off)
    for n in range(5, 11):
        family(r, lambda k: words(120, 30) + "".join(f" {words(n)} {POOL[200 + i]}" for i in range(k)), range(1, 12), **off)
        family(r, lambda k: words(k, 40) + f" {words(n)} {POOL[300]} {words(n)} {POOL[301]} {words(n + 2)}", range(20, 240), **off)
    family(r, lambda k: words(k) + " bc d bcd " + words(30, 300) + " b cd bcd", range(1, 10), **off)  # joined alike
    for text in ("", " ", "\n", "\n\n", "\n\nbcd\n\n\nbcd\n", "a a", "a b a b", "bc df bc df gh jk gh jk", "\u00e9\u00e9 \u65e5\u672c \u00e9\u00e9 \u65e5\u672c x", "a\nb\nc\nd"):
        for mode in SPLIT:
            row(mode, r, {}, text)
    # ---- c4
    s = [f"{words(4, 5 * i).capitalize()}." for i in range(12)]
    family("c4", lambda k: "\n".join(s[:k]), range(1, 9))
    family("c4", lambda k: " ".join(s[:k]), range(1, 9))
    family("c4", lambda k: "\n".join(words(k, i).capitalize() + "!" for i in range(6)), range(1, 6))
    family("c4", lambda k: "\n".join(f"{words(4, i)} {'b' * k}?" for i in range(6)), range(15, 24), max_word_length=20)
    family("c4", lambda k: "\n".join(s[:k]), range(1, 9), min_num_sentences=3)
    body = "\n".join(s[:5])
    lines = ["Lorem Ipsum dolor sit.", "x lorem  ipsum y.", "You need JavaScript on.", "Enable java script now.", "Our Privacy Policy is here.", "Terms of use hold here.",
             "We use cookies here now.", "We use coo\u212aies here.", "This site uses cookies too.", "The use of cookies is.", "A { brace is here.", "A } brace is here.", "It ends with no mark",
             "It ends in dots...", "It ends in more....", 'He said "so it is."', "It is 'so it is'", "It ends here \u3002", "Cited here[1][23].", "Cited here.[4]", "Cited here. [5]",
             "[edit] Edit this one.", "Not[ 1] a [1a] cite.", "Arabic[\u0661\u0662] digits here.", "Nested [[12]] cite here.", "Needs it[citation needed].", "[citation needed]", "one two.", "one two three.",
             "Mr. Bcd met Dr. Fgh at 9a.m. in Wash. today.", "We saw bcd.Then fgh came.", "See http://bcd.fg/Hj.Kl now. Then go.", "Wait... what? Yes! No.", "He is (as said.) Gone. U.S. bcd. AB. Cd.",
             "One\u2028two three four.", "Tab\there now it.", "  Indented line is here.  ", "Quote \u201cBcd.\u201d Then more.", "e.g. this and i.e. that.", "a. b. c. d.", "Fin. \u0130stanbul is here."]
    for line in lines:
        for text in (body + "\n" + line, "\n".join(s[:4]) + "\r\n" + line):
            row("space", "c4", {}, text)
    for key in ("remove_citations", "filter_no_terminal_punct", "filter_lorem_ipsum", "filter_javascript", "filter_curly_bracket", "filter_policy"):
        for line in lines[:29]:
            row("space", "c4", {key: False}, body + "\n" + line)
    for text in ("", " ", "\n", "[1]", "bcd", body, " ".join(s), "\n\n" + body + "\n\n"):
        row("space", "c4", {"min_num_sentences": -1}, text)
        row("space", "c4", {"min_num_sentences": -1, "min_words_per_line": -1, "filter_no_terminal_punct": False}, text)
        row("space", "c4", {"split_paragraph": False}, text + " " + lines[6] + " " + lines[18] + " " + body)
    # ---- c4-paragraph
    p = "c4-paragraph"
    family(p, lambda k: "\n".join("b" * k for _ in range(3)), range(190, 210), modes=("space",))
    family(p, lambda k: "\n".join("\u00e9" * k for _ in range(3)), range(190, 210), modes=("space",))
    family(p, lambda k: "\n".join(["b c " * 60] * k), range(0, 6), modes=("space",))
    family(p, lambda k: "\r".join(["b" * 300] * 5) + "\nbcd" * 4 + "\n" + "b" * k + "\n" * 7 + " " * 199 + "c", range(190, 210), modes=("space",))
    for text in ("", "\n\n", "bcd", "b" * 700, "\u2028".join(["b" * 300] * 5)):
        row("space", p, {}, text)
    # ---- fineweb
    long = lambda i: words(7, 7 * (i % 80))
    family(f, lambda k: "\n".join(long(i) + ("." if i < k else "") for i in range(40)), range(0, 8))
    family(f, lambda k: "\n".join(long(i) + ("." if i < k else "") for i in range(40)), range(0, 8), line_punct_exclude_zero=True)
    family(f, lambda k: "\n".join(long(i) + "\u3002!?\u1362"[i % 4] for i in range(k)), range(1, 3))
    family(f, lambda k: "\n".join((words(3, 3 * i) if i < k else long(i)) + "." for i in range(30)), range(15, 24))
    family(f, lambda k: "\n".join("b" * (k - 1) + POOL[i] + "." for i in range(10)), range(20, 40))
    family(f, lambda k: "\n".join("\u65e5" * (k - 1) + POOL[i] + "." for i in range(10)), range(20, 40), modes=("space",))
    family(f, lambda k: "\n".join(long(i) + "." for i in range(k)) + "\n" + long(0) + ".", range(40, 60), char_duplicates_ratio=0.02)
    family(f, lambda k: "\n".join(long(i) + "." for i in range(30)) + ("\n" + "b" * k + ".") * 2, range(1, 40))
    family(f, lambda k: "\n".join(long(i) + "." for i in range(10)) + "\n" * k, range(15, 60))
    for text in ("", " ", "\n", " \n\t\n", "bcd.", "bcd", "bcd. ", "bcd.\r\n" * 3, "bcd.\n\n\n\n", "\u65e5\u672c\u3002", "a.\u2028b"):
        for mode in SPLIT:
            row(mode, f, {}, text)
            row(mode, f, {"short_line_thr": 1, "char_duplicates_ratio": 1, "new_line_ratio": 5}, text)
    # ---- all of them on odd texts
    odd = ["\U0001f600 " * 60, "\u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u3002" * 40, "\u0e44\u0e17\u0e22 " * 60, "b" * 3000, "!?.,;:" * 100, ("bcd " * 30 + "\n") * 8, ("the of " + words(40) + ".\u2028") * 3,
           "\n".join(STOP + words(9, 9 * i) + "." for i in range(30)), "\r\n".join(STOP + words(9, 9 * i) + "." for i in range(30)), "----- ===== ..... " * 20, "e\u0301 " * 60, "\ufeff" + STOP + words(60),
           "1.5 2,000 3:4 5/6 " * 20, "snake_case dot.ted it\u2019s x-y b@c.de http://b.cd/f " * 12, "\x01\x02 \x7f\x9f " * 30, "\u200b \u200d \u00ad " * 30]
    for text in odd:
        for name in FILTERS:
            for mode in SPLIT:
                row(mode, name, {}, text)


# ---- prose whose words and sentences are harder to find
PIECES = """don't can't I'm we've it's she'll gonna o'clock U.S. U.K. e.g. i.e. Mr. Dr. a.m. p.m. 9am 5pm Jan. 3.14 1,000 $5 5kg 100km/h 20% #1 C++ C#
e-mail state-of-the-art and/or he/she (see below) [sic] "quoted" 'single' it's? what?! really... well\u2026 \u201cquoted\u201d \u2018so\u2019 don\u2019t caf\u00e9 na\u00efve
http://a.example/b.html?c=d&e=f www.example.org/x jo@example.org x.y.z file.txt v1.2.3 -- \u2014 - \u2022 * :-) <3 :( A. B. No. 7 10-20 2020-01-02 12:30
ABC's James' dogs' word.Next word,next end.) (start the. of, and; that: have! with? be to the of and that have with""".split()
PLAIN = "river stone lamp window garden paper mountain letter engine summer field bridge story winter candle market".split()


def sentence():
    n = rnd.randint(3, 16)
    words = [rnd.choice(PIECES) if rnd.random() < 0.25 else rnd.choice(["the", "of", "and", "to"]) if rnd.random() < 0.3 else rnd.choice(PLAIN) for _ in range(n)]
    return " ".join(words).capitalize() + rnd.choice([".", ".", ".", "!", "?", "...", "\u2026", "", ":", '."', ".)"])


def prose():
    lines = []
    for _ in range(rnd.randint(2, 14)):
        kind = rnd.random()
        if kind < 0.6:
            lines.append(" ".join(sentence() for _ in range(rnd.randint(1, 4))))
        elif kind < 0.7:
            lines.append(rnd.choice(["- ", "\u2022 ", "* ", "1. "]) + sentence())
        elif kind < 0.8:
            lines.append(rnd.choice(["", " ", "\t", "* * *", "----", "### Head", "Home | About | Contact", "\u00a9 2020"]))
        elif lines:
            lines.append(rnd.choice(lines))
    return "".join(line + rnd.choice(["\n", "\n", "\n", "\n\n", "\r\n", " \n", "\u2028"]) for line in lines)


main()
for _ in range(40):
    text = prose()
    for name in FILTERS:
        row("reference", name, {"min_doc_words": 20} if name == "gopher-quality" else {}, text)
