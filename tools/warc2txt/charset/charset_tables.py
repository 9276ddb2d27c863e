#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# charset_tables.py STANDARD >charset_tables.c
#
# STANDARD: a checkout of https://github.com/whatwg/encoding (encodings.json, index-*.txt).  Writes the labels, the single-byte
# indexes, gb18030's ranges and, for the two-byte indexes, only where the standard differs from glibc's iconv(3), which
# charset_decode.c reads the rest from.  With --hashes: FNV-1a of each two-byte index, for charset_test.c.
import ctypes, json, sys

libc = ctypes.CDLL(None)
libc.iconv_open.restype = ctypes.c_void_p
libc.iconv.restype = ctypes.c_size_t
libc.iconv.argtypes = [ctypes.c_void_p] * 5


def iconv(cd, data):
    source, target = ctypes.create_string_buffer(data, len(data)), ctypes.create_string_buffer(64)
    a, b = ctypes.c_void_p(ctypes.addressof(source)), ctypes.c_void_p(ctypes.addressof(target))
    n, m = ctypes.c_size_t(len(data)), ctypes.c_size_t(64)
    libc.iconv(cd, None, None, None, None)
    if libc.iconv(cd, ctypes.byref(a), ctypes.byref(n), ctypes.byref(b), ctypes.byref(m)) == ctypes.c_size_t(-1).value:
        return 0
    libc.iconv(cd, None, None, ctypes.byref(b), ctypes.byref(m))
    text = target.raw[:64 - m.value].decode('utf-32-le')
    return ord(text) if len(text) == 1 else 0


def index(name):
    rows = (line.split('\t') for line in open(f'{sys.argv[1]}/index-{name}.txt') if line.strip() and line[0] != '#')
    return {int(row[0]): int(row[1], 16) for row in rows}


# pointer -> bytes in the encoding that iconv knows
TWO_BYTE = {
    'big5': ('BIG5-HKSCS', 126 * 157, lambda p: bytes([p // 157 + 0x81, p % 157 + (0x40 if p % 157 < 0x3F else 0x62)])),
    'gb18030': ('GB18030', 126 * 190, lambda p: bytes([p // 190 + 0x81, p % 190 + (0x40 if p % 190 < 0x3F else 0x41)])),
    'euc_kr': ('UHC', 126 * 190, lambda p: bytes([p // 190 + 0x81, p % 190 + 0x41])),
    'jis0208': ('CP932', 60 * 188, lambda p: bytes([p // 188 + (0x81 if p // 188 < 0x1F else 0xC1), p % 188 + (0x40 if p % 188 < 0x3F else 0x41)])),
    'jis0212': ('EUC-JP-MS', 82 * 94, lambda p: bytes([0x8F, p // 94 + 0xA1, p % 94 + 0xA1])),
}
KINDS = {'UTF-8': 'UTF8', 'GBK': 'GB18030', 'gb18030': 'GB18030', 'Big5': 'BIG5', 'EUC-JP': 'EUC_JP', 'ISO-2022-JP': 'ISO_2022_JP', 'Shift_JIS': 'SHIFT_JIS',
         'EUC-KR': 'EUC_KR', 'replacement': 'REPLACEMENT', 'UTF-16BE': 'UTF16BE', 'UTF-16LE': 'UTF16LE'}
# Not in the standard: UTF-32, which is easily read, and what is known by name only, in order to refuse it.
MORE = [('UTF-32LE', 'UTF32LE', ['utf-32', 'utf-32le', 'utf32', 'ucs-4', 'ucs-4le', 'iso-10646-ucs-4']), ('UTF-32BE', 'UTF32BE', ['utf-32be', 'ucs-4be']),
        ('EUC-TW', 'REPLACEMENT', ['euc-tw', 'x-euc-tw', 'euctw', 'cns11643']), ('Johab', 'REPLACEMENT', ['johab', 'x-johab', 'cp1361', 'ksc5601-1992']),
        ('IBM855', 'REPLACEMENT', ['ibm855', 'cp855', '855', 'csibm855']), ('UTF-7', 'REPLACEMENT', ['utf-7', 'utf7', 'unicode-1-1-utf-7', 'csunicode11utf7', 'x-unicode-2-0-utf-7']),
        ('ISO-2022-JP-2', 'REPLACEMENT', ['iso-2022-jp-1', 'iso-2022-jp-2', 'iso-2022-jp-3', 'csiso2022jp2'])]


def differences(name):
    encoding, count, to_bytes = TWO_BYTE[name]
    cd, want = libc.iconv_open(b'UTF-32LE', encoding.encode()), index(name.replace('_', '-'))
    return [(p, want.get(p, 0)) for p in range(count) if want.get(p, 0) != iconv(cd, to_bytes(p))]


def wrapped(items, width=150):
    line = ' '
    for item in items:
        if len(line) + len(item) > width:
            print(line)
            line = ' '
        line += ' ' + item + ','
    print(line)


if '--hashes' in sys.argv:
    for name, (_, count, _) in TWO_BYTE.items():
        want, h = index(name.replace('_', '-')), 0xCBF29CE484222325
        for p in range(count):
            for byte in want.get(p, 0).to_bytes(4, 'little'):
                h = (h ^ byte) * 0x100000001B3 & (1 << 64) - 1
        print(f'  {{"{name}", {count}, 0x{h:016X}}},')
    sys.exit()

encodings = [(e['name'], e['labels']) for part in json.load(open(f'{sys.argv[1]}/encodings.json')) for e in part['encodings']]
tables, rows, labels = [], [], []
for name, names in encodings:
    kind, table = KINDS.get(name, 'SINGLE'), -1
    if kind == 'SINGLE':
        table = len(tables)
        file = {'ISO-8859-8-I': 'iso-8859-8'}.get(name, name.lower())
        tables.append((name, {i: 0xF780 + i for i in range(128)} if name == 'x-user-defined' else index(file)))
    labels += [(label, len(rows)) for label in names]
    rows.append((name, kind, table))
for name, kind, names in MORE:
    labels += [(label, len(rows)) for label in names]
    rows.append((name, kind, -1))
tables.append(('IBM855, only to be recognised', {i: ord(bytes([128 + i]).decode('cp855')) for i in range(128)}))
assert len(set(label for label, _ in labels)) == len(labels)

print('/* SPDX-License-Identifier: MIT\n *\n * Written by charset_tables.py from https://github.com/whatwg/encoding and this C library\'s iconv; do not edit.\n */')
print('#include "tools/warc2txt/charset/charset_tables.h"\n\nconst struct charset charsets[] = {')
for name, kind, table in rows:
    print(f'  {{"{name}", CHARSET_{kind}, {table}}},')
print('};\n\nconst struct charset_label charset_labels[] = {')
wrapped([f'{{"{label}", {row}}}' for label, row in sorted(labels)])
print(f'}};\nconst size_t charset_label_count = {len(labels)};\n\nconst uint16_t charset_single[][128] = {{')
for name, table in tables:
    print(f'  {{ /* {name} */')
    wrapped([f'0x{table.get(i, 0xFFFD):04X}' for i in range(128)])
    print('  },')
print('};\n\nconst struct charset_pair charset_gb18030_ranges[] = {')
ranges = sorted(index('gb18030-ranges').items())
wrapped([f'{{{p}, 0x{c:04X}}}' for p, c in ranges])
print(f'}};\nconst size_t charset_gb18030_range_count = {len(ranges)};')
for name in TWO_BYTE:
    pairs = differences(name)
    if name == 'jis0208':  # these are Shift_JIS's private characters, which iconv has and the standard gives by a rule
        pairs = [(p, c) for p, c in pairs if not 8836 <= p <= 10715]
    print(f'\nconst struct charset_pair charset_{name}_differences[] = {{')
    wrapped([f'{{{p}, 0x{c:04X}}}' for p, c in pairs + [(0xFFFF, 0)]])
    print('};')
