"""``armillary dead-letters …``"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .output import by_option, json_option, opened, page_options, print_fields, print_json, print_table, url_option

if TYPE_CHECKING:
    from armillary_engine.operations import DeadLetterView


@click.group("dead-letters", short_help="What could not be processed.")
def dead_letters() -> None:
    """What could not be processed: triggers that failed again and again, signals that nobody took."""


@dead_letters.command("list")
@click.option("--instance", metavar="ID", help="Only of this instance.")
@click.option("--all", "every", is_flag=True, help="Those that were replayed or dropped, too.")
@page_options
@json_option
@url_option
def list_dead_letters(
    instance: str | None, every: bool, after: str | None, limit: int, as_json: bool, url: str | None
) -> None:
    """Dead letters, oldest first."""
    from armillary_engine.operations import DeadLetterQuery

    from ..operating import DEAD_LETTER_HEADINGS, dead_letter_row

    query = DeadLetterQuery(instance=instance, status=None if every else "dead", after=after, limit=limit)
    with opened(url) as runtime:
        views = runtime.dead_letters(query)
    if as_json:
        print_json(list(views))
    else:
        print_table(DEAD_LETTER_HEADINGS, [dead_letter_row(view) for view in views], empty="no dead letters")


@dead_letters.command("show")
@click.argument("id")
@json_option
@url_option
def show_dead_letter(id: str, as_json: bool, url: str | None) -> None:
    """A dead letter: what it carried, and what went wrong."""
    with opened(url) as runtime:
        view = runtime.dead_letter(id)
    _tell(view, as_json)


@dead_letters.command()
@click.argument("id")
@by_option("Who decides it.")
@json_option
@url_option
def replay(id: str, by: str | None, as_json: bool, url: str | None) -> None:
    """Send a dead letter again, as a new message."""
    from armillary_engine.runtime import Caller

    with opened(url, work=True) as runtime:
        view = runtime.replay_dead_letter(id, caller=Caller(by))
    _tell(view, as_json)


@dead_letters.command()
@click.argument("id")
@click.option("--reason", default="", metavar="TEXT", help="Why; it is kept.")
@by_option("Who decides it.")
@json_option
@url_option
def drop(id: str, reason: str, by: str | None, as_json: bool, url: str | None) -> None:
    """Give a dead letter up; it stays listed with --all."""
    from armillary_engine.runtime import Caller

    with opened(url) as runtime:
        view = runtime.drop_dead_letter(id, reason=reason, caller=Caller(by))
    _tell(view, as_json)


def _tell(view: DeadLetterView, as_json: bool) -> None:
    from ..words import moment, to_json

    if as_json:
        print_json(view)
        return
    print_fields(
        [
            ("dead letter", view.id),
            ("reason", view.reason),
            ("what", f"{view.kind} {view.name or ''}".rstrip()),
            ("instance", view.instance or ""),
            ("arrived", moment(view.arrived)),
            ("attempts", str(view.attempts)),
            ("error", view.error or ""),
            ("status", view.status),
            ("decided", f"{moment(view.decided)} {view.decided_by or ''}".strip()),
            ("replayed as", view.replayed_as or ""),
            ("carries", "" if view.body is None else to_json(view.body, indent=2)),
        ]
    )
