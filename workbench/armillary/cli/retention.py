"""``armillary retention …``"""

from __future__ import annotations

import click

from .output import AGE, duration, json_option, opened, print_fields, print_json, url_option


@click.group()
def retention() -> None:
    """What is over goes after a while, and long histories are trimmed."""


@retention.command()
@click.option("--ended", metavar="AGE", help=f"Remove instances that ended longer ago. {AGE}")
@click.option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(["completed", "failed", "cancelled"]),
    help="Only those that ended so; may be repeated. All three without it.",
)
@click.option("--history", metavar="AGE", help="Put older events of each instance together in one checkpoint.")
@click.option(
    "--keep-events", type=click.IntRange(min=1), default=100, show_default=True, help="Never trim the last N."
)
@click.option("--settled", metavar="AGE", help="Remove signals and decisions about dead letters that are over.")
@click.option("--dry-run", is_flag=True, help="Change nothing; tell how much would go.")
@json_option
@url_option
def run(
    ended: str | None, statuses: tuple[str, ...], history: str | None, keep_events: int, settled: str | None,
    dry_run: bool, as_json: bool, url: str | None,
) -> None:  # fmt: skip
    """Remove and trim what is older than its age, in batches, beside all other work.

    Nothing is touched whose age is not given. Only one run at a time works on a store; a second one is refused.
    Whatever lives stays, and so does what is above or below it, and whatever has an undecided dead letter.
    """
    from armillary_engine.retention import ENDED, RetentionPolicy

    if ended is history is settled is None:
        raise click.UsageError("expected at least one age, got none; write for example --ended 90d")
    policy = RetentionPolicy(
        ended=duration(ended), statuses=frozenset(statuses) or ENDED, history=duration(history),
        keep_events=keep_events, settled=duration(settled),
    )  # fmt: skip
    with opened(url) as runtime:
        report = runtime.run_retention(policy, dry_run=dry_run)
    if as_json:
        print_json(report)
        return
    would = "would be " if dry_run else ""
    print_fields([
        ("instances", f"{report.instances:,} {would}removed"),
        ("histories", f"{report.trimmed:,} {would}trimmed, by {report.events:,} events"),
        ("settled", f"{report.settled:,} signals and decisions {would}removed"),
    ])  # fmt: skip
