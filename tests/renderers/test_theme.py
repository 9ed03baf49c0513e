"""What is drawn on what can be told apart, in every theme: the contrast that WCAG 2.2 asks for."""

from __future__ import annotations

import pytest
from armillary_renderers.svg.theme import DARK, HIGH_CONTRAST, LIGHT, PRINT, Palette

PALETTES = {"light": LIGHT, "dark": DARK, "high-contrast": HIGH_CONTRAST, "print": PRINT}


def luminance(colour: str) -> float:
    """Relative, of ``#rrggbb``; as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def texts(palette: Palette) -> list[tuple[str, str, str]]:
    """What is read, and on what."""
    fills = {f"a node of {family}": tint.fill for family, tint in palette.tints.items()}
    fills |= {"the surface": palette.surface, "a frame": palette.frame}
    found = [(f"text on {name}", palette.text, fill) for name, fill in fills.items()]
    found += [(f"detail on {name}", palette.muted, fill) for name, fill in fills.items()]
    found += [(f"text on heat {step}", palette.text, fill) for step, fill in enumerate(palette.heat)]
    found += [(f"the word {state}", palette.on_state, colour) for state, colour in palette.states.items()]
    return [*found, ("a fact", palette.text, palette.pill)]


def lines(palette: Palette) -> list[tuple[str, str, str]]:
    """What is seen, and on what."""
    found = [(f"border of {state}", colour, palette.surface) for state, colour in palette.states.items()]
    found += [(f"icon of {family}", tint.accent, tint.fill) for family, tint in palette.tints.items()]
    for name in ("edge", "taken", "failure"):
        found += [
            (f"{name} on {what}", getattr(palette, name), getattr(palette, what)) for what in ("surface", "frame")
        ]
    return found


@pytest.mark.parametrize("theme", PALETTES)
def test_every_text_can_be_read(theme: str) -> None:
    assert [name for name, colour, on in texts(PALETTES[theme]) if contrast(colour, on) < 4.5] == []


@pytest.mark.parametrize("theme", PALETTES)
def test_every_line_can_be_seen(theme: str) -> None:
    assert [name for name, colour, on in lines(PALETTES[theme]) if contrast(colour, on) < 3] == []
