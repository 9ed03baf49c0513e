"""``armillary worker``"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from .output import opened, url_option
from .services import handler_of


@click.command(short_help="Work on a store until it is stopped.")
@click.option(
    "--service",
    "services",
    multiple=True,
    metavar="NAME=FILE.py:FUNCTION",
    help="Answer calls to the service NAME with FUNCTION(request); may be repeated.",
)
@click.option(
    "--processes", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
    help="Work in N processes: one for each core that may be used.",
)  # fmt: skip
@url_option
def worker(services: tuple[str, ...], processes: int, url: str | None) -> None:
    """Work on a store until it is stopped: take instances on, fire timers, answer calls.

    Ctrl+C or SIGTERM stops it: it finishes what it has in hand and gives the rest back. With --processes, one that
    dies is started again.
    """
    handlers = [handler_of(text) for text in services]
    if processes > 1:
        from .processes import supervise

        supervise(services, processes, url)
        return
    with stopping() as stop, opened(url, make=True, work=True) as runtime:
        for name, handler in handlers:
            runtime.register_service(name, handler)
        offers = ", ".join(sorted(name for name, _ in handlers))
        click.echo(f"working; answers {offers}" if offers else "working; answers no service", err=True)
        stop.wait()
        click.echo("stopping", err=True)
    click.echo("stopped", err=True)


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that Ctrl+C and SIGTERM set."""
    stop = threading.Event()
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
