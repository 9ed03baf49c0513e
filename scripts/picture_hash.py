"""Prints a hash of every picture of the gallery, in each direction: the same on every Python, or layouts differ.

    python scripts/picture_hash.py [FOLDER…]

Folders are put in front of where Python looks for modules.
"""

from __future__ import annotations

import hashlib
import sys


def picture_hash() -> str:
    """Of placed diagrams and SVG, with all details, wrapped and not."""
    from armillary_renderers.gallery import GALLERY
    from armillary_renderers.render import render

    found = hashlib.sha256()
    for definition in GALLERY.values():
        for direction in ("down", "right", "left"):
            for wrap in (0, 12):
                picture = render(definition, direction=direction, detail="full", wrap=wrap)  # type: ignore[arg-type]
                found.update(picture.placed.to_json().encode() + picture.svg.encode())
    return found.hexdigest()


if __name__ == "__main__":
    sys.path[:0] = sys.argv[1:]
    print(picture_hash())
