"""What the commands share: options, how data and errors are printed, and a store for as long as a command needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from armillary_engine.definition.problems import ArmillaryError, DefinitionError

if TYPE_CHECKING:
    from armillary_engine.local import LocalRuntime

F = TypeVar("F", bound=Callable[..., Any])


class Found(Exception):  # noqa: N818 - it is no error of the program
    """Problems were found and told; the command ends with 1."""


class Refused(Exception):  # noqa: N818
    """The runtime refused; the command ends with 3."""

    def __init__(self, error: ArmillaryError) -> None:
        super().__init__(str(error))
        self.error = error


url_option = click.option(
    "--url", envvar="ARMILLARY_URL", metavar="URL", help="The store, such as sqlite:///path.  [env: ARMILLARY_URL]"
)
reveal_option = click.option("--reveal", is_flag=True, help="Show what schemas mark x-sensitive, too.")
_AFTER = "Those that come after this one, the last of the page before."
_LIMIT = "At most this many."


def page_options(command: F) -> F:
    """``--after`` and ``--limit``: a page of a list."""
    limited = click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help=_LIMIT)
    return click.option("--after", metavar="ID", help=_AFTER)(limited(command))


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


AGE = "A duration: 90d, 12h, P90D."


def duration(text: str | None) -> timedelta | None:
    """A duration that was given as an option. Raises ``duration.…``."""
    from armillary_engine.definition.durations import duration_microseconds, parse_duration

    return None if text is None else timedelta(microseconds=duration_microseconds(parse_duration(text)))


def by_option(text: str) -> Callable[[F], F]:
    """``--by NAME``: who does it."""
    return click.option("--by", metavar="NAME", help=text)


@contextmanager
def opened(url: str | None, *, make: bool = False, work: bool = False) -> Iterator[LocalRuntime]:
    """The engine on a store, closed at the end. It takes instances on only where it is to ``work``.

    Without ``make``, a store that is not there is no store.

    What the runtime refuses becomes :class:`Refused`; a definition with problems and a wrong URL stay what they are.
    """
    from armillary_engine.local import LocalRuntime

    chosen = chosen_url(url, make=make)
    try:
        with LocalRuntime(chosen, work=work) as runtime:
            yield runtime
    except DefinitionError:
        raise
    except ArmillaryError as error:
        raise Refused(error) from None


def chosen_url(url: str | None, *, make: bool = False) -> str:
    """The store that is meant, as a normal URL. Without ``make``, it has to be there."""
    from ..stores import default_url, normal_url

    chosen = normal_url(url or default_url())
    if not make:
        _require_there(chosen)
    return chosen


def _require_there(url: str) -> None:
    path = Path(url.removeprefix("sqlite:///").partition("?")[0])
    if url.startswith("sqlite:///") and not path.exists():
        raise Refused(
            ArmillaryError(
                "store.missing",
                f"expected a store at {path}, got no such file",
                hint="correct --url or ARMILLARY_URL, or make a store: armillary run, armillary definitions deploy",
            )
        )


def read_json(text: str, *, option: str) -> Any:
    """The value of an option that takes JSON, ``@FILE`` with JSON in it, or ``-`` for standard input; numbers exact."""
    from armillary_engine.definition.codec import loads

    source = text
    try:
        if text == "-":
            source = sys.stdin.read()
        elif text.startswith("@"):
            source = Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise click.UsageError(f"{option}: cannot read {text[1:]}: {reason}") from None
    try:
        return loads(source)
    except ArmillaryError as error:
        raise click.UsageError(f"{option}: {error.message}; write JSON, such as '{{\"amount\": 12000.50}}'") from None


def print_json(data: Any) -> None:
    """``data`` (views and values) as JSON, numbers exact, times as ISO 8601."""
    from armillary_engine.definition.codec import normalize

    from ..words import to_json

    click.echo(to_json(normalize(data), indent=2))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Aligned columns, the headings bold on a terminal; a sentence where there are no rows."""
    from ..tables import text_table

    if not rows:
        click.echo(empty)
        return
    heading, *lines = text_table(headings, rows).split("\n")
    click.echo("\n".join([styled(heading, bold=True), *lines]), color=True)


def print_fields(fields: Sequence[tuple[str, str]]) -> None:
    """``name  value`` lines, aligned; those without a value are left out; a value of several lines is indented."""
    from ..tables import printable

    shown = [(name, value) for name, value in fields if value]
    width = max(len(name) for name, _ in shown)
    for name, value in shown:
        lines = [printable(line) for line in value.split("\n")]
        click.echo(f"{styled(name.ljust(width), dim=True)}  " + f"\n{' ' * (width + 2)}".join(lines))


def styled(text: str, **style: Any) -> str:
    """``text`` with a style, where standard output is a terminal and NO_COLOR is not set."""
    return click.style(text, **style) if on_terminal() and not os.environ.get("NO_COLOR") else text


def on_terminal() -> bool:
    """Whether a person reads standard output as it comes."""
    return sys.stdout.isatty()


def complain(error: ArmillaryError) -> None:
    """An error on stderr: what was expected, what was got, what to do."""
    click.echo(f"armillary: {error}", err=True)


def write(text: str | bytes, target: Path | None) -> None:
    """To the file ``target``, whole or not at all, or to standard output."""
    content = text.encode() if isinstance(text, str) else text
    if target is None:
        click.echo(text, nl=not content.endswith(b"\n"))
        return
    partial = target.with_name(f".{target.name}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(target)
    except OSError as error:
        raise click.UsageError(f"cannot write {target}: {error.strerror}") from None
