"""Asks three bureaus and takes the first that answers."""

from armillary import branch, call, parallel, workflow


@workflow
def check_credit(person: str) -> int:
    north, south = None, None
    with parallel(join="any"):
        with branch("north"):
            north = call("north/score", person=person)
        with branch("south"):
            south = call("south/score", person=person)
    return north if north is not None else south
