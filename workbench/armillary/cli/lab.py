"""``armillary lab``"""

from __future__ import annotations

import click


@click.command()
@click.option("--port", type=int, help="This port; without it 8888 or the next free one.")
@click.option("--directory", metavar="FOLDER", help="The folder for the working copies.")
@click.option("--browser/--no-browser", default=None, help="Open a browser, or only print the URL.")
def lab(port: int | None, directory: str | None, browser: bool | None) -> int:
    """JupyterLab on a working copy of the guided notebooks."""
    from ..lab import main

    return main(port, directory, browser=browser)
