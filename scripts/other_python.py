"""Prints a Python that suits Armillary and is of another version than this one, or this one where there is no other."""

from __future__ import annotations

import shutil
import subprocess
import sys

PROBE = "import sqlite3, ssl, sys, venv; print('%d.%d' % sys.version_info[:2])"


def main() -> str:
    """The newest other Python found on the PATH (and among those that pyenv keeps), else this one."""
    own = "{}.{}".format(*sys.version_info[:2])
    for version in ("3.13", "3.12", "3.11"):
        if version != own:
            for candidate in candidates(version):
                done = subprocess.run([candidate, "-c", PROBE], capture_output=True, text=True, check=False)
                if done.stdout.strip() == version:
                    return candidate
    return sys.executable


def candidates(version: str) -> list[str]:
    """Where a Python of this version may be."""
    found = shutil.which(f"python{version}")
    places = [found] if found else []
    if pyenv := shutil.which("pyenv"):
        done = subprocess.run([pyenv, "prefix", version], capture_output=True, text=True, check=False)
        places += [f"{prefix}/bin/python{version}" for prefix in done.stdout.strip().split(":") if prefix]
    return [place for place in places if shutil.which(place)]


if __name__ == "__main__":
    print(main())
