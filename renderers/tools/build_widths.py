"""Build ``armillary_renderers/svg/font_widths.py``: how wide each character is, in thousandths of the font size.

The width of a character is the widest of the fonts given, rounded up: what fits in the table's width fits in each of
them. Run with fontTools installed:

    python renderers/tools/build_widths.py DejaVuSans.ttf LiberationSans-Regular.ttf \\
        --bold DejaVuSans-Bold.ttf LiberationSans-Bold.ttf

DejaVu Sans and Liberation Sans are free fonts; Liberation Sans has the metrics of Arial and Helvetica. Widths are
facts about a font, not the font: none is shipped.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont  # pyright: ignore[reportMissingImports]  # only this script needs it

RANGES = (
    (0x20, 0x17F),  # Latin, Latin-1, Latin Extended-A
    (0x192, 0x192),
    (0x218, 0x21B),
    (0x2B0, 0x2FF),
    (0x370, 0x3FF),  # Greek
    (0x400, 0x52F),  # Cyrillic
    (0x531, 0x587),  # Armenian
    (0x5D0, 0x5EA),  # Hebrew
    (0x60C, 0x64A),  # Arabic, isolated forms: the widest of each letter's
    (0x660, 0x669),
    (0x10D0, 0x10FF),  # Georgian
    (0x1E00, 0x1EFF),
    (0x2010, 0x2044),
    (0x20A0, 0x20BF),
    (0x2100, 0x214F),
    (0x2190, 0x21FF),
    (0x2200, 0x22FF),
    (0x2500, 0x25FF),
)
TARGET = Path(__file__).parents[1] / "armillary_renderers" / "svg" / "font_widths.py"


def widths(files: list[str]) -> dict[int, int]:
    """The widest of the fonts, by code point."""
    table: dict[int, int] = {}
    for file in files:
        font: Any = TTFont(file)
        scale = 1000 / font["head"].unitsPerEm
        metrics, names = font["hmtx"], font.getBestCmap()
        for first, last in RANGES:
            for code in range(first, last + 1):
                if code in names:
                    table[code] = max(table.get(code, 0), math.ceil(metrics[names[code]][0] * scale))
    return table


def literal(name: str, table: dict[int, int]) -> list[str]:
    """A table as Python source."""
    lines = [f"{name}: tuple[tuple[int, tuple[int, ...]], ...] = ("]
    for first, last in RANGES:
        row = [str(table.get(code, 0)) for code in range(first, last + 1)]
        lines.append(f"    (0x{first:X}, (")
        lines += [f"        {', '.join(row[start : start + 24])}," for start in range(0, len(row), 24)]
        lines.append("    )),")
    return [*lines, ")"]


def main() -> None:
    """Write the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("regular", nargs="+")
    parser.add_argument("--bold", nargs="+", required=True)
    options = parser.parse_args()
    names = ", ".join(Path(file).stem for file in [*options.regular, *options.bold])
    lines = [
        f'"""Made by renderers/tools/build_widths.py from {names}. Do not edit.',
        "",
        "Runs of code points, each with the widths of its characters in thousandths of the font size; 0: not known.",
        '"""',
        "",
        "# ruff: noqa: E501",
        "# fmt: off",
        *literal("REGULAR", widths(options.regular)),
        *literal("BOLD", widths(options.bold)),
    ]
    TARGET.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
