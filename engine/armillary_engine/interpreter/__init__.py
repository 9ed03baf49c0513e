"""How one slice runs: ``(program, snapshot, trigger, now, catalogue) -> slice``, pure.

No I/O, no clock, no randomness. :mod:`.interpret` tells the story; :mod:`.triggers` and :mod:`.commands` are what goes
in and what comes out; :mod:`.snapshot` is what is kept in between.
"""

from .checks import check_answer, check_input
from .control import why_not_retry
from .encoding import SnapshotError, decode, encode
from .interpret import InterpretError, interpret
from .program import MissingFunction, Program, prepare
from .replay import replay
from .run import Catalogue, Resolved
from .slice import Slice
from .snapshot import (
    ENDED,
    Chain,
    Parent,
    Position,
    Snapshot,
    child_id,
    new_snapshot,
    next_chain,
    next_id,
    positions,
)  # fmt: skip

__all__ = [
    "ENDED", "Catalogue", "Chain", "InterpretError", "MissingFunction", "Parent", "Position", "Program", "Resolved",
    "Slice", "Snapshot", "SnapshotError", "check_answer", "check_input", "child_id", "decode", "encode", "interpret",
    "new_snapshot", "next_chain", "next_id", "positions", "prepare", "replay", "why_not_retry",
]  # fmt: skip
