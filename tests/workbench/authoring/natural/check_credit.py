"""Asks three bureaus and takes the first that answers."""

from armillary import branch, call, parallel, workflow


@workflow
def check_credit(person: str) -> int:
    score = 0
    with parallel(join="any"):
        with branch("north"):
            score = call("north/score", person=person)
        with branch("south"):
            score = call("south/score", person=person)
    return score
