"""Ids of instances and signals: short, unguessable, and in order of time, so that new rows lie side by side."""

from __future__ import annotations

import os
import re

from .definition.problems import ArmillaryError

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_ALLOWED = re.compile(r"[^\x00-\x20/:~\x7f]{1,200}")


def new_id(now: int) -> str:
    """Ten digits of time (to the millisecond) and ten of chance, in Crockford's base 32."""
    return _base32(now // 1000, 10) + _base32(int.from_bytes(os.urandom(7), "big") >> 6, 10)


_PAIRS = [high + low for high in _DIGITS for low in _DIGITS]


def _base32(number: int, width: int) -> str:
    pairs = [_PAIRS[number >> shift & 1023] for shift in range(5 * width - 10, -1, -10)]
    return "".join(pairs)


def check_id(text: str) -> str:
    """An id that a caller chose. Raises ``instance.id-invalid``."""
    if not _ALLOWED.fullmatch(text):
        hint = "leave out blanks, '/', ':' and '~': ids of children and tokens are made with them"
        raise ArmillaryError(
            "instance.id-invalid", f"expected an id of 1 to 200 characters, got {text[:60]!r}", hint=hint
        )
    return text
