#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# measure_encodings.py COLLECTION [TEXTS...]
#
# COLLECTION: folders of pages named by their true encoding (chardet's tests).  TEXTS: UTF-8 files LANGUAGE=PATH to be
# re-encoded in all the single-byte and multi-byte encodings of their language in pieces of 100, 400 and 2,000 characters.
# Prints the shares of right text of charset.c (built here as a shared object), resiliparse, chardet and charset-normalizer, where
# installed: declared rightly, not at all and wrongly.  Right: the decoded text is the one of the true encoding by the
# WHATWG's mapping (ours) or Python's codec (peers; names mapped as the standard maps them).
import collections, ctypes, os, random, re, subprocess, sys, tempfile, time, unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))


class Slice(ctypes.Structure):
    _fields_ = [('data', ctypes.c_char_p), ('len', ctypes.c_size_t)]


class Buffer(ctypes.Structure):
    _fields_ = [('data', ctypes.c_void_p), ('len', ctypes.c_size_t), ('capacity', ctypes.c_size_t)]


class Charset(ctypes.Structure):
    _fields_ = [('name', ctypes.c_char_p), ('kind', ctypes.c_int), ('table', ctypes.c_int)]


def build():
    target = os.path.join(tempfile.mkdtemp(), 'charset.so')
    sources = [f'{HERE}/charset{part}.c' for part in ('', '_decode', '_guess', '_tables', '_models')]
    sources += [f'{ROOT}/common/base/{part}.c' for part in ('utf8', 'buffer', 'memory', 'simd')]
    subprocess.run(['gcc', '-O2', '-std=c11', '-D_GNU_SOURCE', '-shared', '-fPIC', '-pthread', f'-I{ROOT}', '-o', target] + sources, check=True)
    library = ctypes.CDLL(target)
    library.charset_detect.restype = library.charset_find.restype = ctypes.POINTER(Charset)
    library.charset_detect.argtypes = [ctypes.c_void_p, Slice, Slice, ctypes.c_bool]
    library.charset_find.argtypes = [Slice]
    library.charset_decoder_new.restype = ctypes.c_void_p
    library.charset_decode.argtypes = [ctypes.c_void_p, ctypes.POINTER(Charset), Slice, ctypes.POINTER(Buffer)]
    library.charset_decode.restype = ctypes.c_uint64
    return library


library = build()
decoder = library.charset_decoder_new()


def decode(charset, body):
    out = Buffer()
    library.charset_decode(decoder, charset, Slice(body, len(body)), ctypes.byref(out))
    return ctypes.string_at(out.data, out.len) if out.len else b''


def ours(body, declared):
    field = f'text/html; charset={declared}'.encode() if declared else b''
    charset = library.charset_detect(decoder, Slice(body, len(body)), Slice(field, len(field)), not declared)
    return charset.contents.name.decode(), decode(charset, body)


def find(label):
    return library.charset_find(Slice(label.encode(), len(label.encode())))


def by_label(label, body):
    charset = find(label)
    return decode(charset, body) if charset else None


def peer(name):
    if name == 'resiliparse':
        from resiliparse.parse.encoding import detect_encoding
        return lambda body: detect_encoding(body)
    if name == 'chardet':
        import chardet
        return lambda body: chardet.detect(body)['encoding']
    from charset_normalizer import from_bytes
    return lambda body: getattr(from_bytes(body).best(), 'encoding', None)


PYTHON = {'gb2312': 'gb18030', 'cp949': 'euc-kr', 'uhc': 'euc-kr', 'mac_roman': 'macintosh', 'mac_cyrillic': 'x-mac-cyrillic', 'tis-620': 'windows-874', 'cp932': 'shift_jis',
          'ascii': 'windows-1252', 'utf_8_sig': 'utf-8', 'utf-8-sig': 'utf-8', 'big5hkscs': 'big5', 'euc_jis_2004': 'euc-jp', 'utf_16': 'utf-16', 'maccyrillic': 'x-mac-cyrillic', 'macroman': 'macintosh'}


def whatwg(name):
    """The label of the standard for a peer's or a folder's name."""
    name = (name or 'windows-1252').lower()
    name = PYTHON.get(name, PYTHON.get(name.replace('-', '_'), name))
    for label in (name, name.replace('_', '-'), re.sub(r'^cp(\d+)$', r'windows-\1', name), re.sub(r'^iso(\d+)', r'iso-\1', name.replace('_', '-'))):
        if find(label):
            return label
    return None


REFUSED = {'EUC-TW', 'Johab', 'IBM855', 'iso-2022-kr'}
LANGUAGES = ('arabic bulgarian croatian czech greek hebrew hungarian polish romanian russian slovak slovene turkish').split()


def collection(root):
    for folder in sorted(os.listdir(root)):
        true = re.sub('-(' + '|'.join(LANGUAGES) + ')$', '', folder)
        for file in sorted(os.listdir(os.path.join(root, folder))):
            yield folder, file, true, open(os.path.join(root, folder, file), 'rb').read()


def without_declaration(body):
    """The same bytes, but no charset= and encoding=."""
    body = re.sub(rb'(?i)(charset|encoding)(\s*=)', lambda m: b'x' * len(m[1]) + m[2], body[:65536]) + body[65536:]
    return body


def wrong_label(true):
    return 'windows-1251' if whatwg(true) in ('windows-1252', 'iso-8859-1') else 'iso-8859-1'


def table(title, rows):
    print(f'\n{title}')
    for name, (right, count) in rows.items():
        print(f'  {name:48} {right:6} of {count:6}  {100 * right / max(1, count):6.2f}%')


def measure_collection(root):
    peers = {}
    for name in ('resiliparse', 'chardet', 'charset-normalizer'):
        try:
            peers[name] = peer(name)
        except ImportError:
            print(f'{name} is not installed')
    rows, refused, seconds = collections.OrderedDict(), [0, 0], collections.Counter()

    def add(name, right, what):
        row = rows.setdefault(name, [0, 0])
        row[0] += right
        row[1] += 1
        if not right and name.startswith('ours'):
            print(f'  {name}: {what}')

    for folder, file, true, body in collection(root):
        if true in REFUSED:
            name, _ = ours(without_declaration(body), None)
            refused[0] += library.charset_find(Slice(name.encode(), len(name))).contents.kind == 12
            refused[1] += 1
            print(f'  refuse {folder}/{file}: {name}')
            continue
        if body[:4] == b'\0\0\xfe\xff':
            true = 'utf-32be'
        elif body[:2] == b'\xfe\xff':
            true = 'utf-16be'
        want, bare = by_label(whatwg(true), body), without_declaration(body)
        want_bare = by_label(whatwg(true), bare)
        what = f'{folder}/{file}'
        name, text = ours(body, None)
        add('ours, as the page is', text == want, f'{what}: {name}')
        name, text = ours(body, whatwg(true))
        add('ours, declared rightly', text == want, f'{what}: {name}')
        started = time.perf_counter()
        name, text = ours(bare, None)
        seconds['ours'] += time.perf_counter() - started
        add('ours, declared not', text == want_bare, f'{what}: {name}')
        for lie in (wrong_label(true), 'utf-8', 'shift_jis'):
            if whatwg(true) != lie:
                name, text = ours(bare, lie)
                add(f'ours, declared wrongly ({"latin" if lie not in ("utf-8", "shift_jis") else lie})', text == want_bare, f'{what}: {name}')
        for name, detect in peers.items():
            started = time.perf_counter()
            label = whatwg(detect(bare))
            seconds[name] += time.perf_counter() - started
            add(f'{name}, declared not', label is not None and by_label(label, bare) == want_bare, '')
    table('pages whose encoding WHATWG defines: right text', rows)
    print(f'  the others: {refused[0]} of {refused[1]} refused')
    print('  seconds of detection: ' + ', '.join(f'{n} {s:.3f}' for n, s in seconds.items()))


ENCODINGS = {
    'windows-1252': 'de fr es it nl sv da nb fi pt', 'windows-1250': 'cs pl hu ro', 'iso-8859-2': 'cs pl hu ro', 'windows-1251': 'ru uk sr bg mk', 'koi8-r': 'ru', 'koi8-u': 'uk',
    'iso-8859-5': 'ru sr mk', 'ibm866': 'ru', 'x-mac-cyrillic': 'ru', 'windows-1253': 'el', 'iso-8859-7': 'el', 'windows-1254': 'tr', 'windows-1255': 'he', 'macintosh': 'de fr es',
    'shift_jis': 'ja', 'euc-jp': 'ja', 'iso-2022-jp': 'ja', 'gb18030': 'zh_CN', 'big5': 'zh_TW', 'windows-1258': 'vi', 'euc-kr': 'ko', 'windows-1256': 'ar', 'windows-874': 'th'}
CODECS = {'ibm866': 'cp866', 'x-mac-cyrillic': 'mac_cyrillic', 'macintosh': 'mac_roman', 'shift_jis': 'cp932', 'big5': 'cp950', 'euc-kr': 'cp949', 'windows-874': 'cp874', 'koi8-u': 'koi8_u'}


def encode(text, label):
    if label == 'windows-1258':
        text = ''.join(unicodedata.normalize('NFC', ''.join(p for p in unicodedata.normalize('NFD', c) if p not in '\u0300\u0301\u0303\u0309\u0323')) +
                       ''.join(p for p in unicodedata.normalize('NFD', c) if p in '\u0300\u0301\u0303\u0309\u0323') for c in text)
    text = text.translate({0x219: 0x15F, 0x21B: 0x163, 0x218: 0x15E, 0x21A: 0x162})
    return text.encode(CODECS.get(label, label), 'ignore')


def measure_texts(texts):
    rng, peers = random.Random(1), {}
    for name in ('resiliparse', 'chardet'):
        try:
            peers[name] = peer(name)
        except ImportError:
            pass
    for size in (100, 400, 2000):
        rows = collections.OrderedDict()
        for label, languages in ENCODINGS.items():
            for language in languages.split():
                text = texts.get(language, '')
                for _ in range(40 if len(text) > 5000 else 0):
                    at = rng.randrange(len(text) - size)
                    body = encode(text[at:at + size], label)
                    if label != 'iso-2022-jp' and sum(b > 127 for b in body) < 3:
                        continue
                    want = by_label(label, body)
                    for name in ['ours, declared not', 'ours, declared rightly', 'ours, declared iso-8859-1'] + list(peers):
                        if name in peers:
                            got = whatwg(peers[name](body))
                            right = got is not None and by_label(got, body) == want
                        else:
                            found, got = ours(body, {'not': None, 'rightly': label, 'iso-8859-1': 'iso-8859-1'}[name.split()[-1]])
                            right = got == want
                            if name == 'ours, declared not':
                                row = rows.setdefault(f'  {label} {language}', [0, 0])
                                row[0] += right
                                row[1] += 1
                        row = rows.setdefault(name, [0, 0])
                        row[0] += right
                        row[1] += 1
        table(f'pieces of {size} characters', rows if size == 100 else {k: v for k, v in rows.items() if not k.startswith(' ') or v[0] < v[1]})


measure_collection(sys.argv[1])
texts = collections.defaultdict(str)
for argument in sys.argv[2:]:
    language, path = argument.split('=', 1)
    texts[language] += open(path, encoding='utf-8', errors='ignore').read()
if texts:
    measure_texts(texts)
