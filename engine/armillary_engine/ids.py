"""Ids of instances and signals: short, unguessable, and in order of time, so that new rows lie side by side. And what
callers may choose as an id, a key or a name."""

from __future__ import annotations

import os
import re

from .definition.problems import ArmillaryError

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_ALLOWED = re.compile(r"[^\x00-\x20/:~\x7f\ud800-\udfff]{1,200}")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


def new_id(now: int) -> str:
    """Ten digits of time (to the millisecond) and ten of chance, in Crockford's base 32."""
    return _base32(now // 1000) + _base32(_chance())


def _chance() -> int:
    """Fifty bits. They are asked for by the hundred: each question gives up the interpreter's lock."""
    try:
        return _CHANCES.pop()
    except IndexError:
        asked = os.urandom(7 * 128)
    chances = [int.from_bytes(asked[at : at + 7], "big") >> 6 for at in range(0, len(asked), 7)]
    found = chances.pop()
    _CHANCES.extend(chances)
    return found


_CHANCES: list[int] = []
if hasattr(os, "register_at_fork"):  # a child must not give the ids of its parent
    os.register_at_fork(after_in_child=_CHANCES.clear)
_PAIRS = [high + low for high in _DIGITS for low in _DIGITS]


def _base32(number: int) -> str:
    """Its lowest fifty bits, in ten digits."""
    return (
        _PAIRS[number >> 40 & 1023] + _PAIRS[number >> 30 & 1023] + _PAIRS[number >> 20 & 1023]
        + _PAIRS[number >> 10 & 1023] + _PAIRS[number & 1023]
    )  # fmt: skip


def check_id(text: str) -> str:
    """An id that a caller chose. Raises ``instance.id-invalid``."""
    if not _ALLOWED.fullmatch(text):
        hint = "leave out blanks, '/', ':' and '~': ids of children and tokens are made with them"
        raise ArmillaryError(
            "instance.id-invalid", f"expected an id of 1 to 200 characters, got {text[:60]!r}", hint=hint
        )
    return text


def check_text(text: str, what: str, *, code: str, at_most: int, empty: bool = False, hint: str = "") -> str:
    """A text that a caller chose, if every store can keep it. Raises an error of this ``code``. ``empty``: it may
    be."""
    if (text or empty) and len(text) <= at_most and not _UNSTORABLE.search(text):
        return text
    length = f"at most {at_most:,}" if empty else f"1 to {at_most:,}"
    message = f"expected {what} of {length} characters, without U+0000 and lone surrogates, got {text[:60]!r}"
    raise ArmillaryError(code, message, hint=hint)
