"""``armillary db …``"""

from __future__ import annotations

import click
from armillary_engine.definition.problems import ArmillaryError

from .output import Found, Refused, chosen_url, json_option, opened, print_fields, print_json, print_table, url_option


@click.group("db")
def database() -> None:
    """The store itself."""


@database.command()
@json_option
@url_option
def check(as_json: bool, url: str | None) -> None:
    """Whether all holds that must hold: no instance without a reason to wake, no orphans, no gaps."""
    with opened(url) as runtime:
        defects = runtime.check()
    if as_json:
        print_json(list(defects))
    else:
        rows = [[defect.instance, defect.code, defect.message] for defect in defects]
        print_table(["instance", "code", "defect"], rows, empty="no defects")
    if defects:
        raise Found


@database.command()
@json_option
@url_option
def status(as_json: bool, url: str | None) -> None:
    """Which schema a store has. Ends with 1 where it is not the one of this release."""
    from ..schemas import schema_of

    try:
        found, expected = schema_of(chosen_url(url))
    except ArmillaryError as error:
        raise Refused(error) from None
    stands = _stands(found, expected)
    if as_json:
        print_json({"schema": found, "expected": expected, "status": stands.partition(":")[0]})
    else:
        print_fields([("schema", str(found)), ("expected", str(expected)), ("status", stands)])
    if found != expected:
        raise Found


def _stands(found: int, expected: int) -> str:
    if found == expected:
        return "current"
    if found > expected:
        return "newer: update Armillary"
    if found:
        return "older: make a backup, then run armillary db upgrade"
    return "empty: no store yet; it is made when it is opened first, or by armillary db upgrade"


@database.command()
@json_option
@url_option
def upgrade(as_json: bool, url: str | None) -> None:
    """Bring a store to the schema of this release, in one transaction. Make a backup first."""
    from ..schemas import upgrade_store

    try:
        before, after = upgrade_store(chosen_url(url))
    except ArmillaryError as error:
        raise Refused(error) from None
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        click.echo(f"schema {after} is current; nothing to do")
    else:
        click.echo(f"upgraded from schema {before} to {after}")
