"""A slice: all that becomes true together after one trigger."""

from __future__ import annotations

import msgspec

from .commands import Command, Event
from .snapshot import Snapshot


class Slice(msgspec.Struct, frozen=True, gc=False):
    """What :func:`.interpret.interpret` gives; a mutation commits all of it or none."""

    snapshot: Snapshot
    events: tuple[Event, ...]
    commands: tuple[Command, ...]
    steps: tuple[str, ...]
    """The steps where the instance stands; the failed one, if it failed."""
    resting: bool
    """It waits only for somebody or something outside: no call is under way, no timer or back-off runs, nothing is
    ready; or it has ended, or is suspended."""
