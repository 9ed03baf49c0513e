"""The working copy that `make lab` and `armillary lab` open, and how the server is started."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from armillary import lab
from armillary_engine.definition.problems import ArmillaryError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "originals"
    (folder / "data").mkdir(parents=True)
    (folder / "first.ipynb").write_text("one")
    (folder / "data" / "rates.json").write_text("{}")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "first.ipynb").write_text("old")
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "a working copy"


def test_everything_visible_is_copied(source: Path, copy: Path) -> None:
    assert lab.copy_notebooks(source, copy) == []
    names = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert names == {"first.ipynb", "data/rates.json", lab.RECORD}


def test_a_changed_copy_is_kept_and_said_once_the_original_is_newer(source: Path, copy: Path) -> None:
    lab.copy_notebooks(source, copy)
    (copy / "first.ipynb").write_text("mine")
    assert lab.copy_notebooks(source, copy) == []
    (source / "first.ipynb").write_text("two")
    lines = lab.copy_notebooks(source, copy)
    assert lines == ["first.ipynb: kept as you changed it; rename it to get the newer original"]
    assert (copy / "first.ipynb").read_text() == "mine"
    assert len(lab.copy_notebooks(source, copy)) == 1


def test_an_untouched_copy_follows_its_original(source: Path, copy: Path) -> None:
    lab.copy_notebooks(source, copy)
    (source / "first.ipynb").write_text("two")
    assert lab.copy_notebooks(source, copy) == []
    assert (copy / "first.ipynb").read_text() == "two"


def test_a_removed_copy_comes_back(source: Path, copy: Path) -> None:
    lab.copy_notebooks(source, copy)
    (copy / "first.ipynb").unlink()
    lab.copy_notebooks(source, copy)
    assert (copy / "first.ipynb").read_text() == "one"


@pytest.mark.parametrize("record", [None, "not JSON", "[]", '{"first.ipynb": 3}'])
def test_without_a_readable_record_no_change_is_overwritten(source: Path, copy: Path, record: str | None) -> None:
    lab.copy_notebooks(source, copy)
    (copy / "first.ipynb").write_text("mine")
    (copy / lab.RECORD).unlink() if record is None else (copy / lab.RECORD).write_text(record)
    assert len(lab.copy_notebooks(source, copy)) == 1
    assert (copy / "first.ipynb").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_a_sentence(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArmillaryError, match="expected a folder that can be written") as caught:
        lab.copy_notebooks(source, tmp_path / "file" / "below")
    assert caught.value.code == "lab.directory-not-writable"


def test_a_taken_port_is_a_sentence() -> None:
    with socket.socket() as holder:
        holder.bind((lab.LOOPBACK, 0))
        holder.listen()
        with pytest.raises(ArmillaryError, match="expected a free port") as caught:
            lab.require_free(holder.getsockname()[1])
    assert caught.value.code == "lab.port-taken"


@pytest.mark.parametrize("port", [0, -1, 65536, 10**9])
def test_what_is_no_port_is_a_sentence(port: int) -> None:
    with pytest.raises(ArmillaryError, match="no such port"):
        lab.require_free(port)


@pytest.mark.parametrize(
    ("environment", "platform", "shown"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ""}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": ":0", "CI": "true"}, "linux", False),
        ({}, "darwin", True),
        ({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, "darwin", False),
    ],
)
def test_a_browser_opens_only_where_it_can_be_seen(environment: dict[str, str], platform: str, shown: bool) -> None:
    assert lab.has_display(environment, platform) is shown


def wait_until_it_listens(address: str, process: subprocess.Popen[str]) -> None:
    """The server prints its address a moment before it listens; a connection refused until then costs nothing."""
    host, _, port = address.removeprefix("http://").partition(":")
    while process.poll() is None:
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
        except ConnectionRefusedError:
            continue
        return


def ask(address: str, token: str, path: str) -> dict[str, Any]:
    request = urllib.request.Request(f"{address}/{path}", headers={"Authorization": f"token {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


@pytest.mark.require("jupyterlab")
def test_the_server_listens_on_the_loopback_and_keeps_its_token(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("JUPYTER")}
    environment |= {"HOME": str(tmp_path / "home"), "CI": "true"}
    process = subprocess.Popen(
        [sys.executable, "-m", "armillary.lab", "--directory", str(tmp_path / "work")],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        url = next(line.split()[-1] for line in process.stderr if "token=" in line)
        address, token = url.split("/lab")[0], url.split("token=")[1]
        assert address.startswith("http://127.0.0.1:")
        wait_until_it_listens(address, process)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}/api/contents", timeout=10)
        refused.value.close()
        assert refused.value.code == 403
        listed = {entry["name"] for entry in ask(address, token, "api/contents")["content"]}
        assert {path.name for path in lab.originals().glob("*.ipynb")} <= listed
        settings = ask(address, token, "lab/api/settings/@jupyterlab/apputils-extension:notification")
        assert settings["schema"]["properties"]["fetchNews"]["default"] == "false"
    finally:
        process.terminate()
        process.communicate(timeout=30)
