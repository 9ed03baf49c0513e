"""How wide a text is, and where it wraps, without a browser.

Widths come from a shipped table (the widest of DejaVu Sans and Liberation Sans, whose metrics are those of Arial and
Helvetica), so the same text has the same size on every machine, and fits whichever of these fonts draws it. What the
table lacks is taken to be as wide as it may be: a wide CJK character one em, an emoji one and a half.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from armillary_renderers.svg.font_widths import BOLD, REGULAR

ELLIPSIS = "…"
_ZERO_WIDTH = frozenset({"Mn", "Me", "Cf", "Cc"})
_ATTACHED = frozenset({"Mn", "Me", "Mc", "Cf"})
_CLOSING = frozenset({"Pe", "Pf", "Po"})
_JOINER = "\u200d"
_FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""Two of these letters are a flag."""


def _table(runs: tuple[tuple[int, tuple[int, ...]], ...]) -> dict[str, int]:
    return {chr(first + at): width for first, row in runs for at, width in enumerate(row) if width}


class _Widths(dict[str, int]):
    def __missing__(self, character: str) -> int:
        code = ord(character)
        if unicodedata.category(character) in _ZERO_WIDTH:
            width = 0
        elif 0x1F000 <= code <= 0x1FAFF or 0x2600 <= code <= 0x27BF or 0xFE00 <= code <= 0xFE0F:
            width = 1500
        else:
            width = 1050
        self[character] = width
        return width


_REGULAR = _Widths(_table(REGULAR))
_BOLD = _Widths(_table(BOLD))


@lru_cache(maxsize=16384)
def text_width(text: str, size: int, bold: bool = False) -> int:
    """Pixels that ``text`` needs at most at a font size, rounded up."""
    table = _BOLD if bold else _REGULAR
    return -(-sum(map(table.__getitem__, text)) * size // 1000)


@lru_cache(maxsize=16384)
def wrap(text: str, size: int, width: int, bold: bool = False, most: int = 3) -> tuple[str, ...]:
    """At most ``most`` lines of at most ``width`` pixels. A word that is too long is cut; what does not fit gives way
    to an ellipsis, and then the lines joined differ from the text, which belongs in a ``<title>``."""
    clean = " ".join(_visible(text).split())
    if not clean:
        return ()
    if text_width(clean, size, bold) <= width:
        return (clean,)
    lines = [""]
    for word in _pieces(clean, size, width, bold):
        joined = f"{lines[-1]} {word}" if lines[-1] and not word.startswith("\0") else lines[-1] + word
        joined = joined.replace("\0", "")
        if text_width(joined, size, bold) <= width:
            lines[-1] = joined
        else:
            lines.append(word.replace("\0", ""))
    if len(lines) > most:
        lines = [*lines[: most - 1], _shorten(" ".join(lines[most - 1 :]), size, width, bold)]
    return tuple(line for line in lines if line)


def _visible(text: str) -> str:
    """Control characters are no part of a picture, and some may not stand in XML at all."""
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Cf" else " " for c in text if c != "\ufffe")


def _pieces(text: str, size: int, width: int, bold: bool) -> list[str]:
    """Words, cut where they are too long or where their script has no spaces; ``\\0`` marks: no space before."""
    pieces: list[str] = []
    for word in text.split(" "):
        rest = _breakable(word)
        glue = ""
        for part in rest:
            while text_width(part, size, bold) > width and len(part) > 1:
                cut = _fit(part, size, width, bold)
                pieces.append(glue + part[:cut])
                part, glue = part[cut:], "\0"
            pieces.append(glue + part)
            glue = "\0"
    return pieces


def _breakable(word: str) -> list[str]:
    """A word may break after ``. _ - /`` and beside a wide character."""
    parts = [""]
    for index, character in enumerate(word):
        if len(parts) > 1 and not parts[-1] and _joins(word, index):
            parts[-2] += character
            continue
        if ord(character) >= 0x2E80:
            parts += [character, ""]
            continue
        parts[-1] += character
        if character in "._-/":
            parts.append("")
    return [part for part in parts if part]


def _joins(text: str, at: int) -> bool:
    """No line begins there: before a mark, within an emoji or a flag, or before what closes a sentence of wide
    characters."""
    before, character = text[at - 1], text[at]
    if before == _JOINER or (kind := unicodedata.category(character)) in _ATTACHED:
        return True
    if character in _FLAGS:
        letters = at - len(text[:at].rstrip(_FLAGS))
        return letters % 2 == 1
    return "\U0001f3fb" <= character <= "\U0001f3ff" or (ord(character) >= 0x2E80 and kind in _CLOSING)


def _fit(text: str, size: int, width: int, bold: bool) -> int:
    table = _BOLD if bold else _REGULAR
    used = 0
    for index, character in enumerate(text):
        used += table[character] * size
        if used > width * 1000:
            cut = index
            while cut and _joins(text, cut):
                cut -= 1
            return cut or max(index, 1)
    return len(text)


def _shorten(text: str, size: int, width: int, bold: bool) -> str:
    if text_width(text, size, bold) <= width:
        return text
    cut = _fit(text, size, width - text_width(ELLIPSIS, size, bold), bold)
    return text[:cut].rstrip() + ELLIPSIS
