"""Build ``armillary_renderers/svg/fonts``: DejaVu Sans in parts, as WOFF2, for pictures that carry their font.

Run with fontTools and brotli installed:

    python renderers/tools/build_fonts.py DejaVuSans.ttf DejaVuSans-Bold.ttf

A part holds the characters of one script, so that a picture carries only what its texts need. Hints and features are
left out: pictures are drawn large, and the widths in ``font_widths.py`` know no kerning.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fontTools import subset  # pyright: ignore[reportMissingImports]  # only this script needs it

TARGET = Path(__file__).parents[1] / "armillary_renderers" / "svg" / "fonts"
PARTS = {
    "latin": (
        *range(0x20, 0x180),
        *range(0x218, 0x21C),
        *range(0x2010, 0x2045),
        0x20AC,
        0x2122,
        *range(0x2190, 0x2194),
    ),
    "greek": tuple(range(0x370, 0x400)),
    "cyrillic": tuple(range(0x400, 0x530)),
}


def main() -> None:
    """Write a file for each part and weight."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("regular")
    parser.add_argument("bold")
    given = parser.parse_args()
    for weight, file in (("regular", given.regular), ("bold", given.bold)):
        for part, codes in PARTS.items():
            options: Any = subset.Options(
                flavor="woff2", hinting=False, layout_features=[], notdef_outline=True, recalc_timestamp=False
            )
            font = subset.load_font(file, options)
            chosen: Any = subset.Subsetter(options)
            chosen.populate(unicodes=codes)
            chosen.subset(font)
            subset.save_font(font, str(TARGET / f"{part}-{weight}.woff2"), options)


if __name__ == "__main__":
    main()
