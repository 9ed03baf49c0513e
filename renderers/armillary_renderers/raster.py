"""SVG → PNG (resvg) and PDF (CairoSVG), with optional packages and without a browser."""

from __future__ import annotations

from typing import Literal

from armillary_engine.definition.problems import ArmillaryError


def rasterize(svg: str, form: Literal["png", "pdf"], *, scale: int = 2) -> bytes:
    """PNG at ``scale`` pixels a CSS pixel, or PDF with selectable text. Raises ``render.no-rasterizer``.

    Rasterizers know no media queries: a picture with ``theme="auto"`` comes out light.
    """
    return _png(svg, scale) if form == "png" else _pdf(svg)


def _png(svg: str, scale: int) -> bytes:
    try:
        import resvg_py  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as missing:
        raise _refusal("png", "resvg-py", "pip install resvg-py") from missing
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, zoom=scale))


def _pdf(svg: str) -> bytes:
    try:
        import cairosvg  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except (ImportError, OSError) as missing:  # OSError: the package is there, the library libcairo is not
        remedy = "pip install cairosvg, and libcairo2 with your system's packages"
        raise _refusal("pdf", "cairosvg", remedy) from missing
    return cairosvg.svg2pdf(bytestring=svg.encode()) or b""


def _refusal(form: str, package: str, remedy: str) -> ArmillaryError:
    message = f"expected the package {package} for a .{form} file, found none that works"
    return ArmillaryError("render.no-rasterizer", message, hint=f"{remedy}; or save as .svg")
