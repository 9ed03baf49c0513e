"""``armillary signals …``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click

from .output import AGE, duration, json_option, opened, page_options, print_json, print_table, read_json, url_option

if TYPE_CHECKING:
    from armillary_engine.operations import SignalStatus


@click.group()
def signals() -> None:
    """What is told to workflows that wait for it."""


@signals.command("raise")
@click.argument("name")
@click.option("--match", "match_text", default="null", metavar="JSON", help="What the wait's match must equal.")
@click.option("--payload", default="null", metavar="JSON|@FILE", help="What it carries.")
@click.option("--instance", metavar="ID", help="Only to this instance, in place of --match.")
@click.option("--id", "id_", metavar="TEXT", help="The sender's id: the same one twice is one signal.")
@click.option("--ttl", metavar="DURATION", help=f"Keep it so long for a wait; 30 days without it. {AGE}")
@click.option("--everybody", is_flag=True, help="To every wait that is open now; it is not kept for later ones.")
@json_option
@url_option
def raise_signal(
    name: str, match_text: str, payload: str, instance: str | None, id_: str | None, ttl: str | None, everybody: bool,
    as_json: bool, url: str | None,
) -> None:  # fmt: skip
    """Send a signal: to the oldest wait for NAME with an equal match, or kept until there is one."""
    match, value = read_json(match_text, option="--match"), read_json(payload, option="--payload")
    mode: Literal["one", "all"] = "all" if everybody else "one"
    life = duration(ttl)
    seconds = None if life is None else life.total_seconds()
    with opened(url, work=True) as runtime:
        sent = runtime.signal(name, value, match=match, instance=instance, id=id_, mode=mode, ttl=seconds)
    if as_json:
        print_json({"id": sent, "name": name})
    else:
        click.echo(f"sent {name} as {sent}; armillary signals explain {sent} says what became of it")


@signals.command("list")
@click.option("--name", metavar="NAME", help="Only signals of this name.")
@click.option("--status", type=click.Choice(["kept", "taken", "told", "unmatched"]), help="Only with this status.")
@click.option("--instance", metavar="ID", help="Only those that were sent to this instance.")
@page_options
@json_option
@url_option
def list_signals(
    name: str | None, status: SignalStatus | None, instance: str | None, after: str | None, limit: int, as_json: bool,
    url: str | None,
) -> None:  # fmt: skip
    """Signals that were sent, oldest first."""
    from armillary_engine.queries import SignalQuery

    from ..operating import SIGNAL_HEADINGS, signal_row

    with opened(url) as runtime:
        views = runtime.signals(SignalQuery(name=name, status=status, instance=instance, after=after, limit=limit))
    if as_json:
        print_json(list(views))
    else:
        print_table(SIGNAL_HEADINGS, [signal_row(view) for view in views], empty="no signals")


@signals.command()
@click.argument("id")
@json_option
@url_option
def explain(id: str, as_json: bool, url: str | None) -> None:
    """Why a signal matched, or has not matched yet."""
    from ..operating import Explanation

    with opened(url) as runtime:
        found = runtime.explain(id)
    if as_json:
        print_json(found)
    else:
        click.echo(repr(Explanation(found)))
