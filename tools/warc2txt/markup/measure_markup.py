#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# What becomes of code, tables and formulas: measure_markup.py [-n PAGES] [--peers] WARC2TXT KIND=FOLDER...
#
# A folder holds pages whose sources are known: FOLDER/**/NAME.html with _sources/NAME.rst.txt (Sphinx's documentation) or
# NAME.rst (or .md) beside it.  Code blocks, cells and formulas are read from the sources; those that the page does not hold
# (white space apart) do not count, since the page was made with other settings.  Pages without any are skipped; of each
# folder the PAGES with the most kinds of them, in the order of a hash of the name (default 60).
#
# Columns: share of code blocks whose lines stand in the output as they were, indentation, blank lines and all (a common
# prefix apart); of table cells in their row and column of one of the output's tables; of formulas whose LaTeX is there
# between delimiters, or anywhere when it is at least six characters long.  --peers: trafilatura and resiliparse too.
import argparse, collections, hashlib, html, json, os, re, subprocess, sys, textwrap

# ---- sources: reStructuredText


def indent_of(line):
    return len(line) - len(line.lstrip(" "))


def body(lines, i, indent):
    """The lines indented more than `indent` from i on, and the index behind them."""
    start = i
    while i < len(lines) and (not lines[i].strip() or indent_of(lines[i]) > indent):
        i += 1
    return lines[start:i], i


def clean(lines):
    text = textwrap.dedent("\n".join(l.rstrip() for l in lines)).split("\n")
    while text and not text[0].strip():
        text.pop(0)
    while text and not text[-1].strip():
        text.pop()
    return text


def doctest_flags(lines):
    out = [re.sub(r"\s*#\s*doctest:.+$", "", l) for l in lines]
    return clean(["" if l.strip() == "<BLANKLINE>" else l.rstrip() for l in out])


def options_off(lines):
    i = 0
    while i < len(lines) and lines[i].strip() and re.match(r"\s*:[\w-]+:", lines[i]):
        i += 1
    return lines[i:]


def plain(cell):
    cell = re.sub(r":[\w:+.-]+:`~?([^`<]*?)(?:\s*<[^`>]*>)?`", r"\1", cell)
    cell = re.sub(r"`([^`<]*?)\s*<[^`>]*>`_+", r"\1", cell)
    return cell


def grid_table(lines):
    """Cells of a grid table without spans."""
    columns = [m.start() for m in re.finditer(r"\+", lines[0])]
    rows, row = [], None
    for line in lines:
        if line.startswith("+"):
            if [m.start() for m in re.finditer(r"\+", line)] != columns or re.search(r"[^+=-]", line):
                return None
            if row:
                rows.append(row)
            row = [""] * (len(columns) - 1)
        elif len(line) < columns[-1] or any(line[c] != "|" for c in columns):
            return None
        else:
            for k in range(len(columns) - 1):
                row[k] += " " + line[columns[k] + 1:columns[k + 1]].strip()
    return rows


def simple_table(lines):
    columns = [(m.start(), m.end()) for m in re.finditer(r"=+", lines[0])]
    if len(columns) < 2:
        return None
    rows = []
    for line in lines[1:]:
        if re.fullmatch(r"[= ]+", line):
            continue
        if re.fullmatch(r"[- ]+", line) or not line.strip():
            if line.strip():
                return None
            continue
        cells = [line[a:(columns[k + 1][0] if k + 1 < len(columns) else None)].strip() for k, (a, b) in enumerate(columns)]
        if any(a > 0 and a - 1 < len(line) and line[a - 1] != " " for a, _ in columns):
            return None
        if cells[0] or not rows:
            rows.append(cells)
        else:
            rows[-1] = [(x + " " + y).strip() for x, y in zip(rows[-1], cells)]
    return rows


def list_table(lines):
    rows, text = [], clean(options_off(lines))
    for line in text:
        m = re.match(r"(\* +)?(-|\s*-)( .*|)$", line) if re.match(r"(\* +|  +)-( |$)", line) else None
        if re.match(r"\* +- ?", line):
            rows.append([re.sub(r"^\* +- ?", "", line)])
        elif rows and m and re.match(r"  +- ?", line) and indent_of(line) <= 4:
            rows[-1].append(re.sub(r"^ +- ?", "", line))
        elif rows and line.strip():
            rows[-1][-1] += " " + line.strip()
    return rows if rows and len({len(r) for r in rows}) == 1 else None


def csv_table(lines):
    import csv
    text = options_off(lines)
    header = [re.sub(r"\s*:header: *", "", l) for l in lines if re.match(r"\s*:header:", l)]
    if any(re.match(r"\s*:(delim|file|url|escape|quote):", l) for l in lines):
        return None
    return list(csv.reader(header + clean(text), skipinitialspace=True))


def read_rst(text):
    lines = text.expandtabs(8).split("\n")
    code, tables, formulas = [], [], []
    i, literal = 0, False
    while i < len(lines):
        line = lines[i]
        indent = indent_of(line)
        if not line.strip():
            i += 1
            continue
        m = re.match(r"\s*\.\. ([\w:-]+)::(.*)$", line)
        if m:
            name, argument = m.group(1), m.group(2).strip()
            content, after = body(lines, i + 1, indent)
            if name in ("code-block", "code", "sourcecode", "highlight", "parsed-literal"):
                if name in ("code-block", "code", "sourcecode"):
                    block = clean(options_off(content))
                    if block:
                        code.append(block)
                i = after
            elif name == "math":
                for part in re.split(r"\n\s*\n", "\n".join(clean(options_off(([argument] if argument else []) + content)))):
                    formulas.append(part)
                i = after
            elif name in ("list-table", "csv-table"):
                rows = (list_table if name == "list-table" else csv_table)(content)
                if rows:
                    tables.append(rows)
                i = after
            elif name in ("note", "warning", "seealso", "tip", "versionadded", "versionchanged", "deprecated", "admonition", "important", "hint", "table", "topic", "container",
                          "function", "class", "method", "data", "attribute", "exception", "module", "describe", "option", "c:function", "c:type", "cmdoption", "rubric", "py:function", "py:class", "py:method"):
                i += 1
                while i < len(lines) and re.match(r"\s+:[\w-]+:", lines[i]):
                    i += 1
            else:
                i = after
            continue
        if re.match(r"\s*\.\.( |$)", line):  # comments, targets, footnotes
            _, i = body(lines, i + 1, indent)
            continue
        if re.match(r"\s*\+[-=]+(\+[-=]+)+\+\s*$", line) or re.match(r"\s*=+( +=+)+\s*$", line):
            j = i
            simple = line.strip()[0] == "="
            if simple:
                marks = 0
                while j < len(lines):
                    marks += bool(re.match(r"\s*=+( +=+)+\s*$", lines[j]))
                    j += 1
                    if marks >= 2 and (j == len(lines) or not lines[j].strip()):
                        break
            else:
                while j < len(lines) and re.match(r"\s*[+|]", lines[j]):
                    j += 1
            table = [l[indent:].rstrip() for l in lines[i:j]]
            rows = simple_table(table) if simple else grid_table(table)
            if rows:
                tables.append(rows)
            i = j
            continue
        # a paragraph
        j = i
        while j < len(lines) and lines[j].strip():
            j += 1
        paragraph = lines[i:j]
        if line.lstrip().startswith(">>> "):
            code.append(clean(paragraph))
            i = j
            continue
        k = next((k for k, l in enumerate(paragraph) if l.rstrip().endswith("::") and not re.match(r"\s*\.\. ", l)), None)
        joined = " ".join(paragraph)
        formulas += re.findall(r":math:`((?:[^`\\]|\\.)*)`", joined)
        if k is not None and k == len(paragraph) - 1:
            base = indent_of(paragraph[-1])
            if re.match(r"\s*([-*+]|\d+\.|#\.) ", paragraph[0]) and len(paragraph) == 1:
                base = indent_of(paragraph[0])
            content, after = body(lines, j, base)
            block = clean(content)
            if block:
                code.append(block)
                j = after
        i = j
    return code, tables, formulas


def read_md(text):
    code, tables, formulas = [], [], []
    lines = text.expandtabs(4).split("\n")
    i, prose = 0, []
    while i < len(lines):
        m = re.match(r"( *)(`{3,}|~{3,})(.*)$", lines[i])
        if m:
            j = i + 1
            while j < len(lines) and not re.match(r" *%s+ *$" % re.escape(m.group(2)), lines[j]):
                j += 1
            block = clean(lines[i + 1:j])
            if block and not m.group(3).strip().startswith("{"):
                code.append(block)
            i = j + 1
        elif "|" in lines[i] and i + 1 < len(lines) and re.fullmatch(r"[ |:-]*-[ |:-]*\|[ |:-]*", lines[i + 1]):
            rows = []
            while i < len(lines) and "|" in lines[i]:
                if not re.fullmatch(r"[ |:-]*-[ |:-]*", lines[i]):
                    rows.append([c.strip() for c in re.split(r"(?<!\\)\|", lines[i].strip().strip("|"))])
                i += 1
            tables.append(rows)
        else:
            prose.append(lines[i])
            i += 1
    text = re.sub(r"`[^`]*`", "", "\n".join(prose))
    for a, b in re.findall(r"\$\$(.+?)\$\$|\$(?! )([^$\n]+?)(?<! )\$(?!\d)", text, re.S):
        formulas.append(a or b)
    return code, tables, formulas


# ---- what a page holds of it


def squeeze(s):
    return re.sub(r"\s+", "", s)


def letters(s):
    return re.sub(r"[\W_]+", "", s).lower()


def tex(s):
    s = re.sub(r"\\(begin|end)\{(split|align\*?|aligned|equation\*?|gather\*?|gathered|eqnarray\*?)\}|\\nonumber|\\label\{[^}]*\}", "", s)
    return re.sub(r"\\\\$|^&|\.$|,$", "", squeeze(s).replace("\\[", "").replace("\\]", ""))


def truth(source, page):
    import lxml.html
    code, tables, formulas = (read_md if re.search(r"\.md(\.txt)?$", source) else read_rst)(open(source, encoding="utf-8", errors="replace").read())
    raw = open(page, encoding="utf-8", errors="replace").read()
    tree = lxml.html.document_fromstring(raw.encode("utf-8", "replace"), parser=lxml.html.HTMLParser(encoding="utf-8"))
    pre = "\x00".join(squeeze(e.text_content()).replace("\xa0", "") for e in tree.iter("pre"))
    cells = [[[letters(c.text_content()) for c in r if c.tag in ("td", "th")] for r in t.iter("tr")] for t in tree.iter("table")]
    known = collections.Counter(c for t in cells for r in t for c in r)
    formula_text = tex(html.unescape(raw))
    code = [next((b for b in (block, doctest_flags(block)) if squeeze("".join(b)) and squeeze("".join(b)) in pre), None) for block in code]
    code = [b for b in code if b]
    kept = []
    for rows in tables:
        rows = [[letters(plain(c)) for c in r] for r in rows]
        if len(rows) > 1 and max(map(len, rows)) > 1 and len(rows) < 400:
            kept.append([[c if c and known[c] else None for c in r] for r in rows])
    formulas = [f for f in map(tex, formulas) if f and f in formula_text]
    return code, [t for t in kept if any(c for r in t for c in r)], formulas


# ---- what an output holds of it


def code_there(block, lines, places):
    for j in places.get(block[0].strip(), ()):
        prefix = lines[j][:len(lines[j]) - len(block[0])] if lines[j].endswith(block[0]) else None
        if prefix is None or prefix.strip(" >\t"):
            continue
        if len(lines) - j >= len(block) and all(lines[j + k] == prefix + l if l else not lines[j + k].strip(" >") for k, l in enumerate(block)):
            return True
    return False


def tables_of(text):
    tables, rows = [], []
    for line in text.split("\n") + [""]:
        line = line.strip("\n >") if "|" in line else line
        if line.startswith("|") or re.match(r"[-*] \|", line):
            cells = [letters(c) for c in re.split(r"(?<!\\)\|", re.sub(r"^[-*] ", "", line).strip("|"))]
            if re.fullmatch(r"[-|: ]+", line) and "-" in line:
                if rows and not any(rows[-1]):
                    rows.pop()
            else:
                rows.append(cells)
        elif "\t" in line:
            rows.append([letters(c) for c in line.split("\t")])
        elif rows:
            tables.append(rows)
            rows = []
    return tables


def cells_there(table, tables):
    best = 0
    r0, c0, first = next((r, c, cell) for r, row in enumerate(table) for c, cell in enumerate(row) if cell)
    for rows in tables:
        for shift in {j - r0 for j, row in enumerate(rows) if c0 < len(row) and row[c0] == first}:  # other lines may stand before it
            hits = sum(1 for r, row in enumerate(table) for c, cell in enumerate(row)
                       if cell and 0 <= r + shift < len(rows) and c < len(rows[r + shift]) and rows[r + shift][c] == cell)
            best = max(best, hits)
    return best


def judge(pages, outputs):
    total, good = [0, 0, 0], [0, 0, 0]
    misses = []
    for page, (code, tables, formulas) in pages.items():
        text = outputs.get(page) or ""
        lines = [l.rstrip().replace("\xa0", " ") for l in text.split("\n")]
        places = collections.defaultdict(list)
        for j, l in enumerate(lines):
            places[l.strip()].append(j)
            quoted = re.sub(r"^\s*(> )+\s*", "", l)  # in block quotes
            if quoted != l:
                places[quoted].append(j)
        for b in code:
            there = code_there(b, lines, places)
            total[0] += 1
            good[0] += there
            if not there:
                misses.append((page, "code", "\n".join(b)))
        found = tables_of(text)
        for t in tables:
            n = sum(1 for r in t for c in r if c)
            hits = cells_there(t, found)
            total[1] += n
            good[1] += hits
            if hits < n:
                misses.append((page, "table %d/%d" % (hits, n), repr(t)[:300]))
        math = tex(text)
        delimited = set(re.findall(r"\$+([^$]+)\$+", math)) | set(re.findall(r"\\\((.*?)\\\)", math))
        for f in formulas:
            there = (len(f) >= 6 and f in math) or f in delimited or "$" + f in math or "\\(" + f + "\\)" in math
            total[2] += 1
            good[2] += there
            if not there:
                misses.append((page, "formula", f))
    return total, good, misses


# ---- tools


def warc2txt(program, pages, *options):
    names = sorted(pages)
    out = subprocess.run([program, "--html", "--jsonl", *options, "--list", "/dev/stdin"], input="\n".join(names).encode(), stdout=subprocess.PIPE, check=True).stdout
    return {d["id"]: d["text"] for d in map(json.loads, out.decode().splitlines())}


def trafilatura(pages):
    from trafilatura import extract
    return {p: extract(open(p, "rb").read(), output_format="markdown", include_tables=True, include_formatting=True) for p in pages}


def resiliparse(pages, main=True):
    from resiliparse.extract.html2text import extract_plain_text
    return {p: extract_plain_text(open(p, encoding="utf-8", errors="replace").read(), main_content=main, preserve_formatting=True).replace("\t\t", "\t") for p in pages}  # two tabs between cells


def pairs(folder):
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            if os.sep + "_sources" + os.sep in path + os.sep and re.search(r"\.(rst|md)\.txt$", name):
                page = re.sub(r"\.(rst|md)\.txt$", ".html", path.replace(os.sep + "_sources" + os.sep, os.sep))
            elif re.search(r"\.(rst|md)$", name):
                page = re.sub(r"\.(rst|md)$", ".html", path)
            else:
                continue
            if os.path.exists(page) and os.path.getsize(page) < 3 << 20:
                yield path, page


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", type=int, default=60)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--misses", metavar="FILE", help="what warc2txt --mode all --markup markdown misses")
    parser.add_argument("program")
    parser.add_argument("folders", nargs="+", metavar="KIND=FOLDER")
    a = parser.parse_args()
    kinds = collections.OrderedDict()
    for f in a.folders:
        kind, folder = f.split("=", 1)
        chosen = []
        for source, page in sorted(pairs(folder), key=lambda x: hashlib.md5(os.path.relpath(x[0], folder).encode()).digest())[:12 * a.n]:
            t = truth(source, page)
            if any(t):
                chosen.append((-sum(map(bool, t)), len(chosen), page, t))
        kinds.setdefault(kind, {}).update((p, t) for _, _, p, t in sorted(chosen)[:a.n])
    print("kind\tpages\ttool\tcode\tcells\tformulas\tof blocks\tof cells\tof formulas")
    everything = {p: t for pages in kinds.values() for p, t in pages.items()}
    tools = [("warc2txt markdown main", lambda p: warc2txt(a.program, p, "--markup", "markdown")), ("warc2txt markdown all", lambda p: warc2txt(a.program, p, "--markup", "markdown", "--mode", "all")),
             ("warc2txt text main", lambda p: warc2txt(a.program, p)), ("warc2txt text all", lambda p: warc2txt(a.program, p, "--mode", "all"))]
    if a.peers:
        tools += [("trafilatura markdown", trafilatura), ("resiliparse main", resiliparse), ("resiliparse all", lambda p: resiliparse(p, False))]
    outputs = [(name, tool(everything)) for name, tool in tools]
    for kind, pages in list(kinds.items()) + ([("together", everything)] if len(kinds) > 1 else []):
        for name, output in outputs:
            total, good, misses = judge(pages, output)
            print(kind, len(pages), name, *["%.2f" % (100 * g / t) if t else "-" for g, t in zip(good, total)], *total, sep="\t", flush=True)
            if name == "warc2txt markdown all" and a.misses and kind != "together":
                with open(a.misses, "a", encoding="utf-8") as f:
                    for page, what, text in misses:
                        f.write("== %s %s\n%s\n" % (page, what, text))


main()
