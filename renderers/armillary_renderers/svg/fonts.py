"""The font that a picture may carry: the parts of DejaVu Sans that its texts need, as WOFF2 in its style sheet.

The parts are made by ``renderers/tools/build_fonts.py``; ``fonts/LICENSE.txt`` is theirs. What they lack (CJK, Hebrew,
Arabic, emoji) is left to the fonts of whoever shows the picture.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import Literal

Font = Literal["system", "embedded"]
FONTS: tuple[Font, ...] = ("system", "embedded")
FAMILY = "Armillary DejaVu Sans"
_PARTS = {"latin": "U+0-2FF,U+1E00-22FF", "greek": "U+370-3FF", "cyrillic": "U+400-52F"}
_SCRIPTS = {"greek": range(0x370, 0x400), "cyrillic": range(0x400, 0x530)}
_WEIGHTS = {"regular": "400", "bold": "700"}


def font_faces(text: str) -> list[str]:
    """``@font-face`` rules with the parts that a text needs; Latin always, for what a live view writes later."""
    codes = {ord(character) for character in text}
    needed = ["latin", *(part for part, script in _SCRIPTS.items() if not codes.isdisjoint(script))]
    return [_face(part, weight) for part in needed for weight in _WEIGHTS]


@cache
def _face(part: str, weight: str) -> str:
    data = files("armillary_renderers").joinpath("svg", "fonts", f"{part}-{weight}.woff2").read_bytes()
    return (
        f"@font-face{{font-family:'{FAMILY}';font-weight:{_WEIGHTS[weight]};unicode-range:{_PARTS[part]};"
        f"src:url(data:font/woff2;base64,{b64encode(data).decode()}) format('woff2')}}"
    )
