"""``python -m armillary``: the command line."""

from .cli import main

main()
