"""JupyterLab on a working copy of the guided notebooks: what ``armillary lab`` and ``make lab`` start."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from armillary_engine.definition.problems import ArmillaryError

DEFAULT_DIRECTORY = "armillary-notebooks"
FIRST_NOTEBOOK = "00_first_workflow.ipynb"
RECORD = ".armillary-originals.json"
"""In the working folder: the digest of each original as it was last copied, to tell a person's changes from ours."""
LOOPBACK = "127.0.0.1"
LAB_CONFIG = Path(__file__).with_name("lab_config")
"""Defaults, below a person's own settings: JupyterLab fetches no news and does not ask whether it may."""


def main(port: int | None = None, directory: str | Path | None = None, *, browser: bool | None = None) -> int:
    """Opens JupyterLab on a working copy of the guided notebooks and serves until it is stopped; gives the exit code.

    ``directory`` (``armillary-notebooks`` by default) takes the copies; a copy that a person changed is never
    overwritten. The server listens on the loopback only and asks for its token; without ``port`` it takes 8888 or the
    next free one. ``browser`` is opened where there is a display, unless told. Raises ``ArmillaryError`` where
    JupyterLab is missing, the folder cannot be written or the port is taken.
    """
    folder = Path(directory or DEFAULT_DIRECTORY).expanduser().resolve()
    arguments = server_arguments(folder, port=port, browser=has_display(os.environ) if browser is None else browser)
    try:
        from jupyterlab.labapp import LabApp
    except ImportError:
        raise ArmillaryError(
            "lab.not-installed",
            f"expected JupyterLab in {sys.prefix}, got none",
            hint="Install it: pip install 'armillary[lab]'",
        ) from None
    if port is not None:
        require_free(port)
    for line in copy_notebooks(originals(), folder):
        print(line, flush=True)
    print(f"JupyterLab on {folder} (Ctrl-C twice stops it)", flush=True)
    # A kernel of the same name that a person installed for another Python must not win over this environment's.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    paths = [str(LAB_CONFIG), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    LabApp.launch_instance(argv=arguments)
    return 0


def originals() -> Path:
    """The folder of the guided notebooks: inside the installed package, or beside the packages in a checkout."""
    here = Path(__file__).resolve().parent
    for folder in (here / "notebooks", here.parents[1] / "notebooks"):
        if folder.is_dir():
            return folder
    raise ArmillaryError(
        "lab.no-notebooks",
        f"expected the guided notebooks in {here / 'notebooks'}, got no such folder",
        hint="Install Armillary again: pip install --force-reinstall 'armillary[lab]'",
    )


def copy_notebooks(source: Path, folder: Path) -> list[str]:
    """Copies what is new in ``source`` to ``folder``; gives a line for each file where a person should know.

    A copy is refreshed from its original only while nobody changed it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        copied = _read_record(folder / RECORD)
        lines: list[str] = []
        for path in sorted(path for path in source.rglob("*") if path.is_file() and not _is_hidden(path, source)):
            name = path.relative_to(source).as_posix()
            current, target = _digest(path), folder / name
            if target.exists() and _digest(target) not in (current, copied.get(name)):
                if copied.get(name) != current:
                    lines.append(f"{name}: kept as you changed it; rename it to get the newer original")
                continue
            if not target.exists() or _digest(target) != current:
                _write(target, path.read_bytes())
            copied[name] = current
        _write(folder / RECORD, json.dumps(copied, indent=1, sort_keys=True).encode())
    except OSError as error:
        raise ArmillaryError(
            "lab.directory-not-writable",
            f"expected a folder that can be written, got {folder} ({error.strerror or error})",
            hint="Name another: armillary lab --directory FOLDER",
        ) from error
    return lines


def server_arguments(folder: Path, *, port: int | None, browser: bool) -> list[str]:
    """What JupyterLab is started with."""
    first = f"/lab/tree/{FIRST_NOTEBOOK}" if (originals() / FIRST_NOTEBOOK).is_file() else "/lab"
    arguments = [
        f"--ServerApp.root_dir={folder}",
        f"--ServerApp.ip={LOOPBACK}",
        f"--LabApp.default_url={first}",
    ]
    if port is not None:
        arguments += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        arguments.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")
    return arguments


def has_display(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a browser can be shown to the person who started this."""
    if environment.get("CI"):
        return False
    if platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in environment
    return any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def require_free(port: int) -> None:
    """Raises ``ArmillaryError`` where ``port`` is no port, or is taken on the loopback."""
    taken: str | None = None
    if not 0 < port < 65536:
        taken = "no such port"
    else:
        with socket.socket() as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError as error:
                taken = error.strerror
    if taken is not None:
        raise ArmillaryError(
            "lab.port-taken",
            f"expected a free port between 1 and 65535, got {port} ({taken})",
            hint="Name another, or none: then 8888 or the next free one is taken",
        )


def _is_hidden(path: Path, source: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(source).parts)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_record(path: Path) -> dict[str, str]:
    """The digests noted at the last copying; without a readable note every copy counts as changed."""
    try:
        noted = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in noted.items()} if isinstance(noted, dict) else {}


def _write(target: Path, content: bytes) -> None:
    """Writes a file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    partial.write_bytes(content)
    partial.replace(target)


def _command_line(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m armillary.lab", description=__doc__)
    parser.add_argument("--port", type=int, help="this port; without it 8888 or the next free one")
    parser.add_argument("--directory", help=f"the folder for the working copies (default: {DEFAULT_DIRECTORY})")
    parser.add_argument("--no-browser", dest="browser", action="store_false", default=None, help="only print the URL")
    chosen = parser.parse_args(arguments)
    try:
        return main(chosen.port, chosen.directory, browser=chosen.browser)
    except ArmillaryError as error:
        print(f"armillary: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(_command_line(sys.argv[1:]))
