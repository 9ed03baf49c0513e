"""Comparing pictures as they are seen, whatever drew them."""

from __future__ import annotations

import io

from armillary_renderers.svg.theme import FONTS
from PIL import Image, ImageChops, ImageStat

BLOCK = 6
"""Pixels to a side that are compared as one: glyphs are rastered a little differently everywhere."""
SEEN = 32
"""Of 255: from there on a block's difference is seen at once."""


def in_one_font(svg: str) -> str:
    """Programs choose from a list of fonts by rules of their own."""
    assert FONTS in svg
    return svg.replace(FONTS, "'DejaVu Sans'")


def image(data: bytes) -> Image.Image:
    """What is transparent (beside the rounded corners) is white, as the page that a browser shows a file on."""
    found = Image.open(io.BytesIO(data)).convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", found.size, "white"), found).convert("RGB")


def difference(one: Image.Image, other: Image.Image, block: int = BLOCK) -> tuple[float, float]:
    """The mean difference (of 255), and the share of blocks in which it is seen (per cent)."""
    assert one.size == other.size
    size = (one.width // block, one.height // block)
    shrunk = [found.resize(size, Image.Resampling.BOX) for found in (one, other)]
    apart = ImageChops.difference(*shrunk).convert("L")
    return ImageStat.Stat(apart).mean[0], 100 * sum(apart.histogram()[SEEN:]) / (size[0] * size[1])
