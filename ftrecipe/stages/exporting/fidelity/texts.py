"""The texts whose tokenisation every artefact has to agree on: what tokenizers get wrong."""

import unicodedata
from collections.abc import Iterator, Sequence

COUNT = 200
OWN = 24  # of them at most are of the run's own data
MARKS = 4  # added tokens that are written into texts, each in several ways
MORE_MARKS = 24  # further ones that are written into texts together
TOGETHER = 8

DIGITS = [
    "7", "42", "007", "1234567890", "3.14159265358979", "1,000,000.00", "-273.15", "2026-11-22",
    "14:41:07", "1e-10", "0x7fff", "IPv4 192.168.0.1", "+49 30 901820", "99999999999999999999",
    "½ ¾ ² ³ ₂", "१२३४ ٤٥٦ ７８９", "12 34\t56\n78", "v2.10.0-rc.1", "$1,299.99 or €1.299,99",
    "100%", "3rd, 21st and 42nd", "10¹⁰⁰", "ⅫⅣ", "1 000 000", "1\u202f000\u00a0000",
]  # fmt: skip
WORDS = [
    "Hello", "hello", "HELLO", " hello", "hello ", "Hello, world!", "It's what we'd've said.",
    "THEY'LL don't WON'T i'm", "naïve café façade", "Zażółć gęślą jaźń", "Straße ẞ ß",
    "İstanbul ısı", "ﬁne ﬂow", "re-entry state-of-the-art", "a", " a", "a ", "A.B.C.", "e.g. i.e.",
    "supercalifragilisticexpialidocious", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "“quoted” ‘so’",
    "«Guillemets» „unten“", "em — dash – en - hyphen", "¿Qué? ¡Sí!", "… . .. ... ....", "!!!???",
    "cafe\u0301 e\u0301 n\u0303", "ǅ ŉ ﷺ", "O\u2019Neill O'Neill", "#hashtag @mention &c.",
]  # fmt: skip
SCRIPTS = [
    "你好，世界。", "中文分词没有空格", "日本語のテキスト、カタカナとひらがな",
    "한국어 문장입니다.", "漢字かな交じり文123", "𠜎𠜱𡃁", "مرحبا بالعالم", "السَّلامُ عَلَيْكُم",
    "שלום עולם", "שָׁלוֹם",
    "नमस्ते दुनिया", "क्षत्रिय ज्ञान", "বাংলা ভাষা", "தமிழ் மொழி", "สวัสดีชาวโลก", "ខ្មែរ", "မြန်မာ",
    "Привет, мир!", "Ελληνικά κείμενα", "Հայերեն", "ქართული", "አማርኛ", "Tiếng Việt có dấu",
    "ᏣᎳᎩ", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝕞𝕒𝕥𝕙", "ｆｕｌｌｗｉｄｔｈ", "Ⓒⓘⓡⓒⓛⓔⓓ", "عربي and English שלום",
]  # fmt: skip
EMOJI = [
    "😀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "❤️ ❤", "I ♥ NY", "☃️⛄", "🤷🏿‍♀️ shrug", "🎉🎉🎉",
    "text🙂text", "1️⃣2️⃣", "→ ⇒ ∀x∈ℝ: √x²=|x|", "™ © ® ℃", "■□▪▫", "┌─┐│└┘",
]  # fmt: skip
CODE = [
    "def f(x: int) -> int:\n    return x ** 2\n", "if (a&&b||!c) { return a?.b ?? []; }",
    "for(int i=0;i<10;++i){\n\tprintf(\"%d\\n\", i);\n}", "SELECT * FROM t WHERE a='b' -- c",
    "<div class=\"x\">&nbsp;&amp;</div>", "{\"key\": [1, 2.5, null, true], \"b\": \"\\u00e9\"}",
    "#!/bin/bash\nset -e\necho \"$HOME\" | grep -v '^#'", "x = lambda *a, **k: (a, k)",
    "C:\\Users\\me\\file.txt", "~/.config/app.toml", "re.compile(r'\\d+\\.\\d*')",
    "a_b_c camelCase",
    "    indented\n        more\n\tand a tab", "// comment\n/* block */", "foo::bar<T>()->baz",
    "0b1010 0o17 1_000", "`code` **bold** _it_ [l](u)", "| a | b |\n|---|---|\n| 1 | 2 |",
    "\\begin{align} x &= y \\\\ \\end{align}", "async/await => {};",
    "diff --git a/x b/x\n+new\n-old",
]  # fmt: skip
SPACES = [
    " ", "  ", "   ", "    ", "        ", " " * 17, " " * 64, "\n", "\n\n", "\n\n\n", "\n \n", "\t",
    "\t\t", " \t ", "\r\n", "\r", "a  b", "a   b", "a    b\n\n\n\nc", "line one\nline two\r\nthree",
    "trailing   ", "   leading", "a\u00a0b", "a\u2003b\u2009c", "a\u200bb\u200dc", "\u3000全角",
    "tab\tseparated\tvalues\n", "paragraph one.\n\nParagraph two.\n", " \n  \n   \n", "\ufeffbom",
    "a\u2028b\u2029c", "\u0085next", ".\n", "?\n\n", " .", "a \n b",
]  # fmt: skip
CONTROLS = [
    "bell\x07", "escape \x1b[31mred\x1b[0m", "\x01\x02\x03", "\x7f", "vertical\x0btab",
    "form\x0cfeed", "soft\u00adhyphen", "\u202eright to left\u202c", "\ue000 private",
    "\ufffd replacement", "\U0010ffff", "combining \u0300\u0301\u0302",
]  # fmt: skip
LINKS = [
    "https://example.com/a/b?c=d&e=f#g", "http://localhost:8080/", "www.example.org",
    "user.name+tag@example.co.uk", "ftp://files.example.net/%7Euser/",
    "git@github.com:org/repo.git",
    "doi:10.1000/182", "data:text/plain;base64,SGVsbG8=", "s3://bucket/key", "/usr/local/bin",
]  # fmt: skip
LONGER = [
    "The opening hours are from 9:30 to 17:45, Monday to Friday; call 030-123456 or write to us.",
    "In 1984 (MCMLXXXIV), 3.5 million units were sold at $49.95 each — a record until 1991!",
    "She said: “It's 25°C outside.” He didn't believe her; neither did I…",
    "1. First\n2. Second\n   - nested\n3. Third\n\n> quoted\n\n```python\nprint('x')\n```\n",
    "Übergrößenträger fährt mit 120 km/h über die A7 — Gesamtlänge: 962,2 km.",
    "東京タワーの高さは333メートルで、1958年に完成しました。", "Price:12€ Qty:3x Total:36€",
]  # fmt: skip
FIXED = [*DIGITS, *SPACES, *CODE, *EMOJI, *SCRIPTS, *CONTROLS, *LINKS, *WORDS, *LONGER]


def texts(own: Sequence[str], marks: Sequence[str], combining: bool = True) -> list[str]:
    """Return `COUNT` texts: some of the run's `own`, some with its added tokens in them, and ours.

    Ours are joined in pairs where they are too few. combining: whether ours may have combining
    marks.
    """
    ours = [text for text in FIXED if combining or not _combines(text)]
    chosen = dict.fromkeys([*list(dict.fromkeys(own))[:OWN], *_marked(marks), *ours])
    for first, second in zip(ours, reversed(ours), strict=True):
        if len(chosen) >= COUNT:
            break
        chosen[f"{first} {second}"] = None
    return list(chosen)[:COUNT]


def _combines(text: str) -> bool:
    """Tell a text with marks that belong to the letter before them."""
    return any(unicodedata.category(letter) in ("Mn", "Mc") for letter in text)


def _marked(marks: Sequence[str]) -> Iterator[str]:
    """Yield texts with an added token in them: alone, between words, and twice; and with many."""
    for mark in marks[:MARKS]:
        yield from (f"a{mark}b", f"a {mark} b\n{mark}\n", f"{mark}{mark} 1")
    more = marks[MARKS : MARKS + MORE_MARKS]
    for at in range(0, len(more), TOGETHER):
        yield " ".join(f"a{mark}b" for mark in more[at : at + TOGETHER])
