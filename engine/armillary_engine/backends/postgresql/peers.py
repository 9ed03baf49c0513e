"""Who has the store open on this machine and lives: then a dead worker's leases need not run out.

An owner's name begins with what tells machines (and containers) apart, and its process. Of other machines nothing is
known before a lease ends."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Collection, Iterable
from hashlib import blake2b
from pathlib import Path

OWNERS = "SELECT owner FROM messages WHERE owner IS NOT NULL UNION SELECT owner FROM calls WHERE owner IS NOT NULL"


def _machine() -> str:
    """The same for all processes that see each other's numbers, and for no others: also not after a restart."""
    known = [socket.gethostname()]
    for place in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        path = Path(place)
        try:
            known.append(str(path.readlink()) if path.is_symlink() else path.read_text())
        except OSError:
            continue
    return blake2b("\0".join(known).encode(), digest_size=6).hexdigest()


MACHINE = _machine()


def new_owner() -> str:
    """A name that no other opening of the store ever has."""
    return f"{MACHINE}-{os.getpid()}-{secrets.token_hex(6)}"


def dead(owners: Iterable[str]) -> Collection[str]:
    """Those of ``owners`` whose process on this machine is gone."""
    return [owner for owner in owners if not _may_live(owner)]


def _may_live(owner: str) -> bool:
    machine, _, rest = owner.partition("-")
    number = rest.partition("-")[0]
    if machine != MACHINE or not number.isdigit() or os.name != "posix":
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
