"""Definitions made from a seed: every kind of step in every other, fast, and the same for ever for the same seed.

All of them validate without an error. The id of a step begins with its kind (``fork-7``), so that an event tells it.
Waits are short and their answers known, so that whoever drives an instance can bring it to its end.
"""

from __future__ import annotations

from random import Random

from ...definition.expressions import Functions, user_function
from ...definition.model import Definition
from .maker import KEYS, KINDS, SERVICES, SIGNALS, Budget, Maker

FUNCTIONS: Functions = {"twice@1": user_function(lambda number: number * 2, major=1, name="twice")}
"""What some definitions call, and some processes lack for a while."""


def kind_of(step: str) -> str:
    """The kind of a step that was made here."""
    return step.partition("-")[0]


def make_definitions(random: Random, *, count: int = 3, steps: int = 14) -> list[Definition]:
    """So many definitions of about so many steps; each may run or continue with the ones before it, and with itself."""
    made: list[Definition] = []
    for number in range(count):
        budget = Budget(random.randint(steps // 2, steps))
        maker = Maker(random, f"W{number}", [one.name for one in made], budget, special=random.random() < 0.25)
        made.append(maker.definition())
    return made


__all__ = ["FUNCTIONS", "KEYS", "KINDS", "SERVICES", "SIGNALS", "kind_of", "make_definitions"]
